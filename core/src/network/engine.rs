//! What every network does with its driver: make it, join an endpoint to a sandbox, take both away.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ipnet::{Ipv4Net, Ipv6Net};

use crate::driver::naming::{self, Mark};
use crate::driver::{Birth, Driver, InterfaceInfo, IpamData, JoinInfo, NetworkInfo, Options};
use crate::error::{Error, ErrorKind, Result};
use crate::host::{Host, DYING};
use crate::link::parse::LinkState;
use crate::link::{
    Destination, InterfaceName, LinkChange, LinkKind, LinkRef, Mtu, Neighbour, Place, StaticRoute,
    LEAVING_GROUP,
};
use crate::name::Name;
use crate::plan::{apply, apply_unanswered, Action, Ground, Plan, Step, Unanswered};
use crate::sandbox::{settle, Interface, Opened, Sandbox, Settled};
use crate::stats::{self, Meter, SlotId};

/// How often another process may be in the way of a network that is being made.
const TRIES: usize = 4;
/// How often a join is tried again when what it needs was taken.
pub(crate) const RETRIES: u32 = 2;
/// How long the kernel may take for a namespace that is dying; many at once take longer.
const DEAD: Duration = Duration::from_secs(10);

/// Tells the driver of the network and carries out what it returns.
pub(crate) fn create_network(
    host: &Host,
    driver: &dyn Driver,
    name: &Name,
    options: &Options,
    ipv4: &[IpamData],
    ipv6: &[IpamData],
) -> Result<NetworkInfo> {
    let mut tries = 0;
    loop {
        let mut info = NetworkInfo::default();
        let plan = driver.create_network(name.as_str(), options, &mut info, ipv4, ipv6)?;
        match apply(&plan, &mut Ground { host, sandbox: None, programs: None }) {
            Ok(()) => return Ok(info),
            // Another process has made in the meantime what the driver found missing, or taken away what
            // it found.
            Err(error) if tries < TRIES && is_race(&error) => tries += 1,
            Err(error) => return Err(error),
        }
    }
}

fn is_race(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::AlreadyExists | ErrorKind::NotFound)
        && error.errno().is_some()
        && error.rollback_failures().is_empty()
}

/// Carries out what the driver returns for the end of the network; one that is gone is no error.
pub(crate) fn delete_network(host: &Host, driver: &dyn Driver, name: &Name) -> Result<()> {
    take_away(host, &driver.delete_network(name.as_str())?)
}

/// Carries out a plan that takes something away in the host. What is gone already is no error, and keeps
/// nothing else from going.
pub(crate) fn take_away(host: &Host, plan: &Plan) -> Result<()> {
    let is_gone = |result: &Result<()>| matches!(result, Err(error) if error.kind() == ErrorKind::NotFound);
    let whole = apply(plan, &mut Ground { host, sandbox: None, programs: None });
    if !is_gone(&whole) || plan.steps.len() < 2 {
        return if is_gone(&whole) { Ok(()) } else { whole };
    }
    let mut failures = Vec::new();
    for step in &plan.steps {
        let alone =
            apply(&Plan { steps: vec![step.clone()] }, &mut Ground { host, sandbox: None, programs: None });
        failures.extend(alone.err().filter(|error| error.kind() != ErrorKind::NotFound));
    }
    Error::first_of(failures)
}

/// What is asked of a join.
pub(crate) struct Request<'a> {
    pub(crate) network: &'a Name,
    pub(crate) endpoint: &'a Name,
    /// As the driver left it when it made the endpoint.
    pub(crate) interface: InterfaceInfo,
    pub(crate) destination: &'a Destination,
    pub(crate) mtu: Option<Mtu>,
    pub(crate) routes: &'a [StaticRoute],
    pub(crate) neighbours: &'a [Neighbour],
    /// Whether the network's gateways are wanted.
    pub(crate) gateway: bool,
    pub(crate) options: &'a Options,
}

/// An interface that is to come to a sandbox, and how.
pub(crate) struct Prepared {
    pub(crate) interface: Interface,
    pub(crate) device: Device,
    /// Whether its gateways take the place of those that the sandbox has.
    pub(crate) replace_gateways: bool,
    /// What else is to be done inside when it is up, with the interface's final name.
    pub(crate) finish: Option<Finish>,
    pub(crate) join: JoinInfo,
    /// What meters it.
    pub(crate) meter: Option<Metered>,
    /// What the host does before the device is made: its part of the firewall.
    pub(crate) outside: Vec<Step>,
}

