//! What brings several links to a container at once, put together so that each namespace hears of all of them
//! in one send.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use super::configs::ParsedRoute;
use super::pair::{HostEnd, Pair};
use crate::driver::bridge::{self, Bridge};
use crate::driver::{veth, Birth};
use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;
use crate::link::{AddressSpec, BridgePort, InterfaceName, LinkChange, LinkRef, MacAddr, Place};
use crate::plan::{Action, Inside, Plan, Step, Undo};
use crate::sandbox::{settle, Survey};

/// Steps by where they belong, and what the container holds when they are done.
pub(super) struct Assembly<'a> {
    host: &'a Host,
    inside: &'a Inside,
    survey: Survey,
    /// The links that come without IPv6.
    without_ipv6: Vec<InterfaceName>,
    /// Whether links that come next have IPv6.
    ipv6: bool,
    births: Plan,
    configuration: Plan,
    openings: Plan,
    last: Plan,
}

impl<'a> Assembly<'a> {
    pub(super) fn new(host: &'a Host, inside: &'a Inside, survey: Survey) -> Self {
        Self {
            host,
            inside,
            survey,
            without_ipv6: Vec::new(),
            ipv6: inside.ipv6.is_on(),
            births: Plan::default(),
            configuration: Plan::default(),
            openings: Plan::default(),
            last: Plan::default(),
        }
    }

    /// Brings `lo` up, unless it is.
    pub(super) fn loopback(&mut self) -> Result<()> {
        let Some(lo) = self.survey.links.iter_mut().find(|link| link.index == 1 && !link.up) else {
            return Ok(());
        };
        lo.up = true;
        let link = LinkRef::indexed(InterfaceName::new("lo")?, 1);
        let set = |up| {
            let mut change = LinkChange::new(link.clone());
            change.up = Some(up);
            Action::SetLink(change)
        };
        // The kernel adds it to a loopback device that comes up without one, and leaves it when that goes down.
        let own = Ipv4Net::new_assert(Ipv4Addr::LOCALHOST, 8).into();
        let own = AddressSpec { link: link.clone(), address: own, callers: true };
        let undo = [Action::DeleteAddress(own), set(false)];
        let undo = undo.map(|action| Undo { place: Place::Sandbox, action }).to_vec();
        self.configuration.steps.push(Step::new(Place::Sandbox, set(true)).undone_by(undo));
        Ok(())
    }

    /// Brings a pair, its inner end born under its final name, configured and up.
    pub(super) fn pair(&mut self, pair: &Pair, end: &HostEnd) -> Result<()> {
        let bridge = Bridge::find(self.host, &pair.bridge)?;
        let mut interface = pair.interface.clone();
        interface.mac.get_or_insert_with(MacAddr::random);
        if interface.address_ipv6.is_some() {
            interface.neighbours = bridge::neighbours(&bridge);
        }
        self.survey.refuse_second_gateway(&interface)?;
        let mut settled = settle(&interface, None, &self.survey, &self.inside.ipv6)?;
        settled.alias.clone_from(&end.alias);
        self.ipv6 = settled.before_birth(self.ipv6, &mut self.births);
        if !self.ipv6 {
            self.without_ipv6.push(settled.link.name.clone());
        }
        self.births.steps.push(birth(pair, end, &bridge).create(
            Place::Sandbox,
            &settled.link,
            interface.mac,
        ));
        settled.after_birth(interface.mac, &mut self.configuration);
        self.open(pair, end, &bridge);
        self.last.push(Place::Sandbox, Action::SyncLink(settled.link.clone()));
        self.survey.expect(&settled);
        Ok(())
    }

    /// Brings a pair, its inner end under `name` and otherwise as it is born.
    pub(super) fn bare_pair(&mut self, pair: &Pair, end: &HostEnd, name: InterfaceName) -> Result<()> {
        let bridge = Bridge::find(self.host, &pair.bridge)?;
        let wanted = pair.interface.address_ipv6.is_some();
        if wanted != self.ipv6 && self.inside.ipv6.can_change() {
            self.births.push(Place::Sandbox, Action::SetIpv6Default(wanted));
            self.ipv6 = wanted;
        }
        let inner = LinkRef::named(name);
        let mac = pair.interface.mac;
        self.births.steps.push(birth(pair, end, &bridge).create(Place::Sandbox, &inner, mac));
        self.open(pair, end, &bridge);
        Ok(())
    }

    /// The host's end goes on the bridge and up.
    fn open(&mut self, pair: &Pair, end: &HostEnd, bridge: &Bridge) {
        let port = BridgePort { hairpin: pair.hairpin, isolated: false };
        let switch = self.host.can_turn_off_ipv6();
        self.openings.steps.extend(bridge::open(&end.link(), end.alias.clone(), port, bridge, switch).steps);
    }

    /// Adds a route through a link that is there or is about to come.
    pub(super) fn route(&mut self, route: &ParsedRoute) -> Result<()> {
        let name = &route.interface_name;
        let link = self.survey.links.iter().find(|link| link.name == name.as_str());
        let index = link.map(|link| link.index);
        let spec = route.spec(LinkRef { name: name.clone(), index });
        let (destination, gateway) = (spec.destination, spec.gateway);
        let action = Action::AddRoute(spec);
        let refuse =
            |kind, cause: String| Err(Error::new(kind, "in sandbox:", action.to_string()).with_cause(cause));
        let Some(index) = index else {
            return refuse(ErrorKind::NotFound, format!("there is no interface {name} in the container"));
        };
        if route.is_ipv6() && self.without_ipv6.contains(name) {
            return refuse(ErrorKind::BadRequest, format!("{name} has no IPv6: it has no IPv6 address"));
        }
        if let Some(there) = self.survey.in_the_way_of(destination) {
            let cause = format!("there is a route to that destination{} already", self.survey.through(there));
            return refuse(ErrorKind::AlreadyExists, cause);
        }
        self.survey.expect_route(index, destination, gateway);
        self.configuration.push(Place::Sandbox, action);
        Ok(())
    }

    /// All of it: births, what is inside, the host's ends, and a look at the carrier.
    pub(super) fn finish(mut self) -> Plan {
        if self.ipv6 != self.inside.ipv6.is_on() {
            // What others bring has IPv6 as before.
            self.births.push(Place::Sandbox, Action::SetIpv6Default(!self.ipv6));
        }
        let (messages, writes): (Vec<_>, Vec<_>) =
            self.openings.steps.into_iter().partition(|step| step.action.is_message());
        let parts = [self.births.steps, self.configuration.steps, writes, messages, self.last.steps];
        Plan { steps: parts.concat() }
    }
}

fn birth(pair: &Pair, end: &HostEnd, bridge: &Bridge) -> Birth {
    let mtu = pair.interface.mtu;
    Birth::new(veth::pair(end.link(), end.name.clone(), bridge.mac, mtu, pair.tx_queue_len))
}
