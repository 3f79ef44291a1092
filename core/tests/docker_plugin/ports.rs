//! Published ports of Docker's endpoints.

use std::net::{SocketAddr, TcpListener};

use serde_json::{json, Value};
use testhost::{attempt, host, Host, Server, Transport, Try};

use crate::control::{open, settled};
use crate::dockerd::{endpoint, id, network, of, Container};
use crate::wire::Plugin;

const PROGRAM: &str = "NetworkDriver.ProgramExternalConnectivity";
const REVOKE: &str = "NetworkDriver.RevokeExternalConnectivity";

fn with(name: &str, bindings: &Value) -> Value {
    let mut request = of("blue", name);
    request["Options"] = json!({ "com.docker.network.portmap": bindings });
    request
}

fn binding(port: u16, host_port: u16, host_port_end: u16) -> Value {
    json!({ "Proto": 6, "IP": "", "Port": port, "HostIP": "", "HostPort": host_port, "HostPortEnd": host_port_end })
}

fn published(name: &str) -> Vec<String> {
    let ports = open().endpoint(&id("blue"), &id(name)).unwrap().ports;
    ports.iter().map(ToString::to_string).collect()
}

fn with_endpoints(host: &Host) -> Plugin {
    let (_, _) = settled(host);
    let plugin = Plugin::start();
    plugin.good("NetworkDriver.CreateNetwork", &network("blue", &json!({})));
    for (name, number) in [("web", 2), ("db", 3)] {
        plugin.good("NetworkDriver.CreateEndpoint", &endpoint("blue", name, number));
    }
    plugin
}

#[test]
fn ports_are_reached_by_the_host_until_they_are_revoked() {
    host(|host| {
        let (_, _) = settled(host);
        let plugin = Plugin::start();
        plugin.good("NetworkDriver.CreateNetwork", &network("blue", &json!({})));
        let before = host.dump();
        let web = Container::run(host, &plugin, "blue", "web", 2);
        let udp =
            json!({ "Proto": 17, "Port": 80, "HostIP": "0.0.0.0", "HostPort": 8081, "HostPortEnd": 8081 });
        plugin.good(PROGRAM, &with("web", &json!([binding(80, 8080, 8080), udp])));
        let _server = Server::start("web", "web", &[80]);
        let to = |text: &str| text.parse::<SocketAddr>().unwrap();
        let asked = |transport, address| Try::nothing("", transport, to(address));
        attempt(
            "published",
            &[
                asked(Transport::Tcp, "172.18.0.1:8080").reaches("web"),
                asked(Transport::Tcp, "127.0.0.1:8080").reaches("web"),
                asked(Transport::Tcp, "[fd18::1]:8080").reaches("web"),
                asked(Transport::Udp, "172.18.0.1:8081").reaches("web"),
            ],
        );
        plugin.good(REVOKE, &of("blue", "web"));
        attempt(
            "revoked",
            &[asked(Transport::Tcp, "172.18.0.1:8080"), asked(Transport::Udp, "172.18.0.1:8081")],
        );
        drop(_server);
        web.stop(host, &plugin, "blue");
        host.run("rmdir", &["/run/netns"]);
        assert_eq!(open().collect().unwrap().findings, []);
        let _ = before;
    });
}

#[test]
fn the_same_ports_again_are_the_same_and_those_of_others_are_conflicts() {
    host(|host| {
        let plugin = with_endpoints(host);
        let ports = json!([binding(80, 8080, 8080), binding(81, 0, 0), binding(82, 9000, 9009)]);
        plugin.good(PROGRAM, &with("web", &ports));
        let first = published("web");
        assert_eq!(first.len(), 3, "{first:?}");
        assert!(
            first.contains(&"8080:80/tcp".to_owned()) && first.contains(&"9000:82/tcp".to_owned()),
            "{first:?}"
        );
        plugin.good(PROGRAM, &with("web", &ports));
        assert_eq!(published("web"), first);
        let known = plugin.good("NetworkDriver.EndpointOperInfo", &of("blue", "web"));
        assert_eq!(known["Value"]["ports"].as_array().unwrap().len(), 3);
        let before = host.dump();
        let error =
            plugin.bad(PROGRAM, &with("db", &json!([binding(90, 0, 0), binding(80, 8080, 8080)])), &["8080"]);
        assert!(error.contains(&id("web")), "{error}");
        // The first of a range that is free; and where none is, nothing is published.
        plugin.good(PROGRAM, &with("db", &json!([binding(80, 9000, 9001)])));
        assert_eq!(published("db"), ["9001:80/tcp"]);
        plugin.good(REVOKE, &of("blue", "db"));
        let _listener = TcpListener::bind("0.0.0.0:9001").unwrap();
        plugin.bad(
            PROGRAM,
            &with("db", &json!([binding(90, 9100, 9100), binding(80, 9000, 9001)])),
            &["9000-9001", "9001"],
        );
        assert_eq!(published("db"), Vec::<String>::new());
        host.assert_returns_to(&before, "ports that were refused");
        for _ in 0..2 {
            plugin.good(REVOKE, &of("blue", "web"));
        }
        assert_eq!(published("web"), Vec::<String>::new());
    });
}

