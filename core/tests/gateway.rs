//! Default gateways and static routes of a sandbox (seed `000`, `SetGateway`; seed `004`, `AddStaticRoute`).

mod common;

use std::net::{Ipv4Addr, Ipv6Addr};

use common::{assert_inside_is, dual, endpoint, inside, network, options, refused, routes, sandbox};
use netns::{ErrorKind, Network, Sandbox, StaticRoute};
use testhost::{host, Host};

fn v4(text: &str) -> Option<Ipv4Addr> {
    Some(text.parse().unwrap())
}

fn v6(text: &str) -> Option<Ipv6Addr> {
    Some(text.parse().unwrap())
}

fn via(destination: &str, next_hop: &str) -> StaticRoute {
    StaticRoute { destination: destination.parse().unwrap(), next_hop: Some(next_hop.parse().unwrap()) }
}

fn connected(destination: &str) -> StaticRoute {
    StaticRoute { destination: destination.parse().unwrap(), next_hop: None }
}

/// A sandbox with `eth0` in 10.1.0.0/24 and fd01::/64, and `eth1` in 10.2.0.0/24 and fd02::/64.
fn two_networks() -> (Network, Network, Sandbox) {
    let one = network("one");
    let two = Network::create("bridge", "two", options(&["10.2.0.1/24", "fd02::1/64"])).unwrap();
    let sandbox = sandbox("web");
    one.join(&sandbox, &dual("web", 2)).unwrap();
    two.join(&sandbox, &endpoint("web", &["10.2.0.2/24", "fd02::2/64"])).unwrap();
    (one, two, sandbox)
}

fn defaults(host: &Host, family: &str) -> Vec<String> {
    let mut routes = routes(host, "web", family);
    routes.retain(|route| route.starts_with("default"));
    routes
}

#[test]
fn a_gateway_takes_the_place_of_the_one_before() {
    host(|host| {
        let (_one, _two, sandbox) = two_networks();
        assert_eq!(defaults(host, "-4"), ["default via 10.1.0.1 dev eth0"]);
        for (gateway, route) in [
            ("10.1.0.9", "default via 10.1.0.9 dev eth0"),
            ("10.2.0.1", "default via 10.2.0.1 dev eth1"),
            ("10.2.0.1", "default via 10.2.0.1 dev eth1"),
            ("10.1.0.1", "default via 10.1.0.1 dev eth0"),
        ] {
            sandbox.set_gateway(v4(gateway)).unwrap();
            assert_eq!(defaults(host, "-4"), [route]);
            assert_eq!(sandbox.info().unwrap().gateway, v4(gateway));
            assert_eq!(defaults(host, "-6"), ["default via fd01::1 dev eth0"]);
        }
    });
}

#[test]
fn an_ipv6_gateway_takes_the_place_of_the_one_before() {
    host(|host| {
        let (_one, _two, sandbox) = two_networks();
        assert_eq!(defaults(host, "-6"), ["default via fd01::1 dev eth0"]);
        for (gateway, route) in [
            ("fd01::9", "default via fd01::9 dev eth0"),
            ("fd02::1", "default via fd02::1 dev eth1"),
            ("fd02::1", "default via fd02::1 dev eth1"),
            ("fd01::1", "default via fd01::1 dev eth0"),
        ] {
            sandbox.set_gateway_ipv6(v6(gateway)).unwrap();
            assert_eq!(defaults(host, "-6"), [route]);
            assert_eq!(sandbox.info().unwrap().gateway_ipv6, v6(gateway));
            assert_eq!(defaults(host, "-4"), ["default via 10.1.0.1 dev eth0"]);
        }
    });
}

