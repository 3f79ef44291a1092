//! One line about each sandbox, as the target of a symbolic link: made, read and removed in a single
//! system call each, whole or not there.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::sys::{make_directory, remove_file, Process};

/// The notes of a run directory.
pub(crate) struct Notes {
    directory: PathBuf,
}

impl Notes {
    /// The notes in `run_directory`; their directory is made when it is missing.
    pub(crate) fn open(run_directory: &Path) -> Result<Self> {
        let directory = run_directory.join("sandboxes");
        make_directory(&directory)?;
        Ok(Self { directory })
    }

    /// Writes the note of `path`; false when it has one.
    pub(crate) fn add(&self, path: &Path, text: &str) -> Result<bool> {
        match self.symlink(text, &self.file(path)) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            result => result.map(|()| true).map_err(|error| self.failed("write", path, error)),
        }
    }

    /// Writes the note of `path`, in the place of one that is there.
    pub(crate) fn replace(&self, path: &Path, text: &str) -> Result<()> {
        let temporary = self.directory.join(format!(".{}.tmp", Process::unique_word()?));
        let write = || {
            self.symlink(text, &temporary)?;
            fs::rename(&temporary, self.file(path))
        };
        write().map_err(|error| {
            let _ = fs::remove_file(&temporary);
            self.failed("write", path, error)
        })
    }

    /// The note of `path`.
    pub(crate) fn read(&self, path: &Path) -> Result<Option<String>> {
        read(&self.file(path)).map_err(|error| self.failed("read", path, error))
    }

    /// Removes the note of `path`; one that is gone is no error.
    pub(crate) fn remove(&self, path: &Path) -> Result<()> {
        remove_file(&self.file(path))
    }

    /// All notes.
    pub(crate) fn list(&self) -> Result<Vec<String>> {
        let mut notes = Vec::new();
        for file in self.files()?.into_iter().filter(|file| !is_temporary(file)) {
            notes.extend(read(&file).map_err(|error| self.failed("read", &file, error))?);
        }
        Ok(notes)
    }

    /// What writers that died have left.
    pub(crate) fn stale(&self) -> Result<Vec<PathBuf>> {
        let is_stale = |file: &PathBuf| {
            let word = file.file_name().and_then(|name| name.to_str()).unwrap_or("");
            let word = word.strip_prefix('.').and_then(|name| name.strip_suffix(".tmp"));
            word.and_then(Process::of_unique_word).is_some_and(|writer| !writer.is_alive())
        };
        Ok(self.files()?.into_iter().filter(is_stale).collect())
    }

    fn files(&self) -> Result<Vec<PathBuf>> {
        let entries = fs::read_dir(&self.directory);
        let entries = entries.map_err(|error| self.failed("list", &self.directory, error))?;
        Ok(entries.flatten().map(|entry| entry.path()).collect())
    }

    /// The directory may have been removed, with everything in it, since it was opened.
    fn symlink(&self, text: &str, file: &Path) -> io::Result<()> {
        match symlink(text, file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::create_dir_all(&self.directory)?;
                symlink(text, file)
            }
            result => result,
        }
    }

    fn file(&self, path: &Path) -> PathBuf {
        self.directory.join(format!("{:016x}", crate::name::fnv1a(&path.to_string_lossy())))
    }

    fn failed(&self, operation: &str, path: &Path, error: io::Error) -> Error {
        let operation = format!("{operation} note of sandbox");
        let subject = format!("{} in {}", path.display(), self.directory.display());
        Error::from_io(operation, subject, error)
    }
}

fn is_temporary(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "tmp")
}

fn read(file: &Path) -> io::Result<Option<String>> {
    match fs::read_link(file) {
        Ok(text) => Ok(Some(text.to_string_lossy().into_owned())),
        // Not a link: not a note.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_written_once_replaced_read_listed_and_removed() {
        testhost::host(|_| {
            let notes = Notes::open(Path::new("/run/store")).unwrap();
            let (web, api) = (Path::new("/run/netns/web"), Path::new("/run/netns/api"));
            assert!(notes.add(web, "one").unwrap());
            assert!(!notes.add(web, "two").unwrap());
            assert_eq!(notes.read(web).unwrap().as_deref(), Some("one"));
            notes.replace(web, "three").unwrap();
            notes.replace(api, "four /with a path").unwrap();
            let mut all = notes.list().unwrap();
            all.sort();
            assert_eq!(all, ["four /with a path", "three"]);
            notes.remove(web).unwrap();
            notes.remove(web).unwrap();
            assert_eq!(notes.read(web).unwrap(), None);
            fs::remove_dir_all("/run/store").unwrap();
            assert!(notes.add(web, "again").unwrap());
            assert_eq!(notes.list().unwrap(), ["again"]);
        });
    }

    #[test]
    fn what_a_dead_writer_left_is_stale_and_what_a_live_one_is_about_to_rename_is_not() {
        testhost::host(|_| {
            let notes = Notes::open(Path::new("/run/store")).unwrap();
            let dead = notes.directory.join(".4194000-1-1.tmp");
            symlink("x", &dead).unwrap();
            symlink("y", notes.directory.join(format!(".{}.tmp", Process::unique_word().unwrap()))).unwrap();
            assert_eq!(notes.stale().unwrap(), [dead]);
            assert_eq!(notes.list().unwrap(), Vec::<String>::new());
        });
    }
}
