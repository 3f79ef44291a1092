//! What a join gives a sandbox, and what it refuses (seed `002`, `Network.Link` and `AddInterface` in one).

mod common;

use std::net::IpAddr;

use common::{
    addresses, assert_inside_is, dual, endpoint, inside, is_ours, is_up, link, links, neighbours, network,
    objects, options, refused, routes, sandbox, GATEWAYS,
};
use netns::{Destination, EndpointOptions, ErrorKind, InterfaceName, Mtu, Neighbour, Network, StaticRoute};
use serde_json::Value;
use testhost::{host, Host};

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// The ports of a bridge, as `bridge -d link` shows them.
fn ports(host: &Host, bridge: &str) -> Vec<Value> {
    let mut ports = objects(host.bridge(&["-d", "link", "show"]));
    ports.retain(|port| port["master"] == bridge);
    ports
}

#[test]
fn a_joined_sandbox_has_everything_and_reaches_everybody() {
    host(|host| {
        let network = network("net");
        let (web, db) = (sandbox("web"), sandbox("db"));
        let mut options = dual("web", 2).with_mac("02:42:0a:01:00:02".parse().unwrap());
        options.mtu = Some(Mtu::new(1400).unwrap());
        options.routes =
            vec![StaticRoute { destination: "10.9.0.0/16".parse().unwrap(), next_hop: Some(ip("10.1.0.3")) }];
        options.neighbours =
            vec![Neighbour { address: ip("10.1.0.77"), mac: "02:00:00:00:00:77".parse().unwrap() }];
        let joined = network.join(&web, &options).unwrap();
        network.join(&db, &dual("db", 3)).unwrap();

        assert_eq!(links(host, "web"), ["eth0", "lo"]);
        let eth0 = link(host, "web", "eth0");
        assert!(is_up(&eth0) && is_ours(&eth0), "{eth0}");
        assert_eq!(eth0["address"], "02:42:0a:01:00:02");
        assert_eq!(eth0["mtu"], 1400);
        assert_eq!(eth0["ifalias"], format!("libnetns src={}", joined.src_name));
        assert_eq!(addresses(&eth0), ["10.1.0.2/24", "fd01::2/64", "fe80::42:aff:fe01:2/64"]);
        assert!(eth0["addr_info"].as_array().unwrap().iter().all(|own| own["tentative"].is_null()));
        assert_eq!(
            routes(host, "web", "-4"),
            ["10.1.0.0/24 dev eth0", "10.9.0.0/16 via 10.1.0.3 dev eth0", "default via 10.1.0.1 dev eth0"]
        );
        assert_eq!(routes(host, "web", "-6"), ["default via fd01::1 dev eth0", "fd01::/64 dev eth0"]);
        assert!(neighbours(host, "web").contains(&"10.1.0.77 02:00:00:00:00:77".to_owned()));
        assert_eq!(web.interfaces().unwrap(), [joined]);

        let ports = ports(host, "br-net");
        assert_eq!(ports.len(), 2, "{ports:?}");
        for port in &ports {
            let end = link(host, "", port["ifname"].as_str().unwrap());
            assert!(is_up(&end) && is_ours(&end), "{end}");
            assert!(addresses(&end).is_empty(), "a port has no address: {end}");
            let alias = end["ifalias"].as_str().unwrap();
            assert!(["web", "db"]
                .iter()
                .any(|name| alias == format!("libnetns network=net endpoint={name}")));
            assert_eq!((&port["hairpin"], &port["isolated"]), (&false.into(), &false.into()));
        }
        for (from, to) in [("web", "10.1.0.3"), ("web", "fd01::3"), ("db", "10.1.0.2"), ("db", "fd01::2")] {
            assert!(host.ping(from, ip(to)), "{from} to {to}");
        }
        for gateway in ["10.1.0.1", "fd01::1"] {
            assert!(host.ping("web", ip(gateway)), "{gateway}");
        }
    });
}

