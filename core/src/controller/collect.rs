//! What processes that are gone left half done, found and put right.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::active::Active;
use super::finding::{Collected, Finding, FindingKind};
use super::join::is_there;
use super::record::{EndpointRecord, Joined, Linked, SandboxRecord};
use super::{given, moved, reserved, Controller, NetworkConfig};
use crate::driver::{has_host_link, is_builtin, naming, WITHOUT_ADDRESSES};
use crate::error::{Error, ErrorKind, Result};
use crate::events::{self, EventKind};
use crate::host::DYING;
use crate::link::parse::{self, LinkState, ProxyState};
use crate::link::{message, InterfaceName, LinkRef, Place, ProxySpec, LEAVING_GROUP, LINK_GROUP};
use crate::name::Name;
use crate::network::engine;
use crate::plan::{Action, Plan};
use crate::plugin::client::{is_unreachable, Operation};
use crate::sandbox::SandboxKey;
use crate::store::GateGuard;
use crate::sys::{remove_file, Namespace};

impl Controller {
    /// Finds what processes that are gone left half done, or left although it should have gone with
    /// them, and puts it right: links, namespaces, mounts, bridges, leases, files. What others made, and
    /// what processes that are alive are about to do, is left alone.
    ///
    /// What was finished stays, unless its [`Lifetime`](super::Lifetime) says otherwise. What could not
    /// be put right is in the findings, with the error, and does not keep the rest.
    ///
    /// # Errors
    /// Those of reading the store and the kernel's tables.
    pub fn collect(&self) -> Result<Collected> {
        self.survey(false)
    }

    /// What [`Controller::collect`] would find now, with nothing changed.
    ///
    /// # Errors
    /// Those of [`Controller::collect`].
    pub fn plan_collect(&self) -> Result<Collected> {
        self.survey(true)
    }

    fn survey(&self, dry_run: bool) -> Result<Collected> {
        let _operation = Operation::begin();
        let mut run = Run { controller: self, dry_run, findings: Vec::new() };
        run.sandboxes()?;
        let links: Vec<_> = {
            let links = self.host.socket().dump(&message::list_links())?;
            links.iter().filter_map(parse::link).collect()
        };
        let records = self.store.read(EndpointRecord::all)?;
        run.endpoints(&records, &links)?;
        run.links(&records, &links)?;
        run.reserved()?;
        run.proxies()?;
        run.counters()?;
        run.firewall()?;
        run.files()?;
        let findings = run.findings;
        if !findings.is_empty() && !dry_run {
            self.tell(EventKind::Collected, None, None, None);
        }
        for finding in &findings {
            log::info!("collect: {finding}");
        }
        Ok(Collected { findings })
    }

    /// [`Controller::discard_stale`] of all networks whose endpoints may have what this one wants; of other networks only
    /// where nobody is to be asked, and what fails there is not this one's affair.
    pub(super) fn discard_in_the_way(&self, record: &EndpointRecord) -> Result<bool> {
        let mut found = self.discard_stale(&record.network)?;
        let mut networks = BTreeSet::new();
        if !record.config.ports.is_empty() {
            let others = self.store.read(EndpointRecord::all)?.into_iter();
            networks.extend(others.filter(|other| !other.ports.is_empty()).map(|other| other.network));
        }
        networks.remove(&record.network);
        for network in &networks {
            match self.is_plain(network).and_then(|is_plain| Ok(is_plain && self.discard_stale(network)?)) {
                Ok(discarded) => found |= discarded,
                Err(error) => log::warn!("{error}"),
            }
        }
        Ok(found)
    }

    /// Removes the endpoints of a network whose sandboxes or devices are gone, with all that is left of them. False when
    /// there are none.
    pub(super) fn discard_stale(&self, network: &Name) -> Result<bool> {
        let network_type = self.definition(network).ok().map(|(config, _)| config.network_type);
        let mut stale = Vec::new();
        {
            let _gate = self.gate.enter()?;
            for record in self.store.read(|tx| EndpointRecord::of_network(tx, network))? {
                if self.is_stale(&record, network_type.as_deref())? {
                    stale.push(record);
                }
            }
        }
        let mut found = false;
        for record in stale {
            found |= self.discard(&record, || self.is_stale(&record, network_type.as_deref()))?;
        }
        Ok(found)
    }

