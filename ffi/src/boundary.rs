//! Where C calls in: no panic goes out, no argument is taken as it comes.

use std::any::Any;
use std::cell::Cell;
use std::ffi::c_int;
use std::mem::MaybeUninit;
use std::panic::{catch_unwind, set_hook, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, Ordering};

use netns::{Error, ErrorKind, Generation, Result};

use crate::error::{netns_error, NETNS_OK};

/// Runs the body of a function that can fail.
pub(crate) fn call(
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
    body: impl FnOnce() -> Result<()>,
) -> i32 {
    log_panics();
    let _uncancelled = Uncancelled::new();
    let body = || if HEARS_LOG.get() { Err(called_from_log()) } else { body() };
    let failure = match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => return NETNS_OK,
        Ok(Err(error)) => netns_error::owning(error),
        Err(payload) => netns_error::of_panic(&*payload),
    };
    let status = failure.status();
    if let Some(ret_error) = ret_error {
        ret_error.write(Box::into_raw(Box::new(failure)));
    }
    status
}

/// Runs the body of a function that cannot fail; a panic in it is the library's own mistake, and what the
/// caller gets then is `otherwise`.
pub(crate) fn plain<T>(otherwise: T, body: impl FnOnce() -> T) -> T {
    log_panics();
    let _uncancelled = Uncancelled::new();
    catch_unwind(AssertUnwindSafe(body)).unwrap_or(otherwise)
}

/// What a panic says goes to the log: standard error is the program's. The hook is of this copy of Rust's
/// library, which nobody else uses.
fn log_panics() {
    static IS_SET: AtomicBool = AtomicBool::new(cfg!(test));
    if !IS_SET.load(Ordering::Relaxed) && !IS_SET.swap(true, Ordering::Relaxed) {
        set_hook(Box::new(|panic| log::error!("{panic}")));
    }
}

thread_local! {
    static HEARS_LOG: Cell<bool> = const { Cell::new(false) };
}

/// Runs `f`, which hears the log, unless it was called by itself. The library may be in the middle of anything
/// as it logs, with locks of its own held: a call from there might wait for itself.
pub(crate) fn hearing_log(f: impl FnOnce()) {
    if !HEARS_LOG.replace(true) {
        f();
        HEARS_LOG.set(false);
    }
}

fn called_from_log() -> Error {
    Error::new(ErrorKind::Forbidden, "call", "the library")
        .with_cause("a callback of the log must not do that")
}

/// Keeps the thread from being cancelled (pthread_cancel(3)) inside of Rust, which cannot be unwound so.
struct Uncancelled(c_int);

extern "C" {
    fn pthread_setcancelstate(state: c_int, old: *mut c_int) -> c_int;
}

impl Uncancelled {
    fn new() -> Self {
        const PTHREAD_CANCEL_DISABLE: c_int = 1;
        let mut before = 0;
        // SAFETY: a state of the calling thread's, and a place for the one before.
        unsafe { pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &raw mut before) };
        Self(before)
    }
}

impl Drop for Uncancelled {
    fn drop(&mut self) {
        // SAFETY: the state that was there before.
        unsafe { pthread_setcancelstate(self.0, std::ptr::null_mut()) };
    }
}

/// What a panic said.
pub(crate) fn words_of(payload: &(dyn Any + Send)) -> String {
    let literal = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    literal.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}

/// An argument that must not be NULL.
pub(crate) fn required<T>(argument: Option<T>, name: &str) -> Result<T> {
    argument.ok_or_else(|| Error::bad_request("use argument", name, "it is NULL"))
}

/// A handle with the process that made it: after a fork, threads that hold its locks are missing in the
/// child, and its sockets and files are the parent's, too.
pub(crate) struct Handle<T> {
    value: T,
    process: Generation,
}

impl<T> Handle<T> {
    pub(crate) fn new(value: T) -> Self {
        Self { value, process: Generation::current() }
    }

    /// What the handle is of.
    ///
    /// # Errors
    /// Forbidden in a child of the process that made it.
    pub(crate) fn get(&self) -> Result<&T> {
        if self.is_inherited() {
            return Err(Error::new(ErrorKind::Forbidden, "use", "a handle")
                .with_cause("it was made before this process was forked: open it anew here"));
        }
        Ok(&self.value)
    }

    fn is_inherited(&self) -> bool {
        self.process != Generation::current()
    }

    /// Ends the handle. Of an inherited one `keep` leaves as it is what is the parent's: its store, its
    /// threads.
    pub(crate) fn end_with(self, keep: impl FnOnce(T)) {
        if self.is_inherited() {
            keep(self.value);
        }
    }

    /// Ends the handle; an inherited one is all the parent's.
    pub(crate) fn end(self) {
        self.end_with(std::mem::forget);
    }
}

/// Hands `value` to the caller, who frees it.
pub(crate) fn give<T>(out: &mut MaybeUninit<*mut T>, value: T) {
    out.write(Box::into_raw(Box::new(value)));
}

/// Frees what the caller was handed.
pub(crate) fn discard<T>(value: Option<Box<T>>) {
    plain((), || drop(value));
}

#[cfg(test)]
mod tests {
    use std::ffi::CStr;
    use std::mem::MaybeUninit;

    use super::*;
    use crate::error::{netns_error_free, netns_error_message, netns_status};

    #[test]
    fn a_panic_becomes_a_status_and_an_error_with_its_words() {
        let mut error = MaybeUninit::uninit();
        let status = call(Some(&mut error), || panic!("out of {}", "tea"));
        assert_eq!(status, netns_status::Panic as i32);
        // SAFETY: a call that fails writes its error.
        let error = unsafe { Box::from_raw(error.assume_init()) };
        // SAFETY: the message lasts as long as the error.
        let message = unsafe { CStr::from_ptr(netns_error_message(Some(&error))) };
        assert!(message.to_str().unwrap().ends_with("out of tea"), "{message:?}");
        netns_error_free(Some(error));

        assert_eq!(call(None, || panic!("unheard")), netns_status::Panic as i32);
        assert_eq!(plain(7, || panic!("unheard")), 7);
    }
}
