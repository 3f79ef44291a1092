//! Links to be made, changed and moved.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{InterfaceName, MacAddr, MacvlanMode, Mtu};
use crate::error::{Error, Result};

/// The link group (`IFLA_GROUP`) of every link that this library creates: `ip link show group 20051`.
pub const LINK_GROUP: u32 = 20_051;
/// The link group of the host's end of an endpoint whose sandbox was destroyed, until the kernel takes it away: as
/// long as a process stays inside. The firewall lets nothing in by it.
pub const LEAVING_GROUP: u32 = 20_052;

/// The namespace that a step of a plan works in, by its role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// Where the bridge and the host's ends of the links are.
    Host,
    /// The container's namespace.
    Sandbox,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Host => "host",
            Self::Sandbox => "sandbox",
        })
    }
}

/// A link by its name, with the index where it is known beforehand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkRef {
    /// The name, for people, and for the kernel where there is no index.
    pub name: InterfaceName,
    /// `ifindex` in its namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<u32>,
}

impl LinkRef {
    /// A link of which the name alone is known; the index is looked up when a message needs it.
    pub fn named(name: InterfaceName) -> Self {
        Self { name, index: None }
    }

    /// A link with its index.
    pub fn indexed(name: InterfaceName, index: u32) -> Self {
        Self { name, index: Some(index) }
    }
}

impl fmt::Display for LinkRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.name, f)
    }
}

/// A link to be created, with what the kernel takes in the creating message itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkSpec {
    /// Its name.
    pub name: InterfaceName,
    /// What it is.
    pub kind: LinkKind,
    /// A chosen `ifindex`. Of a veth the kernel minds the peer's only when both ends have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<u32>,
    /// Hardware address; set at creation so that udev leaves it alone.
    pub mac: Option<MacAddr>,
    /// MTU in bytes.
    pub mtu: Option<Mtu>,
    /// The bridge that it becomes a port of.
    pub master: Option<LinkRef>,
    /// Link group (`IFLA_GROUP`).
    pub group: u32,
    /// Number of transmit and of receive queues; 1 spares veth two grace periods.
    pub queues: Option<u32>,
    /// Length of the transmit queue in packets.
    pub tx_queue_len: Option<u32>,
    /// Whether it is up at once.
    pub up: bool,
    /// The namespace that it is born in when that is not the step's own; not for a link with a peer
    /// or a master. Its parent is the step's place's all the same.
    ///
    /// Linux before 6.15 refuses it when the step's own place has a link of that index too, or of
    /// that name where no index is chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub born_in: Option<Place>,
}

impl LinkSpec {
    /// A link of this library's group with nothing else set.
    pub fn new(name: InterfaceName, kind: LinkKind) -> Self {
        Self {
            name,
            kind,
            index: None,
            mac: None,
            mtu: None,
            master: None,
            group: LINK_GROUP,
            queues: None,
            tx_queue_len: None,
            up: false,
            born_in: None,
        }
    }

    /// The link that it is attached to as it is created: its parent or its master.
    pub(crate) fn attached_to(&self) -> Option<&LinkRef> {
        match &self.kind {
            LinkKind::Macvlan { parent, .. } => Some(parent),
            LinkKind::Bridge { .. } | LinkKind::Veth { .. } => self.master.as_ref(),
        }
    }

    /// Another place that the creating message names: the peer's, or where the link itself is born.
    pub(crate) fn other_place(&self) -> Option<Place> {
        match &self.kind {
            LinkKind::Veth { peer } => Some(peer.place),
            LinkKind::Bridge { .. } | LinkKind::Macvlan { .. } => self.born_in,
        }
    }

    /// Refuses what one message cannot say.
    pub(crate) fn check(&self) -> Result<()> {
        let refuse = |cause: &str| Err(Error::bad_request("create link", self.name.as_str(), cause));
        if self.born_in.is_some() && matches!(self.kind, LinkKind::Veth { .. }) {
            return refuse("of a veth pair the peer alone can be born elsewhere");
        }
        let has_parent = matches!(self.kind, LinkKind::Macvlan { .. });
        if self.master.is_some() && (has_parent || self.born_in.is_some()) {
            return refuse("a link that has a parent or is born elsewhere gets a master by a change later");
        }
        Ok(())
    }
}

