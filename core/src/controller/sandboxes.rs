//! Sandboxes of a controller: made, listed and destroyed with their endpoints.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::active::Active;
use super::record::{EndpointRecord, SandboxRecord};
use super::{endpoints, Controller, Endpoint};
use crate::error::{Error, ErrorKind, Result};
use crate::events::EventKind;
use crate::network::engine;
use crate::plugin::client::Operation;
use crate::sandbox::{Sandbox, SandboxKey};
use crate::sys::{Namespace, NamespaceLife, Process};

/// A sandbox with its endpoints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SandboxDetails {
    /// Where it is mounted.
    pub path: PathBuf,
    /// Its endpoints, by the names of their networks and theirs.
    pub endpoints: Vec<Endpoint>,
}

impl Controller {
    /// The key of the sandbox `name` in this controller's directory.
    ///
    /// # Errors
    /// BadRequest when `name` is no [`Name`](crate::Name).
    pub fn sandbox_key(&self, name: &str) -> Result<SandboxKey> {
        SandboxKey::in_base(&self.options.sandbox_dir, name)
    }

    /// Makes a sandbox that this controller knows of, so that it is collected when it should be; see
    /// [`Sandbox::create`].
    ///
    /// # Errors
    /// Those of [`Sandbox::create`].
    pub fn create_sandbox(&self, name: &str) -> Result<Sandbox> {
        let key = self.sandbox_key(name)?;
        let record = SandboxRecord {
            path: key.path().to_owned(),
            lifetime: self.options.lifetime,
            owner: Process::current()?,
        };
        let within = |error: Error| error.within("create sandbox", &key);
        let note = record.to_string();
        let sandbox = match self.notes.add(key.path(), &note).map_err(within)? {
            true => self.create_noted(&key, &note)?,
            false => self.create_again(&key, &note).map_err(within)?,
        };
        self.tell(EventKind::SandboxCreated, None, None, Some(key.path()));
        Ok(sandbox)
    }

    /// Makes a sandbox where the note of another is. What is noted may be about to be collected: not while
    /// the gate is ours.
    fn create_again(&self, key: &SandboxKey, note: &str) -> Result<Sandbox> {
        let _gate = self.gate.enter()?;
        if Namespace::is_mounted(key.path()) {
            return Err(Error::new(ErrorKind::AlreadyExists, "create namespace", key.to_string())
                .with_cause("a namespace of that name is there already"));
        }
        let before = self.notes.read(key.path())?;
        self.notes.replace(key.path(), note)?;
        let restore = || self.put_back(key, note, before.as_deref());
        Sandbox::create(key).map_err(|error| error.with_rollback(restore().err().into_iter().collect()))
    }

    /// Makes the sandbox of a note that is new, or takes the note away. Who came later may be making the
    /// sandbox by now: not while the gate is ours.
    fn create_noted(&self, key: &SandboxKey, note: &str) -> Result<Sandbox> {
        let restore = || {
            let _gate = self.gate.enter()?;
            self.put_back(key, note, None)
        };
        Sandbox::create(key).map_err(|error| error.with_rollback(restore().err().into_iter().collect()))
    }

    /// Has the sandbox's note say what it said before, unless it is another's by now. The gate is the caller's.
    fn put_back(&self, key: &SandboxKey, note: &str, before: Option<&str>) -> Result<()> {
        match before {
            _ if self.notes.read(key.path())?.as_deref() != Some(note) => Ok(()),
            Some(before) => self.notes.replace(key.path(), before),
            // Another thread's note reads like this one's.
            None if Namespace::is_mounted(key.path()) => Ok(()),
            None => self.notes.remove(key.path()),
        }
    }

    /// Opens the sandbox `name` of this controller's directory; see [`Sandbox::open`].
    ///
    /// # Errors
    /// Those of [`Sandbox::open`].
    pub fn open_sandbox(&self, name: &str) -> Result<Sandbox> {
        Sandbox::open(&self.sandbox_key(name)?)
    }

