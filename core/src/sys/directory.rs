//! Directories of our own.

use std::fs::DirBuilder;
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
