//! Networks: their definitions, made, listed and deleted.

mod subnets;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::PoisonError;

use ipnet::IpNet;
use serde::Serialize;

use super::record::EndpointRecord;
use super::{Controller, Endpoint, GatewayMode, NetworkConfig, SubnetConfig};
use crate::driver::{bridge, Driver, GatewaySkips, IpamData, Options, DOCKER_INTERNAL};
use crate::error::{Error, ErrorKind, Result};
use crate::events::EventKind;
use crate::link::{message, parse, LINK_GROUP};
use crate::name::Name;
use crate::network::engine;
use crate::plugin::client::Operation;
use crate::store::{leases, Stamp};

/// A network with its endpoints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct NetworkDetails {
    /// Its definition.
    #[serde(flatten)]
    pub config: NetworkConfig,
    /// Its endpoints, by their names.
    pub endpoints: Vec<Endpoint>,
    /// How many addresses of its subnets are in use, gateways and auxiliary ones too.
    pub usage: Vec<SubnetUsage>,
}

/// How much of a subnet is in use, by the library's own address management.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SubnetUsage {
    /// The subnet.
    pub subnet: IpNet,
    /// Addresses in use.
    pub used: u128,
}

impl Controller {
    /// Makes a network, and returns its definition with what was left open filled in: subnets from the
    /// default pools that overlap no other network and no route of the host, and their gateways.
    ///
    /// # Errors
    /// AlreadyExists when there is a network of that name, or a subnet overlaps another network's or a
    /// route of the host; NotFound for an unknown type; BadRequest for a definition that contradicts
    /// itself or has options that the driver does not take; PermissionDenied when the definition cannot
    /// be written. Nothing is left behind.
    pub fn create_network(&self, config: NetworkConfig) -> Result<NetworkConfig> {
        let name = config.name.clone();
        let _operation = Operation::begin();
        self.create(config).map_err(|error| error.within("create network", name))
    }

    fn create(&self, mut config: NetworkConfig) -> Result<NetworkConfig> {
        config.translate()?;
        config.check()?;
        let (driver, capability) = self.driver(&config.network_type)?;
        if !config.is_plain() {
            return self.create_by_others(config, &*driver, capability);
        }
        let _lock = self.definitions.lock()?;
        self.refuse_defined(&config.name)?;
        let in_use = self.in_use(&config)?;
        self.complete(&mut config, &in_use, GatewaySkips::default())?;
        self.define(&config, &*driver)
            .map_err(|error| error.with_rollback(self.release_pools(&config).err().into_iter().collect()))?;
        self.tell(EventKind::NetworkCreated, Some(&config.name), None, None);
        Ok(config)
    }

    /// Writes the definition and makes the network, or neither.
    fn define(&self, config: &NetworkConfig, driver: &dyn Driver) -> Result<()> {
        // What the driver finds wrong is found before anything is written.
        let (options, ipv4, ipv6) = for_driver(config);
        driver.create_network(config.name.as_str(), &options, &mut Default::default(), &ipv4, &ipv6)?;
        self.definitions.create(&config.name, config)?;
        // From here on a death leaves a network that is made when it is first used.
        self.bring_up(config, driver, true).map(drop).map_err(|error| {
            let removed = self.definitions.remove(&config.name).map(drop);
            let undone = [removed, self.remove_firewall_if_last()];
            error.with_rollback(undone.into_iter().filter_map(Result::err).collect())
        })
    }

    /// The networks, by their names. A definition that cannot be read is an error in its place.
    ///
    /// # Errors
    /// PermissionDenied when the directory cannot be read.
    pub fn networks(&self) -> Result<Vec<(Name, Result<NetworkConfig>)>> {
        self.definitions.list().map_err(|error| error.within("list", "networks"))
    }

    /// A network's definition with its endpoints.
    ///
    /// # Errors
    /// NotFound when there is none of that name; BadRequest when its definition cannot be read.
    pub fn inspect_network(&self, name: &str) -> Result<NetworkDetails> {
        let inspect = || {
            let name = Name::new(name)?;
            let (config, _) = self.definition(&name)?;
            self.store.read(|tx| {
                let usage = |subnet: &SubnetConfig| {
                    let used = leases::count_taken(tx, subnet.subnet)?;
                    Ok(SubnetUsage { subnet: subnet.subnet, used })
                };
                let usage = config.subnets.iter().map(usage).collect::<Result<_>>()?;
                let records = EndpointRecord::of_network(tx, &name)?;
                let endpoints = records.into_iter().map(Endpoint::from).collect();
                Ok(NetworkDetails { config, endpoints, usage })
            })
        };
        inspect().map_err(|error: Error| error.within("inspect network", name))
    }

