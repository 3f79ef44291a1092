//! The firewall as the store has it: compared with the kernel's, and put back.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::Duration;

use super::collect::Run;
use super::elements::{change, unknowing};
use super::finding::FindingKind;
use super::outside::{reach, tolerate_missing};
use super::record::EndpointRecord;
use super::{Controller, FirewallMode, NetworkConfig};
use crate::driver::naming;
use crate::error::{Error, ErrorKind, Result};
use crate::link::LinkRef;
use crate::name::Name;
use crate::nft::{Change, Element, Entry, Owner, Seen, State, Watch};
use crate::plan::Plan;
use crate::sys::{self, Worker};

/// How long a watch waits before it looks whether it is to end.
const TURN: Duration = Duration::from_millis(200);
/// How many of them it rests at most after a failure; each time twice as many as before.
const MOST_TURNS: u32 = 256;

/// Networks with a firewall, and those of which that cannot be told.
#[derive(Default)]
struct Walled {
    networks: BTreeMap<Name, NetworkConfig>,
    unusable: BTreeSet<Name>,
}

/// What of a store is in the firewall, and what should be.
struct Difference {
    /// Elements that nobody has any more, by their owners.
    strays: BTreeMap<String, Vec<Element>>,
    /// Elements of endpoints that are not there.
    missing: BTreeMap<String, Vec<Element>>,
    /// Networks that are not defined any more, with their keys.
    lost: Vec<(String, String)>,
}

impl Controller {
    /// Puts the firewall back as the store has it, after somebody flushed the ruleset or loaded another: tables,
    /// chains, endpoints, published ports and forwarding. What is there already stays.
    ///
    /// # Errors
    /// Unsupported where the kernel has no nf_tables and a network requires them; PermissionDenied without
    /// CAP_NET_ADMIN.
    pub fn restore_firewall(&self) -> Result<()> {
        let restore = || {
            let _gate = self.gate.enter()?;
            let networks = self.walled()?.networks;
            if networks.is_empty() {
                return Ok(());
            }
            networks.values().try_for_each(|config| self.forward(config))?;
            let is_whole = |state: State| state.whole && state.bridge_whole != Some(false);
            let mut changes = Vec::new();
            if !self.firewall_state()?.is_none_or(is_whole) {
                changes.push(Change::RenewTables);
            }
            for config in networks.values() {
                for change in self.network_changes(config) {
                    let is_table = matches!(change, Change::Table | Change::BridgeTable);
                    if !is_table || !changes.contains(&change) {
                        changes.push(change);
                    }
                }
            }
            changes.push(Change::Keep(self.expected(&networks)?.into_values().flatten().collect()));
            changes.push(Change::Keep(self.opened()?));
            let restored = self.host.with_firewall(|firewall| firewall.commit(&changes));
            let restored = restored.and_then(|()| self.reach_again(&networks, None));
            match networks.values().all(|config| config.firewall.mode == FirewallMode::Optional) {
                true => tolerate_missing(restored),
                false => restored,
            }
        };
        restore().map_err(|error: Error| error.within("restore", "firewall"))
    }

    /// The networks that have a part in the firewall. One whose definition cannot be used keeps what it has, and
    /// gets nothing.
    fn walled(&self) -> Result<Walled> {
        let mut walled = Walled::default();
        for (name, config) in self.definitions.list::<NetworkConfig>()? {
            match config.ok().filter(|config| config.name == name && config.check().is_ok()) {
                Some(config) if config.has_firewall() => {
                    walled.networks.insert(name, config);
                }
                Some(_) => {}
                None => {
                    walled.unusable.insert(name);
                }
            }
        }
        Ok(walled)
    }

    /// What the endpoints have in the sets and maps, by their owners.
    fn expected(&self, networks: &BTreeMap<Name, NetworkConfig>) -> Result<BTreeMap<String, Vec<Element>>> {
        let mut expected = BTreeMap::new();
        for record in self.store.read(EndpointRecord::all)?.iter().filter(|record| record.has_devices()) {
            let Some(config) = networks.get(&record.network) else { continue };
            let elements = self.endpoint_elements(config, record)?;
            if let Some(first) = elements.first() {
                expected.insert(first.owner.to_string(), elements);
            }
        }
        Ok(expected)
    }

