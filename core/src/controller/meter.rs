//! Counters of endpoints.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;

use super::active::Active;
use super::endpoints::of;
use super::finding::FindingKind;
use super::record::EndpointRecord;
use super::Controller;
use crate::driver::naming;
use crate::error::{Error, ErrorKind, Result};
use crate::host;
use crate::link::traffic::KernelStats;
use crate::link::{LinkRef, Place};
use crate::name::Name;
use crate::network::engine::{self, Device, Metered, Prepared};
use crate::plan::{apply, Ground, Step};
use crate::sandbox::Sandbox;
use crate::stats::{self, Counters, Detail, Entry, Meter, SlotId, SlotOwner, Source, Stats};

/// How often others may remove the counters while a slot is taken.
const TRIES: usize = 4;

/// The counters as this controller has them.
#[derive(Default)]
pub(super) struct Metering(Mutex<State>);

#[derive(Default)]
enum State {
    /// Nothing has been metered yet.
    #[default]
    Unopened,
    Open(Arc<Meter>),
    /// Why nothing can be metered.
    Off(ErrorKind, Option<i32>, String),
}

/// What an endpoint's interface has received and sent, as its sandbox sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct EndpointStats {
    /// The network's name.
    pub network: Name,
    /// The endpoint's name.
    pub endpoint: Name,
    /// The statistics.
    pub stats: Stats,
    /// Where bytes and packets come from.
    pub source: Source,
}

impl Controller {
    /// The counters of this host, opened when they are first needed, and made where there are none.
    ///
    /// # Errors
    /// Those of [`Meter::open`]: the reason why nothing is metered.
    pub fn meter(&self) -> Result<Arc<Meter>> {
        let mut state = self.metering.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*state {
            State::Open(meter) if !meter.is_retired() => return Ok(Arc::clone(meter)),
            State::Off(kind, errno, cause) => {
                let error = Error::new(*kind, "use", "counters").with_cause(cause.clone());
                return Err(match errno {
                    Some(errno) => error.with_errno(*errno),
                    None => error,
                });
            }
            _ => {}
        }
        match Meter::open(&self.options.meter) {
            Ok(meter) => {
                let meter = Arc::new(meter);
                *state = State::Open(Arc::clone(&meter));
                Ok(meter)
            }
            Err(error) => {
                log::warn!("interfaces are not metered: {error}");
                *state = State::Off(error.kind(), error.errno(), error.to_string());
                Err(error)
            }
        }
    }

    /// The counters, unless there are none yet.
    fn meter_there(&self) -> Option<Arc<Meter>> {
        let mut state = self.metering.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*state {
            State::Open(meter) if !meter.is_retired() => return Some(Arc::clone(meter)),
            State::Off(..) => return None,
            _ => {}
        }
        let meter = Meter::open_existing(&self.options.meter).unwrap_or_else(|error| {
            log::debug!("{error}");
            None
        });
        let meter = Arc::new(meter?);
        *state = State::Open(Arc::clone(&meter));
        Some(meter)
    }

    /// Has a device that is about to be born metered, where that is wanted and can be done. `record` learns where.
    pub(super) fn meter_birth(&self, active: &Active, record: &mut EndpointRecord, prepared: &mut Prepared) {
        if !is_wanted(active, record) {
            return;
        }
        let Device::Born(birth) = &prepared.device else { return };
        let Some((place, index)) = engine::metered_place(birth) else { return };
        match self.take_slot(record, index, place == Place::Sandbox) {
            Ok((meter, id)) => {
                record.meter = Some(id);
                prepared.meter = Some(Metered { meter, id });
            }
            Err(error) if error.kind() == ErrorKind::ResourceExhausted => {
                log::warn!("{} is not metered: {error}", of(&record.config.name, &record.network));
            }
            // That was said when it was found.
            Err(error) => log::debug!("{} is not metered: {error}", of(&record.config.name, &record.network)),
        }
    }

    /// As [`Controller::meter_birth`] for a plan that is not carried out: slot 0 stands for one that is free then.
    pub(super) fn as_if_metered(
        &self,
        active: &Active,
        record: &EndpointRecord,
        prepared: Prepared,
    ) -> Prepared {
        let is_birth =
            matches!(&prepared.device, Device::Born(birth) if engine::metered_place(birth).is_some());
        let meter = if is_wanted(active, record) && is_birth { self.meter().ok() } else { None };
        let metered = meter.map(|meter| Metered { meter, id: SlotId { slot: 0, life: 0 } });
        Prepared { meter: metered, ..prepared }
    }

