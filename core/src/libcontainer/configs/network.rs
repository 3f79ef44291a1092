//! A network of a container.

use serde::{Deserialize, Serialize};

use crate::libcontainer::json::or_default;

/// A network that a container is to have (seed `003`, `Network`). Empty strings and 0 stand for what is not said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Network {
    /// The strategy that makes it, such as `veth` and `loopback`.
    #[serde(rename = "type", deserialize_with = "or_default")]
    pub kind: String,
    /// What the interface is called inside the container.
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    /// The bridge that it is on.
    #[serde(deserialize_with = "or_default")]
    pub bridge: String,
    /// The interface's hardware address, such as `02:42:0a:01:00:02`.
    #[serde(deserialize_with = "or_default")]
    pub mac_address: String,
    /// The interface's IPv4 address with the length of its prefix, such as `10.1.0.2/16`.
    #[serde(deserialize_with = "or_default")]
    pub address: String,
    /// The gateway of the IPv4 default route through it.
    #[serde(deserialize_with = "or_default")]
    pub gateway: String,
    /// The interface's IPv6 address with the length of its prefix.
    #[serde(deserialize_with = "or_default")]
    pub ipv6_address: String,
    /// The gateway of the IPv6 default route through it.
    #[serde(deserialize_with = "or_default")]
    pub ipv6_gateway: String,
    /// The MTU in bytes of both ends of a pair; 0 leaves it alone. Not for loopback.
    #[serde(deserialize_with = "or_default")]
    pub mtu: i64,
    /// The transmit queue in packets of both ends of a pair; 0 leaves it alone. Not for loopback.
    #[serde(rename = "txqueuelen", deserialize_with = "or_default")]
    pub tx_queue_len: i64,
    /// What the host's end of a pair is called.
    #[serde(deserialize_with = "or_default")]
    pub host_interface_name: String,
    /// Whether the bridge may send frames back through the port that they came by. Not for loopback.
    #[serde(deserialize_with = "or_default")]
    pub hairpin_mode: bool,
}