/// A slot of counters for a link that is to be made.
pub(crate) struct Metered {
    pub(crate) meter: Arc<Meter>,
    pub(crate) id: SlotId,
}

/// Steps that need the final name of an interface.
pub(crate) type Finish = Box<dyn Fn(&LinkRef, &mut Plan) -> Result<()>>;

/// How a device comes to a sandbox.
pub(crate) enum Device {
    /// It is born there.
    Born(Box<Birth>),
    /// It exists in the host and moves.
    Existing,
    /// There is none.
    None,
}

/// Asks the driver for the device and puts together the interface.
pub(crate) fn prepare(
    driver: &dyn Driver,
    request: &Request<'_>,
    key: &str,
    attempt: u32,
) -> Result<Prepared> {
    let mut join = JoinInfo::new(request.interface.clone(), request.mtu).at_attempt(attempt);
    driver.join(request.network.as_str(), request.endpoint.as_str(), key, &mut join, request.options)?;
    let birth = join.birth.take();
    let Some(src_name) = join.names.src_name.clone() else {
        if birth.is_some() {
            let subject = format!("of endpoint {}", request.endpoint);
            let cause = "a device that is born needs its names, too: the driver has to call set_names";
            return Err(Error::bad_request("use birth", subject, cause));
        }
        let interface = Interface::new("lo")?;
        return Ok(Prepared {
            interface,
            device: Device::None,
            replace_gateways: false,
            finish: None,
            join,
            meter: None,
            outside: Vec::new(),
        });
    };
    let mut interface = Interface::from_source(src_name);
    let names = &join.names;
    interface.destination = match (&names.dst_name, &names.dst_prefix) {
        _ if *request.destination != Destination::default() => request.destination.clone(),
        (Some(name), _) => Destination::Name(name.clone()),
        (None, Some(prefix)) => Destination::Prefix(prefix.clone()),
        (None, None) => Destination::default(),
    };
    interface.mac = request.interface.mac_address();
    let host_prefix = birth.as_ref().is_some_and(|birth| birth.host_prefix);
    interface.address = request.interface.address();
    interface.address_ipv6 = request.interface.address_ipv6();
    if host_prefix {
        interface.address = interface.address.map(|net| Ipv4Net::new_assert(net.addr(), 32));
        interface.address_ipv6 = interface.address_ipv6.map(|net| Ipv6Net::new_assert(net.addr(), 128));
    }
    interface.mtu = birth.as_ref().map_or(request.mtu, |birth| birth.link.mtu);
    let gateway = request.gateway && !join.gateway_service_disabled;
    interface.gateway = join.gateway.filter(|_| gateway && interface.address.is_some());
    interface.gateway_ipv6 = join.gateway_ipv6.filter(|_| gateway && interface.address_ipv6.is_some());
    interface.routes = join.static_routes.iter().chain(request.routes).copied().collect();
    interface.neighbours = request.neighbours.to_vec();
    interface.neighbours.extend(birth.iter().flat_map(|birth| birth.neighbours.iter().copied()));
    interface.check()?;
    let device = birth.map_or(Device::Existing, |birth| Device::Born(Box::new(birth)));
    let (meter, outside) = (None, Vec::new());
    Ok(Prepared { interface, device, replace_gateways: false, finish: None, join, meter, outside })
}

impl Prepared {
    /// Has a device that would be born in the sandbox, and has no other end, be born in the host instead, with
    /// the alias that says whose it is.
    pub(crate) fn wait_alone(&mut self, alias: String) {
        let Device::Born(birth) = &mut self.device else { return };
        birth.link.born_in = None;
        birth.owner = None;
        let mut change = LinkChange::new(LinkRef::named(self.interface.src_name.clone()));
        change.alias = Some(alias);
        birth.after.push(Place::Host, Action::SetLink(change));
    }
}

