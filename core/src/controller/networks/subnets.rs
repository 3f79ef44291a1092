//! Subnets and gateways of networks, chosen and given back.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;

use crate::controller::record::EndpointRecord;
use crate::controller::{reserved, Controller, NetworkConfig, SubnetConfig};
use crate::driver::{self, bridge, GatewaySkips, Scope, ON_A_LAN, WITHOUT_ADDRESSES};
use crate::error::{Error, ErrorKind, Result};
use crate::ipam::{
    overlap, refuse_unwanted, AddressSpace, AddressSpaces, Ipam, Pool, PoolId, PoolIpam, PoolRequest,
    GATEWAY, REQUEST_TYPE,
};
use crate::link::{check_endpoint_address, message, parse};
use crate::name::Name;

impl Controller {
    /// Chooses the subnets and gateways that are missing.
    pub(in crate::controller) fn complete(
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
    pub(in crate::controller) fn release_pools(&self, config: &NetworkConfig) -> Result<()> {
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
    pub(in crate::controller) fn subnets_of_others(&self, name: &Name) -> Result<Vec<IpNet>> {
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
    pub(in crate::controller) fn pool_id(&self) -> Result<PoolId> {
        match &self.pool_id {
            Some(id) => Ok(id.clone()),
            None => PoolId::new(Name::new(self.address_space())?, self.subnet, self.range),
        }
    }

    pub(super) fn address_space(&self) -> &str {
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
