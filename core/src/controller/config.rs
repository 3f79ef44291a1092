//! What a caller may say about networks and endpoints that last.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{FirewallConfig, PortMapping};
use crate::driver::Options;
use crate::error::{Error, Result};
use crate::ipam::PoolId;
use crate::link::{check_endpoint_address, Destination, MacAddr, Mtu, Neighbour, StaticRoute};
use crate::name::Name;

/// A network's definition: what its file says, and what [`Controller::create_network`] takes.
///
/// [`Controller::create_network`]: crate::Controller::create_network
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, remote = "Self")]
#[non_exhaustive]
pub struct NetworkConfig {
    /// Its name, unique on the host.
    pub name: Name,
    /// Its type, which tells the driver: `bridge`, `routed`, `macvlan`, `host`, `null`, `loopback`, or one
    /// that was registered.
    #[serde(rename = "type")]
    pub network_type: String,
    /// At most one subnet of each family. A family that is wanted and has none gets a default pool.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subnets: Vec<SubnetConfig>,
    /// Whether endpoints get an IPv4 address. On by default.
    #[serde(default = "on")]
    pub ipv4: bool,
    /// Whether endpoints get an IPv6 address. A subnet of that family switches it on.
    #[serde(default)]
    pub ipv6: bool,
    /// Whether it has no way out: its endpoints get no default gateway.
    #[serde(default)]
    pub internal: bool,
    /// Whether the interfaces of its endpoints are metered, where bpf is permitted. On by default.
    #[serde(default = "on", skip_serializing_if = "is_on")]
    pub meter: bool,
    /// What stands between it and everything else.
    #[serde(default, skip_serializing_if = "is_default")]
    pub firewall: FirewallConfig,
    /// Who gives out its addresses: `default`; `static`, who gives none, so that subnets and addresses are
    /// what the caller says; or an [`Ipam`](crate::ipam::Ipam) that was registered.
    #[serde(default = "default_ipam")]
    pub ipam: String,
    /// Options of that.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ipam_options: BTreeMap<String, String>,
    /// Options of the driver; one that it does not know is an error that lists those that it knows.
    #[serde(default, skip_serializing_if = "Options::is_empty")]
    pub options: Options,
    /// For people and tools; nothing here reads them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

impl Serialize for NetworkConfig {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        Self::serialize(self, serializer)
    }
}

/// Docker's words have their places in the fields from here on.
impl<'de> Deserialize<'de> for NetworkConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let mut config = Self::deserialize(deserializer)?;
        config.translate().map_err(D::Error::custom)?;
        Ok(config)
    }
}

/// One subnet of a network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SubnetConfig {
    /// The subnet, without bits beyond its prefix.
    pub subnet: IpNet,
    /// The gateway; the first free address when `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<IpAddr>,
    /// The part of the subnet from which endpoints get their addresses; all of it when `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<IpNet>,
    /// Addresses that others have, by their names: they are never given out.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub auxiliary: BTreeMap<String, IpAddr>,
    /// What the address management calls the pool, where it is not the library's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) pool_id: Option<PoolId>,
    /// The address space of the pool, where it is not `LocalDefault`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) address_space: Option<Name>,
}

pub(super) fn on() -> bool {
    true
}

pub(super) fn is_on(on: &bool) -> bool {
    *on
}

pub(super) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn default_ipam() -> String {
    crate::ipam::PoolIpam::NAME.to_owned()
}

impl NetworkConfig {
    /// The network `name` of type `network_type`, IPv4 alone, with everything else by default.
    ///
    /// # Errors
    /// BadRequest when `name` is no [`Name`].
    pub fn new(network_type: &str, name: &str) -> Result<Self> {
        Ok(Self {
            name: Name::new(name)?,
            network_type: network_type.to_owned(),
            subnets: Vec::new(),
            ipv4: true,
            ipv6: false,
            internal: false,
            meter: true,
            firewall: FirewallConfig::default(),
            ipam: default_ipam(),
            ipam_options: BTreeMap::new(),
            options: Options::new(),
            labels: BTreeMap::new(),
        })
    }

    /// The same network with another subnet.
    #[must_use]
    pub fn with_subnet(mut self, subnet: IpNet) -> Self {
        self.subnets.push(SubnetConfig::new(subnet));
        self
    }

    /// The same network with IPv6.
    #[must_use]
    pub fn with_ipv6(mut self) -> Self {
        self.ipv6 = true;
        self
    }

    /// The same network with an option of its driver.
    #[must_use]
    pub fn with_option(mut self, key: &str, value: impl Into<serde_json::Value>) -> Self {
        self.options.insert(key.to_owned(), value.into());
        self
    }

    /// The subnet of one family.
    pub fn subnet(&self, ipv6: bool) -> Option<&SubnetConfig> {
        self.subnets.iter().find(|subnet| subnet.subnet.addr().is_ipv6() == ipv6)
    }

