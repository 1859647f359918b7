// SPDX-License-Identifier: Apache-2.0
//
// Key rotation's second half: after a start, what is sealed with another than the current key is
// sealed anew with it, on a thread of its own, beside everything else.
#pragma once

#include <stop_token>
#include <thread>

#include "journal/journal.h"
#include "journal/seal.h"

namespace holdfast::gateway {

class Resealing {
 public:
  // Begins. Both outlive this. Logs what came of it, once, when there was anything sealed.
  Resealing(journal::Journal& journal, const journal::Sealer& sealer);
  // Ends after the box that it is at; the rest is left to the next start.
  ~Resealing() = default;

 private:
  std::jthread thread_;
};

}  // namespace holdfast::gateway
