//! Endpoints whose devices wait in the host, for their caller to move.

use std::sync::Arc;

use super::active::Active;
use super::endpoints::of;
use super::parting::{attended, unless_refused};
use super::record::{EndpointRecord, Linked};
use super::{Controller, Endpoint, EndpointConfig};
use crate::driver::{has_host_link, naming, WITHOUT_ADDRESSES};
use crate::error::{Error, ErrorKind, Result};
use crate::events::EventKind;
use crate::link::{message, parse, LinkRef, Place, ProxySpec};
use crate::name::Name;
use crate::network::engine::{plan_pair, Device, Prepared};
use crate::plan::{apply, Action, Ground, Plan};
use crate::plugin::client::{is_unreachable, Operation};
use crate::sandbox::Interface;

impl Controller {
    /// Makes an endpoint with its addresses and with two devices in the host, one in place in its network and
    /// one that is ready to move (seed `002`, `Network.Link`).
    ///
    /// The endpoint's `interface` is what [`Sandbox::add_interface`](crate::Sandbox::add_interface) takes, of
    /// any sandbox, also one that no controller knows of: where the device goes is its caller's affair, and
    /// not recorded. [`Controller::connect`] makes the same in a fraction of the time.
    ///
    /// It is deleted by [`Controller::delete_endpoint`] or [`Controller::disconnect`], which take the devices
    /// away wherever they are, and goes with its devices: when somebody deletes them, or the namespace that
    /// one moved to ends, the next collection gives its addresses back. From a store that was lost it is
    /// recovered where its device has moved to another namespace, with the addresses that it has there: as if
    /// [`Controller::connect`] had made it where [`Sandbox::add_interface`](crate::Sandbox::add_interface) did that
    /// and the sandbox is mounted, as it was elsewhere. Where its device still waits in the host, both are deleted.
    ///
    /// `bridge`, `routed` and `macvlan` networks have such endpoints. A macvlan has no other end by which it is
    /// found once it has moved: it is deleted where it is in the host, goes with the namespace that it moved
    /// to, and its endpoint stays until it is deleted. It is not metered, since what counts does not move along.
    /// A driver that was registered is asked as for a
    /// join, with an empty sandbox key; the device that it names is handed over as it is, and it is asked to
    /// have it leave when the endpoint is deleted; what becomes of it otherwise is the driver's.
    ///
    /// # Errors
    /// Those of [`Controller::create_endpoint`]; NotImplemented where endpoints have no device, as of
    /// `host`, `loopback` and `null` networks, or one that a registered driver would have born
    /// in the sandbox; BadRequest for `sysctls`, which take an interface in its sandbox. Nothing is left
    /// behind.
    pub fn link(&self, network: &str, config: EndpointConfig) -> Result<Endpoint> {
        let name = config.name.clone();
        let _operation = Operation::begin();
        let link = || {
            let active = self.active_or_activate(&Name::new(network)?)?;
            let record = self.record_of_link(&active, config)?;
            self.persevere(&active, &record, true, |active, attempt| {
                self.try_link(active, record.clone(), attempt)
            })
        };
        let endpoint = link().map_err(|error: Error| error.within("link", of(&name, network)))?;
        self.tell(EventKind::EndpointCreated, Some(&endpoint.network), Some(&name), None);
        Ok(endpoint)
    }

    /// What [`Controller::link`] would do, as a plan; nothing is recorded, and no address is kept.
    ///
    /// # Errors
    /// Those of [`Controller::link`] that can be known beforehand; NotImplemented for a network whose driver
    /// acts by itself.
    pub fn plan_link(&self, network: &str, config: EndpointConfig) -> Result<Plan> {
        let name = config.name.clone();
        let plan = || {
            let active = self.activate(&Name::new(network)?)?;
            let mut record = self.record_of_link(&active, config)?;
            if !active.is_builtin {
                let error = Error::new(ErrorKind::NotImplemented, "plan", "a link");
                let cause = format!("the driver {} acts by itself", active.config.network_type);
                return Err(error.with_cause(cause));
            }
            let prepared = self.store.dry(|tx| {
                self.take(tx, &active, &mut record)?;
                self.make(&active, &mut record)?;
                let mut prepared = self.ask_for_link(&active, &mut record, 0)?;
                self.admit(&active, &record, &mut prepared)?;
                Ok(prepared)
            })?;
            plan_pair(self.as_if_metered(&active, &record, prepared)).map(|(plan, _)| plan)
        };
        plan().map_err(|error: Error| error.within("plan link", of(&name, network)))
    }

