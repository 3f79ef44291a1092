//! The bridge behind a network: made or found, and given up.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use ipnet::IpNet;

use super::options::NetworkOptions;
use crate::driver::bridge::{self as driver, Bridge};
use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;
use crate::link::parse::{self, LinkState};
use crate::link::{
    message, AddressSpec, InterfaceName, LinkChange, LinkRef, MacAddr, Mtu, Place, LINK_GROUP,
};
use crate::name::Name;
use crate::plan::{apply, Action, Ground, Plan, Step, Undo};

/// How often the bridge may be taken away by another process between being made and being looked at.
const TRIES: usize = 4;
/// How long a sandbox that was destroyed may take to begin to die.
const DYING: Duration = Duration::from_millis(250);
/// How long the kernel may take for a namespace that is dying; many at once take longer.
const DEAD: Duration = Duration::from_secs(10);

/// Makes the bridge when it is missing, brings it up and gives it its gateway addresses.
pub(super) fn ensure(host: &Host, network: &Name, options: &NetworkOptions) -> Result<Bridge> {
    let name = bridge_name(network, options)?;
    for _ in 0..TRIES {
        if let Some(state) = host.link(&name)? {
            return adopt(host, network, &state, options);
        }
        match create(host, network, &name, options) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            result => result?,
        }
    }
    Err(Error::new(ErrorKind::Busy, "create bridge", name.as_str())
        .with_cause("another process keeps deleting it"))
}

fn bridge_name(network: &Name, options: &NetworkOptions) -> Result<InterfaceName> {
    if let Some(name) = &options.bridge {
        return Ok(name.clone());
    }
    InterfaceName::new(&format!("br-{network}")).map_err(|error| {
        error.with_cause("the network's name is too long for a bridge's: choose one with `bridge`")
    })
}

fn create(host: &Host, network: &Name, name: &InterfaceName, options: &NetworkOptions) -> Result<()> {
    let mac = options.mac.unwrap_or_else(MacAddr::random);
    let mtu = wanted_mtu(host, options)?;
    let ground = &mut Ground { host, sandbox: None };
    apply(&driver::create(name, mac, mtu, options.multicast_snooping), ground)?;
    apply(&completion(network, name, Some(mtu), &[], options), ground).map_err(|error| {
        let mut plan = Plan::default();
        plan.push(Place::Host, Action::DeleteLink(LinkRef::named(name.clone())));
        let undone = apply(&plan, ground);
        error.with_rollback(undone.err().into_iter().collect())
    })
}

fn wanted_mtu(host: &Host, options: &NetworkOptions) -> Result<Mtu> {
    options.mtu.map_or_else(|| uplink_mtu(host), Ok)
}

/// What a bridge with the addresses `there` still needs; an MTU for one that is new.
fn completion(
    network: &Name,
    name: &InterfaceName,
    mtu: Option<Mtu>,
    there: &[IpNet],
    options: &NetworkOptions,
) -> Plan {
    let mut plan = Plan::default();
    if let Some(mtu) = mtu {
        plan.push(Place::Host, Action::SetLink(driver::settings(network, name, mtu)));
    }
    for address in options.gateways().filter(|gateway| !there.contains(gateway)) {
        let spec = AddressSpec { link: LinkRef::named(name.clone()), address };
        plan.steps.push(Step::new(Place::Host, Action::AddAddress(spec)).existing_ok());
    }
    let mut up = LinkChange::new(LinkRef::named(name.clone()));
    up.up = Some(true);
    plan.push(Place::Host, Action::SetLink(up));
    plan
}

/// Takes the bridge as it is, and completes what another process may be about to complete too.
fn adopt(host: &Host, network: &Name, state: &LinkState, options: &NetworkOptions) -> Result<Bridge> {
    let taken = |cause: String| {
        Err(Error::new(ErrorKind::AlreadyExists, "use bridge", state.name.as_str()).with_cause(cause))
    };
    if state.kind != "bridge" {
        let kind = if state.kind.is_empty() { "plain device" } else { &state.kind };
        return taken(format!("a link of that name exists but is no bridge: it is a {kind}"));
    }
    let ours = driver::alias(network);
    if let Some(other) =
        state.alias.as_deref().filter(|alias| alias.starts_with("libnetns network=") && *alias != ours)
    {
        return taken(format!("it belongs to another network ({other:?})"));
    }
    // Whoever comes first says what it is for.
    let half_made = is_half_made(state);
    let mtu = if half_made { wanted_mtu(host, options)? } else { Mtu::new(state.mtu)? };
    // A bridge without a MAC of its own has none while it has no port, and then takes the first one's.
    let mac = state.mac.unwrap_or_else(MacAddr::random);
    if options.mtu.is_some_and(|wanted| wanted > mtu) {
        return taken(format!("its MTU is {mtu}, less than the network's"));
    }
    let name = InterfaceName::new(&state.name)?;
    let there: Vec<_> = host
        .socket()
        .dump(&message::list_addresses())?
        .iter()
        .filter_map(parse::address)
        .filter(|own| own.index == state.index)
        .map(|own| own.address)
        .collect();
    let was_down = !half_made && !state.up;
    if half_made || !state.up || !options.gateways().all(|gateway| there.contains(&gateway)) {
        let mut plan = completion(network, &name, half_made.then_some(mtu), &there, options);
        if let (true, Some(up)) = (was_down, plan.steps.last_mut()) {
            let mut down = LinkChange::new(LinkRef::named(name.clone()));
            down.up = Some(false);
            up.undo = vec![Undo { place: Place::Host, action: Action::SetLink(down) }];
        }
        apply(&plan, &mut Ground { host, sandbox: None })?;
    }
    Ok(Bridge {
        added: options.gateways().filter(|gateway| !there.contains(gateway)).collect(),
        link: LinkRef::indexed(name, state.index),
        mac,
        mtu: options.mtu.unwrap_or(mtu),
        multicast_snooping: state.multicast_snooping,
    })
}

