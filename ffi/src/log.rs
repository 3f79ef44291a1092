//! What the library logs, for whoever wants to hear it.

use std::ffi::{c_char, c_void};
use std::mem::MaybeUninit;
use std::sync::{Arc, PoisonError, RwLock};

use log::{LevelFilter, Log, Metadata, Record};
use netns::{Error, PerProcess};

use crate::boundary::{call, hearing_log};
use crate::error::netns_error;
use crate::text::c_string;

/// How important a message of the log is.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum netns_log_level {
    /// Nothing at all, for netns_log_set.
    Off = 0,
    /// Something was given up.
    Error = 1,
    /// Something is not as it should be, and was worked around.
    Warn = 2,
    /// What was found and put right.
    Info = 3,
    /// For those who look for a mistake.
    Debug = 4,
}

const LEVELS: [(netns_log_level, LevelFilter); 5] = [
    (netns_log_level::Off, LevelFilter::Off),
    (netns_log_level::Error, LevelFilter::Error),
    (netns_log_level::Warn, LevelFilter::Warn),
    (netns_log_level::Info, LevelFilter::Info),
    (netns_log_level::Debug, LevelFilter::Debug),
];

/// Hears a message of the log: its netns_log_level, the part of the library that it is from, its text. Both
/// strings last until the callback returns. It is called from any thread, several at once, from the middle of
/// whatever the library does: it must not call the library, and where it does the call answers
/// NETNS_STATUS_FORBIDDEN. What reads an object that is there, or frees an error, may be called.
pub type netns_log_callback = Option<
    unsafe extern "C" fn(user: *mut c_void, level: i32, target: *const c_char, message: *const c_char),
>;

/// Is called once when the library needs a callback's `user` no more, from any thread. That of a callback of
/// the log must not call the library either.
pub type netns_release_callback = Option<unsafe extern "C" fn(user: *mut c_void)>;

/// What a caller wants back with its callbacks, given up when the last callback is over.
pub(crate) struct User {
    pointer: *mut c_void,
    release: netns_release_callback,
}

// SAFETY: the header says that callbacks come from any thread, several at once.
unsafe impl Send for User {}
// SAFETY: the same.
unsafe impl Sync for User {}

impl User {
    pub(crate) fn new(pointer: *mut c_void, release: netns_release_callback) -> Self {
        Self { pointer, release }
    }

    /// The pointer. Closures take hold of the whole for it, and so of its end.
    pub(crate) fn pointer(&self) -> *mut c_void {
        self.pointer
    }

    /// Gives it up without telling the caller: a call that fails has taken nothing.
    pub(crate) fn hand_back(mut self) {
        self.release = None;
    }
}

impl Drop for User {
    fn drop(&mut self) {
        if let Some(release) = self.release {
            // SAFETY: the caller's own function with the caller's own pointer, once.
            unsafe { release(self.pointer) };
        }
    }
}

struct Listener {
    callback: unsafe extern "C" fn(*mut c_void, i32, *const c_char, *const c_char),
    user: User,
}

/// A child that is forked hears nothing until it says so.
static LISTENER: PerProcess<RwLock<Option<Arc<Listener>>>> = PerProcess::new();

struct Forwarder;

impl Log for Forwarder {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let listener = LISTENER.get().read().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(listener) = listener else { return };
        let (target, message) = (c_string(record.target()), c_string(&record.args().to_string()));
        let (user, level) = (listener.user.pointer(), record.level() as i32);
        hearing_log(|| {
            // SAFETY: the callback by the header's rules, with strings that last until it returns.
            unsafe { (listener.callback)(user, level, target.as_ptr(), message.as_ptr()) };
            // It may be the last that held on to one that was replaced meanwhile.
            drop(listener);
        });
    }

    fn flush(&self) {}
}

/// Has `callback` hear what the library logs, in the whole process, instead of the one before: who is a
/// library itself leaves this to the program. A child that is forked hears nothing until it calls this. What
/// is not heard is written nowhere.
///
/// @param max_level  a netns_log_level: the least important messages that are wanted
/// @param callback   hears them; may be NULL, for nobody
/// @param user       is handed to the callback as it is; may be NULL
/// @param release    is told when `user` is needed no more: after another call of this function, when the
///                   last callback has returned; may be NULL. Not called when this function fails
/// @param ret_error  what went wrong; may be NULL
/// @return 0; NETNS_STATUS_BAD_REQUEST for a level that is none
#[no_mangle]
pub extern "C" fn netns_log_set(
    max_level: i32,
    callback: netns_log_callback,
    user: *mut c_void,
    release: netns_release_callback,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        let known = LEVELS.into_iter().find(|(level, _)| *level as i32 == max_level);
        let Some((_, level)) = known else {
            let cause = format!("{max_level} is no netns_log_level");
            return Err(Error::bad_request("use argument", "max_level", cause));
        };
        let user = User::new(user, release);
        let listener = callback.map(|callback| (callback, user));
        let listener = listener.map(|(callback, user)| Arc::new(Listener { callback, user }));
        // Only the first call has an effect, and nobody else can have set one: this copy of the crate is the
        // library's own.
        let _ = log::set_logger(&Forwarder);
        log::set_max_level(if listener.is_some() { level } else { LevelFilter::Off });
        let mut own = LISTENER.get().write().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut *own, listener);
        drop(own);
        // Its release is the caller's.
        hearing_log(|| drop(before));
        Ok(())
    })
}
