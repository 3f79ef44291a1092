//! Interfaces that move into a sandbox and out again (seed `000`, `AddInterface`, `RemoveInterface`).

mod common;

use std::env;
use std::process::Command;

use common::{
    addresses, assert_inside_is, dual, inside, interface, ipv6_setting, is_up, key, link, links, neighbours,
    network, objects, refused, routes, sandbox, veth,
};
use netns::{Destination, ErrorKind, Interface, InterfaceName, Mtu, Neighbour, Sandbox, StaticRoute};
use testhost::{host, Host};

fn route(destination: &str, next_hop: Option<&str>) -> StaticRoute {
    StaticRoute {
        destination: destination.parse().unwrap(),
        next_hop: next_hop.map(|hop| hop.parse().unwrap()),
    }
}

fn named(mut interface: Interface, name: &str) -> Interface {
    interface.destination = Destination::Name(InterfaceName::new(name).unwrap());
    interface
}

/// `veth0`, the other end of `peer0`, with everything set.
fn complete() -> Interface {
    let mut interface = interface("veth0", "10.1.0.2/24");
    interface.address_ipv6 = Some("fd01::2/64".parse().unwrap());
    interface.mac = Some("02:42:0a:01:00:02".parse().unwrap());
    interface.mtu = Some(Mtu::new(1400).unwrap());
    interface.gateway = Some("10.1.0.1".parse().unwrap());
    interface.gateway_ipv6 = Some("fd01::1".parse().unwrap());
    interface.routes = vec![
        route("10.9.0.0/16", Some("10.1.0.9")),
        route("10.8.0.0/16", None),
        route("fd09::/48", Some("fd01::9")),
    ];
    interface.neighbours =
        vec![Neighbour { address: "10.1.0.9".parse().unwrap(), mac: "02:00:00:00:00:09".parse().unwrap() }];
    interface
}

/// A veth pair whose end `veth0` is somebody's: up, with an alias, a MAC and an MTU of its own.
fn marked(host: &Host) {
    veth(host, "veth0", "peer0");
    host.ip(&["link", "set", "veth0", "alias", "the uplink", "address", "02:00:00:00:00:77"]);
    host.ip(&["link", "set", "veth0", "mtu", "1450", "up"]);
    host.ip(&["link", "set", "peer0", "up"]);
}

#[test]
fn an_added_interface_has_everything_that_was_asked_for() {
    host(|host| {
        marked(host);
        let sandbox = sandbox("web");
        let added = sandbox.add_interface(&complete()).unwrap();
        assert_eq!(links(host, ""), ["lo", "peer0"]);
        assert_eq!(links(host, "web"), ["eth0", "lo"]);
        let eth0 = link(host, "web", "eth0");
        assert!(is_up(&eth0), "{eth0}");
        assert_eq!(eth0["address"], "02:42:0a:01:00:02");
        assert_eq!(eth0["mtu"], 1400);
        assert_eq!(addresses(&eth0), ["10.1.0.2/24", "fd01::2/64", "fe80::42:aff:fe01:2/64"]);
        for own in eth0["addr_info"].as_array().unwrap() {
            assert!(own["family"] == "inet" || own["nodad"] == true, "{own}");
            assert!(own["tentative"].is_null(), "{own}");
        }
        assert_eq!(eth0["addr_info"][0]["broadcast"], "10.1.0.255");
        assert_eq!(
            routes(host, "web", "-4"),
            [
                "10.1.0.0/24 dev eth0",
                "10.8.0.0/16 dev eth0",
                "10.9.0.0/16 via 10.1.0.9 dev eth0",
                "default via 10.1.0.1 dev eth0"
            ]
        );
        assert_eq!(
            routes(host, "web", "-6"),
            ["default via fd01::1 dev eth0", "fd01::/64 dev eth0", "fd09::/48 via fd01::9 dev eth0"]
        );
        assert_eq!(neighbours(host, "web"), ["10.1.0.9 02:00:00:00:00:09"]);

        let mut listed = sandbox.interfaces().unwrap().remove(0);
        listed.routes.sort_by_key(|route| added.routes.iter().position(|own| own == route));
        assert_eq!(listed, added, "what is listed is what was added");
        assert_eq!(added, named(complete(), "eth0"));
    });
}

#[test]
fn an_interface_that_asks_for_nothing_keeps_its_mac_and_mtu() {
    host(|host| {
        marked(host);
        let sandbox = sandbox("web");
        sandbox.add_interface(&Interface::new("veth0").unwrap()).unwrap();
        let eth0 = link(host, "web", "eth0");
        assert!(is_up(&eth0), "{eth0}");
        assert_eq!((&eth0["address"], &eth0["mtu"]), (&"02:00:00:00:00:77".into(), &1450.into()));
        assert!(addresses(&eth0).is_empty(), "{eth0}");
    });
}