    /// The sandboxes that a controller made or joined and that are there, by their paths.
    ///
    /// # Errors
    /// Those of reading the store.
    pub fn sandboxes(&self) -> Result<Vec<SandboxDetails>> {
        let made = SandboxRecord::all(&self.notes)?;
        let endpoints = self.store.read(EndpointRecord::all)?;
        let mut paths: Vec<_> = made.into_iter().map(|record| record.path).collect();
        paths.extend(endpoints.iter().filter_map(|record| Some(record.joined.as_ref()?.sandbox.clone())));
        paths.sort();
        paths.dedup();
        paths.retain(|path| Namespace::is_mounted(path));
        let of = |path: &Path| {
            let own = endpoints
                .iter()
                .filter(|record| record.joined.as_ref().is_some_and(|joined| joined.sandbox == *path));
            own.cloned().map(Endpoint::from).collect()
        };
        Ok(paths.into_iter().map(|path| SandboxDetails { endpoints: of(&path), path }).collect())
    }

    /// Ends a sandbox: [`Sandbox::destroy`], and its endpoints leave it. Those that were made by
    /// [`Controller::connect`] are deleted, others keep their addresses. A sandbox that is gone is no
    /// error; its endpoints leave it all the same.
    ///
    /// # Errors
    /// PermissionDenied without `CAP_SYS_ADMIN`. What fails for one endpoint does not keep the others.
    pub fn destroy_sandbox(&self, sandbox: &Sandbox) -> Result<()> {
        self.end(sandbox.key(), None, Some(sandbox))
            .map(drop)
            .map_err(|error| error.within("destroy sandbox", sandbox.key()))
    }

    /// As [`Controller::destroy_sandbox`], for a sandbox that is not open here.
    ///
    /// # Errors
    /// Those of [`Controller::destroy_sandbox`].
    pub fn remove_sandbox(&self, name: &str) -> Result<()> {
        let key = self.sandbox_key(name)?;
        self.end(&key, None, None).map(drop).map_err(|error| error.within("remove sandbox", &key))
    }

    /// The namespace goes, then what the endpoints have elsewhere, then the records: a death in between is
    /// made good by the collector, which finds records without a namespace.
    ///
    /// With `noted`, nothing happens when its note says something else by now, which is `false`.
    pub(super) fn end(
        &self,
        key: &SandboxKey,
        noted: Option<&SandboxRecord>,
        sandbox: Option<&Sandbox>,
    ) -> Result<bool> {
        let path = key.path();
        let _operation = Operation::begin();
        let mut failures = Vec::new();
        let is_other =
            |noted: &SandboxRecord| Ok::<_, Error>(self.notes.read(path)? != Some(noted.to_string()));
        // What lies at the path of a handle that was used for this before is another's.
        let again = sandbox.is_some_and(Sandbox::is_destroyed);
        let mut tried = Vec::new();
        let (gate, opened, leaving) = loop {
            let gate = self.gate.enter()?;
            if noted.map(is_other).transpose()? == Some(true) {
                return Ok(false);
            }
            let opened = if sandbox.is_none() { open_there(key)? } else { None };
            let leaving = self.leaving(path, sandbox.filter(|_| !again).or(opened.as_ref()))?;
            let ahead = self.not_plain(&leaving, &tried)?;
            if ahead.is_empty() {
                break (gate, opened, leaving);
            }
            // Those who take their time do so while others go on.
            drop(gate);
            self.part_ahead(&ahead, &mut failures);
            tried.extend(ahead);
        };
        let was_there = !again && std::fs::symlink_metadata(path).is_ok();
        let sandbox = sandbox.filter(|_| !again).or(opened.as_ref());
        match sandbox {
            Some(sandbox) => sandbox.unmount()?,
            None if again => {}
            None => Sandbox::remove(key)?,
        }
        let gone = self.let_all_go(&leaving, sandbox, &mut failures);
        // Their ports may be others' as soon as the store says so.
        failures.extend(self.dismiss(&gone).err());
        let recorded = self.store.write(|tx| {
            for record in &gone {
                match record.transient {
                    true => endpoints::forget(tx, record)?,
                    false => record.apart().update(tx)?,
                }
            }
            Ok(())
        });
        if recorded.is_ok() {
            gone.iter().for_each(|record| self.unmeter(record));
        }
        if recorded.is_ok() && !again && !Namespace::is_mounted(path) {
            failures.extend(self.notes.remove(path).err());
        }
        drop(gate);
        if recorded.is_ok() {
            for record in gone.iter().filter(|record| record.transient) {
                self.give_all_back_by_name(record);
            }
        }
        if let Err(error) = recorded {
            failures.push(error);
        } else {
            self.tell_end(path, &gone, was_there);
        }
        if let Some(sandbox) = sandbox {
            failures.extend(sandbox.destroy().err());
        }
        Error::first_of(failures).map(|()| true)
    }

