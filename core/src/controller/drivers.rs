//! What the controller passes on to drivers.

use std::collections::BTreeMap;

use serde_json::Value;

use super::active::Active;
use super::record::EndpointRecord;
use super::{Controller, NetworkConfig};
use crate::driver::{Capability, DiscoveryType, Driver, Scope};
use crate::error::{Error, ErrorKind, Result};

impl Controller {
    /// Tells the drivers of global scope of a node, or of keys, that have come (seed `004`,
    /// `DiscoverNew`). Those that do not offer it are passed over.
    ///
    /// # Errors
    /// That of the first driver that fails, after all were told.
    pub fn discover_new(&self, discovery: DiscoveryType, data: &Value) -> Result<()> {
        self.tell_global(|driver| driver.discover_new(discovery, data))
    }

    /// Tells the drivers of global scope of a node, or of keys, that have gone (seed `004`,
    /// `DiscoverDelete`). Those that do not offer it are passed over.
    ///
    /// # Errors
    /// That of the first driver that fails, after all were told.
    pub fn discover_delete(&self, discovery: DiscoveryType, data: &Value) -> Result<()> {
        self.tell_global(|driver| driver.discover_delete(discovery, data))
    }

    fn tell_global(&self, tell: impl Fn(&dyn Driver) -> Result<()>) -> Result<()> {
        let mut first = Ok(());
        for network_type in self.drivers.types() {
            let (driver, capability) = self.drivers.driver(&network_type)?;
            if capability.data_scope == Scope::Global {
                first = first.and(tolerated(tell(&*driver)));
            }
        }
        first
    }

    /// Has a driver of global scope allocate what the network needs across hosts, as options.
    pub(super) fn allocate_globally(
        &self,
        driver: &dyn Driver,
        capability: Capability,
        config: &mut NetworkConfig,
    ) -> Result<()> {
        if capability.data_scope != Scope::Global {
            return Ok(());
        }
        let text = |(key, value): (&String, &Value)| Some((key.clone(), value.as_str()?.to_owned()));
        let options: BTreeMap<_, _> = config.options.iter().filter_map(text).collect();
        let (_, ipv4, ipv6) = super::networks::for_driver(config);
        let allocated = driver.network_allocate(config.name.as_str(), &options, &ipv4, &ipv6);
        if let Some(allocated) = tolerated(allocated.map(Some))? {
            config.options.extend(allocated.into_iter().map(|(key, value)| (key, value.into())));
        }
        Ok(())
    }

    /// Has a driver of global scope free what it allocated.
    pub(super) fn free_globally(&self, driver: &dyn Driver, capability: Capability, network: &str) {
        if capability.data_scope == Scope::Global {
            if let Err(error) = tolerated(driver.network_free(network)) {
                log::warn!("{error}");
            }
        }
    }

    /// Has the driver connect an endpoint that has joined to the outside, unless its network is internal.
    pub(super) fn connect_outside(&self, active: &Active, record: &EndpointRecord) -> Result<()> {
        if active.is_builtin || active.config.internal {
            return Ok(());
        }
        let (network, endpoint) = (record.network.as_str(), record.config.name.as_str());
        let options = active.options_told(record);
        let plan = active.driver.program_external_connectivity(network, endpoint, &options);
        self.apply(&tolerated(plan)?)
    }

    /// Has the driver take that back, before the endpoint leaves.
    pub(super) fn disconnect_outside(&self, active: &Active, record: &EndpointRecord) -> Result<()> {
        if active.is_builtin || active.config.internal {
            return Ok(());
        }
        let (network, endpoint) = (record.network.as_str(), record.config.name.as_str());
        self.apply(&tolerated(active.driver.revoke_external_connectivity(network, endpoint))?)
    }
}

/// What a driver does not offer is nothing to do (seed `004`, `ErrNotImplemented`).
fn tolerated<T: Default>(answer: Result<T>) -> Result<T> {
    answer.or_else(|error: Error| match error.kind() {
        ErrorKind::NotImplemented => Ok(T::default()),
        _ => Err(error),
    })
}
