// SPDX-License-Identifier: Apache-2.0
#include "tools/gateway/secrets.h"

#include <fmt/format.h>
#include <google/protobuf/descriptor.h>

#include <string>
#include <utility>
#include <vector>

#include "openshell/options/v1/options.pb.h"

namespace holdfast::gateway {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

void Take(std::string name, const std::string& value, model::Secrets::Values& taken) {
  if (value.empty()) return;
  taken.insert_or_assign(std::move(name), support::SecretBytes::CopyOf(value));
  // It lies in a message that we may change; only its reflection has no way to overwrite it.
  support::Wipe(const_cast<char*>(value.data()), value.size());
}

void TakeField(Message& message, const FieldDescriptor& field, const std::string& name,
               model::Secrets::Values& taken) {
  const Reflection& reflection = *message.GetReflection();
  std::string scratch;
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_STRING && field.is_repeated()) {
    for (int i = 0; i < reflection.FieldSize(message, &field); ++i) {
      Take(fmt::format("{}[{}]", name, i),
           reflection.GetRepeatedStringReference(message, &field, i, &scratch), taken);
    }
  } else if (field.cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
    Take(name, reflection.GetStringReference(message, &field, &scratch), taken);
  }
  reflection.ClearField(&message, &field);
}

void TakeAll(Message& message, const std::string& prefix, model::Secrets::Values& taken) {
  const Reflection& reflection = *message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);  // those that are set; maps are repeated entries
  for (const FieldDescriptor* field : fields) {
    const std::string name = prefix + field->name();
    if (field->options().GetExtension(openshell::options::v1::secret)) {
      TakeField(message, *field, name, taken);
    } else if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) {
      continue;
    } else if (field->is_repeated()) {
      for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
        TakeAll(*reflection.MutableRepeatedMessage(&message, field, i),
                fmt::format("{}[{}].", name, i), taken);
      }
    } else {
      TakeAll(*reflection.MutableMessage(&message, field), name + ".", taken);
    }
  }
}

}  // namespace

model::Secrets TakeSecrets(Message& message) {
  model::Secrets::Values taken;
  TakeAll(message, "", taken);
  return model::Secrets(std::move(taken));
}

}  // namespace holdfast::gateway