    fn take_slot(&self, record: &EndpointRecord, index: u32, inside: bool) -> Result<(Arc<Meter>, SlotId)> {
        let owner = SlotOwner {
            namespace: stats::namespace_of(&self.host)?,
            index,
            mark: self.mark.number(),
            digest: naming::digest(&record.network, &record.config.name),
            inside,
        };
        let mut tries = 0;
        loop {
            let meter = self.meter()?;
            match meter.take(&self.host, &owner) {
                Err(error) if error.kind() == ErrorKind::Busy && tries < TRIES => tries += 1,
                taken => return taken.map(|id| (meter, id)),
            }
        }
    }

    /// Gives the endpoint's slot back, of which the link is gone or going.
    pub(super) fn unmeter(&self, record: &EndpointRecord) {
        if let (Some(id), Some(meter)) = (record.meter, record.meter.and_then(|_| self.meter_there())) {
            meter.let_go(id);
        }
    }

    /// A link in a sandbox that is destroyed may live on for as long as a process is in there.
    pub(super) fn stop_counting_inside(&self, record: &EndpointRecord, sandbox: Option<&Sandbox>) {
        let (Some(id), Some(sandbox)) = (record.meter, sandbox) else { return };
        let Some(entry) = self.entry(id).filter(|entry| entry.owner.inside) else { return };
        if let Err(error) = self.take_off(record, &entry, Some(sandbox)) {
            log::warn!("{error}");
        }
    }

    fn entry(&self, id: SlotId) -> Option<Entry> {
        self.meter_there()?.entry(id)
    }

    /// Takes the filters off the endpoint's link.
    fn take_off(&self, record: &EndpointRecord, entry: &Entry, sandbox: Option<&Sandbox>) -> Result<()> {
        let index = entry.owner.index;
        if !entry.owner.inside {
            let link = LinkRef::indexed(naming::link_names(&record.network, &record.config.name)?.0, index);
            return stats::take_off(
                &link,
                Place::Host,
                &mut Ground { host: &self.host, sandbox: None, programs: None },
            );
        }
        let Some(sandbox) = sandbox else { return Ok(()) };
        sandbox.with(|opened| {
            let link = LinkRef::indexed(naming::link_names(&record.network, &record.config.name)?.0, index);
            let inside = Some(&mut opened.inside);
            let mut ground = Ground { host: &self.host, sandbox: inside, programs: None };
            stats::take_off(&link, Place::Sandbox, &mut ground)
        })
    }

    /// Meters an endpoint from now on, or no more; what was counted is forgotten. One that is metered already gets
    /// filters back that somebody removed, and keeps what was counted. The endpoint's definition says so from now on;
    /// of one that is in no sandbox that is all.
    ///
    /// # Errors
    /// NotFound when there is no such endpoint; those of [`Controller::meter`]; ResourceExhausted when all slots are
    /// taken; NotImplemented for a device that a driver handed over.
    pub fn set_meter(&self, network: &str, endpoint: &str, on: bool) -> Result<()> {
        let set = || {
            let (network, endpoint) = (Name::new(network)?, Name::new(endpoint)?);
            let _gate = self.gate.enter()?;
            let mut record = self.known(&network, &endpoint)?;
            let has_devices = record.has_devices();
            match on {
                true if has_devices => self.switch_on(&mut record)?,
                false if has_devices => self.switch_off(&mut record)?,
                _ => {}
            }
            record.config.meter = Some(on);
            self.store.write(|tx| record.update(tx))
        };
        let verb = if on { "meter" } else { "stop metering" };
        set().map_err(|error: Error| error.within(verb, of(endpoint, network)))
    }

    fn switch_on(&self, record: &mut EndpointRecord) -> Result<()> {
        let sandbox = record.joined.as_ref().map(|joined| self.open_as(joined)).transpose()?.flatten();
        let (place, link) = self.metered_link(record, sandbox.as_ref())?;
        let index = link.index.unwrap_or(0);
        let known = record.meter.filter(|id| self.entry(*id).is_some());
        let (meter, id) = match known {
            Some(id) => (self.meter()?, id),
            None => self.take_slot(record, index, place == Place::Sandbox)?,
        };
        let mut plan = stats::steps(id, &link, place);
        if known.is_some() {
            plan.steps = plan.steps.into_iter().map(Step::existing_ok).collect();
        }
        let programs = Some(meter.programs());
        let applied = match (place, &sandbox) {
            (Place::Sandbox, Some(sandbox)) => sandbox.with(|opened| {
                apply(&plan, &mut Ground { host: &self.host, sandbox: Some(&mut opened.inside), programs })
            }),
            _ => apply(&plan, &mut Ground { host: &self.host, sandbox: None, programs }),
        };
        applied.inspect_err(|_| {
            if known.is_none() {
                meter.let_go(id);
            }
        })?;
        record.meter = Some(id);
        Ok(())
    }

