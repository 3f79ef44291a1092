//! What SQLite says, as the library's errors.

use std::fs::File;
use std::io;

use rusqlite::{ffi, ErrorCode};

use crate::error::{Error, ErrorKind};

/// The error of `operation` on `subject` for what SQLite said.
pub(crate) fn store_error(
    operation: impl Into<String>,
    subject: impl Into<String>,
    error: rusqlite::Error,
) -> Error {
    match error.sqlite_error_code() {
        _ if is_full(&error) => full(operation, subject),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            Error::new(ErrorKind::Busy, operation, subject).with_cause("another process holds the store")
        }
        Some(ErrorCode::PermissionDenied | ErrorCode::ReadOnly) => {
            Error::new(ErrorKind::PermissionDenied, operation, subject).with_cause("the store is read-only")
        }
        _ if is_broken(&error) => {
            let cause = format!("{error}: it is moved aside and rebuilt when the controller is opened next");
            Error::from_io(operation, subject, io::Error::other(error)).with_cause(cause)
        }
        Some(ErrorCode::CannotOpen) => {
            let cause = at_limit().unwrap_or_else(|| io::Error::other(error));
            Error::from_io(operation, subject, cause)
        }
        _ => Error::from_io(operation, subject, io::Error::other(error)),
    }
}

/// The limit of descriptors, where as many as SQLite opens for one file cannot be had: it does not hand the
/// system's number on.
fn at_limit() -> Option<io::Error> {
    const OPEN_AT_ONCE: usize = 4;
    let opened: io::Result<Vec<_>> = (0..OPEN_AT_ONCE).map(|_| File::open("/dev/null")).collect();
    opened.err().filter(|error| matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE)))
}

/// Whether the file's content is at fault.
pub(super) fn is_broken(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

/// SQLite has another code for the index of its log, which it makes longer before it maps it.
fn is_full(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::DiskFull)
        || error.sqlite_extended_error_code() == Some(ffi::SQLITE_IOERR_SHMSIZE)
}

fn full(operation: impl Into<String>, subject: impl Into<String>) -> Error {
    Error::from_io(operation, subject, io::Error::from_raw_os_error(libc::ENOSPC))
        .with_cause("the file system of the run directory is full")
}
