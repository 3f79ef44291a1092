//! Address pools and the addresses in them.
//!
//! An [`Ipam`] hands out pools to networks and addresses to endpoints, as Docker's `IpamDriver` does. The
//! built-in one is [`PoolIpam`]; its leases are shared by all processes of the host, and neither a crash
//! nor a namespace that is gone loses or steals one. [`StaticIpam`] is for callers who choose all addresses
//! themselves.

mod builtin;
mod fixed;
mod id;
mod pools;
mod remote;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;

use crate::error::{Error, ErrorKind, Result};
use crate::name::Name;

pub use builtin::PoolIpam;
pub use fixed::StaticIpam;
pub use id::{PoolId, PoolParts};
pub(crate) use pools::overlap;
pub use pools::{check_pool, choose, default_pools, AddressSpace};
pub(crate) use remote::RemoteIpam;

/// The option by which an address management knows that an address is for a gateway, and its value.
pub(crate) const REQUEST_TYPE: &str = "RequestAddressType";
pub(crate) const GATEWAY: &str = "com.docker.network.gateway";

/// What manages addresses: seed `004`'s era calls it the IPAM driver, and each method is the one of
/// Docker's `IpamDriver` protocol with that name.
///
/// Every release may be repeated, and succeeds when there is nothing to release.
pub trait Ipam: Send + Sync {
    /// The address spaces whose pools are chosen where nobody names one (`GetDefaultAddressSpaces`).
    ///
    /// # Errors
    /// Those of asking; the built-in one knows them.
    fn default_address_spaces(&self) -> Result<AddressSpaces>;

    /// A pool for a network: the one asked for or, by default, one that nothing overlaps (`RequestPool`).
    ///
    /// # Errors
    /// AlreadyExists when it overlaps what is in use, BadRequest when it cannot be a pool,
    /// ResourceExhausted when all default pools are in use; for others than the built-in one, theirs.
    fn request_pool(&self, request: &PoolRequest) -> Result<Pool>;

    /// Gives a pool back with all its addresses (`ReleasePool`).
    ///
    /// # Errors
    /// Those of the store.
    fn release_pool(&self, pool: &PoolId) -> Result<()>;

    /// An address of a pool, with the pool's prefix length: `wanted`, or a free one, of the sub-pool where
    /// there is one (`RequestAddress`). With it comes what the driver adds. The request for a gateway has
    /// the option `RequestAddressType` with the value `com.docker.network.gateway`.
    ///
    /// # Errors
    /// AlreadyExists when `wanted` is in use, BadRequest when it cannot be had in this pool,
    /// ResourceExhausted when no address is free; those of the store.
    fn request_address(
        &self,
        pool: &PoolId,
        wanted: Option<IpAddr>,
        options: &BTreeMap<String, String>,
    ) -> Result<(IpNet, BTreeMap<String, String>)>;

    /// Gives an address back (`ReleaseAddress`).
    ///
    /// # Errors
    /// Those of the store.
    fn release_address(&self, pool: &PoolId, address: IpAddr) -> Result<()>;

    /// Whether the request for an endpoint's address has its MAC address (`RequiresMACAddress`), as the option
    /// `com.docker.network.endpoint.macaddress`. By default it does not.
    fn requires_mac_address(&self) -> bool {
        false
    }
}

/// An address that was asked of an address management, which may give any.
pub(crate) fn refuse_unwanted(name: &str, wanted: Option<IpAddr>, given: IpNet) -> Result<()> {
    match wanted.filter(|wanted| *wanted != given.addr()) {
        None => Ok(()),
        Some(wanted) => Err(Error::new(ErrorKind::System, "use address", given.to_string())
            .with_cause(format!("the address management {name} gave it, and {wanted} was asked for"))),
    }
}

/// Whether that is one of the library's own, which decide at once.
pub(crate) fn is_builtin(name: &str) -> bool {
    [PoolIpam::NAME, StaticIpam::NAME].contains(&name)
}

/// The names of the address spaces of networks of one host and of networks that span hosts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressSpaces {
    /// For networks that span hosts; Docker's is `GlobalDefault`.
    pub global: Name,
    /// For networks of one host; Docker's is `LocalDefault`.
    pub local: Name,
}

/// What a network asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolRequest {
    /// The address space, by name.
    pub address_space: Name,
    /// What the pool must not overlap: the pools of other networks and the host's routes. Default routes
    /// are no obstacle.
    pub in_use: Vec<IpNet>,
    /// Whether the pool is to be one of IPv6, when none is named.
    pub ipv6: bool,
    /// The driver's options; the built-in one has none.
    pub options: BTreeMap<String, String>,
    /// The pool; by default the driver chooses one.
    pub pool: Option<IpNet>,
    /// The part of the pool that addresses come from when none is asked for by name; by default all of it.
    pub sub_pool: Option<IpNet>,
}

impl PoolRequest {
    /// A request for any IPv4 pool of `address_space`, whatever is in use.
    pub fn new(address_space: Name) -> Self {
        Self {
            address_space,
            in_use: Vec::new(),
            ipv6: false,
            options: BTreeMap::new(),
            pool: None,
            sub_pool: None,
        }
    }
}

/// What a network got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pool {
    /// What the driver adds; from the built-in one nothing.
    pub data: BTreeMap<String, String>,
    /// How the driver knows the pool from now on.
    pub id: PoolId,
    /// The pool.
    pub pool: IpNet,
}
