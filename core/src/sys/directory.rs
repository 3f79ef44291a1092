//! Directories and files of our own.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use crate::error::{Error, Result};

/// Makes `directory`, and those above it, where they are missing.
pub(crate) fn make_directory(directory: &Path) -> Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o755)
        .create(directory)
        .map_err(|error| Error::from_io("create directory", directory.display().to_string(), error))
}

/// Removes a file; one that is gone is no error.
pub(crate) fn remove_file(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Error::from_io("remove", path.display().to_string(), error))
        }
        _ => Ok(()),
    }
}