/// The devices with both ends in the host, one of them ready to move (seed `002`, `Network.Link`).
pub(crate) fn plan_pair(prepared: Prepared) -> Result<(Plan, Interface)> {
    let Prepared { interface, device: Device::Born(mut birth), meter, outside, .. } = prepared else {
        return Err(Error::new(ErrorKind::NotImplemented, "link", "a device that is not born"));
    };
    let mut plan = Plan { steps: outside };
    let mut inside = LinkRef::named(interface.src_name.clone());
    if !matches!(birth.link.kind, LinkKind::Veth { .. }) {
        inside.index = birth.link.index;
    }
    if let Some(metered) = &meter {
        metered.add_to(&mut birth, &inside);
    }
    plan.steps.push(birth.create(Place::Host, &inside, interface.mac));
    plan.steps.extend(birth.early.steps);
    plan.steps.extend(birth.after.steps);
    Ok((plan, interface))
}

/// The device born in the sandbox under its final name, configured and up.
pub(crate) fn plan_birth(prepared: Prepared, opened: &mut Opened) -> Result<(Plan, Settled)> {
    let Device::Born(mut birth) = prepared.device else {
        return Err(Error::new(ErrorKind::NotImplemented, "join", "a device that is not born"));
    };
    let interface = &prepared.interface;
    let survey = opened.survey()?;
    let ipv6 = &opened.inside.ipv6;
    let mut settled = settle(interface, None, &survey, ipv6)?;
    // A link without a peer may have an index that its driver chose.
    if !matches!(birth.link.kind, LinkKind::Veth { .. }) {
        settled.link.index = birth.link.index.or(settled.link.index);
    }
    if let Some(owner) = &birth.owner {
        settled.say_owner(&interface.src_name, owner);
    }
    if let Some(metered) = &prepared.meter {
        metered.add_to(&mut birth, &settled.link);
    }
    let mut plan = Plan { steps: prepared.outside };
    settled.before_birth(ipv6.is_on(), &mut plan);
    plan.steps.push(birth.create(Place::Sandbox, &settled.link, interface.mac));
    plan.steps.extend(birth.early.steps);
    settled.after_birth(interface.mac, &mut plan);
    if prepared.replace_gateways {
        settled.replace_gateways(interface, &survey, &mut plan);
    }
    if let Some(finish) = &prepared.finish {
        finish(&settled.link, &mut plan)?;
    }
    // Where the host's end is up already, the carrier is there by now, and no send of its own is needed.
    let sync = Step::new(Place::Sandbox, Action::SyncLink(settled.link.clone()));
    if birth.link.up {
        plan.steps.push(sync);
        plan.steps.extend(birth.after.steps);
    } else {
        plan.steps.extend(birth.after.steps);
        plan.steps.push(sync);
    }
    Ok((plan, settled))
}

/// Tries again where something was taken that may not be the next time: an index, as by a kernel
/// that puts tunnels into each new namespace, or the name, by the same endpoint's former life, which
/// the kernel is still taking down.
pub(crate) fn retrying<T>(
    host: &Host,
    mark: &Mark,
    network: &Name,
    endpoint: &Name,
    mut attempt: impl FnMut(u32) -> Result<T>,
) -> Result<T> {
    let mut tries = 0;
    loop {
        match attempt(tries) {
            Err(error) if tries < RETRIES && may_be_taken(&error) => {
                if !await_former_life(host, mark, network, endpoint)? {
                    return Err(error);
                }
                tries += 1;
            }
            result => return result,
        }
    }
}

/// The kernel says EBUSY for a taken index, and of the first end EEXIST, as for a taken name.
pub(crate) fn may_be_taken(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::AlreadyExists | ErrorKind::Busy)
        && error.errno().is_some()
        && error.rollback_failures().is_empty()
}

/// Waits for the pair of an endpoint whose sandbox was destroyed a moment ago. False when the
/// endpoint is there to stay, or its name is somebody else's.
pub(crate) fn await_former_life(host: &Host, mark: &Mark, network: &Name, endpoint: &Name) -> Result<bool> {
    let (name, _) = naming::link_names(network, endpoint)?;
    await_end(host, &name, |link| mark.is_endpoint(link, network, endpoint))
}

/// Deletes a link whose sandbox was destroyed, and in which somebody stays; whether it is such a one.
fn end_leaving(host: &Host, link: &LinkState) -> Result<bool> {
    if link.group != LEAVING_GROUP {
        return Ok(false);
    }
    let mut plan = Plan::default();
    plan.push(Place::Host, Action::DeleteLink(LinkRef::indexed(InterfaceName::new(&link.name)?, link.index)));
    take_away(host, &plan).map(|()| true)
}

