// SPDX-License-Identifier: Apache-2.0
//! The journal as a Rust program wants it: results instead of codes, strings of its own, closures
//! instead of visitors, and a Drop.
use crate::ffi::*;
use std::ffi::{c_char, c_void, CStr, CString};
use std::mem::size_of;
use std::ptr::{null, null_mut};
use std::time::{SystemTime, UNIX_EPOCH};

/// What the library said: the code's name and a sentence.
pub type Result<T> = std::result::Result<T, String>;

pub struct Journal {
    handle: *mut hf_journal,
    reader: *mut hf_reader,
}

pub struct OpenIntent {
    pub sandbox: String,
    pub intent: u64,
    pub action: String,
}

pub struct Held {
    pub sandbox: String,
    pub kind: String,
    pub name: String,
    pub handle: String,
    pub intent: u64,
}

pub struct Undo {
    pub action: String,
    pub args: String,
}

fn check(code: hf_code, error: *mut hf_error) -> Result<()> {
    if code == HF_OK {
        return Ok(());
    }
    let text = unsafe { format!("{}: {}", owned(hf_code_name(code)), owned(hf_error_message(error))) };
    unsafe { hf_error_free(error) };
    Err(text)
}

unsafe fn owned(text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    CStr::from_ptr(text).to_string_lossy().into_owned()
}

pub fn text(text: &str) -> CString {
    CString::new(text).expect("text without NUL")
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
    since.as_millis() as i64
}

/// Hands each row to the closure that `context` points to.
extern "C" fn visit<T>(context: *mut c_void, row: *const T) -> i32 {
    let each = unsafe { &mut *(context as *mut &mut dyn FnMut(&T) -> i32) };
    each(unsafe { &*row })
}

extern "C" fn visit_intent(context: *mut c_void, intent: *const hf_intent) {
    let (undo, intent) = unsafe { (&mut *(context as *mut Undo), &*intent) };
    *undo = unsafe { Undo { action: owned(intent.undo_action), args: owned(intent.undo_args) } };
}

/// Makes a visitor and its context from a closure, for the length of a call.
macro_rules! calling {
    ($each:ident) => {
        &mut (&mut $each as &mut dyn FnMut(&_) -> i32) as *mut _ as *mut c_void
    };
}

impl Journal {
    pub fn open(path: &str, owner: &str) -> Result<Journal> {
        let (path, owner) = (text(path), text(owner));
        let options = hf_options {
            size: size_of::<hf_options>(),
            path: path.as_ptr(),
            owner: owner.as_ptr(),
            boot_id: null(),
            create: 1,
            reserved: 0,
        };
        let (mut journal, mut error) = (Journal { handle: null_mut(), reader: null_mut() }, null_mut());
        check(unsafe { hf_open(&options, &mut journal.handle, &mut error) }, error)?;
        check(unsafe { hf_journal_reader(journal.handle, &mut journal.reader, &mut error) }, error)?;
        Ok(journal)
    }

    pub fn epoch(&self) -> Result<u64> {
        let (mut epoch, mut error) = (0, null_mut());
        check(unsafe { hf_epoch(self.handle, &mut epoch, &mut error) }, error)?;
        Ok(epoch)
    }

    /// The sequence of the sandbox's last record, 0 if it has none.
    pub fn head(&self, sandbox: &str) -> Result<u64> {
        let (id, mut error, mut head) = (text(sandbox), null_mut(), 0);
        let mut each = |row: &hf_sandbox| {
            head = row.head_sequence;
            HF_CONTINUE
        };
        let code = unsafe { hf_find_sandbox(self.reader, id.as_ptr(), visit, calling!(each), &mut error) };
        if code == HF_NOT_FOUND {
            unsafe { hf_error_free(error) };
            return Ok(0);
        }
        check(code, error)?;
        Ok(head)
    }

