//! The networks that a driver was told of.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::{Error, ErrorKind, Result};

/// By their names, for many threads.
pub(super) struct Known<T>(Mutex<HashMap<String, Arc<T>>>);

impl<T> Default for Known<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Known<T> {
    /// Takes the place of what was known of the network before.
    pub(super) fn insert(&self, network: &str, known: T) {
        self.all().insert(network.to_owned(), Arc::new(known));
    }

    /// What is known of the network.
    ///
    /// # Errors
    /// NotFound when the driver was not told of it (seed `004`, `ErrNoNetwork`).
    pub(super) fn network(&self, network: &str) -> Result<Arc<T>> {
        self.all().get(network).cloned().ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "find network", format!("{network:?}"))
                .with_cause("the driver was not told of it")
        })
    }

    fn all(&self) -> MutexGuard<'_, HashMap<String, Arc<T>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
