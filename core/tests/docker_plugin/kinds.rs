//! Containers of Docker's on each kind of network: who reaches whom, and what is counted and kept from them.

use netns::stats::{Detail, Source};
use serde_json::json;
use testhost::{host, Host};

use crate::common::{links, reaches, veth};
use crate::control::{open, settled};
use crate::dockerd::{id, network, of, of_network, Container};
use crate::wire::Plugin;

const GATEWAYS: [&str; 2] = ["172.18.0.1", "fd18::1"];

/// A LAN beyond `lan0`, with a router that has the gateways' addresses.
pub(crate) fn lan(host: &Host) {
    veth(host, "lan0", "lan1");
    host.ip(&["netns", "add", "router"]);
    host.ip(&["link", "set", "lan1", "netns", "router", "name", "eth0"]);
    host.ip(&["link", "set", "lan0", "up"]);
    host.ip_in("router", &["link", "set", "eth0", "up"]);
    host.ip_in("router", &["address", "add", "172.18.0.1/16", "dev", "eth0"]);
    host.ip_in("router", &["address", "add", "fd18::1/64", "dev", "eth0", "nodad"]);
}

#[test]
fn containers_reach_their_gateway_and_each_other_and_leave_nothing() {
    for kind in ["bridge", "routed", "macvlan"] {
        host(|host| {
            let (_, _) = settled(host);
            match kind {
                "macvlan" => lan(host),
                // So that the directory is there before.
                _ => drop(host.ip(&["netns", "add", "early"])),
            }
            let plugin = Plugin::start();
            let before = host.dump();
            let mut options = json!({ "driver": kind });
            if kind == "macvlan" {
                options["parent"] = "lan0".into();
            }
            plugin.good("NetworkDriver.CreateNetwork", &network("blue", &options));
            let web = Container::run(host, &plugin, "blue", "web", 2);
            let db = Container::run(host, &plugin, "blue", "db", 3);
            for to in GATEWAYS.into_iter().chain(["172.18.0.3", "fd18::3"]) {
                assert!(reaches(host, "web", to), "{kind}: {to}");
            }
            for to in ["172.18.0.2", "fd18::2"] {
                assert!(reaches(host, "db", to), "{kind}: {to}");
            }
            let controller = open();
            assert_eq!(controller.collect().unwrap().findings, [], "{kind}");
            let counted = controller.endpoint(&id("blue"), &id("web")).unwrap().meter.is_some();
            if kind == "macvlan" {
                assert!(!counted, "what counts does not move with a macvlan");
            } else if controller.meter().is_ok() {
                let found = controller.stats(&id("blue"), &id("web"), Detail::Full).unwrap();
                let stats = found.stats;
                assert_eq!(found.source, Source::Counters);
                assert!(counted && stats.tx_packets > 0 && stats.rx_packets > 0, "{stats:?}");
            }
            web.stop(host, &plugin, "blue");
            db.stop(host, &plugin, "blue");
            plugin.good("NetworkDriver.DeleteNetwork", &of_network("blue"));
            host.assert_returns_to(&before, kind);
        });
    }
}

#[test]
fn a_container_sends_from_its_own_addresses_alone() {
    for kind in ["bridge", "routed"] {
        host(|host| {
            let plugin = Plugin::start();
            plugin.good("NetworkDriver.CreateNetwork", &network("blue", &json!({ "driver": kind })));
            let _web = Container::run(host, &plugin, "blue", "web", 2);
            assert!(reaches(host, "web", "172.18.0.1"), "{kind}");
            host.ip_in("web", &["address", "add", "172.18.0.9/16", "dev", "eth0"]);
            let from = |source: &str| {
                host.run("ip", &["netns", "exec", "web", "ping", "-c1", "-W1", "-I", source, "172.18.0.1"])
                    .success
            };
            assert!(from("172.18.0.2") && !from("172.18.0.9"), "{kind}");
        });
    }
}

#[test]
fn an_internal_network_has_no_gateway_and_docker_is_not_to_look_for_one() {
    for kind in ["bridge", "routed"] {
        host(|host| {
            let plugin = Plugin::start();
            let mut request = network("blue", &json!({ "driver": kind }));
            request["Options"]["com.docker.network.internal"] = true.into();
            plugin.good("NetworkDriver.CreateNetwork", &request);
            plugin.good("NetworkDriver.CreateEndpoint", &crate::dockerd::endpoint("blue", "first", 9));
            let joined = plugin.good("NetworkDriver.Join", &crate::dockerd::join("blue", "first"));
            assert_eq!((&joined["Gateway"], &joined["GatewayIPv6"]), (&json!(""), &json!("")));
            assert_eq!(joined["DisableGatewayService"], true);
            let _web = Container::run(host, &plugin, "blue", "web", 2);
            let _db = Container::run(host, &plugin, "blue", "db", 3);
            for to in ["172.18.0.3", "fd18::3"] {
                assert!(reaches(host, "web", to), "{kind}: {to}");
            }
            let default = host.ip_in("web", &["route", "show", "default"]);
            assert_eq!(crate::common::objects(default).len(), 0, "{kind}");
        });
    }
}

#[test]
fn a_macvlan_stays_its_endpoints_while_a_container_has_it() {
    host(|host| {
        let (_, _) = settled(host);
        lan(host);
        let plugin = Plugin::start();
        let options = json!({ "driver": "macvlan", "parent": "lan0", "macvlan_mode": "bridge" });
        plugin.good("NetworkDriver.CreateNetwork", &network("blue", &options));
        let _web = Container::run(host, &plugin, "blue", "web", 2);
        plugin.stop();
        let plugin = Plugin::start();
        assert_eq!(open().endpoints().unwrap().len(), 1);
        assert!(reaches(host, "web", "172.18.0.1"));
        let error = crate::ports_of_web(&plugin);
        assert!(error.contains("firewall"), "{error}");
        // The container is killed: its device goes with its namespace.
        host.ip(&["netns", "delete", "web"]);
        plugin.good("NetworkDriver.DeleteEndpoint", &of("blue", "web"));
        plugin.good("NetworkDriver.DeleteNetwork", &of_network("blue"));
        assert_eq!(open().collect().unwrap().findings, []);
        assert!(!links(host, "").iter().any(|name| name.starts_with("veth")));
    });
}
