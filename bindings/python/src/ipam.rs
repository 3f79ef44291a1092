//! Address managements written in Python.

use std::collections::BTreeMap;
use std::net::IpAddr;

use netns::ipam::{AddressSpaces, Ipam, Pool, PoolId, PoolRequest};
use netns::ipnet::IpNet;
use netns::{Name, Result};
use pyo3::prelude::*;
use serde::{Deserialize, Serialize};

use crate::boundary::to_json;
use crate::driver::Callee;

/// An address management in Python.
pub(crate) struct PyIpam {
    callee: Callee,
}

impl PyIpam {
    pub(crate) fn new(name: String, adapter: Py<PyAny>) -> Self {
        Self { callee: Callee::new(name, adapter) }
    }
}

#[derive(Deserialize)]
struct Spaces {
    local: Name,
    global: Name,
}

#[derive(Serialize)]
struct Request<'a> {
    address_space: &'a str,
    in_use: &'a [IpNet],
    ipv6: bool,
    options: &'a BTreeMap<String, String>,
    pool: Option<IpNet>,
    sub_pool: Option<IpNet>,
}

#[derive(Deserialize)]
struct Given {
    id: PoolId,
    pool: IpNet,
    data: BTreeMap<String, String>,
}

impl Ipam for PyIpam {
    fn default_address_spaces(&self) -> Result<AddressSpaces> {
        let Spaces { local, global } = self.callee.call("default_address_spaces", ())?;
        Ok(AddressSpaces { local, global })
    }

    fn request_pool(&self, request: &PoolRequest) -> Result<Pool> {
        let request = Request {
            address_space: request.address_space.as_str(),
            in_use: &request.in_use,
            ipv6: request.ipv6,
            options: &request.options,
            pool: request.pool,
            sub_pool: request.sub_pool,
        };
        let Given { id, pool, data } = self.callee.call("request_pool", (to_json(&request)?,))?;
        Ok(Pool { data, id, pool })
    }

    fn release_pool(&self, pool: &PoolId) -> Result<()> {
        self.callee.call("release_pool", (pool.to_string(),))
    }

    fn request_address(
        &self,
        pool: &PoolId,
        wanted: Option<IpAddr>,
        options: &BTreeMap<String, String>,
    ) -> Result<(IpNet, BTreeMap<String, String>)> {
        let wanted = wanted.map(|address| address.to_string());
        self.callee.call("request_address", (pool.to_string(), wanted, to_json(options)?))
    }

    fn release_address(&self, pool: &PoolId, address: IpAddr) -> Result<()> {
        self.callee.call("release_address", (pool.to_string(), address.to_string()))
    }
}
