//! Errors, both ways.

use std::cell::RefCell;
use std::mem;

use netns::{Error, ErrorKind};
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

/// How many bytes of what an exception says become part of an error, or a few more.
const LONGEST_WORDS: usize = 2000;

thread_local! {
    /// What Python code raised while the library called it, with the words that the library has for it.
    static RAISED: RefCell<Vec<(String, PyErr)>> = const { RefCell::new(Vec::new()) };
}

/// What callbacks raise between `begin` and `end` on this thread.
pub(crate) struct Raised(Vec<(String, PyErr)>);

impl Raised {
    pub(crate) fn begin() -> Self {
        Self(RAISED.take())
    }

    /// The exception for `error`: its cause is the one that Python code raised, where that is why. What is no error
    /// but an interruption goes on as it is, whatever else was raised.
    pub(crate) fn end(self, py: Python<'_>, error: &Error) -> PyErr {
        let exception = exception(py, error).unwrap_or_else(|failure| failure);
        let text = error.to_string();
        let mut raised = RAISED.take();
        let is_interruption = |(_, raised): &(String, PyErr)| !raised.is_instance_of::<PyException>(py);
        if let Some(at) = raised.iter().position(is_interruption) {
            return raised.swap_remove(at).1;
        }
        let Some((_, raised)) = raised.into_iter().find(|(words, _)| text.contains(words)) else {
            return exception;
        };
        exception.set_cause(py, Some(raised));
        exception
    }
}

impl Drop for Raised {
    fn drop(&mut self) {
        RAISED.set(mem::take(&mut self.0));
    }
}

/// The exception that `netns._errors` makes of an error.
fn exception(py: Python<'_>, error: &Error) -> PyResult<PyErr> {
    static MAKE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let kind = KINDS.iter().find(|(kind, _)| *kind == error.kind()).map_or("system", |(_, name)| *name);
    let rollback = error.rollback_failures().iter().map(|failure| Ok(exception(py, failure)?.into_value(py)));
    let rollback = PyTuple::new(py, rollback.collect::<PyResult<Vec<_>>>()?)?;
    let text = error.to_string();
    let arguments =
        (kind, text, error.operation(), error.subject(), error.errno(), error.kernel_message(), rollback);
    let made = MAKE.import(py, "netns._errors", "make")?.call1(arguments)?;
    Ok(PyErr::from_value(made))
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
    RAISED.with_borrow_mut(|all| all.push((words.clone(), raised)));
    error.with_cause(words)
}

/// `ValueError: no such colour`; the beginning of what is longer than the library keeps of a cause.
fn words(py: Python<'_>, raised: &PyErr) -> String {
    let kind = raised.get_type(py).name().map_or_else(|_| "exception".to_owned(), |name| name.to_string());
    match raised.value(py).str() {
        Ok(text) if !text.to_string_lossy().is_empty() => {
            let words = format!("{kind}: {}", text.to_string_lossy());
            let end = words.char_indices().map(|(at, _)| at).find(|at| *at >= LONGEST_WORDS);
            words[..end.unwrap_or(words.len())].to_owned()
        }
        _ => kind,
    }
}

/// Raised for a handle that was closed.
pub(crate) fn closed(py: Python<'_>, what: &str) -> PyErr {
    static CLOSED: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let made = CLOSED.import(py, "netns._errors", "closed").and_then(|make| make.call1((what,)));
    made.map_or_else(|failure| failure, PyErr::from_value)
}
