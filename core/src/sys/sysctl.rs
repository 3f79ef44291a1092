//! Values under `/proc/sys`.

use std::fs::OpenOptions;
use std::io::{self, Write};

use crate::error::{Error, ErrorKind, Result};

/// Writes `value` to `/proc/sys/PATH` as the calling thread's namespace has it, in the one write that
/// the kernel takes.
pub(crate) fn write(path: &str, value: &str) -> Result<()> {
    let operation = format!("write {value:?} to");
    let path = format!("/proc/sys/{path}");
    let opened = OpenOptions::new().write(true).open(&path);
    let mut file = opened.map_err(|error| refused_to_open(&operation, &path, error))?;
    match file.write(value.as_bytes()) {
        Ok(length) if length == value.len() => Ok(()),
        Ok(length) => Err(Error::bad_request(
            operation,
            path,
            format!("the kernel took the first {length} bytes of it"),
        )),
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => {
            Err(Error::from_io(operation, path, error).with_cause("the setting does not take that value"))
        }
        Err(error) => Err(Error::from_io(operation, path, error)),
    }
}

fn refused_to_open(operation: &str, path: &str, error: io::Error) -> Error {
    match error.raw_os_error() {
        Some(libc::ENOENT) => Error::from_io(operation, path, error)
            .with_cause("this kernel has no such setting, or the namespace no such link"),
        Some(libc::EROFS) => Error::new(ErrorKind::PermissionDenied, operation, path)
            .with_cause("/proc/sys is mounted read-only"),
        Some(libc::EACCES) => Error::from_io(operation, path, error)
            .with_cause("the setting can only be read, or not by this user"),
        _ => Error::from_io(operation, path, error),
    }
}
