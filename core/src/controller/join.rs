//! Endpoints and sandboxes: joining.

use std::sync::Arc;

use super::active::Active;
use super::detach::is_there;
use super::endpoints::of;
use super::gateway::choose;
use super::parting::attended;
use super::record::{EndpointRecord, Joined};
use super::{event, Controller, Endpoint, EndpointConfig};
use crate::driver::InterfaceInfo;
use crate::error::{Error, ErrorKind, Result};
use crate::events::EventKind;
use crate::link::{LinkRef, Place, SysctlSpec};
use crate::name::Name;
use crate::network::engine::{self, Prepared, Request};
use crate::plan::{Action, Plan, Unanswered};
use crate::plugin::client::Operation;
use crate::sandbox::Sandbox;
use crate::store::GateGuard;
use crate::sys::Process;

impl Controller {
    /// Joins `sandbox` to a network by an endpoint that is made for it and goes with it: addresses are
    /// chosen, recorded, and the interface is up and configured when this returns.
    ///
    /// # Errors
    /// Those of [`Controller::create_endpoint`] and [`Controller::join`]. Nothing is left behind.
    pub fn connect(&self, network: &str, sandbox: &Sandbox, config: EndpointConfig) -> Result<Endpoint> {
        let name = config.name.clone();
        let _operation = Operation::begin();
        let connect = || {
            let active = self.active_or_activate(&Name::new(network)?)?;
            let record = self.record(&active, config, true)?;
            self.attach(&active, &record, sandbox, true)
        };
        let endpoint = connect().map_err(|error: Error| {
            error.within("connect", format_args!("{} as {}", sandbox.key(), of(&name, network)))
        })?;
        let (network, name) = (Some(&endpoint.network), Some(&name));
        self.listeners.tell(&[
            event(EventKind::EndpointCreated, network, name, None),
            event(EventKind::EndpointJoined, network, name, Some(sandbox.key().path())),
        ]);
        Ok(endpoint)
    }

    /// Joins `sandbox` to a network by an endpoint that was made before.
    ///
    /// Of several endpoints of a sandbox the one with the highest priority gives it its default gateways;
    /// then one that is dual-stack before one that is not, then the network's name decides. An internal
    /// network gives none.
    ///
    /// # Errors
    /// NotFound when there is no such endpoint; Busy when it is in a sandbox, or [`Controller::link`] made
    /// it; AlreadyExists when the
    /// sandbox has an interface of that name or a route that the address overlaps. The endpoint is then
    /// as it was.
    pub fn join(&self, network: &str, endpoint: &str, sandbox: &Sandbox) -> Result<Endpoint> {
        let _operation = Operation::begin();
        let join = || {
            let (network, endpoint) = (Name::new(network)?, Name::new(endpoint)?);
            let active = self.activate(&network)?;
            let mut record = self.known(&network, &endpoint)?;
            record.owner = Process::current()?;
            self.attach(&active, &record, sandbox, false)
        };
        let within = |error: Error| {
            error.within("join", format_args!("{} as {}", sandbox.key(), of(endpoint, network)))
        };
        let joined = join().map_err(within)?;
        let path = Some(sandbox.key().path());
        self.tell(EventKind::EndpointJoined, Some(&joined.network), Some(joined.name()), path);
        Ok(joined)
    }

    /// What [`Controller::connect`] would do, as a plan; nothing is recorded, and no address is kept.
    ///
    /// # Errors
    /// Those of [`Controller::connect`] that can be known beforehand; NotImplemented for a network whose
    /// driver acts by itself.
    pub fn plan_connect(&self, network: &str, sandbox: &Sandbox, config: EndpointConfig) -> Result<Plan> {
        let plan = || {
            let active = self.activate(&Name::new(network)?)?;
            if !active.is_builtin {
                let error = Error::new(ErrorKind::NotImplemented, "plan", "a join");
                return Err(
                    error.with_cause(format!("the driver {} acts by itself", active.config.network_type))
                );
            }
            let mut record = self.record(&active, config, true)?;
            let prepared = self.store.dry(|tx| {
                self.take(tx, &active, &mut record)?;
                let others = enter(tx, &mut record, sandbox, self.mounts)?;
                self.make(&active, &mut record)?;
                let mut prepared = self.prepare(&active, &mut record, sandbox, &others, 0)?;
                self.admit(&active, &record, &mut prepared)?;
                Ok(prepared)
            })?;
            let prepared = self.as_if_metered(&active, &record, prepared);
            self.plan_join(prepared, sandbox)
        };
        plan().map_err(|error: Error| {
            error.within("plan connection", format_args!("of {} to {network}", sandbox.key()))
        })
    }

