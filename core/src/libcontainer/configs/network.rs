//! A network of a container.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use ipnet::{Ipv4Net, Ipv6Net};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::libcontainer::json::or_default;
use crate::libcontainer::Loopback;
use crate::link::{InterfaceName, MacAddr, Mtu};
use crate::sandbox::Interface;

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

/// A [`Network`] whose values were checked; `None` is what was not said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ParsedNetwork {
    /// See [`Network::name`].
    pub name: Option<InterfaceName>,
    /// See [`Network::bridge`].
    pub bridge: Option<InterfaceName>,
    /// See [`Network::mac_address`].
    pub mac_address: Option<MacAddr>,
    /// See [`Network::address`].
    pub address: Option<Ipv4Net>,
    /// See [`Network::gateway`].
    pub gateway: Option<Ipv4Addr>,
    /// See [`Network::ipv6_address`].
    pub ipv6_address: Option<Ipv6Net>,
    /// See [`Network::ipv6_gateway`].
    pub ipv6_gateway: Option<Ipv6Addr>,
    /// See [`Network::mtu`].
    pub mtu: Option<Mtu>,
    /// See [`Network::tx_queue_len`].
    pub tx_queue_len: Option<u32>,
    /// See [`Network::host_interface_name`].
    pub host_interface_name: Option<InterfaceName>,
    /// See [`Network::hairpin_mode`].
    pub hairpin_mode: bool,
}

impl Network {
    /// The type of the network that every container has, `lo`.
    pub const LOOPBACK: &'static str = Loopback::TYPE;

    /// The values, each checked and with one another: a gateway is in the subnet of its family's address, and
    /// IPv6 has an MTU of 1280 at least. Of a loopback nothing but the name counts, as old configs give theirs
    /// what no interface could have. The type is for whoever knows the strategies.
    ///
    /// # Errors
    /// BadRequest, with the value and the rule that it breaks.
    pub fn parsed(&self) -> Result<ParsedNetwork> {
        let name = said(&self.name)?;
        if self.kind == Self::LOOPBACK {
            return Ok(ParsedNetwork { name, ..ParsedNetwork::default() });
        }
        let parsed = ParsedNetwork {
            name,
            bridge: said(&self.bridge)?,
            mac_address: said(&self.mac_address)?,
            address: address(
                "address",
                &self.address,
                "no IPv4 address with a prefix length, as 10.1.0.2/16 is",
            )?,
            gateway: address("gateway", &self.gateway, "no IPv4 address")?,
            ipv6_address: address(
                "address",
                &self.ipv6_address,
                "no IPv6 address with a prefix length, as fd01::2/64 is",
            )?,
            ipv6_gateway: address("gateway", &self.ipv6_gateway, "no IPv6 address")?,
            mtu: number("MTU", self.mtu)?.map(Mtu::new).transpose()?,
            tx_queue_len: number("transmit queue length", self.tx_queue_len)?,
            host_interface_name: said(&self.host_interface_name)?,
            hairpin_mode: self.hairpin_mode,
        };
        parsed.interface(InterfaceName::new("lo")?).check()?;
        Ok(parsed)
    }
}

impl ParsedNetwork {
    /// The interface inside that this describes, of the device `src_name`.
    pub(crate) fn interface(&self, src_name: InterfaceName) -> Interface {
        let mut interface = Interface::from_source(src_name);
        interface.mac = self.mac_address;
        interface.address = self.address;
        interface.address_ipv6 = self.ipv6_address;
        interface.gateway = self.gateway;
        interface.gateway_ipv6 = self.ipv6_gateway;
        interface.mtu = self.mtu;
        interface
    }
}

/// A value that says itself what is wrong with it.
fn said<T: FromStr<Err = Error>>(text: &str) -> Result<Option<T>> {
    (!text.is_empty()).then(|| text.parse()).transpose()
}

/// An address of some sort; it is called `what`, and what is not one is called `none`.
pub(super) fn address<T: FromStr>(what: &str, text: &str, none: &str) -> Result<Option<T>> {
    let refuse = |_| Error::bad_request(format!("use {what}"), format!("{text:?}"), format!("it is {none}"));
    (!text.is_empty()).then(|| text.parse().map_err(refuse)).transpose()
}

/// A number that 0 leaves alone.
fn number(what: &str, number: i64) -> Result<Option<u32>> {
    let refuse = |_| {
        let cause = format!("it is not between 0 and {}", u32::MAX);
        Error::bad_request(format!("use {what}"), number.to_string(), cause)
    };
    (number != 0).then(|| u32::try_from(number).map_err(refuse)).transpose()
}