    /// What the host does for published ports besides elements, of all endpoints or of the one with that owner.
    fn reach_again(&self, networks: &BTreeMap<Name, NetworkConfig>, owner: Option<&str>) -> Result<()> {
        let mut plan = Plan::default();
        for record in self.store.read(EndpointRecord::all)?.iter().filter(|record| record.has_devices()) {
            let Some(config) = networks.get(&record.network) else { continue };
            let own = self.port_elements(config, record, &record.ports);
            let Some(first) = own.first() else { continue };
            if owner.is_some_and(|owner| first.owner.to_string() != owner) {
                continue;
            }
            let (name, _) = naming::link_names(&record.network, &record.config.name)?;
            if self.host.link(&name)?.is_some() {
                plan.steps.extend(reach(config, &record.ports, LinkRef::named(name)).steps);
            }
            if owner.is_some() {
                // Its ports were missing: nobody was led to it by them.
                plan.steps.extend(change(Vec::new(), unknowing(config, record, &record.ports)).steps);
            }
        }
        self.carry_out(&plan)
    }

    fn difference(&self, state: &State) -> Result<Difference> {
        let Walled { networks, unusable } = self.walled()?;
        let expected = self.expected(&networks)?;
        let own = |owner: &Owner| {
            let is_unusable = unusable.iter().any(|name| name.as_str() == owner.network);
            owner.mark == self.mark.number() && !is_unusable
        };
        let there: HashSet<_> = state.elements.iter().map(|element| &element.entry).collect();
        let wanted: HashSet<_> = expected.values().flatten().map(|element| &element.entry).collect();
        let of_networks = networks.values().flat_map(|config| self.network_elements(config));
        let of_networks: HashSet<_> = of_networks.chain(self.opened()?).map(|own| own.entry).collect();
        let is_stray = |entry: &Entry| !wanted.contains(entry) && !of_networks.contains(entry);
        let mut strays = BTreeMap::<_, Vec<_>>::new();
        for element in state.elements.iter().filter(|element| own(&element.owner) && is_stray(&element.entry))
        {
            strays.entry(element.owner.to_string()).or_default().push(element.clone());
        }
        let lacking = |elements: &Vec<Element>| -> Vec<_> {
            elements.iter().filter(|element| !there.contains(&element.entry)).cloned().collect()
        };
        let missing = expected.iter().map(|(owner, elements)| (owner.clone(), lacking(elements)));
        let missing = missing.filter(|(_, elements)| !elements.is_empty()).collect();
        let is_lost =
            |owner: &Owner| own(owner) && !networks.keys().any(|name| name.as_str() == owner.network);
        let lost = state.networks.iter().filter(|network| is_lost(&network.owner));
        let lost = lost.map(|network| (network.key.clone(), network.owner.network.clone())).collect();
        Ok(Difference { strays, missing, lost })
    }

    fn firewall_state(&self) -> Result<Option<State>> {
        let mut state = None;
        tolerate_missing(self.host.with_firewall(|firewall| {
            state = firewall.state()?;
            Ok(())
        }))?;
        Ok(state)
    }

    /// Has a thread put the firewall back whenever its table vanishes, until what is returned is dropped.
    ///
    /// # Errors
    /// Unsupported where the kernel has no nf_tables; PermissionDenied without CAP_NET_ADMIN; ResourceExhausted at
    /// the limit of descriptors or threads.
    pub fn watch_firewall(self: &Arc<Self>) -> Result<FirewallWatch> {
        self.watch_firewall_with(|| Ok(()))
    }

    /// As [`Controller::watch_firewall`], with what else is to be done whenever Docker's own rules may lack something.
    pub(crate) fn watch_firewall_with(
        self: &Arc<Self>,
        besides: impl Fn() -> Result<()> + Send + 'static,
    ) -> Result<FirewallWatch> {
        let watch = self.host.namespace().run(Watch::open)?;
        let mut watch = watch.map_err(|error| error.within("watch", "firewall"))?;
        let ends = Arc::new(AtomicBool::new(false));
        let (controller, ended) = (Arc::clone(self), Arc::clone(&ends));
        let work = move || {
            let (mut is_whole, mut is_quiet, mut said, mut turns) = (true, true, String::new(), 1);
            while !ended.load(Ordering::Relaxed) {
                let seen = watch.wait(TURN).map(|seen| {
                    is_quiet &= seen == Seen::Nothing;
                    is_whole &= !matches!(seen, Seen::TableGone | Seen::TableMade);
                });
                let restored =
                    seen.and_then(|()| if is_whole { Ok(()) } else { controller.restore_firewall() });
                let restored = restored.and_then(|()| if is_quiet { Ok(()) } else { besides() });
                let Err(error) = restored else {
                    (is_whole, is_quiet, turns) = (true, true, 1);
                    said.clear();
                    continue;
                };
                let error = error.to_string();
                if said != error {
                    log::warn!("{error}");
                    said = error;
                }
                for _ in (0..turns).take_while(|_| !ended.load(Ordering::Relaxed)) {
                    std::thread::sleep(TURN);
                }
                turns = (turns * 2).min(MOST_TURNS);
            }
        };
        // At the limit of threads the system says that one may try again.
        let no_thread = |error| {
            let error = Error::from_io("watch", "firewall", error);
            error.with_kind(ErrorKind::ResourceExhausted).with_cause("no thread can be started")
        };
        let thread = sys::spawn("netns-firewall", work).map_err(no_thread)?;
        Ok(FirewallWatch { ends, thread: Some(thread) })
    }
}

