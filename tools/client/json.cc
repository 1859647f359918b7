// SPDX-License-Identifier: Apache-2.0
#include "tools/client/json.h"

#include <map>
#include <ostream>
#include <string>

#include "absl/strings/escaping.h"

namespace holdfast::client {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

Json Scalar(const Message& message, const FieldDescriptor* field, int index) {
  const Reflection& r = *message.GetReflection();
  const bool many = field->is_repeated();
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return many ? r.GetRepeatedInt32(message, field, index) : r.GetInt32(message, field);
    case FieldDescriptor::CPPTYPE_INT64:
      return many ? r.GetRepeatedInt64(message, field, index) : r.GetInt64(message, field);
    case FieldDescriptor::CPPTYPE_UINT32:
      return many ? r.GetRepeatedUInt32(message, field, index) : r.GetUInt32(message, field);
    case FieldDescriptor::CPPTYPE_UINT64:
      return many ? r.GetRepeatedUInt64(message, field, index) : r.GetUInt64(message, field);
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return many ? r.GetRepeatedDouble(message, field, index) : r.GetDouble(message, field);
    case FieldDescriptor::CPPTYPE_FLOAT:
      return many ? r.GetRepeatedFloat(message, field, index) : r.GetFloat(message, field);
    case FieldDescriptor::CPPTYPE_BOOL:
      return many ? r.GetRepeatedBool(message, field, index) : r.GetBool(message, field);
    case FieldDescriptor::CPPTYPE_ENUM:
      return many ? r.GetRepeatedEnum(message, field, index)->name()
                  : r.GetEnum(message, field)->name();
    case FieldDescriptor::CPPTYPE_STRING: {
      std::string value =
          many ? r.GetRepeatedString(message, field, index) : r.GetString(message, field);
      return field->type() == FieldDescriptor::TYPE_BYTES ? absl::Base64Escape(value) : value;
    }
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return ToJson(many ? r.GetRepeatedMessage(message, field, index)
                         : r.GetMessage(message, field));
  }
  return nullptr;
}

Json Map(const Message& message, const FieldDescriptor* field) {
  const Reflection& r = *message.GetReflection();
  std::map<std::string, Json> sorted;
  for (int i = 0; i < r.FieldSize(message, field); ++i) {
    const Message& entry = r.GetRepeatedMessage(message, field, i);
    const Json key = Scalar(entry, field->message_type()->map_key(), 0);
    sorted[key.is_string() ? key.get<std::string>() : key.dump()] =
        Scalar(entry, field->message_type()->map_value(), 0);
  }
  Json out = Json::object();
  for (auto& [key, value] : sorted) out[key] = std::move(value);
  return out;
}

std::string Dump(const Json& document, int indent) {
  return document.dump(indent, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

Json ToJson(const Message& message) {
  const Reflection& r = *message.GetReflection();
  Json out = Json::object();
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor* field = message.GetDescriptor()->field(i);
    if (field->is_map()) {
      out[field->name()] = Map(message, field);
    } else if (field->is_repeated()) {
      Json list = Json::array();
      for (int k = 0; k < r.FieldSize(message, field); ++k) {
        list.push_back(Scalar(message, field, k));
      }
      out[field->name()] = std::move(list);
    } else if (!field->has_presence() || r.HasField(message, field)) {
      out[field->name()] = Scalar(message, field, 0);
    }
  }
  return out;
}

void PrintJson(const Json& document, Output output, std::ostream& out) {
  out << Dump(document, output == Output::kNdjson ? -1 : 2) << "\n";
}

void PrintJsonList(const std::vector<Json>& elements, Output output, std::ostream& out) {
  if (output == Output::kJson) {
    PrintJson(Json(elements), output, out);
    return;
  }
  for (const Json& element : elements) out << Dump(element, -1) << "\n";
}

}  // namespace holdfast::client
