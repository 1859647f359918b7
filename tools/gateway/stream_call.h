// SPDX-License-Identifier: Apache-2.0
//
// A server stream that is fed by a source: at most one message is being written, the next is pulled
// when that one is gone, so a slow reader slows its own source and nobody else, and no thread is
// held while there is nothing to say.
#pragma once

#include <grpcpp/support/server_callback.h>

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "tools/gateway/open_calls.h"

namespace holdfast::gateway {

// What a source says when it is asked for the next message.
struct Pulled {
  enum class Kind { kMessage, kWait, kEnd };
  Kind kind = Kind::kWait;
  grpc::Status status = grpc::Status::OK;  // of kEnd

  static Pulled Message() { return {Kind::kMessage, {}}; }
  static Pulled Wait() { return {Kind::kWait, {}}; }
  static Pulled End(grpc::Status status) { return {Kind::kEnd, std::move(status)}; }
};

template <typename Response>
class StreamCall final : public OpenCall {
 public:
  // Fills in the next message, or says that there is none yet (Kick follows) or no more. Called by
  // one thread at a time. Must not block, nor call the stream.
  using Source = std::function<Pulled(Response&)>;

  struct Made {
    std::shared_ptr<StreamCall> call;
    grpc::ServerWriteReactor<Response>* reactor;  // what the handler returns to gRPC
    // For a source that has something to say from the start.
    grpc::ServerWriteReactor<Response>* Kicked() {
      call->Kick();
      return reactor;
    }
  };

  static Made Make(OpenCalls& calls, Source source) {
    auto call = std::make_shared<StreamCall>(calls, std::move(source));
    auto* reactor = new Reactor(call);  // deletes itself when gRPC is done with it
    call->reactor_ = reactor;
    if (!calls.Add(call)) call->Close(DrainingStatus());
    return {std::move(call), reactor};
  }
  StreamCall(OpenCalls& calls, Source source) : calls_(calls), source_(std::move(source)) {}

  // The source has something to say. Any thread.
  void Kick() { Step(); }

  void Close(const grpc::Status& status) override {
    {
      std::lock_guard lock(mutex_);
      if (!closing_) closing_ = status;
    }
    Step();
  }

  // Runs `hook` when the stream is over, or now if it is. At most one.
  void OnClosed(std::function<void()> hook) {
    {
      std::lock_guard lock(mutex_);
      if (!finished_) {
        on_closed_ = std::move(hook);
        return;
      }
    }
    hook();
  }

 private:
  class Reactor final : public grpc::ServerWriteReactor<Response> {
   public:
    explicit Reactor(std::shared_ptr<StreamCall> call) : call_(std::move(call)) {
      call_->calls_.ReactorBegan();
    }
    void OnWriteDone(bool ok) override { call_->WriteDone(ok); }
    void OnCancel() override {
      call_->Close({grpc::StatusCode::CANCELLED, "the caller went away"});
    }
    void OnDone() override {
      OpenCalls& calls = call_->calls_;
      delete this;
      calls.ReactorEnded();
    }

   private:
    const std::shared_ptr<StreamCall> call_;
  };

  void WriteDone(bool ok) {
    {
      std::lock_guard lock(mutex_);
      writing_ = false;
      if (!ok && !closing_) closing_ = grpc::Status(grpc::StatusCode::CANCELLED, "broken stream");
    }
    Step();
  }

  // Does what is next, if anything. gRPC is called without the lock, since it may call back at
  // once; `writing_` and `finished_` keep that to one thread.
  void Step() {
    std::function<void()> on_closed;
    grpc::Status status;
    bool finish = false;
    {
      std::lock_guard lock(mutex_);
      if (finished_ || writing_) return;
      if (!closing_) {
        Pulled pulled = source_(message_);
        if (pulled.kind == Pulled::Kind::kWait) return;
        if (pulled.kind == Pulled::Kind::kEnd) closing_ = std::move(pulled.status);
      }
      if (closing_) {
        finished_ = finish = true;
        status = *closing_;
        on_closed = std::exchange(on_closed_, nullptr);
      } else {
        writing_ = true;
      }
    }
    if (!finish) {
      reactor_->StartWrite(&message_);
      return;
    }
    calls_.Remove(this);
    if (on_closed) on_closed();
    reactor_->Finish(status);
  }

  OpenCalls& calls_;
  std::mutex mutex_;
  const Source source_;
  Reactor* reactor_ = nullptr;           // constant after Make; valid until finished_
  Response message_;                     // being written
  bool writing_ = false;                 // guarded by mutex_
  bool finished_ = false;                // guarded by mutex_
  std::optional<grpc::Status> closing_;  // guarded by mutex_
  std::function<void()> on_closed_;      // guarded by mutex_
};

}  // namespace holdfast::gateway
