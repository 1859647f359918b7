#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A gateway in the foreground with its state in one directory; what `make run` does.
#   run.sh DIRECTORY_OF_THE_PROGRAMS STATE_DIRECTORY
set -euo pipefail

bin="$(cd "${1:?}" && pwd)"
mkdir -p -m 700 "${2:?}"
state="$(cd "$2" && pwd)"
echo "in another terminal:  export HOLDFAST_SOCKET=$state/gateway.sock"
exec "$bin/holdfast-gateway" --state-dir "$state" --socket "$state/gateway.sock"
