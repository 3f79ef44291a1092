//! Endpoints taken out of their sandboxes, deleted and forgotten.

use std::sync::Arc;

use rusqlite::Connection;

use super::of;
use crate::controller::active::Active;
use crate::controller::parting::Parting;
use crate::controller::publish::give_back;
use crate::controller::record::EndpointRecord;
use crate::controller::Controller;
use crate::driver::is_builtin;
use crate::error::{Error, ErrorKind, Result};
use crate::events::EventKind;
use crate::name::Name;
use crate::plugin::client::Operation;
use crate::store::leases;

impl Controller {
    /// Deletes an endpoint and gives its addresses and ports back; one that is gone is no error. The devices of one
    /// that [`Controller::link`] made go too, wherever they are by now.
    ///
    /// # Errors
    /// Busy when it is joined to a sandbox, with that, or another has its driver at it.
    pub fn delete_endpoint(&self, network: &str, endpoint: &str) -> Result<()> {
        let _operation = Operation::begin();
        let delete = || {
            let (network, endpoint) = (Name::new(network)?, Name::new(endpoint)?);
            let Some(parting) = self.begin_parting(&network, &endpoint)? else { return Ok(()) };
            let Parting { gate, mut record, active } = parting;
            let active = active.as_deref();
            if let Some(joined) = &record.joined {
                let cause = format!("it is joined to {}: leave that first", joined.sandbox.display());
                return Err(Error::new(ErrorKind::Busy, "delete", "endpoint").with_cause(cause));
            }
            if let Some(active) = active.filter(|active| active.acts_by_itself()) {
                if !self.part_alone(gate, active, &record, true)? {
                    return Ok(());
                }
            } else {
                self.detach(&mut record, active, false)?;
                self.remove(&record, active)?;
                drop(gate);
                active.inspect(|active| self.give_all_back_elsewhere(active, &record));
            }
            self.tell(EventKind::EndpointDeleted, Some(&network), Some(&endpoint), None);
            Ok(())
        };
        delete().map_err(|error: Error| error.within("delete endpoint", of(endpoint, network)))
    }

    /// Takes an endpoint out of its sandbox; it keeps its addresses. An endpoint that is gone, or in no
    /// sandbox, is no error, nor is a sandbox that is gone. One that [`Controller::link`] made is in none
    /// that is known of.
    ///
    /// # Errors
    /// PermissionDenied without `CAP_NET_ADMIN`; Busy while another has its driver at it.
    pub fn leave(&self, network: &str, endpoint: &str) -> Result<()> {
        self.part(network, endpoint, false).map_err(|error| error.within("leave", of(endpoint, network)))
    }

    /// Takes an endpoint out of its sandbox and deletes it: [`Controller::leave`] and
    /// [`Controller::delete_endpoint`] in one.
    ///
    /// # Errors
    /// Those of both.
    pub fn disconnect(&self, network: &str, endpoint: &str) -> Result<()> {
        self.part(network, endpoint, true).map_err(|error| error.within("disconnect", of(endpoint, network)))
    }

    fn part(&self, network: &str, endpoint: &str, delete: bool) -> Result<()> {
        let _operation = Operation::begin();
        let (network, endpoint) = (Name::new(network)?, Name::new(endpoint)?);
        let Some(parting) = self.begin_parting(&network, &endpoint)? else { return Ok(()) };
        let Parting { gate, mut record, active } = parting;
        let active = active.as_deref();
        let left = record.joined.clone();
        if let Some(active) = active.filter(|active| active.acts_by_itself()) {
            if (left.is_some() || delete) && !self.part_alone(gate, active, &record, delete)? {
                return Ok(());
            }
        } else {
            if left.is_some() || delete {
                self.detach(&mut record, active, !delete)?;
            }
            if delete {
                self.remove(&record, active)?;
            }
            drop(gate);
            active.filter(|_| delete).inspect(|active| self.give_all_back_elsewhere(active, &record));
        }
        if let Some(joined) = left {
            self.tell(EventKind::EndpointLeft, Some(&network), Some(&endpoint), Some(&joined.sandbox));
        }
        if delete {
            self.tell(EventKind::EndpointDeleted, Some(&network), Some(&endpoint), None);
        }
        Ok(())
    }

