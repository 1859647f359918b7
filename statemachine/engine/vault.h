// SPDX-License-Identifier: Apache-2.0
//
// Where a sandbox's secrets are between the request that brought them and the
// steps that need them: sealed, beside the sandbox's records. What a step is
// given is always read from there, on the first run as after a crash.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "journal/journal.h"
#include "journal/seal.h"
#include "statemachine/model/sandbox.h"
#include "statemachine/model/secrets.h"

namespace holdfast::engine {

class Vault {
 public:
  // `sealer` may be null: nothing is sealed then, and Open finds nothing. Both
  // outlive this.
  Vault(journal::Journal& journal, const journal::Sealer* sealer)
      : journal_(journal), sealer_(sealer) {}

  bool seals() const { return sealer_ != nullptr; }
  // What Batch::sealed is to be. REQUIRES: seals().
  absl::StatusOr<std::string> Seal(const model::Sandbox& sandbox,
                                   const model::Secrets& secrets) const;
  // Blocks for one read of the journal. The message is a sentence for people.
  // Errors: Unavailable, ResourceExhausted  it may work later
  //         any other                       it will not, until an operator
  //         brings the key back
  absl::StatusOr<model::Secrets> Open(const model::Sandbox& sandbox) const;

 private:
  std::string ContextOf(const model::Sandbox& sandbox) const;

  journal::Journal& journal_;
  const journal::Sealer* const sealer_;
};

}  // namespace holdfast::engine
