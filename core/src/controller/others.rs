//! Networks whose driver or address management is somebody else's, who may take its time: it is called with nothing
//! held that others wait for.

use std::sync::PoisonError;

use super::networks::{for_driver, refuse_in_use};
use super::record::EndpointRecord;
use super::{told, Controller, NetworkConfig};
use crate::driver::{is_builtin, Capability, Driver};
use crate::error::{Error, ErrorKind, Result};
use crate::events::EventKind;
use crate::ipam::{self, overlap};
use crate::name::Name;
use crate::network::engine;
use crate::plugin::client::{is_in_doubt, is_unreachable};
use crate::store::Stamp;

/// A definition that goes again unless its network comes to be.
struct Draft<'a> {
    controller: &'a Controller,
    name: Name,
    stamp: Option<Stamp>,
    is_over: bool,
}

impl Draft<'_> {
    fn withdraw(mut self) -> Result<()> {
        self.is_over = true;
        self.undefine()
    }

    /// Not where it is another's by now, or somebody uses it.
    fn undefine(&self) -> Result<()> {
        let _gate = self.controller.gate.enter()?;
        let _lock = self.controller.definitions.lock()?;
        if self.controller.definitions.stamp(&self.name)? != self.stamp {
            return Ok(());
        }
        self.controller.refuse_used(&self.name)?;
        self.controller.definitions.remove(&self.name).map(drop)
    }
}

impl Drop for Draft<'_> {
    fn drop(&mut self) {
        if let Some(error) = (!self.is_over).then(|| self.undefine().err()).flatten() {
            log::warn!("{error}");
        }
    }
}

impl Controller {
    /// As [`Controller::create_network`], where others have a say. Its definition is there while they are at it.
    pub(super) fn create_by_others(
        &self,
        mut config: NetworkConfig,
        driver: &dyn Driver,
        capability: Capability,
    ) -> Result<NetworkConfig> {
        self.refuse_defined(&config.name)?;
        let skips = driver.gateway_skips(&config.options)?;
        let is_foreign = !ipam::is_builtin(&config.ipam);
        if is_foreign {
            let in_use = self.in_use(&config)?;
            self.complete(&mut config, &in_use, skips)?;
        }
        let drafted = (|| {
            let _lock = self.definitions.lock()?;
            self.refuse_defined(&config.name)?;
            let in_use = self.in_use(&config)?;
            match is_foreign {
                true => refuse_overlapped(&config, &in_use)?,
                false => self.complete(&mut config, &in_use, skips)?,
            }
            self.definitions.create(&config.name, &config)?;
            let stamp = self.definitions.stamp(&config.name)?;
            Ok(Draft { controller: self, name: config.name.clone(), stamp, is_over: false })
        })();
        let mut draft = match drafted {
            Ok(draft) => draft,
            Err(error) if is_foreign => return Err(self.without_pools(&config, error)),
            Err(error) => return Err(error),
        };
        let made = self.make_drafted(&mut config, driver, capability, &mut draft.stamp);
        if let Err(error) = made {
            let withdrawn = draft.withdraw();
            let is_used = withdrawn.as_ref().is_err_and(|error| error.kind() == ErrorKind::Busy);
            self.free_globally(driver, capability, config.name.as_str());
            let undone = [withdrawn, self.remove_firewall_if_last()];
            let error = error.with_rollback(undone.into_iter().filter_map(Result::err).collect());
            return Err(if is_used { error } else { self.without_pools(&config, error) });
        }
        draft.is_over = true;
        self.refuse_undefined(&config, driver, capability)?;
        self.tell(EventKind::NetworkCreated, Some(&config.name), None, None);
        Ok(config)
    }