    /// Records the endpoint as joined and joins it, or takes both back.
    fn attach(
        &self,
        active: &Arc<Active>,
        record: &EndpointRecord,
        sandbox: &Sandbox,
        is_new: bool,
    ) -> Result<Endpoint> {
        self.persevere(active, record, is_new, |active, attempt| {
            self.try_attach(active, record.clone(), sandbox, is_new, attempt)
        })
    }

    /// Tries again where what was in the way may be gone the next time.
    pub(super) fn persevere<T>(
        &self,
        active: &Arc<Active>,
        record: &EndpointRecord,
        is_new: bool,
        mut try_once: impl FnMut(&Active, u32) -> Result<T>,
    ) -> Result<T> {
        let mut active = Arc::clone(active);
        let mut attempt = 0;
        loop {
            let error = match try_once(&active, attempt) {
                Err(error) if attempt < engine::RETRIES && error.rollback_failures().is_empty() => error,
                result => return result,
            };
            attempt += 1;
            match error.kind() {
                // What the network needs in the host was taken away: it is made again.
                ErrorKind::NotFound if active.is_builtin => active = self.reactivate(&active.config.name)?,
                // The kernel's word for a master that is gone.
                ErrorKind::BadRequest if active.is_builtin && error.errno() == Some(libc::EINVAL) => {
                    active = self.reactivate(&active.config.name)?;
                }
                // What sandboxes that are gone left in the store must not block the next one.
                ErrorKind::AlreadyExists | ErrorKind::ResourceExhausted
                    if is_new && self.discard_in_the_way(record)? => {}
                // An index may be free at the next attempt, and a former life is waited for while nobody
                // waits for us.
                _ if engine::may_be_taken(&error) => {
                    if !engine::await_former_life(
                        &self.host,
                        &self.mark,
                        &record.network,
                        &record.config.name,
                    )? {
                        return Err(error);
                    }
                }
                _ => return Err(error),
            }
        }
    }

