//! Pools that are given out for networks that others make.

use std::time::{SystemTime, UNIX_EPOCH};

use ipnet::IpNet;
use rusqlite::{params, Connection};

use super::given::{given, Given};
use super::record::EndpointRecord;
use super::{Controller, NetworkConfig};
use crate::error::{Error, ErrorKind, Result};
use crate::ipam::{overlap, Pool, PoolId, PoolIpam, PoolRequest};
use crate::link::{message, parse};
use crate::store::{leases, store_error};

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
            for other in given(tx)? {
                let pool = other.pool;
                let is_unused = leases::count_taken(tx, pool)? == 0;
                let is_again = request.pool == Some(pool);
                // The same request again, or one whose answer was never heard.
                if !(is_unused && (is_again || now() > other.at + IDLE)) {
                    request.in_use.push(pool);
                }
            }
            let pool = ipam.request_pool(&request)?;
            for idle in given(tx)?.iter().filter(|other| overlap(other.pool, pool.pool)) {
                forget(tx, idle.pool)?;
            }
            record(tx, &pool.id, pool.pool)?;
            Ok(pool)
        })
    }

    /// Takes a pool back with all its addresses; one that was not given is no error.
    pub(crate) fn take_pool_back(&self, id: &PoolId) -> Result<()> {
        let pool = id.parts()?.pool;
        let _lock = self.definitions.lock()?;
        if self.subnets_of_all()?.contains(&pool) {
            log::warn!("pool {id} stays: a network has it");
            return Ok(());
        }
        self.store.write(|tx| {
            if given(tx)?.iter().any(|given| given.pool == pool) {
                leases::clear(tx, pool)?;
            }
            forget(tx, pool)
        })
    }

    /// Whether a pool was given, by whatever sub-pool.
    pub(crate) fn is_given(&self, pool: IpNet) -> Result<bool> {
        Ok(self.store.read(given)?.iter().any(|given| given.pool == pool))
    }

    /// # Errors
    /// NotFound when the pool was not given.
    pub(crate) fn require_given(&self, id: &PoolId) -> Result<()> {
        if self.is_given(id.parts()?.pool)? {
            return Ok(());
        }
        Err(Error::new(ErrorKind::NotFound, "find pool", id.to_string())
            .with_cause("it was not given, or was taken back"))
    }

    /// Remembers anew, as after a reboot, that the pools of a network were given, and that its gateways and
    /// those addresses that others have are taken.
    pub(crate) fn regain(&self, config: &NetworkConfig) -> Result<()> {
        self.store.write(|tx| {
            let there = given(tx)?;
            for subnet in &config.subnets {
                if there.iter().any(|given| given.pool == subnet.subnet) {
                    continue;
                }
                record(tx, &subnet.pool_id()?, subnet.subnet)?;
                for address in subnet.reserved() {
                    match leases::take(tx, subnet.subnet, subnet.subnet, Some(address)) {
                        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                        taken => drop(taken?),
                    }
                }
            }
            Ok(())
        })
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

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

fn key(pool: IpNet) -> String {
    format!("given {pool}")
}

fn record(tx: &Connection, id: &PoolId, pool: IpNet) -> Result<()> {
    let failed = |error| store_error("record pool", id.to_string(), error);
    let json = serde_json::to_string(&Given { id: id.clone(), pool, at: now() }).unwrap_or_default();
    let insert = "INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)";
    tx.execute(insert, params![key(pool), json]).map_err(failed)?;
    Ok(())
}

fn forget(tx: &Connection, pool: IpNet) -> Result<()> {
    let failed = |error| store_error("forget pool", pool.to_string(), error);
    tx.execute("DELETE FROM meta WHERE key = ?1", [key(pool)]).map_err(failed)?;
    Ok(())
}
