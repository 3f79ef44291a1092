//! The pair that connects a container with a bridge.

use std::net::IpAddr;

use ipnet::IpNet;

use super::{Network, Veth};
use crate::driver::naming;
use crate::error::{Error, Result};
use crate::link::{Destination, InterfaceName, LinkRef, Mtu};
use crate::name::fnv1a;
use crate::sandbox::Interface;
use crate::sys;

/// What the interface is called in the container when nothing is said.
pub(super) const INSIDE: &str = "eth0";

/// A pair that a container is to have, checked as far as it can be without a look at the host.
#[derive(Clone, Debug)]
pub(super) struct Pair {
    pub(super) bridge: InterfaceName,
    pub(super) host_name: HostName,
    /// The end in the container, under its final name.
    pub(super) interface: Interface,
    pub(super) tx_queue_len: Option<u32>,
    pub(super) hairpin: bool,
}

/// How the end in the host comes by its name.
#[derive(Clone, Debug)]
pub(super) enum HostName {
    /// It follows from what this is the digest of.
    Derived(u64),
    /// The caller has chosen it.
    Given(InterfaceName),
    /// This and so many hexadecimal digits that are drawn anew each time.
    Random(String, usize),
}

/// The pair's end in the host.
#[derive(Clone, Debug)]
pub(super) struct HostEnd {
    pub(super) name: InterfaceName,
    /// Chosen, as the other end's is.
    pub(super) index: u32,
    /// What says whose it is.
    pub(super) alias: String,
    /// Its name is drawn anew each time.
    pub(super) drawn: bool,
}

impl Pair {
    /// What a network of type `veth` asks for (seed `001`).
    pub(super) fn of(network: &Network) -> Result<Self> {
        let missing = |what: &str| {
            Err(Error::bad_request("use network", Veth::TYPE, format!("{what} is not specified")))
        };
        if network.bridge.is_empty() {
            return missing("bridge");
        }
        if network.veth_prefix.is_empty() {
            return missing("veth prefix");
        }
        let host_name = HostName::Random(network.veth_prefix.clone(), 7);
        // A prefix that is too long is too long for all.
        host_name.choose(0)?;
        let inside = InterfaceName::new(INSIDE)?;
        let mut interface = named(Interface::from_source(inside.clone()), inside);
        if !network.address.is_empty() {
            match parse::<IpNet>("address", &network.address)? {
                IpNet::V4(address) => interface.address = Some(address),
                IpNet::V6(address) => interface.address_ipv6 = Some(address),
            }
        }
        if !network.gateway.is_empty() {
            match parse::<IpAddr>("gateway", &network.gateway)? {
                IpAddr::V4(gateway) => interface.gateway = Some(gateway),
                IpAddr::V6(gateway) => interface.gateway_ipv6 = Some(gateway),
            }
        }
        interface.mtu = (network.mtu > 0).then(|| Mtu::new(network.mtu)).transpose()?;
        interface.check()?;
        let bridge = InterfaceName::new(&network.bridge)?;
        Ok(Self { bridge, host_name, interface, tx_queue_len: None, hairpin: false })
    }
}

/// The same interface under that name and no other.
pub(super) fn named(mut interface: Interface, name: InterfaceName) -> Interface {
    interface.destination = Destination::Name(name);
    interface
}

fn parse<T: std::str::FromStr>(what: &str, text: &str) -> Result<T> {
    let cause = match what {
        "address" => "it is no IP address with the length of its prefix, such as 10.1.0.2/16",
        _ => "it is no IP address",
    };
    text.parse().map_err(|_| Error::bad_request(format!("use {what}"), format!("{text:?}"), cause))
}

impl HostName {
    /// The name, and the digest that the index follows from, at the `attempt`th attempt.
    pub(super) fn choose(&self, attempt: u32) -> Result<(InterfaceName, u32)> {
        match self {
            Self::Derived(digest) => {
                let name = InterfaceName::new(&format!("veth{:010x}", digest >> 24))?;
                Ok((name, naming::index_of(*digest, attempt)))
            }
            Self::Given(name) => Ok((name.clone(), naming::index_of(fnv1a(name.as_str()), attempt))),
            Self::Random(prefix, digits) => {
                let drawn = u64::from_ne_bytes(sys::random_bytes());
                let word = format!("{drawn:016x}");
                let name = InterfaceName::new(&format!("{prefix}{}", &word[..*digits]))?;
                Ok((name, naming::index_of(drawn, 0)))
            }
        }
    }
}

impl HostEnd {
    pub(super) fn link(&self) -> LinkRef {
        LinkRef::indexed(self.name.clone(), self.index)
    }
}
