//! Routes and neighbours that come with an interface.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::MacAddr;

/// A route to be added to a sandbox (seed `004`, `AddStaticRoute`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StaticRoute {
    /// Where it leads.
    pub destination: IpNet,
    /// The next hop (libnetwork's `NEXTHOP`); `None` binds it to the interface (`CONNECTED`).
    pub next_hop: Option<IpAddr>,
}

/// A permanent entry of the ARP or neighbour table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Neighbour {
    /// The IP address, or a multicast group.
    pub address: IpAddr,
    /// The MAC address that frames to it carry.
    pub mac: MacAddr,
}
