//! The bridge behind a network: what makes it, completes it and takes it away.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use ipnet::IpNet;

use super::options::BridgeOptions;
use super::{gone, keys, naming, IpamData, Mark, Options, TYPE};
use crate::driver::subnets::Subnets;
use crate::error::{Error, ErrorKind, Result};
use crate::host::{Host, DYING};
use crate::link::parse::{self, LinkState};
use crate::link::{
    message, AddressSpec, InterfaceName, LinkChange, LinkKind, LinkRef, LinkSpec, MacAddr, Mtu, Place,
    LINK_GROUP,
};
use crate::name::Name;
use crate::plan::{Action, Plan, Step, Undo};

/// A bridge as the kernel has it.
#[derive(Clone, Debug)]
pub(crate) struct Bridge {
    pub(crate) link: LinkRef,
    pub(crate) mac: MacAddr,
    pub(crate) mtu: Mtu,
    pub(crate) multicast_snooping: bool,
}

impl Bridge {
    /// The bridge of that name, which must be there.
    pub(crate) fn find(host: &Host, name: &InterfaceName) -> Result<Self> {
        let state = host.existing_link(name)?;
        no_bridge(&state)
            .map_or(Ok(()), |cause| Err(Error::bad_request("use bridge", name.as_str(), cause)))?;
        Self::of(name, &state)
    }

    fn of(name: &InterfaceName, state: &LinkState) -> Result<Self> {
        Ok(Self {
            link: LinkRef::indexed(name.clone(), state.index),
            // A bridge without a MAC of its own has none while it has no port, and then takes the first one's.
            mac: state.mac.unwrap_or_else(MacAddr::random),
            mtu: Mtu::new(state.mtu)?,
            multicast_snooping: state.multicast_snooping,
        })
    }
}

/// Why a link cannot be used as a bridge; `None` when it is one.
fn no_bridge(state: &LinkState) -> Option<String> {
    let kind = if state.kind.is_empty() { "plain device" } else { &state.kind };
    (kind != "bridge").then(|| format!("a link of that name exists but is no bridge: it is a {kind}"))
}

/// An address of the bridge, which another process may be adding, too.
fn address(link: LinkRef, address: IpNet) -> Step {
    Step::new(Place::Host, Action::AddAddress(AddressSpec { link, address, callers: false })).existing_ok()
}

/// A network that the driver was told of.
pub(super) struct BridgeNetwork {
    pub(super) name: Name,
    pub(super) bridge_name: InterfaceName,
    pub(super) options: BridgeOptions,
    pub(super) subnets: Subnets,
    pub(super) internal: bool,
    /// The gateway addresses that the bridge had not when the driver was told.
    added: Vec<IpNet>,
    /// Looked up when it is first needed.
    bridge: Mutex<Option<Bridge>>,
}

impl BridgeNetwork {
    /// The network, and what its bridge still needs: everything when there is none.
    pub(super) fn plan(
        host: &Host,
        mark: &Mark,
        name: &str,
        options: &Options,
        ipv4: &[IpamData],
        ipv6: &[IpamData],
    ) -> Result<(Self, Plan)> {
        let name = Name::new(name)?;
        let internal = keys::is_internal(options);
        let options: BridgeOptions = keys::parse(TYPE, options)?;
        let subnets = Subnets::new(ipv4, ipv6)?;
        let bridge_name = bridge_name(&name, &options)?;
        let mut network = Self {
            name,
            bridge_name,
            options,
            subnets,
            internal,
            added: Vec::new(),
            bridge: Mutex::default(),
        };
        let plan = match host.link(&network.bridge_name)? {
            Some(state) => network.adoption(host, mark, &state)?,
            None => network.creation(host, mark)?,
        };
        Ok((network, plan))
    }

