//! What processes that are gone left half done, found and put right.

mod discard;
mod links;
mod wrong;

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::path::Path;

use super::finding::{Collected, Finding, FindingKind};
use super::record::{EndpointRecord, SandboxRecord};
use super::{given, reserved, Controller, NetworkConfig};
use crate::error::{Error, ErrorKind, Result};
use crate::events::{self, EventKind};
use crate::link::parse::{self, LinkState};
use crate::link::{message, InterfaceName};
use crate::plugin::client::{is_unreachable, Operation};
use crate::sandbox::SandboxKey;
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
                controller.discard(record, ends, still)
            });
            if failed.as_ref().is_some_and(is_unreachable) {
                silent.extend(network_type.map(str::to_owned));
            }
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
}

fn key_of(path: &Path) -> Option<SandboxKey> {
    SandboxKey::in_base(path.parent()?, path.file_name()?.to_str()?).ok()
}
