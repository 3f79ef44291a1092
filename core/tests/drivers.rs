//! What each of the library's own drivers gives a sandbox, and what it leaves behind: nothing.

mod common;
mod control;

use std::fs;
use std::path::Path;

use common::{
    addresses, assert_inside_is, inside, is_up, link, links, neighbours, objects, refused, routes, veth,
};
use control::{addresses_of, at, config, connected, endpoint, ip, open, sandbox, settled, with_subnets};
use netns::{Controller, ErrorKind, Mtu, Namespace, NetworkConfig};
use serde_json::{json, Value};
use testhost::{host, Host};

const SUBNETS: [&str; 2] = ["10.1.0.0/24", "fd01::/64"];

/// Neighbours and proxied addresses of the host, as `ADDRESS on LINK`, sorted.
fn proxies(host: &Host) -> Vec<String> {
    let all = objects(host.ip(&["neighbour", "show", "proxy"]));
    let text = |one: &Value| format!("{} on {}", one["dst"].as_str().unwrap(), one["dev"].as_str().unwrap());
    let mut lines: Vec<_> = all.iter().map(text).collect();
    lines.sort();
    lines
}

/// `lan0` of the host and a pair's other end, `eth0`, in the namespace `lan`, up with `addresses`.
fn lan(host: &Host, addresses: &[&str]) {
    veth(host, "lan0", "lan1");
    host.ip(&["netns", "add", "lan"]);
    host.ip(&["link", "set", "lan1", "netns", "lan", "name", "eth0"]);
    host.ip(&["link", "set", "lan0", "up"]);
    host.ip_in("lan", &["link", "set", "eth0", "up"]);
    for address in addresses {
        let flags: &[&str] = if address.contains(':') { &["nodad"] } else { &[] };
        host.ip_in("lan", &[&["address", "add", address, "dev", "eth0"], flags].concat());
    }
}