/// The kinds of link that can be created.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LinkKind {
    /// An Ethernet bridge.
    Bridge {
        /// Multicast snooping; every port that joins restarts the timers of all while it is on.
        multicast_snooping: bool,
        /// The VLAN of untagged frames; 0 spares each port an entry of the forwarding table.
        vlan_default_pvid: u16,
    },
    /// An interface with a MAC address of its own on an Ethernet link that it shares. It passes
    /// frames while that link is up, and its MTU is at most that link's.
    Macvlan {
        /// The link that it shares.
        parent: LinkRef,
        /// How it sees the others on that link.
        mode: MacvlanMode,
    },
    /// A pair of connected interfaces.
    Veth {
        /// The other end.
        peer: VethPeer,
    },
}

/// The other end of a veth pair, born where it belongs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VethPeer {
    /// Its final name.
    pub name: InterfaceName,
    /// The namespace that it is born in.
    pub place: Place,
    /// A chosen `ifindex`, so that later messages are known beforehand; it takes [`LinkSpec::index`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<u32>,
    /// Hardware address.
    pub mac: Option<MacAddr>,
}

/// A change of a link that exists; what is `None` stays as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkChange {
    /// The link.
    pub link: LinkRef,
    /// Its name from then on; for a link whose index is known. Before Linux 6.2 it must be down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<InterfaceName>,
    /// Its link group (`IFLA_GROUP`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<u32>,
    /// The bridge that it becomes a port of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub master: Option<LinkRef>,
    /// Up or down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub up: Option<bool>,
    /// MTU in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtu: Option<Mtu>,
    /// Hardware address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<MacAddr>,
    /// Free text of at most 255 bytes (`IFLA_IFALIAS`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    /// Length of the transmit queue in packets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tx_queue_len: Option<u32>,
    /// The kernel makes no IPv6 link-local address of its own. It looks at this after it has
    /// brought the link up, so it takes a change of its own before the one that says `up`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub no_link_local: bool,
    /// Whether IPv4 packets that come in by the link are forwarded (`net.ipv4.conf.LINK.forwarding`). It
    /// may go with any other change. The kernel looks at it after it has brought the link up, and
    /// unlike a write to `/proc/sys` it leaves large receive offload and cached routes alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ipv4_forwarding: Option<bool>,
    /// Whether packets may go by the link to and from 127.0.0.0/8 (`net.ipv4.conf.LINK.route_localnet`), set as
    /// `ipv4_forwarding` is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route_localnet: Option<bool>,
    /// Flags of a bridge's port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<BridgePort>,
}

impl LinkChange {
    /// A change that changes nothing yet.
    pub fn new(link: LinkRef) -> Self {
        Self {
            link,
            name: None,
            group: None,
            master: None,
            up: None,
            mtu: None,
            mac: None,
            alias: None,
            tx_queue_len: None,
            no_link_local: false,
            ipv4_forwarding: None,
            route_localnet: None,
            port: None,
        }
    }

    /// Refuses what one message cannot say.
    pub(crate) fn check(&self) -> Result<()> {
        if self.name.is_some() && self.link.index.is_none() {
            let cause = "a link that is to be renamed is told by its index";
            return Err(Error::bad_request("change link", self.link.name.as_str(), cause));
        }
        Ok(())
    }
}

/// Flags of a bridge's port (bridge(8)); what is off is what the kernel starts with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BridgePort {
    /// Frames may leave through the port that they came in by.
    pub hairpin: bool,
    /// No frames to other isolated ports.
    pub isolated: bool,
}

/// A link that goes to another namespace, renamed as it moves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MoveSpec {
    /// The link where it is now.
    pub link: LinkRef,
    /// Where it goes.
    pub to: Place,
    /// Its name there.
    pub name: InterfaceName,
    /// Its `ifindex` there; the kernel keeps the present one where it is free when this is `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<u32>,
    /// MTU in bytes from then on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtu: Option<Mtu>,
    /// Hardware address from then on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<MacAddr>,
    /// Alias from then on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
}
