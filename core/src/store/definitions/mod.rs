//! Networks as files that people read, diff and edit.

mod write;

#[cfg(test)]
mod tests;

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::de::DeserializeOwned;

use super::flock;
use crate::error::{Error, ErrorKind, Result};
use crate::name::Name;
use crate::sys::LockedFile;
pub(crate) use crate::sys::Stamp;

/// The largest file that is read, in bytes.
const MAX_SIZE: u64 = 1 << 20;
const TOO_LONG: &str = "it is longer than 1 MiB";

const READ: &str = "read network definition";

/// A directory of one JSON file a network, `NAME.json`, `/etc/libnetns/networks` by default.
///
/// A file is there whole or not at all, also after a crash. Links, devices and the like are refused:
/// what a name stands for is the file of that name. Files that begin with a dot, or do not end in
/// `.json`, are nobody's business here.
pub(crate) struct Definitions {
    directory: PathBuf,
}

/// The right to decide what networks there are, until it is dropped. The kernel takes it back when
/// its holder dies.
#[must_use]
pub(crate) struct DefinitionsLock {
    _file: LockedFile,
}

impl Definitions {
    /// The definitions in `directory`, which need not be there yet; nothing is looked at.
    pub(crate) fn new(directory: PathBuf) -> Self {
        Self { directory }
    }

    /// All definitions, sorted by name. A broken one is an error in its place; see
    /// [`Definitions::load`]. None when there is no directory.
    ///
    /// # Errors
    /// PermissionDenied when the directory cannot be read.
    pub(crate) fn list<T: DeserializeOwned>(&self) -> Result<Vec<(Name, Result<T>)>> {
        let mut found = Vec::new();
        for file in self.files()? {
            let Some(name) = name_of(&file) else { continue };
            match self.load(&name) {
                // It was removed since.
                Ok(None) => {}
                Ok(Some((value, _))) => found.push((name, Ok(value))),
                Err(error) => found.push((name, Err(error))),
            }
        }
        found.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(found)
    }

    /// The definition of one network, and which version of its file that is; `None` when there is none.
    ///
    /// # Errors
    /// BadRequest when the file is longer than 1 MiB or does not parse, with the line and the column;
    /// Forbidden when it is no regular file; PermissionDenied when it cannot be read.
    pub(crate) fn load<T: DeserializeOwned>(&self, name: &Name) -> Result<Option<(T, Stamp)>> {
        let path = self.path(name);
        let Some(mut file) = open(&path)? else { return Ok(None) };
        let failed = |error| Error::from_io(READ, path.display().to_string(), error);
        // Before the content: a change between the two makes the stamp old, never the content.
        let metadata = file.metadata().map_err(failed)?;
        if !metadata.is_file() {
            return Err(no_regular_file(&path));
        }
        let mut text = Vec::new();
        (&mut file).take(MAX_SIZE + 1).read_to_end(&mut text).map_err(failed)?;
        if text.len() as u64 > MAX_SIZE {
            return Err(Error::bad_request(READ, path.display().to_string(), TOO_LONG));
        }
        let value = serde_json::from_slice(&text)
            .map_err(|error| Error::bad_request(READ, path.display().to_string(), error.to_string()))?;
        Ok(Some((value, Stamp::of(&metadata))))
    }

    /// Which version of a network's file is there, at the price of one stat(2); `None` without one.
    ///
    /// # Errors
    /// PermissionDenied when the directory cannot be searched.
    pub(crate) fn stamp(&self, name: &Name) -> Result<Option<Stamp>> {
        let path = self.path(name);
        match fs::symlink_metadata(&path) {
            Ok(metadata) => Ok(Some(Stamp::of(&metadata))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::from_io(READ, path.display().to_string(), error)),
        }
    }

    /// Waits to be the only one, among threads and processes, that decides which networks there are:
    /// to be held from looking what there is until the last file is written.
    ///
    /// # Errors
    /// Busy when another holds it for 10 seconds; PermissionDenied where the directory, which is made
    /// when it is missing, cannot be written.
    pub(crate) fn lock(&self) -> Result<DefinitionsLock> {
        self.lock_until(Instant::now() + flock::PATIENCE)
    }

    fn lock_until(&self, deadline: Instant) -> Result<DefinitionsLock> {
        let path = self.directory.join(".lock");
        loop {
            let file = flock::open(&path)?;
            flock::lock(&file, &path, deadline)?;
            if !flock::is_removed(&file, &path)? {
                return Ok(DefinitionsLock { _file: LockedFile::new(file) });
            }
        }
    }

    fn path(&self, name: &Name) -> PathBuf {
        self.directory.join(format!("{name}.json"))
    }

    /// The names of all files; none when there is no directory.
    fn files(&self) -> Result<Vec<std::ffi::OsString>> {
        let failed = |error| {
            Error::from_io("list network definitions in", self.directory.display().to_string(), error)
        };
        let entries = match fs::read_dir(&self.directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(failed)?,
        };
        entries.map(|entry| entry.map(|entry| entry.file_name()).map_err(failed)).collect()
    }
}

/// The network whose definition a file called `file` is.
fn name_of(file: &OsStr) -> Option<Name> {
    let path = Path::new(file);
    if path.extension() != Some(OsStr::new("json")) || file.as_encoded_bytes().starts_with(b".") {
        return None;
    }
    let name = path.file_stem().and_then(OsStr::to_str).and_then(|stem| Name::new(stem).ok());
    if name.is_none() {
        log::warn!("network definition {} is ignored: its name is no network's", path.display());
    }
    name
}

/// Opens a definition; `None` when there is none.
fn open(path: &Path) -> Result<Option<File>> {
    // Not blocking: nobody may ever write to a pipe.
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY;
    match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) if matches!(error.raw_os_error(), Some(libc::ELOOP | libc::ENXIO)) => {
            Err(no_regular_file(path))
        }
        Err(error) => Err(Error::from_io(READ, path.display().to_string(), error)),
    }
}

fn no_regular_file(path: &Path) -> Error {
    Error::new(ErrorKind::Forbidden, READ, path.display().to_string())
        .with_cause("it is a symbolic link, a directory, a pipe or a device, and must be a regular file")
}
