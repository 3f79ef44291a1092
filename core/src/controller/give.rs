//! Pools that are given out for networks that others make.

use std::collections::BTreeMap;
use std::fs;
use std::net::IpAddr;

use ipnet::IpNet;
use rusqlite::Connection;

use super::given::{self, given, key, now, record, Given};
use super::record::EndpointRecord;
use super::{Controller, NetworkConfig};
use crate::error::{Error, ErrorKind, Result};
use crate::ipam::{overlap, Pool, PoolId, PoolIpam, PoolRequest, GATEWAY, REQUEST_TYPE};
use crate::link::{message, parse};
use crate::name::Name;
use crate::store::{leases, store_error, Definitions};

/// How long a pool may be without an address until it is thought that whoever asked did not hear the answer,
/// in seconds.
const IDLE: u64 = 60;

impl Controller {
    /// A pool of the built-in address management for a network that others make: the one asked for, or one
    /// that overlaps no network, no route of the host and no other that was given. It is remembered until it
    /// is taken back.
    pub(crate) fn give_pool(&self, request: PoolRequest) -> Result<Pool> {
        let _lock = self.definitions.lock()?;
        let mut request = request;
        let networks = self.subnets_of_all()?;
        if request.pool.is_none() {
            request.in_use = self.routes_of_host()?;
        }
        request.in_use.extend(&networks);
        let ipam = self.ipam(PoolIpam::NAME)?;
        self.store.write(|tx| {
            self.settle(tx, &networks)?;
            let there = given(tx)?;
            for other in &there {
                let is_again = request.pool == Some(other.pool);
                // The same request again, or one whose answer was never heard.
                if other.is_used || !(is_again || other.is_idle()) {
                    request.in_use.push(other.pool);
                }
            }
            let pool = ipam.request_pool(&request)?;
            let mut times = 1;
            for other in there.iter().filter(|other| overlap(other.pool, pool.pool)) {
                if other.pool == pool.pool && !other.is_idle() {
                    times += other.times;
                }
                self.forget_given(tx, other.pool)?;
            }
            self.record_given(tx, &Given { times, ..Given::new(pool.id.clone(), pool.pool) })?;
            Ok(pool)
        })
    }

    /// Takes a pool back, with all its addresses when nobody else has it; one that was not given is no error.
    pub(crate) fn take_pool_back(&self, id: &PoolId) -> Result<()> {
        let pool = id.parts()?.pool;
        let _lock = self.definitions.lock()?;
        let has_network = self.subnets_of_all()?.contains(&pool);
        self.store.write(|tx| {
            let Some(own) = given(tx)?.into_iter().find(|given| given.pool == pool) else { return Ok(()) };
            if has_network {
                let is_returned = own.times == 1;
                return self.record_given(tx, &Given { times: own.times.max(2) - 1, is_returned, ..own });
            }
            // What was given for one request twice, its answer lost, is given back once, and after its addresses.
            let is_empty = own.is_used && leases::count_taken(tx, pool)? == 0;
            if own.times > 1 && !is_empty {
                return self.record_given(tx, &Given { times: own.times - 1, ..own });
            }
            leases::clear(tx, pool)?;
            self.forget_given(tx, pool)
        })
    }

    /// Takes those pools back that were given back while a network had them, and have none any more.
    pub(crate) fn settle_pools(&self) -> Result<()> {
        if !self.store.read(given)?.iter().any(|given| given.is_returned) {
            return Ok(());
        }
        let _lock = self.definitions.lock()?;
        let networks = self.subnets_of_all()?;
        self.store.write(|tx| self.settle(tx, &networks))
    }

    /// An address of a pool that was given: the one that is wanted, or any.
    ///
    /// # Errors
    /// NotFound when the pool was not given; those of the built-in address management.
    pub(crate) fn give_address(
        &self,
        id: &PoolId,
        wanted: Option<IpAddr>,
        options: &BTreeMap<String, String>,
    ) -> Result<(IpNet, BTreeMap<String, String>)> {
        let pool = id.parts()?.pool;
        let Some(own) = self.find_given(pool)? else {
            return Err(Error::new(ErrorKind::NotFound, "find pool", id.to_string())
                .with_cause("it was not given, or was taken back"));
        };
        if !own.is_used {
            self.mark_used(pool)?;
        }
        let ipam = self.ipam(PoolIpam::NAME)?;
        let (address, data) = ipam.request_address(id, wanted, options)?;
        if options.get(REQUEST_TYPE).is_some_and(|own| own == GATEWAY) {
            let kept = self.change_given(pool, |own| own.gateway = Some(address.addr()));
            kept.map_err(|error| {
                error.with_rollback(ipam.release_address(id, address.addr()).err().into_iter().collect())
            })?;
        }
        Ok((address, data))
    }

    /// Remembers that nobody but its asker is to have the pool; one that was not given is no error.
    pub(crate) fn mark_used(&self, pool: IpNet) -> Result<()> {
        self.change_given(pool, |own| own.is_used = true)
    }

