//! How an interface settles into a sandbox, as steps of a plan.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::alias;
use super::interface::Interface;
use super::routes::replacement;
use super::survey::Survey;
use crate::error::{Error, ErrorKind, Result};
use crate::link::{
    AddressSpec, Destination, InterfaceName, LinkChange, LinkRef, MacAddr, NeighbourSpec, Place, RouteSpec,
};
use crate::plan::{Action, Plan, Step};
use crate::sys::Ipv6Default;

/// An interface for which a sandbox has room, under its final name.
pub(crate) struct Settled {
    pub(crate) interface: Interface,
    pub(crate) link: LinkRef,
    /// What the interface's alias says.
    pub(crate) alias: String,
    /// IPv6 cannot be switched off here, so the kernel is at least kept from making an address.
    ipv6_stays: bool,
}

/// Finds `interface` its name, its index and its gateways in a sandbox with `survey`.
///
/// A sandbox has one default gateway of each family: the first interface that brings one gives it.
pub(crate) fn settle(
    interface: &Interface,
    alias_before: Option<&str>,
    survey: &Survey,
    ipv6: &Ipv6Default,
) -> Result<Settled> {
    interface.check()?;
    let name = interface.destination.resolve(|name| survey.has_link(name))?;
    for address in interface.addresses() {
        if let Some(route) = survey.overlapped(address) {
            let through = survey.through(route);
            return Err(Error::new(ErrorKind::AlreadyExists, "use address", address.to_string())
                .with_cause(format!("it overlaps the sandbox's route to {}{through}", route.destination)));
        }
    }
    let alias = alias::compose(&interface.src_name, alias_before);
    let mut interface = interface.clone();
    interface.gateway = interface.gateway.filter(|_| survey.default_route(false).is_none());
    interface.gateway_ipv6 = interface.gateway_ipv6.filter(|_| survey.default_route(true).is_none());
    interface.destination = Destination::Name(name.clone());
    // As a sandbox lists them.
    interface.neighbours.sort_by_key(|neighbour| neighbour.address);
    let ipv6_stays = interface.address_ipv6.is_none() && ipv6.is_on() && !ipv6.can_change();
    Ok(Settled { interface, link: LinkRef::indexed(name, survey.free_index()), alias, ipv6_stays })
}

impl Settled {
    pub(crate) fn name(&self) -> &InterfaceName {
        &self.link.name
    }

    /// What has to happen before the device comes: IPv6 is on for it, or off, from its birth. Returns which
    /// it is then; `on` is which it was.
    pub(crate) fn before_birth(&self, on: bool, plan: &mut Plan) -> bool {
        let wanted = self.interface.address_ipv6.is_some();
        if wanted == on || self.ipv6_stays {
            return on;
        }
        plan.push(Place::Sandbox, Action::SetIpv6Default(wanted));
        wanted
    }

    /// What makes a device that is there, down and bare, into the interface. `mac` is the device's
    /// own, for the link-local address.
    pub(crate) fn after_birth(&self, mac: Option<MacAddr>, plan: &mut Plan) {
        let interface = &self.interface;
        let mut bring_up = LinkChange::new(self.link.clone());
        bring_up.alias = Some(self.alias.clone());
        if interface.address_ipv6.is_some() || self.ipv6_stays {
            // The kernel's own link-local address would go through duplicate address detection.
            let mut change = LinkChange::new(self.link.clone());
            change.no_link_local = true;
            change.alias = bring_up.alias.take();
            plan.push(Place::Sandbox, Action::SetLink(change));
        }
        bring_up.up = Some(true);
        let link_local = mac.filter(|_| interface.address_ipv6.is_some()).map(MacAddr::link_local_net);
        for address in link_local.into_iter().chain(interface.addresses()) {
            plan.push(
                Place::Sandbox,
                Action::AddAddress(AddressSpec { link: self.link.clone(), address, callers: false }),
            );
        }
        plan.push(Place::Sandbox, Action::SetLink(bring_up));
        for neighbour in &interface.neighbours {
            let spec =
                NeighbourSpec { link: self.link.clone(), address: neighbour.address, mac: neighbour.mac };
            plan.push(Place::Sandbox, Action::AddNeighbour(spec));
        }
        let routes = interface.routes.iter().map(|route| (route.destination, route.next_hop));
        let gateways =
            interface.gateways().map(|gateway| (default_destination(gateway.is_ipv6()), Some(gateway)));
        for (destination, gateway) in routes.chain(gateways) {
            let route = RouteSpec {
                link: self.link.clone(),
                destination,
                gateway,
                source: None,
                metric: None,
                replace: false,
                callers: false,
                local: false,
            };
            plan.steps.push(Step::new(Place::Sandbox, Action::AddRoute(route)));
        }
    }
}

impl Settled {
    /// Has the interface's alias say whose it is.
    pub(crate) fn say_owner(&mut self, src_name: &InterfaceName, owner: &str) {
        self.alias = alias::compose_owned(src_name, owner);
    }

    /// Adds what puts the gateways of `wanted` in the place of those that the sandbox has, but for routes
    /// that this library did not add.
    pub(crate) fn replace_gateways(&mut self, wanted: &Interface, survey: &Survey, plan: &mut Plan) {
        for gateway in wanted.gateways() {
            if survey.default_route(gateway.is_ipv6()).is_none()
                || survey.has_foreign_default(gateway.is_ipv6())
            {
                continue;
            }
            plan.steps.extend(replacement(survey, default_route(self.link.clone(), gateway, true)).steps);
        }
        self.interface.gateway = wanted.gateway.filter(|_| !survey.has_foreign_default(false));
        self.interface.gateway_ipv6 = wanted.gateway_ipv6.filter(|_| !survey.has_foreign_default(true));
    }
}

/// Where a default route leads.
pub(crate) fn default_destination(ipv6: bool) -> IpNet {
    match ipv6 {
        false => IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::UNSPECIFIED, 0)),
        true => IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::UNSPECIFIED, 0)),
    }
}

/// The route that leads to `gateway` by default.
pub(super) fn default_route(link: LinkRef, gateway: IpAddr, replace: bool) -> RouteSpec {
    RouteSpec {
        link,
        destination: default_destination(gateway.is_ipv6()),
        gateway: Some(gateway),
        source: None,
        metric: None,
        replace,
        callers: false,
        local: false,
    }
}
