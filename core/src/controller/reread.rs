//! What the firewall remembers of a store that was lost: settings that were changed, and ports.

use std::collections::BTreeMap;
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
    let mut mappings = BTreeMap::<(String, String), Vec<(PortMapping, bool)>>::new();
    let is_own = |element: &Element| element.owner.mark == mark.number();
    forwarding::remember_opened(tx, host, elements.iter().filter(|element| is_own(element)))?;
    for element in elements.into_iter().filter(is_own) {
        let Owner { network, endpoint: Some(endpoint), .. } = element.owner else { continue };
        if let Some(mapping) = mapping(&element.entry)? {
            // An open port is one of the endpoint's own addresses, and nobody's lease.
            let leased = matches!(element.entry, Entry::Published { .. });
            mappings.entry((network, endpoint)).or_default().push((mapping, leased));
        }
    }
    mappings.into_iter().try_for_each(|((network, endpoint), own)| give(tx, &network, &endpoint, own))
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

fn give(tx: &Connection, network: &str, endpoint: &str, own: Vec<(PortMapping, bool)>) -> Result<()> {
    let (Ok(network), Ok(endpoint)) = (Name::new(network), Name::new(endpoint)) else { return Ok(()) };
    if EndpointRecord::find_portless(tx, &network, &endpoint)?.is_none() {
        return Ok(());
    }
    for (mapping, leased) in own {
        if leased {
            let address = mapping.host.unwrap_or(Ipv4Addr::UNSPECIFIED.into());
            let port = mapping.host_ports.unwrap_or(mapping.ports).first();
            let lease = HostPort { protocol: mapping.protocol, address, port };
            ports::take(tx, &network, &endpoint, &[lease])?;
        }
        recorded::add(tx, &network, &endpoint, &[mapping], &[])?;
    }
    Ok(())
}
