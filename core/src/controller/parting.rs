//! Endpoints that part from drivers which act by themselves, plugins among them: while such a one is at it nobody
//! else waits, neither for the gate nor for the store.

use std::sync::{Arc, PoisonError};

use super::active::Active;
use super::endpoints::forget;
use super::record::{Attended, EndpointRecord};
use super::{Controller, NetworkConfig};
use crate::driver::is_builtin;
use crate::error::{Error, ErrorKind, Result};
use crate::events::EventKind;
use crate::ipam;
use crate::name::Name;
use crate::plugin::client::{is_refused, is_unreachable};
use crate::sandbox::Sandbox;
use crate::store::GateGuard;
use crate::sys::Process;

/// Lets go of an endpoint when its driver panics over it.
pub(super) struct Attending<'a> {
    controller: &'a Controller,
    network: Name,
    endpoint: Name,
}

impl Drop for Attending<'_> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        let freed = self.controller.store.write(|tx| {
            match EndpointRecord::find(tx, &self.network, &self.endpoint)? {
                Some(record) => EndpointRecord { attended: None, ..record }.update(tx),
                None => Ok(()),
            }
        });
        freed.err().inspect(|error| log::warn!("{error}"));
    }
}

impl Active {
    /// Whether its driver may take its time, and has to be called without the gate.
    pub(super) fn acts_by_itself(&self) -> bool {
        !self.is_builtin
    }
}

impl NetworkConfig {
    /// Whether neither its driver nor its address management is anybody else's.
    pub(super) fn is_plain(&self) -> bool {
        is_builtin(&self.network_type) && ipam::is_builtin(&self.ipam)
    }
}

/// Behind the gate with an endpoint that is to go.
pub(super) struct Parting<'a> {
    pub(super) gate: GateGuard<'a>,
    pub(super) record: EndpointRecord,
    /// Its network, as [`Controller::parting`] says.
    pub(super) active: Option<Arc<Active>>,
}

