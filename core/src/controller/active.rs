//! Networks that are alive: their drivers know them, and what they need in the host is there.

use std::sync::{Arc, PoisonError};

use super::record::EndpointRecord;
use super::{networks, reserved, told, Controller, NetworkConfig, SubnetConfig};
use crate::driver::{is_builtin, Driver, WITHOUT_ADDRESSES};
use crate::error::{Error, ErrorKind, Result};
use crate::ipam::{overlap, Ipam, PoolIpam};
use crate::name::Name;
use crate::network::engine;
use crate::store::Stamp;

/// A network that this process has told its driver of.
pub(super) struct Active {
    pub(super) config: NetworkConfig,
    pub(super) stamp: Stamp,
    pub(super) driver: Arc<dyn Driver>,
    /// The driver is one of this library's: it decides at once, and remembers nothing of endpoints.
    pub(super) is_builtin: bool,
    /// Who gives out its addresses, unless that is the store itself.
    pub(super) ipam: Option<Arc<dyn Ipam>>,
    /// Its part of the firewall is there.
    pub(super) has_firewall: bool,
}

impl Controller {
    /// The network `name`, alive: its driver knows it and what it needs in the host is there.
    pub(super) fn activate(&self, name: &Name) -> Result<Arc<Active>> {
        let known = self.active.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned();
        let stamp = self.definitions.stamp(name)?;
        if let Some(known) = known.filter(|known| Some(known.stamp) == stamp) {
            return Ok(known);
        }
        self.reactivate(name)
    }

    /// Whether the network's definition is still what it was when the network came alive. Behind the gate it
    /// stays so, but for hands that edit it.
    pub(super) fn check_defined(&self, active: &Active) -> Result<()> {
        let name = &active.config.name;
        if self.definitions.stamp(name)? == Some(active.stamp) {
            return Ok(());
        }
        Err(Error::new(ErrorKind::NotFound, "find network", name.as_str())
            .with_cause("it was deleted or changed in the meantime"))
    }

    /// As [`Controller::activate`], also when it was alive before.
    pub(super) fn reactivate(&self, name: &Name) -> Result<Arc<Active>> {
        let (mut config, mut stamp) = self.definition(name)?;
        let (driver, _) = self.driver(&config.network_type)?;
        self.refuse_overlap(&config)?;
        if config.is_incomplete() {
            (config, stamp) = match config.ipam == PoolIpam::NAME {
                true => self.complete_by_hand(name, &*driver)?,
                false => self.complete_by_others(name, &*driver)?,
            };
        }
        let has_firewall = self.bring_up(&config, &*driver, false)?;
        let active = Arc::new(self.active(config, stamp, driver, has_firewall)?);
        let mut all = self.active.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(name.clone(), Arc::clone(&active));
        Ok(active)
    }

    /// As [`Controller::activate`], without a look at the definition of one of the library's own that was alive
    /// before: that is looked at behind the gate.
    pub(super) fn active_or_activate(&self, name: &Name) -> Result<Arc<Active>> {
        let known = self.active.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned();
        match known {
            Some(known) if known.is_builtin => Ok(known),
            _ => self.activate(name),
        }
    }

    pub(super) fn active(
        &self,
        config: NetworkConfig,
        stamp: Stamp,
        driver: Arc<dyn Driver>,
        has_firewall: bool,
    ) -> Result<Active> {
        let ipam = (config.ipam != PoolIpam::NAME).then(|| self.ipam(&config.ipam)).transpose()?;
        let is_builtin = is_builtin(&config.network_type);
        Ok(Active { config, stamp, driver, is_builtin, ipam, has_firewall })
    }

    /// A definition that somebody wrote without saying everything gets the rest, and keeps it.
    fn complete_by_hand(&self, name: &Name, driver: &dyn Driver) -> Result<(NetworkConfig, Stamp)> {
        let skips = driver.gateway_skips(&self.definition(name)?.0.options)?;
        let _lock = self.definitions.lock()?;
        // Another process may have been faster, and its choice counts.
        let (mut config, stamp) = self.definition(name)?;
        if !config.is_incomplete() {
            return Ok((config, stamp));
        }
        let in_use = self.subnets_of_others(name)?;
        self.complete(&mut config, &in_use, skips)?;
        self.definitions.replace(name, &config)?;
        self.definition(name)
    }

