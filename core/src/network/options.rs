//! What a caller may say about networks and endpoints.

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::driver::{IpamData, Options};
use crate::error::{Error, Result};
use crate::link::{check_endpoint_address, Destination, InterfaceName, MacAddr, Mtu, Neighbour, StaticRoute};
use crate::name::Name;

/// Options of a bridge network (seed `002`, the `DriverParams` of `NewNetwork`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct NetworkOptions {
    /// The bridge; made when it is missing. `br-` and the network's name when `None`.
    pub bridge: Option<InterfaceName>,
    /// IPv4 gateway: an address of the bridge, in the subnet of the endpoints.
    pub gateway: Option<Ipv4Net>,
    /// IPv6 gateway: an address of the bridge, in the subnet of the endpoints.
    pub gateway_ipv6: Option<Ipv6Net>,
    /// MTU in bytes; `None` takes that of a bridge that exists, and for a new one the lowest of the
    /// interfaces with a default route, or 1500.
    pub mtu: Option<Mtu>,
    /// Hardware address of a new bridge; random when `None`.
    pub mac: Option<MacAddr>,
    /// Frames may leave through the port that they came in by.
    pub hairpin: bool,
    /// Endpoints reach the host and not one another.
    pub isolated: bool,
    /// Multicast snooping on a new bridge. Off, multicast reaches every port; on, each join takes
    /// longer the more ports there are.
    pub multicast_snooping: bool,
    /// Length of the endpoints' transmit queues in packets; `None` leaves the kernel's 1000.
    pub tx_queue_len: Option<u32>,
}

impl NetworkOptions {
    /// The same options with another gateway; one of each family.
    #[must_use]
    pub fn with_gateway(mut self, gateway: IpNet) -> Self {
        match gateway {
            IpNet::V4(gateway) => self.gateway = Some(gateway),
            IpNet::V6(gateway) => self.gateway_ipv6 = Some(gateway),
        }
        self
    }

    /// The same options with another bridge.
    #[must_use]
    pub fn with_bridge(mut self, bridge: InterfaceName) -> Self {
        self.bridge = Some(bridge);
        self
    }

    /// The same options with another MTU.
    #[must_use]
    pub fn with_mtu(mut self, mtu: Mtu) -> Self {
        self.mtu = Some(mtu);
        self
    }

    pub(super) fn gateways(&self) -> impl Iterator<Item = IpNet> {
        let (v4, v6) = (self.gateway.map(IpNet::V4), self.gateway_ipv6.map(IpNet::V6));
        v4.into_iter().chain(v6)
    }

    /// The options that the driver parses, and its subnets.
    pub(super) fn for_driver(&self) -> Result<(Options, Vec<IpamData>, Vec<IpamData>)> {
        let own = NetworkOptions { gateway: None, gateway_ipv6: None, ..self.clone() };
        let value = serde_json::to_value(own)
            .map_err(|error| Error::bad_request("use options", "of a bridge network", error.to_string()))?;
        let Value::Object(mut options) = value else { return Ok(Default::default()) };
        options.retain(|key, value| !value.is_null() && !key.starts_with("gateway"));
        let data = |gateway: Option<IpNet>| {
            let data = |gateway: IpNet| IpamData {
                pool: Some(gateway.trunc()),
                gateway: Some(gateway),
                ..IpamData::default()
            };
            gateway.map(data).into_iter().collect()
        };
        Ok((options, data(self.gateway.map(IpNet::V4)), data(self.gateway_ipv6.map(IpNet::V6))))
    }

    pub(super) fn check(&self) -> Result<()> {
        self.gateways()
            .try_for_each(check_endpoint_address)
            .map_err(|error| error.within("use", "gateway"))?;
        match self.mtu {
            Some(mtu) if mtu < Mtu::IPV6_MIN && self.gateway_ipv6.is_some() => {
                Err(Error::bad_request("use MTU", mtu.to_string(), "IPv6 needs at least 1280 bytes"))
            }
            _ => Ok(()),
        }
    }
}

/// What an endpoint of a network is to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct EndpointOptions {
    /// Its name, unique in the network: a container's id, say.
    pub name: Name,
    /// What the interface is called in the sandbox; `eth` and the next free number by default.
    #[serde(default)]
    pub destination: Destination,
    /// IPv4 address with its prefix length.
    pub address: Option<Ipv4Net>,
    /// IPv6 address with its prefix length; without one the interface has no IPv6 at all.
    pub address_ipv6: Option<Ipv6Net>,
    /// Hardware address; random when `None`, see [`MacAddr::from_ipv4`] for one that is not.
    pub mac: Option<MacAddr>,
    /// MTU in bytes; the network's when `None`, and never more than that.
    pub mtu: Option<Mtu>,
    /// Routes through this interface besides those of its addresses and gateways.
    #[serde(default)]
    pub routes: Vec<StaticRoute>,
    /// Neighbours that never have to be asked for.
    #[serde(default)]
    pub neighbours: Vec<Neighbour>,
    /// Whether the network's gateways become the sandbox's, where it has none yet. On by default.
    #[serde(default = "on")]
    pub default_route: bool,
    /// Whether frames may leave through the port that they came in by; the network's choice when `None`.
    pub hairpin: Option<bool>,
    /// Whether it reaches the host and no other isolated endpoint; the network's choice when `None`.
    pub isolated: Option<bool>,
}

fn on() -> bool {
    true
}

impl EndpointOptions {
    /// The endpoint `name`, without addresses.
    ///
    /// # Errors
    /// BadRequest when `name` is no [`Name`].
    pub fn new(name: &str) -> Result<Self> {
        Ok(Self {
            name: Name::new(name)?,
            destination: Destination::default(),
            address: None,
            address_ipv6: None,
            mac: None,
            mtu: None,
            routes: Vec::new(),
            neighbours: Vec::new(),
            default_route: true,
            hairpin: None,
            isolated: None,
        })
    }

    /// The same endpoint with another address; one of each family.
    #[must_use]
    pub fn with_address(mut self, address: IpNet) -> Self {
        match address {
            IpNet::V4(address) => self.address = Some(address),
            IpNet::V6(address) => self.address_ipv6 = Some(address),
        }
        self
    }

    /// The same endpoint with another name for its interface.
    #[must_use]
    pub fn with_destination(mut self, destination: Destination) -> Self {
        self.destination = destination;
        self
    }

    /// The same endpoint with another hardware address.
    #[must_use]
    pub fn with_mac(mut self, mac: MacAddr) -> Self {
        self.mac = Some(mac);
        self
    }

    /// What the driver parses of them.
    pub(super) fn for_driver(&self) -> Options {
        let flags = [("hairpin", self.hairpin), ("isolated", self.isolated)];
        flags.into_iter().filter_map(|(key, flag)| Some((key.to_owned(), flag?.into()))).collect()
    }
}
