//! What hooks are told of a container.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::libcontainer::json::{self, is_zero, or_default};

/// The state of a container, in the JSON of the OCI runtime specification (`State` of its `specs-go`): what a
/// hook gets on its standard input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// The version of the specification.
    #[serde(rename = "ociVersion", default, deserialize_with = "or_default")]
    pub oci_version: String,
    /// The container's id.
    pub id: String,
    /// Where in its life the container is.
    pub status: Status,
    /// The container's process in the runtime's PID namespace; 0, and not in JSON, when there is none.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "is_zero")]
    pub pid: u32,
    /// The absolute path of the container's bundle.
    #[serde(default, deserialize_with = "or_default")]
    pub bundle: String,
    /// What the config says beyond the specification.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

impl State {
    /// The version of the OCI runtime specification whose state this is.
    pub const OCI_VERSION: &'static str = "1.2.0";

    /// A container without process, bundle and annotations.
    pub fn new(id: impl Into<String>, status: Status) -> Self {
        Self {
            oci_version: Self::OCI_VERSION.to_owned(),
            id: id.into(),
            status,
            pid: 0,
            bundle: String::new(),
            annotations: BTreeMap::new(),
        }
    }

    /// The same container at another turn of its life.
    pub(crate) fn at(&self, status: Status) -> Self {
        Self { status, ..self.clone() }
    }

    /// Reads JSON, of which 4 MiB at most. It must say id and status.
    ///
    /// # Errors
    /// BadRequest, with line and column.
    pub fn from_json(json: &str) -> Result<Self> {
        json::from_json("of a container's state", json)
    }

    /// The JSON that Go's `encoding/json` writes.
    ///
    /// # Errors
    /// None is known.
    pub fn to_json(&self) -> Result<String> {
        json::to_json("of a container's state", self)
    }
}

/// Where in its life a container is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
#[non_exhaustive]
pub enum Status {
    /// `created`: all is made, the user's program not started.
    Created,
    /// `creating`: being made.
    Creating,
    /// `running`: the user's program runs.
    Running,
    /// `stopped`: its process has ended.
    Stopped,
    /// One of a runtime's own, such as `paused`.
    Other(String),
}

impl Status {
    /// The specification's word for it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Created => "created",
            Self::Creating => "creating",
            Self::Running => "running",
            Self::Stopped => "stopped",
            Self::Other(other) => other,
        }
    }
}

impl From<String> for Status {
    fn from(word: String) -> Self {
        match word.as_str() {
            "created" => Self::Created,
            "creating" => Self::Creating,
            "running" => Self::Running,
            "stopped" => Self::Stopped,
            _ => Self::Other(word),
        }
    }
}

impl From<Status> for String {
    fn from(status: Status) -> Self {
        match status {
            Status::Other(other) => other,
            known => known.as_str().to_owned(),
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