#[test]
fn a_prefix_gets_the_lowest_number_that_is_free() {
    host(|host| {
        let sandbox = sandbox("web");
        for taken in ["eth0", "eth2", "lan"] {
            host.ip_in("web", &["link", "add", taken, "type", "bridge"]);
        }
        for number in 0..4 {
            veth(host, &format!("veth{number}"), &format!("peer{number}"));
        }
        let add =
            |interface: &Interface| sandbox.add_interface(interface).unwrap().name().unwrap().to_string();
        assert_eq!(add(&Interface::new("veth0").unwrap()), "eth1");
        assert_eq!(add(&Interface::new("veth1").unwrap()), "eth3");
        let mut other = Interface::new("veth2").unwrap();
        other.destination = Destination::Prefix(InterfaceName::new("wan").unwrap());
        assert_eq!(add(&other), "wan0");
        assert_eq!(add(&named(Interface::new("veth3").unwrap(), "wan7")), "wan7");
        assert_eq!(links(host, "web"), ["eth0", "eth1", "eth2", "eth3", "lan", "lo", "wan0", "wan7"]);
    });
}

#[test]
fn a_device_may_keep_a_name_that_is_taken_in_the_host_and_free_in_the_sandbox() {
    host(|host| {
        host.ip(&["link", "add", "eth0", "type", "bridge"]);
        veth(host, "eth1", "peer0");
        let sandbox = sandbox("web");
        host.ip_in("web", &["link", "add", "eth1", "type", "bridge"]);
        let added = sandbox.add_interface(&interface("eth1", "10.1.0.2/24")).unwrap();
        assert_eq!(added.name().unwrap().as_str(), "eth0");
        assert_eq!(links(host, ""), ["eth0", "lo", "peer0"]);
        assert_eq!(links(host, "web"), ["eth0", "eth1", "lo"]);
        sandbox.remove_interface(&added).unwrap();
        assert_eq!(links(host, ""), ["eth0", "eth1", "lo", "peer0"]);
        assert_eq!(links(host, "web"), ["eth1", "lo"]);
    });
}

#[test]
fn without_an_ipv6_address_there_is_no_ipv6_at_all() {
    host(|host| {
        let sandbox = sandbox("web");
        for number in 0..3 {
            veth(host, &format!("veth{number}"), &format!("peer{number}"));
            host.ip(&["link", "set", &format!("peer{number}"), "up"]);
        }
        sandbox.add_interface(&interface("veth0", "10.1.0.2/24")).unwrap();
        let mut dual = interface("veth1", "10.2.0.2/24");
        dual.address_ipv6 = Some("fd02::2/64".parse().unwrap());
        sandbox.add_interface(&dual).unwrap();
        sandbox.add_interface(&interface("veth2", "10.3.0.2/24")).unwrap();
        assert_no_ipv6(host, &sandbox, "eth0");
        assert_no_ipv6(host, &sandbox, "eth2");
        assert_eq!(ipv6_setting(&sandbox, "eth1/disable_ipv6"), "0");
        assert_eq!(ipv6_setting(&sandbox, "lo/disable_ipv6"), "0");
    });
}

fn assert_no_ipv6(host: &Host, sandbox: &Sandbox, name: &str) {
    assert_eq!(ipv6_setting(sandbox, &format!("{name}/disable_ipv6")), "1", "{name}");
    let place = sandbox.key().name().as_str();
    let six = objects(host.ip_in(place, &["-6", "address", "show", "dev", name]));
    assert!(six.is_empty(), "{name}: {six:?}");
}

#[test]
fn ipv6_stays_off_whichever_handle_brings_an_interface() {
    host(|host| {
        let first = sandbox("web");
        for number in 0..3 {
            veth(host, &format!("veth{number}"), &format!("peer{number}"));
        }
        first.add_interface(&interface("veth0", "10.1.0.2/24")).unwrap();
        let second = Sandbox::open(&key("web")).unwrap();
        let mut dual = interface("veth1", "10.2.0.2/24");
        dual.address_ipv6 = Some("fd02::2/64".parse().unwrap());
        second.add_interface(&dual).unwrap();
        first.add_interface(&interface("veth2", "10.3.0.2/24")).unwrap();
        assert_no_ipv6(host, &first, "eth2");
    });
}

