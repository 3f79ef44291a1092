//! The routed driver: a veth pair an endpoint and no bridge, so no limit of ports.
//!
//! The host has a route to each endpoint's addresses through the endpoint's link, and forwards between
//! them. Inside, an address is alone in its subnet, and everything goes to the gateway, whose MAC
//! address is known. The gateway's addresses are on a link of the network's own, so that the host answers
//! to them. With a `parent` the host answers on that link for the endpoints' addresses (proxy ARP and
//! NDP), as if they were there.

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use serde::Deserialize;

use super::anchor::Anchor;
use super::info::{Birth, InterfaceInfo, JoinInfo, NetworkInfo};
use super::known::Known;
use super::naming::{self, Mark};
use super::options::{self as keys, flag, number};
use super::subnets::Subnets;
use super::{veth, Driver, IpamData, Options, RouteType};
use crate::error::Result;
use crate::host::Host;
use crate::link::parse::RouteState;
use crate::link::{
    AddressSpec, InterfaceName, LinkChange, LinkRef, MacAddr, Mtu, Neighbour, NeighbourSpec, Place,
    ProxySpec, RouteSpec,
};
use crate::name::Name;
use crate::plan::{Action, Plan, Step};

/// The type that this driver manages.
pub(crate) const TYPE: &str = "routed";

/// The MAC address of every endpoint's end in the host: they never meet, and a gateway keeps its own.
const HOST_MAC: [u8; 6] = [0x02, 0x4e, 0x45, 0x54, 0x4e, 0x53];

/// Networks whose endpoints are routes of `host`.
pub(crate) struct RoutedDriver {
    host: Arc<Host>,
    mark: Mark,
    networks: Known<RoutedNetwork>,
}

struct RoutedNetwork {
    name: Name,
    anchor: Anchor,
    options: RoutedOptions,
    subnets: Subnets,
    internal: bool,
    mtu: Mtu,
    parent: Option<LinkRef>,
}

/// Options of the network; Docker's keys are the same or aliases.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct RoutedOptions {
    /// The link that has the gateway's addresses; `rt-` and the network's name by default.
    anchor: Option<InterfaceName>,
    #[serde(alias = "com.docker.network.driver.mtu", deserialize_with = "number")]
    mtu: Option<Mtu>,
    parent: Option<InterfaceName>,
    #[serde(alias = "com.docker.network.container_iface_prefix")]
    prefix: Option<InterfaceName>,
    #[serde(deserialize_with = "number")]
    tx_queue_len: Option<u32>,
}

/// Options of an endpoint.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct EndpointOptions {
    /// The host's end has the gateway's IPv6 address too.
    #[serde(deserialize_with = "flag")]
    gateway_on_link: bool,
}

impl RoutedDriver {
    pub(crate) fn new(host: Arc<Host>, mark: Mark) -> Self {
        Self { host, mark, networks: Known::default() }
    }
}

impl Driver for RoutedDriver {
    fn network_type(&self) -> &str {
        TYPE
    }

    fn create_network(
        &self,
        network: &str,
        options: &Options,
        _: &mut NetworkInfo,
        ipv4: &[IpamData],
        ipv6: &[IpamData],
    ) -> Result<Plan> {
        let name = Name::new(network)?;
        let internal = keys::is_internal(options);
        let options: RoutedOptions = keys::parse(TYPE, options)?;
        let subnets = Subnets::new(ipv4, ipv6)?;
        let parent = |name: &InterfaceName| {
            super::find_parent(&self.host, name).map(|link| LinkRef::indexed(name.clone(), link.index))
        };
        let parent = options.parent.as_ref().map(parent).transpose();
        let mtu = options.mtu.map_or_else(|| self.host.uplink_mtu(), Ok)?;
        let anchor = Anchor::new(&name, options.anchor.clone(), subnets.gateways().map(alone).collect())?;
        let plan = anchor.plan(&self.host, &self.mark, &name)?;
        let known = parent.as_ref().ok().cloned().flatten();
        let made = RoutedNetwork { name, anchor, options, subnets, internal, mtu, parent: known };
        self.networks.insert(network, made);
        // A network that has lost its parent can still be deleted.
        parent.map(|_| plan)
    }

