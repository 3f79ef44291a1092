//! Promises of networks, endpoints and sandboxes that last.

mod child;
mod common;
mod control;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use common::{
    addresses, inside, is_up, link, links, neighbours, network as plain_network, objects, refused, routes,
    veth, GATEWAYS,
};
use control::{
    addresses_of, at, blue, config, connected, endpoint, ip, open, options, sandbox, settled, subnet,
    with_subnets,
};
use netns::{
    Controller, ControllerOptions, Destination, EndpointConfig, ErrorKind, FindingKind, GatewayMode,
    InterfaceName, Lifetime, Mtu, Neighbour, NetworkConfig, StaticRoute,
};
use serde_json::json;
use testhost::{host, Host};

fn names(controller: &Controller) -> Vec<String> {
    controller.networks().unwrap().into_iter().map(|(name, _)| name.to_string()).collect()
}

fn subnets(config: &NetworkConfig) -> Vec<String> {
    config.subnets.iter().map(|subnet| subnet.subnet.to_string()).collect()
}

fn gateways(config: &NetworkConfig) -> Vec<String> {
    config.subnets.iter().map(|subnet| subnet.gateway.unwrap().to_string()).collect()
}

/// The default routes of a sandbox.
fn defaults(host: &Host, place: &str) -> Vec<String> {
    let mut all = [routes(host, place, "-4"), routes(host, place, "-6")].concat();
    all.retain(|line| line.starts_with("default"));
    all
}

// Networks.

#[test]
fn a_network_is_there_until_it_is_deleted() {
    host(|host| {
        let (controller, before) = settled(host);
        let made = controller.create_network(blue()).unwrap();
        assert_eq!(gateways(&made), ["10.1.0.1", "fd01::1"]);
        assert!(made.ipv6);
        let bridge = link(host, "", "br-blue");
        assert!(is_up(&bridge), "{bridge}");
        let own: Vec<_> = addresses(&bridge).into_iter().filter(|own| !own.starts_with("fe80")).collect();
        assert_eq!(own, ["10.1.0.1/24", "fd01::1/64"]);
        assert_eq!(names(&controller), ["blue"]);
        let details = controller.inspect_network("blue").unwrap();
        assert_eq!((&details.config, details.endpoints.len()), (&made, 0));
        let file = fs::read_to_string("/run/networks/blue.json").unwrap();
        assert_eq!(serde_json::from_str::<NetworkConfig>(&file).unwrap(), made);

        // To another controller it is the same network.
        let other = open();
        assert_eq!(other.inspect_network("blue").unwrap().config, made);
        let again = with_subnets("bridge", "blue", &["10.9.0.0/24"]);
        for controller in [&controller, &other] {
            refused(controller.create_network(again.clone()), ErrorKind::AlreadyExists, &["blue"]);
        }
        assert_eq!(other.inspect_network("blue").unwrap().config, made);
        drop(other);

        controller.delete_network("blue").unwrap();
        assert_eq!(names(&controller), Vec::<String>::new());
        refused(controller.inspect_network("blue"), ErrorKind::NotFound, &["blue"]);
        controller.delete_network("blue").unwrap();
        host.assert_returns_to(&before, "a network that came and went");
    });
}

#[test]
fn default_pools_overlap_no_route_of_the_host_and_no_other_network() {
    host(|host| {
        let (controller, before) = settled(host);
        host.ip(&["link", "add", "lan", "type", "bridge"]);
        host.ip(&["link", "set", "lan", "up"]);
        host.ip(&["address", "add", "172.17.5.1/24", "dev", "lan"]);
        host.ip(&["route", "add", "172.19.0.0/20", "dev", "lan"]);
        let with_route = host.dump();
        let made: Vec<_> = ["a", "b", "c"]
            .into_iter()
            .map(|name| controller.create_network(config("bridge", name).with_ipv6()).unwrap())
            .collect();
        let v4: Vec<_> = made.iter().map(|config| subnets(config)[0].clone()).collect();
        assert_eq!(v4, ["172.18.0.0/16", "172.20.0.0/16", "172.21.0.0/16"]);
        let v6: Vec<_> = made.iter().map(|config| config.subnet(true).unwrap().subnet).collect();
        assert!(v6.iter().all(|net| net.prefix_len() == 64 && net.to_string().starts_with("fd")), "{v6:?}");
        assert!(v6[0] != v6[1] && v6[1] != v6[2] && v6[0] != v6[2], "{v6:?}");
        // What is free again is given again.
        controller.delete_network("a").unwrap();
        host.ip(&["-6", "route", "add", &v6[0].to_string(), "dev", "lan"]);
        let again = controller.create_network(config("routed", "d").with_ipv6()).unwrap();
        assert_eq!(subnets(&again)[0], "172.18.0.0/16");
        assert!(again.subnet(true).unwrap().subnet != v6[0], "a route of the host's leads there");
        for name in ["b", "c", "d"] {
            controller.delete_network(name).unwrap();
        }
        host.ip(&["-6", "route", "delete", &v6[0].to_string(), "dev", "lan"]);
        host.assert_returns_to(&with_route, "networks by default");
        host.ip(&["link", "delete", "lan"]);
        host.assert_returns_to(&before, "networks by default");
    });
}

#[test]
fn default_pools_overlap_no_route_without_a_link_of_its_own() {
    host(|host| {
        let controller = open();
        for lan in ["lan0", "lan1"] {
            host.ip(&["link", "add", lan, "type", "bridge"]);
            host.ip(&["link", "set", lan, "up"]);
        }
        host.ip(&["route", "add", "blackhole", "172.17.0.0/16"]);
        host.ip(&["route", "add", "172.18.0.0/16", "nexthop", "dev", "lan0", "nexthop", "dev", "lan1"]);
        let made = controller.create_network(config("bridge", "blue")).unwrap();
        assert_eq!(subnets(&made), ["172.19.0.0/16"]);
    });
}

#[test]
fn gateways_and_auxiliary_addresses_are_given_to_nobody_and_ranges_are_kept() {
    host(|_| {
        let controller = open();
        let mut network = config("bridge", "blue");
        let mut v4 = subnet("10.1.0.0/24");
        v4.gateway = Some(ip("10.1.0.9"));
        v4.range = Some("10.1.0.8/29".parse().unwrap());
        v4.auxiliary =
            BTreeMap::from([("printer".to_owned(), ip("10.1.0.10")), ("far".to_owned(), ip("10.1.0.200"))]);
        let mut v6 = subnet("fd01::/64");
        v6.gateway = Some(ip("fd01::2"));
        v6.auxiliary = BTreeMap::from([("printer".to_owned(), ip("fd01::3"))]);
        network.subnets = vec![v4, v6];
        let made = controller.create_network(network).unwrap();
        assert_eq!(gateways(&made), ["10.1.0.9", "fd01::2"]);

        let mut given = Vec::new();
        // Of 10.1.0.8/29 the gateway has .9 and the printer .10: 6 are left.
        for number in 0..6 {
            let made = controller.create_endpoint("blue", endpoint(&format!("e{number}"))).unwrap();
            given.push(made.address.unwrap().addr().to_string());
            assert_eq!(made.address.unwrap().prefix_len(), 24);
            let v6 = made.address_ipv6.unwrap().addr().to_string();
            assert!(!["fd01::2", "fd01::3", "fd01::"].contains(&v6.as_str()), "{v6}");
        }
        assert_eq!(given, ["10.1.0.8", "10.1.0.11", "10.1.0.12", "10.1.0.13", "10.1.0.14", "10.1.0.15"]);
        let more = controller.create_endpoint("blue", endpoint("more"));
        refused(more, ErrorKind::ResourceExhausted, &["more of network blue", "10.1.0.8/29"]);
        for taken in ["10.1.0.9", "10.1.0.10", "10.1.0.200", "fd01::2", "fd01::3"] {
            let made = controller.create_endpoint("blue", at("mine", &["10.1.0.77", taken]));
            let error = made.unwrap_err();
            assert!(
                matches!(error.kind(), ErrorKind::AlreadyExists | ErrorKind::BadRequest),
                "{taken}: {error}"
            );
            assert!(error.to_string().contains(taken), "{error}");
        }
        // Outside the range by name, and what the refused ones had taken is free.
        let far = controller.create_endpoint("blue", at("mine", &["10.1.0.77"])).unwrap();
        assert_eq!(far.address.unwrap().to_string(), "10.1.0.77/24");
    });
}