#[test]
fn a_refused_interface_stays_where_and_as_it_was() {
    host(|host| {
        marked(host);
        let sandbox = sandbox("web");
        host.ip_in("web", &["link", "add", "lan", "type", "bridge"]);
        let six = "/proc/sys/net/ipv6/conf/lan/disable_ipv6";
        sandbox.run(|| std::fs::write(six, "0")).unwrap().unwrap();
        host.ip_in("web", &["link", "set", "lan", "up"]);
        host.ip_in("web", &["address", "add", "10.7.0.1/16", "dev", "lan"]);
        host.ip_in("web", &["-6", "route", "add", "fd07::/48", "dev", "lan"]);
        host.ip_in("web", &["route", "add", "default", "dev", "lan"]);
        let (before, before_inside) = (host.dump(), inside(host, &sandbox));
        let try_it = |interface: &Interface, kind, words: &[&str]| {
            let whole = [&["add interface", "/run/netns/web"], words].concat();
            refused(sandbox.add_interface(interface), kind, &whole);
            host.assert_returns_to(&before, &format!("{words:?}"));
            assert_inside_is(host, &sandbox, &before_inside, &format!("{words:?}"));
        };
        let (exists, bad) = (ErrorKind::AlreadyExists, ErrorKind::BadRequest);
        try_it(&interface("veth9", "10.1.0.2/24"), ErrorKind::NotFound, &["veth9", "host"]);
        try_it(&named(complete(), "lan"), exists, &["veth0", "name lan"]);
        try_it(&named(complete(), "lo"), exists, &["name lo"]);
        for address in ["10.7.3.2/24", "10.0.0.2/8", "10.7.0.2/16"] {
            try_it(&interface("veth0", address), exists, &[address, "overlaps", "10.7.0.0/16", "lan"]);
        }
        let mut six = complete();
        six.address_ipv6 = Some("fd07:0:0:1::2/64".parse().unwrap());
        (six.gateway_ipv6, six.routes) = (None, Vec::new());
        try_it(&six, exists, &["fd07:0:0:1::2/64", "overlaps", "fd07::/48"]);
        for address in ["0.0.0.0/0", "10.1.0.0/24", "10.1.0.255/24", "127.0.0.2/8", "224.0.0.5/24"] {
            try_it(&interface("veth0", address), bad, &[address]);
        }
        let mut far = complete();
        far.gateway = Some("10.2.0.1".parse().unwrap());
        try_it(&far, bad, &["gateway 10.2.0.1", "not directly reachable"]);
        let mut default = complete();
        default.routes.push(route("0.0.0.0/0", Some("10.1.0.1")));
        try_it(&default, bad, &["default"]);
        let mut small = complete();
        small.mtu = Some(Mtu::new(1279).unwrap());
        try_it(&small, bad, &["1279", "1280"]);
    });
}

#[test]
fn an_interface_that_fails_halfway_goes_back_as_it_was() {
    host(|host| {
        marked(host);
        let sandbox = sandbox("web");
        let (before, before_inside) = (host.dump(), inside(host, &sandbox));
        let mut twice = complete();
        twice.routes.push(twice.routes[0]);
        refused(
            sandbox.add_interface(&twice),
            ErrorKind::AlreadyExists,
            &["add interface veth0", "add route 10.9.0.0/16", "already"],
        );
        host.assert_returns_to(&before, "a route that is there twice");
        assert_inside_is(host, &sandbox, &before_inside, "a route that is there twice");
        assert_eq!(ipv6_setting(&sandbox, "default/disable_ipv6"), "1");
        sandbox.add_interface(&complete()).unwrap();
    });
}

#[test]
fn an_mtu_that_the_device_cannot_have_leaves_it_where_it_was() {
    host(|host| {
        veth(host, "veth0", "peer0");
        host.ip(&["link", "add", "mac0", "link", "veth0", "type", "macvlan", "mode", "bridge"]);
        host.ip(&["link", "set", "mac0", "alias", "mine"]);
        let sandbox = sandbox("web");
        let (before, before_inside) = (host.dump(), inside(host, &sandbox));
        let mut interface = interface("mac0", "10.1.0.2/24");
        interface.mtu = Some(Mtu::new(9000).unwrap());
        let error = sandbox.add_interface(&interface).unwrap_err();
        assert!(error.to_string().contains("9000"), "{error}");
        assert!(error.rollback_failures().is_empty(), "{error}");
        host.assert_returns_to(&before, "an MTU above the lower device's");
        assert_inside_is(host, &sandbox, &before_inside, "an MTU above the lower device's");
    });
}