#[test]
fn a_first_gateway_is_set_in_both_families() {
    host(|host| {
        let network = network("net");
        let sandbox = sandbox("web");
        let mut without = dual("web", 2);
        without.default_route = false;
        network.join(&sandbox, &without).unwrap();
        assert!(defaults(host, "-4").is_empty() && defaults(host, "-6").is_empty());
        assert_eq!(sandbox.info().unwrap().gateway, None);
        sandbox.set_gateway(v4("10.1.0.1")).unwrap();
        sandbox.set_gateway_ipv6(v6("fd01::1")).unwrap();
        assert_eq!(defaults(host, "-4"), ["default via 10.1.0.1 dev eth0"]);
        assert_eq!(defaults(host, "-6"), ["default via fd01::1 dev eth0"]);
    });
}

#[test]
fn a_gateway_replaces_the_default_routes_of_others_too() {
    host(|host| {
        let network = network("net");
        let sandbox = sandbox("web");
        let mut without = dual("web", 2);
        without.default_route = false;
        network.join(&sandbox, &without).unwrap();
        host.ip_in("web", &["route", "add", "default", "via", "10.1.0.7"]);
        host.ip_in("web", &["-6", "route", "add", "default", "via", "fd01::7"]);
        sandbox.set_gateway(v4("10.1.0.1")).unwrap();
        sandbox.set_gateway_ipv6(v6("fd01::1")).unwrap();
        assert_eq!(defaults(host, "-4"), ["default via 10.1.0.1 dev eth0"]);
        assert_eq!(defaults(host, "-6"), ["default via fd01::1 dev eth0"]);
    });
}

#[test]
fn a_gateway_replaces_a_default_route_of_another_metric_too() {
    host(|host| {
        let network = network("net");
        let sandbox = sandbox("web");
        network.join(&sandbox, &dual("web", 2)).unwrap();
        host.ip_in("web", &["route", "add", "default", "via", "10.1.0.7", "metric", "50"]);
        host.ip_in("web", &["-6", "route", "add", "default", "via", "fd01::7", "metric", "50"]);
        sandbox.set_gateway(v4("10.1.0.1")).unwrap();
        sandbox.set_gateway_ipv6(v6("fd01::1")).unwrap();
        assert_eq!(defaults(host, "-4"), ["default via 10.1.0.1 dev eth0"]);
        assert_eq!(defaults(host, "-6"), ["default via fd01::1 dev eth0"]);
    });
}

#[test]
fn no_gateway_changes_nothing() {
    host(|host| {
        let (_one, _two, sandbox) = two_networks();
        let before = inside(host, &sandbox);
        sandbox.set_gateway(None).unwrap();
        sandbox.set_gateway_ipv6(None).unwrap();
        before.assert_same(&inside(host, &sandbox), "no gateway");
    });
}

#[test]
fn a_gateway_that_is_not_directly_reachable_is_refused_and_nothing_changes() {
    host(|host| {
        let (_one, _two, sandbox) = two_networks();
        let before = inside(host, &sandbox);
        let check = |result, words: &[&str]| {
            refused(result, ErrorKind::BadRequest, &[&["set gateway", "/run/netns/web"], words].concat());
            assert_inside_is(host, &sandbox, &before, &format!("{words:?}"));
        };
        for far in ["10.3.0.1", "8.8.8.8", "10.1.0.2", "0.0.0.0", "224.0.0.1", "127.0.0.1"] {
            check(sandbox.set_gateway(v4(far)), &[far]);
        }
        for far in ["fd03::1", "fd01::2", "::", "ff02::1", "::1"] {
            check(sandbox.set_gateway_ipv6(v6(far)), &[far]);
        }
        let error = sandbox.set_gateway(v4("10.3.0.1")).unwrap_err();
        assert!(error.to_string().contains("not directly reachable"), "{error}");
    });
}

#[test]
fn a_gateway_behind_a_link_that_is_down_is_refused_and_nothing_changes() {
    host(|host| {
        let (_one, _two, sandbox) = two_networks();
        host.ip_in("web", &["link", "set", "eth1", "down"]);
        host.ip_in("web", &["address", "replace", "fd02::2/64", "dev", "eth1", "nodad"]);
        let before = inside(host, &sandbox);
        let words = &["set gateway", "eth1 is down"];
        refused(sandbox.set_gateway(v4("10.2.0.1")), ErrorKind::BadRequest, words);
        refused(sandbox.set_gateway_ipv6(v6("fd02::1")), ErrorKind::BadRequest, words);
        assert_inside_is(host, &sandbox, &before, "a gateway behind a link that is down");
    });
}