    fn is_stale(&self, record: &EndpointRecord, network_type: Option<&str>) -> Result<bool> {
        let is_gone = |joined: &Joined| !is_there(joined) && !self.is_elsewhere(record, joined);
        if record.attended.is_some() {
            return Ok(record.abandoned().is_some_and(|attended| attended.ends));
        }
        let is_stale = record.transient && record.joined.as_ref().is_some_and(is_gone);
        let is_lost = |linked| {
            let look_up = |name: &InterfaceName| self.host.link(name);
            self.whats_wrong_with_linked(record, linked, network_type, look_up)
        };
        let is_lost = record.linked.as_ref().map(is_lost).transpose()?.flatten().is_some();
        Ok(is_stale || is_lost || record.is_orphan())
    }

    /// Whether the endpoint may be in a sandbox that another mount namespace sees.
    fn is_elsewhere(&self, record: &EndpointRecord, joined: &Joined) -> bool {
        joined.mounts != self.mounts && (record.owner.is_alive() || self.lives_unseen(record, joined))
    }

    /// Whether the namespace lives by what is seen of it without its mount: the endpoint's other end in the host, or a
    /// process inside. Who joined it may have been a server that is gone, as its containers are not.
    fn lives_unseen(&self, record: &EndpointRecord, joined: &Joined) -> bool {
        let host_end = naming::link_names(&record.network, &record.config.name);
        match host_end.and_then(|(host_end, _)| self.host.link(&host_end)) {
            Ok(Some(link)) => link.alias.is_some() && !self.host.is_dying(&link),
            Ok(None) => {
                let found = Namespace::find(&HashSet::from([joined.life.numbers()]));
                found.values().any(|namespace| namespace.life().is_ok_and(|life| life == joined.life))
            }
            // What cannot be known is not taken away.
            Err(_) => true,
        }
    }

    /// The gate, and the network of an endpoint that is to part, while that is recorded so and `still` is so.
    fn alone_with(
        &self,
        record: &EndpointRecord,
        still: impl FnOnce() -> Result<bool>,
    ) -> Result<Option<(GateGuard<'_>, Option<Arc<Active>>)>> {
        let active = self.parting(record)?;
        let gate = self.gate.enter()?;
        let same = self.find(&record.network, &record.config.name)?.as_ref() == Some(record);
        let is_still = same && self.is_current(&record.network, active.as_deref())? && still()?;
        Ok(is_still.then_some((gate, active)))
    }

    /// Takes the endpoint out of its sandbox, if that is there, and removes it, if it is still recorded so and `still`
    /// is so behind the gate.
    fn discard(&self, record: &EndpointRecord, still: impl FnOnce() -> Result<bool>) -> Result<bool> {
        let Some((gate, active)) = self.alone_with(record, still)? else { return Ok(false) };
        let active = active.as_deref();
        if let Some(active) = active.filter(|active| active.acts_by_itself()) {
            if !self.part_alone(gate, active, record, true)? {
                return Ok(false);
            }
        } else {
            let mut parted = record.clone();
            // Whether its ports became its own is not known: what is another's under the same key stays.
            self.dismiss_owned(record)?;
            parted.ports.clear();
            self.detach(&mut parted, active, false)?;
            parted.ports.clone_from(&record.ports);
            self.remove(&parted, active)?;
            drop(gate);
            active.inspect(|active| self.give_all_back_elsewhere(active, record));
        }
        self.tell_parted(record, true);
        Ok(true)
    }
}

pub(super) struct Run<'a> {
    pub(super) controller: &'a Controller,
    pub(super) dry_run: bool,
    findings: Vec<Finding>,
}