#[test]
fn hairpin_and_isolated_are_set_on_the_port() {
    host(|host| {
        let mut hairpin = options(&GATEWAYS);
        hairpin.hairpin = true;
        let mut isolated = options(&["10.2.0.1/24", "fd02::1/64"]);
        isolated.isolated = true;
        let hairpin = Network::create("bridge", "hairpin", hairpin).unwrap();
        let isolated = Network::create("bridge", "isolated", isolated).unwrap();
        for (name, number) in [("one", 2), ("two", 3)] {
            let sandbox = sandbox(name);
            hairpin.join(&sandbox, &dual(name, number)).unwrap();
            let endpoint = endpoint(name, &[&format!("10.2.0.{number}/24"), &format!("fd02::{number}/64")]);
            isolated.join(&sandbox, &endpoint).unwrap();
        }
        for (bridge, hairpin, isolated) in [("br-hairpin", true, false), ("br-isolated", false, true)] {
            let ports = ports(host, bridge);
            assert_eq!(ports.len(), 2);
            for port in ports {
                assert_eq!(
                    (&port["hairpin"], &port["isolated"]),
                    (&hairpin.into(), &isolated.into()),
                    "{port}"
                );
            }
        }
        assert!(host.ping("one", ip("10.1.0.3")) && host.ping("one", ip("fd01::3")));
        assert!(!host.ping("one", ip("10.2.0.3")), "isolated endpoints reach each other");
        assert!(!host.ping("one", ip("fd02::3")), "isolated endpoints reach each other over IPv6");
        for gateway in ["10.2.0.1", "fd02::1"] {
            assert!(host.ping("one", ip(gateway)) && host.ping("two", ip(gateway)), "{gateway}");
        }
    });
}

#[test]
fn a_second_network_gives_eth1_and_keeps_the_first_default_route() {
    host(|host| {
        let one = network("one");
        let two = Network::create("bridge", "two", options(&["10.2.0.1/24", "fd02::1/64"])).unwrap();
        let sandbox = sandbox("web");
        one.join(&sandbox, &endpoint("web", &["10.1.0.2/24"])).unwrap();
        let second = two.join(&sandbox, &endpoint("web", &["10.2.0.2/24", "fd02::2/64"])).unwrap();
        assert_eq!(second.name().unwrap().as_str(), "eth1");
        assert_eq!((second.gateway, second.gateway_ipv6), (None, Some("fd02::1".parse().unwrap())));
        assert_eq!(
            routes(host, "web", "-4"),
            ["10.1.0.0/24 dev eth0", "10.2.0.0/24 dev eth1", "default via 10.1.0.1 dev eth0"]
        );
        assert_eq!(routes(host, "web", "-6"), ["default via fd02::1 dev eth1", "fd02::/64 dev eth1"]);
        for gateway in ["10.1.0.1", "10.2.0.1", "fd02::1"] {
            assert!(host.ping("web", ip(gateway)), "{gateway}");
        }
    });
}

#[test]
fn a_join_without_addresses_gives_an_interface_without_ipv6() {
    host(|host| {
        let network = network("net");
        let sandbox = sandbox("web");
        network.join(&sandbox, &endpoint("web", &[])).unwrap();
        let eth0 = link(host, "web", "eth0");
        assert!(is_up(&eth0) && addresses(&eth0).is_empty(), "{eth0}");
        assert_eq!(common::ipv6_setting(&sandbox, "eth0/disable_ipv6"), "1");
        assert!(routes(host, "web", "-4").is_empty() && routes(host, "web", "-6").is_empty());
    });
}

#[test]
fn an_endpoint_may_do_without_the_default_route() {
    host(|host| {
        let network = network("net");
        let sandbox = sandbox("web");
        let mut without = dual("web", 2);
        without.default_route = false;
        network.join(&sandbox, &without).unwrap();
        assert_eq!(routes(host, "web", "-4"), ["10.1.0.0/24 dev eth0"]);
        assert_eq!(routes(host, "web", "-6"), ["fd01::/64 dev eth0"]);
    });
}

