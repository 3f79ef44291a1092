//! What cannot be right is refused before anything is made.

use std::time::Duration;

use netns::ipnet::IpNet;
use netns::libcontainer::configs::{
    Command, CommandHook, Config, HookName, NamespaceType, Network, ParsedNetwork, Route,
};
use netns::{ErrorKind, Mtu};

fn veth() -> Network {
    Network {
        kind: "veth".into(),
        name: "eth0".into(),
        bridge: "br0".into(),
        mac_address: "02:42:0a:01:00:02".into(),
        address: "10.1.0.2/24".into(),
        gateway: "10.1.0.1".into(),
        ipv6_address: "fd01::2/64".into(),
        ipv6_gateway: "fd01::1".into(),
        mtu: 1400,
        tx_queue_len: 500,
        host_interface_name: "web0".into(),
        hairpin_mode: true,
    }
}

fn route(destination: &str, source: &str, gateway: &str) -> Route {
    Route {
        destination: destination.into(),
        source: source.into(),
        gateway: gateway.into(),
        interface_name: "eth0".into(),
    }
}

fn config(networks: Vec<Network>, routes: Vec<Route>) -> Config {
    let mut config = Config { networks, routes, ..Config::default() };
    config.namespaces.add(NamespaceType::NewNet, "");
    config
}

#[track_caller]
fn refused(config: &Config, words: &[&str]) {
    let error = config.check().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BadRequest, "{error}");
    for word in words {
        assert!(error.to_string().contains(word), "{error} lacks {word:?}");
    }
}

#[test]
fn networks_and_routes_need_a_network_namespace() {
    for mut config in [config(vec![veth()], vec![]), config(vec![], vec![route("10.2.0.0/16", "", "")])] {
        config.check().unwrap();
        config.namespaces.remove(NamespaceType::NewNet);
        refused(&config, &["NEWNET"]);
        config.namespaces.add(NamespaceType::NewNet, "/run/netns/web");
        config.check().unwrap();
        config.namespaces.add(NamespaceType::NewNet, "web");
        refused(&config, &["NEWNET", "\"web\" is not absolute"]);
        config.namespaces.add(NamespaceType::NewNet, "/we\0b");
        refused(&config, &["NEWNET", "NUL"]);
    }
    Config::default().check().unwrap();
}

#[test]
fn a_network_that_cannot_be_is_refused() {
    type Change = fn(&mut Network);
    let wrong: &[(Change, &[&str])] = &[
        (|it| it.name = "a/b".into(), &["interface name", "a/b"]),
        (|it| it.name = "sixteen-bytes-xx".into(), &["15 bytes"]),
        (|it| it.bridge = "..".into(), &["\"..\""]),
        (|it| it.host_interface_name = "veth%d".into(), &["veth%d"]),
        (|it| it.mac_address = "02:42".into(), &["MAC", "02:42"]),
        (|it| it.mac_address = "01:00:5e:00:00:01".into(), &["multicast"]),
        (|it| it.address = "10.1.0.2".into(), &["use address \"10.1.0.2\"", "prefix length"]),
        (|it| it.address = "10.1.0.2/33".into(), &["10.1.0.2/33"]),
        (|it| it.address = "fd01::2/64".into(), &["no IPv4 address"]),
        (|it| it.ipv6_address = "10.1.0.2/24".into(), &["no IPv6 address"]),
        (|it| it.address = "224.0.0.1/24".into(), &["unicast"]),
        (|it| it.address = "10.1.0.255/24".into(), &["broadcast"]),
        (|it| it.gateway = "fd01::1".into(), &["use gateway \"fd01::1\"", "no IPv4 address"]),
        (|it| it.gateway = "10.1.0.1/24".into(), &["no IPv4 address"]),
        (|it| it.gateway = "localhost".into(), &["localhost"]),
        (|it| it.gateway = "10.2.0.1".into(), &["10.2.0.1", "outside the subnet 10.1.0.0/24"]),
        (|it| it.gateway = "10.1.0.2".into(), &["own address"]),
        (|it| it.address = String::new(), &["10.1.0.1", "no address of that family"]),
        (|it| it.ipv6_gateway = "10.1.0.1".into(), &["no IPv6 address"]),
        (|it| it.ipv6_gateway = "fd02::1".into(), &["outside the subnet"]),
        (|it| it.ipv6_gateway = "ff02::1".into(), &["unicast"]),
        (|it| it.mtu = -1, &["MTU -1"]),
        (|it| it.mtu = 67, &["MTU 67", "68"]),
        (|it| it.mtu = 65_536, &["MTU 65536"]),
        (|it| it.mtu = 1 << 40, &["MTU 1099511627776"]),
        (|it| it.mtu = 1279, &["MTU 1279", "1280"]),
        (|it| it.tx_queue_len = -1, &["transmit queue length -1"]),
        (|it| it.tx_queue_len = 1 << 32, &["transmit queue length 4294967296"]),
    ];
    for (change, words) in wrong {
        let mut second = veth();
        second.name = "eth1".into();
        second.host_interface_name = "web1".into();
        config(vec![veth(), second.clone()], vec![]).check().unwrap();
        change(&mut second);
        let config = config(vec![veth(), second], vec![]);
        refused(&config, words);
        refused(&config, &["networks[1]"]);
    }
}

