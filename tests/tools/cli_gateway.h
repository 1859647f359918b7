// SPDX-License-Identifier: Apache-2.0
//
// Two stand-ins for a gateway on a Unix socket: one that answers from a journal through the same
// views as the real one, and one whose answers a test scripts.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "grpcpp/grpcpp.h"
#include "holdfast/lifecycle/v1/lifecycle.grpc.pb.h"
#include "journal/journal.h"
#include "tools/views/journal_view.h"

namespace holdfast::testing {

class ViewsGateway final : public lifecycle::v1::Lifecycle::Service {
 public:
  explicit ViewsGateway(journal::Reader& reader, std::string path = "journal.db")
      : view_(reader), path_(std::move(path)) {}

  grpc::Status Get(grpc::ServerContext* context, const lifecycle::v1::GetRequest* request,
                   lifecycle::v1::GetResponse* response) override;
  grpc::Status List(grpc::ServerContext* context, const lifecycle::v1::ListRequest* request,
                    lifecycle::v1::ListResponse* response) override;
  grpc::Status History(grpc::ServerContext* context, const lifecycle::v1::HistoryRequest* request,
                       grpc::ServerWriter<lifecycle::v1::HistoryEntry>* writer) override;
  grpc::Status Ledger(grpc::ServerContext* context, const lifecycle::v1::LedgerRequest* request,
                      lifecycle::v1::LedgerResponse* response) override;
  grpc::Status Why(grpc::ServerContext* context, const lifecycle::v1::WhyRequest* request,
                   lifecycle::v1::WhyResponse* response) override;
  grpc::Status Verify(grpc::ServerContext* context, const lifecycle::v1::VerifyRequest* request,
                      lifecycle::v1::VerifyResponse* response) override;
  grpc::Status Status(grpc::ServerContext* context, const lifecycle::v1::StatusRequest* request,
                      lifecycle::v1::StatusResponse* response) override;

 private:
  views::JournalView view_;
  const std::string path_;  // as Status says it
};

// Answers Submit and Repair with the test's functions, Get with the last of `states`, Watch with
// all of them. A watch stays open after the last one until End, as a real one does.
class ScriptedGateway final : public lifecycle::v1::Lifecycle::Service {
 public:
  std::function<grpc::Status(const lifecycle::v1::SubmitRequest&, lifecycle::v1::SubmitResponse*)>
      submit;
  std::function<grpc::Status(const lifecycle::v1::RepairRequest&, lifecycle::v1::SubmitResponse*)>
      repair;
  std::vector<lifecycle::v1::Sandbox> states;

  grpc::Status Submit(grpc::ServerContext* context, const lifecycle::v1::SubmitRequest* request,
                      lifecycle::v1::SubmitResponse* response) override;
  grpc::Status Repair(grpc::ServerContext* context, const lifecycle::v1::RepairRequest* request,
                      lifecycle::v1::SubmitResponse* response) override;
  grpc::Status Get(grpc::ServerContext* context, const lifecycle::v1::GetRequest* request,
                   lifecycle::v1::GetResponse* response) override;
  grpc::Status Watch(grpc::ServerContext* context, const lifecycle::v1::WatchRequest* request,
                     grpc::ServerWriter<lifecycle::v1::WatchResponse>* writer) override;

  // Blocks until a watcher has been told everything.
  void WaitWatched();
  // Blocks until that watcher has asked once more, as one does who waits for an end.
  void WaitWatchedAndAsked();
  // Ends the open watches.
  void End();

 private:
  std::mutex mu_;
  std::condition_variable changed_;
  bool watched_ = false;
  bool asked_ = false;
  bool ended_ = false;
};

// Serves until destroyed.
class Server {
 public:
  Server(grpc::Service& service, const std::string& socket);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

 private:
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace holdfast::testing