/// Waits for the pair `name` of a namespace that is being taken down. False when it is there to stay, or
/// somebody else's.
pub(crate) fn await_end(
    host: &Host,
    name: &InterfaceName,
    is_ours: impl Fn(&LinkState) -> bool,
) -> Result<bool> {
    let begin = Instant::now();
    loop {
        let Some(link) = host.link(name)? else { return Ok(true) };
        let patience = if host.is_dying(&link) { DEAD } else { DYING };
        if !is_ours(&link) || link.peer_namespace.is_none() {
            return Ok(false);
        }
        if begin.elapsed() > patience {
            return end_leaving(host, &link);
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// What a join does, whatever the device; the interface, unless the network has none.
pub(crate) fn plan_join(
    prepared: Prepared,
    sandbox: &Sandbox,
    opened: &mut Opened,
) -> Result<(Plan, Option<Interface>)> {
    match prepared.device {
        Device::Born(_) => {
            plan_birth(prepared, opened).map(|(plan, settled)| (plan, Some(settled.interface)))
        }
        Device::Existing => plan_move(&prepared, sandbox, opened),
        Device::None => Ok((prepared.join.inside, None)),
    }
}

fn plan_move(
    prepared: &Prepared,
    sandbox: &Sandbox,
    opened: &mut Opened,
) -> Result<(Plan, Option<Interface>)> {
    let interface = &prepared.interface;
    let (mut plan, mut settled) = sandbox.plan_move_in(opened, interface)?;
    if prepared.replace_gateways {
        let survey = opened.survey()?;
        settled.replace_gateways(interface, &survey, &mut plan);
    }
    if let Some(finish) = &prepared.finish {
        finish(&settled.link, &mut plan)?;
    }
    Ok((plan, Some(settled.interface)))
}

/// What a join brought, and what is still to be waited for, when nobody else has to wait.
pub(crate) type Joined = (Option<Interface>, Unanswered);

/// Joins; on a failure everything is as it was. Packets reach the interface once
/// [`await_answers`] has returned.
pub(crate) fn join(prepared: Prepared, host: &Host, sandbox: &Sandbox) -> Result<Joined> {
    sandbox.with(|opened| {
        let meter = prepared.meter.as_ref().map(|metered| Arc::clone(&metered.meter));
        let (plan, interface) = plan_join(prepared, sandbox, opened)?;
        opened.wear();
        let programs = meter.as_ref().map(|meter| meter.programs());
        let mut ground = Ground { host, sandbox: Some(&mut opened.inside), programs };
        apply_unanswered(&plan, &mut ground).map(|unanswered| (interface, unanswered))
    })
}

/// Waits for what a join left to be waited for. Others have the sandbox and the host in between.
pub(crate) fn await_answers(unanswered: Unanswered, host: &Host, sandbox: &Sandbox) {
    unanswered.wait_by(host, |question| sandbox.with(|opened| question(&mut opened.inside.socket)));
}

/// Where a birth's link is metered, and by what index it is known there; none where that cannot be known
/// beforehand.
pub(crate) fn metered_place(birth: &Birth) -> Option<(Place, u32)> {
    let place = match birth.link.kind {
        LinkKind::Veth { .. } => Place::Host,
        _ => birth.link.born_in?,
    };
    Some((place, birth.link.index?))
}

impl Metered {
    /// Has the link metered before it can receive or send a first packet: before it is brought up, or, where it is
    /// born up, before its other end is.
    fn add_to(&self, birth: &mut Birth, inside: &LinkRef) {
        let Some((place, index)) = metered_place(birth) else { return };
        let link = match place {
            Place::Host => LinkRef::indexed(birth.link.name.clone(), index),
            Place::Sandbox => inside.clone(),
        };
        let steps = stats::steps(self.id, &link, place).steps;
        let is_message = |step: &Step| step.action.is_message();
        let (plan, at) = match (place, birth.link.up) {
            (Place::Host, false) => {
                let at = birth.after.steps.iter().position(is_message).unwrap_or(birth.after.steps.len());
                (&mut birth.after, at)
            }
            _ => (&mut birth.early, 0),
        };
        plan.steps.splice(at..at, steps);
    }
}

/// The plan without the deletion of links, which go by themselves when their namespace goes.
pub(crate) fn without_links(mut plan: Plan) -> Plan {
    plan.steps.retain(|step| !matches!(step.action, Action::DeleteLink(_)));
    plan
}
