// SPDX-License-Identifier: Apache-2.0
//
// Takes out of a message every field that its contract marks as secret, however deep. The first
// thing that happens to a request at the edge: no log, journal or extension can leak what it never
// saw. What a create needs goes on beside the spec (model::Secrets), to the engine.
#pragma once

#include <google/protobuf/message.h>

#include "statemachine/model/secrets.h"

namespace holdfast::gateway {

// The texts and bytes that were marked, each under its field's path from the message on
// ("sandbox.spec.sandbox_token", "sandboxes[2].spec.sandbox_token"), and wiped in the message. A
// marked field of another type is removed and not taken. Fields that are empty are not there.
model::Secrets TakeSecrets(google::protobuf::Message& message);

}  // namespace holdfast::gateway
