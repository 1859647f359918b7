// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/sim_house.h"

#include <chrono>
#include <thread>
#include <utility>
#include <vector>

#include "statemachine/codec/codec.h"
#include "support/check.h"
#include "tests/simulation/sim_extension.h"

namespace holdfast::simulation {

using std::chrono::milliseconds;

SimHouse::SimHouse() {
  policy.backoff_initial = milliseconds(1);
  policy.backoff_max = milliseconds(4);
}

SimHouse::~SimHouse() {
  if (journal_) Close();
}

void SimHouse::Open() {
  journal::Options journal_options;
  journal_options.path = journal_path();
  journal_options.boot_id = boot_id;
  auto journal = journal::Journal::Open(std::move(journal_options));
  HF_CHECK(journal.ok());
  journal_ = *std::move(journal);
  std::vector<extensions::ChainItem> items;
  if (with_net) {
    extensions::ChainItem item;
    item.extension = MakeSimExtension("net", net_);
    item.config_digest = net_config_digest;
    items.push_back(std::move(item));
  }
  auto chain = extensions::ExtensionChain::Make(std::move(items), plan_limits);
  HF_CHECK(chain.ok());
  chain_ = *std::move(chain);
  std::vector<std::unique_ptr<drivers::Driver>> drivers;
  drivers.push_back(MakeSimDriver(world_, sim));
  engine::Options options;
  options.policy = policy;
  options.boot_id = boot_id;
  options.now = now;
  sealer_ = nullptr;
  if (!key_file.empty()) {
    auto sealer = journal::Sealer::FromKeyFile(key_file);
    HF_CHECK(sealer.ok());
    sealer_ = *std::move(sealer);
  }
  options.sealer = sealer_.get();
  auto engine = engine::Engine::Start(*journal_, *chain_, std::move(drivers), options);
  HF_CHECK(engine.ok());
  engine_ = *std::move(engine);
  HF_CHECK(engine_->WaitRecovered(milliseconds(20'000)));
}

void SimHouse::Close() {
  engine_.reset();
  chain_.reset();
  HF_CHECK(journal_->Close().ok());
  journal_.reset();
}

void SimHouse::Settle() { HF_CHECK(engine_->WaitIdleForTest(milliseconds(20'000))); }

model::Command SimHouse::CreateCommand(const std::string& id, const std::string& request) {
  model::CreateSandbox create;
  create.spec.command = {"true"};
  return {model::SandboxId{id}, request, create};
}

absl::StatusOr<engine::Submitted> SimHouse::Create(const std::string& id,
                                                   const std::string& request) {
  return engine_->SubmitAndWait(CreateCommand(id, request), /*wait=*/true);
}
absl::StatusOr<engine::Submitted> SimHouse::Start(const std::string& id) {
  return engine_->SubmitAndWait({model::SandboxId{id}, "", model::StartSandbox{}}, true);
}
absl::StatusOr<engine::Submitted> SimHouse::Stop(const std::string& id) {
  return engine_->SubmitAndWait({model::SandboxId{id}, "", model::StopSandbox{}}, true);
}
absl::StatusOr<engine::Submitted> SimHouse::Delete(const std::string& id) {
  return engine_->SubmitAndWait({model::SandboxId{id}, "", model::DeleteSandbox{}}, true);
}
absl::StatusOr<engine::Submitted> SimHouse::Accept(model::Command command) {
  return engine_->SubmitAndWait(std::move(command), false);
}

model::State SimHouse::StateOf(const std::string& id) {
  auto update = engine_->Get(model::SandboxId{id});
  HF_CHECK(update.ok());
  return update->sandbox.state;
}

std::vector<model::Recorded> SimHouse::History(const std::string& id) {
  std::vector<model::Recorded> all;
  HF_CHECK(reader()
               .ReadSandbox(id, 1,
                            [&](const journal::Record& record) {
                              all.push_back(*codec::Decode(record));
                              return journal::Visit::kContinue;
                            })
               .ok());
  return all;
}

void SimHouse::Await(const std::string& id, const std::string& action) {
  SimWorld& asked = action.starts_with("net.") ? *net_ : *world_;
  for (int i = 0; i < 20'000; ++i) {
    if (asked.calls(id, action) != 0) return;
    std::this_thread::sleep_for(milliseconds(1));
  }
  HF_CHECK(!"the platform was never asked");
}

}  // namespace holdfast::simulation
