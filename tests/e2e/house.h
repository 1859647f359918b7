// SPDX-License-Identifier: Apache-2.0
//
// One installation in a directory of its own: configuration, state, socket, a gateway, and the
// command lines that ask it. A test of `InHouse` ends with everything deleted and nothing left: no
// process, no lease, no directory, and a journal that is in order.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/e2e/api.h"
#include "tests/e2e/child.h"
#include "tests/e2e/eventually.h"
#include "tests/e2e/gateway_process.h"
#include "tests/e2e/world.h"
#include "tests/support/temp_dir.h"

namespace holdfast::e2e {

// What a command line did.
struct Ran {
  int code = -1;
  std::string out;
  std::string err;
};

// Runs until it is stopped, and ends at once when it is asked to.
std::vector<std::string> Forever();

// `env` and `ipam` in the chain, the driver `process` without bubblewrap: the same on every host.
std::string UsualConfig();

class House {
 public:
  House();
  ~House();  // kills what is left

  std::string File(const std::string& name) const { return dir_.File(name); }
  const std::string& state() const { return state_; }
  const std::string& socket() const { return socket_; }
  const std::string& journal() const { return journal_; }
  // Where the configuration puts it, when not in the state directory.
  void SetJournal(const std::string& path) { journal_ = path; }
  void Configure(const std::string& toml) { WriteFile(File("gateway.toml"), toml); }

  // Starts another one without waiting.
  std::unique_ptr<GatewayProcess> Launch(
      const std::string& socket, const std::map<std::string, std::string>& environment = {});
  // Starts the house's own and waits until it is ready; fails the test when it does not get there.
  void Start(const std::map<std::string, std::string>& environment = {});
  GatewayProcess& gateway() { return *gateway_; }
  bool HasGateway() { return gateway_ != nullptr && gateway_->Running(); }

  Api Connect() const { return Api(socket_); }
  Ran Holdfast(const std::vector<std::string>& words);
  std::unique_ptr<Child> HoldfastLater(const std::vector<std::string>& words);
  Ran JournalCli(const std::vector<std::string>& words);         // asks the gateway
  Ran JournalCliOffline(const std::vector<std::string>& words);  // reads the file
  Ran JournalCliAlone(const std::vector<std::string>& words);    // told of neither

  World Look() { return e2e::Look(state_, gateway_ == nullptr ? 0 : gateway_->pid()); }
  // Deletes every sandbox, ends the gateway and expects that nothing is left. Starts a gateway when
  // none runs, but not if none ever ran.
  void LeaveNothing();

 private:
  std::unique_ptr<Child> RunLater(std::vector<std::string> words);
  Ran Run(std::vector<std::string> words);

  testing::TempDir dir_;
  std::string state_, socket_, journal_;
  std::unique_ptr<GatewayProcess> gateway_;
};

class InHouse : public ::testing::Test {
 protected:
  void TearDown() override {
    if (!IsSkipped()) house_.LeaveNothing();
  }
  House house_;
};

}  // namespace holdfast::e2e