/// What an administrator sets in the host.
fn set(path: &str, value: &str) {
    let path = Path::new("/proc/sys/net").join(path);
    fs::write(&path, value).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

/// Leaves and deletes everything, and finds the host as it was.
fn ends_clean(host: &Host, controller: &Controller, before: &testhost::State, network: &str) {
    for own in controller.endpoints().unwrap() {
        controller.disconnect(network, own.name().as_str()).unwrap();
    }
    for own in controller.sandboxes().unwrap() {
        controller.remove_sandbox(own.path.file_name().unwrap().to_str().unwrap()).unwrap();
    }
    controller.delete_network(network).unwrap();
    host.assert_returns_to(before, network);
}

// bridge

#[test]
fn a_bridge_is_as_its_options_say() {
    host(|host| {
        let (controller, before) = settled(host);
        let network = with_subnets("bridge", "blue", &SUBNETS)
            .with_option("bridge", "sw0")
            .with_option("mac", "02:00:00:00:00:07")
            .with_option("mtu", 1400)
            .with_option("hairpin", "true")
            .with_option("multicast_snooping", true)
            .with_option("tx_queue_len", 7)
            .with_option("prefix", "net");
        controller.create_network(network).unwrap();
        let bridge = link(host, "", "sw0");
        assert!(is_up(&bridge));
        assert_eq!((&bridge["address"], &bridge["mtu"]), (&json!("02:00:00:00:00:07"), &json!(1400)));
        assert_eq!(bridge["linkinfo"]["info_data"]["mcast_snooping"], 1);
        let (_web, _) = connected(&controller, "blue", "web");
        let mut isolated = endpoint("db");
        isolated.options.insert("isolated".to_owned(), json!(true));
        isolated.options.insert("hairpin".to_owned(), json!(false));
        isolated.mtu = Some(Mtu::new(1300).unwrap());
        let db = sandbox(&controller, "db");
        controller.connect("blue", &db, isolated).unwrap();
        assert_eq!(
            (&link(host, "web", "net0")["mtu"], &link(host, "db", "net0")["mtu"]),
            (&json!(1400), &json!(1300))
        );
        let port = |name: &str| {
            let info = controller.endpoint_oper_info("blue", name).unwrap();
            assert_eq!(info["bridge"], "sw0");
            let own = info["host_interface_name"].as_str().unwrap();
            let ports = objects(host.bridge(&["-d", "link", "show", "dev", own]));
            let end = link(host, "", own);
            assert_eq!((&end["master"], &end["txqlen"]), (&json!("sw0"), &json!(7)));
            (ports[0]["hairpin"].as_bool().unwrap(), ports[0]["isolated"].as_bool().unwrap())
        };
        assert_eq!((port("web"), port("db")), ((true, false), (false, true)));
        assert!(host.ping("web", ip("10.1.0.3")) && host.ping("db", ip("fd01::1")));
        ends_clean(host, &controller, &before, "blue");
    });
}

#[test]
fn isolated_endpoints_reach_their_gateway_alone() {
    host(|host| {
        let controller = open();
        controller
            .create_network(with_subnets("bridge", "blue", &SUBNETS).with_option("isolated", true))
            .unwrap();
        let (_web, _) = connected(&controller, "blue", "web");
        let (_db, _) = connected(&controller, "blue", "db");
        for gateway in ["10.1.0.1", "fd01::1"] {
            assert!(host.ping("web", ip(gateway)), "{gateway}");
        }
        assert!(!host.ping("web", ip("10.1.0.3")), "isolated endpoints reach each other");
        assert!(!host.ping("web", ip("fd01::3")), "isolated endpoints reach each other");
    });
}

#[test]
fn a_bridge_of_others_keeps_its_settings_ports_and_addresses() {
    for up in [true, false] {
        host(|host| {
            let (controller, _) = settled(host);
            host.ip(&[
                "link",
                "add",
                "theirs",
                "address",
                "02:00:00:00:00:01",
                "mtu",
                "1450",
                "type",
                "bridge",
            ]);
            host.ip(&["address", "add", "192.0.2.1/24", "dev", "theirs"]);
            veth(host, "port0", "port1");
            host.ip(&["link", "set", "port0", "mtu", "1450", "master", "theirs"]);
            host.ip(&["link", "set", "port0", "up"]);
            if up {
                host.ip(&["link", "set", "theirs", "up"]);
            }
            let before = host.dump();
            let network = with_subnets("bridge", "blue", &SUBNETS).with_option("bridge", "theirs");
            let larger = network.clone().with_option("mtu", 1500);
            refused(controller.create_network(larger), ErrorKind::AlreadyExists, &["theirs", "MTU is 1450"]);
            before.assert_same(&host.dump(), "a bridge that did not suit");
            controller.create_network(network).unwrap();
            let (_web, _) = connected(&controller, "blue", "web");
            assert_eq!(link(host, "web", "eth0")["mtu"], 1450);
            assert!(host.ping("web", ip("10.1.0.1")) && host.ping("web", ip("fd01::1")));
            let own = addresses(&link(host, "", "theirs"));
            assert!(own.contains(&"192.0.2.1/24".to_owned()), "{own:?}");
            assert_eq!(objects(host.ip(&["link", "show", "master", "theirs"])).len(), 2);
            if up {
                ends_clean(host, &controller, &before, "blue");
            }
        });
    }
}

// routed

fn routed() -> NetworkConfig {
    with_subnets("routed", "red", &SUBNETS)
}

#[test]
fn routed_endpoints_reach_their_gateway_and_each_other() {
    host(|host| {
        let (controller, before) = settled(host);
        controller.create_network(routed()).unwrap();
        let (_web, made) = connected(&controller, "red", "web");
        let (_db, _) = connected(&controller, "red", "db");
        assert_eq!(addresses_of(&made), ["10.1.0.2/24", "fd01::2/64"]);
        for address in ["10.1.0.1", "fd01::1", "10.1.0.3", "fd01::3"] {
            assert!(host.ping("web", ip(address)), "{address}");
        }
        assert!(host.ping("db", ip("10.1.0.2")) && host.ping("db", ip("fd01::2")));

        // Inside, an address is alone in its subnet, and everything goes to a gateway that is known.
        let own = addresses(&link(host, "web", "eth0"));
        assert_eq!(own[..2], ["10.1.0.2/32", "fd01::2/128"]);
        assert_eq!(routes(host, "web", "-4"), ["10.1.0.1 dev eth0", "default via 10.1.0.1 dev eth0"]);
        assert_eq!(
            routes(host, "web", "-6"),
            ["default via fd01::1 dev eth0", "fd01::1 dev eth0", "fd01::2 dev eth0"]
        );
        let known = neighbours(host, "web");
        for gateway in ["10.1.0.1 ", "fd01::1 "] {
            assert!(known.iter().any(|one| one.starts_with(gateway)), "{known:?}");
        }

        // The host has a route to each, from the gateway's address.
        let info = controller.endpoint_oper_info("red", "web").unwrap();
        assert_eq!(info["anchor"], "rt-red");
        let end = info["host_interface_name"].as_str().unwrap();
        for (family, address, gateway) in [("-4", "10.1.0.2", "10.1.0.1"), ("-6", "fd01::2", "fd01::1")] {
            let route = objects(host.ip(&[family, "route", "show", address]));
            assert_eq!(route.len(), 1, "{route:?}");
            assert_eq!((&route[0]["dev"], &route[0]["prefsrc"]), (&json!(end), &json!(gateway)));
        }
        let anchor = link(host, "", "rt-red");
        let own: Vec<_> = addresses(&anchor).into_iter().filter(|own| !own.starts_with("fe80")).collect();
        assert_eq!(own, ["10.1.0.1/32", "fd01::1/128"]);

        controller.leave("red", "web").unwrap();
        for (family, address) in [("-4", "10.1.0.2"), ("-6", "fd01::2")] {
            assert_eq!(objects(host.ip(&[family, "route", "show", address])), Vec::<Value>::new());
        }
        ends_clean(host, &controller, &before, "red");
    });
}

#[test]
fn a_routed_sandbox_that_is_destroyed_leaves_nothing() {
    host(|host| {
        let (controller, before) = settled(host);
        veth(host, "up0", "up1");
        let with_lan = host.dump();
        controller.create_network(routed().with_option("parent", "up0")).unwrap();
        let with_network = host.dump();
        for _ in 0..3 {
            let (web, _) = connected(&controller, "red", "web");
            assert_eq!(proxies(host).len(), 2, "{:?}", proxies(host));
            controller.destroy_sandbox(&web).unwrap();
            assert_eq!(proxies(host), Vec::<String>::new());
            host.assert_returns_to(&with_network, "a routed sandbox");
        }
        controller.delete_network("red").unwrap();
        host.assert_returns_to(&with_lan, "a routed network");
        host.ip(&["link", "delete", "up0"]);
        host.assert_returns_to(&before, "its parent");
    });
}

#[test]
fn an_internal_routed_network_ends_at_its_gateway() {
    host(|host| {
        let controller = open();
        let mut network = routed();
        network.internal = true;
        controller.create_network(network).unwrap();
        let (_web, _) = connected(&controller, "red", "web");
        let (_db, _) = connected(&controller, "red", "db");
        let all = [routes(host, "web", "-4"), routes(host, "web", "-6")].concat();
        assert!(!all.iter().any(|line| line.starts_with("default")), "{all:?}");
        for address in ["10.1.0.1", "fd01::1", "10.1.0.3", "fd01::3"] {
            assert!(host.ping("web", ip(address)), "{address}");
        }
        host.ip(&["link", "add", "out", "type", "bridge"]);
        host.ip(&["link", "set", "out", "up"]);
        host.ip(&["address", "add", "192.0.2.1/24", "dev", "out"]);
        assert!(!host.ping("web", ip("192.0.2.1")), "an internal network has a way out");
    });
}

#[test]
fn a_lan_reaches_routed_endpoints_as_if_they_were_there() {
    host(|host| {
        let (controller, _) = settled(host);
        lan(host, &["10.1.0.100/24", "fd01::100/64"]);
        host.ip(&["address", "add", "10.1.0.50/24", "dev", "lan0"]);
        host.ip(&["address", "add", "fd01::50/64", "dev", "lan0", "nodad"]);
        // What the host's administrator decides: IPv6 forwarding makes it deaf to router advertisements.
        for setting in ["ipv4/conf/lan0/forwarding", "ipv6/conf/all/forwarding", "ipv6/conf/lan0/proxy_ndp"] {
            set(setting, "1");
        }
        assert!(host.ping("lan", ip("10.1.0.50")) && host.ping("lan", ip("fd01::50")));
        let before = host.dump();
        let network = with_subnets("routed", "red", &["10.1.0.128/25", "fd01::1:0:0/96"]);
        controller.create_network(network.with_option("parent", "lan0")).unwrap();
        let (_web, made) = connected(&controller, "red", "web");
        assert_eq!(addresses_of(&made), ["10.1.0.130/25", "fd01::1:0:2/96"]);
        assert_eq!(proxies(host), ["10.1.0.130 on lan0", "fd01::1:0:2 on lan0"]);
        for address in ["10.1.0.130", "fd01::1:0:2"] {
            assert!(host.ping("lan", ip(address)), "the LAN does not reach {address}");
        }
        for address in ["10.1.0.100", "fd01::100"] {
            assert!(host.ping("web", ip(address)), "the endpoint does not reach {address}");
        }
        controller.leave("red", "web").unwrap();
        assert_eq!(proxies(host), Vec::<String>::new());
        controller.join("red", "web", &controller.open_sandbox("web").unwrap()).unwrap();
        assert_eq!(proxies(host).len(), 2);
        ends_clean(host, &controller, &before, "red");
    });
}

#[test]
fn a_parent_that_is_missing_is_said_and_one_that_came_again_is_used() {
    host(|host| {
        let (controller, before) = settled(host);
        let network = routed().with_option("parent", "up0");
        refused(controller.create_network(network.clone()), ErrorKind::NotFound, &["red", "up0"]);
        before.assert_same(&host.dump(), "a network without its parent");
        veth(host, "up0", "up1");
        controller.create_network(network).unwrap();
        host.ip(&["link", "delete", "up0"]);
        let web = sandbox(&controller, "web");
        let without = host.dump();
        refused(controller.connect("red", &web, endpoint("web")), ErrorKind::NotFound, &["up0"]);
        host.assert_returns_to(&without, "a join without the parent");
        assert_eq!(controller.endpoints().unwrap(), []);
        veth(host, "up0", "up1");
        controller.connect("red", &web, endpoint("web")).unwrap();
        assert_eq!(proxies(host).len(), 2);
    });
}

#[test]
fn a_link_under_the_anchors_name_is_not_touched() {
    host(|host| {
        let (controller, _) = settled(host);
        host.ip(&["link", "add", "rt-red", "type", "bridge"]);
        let before = host.dump();
        refused(controller.create_network(routed()), ErrorKind::AlreadyExists, &["rt-red"]);
        before.assert_same(&host.dump(), "an anchor's name that is taken");
        controller.create_network(routed().with_option("anchor", "other")).unwrap();
        let (_web, _) = connected(&controller, "red", "web");
        assert!(host.ping("web", ip("10.1.0.1")));
        ends_clean(host, &controller, &before, "red");
    });
}

// macvlan

fn macvlan(mode: &str) -> NetworkConfig {
    with_subnets("macvlan", "lan", &SUBNETS).with_option("parent", "lan0").with_option("mode", mode)
}

#[test]
fn macvlans_reach_whom_their_mode_lets_them_reach() {
    for (mode, each_other) in [("bridge", true), ("private", false), ("vepa", false)] {
        host(|host| {
            let (controller, _) = settled(host);
            lan(host, &["10.1.0.1/24", "fd01::1/64"]);
            host.ip(&["address", "add", "10.1.0.50/24", "dev", "lan0"]);
            let before = host.dump();
            controller.create_network(macvlan(mode)).unwrap();
            let (web, made) = connected(&controller, "lan", "web");
            let (_db, _) = connected(&controller, "lan", "db");
            assert_eq!(addresses_of(&made), ["10.1.0.2/24", "fd01::2/64"]);
            let eth0 = link(host, "web", "eth0");
            assert_eq!(eth0["linkinfo"]["info_data"]["mode"], mode);
            assert_eq!(eth0["address"], made.mac.unwrap().to_string());
            let info = controller.endpoint_oper_info("lan", "web").unwrap();
            assert_eq!((&info["parent"], &info["mode"]), (&json!("lan0"), &json!(mode)));
            for gateway in ["10.1.0.1", "fd01::1"] {
                assert!(host.ping("web", ip(gateway)), "{mode}: {gateway}");
            }
            assert!(host.ping("lan", ip("10.1.0.3")) && host.ping("lan", ip("fd01::3")), "{mode}");
            for other in ["10.1.0.3", "fd01::3"] {
                assert_eq!(host.ping("web", ip(other)), each_other, "{mode}: {other}");
            }
            assert!(!host.ping("web", ip("10.1.0.50")), "{mode}: a macvlan reaches its parent's addresses");
            assert_eq!(routes(host, "web", "-4"), ["10.1.0.0/24 dev eth0", "default via 10.1.0.1 dev eth0"]);
            assert_eq!(web.interfaces().unwrap().len(), 1);
            controller.leave("lan", "web").unwrap();
            assert_eq!(links(host, "web"), ["lo"]);
            controller.join("lan", "web", &web).unwrap();
            assert!(host.ping("web", ip("10.1.0.1")));
            ends_clean(host, &controller, &before, "lan");
        });
    }
}

#[test]
fn a_passthru_macvlan_is_alone_on_its_parent() {
    host(|host| {
        let (controller, _) = settled(host);
        lan(host, &["10.1.0.1/24", "fd01::1/64"]);
        let before = host.dump();
        controller.create_network(macvlan("passthru")).unwrap();
        let (_web, _) = connected(&controller, "lan", "web");
        assert!(host.ping("web", ip("10.1.0.1")) && host.ping("web", ip("fd01::1")));
        let db = sandbox(&controller, "db");
        let (outside, within) = (host.dump(), inside(host, &db));
        let second = controller.connect("lan", &db, endpoint("db")).unwrap_err();
        assert!(second.to_string().contains("lan0"), "{second}");
        outside.assert_same(&host.dump(), "a second one");
        assert_inside_is(host, &db, &within, "a second one");
        assert_eq!(controller.endpoints().unwrap().len(), 1);
        controller.disconnect("lan", "web").unwrap();
        controller.connect("lan", &db, endpoint("db")).unwrap();
        assert!(host.ping("db", ip("10.1.0.1")));
        ends_clean(host, &controller, &before, "lan");
    });
}

#[test]
fn a_macvlan_is_no_larger_than_its_parent_and_needs_one() {
    host(|host| {
        let (controller, before) = settled(host);
        refused(controller.create_network(macvlan("bridge")), ErrorKind::NotFound, &["lan0", "no such link"]);
        let without = with_subnets("macvlan", "lan", &SUBNETS);
        refused(controller.create_network(without), ErrorKind::BadRequest, &["parent"]);
        before.assert_same(&host.dump(), "a macvlan without a parent");
        lan(host, &["10.1.0.1/24"]);
        host.ip(&["link", "set", "lan0", "mtu", "1400"]);
        refused(
            controller.create_network(macvlan("bridge").with_option("mtu", 1500)),
            ErrorKind::BadRequest,
            &["1500", "1400"],
        );
        refused(controller.create_network(macvlan("sideways")), ErrorKind::BadRequest, &["sideways", "vepa"]);
        controller.create_network(macvlan("bridge")).unwrap();
        let web = sandbox(&controller, "web");
        let mut large = endpoint("web");
        large.mtu = Some(Mtu::new(1401).unwrap());
        refused(controller.connect("lan", &web, large), ErrorKind::BadRequest, &["1401", "1400"]);
        let mut small = endpoint("web");
        small.mtu = Some(Mtu::new(1300).unwrap());
        controller.connect("lan", &web, small).unwrap();
        assert_eq!(link(host, "web", "eth0")["mtu"], 1300);
        let (_db, _) = connected(&controller, "lan", "db");
        assert_eq!(link(host, "db", "eth0")["mtu"], 1400);
        controller.disconnect("lan", "db").unwrap();
        host.ip(&["link", "delete", "lan0"]);
        let db = controller.open_sandbox("db").unwrap();
        refused(controller.connect("lan", &db, endpoint("db")), ErrorKind::NotFound, &["lan0"]);
        // What went with the parent can be disconnected, and the network deleted.
        controller.disconnect("lan", "web").unwrap();
        controller.delete_network("lan").unwrap();
    });
}

#[test]
fn a_macvlans_subnet_may_be_that_of_the_lan() {
    host(|host| {
        let controller = open();
        lan(host, &["10.1.0.1/24"]);
        host.ip(&["address", "add", "10.1.0.50/24", "dev", "lan0"]);
        controller.create_network(macvlan("bridge")).unwrap();
        let (_web, _) = connected(&controller, "lan", "web");
        assert!(host.ping("web", ip("10.1.0.1")));
        // One that nobody named is still none that a route of the host leads to.
        host.ip(&["route", "add", "172.17.0.0/16", "dev", "lan0"]);
        let chosen =
            controller.create_network(config("macvlan", "other").with_option("parent", "lan0")).unwrap();
        assert_eq!(chosen.subnets[0].subnet.to_string(), "172.18.0.0/16");
    });
}

// host, null, loopback

#[test]
fn a_host_network_is_for_the_hosts_own_namespace_alone() {
    host(|host| {
        let (controller, before) = settled(host);
        Namespace::current().unwrap().persist(Path::new("/run/netns/self")).unwrap();
        controller.create_network(config("host", "machine")).unwrap();
        let made = controller.inspect_network("machine").unwrap().config;
        assert!(!made.ipv4 && !made.ipv6 && made.subnets.is_empty());
        let own = controller.open_sandbox("self").unwrap();
        let web = sandbox(&controller, "web");
        let with = host.dump();
        let joined = controller.connect("machine", &own, endpoint("self")).unwrap();
        assert_eq!((addresses_of(&joined), joined.interface, joined.mac), (vec![], None, None));
        let words = ["web of network machine", "the host's own namespace"];
        refused(controller.connect("machine", &web, endpoint("web")), ErrorKind::BadRequest, &words);
        with.assert_same(&host.dump(), "a host network");
        refused(controller.delete_network("machine"), ErrorKind::Busy, &["self (in /run/netns/self)"]);
        assert_eq!(controller.collect().unwrap().findings, []);
        controller.disconnect("machine", "self").unwrap();
        controller.delete_network("machine").unwrap();
        controller.destroy_sandbox(&web).unwrap();
        controller.destroy_sandbox(&own).unwrap();
        host.assert_returns_to(&before, "a host network");
    });
}

#[test]
fn a_null_network_gives_nothing() {
    host(|host| {
        let (controller, before) = settled(host);
        controller.create_network(config("null", "none")).unwrap();
        let web = sandbox(&controller, "web");
        let (outside, within) = (host.dump(), inside(host, &web));
        let joined = controller.connect("none", &web, endpoint("web")).unwrap();
        assert_eq!((joined.interface, joined.address, joined.mac), (None, None, None));
        refused(
            controller.create_endpoint("none", at("other", &["10.1.0.7"])),
            ErrorKind::BadRequest,
            &["no addresses of that family"],
        );
        outside.assert_same(&host.dump(), "null");
        assert_inside_is(host, &web, &within, "null");
        assert_eq!(open().collect().unwrap().findings, []);
        assert_eq!(controller.sandboxes().unwrap()[0].endpoints.len(), 1);
        ends_clean(host, &controller, &before, "none");
    });
}

#[test]
fn a_loopback_network_brings_lo_up() {
    host(|host| {
        let (controller, _) = settled(host);
        // The first time it makes a mount of the directory.
        host.ip(&["netns", "add", "theirs"]);
        host.ip(&["netns", "delete", "theirs"]);
        let before = host.dump();
        host.ip(&["netns", "add", "theirs"]);
        assert!(!is_up(&link(host, "theirs", "lo")));
        controller.create_network(config("loopback", "self")).unwrap();
        let theirs = controller.open_sandbox("theirs").unwrap();
        let joined = controller.connect("self", &theirs, endpoint("web")).unwrap();
        assert_eq!((joined.interface, joined.address), (None, None));
        assert!(is_up(&link(host, "theirs", "lo")));
        assert!(host.ping("theirs", ip("127.0.0.1")) && host.ping("theirs", ip("::1")));
        assert_eq!(links(host, "theirs"), ["lo"]);
        controller.disconnect("self", "web").unwrap();
        host.ip(&["netns", "delete", "theirs"]);
        controller.delete_network("self").unwrap();
        host.assert_returns_to(&before, "a loopback network");
    });
}
