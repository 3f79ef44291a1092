//! Networks: their definitions, made, listed and deleted.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::PoisonError;

use ipnet::IpNet;
use serde::Serialize;

use super::record::EndpointRecord;
use super::{reserved, Controller, Endpoint, GatewayMode, NetworkConfig, SubnetConfig};
use crate::driver::{
    self, bridge, Driver, GatewaySkips, IpamData, Options, Scope, DOCKER_INTERNAL, ON_A_LAN,
    WITHOUT_ADDRESSES,
};
use crate::error::{Error, ErrorKind, Result};
use crate::events::EventKind;
use crate::ipam::{
    overlap, refuse_unwanted, AddressSpace, AddressSpaces, Ipam, Pool, PoolId, PoolIpam, PoolRequest,
    GATEWAY, REQUEST_TYPE,
};
use crate::link::{check_endpoint_address, message, parse, LINK_GROUP};
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

    /// Chooses the subnets and gateways that are missing.
    pub(super) fn complete(
        &self,
        config: &mut NetworkConfig,
        in_use: &[IpNet],
        skips: GatewaySkips,
    ) -> Result<()> {
        if WITHOUT_ADDRESSES.contains(&config.network_type.as_str()) {
            return refuse_subnets(config);
        }
        config.ipv6 |= config.subnet(true).is_some();
        let ipam = self.ipam(&config.ipam)?;
        let mut chosen = Vec::new();
        let completed = self.choose_subnets(&*ipam, config, in_use, skips, &mut chosen);
        let completed =
            completed.and_then(|()| NetworkConfig { subnets: chosen.clone(), ..config.clone() }.check());
        completed.inspect_err(|_| chosen.iter().for_each(|subnet| let_subnet_go(&*ipam, config, subnet)))?;
        config.subnets = chosen;
        Ok(())
    }

    /// The subnets of the families that are wanted; what is in `chosen` after a failure has to go.
    fn choose_subnets(
        &self,
        ipam: &dyn Ipam,
        config: &NetworkConfig,
        in_use: &[IpNet],
        skips: GatewaySkips,
        chosen: &mut Vec<SubnetConfig>,
    ) -> Result<()> {
        let scope = self.drivers.driver(&config.network_type)?.1.data_scope;
        for ipv6 in [false, true] {
            if !(if ipv6 { config.ipv6 } else { config.ipv4 }) {
                continue;
            }
            let given = config.subnet(ipv6).cloned();
            let mut taken = in_use.to_vec();
            taken.extend(chosen.iter().map(|subnet| subnet.subnet));
            // On a LAN the host has a route to the very subnet.
            if given.is_none() || !ON_A_LAN.contains(&config.network_type.as_str()) {
                taken.extend(self.routes_of_others(config, given.is_some())?);
            }
            let needs_gateway = !(if ipv6 { skips.ipv6 } else { skips.ipv4 });
            chosen.push(choose_subnet((ipam, scope), config, given, ipv6, taken, needs_gateway)?);
        }
        Ok(())
    }

    /// Gives the pools back. Address management that is not the store itself may be out of reach for good,
    /// which must not keep a network from being deleted.
    pub(super) fn release_pools(&self, config: &NetworkConfig) -> Result<()> {
        if config.ipam == PoolIpam::NAME {
            self.store.write(|tx| reserved::give_back(tx, &config.name))?;
        }
        if config.ipam == PoolIpam::NAME && self.is_shared(config)? {
            log::warn!("the leases of network {} stay: others have its addresses", config.name);
            return Ok(());
        }
        let Ok(ipam) = self.ipam(&config.ipam) else { return Ok(()) };
        for subnet in &config.subnets {
            match &subnet.pool_id {
                Some(id) => release_all(&*ipam, id, subnet),
                None if config.ipam == PoolIpam::NAME => ipam.release_pool(&subnet.pool_id()?)?,
                None => {}
            }
        }
        Ok(())
    }

    /// The subnets of all networks but `name`; a definition that cannot be read has none.
    pub(super) fn subnets_of_others(&self, name: &Name) -> Result<Vec<IpNet>> {
        let others = self.definitions.list::<NetworkConfig>()?.into_iter();
        let others = others.filter(|(other, _)| other != name).filter_map(|(_, config)| config.ok());
        let mut in_use: Vec<_> =
            others.flat_map(|config| config.subnets).map(|subnet| subnet.subnet).collect();
        // A definition that cannot be read now may have endpoints.
        let records = self.store.read(EndpointRecord::all)?;
        let of_others = records.iter().filter(|record| record.network != *name);
        in_use.extend(of_others.flat_map(EndpointRecord::addresses).map(|own| own.trunc()));
        Ok(in_use)
    }

    /// Where the host's routes lead, but for those through a link that is the network's own, or on which the
    /// host is to answer for the endpoints.
    fn routes_of_others(&self, config: &NetworkConfig, is_given: bool) -> Result<Vec<IpNet>> {
        let mut socket = self.host.socket();
        let links = socket.dump(&message::list_links())?;
        let mut routes = socket.dump(&message::list_routes(false))?;
        routes.extend(socket.dump(&message::list_routes(true))?);
        let alias = self.mark.network(&config.name);
        let own_name = match config.network_type.as_str() {
            bridge::TYPE => bridge::name_of(&config.name, &config.options),
            _ if is_given => driver::parent(&config.options),
            _ => None,
        };
        let own = links
            .iter()
            .filter_map(parse::link)
            .filter(|link| link.alias.as_deref() == Some(&alias) || own_name.as_deref() == Some(&link.name));
        let own: Vec<_> = own.map(|link| link.index).collect();
        let is_own = |message| parse::route(message).is_some_and(|route| own.contains(&route.index));
        let others = routes.iter().filter(|message| !is_own(message)).filter_map(parse::destination);
        Ok(others.filter(|destination| destination.prefix_len() > 0).collect())
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

    /// Whether others have addresses of the network's subnets: by a definition that was edited to overlap
    /// it, or an endpoint whose definition was.
    fn is_shared(&self, config: &NetworkConfig) -> Result<bool> {
        let mut others = self.subnets_of_others(&config.name)?;
        let records = self.store.read(EndpointRecord::all)?;
        others.extend(records.iter().flat_map(EndpointRecord::addresses));
        Ok(config.subnets.iter().any(|own| others.iter().any(|other| overlap(own.subnet, *other))))
    }
}