#[test]
fn two_networks_do_not_name_one_interface() {
    let mut second = veth();
    second.host_interface_name = "web1".into();
    refused(&config(vec![veth(), second.clone()], vec![]), &["networks[1]", "eth0", "another network"]);
    second.name = "eth1".into();
    second.host_interface_name = "web0".into();
    refused(&config(vec![veth(), second.clone()], vec![]), &["networks[1]", "web0", "another network"]);
    // One inside and one in the host may be called alike, and what is not said is nobody's.
    second.host_interface_name = "eth0".into();
    config(vec![veth(), second], vec![]).check().unwrap();
    config(vec![Network::default(), Network::default()], vec![]).check().unwrap();
}

#[test]
fn values_come_out_parsed() {
    let parsed = veth().parsed().unwrap();
    assert_eq!(parsed.name.unwrap().as_str(), "eth0");
    assert_eq!(parsed.bridge.unwrap().as_str(), "br0");
    assert_eq!(parsed.mac_address.unwrap().to_string(), "02:42:0a:01:00:02");
    assert_eq!(parsed.address.unwrap().to_string(), "10.1.0.2/24");
    assert_eq!(parsed.gateway.unwrap().to_string(), "10.1.0.1");
    assert_eq!(parsed.ipv6_address.unwrap().to_string(), "fd01::2/64");
    assert_eq!(parsed.ipv6_gateway.unwrap().to_string(), "fd01::1");
    assert_eq!(parsed.mtu, Some(Mtu::new(1400).unwrap()));
    assert_eq!(parsed.tx_queue_len, Some(500));
    assert_eq!(parsed.host_interface_name.unwrap().as_str(), "web0");
    assert!(parsed.hairpin_mode);
    assert_eq!(Network::default().parsed().unwrap(), ParsedNetwork::default());
    // A router is often known by its link-local address.
    let link_local = Network { ipv6_gateway: "fe80::1".into(), ..veth() };
    assert_eq!(link_local.parsed().unwrap().ipv6_gateway.unwrap().to_string(), "fe80::1");
}

#[test]
fn of_a_loopback_the_name_alone_counts() {
    let mut loopback = Network { kind: "loopback".into(), mtu: -1, ..veth() };
    loopback.address = "127.0.0.1/0".into();
    loopback.gateway = "localhost".into();
    let parsed = loopback.parsed().unwrap();
    let name = Some("eth0".parse().unwrap());
    assert_eq!((parsed.name, parsed.address, parsed.mtu), (name, None, None));
    loopback.name = "l/o".into();
    assert_eq!(loopback.parsed().unwrap_err().kind(), ErrorKind::BadRequest);
}