#[test]
fn a_refused_join_changes_nothing() {
    host(|host| {
        let network =
            Network::create("bridge", "net", options(&GATEWAYS).with_mtu(Mtu::new(1400).unwrap())).unwrap();
        let sandbox = sandbox("web");
        network.join(&sandbox, &dual("first", 2)).unwrap();
        let (before, before_inside) = (host.dump(), inside(host, &sandbox));
        let try_it = |endpoint: &EndpointOptions, kind, words: &[&str]| {
            let name = format!("endpoint {} of network net", endpoint.name);
            let join = [&["join /run/netns/web", &*name], words].concat();
            refused(network.join(&sandbox, endpoint), kind, &join);
            host.assert_returns_to(&before, &format!("join: {words:?}"));
            assert_inside_is(host, &sandbox, &before_inside, &format!("join: {words:?}"));
        };
        let bad = ErrorKind::BadRequest;
        try_it(&dual("first", 9), ErrorKind::AlreadyExists, &[]);
        try_it(
            &endpoint("web", &["10.1.0.9/24"]),
            ErrorKind::AlreadyExists,
            &["10.1.0.9/24", "overlaps", "eth0"],
        );
        let eth0 = Destination::Name(InterfaceName::new("eth0").unwrap());
        try_it(&endpoint("web", &[]).with_destination(eth0), ErrorKind::AlreadyExists, &["eth0"]);
        for (address, cause) in [
            ("10.2.0.2/24", "outside the network's subnet 10.1.0.0/24"),
            ("fd02::2/64", "outside the network's subnet fd01::/64"),
            ("10.1.0.1/24", "gateway's address"),
            ("fd01::1/64", "gateway's address"),
            ("10.1.0.0/24", "first address"),
            ("10.1.0.255/24", "broadcast"),
            ("fd01::/64", "first address"),
        ] {
            try_it(&endpoint("web", &[address]), bad, &[address, cause]);
        }
        let with_mtu = |mut endpoint: EndpointOptions, mtu| {
            endpoint.mtu = Some(Mtu::new(mtu).unwrap());
            endpoint
        };
        let elsewhere = endpoint("web", &["fd01::9/64"]);
        try_it(&with_mtu(elsewhere, 1279), bad, &["MTU 1279", "1280"]);
        try_it(&with_mtu(endpoint("web", &[]), 1401), bad, &["MTU 1401", "1400"]);
        let mut far = endpoint("web", &["10.1.0.9/24"]);
        far.routes =
            vec![StaticRoute { destination: "10.9.0.0/16".parse().unwrap(), next_hop: Some(ip("10.3.0.1")) }];
        try_it(&far, bad, &["10.3.0.1", "not directly reachable"]);
    });
}

#[test]
fn a_join_sees_what_others_brought_since_the_sandbox_was_made() {
    host(|host| {
        let network = network("net");
        let sandbox = sandbox("web");
        host.ip_in("web", &["link", "add", "eth0", "index", "77", "type", "bridge"]);
        host.ip_in("web", &["link", "set", "eth0", "up"]);
        let joined = network.join(&sandbox, &endpoint("web", &["10.1.0.2/24"])).unwrap();
        assert_eq!(joined.name().unwrap().as_str(), "eth1");
        assert_eq!(links(host, "web"), ["eth0", "eth1", "lo"]);
    });
}

#[test]
fn a_join_through_an_opened_handle_refuses_an_address_that_overlaps_a_route_of_others() {
    host(|host| {
        let network = network("net");
        let sandbox = sandbox("web");
        host.ip_in("web", &["link", "add", "lan", "index", "77", "type", "bridge"]);
        host.ip_in("web", &["link", "set", "lan", "up"]);
        host.ip_in("web", &["address", "add", "10.1.0.7/16", "dev", "lan"]);
        // The handle that made the sandbox takes it to be empty until something came through it.
        let sandbox = netns::Sandbox::open(sandbox.key()).unwrap();
        let (before, before_inside) = (host.dump(), inside(host, &sandbox));
        let words = &["10.1.0.2/24", "overlaps", "10.1.0.0/16"];
        refused(network.join(&sandbox, &endpoint("web", &["10.1.0.2/24"])), ErrorKind::AlreadyExists, words);
        host.assert_returns_to(&before, "an overlap");
        assert_inside_is(host, &sandbox, &before_inside, "an overlap");
    });
}

/// What may differ between two hosts, and between a device that was born and one that was moved.
const ACCIDENTAL: &[&str] = &[
    "bridge_id",
    "designated_port",
    "expires",
    "gc_timer",
    "group_fwd_mask",
    "hello_timer",
    "ifindex",
    "link",
    "link_index",
    "link_netnsid",
    "preferred_life_time",
    "root_id",
    "tcn_timer",
    "topology_change_timer",
    "updated",
    "used",
    "valid_life_time",
    "forward_delay_timer",
    "hold_timer",
    "message_age_timer",
    "config_pending",
    "no",
    "port_no",
    "id",
];

