//! Addresses, routes and neighbours.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::{LinkRef, MacAddr};
use crate::error::{Error, Result};

/// The protocol of every route and proxied address and, from Linux 5.18 on, every address that this
/// library adds, so that they can be told from others (`ip route show proto 78`, `ip -d address`,
/// `ip neighbour show proxy`).
pub const PROTOCOL: u8 = 78;

/// An address of a link. IPv6 addresses are added without duplicate address detection
/// (`IFA_F_NODAD`): the library's caller vouches for them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddressSpec {
    /// The link that carries it.
    pub link: LinkRef,
    /// Address and prefix length.
    pub address: IpNet,
    /// It is the caller's own, and does not carry [`PROTOCOL`], by which this library knows what it may remove.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub callers: bool,
}

/// A unicast route in the main table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteSpec {
    /// The link that it leaves through.
    pub link: LinkRef,
    /// Where it leads; a prefix length of 0 is the default route.
    pub destination: IpNet,
    /// The next hop; none binds the destination to the link itself (link scope).
    pub gateway: Option<IpAddr>,
    /// The address of the link's namespace that packets leave with when their sender chose none
    /// (`RTA_PREFSRC`); the kernel's choice when `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<IpAddr>,
    /// Priority, the lower the better; the kernel's own (0, for IPv6 1024) when `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<u32>,
    /// Takes the place of a route to the same destination with the same metric instead of failing.
    #[serde(default)]
    pub replace: bool,
    /// It is the caller's own, as of an [`AddressSpec`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub callers: bool,
    /// It leads to the namespace itself: what comes in by the link for the destination is its own (the table
    /// `local`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub local: bool,
}

/// A permanent neighbour: the MAC address behind an IP address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NeighbourSpec {
    /// The link behind which the neighbour lies.
    pub link: LinkRef,
    /// Its IP address, or a multicast group.
    pub address: IpAddr,
    /// Its hardware address.
    pub mac: MacAddr,
}

/// An address that a link answers for in another's stead: ARP and neighbour solicitations for it that
/// come in by that link get the link's own MAC address (ip-neighbour(8), `proxy`).
///
/// For IPv4 the link must forward, and the address be reached through another link; for IPv6 the link
/// must forward and have `proxy_ndp` on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProxySpec {
    /// The link that answers.
    pub link: LinkRef,
    /// The address that it answers for.
    pub address: IpAddr,
}

/// Checks that `address` can be an endpoint's: a host's own unicast address in its subnet.
///
/// # Errors
/// BadRequest for unspecified, loopback, multicast and 255.255.255.255, for an IPv6 link-local one,
/// and for the subnet's first address and IPv4 broadcast address, unless the prefix leaves no other
/// (/31, /32, /127, /128).
pub fn check_endpoint_address(address: IpNet) -> Result<()> {
    let refuse = |cause: &str| Err(Error::bad_request("use address", address.to_string(), cause));
    let ip = address.addr();
    let is_broadcast = ip == IpAddr::V4(Ipv4Addr::BROADCAST);
    if ip.is_unspecified() || ip.is_loopback() || ip.is_multicast() || is_broadcast {
        return refuse("it is no unicast address of a host");
    }
    if matches!(ip, IpAddr::V6(ip) if ip.is_unicast_link_local()) {
        return refuse("link-local addresses are the kernel's to choose");
    }
    if address.prefix_len() == 0 {
        return refuse("a prefix length of 0 has no neighbours");
    }
    if address.max_prefix_len() - address.prefix_len() < 2 {
        return Ok(());
    }
    if ip == address.network() {
        return refuse("it is the subnet's own first address");
    }
    if matches!(address, IpNet::V4(v4) if v4.addr() == v4.broadcast()) {
        return refuse("it is the subnet's broadcast address");
    }
    Ok(())
}

/// Whether a packet can be sent to one host by that address, as a gateway's.
pub(crate) fn is_of_a_host(ip: IpAddr) -> bool {
    !ip.is_unspecified() && !ip.is_multicast() && !ip.is_loopback()
}

/// The address if it is one of IPv4.
pub(crate) fn v4(ip: IpAddr) -> Option<Ipv4Addr> {
    match ip {
        IpAddr::V4(ip) => Some(ip),
        IpAddr::V6(_) => None,
    }
}

/// The address if it is one of IPv6.
pub(crate) fn v6(ip: IpAddr) -> Option<Ipv6Addr> {
    match ip {
        IpAddr::V6(ip) => Some(ip),
        IpAddr::V4(_) => None,
    }
}
