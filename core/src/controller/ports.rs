//! Ports of the host that are an endpoint's.

mod local;
mod range;
pub(super) mod recorded;
mod settle;
mod taken;
#[cfg(test)]
mod tests;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;

use serde::{de, Deserialize, Deserializer, Serialize};

use crate::error::{Error, Result};
use crate::link::Protocol;
pub use range::PortRange;
pub(super) use settle::{settle, Publisher};

const USE: &str = "use port mapping";

/// One published port, or several in a row: what comes to the host's is the endpoint's.
///
/// Its text is that of Docker's `-p`, `[[HOST:]HOST_PORTS:]PORTS[/PROTOCOL]` with an IPv6 address in
/// brackets: `80`, `8080:80`, `8000-8010:80-90/udp`, `127.0.0.1:8080:80`, and `[::1]::80/sctp` where the
/// host's port is to be chosen. In JSON it is an object, or that text.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[non_exhaustive]
pub struct PortMapping {
    /// The protocol, TCP by default.
    pub protocol: Protocol,
    /// The address of the host; all of the endpoint's families when `None`. `0.0.0.0` and `::` are all of
    /// one family.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<IpAddr>,
    /// The host's ports, as many as the endpoint's; chosen from `net.ipv4.ip_local_port_range` when `None`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_ports: Option<PortRange>,
    /// The endpoint's ports, in the order of the host's.
    pub ports: PortRange,
}

impl PortMapping {
    /// These ports of an endpoint, on ports of the host's that are to be chosen.
    pub fn new(protocol: Protocol, ports: PortRange) -> Self {
        Self { protocol, host: None, host_ports: None, ports }
    }

    /// The same on an address of the host.
    #[must_use]
    pub fn with_host(self, host: IpAddr) -> Self {
        Self { host: Some(host), ..self }
    }

    /// The same on these ports of the host.
    #[must_use]
    pub fn with_host_ports(self, host_ports: PortRange) -> Self {
        Self { host_ports: Some(host_ports), ..self }
    }

    /// Checks what can be known without the host.
    pub(super) fn check(&self) -> Result<()> {
        let refuse = |cause: String| Err(Error::bad_request(USE, self.to_string(), cause));
        let (own, hosts) = (self.ports.len(), self.host_ports.map(PortRange::len));
        if let Some(hosts) = hosts.filter(|hosts| *hosts != own) {
            return refuse(format!("{hosts} of the host's ports cannot be {own} of the endpoint's"));
        }
        match self.host.and_then(unfit) {
            Some(cause) => refuse(cause.to_owned()),
            None => Ok(()),
        }
    }

    /// Whether a packet could be for both. Ports that are yet to be chosen are nobody's.
    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        let meet = |a: IpAddr, b: IpAddr| {
            a == b || (a.is_ipv6() == b.is_ipv6() && (a.is_unspecified() || b.is_unspecified()))
        };
        let hosts = self.host.zip(other.host).is_none_or(|(a, b)| meet(a, b));
        let ports = self.host_ports.zip(other.host_ports).is_some_and(|(a, b)| a.overlaps(b));
        self.protocol == other.protocol && hosts && ports
    }
}

/// Why an address cannot be one of the host's that ports are published on.
fn unfit(address: IpAddr) -> Option<&'static str> {
    match address {
        _ if address.is_multicast() => Some("it is a multicast address"),
        IpAddr::V4(Ipv4Addr::BROADCAST) => Some("it is the broadcast address"),
        IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some() => Some("write the IPv4 address as such"),
        IpAddr::V6(v6) if v6.is_unicast_link_local() => Some("a link-local address is not the host's alone"),
        _ => None,
    }
}

impl FromStr for PortMapping {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        let parsed = parse(text)?;
        parsed.check()?;
        Ok(parsed)
    }
}

fn parse(text: &str) -> Result<PortMapping> {
    let (places, protocol) = match text.split_once('/') {
        Some((places, protocol)) => (places, protocol.parse()?),
        None => (text, Protocol::default()),
    };
    let Some((host, ports)) = places.rsplit_once(':') else {
        return Ok(PortMapping::new(protocol, places.parse()?));
    };
    let mapping = PortMapping::new(protocol, ports.parse()?);
    let refuse = |cause: String| Error::bad_request(USE, format!("{text:?}"), cause);
    let (address, host_ports) = match host.rsplit_once(':') {
        Some((address, host_ports)) if !host.ends_with(']') => (Some(address), host_ports),
        _ if is_address(host) => {
            return Err(refuse(format!(
                "between address and port there is the host's port: {host}::{ports}"
            )));
        }
        _ => (None, host),
    };
    let host = address.map(parse_host).transpose().map_err(|cause| refuse(cause.to_owned()))?;
    let host_ports = match host_ports {
        "" if host.is_some() => None,
        host_ports => Some(host_ports.parse()?),
    };
    Ok(PortMapping { host, host_ports, ..mapping })
}

fn is_address(text: &str) -> bool {
    parse_host(text).is_ok()
}

fn parse_host(text: &str) -> Result<IpAddr, &'static str> {
    let bracketed = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let address = match bracketed {
        Some(v6) => v6.parse().map(IpAddr::V6),
        None => text.parse(),
    };
    match address {
        Ok(IpAddr::V6(_)) if bracketed.is_none() => Err("an IPv6 address is written in brackets"),
        Err(_) if text.is_empty() => Err("the host's address is empty: leave it out with its ':'"),
        address => address.map_err(|_| "the host is not given by an address"),
    }
}

impl fmt::Display for PortMapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host {
            Some(IpAddr::V4(v4)) => write!(f, "{v4}:")?,
            Some(IpAddr::V6(v6)) => write!(f, "[{v6}]:")?,
            None => {}
        }
        if let Some(host_ports) = self.host_ports {
            write!(f, "{host_ports}")?;
        }
        if self.host.is_some() || self.host_ports.is_some() {
            f.write_str(":")?;
        }
        write!(f, "{}/{}", self.ports, self.protocol)
    }
}

impl<'de> Deserialize<'de> for PortMapping {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    #[serde(default)]
    protocol: Protocol,
    host: Option<IpAddr>,
    host_ports: Option<PortRange>,
    ports: PortRange,
}

struct Reader;

impl<'de> de::Visitor<'de> for Reader {
    type Value = PortMapping;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a port mapping, or a text such as \"8080:80/tcp\"")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<PortMapping, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<PortMapping, A::Error> {
        let Fields { protocol, host, host_ports, ports } =
            Fields::deserialize(de::value::MapAccessDeserializer::new(map))?;
        let mapping = PortMapping { protocol, host, host_ports, ports };
        mapping.check().map_err(de::Error::custom)?;
        Ok(mapping)
    }
}
