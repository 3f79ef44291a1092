//! What a process inherits that was forked while a store was open.
//!
//! SQLite must not be used across a fork: a child knows of its parent's locks as if they were its own. So a
//! child lets go of all that it inherits before it opens a store.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use rusqlite::config::DbConfig;
use rusqlite::Connection;

use crate::error::{Error, ErrorKind, Result};
use crate::sys::PerProcess;

/// A connection that is there until a child lets go of it.
pub(super) type Shared = Mutex<Option<Connection>>;

/// Whoever holds it is opening a store: a child in which it is held for ever knows that.
static OPEN: PerProcess<Mutex<Vec<Weak<Shared>>>> = PerProcess::new();

/// Opens a store, and remembers it for children to come.
pub(super) fn open<T>(open: impl FnOnce() -> Result<(Connection, T)>) -> Result<(Arc<Shared>, T)> {
    let mut own = OPEN.get().lock().unwrap_or_else(PoisonError::into_inner);
    let inherited: Vec<_> = OPEN.inherited().collect();
    inherited.into_iter().try_for_each(let_all_go)?;
    let (connection, rest) = open()?;
    let shared = Arc::new(Mutex::new(Some(connection)));
    own.retain(|other| other.strong_count() > 0);
    own.push(Arc::downgrade(&shared));
    Ok((shared, rest))
}

fn let_all_go(inherited: &Mutex<Vec<Weak<Shared>>>) -> Result<()> {
    let mut inherited = inherited.try_lock().map_err(|_| in_use())?;
    for shared in inherited.iter().filter_map(Weak::upgrade) {
        let_go(&mut *shared.try_lock().map_err(|_| in_use())?);
    }
    inherited.clear();
    Ok(())
}

fn in_use() -> Error {
    let cause = "this process was forked while another thread was using the store: fork when none does";
    Error::new(ErrorKind::Forbidden, "open store", "in a forked process").with_cause(cause)
}

/// Closes what this process has of a connection of its parent's, and nothing else: what the child knows of
/// the log may be old by now.
pub(super) fn let_go(connection: &mut Option<Connection>) {
    let Some(connection) = connection.take() else { return };
    if let Err(error) = connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true) {
        log::warn!("an inherited store stays open: {error}");
        std::mem::forget(connection);
    }
}
