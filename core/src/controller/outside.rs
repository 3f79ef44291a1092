//! A network's and an endpoint's part of the firewall, as it follows from what is recorded of them.

use std::sync::atomic::{AtomicBool, Ordering};

use super::active::Active;
use super::elements::{bereft, change, port_entries, senders, unknowing};
use super::forwarding;
use super::networks::for_driver;
use super::publish::refuse_without_firewall;
use super::record::EndpointRecord;
use super::{Controller, FirewallMode, GatewayMode, NetworkConfig, PortMapping};
use crate::driver::{bridge, naming, routed, Options};
use crate::error::{Error, ErrorKind, Result};
use crate::link::parse::{self, LinkState};
use crate::link::{message, InterfaceName, LinkChange, LinkRef, Place, LEAVING_GROUP, LINK_GROUP};
use crate::name::{fnv1a, Name};
use crate::network::engine::{Device, Prepared};
use crate::nft::{Change, Element, Entry, NetworkRules, Owner};
use crate::plan::{Action, Plan, Step};

/// How often others may change the firewall while its tables are about to be removed.
const TRIES: usize = 5;

/// That the firewall is missing is said once.
#[derive(Default)]
pub(super) struct Outside {
    said: AtomicBool,
}

impl Controller {
    /// Makes the network's part of the tables, or brings it up to date; whether it is there. It needs no link, so
    /// that nothing else is made of a network that cannot have it. One that can do without and has to goes on.
    pub(super) fn raise_firewall(&self, config: &NetworkConfig) -> Result<bool> {
        if !config.has_firewall() {
            return Ok(false);
        }
        let mut plan = Plan::default();
        plan.push(Place::Host, Action::ChangeFirewall(self.network_changes(config)));
        self.or_without(config, self.carry_out(&plan))
    }

    /// What the host does for the network besides the tables, once its links are there.
    pub(super) fn open_up(&self, config: &NetworkConfig) -> Result<()> {
        if !config.is_forwarded() {
            return Ok(());
        }
        let mut plan = Plan::default();
        if let Some(bridge) = self.bridge_of(config)? {
            plan.steps.extend(forwarding::of_link(config, &bridge.link, bridge.is_ours).steps);
        }
        let opened = self.carry_out(&plan).and_then(|()| self.forward(config));
        let opened = opened.and_then(|()| self.shut_to_others(config));
        self.or_without(config, opened).map(drop)
    }

    fn shut_to_others(&self, config: &NetworkConfig) -> Result<()> {
        let opened = self.opened()?;
        match opened.is_empty() || !config.has_firewall() {
            true => Ok(()),
            false => self.host.with_firewall(|firewall| firewall.commit(&[Change::Keep(opened)])),
        }
    }

    /// Whether it could be done; that it cannot be done here is no error of a network that can do without.
    fn or_without(&self, config: &NetworkConfig, done: Result<()>) -> Result<bool> {
        match done {
            Err(error) if is_missing(&error) && config.firewall.mode == FirewallMode::Optional => {
                if !self.outside.said.swap(true, Ordering::Relaxed) {
                    log::warn!("networks do without a firewall: {error}");
                }
                Ok(false)
            }
            Err(error) => Err(error.within("raise firewall", format!("of {}", config.name))),
            Ok(()) => Ok(true),
        }
    }

    /// The bridge of a bridge network, as far as it is there.
    pub(super) fn bridge_of(&self, config: &NetworkConfig) -> Result<Option<OwnBridge>> {
        let Some(name) = own_bridge(config) else { return Ok(None) };
        let state = self.host.link(&name)?;
        Ok(state.map(|state| OwnBridge {
            is_ours: state.group == LINK_GROUP,
            link: LinkRef::indexed(name, state.index),
        }))
    }

    /// What a transaction has to say of the network; the same again changes nothing.
    pub(super) fn network_changes(&self, config: &NetworkConfig) -> Vec<Change> {
        let mut changes = vec![Change::Table];
        if config.network_type == bridge::TYPE && config.firewall.anti_spoofing {
            changes.push(Change::BridgeTable);
        }
        changes.push(Change::Renew(self.rules(config)));
        changes.push(Change::Keep(self.network_elements(config)));
        changes
    }