/// A thread that puts the firewall back; it ends when this is dropped.
#[derive(Debug)]
pub struct FirewallWatch {
    ends: Arc<AtomicBool>,
    thread: Option<Worker>,
}

impl FirewallWatch {
    /// Has it end, without waiting for that.
    pub(crate) fn begin_to_end(&self) {
        self.ends.store(true, Ordering::Relaxed);
    }
}

impl Drop for FirewallWatch {
    fn drop(&mut self) {
        self.begin_to_end();
        if let Some(thread) = self.thread.take() {
            thread.join();
        }
    }
}

impl Run<'_> {
    /// What the firewall has of this store that nobody has any more, and what it lacks of its endpoints.
    pub(super) fn firewall(&mut self) -> Result<()> {
        let Some(state) = self.controller.firewall_state()? else { return self.tables() };
        let Difference { strays, missing, lost } = self.controller.difference(&state)?;
        for (owner, elements) in strays {
            self.found(FindingKind::Firewall, &owner, "nobody has it any more: removed", |controller| {
                let Some(now) = controller.firewall_state()? else { return Ok(false) };
                let still = controller.difference(&now)?.strays.remove(&owner).unwrap_or_default();
                let still: Vec<_> = still.into_iter().filter(|own| elements.contains(own)).collect();
                if still.is_empty() {
                    return Ok(false);
                }
                controller.host.with_firewall(|firewall| firewall.commit(&[Change::Delete(still)]))?;
                Ok(true)
            });
        }
        for (owner, elements) in missing {
            self.found(FindingKind::Firewall, &owner, "it was not finished: completed", |controller| {
                let Some(now) = controller.firewall_state()? else { return Ok(false) };
                let still = controller.difference(&now)?.missing.remove(&owner).unwrap_or_default();
                let still: Vec<_> = still.into_iter().filter(|own| elements.contains(own)).collect();
                if still.is_empty() {
                    return Ok(false);
                }
                let has_port = still.iter().any(|element| element.entry.is_port());
                controller.host.with_firewall(|firewall| firewall.commit(&[Change::Keep(still)]))?;
                if has_port {
                    controller.reach_again(&controller.walled()?.networks, Some(&owner))?;
                }
                Ok(true)
            });
        }
        for (key, network) in lost {
            self.found(
                FindingKind::Firewall,
                &network,
                "its network has no definition: removed",
                |controller| {
                    let Ok(name) = Name::new(&network) else { return Ok(false) };
                    let _lock = controller.definitions.lock()?;
                    let is_defined = controller.definitions.stamp(&name)?.is_some();
                    if is_defined || controller.key(&name) != key {
                        return Ok(false);
                    }
                    controller.lower_firewall(&name)?;
                    Ok(true)
                },
            );
        }
        self.tables()
    }

    /// The tables, and forwarding, when the process that took the last network away did not come to them.
    fn tables(&mut self) -> Result<()> {
        let is_empty = |state: Option<State>| state.is_some_and(|state| state.networks.is_empty());
        if is_empty(self.controller.firewall_state()?) {
            self.found(FindingKind::Firewall, "inet libnetns", "it has no network: removed", |controller| {
                let _lock = controller.definitions.lock()?;
                let still = is_empty(controller.firewall_state()?);
                controller.remove_firewall_if_last()?;
                Ok(still)
            });
        } else if self.controller.forwards_in_vain()? {
            self.found(FindingKind::Firewall, "forwarding", "no network needs it: as it was", |controller| {
                let _lock = controller.definitions.lock()?;
                let still = controller.forwards_in_vain()?;
                controller.remove_firewall_if_last()?;
                Ok(still)
            });
        }
        Ok(())
    }
}
