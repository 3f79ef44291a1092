//! Gateways and static routes of a sandbox.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::interface::check_static_route;
use super::settle::default_route;
use super::survey::Survey;
use super::{Opened, Sandbox};
use crate::error::{Error, ErrorKind, Result};
use crate::link::parse::RouteState;
use crate::link::{is_of_a_host, InterfaceName, LinkRef, Place, RouteSpec, StaticRoute};
use crate::plan::{apply, Action, Ground, Plan, Step, Undo};

impl Sandbox {
    /// Sets the IPv4 default gateway, in place of the one that is there; `None` changes nothing.
    ///
    /// # Errors
    /// BadRequest when no interface that is up has an address in whose subnet the gateway lies.
    pub fn set_gateway(&self, gateway: Option<Ipv4Addr>) -> Result<()> {
        gateway.map_or(Ok(()), |gateway| self.replace_gateway(gateway.into()))
    }

    /// Sets the IPv6 default gateway, in place of the one that is there; `None` changes nothing.
    ///
    /// # Errors
    /// BadRequest when no interface that is up has an address in whose subnet the gateway lies.
    pub fn set_gateway_ipv6(&self, gateway: Option<Ipv6Addr>) -> Result<()> {
        gateway.map_or(Ok(()), |gateway| self.replace_gateway(gateway.into()))
    }

    fn replace_gateway(&self, gateway: IpAddr) -> Result<()> {
        let replace = |opened: &mut Opened| {
            let survey = Survey::take(&mut opened.inside.socket)?;
            let link = link_towards(&survey, "use gateway", gateway)?;
            let plan = replacement(&survey, default_route(link, gateway, true));
            self.apply_inside(opened, &plan)
        };
        self.with(replace)
            .map_err(|error| error.within("set gateway", format_args!("{gateway} of {}", self.key())))
    }

    /// Adds a route. One with a next hop goes through the interface that reaches it; one without is
    /// bound to the sandbox's only interface, and where there are several belongs into
    /// [`Interface::routes`](crate::Interface::routes).
    ///
    /// # Errors
    /// BadRequest when the next hop is not directly reachable, for a default route, and when it is
    /// not clear which interface is meant; AlreadyExists when there is a route to that destination.
    pub fn add_static_route(&self, route: &StaticRoute) -> Result<()> {
        let add = |opened: &mut Opened| {
            check_static_route(route)?;
            let survey = Survey::take(&mut opened.inside.socket)?;
            let link = match route.next_hop {
                Some(hop) => link_towards(&survey, "use next hop", hop)?,
                None => only_interface(&survey)?,
            };
            let spec = RouteSpec {
                link,
                destination: route.destination,
                gateway: route.next_hop,
                source: None,
                metric: None,
                replace: false,
                callers: false,
                local: false,
            };
            let mut plan = Plan::default();
            plan.push(Place::Sandbox, Action::AddRoute(spec));
            self.apply_inside(opened, &plan)
        };
        self.with(add).map_err(|error| {
            error.within("add static route", format_args!("{} to {}", route.destination, self.key()))
        })
    }

    /// Removes a route that this library added; one that is gone already is no error.
    ///
    /// # Errors
    /// BadRequest for a default route, which is a gateway; NotFound when the sandbox was destroyed
    /// through this handle.
    pub fn remove_static_route(&self, route: &StaticRoute) -> Result<()> {
        let remove = |opened: &mut Opened| {
            check_static_route(route)?;
            let survey = Survey::take(&mut opened.inside.socket)?;
            let is_it = |there: &&RouteState| {
                there.ours && there.destination == route.destination && there.gateway == route.next_hop
            };
            let Some(there) = survey.routes.iter().find(is_it) else {
                return Ok(());
            };
            let Some(name) = survey.name_of(there.index) else {
                return Ok(());
            };
            let link = LinkRef::indexed(name, there.index);
            let RouteState { destination, gateway, metric, .. } = *there;
            let spec = RouteSpec {
                link,
                destination,
                gateway,
                source: None,
                metric,
                replace: false,
                callers: false,
                local: false,
            };
            let mut plan = Plan::default();
            plan.push(Place::Sandbox, Action::DeleteRoute(spec));
            self.apply_inside(opened, &plan)
        };
        let gone = |error: Error| match error.errno() {
            Some(libc::ESRCH) => Ok(()),
            _ => Err(error),
        };
        self.with_or((), remove).or_else(gone).map_err(|error| {
            error.within("remove static route", format_args!("{} from {}", route.destination, self.key()))
        })
    }

