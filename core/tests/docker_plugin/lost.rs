//! What containers keep when the store is lost while they run.

use std::fs;

use serde_json::{json, Value};
use testhost::{attempt, host, Host, Server, Transport, Try};

use crate::common::reaches;
use crate::control::{open, settled};
use crate::dockerd::{endpoint, id, network, of, of_network, text, Container};
use crate::kinds::lan;
use crate::wire::Plugin;

const STORE: &str = "/run/libnetns/state.db";

fn lose() {
    fs::remove_dir_all("/run/libnetns").unwrap();
}

fn ruin() {
    fs::write(STORE, "garbage ".repeat(1000)).unwrap();
}

fn options(host: &Host, kind: &str) -> Value {
    let mut options = json!({ "driver": kind });
    if kind == "macvlan" {
        lan(host);
        options["parent"] = "lan0".into();
    }
    options
}

#[test]
fn containers_keep_their_interfaces_and_addresses_when_the_store_is_lost() {
    for (kind, lose) in [("bridge", lose as fn()), ("routed", lose), ("macvlan", lose), ("bridge", ruin)] {
        host(|host| {
            let (_, _) = settled(host);
            // So that the directory is there before.
            host.ip(&["netns", "add", "early"]);
            let options = options(host, kind);
            let plugin = Plugin::start();
            plugin.good("NetworkDriver.CreateNetwork", &network("blue", &options));
            let before = host.dump();
            let web = Container::run(host, &plugin, "blue", "web", 2);
            let db = Container::run(host, &plugin, "blue", "db", 3);
            let there = open().endpoints().unwrap();
            plugin.stop();
            lose();
            let plugin = Plugin::start();
            for (from, to) in [("web", "172.18.0.1"), ("db", "172.18.0.2"), ("web", "fd18::3")] {
                assert!(reaches(host, from, to), "{kind}: {to}");
            }
            let found = open().endpoints().unwrap();
            assert_eq!(found.len(), 2, "{kind}");
            for (found, there) in found.iter().zip(&there) {
                assert_eq!(
                    (&found.network, found.name(), found.mac),
                    (&there.network, there.name(), there.mac)
                );
                assert_eq!(
                    (found.address, found.address_ipv6, found.linked, found.meter),
                    (there.address, there.address_ipv6, true, there.meter),
                    "{kind}"
                );
            }
            assert_eq!(open().collect().unwrap().findings, [], "{kind}");
            let other = Container::run(host, &plugin, "blue", "other", 4);
            assert!(reaches(host, "other", "172.18.0.2"), "{kind}");
            for container in [web, db, other] {
                container.stop(host, &plugin, "blue");
            }
            assert_eq!(open().endpoints().unwrap(), [], "{kind}");
            host.run("sh", &["-c", "rm -f /run/libnetns/*.broken-*"]);
            host.assert_returns_to(&before, kind);
            plugin.good("NetworkDriver.DeleteNetwork", &of_network("blue"));
        });
    }
}

#[test]
fn published_ports_are_its_own_when_the_store_is_lost() {
    host(|host| {
        let plugin = Plugin::start();
        plugin.good("NetworkDriver.CreateNetwork", &network("blue", &json!({})));
        let _web = Container::run(host, &plugin, "blue", "web", 2);
        let binding = json!([{ "Proto": 6, "Port": 80, "HostPort": 8080, "HostPortEnd": 8080 }]);
        let program = |name: &str| {
            let mut request = of("blue", name);
            request["Options"] = json!({ "com.docker.network.portmap": binding });
            request
        };
        plugin.good("NetworkDriver.ProgramExternalConnectivity", &program("web"));
        let _server = Server::start("web", "web", &[80]);
        plugin.stop();
        lose();
        let plugin = Plugin::start();
        let to = "172.18.0.1:8080".parse().unwrap();
        attempt("its store was lost", &[Try::nothing("", Transport::Tcp, to).reaches("web")]);
        plugin.good("NetworkDriver.CreateEndpoint", &endpoint("blue", "db", 3));
        plugin.bad("NetworkDriver.ProgramExternalConnectivity", &program("db"), &["8080"]);
        plugin.good("NetworkDriver.RevokeExternalConnectivity", &of("blue", "web"));
        plugin.good("NetworkDriver.ProgramExternalConnectivity", &program("db"));
        // What Docker says of an endpoint while nobody serves is made up for, as ever.
        plugin.good("NetworkDriver.DeleteNetwork", &of_network("blue"));
        assert_eq!(open().endpoints().unwrap(), []);
    });
}