    fn rules(&self, config: &NetworkConfig) -> NetworkRules {
        NetworkRules {
            key: self.key(&config.name),
            owner: self.owner(&config.name, None),
            icc: config.firewall.icc && !bridge::isolates(&config.options),
            internal: config.is_closed(),
            isolate: config.firewall.isolate,
            routed: config.firewall.gateway_mode == GatewayMode::Routed,
            hairpin: config.subnets.iter().map(|subnet| subnet.subnet).collect(),
        }
    }

    /// By this word the chains of a network are known.
    pub(super) fn key(&self, network: &Name) -> String {
        format!("n{:012x}", fnv1a(&format!("{:08x}/{network}", self.mark.number())) >> 16)
    }

    fn owner(&self, network: &Name, endpoint: Option<&Name>) -> Owner {
        Owner {
            mark: self.mark.number(),
            network: network.to_string(),
            endpoint: endpoint.map(ToString::to_string),
        }
    }

    /// What a network has in the sets and maps besides its endpoints.
    pub(super) fn network_elements(&self, config: &NetworkConfig) -> Vec<Element> {
        let mut entries = Vec::new();
        if let Some(name) = own_bridge(config) {
            entries.push(Entry::Interface { name, key: self.key(&config.name) });
        }
        let firewall = &config.firewall;
        let leaves = !config.is_closed() && firewall.gateway_mode == GatewayMode::Nat;
        for subnet in config.subnets.iter().map(|subnet| subnet.subnet).filter(|_| leaves) {
            let source = firewall.source.iter().find(|source| source.is_ipv6() == subnet.addr().is_ipv6());
            match source {
                Some(source) => entries.push(Entry::Source { subnet, source: *source }),
                None if firewall.masquerade => entries.push(Entry::Masquerade(subnet)),
                None => {}
            }
        }
        let owner = self.owner(&config.name, None);
        entries.into_iter().map(|entry| Element { owner: owner.clone(), entry }).collect()
    }

    /// What an endpoint of that network has in the sets and maps.
    pub(super) fn endpoint_elements(
        &self,
        config: &NetworkConfig,
        record: &EndpointRecord,
    ) -> Result<Vec<Element>> {
        if !config.has_firewall() {
            return Ok(Vec::new());
        }
        let (name, _) = naming::link_names(&record.network, &record.config.name)?;
        let mut entries = Vec::new();
        if config.network_type == routed::TYPE {
            entries.push(Entry::Interface { name: name.clone(), key: self.key(&config.name) });
        }
        if config.firewall.anti_spoofing {
            entries.extend(senders(config, record, &name));
        }
        let mut elements = self.owned_by(record, entries);
        elements.extend(self.port_elements(config, record, &record.ports));
        Ok(elements)
    }

    /// Of them those of its `ports`.
    pub(super) fn port_elements(
        &self,
        config: &NetworkConfig,
        record: &EndpointRecord,
        ports: &[PortMapping],
    ) -> Vec<Element> {
        self.owned_by(record, port_entries(config, record, ports))
    }

    fn owned_by(&self, record: &EndpointRecord, entries: impl IntoIterator<Item = Entry>) -> Vec<Element> {
        let owner = self.owner(&record.network, Some(&record.config.name));
        entries.into_iter().map(|entry| Element { owner: owner.clone(), entry }).collect()
    }

    /// Has the endpoint's part of the firewall be there before its link can send.
    pub(super) fn admit(
        &self,
        active: &Active,
        record: &EndpointRecord,
        prepared: &mut Prepared,
    ) -> Result<()> {
        refuse_without_firewall(active, &record.ports)?;
        if !active.has_firewall {
            return Ok(());
        }
        prepared.outside = self.admission(&active.config, record)?.steps;
        if let Device::Born(birth) = &mut prepared.device {
            let link = LinkRef { name: birth.link.name.clone(), index: birth.link.index };
            birth.after.steps.extend(reach(&active.config, &record.ports, link).steps);
        }
        Ok(())
    }

    /// The elements of an endpoint, and the flows that are in the way of its ports.
    pub(super) fn admission(&self, config: &NetworkConfig, record: &EndpointRecord) -> Result<Plan> {
        let elements = self.endpoint_elements(config, record)?;
        // A port that is there is somebody else's. The rest can be left of the endpoint's own former life.
        let (open, own): (Vec<_>, Vec<_>) = elements.into_iter().partition(|own| own.entry.is_port());
        Ok(change(vec![Change::Keep(own), Change::Add(open)], unknowing(config, record, &record.ports)))
    }

