// SPDX-License-Identifier: Apache-2.0
//
// Removes from a message every field that its contract marks as secret, however deep. The first
// thing that happens to a request at the edge: no log, journal or extension can leak what it never
// saw. A re-create after a crash is never needed (an unfinished create is undone), so nothing is
// kept.
#pragma once

#include <google/protobuf/message.h>

#include <cstddef>

namespace holdfast::gateway {

// Returns how many values were removed.
std::size_t StripSecrets(google::protobuf::Message& message);

}  // namespace holdfast::gateway
