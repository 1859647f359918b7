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
grace_s=6  # of the delete that is killed: long enough to be hit in the middle, also on a slow host
began=$SECONDS

# --- Words ----------------------------------------------------------------------------------------

if [[ -t 1 ]]; then bold=$'\e[1m' dim=$'\e[2m' plain=$'\e[0m'; else bold="" dim="" plain=""; fi
heading() { printf '\n%s== %s%s\n' "$bold" "$*" "$plain"; }
say() { printf '   %s\n' "$*"; }
shorten() { sed "s|$dir|\$DEMO|g; s|$bin/||g"; }
# Shows a command as one would type it, and runs it.
show() {
  printf '%s$ %s %s%s\n' "$dim" "$(basename "$1")" "${*:2}" "$plain" | shorten
  "$@" | shorten | sed 's/^/   /'
}
fail() {
  printf '\n%sFAILED: %s%s\n' "$bold" "$*" "$plain" >&2
  if [[ -s "$dir/gateway.log" ]]; then
    echo "--- the gateway's last words:" >&2
    tail -n 20 "$dir/gateway.log" >&2
  fi
  exit 1
}
trap 'fail "line $LINENO: $BASH_COMMAND"' ERR

# Reads the file, so that it works whether a gateway lives or not.
from_file() { "$bin/journal-cli" --journal "$journal" "$@"; }

# --- Processes ------------------------------------------------------------------------------------