    /// The options of the endpoint's driver. A port of a bridge on which frames are filtered as packets
    /// (br_netfilter) has to send those back that a container sends to itself by the host's address.
    pub(super) fn options_of(&self, active: &Active, record: &EndpointRecord) -> Options {
        match active.config.network_type == bridge::TYPE && !record.ports.is_empty() {
            true => with_hairpin(record),
            false => active.options_told(record).into_owned(),
        }
    }

    /// Takes the endpoints' parts of the firewall away; what is gone is no error. Links that are still there, for a
    /// process that stays inside, are shut first.
    pub(super) fn dismiss(&self, records: &[&EndpointRecord]) -> Result<()> {
        let (mut elements, mut lasting, mut unknown) = (Vec::new(), Vec::new(), Vec::new());
        let mut shut = Plan::default();
        for record in records {
            match self.definition(&record.network) {
                Ok((config, _)) => {
                    shut.steps
                        .extend(self.shut(&config, record)?.map(|action| Step::new(Place::Host, action)));
                    elements.extend(self.endpoint_elements(&config, record)?);
                    lasting.extend(bereft(&config, record, &record.ports));
                }
                Err(_) => unknown.push(self.owner(&record.network, Some(&record.config.name))),
            }
        }
        let mut failures = Vec::new();
        failures.extend(self.apply(&shut).err());
        let dismissed = self.carry_out(&change(vec![Change::Delete(elements)], lasting));
        failures.extend(tolerate_missing(dismissed).err());
        if !unknown.is_empty() {
            failures.extend(self.dismiss_all(|owner| unknown.contains(owner), None).err());
        }
        Error::first_of(failures)
    }

    /// What has the firewall let nothing in by the endpoint's link any more, as far as that is there.
    fn shut(&self, config: &NetworkConfig, record: &EndpointRecord) -> Result<Option<Action>> {
        if !config.has_firewall() || !record.has_devices() {
            return Ok(None);
        }
        let (network, endpoint) = (&record.network, &record.config.name);
        let (name, _) = naming::link_names(network, endpoint)?;
        let link = self.host.link(&name)?.filter(|link| self.mark.is_endpoint(link, network, endpoint));
        Ok(link.map(|link| {
            let mut change = LinkChange::new(LinkRef::indexed(name, link.index));
            change.group = Some(LEAVING_GROUP);
            if config.network_type == routed::TYPE {
                (change.ipv4_forwarding, change.route_localnet) = (Some(false), Some(false));
            }
            Action::SetLink(change)
        }))
    }

    /// Takes away what says that it is the endpoint's.
    pub(super) fn dismiss_owned(&self, record: &EndpointRecord) -> Result<()> {
        if record.ports.is_empty() {
            return Ok(());
        }
        let own = self.owner(&record.network, Some(&record.config.name));
        self.dismiss_all(|owner| *owner == own, None)
    }

    /// Takes all elements away whose owner is such a one, and with them what else is to go.
    fn dismiss_all(&self, is_such: impl Fn(&Owner) -> bool, and: Option<Change>) -> Result<()> {
        tolerate_missing(self.host.with_firewall(|firewall| {
            let Some(state) = firewall.state()? else { return Ok(()) };
            let elements = state.elements.into_iter().filter(|element| is_such(&element.owner)).collect();
            let changes: Vec<_> = [Change::Delete(elements)].into_iter().chain(and).collect();
            firewall.commit(&changes)
        }))
    }

    /// Takes away what the network has in the firewall, with all that its endpoints have left.
    pub(super) fn lower_firewall(&self, network: &Name) -> Result<()> {
        let own = self.owner(network, None);
        let is_ours = |owner: &Owner| owner.mark == own.mark && owner.network == own.network;
        self.dismiss_all(is_ours, Some(Change::DeleteNetwork { key: self.key(network) }))?;
        match self.definition(network) {
            Ok((config, _)) => self.leave_bridge(&config),
            Err(_) => Ok(()),
        }
    }

