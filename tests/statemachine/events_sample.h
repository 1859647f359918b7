// SPDX-License-Identifier: Apache-2.0
//
// One event of every kind with every field set, and random ones. For tests of the codec and of
// whatever else must work for all events.
#pragma once

#include <rapidcheck.h>

#include <vector>

#include "statemachine/model/event.h"

namespace holdfast::tests {

// The same list for ever: its bytes are kept in tests/golden/codec_v1.txt. Append only.
std::vector<model::Event> SampleEvents();

// Any event, all fields random.
rc::Gen<model::Event> AnyEvent();

}  // namespace holdfast::tests
