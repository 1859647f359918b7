// SPDX-License-Identifier: Apache-2.0
//
// What both services need: the engine, which comes only after its journal is read; threads that may
// block; and the calls that are open.
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "statemachine/engine/engine.h"
#include "tools/gateway/open_calls.h"
#include "tools/gateway/worker_pool.h"

namespace holdfast::gateway {

// Facts that do not change while the gateway runs.
struct GatewayFacts {
  std::string version;
  std::string journal_path;
  std::string default_driver;
  std::vector<std::string> drivers;  // names of the configured ones
  std::int64_t since_unix_ms = 0;
};

struct ServiceContext {
  GatewayFacts facts;
  // Null until the journal is read. The engine outlives every call.
  std::atomic<engine::Engine*> engine = nullptr;
  OpenCalls calls;
  // Apart, so that slow validation hooks do not keep anybody from looking.
  WorkerPool readers{3, 1024};
  WorkerPool validators{2, 256};
  // Ends observers. Unbounded: there is one job for each stream, and it may not be refused.
  WorkerPool janitor{1, std::numeric_limits<std::size_t>::max()};

  absl::StatusOr<engine::Engine*> Engine() {
    if (engine::Engine* loaded = engine.load(std::memory_order_acquire)) return loaded;
    return absl::UnavailableError("the gateway is still reading its journal; try again");
  }
};

inline absl::Status Overloaded() {
  return absl::ResourceExhaustedError("too many calls are waiting; try again");
}

// A driver that was asked for must be one of the configured.
absl::Status CheckDriverName(const GatewayFacts& facts, const std::string& driver);

}  // namespace holdfast::gateway
