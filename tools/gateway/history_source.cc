// SPDX-License-Identifier: Apache-2.0
#include "tools/gateway/history_source.h"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

#include "tools/gateway/grpc_status.h"
#include "tools/views/journal_view.h"

namespace holdfast::gateway {
namespace {

using lifecycle::v1::HistoryEntry;
using lifecycle::v1::HistoryRequest;

constexpr std::uint32_t kPageEntries = 256;

class HistorySource : public std::enable_shared_from_this<HistorySource> {
 public:
  HistorySource(ServiceContext& context, const HistoryRequest& request)
      : context_(context), next_(request), limited_(request.limit() > 0), left_(request.limit()) {}

  void Feed(const std::shared_ptr<StreamCall<HistoryEntry>>& stream) {
    std::lock_guard lock(mutex_);
    stream_ = stream;
  }

  Pulled Pull(HistoryEntry& entry) {
    std::lock_guard lock(mutex_);
    if (!page_.empty()) {
      entry = std::move(page_.front());
      page_.pop_front();
      return Pulled::Message();
    }
    if (end_) return Pulled::End(*end_);
    if (reading_) return Pulled::Wait();
    reading_ = true;
    if (!context_.readers.Run([self = shared_from_this()] { self->ReadPage(); })) {
      return Pulled::End(ToGrpc(Overloaded()));
    }
    return Pulled::Wait();
  }

 private:
  void ReadPage() {
    HistoryRequest request;
    {
      std::lock_guard lock(mutex_);
      request = next_;
    }
    const std::uint32_t wanted = limited_ ? std::min(left_, kPageEntries) : kPageEntries;
    request.set_limit(wanted);
    std::deque<HistoryEntry> page;
    absl::Status status;
    if (absl::StatusOr<engine::Engine*> engine = context_.Engine(); engine.ok()) {
      status = views::JournalView((*engine)->journal().reader())
                   .History(request, [&page](const HistoryEntry& entry) {
                     page.push_back(entry);
                     return true;
                   });
    } else {
      status = engine.status();
    }
    std::shared_ptr<StreamCall<HistoryEntry>> stream;
    {
      std::lock_guard lock(mutex_);
      reading_ = false;
      if (!page.empty()) {
        const HistoryEntry& last = page.back();
        next_.set_after(next_.sandbox_id().empty() ? last.position() : last.sequence());
      }
      if (limited_) left_ -= static_cast<std::uint32_t>(page.size());
      if (!status.ok() || page.size() < wanted || (limited_ && left_ == 0)) end_ = ToGrpc(status);
      page_ = std::move(page);
      stream = stream_.lock();
    }
    if (stream) stream->Kick();
  }

  ServiceContext& context_;
  std::mutex mutex_;
  HistoryRequest next_;  // guarded by mutex_
  const bool limited_;
  std::uint32_t left_;                              // touched by the one page that is being read
  std::deque<HistoryEntry> page_;                   // guarded by mutex_
  bool reading_ = false;                            // guarded by mutex_
  std::optional<grpc::Status> end_;                 // guarded by mutex_
  std::weak_ptr<StreamCall<HistoryEntry>> stream_;  // guarded by mutex_
};

}  // namespace

grpc::ServerWriteReactor<HistoryEntry>* StreamHistory(ServiceContext& context,
                                                      const HistoryRequest& request) {
  auto source = std::make_shared<HistorySource>(context, request);
  auto made = StreamCall<HistoryEntry>::Make(
      context.calls, [source](HistoryEntry& entry) { return source->Pull(entry); });
  source->Feed(made.call);
  return made.Kicked();
}

}  // namespace holdfast::gateway