#[test]
fn a_subnet_that_overlaps_another_networks_or_a_route_is_refused_with_that() {
    host(|host| {
        let controller = open();
        controller.create_network(blue()).unwrap();
        host.ip(&["link", "add", "lan", "type", "bridge"]);
        host.ip(&["link", "set", "lan", "up"]);
        host.ip(&["route", "add", "10.7.0.0/16", "dev", "lan"]);
        let (_web, _) = connected(&controller, "blue", "web");
        assert!(host.ping("web", ip("fd01::1")), "the local route of the gateway comes with a delay");
        let before = host.dump();
        for (wanted, there) in [
            ("10.1.0.0/24", "10.1.0.0/24"),
            ("10.1.0.128/25", "10.1.0.0/24"),
            ("10.0.0.0/8", "10."),
            ("10.7.7.0/24", "10.7.0.0/16"),
            ("fd01::/48", "fd01::/64"),
            ("fd01::/80", "fd01::/64"),
        ] {
            for kind in ["bridge", "routed"] {
                let made = controller.create_network(with_subnets(kind, "red", &[wanted]));
                refused(made, ErrorKind::AlreadyExists, &["create network red", wanted, "overlaps", there]);
                before.assert_same(&host.dump(), wanted);
            }
        }
        assert_eq!(names(&controller), ["blue"]);
        // The refusals did not touch what the other has.
        let made = controller.create_endpoint("blue", at("web", &["10.1.0.1"]));
        assert!(made.is_err(), "the gateway's address was given back by a refusal");
    });
}

#[test]
fn a_network_that_cannot_be_made_leaves_nothing() {
    host(|host| {
        let (controller, before) = settled(host);
        controller.create_network(with_subnets("bridge", "red", &["fd02::/64"])).unwrap();
        let with_red = host.dump();
        // The IPv4 subnet is fine, and its gateway has an address by the time the other one is refused.
        let half = with_subnets("bridge", "blue", &["10.1.0.0/24", "fd02::/64"]);
        refused(controller.create_network(half), ErrorKind::AlreadyExists, &["fd02::/64"]);
        with_red.assert_same(&host.dump(), "a network that was refused");
        // The kernel refuses: a link of that name is there.
        host.ip(&["link", "add", "br-blue", "type", "veth", "peer", "name", "other"]);
        let taken = host.dump();
        refused(controller.create_network(blue()), ErrorKind::AlreadyExists, &["br-blue", "no bridge"]);
        taken.assert_same(&host.dump(), "a network whose bridge's name is taken");
        host.ip(&["link", "delete", "br-blue"]);
        let made = controller.create_network(blue()).unwrap();
        assert_eq!(gateways(&made), ["10.1.0.1", "fd01::1"]);
        controller.delete_network("blue").unwrap();
        controller.delete_network("red").unwrap();
        host.assert_returns_to(&before, "networks that could not be made");
    });
}

#[test]
fn a_definition_that_contradicts_itself_is_refused() {
    host(|host| {
        let (controller, before) = settled(host);
        let check = |network: NetworkConfig, words: &[&str]| {
            refused(controller.create_network(network), ErrorKind::BadRequest, words);
            assert_eq!(names(&controller), Vec::<String>::new());
            before.assert_same(&host.dump(), &format!("{words:?}"));
        };
        let one = |change: &dyn Fn(&mut netns::SubnetConfig)| {
            let mut network = blue();
            change(&mut network.subnets[0]);
            network
        };
        check(one(&|v4| v4.subnet = "10.1.0.5/24".parse().unwrap()), &["10.1.0.5/24", "10.1.0.0/24"]);
        check(one(&|v4| v4.gateway = Some(ip("10.2.0.1"))), &["10.2.0.1", "outside"]);
        check(one(&|v4| v4.gateway = Some(ip("fd01::1"))), &["fd01::1", "outside"]);
        check(one(&|v4| v4.gateway = Some(ip("10.1.0.0"))), &["10.1.0.0"]);
        check(one(&|v4| v4.gateway = Some(ip("10.1.0.255"))), &["10.1.0.255"]);
        check(one(&|v4| v4.range = Some("10.2.0.0/25".parse().unwrap())), &["10.2.0.0/25"]);
        check(one(&|v4| v4.range = Some("10.0.0.0/8".parse().unwrap())), &["10.0.0.0/8"]);
        check(one(&|v4| v4.range = Some("10.1.0.9/29".parse().unwrap())), &["10.1.0.9/29"]);
        check(one(&|v4| v4.auxiliary = [("a".to_owned(), ip("10.2.0.9"))].into()), &["10.2.0.9"]);
        for bad in ["127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/24", "0.0.0.0/8", "10.1.0.1/32"] {
            check(with_subnets("bridge", "blue", &[bad]), &[bad]);
        }
        for bad in ["fe80::/64", "ff02::/64", "::1/128", "fd01::1/128"] {
            check(with_subnets("bridge", "blue", &[bad]), &[bad]);
        }
        check(
            with_subnets("bridge", "blue", &["10.1.0.0/24", "10.2.0.0/24"]),
            &["one subnet of each family"],
        );
        let mut without = blue();
        without.ipv4 = false;
        check(without, &["10.1.0.0/24", "ipv4"]);
        check(with_subnets("null", "none", &["10.1.0.0/24"]), &["no addresses"]);
        let mut elsewhere = blue();
        elsewhere.ipam = "elsewhere".to_owned();
        refused(
            controller.create_network(elsewhere),
            ErrorKind::NotFound,
            &["elsewhere", "the known ones are default"],
        );
        before.assert_same(&host.dump(), "an unknown address management");
    });
}

#[test]
fn an_unknown_type_and_an_unknown_option_list_the_known_ones() {
    host(|host| {
        let (controller, before) = settled(host);
        let known = ["bridge", "host", "loopback", "macvlan", "null", "routed"];
        assert_eq!(controller.network_types(), known);
        let words = [&["overlay"], &known[..]].concat();
        refused(controller.create_network(config("overlay", "blue")), ErrorKind::NotFound, &words);
        for (kind, words) in [
            ("bridge", ["hairpin", "isolated", "mtu", "com.docker.network.bridge.name"]),
            ("routed", ["anchor", "parent", "mtu", "com.docker.network.driver.mtu"]),
            ("macvlan", ["parent", "mode", "macvlan_mode", "mtu"]),
        ] {
            let wrong = config(kind, "blue").with_option("speed", "high");
            refused(
                controller.create_network(wrong),
                ErrorKind::BadRequest,
                &[&["speed"], &words[..]].concat(),
            );
        }
        for kind in ["null", "loopback", "host"] {
            let wrong = config(kind, "blue").with_option("speed", "high");
            refused(controller.create_network(wrong), ErrorKind::BadRequest, &["speed"]);
        }
        for (key, value) in [
            ("hairpin", json!("perhaps")),
            ("mtu", json!("much")),
            ("mtu", json!(-1)),
            ("mtu", json!(70000)),
            ("bridge", json!("a/b")),
            ("bridge", json!("averyveryverylongname")),
            ("mac", json!("01:00:5e:00:00:01")),
        ] {
            let wrong = config("bridge", "blue").with_option(key, value.clone());
            let error = refused(controller.create_network(wrong), ErrorKind::BadRequest, &[]);
            assert!(error.to_string().contains("create network blue"), "{key} {value}: {error}");
        }
        before.assert_same(&host.dump(), "options that are unknown");
        controller.create_network(blue()).unwrap();
        let mut web = endpoint("web");
        web.options.insert("speed".to_owned(), json!("high"));
        refused(
            controller.create_endpoint("blue", web),
            ErrorKind::BadRequest,
            &["speed", "hairpin", "isolated"],
        );
        assert_eq!(controller.endpoints().unwrap(), []);
    });
}

