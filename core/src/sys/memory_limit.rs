//! The limit that the memory of the kernel's maps counts against before Linux 5.11.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{raw, PerProcess};

/// `RLIMIT_MEMLOCK` as it was before this, which has raised it as far as this process may and sets it back.
pub(crate) struct RaisedMemoryLimit {
    before: libc::rlimit,
    raised: libc::rlimit,
    _alone: MutexGuard<'static, ()>,
}

impl RaisedMemoryLimit {
    /// None where the limit cannot be higher than it is.
    pub(crate) fn new() -> Option<Self> {
        // What another thread raised is not what it was before.
        static ALONE: PerProcess<Mutex<()>> = PerProcess::new();

        let alone = ALONE.get().lock().unwrap_or_else(PoisonError::into_inner);
        let before = raw::memory_limit(None).ok()?;
        let raised = [libc::RLIM_INFINITY, before.rlim_max]
            .map(|limit| libc::rlimit { rlim_cur: limit, rlim_max: limit })
            .into_iter()
            .find(|limit| before.rlim_cur < limit.rlim_cur && raw::memory_limit(Some(*limit)).is_ok())?;
        Some(Self { before, raised, _alone: alone })
    }
}

impl Drop for RaisedMemoryLimit {
    fn drop(&mut self) {
        let is_ours =
            |now: &libc::rlimit| (now.rlim_cur, now.rlim_max) == (self.raised.rlim_cur, self.raised.rlim_max);
        if raw::memory_limit(None).is_ok_and(|now| is_ours(&now)) {
            let _ = raw::memory_limit(Some(self.before));
        }
    }
}