impl SubnetConfig {
    pub(super) fn pool_id(&self) -> Result<PoolId> {
        match &self.pool_id {
            Some(id) => Ok(id.clone()),
            None => PoolId::new(Name::new(self.address_space())?, self.subnet, self.range),
        }
    }

    fn address_space(&self) -> &str {
        self.address_space.as_ref().map_or(AddressSpace::Local.as_str(), Name::as_str)
    }
}

fn refuse_subnets(config: &mut NetworkConfig) -> Result<()> {
    if !config.subnets.is_empty() {
        let cause = format!("a {} network has no addresses", config.network_type);
        return Err(Error::bad_request("use subnets", format!("of {}", config.name), cause));
    }
    (config.ipv4, config.ipv6) = (false, false);
    Ok(())
}

/// The subnet of one family, as it was given or by default, with its gateway, of the address space for networks of that
/// scope.
fn choose_subnet(
    (ipam, scope): (&dyn Ipam, Scope),
    config: &NetworkConfig,
    given: Option<SubnetConfig>,
    ipv6: bool,
    in_use: Vec<IpNet>,
    needs_gateway: bool,
) -> Result<SubnetConfig> {
    let AddressSpaces { global, local } = ipam.default_address_spaces()?;
    let address_space = if scope == Scope::Global { global } else { local };
    let request = PoolRequest {
        address_space: address_space.clone(),
        pool: given.as_ref().map(|subnet| subnet.subnet),
        sub_pool: given.as_ref().and_then(|subnet| subnet.range),
        ipv6,
        options: config.ipam_options.clone(),
        in_use,
    };
    let pool = ipam.request_pool(&request)?;
    let mut subnet = given.unwrap_or_else(|| SubnetConfig::new(pool.pool));
    subnet.address_space = Some(address_space).filter(|space| space.as_str() != AddressSpace::Local.as_str());
    if config.ipam != PoolIpam::NAME {
        subnet.pool_id = Some(pool.id.clone());
    }
    let reserved = reserve((&config.ipam, ipam), &pool, &mut subnet, needs_gateway);
    reserved.inspect_err(|_| let_subnet_go(ipam, config, &subnet))?;
    Ok(subnet)
}

