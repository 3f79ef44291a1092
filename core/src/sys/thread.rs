//! Threads of the library's own.

use std::io;
use std::thread::{Builder, JoinHandle};

use super::raw;

/// Starts a thread that takes none of the process's signals: those are for the caller's threads.
pub(crate) fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    raw::with_signals_blocked(|| Builder::new().name(name.to_owned()).spawn(work))
}
