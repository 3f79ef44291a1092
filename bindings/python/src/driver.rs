//! Drivers written in Python.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use netns::driver::{
    Birth, DiscoveryType, Driver, InterfaceInfo, IpamData, JoinInfo, NetworkInfo, Options, RouteType,
};
use netns::ipnet;
use netns::link::LinkSpec;
use netns::plan::Plan;
use netns::{Error, InterfaceName, MacAddr, Mtu, Neighbour, Result};
use pyo3::call::PyCallArgs;
use pyo3::prelude::*;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::boundary::{from_json, to_json};
use crate::error::from_python;

/// An object whose methods take text and return text: the package's adapter of a caller's driver or address
/// management.
pub(crate) struct Callee {
    name: String,
    object: Py<PyAny>,
}

impl Callee {
    pub(crate) fn new(name: String, object: Py<PyAny>) -> Self {
        Self { name, object }
    }

    /// Calls a method; what it returns is JSON of a `T`.
    pub(crate) fn call<T: DeserializeOwned>(
        &self,
        method: &str,
        arguments: impl for<'py> PyCallArgs<'py>,
    ) -> Result<T> {
        let answer = Python::attach(|py| {
            let answer = self.object.call_method1(py, method, arguments);
            let answer = answer.and_then(|answer| answer.extract::<String>(py));
            answer.map_err(|raised| from_python(py, &self.name, method, raised))
        })?;
        from_json(&format!("what {method} of {} returned", self.name), &answer)
    }
}

/// A driver in Python.
pub(crate) struct PyDriver {
    callee: Callee,
}

impl PyDriver {
    pub(crate) fn new(network_type: String, adapter: Py<PyAny>) -> Self {
        Self { callee: Callee::new(network_type, adapter) }
    }
}

#[derive(Deserialize)]
struct CreatedNetwork {
    plan: Plan,
    tables: Vec<String>,
}

#[derive(Serialize)]
struct Addresses {
    mac: Option<MacAddr>,
    address: Option<Ipv4Net>,
    address_ipv6: Option<Ipv6Net>,
}

impl From<&InterfaceInfo> for Addresses {
    fn from(info: &InterfaceInfo) -> Self {
        Self { mac: info.mac_address(), address: info.address(), address_ipv6: info.address_ipv6() }
    }
}

#[derive(Deserialize)]
struct CreatedEndpoint {
    plan: Plan,
    mac: Option<MacAddr>,
    addresses: Vec<IpNet>,
}

#[derive(Serialize)]
struct Joining {
    interface: Addresses,
    mtu: Option<Mtu>,
}

#[derive(Deserialize)]
struct Joined {
    names: Option<(InterfaceName, InterfaceName)>,
    gateway: Option<Ipv4Addr>,
    gateway_ipv6: Option<Ipv6Addr>,
    routes: Vec<(IpNet, Option<IpAddr>)>,
    no_gateway_service: bool,
    entries: Vec<(String, String, Vec<u8>)>,
    birth: Option<Born>,
}

#[derive(Deserialize)]
struct Born {
    link: LinkSpec,
    early: Plan,
    after: Plan,
    neighbours: Vec<Neighbour>,
    host_prefix: bool,
}

impl From<Born> for Birth {
    fn from(born: Born) -> Self {
        let mut birth = Self::new(born.link);
        birth.early = born.early;
        birth.after = born.after;
        birth.neighbours = born.neighbours;
        birth.host_prefix = born.host_prefix;
        birth
    }
}

impl Joined {
    fn tell(self, join: &mut JoinInfo) -> Result<()> {
        if let Some((source, prefix)) = self.names {
            join.interface_name().set_names(source, prefix);
        }
        if let Some(gateway) = self.gateway {
            join.set_gateway(gateway);
        }
        if let Some(gateway) = self.gateway_ipv6 {
            join.set_gateway_ipv6(gateway);
        }
        for (destination, hop) in self.routes {
            let route_type = if hop.is_some() { RouteType::NextHop } else { RouteType::Connected };
            join.add_static_route(destination, route_type, hop)?;
        }
        if self.no_gateway_service {
            join.disable_gateway_service();
        }
        for (table, key, value) in self.entries {
            join.add_table_entry(&table, &key, &value)?;
        }
        if let Some(born) = self.birth {
            join.set_birth(born.into());
        }
        Ok(())
    }
}

