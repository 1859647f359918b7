#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# clang-tidy with the checks of .clang-tidy over what we ship, several files at a time. Tests are left
# out: each file costs about three seconds, and what they get wrong shows when they run.
#   tidy.sh BUILD_DIRECTORY [JOBS]
# REQUIRES: the build directory is configured. What protoc generates is generated here.
set -euo pipefail

build="$1"
jobs="${2:-2}"
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"

cmake --build "$build" --target holdfast_generated >/dev/null
log="$(mktemp)"
trap 'rm -f "$log"' EXIT

rooms="^$root/(support|journal|statemachine|drivers|extensions|tools)/"
if ! run-clang-tidy-14 -p "$build" -j "$jobs" -quiet "$rooms" >"$log" 2>&1; then
  grep -E '(warning|error):|^ .*\^|^Error' "$log" || cat "$log"
  echo "clang-tidy: failed"
  exit 1
fi
files="$(grep -c '^clang-tidy-14 ' "$log" || true)"
echo "clang-tidy: $files files, no findings"
# A pattern that matches nothing would look like clean code.
((files > 0))
