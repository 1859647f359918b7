// SPDX-License-Identifier: Apache-2.0
#include "tools/gateway/secrets.h"

#include <google/protobuf/descriptor.h>

#include <vector>

#include "openshell/options/v1/options.pb.h"

namespace holdfast::gateway {

std::size_t StripSecrets(google::protobuf::Message& message) {
  using google::protobuf::FieldDescriptor;
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);  // those that are set; maps are repeated entries
  std::size_t removed = 0;
  for (const FieldDescriptor* field : fields) {
    if (field->options().GetExtension(openshell::options::v1::secret)) {
      reflection.ClearField(&message, field);
      ++removed;
    } else if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) {
      continue;
    } else if (field->is_repeated()) {
      for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
        removed += StripSecrets(*reflection.MutableRepeatedMessage(&message, field, i));
      }
    } else {
      removed += StripSecrets(*reflection.MutableMessage(&message, field));
    }
  }
  return removed;
}

}  // namespace holdfast::gateway