#[test]
fn static_routes_come_and_go() {
    host(|host| {
        let network = network("net");
        let sandbox = sandbox("web");
        network.join(&sandbox, &dual("web", 2)).unwrap();
        let before = inside(host, &sandbox);
        let added = [
            via("10.9.0.0/16", "10.1.0.9"),
            connected("10.8.0.0/16"),
            via("fd09::/48", "fd01::9"),
            connected("fd08::/48"),
        ];
        for route in &added {
            sandbox.add_static_route(route).unwrap();
            let again = sandbox.add_static_route(route);
            refused(again, ErrorKind::AlreadyExists, &["add static route", "already"]);
        }
        let shown = [routes(host, "web", "-4"), routes(host, "web", "-6")].concat();
        for line in [
            "10.9.0.0/16 via 10.1.0.9 dev eth0",
            "10.8.0.0/16 dev eth0",
            "fd09::/48 via fd01::9 dev eth0",
            "fd08::/48 dev eth0",
        ] {
            assert!(shown.iter().any(|own| own == line), "{line} is missing in {shown:?}");
        }
        let eight = common::objects(host.ip_in("web", &["route", "show", "10.8.0.0/16"]));
        assert_eq!(eight[0]["scope"], "link");
        let listed = sandbox.info().unwrap().routes;
        assert!(added.iter().all(|route| listed.contains(route)), "{listed:?}");
        assert_eq!(listed.len(), added.len(), "{listed:?}");

        for route in &added {
            sandbox.remove_static_route(route).unwrap();
            sandbox.remove_static_route(route).unwrap();
        }
        assert_inside_is(host, &sandbox, &before, "routes that came and went");
    });
}

#[test]
fn a_static_route_that_cannot_be_is_refused_and_nothing_changes() {
    host(|host| {
        let (_one, _two, sandbox) = two_networks();
        let before = inside(host, &sandbox);
        let bad = |route: &StaticRoute, words: &[&str]| {
            let whole = [&["add static route", "/run/netns/web"], words].concat();
            refused(sandbox.add_static_route(route), ErrorKind::BadRequest, &whole);
            assert_inside_is(host, &sandbox, &before, &format!("{words:?}"));
        };
        bad(&via("0.0.0.0/0", "10.1.0.9"), &["default", "set_gateway"]);
        bad(&via("::/0", "fd01::9"), &["default", "set_gateway"]);
        bad(&via("10.9.0.0/16", "10.3.0.9"), &["10.3.0.9", "not directly reachable"]);
        bad(&via("10.9.0.0/16", "fd01::9"), &["family"]);
        bad(&via("10.9.0.1/16", "10.1.0.9"), &["10.9.0.1/16", "prefix"]);
        bad(&connected("10.8.0.0/16"), &["2 interfaces"]);
    });
}

#[test]
fn the_routes_of_others_are_not_ours_to_remove() {
    host(|host| {
        let network = network("net");
        let sandbox = sandbox("web");
        network.join(&sandbox, &dual("web", 2)).unwrap();
        host.ip_in("web", &["route", "add", "10.9.0.0/16", "via", "10.1.0.9"]);
        let before = inside(host, &sandbox);
        sandbox.remove_static_route(&via("10.9.0.0/16", "10.1.0.9")).unwrap();
        let gateway = sandbox.remove_static_route(&via("0.0.0.0/0", "10.1.0.1"));
        refused(gateway, ErrorKind::BadRequest, &["remove static route", "default"]);
        assert!(sandbox.info().unwrap().routes.is_empty());
        assert_inside_is(host, &sandbox, &before, "the routes of others");
    });
}