#[test]
fn dockers_keys_say_the_same() {
    host(|host| {
        let controller = open();
        let flat = config("bridge", "flat")
            .with_option("com.docker.network.bridge.name", "docker7")
            .with_option("com.docker.network.driver.mtu", "1400")
            .with_option("com.docker.network.container_iface_prefix", "net");
        controller.create_network(flat).unwrap();
        let generic = json!({
            "com.docker.network.bridge.name": "docker8",
            "com.docker.network.driver.mtu": "1300",
        });
        let nested = config("bridge", "nested")
            .with_option("com.docker.network.generic", generic)
            .with_option("com.docker.network.enable_ipv6", false);
        controller.create_network(nested).unwrap();
        for (bridge, mtu) in [("docker7", 1400), ("docker8", 1300)] {
            assert_eq!(link(host, "", bridge)["mtu"], mtu, "{bridge}");
        }
        let (_web, _) = connected(&controller, "flat", "web");
        assert_eq!(links(host, "web"), ["lo", "net0"]);
        assert_eq!(link(host, "web", "net0")["mtu"], 1400);

        veth(host, "lan0", "lan1");
        let macvlan = with_subnets("macvlan", "lan", &["10.5.0.0/24"])
            .with_option("parent", "lan0")
            .with_option("macvlan_mode", "private")
            .with_option("com.docker.network.driver.mtu", "1280");
        controller.create_network(macvlan).unwrap();
        let (_db, _) = connected(&controller, "lan", "db");
        let eth0 = link(host, "db", "eth0");
        assert_eq!((&eth0["mtu"], &eth0["linkinfo"]["info_data"]["mode"]), (&json!(1280), &json!("private")));
    });
}

#[test]
fn dockers_words_for_the_firewall_are_fields_of_the_definition() {
    host(|host| {
        let controller = open();
        let said = with_subnets("bridge", "blue", &["10.1.0.0/24"])
            .with_option("com.docker.network.bridge.enable_ip_masquerade", "false")
            .with_option("com.docker.network.bridge.gateway_mode_ipv4", "routed");
        let made = controller.create_network(said).unwrap();
        assert_eq!((made.firewall.masquerade, made.firewall.gateway_mode), (false, GatewayMode::Routed));
        assert_eq!(controller.inspect_network("blue").unwrap().config, made);

        // As a person writes it.
        let file = "/run/networks/green.json";
        let text = json!({
            "name": "green",
            "type": "bridge",
            "subnets": [{ "subnet": "10.2.0.0/24" }],
            "options": { "com.docker.network.bridge.enable_icc": "false" },
        });
        fs::write(file, text.to_string()).unwrap();
        let (_web, _) = connected(&controller, "green", "web");
        assert!(!controller.inspect_network("green").unwrap().config.firewall.icc);
        assert_eq!(host.bridge(&["-d", "link", "show"])[0]["isolated"], true);

        fs::write(file, text.to_string().replace("false", "perhaps")).unwrap();
        let words = ["green.json", "enable_icc", "neither true nor false"];
        refused(controller.inspect_network("green"), ErrorKind::BadRequest, &words);
        let unprotected = config("bridge", "red")
            .with_option("com.docker.network.bridge.gateway_mode_ipv4", "nat-unprotected");
        refused(controller.create_network(unprotected), ErrorKind::BadRequest, &["gateway_mode_ipv4"]);
        assert_eq!(controller.networks().unwrap().len(), 2);
    });
}

#[test]
fn a_bridge_that_is_there_is_adopted_by_any_of_its_keys_and_left_as_it_was() {
    for (key, nested) in [
        ("bridge", false),
        ("com.docker.network.bridge.name", false),
        ("com.docker.network.bridge.name", true),
    ] {
        host(|host| {
            let (controller, _) = settled(host);
            host.ip(&["link", "add", "theirs", "address", "02:00:00:00:00:01", "type", "bridge"]);
            host.ip(&["link", "set", "theirs", "up"]);
            host.ip(&["address", "add", "10.1.0.1/24", "dev", "theirs"]);
            let before = host.dump();
            let network = with_subnets("bridge", "blue", &["10.1.0.0/24", "fd01::/64"]);
            let network = if nested {
                network.with_option("com.docker.network.generic", json!({ key: "theirs" }))
            } else {
                network.with_option(key, "theirs")
            };
            controller.create_network(network).unwrap();
            let (web, _) = connected(&controller, "blue", "web");
            assert!(host.ping("web", ip("10.1.0.1")) && host.ping("web", ip("fd01::1")));
            controller.destroy_sandbox(&web).unwrap();
            controller.delete_network("blue").unwrap();
            host.assert_returns_to(&before, &format!("a bridge of others, by {key}"));
        });
    }
}

#[test]
fn a_network_in_use_says_by_whom() {
    host(|host| {
        let controller = open();
        controller.create_network(blue()).unwrap();
        controller.create_endpoint("blue", endpoint("idle")).unwrap();
        let (web, _) = connected(&controller, "blue", "web");
        let before = host.dump();
        let words = ["delete network blue", "idle", "web (in /run/netns/web)"];
        refused(controller.delete_network("blue"), ErrorKind::Busy, &words);
        refused(open().delete_network("blue"), ErrorKind::Busy, &words);
        before.assert_same(&host.dump(), "a network in use");
        assert!(host.ping("web", ip("10.1.0.1")));
        for number in 0..7 {
            controller.create_endpoint("blue", endpoint(&format!("more{number}"))).unwrap();
        }
        refused(controller.delete_network("blue"), ErrorKind::Busy, &["idle", "4 more"]);
        controller.destroy_sandbox(&web).unwrap();
        for endpoint in controller.endpoints().unwrap() {
            controller.delete_endpoint("blue", endpoint.name().as_str()).unwrap();
        }
        controller.delete_network("blue").unwrap();
    });
}

#[test]
fn a_network_of_one_family_is_whole() {
    for (kind, ipv6) in [("bridge", true), ("bridge", false), ("routed", true), ("routed", false)] {
        host(|host| {
            let (controller, before) = settled(host);
            let mut network = config(kind, "blue");
            (network.ipv4, network.ipv6) = (!ipv6, ipv6);
            let made = controller.create_network(network).unwrap();
            assert_eq!(made.subnets.len(), 1);
            assert_eq!(made.subnets[0].subnet.addr().is_ipv6(), ipv6);
            let (web, own) = connected(&controller, "blue", "web");
            let (db, other) = connected(&controller, "blue", "db");
            assert_eq!((own.address.is_some(), own.address_ipv6.is_some()), (!ipv6, ipv6));
            assert!(host.ping("web", made.subnets[0].gateway.unwrap()), "{kind}: gateway");
            let other = other.address.map_or_else(
                || other.address_ipv6.unwrap().addr().into(),
                |address| std::net::IpAddr::from(address.addr()),
            );
            assert!(host.ping("web", other), "{kind}: {other}");
            assert_eq!(defaults(host, "web").len(), 1);
            let wrong = if ipv6 { "10.1.0.7" } else { "fd01::7" };
            let wrong = controller.create_endpoint("blue", at("wrong", &[wrong]));
            refused(wrong, ErrorKind::BadRequest, &["blue has no addresses of that family"]);
            controller.destroy_sandbox(&web).unwrap();
            controller.destroy_sandbox(&db).unwrap();
            controller.delete_network("blue").unwrap();
            host.assert_returns_to(&before, &format!("{kind} of one family"));
        });
    }
}

#[test]
fn an_internal_network_has_no_way_out() {
    for kind in ["bridge", "routed"] {
        host(|host| {
            let controller = open();
            let mut network = with_subnets(kind, "blue", &["10.1.0.0/24", "fd01::/64"]);
            network.internal = true;
            controller.create_network(network).unwrap();
            let (_web, _) = connected(&controller, "blue", "web");
            let (_db, db) = connected(&controller, "blue", "db");
            assert_eq!(defaults(host, "web"), Vec::<String>::new());
            assert!(host.ping("web", db.address.unwrap().addr().into()), "{kind}");
            assert!(host.ping("web", db.address_ipv6.unwrap().addr().into()), "{kind}");
        });
    }
}

