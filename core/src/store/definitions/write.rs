//! How a definition comes, changes and goes: always whole.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{no_regular_file, Definitions, MAX_SIZE, TOO_LONG};
use crate::error::{Error, ErrorKind, Result};
use crate::name::Name;
use crate::sys::{self, Process};

const CREATE: &str = "create network definition";
const REMOVE: &str = "remove network definition";
const REPLACE: &str = "replace network definition";

/// How many names a program that executes itself may find taken by what it left before.
const TRIES: usize = 64;

impl Definitions {
    /// Writes the definition of a new network, readable by all; the directory is made when it is missing.
    ///
    /// # Errors
    /// AlreadyExists when something is there; BadRequest for one of more than 1 MiB; PermissionDenied where
    /// the directory cannot be written; ResourceExhausted on a full disk. Nothing is left behind.
    pub(crate) fn create<T: Serialize>(&self, name: &Name, value: &T) -> Result<()> {
        let path = self.path(name);
        let failed = |error| Error::from_io(CREATE, path.display().to_string(), error);
        let text = text(CREATE, &path, value)?;
        // The link below decides; this has the likely answer without writing anything.
        if self.stamp(name)?.is_some() {
            return Err(failed(io::Error::from_raw_os_error(libc::EEXIST)));
        }
        sys::make_directory(&self.directory).map_err(|error| error.within(CREATE, path.display()))?;
        let temporary = self.write(name, &text, 0o644).map_err(failed)?;
        // Unlike a rename, a link never replaces.
        fs::hard_link(&temporary.path, &path).map_err(failed)?;
        drop(temporary);
        self.sync().map_err(|error| {
            let _ = fs::remove_file(&path);
            failed(error)
        })
    }

    /// Writes another definition of a network that has one. Who looks sees the old or the new one;
    /// the file's permissions stay.
    ///
    /// # Errors
    /// NotFound when there is none; Forbidden when it is no regular file; otherwise as
    /// [`Definitions::create`]. The old one stays.
    pub(crate) fn replace<T: Serialize>(&self, name: &Name, value: &T) -> Result<()> {
        let path = self.path(name);
        let failed = |error| Error::from_io(REPLACE, path.display().to_string(), error);
        let text = text(REPLACE, &path, value)?;
        let metadata = fs::symlink_metadata(&path).map_err(failed)?;
        if !metadata.is_file() {
            return Err(no_regular_file(&path));
        }
        let mut temporary = self.write(name, &text, metadata.permissions().mode() & 0o777).map_err(failed)?;
        fs::rename(&temporary.path, &path).map_err(failed)?;
        temporary.gone = true;
        self.sync().map_err(failed)
    }

    /// Removes the definition of a network; whether there was one.
    ///
    /// # Errors
    /// PermissionDenied where the directory cannot be written.
    pub(crate) fn remove(&self, name: &Name) -> Result<bool> {
        let path = self.path(name);
        let failed = |error| Error::from_io(REMOVE, path.display().to_string(), error);
        match fs::remove_file(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            removed => removed.map_err(failed)?,
        }
        self.sync().map_err(failed)?;
        Ok(true)
    }

    /// The half-written files of processes that are gone, sorted.
    ///
    /// # Errors
    /// PermissionDenied when the directory cannot be read.
    pub(crate) fn stale(&self) -> Result<Vec<PathBuf>> {
        let files = self.files()?;
        let mut stale: Vec<_> =
            files.iter().filter(|file| is_stale(file)).map(|file| self.directory.join(file)).collect();
        stale.sort();
        Ok(stale)
    }

    /// Removes one of [`Definitions::stale`]; no error when it is gone.
    ///
    /// # Errors
    /// Forbidden when it is none of those; PermissionDenied where the directory cannot be written.
    pub(crate) fn remove_stale(&self, path: &Path) -> Result<()> {
        let operation = "remove half-written network definition";
        if path.parent() != Some(&self.directory) || !path.file_name().is_some_and(is_stale) {
            return Err(Error::new(ErrorKind::Forbidden, operation, path.display().to_string())
                .with_cause("it was not left behind by a process that is gone"));
        }
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(Error::from_io(operation, path.display().to_string(), error))
            }
            _ => Ok(()),
        }
    }

    /// Writes `text` to a file beside the definition of `name`, on the disk when this returns.
    fn write(&self, name: &Name, text: &[u8], mode: u32) -> io::Result<Temporary> {
        let (temporary, mut file) = self.temporary(name)?;
        // Whatever the umask is.
        file.set_permissions(Permissions::from_mode(mode))?;
        file.write_all(text)?;
        file.sync_all()?;
        Ok(temporary)
    }

    fn temporary(&self, name: &Name) -> io::Result<(Temporary, File)> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        let mut last = io::Error::from_raw_os_error(libc::EEXIST);
        for _ in 0..TRIES {
            let word = Process::unique_word().map_err(io::Error::other)?;
            let path = self.directory.join(format!(".{name}.json.{word}.tmp"));
            match options.open(&path) {
                Ok(file) => return Ok((Temporary { path, gone: false }, file)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => last = error,
                Err(error) => return Err(error),
            }
        }
        Err(last)
    }

    /// Brings the directory itself to the disk.
    fn sync(&self) -> io::Result<()> {
        File::open(&self.directory)?.sync_all()
    }
}

/// A file that is removed when it goes out of scope, whatever has happened.
struct Temporary {
    path: PathBuf,
    gone: bool,
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if self.gone {
            return;
        }
        if let Err(error) = fs::remove_file(&self.path) {
            log::warn!("cannot remove {}: {error}", self.path.display());
        }
    }
}

fn text<T: Serialize>(operation: &str, path: &Path, value: &T) -> Result<Vec<u8>> {
    let mut text = serde_json::to_vec_pretty(value)
        .map_err(|error| Error::bad_request(operation, path.display().to_string(), error.to_string()))?;
    text.push(b'\n');
    if text.len() as u64 > MAX_SIZE {
        // Nobody could read it, nor then take the network down.
        return Err(Error::bad_request(operation, path.display().to_string(), TOO_LONG));
    }
    Ok(text)
}

/// Whether `file` is called `.NAME.json.PID-START-N.tmp` and its process is gone.
fn is_stale(file: &OsStr) -> bool {
    let maker = || {
        let (definition, word) = file.to_str()?.strip_prefix('.')?.strip_suffix(".tmp")?.rsplit_once('.')?;
        Name::new(definition.strip_suffix(".json")?).ok()?;
        Process::of_unique_word(word)
    };
    maker().is_some_and(|process| !process.is_alive())
}