# Every process that is there because of a sandbox: it works in our state directory or holds a file there.
# The gateway itself is not one. One "pid command" a line.
strays() {
  local pid
  for pid in $(ps -eo pid= | tr -d ' '); do
    [[ "$pid" != "$gateway" ]] || continue
    if [[ "$(readlink "/proc/$pid/cwd" 2>/dev/null)" == "$state"/* ]] ||
      find "/proc/$pid/fd" -lname "$state/*" 2>/dev/null | grep -q .; then
      printf '%s %s\n' "$pid" "$(ps -o args= -p "$pid" 2>/dev/null | cut -c1-80)"
    fi
  done
}
# Each workload is one shell, and carries its sandbox's name in its arguments.
workloads_of() { ps -eo args= | grep -c "^sh -c : workload of $1 in $dir;" || true; }

start_gateway() {  # further arguments: NAME=VALUE for its environment
  : >"$dir/gateway.log"
  env "$@" "$bin/holdfast-gateway" --config "$dir/gateway.toml" --state-dir "$state" \
    --socket "$HOLDFAST_SOCKET" 2>"$dir/gateway.log" &
  gateway=$!
  for _ in $(seq 200); do
    if grep -q ' ready ' "$dir/gateway.log"; then
      say "the gateway says: $(grep -o 'ready .*' "$dir/gateway.log" | tail -n 1 | shorten)"
      return
    fi
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
  say "the gateway is dead (killed by SIGKILL)"
}

clean_up() {
  local code=$? pid
  trap - EXIT INT TERM ERR
  set +e
  # Clients and gateway are our children; what sandboxes left is looked for, and after a success there
  # is none.
  for pid in $(jobs -p); do kill -9 "$pid" 2>/dev/null; done
  wait 2>/dev/null
  gateway=""
  for _ in 1 2 3; do
    while read -r pid _; do kill -9 "$pid" 2>/dev/null; done < <(strays)
    sleep 0.1
  done
  rm -rf "$dir"
  ((code == 0)) || echo "demo: failed ($code)" >&2
  exit "$code"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# --- What is looked at ----------------------------------------------------------------------------

state_of() {
  from_file --output json show "$1" 2>/dev/null |
    python3 -c 'import json, sys; print(json.load(sys.stdin)["sandbox"]["state"])' 2>/dev/null || true
}

wait_for_state() {  # SANDBOX STATE
  for _ in $(seq 300); do
    [[ "$(state_of "$1")" != "$2" ]] || return 0
    sleep 0.1
  done
  fail "$1 did not become $2 within 30 s; it is $(state_of "$1")"
}

# A sandbox's history, with a line where one gateway died and the next took over.
timeline() {
  printf '%s$ journal-cli show %s%s\n' "$dim" "$1" "$plain"
  from_file --output json show "$1" | python3 -c '
import json, sys
epoch = None
for entry in json.load(sys.stdin)["history"]:
    if epoch not in (None, entry["epoch"]):
        print("   ~~~~ kill -9; the next gateway takes the journal (epoch %s) ~~~~" % entry["epoch"])
    epoch = entry["epoch"]
    print("   #%-3s %s" % (entry["sequence"], entry["text"]))
' | shorten
}

# --- The demo -------------------------------------------------------------------------------------

mkdir -p "$dir/out" "$dir/leases"
cat >"$dir/gateway.toml" <<TOML
# Order matters: env adds to the plan, then ipam leases an address.
extensions = ["env", "ipam"]

[drivers.process]
isolation = "none"

[extension.env.config.env]
GREETING = "hold fast"

[extension.ipam.config]
pool = "demo"
range = "10.70.0.10-10.70.0.20"
state_dir = "$dir/leases"
TOML

# What runs in each sandbox: it says once which address it leased, and stays. ember ignores SIGTERM.
workload() {
  local deaf=""
  [[ "$1" != ember ]] || deaf="trap '' TERM; "
  # shellcheck disable=SC2016 # expanded in the sandbox
  printf ': workload of %s in %s; %s' "$1" "$dir" "$deaf"
  # shellcheck disable=SC2016
  printf 'echo "$GREETING from $HOLDFAST_IP" >>"$OUT"; while :; do sleep 0.2; done'
}

heading "1. Five sandboxes are created, and the gateway dies in the middle"
say "The process driver runs a shell in each; the extension env greets, ipam leases an address."
say "This gateway is armed to kill itself with SIGKILL at the worst moment: the third workload has just"
say "been started, and nobody knows it yet."
start_gateway HOLDFAST_FAILPOINT_KILL_ON=kProcessAfterSpawn:3
# A request id names the command: sent again, it is the same one.
create() {
  "$bin/holdfast" --quiet create "$1" --request-id "demo-$1" --env "OUT=$dir/out/$1" \
    -- sh -c "$(workload "$1")" >"$dir/create-$1.log" 2>&1
}
clients=()
for id in "${sandboxes[@]}"; do
  say "\$ holdfast create $id --env OUT=… -- sh -c …  &"
  create "$id" &
  clients+=($!)
done
expect_killed

heading "   What it left: the journal, read from the file, since nobody is there to ask"
show "$bin/journal-cli" --journal "$journal" ls
show "$bin/journal-cli" --journal "$journal" ledger
say "and running without anybody who watches (ps):"
strays | shorten | sed 's/^/     /'
in_flight=""
for id in "${sandboxes[@]}"; do
  if [[ "$(state_of "$id")" == Starting && "$(workloads_of "$id")" == 1 ]]; then in_flight="$id"; fi
done
[[ -n "$in_flight" ]] || fail "no workload was caught running while its sandbox was Starting"

heading "   The workload of $in_flight runs, and no record says so. What does the journal know?"
show "$bin/journal-cli" --journal "$journal" why "$in_flight"

heading "2. The next gateway takes the journal"
start_gateway
say "the clients are still waiting for their answers:"
for i in "${!sandboxes[@]}"; do
  id="${sandboxes[$i]}"
  if ! wait "${clients[$i]}"; then
    # On a slow host a client may have come too late to meet the first gateway at all.
    say "$(tail -n 1 "$dir/create-$id.log"); asked again"
    create "$id" || fail "create $id: $(cat "$dir/create-$id.log")"
  fi
  say "$(tail -n 1 "$dir/create-$id.log")"
done
show "$bin/journal-cli" status
show "$bin/holdfast" ls

heading "   What happened to each: intended, done, found by recovery"
for id in "${sandboxes[@]}"; do timeline "$id"; done

heading "   Nothing is missing, and nothing is there twice"
for id in "${sandboxes[@]}"; do
  for _ in $(seq 50); do
    [[ ! -s "$dir/out/$id" ]] || break
    sleep 0.1
  done
  running="$(workloads_of "$id")"
  say "$id: $running workload, which said: $(paste -sd '|' "$dir/out/$id")"
  [[ "$running" == 1 ]] || fail "$id has $running workloads, not one"
  [[ "$(wc -l <"$dir/out/$id")" == 1 ]] || fail "$id was started more than once"
done
addresses="$(sed 's/.* from //' "$dir"/out/* | sort -u | grep -c '^10[.]70[.]0[.]')"
held="$(find "$leases" -type f -name '10.*' | wc -l)"
say "$addresses different addresses, $held leases"
[[ "$addresses" == 5 && "$held" == 5 ]] || fail "five sandboxes must hold five addresses"
show "$bin/journal-cli" ledger

heading "3. A delete, and kill -9 in the middle of it"
say "ember does not listen to SIGTERM, so its delete has to wait out the grace of $grace_s seconds."
say "Nothing is armed this time: it is a plain kill -9 from outside."
say "\$ holdfast delete ember --grace ${grace_s}s  &"
"$bin/holdfast" --quiet delete ember --grace "${grace_s}s" >"$dir/delete.log" 2>&1 &
client=$!
wait_for_state ember Deleting
say "\$ kill -9 $gateway"
kill -9 "$gateway"
expect_killed
show "$bin/journal-cli" --journal "$journal" why ember
show "$bin/journal-cli" --journal "$journal" ledger ember
[[ "$(workloads_of ember)" == 1 ]] || fail "the workload is gone already: not the middle of the delete"

heading "4. The next gateway finishes the delete"
start_gateway
wait "$client" || fail "delete ember: $(cat "$dir/delete.log")"
say "$(tail -n 1 "$dir/delete.log")"
[[ "$(state_of ember)" == Deleted ]] || fail "ember is $(state_of ember), not Deleted"
timeline ember
[[ "$(workloads_of ember)" == 0 ]] || fail "ember's workload outlived its delete"
for id in amber birch cedar dunes; do
  [[ "$(workloads_of "$id")" == 1 ]] || fail "the delete of ember cost $id its workload"
done
say "the four others never noticed"

heading "5. Everything is deleted, and nothing is left"
for id in amber birch cedar dunes; do show "$bin/holdfast" --quiet delete "$id"; done
show "$bin/journal-cli" leaks
kill -TERM "$gateway"
wait "$gateway" || fail "the gateway did not end well when it was asked to"
gateway=""

left="$(strays)"
say "processes (ps):       ${left:-none}"
[[ -z "$left" ]] || fail "processes are left"
left="$(from_file ledger)"
say "ledger:               $left"
[[ "$left" == "nothing is held" ]] || fail "the ledger is not empty"
left="$(find "$leases" -type f -name '10.*')"
say "leases:               ${left:-none}"
[[ -z "$left" ]] || fail "leases are left"
left="$(find "$state" -name owner.json)"
say "sandbox directories:  ${left:-none}"
[[ -z "$left" ]] || fail "sandbox directories are left"
show "$bin/journal-cli" --journal "$journal" verify

heading "Killed twice; nothing lost, nothing leaked, nothing done twice. $((SECONDS - began)) s"