#[test]
fn a_definition_that_somebody_wrote_is_a_network() {
    host(|host| {
        let (controller, before) = settled(host);
        fs::write("/run/networks/blue.json", r#"{"name": "blue", "type": "bridge", "ipv6": true}"#).unwrap();
        let (web, made) = connected(&controller, "blue", "web");
        assert!(made.address.is_some() && made.address_ipv6.is_some(), "{made:?}");
        let kept = controller.inspect_network("blue").unwrap().config;
        assert_eq!(kept.subnets.len(), 2);
        for gateway in gateways(&kept) {
            assert!(host.ping("web", ip(&gateway)), "{gateway}");
        }
        // Edited: what is wrong with it is said, and nothing of it is lost.
        let good = fs::read_to_string("/run/networks/blue.json").unwrap();
        for (text, words) in [
            ("{", &["/run/networks/blue.json", "line 1"][..]),
            (r#"{"name": "red", "type": "bridge"}"#, &["blue", "calls itself red"]),
            (r#"{"name": "blue", "type": "bridge", "colour": 1}"#, &["colour", "options"]),
        ] {
            fs::write("/run/networks/blue.json", text).unwrap();
            refused(controller.inspect_network("blue"), ErrorKind::BadRequest, words);
            refused(controller.create_endpoint("blue", endpoint("db")), ErrorKind::BadRequest, words);
        }
        let listed = controller.networks().unwrap();
        assert!(listed[0].1.is_err(), "{listed:?}");
        fs::write("/run/networks/blue.json", good).unwrap();
        assert_eq!(controller.inspect_network("blue").unwrap().endpoints.len(), 1);
        controller.destroy_sandbox(&web).unwrap();
        controller.delete_network("blue").unwrap();
        host.assert_returns_to(&before, "a definition that somebody wrote");
    });
}

#[test]
fn a_network_whose_parent_is_gone_can_be_deleted() {
    for kind in ["macvlan", "routed"] {
        host(|host| {
            let (controller, before) = settled(host);
            veth(host, "lan0", "lan1");
            let network = with_subnets(kind, "blue", &["10.1.0.0/24"]).with_option("parent", "lan0");
            controller.create_network(network).unwrap();
            host.ip(&["link", "delete", "lan0"]);
            refused(open().create_endpoint("blue", endpoint("web")), ErrorKind::NotFound, &["lan0"]);
            open().delete_network("blue").unwrap();
            assert_eq!(names(&controller), Vec::<String>::new());
            host.assert_returns_to(&before, kind);
        });
    }
}

#[test]
fn a_network_whose_definition_is_broken_can_be_deleted() {
    host(|host| {
        let (controller, before) = settled(host);
        for text in ["{", r#"{"name": "blue", "type": "nobody-knows"}"#] {
            fs::write("/run/networks/blue.json", text).unwrap();
            controller.delete_network("blue").unwrap();
            before.assert_same(&host.dump(), text);
        }
    });
}

#[test]
fn hostile_names_are_refused_everywhere_and_touch_nothing() {
    host(|host| {
        let (controller, before) = settled(host);
        let web = sandbox(&controller, "web");
        let long = "x".repeat(65);
        for bad in ["", ".", "..", "../x", "a/b", "-x", "a b", "a\0b", "a\nb", "é", &long] {
            assert!(NetworkConfig::new("bridge", bad).is_err(), "{bad:?}");
            assert!(EndpointConfig::new(bad).is_err(), "{bad:?}");
            for result in [
                controller.inspect_network(bad).map(drop),
                controller.delete_network(bad),
                controller.create_endpoint(bad, endpoint("web")).map(drop),
                controller.connect(bad, &web, endpoint("web")).map(drop),
                controller.plan_connect(bad, &web, endpoint("web")).map(drop),
                controller.join(bad, "web", &web).map(drop),
                controller.join("blue", bad, &web).map(drop),
                controller.leave(bad, "web"),
                controller.leave("blue", bad),
                controller.disconnect(bad, "web"),
                controller.delete_endpoint(bad, "web"),
                controller.delete_endpoint("blue", bad),
                controller.endpoint("blue", bad).map(drop),
                controller.endpoint_oper_info(bad, "web").map(drop),
                controller.create_sandbox(bad).map(drop),
                controller.open_sandbox(bad).map(drop),
                controller.remove_sandbox(bad),
            ] {
                assert_eq!(result.unwrap_err().kind(), ErrorKind::BadRequest, "{bad:?}");
            }
        }
        controller.destroy_sandbox(&web).unwrap();
        host.assert_returns_to(&before, "hostile names");
    });
}

// Endpoints.

#[test]
fn an_endpoint_keeps_its_addresses_from_sandbox_to_sandbox() {
    host(|host| {
        let (controller, before) = settled(host);
        controller.create_network(blue()).unwrap();
        let made = controller.create_endpoint("blue", endpoint("web")).unwrap();
        assert_eq!(addresses_of(&made), ["10.1.0.2/24", "fd01::2/64"]);
        assert!(made.mac.is_some() && made.sandbox.is_none() && made.interface.is_none());
        refused(
            controller.create_endpoint("blue", endpoint("web")),
            ErrorKind::AlreadyExists,
            &["create endpoint web of network blue"],
        );
        let (one, two) = (sandbox(&controller, "one"), sandbox(&controller, "two"));
        for place in [&one, &two, &one] {
            let joined = controller.join("blue", "web", place).unwrap();
            let name = place.key().name().as_str();
            assert_eq!(joined.sandbox.as_deref(), Some(place.key().path()));
            assert_eq!(
                (joined.address, joined.address_ipv6, joined.mac),
                (made.address, made.address_ipv6, made.mac)
            );
            let eth0 = link(host, name, "eth0");
            assert_eq!(eth0["address"], made.mac.unwrap().to_string());
            assert_eq!(addresses(&eth0)[..2], ["10.1.0.2/24", "fd01::2/64"]);
            assert!(host.ping(name, ip("10.1.0.1")) && host.ping(name, ip("fd01::1")));
            let words = ["web of network blue", name];
            refused(controller.join("blue", "web", &two), ErrorKind::Busy, &words);
            refused(controller.delete_endpoint("blue", "web"), ErrorKind::Busy, &words);
            let seen = open().endpoint("blue", "web").unwrap();
            assert_eq!(seen.sandbox.as_deref(), Some(place.key().path()));
            let listed = controller.sandboxes().unwrap();
            let own = listed.iter().find(|own| own.path == place.key().path()).unwrap();
            assert_eq!(own.endpoints.len(), 1);
            for _ in 0..2 {
                controller.leave("blue", "web").unwrap();
                assert_eq!(links(host, name), ["lo"]);
            }
            assert_eq!(controller.endpoint("blue", "web").unwrap().sandbox, None);
        }
        for _ in 0..2 {
            controller.delete_endpoint("blue", "web").unwrap();
        }
        refused(controller.endpoint("blue", "web"), ErrorKind::NotFound, &["web", "blue"]);
        refused(controller.join("blue", "web", &one), ErrorKind::NotFound, &["web", "blue"]);
        controller.leave("blue", "web").unwrap();
        controller.disconnect("blue", "web").unwrap();
        controller.destroy_sandbox(&one).unwrap();
        controller.destroy_sandbox(&two).unwrap();
        controller.delete_network("blue").unwrap();
        host.assert_returns_to(&before, "an endpoint that came and went");
    });
}

#[test]
fn an_endpoint_that_left_outlives_its_process() {
    const TEST: &str = "an_endpoint_that_left_outlives_its_process";
    if child::role().is_some() {
        let controller = open();
        connected(&controller, "blue", "web");
        controller.leave("blue", "web").unwrap();
        return;
    }
    host(|_| {
        open().create_network(blue()).unwrap();
        assert!(child::command(&[], TEST, "leave").status().unwrap().success());
        let controller = open();
        let found = controller.endpoint("blue", "web").unwrap();
        assert_eq!(addresses_of(&found), ["10.1.0.2/24", "fd01::2/64"]);
        controller.join("blue", "web", &controller.open_sandbox("web").unwrap()).unwrap();
    });
}

#[test]
fn a_sandbox_that_goes_takes_what_connect_made_and_leaves_what_was_created() {
    host(|_| {
        let controller = open();
        controller.create_network(blue()).unwrap();
        let (web, _) = connected(&controller, "blue", "web");
        controller.create_network(with_subnets("bridge", "red", &["10.2.0.0/24"])).unwrap();
        controller.create_endpoint("red", endpoint("kept")).unwrap();
        controller.join("red", "kept", &web).unwrap();
        for _ in 0..2 {
            controller.destroy_sandbox(&web).unwrap();
            controller.remove_sandbox("web").unwrap();
            let left = controller.endpoints().unwrap();
            assert_eq!(left.iter().map(|own| own.name().as_str()).collect::<Vec<_>>(), ["kept"]);
            assert_eq!((&left[0].sandbox, addresses_of(&left[0])[0].as_str()), (&None, "10.2.0.2/24"));
        }
        // The address of the one that went is free, though not next.
        let (again, other) = connected(&controller, "blue", "web");
        assert_ne!(addresses_of(&other)[0], "10.1.0.2/24");
        controller.join("red", "kept", &again).unwrap();
        assert_eq!(controller.sandboxes().unwrap().len(), 1);
    });
}

#[test]
fn an_address_by_name_is_given_once() {
    host(|host| {
        let controller = open();
        controller.create_network(blue()).unwrap();
        let web = sandbox(&controller, "web");
        let made = controller.connect("blue", &web, at("web", &["10.1.0.77", "fd01::77"])).unwrap();
        assert_eq!(addresses_of(&made), ["10.1.0.77/24", "fd01::77/64"]);
        let db = sandbox(&controller, "db");
        let before = host.dump();
        for (addresses, kind, word) in [
            (["10.1.0.77", "fd01::7"], ErrorKind::AlreadyExists, "10.1.0.77"),
            (["10.1.0.7", "fd01::77"], ErrorKind::AlreadyExists, "fd01::77"),
            (["10.2.0.7", "fd01::7"], ErrorKind::BadRequest, "10.2.0.7"),
            (["10.1.0.7", "fd02::7"], ErrorKind::BadRequest, "fd02::7"),
            (["10.1.0.0", "fd01::7"], ErrorKind::BadRequest, "10.1.0.0"),
            (["10.1.0.255", "fd01::7"], ErrorKind::BadRequest, "10.1.0.255"),
            (["10.1.0.7", "fd01::"], ErrorKind::BadRequest, "fd01::"),
            (["10.1.0.1", "fd01::7"], ErrorKind::AlreadyExists, "10.1.0.1"),
        ] {
            let wanted = at("db", &addresses);
            refused(controller.connect("blue", &db, wanted.clone()), kind, &["db of network blue", word]);
            refused(controller.create_endpoint("blue", wanted.clone()), kind, &["db of network blue", word]);
            refused(controller.plan_connect("blue", &db, wanted), kind, &[word]);
            before.assert_same(&host.dump(), word);
            assert_eq!(controller.endpoints().unwrap().len(), 1);
        }
        // What the refused ones wanted besides is free.
        let made = controller.connect("blue", &db, at("db", &["10.1.0.7", "fd01::7"])).unwrap();
        assert_eq!(addresses_of(&made), ["10.1.0.7/24", "fd01::7/64"]);
        controller.disconnect("blue", "web").unwrap();
        let made = controller.connect("blue", &web, at("web", &["10.1.0.77", "fd01::77"])).unwrap();
        assert_eq!(addresses_of(&made), ["10.1.0.77/24", "fd01::77/64"]);
    });
}

#[test]
fn a_small_subnet_runs_out_and_an_address_rests_before_it_is_given_again() {
    host(|host| {
        let controller = open();
        controller.create_network(with_subnets("bridge", "blue", &["10.1.0.0/29"])).unwrap();
        let web = sandbox(&controller, "web");
        let make = |name: &str| {
            let made = controller.create_endpoint("blue", endpoint(name));
            made.map(|made| made.address.unwrap().addr().to_string())
        };
        let given: Vec<_> = (2..6).map(|number| make(&format!("e{number}")).unwrap()).collect();
        assert_eq!(given, ["10.1.0.2", "10.1.0.3", "10.1.0.4", "10.1.0.5"]);
        controller.delete_endpoint("blue", "e2").unwrap();
        // The last one that was never given comes before the one that was given back.
        assert_eq!(make("e6").unwrap(), "10.1.0.6");
        assert_eq!(make("again").unwrap(), "10.1.0.2");
        let before = host.dump();
        for _ in 0..3 {
            refused(make("more"), ErrorKind::ResourceExhausted, &["more of network blue", "10.1.0.0/29"]);
            let more = controller.connect("blue", &web, endpoint("more"));
            refused(more, ErrorKind::ResourceExhausted, &["10.1.0.0/29"]);
        }
        before.assert_same(&host.dump(), "a subnet that is full");
        assert_eq!(controller.endpoints().unwrap().len(), 5);
        controller.delete_endpoint("blue", "e4").unwrap();
        assert_eq!(make("more").unwrap(), "10.1.0.4");
    });
}

/// An endpoint with something of everything.
fn everything() -> EndpointConfig {
    let mut web = at("web", &["10.1.0.7", "fd01::7"]);
    web.mac = Some("02:42:00:00:00:07".parse().unwrap());
    web.destination = Destination::Name(InterfaceName::new("uplink").unwrap());
    web.mtu = Some(Mtu::new(1400).unwrap());
    web.aliases = vec!["www".to_owned(), "front".to_owned()];
    web.labels = BTreeMap::from([("owner".to_owned(), "me".to_owned())]);
    web.sysctls = BTreeMap::from([
        ("net.ipv4.conf.IFNAME.log_martians".to_owned(), "1".to_owned()),
        ("net.ipv6.conf.IFNAME.hop_limit".to_owned(), "33".to_owned()),
    ]);
    let via = |destination: &str, hop: Option<&str>| StaticRoute {
        destination: destination.parse().unwrap(),
        next_hop: hop.map(ip),
    };
    web.routes = vec![
        via("10.9.0.0/16", Some("10.1.0.9")),
        via("10.8.0.0/16", None),
        via("fd09::/48", Some("fd01::9")),
    ];
    web.neighbours = ["10.1.0.77", "fd01::77"]
        .map(|address| Neighbour { address: ip(address), mac: "02:00:00:00:00:77".parse().unwrap() })
        .to_vec();
    web
}

/// What [`everything`] asks for is there.
#[track_caller]
fn has_everything(host: &Host, controller: &Controller, place: &str) {
    assert_eq!(links(host, place), ["lo", "uplink"]);
    let uplink = link(host, place, "uplink");
    assert!(is_up(&uplink));
    assert_eq!((&uplink["address"], &uplink["mtu"]), (&json!("02:42:00:00:00:07"), &json!(1400)));
    assert_eq!(addresses(&uplink)[..2], ["10.1.0.7/24", "fd01::7/64"]);
    assert_eq!(
        routes(host, place, "-4"),
        [
            "10.1.0.0/24 dev uplink",
            "10.8.0.0/16 dev uplink",
            "10.9.0.0/16 via 10.1.0.9 dev uplink",
            "default via 10.1.0.1 dev uplink"
        ]
    );
    assert_eq!(
        routes(host, place, "-6"),
        ["default via fd01::1 dev uplink", "fd01::/64 dev uplink", "fd09::/48 via fd01::9 dev uplink"]
    );
    let known = neighbours(host, place);
    for neighbour in ["10.1.0.77 02:00:00:00:00:77", "fd01::77 02:00:00:00:00:77"] {
        assert!(known.iter().any(|one| one == neighbour), "{neighbour} is missing in {known:?}");
    }
    let settings = controller.open_sandbox(place).unwrap().run(|| {
        ["ipv4/conf/uplink/log_martians", "ipv6/conf/uplink/hop_limit"]
            .map(|file| fs::read_to_string(Path::new("/proc/sys/net").join(file)).unwrap().trim().to_owned())
    });
    assert_eq!(settings.unwrap(), ["1", "33"]);
    assert_eq!(controller.endpoint("blue", "web").unwrap().config, everything());
}

#[test]
fn what_an_endpoint_asks_for_it_has_in_every_sandbox_it_joins() {
    host(|host| {
        let controller = open();
        controller.create_network(blue()).unwrap();
        let (one, two) = (sandbox(&controller, "one"), sandbox(&controller, "two"));
        controller.connect("blue", &one, everything()).unwrap();
        has_everything(host, &controller, "one");
        controller.leave("blue", "web").unwrap();
        controller.join("blue", "web", &two).unwrap();
        has_everything(host, &controller, "two");
        controller.disconnect("blue", "web").unwrap();
        controller.create_endpoint("blue", everything()).unwrap();
        controller.join("blue", "web", &two).unwrap();
        has_everything(host, &open(), "two");
    });
}

#[test]
fn an_endpoint_that_cannot_be_had_leaves_nothing() {
    host(|host| {
        let controller = open();
        controller.create_network(blue()).unwrap();
        controller.create_network(with_subnets("bridge", "red", &["10.2.0.0/24", "fd02::/64"])).unwrap();
        let (web, _) = connected(&controller, "blue", "web");
        let (before, inside_before) = (host.dump(), inside(host, &web));
        let check = |change: &dyn Fn(&mut EndpointConfig), kind: ErrorKind, words: &[&str]| {
            let mut config = endpoint("more");
            change(&mut config);
            refused(controller.connect("red", &web, config.clone()), kind, words);
            host.assert_returns_to(&before, &format!("{words:?}"));
            common::assert_inside_is(host, &web, &inside_before, &format!("{words:?}"));
            assert_eq!(controller.endpoints().unwrap().len(), 1, "{words:?}");
            // The same of an endpoint that was made before: it stays, and joins another sandbox.
            if controller.create_endpoint("red", config).is_ok() {
                refused(controller.join("red", "more", &web), kind, words);
                assert_eq!(controller.endpoint("red", "more").unwrap().sandbox, None, "{words:?}");
                controller.delete_endpoint("red", "more").unwrap();
                host.assert_returns_to(&before, &format!("a join: {words:?}"));
                common::assert_inside_is(host, &web, &inside_before, &format!("a join: {words:?}"));
            }
        };
        let named = |name: &str| Destination::Name(InterfaceName::new(name).unwrap());
        check(&|c| c.destination = named("eth0"), ErrorKind::AlreadyExists, &["eth0"]);
        check(&|c| c.mtu = Some(Mtu::new(9000).unwrap()), ErrorKind::BadRequest, &["9000", "1500"]);
        let unknown = |c: &mut EndpointConfig| {
            c.sysctls.insert("net.ipv4.conf.IFNAME.nobody_knows".to_owned(), "1".to_owned());
        };
        check(&unknown, ErrorKind::NotFound, &["nobody_knows"]);
        let global = |c: &mut EndpointConfig| {
            c.sysctls.insert("net.ipv4.ip_forward".to_owned(), "1".to_owned());
        };
        check(&global, ErrorKind::BadRequest, &["net.ipv4.ip_forward"]);
        refused(
            controller.connect("blue", &web, endpoint("web")),
            ErrorKind::AlreadyExists,
            &["network blue has an endpoint of that name"],
        );
        // A second address in the same subnet overlaps the route of the first.
        let second = controller.connect("blue", &web, endpoint("second"));
        refused(second, ErrorKind::AlreadyExists, &["second of network blue", "10.1.0.0/24"]);
        refused(controller.connect("green", &web, endpoint("web")), ErrorKind::NotFound, &["green"]);
        before.assert_same(&host.dump(), "refusals");
    });
}

#[test]
fn endpoints_come_and_go_while_the_sandbox_runs() {
    host(|host| {
        let controller = open();
        controller.create_network(blue()).unwrap();
        controller.create_network(with_subnets("bridge", "red", &["10.2.0.0/24"])).unwrap();
        let web = sandbox(&controller, "web");
        let mut process = Command::new("nsenter")
            .args(["--net=/run/netns/web", "sleep", "60"])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        for _ in 0..3 {
            controller.connect("blue", &web, endpoint("web")).unwrap();
            assert!(host.ping("web", ip("10.1.0.1")));
            controller.connect("red", &web, endpoint("web")).unwrap();
            assert_eq!(links(host, "web"), ["eth0", "eth1", "lo"]);
            assert!(host.ping("web", ip("10.2.0.1")));
            controller.disconnect("blue", "web").unwrap();
            assert_eq!(links(host, "web"), ["eth1", "lo"]);
            assert!(host.ping("web", ip("10.2.0.1")));
            controller.disconnect("red", "web").unwrap();
            assert_eq!(links(host, "web"), ["lo"]);
        }
        assert_eq!(process.try_wait().unwrap(), None);
        process.kill().unwrap();
        process.wait().unwrap();
        assert_eq!(controller.endpoints().unwrap(), []);
    });
}

// Gateways.

#[test]
fn the_best_endpoint_gives_the_gateway_and_it_moves_when_that_comes_and_goes() {
    host(|host| {
        let controller = open();
        for (name, subnets, internal) in [
            ("a-inside", &["10.9.0.0/24", "fd09::/64"][..], true),
            ("m-four", &["10.1.0.0/24"], false),
            ("z-both", &["10.2.0.0/24", "fd02::/64"], false),
            ("b-four", &["10.3.0.0/24"], false),
        ] {
            let mut network = with_subnets("bridge", name, subnets);
            network.internal = internal;
            controller.create_network(network).unwrap();
        }
        let web = sandbox(&controller, "web");
        let via = |gateways: &[&str]| {
            let found: Vec<_> =
                defaults(host, "web").iter().map(|line| line.split(' ').nth(2).unwrap().to_owned()).collect();
            assert_eq!(found, gateways);
            gateways.iter().for_each(|gateway| assert!(host.ping("web", ip(gateway)), "{gateway}"));
        };
        let connect = |network: &str, priority: i32| {
            let mut config = endpoint("web");
            config.gateway_priority = priority;
            controller.connect(network, &web, config).unwrap();
        };
        connect("a-inside", 100);
        via(&[]);
        connect("m-four", 0);
        via(&["10.1.0.1"]);
        // Dual-stack comes before a name.
        connect("z-both", 0);
        via(&["10.2.0.1", "fd02::1"]);
        connect("b-four", -1);
        via(&["10.2.0.1", "fd02::1"]);
        controller.disconnect("b-four", "web").unwrap();
        via(&["10.2.0.1", "fd02::1"]);
        // Priority comes before dual-stack, and each family is chosen by itself.
        connect("b-four", 1);
        via(&["10.3.0.1", "fd02::1"]);
        controller.leave("b-four", "web").unwrap();
        via(&["10.2.0.1", "fd02::1"]);
        controller.join("b-four", "web", &web).unwrap();
        via(&["10.3.0.1", "fd02::1"]);
        controller.disconnect("b-four", "web").unwrap();
        controller.disconnect("z-both", "web").unwrap();
        via(&["10.1.0.1"]);
        // The name decides between equals.
        connect("b-four", 0);
        via(&["10.3.0.1"]);
        controller.disconnect("m-four", "web").unwrap();
        via(&["10.3.0.1"]);
        controller.disconnect("b-four", "web").unwrap();
        via(&[]);
    });
}

#[test]
fn an_endpoint_without_a_default_route_never_gives_one() {
    host(|host| {
        let controller = open();
        controller.create_network(blue()).unwrap();
        controller.create_network(with_subnets("bridge", "red", &["10.2.0.0/24", "fd02::/64"])).unwrap();
        let web = sandbox(&controller, "web");
        let mut without = endpoint("web");
        (without.default_route, without.gateway_priority) = (false, 9);
        controller.connect("blue", &web, without).unwrap();
        assert_eq!(defaults(host, "web"), Vec::<String>::new());
        controller.connect("red", &web, endpoint("web")).unwrap();
        assert_eq!(defaults(host, "web"), ["default via 10.2.0.1 dev eth1", "default via fd02::1 dev eth1"]);
        controller.disconnect("red", "web").unwrap();
        assert_eq!(defaults(host, "web"), Vec::<String>::new());
    });
}

#[test]
fn a_gateway_moves_between_drivers() {
    host(|host| {
        let controller = open();
        controller.create_network(blue()).unwrap();
        controller.create_network(with_subnets("routed", "red", &["10.2.0.0/24", "fd02::/64"])).unwrap();
        let web = sandbox(&controller, "web");
        controller.connect("blue", &web, endpoint("web")).unwrap();
        let mut better = endpoint("web");
        better.gateway_priority = 1;
        controller.connect("red", &web, better).unwrap();
        assert_eq!(defaults(host, "web"), ["default via 10.2.0.1 dev eth1", "default via fd02::1 dev eth1"]);
        assert!(host.ping("web", ip("10.2.0.1")) && host.ping("web", ip("fd02::1")));
        assert!(host.ping("web", ip("10.1.0.1")) && host.ping("web", ip("fd01::1")));
        controller.disconnect("red", "web").unwrap();
        assert_eq!(defaults(host, "web"), ["default via 10.1.0.1 dev eth0", "default via fd01::1 dev eth0"]);
        assert!(host.ping("web", ip("10.1.0.1")) && host.ping("web", ip("fd01::1")));
    });
}

// Plans.

/// A host with a controller's network and a plain one, which carries out plans; what it and the sandbox
/// are like after `run`, but for the numbers of namespaces and mounts.
fn planned(
    host: &Host,
    kind: &str,
    run: impl Fn(&Controller, &netns::Network, &netns::Sandbox),
) -> [Vec<String>; 2] {
    let controller = open();
    let plain = plain_network("plain");
    let network = with_subnets(kind, "blue", &["10.5.0.0/24", "fd05::/64"]);

    let network = if kind == "bridge" {
        network.with_option("mac", "02:00:00:00:00:01")
    } else {
        network.with_option("anchor", "br-plain2")
    };
    controller.create_network(network).unwrap();
    if kind == "routed" {
        host.ip(&["link", "set", "br-plain2", "address", "02:00:00:00:00:01"]);
    }
    host.ip(&["link", "set", "br-plain", "address", "02:00:00:00:00:02"]);
    let web = sandbox(&controller, "web");
    run(&controller, &plain, &web);
    let lines = |state: testhost::State| {
        let text = format!("{state:#?}");
        text.lines()
            .filter(|line| !line.contains("net:[") && !line.contains(" / /"))
            // The programs are another host's, and a plan has no slot of its own.
            .map(|line| line.split(r#"\"options\":{\"bpf_name"#).next().unwrap_or(line).to_owned())
            .collect()
    };
    [lines(host.dump()), lines(inside(host, &web))]
}

#[test]
fn a_plan_is_what_connect_does_and_changes_nothing() {
    let wanted = || {
        let mut web = at("web", &["10.5.0.7"]);
        web.mac = Some("02:42:00:00:00:07".parse().unwrap());
        web
    };
    for kind in ["bridge", "routed"] {
        let planned_state = host(|host| {
            planned(host, kind, |controller, plain, web| {
                let (before, within) = (host.dump(), inside(host, web));
                let plan = controller.plan_connect("blue", web, wanted()).unwrap();
                let again = controller.plan_connect("blue", web, wanted()).unwrap();
                assert_eq!(plan, again, "{kind}: a plan took an address");
                assert!(!plan.steps.is_empty());
                before.assert_same(&host.dump(), "a plan");
                common::assert_inside_is(host, web, &within, "a plan");
                assert_eq!(controller.endpoints().unwrap(), []);
                plain.apply(&plan, web).unwrap();
            })
        });
        let connected_state = host(|host| {
            planned(host, kind, |controller, _, web| {
                controller.connect("blue", web, wanted()).unwrap();
            })
        });
        for (one, other) in planned_state.iter().zip(&connected_state) {
            let only: Vec<_> = one.iter().filter(|line| !other.contains(line)).collect();
            let other_only: Vec<_> = other.iter().filter(|line| !one.contains(line)).collect();
            assert!(
                one == other,
                "{kind}: only after the plan {only:#?}, only after connect {other_only:#?}"
            );
        }
    }
}

#[test]
fn a_plan_takes_the_address_that_connect_takes() {
    host(|_| {
        let controller = open();
        controller.create_network(blue()).unwrap();
        let web = sandbox(&controller, "web");
        for _ in 0..3 {
            let plan = controller.plan_connect("blue", &web, endpoint("web")).unwrap().to_string();
            assert!(plan.contains("10.1.0.2/24") && plan.contains("fd01::2/64"), "{plan}");
        }
        let made = controller.connect("blue", &web, endpoint("web")).unwrap();
        assert_eq!(addresses_of(&made), ["10.1.0.2/24", "fd01::2/64"]);
        assert_eq!(GATEWAYS.len(), 2);
    });
}

// Directories and processes.

#[test]
fn everything_may_be_in_other_directories() {
    host(|host| {
        let options = ControllerOptions::default().in_directory(Path::new("/run/mine"));
        let mine = Controller::open(options.clone()).unwrap();
        assert_eq!(*mine.options(), options);
        mine.create_network(blue()).unwrap();
        let (web, _) = connected(&mine, "blue", "web");
        for path in ["/run/mine/networks/blue.json", "/run/mine/run", "/run/mine/sandboxes/web"] {
            assert!(Path::new(path).exists(), "{path}");
        }
        for path in ["/run/libnetns", "/run/netns"] {
            assert!(!Path::new(path).exists(), "{path}");
        }
        assert_eq!(web.interfaces().unwrap().len(), 1);
        // A second store beside it: neither knows nor collects what is the other's.
        let other = ControllerOptions::default().in_directory(Path::new("/run/other"));
        let other = Controller::open(other).unwrap();
        assert!(other.networks().unwrap().is_empty() && other.endpoints().unwrap().is_empty());
        let overlapping = || with_subnets("bridge", "green", &["10.1.0.0/24"]);
        refused(other.create_network(overlapping()), ErrorKind::AlreadyExists, &["overlaps 10.1.0.0/24"]);
        let before = host.dump();
        refused(other.create_network(overlapping()), ErrorKind::AlreadyExists, &["overlaps 10.1.0.0/24"]);
        for taken in [blue(), with_subnets("bridge", "blue", &["10.2.0.0/24"])] {
            refused(other.create_network(taken), ErrorKind::AlreadyExists, &["br-blue", "another network"]);
        }
        assert_eq!(other.collect().unwrap().findings, []);
        before.assert_same(&host.dump(), "another store's links");
        for bad in ["relative", ""] {
            let mut options = options.clone();
            options.run_dir = bad.into();
            refused(Controller::open(options), ErrorKind::BadRequest, &["absolute"]);
        }
    });
}

#[test]
fn another_process_goes_on_with_what_the_first_made() {
    const TEST: &str = "another_process_goes_on_with_what_the_first_made";
    match child::role().as_deref() {
        Some("make") => {
            let controller = open();
            controller.create_network(blue()).unwrap();
            connected(&controller, "blue", "web");
            controller.create_endpoint("blue", endpoint("idle")).unwrap();
            controller.create_endpoint("blue", endpoint("joined")).unwrap();
            controller.join("blue", "joined", &sandbox(&controller, "db")).unwrap();
            return;
        }
        Some(role) => panic!("{role}"),
        None => {}
    }
    host(|host| {
        let (_, before) = settled(host);
        assert!(child::command(&[], TEST, "make").status().unwrap().success());
        let controller = open();
        assert_eq!(controller.collect().unwrap().findings, []);
        assert_eq!(names(&controller), ["blue"]);
        let all = controller.endpoints().unwrap();
        let listed: Vec<_> = all.iter().map(|own| own.name().as_str()).collect();
        assert_eq!(listed, ["idle", "joined", "web"]);
        assert_eq!(controller.sandboxes().unwrap().len(), 2);
        assert!(host.ping("web", ip("10.1.0.4")) && host.ping("db", ip("fd01::1")));
        let web = controller.open_sandbox("web").unwrap();
        controller.leave("blue", "joined").unwrap();
        controller.disconnect("blue", "web").unwrap();
        assert_eq!(links(host, "web"), ["lo"]);
        let idle = controller.join("blue", "idle", &web).unwrap();
        assert_eq!(addresses_of(&idle), ["10.1.0.3/24", "fd01::3/64"]);
        assert!(host.ping("web", ip("10.1.0.1")));
        controller.remove_sandbox("web").unwrap();
        controller.remove_sandbox("db").unwrap();
        for name in ["idle", "joined"] {
            controller.delete_endpoint("blue", name).unwrap();
        }
        controller.delete_network("blue").unwrap();
        host.assert_returns_to(&before, "what another process made");
    });
}

#[test]
fn a_static_networks_addresses_are_what_its_caller_says_and_nothing_is_leased() {
    host(|host| {
        let (controller, before) = settled(host);
        let mut lan = config("bridge", "blue");
        lan.ipam = "static".to_owned();
        refused(
            controller.create_network(lan.clone()),
            ErrorKind::BadRequest,
            &["pool", "static", "name a subnet"],
        );
        let mut own = subnet("10.1.0.0/24");
        lan.subnets = vec![own.clone()];
        refused(
            controller.create_network(lan.clone()),
            ErrorKind::BadRequest,
            &["gateway", "10.1.0.0/24", "name one"],
        );
        own.gateway = Some(ip("10.1.0.1"));
        lan.subnets = vec![own];
        controller.create_network(lan.clone()).unwrap();
        lan.name = "red".parse().unwrap();
        refused(controller.create_network(lan), ErrorKind::AlreadyExists, &["10.1.0.0/24", "overlaps"]);
        let web = sandbox(&controller, "web");
        let without = controller.connect("blue", &web, endpoint("web"));
        refused(without, ErrorKind::BadRequest, &["web", "address", "10.1.0.0/24", "static", "name one"]);
        refused(
            controller.connect("blue", &web, at("web", &["10.2.0.2"])),
            ErrorKind::BadRequest,
            &["10.2.0.2", "10.1.0.0/24"],
        );
        let made = controller.connect("blue", &web, at("web", &["10.1.0.9"])).unwrap();
        assert_eq!(addresses_of(&made), ["10.1.0.9/24"]);
        assert!(host.ping("web", ip("10.1.0.1")));
        assert_eq!(controller.inspect_network("blue").unwrap().usage[0].used, 0);
        controller.destroy_sandbox(&web).unwrap();
        controller.delete_network("blue").unwrap();
        host.assert_returns_to(&before, "a static network");
    });
}

#[test]
fn after_a_reboot_a_network_comes_back_when_it_is_first_used() {
    const TEST: &str = "after_a_reboot_a_network_comes_back_when_it_is_first_used";
    if child::role().is_some() {
        let controller = open();
        for (kind, name) in [("bridge", "blue"), ("routed", "red")] {
            controller.create_network(config(kind, name).with_ipv6()).unwrap();
            connected(&controller, name, &format!("in-{name}"));
        }
        return;
    }
    host(|host| {
        assert!(child::command(&[], TEST, "make").status().unwrap().success());
        let before: Vec<_> = open().networks().unwrap();
        // What a reboot takes: namespaces, links, and all under /run but the definitions.
        for name in ["blue", "red"] {
            host.ip(&["netns", "delete", &format!("in-{name}")]);
        }
        host.ip(&["link", "delete", "br-blue"]);
        host.ip(&["link", "delete", "rt-red"]);
        fs::remove_dir_all("/run/libnetns").unwrap();
        let controller = open();
        assert_eq!(format!("{:?}", controller.networks().unwrap()), format!("{before:?}"));
        assert_eq!(controller.endpoints().unwrap(), []);
        let shown = links(host, "");
        assert!(!shown.iter().any(|name| name == "br-blue" || name == "rt-red"), "{shown:?}");
        for name in ["blue", "red"] {
            let network = controller.inspect_network(name).unwrap().config;
            let (_sandbox, made) = connected(&controller, name, &format!("in-{name}"));
            for gateway in gateways(&network) {
                assert!(host.ping(&format!("in-{name}"), ip(&gateway)), "{gateway} of {name}");
                assert!(!addresses_of(&made).iter().any(|own| own.starts_with(&format!("{gateway}/"))));
            }
        }
    });
}

#[test]
fn what_lasts_as_long_as_its_process_goes_with_it() {
    const TEST: &str = "what_lasts_as_long_as_its_process_goes_with_it";
    if let Some(role) = child::role() {
        let lifetime = if role == "process" { Lifetime::Process } else { Lifetime::Host };
        let controller = Controller::open(options().with_lifetime(lifetime)).unwrap();
        connected(&controller, "blue", &role);
        controller.create_endpoint("blue", endpoint(&format!("{role}-idle"))).unwrap();
        // As long as it lives, others leave it alone.
        assert_eq!(open().collect().unwrap().findings, []);
        // Dropping a controller ends nothing.
        drop(controller);
        assert_eq!(open().endpoints().unwrap().iter().filter(|own| own.sandbox.is_some()).count(), 1);
        open().disconnect("blue", &role).unwrap();
        let controller = Controller::open(options().with_lifetime(lifetime)).unwrap();
        controller.connect("blue", &controller.open_sandbox(&role).unwrap(), endpoint(&role)).unwrap();
        return;
    }
    host(|host| {
        open().create_network(blue()).unwrap();
        let without = links(host, "");
        assert!(child::command(&[], TEST, "process").status().unwrap().success());
        let controller = open();
        assert_eq!(controller.endpoints().unwrap(), []);
        assert_eq!(controller.sandboxes().unwrap(), []);
        assert_eq!(host.netns_list(), Vec::<String>::new());
        let gone = |host: &Host| links(host, "") == without;
        let begin = std::time::Instant::now();
        while !gone(host) && begin.elapsed().as_secs() < 5 {}
        assert_eq!(links(host, ""), without);
        // The network is a definition, and definitions last.
        assert_eq!(names(&controller), ["blue"]);
        assert!(child::command(&[], TEST, "host").status().unwrap().success());
        let controller = open();
        let left = controller.endpoints().unwrap();
        assert_eq!(left.iter().map(|own| own.name().as_str()).collect::<Vec<_>>(), ["host", "host-idle"]);
        assert!(host.ping("host", ip("10.1.0.1")));
        assert_eq!(host.netns_list(), ["host"]);
    });
}

#[test]
fn a_namespace_that_others_deleted_is_found_out_and_its_endpoints_go() {
    host(|host| {
        let controller = open();
        controller.create_network(blue()).unwrap();
        let (web, _) = connected(&controller, "blue", "web");
        controller.create_endpoint("blue", endpoint("kept")).unwrap();
        let (db, _) = connected(&controller, "blue", "db");
        controller.disconnect("blue", "db").unwrap();
        controller.join("blue", "kept", &db).unwrap();
        drop((web, db));
        host.ip(&["netns", "delete", "web"]);
        host.ip(&["netns", "delete", "db"]);
        // The same container again, before anybody has collected.
        let (web, made) = connected(&controller, "blue", "web");
        assert_ne!(addresses_of(&made)[0], "10.1.0.2/24");
        assert!(host.ping("web", ip("10.1.0.1")));
        let found = controller.plan_collect().unwrap().findings;
        let kinds: Vec<_> = found.iter().map(|finding| finding.kind).collect();
        assert!(kinds.contains(&FindingKind::Endpoint), "{found:?}");
        assert_eq!(controller.endpoint("blue", "kept").unwrap().sandbox.unwrap(), Path::new("/run/netns/db"));
        assert!(controller.collect().unwrap().findings.iter().all(|finding| finding.error.is_none()));
        assert_eq!(controller.endpoint("blue", "kept").unwrap().sandbox, None);
        controller.join("blue", "kept", &sandbox(&controller, "again")).unwrap();
        assert_eq!(objects(host.ip(&["link", "show", "master", "br-blue"])).len(), 2);
        assert_eq!(web.interfaces().unwrap().len(), 1);
    });
}

#[test]
fn a_sandbox_that_was_destroyed_a_moment_ago_is_no_finding() {
    host(|_| {
        let controller = open();
        controller.create_network(blue()).unwrap();
        let (web, _) = connected(&controller, "blue", "web");
        controller.destroy_sandbox(&web).unwrap();
        assert_eq!(controller.plan_collect().unwrap().findings, []);
    });
}

#[test]
fn a_controller_can_be_opened_with_what_was_left_still_there() {
    host(|host| {
        let controller = open();
        controller.create_network(blue()).unwrap();
        drop(connected(&controller, "blue", "web"));
        drop(controller);
        host.ip(&["netns", "delete", "web"]);
        let looking = Controller::open_uncollected(options()).unwrap();
        let found = looking.plan_collect().unwrap();
        assert!(found.findings.iter().any(|finding| finding.kind == FindingKind::Endpoint), "{found:?}");
        assert_eq!(Controller::open_uncollected(options()).unwrap().endpoints().unwrap().len(), 1);
        assert_eq!(looking.collect().unwrap(), found);
        assert!(looking.endpoints().unwrap().is_empty());
    });
}
