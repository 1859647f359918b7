#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The main job from end to end, with the real programs: five sandboxes are created, and the gateway is
# killed with SIGKILL in the middle of the creates, and again in the middle of a delete. Each time it is
# started anew and must finish what was begun. In the end nothing may be left: no process, no lease,
# no directory, nothing in the ledger. Ends with an error when anything is left or any step fails.
#   demo.sh DIRECTORY_OF_THE_PROGRAMS
set -euo pipefail

bin="$(cd "${1:?usage: demo.sh DIRECTORY_OF_THE_PROGRAMS}" && pwd)"
dir="$(mktemp -d "${TMPDIR:-/tmp}/holdfast-demo-XXXXXX")"
state="$dir/state" leases="$dir/leases/demo" journal="$dir/state/journal.db"
export HOLDFAST_SOCKET="$dir/gateway.sock"
sandboxes=(amber birch cedar dunes ember)
gateway=""
grace_s=4  # of the delete that is killed: long enough to be hit in the middle
began=$SECONDS

# --- Words ----------------------------------------------------------------------------------------

if [[ -t 1 ]]; then bold=$'\e[1m' dim=$'\e[2m' plain=$'\e[0m'; else bold="" dim="" plain=""; fi
heading() { printf '\n%s== %s%s\n' "$bold" "$*" "$plain"; }
say() { printf '   %s\n' "$*"; }
# Shows a command as one would type it, and runs it.
show() {
  printf '%s$ %s%s\n' "$dim" "$(basename "$1") ${*:2}" "$plain" | sed "s|$dir|\$DEMO|g"
  "$@" | sed "s|$dir|\$DEMO|g"
}
fail() {
  printf '\n%sFAILED: %s%s\n' "$bold" "$*" "$plain" >&2
  [[ -s "$dir/gateway.log" ]] && { echo "--- the gateway's last words:"; tail -n 20 "$dir/gateway.log"; } >&2
  exit 1
}

holdfast() { "$bin/holdfast" "$@"; }
# Reads the file, so that it works whether a gateway lives or not.
from_file() { "$bin/journal-cli" --journal "$journal" "$@"; }

# --- Processes ------------------------------------------------------------------------------------

