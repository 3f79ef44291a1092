//! A network's subnets, one of each family, as its driver was told.

use std::net::IpAddr;

use ipnet::IpNet;

use super::IpamData;
use crate::error::{Error, Result};

/// At most one subnet of each family.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Subnets {
    pub(crate) v4: Option<Subnet>,
    pub(crate) v6: Option<Subnet>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Subnet {
    pub(crate) pool: IpNet,
    /// With the pool's prefix length.
    pub(crate) gateway: Option<IpNet>,
}

impl Subnets {
    /// # Errors
    /// BadRequest for several subnets of one family, for a family under the other's name, and for a
    /// gateway outside the subnet.
    pub(crate) fn new(ipv4: &[IpamData], ipv6: &[IpamData]) -> Result<Self> {
        let subnets = Self { v4: only(ipv4)?, v6: only(ipv6)? };
        for (subnet, ipv6) in [(subnets.v4, false), (subnets.v6, true)] {
            if let Some(subnet) = subnet.filter(|subnet| subnet.pool.addr().is_ipv6() != ipv6) {
                return Err(refuse(subnet.pool, "it is of the other family".to_owned()));
            }
        }
        Ok(subnets)
    }

    /// The gateways' addresses, with their subnets' prefix lengths.
    pub(crate) fn gateways(&self) -> impl Iterator<Item = IpNet> + '_ {
        [self.v4, self.v6].into_iter().flatten().filter_map(|subnet| subnet.gateway)
    }

    /// Checks that an endpoint may have `address`.
    ///
    /// # Errors
    /// BadRequest when it is outside the subnet of its family, or the gateway's.
    pub(crate) fn check(&self, address: IpNet) -> Result<()> {
        let subnet = if address.addr().is_ipv4() { self.v4 } else { self.v6 };
        subnet.map_or(Ok(()), |subnet| subnet.check(address))
    }
}

impl Subnet {
    fn check(&self, address: IpNet) -> Result<()> {
        let refuse = |cause: String| Err(Error::bad_request("use address", address.to_string(), cause));
        let own: IpAddr = address.addr();
        if !self.pool.contains(&own) {
            return refuse(format!("it is outside the network's subnet {}", self.pool));
        }
        if self.gateway.is_some_and(|gateway| gateway.addr() == own) {
            return refuse("it is the gateway's address".to_owned());
        }
        Ok(())
    }
}

fn only(data: &[IpamData]) -> Result<Option<Subnet>> {
    let mut subnets = data.iter().filter_map(|data| {
        let pool = data.pool.or(data.gateway)?.trunc();
        Some(Subnet { pool, gateway: data.gateway })
    });
    let Some(first) = subnets.next() else { return Ok(None) };
    if let Some(second) = subnets.next() {
        return Err(refuse(second.pool, format!("the network has {} already", first.pool)));
    }
    match first.gateway {
        Some(gateway) if !first.pool.contains(&gateway.addr()) => {
            Err(refuse(first.pool, format!("its gateway {} is outside", gateway.addr())))
        }
        _ => Ok(Some(first)),
    }
}

fn refuse(pool: IpNet, cause: String) -> Error {
    Error::bad_request("use subnet", pool.to_string(), cause)
}