    /// A record of an endpoint that is to be linked and has yet to get its addresses.
    fn record_of_link(&self, active: &Active, config: EndpointConfig) -> Result<EndpointRecord> {
        let network_type = &active.config.network_type;
        if WITHOUT_ADDRESSES.contains(&network_type.as_str()) {
            let cause = format!("endpoints of {network_type} networks have no device that waits in the host");
            return Err(Error::new(ErrorKind::NotImplemented, "link", "endpoint").with_cause(cause));
        }
        if let Some(key) = config.sysctls.keys().next() {
            let cause = "it is set in the sandbox, and who moves the device sets it there";
            return Err(Error::bad_request("use sysctl", key, cause));
        }
        // It goes with its devices.
        let record = self.record(active, config, true)?;
        Ok(EndpointRecord { linked: Some(Linked::default()), ..record })
    }

    fn try_link(&self, active: &Active, mut record: EndpointRecord, attempt: u32) -> Result<Endpoint> {
        let elsewhere = self.take_elsewhere(active, &mut record)?;
        record.attended = attended(active, &record, true);
        let gate = self.gate.enter();
        let recorded = gate.and_then(|gate| {
            let prepared = self.record_link(active, &mut record, attempt)?;
            // A driver that acts by itself is not waited for by all others.
            Ok((prepared, active.is_builtin.then_some(gate)))
        });
        let (prepared, gate) = recorded.inspect_err(|_| {
            self.unmeter(&record);
            self.give_back_elsewhere(active, &elsewhere);
        })?;
        // What the store says until it is told otherwise.
        let mut stored = record.clone();
        let _attending = self.attending(active, &record);
        let linked = match prepared {
            Some(prepared) => self
                .make_devices(prepared)
                .and_then(|made| self.note_made(active, &mut record, &mut stored, made)),
            None => self.link_by_itself(active, &mut record, &mut stored),
        };
        let interface = match linked {
            Ok(interface) => interface,
            Err(error) => {
                self.unmeter(&record);
                let undone = self.undo_new(active, &record, &stored, gate);
                return Err(error.with_rollback(undone));
            }
        };
        drop(gate);
        Ok(Endpoint { interface: Some(interface), ..Endpoint::from(record) })
    }

    /// Records that the endpoint is about to be linked; of a driver that decides at once also how.
    fn record_link(
        &self,
        active: &Active,
        record: &mut EndpointRecord,
        attempt: u32,
    ) -> Result<Option<Prepared>> {
        self.check_defined(active)?;
        self.store.write(|tx| {
            self.take(tx, active, record)?;
            let mut prepared = None;
            if active.is_builtin {
                self.make(active, record)?;
                let mut own = self.ask_for_link(active, record, attempt)?;
                self.admit(active, record, &mut own)?;
                self.meter_birth(active, record, &mut own);
                prepared = Some(own);
            }
            record.insert(tx)?;
            Ok(prepared)
        })
    }

    /// Makes the devices of an endpoint that has none, for the sandbox of that key, and how its interface is to look
    /// there. After a failure it is as it was.
    ///
    /// # Errors
    /// Those of [`Controller::link`]; Busy when it has joined a sandbox.
    #[cfg(feature = "docker-plugin")]
    pub(crate) fn link_recorded(
        &self,
        network: &Name,
        endpoint: &Name,
        sandbox_key: &str,
        change: impl FnOnce(&mut EndpointConfig),
    ) -> Result<Interface> {
        let active = self.active_or_activate(network)?;
        let _gate = self.gate.enter()?;
        self.check_defined(&active)?;
        let before = self.known(network, endpoint)?;
        if before.has_devices() {
            let error = Error::new(ErrorKind::Busy, "link", of(endpoint, network));
            return Err(error.with_cause("it has a device already"));
        }
        let mut record = EndpointRecord { transient: true, ..before.clone() };
        change(&mut record.config);
        let prepared = self.store.write(|tx| {
            let mut own = self.ask_for_link(&active, &mut record, 0)?;
            if let Some(linked) = &mut record.linked {
                linked.sandbox_key = Some(sandbox_key.to_owned());
            }
            self.admit(&active, &record, &mut own)?;
            self.meter_birth(&active, &mut record, &mut own);
            record.update(tx)?;
            Ok(own)
        });
        let prepared = prepared.inspect_err(|_| self.unmeter(&record))?;
        let mut stored = record.clone();
        let made = self.make_devices(prepared);
        let made = made.and_then(|made| self.note_made(&active, &mut record, &mut stored, made));
        made.map_err(|error| {
            self.unmeter(&record);
            error.with_rollback(self.replace(&stored, &before).err().into_iter().collect())
        })
    }

