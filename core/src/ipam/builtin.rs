use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

use super::pools::{check_pool, choose, AddressSpace};
use super::{AddressSpaces, Ipam, Pool, PoolId, PoolRequest};
use crate::error::{Error, Result};
use crate::name::Name;
use crate::store::database::Database;
use crate::store::leases;

/// The built-in [`Ipam`], known as [`PoolIpam::NAME`]: the default pools of Docker, and leases in the
/// store that the processes of a host share.
///
/// Addresses are given in turn, so that one that was given back rests before somebody else gets it: the
/// others on the network still have its former owner's MAC address in their neighbour tables. A pool's
/// first address and its IPv4 broadcast address are never given, unless it has no others (/31, /127).
#[derive(Clone)]
pub struct PoolIpam {
    database: Arc<Database>,
}

impl PoolIpam {
    /// The name that it is known by.
    pub const NAME: &'static str = "default";

    pub(crate) fn new(database: Arc<Database>) -> Self {
        Self { database }
    }
}

impl Ipam for PoolIpam {
    fn default_address_spaces(&self) -> Result<AddressSpaces> {
        let name = |space: AddressSpace| Name::new(space.as_str());
        Ok(AddressSpaces { global: name(AddressSpace::Global)?, local: name(AddressSpace::Local)? })
    }

    /// Nothing is recorded: a pool is in use as long as its caller has it among `in_use`, and two callers
    /// at once have to exclude each other.
    fn request_pool(&self, request: &PoolRequest) -> Result<Pool> {
        let space: AddressSpace = request.address_space.as_str().parse()?;
        let pool = match request.pool {
            Some(pool) => named(request, pool)?,
            None if request.sub_pool.is_some() => {
                let subject = format!("of {space}");
                return Err(Error::bad_request("request pool", subject, "there is a sub-pool but no pool"));
            }
            None => choose(space, request.ipv6, &request.in_use)?,
        };
        let id = PoolId::new(request.address_space.clone(), pool, request.sub_pool)?;
        Ok(Pool { data: BTreeMap::new(), id, pool })
    }

    /// All addresses of the pool are given back, also those outside the sub-pool.
    fn release_pool(&self, pool: &PoolId) -> Result<()> {
        let pool = pool.parts()?.pool;
        self.database.write(|tx| leases::clear(tx, pool))
    }

    /// A gateway gets its address like everybody else; the options are ignored.
    fn request_address(
        &self,
        pool: &PoolId,
        wanted: Option<IpAddr>,
        _options: &BTreeMap<String, String>,
    ) -> Result<(IpNet, BTreeMap<String, String>)> {
        let parts = pool.parts()?;
        let address = self.database.write(|tx| leases::take(tx, parts.pool, parts.range(), wanted))?;
        Ok((within(parts.pool, address), BTreeMap::new()))
    }

    fn release_address(&self, pool: &PoolId, address: IpAddr) -> Result<()> {
        let pool = pool.parts()?.pool;
        self.database.write(|tx| leases::release(tx, pool, address)).map(drop)
    }
}

fn named(request: &PoolRequest, pool: IpNet) -> Result<IpNet> {
    if request.ipv6 && pool.addr().is_ipv4() {
        return Err(Error::bad_request("request pool", pool.to_string(), "an IPv6 pool was asked for"));
    }
    check_pool(pool, request.sub_pool, &request.in_use)?;
    Ok(pool)
}

/// `address` with the prefix length of its pool.
fn within(pool: IpNet, address: IpAddr) -> IpNet {
    IpNet::new(address, pool.prefix_len()).unwrap_or(pool)
}
