//! Networks of a controller in the same host as the rest.

use std::collections::BTreeSet;
use std::fs;
use std::net::Ipv4Addr;

use netns::ipnet::Ipv4Net;
use netns::{
    Controller, ControllerOptions, Endpoint, EndpointConfig, FirewallMode, NetworkConfig, PortMapping,
    Sandbox,
};

use crate::rig::{link_count, settle};

/// A controller with one network, in the namespace of the thread that made it.
pub struct ControllerRig {
    /// The controller.
    pub controller: Controller,
    /// The network's name.
    pub network: &'static str,
    /// How many links stay when all sandboxes are gone.
    links: usize,
}

/// Where controllers of a bench keep things: in `/run`, which the bench has for itself, and sandboxes
/// where everybody's are.
///
/// `/etc` may be the machine's own.
pub fn options() -> ControllerOptions {
    let mut options = ControllerOptions::default();
    options.networks_dir = "/run/libnetns/networks".into();
    options
}

/// The endpoint `name` with everything by default.
///
/// # Panics
/// When `name` is none.
pub fn endpoint(name: &str) -> EndpointConfig {
    EndpointConfig::new(name).expect("a name")
}

impl ControllerRig {
    /// A network `name` of that type with the IPv4 subnet `10.SECOND.0.0/16`.
    ///
    /// # Panics
    /// When it cannot be made, as everything here does.
    pub fn new(network_type: &str, name: &'static str, second: u8) -> Self {
        Self::with_mode(network_type, name, second, FirewallMode::default())
    }

    /// The same with or without a firewall.
    ///
    /// # Panics
    /// As that does.
    pub fn with_mode(network_type: &str, name: &'static str, second: u8, mode: FirewallMode) -> Self {
        Self::with_options(network_type, name, second, mode, options())
    }

    /// The same with a controller that is opened with `options`.
    ///
    /// # Panics
    /// As that does.
    pub fn with_options(
        network_type: &str,
        name: &'static str,
        second: u8,
        mode: FirewallMode,
        options: ControllerOptions,
    ) -> Self {
        let controller = Controller::open(options).expect("a controller");
        let subnet = Ipv4Net::new_assert(Ipv4Addr::new(10, second, 0, 0), 16);
        let mut config = NetworkConfig::new(network_type, name).expect("a name").with_subnet(subnet.into());
        config.firewall.mode = mode;
        controller.create_network(config).expect("a network");
        Self { controller, network: name, links: link_count() }
    }

    /// An empty sandbox.
    ///
    /// # Panics
    /// When it cannot be made.
    pub fn sandbox(&self, name: &str) -> Sandbox {
        self.controller.create_sandbox(name).expect("a sandbox")
    }

    /// Joins the sandbox by an endpoint `name`.
    ///
    /// # Panics
    /// When that fails.
    pub fn connect(&self, sandbox: &Sandbox, name: &str) -> Endpoint {
        self.controller.connect(self.network, sandbox, endpoint(name)).expect("a connection")
    }

    /// [`ControllerRig::connect`] with published ports.
    ///
    /// # Panics
    /// As that does.
    pub fn connect_with(&self, sandbox: &Sandbox, name: &str, ports: Vec<PortMapping>) -> Endpoint {
        let mut endpoint = endpoint(name);
        endpoint.ports = ports;
        self.controller.connect(self.network, sandbox, endpoint).expect("a connection")
    }

    /// The addresses of all endpoints, which are `count` and are all different.
    ///
    /// # Panics
    /// When they are not.
    pub fn addresses(&self, count: usize) -> BTreeSet<Ipv4Addr> {
        let endpoints = self.controller.endpoints().expect("the endpoints");
        assert_eq!(endpoints.len(), count, "endpoints of {}", self.network);
        let of = |endpoint: &Endpoint| endpoint.address.expect("an address").addr();
        let addresses: BTreeSet<_> = endpoints.iter().map(of).collect();
        assert_eq!(addresses.len(), count, "an address was given twice");
        addresses
    }

    /// Removes the sandboxes with their endpoints and waits until the kernel has done its part.
    ///
    /// # Panics
    /// When something stays.
    pub fn remove(&self, names: impl IntoIterator<Item = String>) {
        for name in names {
            self.controller.remove_sandbox(&name).expect("a removed sandbox");
        }
        self.addresses(0);
        settle(self.links);
    }

    /// Deletes the network.
    ///
    /// # Panics
    /// When it is in use.
    pub fn take_down(self) {
        self.controller.delete_network(self.network).expect("an unused network");
    }
}

/// Why the host does not have that many namespaces, each mounted, if so.
pub fn too_few_namespaces(needed: usize) -> Option<String> {
    const LIMITS: [&str; 2] = ["/proc/sys/user/max_net_namespaces", "/proc/sys/fs/mount-max"];
    let limit = |path| fs::read_to_string(path).ok()?.trim().parse::<usize>().ok();
    let short = LIMITS.into_iter().find_map(|path| Some((path, limit(path).filter(|has| *has < needed)?)));
    short.map(|(path, has)| format!("{path} is {has} and has to be {needed} or more"))
}