#[test]
fn a_container_keeps_its_interface_where_nobody_sees_its_namespace_or_knows_its_network() {
    host(|host| {
        let plugin = Plugin::start();
        plugin.good("NetworkDriver.CreateNetwork", &network("blue", &json!({})));
        let _web = Container::run(host, &plugin, "blue", "web", 2);
        let _db = Container::run(host, &plugin, "blue", "db", 3);
        let server = Server::start("web", "web", &[80]);
        plugin.stop();
        // A thread inside keeps it.
        host.ip(&["netns", "delete", "web"]);
        let definition = format!("/run/networks/{}.json", id("blue"));
        for kept in [true, false] {
            let text = fs::read(&definition).unwrap();
            if !kept {
                fs::remove_file(&definition).unwrap();
            }
            lose();
            let mut controller = open();
            assert_eq!(controller.endpoints().unwrap().len(), 2, "{kept}");
            for _ in 0..2 {
                assert_eq!(controller.collect().unwrap().findings, [], "{kept}");
                assert!(reaches(host, "db", "172.18.0.2"), "{kept}");
                fs::write(&definition, &text).unwrap();
                controller = open();
            }
        }
        // The one goes with its namespace, and gives its addresses back.
        drop(server);
        are_left(host, 1);
    });
}

/// Waits until so many endpoints are left.
fn are_left(host: &Host, left: usize) {
    let begin = std::time::Instant::now();
    loop {
        let controller = open();
        controller.collect().unwrap();
        if controller.endpoints().unwrap().len() == left {
            return assert!(reaches(host, "db", "172.18.0.1"));
        }
        assert!(begin.elapsed() < std::time::Duration::from_secs(30), "it does not go");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

#[test]
fn addresses_of_containers_are_not_given_again_when_the_store_is_lost() {
    for kind in ["bridge", "macvlan"] {
        host(|host| {
            let options = options(host, kind);
            let plugin = Plugin::start();
            let pool = json!({ "AddressSpace": "LocalDefault", "Pool": "172.18.0.0/16" });
            let pool = text(&plugin.good("IpamDriver.RequestPool", &pool)["PoolID"]);
            let address = |address: &str| json!({ "PoolID": pool, "Address": address });
            for wanted in ["172.18.0.1", "172.18.0.2"] {
                plugin.good("IpamDriver.RequestAddress", &address(wanted));
            }
            let mut request = network("blue", &options);
            request["IPv6Data"] = Value::Null;
            plugin.good("NetworkDriver.CreateNetwork", &request);
            let mut request = endpoint("blue", "web", 2);
            request["Interface"]["AddressIPv6"] = "".into();
            plugin.good("NetworkDriver.CreateEndpoint", &request);
            let joined = plugin.good("NetworkDriver.Join", &crate::dockerd::join("blue", "web"));
            host.ip(&["netns", "add", "web"]);
            let src_name = text(&joined["InterfaceName"]["SrcName"]);
            host.ip(&["link", "set", &src_name, "netns", "web", "name", "eth0"]);
            host.ip_in("web", &["address", "add", "172.18.0.2/16", "dev", "eth0"]);
            host.ip_in("web", &["link", "set", "eth0", "up"]);
            plugin.stop();
            lose();
            let plugin = Plugin::start();
            plugin.bad("IpamDriver.RequestAddress", &address("172.18.0.2"), &["in use"]);
            let next = plugin.good("IpamDriver.RequestAddress", &address(""));
            assert_eq!(next["Address"], "172.18.0.3/16", "{kind}");
            plugin.good("NetworkDriver.DeleteEndpoint", &of("blue", "web"));
            plugin.good("IpamDriver.ReleaseAddress", &address("172.18.0.2"));
            plugin.good("IpamDriver.RequestAddress", &address("172.18.0.2"));
        });
    }
}
