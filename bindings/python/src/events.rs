//! What happens, in whatever process.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use pyo3::prelude::*;

use crate::boundary::{detached, let_go, to_json};
use crate::error::closed;

/// How long a signal, Ctrl-C among them, may go unheard.
const TURN: Duration = Duration::from_millis(50);

/// A listener.
#[pyclass(frozen, module = "netns._netns")]
pub(crate) struct Events(Mutex<Option<Arc<netns::Events>>>);

impl From<netns::Events> for Events {
    fn from(events: netns::Events) -> Self {
        Self(Mutex::new(Some(Arc::new(events))))
    }
}

impl Events {
    fn open(&self) -> Option<Arc<netns::Events>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn take(&self) -> Option<Arc<netns::Events>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

#[pymethods]
impl Events {
    /// The next event as JSON, if there is one within so many seconds; without a limit, when there is one.
    fn next(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<Option<String>> {
        let given =
            timeout.map(|seconds| Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX));
        let deadline = given.and_then(|timeout| Instant::now().checked_add(timeout));
        loop {
            let Some(events) = self.open() else { return Err(closed(py, "events")) };
            let left = deadline.map_or(TURN, |deadline| deadline.saturating_duration_since(Instant::now()));
            let event = py.detach(move || events.next_timeout(left.min(TURN)));
            if let Some(event) = event {
                return detached(py, || to_json(&event)).map(Some);
            }
            py.check_signals()?;
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return Ok(None);
            }
        }
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        let events = self.take();
        detached(py, move || {
            drop(events);
            Ok(())
        })
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        let_go(self.take());
    }
}
