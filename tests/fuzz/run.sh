#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs every fuzz target for a while, from the kept corpus on. What it finds new goes into BUILD/fuzz,
# not into the source tree.
#
#   run.sh BUILD_DIRECTORY SECONDS_EACH
set -euo pipefail
build="$1" seconds="$2"
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"

# A journal is made and damaged for every input: in memory, where there is such a place.
scratch="$(mktemp -d "$([[ -w /dev/shm ]] && echo /dev/shm || echo "${TMPDIR:-/tmp}")/holdfast-fuzz-XXXXXX")"
trap 'rm -rf "$scratch"' EXIT
export TEST_TMPDIR="$scratch"
# A freed block is kept back for a while, so that its use is noticed: not so many as to fill the limit.
export ASAN_OPTIONS="detect_leaks=1:quarantine_size_mb=64"
export UBSAN_OPTIONS="halt_on_error=1:print_stacktrace=1"

# A target allocates what an input may reasonably cost, and no more: a record is at most 1 MiB, SQLite's
# cache of the writer 64 MiB. No input of a few bytes takes long either.
limits=(-max_total_time="$seconds" -timeout=30 -rss_limit_mb=768 -malloc_limit_mb=128 -max_len=512 -len_control=0)

failed=()
for target in decode open; do
  found="$build/fuzz/$target"
  mkdir -p "$found" "$build/fuzz/crashes"
  log="$build/fuzz/$target.log"
  echo "-- $target, $seconds s; log in $log"
  if "$build/bin/holdfast_fuzz_$target" "${limits[@]}" -print_final_stats=1 \
    -artifact_prefix="$build/fuzz/crashes/$target-" "$found" "$here/corpus/$target" >"$log" 2>&1; then
    grep -E '^(Done|stat::(average_exec|peak_rss))' "$log"
  else
    failed+=("$target")
    tail -n 60 "$log"
    echo "-- $target FAILED. The input is in $build/fuzz/crashes. When it is mended, keep it in" \
      "tests/fuzz/corpus/$target under a name that says what it broke."
  fi
done
((${#failed[@]} == 0))