    /// Appends what `fill` puts into the batch, durably. The sequence of its last record.
    pub fn append(&self, sandbox: &str, state: &str, live: bool, fill: impl FnOnce(&Batch) -> Result<()>) -> Result<u64> {
        let batch = Batch { handle: unsafe { hf_batch_new(text(sandbox).as_ptr(), self.head(sandbox)?) } };
        fill(&batch)?;
        let mut error = null_mut();
        let mut appended = hf_appended { size: size_of::<hf_appended>(), first_position: 0, last_position: 0, last_sequence: 0 };
        let state = text(state);
        check(unsafe { hf_batch_set_projection(batch.handle, state.as_ptr(), live.into(), null(), 0, &mut error) }, error)?;
        check(unsafe { hf_append(self.handle, batch.handle, &mut appended, &mut error) }, error)?;
        Ok(appended.last_sequence)
    }

    /// Intents under which something may still be owed.
    pub fn open_intents(&self) -> Result<Vec<OpenIntent>> {
        let (mut rows, mut error) = (Vec::new(), null_mut());
        let mut each = |row: &hf_open_intent| {
            rows.push(unsafe { OpenIntent { sandbox: owned(row.sandbox_id), intent: row.intent, action: owned(row.action) } });
            HF_CONTINUE
        };
        check(unsafe { hf_list_open_intents(self.reader, null(), visit, calling!(each), &mut error) }, error)?;
        Ok(rows)
    }

    /// What the sandbox, or any sandbox, holds or may hold.
    pub fn held(&self, sandbox: Option<&str>) -> Result<Vec<Held>> {
        let (mut rows, mut error) = (Vec::new(), null_mut());
        let id = sandbox.map(text);
        let mut each = |row: &hf_ledger_row| {
            rows.push(unsafe {
                Held { sandbox: owned(row.sandbox_id), kind: owned(row.kind), name: owned(row.name), handle: owned(row.handle), intent: row.intent }
            });
            HF_CONTINUE
        };
        let id = id.as_ref().map_or(null(), |id| id.as_ptr());
        check(unsafe { hf_read_ledger(self.reader, id, 0, visit, calling!(each), &mut error) }, error)?;
        Ok(rows)
    }

    /// How an intent of the sandbox is undone.
    pub fn undo_of(&self, sandbox: &str, intent: u64) -> Result<Undo> {
        let (id, mut error) = (text(sandbox), null_mut());
        let mut undo = Undo { action: String::new(), args: String::new() };
        let mut decoded = Ok(());
        let mut each = |record: &hf_record| {
            let mut error = null_mut();
            let context = &mut undo as *mut Undo as *mut c_void;
            decoded = check(unsafe { hf_decode_intent(record.payload, record.payload_bytes, visit_intent, context, &mut error) }, error);
            HF_STOP
        };
        check(unsafe { hf_read_sandbox(self.reader, id.as_ptr(), intent, visit, calling!(each), &mut error) }, error)?;
        decoded.map(|()| undo)
    }

    /// Closing says whether the last writes went well; Drop cannot.
    pub fn close(mut self) -> Result<()> {
        let (handle, mut error) = (std::mem::replace(&mut self.handle, null_mut()), null_mut());
        check(unsafe { hf_close(handle, &mut error) }, error)
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        if !self.handle.is_null() {
            unsafe { hf_close(self.handle, null_mut()) };
        }
    }
}

// The library takes a handle from any thread.
unsafe impl Send for Journal {}
unsafe impl Sync for Journal {}

/// Records of one sandbox that are stored together or not at all.
pub struct Batch {
    handle: *mut hf_batch,
}

impl Batch {
    pub fn event(&self, name: &str) -> Result<()> {
        let (name, mut error) = (text(name), null_mut());
        check(unsafe { hf_batch_add_event(self.handle, name.as_ptr(), null(), 0, now(), &mut error) }, error)
    }

    pub fn intent(&self, intent: &hf_intent) -> Result<()> {
        let mut error = null_mut();
        check(unsafe { hf_batch_add_intent(self.handle, intent, now(), &mut error) }, error)
    }

    pub fn outcome(&self, outcome: &hf_outcome) -> Result<()> {
        let mut error = null_mut();
        check(unsafe { hf_batch_add_outcome(self.handle, outcome, now(), &mut error) }, error)
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        unsafe { hf_batch_free(self.handle) };
    }
}