#[test]
fn a_route_has_one_of_its_three_all_of_one_family() {
    for (destination, source, gateway, whole, everywhere) in [
        ("10.2.0.0/16", "", "", "10.2.0.0/16 dev eth0", "10.2.0.0/16"),
        (
            "10.2.3.4/16",
            "10.1.0.2/24",
            "10.1.0.1",
            "10.2.3.4/16 via 10.1.0.1 src 10.1.0.2/24 dev eth0",
            "10.2.0.0/16",
        ),
        ("", "10.1.0.2/24", "", "default src 10.1.0.2/24 dev eth0", "0.0.0.0/0"),
        ("", "", "1.2.3.4", "default via 1.2.3.4 dev eth0", "0.0.0.0/0"),
        ("", "", "fd01::3", "default via fd01::3 dev eth0", "::/0"),
        ("::/0", "fd01::2/64", "fe80::1", "::/0 via fe80::1 src fd01::2/64 dev eth0", "::/0"),
    ] {
        let route = route(destination, source, gateway);
        config(vec![], vec![route.clone()]).check().unwrap();
        let parsed = route.parsed().unwrap();
        assert_eq!(route.to_string(), whole);
        assert_eq!(parsed.destination_or_default(), everywhere.parse::<IpNet>().unwrap());
        assert_eq!(parsed.is_ipv6(), everywhere.contains(':'));
        assert_eq!(parsed.interface_name.as_str(), "eth0");
        assert_eq!(parsed.source, source.parse().ok());
        assert_eq!(parsed.gateway, gateway.parse().ok());
    }
    for (destination, source, gateway, words) in [
        ("", "", "", &["default dev eth0", "none of destination, source and gateway"][..]),
        ("10.2.0.0/16", "", "fd01::3", &["10.2.0.0/16 via fd01::3", "one family"]),
        ("fd02::/64", "10.1.0.2/24", "", &["one family"]),
        ("", "10.1.0.2/24", "fd01::3", &["one family"]),
        ("10.2.0.0", "", "", &["use destination \"10.2.0.0\"", "prefix length"]),
        ("default", "", "", &["\"default\""]),
        ("", "10.1.0.300", "", &["use source \"10.1.0.300\"", "no address, such as 10.1.0.2 and"]),
        ("", "10.1.0.2/", "", &["use source"]),
        ("fd02::/64", "10.1.0.2", "", &["one family"]),
        ("", "", "10.1.0.1/24", &["use gateway \"10.1.0.1/24\"", "no address"]),
        ("", "", "0.0.0.0", &["unicast"]),
        ("", "", "ff02::1", &["unicast"]),
    ] {
        let config = config(vec![], vec![route("10.2.0.0/16", "", ""), route(destination, source, gateway)]);
        refused(&config, words);
        refused(&config, &["routes[1]"]);
    }
    for (source, whole) in [("10.1.0.2", "10.1.0.2/32"), ("fd01::2", "fd01::2/128")] {
        let parsed = route("", source, "").parsed().unwrap();
        assert_eq!(parsed.source, Some(whole.parse().unwrap()));
    }
    let mut nowhere = route("10.2.0.0/16", "", "");
    nowhere.interface_name = String::new();
    refused(&config(vec![], vec![nowhere]), &["routes[0]", "interface name", "empty"]);
}

#[test]
fn a_hook_that_cannot_run_is_refused() {
    let right = Command {
        args: vec!["a".into()],
        env: vec!["A=".into(), "B=C=D".into()],
        timeout: Some(Duration::from_nanos(1)),
        ..Command::new("/bin/a")
    };
    right.check().unwrap();
    for (wrong, words) in [
        (Command::new(""), "not absolute"),
        (Command::new("bin/a"), "\"bin/a\""),
        (Command::new("/bin/\0"), "NUL"),
        (Command { args: vec!["\0".into()], ..right.clone() }, "NUL"),
        (Command { dir: "/\0".into(), ..right.clone() }, "NUL"),
        (Command { env: vec!["A=\0".into()], ..right.clone() }, "NUL"),
        (Command { env: vec!["A".into()], ..right.clone() }, "\"A\" of a hook: it is not NAME=VALUE"),
        (Command { env: vec!["=A".into()], ..right.clone() }, "NAME=VALUE"),
        (Command { timeout: Some(Duration::ZERO), ..right.clone() }, "timeout 0"),
    ] {
        let mut config = Config::default();
        config.hooks.add(HookName::Poststop, CommandHook(right.clone()));
        config.hooks.add(HookName::Poststop, CommandHook(wrong));
        refused(&config, &["Hooks.poststop[1]", words]);
    }
}
