// SPDX-License-Identifier: Apache-2.0
//
// Messages as JSON for scripts: field names as in the .proto, in its order, 64-bit numbers as
// numbers (protobuf's own JSON makes strings of them), every field present except messages and
// optionals that are not set, maps sorted by key.
#pragma once

#include <iosfwd>
#include <vector>

#include "google/protobuf/message.h"
#include "nlohmann/json.hpp"
#include "tools/client/command_line.h"

namespace holdfast::client {

using Json = nlohmann::ordered_json;

Json ToJson(const google::protobuf::Message& message);

// The whole document (json: indented; ndjson: on one line) and a newline.
void PrintJson(const Json& document, Output output, std::ostream& out);
// json: an array; ndjson: one element a line.
void PrintJsonList(const std::vector<Json>& elements, Output output, std::ostream& out);

}  // namespace holdfast::client
