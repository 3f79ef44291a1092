//! A route of a container.

use std::fmt;
use std::net::{AddrParseError, IpAddr};
use std::str::FromStr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::network::address;
use crate::error::{Error, Result};
use crate::libcontainer::json::or_default;
use crate::link::{is_of_a_host, InterfaceName, LinkRef, RouteSpec};
use crate::sandbox::default_destination;

/// A route that a container is to have (seed `003`, `Route`). Of destination, source and gateway at least one is
/// there, and all that are there are of one family; an empty string stands for what is not said, and what is
/// missing has the family's default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Route {
    /// Where it leads, such as `10.2.0.0/16`.
    #[serde(deserialize_with = "or_default")]
    pub destination: String,
    /// The source address, with the length of its prefix, which does not count (seed `003`), or without (runc).
    #[serde(deserialize_with = "or_default")]
    pub source: String,
    /// The address of the gateway.
    #[serde(deserialize_with = "or_default")]
    pub gateway: String,
    /// The interface inside the container that it goes through, such as `eth0`.
    #[serde(deserialize_with = "or_default")]
    pub interface_name: String,
}

/// A [`Route`] whose values were checked; `None` is what was not said.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ParsedRoute {
    /// See [`Route::destination`]; without the bits beyond its prefix.
    pub destination: Option<IpNet>,
    /// See [`Route::source`]; an address alone is a prefix of its whole length.
    pub source: Option<IpNet>,
    /// See [`Route::gateway`].
    pub gateway: Option<IpAddr>,
    /// See [`Route::interface_name`].
    pub interface_name: InterfaceName,
}

struct Source(IpNet);

impl FromStr for Source {
    type Err = AddrParseError;
    fn from_str(text: &str) -> Result<Self, AddrParseError> {
        text.parse().map(Self).or_else(|_| text.parse().map(|alone: IpAddr| Self(alone.into())))
    }
}

impl Route {
    /// The values, checked.
    ///
    /// # Errors
    /// BadRequest: a value is none, destination, source and gateway are missing or of both families, the gateway
    /// is no unicast address, there is no interface.
    pub fn parsed(&self) -> Result<ParsedRoute> {
        let refuse = |cause: &str| Err(Error::bad_request("use route", self.to_string(), cause));
        let subnet = "no address with a prefix length, as 10.2.0.0/16 is";
        let source = "no address, such as 10.1.0.2 and 10.1.0.2/24";
        let parsed = ParsedRoute {
            destination: address("destination", &self.destination, subnet)?.map(|net: IpNet| net.trunc()),
            source: address("source", &self.source, source)?.map(|Source(net)| net),
            gateway: address("gateway", &self.gateway, "no address")?,
            interface_name: InterfaceName::new(&self.interface_name)?,
        };
        let mut families = parsed.families();
        let Some(first) = families.next() else {
            return refuse("it has none of destination, source and gateway");
        };
        if families.any(|family| family != first) {
            return refuse("destination, source and gateway are not of one family");
        }
        match parsed.gateway {
            Some(hop) if !is_of_a_host(hop) => refuse("the gateway is no unicast address of a host"),
            _ => Ok(parsed),
        }
    }
}

impl fmt::Display for Route {
    /// As `ip route` writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { destination, source, gateway, interface_name } = self;
        f.write_str(if destination.is_empty() { "default" } else { destination })?;
        for (word, value) in [("via", gateway), ("src", source), ("dev", interface_name)] {
            if !value.is_empty() {
                write!(f, " {word} {value}")?;
            }
        }
        Ok(())
    }
}

impl ParsedRoute {
    /// Whether it is of IPv6.
    pub fn is_ipv6(&self) -> bool {
        self.families().any(|is_ipv6| is_ipv6)
    }

    /// Where it leads; everywhere, in its family, when that was not said.
    pub fn destination_or_default(&self) -> IpNet {
        self.destination.unwrap_or_else(|| default_destination(self.is_ipv6()))
    }

    /// The route through `link`, which is the interface of that name.
    pub(crate) fn spec(&self, link: LinkRef) -> RouteSpec {
        RouteSpec {
            link,
            destination: self.destination_or_default(),
            gateway: self.gateway,
            source: self.source.map(|source| source.addr()),
            metric: None,
            replace: false,
            callers: false,
            local: false,
        }
    }

    /// Of each that is there, whether it is of IPv6.
    fn families(&self) -> impl Iterator<Item = bool> {
        let addresses =
            [self.destination.map(|net| net.addr()), self.source.map(|net| net.addr()), self.gateway];
        addresses.into_iter().flatten().map(|address| address.is_ipv6())
    }
}
