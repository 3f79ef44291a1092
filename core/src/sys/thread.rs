//! Threads of the library's own.

use std::io;
use std::thread::{Builder, JoinHandle, Scope, ScopedJoinHandle};

use super::{raw, Generation};
use crate::error::{Error, Result};

/// A thread of the library's own. A forked child does not have it: even to let go of it would be to let go of
/// another there, as its place is the next one's that the child starts.
#[derive(Debug)]
pub(crate) struct Worker {
    thread: Option<JoinHandle<()>>,
    process: Generation,
}

impl Worker {
    /// Waits for its end; in a forked child for nothing.
    pub(crate) fn join(mut self) {
        if self.process != Generation::current() {
            return;
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if self.process != Generation::current() {
            std::mem::forget(self.thread.take());
        }
    }
}

/// Starts a thread that takes none of the process's signals: those are for the caller's threads.
pub(crate) fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<Worker> {
    let thread = raw::with_signals_blocked(|| Builder::new().name(name.to_owned()).spawn(work))?;
    Ok(Worker { thread: Some(thread), process: Generation::current() })
}

/// [`spawn`] for a thread that does not outlive `scope`.
pub(crate) fn spawn_in<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    name: &str,
    work: impl FnOnce() -> T + Send + 'scope,
) -> io::Result<ScopedJoinHandle<'scope, T>> {
    raw::with_signals_blocked(|| Builder::new().name(name.to_owned()).spawn_scoped(scope, work))
}

/// The calling thread's number (gettid(2)), by which the kernel finds it as it does a process.
pub(crate) fn number() -> Result<u32> {
    const OWN: &str = "/proc/thread-self";
    let failed = |error| Error::from_io("read", OWN, error);
    let target = std::fs::read_link(OWN).map_err(failed)?;
    let number = target.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse().ok());
    number.ok_or_else(|| Error::bad_request("read", OWN, "it names no thread"))
}
