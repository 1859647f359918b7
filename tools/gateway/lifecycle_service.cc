// SPDX-License-Identifier: Apache-2.0
#include "tools/gateway/lifecycle_service.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "support/status_macros.h"
#include "tools/gateway/calls.h"
#include "tools/gateway/history_source.h"
#include "tools/gateway/lifecycle_commands.h"
#include "tools/gateway/request_checks.h"
#include "tools/gateway/watch.h"
#include "tools/views/convert.h"
#include "tools/views/journal_view.h"

namespace holdfast::gateway {

namespace pb = lifecycle::v1;

namespace {

constexpr int kWatchedIdsMax = 10'000;

model::UnixMillis Now() {
  return {std::chrono::duration_cast<std::chrono::milliseconds>(
              std::chrono::system_clock::now().time_since_epoch())
              .count()};
}

absl::Status CheckListLimit(std::uint32_t limit) {
  if (limit <= views::kListLimitMax) return absl::OkStatus();
  return absl::InvalidArgumentError(
      fmt::format("limit is {}; at most {} are given at once, then go on from next_after_id", limit,
                  views::kListLimitMax));
}

absl::StatusOr<pb::ListResponse> ListLive(engine::Engine& engine, const pb::ListRequest& request) {
  HF_ASSIGN_OR_RETURN(const std::vector<engine::Update> live, engine.ListLive());
  const std::size_t limit = request.limit() == 0 ? views::kListLimitDefault : request.limit();
  auto next = std::upper_bound(live.begin(), live.end(), request.after_id(),
                               [](const std::string& id, const engine::Update& update) {
                                 return id < update.sandbox.id.value;
                               });
  pb::ListResponse answer;
  for (std::size_t i = 0; i < limit && next != live.end(); ++i, ++next) {
    *answer.add_sandboxes() =
        views::SandboxToProto(next->sandbox, views::Form::kShort, next->quarantine);
  }
  if (next != live.end()) answer.set_next_after_id(answer.sandboxes().rbegin()->id());
  return answer;
}

void FillStartup(const engine::StartupReport& from, pb::StartupReport& to) {
  to.set_restored(from.restored);
  to.set_resumed(from.resumed);
  to.set_undone(from.undone);
  to.set_parked(from.parked);
  to.set_total(from.total);
  to.set_orphans(from.orphans);
  to.set_ghosts(from.ghosts);
  to.mutable_findings()->Assign(from.findings.begin(), from.findings.end());
  to.set_host_rebooted(from.host_rebooted);
  to.set_took_ms(from.took.count());
}

}  // namespace

grpc::ServerUnaryReactor* LifecycleService::SubmitCommand(absl::StatusOr<model::Command> command,
                                                          bool wait, pb::SubmitResponse* response) {
  absl::StatusOr<engine::Engine*> engine = context_.Engine();
  if (command.ok() && !engine.ok()) command = engine.status();
  if (!command.ok()) return AnswerNow<pb::SubmitResponse>(context_, response, command.status());
  auto made = UnaryCall<pb::SubmitResponse>::Make(context_.calls, response);
  (*engine)->Submit(*std::move(command), wait,
                    [call = made.call](absl::StatusOr<engine::Submitted> submitted) {
                      if (!submitted.ok()) return call->Answer(submitted.status());
                      call->Answer(ResponseFrom(*submitted));
                    });
  return made.reactor;
}

grpc::ServerUnaryReactor* LifecycleService::Submit(Context*, const pb::SubmitRequest* request,
                                                   pb::SubmitResponse* response) {
  return SubmitCommand(CommandFrom(context_.facts, *request), request->wait(), response);
}

grpc::ServerUnaryReactor* LifecycleService::Repair(Context*, const pb::RepairRequest* request,
                                                   pb::SubmitResponse* response) {
  return SubmitCommand(CommandFrom(*request), request->wait(), response);
}

grpc::ServerUnaryReactor* LifecycleService::Get(Context*, const pb::GetRequest* request,
                                                pb::GetResponse* response) {
  if (absl::Status status = CheckSandboxId(request->sandbox_id()); !status.ok()) {
    return AnswerNow<pb::GetResponse>(context_, response, status);
  }
  return AnswerFrom(context_, context_.readers, response,
                    [this, id = request->sandbox_id()]() -> absl::StatusOr<pb::GetResponse> {
                      HF_ASSIGN_OR_RETURN(engine::Engine * engine, context_.Engine());
                      HF_ASSIGN_OR_RETURN(engine::Update update, engine->Get({id}));
                      pb::GetResponse answer;
                      *answer.mutable_sandbox() = views::SandboxToProto(
                          update.sandbox, views::Form::kFull, update.quarantine);
                      return answer;
                    });
}

grpc::ServerUnaryReactor* LifecycleService::List(Context*, const pb::ListRequest* request,
                                                 pb::ListResponse* response) {
  if (absl::Status status = CheckListLimit(request->limit()); !status.ok()) {
    return AnswerNow<pb::ListResponse>(context_, response, status);
  }
  return AnswerFrom(context_, context_.readers, response,
                    [this, request = *request]() -> absl::StatusOr<pb::ListResponse> {
                      HF_ASSIGN_OR_RETURN(engine::Engine * engine, context_.Engine());
                      if (!request.include_deleted()) return ListLive(*engine, request);
                      // As complete as the live list, or an error like it.
                      HF_RETURN_IF_ERROR(engine->ListLive().status());
                      return views::JournalView(engine->journal().reader()).List(request);
                    });
}

grpc::ServerWriteReactor<pb::WatchResponse>* LifecycleService::Watch(
    Context*, const pb::WatchRequest* request) {
  auto wanted = std::make_shared<const std::set<std::string>>(request->sandbox_ids().begin(),
                                                              request->sandbox_ids().end());
  absl::Status status;
  if (request->sandbox_ids_size() > kWatchedIdsMax) {
    status = absl::InvalidArgumentError(
        fmt::format("{} sandbox_ids are given; name at most {}, or none to watch all",
                    request->sandbox_ids_size(), kWatchedIdsMax));
  }
  for (const std::string& id : *wanted) status.Update(CheckSandboxId(id));
  if (!status.ok()) {
    return StreamCall<pb::WatchResponse>::Make(
               context_.calls, [status](pb::WatchResponse&) { return Pulled::End(ToGrpc(status)); })
        .Kicked();
  }
  pb::WatchResponse synced;
  synced.set_synced(true);
  return gateway::Watch<pb::WatchResponse>(
      context_,
      [wanted](const engine::Update& update) -> std::optional<pb::WatchResponse> {
        if (!wanted->empty() && !wanted->contains(update.sandbox.id.value)) return std::nullopt;
        pb::WatchResponse event;
        *event.mutable_sandbox() =
            views::SandboxToProto(update.sandbox, views::Form::kFull, update.quarantine);
        return event;
      },
      synced);
}

grpc::ServerWriteReactor<pb::HistoryEntry>* LifecycleService::History(
    Context*, const pb::HistoryRequest* request) {
  if (!request->sandbox_id().empty()) {
    if (absl::Status status = CheckSandboxId(request->sandbox_id()); !status.ok()) {
      return StreamCall<pb::HistoryEntry>::Make(
                 context_.calls,
                 [status](pb::HistoryEntry&) { return Pulled::End(ToGrpc(status)); })
          .Kicked();
    }
  }
  return StreamHistory(context_, *request);
}

grpc::ServerUnaryReactor* LifecycleService::Ledger(Context*, const pb::LedgerRequest* request,
                                                   pb::LedgerResponse* response) {
  if (!request->sandbox_id().empty()) {
    if (absl::Status status = CheckSandboxId(request->sandbox_id()); !status.ok()) {
      return AnswerNow<pb::LedgerResponse>(context_, response, status);
    }
  }
  return AnswerFrom(context_, context_.readers, response,
                    [this, request = *request]() -> absl::StatusOr<pb::LedgerResponse> {
                      HF_ASSIGN_OR_RETURN(engine::Engine * engine, context_.Engine());
                      return views::JournalView(engine->journal().reader()).Ledger(request);
                    });
}

grpc::ServerUnaryReactor* LifecycleService::Why(Context*, const pb::WhyRequest* request,
                                                pb::WhyResponse* response) {
  if (absl::Status status = CheckSandboxId(request->sandbox_id()); !status.ok()) {
    return AnswerNow<pb::WhyResponse>(context_, response, status);
  }
  return AnswerFrom(context_, context_.readers, response,
                    [this, id = request->sandbox_id()]() -> absl::StatusOr<pb::WhyResponse> {
                      HF_ASSIGN_OR_RETURN(engine::Engine * engine, context_.Engine());
                      HF_ASSIGN_OR_RETURN(engine::Update update, engine->Get({id}));
                      return views::Why(update.sandbox, update.quarantine, Now());
                    });
}

grpc::ServerUnaryReactor* LifecycleService::Verify(Context*, const pb::VerifyRequest* request,
                                                   pb::VerifyResponse* response) {
  return AnswerFrom(context_, context_.readers, response,
                    [this, request = *request]() -> absl::StatusOr<pb::VerifyResponse> {
                      HF_ASSIGN_OR_RETURN(engine::Engine * engine, context_.Engine());
                      return views::JournalView(engine->journal().reader()).Verify(request);
                    });
}

grpc::ServerUnaryReactor* LifecycleService::Status(Context*, const pb::StatusRequest*,
                                                   pb::StatusResponse* response) {
  return AnswerFrom(
      context_, context_.readers, response, [this]() -> absl::StatusOr<pb::StatusResponse> {
        HF_ASSIGN_OR_RETURN(engine::Engine * engine, context_.Engine());
        pb::StatusResponse answer;
        answer.set_version(context_.facts.version);
        answer.set_journal_id(engine->journal().reader().journal_id());
        answer.set_journal_path(context_.facts.journal_path);
        answer.set_epoch(engine->journal().epoch());
        answer.set_pid(getpid());
        answer.set_since_unix_ms(context_.facts.since_unix_ms);
        const journal::Ownership& before = engine->journal().previous_ownership();
        answer.set_restored_unix_ms(before.restored_unix_ms);
        answer.set_restored_position(before.restored_position);
        answer.set_recovering(engine->recovering());
        answer.set_journal_sound(engine->journal().sound());
        FillStartup(engine->startup_report(), *answer.mutable_startup());
        for (const drivers::Capabilities& driver : engine->drivers()) {
          pb::ParticipantStatus& status = *answer.add_drivers();
          status.set_name(driver.name);
          status.set_version(driver.version);
          status.mutable_features()->Assign(driver.features.begin(), driver.features.end());
          status.mutable_facts()->insert(driver.facts.begin(), driver.facts.end());
        }
        for (const extensions::Descriptor* extension : engine->extensions()) {
          pb::ParticipantStatus& status = *answer.add_extensions();
          status.set_name(extension->name);
          status.set_version(extension->version);
          status.mutable_features()->Assign(extension->hooks.begin(), extension->hooks.end());
        }
        return answer;
      });
}

}  // namespace holdfast::gateway
