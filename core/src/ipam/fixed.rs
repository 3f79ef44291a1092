use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;

use super::pools::{check_pool, AddressSpace};
use super::{AddressSpaces, Ipam, Pool, PoolId, PoolRequest, GATEWAY, REQUEST_TYPE};
use crate::error::{Error, Result};
use crate::name::Name;

/// The [`Ipam`] for networks whose callers choose all addresses, known as [`StaticIpam::NAME`]: what CNI's
/// plugin of that name does, and what Docker expects of a network whose addresses it gives out itself.
///
/// It keeps no leases: that no two endpoints get the same address is its caller's affair. A pool must not
/// overlap another network or a route of the host.
#[derive(Clone, Copy, Debug, Default)]
pub struct StaticIpam;

impl StaticIpam {
    /// The name that it is known by.
    pub const NAME: &'static str = "static";
}

impl Ipam for StaticIpam {
    fn default_address_spaces(&self) -> Result<AddressSpaces> {
        let name = |space: AddressSpace| Name::new(space.as_str());
        Ok(AddressSpaces { global: name(AddressSpace::Global)?, local: name(AddressSpace::Local)? })
    }

    fn request_pool(&self, request: &PoolRequest) -> Result<Pool> {
        let Some(pool) = request.pool else {
            let family = if request.ipv6 { "IPv6" } else { "IPv4" };
            return Err(lacking("pool", format!("of {family}"), "name a subnet of that family"));
        };
        check_pool(pool, request.sub_pool, &request.in_use)?;
        let id = PoolId::new(request.address_space.clone(), pool, request.sub_pool)?;
        Ok(Pool { data: BTreeMap::new(), id, pool })
    }

    fn release_pool(&self, _: &PoolId) -> Result<()> {
        Ok(())
    }

    fn request_address(
        &self,
        pool: &PoolId,
        wanted: Option<IpAddr>,
        options: &BTreeMap<String, String>,
    ) -> Result<(IpNet, BTreeMap<String, String>)> {
        let subnet = pool.parts()?.pool;
        let Some(wanted) = wanted else {
            let is_gateway = options.get(REQUEST_TYPE).map(String::as_str) == Some(GATEWAY);
            let what = if is_gateway { "gateway" } else { "address" };
            return Err(lacking(what, format!("of {subnet}"), "name one"));
        };
        match IpNet::new(wanted, subnet.prefix_len()) {
            Ok(address) if subnet.contains(&wanted) => Ok((address, BTreeMap::new())),
            _ => {
                let cause = format!("it does not lie in {subnet}");
                Err(Error::bad_request("use address", wanted.to_string(), cause))
            }
        }
    }

    fn release_address(&self, _: &PoolId, _: IpAddr) -> Result<()> {
        Ok(())
    }
}

fn lacking(what: &str, subject: String, advice: &str) -> Error {
    let cause = format!("address management {} chooses none: {advice}", StaticIpam::NAME);
    Error::bad_request(format!("choose {what}"), subject, cause)
}