    fn delete_network(&self, network: &str) -> Result<Plan> {
        let network = self.networks.network(network)?;
        network.anchor.deletion(&self.host, &self.mark, &network.name)
    }

    fn create_endpoint(
        &self,
        network: &str,
        _: &str,
        interface: &mut InterfaceInfo,
        options: &Options,
    ) -> Result<Plan> {
        let network = self.networks.network(network)?;
        keys::parse::<EndpointOptions>(TYPE, options)?;
        super::settle_interface(&network.subnets, interface)?;
        Ok(Plan::default())
    }

    fn delete_endpoint(&self, network: &str, endpoint: &str) -> Result<Plan> {
        self.leave(network, endpoint)
    }

    fn endpoint_oper_info(&self, network: &str, endpoint: &str) -> Result<Options> {
        let known = self.networks.network(network)?;
        veth::oper_info(&known.name, &Name::new(endpoint)?, [("anchor", known.anchor.name.as_str())])
    }

    fn join(
        &self,
        network: &str,
        endpoint: &str,
        _: &str,
        join: &mut JoinInfo,
        options: &Options,
    ) -> Result<()> {
        let network = self.networks.network(network)?;
        let options: EndpointOptions = keys::parse(TYPE, options)?;
        let mtu = veth::mtu(join.mtu(), network.mtu)?;
        let end = veth::HostEnd::new(&network.name, &Name::new(endpoint)?, join.attempt())?;
        let host_mac = MacAddr::new(HOST_MAC)?;
        let mut pair = end.pair(host_mac, mtu, network.options.tx_queue_len);
        // There is no bridge that would mind, and it spares a change.
        pair.up = true;
        let mut birth = Birth::new(pair);
        birth.host_prefix = true;
        birth.early = quieten(&end, join.interface(), self.host.can_turn_off_ipv6());
        let alias = self.mark.endpoint(&network.name, &end.endpoint);
        birth.after = open(&network, &end, alias, join.interface());
        if options.gateway_on_link {
            birth.after.steps.extend(answer(&network, &end, join.interface()));
        }
        let gateways: Vec<_> = network.subnets.gateways().map(|gateway| gateway.addr()).collect();
        for gateway in gateways {
            let has_family = match gateway {
                IpAddr::V4(_) => join.interface().address().is_some(),
                IpAddr::V6(_) => join.interface().address_ipv6().is_some(),
            };
            if has_family {
                birth.neighbours.push(Neighbour { address: gateway, mac: host_mac });
                join.add_static_route(gateway.into(), RouteType::Connected, None)?;
            }
        }
        // Without a default route the network itself is still reached through the gateway.
        for subnet in [network.subnets.v4, network.subnets.v6].into_iter().flatten() {
            let Some(gateway) = subnet.gateway.filter(|_| network.internal) else { continue };
            join.add_static_route(subnet.pool, RouteType::NextHop, Some(gateway.addr()))?;
        }
        super::name_interface(join, end.src_name, network.options.prefix.as_ref())?;
        join.set_birth(birth);
        super::give_gateways(&network.subnets, network.internal, join);
        Ok(())
    }

    fn leave(&self, network: &str, endpoint: &str) -> Result<Plan> {
        let (name, endpoint) = (Name::new(network)?, Name::new(endpoint)?);
        let (host_name, _) = naming::link_names(&name, &endpoint)?;
        let link = self.host.link(&host_name)?.filter(|link| self.mark.is_endpoint(link, &name, &endpoint));
        let mut plan = Plan::default();
        let Some(link) = link else { return Ok(plan) };
        let parent = self.networks.network(network).ok().and_then(|network| network.parent.clone());
        let own = LinkRef::indexed(host_name, link.index);
        // The link, and its routes with it, may go later than the endpoint's addresses.
        for route in self.host.routes_through(link.index)? {
            if let Some(parent) = &parent {
                let spec = ProxySpec { link: parent.clone(), address: route.destination.addr() };
                plan.push(Place::Host, Action::DeleteProxy(spec));
            }
            plan.push(Place::Host, Action::DeleteRoute(route_spec(&own, &route)));
        }
        plan.push(Place::Host, Action::DeleteLink(own));
        Ok(plan)
    }
}