    fn change_given(&self, pool: IpNet, change: impl Fn(&mut Given)) -> Result<()> {
        self.store.write(|tx| {
            let Some(before) = given(tx)?.into_iter().find(|given| given.pool == pool) else { return Ok(()) };
            let mut own = before.clone();
            change(&mut own);
            match own == before {
                true => Ok(()),
                false => self.record_given(tx, &own),
            }
        })
    }

    /// Records it in the store, which is not written where the file cannot be.
    fn record_given(&self, tx: &Connection, own: &Given) -> Result<()> {
        record(tx, own)?;
        let (files, name) = (self.kept(), name(own.pool)?);
        let kept = match files.replace(&name, own) {
            Err(error) if error.kind() == ErrorKind::NotFound => files.create(&name, own),
            replaced => replaced,
        };
        kept.map_err(|error| error.within("keep pool", own.pool))
    }

    fn forget_given(&self, tx: &Connection, pool: IpNet) -> Result<()> {
        let failed = |error| store_error("forget pool", pool.to_string(), error);
        tx.execute("DELETE FROM meta WHERE key = ?1", [key(pool)]).map_err(failed)?;
        let removed = self.kept().remove(&name(pool)?);
        removed.map_err(|error| error.within("forget pool", pool))?;
        // As long as others are kept, it stays.
        let _ = fs::remove_dir(given::directory(&self.options.networks_dir));
        Ok(())
    }

    fn kept(&self) -> Definitions {
        given::files(&self.options.networks_dir)
    }

    /// Forgets the pools that were given back, or whose files somebody has removed, and that none of these networks
    /// has.
    fn settle(&self, tx: &Connection, networks: &[IpNet]) -> Result<()> {
        for own in given(tx)?.iter().filter(|own| !networks.contains(&own.pool)) {
            if own.is_returned || matches!(self.kept().stamp(&name(own.pool)?), Ok(None)) {
                leases::clear(tx, own.pool)?;
                self.forget_given(tx, own.pool)?;
            }
        }
        Ok(())
    }

    /// Takes an address back. One of a pool that was not given is not its caller's, nor is what a network with the
    /// pool keeps for itself: both stay, and are no error.
    pub(crate) fn take_address_back(&self, id: &PoolId, address: IpAddr) -> Result<()> {
        let pool = id.parts()?.pool;
        if !self.is_given(pool)? {
            return Ok(());
        }
        for (_, config) in self.definitions.list::<NetworkConfig>()? {
            let Ok(config) = config else { continue };
            let own = config.subnets.iter().find(|subnet| subnet.subnet == pool);
            if own.is_some_and(|subnet| subnet.reserved().any(|reserved| reserved == address)) {
                log::warn!("address {address} stays: network {} keeps it", config.name);
                return Ok(());
            }
        }
        self.ipam(PoolIpam::NAME)?.release_address(id, address)
    }

    /// Whether a pool was given, by whatever sub-pool.
    pub(crate) fn is_given(&self, pool: IpNet) -> Result<bool> {
        self.find_given(pool).map(|given| given.is_some())
    }

    fn find_given(&self, pool: IpNet) -> Result<Option<Given>> {
        Ok(self.store.read(given)?.into_iter().find(|given| given.pool == pool))
    }

    /// Remembers that the pools of a network were given whose definition was put there since.
    pub(crate) fn regain(&self, config: &NetworkConfig) -> Result<()> {
        self.store.write(|tx| given::regain(tx, config))
    }

    /// The subnets of all networks, and of endpoints whose network cannot be read.
    fn subnets_of_all(&self) -> Result<Vec<IpNet>> {
        let networks = self.definitions.list::<NetworkConfig>()?;
        let configs = networks.into_iter().filter_map(|(_, config)| config.ok());
        let mut all: Vec<_> = configs.flat_map(|config| config.subnets).map(|own| own.subnet).collect();
        let records = self.store.read(EndpointRecord::all)?;
        all.extend(records.iter().flat_map(EndpointRecord::addresses).map(|own| own.trunc()));
        Ok(all)
    }

    fn routes_of_host(&self) -> Result<Vec<IpNet>> {
        let mut socket = self.host.socket();
        let mut routes = socket.dump(&message::list_routes(false))?;
        routes.extend(socket.dump(&message::list_routes(true))?);
        let destinations = routes.iter().filter_map(parse::destination);
        Ok(destinations.filter(|destination| destination.prefix_len() > 0).collect())
    }
}

/// What the file of a pool is called: `pool-10.1.0.0-16`, `pool-fd01__-64`.
fn name(pool: IpNet) -> Result<Name> {
    Name::new(&format!("pool-{pool}").replace('/', "-").replace(':', "_"))
}

impl Given {
    /// Whether whoever asked did not hear the answer, as it seems.
    fn is_idle(&self) -> bool {
        !self.is_used && now() > self.at + IDLE
    }
}
