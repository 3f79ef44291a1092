//! Interfaces and what else a sandbox holds.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::link::{
    check_endpoint_address, is_of_a_host, Destination, InterfaceName, MacAddr, Mtu, Neighbour, StaticRoute,
};

/// A network device and its settings in a sandbox (seeds `000` and `002`, `Interface`).
///
/// [`Network::link`](crate::Network::link) returns it for a device that waits in the host;
/// [`Sandbox::add_interface`](crate::Sandbox::add_interface) moves that device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Interface {
    /// Its name in the namespace that it comes from and goes back to.
    pub src_name: InterfaceName,
    /// Its name in the sandbox, or the prefix of it; what a sandbox lists is always a name.
    pub destination: Destination,
    /// Hardware address; `None` leaves the device's own.
    pub mac: Option<MacAddr>,
    /// IPv4 address with its prefix length.
    pub address: Option<Ipv4Net>,
    /// IPv6 address with its prefix length; without one the interface has no IPv6 at all.
    pub address_ipv6: Option<Ipv6Net>,
    /// Default gateway for IPv4.
    pub gateway: Option<Ipv4Addr>,
    /// Default gateway for IPv6.
    pub gateway_ipv6: Option<Ipv6Addr>,
    /// MTU in bytes; `None` leaves the device's own.
    pub mtu: Option<Mtu>,
    /// Routes through this interface besides those of its addresses and gateways.
    pub routes: Vec<StaticRoute>,
    /// Neighbours that never have to be asked for.
    pub neighbours: Vec<Neighbour>,
}

/// Everything that a sandbox holds (seed `000`, `Info`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Info {
    /// What `add_interface` and `join` brought, `lo` never, in the order of their names.
    pub interfaces: Vec<Interface>,
    /// IPv4 default gateway.
    pub gateway: Option<Ipv4Addr>,
    /// IPv6 default gateway.
    pub gateway_ipv6: Option<Ipv6Addr>,
    /// Static routes that this library added, through whatever interface.
    pub routes: Vec<StaticRoute>,
}

impl Interface {
    /// The device `src_name`, to become `eth0`, or `eth` with the next free number, with nothing set.
    ///
    /// # Errors
    /// BadRequest when `src_name` is no interface name.
    pub fn new(src_name: &str) -> Result<Self> {
        Ok(Self::from_source(InterfaceName::new(src_name)?))
    }

    pub(crate) fn from_source(src_name: InterfaceName) -> Self {
        Self {
            src_name,
            destination: Destination::default(),
            mac: None,
            address: None,
            address_ipv6: None,
            gateway: None,
            gateway_ipv6: None,
            mtu: None,
            routes: Vec::new(),
            neighbours: Vec::new(),
        }
    }

    /// The name in the sandbox, where it is settled: in what a sandbox lists it always is.
    pub fn name(&self) -> Option<&InterfaceName> {
        match &self.destination {
            Destination::Name(name) => Some(name),
            Destination::Prefix(_) => None,
        }
    }

    /// Both addresses.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = IpNet> {
        let (v4, v6) = (self.address.map(IpNet::V4), self.address_ipv6.map(IpNet::V6));
        v4.into_iter().chain(v6)
    }

    /// Both default gateways.
    pub(crate) fn gateways(&self) -> impl Iterator<Item = IpAddr> {
        let (v4, v6) = (self.gateway.map(IpAddr::V4), self.gateway_ipv6.map(IpAddr::V6));
        v4.into_iter().chain(v6)
    }

    /// Checks that the settings agree with one another.
    pub(crate) fn check(&self) -> Result<()> {
        self.addresses().try_for_each(check_endpoint_address)?;
        self.gateways().try_for_each(|gateway| self.check_next_hop("use gateway", gateway))?;
        self.routes.iter().try_for_each(|route| self.check_route(route))?;
        match self.mtu {
            Some(mtu) if mtu < Mtu::IPV6_MIN && self.address_ipv6.is_some() => {
                Err(Error::bad_request("use MTU", mtu.to_string(), "IPv6 needs at least 1280 bytes"))
            }
            _ => Ok(()),
        }
    }

    fn check_next_hop(&self, operation: &str, hop: IpAddr) -> Result<()> {
        let refuse = |cause: String| Err(Error::bad_request(operation, hop.to_string(), cause));
        if !is_of_a_host(hop) {
            return refuse("it is no unicast address of a host".to_owned());
        }
        if matches!(hop, IpAddr::V6(hop) if hop.is_unicast_link_local()) && self.address_ipv6.is_some() {
            return Ok(());
        }
        let is_connected = |route: &StaticRoute| route.next_hop.is_none() && route.destination.contains(&hop);
        if self.routes.iter().any(is_connected) {
            return Ok(());
        }
        let Some(address) = self.addresses().find(|address| address.addr().is_ipv4() == hop.is_ipv4()) else {
            return refuse("the interface has no address of that family".to_owned());
        };
        if !address.contains(&hop) {
            return refuse(format!(
                "it is outside the subnet {} and so not directly reachable",
                address.trunc()
            ));
        }
        if address.addr() == hop {
            return refuse("it is the interface's own address".to_owned());
        }
        Ok(())
    }

    fn check_route(&self, route: &StaticRoute) -> Result<()> {
        check_static_route(route)?;
        let Some(hop) = route.next_hop else { return Ok(()) };
        self.check_next_hop("use next hop", hop)
    }
}

/// Checks what can be known of a route without its interface.
pub(super) fn check_static_route(route: &StaticRoute) -> Result<()> {
    let refuse =
        |cause: &str| Err(Error::bad_request("use static route", route.destination.to_string(), cause));
    if route.destination.prefix_len() == 0 {
        return refuse("a default route is a gateway: use set_gateway");
    }
    if route.destination.addr() != route.destination.network() {
        return refuse("the destination has bits beyond its prefix");
    }
    match route.next_hop {
        Some(hop) if hop.is_ipv4() != route.destination.addr().is_ipv4() => {
            refuse("the next hop is of another family")
        }
        _ => Ok(()),
    }
}