    fn try_attach(
        &self,
        active: &Active,
        mut record: EndpointRecord,
        sandbox: &Sandbox,
        is_new: bool,
        attempt: u32,
    ) -> Result<Endpoint> {
        let elsewhere = if is_new { self.take_elsewhere(active, &mut record)? } else { Vec::new() };
        record.attended = attended(active, &record, is_new);
        let gate = self.gate.enter();
        let recorded = gate.and_then(|gate| {
            let prepared = self.record_join(active, &mut record, sandbox, is_new, attempt)?;
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
        let joined = match prepared {
            Some(prepared) => engine::join(prepared, &self.host, sandbox),
            None => self.join_by_itself(active, &mut record, &mut stored, sandbox),
        };
        let (interface, unanswered) = match joined {
            Ok(joined) => joined,
            Err(error) => {
                if !error.rollback_failures().is_empty() {
                    self.stop_counting_inside(&record, Some(sandbox));
                }
                self.unmeter(&record);
                let undone = match is_new {
                    true => self.undo_new(active, &record, &stored, gate),
                    false => self.undo_join(&stored),
                };
                return Err(error.with_rollback(undone));
            }
        };
        drop(gate);
        engine::await_answers(unanswered, &self.host, sandbox);
        Ok(Endpoint { interface, ..Endpoint::from(record) })
    }

    /// Takes back an endpoint that was recorded as `stored` and could not join, unless another has changed it.
    pub(super) fn undo_new(
        &self,
        active: &Active,
        record: &EndpointRecord,
        stored: &EndpointRecord,
        gate: Option<GateGuard<'_>>,
    ) -> Vec<Error> {
        let is_own = match self.find(&record.network, &record.config.name) {
            Ok(now) => now.as_ref() == Some(stored),
            Err(error) => return vec![error],
        };
        if !is_own {
            return Vec::new();
        }
        if active.acts_by_itself() {
            return self.take_back(active, record, stored, false);
        }
        let removed = self.remove(record, Some(active));
        drop(gate);
        if removed.is_ok() {
            self.give_all_back_elsewhere(active, record);
        }
        removed.err().into_iter().collect()
    }

    /// Has the record of an endpoint that could not join say what it said before, unless another has changed it.
    fn undo_join(&self, stored: &EndpointRecord) -> Vec<Error> {
        self.replace(stored, &stored.apart()).err().into_iter().collect()
    }

    /// Records that the endpoint is about to join; of a driver that decides at once also what.
    fn record_join(
        &self,
        active: &Active,
        record: &mut EndpointRecord,
        sandbox: &Sandbox,
        is_new: bool,
        attempt: u32,
    ) -> Result<Option<Prepared>> {
        self.check_defined(active)?;
        self.store.write(|tx| {
            if is_new {
                self.take(tx, active, record)?;
            } else {
                let (owner, attended) = (record.owner, record.attended);
                *record = EndpointRecord { owner, attended, ..find_apart(tx, record)? };
            }
            let others = enter(tx, record, sandbox, self.mounts)?;
            let mut prepared = None;
            if active.is_builtin {
                if is_new {
                    self.make(active, record)?;
                }
                let mut own = self.prepare(active, record, sandbox, &others, attempt)?;
                self.admit(active, record, &mut own)?;
                self.meter_birth(active, record, &mut own);
                prepared = Some(own);
            }
            if is_new {
                record.insert(tx)?;
            } else {
                record.update(tx)?;
            }
            Ok(prepared)
        })
    }

    /// Asks the driver for the device; `record` learns what it says of gateways and names.
    fn prepare(
        &self,
        active: &Active,
        record: &mut EndpointRecord,
        sandbox: &Sandbox,
        others: &[EndpointRecord],
        attempt: u32,
    ) -> Result<Prepared> {
        let mut prepared = self.ask(active, record, &sandbox.key().to_string(), attempt)?;
        let interface = &mut prepared.interface;
        if let Some(joined) = &mut record.joined {
            joined.src_name = prepared.join.names.src_name.clone();
            (joined.gateway, joined.gateway_ipv6) = (interface.gateway, interface.gateway_ipv6);
        }
        let mut all: Vec<_> = others.iter().filter(|other| !is_same(other, record)).cloned().collect();
        all.push(record.clone());
        let gives = |ipv6| choose(&all, ipv6).is_some_and(|best| is_same(best, record));
        interface.gateway = interface.gateway.filter(|_| gives(false));
        interface.gateway_ipv6 = interface.gateway_ipv6.filter(|_| gives(true));
        prepared.replace_gateways = all.len() > 1;
        if !record.config.sysctls.is_empty() {
            prepared.finish = Some(finish(record));
        }
        Ok(prepared)
    }

    /// What the driver says of the endpoint's device, in the sandbox of that key.
    pub(super) fn ask(
        &self,
        active: &Active,
        record: &EndpointRecord,
        key: &str,
        attempt: u32,
    ) -> Result<Prepared> {
        let request = Request {
            network: &active.config.name,
            endpoint: &record.config.name,
            interface: InterfaceInfo::new(record.mac, record.address, record.address_ipv6),
            destination: &record.config.destination,
            mtu: record.config.mtu,
            routes: &record.config.routes,
            neighbours: &record.config.neighbours,
            gateway: record.config.default_route && !active.config.is_closed(),
            options: &self.options_of(active, record),
        };
        engine::prepare(&*active.driver, &request, key, attempt)
    }

    /// As a driver that acts by itself does it, without holding anything that others wait for.
    fn join_by_itself(
        &self,
        active: &Active,
        record: &mut EndpointRecord,
        stored: &mut EndpointRecord,
        sandbox: &Sandbox,
    ) -> Result<engine::Joined> {
        if record.transient {
            self.make_alone(active, record)?;
        }
        let joined = self.join_and_record(active, record, stored, sandbox);
        joined.map_err(|error| {
            let (network, endpoint) = (record.network.as_str(), record.config.name.as_str());
            let undone = active.driver.leave(network, endpoint).and_then(|plan| self.apply(&plan));
            error.with_rollback(undone.err().into_iter().collect())
        })
    }

    fn join_and_record(
        &self,
        active: &Active,
        record: &mut EndpointRecord,
        stored: &mut EndpointRecord,
        sandbox: &Sandbox,
    ) -> Result<engine::Joined> {
        let others = self.store.read(|tx| fellows(tx, sandbox))?;
        let mut prepared = self.prepare(active, record, sandbox, &others, 0)?;
        let (interface, unanswered) = {
            // Recorded and joined at one time for the collector.
            let _gate = self.gate.enter()?;
            if self.find(&record.network, &record.config.name)?.as_ref() != Some(&*stored) {
                let error = Error::new(ErrorKind::Busy, "join", "endpoint");
                return Err(error.with_cause("it was changed by another while its driver was at it"));
            }
            self.meter_birth(active, record, &mut prepared);
            self.store.write(|tx| record.update(tx))?;
            stored.clone_from(record);
            engine::join(prepared, &self.host, sandbox)?
        };
        engine::await_answers(unanswered, &self.host, sandbox);
        let connected = self.connect_outside(active, record).and_then(|()| self.attend_no_more(record));
        connected.map_err(|error| {
            let src_name = record.joined.as_ref().and_then(|joined| joined.src_name.as_ref());
            let undone = src_name.map_or(Ok(()), |src_name| sandbox.take_out(src_name));
            error.with_rollback(undone.err().into_iter().collect())
        })?;
        Ok((interface, Unanswered::default()))
    }

    fn plan_join(&self, prepared: Prepared, sandbox: &Sandbox) -> Result<Plan> {
        sandbox.with(|opened| engine::plan_join(prepared, sandbox, opened).map(|(plan, _)| plan))
    }
}

pub(super) fn is_same(a: &EndpointRecord, b: &EndpointRecord) -> bool {
    a.network == b.network && a.config.name == b.config.name
}

/// Has `record` say that it is in the sandbox, and returns the others that are.
fn enter(
    tx: &rusqlite::Connection,
    record: &mut EndpointRecord,
    sandbox: &Sandbox,
    mounts: u64,
) -> Result<Vec<EndpointRecord>> {
    let (path, life) = (sandbox.key().path().to_owned(), sandbox.life()?);
    // Should another process have joined it in the meantime, the kernel refuses the index, and the next
    // attempt looks.
    let others = if sandbox.is_fresh() { Vec::new() } else { fellows(tx, sandbox)? };
    let (src_name, gateway, gateway_ipv6) = (None, None, None);
    record.joined = Some(Joined { sandbox: path, life, mounts, src_name, gateway, gateway_ipv6 });
    Ok(others)
}

/// The endpoints of a sandbox. Those of one that was at the same path before are not its.
pub(super) fn fellows(tx: &rusqlite::Connection, sandbox: &Sandbox) -> Result<Vec<EndpointRecord>> {
    let life = sandbox.life()?;
    let mut all = EndpointRecord::of_sandbox(tx, sandbox.key().path())?;
    all.retain(|record| record.joined.as_ref().is_some_and(|joined| joined.life == life));
    Ok(all)
}

/// The interface's own settings, once it has its name.
fn finish(record: &EndpointRecord) -> engine::Finish {
    let sysctls = record.config.sysctls.clone();
    Box::new(move |link: &LinkRef, plan: &mut Plan| {
        for (key, value) in &sysctls {
            let spec = SysctlSpec::for_interface(key, value, &link.name)?;
            plan.push(Place::Sandbox, Action::SetSysctl(spec));
        }
        Ok(())
    })
}

/// The endpoint as it is recorded now, which must be in no sandbox.
fn find_apart(tx: &rusqlite::Connection, record: &EndpointRecord) -> Result<EndpointRecord> {
    let Some(now) = EndpointRecord::find(tx, &record.network, &record.config.name)? else {
        return Err(Error::new(ErrorKind::NotFound, "find endpoint", record.config.name.as_str())
            .with_cause("it was deleted in the meantime"));
    };
    now.refuse_attended()?;
    if now.abandoned().is_some() {
        let cause = "the process died that had its driver at it: it is to be collected";
        return Err(Error::new(ErrorKind::Busy, "join", "endpoint").with_cause(cause));
    }
    if now.linked.is_some() {
        let cause = "it is linked: its device waits, or has moved, and is its caller's to add to a sandbox";
        return Err(Error::new(ErrorKind::Busy, "join", "endpoint").with_cause(cause));
    }
    let Some(joined) = &now.joined else { return Ok(now) };
    let there = if is_there(joined) { "" } else { ", which is gone: leave it first" };
    Err(Error::new(ErrorKind::Busy, "join", "endpoint")
        .with_cause(format!("it is joined to {}{there}", joined.sandbox.display())))
}
