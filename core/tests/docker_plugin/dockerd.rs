//! What Docker does besides asking: it names things, and moves and configures devices.

use serde_json::{json, Value};
use testhost::Host;

use crate::wire::Plugin;

/// An id as Docker has them.
pub(crate) fn id(name: &str) -> String {
    let mut id = name.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
    while id.len() < 64 {
        id.push('0');
    }
    id
}

pub(crate) const V4: (&str, &str) = ("172.18.0.0/16", "172.18.0.1/16");
pub(crate) const V6: (&str, &str) = ("fd18::/64", "fd18::1/64");

/// A request for a network, with both families and `options` as after `-o`.
pub(crate) fn network(name: &str, options: &Value) -> Value {
    let data = |(pool, gateway): (&str, &str)| json!([{ "AddressSpace": "LocalDefault", "Pool": pool, "Gateway": gateway, "AuxAddresses": {} }]);
    json!({
        "NetworkID": id(name),
        "Options": { "com.docker.network.enable_ipv6": true, "com.docker.network.generic": options },
        "IPv4Data": data(V4),
        "IPv6Data": data(V6),
    })
}

pub(crate) fn of_network(name: &str) -> Value {
    json!({ "NetworkID": id(name) })
}

pub(crate) fn of(network: &str, endpoint: &str) -> Value {
    json!({ "NetworkID": id(network), "EndpointID": id(endpoint) })
}

/// A request for an endpoint with addresses that end in `number`.
pub(crate) fn endpoint(network: &str, name: &str, number: u8) -> Value {
    let mut request = of(network, name);
    request["Interface"] = json!({
        "Address": format!("172.18.0.{number}/16"),
        "AddressIPv6": format!("fd18::{number}/64"),
        "MacAddress": "",
    });
    request["Options"] = json!({
        "com.docker.network.endpoint.exposedports": [{ "Proto": 6, "Port": 80 }],
        "com.docker.network.portmap": [],
        "com.docker.network.endpoint.dnsservers": ["192.0.2.1"],
    });
    request
}

pub(crate) fn join(network: &str, name: &str) -> Value {
    let mut request = of(network, name);
    request["SandboxKey"] = format!("/var/run/docker/netns/{name}").into();
    request["Options"] = Value::Null;
    request
}

/// A container: a namespace, and what Docker knows of its device.
pub(crate) struct Container {
    pub(crate) name: String,
    src_name: String,
}

impl Container {
    /// Runs one on a network, from the requests to the routes.
    #[track_caller]
    pub(crate) fn run(host: &Host, plugin: &Plugin, network: &str, name: &str, number: u8) -> Self {
        let made = plugin.good("NetworkDriver.CreateEndpoint", &endpoint(network, name, number));
        let joined = plugin.good("NetworkDriver.Join", &join(network, name));
        let container = Self { name: name.to_owned(), src_name: text(&joined["InterfaceName"]["SrcName"]) };
        host.ip(&["netns", "add", name]);
        container.move_in(host, &joined, &text(&made["Interface"]["MacAddress"]), number);
        container
    }

    /// In the order in which libnetwork does it.
    #[track_caller]
    fn move_in(&self, host: &Host, joined: &Value, mac: &str, number: u8) {
        let ip = |args: &[&str]| drop(host.ip_in(&self.name, args));
        host.ip(&["link", "set", &self.src_name, "netns", &self.name]);
        let name = format!("{}0", text(&joined["InterfaceName"]["DstPrefix"]));
        ip(&["link", "set", "lo", "up"]);
        ip(&["link", "set", &self.src_name, "down"]);
        ip(&["link", "set", &self.src_name, "name", &name]);
        ip(&["link", "set", &name, "address", mac]);
        ip(&["address", "add", &format!("172.18.0.{number}/16"), "dev", &name]);
        ip(&["address", "add", &format!("fd18::{number}/64"), "dev", &name, "nodad"]);
        ip(&["link", "set", &name, "up"]);
        let routes = joined["StaticRoutes"].as_array().unwrap();
        for route in routes.iter().filter(|route| route["RouteType"] == 1) {
            ip(&["route", "add", &text(&route["Destination"]), "dev", &name, "scope", "link"]);
        }
        for route in routes.iter().filter(|route| route["RouteType"] == 0) {
            ip(&[
                "route",
                "add",
                &text(&route["Destination"]),
                "via",
                &text(&route["NextHop"]),
                "dev",
                &name,
            ]);
        }
        for gateway in ["Gateway", "GatewayIPv6"].map(|key| text(&joined[key])) {
            if !gateway.is_empty() {
                ip(&["route", "add", "default", "via", &gateway, "dev", &name]);
            }
        }
    }

    /// Stops it as Docker does: the device comes back before the endpoint goes.
    #[track_caller]
    pub(crate) fn stop(self, host: &Host, plugin: &Plugin, network: &str) {
        plugin.good("NetworkDriver.RevokeExternalConnectivity", &of(network, &self.name));
        plugin.good("NetworkDriver.Leave", &of(network, &self.name));
        let here = nix::unistd::gettid().to_string();
        host.ip_in(&self.name, &["link", "set", "eth0", "down"]);
        host.ip_in(&self.name, &["link", "set", "eth0", "name", &self.src_name]);
        host.ip_in(&self.name, &["link", "set", &self.src_name, "netns", &here]);
        plugin.good("NetworkDriver.DeleteEndpoint", &of(network, &self.name));
        host.ip(&["netns", "delete", &self.name]);
    }
}

#[track_caller]
pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}