    /// Has the default route of one family lead through what came from `src_name`, unless others have given
    /// the sandbox one.
    pub(crate) fn route_through(&self, src_name: &InterfaceName, gateway: IpAddr) -> Result<()> {
        let replace = |opened: &mut Opened| {
            let survey = Survey::take(&mut opened.inside.socket)?;
            let Some(link) = survey.that_came_from(src_name)? else { return Ok(()) };
            if survey.has_foreign_default(gateway.is_ipv6()) {
                return Ok(());
            }
            let plan = replacement(&survey, default_route(link, gateway, true));
            self.apply_inside(opened, &plan)
        };
        self.with(replace)
            .map_err(|error| error.within("set gateway", format_args!("{gateway} of {}", self.key())))
    }

    fn apply_inside(&self, opened: &mut Opened, plan: &Plan) -> Result<()> {
        apply(plan, &mut Ground { host: self.host(), sandbox: Some(&mut opened.inside), programs: None })
    }
}

/// `route` in place of every default route of its family. The kernel replaces one of the same metric.
pub(super) fn replacement(survey: &Survey, route: RouteSpec) -> Plan {
    let ipv6 = route.destination.addr().is_ipv6();
    let own_metric = if ipv6 { Some(1024) } else { None };
    let (same, other): (Vec<RouteState>, Vec<_>) =
        survey.default_routes(ipv6).copied().partition(|before| before.metric == own_metric);
    let spec = |before: &RouteState| -> Option<RouteSpec> {
        let link = LinkRef::indexed(survey.name_of(before.index)?, before.index);
        let RouteState { destination, gateway, source, metric, .. } = *before;
        Some(RouteSpec {
            link,
            destination,
            gateway,
            source,
            metric,
            replace: true,
            callers: false,
            local: false,
        })
    };
    let undo = match same.first().and_then(spec) {
        Some(before) => Action::AddRoute(before),
        None => Action::DeleteRoute(route.clone()),
    };
    let undo = vec![Undo { place: Place::Sandbox, action: undo }];
    let mut plan = Plan::default();
    plan.steps.push(Step::new(Place::Sandbox, Action::AddRoute(route)).undone_by(undo));
    for before in other.iter().filter_map(spec) {
        let again = vec![Undo { place: Place::Sandbox, action: Action::AddRoute(before.clone()) }];
        plan.steps.push(Step::new(Place::Sandbox, Action::DeleteRoute(before)).undone_by(again));
    }
    plan
}

fn link_towards(survey: &Survey, operation: &str, hop: IpAddr) -> Result<LinkRef> {
    let refuse = |cause: String| Err(Error::bad_request(operation, hop.to_string(), cause));
    if !is_of_a_host(hop) {
        return refuse("it is no unicast address of a host".to_owned());
    }
    let link = match survey.links_towards(hop).as_slice() {
        [] => {
            return refuse(
                "it is not directly reachable: no interface has an address in its subnet".to_owned(),
            )
        }
        [link] => *link,
        several => return refuse(format!("it may be behind any of {} interfaces", several.len())),
    };
    if !link.up {
        return refuse(format!("it is not directly reachable: {} is down", link.name));
    }
    Ok(LinkRef::indexed(InterfaceName::new(&link.name)?, link.index))
}

fn only_interface(survey: &Survey) -> Result<LinkRef> {
    match survey.ours().as_slice() {
        [(link, ..)] => Ok(LinkRef::indexed(InterfaceName::new(&link.name)?, link.index)),
        ours => Err(Error::new(ErrorKind::BadRequest, "choose", "an interface")
            .with_cause(format!("the route has no next hop and the sandbox has {} interfaces", ours.len()))),
    }
}
