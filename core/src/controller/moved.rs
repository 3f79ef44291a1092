//! Endpoints whose device somebody moved to another namespace, found from the host without a way into that.

use std::collections::HashMap;
use std::net::IpAddr;

use ipnet::IpNet;
use rusqlite::Connection;

use super::rebuild::{add, definition, found_again};
use super::record::{EndpointRecord, Linked};
use super::NetworkConfig;
use crate::driver::naming::{self, Mark};
use crate::driver::{parent, ON_A_LAN};
use crate::error::{Error, Result};
use crate::host::Host;
use crate::link::parse::LinkState;
use crate::link::{is_of_a_host, LINK_GROUP};
use crate::name::Name;
use crate::sandbox;
use crate::store::Definitions;

/// Records the endpoints that are not recorded and whose device is in another namespace that lives, and returns how
/// many those are. `links` are the host's.
pub(super) fn recover(
    tx: &Connection,
    host: &Host,
    mark: &Mark,
    definitions: &Definitions,
    links: &[LinkState],
) -> Result<usize> {
    let mut found = 0;
    for link in links.iter().filter(|link| link.group == LINK_GROUP) {
        let Some((network, endpoint)) = endpoint_of(mark, link) else { continue };
        if EndpointRecord::find_portless(tx, &network, &endpoint)?.is_some() || !is_away(host, link) {
            continue;
        }
        let device = Device::behind(host, link).unwrap_or_else(|error| {
            log::warn!("what endpoint {endpoint} of network {network} has is not known: {error}");
            Device::default()
        });
        let config = definition(definitions, &network);
        found += usize::from(device.record(tx, config.as_ref(), network, &endpoint)?);
    }
    Ok(found + recover_alone(tx, host, mark, &on_a_lan(definitions, links)?)?)
}

/// The networks whose endpoints have no end in the host, and the index of the link that they share there.
fn on_a_lan(definitions: &Definitions, links: &[LinkState]) -> Result<HashMap<Name, (NetworkConfig, u32)>> {
    let index_of = |name: &str| links.iter().find(|link| link.name == name).map(|link| link.index);
    let mut networks = HashMap::new();
    for (name, config) in definitions.list::<NetworkConfig>()? {
        let Ok(config) = config else { continue };
        if ON_A_LAN.contains(&config.network_type.as_str()) {
            let parent = parent(&config.options).and_then(|parent| index_of(&parent));
            networks.extend(parent.map(|parent| (name, (config, parent))));
        }
    }
    Ok(networks)
}

/// Those of such networks: their devices say themselves whose they are, and are believed where they share the link of
/// the host that their network does.
fn recover_alone(
    tx: &Connection,
    host: &Host,
    mark: &Mark,
    networks: &HashMap<Name, (NetworkConfig, u32)>,
) -> Result<usize> {
    if networks.is_empty() {
        return Ok(0);
    }
    let mut found = 0;
    let unknown = |error: Error| log::warn!("devices that somebody moved are not looked for: {error}");
    for number in host.namespaces().map_err(unknown).unwrap_or_default() {
        let there = host.links_of(number).unwrap_or_else(|error| {
            log::debug!("the links of namespace {number}: {error}");
            Vec::new()
        });
        for link in there {
            let Some((network, endpoint)) = endpoint_of(mark, &link) else { continue };
            let Some((config, parent)) = networks.get(&network) else { continue };
            if ON_A_LAN.contains(&link.kind.as_str())
                && link.parent == Some(*parent)
                && link.peer_namespace.is_some()
                && EndpointRecord::find_portless(tx, &network, &endpoint)?.is_none()
            {
                let ended = |error: Error| log::debug!("addresses of {}: {error}", link.name);
                let addresses =
                    host.addresses_of_link_of(number, link.index).map_err(ended).unwrap_or_default();
                let device = Device { link, addresses };
                found += usize::from(device.record(tx, Some(config), network, &endpoint)?);
            }
        }
    }
    Ok(found)
}

fn endpoint_of(mark: &Mark, link: &LinkState) -> Option<(Name, Name)> {
    let (network, endpoint) = mark.parse(link.alias.as_deref()?)?;
    Some((network, endpoint?))
}

/// Whether the other end of a link of the host is in another namespace, and that lives.
fn is_away(host: &Host, link: &LinkState) -> bool {
    link.peer_namespace.is_some() && !host.is_dying(link)
}

/// Whether the other end of a link of the host is where somebody else than this library has moved it, and in use.
pub(super) fn is_others(host: &Host, link: &LinkState) -> bool {
    if !is_away(host, link) {
        return false;
    }
    // What cannot be known is not taken away.
    Device::behind(host, link)
        .map_or(true, |device| !device.link.alias.as_deref().is_some_and(sandbox::is_ours))
}

/// The device of an endpoint, where it is now.
#[derive(Default)]
struct Device {
    link: LinkState,
    addresses: Vec<IpNet>,
}

impl Device {
    /// The other end of a link of the host.
    fn behind(host: &Host, link: &LinkState) -> Result<Self> {
        let Some((number, index)) = link.peer_namespace.zip(link.parent) else { return Ok(Self::default()) };
        let addresses = host.addresses_of_link_of(number, index)?;
        Ok(Self { link: host.link_of(number, index)?.unwrap_or_default(), addresses })
    }

    fn record(
        self,
        tx: &Connection,
        config: Option<&NetworkConfig>,
        network: Name,
        endpoint: &Name,
    ) -> Result<bool> {
        let (_, src_name) = naming::link_names(&network, endpoint)?;
        let mut record = EndpointRecord {
            mac: self.link.mac,
            linked: Some(Linked { src_name: Some(src_name), ..Linked::default() }),
            ..found_again(network, endpoint)?
        };
        for ipv6 in [false, true] {
            self.address(config, ipv6).into_iter().for_each(|own| record.set_address(own));
        }
        add(tx, config, record)
    }

    /// Its address of one family in its network, or any where that is not known.
    fn address(&self, config: Option<&NetworkConfig>, ipv6: bool) -> Option<IpNet> {
        let is_own = |own: &&IpNet| match config {
            Some(config) => config.subnet(ipv6).is_some_and(|subnet| subnet.subnet.contains(&own.addr())),
            None => own.addr().is_ipv6() == ipv6 && is_of_a_host(own.addr()) && !is_link_local(own.addr()),
        };
        self.addresses.iter().find(is_own).copied()
    }
}

fn is_link_local(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(address) if address.is_unicast_link_local())
}
