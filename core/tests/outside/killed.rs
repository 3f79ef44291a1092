//! A process killed at any moment while it publishes, or makes the tables: the next puts everything right.

use std::collections::BTreeSet;

use netns::{Controller, EndpointConfig, Lifetime, NetworkConfig};
use testhost::host;

use crate::campaign::{controller, sampled};
use crate::world::{make, mappings, publishing};
use crate::{child, trace};

/// Of the calls that change something, so many are one kill.
const STEP: usize = 4;

fn network(kind: &str) -> NetworkConfig {
    NetworkConfig::new(kind, "blue").unwrap().with_ipv6()
}

/// From a sandbox that publishes to none.
fn life_of_ports() {
    let controller = controller(Lifetime::Process);
    let sandbox = controller.create_sandbox("web").unwrap();
    let ports = ["8080:80", "8080-8082:80-82/udp", "127.0.0.1:9000:90"];
    let web = publishing(EndpointConfig::new("web").unwrap(), &ports);
    controller.connect("blue", &sandbox, web).unwrap();
    let more = controller.publish("blue", "web", &mappings(&["443", "8090:90/udp"])).unwrap();
    controller.withdraw("blue", "web", &more).unwrap();
    controller.withdraw("blue", "web", &mappings(&ports[..1])).unwrap();
    controller.destroy_sandbox(&sandbox).unwrap();
}

fn nothing_is_published(controller: &Controller, context: &dyn Fn() -> String) {
    let (endpoints, sandboxes) = (controller.endpoints().unwrap(), controller.sandboxes().unwrap());
    assert!(endpoints.is_empty() && sandboxes.is_empty(), "{}: {endpoints:?} {sandboxes:?}", context());
    // All ports are there to be had.
    let ports = ["8080:80", "8080-8082:80-82/udp", "127.0.0.1:9000:90", "8090:90/udp"];
    let wants = publishing(EndpointConfig::new("next").unwrap(), &ports);
    controller.create_endpoint("blue", wants).unwrap_or_else(|error| panic!("{}: {error}", context()));
    controller.delete_endpoint("blue", "next").unwrap();
}

fn ports(test: &str, kind: &str) {
    if child::role().is_some() {
        return trace::between_marks(life_of_ports);
    }
    host(|host| {
        make(host);
        controller(Lifetime::Process).create_network(network(kind)).unwrap();
        let role = format!("a life of ports on a {kind} network");
        sampled(host, (test, &role), STEP, nothing_is_published);
        controller(Lifetime::Process).delete_network("blue").unwrap();
        let left = host.run("nft", &["list", "ruleset"]).stdout;
        assert_eq!(left, "");
    });
}

#[test]
fn a_process_killed_with_ports_on_a_bridge_leaves_none() {
    ports("killed::a_process_killed_with_ports_on_a_bridge_leaves_none", "bridge");
}

#[test]
fn a_process_killed_with_routed_ports_leaves_none() {
    ports("killed::a_process_killed_with_routed_ports_leaves_none", "routed");
}

/// A network that is there has its whole firewall, and deleting it takes all of it away.
fn whole_or_none(host: &testhost::Host, controller: &Controller, context: &dyn Fn() -> String) {
    let tables = || host.run("nft", &["list", "tables"]).stdout;
    for (name, config) in controller.networks().unwrap() {
        config.unwrap_or_else(|error| panic!("{}: {error}", context()));
        let sandbox = controller.create_sandbox("next").unwrap();
        let next = publishing(EndpointConfig::new("next").unwrap(), &["8080:80"]);
        let made = controller.connect(name.as_str(), &sandbox, next);
        made.unwrap_or_else(|error| panic!("{}: {error}", context()));
        let listed = host.run("nft", &["list", "table", "inet", "libnetns"]).stdout;
        for word in ["8080", "chain prerouting", "chain forward"] {
            assert!(listed.contains(word), "{}: {word} is missing in {listed}", context());
        }
        controller.destroy_sandbox(&sandbox).unwrap();
        controller.delete_network(name.as_str()).unwrap();
    }
    assert_eq!(tables(), "", "{}", context());
    let forwarding: BTreeSet<_> =
        testhost::settings().into_iter().filter(|line| line.contains("/up0/")).collect();
    assert!(!forwarding.contains("net/ipv4/conf/up0/forwarding = 1"), "{}: {forwarding:?}", context());
    assert!(!forwarding.contains("net/ipv6/conf/up0/force_forwarding = 1"), "{}: {forwarding:?}", context());
}

fn tables(test: &str, kind: &str) {
    if child::role().is_some() {
        return trace::between_marks(|| {
            let controller = controller(Lifetime::Process);
            controller.create_network(network(kind)).unwrap();
            controller.delete_network("blue").unwrap();
        });
    }
    host(|host| {
        make(host);
        let role = format!("the first and last network, of type {kind}");
        sampled(host, (test, &role), STEP, |controller, context| whole_or_none(host, controller, context));
    });
}

#[test]
fn a_process_killed_at_the_first_or_last_bridge_leaves_whole_tables_or_none() {
    tables("killed::a_process_killed_at_the_first_or_last_bridge_leaves_whole_tables_or_none", "bridge");
}

#[test]
fn a_process_killed_at_the_first_or_last_routed_network_leaves_whole_tables_or_none() {
    tables(
        "killed::a_process_killed_at_the_first_or_last_routed_network_leaves_whole_tables_or_none",
        "routed",
    );
}