/// Whether a process has just made the bridge and not yet said what for.
fn is_half_made(bridge: &LinkState) -> bool {
    bridge.group == LINK_GROUP && bridge.alias.is_none()
}

/// The lowest MTU of the interfaces that carry a default route, so that nothing has to be
/// fragmented on the way out; 1500 where there is none.
fn uplink_mtu(host: &Host) -> Result<Mtu> {
    let mut socket = host.socket();
    let mut routes = socket.dump(&message::list_routes(false))?;
    routes.extend(socket.dump(&message::list_routes(true))?);
    let uplinks: HashSet<_> = routes
        .iter()
        .filter_map(parse::route)
        .filter(|route| route.destination.prefix_len() == 0)
        .map(|route| route.index)
        .collect();
    drop(socket);
    let mut lowest = None;
    for index in uplinks {
        let mtu = host.link_at(index)?.and_then(|link| Mtu::new(link.mtu).ok());
        lowest = lowest.into_iter().chain(mtu).min();
    }
    Ok(lowest.unwrap_or(Mtu::ETHERNET))
}

/// Deletes the bridge when this library made it for `network`, else takes off it the gateways
/// that this library added.
pub(super) fn delete(host: &Host, network: &Name, bridge: &Bridge) -> Result<()> {
    let name = &bridge.link.name;
    let Some(state) = host.link(name)? else {
        return Ok(());
    };
    if is_half_made(&state) {
        // The network is gone; this is what another process is about to make of it anew.
        return Ok(());
    }
    let is_ours = state.group == LINK_GROUP && state.alias.as_deref() == Some(&driver::alias(network));
    let ports = live_ports(host, network, &state, is_ours)?;
    if ports > 0 {
        return Err(Error::new(ErrorKind::Busy, "delete bridge", name.as_str())
            .with_cause(format!("it is in use by {ports} endpoint{}", if ports == 1 { "" } else { "s" })));
    }
    let mut plan = Plan::default();
    if is_ours {
        plan.push(Place::Host, Action::DeleteLink(LinkRef::indexed(name.clone(), state.index)));
    } else {
        for address in gateways_of_ours(host, bridge, state.index)? {
            let spec = AddressSpec { link: LinkRef::indexed(name.clone(), state.index), address };
            plan.steps.push(Step::new(Place::Host, Action::DeleteAddress(spec)));
        }
    }
    match apply(&plan, &mut Ground { host, sandbox: None }) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

/// The addresses of the bridge that this library added: those that the kernel remembers as such, and
/// those of this handle.
fn gateways_of_ours(host: &Host, bridge: &Bridge, index: u32) -> Result<Vec<IpNet>> {
    let addresses = host.socket().dump(&message::list_addresses())?;
    let on_bridge = addresses.iter().filter_map(parse::address).filter(|own| own.index == index);
    let ours = on_bridge.filter(|own| own.ours || bridge.added.contains(&own.address));
    Ok(ours.map(|own| own.address).collect())
}

/// How many ports keep the bridge in use: on a bridge of ours any, on another the network's own.
///
/// A sandbox that was destroyed a moment ago is still there for a grace period of the kernel's; that
/// is waited for.
fn live_ports(host: &Host, network: &Name, bridge: &LinkState, is_ours: bool) -> Result<usize> {
    let of_network = format!("{} endpoint=", driver::alias(network));
    let begin = Instant::now();
    loop {
        let mut live = 0;
        let links = host.socket().dump(&message::list_ports(bridge.index))?;
        for link in links.iter().filter_map(parse::link).filter(|link| link.master == Some(bridge.index)) {
            let counts = is_ours || link.alias.as_deref().is_some_and(|alias| alias.starts_with(&of_network));
            live += usize::from(counts && !is_dying(host, &link));
        }
        if live == 0 || begin.elapsed() > DYING {
            return Ok(live);
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Waits for the pair of an endpoint whose sandbox was destroyed a moment ago. False when the
/// endpoint is there to stay, or its name is somebody else's.
pub(super) fn await_former_life(host: &Host, network: &Name, endpoint: &Name) -> Result<bool> {
    let (name, _) = driver::link_names(network, endpoint)?;
    let begin = Instant::now();
    loop {
        let Some(link) = host.link(&name)? else { return Ok(true) };
        let is_ours = driver::is_endpoint(&link, network, endpoint);
        let patience = if is_dying(host, &link) { DEAD } else { DYING };
        if !is_ours || link.peer_namespace.is_none() || begin.elapsed() > patience {
            return Ok(false);
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Whether the namespace of the link's other end is being taken down, and the link with it.
fn is_dying(host: &Host, link: &LinkState) -> bool {
    let Some(number) = link.peer_namespace else {
        return false;
    };
    let answer = host.socket().get(&message::get_loopback_of(number));
    answer.is_err_and(|error| error.errno() == Some(libc::EINVAL))
}
