// SPDX-License-Identifier: Apache-2.0
//! What this example needs of <holdfast/journal.h>, declared by hand. Structs are as in the header,
//! field by field; each begins with its size, so that the library knows which version we mean.
#![allow(non_camel_case_types)]
use std::ffi::{c_char, c_int, c_void};

pub type hf_code = i32;
pub const HF_OK: hf_code = 0;
pub const HF_NOT_FOUND: hf_code = 5;
pub const HF_CONTINUE: i32 = 0;
pub const HF_STOP: i32 = 1;
pub const HF_FORWARD: i32 = 1;
pub const HF_UNDO: i32 = 2;
pub const HF_DONE: i32 = 1;
pub const HF_FAILED: i32 = 2;
pub const HF_PRESENT: i32 = 4;
pub const HF_ABSENT: i32 = 5;

pub enum hf_error {}
pub enum hf_journal {}
pub enum hf_reader {}
pub enum hf_batch {}

#[repr(C)]
pub struct hf_options {
    pub size: usize,
    pub path: *const c_char,
    pub owner: *const c_char,
    pub boot_id: *const c_char,
    pub create: i32,
    pub reserved: i32,
}

#[repr(C)]
pub struct hf_resource {
    pub size: usize,
    pub kind: *const c_char,
    pub name: *const c_char,
    pub handle: *const c_char,
}

#[repr(C)]
pub struct hf_intent {
    pub size: usize,
    pub operation: u64,
    pub undoes: u64,
    pub deadline_ms: i64,
    pub name: *const c_char,
    pub participant: *const c_char,
    pub action: *const c_char,
    pub key: *const c_char,
    pub args: *const c_char,
    pub undo_action: *const c_char,
    pub undo_args: *const c_char,
    pub undo_participant: *const c_char,
    pub claims: *const *const hf_resource,
    pub claims_count: usize,
    pub kind: i32,
    pub idempotent: i32,
    pub undo_idempotent: i32,
    pub reserved: i32,
}

#[repr(C)]
pub struct hf_variable {
    pub size: usize,
    pub name: *const c_char,
    pub value: *const c_char,
}

#[repr(C)]
pub struct hf_outcome {
    pub size: usize,
    pub intent: u64,
    pub reason: *const c_char,
    pub message: *const c_char,
    pub resources: *const *const hf_resource,
    pub resources_count: usize,
    pub variables: *const *const hf_variable,
    pub variables_count: usize,
    pub state: *const c_void,
    pub state_bytes: usize,
    pub result: *const c_void,
    pub result_bytes: usize,
    pub attempt: u32,
    pub state_schema: u32,
    pub verdict: i32,
    pub closes: i32,
    pub retryable: i32,
    pub no_effect: i32,
    pub has_exit_code: i32,
    pub exit_code: i32,
}

#[repr(C)]
pub struct hf_appended {
    pub size: usize,
    pub first_position: u64,
    pub last_position: u64,
    pub last_sequence: u64,
}

#[repr(C)]
pub struct hf_record {
    pub size: usize,
    pub position: u64,
    pub sequence: u64,
    pub epoch: u64,
    pub time_unix_ms: i64,
    pub sandbox_id: *const c_char,
    pub type_name: *const c_char,
    pub payload: *const c_void,
    pub payload_bytes: usize,
    pub kind: i32,
    pub reserved: i32,
}

#[repr(C)]
pub struct hf_sandbox {
    pub size: usize,
    pub head_sequence: u64,
    pub head_position: u64,
    pub sandbox_id: *const c_char,
    pub state: *const c_char,
    pub summary: *const c_void,
    pub summary_bytes: usize,
    pub live: i32,
    pub reserved: i32,
}

#[repr(C)]
pub struct hf_open_intent {
    pub size: usize,
    pub intent: u64,
    pub position: u64,
    pub time_unix_ms: i64,
    pub sandbox_id: *const c_char,
    pub key: *const c_char,
    pub participant: *const c_char,
    pub action: *const c_char,
}

#[repr(C)]
pub struct hf_ledger_row {
    pub size: usize,
    pub intent: u64,
    pub since_unix_ms: i64,
    pub sandbox_id: *const c_char,
    pub participant: *const c_char,
    pub kind: *const c_char,
    pub name: *const c_char,
    pub handle: *const c_char,
    pub key: *const c_char,
    pub status: i32,
    pub reserved: i32,
}

pub type Visitor<T> = extern "C" fn(context: *mut c_void, row: *const T) -> i32;
pub type IntentVisitor = extern "C" fn(context: *mut c_void, intent: *const hf_intent);

#[link(name = "holdfast_journal")]
extern "C" {
    pub fn hf_code_name(code: hf_code) -> *const c_char;
    pub fn hf_error_message(error: *const hf_error) -> *const c_char;
    pub fn hf_error_free(error: *mut hf_error);

    pub fn hf_open(options: *const hf_options, journal: *mut *mut hf_journal, error: *mut *mut hf_error) -> hf_code;
    pub fn hf_close(journal: *mut hf_journal, error: *mut *mut hf_error) -> hf_code;
    pub fn hf_journal_reader(journal: *mut hf_journal, reader: *mut *mut hf_reader, error: *mut *mut hf_error) -> hf_code;
    pub fn hf_epoch(journal: *mut hf_journal, epoch: *mut u64, error: *mut *mut hf_error) -> hf_code;

    pub fn hf_batch_new(sandbox_id: *const c_char, expected_sequence: u64) -> *mut hf_batch;
    pub fn hf_batch_free(batch: *mut hf_batch);
    pub fn hf_batch_add_event(batch: *mut hf_batch, type_name: *const c_char, payload: *const c_void, payload_bytes: usize, time_unix_ms: i64, error: *mut *mut hf_error) -> hf_code;
    pub fn hf_batch_add_intent(batch: *mut hf_batch, intent: *const hf_intent, time_unix_ms: i64, error: *mut *mut hf_error) -> hf_code;
    pub fn hf_batch_add_outcome(batch: *mut hf_batch, outcome: *const hf_outcome, time_unix_ms: i64, error: *mut *mut hf_error) -> hf_code;
    pub fn hf_batch_set_projection(batch: *mut hf_batch, state: *const c_char, live: i32, summary: *const c_void, summary_bytes: usize, error: *mut *mut hf_error) -> hf_code;
    pub fn hf_append(journal: *mut hf_journal, batch: *const hf_batch, appended: *mut hf_appended, error: *mut *mut hf_error) -> hf_code;

    pub fn hf_find_sandbox(reader: *mut hf_reader, sandbox_id: *const c_char, visit: Visitor<hf_sandbox>, context: *mut c_void, error: *mut *mut hf_error) -> hf_code;
    pub fn hf_read_sandbox(reader: *mut hf_reader, sandbox_id: *const c_char, from_sequence: u64, visit: Visitor<hf_record>, context: *mut c_void, error: *mut *mut hf_error) -> hf_code;
    pub fn hf_list_open_intents(reader: *mut hf_reader, sandbox_id: *const c_char, visit: Visitor<hf_open_intent>, context: *mut c_void, error: *mut *mut hf_error) -> hf_code;
    pub fn hf_read_ledger(reader: *mut hf_reader, sandbox_id: *const c_char, all: i32, visit: Visitor<hf_ledger_row>, context: *mut c_void, error: *mut *mut hf_error) -> hf_code;
    pub fn hf_decode_intent(payload: *const c_void, payload_bytes: usize, visit: IntentVisitor, context: *mut c_void, error: *mut *mut hf_error) -> hf_code;

    // Of libc, which the standard library links anyway.
    pub fn raise(signal: c_int) -> c_int;
}
