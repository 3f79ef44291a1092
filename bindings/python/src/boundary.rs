//! How calls come in: without the interpreter's lock, with text for whatever is more than a name.

use std::ops::Deref;
use std::sync::OnceLock;

use netns::{Error, InterfaceName, MacAddr, Name, Result};
use pyo3::exceptions::{PyImportError, PyUnicodeEncodeError};
use pyo3::prelude::*;
use pyo3::Borrowed;
use serde::de::DeserializeOwned;
use serde::Serialize;

use crate::error;

/// A caller's text. One with half a surrogate pair, which no other language has, is a bad request.
#[derive(Clone, Copy)]
pub(crate) struct Text<'a>(&'a str);

impl<'a, 'py> FromPyObject<'a, 'py> for Text<'a> {
    type Error = PyErr;

    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let py = object.py();
        object.extract().map(Self).map_err(|error: PyErr| {
            match error.is_instance_of::<PyUnicodeEncodeError>(py) {
                true => error::refusal(
                    py,
                    &Error::bad_request("use", format!("text {object:?}"), "it is not Unicode"),
                ),
                false => error,
            }
        })
    }
}

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        self.0
    }
}

/// Runs `f` while other threads of the interpreter run, and raises its error.
pub(crate) fn detached<T: Send>(py: Python<'_>, f: impl FnOnce() -> Result<T> + Send) -> PyResult<T> {
    let call = error::Call::begin();
    let result = py.detach(f);
    call.end(py, result)
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

/// Refuses every interpreter of the process but the first that imports the module: its exceptions, which this module
/// holds, are the first's. Each interpreter has a `sys` of its own.
pub(crate) fn only_here(py: Python<'_>) -> PyResult<()> {
    static FIRST: OnceLock<Py<PyModule>> = OnceLock::new();
    let own = py.import("sys")?;
    match FIRST.get_or_init(|| own.clone().unbind()).is(&own) {
        true => Ok(()),
        false => Err(PyImportError::new_err("netns is in use by another interpreter of this process")),
    }
}

/// Refuses what the core would not take as what `kind` says.
#[pyfunction]
pub(crate) fn check(py: Python<'_>, kind: &str, text: Text<'_>) -> PyResult<()> {
    detached(py, || match kind {
        "interface" => InterfaceName::new(&text).map(drop),
        "mac" => text.parse::<MacAddr>().map(drop),
        "name" => Name::new(&text).map(drop),
        _ => Err(Error::bad_request("check", kind, "there is no such kind")),
    })
}