    fn switch_off(&self, record: &mut EndpointRecord) -> Result<()> {
        let Some(id) = record.meter else { return Ok(()) };
        if let Some(entry) = self.entry(id) {
            let sandbox = record.joined.as_ref().map(|joined| self.open_as(joined)).transpose()?.flatten();
            self.take_off(record, &entry, sandbox.as_ref())?;
        }
        self.unmeter(record);
        record.meter = None;
        Ok(())
    }

    /// The endpoint's link that is metered, or would be.
    fn metered_link(&self, record: &EndpointRecord, sandbox: Option<&Sandbox>) -> Result<(Place, LinkRef)> {
        let name = naming::link_names(&record.network, &record.config.name)?.0;
        if let Some(link) = self.host.link(&name)? {
            if self.mark.is_endpoint(&link, &record.network, &record.config.name) {
                return Ok((Place::Host, LinkRef::indexed(name, link.index)));
            }
        }
        for attempt in 0..=engine::RETRIES {
            let index = naming::host_index(&record.network, &record.config.name, attempt);
            if sandbox.map(|sandbox| sandbox.link_at(index)).transpose()?.flatten().is_some() {
                return Ok((Place::Sandbox, LinkRef::indexed(name, index)));
            }
        }
        let error = Error::new(ErrorKind::NotImplemented, "find", "link of endpoint");
        Err(error.with_cause("it has no link that this library made, or has lost it"))
    }

    /// What an endpoint's interface has received and sent, as its sandbox sees it.
    ///
    /// Where it is not metered all comes from the kernel's own counters, whatever `detail` says. With
    /// [`Detail::Full`] it is looked whether the filters are there that count: where somebody removed them,
    /// the kernel's own counters are the answer.
    ///
    /// # Errors
    /// NotFound when there is no such endpoint, it is in no sandbox, or its link is gone; NotImplemented for a device
    /// that a driver handed over.
    pub fn stats(&self, network: &str, endpoint: &str, detail: Detail) -> Result<EndpointStats> {
        let look = || {
            let record = self.known(&Name::new(network)?, &Name::new(endpoint)?)?;
            self.stats_of(&record, detail)
        };
        look().map_err(|error: Error| error.within("read statistics of", of(endpoint, network)))
    }

    /// The statistics of all endpoints that have interfaces, by the names of networks and endpoints, with one question
    /// to the kernel for all that are metered in the host. It is not looked whether their filters are there. One whose
    /// link is gone meanwhile, or was handed over by a driver, is not among them.
    ///
    /// # Errors
    /// Those of reading the store.
    pub fn all_stats(&self, detail: Detail) -> Result<Vec<EndpointStats>> {
        let records = self.store.read(EndpointRecord::all)?;
        let with_devices = records.iter().filter(|record| record.has_devices());
        let kernel = match detail {
            Detail::Full => self.host.all_stats()?,
            Detail::Fast => HashMap::new(),
        };
        let all = with_devices.filter_map(|record| {
            let counted = self
                .counted_in_host(record)
                .and_then(|(index, counters)| Some((*kernel.get(&index)?, counters)));
            match counted {
                Some((kernel, counters)) => Some(EndpointStats {
                    network: record.network.clone(),
                    endpoint: record.config.name.clone(),
                    stats: Stats::from(kernel).swapped().with_counters(counters),
                    source: Source::Counters,
                }),
                None => self.stats_of(record, detail).ok(),
            }
        });
        Ok(all.collect())
    }

    /// The counters of a record whose link in the host is metered, and its index.
    fn counted_in_host(&self, record: &EndpointRecord) -> Option<(u32, Counters)> {
        let (id, meter) = (record.meter?, self.meter_there()?);
        let owner = meter.owner(id).filter(|owner| !owner.inside)?;
        Some((owner.index, meter.read(id)?))
    }

