//! Pools that were given out for networks that others make, or are about to make, as the store has them.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use ipnet::IpNet;
use rusqlite::{params, Connection};
use serde::{Deserialize, Serialize};

use super::record::EndpointRecord;
use super::{Controller, NetworkConfig};
use crate::error::Result;
use crate::ipam::{PoolId, StaticIpam};
use crate::store::{leases, store_error, Definitions};

/// By this label a network says that its pools were given out before it was made.
pub(crate) const POOLS: (&str, &str) = ("libnetns.pools", "given");

/// A pool that was given, and when last, in seconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Given {
    pub(super) id: PoolId,
    pub(super) pool: IpNet,
    pub(super) at: u64,
    /// To how many it was given, as far as they have not given it back: two who ask for the same at once both hear
    /// that it is theirs, and only one of them makes a network.
    #[serde(default = "one")]
    pub(super) times: u32,
    /// Whether an address of it was ever given: then its asker has heard the answer.
    #[serde(default)]
    pub(super) is_used: bool,
    /// Whether it was given back while a network had it: it goes with that. Docker gives a pool back before it
    /// deletes the network.
    #[serde(default)]
    pub(super) is_returned: bool,
    /// The address that was given for a gateway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) gateway: Option<IpAddr>,
}

fn one() -> u32 {
    1
}

impl Controller {
    /// What a new network must not overlap, besides routes of the host.
    pub(super) fn in_use(&self, config: &NetworkConfig) -> Result<Vec<IpNet>> {
        let mut in_use = self.subnets_of_others(&config.name)?;
        in_use.extend(self.given_to_others(config)?);
        Ok(in_use)
    }

    /// The pools that were given for networks which are not made yet, or by others; not those that `config`
    /// is made with.
    fn given_to_others(&self, config: &NetworkConfig) -> Result<Vec<IpNet>> {
        let is_own = |pool: &IpNet| {
            config.ipam == StaticIpam::NAME && config.subnets.iter().any(|own| own.subnet == *pool)
        };
        let given = self.store.read(given)?;
        Ok(given.iter().map(|given| given.pool).filter(|pool| !is_own(pool)).collect())
    }
}

/// Where the pools that were given are kept beside the networks' definitions: networks of other drivers last, and
/// theirs are remembered nowhere else.
pub(super) fn directory(networks_dir: &Path) -> PathBuf {
    networks_dir.join(".pools")
}

/// The files there, one a pool.
pub(super) fn files(networks_dir: &Path) -> Definitions {
    Definitions::new(directory(networks_dir))
}

/// Remembers anew what a store that was lost, or is of an earlier boot, knew of pools that were given.
pub(super) fn restore(tx: &Connection, definitions: &Definitions, kept: &Definitions) -> Result<()> {
    for (_, config) in definitions.list::<NetworkConfig>()? {
        let Ok(config) = config else { continue };
        if config.labels.get(POOLS.0).is_some_and(|own| own == POOLS.1) {
            regain(tx, &config)?;
        }
    }
    for (_, own) in kept.list::<Given>()? {
        let Ok(own) = own.inspect_err(|error| log::warn!("{error}")) else { continue };
        record(tx, &own)?;
        own.gateway.map_or(Ok(()), |gateway| leases::hold(tx, own.pool, gateway))?;
    }
    Ok(())
}

/// Remembers that the pools of a network were given, where that is not known, and that its gateways and those
/// addresses that others have are taken, its endpoints among them.
pub(super) fn regain(tx: &Connection, config: &NetworkConfig) -> Result<()> {
    let there = given(tx)?;
    for subnet in &config.subnets {
        let pool = subnet.subnet;
        if there.iter().any(|given| given.pool == pool) {
            continue;
        }
        record(tx, &Given { is_used: true, ..Given::new(subnet.pool_id()?, pool) })?;
        subnet.reserved().try_for_each(|own| leases::hold(tx, pool, own))?;
        let endpoints = EndpointRecord::of_network(tx, &config.name)?;
        let addresses = endpoints.iter().flat_map(EndpointRecord::addresses).map(|own| own.addr());
        addresses.filter(|own| pool.contains(own)).try_for_each(|own| leases::hold(tx, pool, own))?;
    }
    Ok(())
}

pub(super) fn given(tx: &Connection) -> Result<Vec<Given>> {
    let failed = |error| store_error("look up", "pools that were given", error);
    let mut select =
        tx.prepare_cached("SELECT value FROM meta WHERE key LIKE 'given %' ORDER BY key").map_err(failed)?;
    let rows = select.query_map([], |row| row.get::<_, String>(0)).map_err(failed)?;
    let rows = rows.collect::<std::result::Result<Vec<_>, _>>().map_err(failed)?;
    Ok(rows.iter().filter_map(|json| serde_json::from_str(json).ok()).collect())
}

impl Given {
    pub(super) fn new(id: PoolId, pool: IpNet) -> Self {
        Self { id, pool, at: now(), times: 1, is_used: false, is_returned: false, gateway: None }
    }
}

pub(super) fn record(tx: &Connection, given: &Given) -> Result<()> {
    let failed = |error| store_error("record pool", given.id.to_string(), error);
    let json = serde_json::to_string(given).unwrap_or_default();
    let insert = "INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)";
    tx.execute(insert, params![key(given.pool), json]).map_err(failed)?;
    Ok(())
}

pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

pub(super) fn key(pool: IpNet) -> String {
    format!("given {pool}")
}
