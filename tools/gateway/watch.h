// SPDX-License-Identifier: Apache-2.0
//
// A watch: an observer of the engine, a queue that holds the latest of each sandbox, and a stream
// that empties it. The engine's threads only put into the queue.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "tools/gateway/context.h"
#include "tools/gateway/grpc_status.h"
#include "tools/gateway/stream_call.h"
#include "tools/gateway/watch_queue.h"

namespace holdfast::gateway {

// `translate` returns nothing for a sandbox that this watcher is not interested in. `synced`, if
// given, is sent once after the present set.
template <typename Event>
grpc::ServerWriteReactor<Event>* Watch(
    ServiceContext& context, std::function<std::optional<Event>(const engine::Update&)> translate,
    std::optional<Event> synced) {
  auto queue = std::make_shared<WatchQueue<Event>>();
  auto made = StreamCall<Event>::Make(context.calls, [queue](Event& event) {
    return queue->Pop(event) ? Pulled::Message() : Pulled::Wait();
  });
  // On a worker: the engine calls the observer for every live sandbox before it returns.
  const bool queued = context.readers.Run([&context, queue, stream = made.call,
                                           translate = std::move(translate),
                                           synced = std::move(synced)] {
    absl::StatusOr<engine::Engine*> engine = context.Engine();
    if (!engine.ok()) return stream->Close(ToGrpc(engine.status()));
    // A present set that is short would be taken for the whole, as a short list would.
    if (absl::Status listed = (*engine)->ListLive().status(); !listed.ok()) {
      return stream->Close(ToGrpc(listed));
    }
    const std::uint64_t observer =
        (*engine)->Observe([queue, stream, translate](const engine::Update& update) {
          std::optional<Event> event = translate(update);
          if (!event) return;
          const bool deletion =
              update.quarantine.empty() && update.sandbox.state == model::State::kDeleted;
          queue->Push(update.sandbox.id.value, *std::move(event), deletion);
          stream->Kick();
        });
    if (synced) {
      queue->Push("", *synced, /*deletion=*/false);  // no sandbox has an empty id
      stream->Kick();
    }
    // The stream may end inside an observer's call, where the engine must not be called.
    stream->OnClosed([&context, observer, loaded = *engine] {
      // Refused only when the gateway ends, and the engine with it.
      static_cast<void>(context.janitor.Run([loaded, observer] { loaded->Unobserve(observer); }));
    });
  });
  if (!queued) made.call->Close(ToGrpc(Overloaded()));
  return made.reactor;
}

}  // namespace holdfast::gateway
