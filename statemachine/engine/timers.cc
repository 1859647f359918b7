// SPDX-License-Identifier: Apache-2.0
#include "statemachine/engine/timers.h"

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <thread>
#include <unordered_map>
#include <utility>

namespace holdfast::engine {

// The map is touched by the timer thread only: both calls post to it.
class Timers::Impl {
 public:
  Impl() : guard_(boost::asio::make_work_guard(context_)), thread_([this] { context_.run(); }) {}
  ~Impl() { Stop(); }

  void Stop() {
    context_.stop();
    if (thread_.joinable()) thread_.join();
  }

  std::uint64_t After(std::chrono::milliseconds delay, std::function<void()> fire) {
    const std::uint64_t id = next_.fetch_add(1);
    const auto due = std::chrono::steady_clock::now() + delay;
    boost::asio::post(context_, [this, id, due, fire = std::move(fire)]() mutable {
      auto timer = std::make_unique<boost::asio::steady_timer>(context_, due);
      timer->async_wait([this, id, fire = std::move(fire)](const boost::system::error_code& error) {
        if (error || timers_.erase(id) == 0) return;  // cancelled
        fire();
      });
      timers_.emplace(id, std::move(timer));
    });
    return id;
  }

  void Cancel(std::uint64_t id) {
    boost::asio::post(context_, [this, id] { timers_.erase(id); });
  }

 private:
  boost::asio::io_context context_{1};
  std::unordered_map<std::uint64_t, std::unique_ptr<boost::asio::steady_timer>> timers_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard_;
  std::atomic<std::uint64_t> next_{1};
  std::thread thread_;
};

Timers::Timers() : impl_(std::make_unique<Impl>()) {}
Timers::~Timers() = default;

std::uint64_t Timers::After(std::chrono::milliseconds delay, std::function<void()> fire) {
  return impl_->After(delay, std::move(fire));
}

void Timers::Cancel(std::uint64_t timer) {
  if (timer != 0) impl_->Cancel(timer);
}

void Timers::Stop() { impl_->Stop(); }

}  // namespace holdfast::engine
