#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# clang-tidy with the checks of .clang-tidy over our own sources, several at a time.
#   tidy.sh BUILD_DIRECTORY [JOBS]
# REQUIRES: the build directory is configured. What protoc generates is generated here.
set -euo pipefail

build="$1"
jobs="${2:-2}"
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"

cmake --build "$build" --target holdfast_generated >/dev/null
log="$(mktemp)"
trap 'rm -f "$log"' EXIT

# The transition table is left out: clang needs minutes for Boost.MSM, and the file is a table.
rooms="^$root/(support|journal|statemachine|drivers|extensions|tools|tests)/(?!.*lifecycle_table\.cc)"
if ! run-clang-tidy-14 -p "$build" -j "$jobs" -quiet "$rooms" >"$log" 2>&1; then
  grep -E '(warning|error):|^ .*\^|^Error' "$log" || cat "$log"
  echo "clang-tidy: failed"
  exit 1
fi
echo "clang-tidy: $(grep -c '^clang-tidy-14 ' "$log") files, no findings"