    /// The bridge, which must be there.
    pub(super) fn bridge(&self, host: &Host) -> Result<Bridge> {
        let mut known = self.bridge.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bridge) = &*known {
            return Ok(bridge.clone());
        }
        let state = host.link(&self.bridge_name)?.ok_or_else(|| gone(&self.bridge_name))?;
        let own = Bridge::of(&self.bridge_name, &state)?;
        let bridge = Bridge { mtu: self.options.mtu.unwrap_or(own.mtu), ..own };
        *known = Some(bridge.clone());
        Ok(bridge)
    }

    fn creation(&mut self, host: &Host, mark: &Mark) -> Result<Plan> {
        let mtu = self.options.mtu.map_or_else(|| host.uplink_mtu(), Ok)?;
        let kind =
            LinkKind::Bridge { multicast_snooping: self.options.multicast_snooping, vlan_default_pvid: 0 };
        let mut bridge = LinkSpec::new(self.bridge_name.clone(), kind);
        let mac = self.options.mac.unwrap_or_else(MacAddr::random);
        bridge.mac = Some(mac);
        // The kernel takes an MTU for the administrator's choice only when it changes; one that is not
        // would follow the ports', which are then walked at every join.
        bridge.mtu = Some(mtu.neighbour());
        let mut plan = Plan::default();
        plan.push(Place::Host, Action::CreateLink(bridge));
        self.prepare(mark, mtu, mac, &mut plan);
        self.complete(&[], &mut plan);
        Ok(plan)
    }

    /// What a new bridge needs before anybody else may take it as it is: that is when it has its alias.
    fn prepare(&self, mark: &Mark, mtu: Mtu, mac: MacAddr, plan: &mut Plan) {
        let link = LinkRef::named(self.bridge_name.clone());
        let mut settings = LinkChange::new(link.clone());
        settings.mtu = Some(mtu);
        settings.alias = Some(mark.network(&self.name));
        // Endpoints are no routers of the host's, whether a firewall says so or not.
        plan.push(Place::Host, Action::IgnoreRouters(link.clone()));
        // The kernel's own link-local address would go through duplicate address detection when the first endpoint
        // comes, and until then the host asks for no neighbour on behalf of others.
        if self.subnets.gateways().any(|gateway| gateway.addr().is_ipv6()) {
            settings.no_link_local = true;
            plan.steps.push(address(link, mac.link_local_net()));
        }
        plan.push(Place::Host, Action::SetLink(settings));
    }

    /// What a bridge with the addresses `there` still needs.
    fn complete(&mut self, there: &[IpNet], plan: &mut Plan) {
        let link = LinkRef::named(self.bridge_name.clone());
        self.added = self.subnets.gateways().filter(|gateway| !there.contains(gateway)).collect();
        plan.steps.extend(self.added.iter().map(|gateway| address(link.clone(), *gateway)));
        let mut up = LinkChange::new(link);
        up.up = Some(true);
        plan.push(Place::Host, Action::SetLink(up));
    }

    /// Takes the bridge as it is, and completes what another process may be about to complete too.
    fn adoption(&mut self, host: &Host, mark: &Mark, state: &LinkState) -> Result<Plan> {
        let taken = |cause: String| {
            Err(Error::new(ErrorKind::AlreadyExists, "use bridge", state.name.as_str()).with_cause(cause))
        };
        if let Some(cause) = no_bridge(state) {
            return taken(cause);
        }
        let ours = mark.network(&self.name);
        let other = state.alias.as_deref().filter(|alias| alias.starts_with(naming::NETWORK_ALIAS));
        if let Some(other) = other.filter(|alias| *alias != ours) {
            return taken(format!("it belongs to another network ({other:?})"));
        }
        // Whoever comes first says what it is for.
        let half_made = naming::is_half_made(state);
        let own = Mtu::new(state.mtu)?;
        let mtu = match self.options.mtu {
            None if half_made => host.uplink_mtu()?,
            Some(wanted) if half_made => wanted,
            Some(wanted) if wanted > own => {
                return taken(format!("its MTU is {own}, less than the network's"))
            }
            _ => own,
        };
        let there = host.addresses_of(state.index)?;
        let there: Vec<_> = there.iter().map(|own| own.address).collect();
        let mut plan = Plan::default();
        if !half_made && state.up && self.subnets.gateways().all(|gateway| there.contains(&gateway)) {
            return Ok(plan);
        }
        if half_made {
            self.prepare(mark, mtu, state.mac.unwrap_or_else(MacAddr::random), &mut plan);
        }
        self.complete(&there, &mut plan);
        if let (true, Some(up)) = (!half_made && !state.up, plan.steps.last_mut()) {
            let mut down = LinkChange::new(LinkRef::named(self.bridge_name.clone()));
            down.up = Some(false);
            up.undo = vec![Undo { place: Place::Host, action: Action::SetLink(down) }];
        }
        Ok(plan)
    }

    /// Deletes the bridge when this library made it for this network, else takes off it the gateways
    /// that this library added.
    pub(super) fn deletion(&self, host: &Host, mark: &Mark) -> Result<Plan> {
        let mut plan = Plan::default();
        let name = &self.bridge_name;
        let Some(state) = host.link(name)? else { return Ok(plan) };
        if naming::is_half_made(&state) {
            // The network is gone; this is what another process is about to make of it anew.
            return Ok(plan);
        }
        let is_ours = state.group == LINK_GROUP && state.alias.as_deref() == Some(&mark.network(&self.name));
        let ports = live_ports(host, mark, &self.name, &state, is_ours)?;
        if ports > 0 {
            let cause = format!("it is in use by {ports} endpoint{}", if ports == 1 { "" } else { "s" });
            return Err(Error::new(ErrorKind::Busy, "delete bridge", name.as_str()).with_cause(cause));
        }
        let link = LinkRef::indexed(name.clone(), state.index);
        if is_ours {
            plan.push(Place::Host, Action::DeleteLink(link));
            return Ok(plan);
        }
        // Those that the kernel remembers as this library's, and those of this handle.
        let ours = |own: &parse::AddressState| own.ours || self.added.contains(&own.address);
        for own in host.addresses_of(state.index)?.into_iter().filter(ours) {
            let spec = AddressSpec { link: link.clone(), address: own.address, callers: false };
            plan.steps.push(Step::new(Place::Host, Action::DeleteAddress(spec)));
        }
        Ok(plan)
    }
}

pub(super) fn bridge_name(network: &Name, options: &BridgeOptions) -> Result<InterfaceName> {
    if let Some(name) = &options.bridge {
        return Ok(name.clone());
    }
    InterfaceName::new(&format!("br-{network}")).map_err(|error| {
        error.with_cause("the network's name is too long for a bridge's: choose one with `bridge`")
    })
}

/// How many ports keep the bridge in use: on a bridge of ours any, on another the network's own.
///
/// A sandbox that was destroyed a moment ago is still there for a grace period of the kernel's; that
/// is waited for.
fn live_ports(host: &Host, mark: &Mark, network: &Name, bridge: &LinkState, is_ours: bool) -> Result<usize> {
    let is_of_network = |link: &LinkState| {
        let of = link.alias.as_deref().and_then(|alias| mark.parse(alias));
        of.is_some_and(|(of, endpoint)| endpoint.is_some() && of == *network)
    };
    let begin = Instant::now();
    loop {
        let mut live = 0;
        let links = host.socket().dump(&message::list_ports(bridge.index))?;
        for link in links.iter().filter_map(parse::link).filter(|link| link.master == Some(bridge.index)) {
            live += usize::from((is_ours || is_of_network(&link)) && !host.is_dying(&link));
        }
        if live == 0 || begin.elapsed() > DYING {
            return Ok(live);
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}
