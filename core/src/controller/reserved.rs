//! The addresses that a network keeps for itself, its gateways and those that others have, in the store.

use std::net::IpAddr;

use ipnet::IpNet;
use rusqlite::{params, OptionalExtension, Transaction};

use super::NetworkConfig;
use crate::error::{ErrorKind, Result};
use crate::name::Name;
use crate::store::{leases, store_error};

/// A pool, and an address in it.
type Lease = (IpNet, IpAddr);

/// Takes what the definition reserves, and gives back what it reserved before somebody edited it.
pub(super) fn reserve(tx: &Transaction<'_>, config: &NetworkConfig) -> Result<()> {
    let before = recorded(tx, &config.name)?;
    let mut own: Vec<Lease> = Vec::new();
    for subnet in &config.subnets {
        for address in subnet.reserved() {
            let lease = (subnet.subnet, address);
            match leases::take(tx, subnet.subnet, subnet.subnet, Some(address)) {
                // Its own from another time, or an endpoint's, which is none of its.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                    own.extend(before.contains(&lease).then_some(lease));
                }
                result => {
                    result?;
                    own.push(lease);
                }
            }
        }
    }
    for (pool, address) in before.iter().filter(|lease| !own.contains(lease)) {
        leases::release(tx, *pool, *address)?;
    }
    if own != before {
        record(tx, &config.name, &own)?;
    }
    Ok(())
}

/// Gives back what the network reserved.
pub(super) fn give_back(tx: &Transaction<'_>, network: &Name) -> Result<()> {
    for (pool, address) in recorded(tx, network)? {
        leases::release(tx, pool, address)?;
    }
    let failed = |error| store_error("forget addresses of", network.as_str(), error);
    tx.execute("DELETE FROM meta WHERE key = ?1", [key(network)]).map_err(failed)?;
    Ok(())
}

/// The networks that have reserved something.
pub(super) fn networks(tx: &Transaction<'_>) -> Result<Vec<Name>> {
    let failed = |error| store_error("list", "reserved addresses", error);
    let mut select = tx.prepare("SELECT key FROM meta WHERE key LIKE 'reserved %'").map_err(failed)?;
    let keys = select.query_map([], |row| row.get::<_, String>(0)).map_err(failed)?;
    let keys = keys.collect::<std::result::Result<Vec<_>, _>>().map_err(failed)?;
    Ok(keys.iter().filter_map(|key| Name::new(key.strip_prefix("reserved ")?).ok()).collect())
}

fn key(network: &Name) -> String {
    format!("reserved {network}")
}

fn recorded(tx: &Transaction<'_>, network: &Name) -> Result<Vec<Lease>> {
    let failed = |error| store_error("look up addresses of", network.as_str(), error);
    let select = "SELECT value FROM meta WHERE key = ?1";
    let json: Option<String> =
        tx.query_row(select, [key(network)], |row| row.get(0)).optional().map_err(failed)?;
    Ok(json.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default())
}

fn record(tx: &Transaction<'_>, network: &Name, own: &[Lease]) -> Result<()> {
    let failed = |error| store_error("record addresses of", network.as_str(), error);
    let insert = "INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)";
    let json = serde_json::to_string(own).unwrap_or_default();
    tx.execute(insert, params![key(network), json]).map_err(failed)?;
    Ok(())
}
