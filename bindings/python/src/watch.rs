//! The thread that puts the firewall back.

use std::sync::{Mutex, PoisonError};

use pyo3::prelude::*;

use crate::boundary::{detached, let_go};

/// A thread that puts the firewall back, until it is closed.
#[pyclass(frozen, module = "netns._netns")]
pub(crate) struct FirewallWatch(Mutex<Option<netns::FirewallWatch>>);

impl From<netns::FirewallWatch> for FirewallWatch {
    fn from(watch: netns::FirewallWatch) -> Self {
        Self(Mutex::new(Some(watch)))
    }
}

impl FirewallWatch {
    fn take(&self) -> Option<netns::FirewallWatch> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

#[pymethods]
impl FirewallWatch {
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        let watch = self.take();
        detached(py, move || {
            drop(watch);
            Ok(())
        })
    }
}

impl Drop for FirewallWatch {
    fn drop(&mut self) {
        let_go(self.take());
    }
}
