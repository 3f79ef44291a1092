//! Promises of proxied addresses and of routes with a source.

mod common;

use common::{links, network, objects, refused, sandbox, veth};
use netns::link::{AddressSpec, LinkChange, LinkRef, Place, ProxySpec, RouteSpec};
use netns::plan::{Action, Plan, Step};
use netns::ErrorKind;
use testhost::{host, Host};

fn named(name: &str) -> LinkRef {
    LinkRef::named(name.parse().unwrap())
}

fn proxy(link: &str, address: &str) -> ProxySpec {
    ProxySpec { link: named(link), address: address.parse().unwrap() }
}

fn up(link: LinkRef) -> Action {
    let mut change = LinkChange::new(link);
    change.up = Some(true);
    Action::SetLink(change)
}

/// Proxied addresses as `ADDRESS on LINK of PROTOCOL`, sorted.
fn proxies(host: &Host) -> Vec<String> {
    let mut lines = Vec::new();
    for entry in objects(host.ip(&["neighbour", "show", "proxy"])) {
        let word = |key: &str| entry[key].as_str().unwrap_or("-").to_owned();
        lines.push(format!("{} on {} of {}", word("dst"), word("dev"), word("protocol")));
    }
    lines.sort();
    lines
}

#[test]
fn a_proxied_address_comes_and_goes() {
    host(|host| {
        let network = network("net");
        let sandbox = sandbox("web");
        veth(host, "lan0", "lan1");
        let both = [proxy("lan0", "10.7.0.2"), proxy("lan0", "fd07::2")];
        let mut plan = Plan::default();
        both.clone().into_iter().for_each(|spec| plan.push(Place::Host, Action::AddProxy(spec)));
        network.apply(&plan, &sandbox).unwrap();
        assert_eq!(proxies(host), ["10.7.0.2 on lan0 of 78", "fd07::2 on lan0 of 78"]);
        network.apply(&plan, &sandbox).unwrap();
        let mut plan = Plan::default();
        both.into_iter().for_each(|spec| plan.push(Place::Host, Action::DeleteProxy(spec)));
        network.apply(&plan, &sandbox).unwrap();
        assert_eq!(proxies(host), Vec::<String>::new());
        refused(network.apply(&plan, &sandbox), ErrorKind::NotFound, &["delete proxy for 10.7.0.2 on lan0"]);
    });
}

#[test]
fn a_proxied_address_goes_when_a_later_step_fails() {
    host(|host| {
        let network = network("net");
        let sandbox = sandbox("web");
        veth(host, "lan0", "lan1");
        let mut plan = Plan::default();
        plan.push(Place::Host, Action::AddProxy(proxy("lan0", "10.7.0.2")));
        plan.push(Place::Host, Action::AddProxy(proxy("lan0", "fd07::2")));
        plan.push(Place::Host, up(named("gone0")));
        refused(network.apply(&plan, &sandbox), ErrorKind::NotFound, &["set link gone0"]);
        assert_eq!(proxies(host), Vec::<String>::new());
    });
}

#[test]
fn a_proxied_address_on_a_link_without_ipv6_says_so() {
    host(|host| {
        let network = network("net");
        let sandbox = sandbox("web");
        veth(host, "lan0", "lan1");
        // Below what IPv6 needs, so that the kernel takes it from the link.
        host.ip(&["link", "set", "lan0", "mtu", "1000"]);
        let mut plan = Plan::default();
        plan.push(Place::Host, Action::AddProxy(proxy("lan0", "fd07::2")));
        let error = network.apply(&plan, &sandbox).unwrap_err();
        assert!(error.to_string().contains("IPv6 is off on lan0"), "{error}");
    });
}

#[test]
fn packets_leave_with_the_source_of_their_route() {
    host(|host| {
        let network = network("net");
        let sandbox = sandbox("web");
        let endpoint = common::endpoint("web", &["10.1.0.2/24", "fd01::2/64"]);
        network.join(&sandbox, &endpoint).unwrap();
        let mut plan = Plan::default();
        for (own, destination, gateway) in
            [("10.3.0.9/32", "10.4.0.0/16", "10.1.0.1"), ("fd03::9/128", "fd04::/48", "fd01::1")]
        {
            let address = AddressSpec { link: named("eth0"), address: own.parse().unwrap(), callers: false };
            let route = RouteSpec {
                link: named("eth0"),
                destination: destination.parse().unwrap(),
                gateway: Some(gateway.parse().unwrap()),
                source: Some(address.address.addr()),
                metric: None,
                replace: false,
                callers: false,
                local: false,
            };
            plan.push(Place::Sandbox, Action::AddAddress(address));
            plan.push(Place::Sandbox, Action::AddRoute(route));
        }
        network.apply(&plan, &sandbox).unwrap();
        assert!(plan.to_string().contains("10.4.0.0/16 via 10.1.0.1 on eth0 from 10.3.0.9"), "{plan}");
        for (to, source) in [("10.4.0.1", "10.3.0.9"), ("fd04::1", "fd03::9")] {
            assert_eq!(host.ip_in("web", &["route", "get", to])[0]["prefsrc"], source, "to {to}");
        }
        assert_eq!(links(host, "web"), ["eth0", "lo"]);
    });
}

#[test]
fn a_route_with_the_source_of_somebody_else_says_so() {
    host(|_| {
        let network = network("net");
        let sandbox = sandbox("web");
        network.join(&sandbox, &common::endpoint("web", &["10.1.0.2/24"])).unwrap();
        let route = RouteSpec {
            link: named("eth0"),
            destination: "10.4.0.0/16".parse().unwrap(),
            gateway: None,
            source: Some("10.9.9.9".parse().unwrap()),
            metric: None,
            replace: false,
            callers: false,
            local: false,
        };
        let plan = Plan { steps: vec![Step::new(Place::Sandbox, Action::AddRoute(route))] };
        let words = &["add route 10.4.0.0/16 on eth0 from 10.9.9.9", "is 10.9.9.9 an address"];
        refused(network.apply(&plan, &sandbox), ErrorKind::BadRequest, words);
    });
}