    /// Makes what the network needs in the host, and reserves its addresses; whether its part of the firewall is
    /// there. Of a new one nothing is left after a failure.
    pub(super) fn bring_up(&self, config: &NetworkConfig, driver: &dyn Driver, is_new: bool) -> Result<bool> {
        if config.ipam == PoolIpam::NAME {
            self.store.write(|tx| reserved::reserve(tx, config))?;
        }
        let raised = self.raise_firewall(config)?;
        let made = self.make_network(config, driver, is_new);
        // What a plugin has refused it need not take away.
        let undo = made.is_ok() || !driver.remembers_networks();
        let opens = raised || config.parent().is_some();
        let opened = made.and_then(|()| if opens { self.open_up(config) } else { Ok(()) });
        opened.map_err(|error| {
            if !is_new {
                return error;
            }
            let deleted = if undo { self.delete_made(config, driver) } else { Ok(()) };
            let undone = [deleted, self.lower_firewall(&config.name)];
            error.with_rollback(undone.into_iter().filter_map(Result::err).collect())
        })?;
        if config.meter && !WITHOUT_ADDRESSES.contains(&config.network_type.as_str()) {
            // So that no join waits for it. Without counters the network does as well: that was said.
            let _ = self.meter();
        }
        Ok(raised)
    }

    pub(super) fn delete_made(&self, config: &NetworkConfig, driver: &dyn Driver) -> Result<()> {
        if driver.remembers_networks() {
            self.store.write(|tx| told::forget(tx, &config.name))?;
        }
        engine::delete_network(&self.host, driver, &config.name)
    }

    fn make_network(&self, config: &NetworkConfig, driver: &dyn Driver, is_new: bool) -> Result<()> {
        if driver.remembers_networks() {
            return self.tell_driver(config, driver, is_new);
        }
        let (options, ipv4, ipv6) = networks::for_driver(config);
        let info = engine::create_network(&self.host, driver, &config.name, &options, &ipv4, &ipv6)?;
        if !info.tables().is_empty() {
            log::info!("network {} wants to hear of tables, which local networks have none of", config.name);
        }
        Ok(())
    }

    /// A definition that was edited to overlap another is refused, unless it alone has endpoints.
    fn refuse_overlap(&self, config: &NetworkConfig) -> Result<()> {
        for (other, other_config) in self.definitions.list::<NetworkConfig>()? {
            let Ok(other_config) = other_config else { continue };
            if other == config.name {
                continue;
            }
            for subnet in &config.subnets {
                let overlapped =
                    other_config.subnets.iter().find(|there| overlap(there.subnet, subnet.subnet));
                let Some(overlapped) = overlapped else { continue };
                let endpoints = |name: &Name| self.store.read(|tx| EndpointRecord::of_network(tx, name));
                if endpoints(&other)?.is_empty() && !endpoints(&config.name)?.is_empty() {
                    continue;
                }
                let cause = format!("it overlaps {} of network {other}", overlapped.subnet);
                let subject = format!("{} of network {}", subnet.subnet, config.name);
                return Err(Error::new(ErrorKind::AlreadyExists, "use subnet", subject).with_cause(cause));
            }
        }
        Ok(())
    }
}

impl NetworkConfig {
    /// Whether a family that is wanted has no subnet yet, or a subnet no gateway.
    fn is_incomplete(&self) -> bool {
        let has = |ipv6| self.subnet(ipv6).is_some();
        // A subnet with room for a single address has no gateway, and a driver of others may do without.
        let lacks_gateway = |subnet: &SubnetConfig| {
            is_builtin(&self.network_type)
                && subnet.gateway.is_none()
                && subnet.subnet.prefix_len() < subnet.subnet.max_prefix_len()
        };
        !WITHOUT_ADDRESSES.contains(&self.network_type.as_str())
            && (self.ipv4 && !has(false) || self.ipv6 && !has(true) || self.subnets.iter().any(lacks_gateway))
    }
}