impl Controller {
    /// Behind the gate with an endpoint that is to go; none when there is no such endpoint.
    pub(super) fn begin_parting(&self, network: &Name, endpoint: &Name) -> Result<Option<Parting<'_>>> {
        // What one of the library's own takes is at hand, and whether it still is so is seen behind the gate.
        let mut known = self.brought_up(network).filter(|known| known.is_builtin);
        loop {
            let active = match known.take() {
                Some(known) => Some(known),
                None => {
                    let Some(record) = self.find(network, endpoint)? else { return Ok(None) };
                    self.parting(&record)?
                }
            };
            let gate = self.gate.enter()?;
            let Some(record) = self.find(network, endpoint)? else { return Ok(None) };
            if self.is_current(network, active.as_deref())? {
                return Ok(Some(Parting { gate, record, active }));
            }
        }
    }

    /// The network as this process has brought it up before, if it did.
    fn brought_up(&self, network: &Name) -> Option<Arc<Active>> {
        self.active.lock().unwrap_or_else(PoisonError::into_inner).get(network).cloned()
    }

    /// The network, if this process has brought it up before and it is still defined as it was then.
    pub(super) fn at_hand(&self, network: &Name) -> Result<Option<Arc<Active>>> {
        let Some(known) = self.brought_up(network) else { return Ok(None) };
        Ok((self.definitions.stamp(network)? == Some(known.stamp)).then_some(known))
    }

    /// Whether what [`Controller::parting`] found is still so.
    pub(super) fn is_current(&self, network: &Name, active: Option<&Active>) -> Result<bool> {
        match active {
            Some(active) => Ok(self.definitions.stamp(network)? == Some(active.stamp)),
            None => Ok(self.definition(network).is_err()),
        }
    }

    /// Whether what the endpoints of that network take on their way out is known without asking anybody.
    pub(super) fn is_plain(&self, network: &Name) -> Result<bool> {
        match self.at_hand(network)? {
            Some(known) => Ok(known.config.is_plain()),
            None => Ok(self.definition(network).map_or(true, |(config, _)| config.is_plain())),
        }
    }

    /// Takes an endpoint out of its sandbox, and deletes it or leaves it there, with nothing held while its driver is
    /// at it; `record` is what was found behind that gate. False when it was gone by then.
    ///
    /// # Errors
    /// Those of the driver, but for what a plugin refuses: the endpoint is then as it was, to be tried again. Busy when another is at it.
    pub(super) fn part_alone(
        &self,
        gate: GateGuard<'_>,
        active: &Active,
        record: &EndpointRecord,
        delete: bool,
    ) -> Result<bool> {
        record.refuse_attended()?;
        let by = Process::current()?;
        let marked = EndpointRecord { attended: Some(Attended { by, ends: delete }), ..record.clone() };
        self.store.write(|tx| marked.update(tx))?;
        drop(gate);
        let attending = self.attending(active, record);
        let parted = self.part_by_driver(active, record, delete);
        drop(attending);
        let sandbox = parted.map_err(|error| {
            error.with_rollback(self.replace(&marked, record).err().into_iter().collect())
        })?;
        let gate = self.gate.enter()?;
        match self.find(&record.network, &record.config.name)? {
            None => return Ok(false),
            Some(now) if now != marked => {
                let error = Error::new(ErrorKind::Busy, "part from", "endpoint");
                return Err(error.with_cause("it was changed by another while its driver was at it"));
            }
            Some(_) => {}
        }
        self.stop_counting_inside(record, sandbox.as_ref());
        self.unmeter(record);
        if !delete {
            let apart = EndpointRecord { transient: false, ..record.apart() };
            self.store.write(|tx| apart.update(tx))?;
            return Ok(true);
        }
        if record.linked.is_some() {
            self.dismiss(&[record])?;
        }
        self.store.write(|tx| forget(tx, record))?;
        drop(gate);
        self.give_all_back_elsewhere(active, record);
        Ok(true)
    }

    /// What the driver has to do as the endpoint parts; the sandbox that it was in, if that is there.
    fn part_by_driver(
        &self,
        active: &Active,
        record: &EndpointRecord,
        delete: bool,
    ) -> Result<Option<Sandbox>> {
        let sandbox = record.joined.as_ref().map_or(Ok(None), |joined| self.open_as(joined))?;
        match &record.joined {
            Some(joined) => self.part_by_itself(active, record, joined, sandbox.as_ref())?,
            None => self.unlink(record, Some(active))?,
        }
        if delete {
            unless_refused(active, self.delete_by_driver(active, record))?;
        }
        Ok(sandbox)
    }

    fn delete_by_driver(&self, active: &Active, record: &EndpointRecord) -> Result<()> {
        let (network, endpoint) = (record.network.as_str(), record.config.name.as_str());
        self.apply(&active.driver.delete_endpoint(network, endpoint)?)
    }

    /// Records `new` where the store says `old`, and nothing where another has changed it.
    pub(super) fn replace(&self, old: &EndpointRecord, new: &EndpointRecord) -> Result<()> {
        self.store.write(|tx| match EndpointRecord::find(tx, &old.network, &old.config.name)? {
            Some(now) if now == *old => new.update(tx),
            _ => Ok(()),
        })
    }

    /// To be kept while a driver that acts by itself is at the endpoint.
    pub(super) fn attending(&self, active: &Active, record: &EndpointRecord) -> Option<Attending<'_>> {
        active.acts_by_itself().then(|| Attending {
            controller: self,
            network: record.network.clone(),
            endpoint: record.config.name.clone(),
        })
    }

    /// Records the endpoint as it is now that its driver has done its work.
    pub(super) fn attend_no_more(&self, record: &mut EndpointRecord) -> Result<()> {
        let whole = EndpointRecord { attended: None, ..record.clone() };
        self.store.write(|tx| whole.update(tx))?;
        *record = whole;
        Ok(())
    }

    /// Has a driver that acts by itself make the endpoint that is recorded; after a failure nothing of it is left.
    pub(super) fn make_alone(&self, active: &Active, record: &mut EndpointRecord) -> Result<()> {
        let stored = record.clone();
        self.make(active, record).map_err(|error| {
            let undone = match is_refused(&error) {
                true => self.forget_refused(active, &stored),
                false => self.take_back(active, &stored, &stored, true),
            };
            error.with_rollback(undone)
        })
    }

    /// Forgets an endpoint that its driver has refused to make: it need not take anything away.
    fn forget_refused(&self, active: &Active, stored: &EndpointRecord) -> Vec<Error> {
        match self.forget_stored(stored, stored) {
            Ok(true) => self.give_all_back_elsewhere(active, stored),
            Ok(false) => {}
            Err(error) => return vec![error],
        }
        Vec::new()
    }

    /// Takes back an endpoint that is not to be, and that the store has as `stored`. One that its driver did not make,
    /// or whose driver is a plugin, is forgotten whatever that says; another that its driver keeps stays, to be tried
    /// again.
    pub(super) fn take_back(
        &self,
        active: &Active,
        record: &EndpointRecord,
        stored: &EndpointRecord,
        is_unmade: bool,
    ) -> Vec<Error> {
        let mut failures = Vec::new();
        match self.delete_by_driver(active, record) {
            Err(error) if is_unmade || active.driver.remembers_networks() => failures.push(error),
            Err(error) => {
                let kept = EndpointRecord { attended: None, ..stored.clone() };
                return [Some(error), self.replace(stored, &kept).err()].into_iter().flatten().collect();
            }
            Ok(()) => {}
        }
        match self.forget_stored(record, stored) {
            Ok(true) => self.give_all_back_elsewhere(active, record),
            Ok(false) => {}
            Err(error) => failures.push(error),
        }
        failures
    }

    /// Forgets an endpoint, unless the store has something else than `stored` by now.
    fn forget_stored(&self, record: &EndpointRecord, stored: &EndpointRecord) -> Result<bool> {
        let _gate = self.gate.enter()?;
        if self.find(&record.network, &record.config.name)?.as_ref() != Some(stored) {
            return Ok(false);
        }
        if record.linked.is_some() {
            self.dismiss(&[record])?;
        }
        self.store.write(|tx| forget(tx, record)).map(|()| true)
    }

    /// Has those endpoints of a sandbox part that others have a say in, before it ends.
    pub(super) fn part_ahead(&self, leaving: &[EndpointRecord], failures: &mut Vec<Error>) {
        for record in leaving {
            let parted = match self.parting(record) {
                Ok(Some(active)) if active.acts_by_itself() => self.part_if_same(&active, record),
                Ok(_) => continue,
                Err(error) => Err(error),
            };
            match parted {
                Ok(true) => self.tell_parted(record, record.transient),
                Ok(false) => {}
                Err(error) => failures.push(error),
            }
        }
    }

    /// False when another has changed it.
    fn part_if_same(&self, active: &Active, record: &EndpointRecord) -> Result<bool> {
        let gate = self.gate.enter()?;
        let now = self.find(&record.network, &record.config.name)?;
        if now.as_ref() != Some(record) || !self.is_current(&record.network, Some(active))? {
            return Ok(false);
        }
        self.part_alone(gate, active, record, record.transient)
    }

    pub(super) fn tell_parted(&self, record: &EndpointRecord, is_deleted: bool) {
        let (network, endpoint) = (Some(&record.network), Some(&record.config.name));
        if let Some(joined) = &record.joined {
            self.tell(EventKind::EndpointLeft, network, endpoint, Some(&joined.sandbox));
        }
        if is_deleted {
            self.tell(EventKind::EndpointDeleted, network, endpoint, None);
        }
    }
}

/// What the record of an endpoint says while a driver that acts by itself makes it, or joins it.
pub(super) fn attended(active: &Active, record: &EndpointRecord, ends: bool) -> Option<Attended> {
    active.acts_by_itself().then_some(Attended { by: record.owner, ends })
}

/// A plugin that refuses to take away what it has made is not asked again: it may not know it any more. A driver in this
/// process has its say.
pub(super) fn unless_refused<T: Default>(active: &Active, result: Result<T>) -> Result<T> {
    match result {
        Err(error) if active.driver.remembers_networks() && !is_unreachable(&error) => {
            log::warn!("{error}");
            Ok(T::default())
        }
        result => result,
    }
}
