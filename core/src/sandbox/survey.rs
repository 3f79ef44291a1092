//! What a sandbox holds, read from its kernel tables.

use std::net::IpAddr;

use ipnet::IpNet;

use super::alias;
use super::interface::{Info, Interface};
use super::settle::{default_destination, Settled};
use crate::error::{Error, ErrorKind, Result};
use crate::link::parse::{self, AddressState, LinkState, PermanentNeighbour, RouteState};
use crate::link::{message, v4, v6, Destination, InterfaceName, LinkRef, Mtu, Neighbour, StaticRoute};
use crate::netlink::RouteSocket;

/// Links, addresses and routes of one moment.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    pub(crate) links: Vec<LinkState>,
    pub(crate) addresses: Vec<AddressState>,
    pub(crate) routes: Vec<RouteState>,
}

impl Survey {
    /// A namespace in which there is only `lo`.
    pub(super) fn of_fresh() -> Self {
        let lo = LinkState { index: 1, name: "lo".to_owned(), up: true, ..LinkState::default() };
        Self { links: vec![lo], ..Self::default() }
    }

    pub(super) fn take(socket: &mut RouteSocket) -> Result<Self> {
        let links = socket.dump(&message::list_links())?;
        let addresses = socket.dump(&message::list_addresses())?;
        let mut routes = socket.dump(&message::list_routes(false))?;
        routes.extend(socket.dump(&message::list_routes(true))?);
        Ok(Self {
            links: links.iter().filter_map(parse::link).collect(),
            addresses: addresses.iter().filter_map(parse::address).collect(),
            routes: routes.iter().filter_map(parse::route).collect(),
        })
    }

    /// Links and routes alone, and no question about routes where there can be none.
    pub(super) fn for_newcomer(socket: &mut RouteSocket) -> Result<Self> {
        let links = socket.dump(&message::list_links())?;
        let links: Vec<_> = links.iter().filter_map(parse::link).collect();
        let mut routes = Vec::new();
        // No route leads through a link that is down.
        if links.iter().any(|link| link.up) {
            routes = socket.dump(&message::list_routes(false))?;
            routes.extend(socket.dump(&message::list_routes(true))?);
        }
        let routes = routes.iter().filter_map(parse::route).collect();
        Ok(Self { links, addresses: Vec::new(), routes })
    }

    /// ` through ` and the link's name, where it has one.
    pub(crate) fn through(&self, route: &RouteState) -> String {
        self.name_of(route.index).map_or_else(String::new, |name| format!(" through {name}"))
    }

    /// Refuses a gateway that [`settle`](super::settle) would pass over, since there is a default route.
    pub(crate) fn refuse_second_gateway(&self, interface: &Interface) -> Result<()> {
        for gateway in interface.gateways() {
            let Some(there) = self.default_route(gateway.is_ipv6()) else { continue };
            let error = Error::new(ErrorKind::AlreadyExists, "use gateway", gateway.to_string());
            return Err(error.with_cause(format!("there is a default route{} already", self.through(there))));
        }
        Ok(())
    }

    /// Counts an interface that is about to come as there.
    pub(crate) fn expect(&mut self, settled: &Settled) {
        let index = settled.link.index.unwrap_or(0);
        let link = LinkState { index, name: settled.link.name.to_string(), up: true, ..LinkState::default() };
        self.links.push(link);
        let interface = &settled.interface;
        for address in interface.addresses() {
            let metric = address.addr().is_ipv6().then_some(256);
            let route = RouteState { destination: address.trunc(), metric, ..route_of(index, address) };
            self.routes.push(route);
        }
        let further = interface.routes.iter().map(|route| (route.destination, route.next_hop));
        let gateways =
            interface.gateways().map(|gateway| (default_destination(gateway.is_ipv6()), Some(gateway)));
        for (destination, gateway) in further.chain(gateways) {
            self.expect_route(index, destination, gateway);
        }
    }

    /// Counts a route that is about to come, and says no metric, as there.
    pub(crate) fn expect_route(&mut self, index: u32, destination: IpNet, gateway: Option<IpAddr>) {
        self.routes.push(RouteState { gateway, ..route_of(index, destination) });
    }

    /// The route that keeps the kernel from adding one to `destination` that says no metric.
    pub(crate) fn in_the_way_of(&self, destination: IpNet) -> Option<&RouteState> {
        let metric = route_of(0, destination).metric.unwrap_or(0);
        let is_same =
            |route: &&RouteState| route.destination == destination && route.metric.unwrap_or(0) == metric;
        self.routes.iter().find(is_same)
    }

    pub(crate) fn has_link(&self, name: &str) -> bool {
        self.links.iter().any(|link| link.name == name)
    }

    /// An index that no link has.
    pub(crate) fn free_index(&self) -> u32 {
        self.links.iter().map(|link| link.index).max().unwrap_or(0) + 1
    }

    /// The default routes of one family.
    pub(crate) fn default_routes(&self, ipv6: bool) -> impl Iterator<Item = &RouteState> {
        let is_default = |route: &&RouteState| route.destination.prefix_len() == 0;
        self.routes.iter().filter(is_default).filter(move |route| route.destination.addr().is_ipv6() == ipv6)
    }

    /// Whether others have given the sandbox a default route of that family.
    pub(crate) fn has_foreign_default(&self, ipv6: bool) -> bool {
        self.default_routes(ipv6).any(|route| !route.ours)
    }