/// Chooses the gateway, and tells an address management that is not the store itself of what is taken. One that says
/// with the pool which the gateway is need not be asked for it.
fn reserve(
    (name, ipam): (&str, &dyn Ipam),
    pool: &Pool,
    subnet: &mut SubnetConfig,
    needs_gateway: bool,
) -> Result<()> {
    let gateway = BTreeMap::from([(REQUEST_TYPE.to_owned(), GATEWAY.to_owned())]);
    let is_foreign = subnet.pool_id.is_some();
    for address in subnet.auxiliary.values().filter(|_| is_foreign) {
        let (own, _) = ipam.request_address(&pool.id, Some(*address), &BTreeMap::new())?;
        refuse_unwanted(name, Some(*address), own)?;
    }
    if subnet.gateway.is_none() && !needs_gateway {
        return Ok(());
    }
    if let Some(told) = pool.data.get(GATEWAY).filter(|_| subnet.gateway.is_none()) {
        subnet.gateway = Some(told_gateway(name, told)?);
        return Ok(());
    }
    if is_foreign {
        let (own, _) = ipam.request_address(&pool.id, subnet.gateway, &gateway)?;
        let wanted = subnet.gateway.replace(own.addr());
        refuse_unwanted(name, wanted, own)?;
    } else if subnet.gateway.is_none() {
        subnet.gateway = choose_gateway(ipam, &pool.id, subnet, &gateway)?;
    }
    Ok(())
}

/// The gateway that came with a pool: an address with its prefix length.
fn told_gateway(name: &str, told: &str) -> Result<IpAddr> {
    let own: IpNet = told.parse().map_err(|_| {
        Error::new(ErrorKind::System, "use gateway", format!("{told:?}")).with_cause(format!(
            "the address management {name} gave it, and it is no address with a prefix length"
        ))
    })?;
    check_endpoint_address(own).map(|()| own.addr())
}

/// Takes back what [`choose_subnet`] took.
fn let_subnet_go(ipam: &dyn Ipam, config: &NetworkConfig, subnet: &SubnetConfig) {
    let given = config.subnet(subnet.subnet.addr().is_ipv6()).and_then(|given| given.gateway);
    let gone = match (&subnet.pool_id, subnet.gateway) {
        (Some(id), _) => {
            release_all(ipam, id, subnet);
            Ok(())
        }
        (None, Some(own)) if given.is_none() => {
            subnet.pool_id().and_then(|id| ipam.release_address(&id, own))
        }
        _ => Ok(()),
    };
    if let Err(error) = gone {
        log::warn!("{error}");
    }
}

/// Gives a pool back to an address management that is not the store itself, and before it what was taken of it for the
/// network. It may be out of reach for good, which must not keep anything from being deleted.
fn release_all(ipam: &dyn Ipam, pool: &PoolId, subnet: &SubnetConfig) {
    let addresses = subnet.reserved().map(|address| ipam.release_address(pool, address));
    for error in addresses.chain(std::iter::once_with(|| ipam.release_pool(pool))).filter_map(Result::err) {
        log::warn!("{error}");
    }
}

/// The first address that is free.
fn choose_gateway(
    ipam: &dyn Ipam,
    pool: &PoolId,
    subnet: &SubnetConfig,
    options: &BTreeMap<String, String>,
) -> Result<Option<IpAddr>> {
    let can_be = |host: &IpAddr| {
        let own = IpNet::new(*host, subnet.subnet.prefix_len());
        own.is_ok_and(|own| check_endpoint_address(own).is_ok())
            && !subnet.auxiliary.values().any(|other| other == host)
    };
    let wanted = subnet.subnet.hosts().find(can_be);
    if subnet.pool_id.is_none() && wanted.is_some() {
        // Reserved when the definition is written: a death before that leaves no lease.
        return Ok(wanted);
    }
    ipam.request_address(pool, None, options).map(|(gateway, _)| Some(gateway.addr()))
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
