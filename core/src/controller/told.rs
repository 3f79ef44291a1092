//! Which networks were told to drivers that remember them by themselves, in the store.

use rusqlite::{params, Connection, OptionalExtension};

use super::networks::for_driver;
use super::NetworkConfig;
use crate::error::Result;
use crate::name::{fnv1a, Name};
use crate::store::store_error;

/// Whether the driver was told of the network as it is defined now.
pub(super) fn is_told(tx: &Connection, config: &NetworkConfig) -> Result<bool> {
    let failed = |error| store_error("look up", config.name.as_str(), error);
    let select = "SELECT value FROM meta WHERE key = ?1";
    let told: Option<String> =
        tx.query_row(select, [key(&config.name)], |row| row.get(0)).optional().map_err(failed)?;
    Ok(told.is_some_and(|told| told == mark(config)))
}

/// Records that it was.
pub(super) fn tell(tx: &Connection, config: &NetworkConfig) -> Result<()> {
    let failed = |error| store_error("record", config.name.as_str(), error);
    let insert = "INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)";
    tx.execute(insert, params![key(&config.name), mark(config)]).map_err(failed)?;
    Ok(())
}

/// Records that the driver does not know it any more.
pub(super) fn forget(tx: &Connection, network: &Name) -> Result<()> {
    let failed = |error| store_error("forget", network.as_str(), error);
    tx.execute("DELETE FROM meta WHERE key = ?1", [key(network)]).map_err(failed)?;
    Ok(())
}

fn key(network: &Name) -> String {
    format!("told {network}")
}

/// What follows from all that the driver is told.
fn mark(config: &NetworkConfig) -> String {
    let (options, ipv4, ipv6) = for_driver(config);
    let text = serde_json::to_string(&(&config.network_type, options, ipv4, ipv6)).unwrap_or_default();
    format!("{:016x}", fnv1a(&text))
}