    /// Forgets an endpoint and frees its addresses whatever its driver says, as when a driver is gone for
    /// good: what the driver made of it is the driver's to clear away. One that is gone is no error.
    ///
    /// # Errors
    /// Those of writing the store; Busy while another has its driver at it.
    pub fn forget_endpoint(&self, network: &str, endpoint: &str) -> Result<()> {
        let _operation = Operation::begin();
        let give_up = || {
            let (network, endpoint) = (Name::new(network)?, Name::new(endpoint)?);
            match self.part(network.as_str(), endpoint.as_str(), true) {
                Ok(()) => Ok(()),
                Err(error) => self.forget_all_the_same(&network, &endpoint, &error),
            }
        };
        give_up().map_err(|error: Error| error.within("forget endpoint", of(endpoint, network)))
    }

    fn forget_all_the_same(&self, network: &Name, endpoint: &Name, why: &Error) -> Result<()> {
        let gate = self.gate.enter()?;
        let Some(record) = self.find(network, endpoint)? else { return Ok(()) };
        record.refuse_attended()?;
        log::warn!("forgetting endpoint {endpoint} of network {network} all the same: {why}");
        if !self.is_plain(network)? {
            // Its device is not to stay there; what it is in the host is its driver's affair.
            let sandbox = record.joined.as_ref().map_or(Ok(None), |joined| self.open_as(joined));
            let cleared = sandbox.and_then(|sandbox| match &record.joined {
                Some(joined) => self.clear_out(&record, joined, sandbox.as_ref()),
                None => Ok(()),
            });
            cleared.err().inspect(|error| log::warn!("{error}"));
        }
        self.store.write(|tx| forget(tx, &record))?;
        self.stop_counting_inside(&record, None);
        self.unmeter(&record);
        drop(gate);
        self.give_all_back_by_name(&record);
        self.tell_parted(&record, true);
        Ok(())
    }

    /// Removes what the driver made of the endpoint, its record and its leases; what an address management gave that
    /// is not the store itself is the caller's to give back, without the gate.
    pub(in crate::controller) fn remove(
        &self,
        record: &EndpointRecord,
        active: Option<&Active>,
    ) -> Result<()> {
        if let Some(active) = active {
            let (network, endpoint) = (record.network.as_str(), record.config.name.as_str());
            self.apply(&active.driver.delete_endpoint(network, endpoint)?)?;
        }
        if record.linked.is_some() {
            self.dismiss(&[record])?;
        }
        self.store.write(|tx| forget(tx, record))
    }

    /// The network of an endpoint that is to go; none when its definition was deleted or broken by hand,
    /// which must not keep the leases from being given back. One of the library's own need not be alive. Not to be
    /// asked behind the gate unless the network is plain: a plugin may take its time.
    ///
    /// # Errors
    /// NotFound when its driver, or who gave its addresses, is not registered here.
    pub(in crate::controller) fn parting(&self, record: &EndpointRecord) -> Result<Option<Arc<Active>>> {
        let error = match self.activate(&record.network) {
            Ok(active) => return Ok(Some(active)),
            Err(error) => error,
        };
        log::warn!("endpoint {}: {error}", record.config.name);
        let Ok((config, stamp)) = self.definition(&record.network) else { return Ok(None) };
        if !is_builtin(&config.network_type) {
            return Err(error);
        }
        let (driver, _) = self.drivers.driver(&config.network_type)?;
        let active = self.active(config, stamp, driver, false)?;
        Ok(Some(Arc::new(active)))
    }
}

/// Forgets the endpoint and frees its addresses and ports.
pub(in crate::controller) fn forget(tx: &Connection, record: &EndpointRecord) -> Result<()> {
    record.delete(tx)?;
    give_back(tx, record, &record.ports)?;
    if record.elsewhere {
        return Ok(());
    }
    let mut leased = record.addresses().filter(|own| !record.chosen.contains(&own.addr()));
    leased.try_for_each(|own| leases::release(tx, own.trunc(), own.addr()).map(drop))
}