    /// The default route of one family that the kernel prefers.
    pub(crate) fn default_route(&self, ipv6: bool) -> Option<&RouteState> {
        self.default_routes(ipv6).min_by_key(|route| route.metric)
    }

    /// The non-default route that `address` would overlap.
    pub(crate) fn overlapped(&self, address: IpNet) -> Option<&RouteState> {
        let overlaps = |destination: &IpNet| {
            destination.contains(&address.network()) || address.contains(&destination.network())
        };
        self.routes.iter().find(|route| route.destination.prefix_len() > 0 && overlaps(&route.destination))
    }

    /// The links through which `hop` is reached without a router, by the longest prefix: several for a
    /// link-local address.
    pub(crate) fn links_towards(&self, hop: IpAddr) -> Vec<&LinkState> {
        let near =
            || self.addresses.iter().filter(|own| own.address.contains(&hop) && own.address.addr() != hop);
        let longest = near().map(|own| own.address.prefix_len()).max();
        let nearest = near().filter(|own| Some(own.address.prefix_len()) == longest);
        nearest.filter_map(|own| self.links.iter().find(|link| link.index == own.index)).collect()
    }

    pub(crate) fn name_of(&self, index: u32) -> Option<InterfaceName> {
        let link = self.links.iter().find(|link| link.index == index)?;
        InterfaceName::new(&link.name).ok()
    }

    /// The links that this library brought, in the order of their names.
    pub(super) fn ours(&self) -> Vec<(&LinkState, InterfaceName, &str)> {
        let mut ours: Vec<_> = self
            .links
            .iter()
            .filter_map(|link| {
                let (src_name, before) = alias::parse(link.alias.as_deref()?)?;
                Some((link, src_name, before))
            })
            .collect();
        ours.sort_by(|(a, ..), (b, ..)| (a.name.len(), &a.name).cmp(&(b.name.len(), &b.name)));
        ours
    }

    /// The link that came from `src_name`.
    pub(super) fn that_came_from(&self, src_name: &InterfaceName) -> Result<Option<LinkRef>> {
        let ours = self.ours();
        let Some((link, ..)) = ours.iter().find(|(_, src, _)| src == src_name) else { return Ok(None) };
        Ok(Some(LinkRef::indexed(InterfaceName::new(&link.name)?, link.index)))
    }

    /// The interfaces that this library brought, each with what its alias says of its owner.
    pub(super) fn with_owners(&self) -> Vec<(Interface, Option<String>)> {
        let owned = self.ours().into_iter().filter_map(|(link, src_name, _)| {
            let owner = alias::owner(link.alias.as_deref()?).map(str::to_owned);
            Some((self.interface(link, src_name, &[])?, owner))
        });
        owned.collect()
    }

    pub(super) fn info(&self, neighbours: &[PermanentNeighbour]) -> Info {
        let interfaces = self
            .ours()
            .into_iter()
            .filter_map(|(link, src_name, _)| self.interface(link, src_name, neighbours));
        let gateway = |ipv6| self.default_route(ipv6).and_then(|route| route.gateway);
        Info {
            interfaces: interfaces.collect(),
            gateway: gateway(false).and_then(v4),
            gateway_ipv6: gateway(true).and_then(v6),
            routes: self.static_routes(|_| true),
        }
    }

    fn interface(
        &self,
        link: &LinkState,
        src_name: InterfaceName,
        neighbours: &[PermanentNeighbour],
    ) -> Option<Interface> {
        let mut interface = Interface::from_source(src_name);
        interface.destination = Destination::Name(InterfaceName::new(&link.name).ok()?);
        interface.mac = link.mac;
        interface.mtu = Mtu::new(link.mtu).ok();
        for own in self.addresses.iter().filter(|own| own.index == link.index) {
            match own.address {
                IpNet::V4(address) => interface.address = interface.address.or(Some(address)),
                IpNet::V6(address) if address.addr().is_unicast_link_local() => {}
                IpNet::V6(address) => interface.address_ipv6 = interface.address_ipv6.or(Some(address)),
            }
        }
        let gateway = |ipv6| self.default_route(ipv6).filter(|route| route.index == link.index)?.gateway;
        interface.gateway = gateway(false).and_then(v4);
        interface.gateway_ipv6 = gateway(true).and_then(v6);
        interface.routes = self.static_routes(|route| route.index == link.index);
        let own = neighbours.iter().filter(|neighbour| neighbour.index == link.index);
        interface.neighbours = own.map(|own| Neighbour { address: own.address, mac: own.mac }).collect();
        interface.neighbours.sort_by_key(|neighbour| neighbour.address);
        Some(interface)
    }

    fn static_routes(&self, wanted: impl Fn(&RouteState) -> bool) -> Vec<StaticRoute> {
        let is_static =
            |route: &&RouteState| route.ours && route.destination.prefix_len() > 0 && wanted(route);
        let routes = self.routes.iter().filter(is_static);
        routes.map(|route| StaticRoute { destination: route.destination, next_hop: route.gateway }).collect()
    }
}

/// A route of this library's with the kernel's own metric.
fn route_of(index: u32, destination: IpNet) -> RouteState {
    let metric = destination.addr().is_ipv6().then_some(1024);
    RouteState { index, destination, gateway: None, source: None, metric, ours: true }
}
