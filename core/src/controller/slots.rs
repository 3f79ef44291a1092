//! Slots of counters whose endpoints are gone, and counters that nobody needs.

use super::collect::Run;
use super::finding::FindingKind;
use super::record::EndpointRecord;
use super::Controller;
use crate::driver::naming;
use crate::error::Result;
use crate::host::Host;
use crate::link::{InterfaceName, LinkRef, Place};
use crate::plan::Ground;
use crate::stats::{self, Entry, Meter};
use crate::sys::Namespace;

impl Run<'_> {
    /// Slots of endpoints that are gone, slots of links that are gone, and counters that were never finished.
    pub(super) fn counters(&mut self) -> Result<()> {
        let controller = self.controller;
        for path in Meter::stale(&controller.options.meter) {
            let reason = "its maker died: removed";
            self.found(FindingKind::Counters, path.display(), reason, |_| {
                Meter::remove_stale(&path).map(|()| true)
            });
        }
        if let Some(meter) = controller.meter_there() {
            for entry in controller.lost_slots(&meter)? {
                let object = format!("slot {}", entry.id.slot);
                self.found(FindingKind::Counters, object, "its endpoint is gone: given back", |controller| {
                    let still = controller.lost_slots(&meter)?.contains(&entry);
                    if still {
                        controller.give_back(&meter, &entry)?;
                    }
                    Ok(still)
                });
            }
            let reason = "slots of links that are gone: left";
            self.attempt(reason, |controller| controller.reclaim(&meter));
        }
        let reason = "nobody needs them: left";
        self.attempt(reason, Controller::remove_counters_if_last);
        Ok(())
    }

    /// What is only worth a word where it fails.
    fn attempt(&mut self, reason: &str, act: impl FnOnce(&Controller) -> Result<()>) {
        let directory = &self.controller.options.meter.directory;
        if self.dry_run {
            return;
        }
        if let Err(error) = act(self.controller) {
            self.found(FindingKind::Counters, directory.display(), reason, |_| Err(error));
        }
    }
}

impl Controller {
    /// Removes the counters when the last network goes and nobody else uses them.
    pub(super) fn remove_counters_if_last(&self) -> Result<()> {
        if !self.definitions.list::<super::NetworkConfig>()?.is_empty() {
            return Ok(());
        }
        match self.meter_there() {
            Some(meter) => meter.remove_if_unused().map(drop),
            None => {
                Meter::remove_empty(&self.options.meter);
                Ok(())
            }
        }
    }

    /// Slots of this store.
    fn own_slots(&self, meter: &Meter) -> Result<Vec<Entry>> {
        let (mark, namespace) = (self.mark.number(), stats::namespace_of(&self.host)?);
        let own = |entry: &Entry| entry.owner.mark == mark && entry.owner.namespace == namespace;
        Ok(meter.entries().filter(own).collect())
    }

    /// Slots that no endpoint of this store says that it has.
    fn lost_slots(&self, meter: &Meter) -> Result<Vec<Entry>> {
        let mut entries = self.own_slots(meter)?;
        entries.retain(|entry| !entry.leaving);
        if !entries.is_empty() {
            let records = self.store.read(EndpointRecord::all)?;
            entries.retain(|entry| !records.iter().any(|record| record.meter == Some(entry.id)));
        }
        Ok(entries)
    }

    /// Takes the filters off that a process left which died over them, where the endpoint is there.
    fn give_back(&self, meter: &Meter, entry: &Entry) -> Result<()> {
        let records = self.store.read(EndpointRecord::all)?;
        let is_its = |record: &&EndpointRecord| {
            naming::digest(&record.network, &record.config.name) == entry.owner.digest
        };
        let stopped = match records.iter().find(is_its) {
            Some(record) if record.has_devices() => self.take_off_slot(record, entry)?,
            _ => false,
        };
        match stopped || !entry.owner.inside {
            // The collector looks at what is in the host.
            true => meter.let_go(entry.id),
            false => meter.lose(entry.id, None),
        }
        Ok(())
    }

    fn reclaim(&self, meter: &Meter) -> Result<()> {
        meter.reclaim(&self.host, stats::namespace_of(&self.host)?)?;
        let own = self.own_slots(meter)?.into_iter();
        let lost: Vec<_> = own.filter_map(|entry| Some((entry, entry.lost_in?))).collect();
        let found = Namespace::find(&lost.iter().map(|(_, namespace)| *namespace).collect());
        for (entry, namespace) in &lost {
            // Of all that live one has this number: where it is another, the link is gone with its namespace.
            if let Some(namespace) = found.get(namespace) {
                namespace.run(|| stop_counting_here(entry))??;
                meter.free_lost(entry.id)?;
            }
        }
        Ok(())
    }
}

/// Takes the filters of that slot off, where there is a link with them in the calling thread's namespace.
fn stop_counting_here(entry: &Entry) -> Result<()> {
    let (here, index) = (Host::current()?, entry.owner.index);
    if stats::of_slot(&here.filters(index)?, entry.id) == 0 {
        return Ok(());
    }
    let link = LinkRef::indexed(InterfaceName::new("lost")?, index);
    stats::take_off(&link, Place::Host, &mut Ground { host: &here, sandbox: None, programs: None })
}
