//! Locks on files that processes share.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::thread;
use std::time::{Duration, Instant};

use super::{raw, Generation};

const SHORTEST_PAUSE: Duration = Duration::from_micros(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(1);

/// A file that is locked until this is dropped.
///
/// Closing it would not do: a child that another thread forked meanwhile has the file open, too, and would
/// keep the lock, and wait for itself.
#[must_use]
pub(crate) struct LockedFile {
    file: File,
    process: Generation,
}

impl LockedFile {
    /// Of a file that [`lock_exclusive`] or [`lock_shared`] has locked.
    pub(crate) fn new(file: File) -> Self {
        Self { file, process: Generation::current() }
    }

    /// Locks `file` if nobody has it locked.
    pub(super) fn try_new(file: File) -> io::Result<Option<Self>> {
        Ok(raw::try_lock(file.as_fd())?.then(|| Self::new(file)))
    }

    /// The file.
    pub(crate) fn file(&self) -> &File {
        &self.file
    }
}

impl Drop for LockedFile {
    fn drop(&mut self) {
        // In a forked child this would let go of what the parent holds.
        if self.process == Generation::current() {
            if let Err(error) = raw::unlock(self.file.as_fd()) {
                log::warn!("cannot unlock a file: {error}");
            }
        }
    }
}

/// Locks the open file `fd` (`flock(2)`), for [`LockedFile`] to let go of, waiting for up to `patience`; false when
/// another open file has it locked for all that time.
pub(crate) fn lock_exclusive(fd: BorrowedFd<'_>, patience: Duration) -> io::Result<bool> {
    persevere(patience, || raw::try_lock(fd))
}

/// As [`lock_exclusive`], with any number of others that do the same.
pub(crate) fn lock_shared(fd: BorrowedFd<'_>, patience: Duration) -> io::Result<bool> {
    // Most often nobody is in the way, and nobody need know what time it is.
    Ok(raw::try_lock_shared(fd)? || persevere(patience, || raw::try_lock_shared(fd))?)
}

/// Tries until it has succeeded, for up to `patience`; whether it has.
pub(crate) fn persevere<E>(
    patience: Duration,
    mut try_it: impl FnMut() -> Result<bool, E>,
) -> Result<bool, E> {
    let deadline = Instant::now() + patience;
    for tries in 0.. {
        if try_it()? {
            return Ok(true);
        }
        if Instant::now() >= deadline {
            break;
        }
        thread::sleep(pause(tries));
    }
    Ok(false)
}

/// How long to wait after so many tries in vain: 50 µs, as long as what is waited for usually takes,
/// and then doubling up to 1 ms.
pub(crate) fn pause(tries: u32) -> Duration {
    const USUAL: u32 = 40;
    SHORTEST_PAUSE.saturating_mul(1 << tries.saturating_sub(USUAL).min(8)).min(LONGEST_PAUSE)
}
