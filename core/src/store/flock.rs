//! Locks between processes that nobody waits for endlessly: flock(2) on a file.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::error::{Error, ErrorKind, Result};
use crate::sys;

/// How long to wait for a holder.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// Opens the lock file at `path`; it and its directory are made when they are missing.
///
/// # Errors
/// PermissionDenied where it cannot be written, or on a read-only filesystem.
pub(super) fn open(path: &Path) -> Result<File> {
    let open = || {
        // Its owner's alone: whoever can open a file for reading can hold its lock for ever.
        let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
        OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).custom_flags(flags).open(path)
    };
    let opened = match open() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            sys::make_directory(path.parent().unwrap_or(Path::new("/")))?;
            open()
        }
        opened => opened,
    };
    opened.map_err(|error| Error::from_io("open lock", path.display().to_string(), error))
}

/// Takes the exclusive lock of `file`, which was opened at `path`; the kernel gives it back when the
/// holder's last descriptor is closed, so also when the holder is killed.
///
/// # Errors
/// Busy when another holds it until `deadline`; a lock that is free is had after it, too.
pub(super) fn lock(file: &File, path: &Path, deadline: Instant) -> Result<()> {
    // A blocking flock cannot be given up: one frozen process would hang all others for ever.
    let patience = deadline.saturating_duration_since(Instant::now());
    let locked = sys::lock_exclusive(file.as_fd(), patience);
    if locked.map_err(|error| Error::from_io("lock", path.display().to_string(), error))? {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Busy, "lock", path.display().to_string())
        .with_cause("another process holds it and does not let go; `fuser` tells which"))
}

/// Whether the file has been removed since it was opened: then others lock another one.
pub(super) fn is_removed(file: &File, path: &Path) -> Result<bool> {
    let metadata =
        file.metadata().map_err(|error| Error::from_io("inspect lock", path.display().to_string(), error))?;
    Ok(metadata.nlink() == 0)
}
