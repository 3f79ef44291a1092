//! Counters of endpoints.

use std::sync::{Arc, Mutex, PoisonError};

use super::active::Active;
use super::endpoints::of;
use super::record::EndpointRecord;
use super::Controller;
use crate::driver::naming;
use crate::error::{Error, ErrorKind, Result};
use crate::link::{LinkRef, Place};
use crate::name::Name;
use crate::network::engine::{self, Device, Metered, Prepared};
use crate::plan::{apply, Ground, Programs, Step};
use crate::sandbox::Sandbox;
use crate::stats::{self, Entry, Meter, SlotId, SlotOwner};
use crate::sys::NamespaceLife;

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
                if is_lasting(error.kind()) {
                    *state = State::Off(error.kind(), error.errno(), error.to_string());
                }
                Err(error)
            }
        }
    }

    /// The counters, unless there are none yet.
    pub(super) fn meter_there(&self) -> Option<Arc<Meter>> {
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
                Err(error) if error.kind() == ErrorKind::Busy && meter.is_retired() && tries < TRIES => {
                    tries += 1;
                }
                taken => return taken.map(|id| (meter, id)),
            }
        }
    }

    /// The endpoint's slot, if it is the endpoint's still: what a record says may be of counters that somebody removed.
    pub(super) fn slot_of(&self, record: &EndpointRecord) -> Option<(Arc<Meter>, Entry)> {
        let (id, meter) = (record.meter?, self.meter_there()?);
        let entry = meter.entry(id)?;
        let SlotOwner { mark, digest, .. } = entry.owner;
        let is_its =
            mark == self.mark.number() && digest == naming::digest(&record.network, &record.config.name);
        is_its.then_some((meter, entry))
    }

    /// Gives the endpoint's slot back, of which the link is gone or going.
    pub(super) fn unmeter(&self, record: &EndpointRecord) {
        if let Some((meter, entry)) = self.slot_of(record) {
            meter.let_go(entry.id);
        }
    }

    /// A link in a sandbox lives on for as long as anybody is in there: it is counted no more. Its slot is used by
    /// nobody else where that cannot be seen to.
    pub(super) fn stop_counting_inside(&self, record: &EndpointRecord, sandbox: Option<&Sandbox>) {
        let Some((meter, entry)) = self.slot_of(record) else { return };
        if !entry.owner.inside || entry.leaving {
            return;
        }
        let life = record.joined.as_ref().map(|joined| joined.life);
        // At its path may be another by now.
        let own = sandbox.filter(|sandbox| sandbox.life().ok() == life);
        match own.map(|sandbox| self.stop_counting_in(sandbox, record, &entry)) {
            Some(Ok(())) => return,
            Some(Err(error)) => log::warn!("{error}"),
            None => {}
        }
        meter.lose(entry.id, life.map(NamespaceLife::numbers));
    }

    fn stop_counting_in(&self, sandbox: &Sandbox, record: &EndpointRecord, entry: &Entry) -> Result<()> {
        let index = entry.owner.index;
        if sandbox.link_at(index)?.is_some() {
            let name = naming::link_names(&record.network, &record.config.name)?.0;
            let (place, link) = (Place::Sandbox, LinkRef::indexed(name, index));
            sandbox.with(|opened| {
                let sandbox = Some(&mut opened.inside);
                stats::take_off(&link, place, &mut Ground { host: &self.host, sandbox, programs: None })
            })?;
        }
        Ok(())
    }

    /// Takes the filters of that slot off the endpoint's link; false when the link is out of reach.
    pub(super) fn take_off_slot(&self, record: &EndpointRecord, entry: &Entry) -> Result<bool> {
        let metered = match self.metered_link(record) {
            Err(error) if error.kind() == ErrorKind::NotImplemented => return Ok(false),
            metered => metered?,
        };
        let is_it = metered.link.index == Some(entry.owner.index);
        metered.with(self, None, |ground| {
            let filters = stats::on_link(&metered.link, metered.place, ground)?;
            if is_it && stats::of_slot(&filters, entry.id) > 0 {
                stats::take_off(&metered.link, metered.place, ground)?;
            }
            Ok(is_it)
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
            record.config.meter = Some(on);
            match on {
                true if has_devices => self.switch_on(&mut record),
                false if has_devices => self.switch_off(&mut record),
                _ => self.store.write(|tx| record.update(tx)),
            }
        };
        let verb = if on { "meter" } else { "stop metering" };
        set().map_err(|error: Error| error.within(verb, of(endpoint, network)))
    }

    /// The filters come before the record: those of a process that dies in between are taken off with their slot.
    fn switch_on(&self, record: &mut EndpointRecord) -> Result<()> {
        let metered = self.metered_link(record)?;
        let known =
            self.slot_of(record).filter(|(_, entry)| !entry.leaving).map(|(meter, entry)| (meter, entry.id));
        let filters =
            metered.with(self, None, |ground| stats::on_link(&metered.link, metered.place, ground))?;
        let own = filters.iter().filter(|filter| filter.ours).count();
        let right = known.as_ref().map_or(0, |(_, id)| stats::of_slot(&filters, *id));
        if own > right {
            metered.with(self, None, |ground| stats::take_off(&metered.link, metered.place, ground))?;
        }
        let (meter, id) = match &known {
            Some(known) => known.clone(),
            None => {
                self.take_slot(record, metered.link.index.unwrap_or(0), metered.place == Place::Sandbox)?
            }
        };
        let mut plan = stats::steps(id, &metered.link, metered.place);
        if known.is_some() {
            plan.steps = plan.steps.into_iter().map(Step::existing_ok).collect();
        }
        record.meter = Some(id);
        let applied = metered.with(self, Some(meter.programs()), |ground| apply(&plan, ground));
        let result = applied.and_then(|()| self.store.write(|tx| record.update(tx)));
        if result.is_err() && known.is_none() {
            let off = |ground: &mut Ground<'_>| stats::take_off(&metered.link, metered.place, ground);
            let _ = metered.with(self, None, off).inspect_err(|error| log::warn!("{error}"));
            self.stop_counting_inside(record, metered.sandbox.as_ref());
            meter.let_go(id);
        }
        result
    }

    /// The record comes before the filters: a slot that no record has is given back by the collector.
    fn switch_off(&self, record: &mut EndpointRecord) -> Result<()> {
        let former = record.clone();
        record.meter = None;
        self.store.write(|tx| record.update(tx))?;
        match self.metered_link(record) {
            Ok(metered) => {
                metered.with(self, None, |ground| stats::take_off(&metered.link, metered.place, ground))?;
            }
            // With its link the filters are gone.
            Err(error) if error.kind() == ErrorKind::NotImplemented => {
                self.stop_counting_inside(&former, None);
            }
            Err(error) => return Err(error),
        }
        self.unmeter(&former);
        Ok(())
    }

    /// The endpoint's link that is metered, or would be.
    pub(super) fn metered_link(&self, record: &EndpointRecord) -> Result<MeteredLink> {
        let name = naming::link_names(&record.network, &record.config.name)?.0;
        if let Some(link) = self.host.link(&name)? {
            if self.mark.is_endpoint(&link, &record.network, &record.config.name) {
                let link = LinkRef::indexed(name, link.index);
                return Ok(MeteredLink { place: Place::Host, link, sandbox: None });
            }
        }
        let sandbox = record.joined.as_ref().map(|joined| self.open_as(joined)).transpose()?.flatten();
        for attempt in 0..=engine::RETRIES {
            let index = naming::host_index(&record.network, &record.config.name, attempt);
            if sandbox.as_ref().map(|sandbox| sandbox.link_at(index)).transpose()?.flatten().is_some() {
                let link = LinkRef::indexed(name, index);
                return Ok(MeteredLink { place: Place::Sandbox, link, sandbox });
            }
        }
        let error = Error::new(ErrorKind::NotImplemented, "find", "link of endpoint");
        Err(error.with_cause("it has no link that this library made, or has lost it"))
    }
}

/// A link, and the sandbox that it is in.
pub(super) struct MeteredLink {
    pub(super) place: Place,
    pub(super) link: LinkRef,
    sandbox: Option<Sandbox>,
}

impl MeteredLink {
    /// Does something where the link is.
    pub(super) fn with<T>(
        &self,
        controller: &Controller,
        programs: Option<&Programs>,
        act: impl FnOnce(&mut Ground<'_>) -> Result<T>,
    ) -> Result<T> {
        let host = &controller.host;
        match &self.sandbox {
            Some(sandbox) => {
                sandbox.with(|opened| act(&mut Ground { host, sandbox: Some(&mut opened.inside), programs }))
            }
            None => act(&mut Ground { host, sandbox: None, programs }),
        }
    }
}

/// Whether what keeps the counters from being opened does not pass of itself.
fn is_lasting(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::NotImplemented | ErrorKind::PermissionDenied | ErrorKind::System)
}

fn is_wanted(active: &Active, record: &EndpointRecord) -> bool {
    record.config.meter.unwrap_or(active.config.meter)
}
