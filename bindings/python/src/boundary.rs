//! How calls come in: without the interpreter's lock, with text for whatever is more than a name.

use netns::{Error, Result};
use pyo3::prelude::*;
use serde::de::DeserializeOwned;
use serde::Serialize;

use crate::error;

/// Runs `f` while other threads of the interpreter run, and raises its error.
pub(crate) fn detached<T: Send>(py: Python<'_>, f: impl FnOnce() -> Result<T> + Send) -> PyResult<T> {
    let raised = error::Raised::begin();
    let result = py.detach(f);
    result.map_err(|error| raised.end(py, &error))
}

/// As [`detached`], with the value as JSON.
pub(crate) fn shown<T: Serialize>(py: Python<'_>, f: impl FnOnce() -> Result<T> + Send) -> PyResult<String> {
    detached(py, || f().and_then(|value| to_json(&value)))
}

pub(crate) fn to_json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value)
        .map_err(|error| Error::bad_request("show", std::any::type_name_of_val(value), error.to_string()))
}

/// A value of the core; `what` is what an error calls it.
pub(crate) fn from_json<T: DeserializeOwned>(what: &str, json: &str) -> Result<T> {
    serde_json::from_str(json).map_err(|error| {
        let cause = error.to_string();
        // The text is on one line that the caller never saw: where in it says nothing.
        let cause = cause.rsplit_once(" at line ").map_or(cause.as_str(), |(cause, _)| cause);
        Error::bad_request("use", what, cause)
    })
}

/// Drops what ends a thread and waits for it: the thread may be about to log, for which it needs the interpreter.
pub(crate) fn let_go<T: Send>(value: T) {
    let mut value = Some(value);
    // Without an interpreter, as at the end of one, it is dropped below.
    let _ = Python::try_attach(|py| {
        let value = value.take();
        py.detach(move || drop(value));
    });
}
