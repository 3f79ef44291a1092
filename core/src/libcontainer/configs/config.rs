//! The whole of a config.

use serde::{Deserialize, Serialize};

use super::{Hooks, Namespaces, Network, Route};
use crate::error::Result;
use crate::libcontainer::json::{self, nil_when_empty, objects, or_default};

/// What a process inside a container is to have around it (seed `003`, `Config`).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Config {
    /// The signal that the container's process gets when its parent dies; 0 for none.
    #[serde(deserialize_with = "or_default")]
    pub parent_death_signal: i32,
    /// The directory that is the container's root filesystem.
    #[serde(deserialize_with = "or_default")]
    pub rootfs: String,
    /// The namespaces of the container's own, or that it joins; of a type that is not there it has its parent's.
    pub namespaces: Namespaces,
    /// What the container's network is made of, in this order.
    #[serde(deserialize_with = "objects", serialize_with = "nil_when_empty")]
    pub networks: Vec<Network>,
    /// Routes inside the container, in this order, when all networks are up.
    #[serde(deserialize_with = "objects", serialize_with = "nil_when_empty")]
    pub routes: Vec<Route>,
    /// The AppArmor profile of the container's process.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub apparmor_profile: String,
    /// The label of the container's process, as SELinux uses it.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub process_label: String,
    /// What runs at the turning points of the container's life. Commands alone are written as JSON.
    #[serde(rename = "Hooks", alias = "hooks", deserialize_with = "or_default")]
    pub hooks: Hooks,
    /// The version of the OCI runtime specification that is meant.
    #[serde(deserialize_with = "or_default")]
    pub version: String,
    /// What users say of the container, `KEY=VALUE` by custom.
    #[serde(deserialize_with = "or_default", serialize_with = "nil_when_empty")]
    pub labels: Vec<String>,
}

impl Config {
    /// Reads JSON, of which 4 MiB at most, with 1024 objects in a list at most. Nothing is checked but that it fits: see [`Config::check`].
    ///
    /// # Errors
    /// BadRequest, with line and column.
    pub fn from_json(json: &str) -> Result<Self> {
        json::from_json("of a config", json)
    }

    /// The JSON that Go's `encoding/json` writes. Hooks that are functions are left out, with a warning in the
    /// log.
    ///
    /// # Errors
    /// None is known.
    pub fn to_json(&self) -> Result<String> {
        json::to_json("of a config", self)
    }
}
