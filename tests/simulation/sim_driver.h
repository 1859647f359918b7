// SPDX-License-Identifier: Apache-2.0
//
// A driver whose platform is a table in memory. The world outlives the driver, as a real platform
// outlives the gateway, and can be told to fail in every way that a real one fails only by chance:
// before the effect, after it, for ever, or by losing the reply.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "drivers/driver.h"

namespace holdfast::simulation {

enum class Fault {
  kNone,
  kFail,           // says that it failed for good, and nothing is left
  kFailDirty,      // failed for good, and something may be left (it is)
  kFailRetryable,  // failed, nothing is left, may work later
  kUnknownBefore,  // the request was lost: no effect, and nobody knows
  kUnknownAfter,   // the reply was lost: took effect, and nobody knows
  kHangBefore,     // no effect, no answer, ever
  kHangAfter,      // took effect, no answer, ever
  kCannotTell,     // of a probe: the platform does not answer
};

class SimWorld {
 public:
  // The next attempts at this action for this sandbox meet these, in order. "probe" is an action
  // too.
  void Plan(const std::string& sandbox, const std::string& action, std::vector<Fault> faults);
  Fault Next(const std::string& sandbox, const std::string& action);

  // A thing and the generation that made it.
  bool Has(const std::string& kind, const std::string& sandbox) const;
  std::size_t Count() const;
  std::set<std::string> Things() const;  // "box s1"
  // How often a thing was made over all; more than once while it was there is a doubled effect.
  std::size_t doubled() const;
  std::size_t calls(const std::string& sandbox, const std::string& action) const;
  // "name=value,…" of the secrets that the last attempt at this action came with.
  std::string secrets(const std::string& sandbox, const std::string& action) const;
  void Saw(const std::string& sandbox, const std::string& action, const model::Secrets& secrets);

  void Make(const std::string& kind, const drivers::Owner& owner);
  void Remove(const std::string& kind, const std::string& sandbox);
  // The workload ends by itself.
  void Exit(const std::string& sandbox, int code);
  // The platform reports this exit, true or not.
  void Report(const drivers::WorkloadExit& exit);
  void SetObserver(drivers::ExitObserver observer);
  std::vector<drivers::OwnedResource> Owned() const;
  // Something that nobody journaled.
  void PlantOrphan(const std::string& sandbox);

 private:
  mutable std::mutex mu_;
  std::map<std::pair<std::string, std::string>, std::deque<Fault>> faults_;
  std::map<std::pair<std::string, std::string>, drivers::Owner> things_;  // (kind, sandbox)
  std::map<std::pair<std::string, std::string>, std::size_t> calls_;
  std::map<std::pair<std::string, std::string>, std::string> secrets_;
  std::size_t doubled_ = 0;
  drivers::ExitObserver observer_;
};

struct SimOptions {
  std::string name = "sim";
  bool steps_idempotent = true;  // as claimed in the plan
  bool undo_idempotent = true;
  std::vector<std::string> features;
  std::vector<std::string> secret_steps;  // see drivers::Capabilities
};

std::unique_ptr<drivers::Driver> MakeSimDriver(std::shared_ptr<SimWorld> world,
                                               SimOptions options = {});

}  // namespace holdfast::simulation