    /// Checks what can be known without the host.
    pub(super) fn check(&self) -> Result<()> {
        for ipv6 in [false, true] {
            let of_family = self.subnets.iter().filter(|subnet| subnet.subnet.addr().is_ipv6() == ipv6);
            if of_family.count() > 1 {
                let cause = "a network has one subnet of each family";
                return Err(Error::bad_request("use subnets", format!("of {}", self.name), cause));
            }
        }
        if let Some(v4) = self.subnet(false).filter(|_| !self.ipv4) {
            let cause = "it is of IPv4, which `ipv4` switches off";
            return Err(Error::bad_request("use subnet", v4.subnet.to_string(), cause));
        }
        self.check_firewall()?;
        self.subnets.iter().try_for_each(SubnetConfig::check)
    }
}

impl SubnetConfig {
    /// A subnet with everything by default.
    pub fn new(subnet: IpNet) -> Self {
        Self {
            subnet,
            gateway: None,
            range: None,
            auxiliary: BTreeMap::new(),
            pool_id: None,
            address_space: None,
        }
    }

    /// The gateway with the subnet's prefix length.
    pub(super) fn gateway_net(&self) -> Option<IpNet> {
        self.gateway.and_then(|gateway| IpNet::new(gateway, self.subnet.prefix_len()).ok())
    }

    /// The addresses that are never given out.
    pub(super) fn reserved(&self) -> impl Iterator<Item = IpAddr> + '_ {
        self.gateway.into_iter().chain(self.auxiliary.values().copied())
    }

    fn check(&self) -> Result<()> {
        let refuse = |cause: String| Err(Error::bad_request("use subnet", self.subnet.to_string(), cause));
        if self.subnet.trunc() != self.subnet {
            return refuse(format!("it has bits beyond its prefix: did you mean {}?", self.subnet.trunc()));
        }
        if let Some(range) = self.range.filter(|range| !self.subnet.contains(range)) {
            return refuse(format!("its range {range} is not inside"));
        }
        for address in self.reserved() {
            if !self.subnet.contains(&address) {
                return refuse(format!("{address} is outside"));
            }
            let own = IpNet::new(address, self.subnet.prefix_len());
            own.map_or(Ok(()), check_endpoint_address)?;
        }
        Ok(())
    }
}

/// What an endpoint of a controller's network is to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct EndpointConfig {
    /// Its name, unique in the network: a container's id, say.
    pub name: Name,
    /// What the interface is called in the sandbox; the driver's prefix, usually `eth`, and the next free
    /// number by default.
    #[serde(default, skip_serializing_if = "is_default")]
    pub destination: Destination,
    /// The IPv4 address that is wanted; the next free one when `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Ipv4Addr>,
    /// The IPv6 address that is wanted; the next free one when `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address_ipv6: Option<Ipv6Addr>,
    /// Hardware address; random when `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<MacAddr>,
    /// MTU in bytes; the network's when `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtu: Option<Mtu>,
    /// Other names of the endpoint in the network, for name services; nothing here resolves them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// Settings of the interface: `net.ipv4.conf.IFNAME.log_martians` and the like, with the word `IFNAME`
    /// for its name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sysctls: BTreeMap<String, String>,
    /// Routes through this interface besides those of its addresses and gateways.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<StaticRoute>,
    /// Neighbours that never have to be asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub neighbours: Vec<Neighbour>,
    /// Whether the network's gateways may become the sandbox's. On by default.
    #[serde(default = "on", skip_serializing_if = "is_on")]
    pub default_route: bool,
    /// Of a sandbox's endpoints the one with the highest gives the default gateway; 0 by default.
    #[serde(default, skip_serializing_if = "is_default")]
    pub gateway_priority: i32,
    /// Whether its interface is metered; as the network says when `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meter: Option<bool>,
    /// Ports of the host that are to be its own, no other endpoint's and no process's. The same packet must
    /// not be for two of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<PortMapping>,
    /// Options of the driver.
    #[serde(default, skip_serializing_if = "Options::is_empty")]
    pub options: Options,
    /// For people and tools; nothing here reads them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

impl EndpointConfig {
    /// The endpoint `name`, with everything by default.
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
            aliases: Vec::new(),
            sysctls: BTreeMap::new(),
            routes: Vec::new(),
            neighbours: Vec::new(),
            default_route: true,
            gateway_priority: 0,
            meter: None,
            ports: Vec::new(),
            options: Options::new(),
            labels: BTreeMap::new(),
        })
    }

    /// The same endpoint with an address that it wants; one of each family.
    #[must_use]
    pub fn with_address(mut self, address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => self.address = Some(address),
            IpAddr::V6(address) => self.address_ipv6 = Some(address),
        }
        self
    }

    /// The same endpoint with another port of the host, or several in a row.
    #[must_use]
    pub fn with_port(mut self, mapping: PortMapping) -> Self {
        self.ports.push(mapping);
        self
    }
}
