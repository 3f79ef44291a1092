//! The state that processes share: one SQLite file in the run directory.

mod failure;
mod forked;
mod opening;
#[cfg(test)]
mod tests;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, MutexGuard, PoisonError};

use rusqlite::{Connection, Transaction};

use crate::error::{Error, ErrorKind, Result};
use crate::sys::Generation;
pub(crate) use failure::store_error;
use forked::Shared;
#[cfg(test)]
pub(crate) use opening::create_tables;

/// What [`Database::open`] came upon. Unless that is `Existing`, nothing is recorded: whoever knows
/// the kernel's state has to record it anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Opening {
    /// The state of this boot.
    Existing,
    /// No state, or one of an earlier boot, which namespaces and leases do not survive.
    New,
    /// Garbage, which now lies at this path.
    Replaced(PathBuf),
}

/// A connection to `state.db`, shared by the threads of one process; other processes have their own.
///
/// A write is all or nothing, also when the process is killed in it, and writes exclude one another
/// across processes.
pub(crate) struct Database {
    connection: Arc<Shared>,
    path: PathBuf,
    file: FileId,
    process: Generation,
    fail_at: AtomicI64,
}

/// Device and inode.
type FileId = (u64, u64);

/// A transaction that is rolled back unless it is committed, also on a panic. Its statements are kept
/// prepared, which rusqlite's own are not.
struct Open<'a>(&'a Connection);

impl<'a> Open<'a> {
    fn begin(connection: &'a Connection, begin: &str) -> rusqlite::Result<Self> {
        connection.prepare_cached(begin)?.execute([])?;
        Ok(Self(connection))
    }

    fn commit(self) -> rusqlite::Result<()> {
        self.0.prepare_cached("COMMIT")?.execute([]).map(drop)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        if self.0.is_autocommit() {
            return;
        }
        let rolled_back = self.0.prepare_cached("ROLLBACK").and_then(|mut back| back.execute([]));
        if let Err(error) = rolled_back {
            log::warn!("roll back in store: {error}");
        }
    }
}

impl Database {
    /// Opens `state.db` in `directory`, both made when they are missing, the directory with mode 0700.
    ///
    /// # Errors
    /// Unsupported for the file of a newer version, PermissionDenied, ResourceExhausted when the file
    /// system is full, Busy when another process has been opening it for 10 s, System.
    #[cfg(test)]
    pub(crate) fn open(directory: &Path) -> Result<(Self, Opening)> {
        Self::open_or_rebuild(directory, |_, _| Ok(()))
    }