#[test]
fn a_removed_interface_comes_back_under_its_own_name_and_alias() {
    host(|host| {
        marked(host);
        let sandbox = sandbox("web");
        let clean = inside(host, &sandbox);
        let added = sandbox.add_interface(&complete()).unwrap();
        sandbox.remove_interface(&added).unwrap();
        let veth0 = link(host, "", "veth0");
        assert_eq!(veth0["ifalias"], "the uplink");
        assert!(addresses(&veth0).iter().all(|own| own.starts_with("fe80:")), "{veth0}");
        assert_inside_is(host, &sandbox, &clean, "an interface that came and went");
        assert!(sandbox.interfaces().unwrap().is_empty());
        sandbox.remove_interface(&added).unwrap();
        sandbox.remove_interface(&complete()).unwrap();
        sandbox.remove_interface(&Interface::new("never").unwrap()).unwrap();
        assert_eq!(links(host, ""), ["lo", "peer0", "veth0"]);

        let again = sandbox.add_interface(&complete()).unwrap();
        assert_eq!(again, added);
        sandbox.remove_interface(&complete()).unwrap();
        assert_eq!(links(host, "web"), ["lo"], "it may be named by where it came from alone");
    });
}

#[test]
fn an_interface_whose_old_name_is_taken_stays_listed_and_working() {
    host(|host| {
        marked(host);
        let sandbox = sandbox("web");
        let added = sandbox.add_interface(&complete()).unwrap();
        host.ip(&["link", "add", "veth0", "type", "bridge"]);
        let (before, before_inside) = (host.dump(), inside(host, &sandbox));
        refused(
            sandbox.remove_interface(&added),
            ErrorKind::AlreadyExists,
            &["remove interface veth0", "/run/netns/web", "veth0 exists in the host"],
        );
        host.assert_returns_to(&before, "a way back that is blocked");
        assert_inside_is(host, &sandbox, &before_inside, "a way back that is blocked");
        assert_eq!(sandbox.interfaces().unwrap().len(), 1);
        host.ip(&["link", "delete", "veth0"]);
        sandbox.remove_interface(&added).unwrap();
        assert_eq!(links(host, ""), ["lo", "peer0", "veth0"]);
    });
}

#[test]
fn only_what_we_brought_is_listed() {
    host(|host| {
        let network = network("net");
        let sandbox = sandbox("web");
        host.ip_in("web", &["link", "add", "eth0", "type", "veth", "peer", "name", "mine"]);
        host.ip_in("web", &["link", "set", "mine", "alias", "libnetns network=net"]);
        assert!(sandbox.interfaces().unwrap().is_empty());
        veth(host, "veth0", "peer0");
        let added = sandbox.add_interface(&interface("veth0", "10.9.0.2/24")).unwrap();
        let joined = network.join(&sandbox, &dual("web", 2)).unwrap();
        assert_eq!(sandbox.interfaces().unwrap(), [added, joined]);
        let names = |sandbox: &Sandbox| -> Vec<_> {
            let all = sandbox.interfaces().unwrap();
            all.iter().map(|own| own.name().unwrap().to_string()).collect()
        };
        assert_eq!(names(&sandbox), ["eth1", "eth2"]);
        host.ip_in("web", &["link", "delete", "eth2"]);
        assert_eq!(names(&sandbox), ["eth1"], "one that others deleted is gone");
    });
}

/// What the child process of the next test sees and does.
const IN_CHILD: &str = "NETNS_TEST_CHILD_OPENS";

#[test]
fn a_handle_of_another_process_sees_the_same_and_gives_it_back() {
    if env::var_os(IN_CHILD).is_some() {
        let sandbox = Sandbox::open(&key("web")).unwrap();
        let listed = sandbox.interfaces().unwrap();
        println!("child sees {}", serde_json::to_string(&listed).unwrap());
        return sandbox.remove_interface(&listed[0]).unwrap();
    }
    host(|host| {
        marked(host);
        veth(host, "veth1", "peer1");
        let sandbox = sandbox("web");
        sandbox.add_interface(&complete()).unwrap();
        sandbox.add_interface(&interface("veth1", "10.2.0.2/24")).unwrap();
        let listed = sandbox.interfaces().unwrap();
        let second = Sandbox::open(&key("web")).unwrap();
        assert_eq!(second.info().unwrap(), sandbox.info().unwrap());

        let name = "a_handle_of_another_process_sees_the_same_and_gives_it_back";
        let mut child = Command::new(env::current_exe().unwrap());
        child.args(["--exact", name, "--nocapture"]).env(IN_CHILD, "1");
        let output = child.output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{text}");
        let seen = text.lines().find_map(|line| Some(line.split_once("child sees ")?.1)).unwrap();
        assert_eq!(serde_json::from_str::<Vec<Interface>>(seen).unwrap(), listed);

        assert_eq!(link(host, "", "veth0")["ifalias"], "the uplink");
        assert_eq!(sandbox.interfaces().unwrap(), listed[1..]);
        second.remove_interface(&listed[1]).unwrap();
        assert_eq!(links(host, ""), ["lo", "peer0", "peer1", "veth0", "veth1"]);
        assert_eq!(links(host, "web"), ["lo"]);
    });
}
