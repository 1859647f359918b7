// SPDX-License-Identifier: Apache-2.0
//
// Where Holdfast keeps things when nobody says otherwise. The gateway and both command lines ask
// here, so that they find each other without configuration. Pure: the environment comes in as a
// function.
#pragma once

#include <functional>
#include <string>

namespace holdfast::support {

// Value of an environment variable, or nullptr; std::getenv has this shape.
using Environment = std::function<const char*(const char* name)>;
Environment ProcessEnvironment();

// `${XDG_STATE_HOME:-~/.local/state}/holdfast`. Not created here.
std::string DefaultStateDir(const Environment& environment);
// `journal.db` in the state directory.
std::string DefaultJournalPath(const Environment& environment);
// `$HOLDFAST_SOCKET`, else `$XDG_RUNTIME_DIR/holdfast/gateway.sock`, else `run/gateway.sock` in the
// state directory.
std::string DefaultSocketPath(const Environment& environment);

}  // namespace holdfast::support
