// SPDX-License-Identifier: Apache-2.0
//
// The three ways in which the services answer a unary call: at once, from a worker, or when the
// engine is done with a command.
#pragma once

#include <utility>

#include "tools/gateway/context.h"
#include "tools/gateway/unary_call.h"

namespace holdfast::gateway {

// Answers at once.
template <typename Response>
grpc::ServerUnaryReactor* AnswerNow(ServiceContext& context, Response* response,
                                    absl::StatusOr<Response> answer) {
  auto [call, reactor] = UnaryCall<Response>::Make(context.calls, response);
  call->Answer(std::move(answer));
  return reactor;
}

// Answers with what `work` returns, on a thread of `pool`. The work must not hold on to the
// request, which is gone when the caller is.
template <typename Response, typename Work>
grpc::ServerUnaryReactor* AnswerFrom(ServiceContext& context, WorkerPool& pool, Response* response,
                                     Work work) {
  auto made = UnaryCall<Response>::Make(context.calls, response);
  const bool queued = pool.Run(
      [call = made.call, work = std::move(work)]() mutable { call->Answer(std::move(work)()); });
  if (!queued) made.call->Answer(Overloaded());
  return made.reactor;
}

}  // namespace holdfast::gateway