fn settle(value: &mut Value) {
    match value {
        Value::Array(values) => {
            values.retain(|value| !value.as_object().is_some_and(serde_json::Map::is_empty));
            values.iter_mut().for_each(settle);
            values.sort_by_key(Value::to_string);
        }
        Value::Object(object) => {
            object.retain(|key, _| !ACCIDENTAL.contains(&key.as_str()));
            object.values_mut().for_each(settle);
        }
        _ => {}
    }
}

/// All that `ip` and `bridge` say about the host and the sandbox, a line each object.
fn everything(host: &Host) -> Vec<String> {
    let commands: [&[&str]; 7] = [
        &["link", "show"],
        &["address", "show"],
        &["-4", "route", "show", "table", "all"],
        &["-6", "route", "show", "table", "all"],
        &["neighbour", "show", "nud", "permanent"],
        &["netconf", "show"],
        &["maddress", "show"],
    ];
    let mut lines = Vec::new();
    let mut add = |what: String, mut value: Value| {
        settle(&mut value);
        lines.extend(objects(value).iter().map(|object| format!("{what}: {object}")));
    };
    for command in commands {
        let what = command.join(" ");
        add(format!("in host: {what}"), host.ip(command));
        add(format!("in sandbox: {what}"), host.ip_in("web", command));
    }
    add("bridge link".to_owned(), host.bridge(&["-d", "link", "show"]));
    add("bridge fdb".to_owned(), host.bridge(&["fdb", "show"]));
    lines.sort();
    lines
}

/// The bridge's own link-local address comes some time after its first port.
fn await_bridge_link_local(host: &Host) {
    let show = ["-6", "route", "show", "table", "local", "dev", "br-net"];
    for _ in 0..2500 {
        if host.run("ip", &show).stdout.contains("fe80::ff:fe00:b1 ") {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    panic!("the bridge gets no link-local address");
}

#[test]
fn link_and_add_interface_end_where_join_ends() {
    let end_state = |joined: bool, make: &(dyn Fn() -> EndpointOptions + Sync)| {
        host(|host| {
            let mut options = options(&GATEWAYS);
            options.mac = Some("02:00:00:00:00:b1".parse().unwrap());
            options.hairpin = true;
            options.tx_queue_len = Some(500);
            let network = Network::create("bridge", "net", options).unwrap();
            let sandbox = sandbox("web");
            let interface = if joined {
                network.join(&sandbox, &make()).unwrap()
            } else {
                let interfaces = network.link(&make()).unwrap();
                sandbox.add_interface(&interfaces[0]).unwrap()
            };
            assert_eq!(sandbox.interfaces().unwrap(), std::slice::from_ref(&interface));
            assert!(host.ping("web", ip("10.1.0.1")));
            let settings = ["disable_ipv6", "addr_gen_mode", "accept_dad"]
                .map(|name| format!("{name} {}", common::ipv6_setting(&sandbox, &format!("eth0/{name}"))));
            await_bridge_link_local(host);
            (interface, settings, everything(host))
        })
    };
    let mac = "02:42:0a:01:00:02";
    let makers: [&(dyn Fn() -> EndpointOptions + Sync); 3] = [
        &|| dual("web", 2).with_mac(mac.parse().unwrap()),
        &|| endpoint("web", &["10.1.0.2/24"]).with_mac(mac.parse().unwrap()),
        &|| {
            let mut full = dual("web", 2).with_mac(mac.parse().unwrap());
            full.mtu = Some(Mtu::new(1400).unwrap());
            full.routes = vec![StaticRoute { destination: "10.9.0.0/16".parse().unwrap(), next_hop: None }];
            full
        },
    ];
    for make in makers {
        let (left, right) = (end_state(true, make), end_state(false, make));
        assert_eq!((left.0, left.1), (right.0, right.1));
        let only = |one: &[String], other: &[String]| -> Vec<String> {
            one.iter().filter(|line| !other.contains(line)).cloned().collect()
        };
        let (joined, added) = (only(&left.2, &right.2), only(&right.2, &left.2));
        assert!(
            joined.is_empty() && added.is_empty(),
            "join: {joined:#?}\nlink and add_interface: {added:#?}"
        );
    }
}
