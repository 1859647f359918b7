// SPDX-License-Identifier: Apache-2.0
//
// Holds the OpenShell contract fast: every name, number and type, as text, against a golden file. A
// difference is a break on the wire unless it is an addition. Rewrite it with HOLDFAST_REWRITE=1.
#include <fmt/format.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/dynamic_message.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include "openshell/compute/v1/compute_driver.pb.h"
#include "openshell/options/v1/options.pb.h"

namespace holdfast::gateway {
namespace {

namespace pb = openshell::compute::v1;
using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::FileDescriptor;

std::string TypeOf(const FieldDescriptor& field) {
  if (field.is_map()) {
    return fmt::format("map<{},{}>", TypeOf(*field.message_type()->map_key()),
                       TypeOf(*field.message_type()->map_value()));
  }
  return field.message_type() != nullptr ? field.message_type()->full_name() : field.type_name();
}

std::string LineOf(const FieldDescriptor& field) {
  std::string line = fmt::format("  {} {}", field.number(), field.name());
  if (field.is_repeated() && !field.is_map()) line += " repeated";
  if (field.real_containing_oneof() != nullptr) {
    line += fmt::format(" oneof={}", field.real_containing_oneof()->name());
  } else if (field.has_optional_keyword()) {
    line += " optional";
  }
  line += " " + TypeOf(field);
  if (field.options().GetExtension(openshell::options::v1::secret)) line += " secret";
  return line + "\n";
}

std::string TextOf(const Descriptor& message) {
  std::string text = fmt::format("message {}\n", message.full_name());
  for (int i = 0; i < message.field_count(); ++i) text += LineOf(*message.field(i));
  for (int i = 0; i < message.reserved_range_count(); ++i) {
    text += fmt::format("  reserved {}..{}\n", message.reserved_range(i)->start,
                        message.reserved_range(i)->end - 1);
  }
  return text;
}

std::string TextOf(const FileDescriptor& file) {
  std::string text;
  for (int i = 0; i < file.service_count(); ++i) {
    text += fmt::format("service {}\n", file.service(i)->full_name());
    for (int j = 0; j < file.service(i)->method_count(); ++j) {
      const auto& method = *file.service(i)->method(j);
      text += fmt::format("  {} {} -> {}{}\n", method.name(), method.input_type()->full_name(),
                          method.server_streaming() ? "stream " : "",
                          method.output_type()->full_name());
    }
  }
  for (int i = 0; i < file.message_type_count(); ++i) text += TextOf(*file.message_type(i));
  for (int i = 0; i < file.extension_count(); ++i) {
    text += fmt::format("extend {}\n", file.extension(i)->containing_type()->full_name()) +
            LineOf(*file.extension(i));
  }
  return text;
}

TEST(OpenShellContract, KeepsEveryNameNumberAndType) {
  const FileDescriptor& file = *pb::DriverSandbox::descriptor()->file();
  std::string text = TextOf(file);
  for (const char* name :
       {"openshell/extension/v1/extension.proto", "openshell/options/v1/options.proto"}) {
    text += TextOf(*file.pool()->FindFileByName(name));
  }
  const std::string path =
      std::string(HOLDFAST_SOURCE_DIR) + "/tests/golden/openshell_contract.txt";
  if (std::getenv("HOLDFAST_REWRITE") != nullptr) std::ofstream(path) << text;

  std::ifstream golden(path);
  std::stringstream expected;
  expected << golden.rdbuf();

  EXPECT_EQ(text, expected.str());
}

TEST(OpenShellContract, KeepsFieldsOfANewerVersion) {
  // A status with field 7, which this version does not declare: number 7, length-delimited, "x".
  pb::DriverSandboxStatus status;
  status.set_sandbox_name("one");
  const std::string bytes = status.SerializeAsString() + "\x3a\x01x";

  pb::DriverSandboxStatus read;
  ASSERT_TRUE(read.ParseFromString(bytes));

  EXPECT_EQ(read.SerializeAsString(), bytes);
}

}  // namespace
}  // namespace holdfast::gateway