    /// The endpoints of the sandbox, and those of former ones at its path; not those of another that is
    /// there by now.
    fn leaving(&self, path: &Path, sandbox: Option<&Sandbox>) -> Result<Vec<EndpointRecord>> {
        let own = sandbox.and_then(|sandbox| sandbox.life().ok());
        let there = NamespaceLife::at(path);
        let mut records = self.store.read(|tx| EndpointRecord::of_sandbox(tx, path))?;
        records.retain(|record| {
            let of = record.joined.as_ref().map(|joined| joined.life);
            of == own || of != there
        });
        Ok(records)
    }

    /// Those of them that others have a say in, but for those that were `tried` as they are.
    fn not_plain(&self, leaving: &[EndpointRecord], tried: &[EndpointRecord]) -> Result<Vec<EndpointRecord>> {
        let mut others = Vec::new();
        for record in leaving {
            if !self.is_plain(&record.network)? && !tried.contains(record) {
                others.push(record.clone());
            }
        }
        Ok(others)
    }

    /// Lets all endpoints go, and returns those of which nothing is left. The records of others stay, for
    /// the next call or the collector to try again.
    fn let_all_go<'a>(
        &self,
        leaving: &'a [EndpointRecord],
        sandbox: Option<&Sandbox>,
        failures: &mut Vec<Error>,
    ) -> Vec<&'a EndpointRecord> {
        let addresses: Vec<_> =
            leaving.iter().flat_map(EndpointRecord::addresses).map(|net| net.addr()).collect();
        let given_up = sandbox.filter(|_| !addresses.is_empty()).map(|sandbox| sandbox.give_up(&addresses));
        if let Some(Err(error)) = given_up {
            log::warn!("{error}");
        }
        let mut gone = Vec::new();
        for record in leaving {
            let mut refused = Vec::new();
            let active = match self.is_plain(&record.network) {
                Ok(true) => self.parting(record),
                Ok(false) => match self.at_hand(&record.network) {
                    // What of these is still there could not part before, and that was said.
                    Ok(active) if active.as_ref().is_none_or(|active| !active.is_builtin) => continue,
                    active => active,
                },
                Err(error) => Err(error),
            };
            self.stop_counting_inside(record, sandbox);
            match active {
                Ok(Some(active)) => refused.extend(self.let_go(&active, record).err()),
                Ok(None) => {}
                Err(error) => refused.push(error),
            }
            if refused.is_empty() {
                gone.push(record);
            }
            failures.append(&mut refused);
        }
        gone
    }

    fn tell_end(&self, path: &Path, gone: &[&EndpointRecord], was_there: bool) {
        for record in gone {
            let (network, endpoint) = (Some(&record.network), Some(&record.config.name));
            self.tell(EventKind::EndpointLeft, network, endpoint, Some(path));
            if record.transient {
                self.tell(EventKind::EndpointDeleted, network, endpoint, None);
            }
        }
        if was_there {
            self.tell(EventKind::SandboxDestroyed, None, None, Some(path));
        }
    }

    /// Has the driver take the endpoint out of use, as far as that does not happen by itself when the
    /// namespace goes: its links go with it, and deleting one takes the kernel 12 ms.
    fn let_go(&self, active: &Active, record: &EndpointRecord) -> Result<()> {
        let left = active.driver.leave(record.network.as_str(), record.config.name.as_str())?;
        self.apply(&engine::without_links(left))
    }
}

/// The sandbox at `key`; none when there is nothing, or no namespace.
pub(super) fn open_there(key: &SandboxKey) -> Result<Option<Sandbox>> {
    match Sandbox::open(key) {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::BadRequest) => Ok(None),
        result => result.map(Some),
    }
}