    /// [`Database::open`], with `rebuild` to record the kernel's state unless there is an `Existing` one.
    /// It is part of the transaction that makes the tables: a process that is killed in it leaves an empty
    /// store to the next, and others who open the store wait for it.
    ///
    /// # Errors
    /// As [`Database::open`], and that of `rebuild`, which leaves the store empty.
    pub(crate) fn open_or_rebuild(
        directory: &Path,
        rebuild: impl FnMut(&Transaction<'_>, &Opening) -> Result<()>,
    ) -> Result<(Self, Opening)> {
        const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";
        let boot = fs::read_to_string(BOOT_ID).map_err(|error| Error::from_io("read", BOOT_ID, error))?;
        Self::open_in_boot(directory, boot.trim(), rebuild)
    }

    fn open_in_boot(
        directory: &Path,
        boot: &str,
        mut rebuild: impl FnMut(&Transaction<'_>, &Opening) -> Result<()>,
    ) -> Result<(Self, Opening)> {
        // Waited for first: who waits here keeps no other of this process's threads waiting.
        let place = opening::enter(directory)?;
        let (connection, (path, file, opening)) = forked::open(|| {
            let opened = opening::open(&place, boot, &mut rebuild)?;
            Ok((opened.connection, (opened.path, opened.file, opened.opening)))
        })?;
        let (process, fail_at) = (Generation::current(), AtomicI64::new(0));
        Ok((Self { connection, path, file, process, fail_at }, opening))
    }

    /// Makes the directory of the store, for its owner alone, when it is missing.
    ///
    /// # Errors
    /// PermissionDenied.
    pub(crate) fn make_directory(directory: &Path) -> Result<()> {
        opening::create_directory(directory)
    }

    /// Forgets everything that was recorded.
    ///
    /// # Errors
    /// Those of the store.
    pub(crate) fn wipe(tx: &Connection) -> Result<()> {
        tx.execute_batch(opening::WIPE).map_err(|error| store_error("wipe", "store", error))
    }

    /// Runs `work` in a transaction of its own (`BEGIN IMMEDIATE`), which is committed when `work`
    /// succeeds and else leaves nothing. `work` must not use this database but through its argument.
    ///
    /// # Errors
    /// That of `work`; Busy when another process has been writing for 10 s, ResourceExhausted with
    /// ENOSPC when the file system is full, PermissionDenied, System.
    pub(crate) fn write<T>(&self, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        const OPERATION: &str = "write to store";
        self.check_process(OPERATION)?;
        self.pass(OPERATION)?;
        let connection = self.lock();
        let connection = self.opened(&connection, OPERATION)?;
        let failed = |error| store_error(OPERATION, self.path.display().to_string(), error);
        let transaction = Open::begin(connection, "BEGIN IMMEDIATE").map_err(failed)?;
        self.check_file(OPERATION)?;
        let value = work(connection)?;
        self.pass("commit to store")?;
        transaction.commit().map_err(failed)?;
        Ok(value)
    }

    /// As [`Database::write`], and nothing of it is kept.
    ///
    /// # Errors
    /// As [`Database::write`].
    pub(crate) fn dry<T>(&self, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        const OPERATION: &str = "try in store";
        self.check_process(OPERATION)?;
        let connection = self.lock();
        let connection = self.opened(&connection, OPERATION)?;
        let failed = |error| store_error(OPERATION, self.path.display().to_string(), error);
        let _open = Open::begin(connection, "BEGIN IMMEDIATE").map_err(failed)?;
        self.check_file(OPERATION)?;
        work(connection)
    }

    /// Runs `work` on the state of one moment; what it writes is not kept. `work` must not use this
    /// database but through its argument.
    ///
    /// # Errors
    /// That of `work`; Busy, System.
    pub(crate) fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        const OPERATION: &str = "read store";
        self.check_process(OPERATION)?;
        let connection = self.lock();
        let connection = self.opened(&connection, OPERATION)?;
        let failed = |error| store_error(OPERATION, self.path.display().to_string(), error);
        let _open = Open::begin(connection, "BEGIN").map_err(failed)?;
        self.check_file(OPERATION)?;
        work(connection)
    }

    /// For tests: makes a write fail. Each write passes two points, one before it begins and one where
    /// it would commit, and the `n`th from now fails, once: 1 is the beginning of the next write, 2 its
    /// commit, 3 the beginning of the one after. 0 calls it off.
    pub(crate) fn fail_write(&self, n: i64) {
        self.fail_at.store(n, Ordering::SeqCst);
    }

    fn pass(&self, operation: &str) -> Result<()> {
        let count_down = |left: i64| (left > 0).then(|| left - 1);
        match self.fail_at.fetch_update(Ordering::SeqCst, Ordering::SeqCst, count_down) {
            Ok(1) => Err(self.refuse(operation, "a test made it fail")),
            _ => Ok(()),
        }
    }

    /// A panic in `work` rolled its transaction back, so a poisoned connection is as good as another.
    fn lock(&self) -> MutexGuard<'_, Option<Connection>> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// It is there as long as the process is the one that opened it.
    fn opened<'a>(&self, connection: &'a Option<Connection>, operation: &str) -> Result<&'a Connection> {
        connection.as_ref().ok_or_else(|| self.inherited(operation))
    }

    fn inherited(&self, operation: &str) -> Error {
        self.refuse(operation, "it was opened before a fork: open the controller in the child")
    }

    /// A child of fork has the connection but not its locks.
    fn check_process(&self, operation: &str) -> Result<()> {
        if self.process == Generation::current() {
            return Ok(());
        }
        Err(self.inherited(operation))
    }

    /// A process that found garbage moved the file aside: what is written there is lost.
    fn check_file(&self, operation: &str) -> Result<()> {
        match file_id(&self.path) {
            Ok(file) if file == self.file => Ok(()),
            _ => {
                Err(self.refuse(operation, "the file was moved aside or removed: open the controller again"))
            }
        }
    }

    fn refuse(&self, operation: &str, cause: &str) -> Error {
        Error::new(ErrorKind::System, operation, self.path.display().to_string()).with_cause(cause)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if self.process == Generation::current() {
            // A child that is forked meanwhile finds it locked, and does not touch it.
            drop(self.lock().take());
        } else if let Ok(mut connection) = self.connection.try_lock() {
            forked::let_go(&mut connection);
        } else {
            // A thread of the parent's was using it: it stays as it is.
            std::mem::forget(Arc::clone(&self.connection));
        }
    }
}

/// Looks without opening: to close any descriptor of the file would end all locks that SQLite has on
/// it in this process (`fcntl(2)`).
fn file_id(path: &Path) -> std::io::Result<FileId> {
    fs::metadata(path).map(|metadata| (metadata.dev(), metadata.ino()))
}
