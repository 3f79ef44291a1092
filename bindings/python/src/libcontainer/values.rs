//! Values as the core checks, writes and knows them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use netns::ipnet::{IpNet, Ipv4Net, Ipv6Net};
use netns::libcontainer::configs::{self, Config, NamespaceType, Namespaces, ParsedNetwork, State};
use netns::libcontainer::{Network, NetworkState, NetworkStats, SetupState};
use netns::{Error, InterfaceName, MacAddr, Mtu};
use pyo3::prelude::*;
use serde::Serialize;

use crate::boundary::{detached, from_json, shown, to_json, Text};

/// The JSON that the core writes for what it reads; `kind` is which of its structs.
#[pyfunction]
pub(crate) fn normal_json(py: Python<'_>, kind: &str, text: Text<'_>) -> PyResult<String> {
    detached(py, || match kind {
        "network" => Network::from_json(&text)?.to_json(),
        "network_state" => NetworkState::from_json(&text)?.to_json(),
        "network_stats" => to_json(&from_json::<NetworkStats>("statistics", &text)?),
        "config" => Config::from_json(&text)?.to_json(),
        "state" => State::from_json(&text)?.to_json(),
        "setup_state" => SetupState::from_json(&text)?.to_json(),
        _ => Err(Error::bad_request("use kind", kind, "there is no struct of that name")),
    })
}

/// Of each type of namespace its name, that of its file in `/proc/PID/ns` and its flag of unshare(2).
#[pyfunction]
pub(crate) fn namespace_types() -> Vec<(&'static str, &'static str, i32)> {
    let shown = |kind: NamespaceType| (kind.as_str(), configs::ns_name(kind), kind.clone_flag());
    configs::namespace_types().map(shown).to_vec()
}

#[pyfunction]
pub(crate) fn is_namespace_supported(py: Python<'_>, kind: &str) -> PyResult<bool> {
    detached(py, || Ok(configs::is_namespace_supported(kind.parse()?)))
}

#[pyfunction]
pub(crate) fn clone_flags(py: Python<'_>, namespaces: &str) -> PyResult<u64> {
    detached(py, || Ok(from_json::<Namespaces>("namespaces", namespaces)?.clone_flags()))
}

#[derive(Serialize)]
struct ShownNetwork {
    name: Option<InterfaceName>,
    bridge: Option<InterfaceName>,
    mac_address: Option<MacAddr>,
    address: Option<Ipv4Net>,
    gateway: Option<Ipv4Addr>,
    ipv6_address: Option<Ipv6Net>,
    ipv6_gateway: Option<Ipv6Addr>,
    mtu: Option<Mtu>,
    txqueuelen: Option<u32>,
    host_interface_name: Option<InterfaceName>,
    hairpin_mode: bool,
}

impl From<ParsedNetwork> for ShownNetwork {
    fn from(parsed: ParsedNetwork) -> Self {
        Self {
            name: parsed.name,
            bridge: parsed.bridge,
            mac_address: parsed.mac_address,
            address: parsed.address,
            gateway: parsed.gateway,
            ipv6_address: parsed.ipv6_address,
            ipv6_gateway: parsed.ipv6_gateway,
            mtu: parsed.mtu,
            txqueuelen: parsed.tx_queue_len,
            host_interface_name: parsed.host_interface_name,
            hairpin_mode: parsed.hairpin_mode,
        }
    }
}

/// The checked values of a network of a config, as JSON.
#[pyfunction]
pub(crate) fn parsed_network(py: Python<'_>, network: &str) -> PyResult<String> {
    let parsed = || from_json::<configs::Network>("network", network)?.parsed();
    shown(py, || parsed().map(ShownNetwork::from))
}

#[derive(Serialize)]
struct ShownRoute {
    destination: IpNet,
    source: Option<IpNet>,
    gateway: Option<IpAddr>,
    interface_name: InterfaceName,
}

/// The checked values of a route of a config, as JSON.
#[pyfunction]
pub(crate) fn parsed_route(py: Python<'_>, route: &str) -> PyResult<String> {
    shown(py, || {
        let parsed = from_json::<configs::Route>("route", route)?.parsed()?;
        Ok(ShownRoute {
            destination: parsed.destination_or_default(),
            source: parsed.source,
            gateway: parsed.gateway,
            interface_name: parsed.interface_name,
        })
    })
}
