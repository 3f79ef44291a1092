//! What a container's network is to be, and what became of it.

use serde::{Deserialize, Serialize};

use super::json::{self, is_zero, or_default};
use crate::error::Result;

/// The configuration of a container's network (seed `001`, `Network`). Empty strings and 0 stand for what is
/// not said, and are not in the JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Network {
    /// The strategy: `veth`, `loopback`, `netns`, or one that was registered.
    #[serde(rename = "type", deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// The path of a network namespace, for `netns`.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub ns_path: String,
    /// The bridge of the host that the pair's outer end is on, for `veth`.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub bridge: String,
    /// What the names of a pair begin with; seven hexadecimal digits follow.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub veth_prefix: String,
    /// The interface's address with the length of its prefix, such as `10.1.0.2/16`.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub address: String,
    /// The gateway of the default route through the interface.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub gateway: String,
    /// The MTU in bytes of both ends of a pair; 0 leaves it alone. Not for `loopback`.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_zero")]
    pub mtu: u32,
}

/// What there is to know of a container's network while it lasts (seed `001`, `NetworkState`). What is empty is
/// not in the JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NetworkState {
    /// The name of the pair's end in the host.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub veth_host: String,
    /// The name of the pair's end in the container.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub veth_child: String,
    /// The path of the network namespace that the container shares.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub ns_path: String,
}

impl Network {
    /// Reads JSON; what is not known is passed over.
    ///
    /// # Errors
    /// BadRequest, with line and column.
    pub fn from_json(json: &str) -> Result<Self> {
        json::from_json("of a network", json)
    }

    /// The JSON that Go's `encoding/json` writes.
    ///
    /// # Errors
    /// None is known.
    pub fn to_json(&self) -> Result<String> {
        json::to_json("of a network", self)
    }
}

impl NetworkState {
    /// Reads JSON; what is not known is passed over.
    ///
    /// # Errors
    /// BadRequest, with line and column.
    pub fn from_json(json: &str) -> Result<Self> {
        json::from_json("of a network's state", json)
    }

    /// The JSON that Go's `encoding/json` writes.
    ///
    /// # Errors
    /// None is known.
    pub fn to_json(&self) -> Result<String> {
        json::to_json("of a network's state", self)
    }
}
