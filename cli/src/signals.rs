//! Being told to end, while something is followed.

use std::sync::mpsc::{channel, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use netns::{Error, Result};
use nix::sys::signal::{SigSet, Signal};

/// Signals by which a person or a service manager ends a program that follows something.
const ENDING: [Signal; 3] = [Signal::SIGHUP, Signal::SIGINT, Signal::SIGTERM];

/// Tells whether one of them has come.
#[derive(Debug)]
pub(crate) struct Interrupt(Receiver<()>);

impl Interrupt {
    /// From now on these signals end nothing but what is followed. To be called before other threads start.
    pub(crate) fn catch() -> Result<Self> {
        let set: SigSet = ENDING.into_iter().collect();
        set.thread_block().map_err(|errno| Error::from_errno("block", "signals", errno as i32))?;
        let (sender, receiver) = channel();
        thread::Builder::new()
            .name("signals".to_owned())
            .spawn(move || while set.wait().is_ok() && sender.send(()).is_ok() {})
            .map_err(|error| {
                Error::from_errno("start", "thread for signals", error.raw_os_error().unwrap_or(0))
            })?;
        Ok(Self(receiver))
    }

    /// Waits; true when it was ended.
    pub(crate) fn within(&self, timeout: Duration) -> bool {
        !matches!(self.0.recv_timeout(timeout), Err(RecvTimeoutError::Timeout))
    }

    /// Waits for it.
    pub(crate) fn wait(&self) {
        let _ = self.0.recv();
    }
}