    /// Who deleted the network while its driver was at it has given back all but what was made afterwards.
    fn refuse_undefined(
        &self,
        config: &NetworkConfig,
        driver: &dyn Driver,
        capability: Capability,
    ) -> Result<()> {
        let is_defined = {
            let _lock = self.definitions.lock()?;
            self.definitions.stamp(&config.name)?.is_some()
        };
        if is_defined {
            return Ok(());
        }
        let undone = [self.delete_made(config, driver), self.lower_firewall(&config.name)];
        self.free_globally(driver, capability, config.name.as_str());
        self.clear_up_if_last();
        Err(Error::new(ErrorKind::Busy, "make", "its definition")
            .with_cause("it was deleted by another while its driver was at it")
            .with_rollback(undone.into_iter().filter_map(Result::err).collect()))
    }

    fn without_pools(&self, config: &NetworkConfig, error: Error) -> Error {
        error.with_rollback(self.release_pools(config).err().into_iter().collect())
    }

    pub(super) fn refuse_defined(&self, name: &Name) -> Result<()> {
        match self.definitions.stamp(name)? {
            Some(_) => Err(Error::new(ErrorKind::AlreadyExists, "define network", name.as_str())
                .with_cause("there is a network of that name")),
            None => Ok(()),
        }
    }

    fn make_drafted(
        &self,
        config: &mut NetworkConfig,
        driver: &dyn Driver,
        capability: Capability,
        stamp: &mut Option<Stamp>,
    ) -> Result<()> {
        let before = config.options.clone();
        self.allocate_globally(driver, capability, config)?;
        if config.options != before {
            let _lock = self.definitions.lock()?;
            self.definitions.replace(&config.name, config)?;
            *stamp = self.definitions.stamp(&config.name)?;
        }
        if !driver.remembers_networks() {
            // What it finds wrong is found before anything is made.
            let (options, ipv4, ipv6) = for_driver(config);
            driver.create_network(config.name.as_str(), &options, &mut Default::default(), &ipv4, &ipv6)?;
        }
        self.bring_up(config, driver, true).map(drop)
    }

    /// Tells a driver that remembers networks by itself of one: when it is made, and where that was before this boot or
    /// by a file that somebody wrote. One that it has refused then may be one that it knows.
    pub(super) fn tell_driver(
        &self,
        config: &NetworkConfig,
        driver: &dyn Driver,
        is_new: bool,
    ) -> Result<()> {
        if !is_new && self.store.read(|tx| told::is_told(tx, config))? {
            return Ok(());
        }
        let (options, ipv4, ipv6) = for_driver(config);
        let name = config.name.as_str();
        match driver.create_network(name, &options, &mut Default::default(), &ipv4, &ipv6) {
            Err(error) if is_in_doubt(&error) && is_new => return Err(untold(driver, name, error)),
            Err(error) if is_unreachable(&error) || is_new => return Err(error),
            Err(error) => {
                // That is not known: it is told again by the next who needs it.
                log::warn!("network {name} is taken to be known to its driver: {error}");
                return Ok(());
            }
            Ok(_) => {}
        }
        let told = self.store.write(|tx| told::tell(tx, config));
        told.map_err(|error| if is_new { untold(driver, name, error) } else { error })
    }

    /// Whether others have a say in the network as it is defined.
    pub(super) fn is_others(&self, name: &Name) -> bool {
        self.definition(name).is_ok_and(|(config, _)| !config.is_plain())
    }

    /// As [`Controller::delete_network`], where others have a say; with `at_all_costs`, whatever they say.
    pub(super) fn delete_by_others(&self, name: &Name, at_all_costs: bool) -> Result<()> {
        let (config, stamp) = self.definition(name)?;
        self.refuse_used(name)?;
        match self.take_down_by_driver(&config) {
            Err(error) if at_all_costs => {
                log::warn!("forgetting network {name} all the same: {error}");
            }
            taken => taken?,
        }
        self.undefine(&config, stamp)?;
        if let Err(error) = self.release_pools(&config) {
            log::warn!("{error}");
        }
        self.tell(EventKind::NetworkDeleted, Some(name), None, None);
        Ok(())
    }

    fn refuse_used(&self, name: &Name) -> Result<()> {
        refuse_in_use(&self.store.read(|tx| EndpointRecord::of_network(tx, name))?)
    }

