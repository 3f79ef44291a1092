//! Network namespaces.

use std::os::fd::{AsFd, AsRawFd};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, ThreadId};

use netns::{Error, ErrorKind, Result};
use nix::sched::{setns, CloneFlags};
use pyo3::prelude::*;

use crate::boundary::detached;

/// A handle of a network namespace.
#[pyclass(frozen, module = "netns._netns")]
pub(crate) struct Namespace(pub(crate) netns::Namespace);

#[pymethods]
impl Namespace {
    #[staticmethod]
    fn current(py: Python<'_>) -> PyResult<Self> {
        detached(py, netns::Namespace::current).map(Self)
    }

    #[staticmethod]
    fn create(py: Python<'_>) -> PyResult<Self> {
        detached(py, netns::Namespace::create).map(Self)
    }

    #[staticmethod]
    #[allow(clippy::needless_pass_by_value, reason = "it comes from Python")]
    fn open(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        detached(py, || netns::Namespace::open(&path)).map(Self)
    }

    #[staticmethod]
    fn from_pid(py: Python<'_>, pid: u32) -> PyResult<Self> {
        detached(py, || netns::Namespace::from_pid(pid)).map(Self)
    }

    #[staticmethod]
    fn from_fd(py: Python<'_>, fd: u32) -> PyResult<Self> {
        detached(py, || of_descriptor(fd)).map(Self)
    }

    #[staticmethod]
    #[allow(clippy::needless_pass_by_value, reason = "it comes from Python")]
    fn forget(py: Python<'_>, path: PathBuf) -> PyResult<()> {
        detached(py, || netns::Namespace::forget(&path))
    }

    #[allow(clippy::needless_pass_by_value, reason = "it comes from Python")]
    fn persist(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        detached(py, || self.0.persist(&path))
    }

    fn id(&self) -> (u64, u64) {
        let id = self.0.id();
        (id.device, id.inode)
    }

    fn fileno(&self) -> i32 {
        self.0.as_fd().as_raw_fd()
    }

    fn enter(&self, py: Python<'_>) -> PyResult<Inside> {
        detached(py, || self.0.try_clone()).map(Inside::new)
    }

    /// Calls `function` with the calling thread inside, and is back whatever it does.
    fn run(&self, py: Python<'_>, function: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        let function = function.clone().unbind();
        detached(py, || self.0.run(move || Python::attach(|py| function.call0(py))))?
    }
}

/// The calling thread inside a namespace, from `__enter__` to `__exit__`.
#[pyclass(frozen, module = "netns._netns")]
pub(crate) struct Inside {
    target: netns::Namespace,
    entered: Mutex<Option<Entered>>,
}

struct Entered {
    by: ThreadId,
    home: netns::Namespace,
}

impl Inside {
    pub(crate) fn new(target: netns::Namespace) -> Self {
        Self { target, entered: Mutex::default() }
    }

    fn refuse(&self, kind: ErrorKind, operation: &str, cause: &str) -> Error {
        Error::new(kind, operation, self.target.id().to_string()).with_cause(cause)
    }

    fn enter(&self) -> Result<()> {
        let mut entered = self.entered.lock().unwrap_or_else(PoisonError::into_inner);
        if entered.is_some() {
            return Err(self.refuse(
                ErrorKind::Busy,
                "enter namespace",
                "a thread is inside by this value already",
            ));
        }
        let home = netns::Namespace::current()?;
        change_to(&self.target)?;
        *entered = Some(Entered { by: thread::current().id(), home });
        Ok(())
    }

    fn leave(&self) -> Result<()> {
        let mut entered = self.entered.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(Entered { by, home }) = &*entered else { return Ok(()) };
        if *by != thread::current().id() {
            return Err(self.refuse(ErrorKind::Forbidden, "leave namespace", "another thread entered it"));
        }
        if let Err(error) = change_to(home) {
            eprintln!("libnetns: the thread cannot leave a namespace, and the process ends: {error}");
            std::process::abort();
        }
        *entered = None;
        Ok(())
    }
}

#[pymethods]
impl Inside {
    fn __enter__(&self, py: Python<'_>) -> PyResult<()> {
        detached(py, || self.enter())
    }

    fn __exit__(
        &self,
        py: Python<'_>,
        _kind: &Bound<'_, PyAny>,
        _raised: &Bound<'_, PyAny>,
        _traceback: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        detached(py, || self.leave())
    }
}

/// What a descriptor of this process is of: by its path, since it may be closed meanwhile.
pub(crate) fn of_descriptor(fd: u32) -> Result<netns::Namespace> {
    netns::Namespace::open(Path::new(&format!("/proc/thread-self/fd/{fd}")))
}

fn change_to(namespace: &netns::Namespace) -> Result<()> {
    setns(namespace.as_fd(), CloneFlags::CLONE_NEWNET)
        .map_err(|errno| Error::from_errno("enter namespace", namespace.id().to_string(), errno as i32))
}
