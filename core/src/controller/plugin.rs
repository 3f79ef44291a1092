//! What the server of Docker's plugin protocol asks of a controller besides its public methods.

use std::path::Path;
use std::sync::PoisonError;

use serde_json::Value;

use super::record::{EndpointRecord, Linked};
use super::{Controller, NetworkConfig};
use crate::driver::{has_host_link, naming};
use crate::error::{Error, ErrorKind, Result};
use crate::name::Name;
use crate::sandbox::Interface;
use crate::sys::Namespace;

impl Controller {
    /// The definition of a network; none when there is no such network.
    pub(crate) fn defined(&self, name: &Name) -> Result<Option<NetworkConfig>> {
        let known = self.active.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned();
        let stamp = self.definitions.stamp(name)?;
        if let Some(known) = known.filter(|known| Some(known.stamp) == stamp) {
            return Ok(Some(known.config.clone()));
        }
        match self.definition(name) {
            Ok((config, _)) => Ok(Some(config)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Sees to it that a network is alive.
    pub(crate) fn revive(&self, name: &Name) -> Result<()> {
        self.activate(name).map(drop)
    }

    /// Sees to it that what the firewall lets pass is not stopped by Docker's own rules, as long as Docker has
    /// networks of this controller.
    pub(crate) fn pass_docker(&self, has_networks: bool) -> Result<()> {
        self.host.with_firewall(|firewall| match has_networks {
            true => firewall.pass_docker(),
            false => firewall.stop_passing_docker(),
        })
    }

    /// Says that the device of a linked endpoint goes to the sandbox of that key, and how it is to look there.
    ///
    /// # Errors
    /// NotFound when there is no such endpoint; Busy when it is in another sandbox.
    pub(crate) fn hand_over(&self, network: &Name, endpoint: &Name, sandbox_key: &str) -> Result<Interface> {
        let active = self.active_or_activate(network)?;
        let record = self.known_portless(network, endpoint)?;
        let linked = linked(&record)?;
        if linked.sandbox_key.as_deref() != Some(sandbox_key) {
            self.note_sandbox(network, endpoint, Some(sandbox_key))?;
        }
        self.ask(&active, &record, "", 0).map(|prepared| prepared.interface)
    }

    /// Whether the device of a linked endpoint, or its other end in the host, was deleted.
    pub(crate) fn has_lost_device(&self, network: &Name, endpoint: &Name) -> Result<bool> {
        let active = self.active_or_activate(network)?;
        let record = self.known_portless(network, endpoint)?;
        let Some(linked) = &record.linked else { return Ok(false) };
        if has_host_link(&active.config.network_type) {
            let (host_end, _) = naming::link_names(network, endpoint)?;
            return Ok(self.host.link(&host_end)?.is_none());
        }
        let waits = linked.src_name.as_ref().filter(|_| linked.sandbox_key.is_none());
        waits.map_or(Ok(false), |name| Ok(self.host.link(name)?.is_none()))
    }

    /// Says that the device of a linked endpoint is in no sandbox any more. One that is gone is no error.
    pub(crate) fn return_device(&self, network: &Name, endpoint: &Name) -> Result<()> {
        match self.note_sandbox(network, endpoint, None) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            noted => noted,
        }
    }

    /// Whether no sandbox has the endpoint: that to which its device went is gone, and it waits in the host again.
    pub(crate) fn is_returned(&self, network: &Name, endpoint: &Name) -> Result<bool> {
        let Some(record) = self.find(network, endpoint)? else { return Ok(false) };
        let Some(linked) = &record.linked else {
            return Ok(record.joined.is_none_or(|joined| !Namespace::is_mounted(&joined.sandbox)));
        };
        if linked.sandbox_key.as_ref().is_some_and(|key| Namespace::is_mounted(Path::new(key))) {
            return Ok(false);
        }
        linked.src_name.as_ref().map_or(Ok(true), |name| Ok(self.host.link(name)?.is_some()))
    }

    fn note_sandbox(&self, network: &Name, endpoint: &Name, key: Option<&str>) -> Result<()> {
        let _gate = self.gate.enter()?;
        self.store.write(|tx| {
            let Some(record) = EndpointRecord::find_portless(tx, network, endpoint)? else {
                let error = Error::new(ErrorKind::NotFound, "find endpoint", endpoint.as_str());
                return Err(error.with_cause(format!("network {network} has no endpoint of that name")));
            };
            let linked = linked(&record)?;
            if let Some((there, wanted)) = linked.sandbox_key.as_ref().zip(key).filter(|(a, b)| a != b) {
                let error = Error::new(ErrorKind::Busy, "join", format!("sandbox {wanted}"));
                return Err(error.with_cause(format!("the endpoint is in sandbox {there}: leave that first")));
            }
            let linked = Linked { sandbox_key: key.map(str::to_owned), ..linked.clone() };
            EndpointRecord { linked: Some(linked), ..record }.update(tx)
        })
    }
}

fn linked(record: &EndpointRecord) -> Result<&Linked> {
    record.linked.as_ref().ok_or_else(|| {
        let cause = "it was made to be joined, not for its device to be handed over";
        Error::new(ErrorKind::Forbidden, "use endpoint", record.config.name.as_str()).with_cause(cause)
    })
}

impl NetworkConfig {
    /// What `wanted` says otherwise than this definition, which was made of such a one; none when it says the
    /// same.
    pub(crate) fn difference(&self, wanted: &Self) -> Result<Option<String>> {
        let fields = |config: &Self| {
            let mut config = config.clone();
            config.translate()?;
            for subnet in &mut config.subnets {
                (subnet.pool_id, subnet.address_space) = (None, None);
            }
            match serde_json::to_value(&config) {
                Ok(Value::Object(fields)) => Ok(fields),
                _ => Err(Error::bad_request("compare", "definitions", "they cannot be written")),
            }
        };
        let (own, wanted) = (fields(self)?, fields(wanted)?);
        let keys = own.keys().chain(wanted.keys().filter(|key| !own.contains_key(*key)));
        let nothing = Value::Null;
        let differences = keys.filter_map(|key| {
            let (is, asked) = (own.get(key).unwrap_or(&nothing), wanted.get(key).unwrap_or(&nothing));
            (is != asked).then(|| format!("{key} is {is}, and {asked} is asked for"))
        });
        let differences: Vec<_> = differences.collect();
        Ok((!differences.is_empty()).then(|| differences.join("; ")))
    }
}
