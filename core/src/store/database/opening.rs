//! How the file comes to be open, whatever lies there.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension, Transaction, TransactionBehavior};

use super::failure::is_broken;
use super::{file_id, store_error, FileId, Opening};
use crate::error::{Error, ErrorKind, Result};
use crate::sys::{self, LockedFile};

const OPERATION: &str = "open store";
const FILE: &str = "state.db";
const LOCK: &str = "state.lock";
/// How long another process may hold the store.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often to try in that time: all but the first few pauses are of 1 ms.
const TRIES: u32 = 10_000;
/// How many broken files are kept; a later one takes the place of the last.
const KEPT: u32 = 9;
/// How many statements stay prepared.
const STATEMENTS: usize = 64;

/// The version of [`TABLES`], kept as the file's `user_version`.
const VERSION: i64 = 2;
/// The names of [`TABLES`].
const NAMES: [&str; 5] = ["endpoint", "mapping", "meta", "port", "taken"];
/// Those of version 1, to which version 2 adds.
const NAMES_1: [&str; 3] = ["endpoint", "meta", "taken"];
const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS endpoint(
        network TEXT NOT NULL, name TEXT NOT NULL, sandbox TEXT, record TEXT NOT NULL,
        PRIMARY KEY(network, name)
    ) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS endpoint_sandbox ON endpoint(sandbox) WHERE sandbox IS NOT NULL;
    CREATE TABLE IF NOT EXISTS taken(
        pool TEXT NOT NULL, first BLOB NOT NULL, last BLOB NOT NULL, PRIMARY KEY(pool, first)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS port(
        protocol INTEGER NOT NULL, port INTEGER NOT NULL, address BLOB NOT NULL,
        network TEXT NOT NULL, endpoint TEXT NOT NULL, PRIMARY KEY(protocol, port, address)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS mapping(
        id INTEGER PRIMARY KEY, network TEXT NOT NULL, endpoint TEXT NOT NULL,
        protocol INTEGER NOT NULL, port INTEGER NOT NULL, host_port INTEGER NOT NULL,
        mapping TEXT NOT NULL, asked TEXT
    );
    CREATE INDEX IF NOT EXISTS mapping_endpoint ON mapping(network, endpoint, protocol, port, host_port);
    PRAGMA user_version = 2;
";
pub(super) const WIPE: &str =
    "DELETE FROM endpoint; DELETE FROM mapping; DELETE FROM port; DELETE FROM taken;
    DELETE FROM meta WHERE key LIKE 'reserved %';";

pub(super) struct Opened {
    pub(super) connection: Connection,
    pub(super) path: PathBuf,
    pub(super) file: FileId,
    pub(super) opening: Opening,
}

enum Found {
    /// With what is wrong with it.
    Broken(String),
    /// Nothing, or what an earlier boot left.
    Empty(Connection),
    /// With its version.
    Newer(i64),
    /// Of an older version.
    Older(Connection),
    Ours(Connection),
}

/// What records the kernel's state where nothing is recorded.
pub(super) type Rebuild<'a> = &'a mut dyn FnMut(&Transaction<'_>, &Opening) -> Result<()>;

/// The directory of a store, in which one process at a time looks at the file, replaces it and fills it.
pub(super) struct Place {
    directory: PathBuf,
    _lock: LockedFile,
}

/// Waits for the others who open the store of `directory`.
pub(super) fn enter(directory: &Path) -> Result<Place> {
    // SQLite takes a path that begins with `file:` for a URI.
    let directory =
        std::path::absolute(directory).map_err(|error| from_io("find directory", directory, error))?;
    create_directory(&directory)?;
    let lock = lock(&directory)?;
    Ok(Place { directory, _lock: lock })
}

/// Opens the store of `place` for the boot of that id.
pub(super) fn open(place: &Place, boot: &str, rebuild: Rebuild<'_>) -> Result<Opened> {
    let path = place.directory.join(FILE);
    let failed = |error| store_error(OPERATION, path.display().to_string(), error);
    let (mut connection, opening) = match look(&path, boot).map_err(failed)? {
        Found::Broken(cause) => replace(&path, boot, &cause)?,
        Found::Empty(connection) => (connection, Opening::New),
        Found::Newer(version) => return Err(newer(&path, version)),
        Found::Older(mut connection) => {
            upgrade(&mut connection).map_err(failed)?;
            (connection, Opening::Existing)
        }
        Found::Ours(connection) => (connection, Opening::Existing),
    };
    tune(&connection).map_err(failed)?;
    if opening != Opening::Existing {
        // One transaction: a process that is killed in it leaves an empty store to the next.
        let transaction = begin(&mut connection, boot).map_err(failed)?;
        rebuild(&transaction, &opening)?;
        transaction.commit().map_err(failed)?;
    }
    let file = file_id(&path).map_err(|error| from_io(OPERATION, &path, error))?;
    Ok(Opened { connection, path, file, opening })
}

pub(super) fn create_directory(directory: &Path) -> Result<()> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(directory);
    made.map_err(|error| from_io("create directory", directory, error))
}

fn lock(directory: &Path) -> Result<LockedFile> {
    let path = directory.join(LOCK);
    let failed = |error| from_io("lock store", &path, error);
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o600).custom_flags(libc::O_NOFOLLOW);
    let file = options.open(&path).map_err(failed)?;
    if sys::lock_exclusive(file.as_fd(), PATIENCE).map_err(failed)? {
        return Ok(LockedFile::new(file));
    }
    Err(Error::new(ErrorKind::Busy, "lock store", path.display().to_string())
        .with_cause("another process has been opening the store for 10 seconds"))
}

/// What lies at `path`; an empty file is made where nothing does.
fn look(path: &Path, boot: &str) -> rusqlite::Result<Found> {
    match connect(path).and_then(|connection| inspect(connection, boot)) {
        Err(error) if is_broken(&error) => Ok(Found::Broken(error.to_string())),
        found => found,
    }
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_handler(Some(wait))?;
    Ok(connection)
}

/// SQLite's own waiting takes steps of up to 100 ms, a hundred times as long as what it waits for.
fn wait(tries: i32) -> bool {
    let tries = tries.unsigned_abs();
    thread::sleep(sys::pause(tries));
    tries < TRIES
}

/// Reads only: a file that is not ours stays as it is.
fn inspect(connection: Connection, boot: &str) -> rusqlite::Result<Found> {
    let health: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if health != "ok" {
        return Ok(Found::Broken(health));
    }
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if version > VERSION {
        return Ok(Found::Newer(version));
    }
    let tables = tables(&connection)?;
    let is_own = (version == VERSION && tables == NAMES) || (version == 1 && tables == NAMES_1);
    let is_current = is_own && recorded_boot(&connection)?.as_deref() == Some(boot);
    Ok(match version {
        0 if tables.is_empty() => Found::Empty(connection),
        VERSION if is_current => Found::Ours(connection),
        _ if is_current => Found::Older(connection),
        _ if is_own => Found::Empty(connection),
        _ => Found::Broken("it is somebody else's database".to_owned()),
    })
}

fn tables(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let of = "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name";
    connection.prepare(of)?.query_map([], |row| row.get(0))?.collect()
}

fn recorded_boot(connection: &Connection) -> rusqlite::Result<Option<String>> {
    connection.query_row("SELECT value FROM meta WHERE key = 'boot'", [], |row| row.get(0)).optional()
}

/// Begins a transaction in which the store has its tables, all empty.
fn begin<'a>(connection: &'a mut Connection, boot: &str) -> rusqlite::Result<Transaction<'a>> {
    // The log lets processes read while one writes. It is the file's mode: others need not ask for it.
    connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(TABLES)?;
    transaction.execute_batch(WIPE)?;
    transaction.execute("INSERT OR REPLACE INTO meta VALUES('boot', ?1)", [boot])?;
    Ok(transaction)
}

