//! What is in the sets and maps.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::Owner;
use crate::error::{Error, Result};
use crate::link::{InterfaceName, MacAddr, Protocol};

/// One element of the library's sets and maps, or of several that belong together.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Element {
    /// Whose it is; what is deleted is found without it.
    pub owner: Owner,
    /// What it is.
    pub entry: Entry,
}

/// What an [`Element`] says.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Entry {
    /// An interface whose packets the check of senders looks at.
    Guarded {
        /// A port of a bridge, whose packets only the table `bridge libnetns` sees.
        bridge: bool,
        /// The interface of the host.
        name: InterfaceName,
    },
    /// An interface of the host belongs to the network of this key: elements of `ours`, `from`, `to`, `leave`
    /// and `KEY_ifs`.
    Interface {
        /// A bridge, or a veth of an endpoint that has no bridge.
        name: InterfaceName,
        /// The network's key.
        key: String,
    },
    /// What leaves for elsewhere from this subnet has the address of the interface that it leaves by.
    Masquerade(IpNet),
    /// Others may reach this port of an endpoint that has no published ports.
    Open {
        /// The port's protocol.
        protocol: Protocol,
        /// The endpoint's address.
        address: IpAddr,
        /// The port, from 1 on.
        port: u16,
    },
    /// What comes in by this interface is forwarded for this library's networks alone: the host did not forward
    /// it before it had any.
    Opened {
        /// Of IPv6.
        v6: bool,
        /// The interface of the host.
        name: InterfaceName,
    },
    /// A port of the host leads to a port of an endpoint.
    Published {
        /// Of both ports.
        protocol: Protocol,
        /// The host's address, of the family of `to`; `None` for all of that family.
        host: Option<IpAddr>,
        /// The host's port, from 1 on.
        port: u16,
        /// The endpoint's address and port.
        to: SocketAddr,
    },
    /// A sender that may use an interface that is [`Entry::Guarded`].
    Sender {
        /// As with the interface.
        bridge: bool,
        /// The interface.
        name: InterfaceName,
        /// The sender's hardware address.
        mac: MacAddr,
        /// The sender's address.
        address: IpAddr,
    },
    /// What leaves for elsewhere from this subnet has this address, of the same family.
    Source {
        /// The subnet.
        subnet: IpNet,
        /// An address of the host.
        source: IpAddr,
    },
}

impl Entry {
    /// Whether it is about one port of an endpoint.
    pub(crate) fn is_port(&self) -> bool {
        matches!(self, Self::Open { .. } | Self::Published { .. })
    }

    /// Whether there can be such an element.
    ///
    /// # Errors
    /// BadRequest.
    pub(super) fn check(&self) -> Result<()> {
        let refuse = |cause: &str| Err(Error::bad_request("use firewall element", self.to_string(), cause));
        match self {
            Self::Interface { key, .. } => super::check_key(key),
            Self::Open { port: 0, .. } | Self::Published { port: 0, .. } => refuse("port 0 is none"),
            Self::Published { to, .. } if to.port() == 0 => refuse("port 0 is none"),
            Self::Published { host: Some(host), to, .. } if host.is_ipv4() != to.is_ipv4() => {
                refuse("the addresses are of two families")
            }
            Self::Source { subnet, source } if subnet.addr().is_ipv4() != source.is_ipv4() => {
                refuse("the addresses are of two families")
            }
            _ => Ok(()),
        }
    }
}

/// As errors name it.
impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Guarded { name, .. } => write!(f, "guarded interface {name}"),
            Self::Interface { name, key } => write!(f, "interface {name} of {key}"),
            Self::Masquerade(subnet) => write!(f, "masquerading of {subnet}"),
            Self::Open { protocol, address, port } => write!(f, "open port {port}/{protocol} of {address}"),
            Self::Opened { v6, name } => write!(f, "opened interface {name}, IPv{}", if *v6 { 6 } else { 4 }),
            Self::Published { protocol, host: Some(host), port, .. } => {
                write!(f, "port {port}/{protocol} of {host}")
            }
            Self::Published { protocol, host: None, port, to } => {
                write!(f, "port {port}/{protocol} of every IPv{} address", if to.is_ipv4() { 4 } else { 6 })
            }
            Self::Sender { name, mac, address, .. } => write!(f, "sender {mac} {address} of {name}"),
            Self::Source { subnet, source } => write!(f, "source {source} of {subnet}"),
        }
    }
}
