//! A route of a container.

use serde::{Deserialize, Serialize};

use crate::libcontainer::json::or_default;

/// A route that a container is to have (seed `003`, `Route`). Of destination, source and gateway at least one is
/// there, and all that are there are of one family; an empty string stands for what is not said, and what is
/// missing has the family's default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Route {
    /// Where it leads, such as `10.2.0.0/16`.
    #[serde(deserialize_with = "or_default")]
    pub destination: String,
    /// The source address with the length of its prefix.
    #[serde(deserialize_with = "or_default")]
    pub source: String,
    /// The address of the gateway.
    #[serde(deserialize_with = "or_default")]
    pub gateway: String,
    /// The interface inside the container that it goes through, such as `eth0`.
    #[serde(deserialize_with = "or_default")]
    pub interface_name: String,
}
