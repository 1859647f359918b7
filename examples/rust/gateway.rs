// SPDX-License-Identifier: Apache-2.0
//! The skeleton of a gateway in Rust that embeds the journal through its C interface; the same story
//! as the one in C. Its sandboxes hold one thing outside: a lease, which is a file. Each run takes
//! the journal, first settles what a run before it left open, then does what it was asked to:
//!
//!   gateway DIR create ID [--die-before | --die-after]    make a lease
//!   gateway DIR delete ID [--die-before | --die-after]    give it up
//!   gateway DIR status                                    print what is held
//!
//! --die-before and --die-after end the process with SIGKILL right before and right after the effect,
//! when nobody has written down what came of it. Run it again: nothing is lost or done twice.
mod ffi;
mod journal;

use ffi::*;
use journal::{text, Journal, Result};
use std::fs;
use std::io::ErrorKind;
use std::mem::{size_of, zeroed};
use std::path::PathBuf;
use std::process::ExitCode;

struct Gateway {
    directory: PathBuf,
    die: String,
    journal: Journal,
}

impl Gateway {
    // The world: leases are files. Making and dropping may be called again after a crash.
    fn lease(&self, id: &str) -> PathBuf {
        self.directory.join(format!("{id}.lease"))
    }

    fn drop_lease(&self, id: &str) -> bool {
        match fs::remove_file(self.lease(id)) {
            Ok(()) => true,
            Err(error) => error.kind() == ErrorKind::NotFound,
        }
    }

    fn die_if(&self, moment: &str) {
        if self.die == moment {
            const SIGKILL: i32 = 9;
            unsafe { raise(SIGKILL) };
        }
    }

    /// Writes down what came of an intent: that the lease is there, or that it is not.
    fn answer(&self, id: &str, intent: u64, verdict: i32, is_there: bool) -> Result<()> {
        let (kind, name, handle) = (text("lease"), text(id), text("file"));
        let lease = hf_resource { size: size_of::<hf_resource>(), kind: kind.as_ptr(), name: name.as_ptr(), handle: handle.as_ptr() };
        let made = [&lease as *const hf_resource];
        let mut outcome: hf_outcome = unsafe { zeroed() };
        outcome.size = size_of::<hf_outcome>();
        outcome.intent = intent;
        outcome.attempt = 1;
        outcome.verdict = verdict;
        outcome.closes = 1;
        outcome.resources = made.as_ptr();
        outcome.resources_count = is_there.into();
        let state = if is_there { "Held" } else { "Gone" };
        self.journal.append(id, state, is_there, |batch| batch.outcome(&outcome)).map(|_| ())
    }

    fn create(&self, id: &str) -> Result<()> {
        let (kind, name, participant) = (text("lease"), text(id), text("leases"));
        let (action, undo) = (text("make"), text("drop"));
        let key = text(&format!("{id}/{}/lease", self.journal.head(id)?));
        let lease = hf_resource { size: size_of::<hf_resource>(), kind: kind.as_ptr(), name: name.as_ptr(), handle: std::ptr::null() };
        let claims = [&lease as *const hf_resource];
        let mut intent: hf_intent = unsafe { zeroed() };
        intent.size = size_of::<hf_intent>();
        intent.kind = HF_FORWARD;
        intent.name = kind.as_ptr();
        intent.participant = participant.as_ptr();
        intent.action = action.as_ptr();
        intent.key = key.as_ptr();
        intent.undo_action = undo.as_ptr();
        intent.undo_args = name.as_ptr();
        intent.undo_idempotent = 1;
        intent.claims = claims.as_ptr();
        intent.claims_count = claims.len();

        // 1. What is about to be done, and how it is undone, is on the disk …
        let owed = self.journal.append(id, "Making", true, |batch| {
            batch.event("Requested")?;
            batch.intent(&intent)
        })?;
        // 2. … before it is done; 3. and what came of it, after.
        self.die_if("--die-before");
        let made = fs::File::create(self.lease(id)).is_ok();
        self.die_if("--die-after");
        println!("{} {id}", if made { "made" } else { "could not make" });
        self.answer(id, owed, if made { HF_DONE } else { HF_FAILED }, made)
    }

    fn delete(&self, id: &str) -> Result<()> {
        // What holds the lease, and how it is undone, is in the journal: nothing else remembers.
        let held = self.journal.held(Some(id))?;
        let Some(lease) = held.first() else {
            println!("{id} holds nothing");
            return Ok(());
        };
        let undo = self.journal.undo_of(id, lease.intent)?;
        let (name, participant) = (text("undo lease"), text("leases"));
        let (action, args) = (text(&undo.action), text(&undo.args));
        let mut intent: hf_intent = unsafe { zeroed() };
        intent.size = size_of::<hf_intent>();
        intent.kind = HF_UNDO;
        intent.undoes = lease.intent;
        intent.name = name.as_ptr();
        intent.participant = participant.as_ptr();
        intent.action = action.as_ptr();
        intent.args = args.as_ptr();
        intent.idempotent = 1;
        let owed = self.journal.append(id, "Dropping", true, |batch| batch.intent(&intent))?;
        self.die_if("--die-before");
        let dropped = self.drop_lease(&undo.args);
        self.die_if("--die-after");
        println!("{} {id}", if dropped { "dropped" } else { "could not drop" });
        if dropped {
            self.answer(id, owed, HF_DONE, false)?;
        }
        Ok(())
    }

    /// Intents without an outcome: the process died in between. Look, before anything is done.
    fn settle_what_is_owed(&self) -> Result<()> {
        for owed in self.journal.open_intents()? {
            let id = &owed.sandbox;
            let is_there = self.lease(id).exists();
            println!("owed: {} {id}: it is {}", owed.action, if is_there { "there" } else { "not there" });
            if owed.action == "make" {
                self.answer(id, owed.intent, if is_there { HF_PRESENT } else { HF_ABSENT }, is_there)?;
            } else if self.drop_lease(id) {
                self.answer(id, owed.intent, HF_DONE, false)?;
            }
        }
        Ok(())
    }

    fn print_what_is_held(&self) -> Result<()> {
        for row in self.journal.held(None)? {
            println!("held: {} {} ({}) by {}", row.kind, row.name, row.handle, row.sandbox);
        }
        Ok(())
    }
}

fn run(directory: &str, verb: &str, id: &str, die: &str) -> Result<()> {
    fs::create_dir_all(directory).map_err(|error| error.to_string())?;
    let journal = Journal::open(&format!("{directory}/journal.db"), "example-gateway")?;
    println!("epoch {}", journal.epoch()?);
    let gateway = Gateway { directory: directory.into(), die: die.into(), journal };
    gateway.settle_what_is_owed()?;
    match verb {
        "create" => gateway.create(id)?,
        "delete" => gateway.delete(id)?,
        _ => gateway.print_what_is_held()?,
    }
    gateway.journal.close()
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let argument = |n: usize| arguments.get(n).map_or("", String::as_str);
    if arguments.len() < 3 || (arguments.len() < 4 && argument(2) != "status") {
        eprintln!("usage: gateway DIR create|delete ID [--die-before|--die-after], gateway DIR status");
        return ExitCode::from(2);
    }
    match run(argument(1), argument(2), argument(3), argument(4)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}