impl Driver for PyDriver {
    fn network_type(&self) -> &str {
        &self.callee.name
    }

    fn network_allocate(
        &self,
        network: &str,
        options: &BTreeMap<String, String>,
        ipv4: &[IpamData],
        ipv6: &[IpamData],
    ) -> Result<BTreeMap<String, String>> {
        let arguments = (network, to_json(options)?, to_json(&ipv4)?, to_json(&ipv6)?);
        self.callee.call("network_allocate", arguments)
    }

    fn network_free(&self, network: &str) -> Result<()> {
        self.callee.call("network_free", (network,))
    }

    fn create_network(
        &self,
        network: &str,
        options: &Options,
        info: &mut NetworkInfo,
        ipv4: &[IpamData],
        ipv6: &[IpamData],
    ) -> Result<Plan> {
        let arguments = (network, to_json(options)?, to_json(&ipv4)?, to_json(&ipv6)?);
        let created: CreatedNetwork = self.callee.call("create_network", arguments)?;
        created.tables.iter().try_for_each(|table| info.table_event_register(table))?;
        Ok(created.plan)
    }

    fn delete_network(&self, network: &str) -> Result<Plan> {
        self.callee.call("delete_network", (network,))
    }

    fn create_endpoint(
        &self,
        network: &str,
        endpoint: &str,
        interface: &mut InterfaceInfo,
        options: &Options,
    ) -> Result<Plan> {
        let arguments = (network, endpoint, to_json(&Addresses::from(&*interface))?, to_json(options)?);
        let created: CreatedEndpoint = self.callee.call("create_endpoint", arguments)?;
        created.mac.map_or(Ok(()), |mac| interface.set_mac_address(mac))?;
        created.addresses.into_iter().try_for_each(|address| interface.set_ip_address(address))?;
        Ok(created.plan)
    }

    fn delete_endpoint(&self, network: &str, endpoint: &str) -> Result<Plan> {
        self.callee.call("delete_endpoint", (network, endpoint))
    }

    fn endpoint_oper_info(&self, network: &str, endpoint: &str) -> Result<Options> {
        self.callee.call("endpoint_oper_info", (network, endpoint))
    }

    fn join(
        &self,
        network: &str,
        endpoint: &str,
        sandbox_key: &str,
        join: &mut JoinInfo,
        options: &Options,
    ) -> Result<()> {
        let joining = Joining { interface: join.interface().into(), mtu: join.mtu() };
        let arguments = (network, endpoint, sandbox_key, to_json(&joining)?, to_json(options)?);
        let joined: Joined = self.callee.call("join", arguments)?;
        joined.tell(join)
    }

    fn leave(&self, network: &str, endpoint: &str) -> Result<Plan> {
        self.callee.call("leave", (network, endpoint))
    }

    fn program_external_connectivity(
        &self,
        network: &str,
        endpoint: &str,
        options: &Options,
    ) -> Result<Plan> {
        self.callee.call("program_external_connectivity", (network, endpoint, to_json(options)?))
    }

    fn revoke_external_connectivity(&self, network: &str, endpoint: &str) -> Result<Plan> {
        self.callee.call("revoke_external_connectivity", (network, endpoint))
    }

    fn discover_new(&self, discovery: DiscoveryType, data: &Value) -> Result<()> {
        self.callee.call("discover_new", (name_of(discovery), to_json(data)?))
    }

    fn discover_delete(&self, discovery: DiscoveryType, data: &Value) -> Result<()> {
        self.callee.call("discover_delete", (name_of(discovery), to_json(data)?))
    }
}

/// What can be discovered, as `netns.Discovery` has it.
const DISCOVERIES: [(&str, DiscoveryType); 4] = [
    ("node", DiscoveryType::Node),
    ("datastore_config", DiscoveryType::DatastoreConfig),
    ("encryption_keys_config", DiscoveryType::EncryptionKeysConfig),
    ("encryption_keys_update", DiscoveryType::EncryptionKeysUpdate),
];

fn name_of(discovery: DiscoveryType) -> &'static str {
    DISCOVERIES.iter().find(|(_, kind)| *kind == discovery).map_or("node", |(name, _)| name)
}

/// What is called so.
pub(crate) fn discovery_of(name: &str) -> Result<DiscoveryType> {
    let unknown = || Error::bad_request("use", "discovery", "it is none of those that there are");
    DISCOVERIES.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind).ok_or_else(unknown)
}
