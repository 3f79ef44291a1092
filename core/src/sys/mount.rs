//! Namespaces that outlive their descriptors: bind mounts on files.

use std::ffi::CString;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use super::{raw, LockedFile, Namespace, NamespaceId};
use crate::error::{Error, ErrorKind, Result};

/// How often a stale file may come back between its removal and the next try.
const TRIES: usize = 8;
/// How many namespaces may be mounted on top of one another.
const STACKED: usize = 16;

/// Bind-mounts `namespace` on a new file at `path`; the directory is made when it is missing.
///
/// A file left by a process that died between making and mounting it is taken over. A file that
/// another process is about to mount is not: it holds the file's lock.
pub(super) fn persist(namespace: &Namespace, path: &Path) -> Result<()> {
    let failed = |error| Error::from_io("mount namespace on", path.display().to_string(), error);
    let file = reserve(path)?;
    // The lock that `reserve` took ends with `file`, after the mount.
    let source =
        CString::new(format!("/proc/thread-self/fd/{}", namespace.as_fd().as_raw_fd())).unwrap_or_default();
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

fn reserve(path: &Path) -> Result<LockedFile> {
    let failed = |error| Error::from_io("create file", path.display().to_string(), error);
    for _ in 0..TRIES {
        match create_new(path) {
            Ok(file) => {
                // Another process may have taken the file for stale before it was locked.
                let Some(file) = LockedFile::try_new(file).map_err(failed)? else { continue };
                if still_there(file.file()).map_err(failed)? {
                    return Ok(file);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                super::make_directory(path.parent().unwrap_or(Path::new("/")))?;
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => clear_stale(path)?,
            Err(error) => return Err(failed(error)),
        }
    }
    Err(taken(path))
}

/// Whether a file that is now locked is still the one at its path: whoever removes one locks it first.
fn still_there(file: &File) -> io::Result<bool> {
    Ok(file.metadata()?.nlink() > 0)
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
    if !metadata.is_file() || metadata.len() > 0 {
        return Err(taken(path));
    }
    let Some(file) = LockedFile::try_new(file).map_err(failed)? else { return Err(taken(path)) };
    if !still_there(file.file()).map_err(failed)? {
        return Ok(());
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

/// Unmounts and removes what [`persist`] made; succeeds when it is gone already. With `own`, what
/// has been made at `path` for another namespace since stays.
///
/// The look comes before the act, and the act is on what was looked at: nothing but a network
/// namespace is unmounted, and nothing but a plain empty file that nobody holds is removed.
pub(super) fn forget(path: &Path, own: Option<NamespaceId>) -> Result<()> {
    let failed = |error| Error::from_io("unmount namespace", path.display().to_string(), error);
    for _ in 0..STACKED {
        let Some(file) = look(path)? else { return Ok(()) };
        if !raw::is_network_namespace(file.as_fd()).map_err(failed)? {
            return remove_stale(path, file);
        }
        if own.is_some() && own != Some(NamespaceId::of(&file).map_err(failed)?) {
            return Ok(());
        }
        match raw::detach_open(file.as_fd()) {
            // Somebody else was faster.
            Err(error) if error.raw_os_error() == Some(libc::EINVAL) => {}
            result => result.map_err(failed)?,
        }
    }
    Err(Error::new(ErrorKind::Busy, "unmount namespace", path.display().to_string())
        .with_cause("namespaces keep being mounted there"))
}

fn look(path: &Path) -> Result<Option<File>> {
    let opened = OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path);
    match opened {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) if matches!(error.raw_os_error(), Some(libc::ELOOP | libc::ENXIO)) => Err(not_ours(path)),
        Err(error) => Err(Error::from_io("inspect", path.display().to_string(), error)),
    }
}

fn remove_stale(path: &Path, file: File) -> Result<()> {
    let failed = |error| Error::from_io("remove namespace file", path.display().to_string(), error);
    let metadata = file.metadata().map_err(failed)?;
    if !metadata.is_file() || metadata.len() > 0 {
        return Err(not_ours(path));
    }
    let locked = LockedFile::try_new(file).map_err(failed)?;
    let still_there = locked.as_ref().map(|locked| still_there(locked.file())).transpose().map_err(failed)?;
    if still_there != Some(true) {
        // Somebody is about to mount a namespace on it, or has put another in its place.
        return Ok(());
    }
    match fs::remove_file(path) {
        Err(error) if error.raw_os_error() == Some(libc::EBUSY) => Ok(()),
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(error)),
        _ => Ok(()),
    }
}

fn not_ours(path: &Path) -> Error {
    Error::new(ErrorKind::Forbidden, "remove namespace file", path.display().to_string())
        .with_cause("what lies there was not made by this library")
}