    pub(super) fn definition(&self, name: &Name) -> Result<(NetworkConfig, Stamp)> {
        let found = self.definitions.load::<NetworkConfig>(name)?.ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "find network", name.as_str())
                .with_cause("there is no network of that name")
        })?;
        if found.0.name != *name {
            let cause = format!("its definition calls itself {}", found.0.name);
            return Err(Error::bad_request("use definition of network", name.as_str(), cause));
        }
        found.0.check()?;
        Ok(found)
    }

    /// Deletes the network and its definition; one that is gone is no error.
    ///
    /// # Errors
    /// Busy while it has endpoints, with their names and sandboxes; System while its plugin does not answer.
    pub fn delete_network(&self, name: &str) -> Result<()> {
        let _operation = Operation::begin();
        let delete = || {
            let name = Name::new(name)?;
            if self.is_others(&name) {
                return self.delete_by_others(&name, false);
            }
            // The gate keeps endpoints from coming between the look and the deed. It comes before the lock
            // everywhere, so that nobody waits for one another.
            let _gate = self.gate.enter()?;
            let _lock = self.definitions.lock()?;
            if self.definitions.stamp(&name)?.is_none() {
                self.clear_up_if_last();
                return Ok(());
            }
            if self.is_others(&name) {
                return Err(Error::new(ErrorKind::Busy, "delete", "its definition")
                    .with_cause("it was changed by another in the meantime"));
            }
            let records = self.store.read(|tx| EndpointRecord::of_network(tx, &name))?;
            refuse_in_use(&records)?;
            self.take_down(&name)?;
            self.lower_firewall(&name)?;
            self.definitions.remove(&name)?;
            self.active.lock().unwrap_or_else(PoisonError::into_inner).remove(&name);
            self.tell(EventKind::NetworkDeleted, Some(&name), None, None);
            self.clear_up_if_last();
            Ok(())
        };
        delete().map_err(|error: Error| error.within("delete network", name))
    }

    /// Forgets a network and frees its subnets whatever its driver says, as when a driver is gone for good: what the
    /// driver made of it is the driver's to clear away. One that is gone is no error.
    ///
    /// # Errors
    /// Busy while it has endpoints, with their names and sandboxes: [`Controller::forget_endpoint`].
    pub fn forget_network(&self, name: &str) -> Result<()> {
        let _operation = Operation::begin();
        let forget = || {
            let own = Name::new(name)?;
            match self.is_others(&own) {
                true => self.delete_by_others(&own, true),
                false => self.delete_network(name),
            }
        };
        forget().map_err(|error: Error| error.within("forget network", name))
    }

    /// Removes what is there for all networks when there is none any more. They are gone whatever fails here: who
    /// deletes once more tries again, and so does the collector.
    pub(super) fn clear_up_if_last(&self) {
        let results = [self.remove_firewall_if_last(), self.remove_counters_if_last()];
        for error in results.into_iter().filter_map(Result::err) {
            log::warn!("{error}");
        }
    }

    /// Takes away what the network has in the host and in the store. The definition of one that cannot
    /// be read can still be deleted.
    pub(super) fn take_down(&self, name: &Name) -> Result<()> {
        let config = match self.definition(name) {
            Ok((config, _)) => config,
            Err(error) => {
                log::warn!("deleting network {name} by its file alone: {error}");
                return Ok(());
            }
        };
        let (driver, _) = self.drivers.driver(&config.network_type)?;
        let (options, ipv4, ipv6) = for_driver(&config);
        // A driver that was not told of the network cannot take it away.
        match driver.create_network(name.as_str(), &options, &mut Default::default(), &ipv4, &ipv6) {
            Ok(_) => match engine::delete_network(&self.host, &*driver, name) {
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                result => result?,
            },
            // What it was made of is gone, or somebody else's by now; the rest has to go all the same.
            Err(error) => {
                log::warn!("deleting network {name}: {error}");
                self.delete_links(name)?;
            }
        }
        match config.is_plain() {
            true => self.release_pools(&config),
            false => Ok(()),
        }
    }

    /// Deletes the network's own links, which say so.
    fn delete_links(&self, name: &Name) -> Result<()> {
        let links = self.host.socket().dump(&message::list_links())?;
        let alias = self.mark.network(name);
        let links = links.iter().filter_map(parse::link);
        let mut own = links.filter(|link| link.group == LINK_GROUP && link.alias.as_deref() == Some(&alias));
        own.try_for_each(|link| self.delete_link(&link))
    }
}

/// What the driver is told of a network.
pub(super) fn for_driver(config: &NetworkConfig) -> (Options, Vec<IpamData>, Vec<IpamData>) {
    let mut options = config.options.clone();
    if config.is_closed() {
        options.insert(DOCKER_INTERNAL.to_owned(), true.into());
    }
    if config.network_type == bridge::TYPE && !config.firewall.icc {
        options.insert("icc".to_owned(), false.into());
    }
    let is_isolated = config.firewall.gateway_mode == GatewayMode::Isolated;
    let data = |ipv6: bool| {
        let data = |subnet: &SubnetConfig| IpamData {
            address_space: subnet.address_space().to_owned(),
            pool: Some(subnet.subnet),
            gateway: subnet.gateway_net().filter(|_| !is_isolated),
            aux_addresses: auxiliary(subnet),
        };
        config.subnet(ipv6).map(data).into_iter().collect()
    };
    (options, data(false), data(true))
}

fn auxiliary(subnet: &SubnetConfig) -> BTreeMap<String, IpNet> {
    let with_prefix = |address: &IpAddr| IpNet::new(*address, subnet.subnet.prefix_len()).ok();
    let named = subnet.auxiliary.iter();
    named.filter_map(|(name, address)| Some((name.clone(), with_prefix(address)?))).collect()
}

pub(super) fn refuse_in_use(records: &[EndpointRecord]) -> Result<()> {
    const NAMED: usize = 5;
    if records.is_empty() {
        return Ok(());
    }
    let name = |record: &EndpointRecord| match &record.joined {
        Some(joined) => format!("{} (in {})", record.config.name, joined.sandbox.display()),
        None => record.config.name.to_string(),
    };
    let mut names: Vec<_> = records.iter().take(NAMED).map(name).collect();
    if records.len() > NAMED {
        names.push(format!("{} more", records.len() - NAMED));
    }
    Err(Error::new(ErrorKind::Busy, "delete", "its endpoints first")
        .with_cause(format!("it is in use by {}", names.join(", "))))
}
