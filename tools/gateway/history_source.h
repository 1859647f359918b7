// SPDX-License-Identifier: Apache-2.0
//
// Feeds a History stream page by page: a page is read by a worker when the one before it is sent,
// so that neither a long history nor a slow reader holds memory, a thread or a database snapshot.
#pragma once

#include <memory>

#include "holdfast/lifecycle/v1/lifecycle.pb.h"
#include "tools/gateway/context.h"
#include "tools/gateway/stream_call.h"

namespace holdfast::gateway {

grpc::ServerWriteReactor<lifecycle::v1::HistoryEntry>* StreamHistory(
    ServiceContext& context, const lifecycle::v1::HistoryRequest& request);

}  // namespace holdfast::gateway