    fn stats_of(&self, record: &EndpointRecord, detail: Detail) -> Result<EndpointStats> {
        let counted = record.meter.and_then(|id| Some((id, self.meter_there()?.read(id)?)));
        let answer = |stats, source| EndpointStats {
            network: record.network.clone(),
            endpoint: record.config.name.clone(),
            stats,
            source,
        };
        if let (Some((_, counters)), Detail::Fast) = (counted, detail) {
            return Ok(answer(Stats::default().with_counters(counters), Source::Counters));
        }
        let (kernel, counters) = self.ask_kernel(record)?;
        Ok(match counters {
            Some(counters) => answer(kernel.with_counters(counters), Source::Counters),
            None => answer(kernel, Source::Kernel),
        })
    }

    /// The kernel's own counters, and ours where filters count.
    fn ask_kernel(&self, record: &EndpointRecord) -> Result<(Stats, Option<Counters>)> {
        let sandbox = record.joined.as_ref().map(|joined| self.open_as(joined)).transpose()?.flatten();
        let (place, link) = self.metered_link(record, sandbox.as_ref())?;
        let index = link.index.unwrap_or(0);
        let gone =
            || Error::new(ErrorKind::NotFound, "find link", link.name.as_str()).with_cause("it is gone");
        let (kernel, filters) = match (place, &sandbox) {
            (Place::Sandbox, Some(sandbox)) => sandbox.with(|opened| {
                let socket = &mut opened.inside.socket;
                Ok((host::stats(socket, index)?, host::filters(socket, index)?))
            })?,
            _ => (self.host.stats(index)?, self.host.filters(index)?),
        };
        let kernel = Stats::from(kernel.ok_or_else(gone)?);
        let kernel = if place == Place::Sandbox { kernel } else { kernel.swapped() };
        let counts = |id: &SlotId| {
            let own = filters.iter().filter(|filter| filter.ours && filter.classid == u32::from(id.slot));
            own.count() == 2
        };
        let id = record.meter.filter(counts);
        Ok((kernel, id.and_then(|id| self.meter_there()?.read(id))))
    }

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

    /// Slots of endpoints of this store that are no more.
    fn lost_slots(&self, meter: &Meter) -> Result<Vec<Entry>> {
        let (mark, namespace) = (self.mark.number(), stats::namespace_of(&self.host)?);
        let own =
            |entry: &Entry| entry.owner.mark == mark && entry.owner.namespace == namespace && !entry.leaving;
        let mut entries: Vec<_> = meter.entries().filter(own).collect();
        if !entries.is_empty() {
            let records = self.store.read(EndpointRecord::all)?;
            let known: HashSet<_> = records.iter().filter_map(|record| record.meter).collect();
            entries.retain(|entry| !known.contains(&entry.id));
        }
        Ok(entries)
    }
}

fn is_wanted(active: &Active, record: &EndpointRecord) -> bool {
    record.config.meter.unwrap_or(active.config.meter)
}

impl From<KernelStats> for Stats {
    fn from(stats: KernelStats) -> Self {
        Self {
            rx_bytes: stats.rx_bytes,
            rx_packets: stats.rx_packets,
            rx_errors: stats.rx_errors,
            rx_dropped: stats.rx_dropped,
            tx_bytes: stats.tx_bytes,
            tx_packets: stats.tx_packets,
            tx_errors: stats.tx_errors,
            tx_dropped: stats.tx_dropped,
        }
    }
}

impl super::collect::Run<'_> {
    /// Slots of endpoints that are gone, slots of links that are gone, and counters that were never finished.
    pub(super) fn counters(&mut self) -> Result<()> {
        let controller = self.controller;
        for path in Meter::stale(&controller.options.meter) {
            let reason = "its maker died: removed";
            self.found(FindingKind::Counters, path.display(), reason, |_| {
                Meter::remove_stale(&path).map(|()| true)
            });
        }
        let Some(meter) = controller.meter_there() else {
            if !self.dry_run {
                controller.remove_counters_if_last()?;
            }
            return Ok(());
        };
        for entry in controller.lost_slots(&meter)? {
            let object = format!("slot {}", entry.id.slot);
            self.found(FindingKind::Counters, object, "its endpoint is gone: given back", |controller| {
                let still = controller.lost_slots(&meter)?.contains(&entry);
                if still {
                    meter.let_go(entry.id);
                }
                Ok(still)
            });
        }
        if !self.dry_run {
            meter.reclaim(&controller.host, stats::namespace_of(&controller.host)?)?;
            controller.remove_counters_if_last()?;
        }
        Ok(())
    }
}
