// SPDX-License-Identifier: Apache-2.0
//
// A story: a script of commands against a real journal, engine and chain over a simulated platform,
// and the trace that the journal keeps of it. One file is one story; its name is a sentence.
//
//   # why the case exists
//   fault s1 provision unknown-after
//   create s1
//   ----
//   <trace>
//
// Verbs (none waits for what it begins; a block's trace is taken when everything is idle):
//   create ID | start ID | stop ID [force] | delete ID [force]   a command; prints a refusal
//   repair ID retry | repair ID released NOTE…
//   fault ID ACTION FAULT…    the platform's next attempts at ACTION ("probe" too); see ParseFault
//   net ID HOOK FAULT…        the same for the extension "net"
//   await ID ACTION           until the platform was asked for it ("net.HOOK": the extension)
//   idle                      until everything that can come to rest has
//   exit ID CODE              the workload ends by itself
//   vanish ID KIND            somebody removes a thing behind our back
//   restart [without net]     the gateway dies where it stands and is started again
//   policy NAME VALUE         forward-attempts | undo-attempts | probes | step-deadline |
//   hook-deadline (ms) blunt                     the platform's steps and undos may not be run
//   blindly
// After each block, per sandbox: the new records, then its state, what it holds and the worlds.
#pragma once

#include <string>

namespace holdfast::scenario {

// The script's expected output, as it should be: each block's commands, "----", and the trace.
std::string Tell(const std::string& script);

}  // namespace holdfast::scenario