#[test]
fn ports_that_are_none_are_refused() {
    host(|host| {
        let plugin = with_endpoints(host);
        let before = host.dump();
        let changed = |key: &str, value: Value| {
            let mut own = binding(80, 8080, 8080);
            own[key] = value;
            json!([own])
        };
        let refused: [(Value, &[&str]); 9] = [
            (json!("x"), &["no list"]),
            (json!([7]), &["portmap"]),
            (changed("Proto", json!(1)), &["protocol 1"]),
            (changed("Proto", json!(300)), &["300"]),
            (changed("Port", json!(0)), &["0"]),
            (changed("Port", json!(70_000)), &["70000"]),
            (changed("HostIP", json!("here")), &["here"]),
            (changed("HostIP", json!("192.0.2.1")), &["192.0.2.1"]),
            (changed("HostPort", json!(0)), &["HostPortEnd"]),
        ];
        for (bindings, words) in refused {
            plugin.bad(PROGRAM, &with("web", &bindings), words);
        }
        plugin.bad(PROGRAM, &with("web", &json!([binding(80, 9000, 8000)])), &["9000"]);
        for none in [json!(null), json!([])] {
            plugin.good(PROGRAM, &with("web", &none));
        }
        plugin.good(PROGRAM, &of("blue", "web"));
        host.assert_returns_to(&before, "ports that are none");
    });
}

/// Two containers from before the server began anew: one lives, the other is forgotten, with a port.
fn with_a_forgotten_one(host: &Host) -> Plugin {
    let plugin = with_endpoints(host);
    plugin.good(PROGRAM, &with("web", &json!([binding(80, 8080, 8080), binding(81, 9000, 9000)])));
    plugin.good("NetworkDriver.CreateEndpoint", &endpoint("blue", "idle", 4));
    let mine = crate::control::at("mine", &["172.18.0.9", "fd18::9"]).with_port("7070:70".parse().unwrap());
    open().create_endpoint(&id("blue"), mine).unwrap();
    plugin.stop();
    Plugin::start()
}

fn names() -> Vec<String> {
    let mut names: Vec<_> = open().endpoints().unwrap().iter().map(|own| own.name().to_string()).collect();
    names.sort();
    names
}

#[test]
fn a_port_drives_away_the_forgotten_endpoint_that_has_it_and_no_other() {
    host(|host| {
        let plugin = with_a_forgotten_one(host);
        plugin.good("NetworkDriver.CreateEndpoint", &endpoint("blue", "new", 5));
        let all = names();
        // A port of somebody else's drives nobody away.
        plugin.bad(PROGRAM, &with("new", &json!([binding(80, 7070, 7070)])), &["7070"]);
        assert_eq!(names(), all);
        plugin.good(PROGRAM, &with("new", &json!([binding(80, 8080, 8080)])));
        assert_eq!(names(), all.into_iter().filter(|own| *own != id("web")).collect::<Vec<_>>());
        assert_eq!(published("new"), ["8080:80/tcp"]);
    });
}

#[test]
fn a_range_of_ports_drives_away_the_forgotten_endpoint_that_has_them() {
    host(|host| {
        let plugin = with_a_forgotten_one(host);
        plugin.good("NetworkDriver.CreateEndpoint", &endpoint("blue", "new", 5));
        let _listener = TcpListener::bind("0.0.0.0:9001").unwrap();
        plugin.good(PROGRAM, &with("new", &json!([binding(80, 9000, 9001)])));
        assert_eq!(published("new"), ["9000:80/tcp"]);
        assert!(!names().contains(&id("web")) && names().contains(&id("db")));
    });
}
