//! What the tests of controllers share: a controller on the test's own host, and short ways to say what
//! is wanted of it.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::net::IpAddr;

use netns::{Controller, ControllerOptions, EndpointConfig, NetworkConfig, Sandbox, SubnetConfig};
use testhost::{Host, State};

/// The defaults, but for the definitions: they are where nothing of the machine's is.
pub(crate) fn options() -> ControllerOptions {
    let mut options = ControllerOptions::default();
    options.networks_dir = "/run/networks".into();
    options
}

#[track_caller]
pub(crate) fn open() -> Controller {
    Controller::open(options()).unwrap()
}

/// A controller that has made and removed one of everything, so that its directories are there, and the
/// host as it is then.
pub(crate) fn settled(host: &Host) -> (Controller, State) {
    let controller = open();
    controller.create_network(config("null", "none")).unwrap();
    controller.delete_network("none").unwrap();
    controller.destroy_sandbox(&controller.create_sandbox("first").unwrap()).unwrap();
    let before = host.dump();
    (controller, before)
}

pub(crate) fn config(kind: &str, name: &str) -> NetworkConfig {
    NetworkConfig::new(kind, name).unwrap()
}

/// A network with those subnets.
pub(crate) fn with_subnets(kind: &str, name: &str, subnets: &[&str]) -> NetworkConfig {
    subnets.iter().fold(config(kind, name), |config, subnet| config.with_subnet(subnet.parse().unwrap()))
}

/// The dual-stack bridge network `blue`.
pub(crate) fn blue() -> NetworkConfig {
    with_subnets("bridge", "blue", &["10.1.0.0/24", "fd01::/64"])
}

pub(crate) fn subnet(subnet: &str) -> SubnetConfig {
    SubnetConfig::new(subnet.parse().unwrap())
}

pub(crate) fn endpoint(name: &str) -> EndpointConfig {
    EndpointConfig::new(name).unwrap()
}

/// An endpoint that wants those addresses.
pub(crate) fn at(name: &str, addresses: &[&str]) -> EndpointConfig {
    addresses.iter().fold(endpoint(name), |config, address| config.with_address(ip(address)))
}

pub(crate) fn sandbox(controller: &Controller, name: &str) -> Sandbox {
    controller.create_sandbox(name).unwrap()
}

/// A sandbox of that name, connected as an endpoint of that name.
#[track_caller]
pub(crate) fn connected(controller: &Controller, network: &str, name: &str) -> (Sandbox, netns::Endpoint) {
    let sandbox = sandbox(controller, name);
    let endpoint = controller.connect(network, &sandbox, endpoint(name)).unwrap();
    (sandbox, endpoint)
}

pub(crate) fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// The addresses of an endpoint, as text.
pub(crate) fn addresses_of(endpoint: &netns::Endpoint) -> Vec<String> {
    let v4 = endpoint.address.map(|address| address.to_string());
    v4.into_iter().chain(endpoint.address_ipv6.map(|address| address.to_string())).collect()
}
