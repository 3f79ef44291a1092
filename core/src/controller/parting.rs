//! Endpoints that part from drivers which act by themselves, plugins among them: while such a one is at it nobody
//! else waits, neither for the gate nor for the store.

use std::sync::{Arc, PoisonError};

use super::active::Active;
use super::endpoints::forget;
use super::record::EndpointRecord;
use super::{Controller, NetworkConfig};
use crate::driver::is_builtin;
use crate::error::{Error, ErrorKind, Result};
use crate::events::EventKind;
use crate::ipam;
use crate::name::Name;
use crate::plugin::client::is_unreachable;
use crate::store::GateGuard;

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
    /// at it. False when it was gone by then.
    ///
    /// # Errors
    /// Those of the driver: the endpoint is then as it was, to be tried again. Busy when another changed it meanwhile.
    pub(super) fn part_alone(&self, active: &Active, record: &EndpointRecord, delete: bool) -> Result<bool> {
        let sandbox = record.joined.as_ref().map_or(Ok(None), |joined| self.open_as(joined))?;
        match &record.joined {
            Some(joined) => {
                let mut failures = Vec::new();
                self.part_by_itself(active, record, joined, sandbox.as_ref(), &mut failures);
                Error::first_of(failures)?;
            }
            None => self.unlink(record, Some(active))?,
        }
        if delete {
            let (network, endpoint) = (record.network.as_str(), record.config.name.as_str());
            self.apply(&active.driver.delete_endpoint(network, endpoint)?)?;
        }
        let gate = self.gate.enter()?;
        match self.find(&record.network, &record.config.name)? {
            None => return Ok(false),
            Some(now) if now != *record => {
                let error = Error::new(ErrorKind::Busy, "part from", "endpoint");
                return Err(error.with_cause("it was changed by another while its driver was at it"));
            }
            Some(_) => {}
        }
        self.stop_counting_inside(record, sandbox.as_ref());
        self.unmeter(record);
        if delete {
            if record.linked.is_some() {
                self.dismiss(&[record])?;
            }
            self.store.write(|tx| forget(tx, record))?;
            drop(gate);
            self.give_all_back_elsewhere(active, record);
        } else {
            let apart = EndpointRecord { joined: None, meter: None, transient: false, ..record.clone() };
            self.store.write(|tx| apart.update(tx))?;
        }
        Ok(true)
    }

    /// Has a driver that acts by itself make the endpoint that is recorded; after a failure nothing of it is left.
    pub(super) fn make_alone(&self, active: &Active, record: &mut EndpointRecord) -> Result<()> {
        let recorded = record.clone();
        self.make(active, record)
            .map_err(|error| error.with_rollback(self.take_back(active, &recorded, true)))
    }

    /// Takes back an endpoint that is not to be. One that its driver did not make, or whose plugin does not answer, is
    /// forgotten whatever that says; another that its driver keeps stays, to be tried again.
    pub(super) fn take_back(&self, active: &Active, record: &EndpointRecord, is_unmade: bool) -> Vec<Error> {
        let mut failures = Vec::new();
        match self.remove(record, Some(active)) {
            Err(error) if is_unmade || is_unreachable(&error) => {
                failures.push(error);
                failures.extend(self.store.write(|tx| forget(tx, record)).err());
            }
            Err(error) => return vec![error],
            Ok(()) => {}
        }
        self.give_all_back_elsewhere(active, record);
        failures
    }

    /// Has those endpoints of a sandbox part that others have a say in, before it ends.
    pub(super) fn part_ahead(&self, leaving: &[EndpointRecord], failures: &mut Vec<Error>) {
        for record in leaving {
            let parted = match self.parting(record) {
                Ok(Some(active)) if active.acts_by_itself() => {
                    self.part_alone(&active, record, record.transient)
                }
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
