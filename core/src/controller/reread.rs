//! What the firewall remembers of a store that was lost: settings that were changed, and ports.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use rusqlite::Connection;

use super::forwarding;
use super::outside::tolerate_missing;
use super::ports::{recorded, PortMapping, PortRange};
use super::record::EndpointRecord;
use crate::driver::naming::Mark;
use crate::error::Result;
use crate::host::Host;
use crate::name::Name;
use crate::nft::{Element, Entry, Owner, State};
use crate::store::ports::{self, HostPort};

/// Has the store know again what elements of its own say.
pub(super) fn reread(tx: &Connection, host: &Host, mark: &Mark) -> Result<()> {
    let mut state = None;
    tolerate_missing(host.with_firewall(|firewall| {
        state = firewall.state()?;
        Ok(())
    }))?;
    let Some(State { elements, .. }) = state else { return Ok(()) };
    let is_own = |element: &Element| element.owner.mark == mark.number();
    forwarding::remember_opened(tx, host, elements.iter().filter(|element| is_own(element)))?;
    let endpoints = endpoints(tx, mark)?;
    let mut mappings = BTreeMap::<_, Vec<_>>::new();
    for element in elements.into_iter().filter(is_own) {
        let Some(of) = endpoints.get(&element.owner.to_string()) else { continue };
        if let Some(mapping) = mapping(&element.entry)? {
            // An open port is one of the endpoint's own addresses, and nobody's lease.
            let leased = matches!(element.entry, Entry::Published { .. });
            mappings.entry(of).or_default().push((mapping, leased));
        }
    }
    for ((network, endpoint), own) in mappings {
        give(tx, network, endpoint, own)?;
    }
    Ok(())
}

/// The endpoints that are recorded, by what elements say of their owner: that need not be the whole name.
fn endpoints(tx: &Connection, mark: &Mark) -> Result<HashMap<String, (Name, Name)>> {
    let named = |record: EndpointRecord| {
        let (network, endpoint) = (record.network, record.config.name);
        let owner =
            Owner { mark: mark.number(), network: network.to_string(), endpoint: Some(endpoint.to_string()) };
        (owner.to_string(), (network, endpoint))
    };
    Ok(EndpointRecord::all(tx)?.into_iter().map(named).collect())
}

/// The port that an element is for. Each family has its own.
fn mapping(entry: &Entry) -> Result<Option<PortMapping>> {
    let any = |v6| match v6 {
        true => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        false => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
    };
    let (protocol, host, own, port) = match entry {
        Entry::Published { protocol, host, port, to } => {
            (*protocol, host.unwrap_or_else(|| any(to.is_ipv6())), *port, to.port())
        }
        Entry::Open { protocol, address, port } => (*protocol, any(address.is_ipv6()), *port, *port),
        _ => return Ok(None),
    };
    let one = |port| PortRange::new(port, port);
    Ok(Some(PortMapping::new(protocol, one(port)?).with_host(host).with_host_ports(one(own)?)))
}

fn give(tx: &Connection, network: &Name, endpoint: &Name, own: Vec<(PortMapping, bool)>) -> Result<()> {
    for (mapping, leased) in own {
        if leased {
            let address = mapping.host.unwrap_or(Ipv4Addr::UNSPECIFIED.into());
            let port = mapping.host_ports.unwrap_or(mapping.ports).first();
            let lease = HostPort { protocol: mapping.protocol, address, port };
            ports::take(tx, network, endpoint, &[lease])?;
        }
        recorded::add(tx, network, endpoint, &[mapping], &[])?;
    }
    Ok(())
}