    /// Asks the driver for the device; `record` learns what it is called.
    fn ask_for_link(&self, active: &Active, record: &mut EndpointRecord, attempt: u32) -> Result<Prepared> {
        let mut prepared = self.ask(active, record, "", attempt)?;
        let mut src_name = prepared.join.names.src_name.clone();
        if is_alone(active) {
            prepared.wait_alone(self.mark.endpoint(&record.network, &record.config.name));
            src_name = None;
        }
        record.linked = Some(Linked { src_name, ..Linked::default() });
        Ok(prepared)
    }

    /// Records that a device without another end is there: where it has moved, nothing in the host says so.
    fn note_made(
        &self,
        active: &Active,
        record: &mut EndpointRecord,
        stored: &mut EndpointRecord,
        made: Interface,
    ) -> Result<Interface> {
        if is_alone(active) {
            let linked = record.linked.take().unwrap_or_default();
            record.linked = Some(Linked { src_name: Some(made.src_name.clone()), ..linked });
            self.store.write(|tx| record.update(tx))?;
            stored.clone_from(record);
        }
        Ok(made)
    }

    fn make_devices(&self, prepared: Prepared) -> Result<Interface> {
        let meter = prepared.meter.as_ref().map(|metered| Arc::clone(&metered.meter));
        let (plan, interface) = plan_pair(prepared)?;
        let programs = meter.as_ref().map(|meter| meter.programs());
        apply(&plan, &mut Ground { host: &self.host, sandbox: None, programs })?;
        Ok(interface)
    }

    /// As a driver that acts by itself does it, without holding anything that others wait for.
    fn link_by_itself(
        &self,
        active: &Active,
        record: &mut EndpointRecord,
        stored: &mut EndpointRecord,
    ) -> Result<Interface> {
        self.make_alone(active, record)?;
        self.link_and_record(active, record, stored).map_err(|error| {
            let undone = self.leave_by_itself(active, record);
            error.with_rollback(undone.err().into_iter().collect())
        })
    }

    fn link_and_record(
        &self,
        active: &Active,
        record: &mut EndpointRecord,
        stored: &mut EndpointRecord,
    ) -> Result<Interface> {
        let Prepared { interface, device, .. } = self.ask_for_link(active, record, 0)?;
        if !matches!(device, Device::Existing) {
            let cause = format!("the driver {} names no device of the host", active.config.network_type);
            return Err(Error::new(ErrorKind::NotImplemented, "link", "endpoint").with_cause(cause));
        }
        {
            let _gate = self.gate.enter()?;
            if self.find(&record.network, &record.config.name)?.as_ref() != Some(&*stored) {
                let error = Error::new(ErrorKind::Busy, "link", "endpoint");
                return Err(error.with_cause("it was changed by another while its driver was at it"));
            }
            self.store.write(|tx| record.update(tx))?;
            stored.clone_from(record);
        }
        self.connect_outside(active, record)?;
        self.attend_no_more(record)?;
        Ok(interface)
    }

    /// Has a driver that acts by itself take the device of a linked endpoint out of use. The library's own
    /// do so as they delete it, but for what does not go with a device that is gone.
    pub(super) fn unlink(&self, record: &EndpointRecord, active: Option<&Active>) -> Result<()> {
        if record.linked.is_none() {
            return Ok(());
        }
        match active {
            Some(active) if active.acts_by_itself() => {
                let outside = unless_refused(active, self.disconnect_outside(active, record));
                if outside.as_ref().is_err_and(is_unreachable) {
                    return outside;
                }
                let steps = [outside, unless_refused(active, self.leave_by_itself(active, record))];
                Error::first_of(steps.into_iter().filter_map(Result::err).collect())
            }
            _ => self.forget_proxies(record),
        }
    }

    /// Removes the proxy entries of an endpoint that has lost its devices: by these its driver finds them.
    fn forget_proxies(&self, record: &EndpointRecord) -> Result<()> {
        let (host_end, _) = naming::link_names(&record.network, &record.config.name)?;
        if self.host.link(&host_end)?.is_some() {
            return Ok(());
        }
        let entries = self.host.socket().dump(&message::list_proxies())?;
        let mut plan = Plan::default();
        for entry in entries.iter().filter_map(parse::proxy).filter(|entry| entry.ours) {
            if record.addresses().any(|own| own.addr() == entry.address) {
                // Nothing is called by its name here.
                let link = LinkRef::indexed(host_end.clone(), entry.index);
                plan.push(Place::Host, Action::DeleteProxy(ProxySpec { link, address: entry.address }));
            }
        }
        self.apply(&plan)
    }

    fn leave_by_itself(&self, active: &Active, record: &EndpointRecord) -> Result<()> {
        let left = active.driver.leave(record.network.as_str(), record.config.name.as_str())?;
        self.apply(&left)
    }
}

/// Whether endpoints of the network are one device, which has no other end that stays in the host.
fn is_alone(active: &Active) -> bool {
    active.is_builtin && !has_host_link(&active.config.network_type)
}
