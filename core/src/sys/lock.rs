//! Locks on files that processes share.

use std::io;
use std::os::fd::BorrowedFd;
use std::thread;
use std::time::{Duration, Instant};

use super::raw;

const SHORTEST_PAUSE: Duration = Duration::from_micros(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(1);

/// Locks the open file `fd` (`flock(2)`) until it is closed, waiting for up to `patience`; false when
/// another open file has it locked for all that time.
pub(crate) fn lock_exclusive(fd: BorrowedFd<'_>, patience: Duration) -> io::Result<bool> {
    let deadline = Instant::now() + patience;
    for tries in 0.. {
        if raw::try_lock(fd)? {
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