impl Run<'_> {
    /// Notes what was found, and puts it right with `repair`, alone with store and kernel. `repair` looks
    /// again, and says whether it is still so.
    pub(super) fn found(
        &mut self,
        kind: FindingKind,
        object: impl fmt::Display,
        reason: &str,
        repair: impl FnOnce(&Controller) -> Result<bool>,
    ) {
        let _ = self.found_alone(kind, object, reason, |controller| {
            let _gate = controller.gate.enter()?;
            repair(controller)
        });
    }

    /// As [`Run::found`], with a `repair` that takes the gate itself.
    fn found_alone(
        &mut self,
        kind: FindingKind,
        object: impl fmt::Display,
        reason: &str,
        repair: impl FnOnce(&Controller) -> Result<bool>,
    ) -> Option<Error> {
        let mut error = None;
        if !self.dry_run {
            match repair(self.controller) {
                Ok(true) => {}
                Ok(false) => return None,
                Err(failure) => error = Some(failure),
            }
        }
        let text = error.as_ref().map(ToString::to_string);
        let finding = Finding { kind, object: object.to_string(), reason: reason.to_owned(), error: text };
        self.findings.push(finding);
        error
    }

    /// Sandboxes that should have gone with their makers, and what is left of those that are gone.
    fn sandboxes(&mut self) -> Result<()> {
        for record in SandboxRecord::all(&self.controller.notes)? {
            let mounted = Namespace::is_mounted(&record.path);
            let reason = match mounted {
                true if record.is_orphan() => "its process is gone: destroyed",
                false if !record.owner.is_alive() => "it is not mounted and its process is gone: removed",
                _ => continue,
            };
            let Some(key) = key_of(&record.path) else { continue };
            // The gate is taken in there.
            let ended = if self.dry_run { Ok(true) } else { self.controller.end(&key, Some(&record), None) };
            if matches!(ended, Ok(false)) {
                continue;
            }
            let error = ended.err().map(|error| error.to_string());
            let object = record.path.display().to_string();
            self.findings.push(Finding {
                kind: FindingKind::Sandbox,
                object,
                reason: reason.to_owned(),
                error,
            });
        }
        Ok(())
    }

    fn endpoints(&mut self, records: &[EndpointRecord], links: &[LinkState]) -> Result<()> {
        let by_name: HashMap<_, _> = links.iter().map(|link| (link.name.as_str(), link)).collect();
        let networks = self.controller.definitions.list::<NetworkConfig>()?;
        let used: HashSet<_> = records.iter().map(|record| &record.network).collect();
        let (mut types, mut waiting) = (HashMap::new(), HashSet::new());
        for (name, config) in networks.into_iter().filter(|(name, _)| used.contains(name)) {
            let Ok(config) = config else { continue };
            if self.controller.waits_for_others(&config, self.dry_run) {
                waiting.insert(name.clone());
            }
            types.insert(name, config.network_type);
        }
        // Each of its endpoints would be waited for, and nothing is to be had.
        let mut silent = HashSet::new();
        for record in records.iter().filter(|record| !waiting.contains(&record.network)) {
            // Whether an endpoint is whole cannot be told without its network's definition.
            let network_type = types.get(&record.network).map(String::as_str);
            let look_up = |name: &InterfaceName| Ok(by_name.get(name.as_str()).copied().cloned());
            let Some(reason) = self.controller.whats_wrong(record, network_type, look_up)? else { continue };
            let object = super::endpoints::of(&record.config.name, &record.network);
            let ends = record.ends();
            let reason = format!("{reason}: {}", if ends { "removed" } else { "left" });
            let is_silent = network_type.is_some_and(|own| silent.contains(own));
            let failed = self.found_alone(FindingKind::Endpoint, object, &reason, |controller| {
                if is_silent {
                    let error = Error::new(ErrorKind::System, "call", "its plugin");
                    return Err(error.with_cause("it did not answer a moment ago: tried again next time"));
                }
                // Nobody is in the middle of a join now. What has changed since is not what was looked at.
                let look_up = |name: &InterfaceName| controller.host.link(name);
                let still = || Ok(controller.whats_wrong(record, network_type, look_up)?.is_some());
                match ends {
                    true => controller.discard(record, still),
                    false => controller.set_apart(record, still),
                }
            });
            if failed.as_ref().is_some_and(is_unreachable) {
                silent.extend(network_type.map(str::to_owned));
            }
        }
        Ok(())
    }

    /// Links that say that they are of this store and that the store does not know.
    fn links(&mut self, records: &[EndpointRecord], links: &[LinkState]) -> Result<()> {
        let known = records.iter().filter(|record| record.has_devices());
        let known: HashSet<_> = known.map(|record| (&record.network, &record.config.name)).collect();
        let mut orphans = Vec::new();
        for link in links.iter().filter(|link| matches!(link.group, LINK_GROUP | LEAVING_GROUP)) {
            let of = link.alias.as_deref().and_then(|alias| self.controller.mark.parse(alias));
            match of {
                Some((network, Some(endpoint))) if !known.contains(&(&network, &endpoint)) => {
                    orphans.push((link, network, endpoint));
                }
                Some((network, None)) => self.network_link(link, &network)?,
                _ => {}
            }
        }
        self.let_die(&mut orphans)?;
        for (link, network, endpoint) in orphans {
            self.endpoint_link(link, &network, &endpoint);
        }
        Ok(())
    }

    /// Waits for links of sandboxes that were destroyed a moment ago: those go by themselves, and are no
    /// findings.
    fn let_die(&self, orphans: &mut Vec<(&LinkState, Name, Name)>) -> Result<()> {
        let begin = Instant::now();
        loop {
            let mut left = Vec::new();
            for orphan in std::mem::take(orphans) {
                let now = self.controller.host.link_at(orphan.0.index)?;
                let stays =
                    |now: &LinkState| now.name == orphan.0.name && !self.controller.host.is_dying(now);
                if now.is_some_and(|now| stays(&now)) {
                    left.push(orphan);
                }
            }
            *orphans = left;
            if orphans.is_empty() || begin.elapsed() > DYING {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn endpoint_link(&mut self, link: &LinkState, network: &Name, endpoint: &Name) {
        // What somebody uses is no leftover, whatever became of its record.
        let is_used =
            |controller: &Controller| link.group == LINK_GROUP && moved::is_others(&controller.host, link);
        if self.dry_run && is_used(self.controller) {
            return;
        }
        let reason = "its endpoint is gone: deleted";
        self.found(FindingKind::Link, &link.name, reason, |controller| {
            let record = controller.find(network, endpoint)?;
            let is_known = record.is_some_and(|record| record.has_devices());
            if is_known || is_used(controller) {
                return Ok(false);
            }
            controller.delete_link(link).map(|()| true)
        });
    }

    fn network_link(&mut self, link: &LinkState, network: &Name) -> Result<()> {
        let is_defined =
            |controller: &Controller| Ok::<_, Error>(controller.definitions.stamp(network)?.is_some());
        if is_defined(self.controller)? {
            return Ok(());
        }
        let reason = "its network has no definition: deleted";
        self.found(FindingKind::Bridge, &link.name, reason, |controller| {
            let _lock = controller.definitions.lock()?;
            let records = controller.store.read(|tx| EndpointRecord::of_network(tx, network))?;
            let is_orphan = records.is_empty() && !is_defined(controller)?;
            if is_orphan {
                controller.delete_link(link)?;
            }
            Ok(is_orphan)
        });
        Ok(())
    }

    /// Proxy entries of this library for addresses to which no route of it leads any more: they do not go
    /// with a link.
    fn proxies(&mut self) -> Result<()> {
        let stale = self.controller.stale_proxies()?;
        for entry in stale {
            let Some(link) = self.controller.host.link_at(entry.index)? else { continue };
            let link = LinkRef::indexed(InterfaceName::new(&link.name)?, entry.index);
            let object = format!("{} on {link}", entry.address);
            self.found(FindingKind::Proxy, object, "its endpoint is gone: deleted", |controller| {
                if !controller.stale_proxies()?.contains(&entry) {
                    return Ok(false);
                }
                let mut plan = Plan::default();
                let spec = ProxySpec { link: link.clone(), address: entry.address };
                plan.push(Place::Host, Action::DeleteProxy(spec));
                controller.apply(&plan).map(|()| true)
            });
        }
        Ok(())
    }

    /// What networks reserved whose definitions are gone.
    fn reserved(&mut self) -> Result<()> {
        for network in self.controller.store.read(reserved::networks)? {
            let is_gone = |controller: &Controller| -> Result<bool> {
                let records = controller.store.read(|tx| EndpointRecord::of_network(tx, &network))?;
                Ok(records.is_empty() && controller.definitions.stamp(&network)?.is_none())
            };
            if !is_gone(self.controller)? {
                continue;
            }
            let reason = "its network has no definition: given back";
            self.found(FindingKind::Lease, &network, reason, |controller| {
                let _lock = controller.definitions.lock()?;
                if !is_gone(controller)? {
                    return Ok(false);
                }
                controller.store.write(|tx| reserved::give_back(tx, &network)).map(|()| true)
            });
        }
        Ok(())
    }

    fn files(&mut self) -> Result<()> {
        let pools = given::files(&self.controller.options.networks_dir);
        for files in [&self.controller.definitions, &pools] {
            for path in files.stale()? {
                let reason = "its writer died: removed";
                self.found(FindingKind::Definition, path.display(), reason, |_| {
                    files.remove_stale(&path).map(|()| true)
                });
            }
        }
        for path in self.controller.notes.stale()? {
            let reason = "its writer died: removed";
            self.found(FindingKind::Sandbox, path.display(), reason, |_| remove_file(&path).map(|()| true));
        }
        for path in events::stale(&self.controller.options.run_dir)? {
            let reason = "its listener died: removed";
            self.found(FindingKind::Listener, path.display(), reason, |_| remove_file(&path).map(|()| true));
        }
        Ok(())
    }
}

impl Controller {
    /// What is wrong with an endpoint, if anything; `look_up` finds links of the host. Of one that is being
    /// joined this is not to be believed without the gate.
    fn whats_wrong(
        &self,
        record: &EndpointRecord,
        network_type: Option<&str>,
        look_up: impl Fn(&InterfaceName) -> Result<Option<LinkState>>,
    ) -> Result<Option<&'static str>> {
        if record.attended.is_some() {
            return Ok(record.abandoned().map(|_| "its process died while its driver was at it"));
        }
        if record.is_orphan() {
            return Ok(Some("its process is gone"));
        }
        if let Some(linked) = &record.linked {
            return self.whats_wrong_with_linked(record, linked, network_type, look_up);
        }
        let Some(joined) = &record.joined else {
            let lost = record.transient && !record.owner.is_alive();
            return Ok(lost.then_some("it was being taken away when its process died"));
        };
        if !is_there(joined) {
            return Ok((!self.is_elsewhere(record, joined)).then_some("its sandbox is gone"));
        }
        let Some(network_type) = network_type else { return Ok(None) };
        let Some(src_name) = &joined.src_name else {
            // One that acts by itself need not have a device, and says when it is done.
            let is_whole = WITHOUT_ADDRESSES.contains(&network_type) || !is_builtin(network_type);
            let lost = !is_whole && !record.owner.is_alive();
            return Ok(lost.then_some("it had not joined when its process died"));
        };
        let link = if has_host_link(network_type) {
            look_up(&naming::link_names(&record.network, &record.config.name)?.0)?
        } else if is_builtin(network_type) {
            self.link_inside(record, joined)?
        } else {
            // While a device that is handed over is still in the host it has not arrived.
            let waits = look_up(src_name)?.is_some() && !record.owner.is_alive();
            return Ok(waits.then_some("its device is still in the host"));
        };
        // What somebody did to a link that was whole once is not for the collector to judge.
        let is_half = |link: LinkState| link.alias.is_none() && !record.owner.is_alive();
        Ok(link.is_none_or(is_half).then_some("it has no interface, or half of one"))
    }

    /// What is wrong with an endpoint whose device is its caller's to move: where that is by now is not
    /// known, but the other end is in the host.
    fn whats_wrong_with_linked(
        &self,
        record: &EndpointRecord,
        linked: &Linked,
        network_type: Option<&str>,
        look_up: impl Fn(&InterfaceName) -> Result<Option<LinkState>>,
    ) -> Result<Option<&'static str>> {
        let Some(network_type) = network_type else { return Ok(None) };
        if !has_host_link(network_type) {
            let lost = linked.src_name.is_none() && !record.owner.is_alive();
            return Ok(lost.then_some("it had no device when its process died"));
        }
        let link = look_up(&naming::link_names(&record.network, &record.config.name)?.0)?;
        let is_half = |link: &LinkState| link.alias.is_none() && !record.owner.is_alive();
        let is_bad = link.as_ref().is_none_or(|link| is_half(link) || self.host.is_dying(link));
        Ok(is_bad.then_some("it has no devices, or half of them"))
    }

    /// The link of an endpoint that has no end in the host.
    fn link_inside(&self, record: &EndpointRecord, joined: &Joined) -> Result<Option<LinkState>> {
        let Some(sandbox) = self.open_as(joined)? else { return Ok(None) };
        for attempt in 0..=engine::RETRIES {
            let index = naming::host_index(&record.network, &record.config.name, attempt);
            if let Some(link) = sandbox.link_at(index)? {
                return Ok(Some(link));
            }
        }
        Ok(None)
    }

    /// This library's proxy entries for addresses to which none of its routes leads, and which no endpoint of
    /// this store has.
    fn stale_proxies(&self) -> Result<Vec<ProxyState>> {
        let entries = self.host.socket().dump(&message::list_proxies())?;
        let mut entries: Vec<_> = entries.iter().filter_map(parse::proxy).filter(|own| own.ours).collect();
        if entries.is_empty() {
            return Ok(entries);
        }
        let mut routes = self.host.socket().dump(&message::list_routes(false))?;
        routes.extend(self.host.socket().dump(&message::list_routes(true))?);
        let ours = routes.iter().filter_map(parse::route).filter(|route| route.ours);
        let single = ours.filter(|own| own.destination.prefix_len() == own.destination.max_prefix_len());
        let mut known: HashSet<_> = single.map(|route| route.destination.addr()).collect();
        // A link that somebody set down has lost its routes.
        let records = self.store.read(EndpointRecord::all)?;
        let with_devices = records.iter().filter(|record| record.has_devices());
        known.extend(with_devices.flat_map(EndpointRecord::addresses).map(|own| own.addr()));
        entries.retain(|entry| !known.contains(&entry.address));
        Ok(entries)
    }

    /// Takes the endpoint out of its sandbox, if it is still recorded so and `still` is so behind the gate; it stays.
    fn set_apart(&self, record: &EndpointRecord, still: impl FnOnce() -> Result<bool>) -> Result<bool> {
        let Some((gate, active)) = self.alone_with(record, still)? else { return Ok(false) };
        let active = active.as_deref();
        if let Some(active) = active.filter(|active| active.acts_by_itself()) {
            if !self.part_alone(gate, active, record, false)? {
                return Ok(false);
            }
        } else {
            self.detach(&mut record.clone(), active, true)?;
        }
        self.tell_parted(record, false);
        Ok(true)
    }

    /// Whether the network's driver, or who gave its addresses, may be registered or found later.
    /// In a dry run no plugin is asked, and one that can be found is taken to be one.
    fn waits_for_others(&self, config: &NetworkConfig, dry_run: bool) -> bool {
        if dry_run {
            return !self.is_to_be_had(&config.network_type) || !self.is_to_be_had(&config.ipam);
        }
        match self.driver(&config.network_type).and(self.ipam(&config.ipam)) {
            Ok(_) => false,
            Err(error) => {
                log::debug!("the endpoints of network {} are left: {error}", config.name);
                true
            }
        }
    }

    /// Deletes a link of the host; one that is gone is no error.
    pub(super) fn delete_link(&self, link: &LinkState) -> Result<()> {
        let mut plan = Plan::default();
        let link = LinkRef::indexed(InterfaceName::new(&link.name)?, link.index);
        plan.push(Place::Host, Action::DeleteLink(link));
        self.apply(&plan)
    }
}

fn key_of(path: &Path) -> Option<SandboxKey> {
    SandboxKey::in_base(path.parent()?, path.file_name()?.to_str()?).ok()
}
