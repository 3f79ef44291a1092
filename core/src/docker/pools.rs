//! `IpamDriver`: pools and addresses.

use std::net::IpAddr;

use ipnet::IpNet;

use super::route::Service;
use crate::controller::POOLS;
use crate::error::{Error, Result};
use crate::ipam::{PoolId, PoolIpam, PoolRequest};
use crate::name::Name;
use crate::plugin::ipam::{
    AddressReply, AddressSpacesReply, Capabilities, PoolReply, ReleaseAddress, ReleasePool, Reply,
    RequestAddress, RequestPool,
};

impl Service {
    /// What is given out is remembered, and needs no request to be sent again.
    pub(super) fn ipam_capabilities(&self) -> Capabilities {
        Capabilities::default()
    }

    pub(super) fn address_spaces(&self) -> Result<AddressSpacesReply> {
        let spaces = self.controller.ipam(PoolIpam::NAME)?.default_address_spaces()?;
        Ok(AddressSpacesReply {
            local_default_address_space: spaces.local.to_string(),
            global_default_address_space: spaces.global.to_string(),
            ..AddressSpacesReply::default()
        })
    }

    pub(super) fn request_pool(&self, request: &RequestPool) -> Result<PoolReply> {
        let space = match request.address_space.is_empty() {
            true => self.controller.ipam(PoolIpam::NAME)?.default_address_spaces()?.local,
            false => Name::new(&request.address_space)?,
        };
        let mut wanted = PoolRequest::new(space);
        wanted.ipv6 = request.v6;
        wanted.options.clone_from(&request.options);
        wanted.pool = prefix(&request.pool, "Pool")?;
        wanted.sub_pool = prefix(&request.sub_pool, "SubPool")?;
        let pool = self.controller.give_pool(wanted)?;
        Ok(PoolReply {
            pool_id: pool.id.to_string(),
            pool: pool.pool.to_string(),
            data: pool.data,
            ..PoolReply::default()
        })
    }

    pub(super) fn release_pool(&self, request: &ReleasePool) -> Result<Reply> {
        self.controller.take_pool_back(&request.pool_id.parse()?)?;
        Ok(Reply::default())
    }

    pub(super) fn request_address(&self, request: &RequestAddress) -> Result<AddressReply> {
        let (pool, wanted) = (request.pool_id.parse()?, address(&request.address)?);
        let (given, data) = self.controller.give_address(&pool, wanted, &request.options)?;
        Ok(AddressReply { address: given.to_string(), data, ..AddressReply::default() })
    }

    pub(super) fn release_address(&self, request: &ReleaseAddress) -> Result<Reply> {
        let pool: PoolId = request.pool_id.parse()?;
        if let Some(address) = address(&request.address)? {
            self.controller.take_address_back(&pool, address)?;
        }
        Ok(Reply::default())
    }

    /// Remembers, as after a reboot, what of the networks' addresses was given to Docker.
    pub(super) fn regain_pools(&self) -> Result<()> {
        for (_, config) in self.controller.networks()? {
            let Ok(config) = config else { continue };
            if config.labels.get(POOLS.0).map(String::as_str) == Some(POOLS.1) {
                self.controller.regain(&config)?;
            }
        }
        self.controller.settle_pools()
    }
}

fn prefix(text: &str, field: &str) -> Result<Option<IpNet>> {
    let refuse = |_| Error::bad_request("use", field, format!("{text:?} is no prefix, such as 10.1.0.0/16"));
    Some(text).filter(|text| !text.is_empty()).map(|text| text.parse().map_err(refuse)).transpose()
}

/// An address, also with a prefix length, which says nothing new.
fn address(text: &str) -> Result<Option<IpAddr>> {
    let refuse = |_| Error::bad_request("use", "Address", format!("{text:?} is no address"));
    let bare = text.split('/').next().unwrap_or(text);
    Some(bare).filter(|text| !text.is_empty()).map(|text| text.parse().map_err(refuse)).transpose()
}
