//! Which container is meant.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};
use crate::sys::{Namespace, NamespaceId};

/// A container, by its process or by the path of its network namespace.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Target {
    /// A path such as `/run/netns/web` or `/proc/PID/ns/net`.
    Path(PathBuf),
    /// A process, in the caller's PID namespace.
    Pid(u32),
}

impl Target {
    /// The file of its network namespace.
    pub fn path(&self) -> PathBuf {
        match self {
            Self::Path(path) => path.clone(),
            Self::Pid(pid) => format!("/proc/{pid}/ns/net").into(),
        }
    }

    /// Its network namespace, which stays as long as the handle.
    pub(super) fn namespace(&self) -> Result<Namespace> {
        Namespace::open(&self.path()).map_err(|error| match (error.kind(), self) {
            (ErrorKind::NotFound, Self::Pid(pid)) => {
                error.with_cause(format!("there is no process {pid}, or it has ended"))
            }
            _ => error,
        })
    }

    /// Refuses a container that has ended, or is in another namespace by now.
    pub(super) fn check_is_in(&self, namespace: NamespaceId) -> Result<()> {
        if NamespaceId::at(&self.path()) == Some(namespace) {
            return Ok(());
        }
        let cause = match self {
            Self::Path(_) => "the namespace was taken away meanwhile",
            Self::Pid(_) => "the process has ended meanwhile, or is in another namespace",
        };
        Err(Error::new(ErrorKind::NotFound, "use container", self.to_string()).with_cause(cause))
    }
}

impl From<u32> for Target {
    fn from(pid: u32) -> Self {
        Self::Pid(pid)
    }
}

impl From<&Path> for Target {
    fn from(path: &Path) -> Self {
        Self::Path(path.to_owned())
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => path.display().fmt(f),
            Self::Pid(pid) => write!(f, "process {pid}"),
        }
    }
}