fn route_spec(link: &LinkRef, route: &RouteState) -> RouteSpec {
    let RouteState { destination, gateway, metric, source, .. } = *route;
    RouteSpec {
        link: link.clone(),
        destination,
        gateway,
        source,
        metric,
        replace: false,
        callers: false,
        local: false,
    }
}

/// The address with nothing else in its subnet.
fn alone(net: IpNet) -> IpNet {
    net.addr().into()
}

/// The host's end sends nothing of its own when the carrier comes: no IPv6 without need, and no link-local
/// address of the kernel's.
fn quieten(end: &veth::HostEnd, interface: &InterfaceInfo, ipv6_switch: bool) -> Plan {
    let mut plan = Plan::default();
    if interface.address_ipv6().is_some() {
        plan.push(Place::Host, Action::ForceIpv6Forwarding(end.link()));
        plan.push(Place::Host, Action::IgnoreRouters(end.link()));
    } else if ipv6_switch {
        plan.push(Place::Host, Action::TurnOffIpv6(end.link()));
        return plan;
    }
    let mut quiet = LinkChange::new(end.link());
    quiet.no_link_local = true;
    plan.push(Place::Host, Action::SetLink(quiet));
    plan
}

/// The host's end gets its routes, and the alias that says that it is whole.
fn open(network: &RoutedNetwork, end: &veth::HostEnd, alias: String, interface: &InterfaceInfo) -> Plan {
    let mut plan = Plan::default();
    let mut change = LinkChange::new(end.link());
    change.alias = Some(alias);
    change.ipv4_forwarding = interface.address().map(|_| true);
    plan.push(Place::Host, Action::SetLink(change));
    let (v4, v6) = (interface.address().map(IpNet::V4), interface.address_ipv6().map(IpNet::V6));
    for address in [v4, v6].into_iter().flatten() {
        add_address(network, end, address, interface.mac_address(), &mut plan);
    }
    plan.push(Place::Host, Action::SyncLink(end.link()));
    plan
}

/// The gateway's IPv6 address on the host's end, for an interface that asks for the gateway: on a link on which
/// an address is not nobody answers for it. For one of IPv4 the kernel answers on every link.
fn answer(network: &RoutedNetwork, end: &veth::HostEnd, interface: &InterfaceInfo) -> Option<Step> {
    let gateway = network.subnets.v6.and_then(|subnet| subnet.gateway);
    let gateway = gateway.filter(|_| interface.address_ipv6().is_some())?;
    let spec = AddressSpec { link: end.link(), address: alone(gateway), callers: false };
    // It goes with the link.
    Some(Step::new(Place::Host, Action::AddAddress(spec)).undone_by(Vec::new()))
}

/// The way to one address of the endpoint.
fn add_address(
    network: &RoutedNetwork,
    end: &veth::HostEnd,
    address: IpNet,
    mac: Option<MacAddr>,
    plan: &mut Plan,
) {
    let is_ipv6 = address.addr().is_ipv6();
    let subnet = if is_ipv6 { network.subnets.v6 } else { network.subnets.v4 };
    let route = RouteSpec {
        link: end.link(),
        destination: alone(address),
        gateway: None,
        source: subnet.and_then(|subnet| subnet.gateway).map(|gateway| gateway.addr()),
        metric: None,
        replace: false,
        callers: false,
        local: false,
    };
    // Routes and neighbours go with the link.
    plan.steps.push(Step::new(Place::Host, Action::AddRoute(route)).undone_by(Vec::new()));
    if let Some(mac) = mac {
        let spec = NeighbourSpec { link: end.link(), address: address.addr(), mac };
        plan.steps.push(Step::new(Place::Host, Action::AddNeighbour(spec)).undone_by(Vec::new()));
    }
    if let Some(parent) = &network.parent {
        let spec = ProxySpec { link: parent.clone(), address: address.addr() };
        plan.push(Place::Host, Action::AddProxy(spec));
    }
}