# Every process that works in, or names, our temporary directory: workloads and their supervisors, but
# neither this script and its children nor the gateway. One "pid command" a line.
strays() {
  local pid
  for pid in $(ps -eo pid= | tr -d ' '); do
    [[ "$pid" == "$$" || "$pid" == "$BASHPID" || "$pid" == "$gateway" ]] && continue
    if [[ "$(readlink "/proc/$pid/cwd" 2>/dev/null)" == "$dir"/* ]] ||
      { tr '\0' '\n' <"/proc/$pid/environ"; } 2>/dev/null | grep -qF "$dir/out"; then
      printf '%s %s\n' "$pid" "$(ps -o args= -p "$pid" 2>/dev/null | cut -c1-90)"
    fi
  done
}

start_gateway() {  # further arguments: NAME=VALUE for its environment
  : >"$dir/gateway.log"
  env "$@" "$bin/holdfast-gateway" --config "$dir/gateway.toml" --state-dir "$state" \
    --socket "$HOLDFAST_SOCKET" 2>"$dir/gateway.log" &
  gateway=$!
  for _ in $(seq 200); do
    grep -q '^ready' "$dir/gateway.log" && return
    kill -0 "$gateway" 2>/dev/null || fail "the gateway did not start"
    sleep 0.1
  done
  fail "the gateway was not ready within 20 s"
}

# Waits for the gateway to be gone; it must have died of SIGKILL (128 + 9).
expect_killed() {
  local code=0
  wait "$gateway" 2>/dev/null || code=$?
  gateway=""
  [[ "$code" == 137 ]] || fail "the gateway was to die of SIGKILL, but ended with $code"
}

clean_up() {
  local code=$?
  trap - EXIT INT TERM
  if [[ -n "$gateway" ]]; then
    kill -9 "$gateway" 2>/dev/null || true
    wait "$gateway" 2>/dev/null || true
    gateway=""
  fi
  # After a success there are none; strays proves it.
  local round pid
  for round in 1 2 3; do
    while read -r pid _; do kill -9 "$pid" 2>/dev/null || true; done < <(strays)
    sleep 0.1
  done
  rm -rf "$dir"
  exit "$code"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# --- What is looked at ----------------------------------------------------------------------------

state_of() { from_file --output json show "$1" | python3 -c 'import json, sys; print(json.load(sys.stdin)["sandbox"]["state"])'; }

wait_for_state() {  # SANDBOX STATE
  for _ in $(seq 300); do
    [[ "$(state_of "$1" 2>/dev/null)" == "$2" ]] && return
    sleep 0.1
  done
  fail "$1 did not become $2 within 30 s; it is $(state_of "$1")"
}

# How many living workloads carry this sandbox's name. Each workload is one shell.
workloads_of() { strays | grep -c "workload of $1" || true; }

# A sandbox's history, with a line where one gateway died and the next took over.
timeline() {
  printf '%s$ journal-cli show %s%s\n' "$dim" "$1" "$plain"
  from_file --output json show "$1" | python3 -c '
import json, sys
epoch = None
for entry in json.load(sys.stdin)["history"]:
    if epoch not in (None, entry["epoch"]):
        print("        ~~~~~~~~~~ kill -9; another gateway takes the journal ~~~~~~~~~~")
    epoch = entry["epoch"]
    print("  %5s  %s" % ("#" + str(entry["sequence"]), entry["text"]))
' | sed "s|$dir|\$DEMO|g"
}

# --- The demo -------------------------------------------------------------------------------------

mkdir -p "$dir/out" "$dir/leases"
cat >"$dir/gateway.toml" <<TOML
# Order matters: env adds to the plan, then ipam leases an address.
extensions = ["env", "ipam"]

[gateway]
log_level = "warn"

[drivers.process]
backend = "process-group"

[extension.env.config.env]
GREETING = "hold fast"

[extension.ipam.config]
pool = "demo"
range = "10.70.0.10-10.70.0.20"
state_dir = "$dir/leases"
TOML

# What runs in each sandbox: it writes its leased address and then stays.
workload() {
  # shellcheck disable=SC2016 # expanded in the sandbox
  [[ "$1" != ember ]] || printf '%s' 'trap "" TERM; '
  # shellcheck disable=SC2016
  printf '%s' ': workload of '"$1"'; echo "$GREETING from $HOLDFAST_IP, pid $$" >>"$OUT/'"$1"'"; while :; do sleep 0.2; done'
}
create() { holdfast create "$1" --request-id "create-$1" --env "OUT=$dir/out" -- sh -c "$(workload "$1")"; }

heading "1. Five sandboxes are created, and the gateway dies in the middle"
say "The process driver runs a shell in each; the extension env greets, ipam leases an address."
say "The gateway is armed to die by SIGKILL when the third workload has been started but nobody"
say "knows it yet: the worst moment there is."
start_gateway HOLDFAST_FAILPOINT_KILL_ON=kProcessAfterSpawn:3
clients=()
for id in "${sandboxes[@]}"; do
  create "$id" >"$dir/create-$id.log" 2>&1 &
  clients+=($!)
done
expect_killed
for client in "${clients[@]}"; do wait "$client" || true; done
say "dead: $(tail -n 1 "$dir"/create-*.log | grep -c . || true) lines of complaint from five clients"
heading "   What the dead gateway left: the journal, read from the file"
show "$bin/journal-cli" --journal "$journal" ls || true
show "$bin/journal-cli" --journal "$journal" ledger
say "and in the world, without anybody who watches:"
strays | sed 's/^/   /; s|'"$dir"'|$DEMO|g'
in_flight=""
for id in "${sandboxes[@]}"; do
  if [[ "$(state_of "$id" 2>/dev/null)" == Starting ]]; then in_flight="$id"; fi
done
if [[ -n "$in_flight" ]]; then
  heading "   Why is $in_flight not running? Nobody is there to ask but the file"
  show "$bin/journal-cli" --journal "$journal" why "$in_flight" || true
fi

heading "2. Another gateway takes the journal"
start_gateway
say "$(grep '^ready' "$dir/gateway.log" | tail -n 1 | sed "s|$dir|\$DEMO|g")"
say "The clients repeat their requests. The same request id is the same command, not a second one."
for id in "${sandboxes[@]}"; do
  create "$id" >"$dir/create-$id.log" 2>&1 || fail "create $id: $(cat "$dir/create-$id.log")"
  wait_for_state "$id" Running
done
show "$bin/journal-cli" status
show "$bin/holdfast" ls

heading "   What happened to each: what was intended, what came of it, what recovery found and did"
for id in "${sandboxes[@]}"; do timeline "$id"; done

heading "   Nothing is missing, nothing is there twice"
for id in "${sandboxes[@]}"; do
  for _ in $(seq 50); do [[ -s "$dir/out/$id" ]] && break; sleep 0.1; done
  running="$(workloads_of "$id")"
  say "$id: $running workload, said: $(paste -sd '|' "$dir/out/$id")"
  [[ "$running" == 1 ]] || fail "$id has $running workloads, not one"
  [[ "$(wc -l <"$dir/out/$id")" == 1 ]] || fail "$id was started more than once"
done
addresses="$(sed 's/.*from \(.*\),.*/\1/' "$dir"/out/* | sort -u | wc -l)"
held="$(find "$leases" -type f -name '10.*' | wc -l)"
say "$addresses different addresses, $held leases"
[[ "$addresses" == 5 && "$held" == 5 ]] || fail "five sandboxes must hold five addresses"
show "$bin/journal-cli" ledger

heading "3. A delete, and kill -9 in the middle of it"
say "ember does not listen to SIGTERM, so its delete has to wait out the grace of $grace_s seconds."
say "Nothing is armed this time: a plain kill -9 while it waits."
holdfast delete ember --grace "${grace_s}s" >"$dir/delete.log" 2>&1 &
client=$!
wait_for_state ember Deleting
kill -9 "$gateway"
expect_killed
wait "$client" || true
show "$bin/journal-cli" --journal "$journal" why ember || true
say "still there: $(workloads_of ember) workload, lease $(grep -l ember "$leases"/10.* | sed "s|$dir|\$DEMO|")"

heading "4. Another gateway; nobody repeats the delete"
start_gateway
say "$(grep '^ready' "$dir/gateway.log" | tail -n 1 | sed "s|$dir|\$DEMO|g")"
wait_for_state ember Deleted
timeline ember | tail -n 22
[[ "$(workloads_of ember)" == 0 ]] || fail "ember's workload outlived its delete"
for id in amber birch cedar dunes; do
  [[ "$(workloads_of "$id")" == 1 ]] || fail "the delete of ember cost $id its workload"
done
say "the four others never noticed"

heading "5. Everything is deleted, and nothing is left"
for id in amber birch cedar dunes; do
  show "$bin/holdfast" delete "$id"
  wait_for_state "$id" Deleted
done
show "$bin/journal-cli" leaks || fail "something leaked"
kill -TERM "$gateway"
wait "$gateway" || fail "the gateway did not end well when it was asked to"
gateway=""

left="$(strays)"
say "processes (ps):    ${left:-none}"
[[ -z "$left" ]] || fail "processes are left"
left="$(from_file ledger)"
say "ledger:            $left"
[[ "$left" == "nothing is held" ]] || fail "the ledger is not empty"
left="$(find "$leases" -type f -name '10.*')"
say "leases:            ${left:-none}"
[[ -z "$left" ]] || fail "leases are left"
left="$(find "$state" -path '*process*' -name owner.json)"
say "directories:       ${left:-none}"
[[ -z "$left" ]] || fail "sandbox directories are left"
show "$bin/journal-cli" --journal "$journal" verify || fail "the journal is damaged"

heading "Killed twice, lost nothing, leaked nothing, did nothing twice: $((SECONDS - began)) s"
