//! What an endpoint is in the sets and maps, and in the flows that the kernel tracks, from its record alone.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::record::EndpointRecord;
use super::{GatewayMode, NetworkConfig, PortMapping};
use crate::driver::bridge;
use crate::link::{InterfaceName, Place, Protocol};
use crate::nft::{Change, Entry, FlowFilter};
use crate::plan::{Action, Plan};

/// What the endpoint may send from.
pub(super) fn senders(config: &NetworkConfig, record: &EndpointRecord, name: &InterfaceName) -> Vec<Entry> {
    let Some(mac) = record.mac else { return Vec::new() };
    let bridge = config.network_type == bridge::TYPE;
    let sender = |address: IpAddr| Entry::Sender { bridge, name: name.clone(), mac, address };
    let mut entries = vec![Entry::Guarded { bridge, name: name.clone() }];
    if let Some(own) = record.address {
        // Of somebody who asks whether an address is taken (RFC 5227).
        entries.extend([own.addr(), Ipv4Addr::UNSPECIFIED].map(|own| sender(own.into())));
    }
    if let Some(own) = record.address_ipv6 {
        let addresses = [own.addr(), mac.link_local(), Ipv6Addr::UNSPECIFIED];
        entries.extend(addresses.map(|own| sender(own.into())));
    }
    entries
}

/// The endpoint's ports, one by one, with the host's.
fn published<'a>(
    record: &EndpointRecord,
    mapping: &'a PortMapping,
) -> impl Iterator<Item = (&'a PortMapping, u16, SocketAddr)> {
    let (v4, v6) = (record.address.map(|own| own.addr()), record.address_ipv6.map(|own| own.addr()));
    let own = v4.map(IpAddr::V4).into_iter().chain(v6.map(IpAddr::V6));
    let fits = |own: &IpAddr| mapping.host.is_none_or(|host| host.is_ipv6() == own.is_ipv6());
    own.filter(fits).flat_map(move |own| {
        mapping.pairs().map(move |(host_port, port)| (mapping, host_port, SocketAddr::new(own, port)))
    })
}

/// The one address of the host that the ports are published on; none when it is all of them.
fn specific(mapping: &PortMapping) -> Option<IpAddr> {
    mapping.host.filter(|host| !host.is_unspecified())
}

/// What ports of the endpoint are in the sets and maps.
pub(super) fn port_entries<'a>(
    config: &'a NetworkConfig,
    record: &'a EndpointRecord,
    ports: &'a [PortMapping],
) -> impl Iterator<Item = Entry> + 'a {
    let entry = move |(mapping, port, to): (&PortMapping, u16, SocketAddr)| {
        let protocol = mapping.protocol;
        match config.firewall.gateway_mode {
            GatewayMode::Routed => Entry::Open { protocol, address: to.ip(), port: to.port() },
            _ => Entry::Published { protocol, host: specific(mapping), port, to },
        }
    };
    ports.iter().flat_map(|mapping| published(record, mapping)).map(entry)
}

/// A change of the firewall, and of the flows that the kernel tracks; no step for what there is none of.
pub(super) fn change(mut changes: Vec<Change>, flows: Vec<FlowFilter>) -> Plan {
    let mut plan = Plan::default();
    changes.retain(|change| !change.is_empty());
    if !changes.is_empty() {
        plan.push(Place::Host, Action::ChangeFirewall(changes));
    }
    if !flows.is_empty() {
        plan.push(Place::Host, Action::FlushFlows(flows));
    }
    plan
}

/// The flows to the host's side of the ports, which know nothing of them: datagrams that kept coming.
pub(super) fn unknowing(
    config: &NetworkConfig,
    record: &EndpointRecord,
    ports: &[PortMapping],
) -> Vec<FlowFilter> {
    let is_lasting = |mapping: &&PortMapping| mapping.protocol != Protocol::Tcp;
    flows(config, record, ports.iter().filter(is_lasting), false)
}

/// The flows to the endpoint by ports that it has no more.
pub(super) fn bereft(
    config: &NetworkConfig,
    record: &EndpointRecord,
    ports: &[PortMapping],
) -> Vec<FlowFilter> {
    flows(config, record, ports.iter(), true)
}

fn flows<'a>(
    config: &NetworkConfig,
    record: &EndpointRecord,
    ports: impl Iterator<Item = &'a PortMapping>,
    to_endpoint: bool,
) -> Vec<FlowFilter> {
    let routed = config.firewall.gateway_mode == GatewayMode::Routed;
    if routed && !to_endpoint {
        return Vec::new();
    }
    let entries = ports.flat_map(|mapping| published(record, mapping));
    let filter = |(mapping, host_port, to): (&PortMapping, u16, SocketAddr)| FlowFilter {
        protocol: mapping.protocol,
        v6: to.is_ipv6(),
        destination: if routed { Some(to.ip()) } else { specific(mapping) },
        port: Some(host_port),
        to: to_endpoint.then_some(to),
    };
    entries.map(filter).collect()
}
