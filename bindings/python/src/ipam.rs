//! Address managements: those written in Python, and those that a controller has.

use std::collections::BTreeMap;
use std::net::IpAddr;

use netns::ipam::{AddressSpaces, Ipam, Pool, PoolId, PoolRequest};
use netns::ipnet::IpNet;
use netns::{Error, Name, Result};
use pyo3::prelude::*;
use serde::{Deserialize, Serialize};

use crate::boundary::{from_json, shown, to_json, Text};
use crate::controller::Controller;
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

#[derive(Deserialize, Serialize)]
struct Spaces {
    local: Name,
    global: Name,
}

#[derive(Deserialize, Serialize)]
struct Request {
    address_space: Name,
    #[serde(default)]
    in_use: Vec<IpNet>,
    #[serde(default)]
    ipv6: bool,
    #[serde(default)]
    options: BTreeMap<String, String>,
    #[serde(default)]
    pool: Option<IpNet>,
    #[serde(default)]
    sub_pool: Option<IpNet>,
}

impl From<PoolRequest> for Request {
    fn from(request: PoolRequest) -> Self {
        let PoolRequest { address_space, in_use, ipv6, options, pool, sub_pool } = request;
        Self { address_space, in_use, ipv6, options, pool, sub_pool }
    }
}

impl From<Request> for PoolRequest {
    fn from(request: Request) -> Self {
        let Request { address_space, in_use, ipv6, options, pool, sub_pool } = request;
        Self { address_space, in_use, ipv6, options, pool, sub_pool }
    }
}

#[derive(Deserialize, Serialize)]
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
        let request = Request::from(request.clone());
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

/// An address management of a controller, until that is closed.
#[pyclass(frozen, module = "netns._netns")]
pub(crate) struct KnownIpam {
    controller: Py<Controller>,
    name: String,
}

impl KnownIpam {
    pub(crate) fn new(controller: Py<Controller>, name: String) -> Self {
        Self { controller, name }
    }

    fn ask<T: Serialize>(
        &self,
        py: Python<'_>,
        f: impl FnOnce(&dyn Ipam) -> Result<T> + Send,
    ) -> PyResult<String> {
        let controller = self.controller.get().open_one(py)?;
        shown(py, move || f(&*controller.ipam(&self.name)?))
    }
}

#[pymethods]
impl KnownIpam {
    fn default_address_spaces(&self, py: Python<'_>) -> PyResult<String> {
        let spaces = |ipam: &dyn Ipam| {
            let AddressSpaces { local, global } = ipam.default_address_spaces()?;
            Ok(Spaces { local, global })
        };
        self.ask(py, spaces)
    }

    fn request_pool(&self, py: Python<'_>, request: Text<'_>) -> PyResult<String> {
        self.ask(py, |ipam| {
            let request: Request = from_json("pool request", &request)?;
            let Pool { data, id, pool } = ipam.request_pool(&request.into())?;
            Ok(Given { id, pool, data })
        })
    }

    fn release_pool(&self, py: Python<'_>, pool: Text<'_>) -> PyResult<()> {
        self.ask(py, |ipam| ipam.release_pool(&pool.parse()?)).map(drop)
    }

    /// The address with the length of its prefix, and what there is to know of it.
    fn request_address(
        &self,
        py: Python<'_>,
        pool: Text<'_>,
        wanted: Option<Text<'_>>,
        options: Text<'_>,
    ) -> PyResult<String> {
        self.ask(py, |ipam| {
            let wanted = wanted.as_deref().map(address).transpose()?;
            ipam.request_address(&pool.parse()?, wanted, &from_json("options", &options)?)
        })
    }

    fn release_address(&self, py: Python<'_>, pool: Text<'_>, released: Text<'_>) -> PyResult<()> {
        self.ask(py, |ipam| ipam.release_address(&pool.parse()?, address(&released)?)).map(drop)
    }
}

/// Of a text that is one, but for a zone.
fn address(text: &str) -> Result<IpAddr> {
    text.parse().map_err(|_| Error::bad_request("use address", text, "it is not an address without a zone"))
}