    /// Removes the definition of a network that its driver has taken away, unless somebody uses it again.
    fn undefine(&self, config: &NetworkConfig, stamp: Stamp) -> Result<()> {
        let name = &config.name;
        let _gate = self.gate.enter()?;
        let _lock = self.definitions.lock()?;
        self.active.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
        self.store.write(|tx| told::forget(tx, name))?;
        match self.definitions.stamp(name)? {
            None => return Ok(()),
            Some(now) if now != stamp => {
                return Err(Error::new(ErrorKind::Busy, "delete", "its definition")
                    .with_cause("it was changed by another while its driver was at it"));
            }
            Some(_) => {}
        }
        if let Err(error) = self.refuse_used(name) {
            // Where it stays, its driver is told of it anew, by every process: to each it looks changed.
            let renewed = self.definitions.replace(name, config);
            return Err(error.with_rollback(renewed.err().into_iter().collect()));
        }
        if is_builtin(&config.network_type) {
            self.take_down(name)?;
        }
        self.lower_firewall(name)?;
        self.definitions.remove(name)?;
        self.clear_up_if_last();
        Ok(())
    }

    /// Has the driver take the network away; one that is not to be found does without.
    fn take_down_by_driver(&self, config: &NetworkConfig) -> Result<()> {
        let name = &config.name;
        if is_builtin(&config.network_type) {
            // That is for behind the gate.
            return Ok(());
        }
        let (driver, capability) = match self.driver(&config.network_type) {
            Ok(driver) => driver,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                log::warn!("deleting network {name} without its driver: {error}");
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        if !driver.remembers_networks() {
            // A driver that was not told of the network cannot take it away.
            let (options, ipv4, ipv6) = for_driver(config);
            driver.create_network(name.as_str(), &options, &mut Default::default(), &ipv4, &ipv6)?;
        }
        match engine::delete_network(&self.host, &*driver, name) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            // A plugin that refuses may not know it any more.
            Err(error) if driver.remembers_networks() && !is_unreachable(&error) => log::warn!("{error}"),
            result => result?,
        }
        self.free_globally(&*driver, capability, name.as_str());
        Ok(())
    }

    /// As [`Controller::complete_by_hand`], where somebody else gives the addresses.
    pub(super) fn complete_by_others(
        &self,
        name: &Name,
        driver: &dyn Driver,
    ) -> Result<(NetworkConfig, Stamp)> {
        let (before, _) = self.definition(name)?;
        let skips = driver.gateway_skips(&before.options)?;
        let mut config = before.clone();
        self.complete(&mut config, &self.subnets_of_others(name)?, skips)?;
        let replaced = (|| {
            let _lock = self.definitions.lock()?;
            let (now, stamp) = self.definition(name)?;
            // Another process may have been faster, and its choice counts.
            if now != before {
                return Ok((now, stamp));
            }
            self.definitions.replace(name, &config)?;
            self.definition(name)
        })();
        match replaced {
            Ok((now, stamp)) if now.subnets == config.subnets => Ok((now, stamp)),
            Ok(other) => self.release_pools(&config).map(|()| other),
            Err(error) => Err(self.without_pools(&config, error)),
        }
    }
}

/// `error`, and what came of having the driver take back a network that it has made, or may have.
fn untold(driver: &dyn Driver, network: &str, error: Error) -> Error {
    error.with_rollback(driver.delete_network(network).err().into_iter().collect())
}

/// Somebody else may have taken what the address management chose.
fn refuse_overlapped(config: &NetworkConfig, in_use: &[ipnet::IpNet]) -> Result<()> {
    for subnet in &config.subnets {
        if let Some(other) = in_use.iter().find(|other| overlap(**other, subnet.subnet)) {
            return Err(Error::new(ErrorKind::AlreadyExists, "use subnet", subnet.subnet.to_string())
                .with_cause(format!("it overlaps {other} of another network")));
        }
    }
    Ok(())
}
