//! Namespaces that outlive their descriptors: bind mounts on files.

use std::ffi::CString;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use super::raw;
use super::Namespace;
use crate::error::{Error, ErrorKind, Result};

/// How often a stale file may come back between its removal and the next try.
const TRIES: usize = 8;

/// Bind-mounts `namespace` on a new file at `path`; the directory is made when it is missing.
///
/// A file left by a process that died between making and mounting it is taken over. A file that
/// another process is about to mount is not: it holds the file's lock.
pub(super) fn persist(namespace: &Namespace, path: &Path) -> Result<()> {
    let failed = |error| Error::from_io("mount namespace on", path.display().to_string(), error);
    let file = reserve(path)?;
    // The lock that `reserve` took ends with `file`, after the mount.
    let source = CString::new(format!("/proc/self/fd/{}", namespace.as_fd().as_raw_fd())).unwrap_or_default();
    raw::bind(&source, path).map_err(|error| {
        let _ = fs::remove_file(path);
        let error = failed(error);
        match error.kind() {
            ErrorKind::PermissionDenied => error.with_cause("CAP_SYS_ADMIN is needed to mount"),
            _ => error,
        }
    })?;
    drop(file);
    Ok(())
}

fn reserve(path: &Path) -> Result<File> {
    let failed = |error| Error::from_io("create file", path.display().to_string(), error);
    for _ in 0..TRIES {
        match create_new(path) {
            Ok(file) => {
                // Another process may have taken the file for stale before it was locked.
                let locked = raw::try_lock(file.as_fd()).map_err(failed)?;
                if locked && file.metadata().map_err(failed)?.nlink() > 0 {
                    return Ok(file);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => create_base(path)?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => clear_stale(path)?,
            Err(error) => return Err(failed(error)),
        }
    }
    Err(taken(path))
}

fn create_new(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o444)
        .custom_flags(libc::O_NOFOLLOW)
        .open(path)
}

fn create_base(path: &Path) -> Result<()> {
    let base = path.parent().unwrap_or(Path::new("/"));
    DirBuilder::new()
        .recursive(true)
        .mode(0o755)
        .create(base)
        .map_err(|error| Error::from_io("create directory", base.display().to_string(), error))
}

/// Removes a plain empty file that nobody holds; whatever else lies at `path` is somebody's.
fn clear_stale(path: &Path) -> Result<()> {
    let opened = OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path);
    let file = match opened {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(_) => return Err(taken(path)),
    };
    let failed = |error| Error::from_io("inspect", path.display().to_string(), error);
    if raw::is_network_namespace(file.as_fd()).map_err(failed)? {
        return Err(taken(path));
    }
    let metadata = file.metadata().map_err(failed)?;
    if !metadata.is_file() || metadata.len() > 0 || !raw::try_lock(file.as_fd()).map_err(failed)? {
        return Err(taken(path));
    }
    match fs::remove_file(path) {
        // Between the look and the lock its maker has mounted a namespace on it.
        Err(error) if error.raw_os_error() == Some(libc::EBUSY) => Err(taken(path)),
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(error)),
        _ => Ok(()),
    }
}

fn taken(path: &Path) -> Error {
    Error::new(ErrorKind::AlreadyExists, "create namespace", path.display().to_string())
        .with_cause("a namespace or a file of that name is there already")
}

/// Unmounts and removes what [`persist`] made; succeeds when it is gone already.
///
/// Mounts stacked on the same file are all taken off. A file that is not empty, a directory or a
/// link was not made by [`persist`] and stays.
pub(super) fn forget(path: &Path) -> Result<()> {
    let failed = |operation: &str, error| Error::from_io(operation, path.display().to_string(), error);
    loop {
        match raw::detach(path) {
            Ok(()) => {}
            Err(error) if error.raw_os_error() == Some(libc::EINVAL) => break,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(failed("unmount namespace", error)),
        }
    }
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_file() && metadata.len() == 0 => {}
        Ok(_) => {
            let error = Error::new(ErrorKind::Forbidden, "remove namespace file", path.display().to_string());
            return Err(error.with_cause("what lies there was not made by this library"));
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed("inspect", error)),
    }
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove namespace file", error)),
        _ => Ok(()),
    }
}