/// Adds what an older version has not. Whoever has it open goes on with what it knows.
fn upgrade(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(TABLES)?;
    transaction.commit()
}

fn tune(connection: &Connection) -> rusqlite::Result<()> {
    // Never waits for a disk: /run ends with the machine, and what a killed process has written is the
    // kernel's already.
    connection.pragma_update(None, "synchronous", "OFF")?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(())
}

fn replace(path: &Path, boot: &str, cause: &str) -> Result<(Connection, Opening)> {
    let aside = set_aside(path)?;
    log::warn!("{} is broken ({cause}): it is now {}", path.display(), aside.display());
    let failed = |error| store_error(OPERATION, path.display().to_string(), error);
    match look(path, boot).map_err(failed)? {
        Found::Empty(connection) => Ok((connection, Opening::Replaced(aside))),
        _ => Err(Error::new(ErrorKind::System, OPERATION, path.display().to_string())
            .with_cause("a broken file came back after it was moved aside")),
    }
}

fn set_aside(path: &Path) -> Result<PathBuf> {
    let name = |number: u32| path.with_file_name(format!("{FILE}.broken-{number}"));
    let free = (1..KEPT).map(name).find(|aside| !aside.exists());
    let aside = free.unwrap_or_else(|| name(KEPT));
    fs::rename(path, &aside).map_err(|error| from_io("move aside", path, error))?;
    for belongings in ["-wal", "-shm"] {
        let path = path.with_file_name(format!("{FILE}{belongings}"));
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(from_io("remove", &path, error));
            }
            _ => {}
        }
    }
    Ok(aside)
}

fn newer(path: &Path, version: i64) -> Error {
    Error::new(ErrorKind::Unsupported, OPERATION, path.display().to_string()).with_cause(format!(
        "it is of version {version}, and this libnetns knows version {VERSION}: use a newer one, or remove the file"
    ))
}

/// A read-only file system is a matter of permission here, as it is where SQLite finds it.
fn from_io(operation: &str, path: &Path, error: io::Error) -> Error {
    let path = path.display().to_string();
    match error.raw_os_error() {
        Some(libc::EROFS) => Error::new(ErrorKind::PermissionDenied, operation, path)
            .with_cause("the file system of the run directory is read-only"),
        _ => Error::from_io(operation, path, error),
    }
}

/// For tests of what keeps its rows here.
#[cfg(test)]
pub(crate) fn create_tables(connection: &Connection) {
    connection.execute_batch(TABLES).unwrap();
}
