//! Errors, both ways.

use std::cell::RefCell;
use std::error::Error as _;

use netns::{Error, ErrorKind, Result};
use pyo3::exceptions::{PyException, PyNotImplementedError, PyOSError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyTuple;

const KINDS: [(ErrorKind, &str); 10] = [
    (ErrorKind::AlreadyExists, "already_exists"),
    (ErrorKind::BadRequest, "bad_request"),
    (ErrorKind::Busy, "busy"),
    (ErrorKind::Forbidden, "forbidden"),
    (ErrorKind::NotFound, "not_found"),
    (ErrorKind::NotImplemented, "not_implemented"),
    (ErrorKind::PermissionDenied, "permission_denied"),
    (ErrorKind::ResourceExhausted, "resource_exhausted"),
    (ErrorKind::System, "system"),
    (ErrorKind::Unsupported, "unsupported"),
];

thread_local! {
    /// What has interrupted the call that is under way on this thread, if anything has; None where no call is.
    static CALL: RefCell<Option<Option<PyErr>>> = const { RefCell::new(None) };
}

/// A call of the library's from `begin` to `end` on this thread; what it holds is the one around it.
pub(crate) struct Call(Option<Option<PyErr>>);

impl Call {
    pub(crate) fn begin() -> Self {
        Self(CALL.replace(Some(None)))
    }

    /// The value, or the exception for the error. What has interrupted the call goes on as it is, whatever came of it.
    pub(crate) fn end<T: Send>(self, py: Python<'_>, result: Result<T>) -> PyResult<T> {
        if let Some(interruption) = CALL.take().flatten() {
            py.detach(move || drop(result));
            return Err(interruption);
        }
        result.map_err(|error| match cause(py, &error) {
            Some(cause) if is_interruption(py, &cause) => cause,
            _ => refusal(py, &error),
        })
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        CALL.set(self.0.take());
    }
}

/// Whether it is no error, but asks the program to end, as Ctrl-C does.
fn is_interruption(py: Python<'_>, raised: &PyErr) -> bool {
    !raised.is_instance_of::<PyException>(py)
}

/// Has an interruption go on when the call that is under way on this thread ends; whether it does.
pub(crate) fn interrupt(py: Python<'_>, raised: &PyErr) -> bool {
    let is_kept = |call: &mut Option<Option<PyErr>>| match call {
        Some(kept) => {
            kept.get_or_insert_with(|| raised.clone_ref(py));
            true
        }
        None => false,
    };
    is_interruption(py, raised) && CALL.with_borrow_mut(is_kept)
}

/// What Python code raised, of which an error came.
fn cause(py: Python<'_>, error: &Error) -> Option<PyErr> {
    error.source()?.downcast_ref::<PyErr>().map(|raised| raised.clone_ref(py))
}

/// The exception that `netns._errors` makes of an error; its cause is what Python code raised, where that is why.
fn exception(py: Python<'_>, error: &Error) -> PyResult<PyErr> {
    static MAKE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let kind = KINDS.iter().find(|(kind, _)| *kind == error.kind()).map_or("system", |(_, name)| *name);
    let rollback = error.rollback_failures().iter().map(|failure| Ok(exception(py, failure)?.into_value(py)));
    let rollback = PyTuple::new(py, rollback.collect::<PyResult<Vec<_>>>()?)?;
    let text = error.to_string();
    let arguments =
        (kind, text, error.operation(), error.subject(), error.errno(), error.kernel_message(), rollback);
    let made = MAKE.import(py, "netns._errors", "make")?.call1(arguments)?;
    let made = PyErr::from_value(made);
    if let Some(cause) = cause(py, error) {
        made.set_cause(py, Some(cause));
    }
    Ok(made)
}

/// The library's error for what Python code raised in `method` of `object`, which is kept to be the cause.
pub(crate) fn from_python(py: Python<'_>, object: &str, method: &str, raised: PyErr) -> Error {
    let words = words(py, &raised);
    let value = raised.value(py);
    let attribute = |name| value.getattr(name).ok();
    let named = attribute("kind").and_then(|kind| kind.extract::<String>().ok());
    let kind = KINDS.iter().find(|(_, name)| Some(*name) == named.as_deref()).map(|(kind, _)| *kind);
    let errno = match raised.is_instance_of::<PyOSError>(py) {
        true => attribute("errno").and_then(|errno| errno.extract::<i32>().ok()),
        false => None,
    };
    let operation = format!("call {method} of");
    let error = match (kind, errno) {
        (Some(kind), None) => Error::new(kind, operation, object),
        (Some(kind), Some(errno)) => Error::new(kind, operation, object).with_errno(errno),
        (None, Some(errno)) => Error::from_errno(operation, object, errno),
        (None, None) if raised.is_instance_of::<PyNotImplementedError>(py) => {
            Error::new(ErrorKind::NotImplemented, operation, object)
        }
        (None, None) => Error::new(ErrorKind::System, operation, object),
    };
    interrupt(py, &raised);
    error.with_cause(words).with_source(raised)
}

/// `ValueError: no such colour`.
fn words(py: Python<'_>, raised: &PyErr) -> String {
    let kind = raised.get_type(py).name().map_or_else(|_| "exception".to_owned(), |name| name.to_string());
    match raised.value(py).str() {
        Ok(text) if !text.to_string_lossy().is_empty() => format!("{kind}: {}", text.to_string_lossy()),
        _ => kind,
    }
}

/// The exception for an error that no call of the library's had.
pub(crate) fn refusal(py: Python<'_>, error: &Error) -> PyErr {
    exception(py, error).unwrap_or_else(|failure| failure)
}

/// Raised for a handle that was closed.
pub(crate) fn closed(py: Python<'_>, what: &str) -> PyErr {
    static CLOSED: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let made = CLOSED.import(py, "netns._errors", "closed").and_then(|make| make.call1((what,)));
    made.map_or_else(|failure| failure, PyErr::from_value)
}
