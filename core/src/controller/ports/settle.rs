//! Which ports of the host an endpoint gets.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use rusqlite::Connection;

use super::local::LocalPorts;
use super::{taken, PortMapping, PortRange};
use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;
use crate::name::Name;
use crate::store::ports::{self, HostPort};

const PUBLISH: &str = "publish";
/// How many ports of the host an endpoint may have.
const MOST: usize = 65_535;

/// An endpoint that is to have ports.
pub(in crate::controller) struct Publisher<'a> {
    pub(in crate::controller) network: &'a Name,
    pub(in crate::controller) endpoint: &'a Name,
    /// Whether it has an IPv4 address.
    pub(in crate::controller) ipv4: bool,
    /// Whether it has an IPv6 address.
    pub(in crate::controller) ipv6: bool,
}

/// Takes the ports for an endpoint in `tx`, which is not to be kept after an error; of each mapping what it
/// is, with the host's ports that were chosen. Costs nothing where there are none.
///
/// # Errors
/// BadRequest for what cannot be, two mappings for the same packets or an address that is none of the
/// host's say; AlreadyExists with the endpoint or the process that has a port; ResourceExhausted when no
/// port of `net.ipv4.ip_local_port_range` is left to choose.
pub(in crate::controller) fn settle(
    tx: &Connection,
    host: &Host,
    of: &Publisher<'_>,
    mappings: &[PortMapping],
) -> Result<Vec<PortMapping>> {
    if mappings.is_empty() {
        return Ok(Vec::new());
    }
    check(of, mappings)?;
    host.namespace().run(|| settle_here(tx, of, mappings))?
}

fn settle_here(tx: &Connection, of: &Publisher<'_>, mappings: &[PortMapping]) -> Result<Vec<PortMapping>> {
    let mut settled = mappings.to_vec();
    for (mapping, host_ports) in mappings.iter().filter_map(|one| one.host_ports.map(|ports| (one, ports))) {
        let wanted = of.host_ports(mapping, host_ports);
        ports::take(tx, of.network, of.endpoint, &wanted)?;
        for port in wanted {
            if !taken::is_free(port)? {
                return Err(taken::conflict(port));
            }
        }
    }
    // What is chosen keeps out of the way of all that was asked for.
    let mut local = None;
    for mapping in settled.iter_mut().filter(|mapping| mapping.host_ports.is_none()) {
        let chosen = choose(tx, of, mapping, local.get_or_insert_with(LocalPorts::read))?;
        ports::take(tx, of.network, of.endpoint, &of.host_ports(mapping, chosen))?;
        mapping.host_ports = Some(chosen);
    }
    Ok(settled)
}

fn choose(
    tx: &Connection,
    of: &Publisher<'_>,
    mapping: &PortMapping,
    local: &LocalPorts,
) -> Result<PortRange> {
    let is_free = |port: u16| {
        for port in of.host_ports(mapping, PortRange::new(port, port)?) {
            if ports::holder(tx, port)?.is_some() || !taken::is_free(port)? {
                return Ok(false);
            }
        }
        Ok(true)
    };
    local.choose(mapping.ports.len(), is_free)?.ok_or_else(|| {
        let count = match mapping.ports.len() {
            1 => "no port is".to_owned(),
            several => format!("no {several} ports in a row are"),
        };
        let cause = format!("{count} free in {}, net.ipv4.ip_local_port_range", local.range());
        Error::new(ErrorKind::ResourceExhausted, PUBLISH, mapping.to_string()).with_cause(cause)
    })
}

impl Publisher<'_> {
    /// The addresses of the host that a mapping is on.
    fn addresses(&self, mapping: &PortMapping) -> impl Iterator<Item = IpAddr> {
        let any = |wanted: bool, any: IpAddr| (mapping.host.is_none() && wanted).then_some(any);
        let v4 = any(self.ipv4, Ipv4Addr::UNSPECIFIED.into());
        let v6 = any(self.ipv6, Ipv6Addr::UNSPECIFIED.into());
        mapping.host.into_iter().chain(v4).chain(v6)
    }

    pub(in crate::controller) fn host_ports(&self, mapping: &PortMapping, ports: PortRange) -> Vec<HostPort> {
        let of =
            |address| ports.iter().map(move |port| HostPort { protocol: mapping.protocol, address, port });
        self.addresses(mapping).flat_map(of).collect()
    }
}

fn check(of: &Publisher<'_>, mappings: &[PortMapping]) -> Result<()> {
    let refuse = |mapping: &PortMapping, cause| Err(Error::bad_request(PUBLISH, mapping.to_string(), cause));
    for mapping in mappings {
        mapping.check()?;
        let family = match mapping.host {
            Some(IpAddr::V4(_)) if !of.ipv4 => "IPv4 ",
            Some(IpAddr::V6(_)) if !of.ipv6 => "IPv6 ",
            None if !of.ipv4 && !of.ipv6 => "",
            _ => continue,
        };
        return refuse(mapping, format!("the endpoint has no {family}address"));
    }
    let count: usize = mappings.iter().map(|mapping| mapping.ports.len()).sum();
    if count > MOST {
        let cause = format!("an endpoint has at most {MOST}");
        return Err(Error::bad_request(PUBLISH, format!("{count} ports"), cause));
    }
    match overlap(mappings) {
        Some((a, b)) => refuse(a, format!("the host's ports are those of {b}, too")),
        None => Ok(()),
    }
}

/// Two mappings for the same packets.
fn overlap(mappings: &[PortMapping]) -> Option<(&PortMapping, &PortMapping)> {
    let mut fixed: Vec<_> = mappings.iter().filter(|mapping| mapping.host_ports.is_some()).collect();
    fixed.sort_by_key(|mapping| (mapping.protocol, mapping.host_ports));
    fixed.iter().enumerate().find_map(|(at, one)| {
        let last = one.host_ports.map(PortRange::last);
        let followers = fixed[at + 1..].iter().take_while(|next| {
            next.protocol == one.protocol && next.host_ports.map(PortRange::first) <= last
        });
        followers.copied().find(|next| one.overlaps(next)).map(|next| (*one, next))
    })
}
