//! Pools that were given out for networks that others make, or are about to make, as the store has them.

use ipnet::IpNet;
use rusqlite::Connection;
use serde::{Deserialize, Serialize};

use super::{Controller, NetworkConfig};
use crate::error::Result;
use crate::ipam::{PoolId, StaticIpam};
use crate::store::store_error;

/// A pool that was given, and when last, in seconds since 1970.
#[derive(Clone, Debug, Serialize, Deserialize)]
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

pub(super) fn given(tx: &Connection) -> Result<Vec<Given>> {
    let failed = |error| store_error("look up", "pools that were given", error);
    let mut select =
        tx.prepare_cached("SELECT value FROM meta WHERE key LIKE 'given %' ORDER BY key").map_err(failed)?;
    let rows = select.query_map([], |row| row.get::<_, String>(0)).map_err(failed)?;
    let rows = rows.collect::<std::result::Result<Vec<_>, _>>().map_err(failed)?;
    Ok(rows.iter().filter_map(|json| serde_json::from_str(json).ok()).collect())
}
