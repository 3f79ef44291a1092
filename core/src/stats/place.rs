//! The directory in which one table of counters is pinned.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::layout::VERSION;
use crate::error::{Error, ErrorKind, Result};
use crate::sys::{self, LockedFile};

/// How long others may have the directory locked.
const PATIENCE: Duration = Duration::from_secs(1);

/// The directory of one table: what is opened in it is of that table, whatever becomes of its name meanwhile, and its
/// lock is that table's. Who takes a slot has it locked with all others who do, so that nobody is in the middle of
/// that, alive, while it is locked for one: then claims are dropped and tables given up.
pub(super) struct Place {
    path: PathBuf,
    directory: File,
}

impl Place {
    /// Where the pins of that directory are: another layout has another place.
    pub(super) fn path_in(directory: &Path) -> PathBuf {
        directory.join(format!("v{VERSION}"))
    }

    /// The place in that directory; none when nothing is pinned.
    pub(super) fn find(directory: &Path) -> Result<Option<Self>> {
        match Self::open(Self::path_in(directory)) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            opened => opened.map(Some),
        }
    }

    pub(super) fn open(path: PathBuf) -> Result<Self> {
        let opened = OpenOptions::new().read(true).custom_flags(libc::O_PATH | libc::O_DIRECTORY).open(&path);
        match opened {
            Ok(directory) => Ok(Self { path, directory }),
            Err(error) => Err(Error::from_io("open", path.display().to_string(), error)),
        }
    }

    /// As people know it.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// By this path what is pinned here is opened.
    pub(super) fn pin(&self, name: &str) -> PathBuf {
        Path::new("/proc/self/fd").join(self.directory.as_raw_fd().to_string()).join(name)
    }

    /// Whether it is what its path leads to, still.
    pub(super) fn is_in_place(&self) -> bool {
        let of = |file: io::Result<std::fs::Metadata>| Some((file.as_ref().ok()?.dev(), file.ok()?.ino()));
        let there = of(std::fs::metadata(&self.path));
        there.is_some() && there == of(self.directory.metadata())
    }

    /// Locks it with all others who take slots.
    pub(super) fn lock_with_others(&self) -> Result<LockedFile> {
        self.lock(sys::lock_shared, PATIENCE)?.ok_or_else(|| {
            let error = Error::new(ErrorKind::Busy, "lock", self.path.display().to_string());
            error.with_cause("another has it locked for a second")
        })
    }

    /// Locks it for the caller alone; none when others have it locked all the time.
    pub(super) fn lock_alone(&self) -> Result<Option<LockedFile>> {
        self.lock(sys::lock_exclusive, PATIENCE)
    }

    /// As [`Place::lock_alone`], without waiting for others.
    pub(super) fn try_lock_alone(&self) -> Result<Option<LockedFile>> {
        self.lock(sys::lock_exclusive, Duration::ZERO)
    }

    /// Each time with a file of its own: threads would share the lock of one.
    fn lock(
        &self,
        lock: impl Fn(BorrowedFd<'_>, Duration) -> io::Result<bool>,
        patience: Duration,
    ) -> Result<Option<LockedFile>> {
        let failed = |error| Error::from_io("lock", self.path.display().to_string(), error);
        let file = File::from(sys::open_again(self.directory.as_fd()).map_err(failed)?);
        Ok(lock(file.as_fd(), patience).map_err(failed)?.then(|| LockedFile::new(file)))
    }
}

/// Whether a locked directory has been removed.
pub(super) fn is_removed(locked: &LockedFile) -> bool {
    locked.file().metadata().is_ok_and(|directory| directory.nlink() == 0)
}