    /// Removes the tables when no network is in them any more, and switches forwarding off where it was on for
    /// them.
    pub(super) fn remove_firewall_if_last(&self) -> Result<()> {
        let mut others = false;
        for _ in 0..TRIES {
            let mut seen = None;
            tolerate_missing(self.host.with_firewall(|firewall| {
                let generation = firewall.generation()?;
                seen = firewall.state()?.map(|state| (generation, state));
                Ok(())
            }))?;
            let Some((generation, state)) = seen else { break };
            if !state.networks.is_empty() {
                others = state.networks.iter().any(|own| own.owner.mark != self.mark.number());
                break;
            }
            self.end_leaving()?;
            // Nothing keeps others out of what another store has opened either.
            self.store.write(|tx| forwarding::remember_opened(tx, &self.host, &state.elements))?;
            let tables = [Change::DeleteTables];
            // Unless somebody else changed the firewall in between.
            if self.host.with_firewall(|firewall| firewall.commit_if(generation, &tables))? {
                break;
            }
        }
        // Another store's networks need it, which found it on.
        match !others && self.forwards_in_vain()? {
            true => self.forward_no_more(),
            false => Ok(()),
        }
    }

    /// Deletes the links of destroyed sandboxes that live on, of whatever store: nothing will shut them any more.
    fn end_leaving(&self) -> Result<()> {
        let links = self.host.socket().dump(&message::list_links())?;
        let has_left = |link: &LinkState| {
            let alias = link.alias.as_deref().unwrap_or_default();
            link.group == LEAVING_GROUP && alias.starts_with(naming::NETWORK_ALIAS)
        };
        let mut plan = Plan::default();
        for link in links.iter().filter_map(parse::link).filter(has_left) {
            if !self.host.is_dying(&link) {
                let link = LinkRef::indexed(InterfaceName::new(&link.name)?, link.index);
                plan.push(Place::Host, Action::DeleteLink(link));
            }
        }
        self.apply(&plan)
    }

    /// Whether forwarding is on for networks of which there are none any more.
    pub(super) fn forwards_in_vain(&self) -> Result<bool> {
        if !self.has_forwarded()? {
            return Ok(false);
        }
        let networks = self.definitions.list::<NetworkConfig>()?;
        let needs = |config: &NetworkConfig| config.is_forwarded() && !config.is_closed();
        // One that cannot be read may need it.
        Ok(!networks.iter().any(|(_, config)| config.as_ref().map_or(true, needs)))
    }
}

pub(super) fn tolerate_missing(result: Result<()>) -> Result<()> {
    match result {
        Err(error) if is_missing(&error) => Ok(()),
        result => result,
    }
}

/// What the endpoint's own link in the host needs besides the elements.
pub(super) fn reach(config: &NetworkConfig, ports: &[PortMapping], link: LinkRef) -> Plan {
    match config.network_type == routed::TYPE && !ports.is_empty() {
        true => forwarding::by_loopback(config, link),
        false => Plan::default(),
    }
}

fn with_hairpin(record: &EndpointRecord) -> Options {
    let mut options = record.config.options.clone();
    options.entry("hairpin".to_owned()).or_insert_with(|| true.into());
    options
}

/// What an endpoint that had no ports needs of its own link to reach itself by one, see [`Controller::options_of`].
pub(super) fn reach_itself(config: &NetworkConfig, record: &EndpointRecord, link: LinkRef) -> Result<Plan> {
    let mut plan = Plan::default();
    // The links of an endpoint that its caller moves are as its caller leaves them.
    if config.network_type == bridge::TYPE && record.joined.is_some() {
        let mut change = LinkChange::new(link);
        change.port = Some(bridge::port(&for_driver(config).0, &with_hairpin(record))?);
        plan.push(Place::Host, Action::SetLink(change));
    }
    Ok(plan)
}

/// A bridge that a network has, or has adopted.
pub(super) struct OwnBridge {
    pub(super) link: LinkRef,
    /// This library has made it, and it goes with the network.
    pub(super) is_ours: bool,
}

/// What the bridge of a bridge network is called.
fn own_bridge(config: &NetworkConfig) -> Option<InterfaceName> {
    if config.network_type != bridge::TYPE {
        return None;
    }
    bridge::name_of(&config.name, &config.options).and_then(|name| InterfaceName::new(&name).ok())
}

/// Whether the firewall cannot be had here at all.
fn is_missing(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::NotImplemented | ErrorKind::PermissionDenied | ErrorKind::Unsupported)
}
