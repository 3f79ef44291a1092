//! Each change of a link does what it says and nothing else, or nothing at all.

mod common;

use std::fs::File;
use std::os::fd::AsFd;
use std::process::Command;

use common::{addresses, is_ours, is_up, link, links, objects, refused, sandbox, veth, with_base, Container};
use netns::libcontainer::{
    change_interface_name, create_veth_pair, interface_down, interface_up, set_default_gateway,
    set_interface_in_namespace_fd, set_interface_in_namespace_pid, set_interface_ip, set_interface_master,
    set_mtu,
};
use netns::{Controller, ControllerOptions, ErrorKind, InterfaceName, Mtu, Network, NetworkOptions};
use serde_json::Value;
use testhost::{host, Host};

fn name(text: &str) -> InterfaceName {
    text.parse().unwrap()
}

fn mtu(bytes: u32) -> Mtu {
    Mtu::new(bytes).unwrap()
}

/// `x0` and `x1`, made by `ip`, both up.
fn pair(host: &Host) {
    veth(host, "x0", "x1");
    host.ip(&["link", "set", "x0", "up"]);
    host.ip(&["link", "set", "x1", "up"]);
}

fn bridge(host: &Host, name: &str) {
    host.ip(&["link", "add", name, "type", "bridge"]);
}

fn default_routes(host: &Host, family: &str) -> Vec<Value> {
    objects(host.ip(&[family, "route", "show", "default"]))
}

#[test]
fn a_pair_is_made_down_with_a_queue_each_and_is_nobodys() {
    host(|host| {
        create_veth_pair(&name("a0"), &name("a1")).unwrap();
        for (own, peer) in [("a0", "a1"), ("a1", "a0")] {
            let end = link(host, "", own);
            assert!(!is_up(&end) && !is_ours(&end) && end["ifalias"].is_null(), "{end}");
            assert_eq!(
                (&end["linkinfo"]["info_kind"], &end["link"]),
                (&"veth".into(), &peer.into()),
                "{end}"
            );
            assert_eq!((&end["num_tx_queues"], &end["num_rx_queues"]), (&1.into(), &1.into()), "{end}");
        }
        let controller = Controller::open(ControllerOptions::default()).unwrap();
        assert_eq!(controller.collect().unwrap().findings, []);
        drop(controller);
        assert_eq!(links(host, ""), ["a0", "a1", "lo"]);
    });
}

#[test]
fn a_pair_with_a_name_that_is_taken_is_not_made_at_all() {
    host(|host| {
        veth(host, "x0", "x1");
        let before = host.dump();
        refused(create_veth_pair(&name("x0"), &name("a1")), ErrorKind::AlreadyExists, &["x0", "a1"]);
        refused(create_veth_pair(&name("a0"), &name("x1")), ErrorKind::AlreadyExists, &["a0", "x1"]);
        refused(create_veth_pair(&name("a0"), &name("a0")), ErrorKind::BadRequest, &["same name"]);
        before.assert_same(&host.dump(), "pairs that were refused");
    });
}

#[test]
fn a_link_goes_up_and_down_and_may_be_told_twice() {
    host(|host| {
        veth(host, "x0", "x1");
        for _ in 0..2 {
            interface_up(&name("x0")).unwrap();
            assert!(is_up(&link(host, "", "x0")));
        }
        assert!(!is_up(&link(host, "", "x1")));
        for _ in 0..2 {
            interface_down(&name("x0")).unwrap();
            assert!(!is_up(&link(host, "", "x0")));
        }
    });
}

#[test]
fn a_link_that_is_down_is_renamed_and_keeps_all_else() {
    host(|host| {
        veth(host, "x0", "x1");
        let index = link(host, "", "x0")["ifindex"].clone();
        change_interface_name(&name("x0"), &name("y0")).unwrap();
        change_interface_name(&name("y0"), &name("y0")).unwrap();
        assert_eq!(links(host, ""), ["lo", "x1", "y0"]);
        assert_eq!(link(host, "", "y0")["ifindex"], index);
        assert!(!is_up(&link(host, "", "y0")));
    });
}

#[test]
fn a_link_that_is_up_is_renamed_as_the_kernel_has_it() {
    host(|host| {
        pair(host);
        match change_interface_name(&name("x0"), &name("y0")) {
            Ok(()) => assert!(is_up(&link(host, "", "y0"))),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Busy, "{error}");
                assert!(error.to_string().contains("must be down"), "{error}");
                assert!(is_up(&link(host, "", "x0")));
            }
        }
    });
}

#[test]
fn a_name_that_is_taken_is_not_given_again() {
    host(|host| {
        veth(host, "x0", "x1");
        let before = host.dump();
        refused(change_interface_name(&name("x0"), &name("x1")), ErrorKind::AlreadyExists, &["x0", "x1"]);
        before.assert_same(&host.dump(), "a name that was taken");
    });
}

#[test]
fn addresses_of_both_families_are_added_beside_others() {
    host(|host| {
        pair(host);
        for address in ["172.30.0.2/24", "172.30.0.3/24", "fd30::2/64", "fe80::77/64"] {
            set_interface_ip(&name("x0"), address.parse().unwrap()).unwrap();
            let there = link(host, "", "x0");
            assert!(addresses(&there).contains(&address.to_owned()), "{address}: {there}");
        }
        let own = link(host, "", "x0");
        let first = own["addr_info"].as_array().unwrap().iter().find(|own| own["local"] == "172.30.0.2");
        assert_eq!(first.unwrap()["broadcast"], "172.30.0.255", "{own}");
        let tentative = own["addr_info"].as_array().unwrap().iter().find(|own| own["local"] == "fd30::2");
        assert!(tentative.unwrap()["tentative"].is_null(), "{own}");
    });
}

#[test]
fn an_address_that_is_there_or_cannot_be_is_refused() {
    host(|host| {
        pair(host);
        std::fs::write("/proc/sys/net/ipv6/conf/x1/disable_ipv6", "1").unwrap();
        for address in ["172.30.0.2/24", "fd30::2/64"] {
            set_interface_ip(&name("x0"), address.parse().unwrap()).unwrap();
        }
        let before = host.dump();
        for address in ["172.30.0.2/24", "fd30::2/64"] {
            let again = set_interface_ip(&name("x0"), address.parse().unwrap());
            refused(again, ErrorKind::AlreadyExists, &[address, "x0 has it already"]);
        }
        for address in ["0.0.0.0/0", "224.0.0.1/24", "255.255.255.255/32", "::/0", "ff02::1/128"] {
            let refusal = set_interface_ip(&name("x0"), address.parse().unwrap());
            refused(refusal, ErrorKind::BadRequest, &[address, "no unicast"]);
        }
        let off = set_interface_ip(&name("x1"), "fd30::3/64".parse().unwrap());
        refused(off, ErrorKind::PermissionDenied, &["IPv6 is off"]);
        before.assert_same(&host.dump(), "addresses that were refused");
    });
}

#[test]
fn a_default_gateway_of_each_family_leads_through_its_interface() {
    host(|host| {
        pair(host);
        // Both subnets are on two links: the one that is named counts.
        for (own, last) in [("x0", 2), ("x1", 3)] {
            set_interface_ip(&name(own), format!("172.30.0.{last}/24").parse().unwrap()).unwrap();
            set_interface_ip(&name(own), format!("fd30::{last}/64").parse().unwrap()).unwrap();
        }
        for (family, gateway) in [("-4", "172.30.0.1"), ("-6", "fd30::1")] {
            set_default_gateway(gateway.parse().unwrap(), &name("x1")).unwrap();
            let routes = default_routes(host, family);
            assert_eq!(routes.len(), 1, "{routes:?}");
            assert_eq!((&routes[0]["gateway"], &routes[0]["dev"]), (&gateway.into(), &"x1".into()));
        }
    });
}

#[test]
fn a_default_route_that_is_there_stays_whosever_it_is() {
    host(|host| {
        pair(host);
        host.ip(&["address", "add", "172.30.0.2/24", "dev", "x0"]);
        host.ip(&["address", "add", "fd30::2/64", "dev", "x0", "nodad"]);
        host.ip(&["route", "add", "default", "via", "172.30.0.9"]);
        host.ip(&["-6", "route", "add", "default", "via", "fd30::9"]);
        let before = host.dump();
        for gateway in ["172.30.0.1", "fd30::1"] {
            let refusal = set_default_gateway(gateway.parse().unwrap(), &name("x0"));
            refused(refusal, ErrorKind::AlreadyExists, &[gateway, "already"]);
        }
        before.assert_same(&host.dump(), "gateways that were refused");
        host.ip(&["route", "replace", "default", "via", "172.30.0.9", "metric", "100"]);
        host.ip(&["route", "delete", "default", "metric", "0"]);
        set_default_gateway("172.30.0.1".parse().unwrap(), &name("x0")).unwrap();
        assert_eq!(default_routes(host, "-4").len(), 2);
    });
}

#[test]
fn a_gateway_that_is_out_of_reach_is_refused() {
    host(|host| {
        pair(host);
        host.ip(&["address", "add", "172.30.0.2/24", "dev", "x0"]);
        host.ip(&["address", "add", "fd30::2/64", "dev", "x0", "nodad"]);
        veth(host, "y0", "y1");
        let before = host.dump();
        for gateway in ["172.31.0.1", "fd31::1"] {
            let refusal = set_default_gateway(gateway.parse().unwrap(), &name("x0"));
            refused(refusal, ErrorKind::BadRequest, &[gateway, "not directly reachable"]);
            let down = set_default_gateway(gateway.parse().unwrap(), &name("y0"));
            refused(down, ErrorKind::BadRequest, &[gateway, "y0 is down"]);
        }
        for gateway in ["0.0.0.0", "127.0.0.1", "224.0.0.1", "::", "::1", "ff02::1"] {
            let refusal = set_default_gateway(gateway.parse().unwrap(), &name("x0"));
            refused(refusal, ErrorKind::BadRequest, &[gateway, "no unicast"]);
        }
        before.assert_same(&host.dump(), "gateways that were refused");
    });
}

#[test]
fn a_link_becomes_a_port_and_may_be_told_twice() {
    host(|host| {
        veth(host, "x0", "x1");
        bridge(host, "br0");
        for _ in 0..2 {
            set_interface_master(&name("x0"), &name("br0")).unwrap();
            let port = link(host, "", "x0");
            assert_eq!(port["master"], "br0", "{port}");
            assert!(!is_up(&port), "{port}");
        }
    });
}

#[test]
fn a_master_that_cannot_be_one_is_refused() {
    host(|host| {
        veth(host, "x0", "x1");
        veth(host, "y0", "y1");
        bridge(host, "br0");
        bridge(host, "br1");
        host.ip(&["link", "set", "y0", "master", "br1"]);
        let before = host.dump();
        let set = |link: &str, master: &str| set_interface_master(&name(link), &name(master));
        refused(set("x0", "x1"), ErrorKind::BadRequest, &["x1", "no bridge", "veth"]);
        refused(set("x0", "lo"), ErrorKind::BadRequest, &["lo", "no bridge"]);
        refused(set("br1", "br0"), ErrorKind::BadRequest, &["br1", "a bridge itself"]);
        refused(set("lo", "br0"), ErrorKind::BadRequest, &["lo", "br0"]);
        refused(set("y0", "br0"), ErrorKind::Busy, &["y0", "port of br1"]);
        refused(set("x0", "br9"), ErrorKind::NotFound, &["br9", "no such link"]);
        refused(set("x9", "br0"), ErrorKind::NotFound, &["x9", "no such link"]);
        before.assert_same(&host.dump(), "masters that were refused");
    });
}

#[test]
fn an_mtu_is_set_or_refused_with_the_kernels_words() {
    host(|host| {
        veth(host, "x0", "x1");
        set_mtu(&name("x0"), mtu(1280)).unwrap();
        assert_eq!(link(host, "", "x0")["mtu"], 1280);
        host.ip(&["link", "add", "d0", "mtu", "1400", "type", "veth"]);
        host.ip(&["link", "add", "m0", "link", "d0", "type", "macvlan"]);
        let before = host.dump();
        refused(set_mtu(&name("m0"), mtu(1401)), ErrorKind::BadRequest, &["m0", "1401"]);
        before.assert_same(&host.dump(), "an MTU that was refused");
    });
}

#[test]
fn a_link_moves_by_descriptor_and_by_process_under_its_own_name() {
    host(|host| {
        pair(host);
        let web = sandbox("web");
        let file = File::open("/run/netns/web").unwrap();
        set_interface_in_namespace_fd(&name("x0"), file.as_fd()).unwrap();
        assert_eq!(
            (links(host, ""), links(host, "web")),
            (vec!["lo".to_owned(), "x1".to_owned()], vec!["lo".to_owned(), "x0".to_owned()],)
        );
        assert!(!is_up(&link(host, "web", "x0")));
        // A sandbox lists what it was given through it, and nothing else.
        assert_eq!(web.interfaces().unwrap(), []);
        let container = Container::start();
        set_interface_in_namespace_pid(&name("x1"), container.pid()).unwrap();
        assert!(container.links(host).contains("x1@"), "{}", container.links(host));
        assert_eq!(links(host, ""), ["lo"]);
    });
}

#[test]
fn a_link_that_is_moved_to_where_it_is_stays_as_it_is() {
    host(|host| {
        pair(host);
        let before = host.dump();
        let own = File::open("/proc/thread-self/ns/net").unwrap();
        set_interface_in_namespace_fd(&name("x0"), own.as_fd()).unwrap();
        before.assert_same(&host.dump(), "a move to the same namespace");
    });
}

#[test]
fn a_move_that_is_refused_leaves_the_link_where_and_as_it_was() {
    host(|host| {
        pair(host);
        bridge(host, "br0");
        host.ip(&["link", "set", "x0", "master", "br0"]);
        host.ip(&["address", "add", "172.30.0.2/24", "dev", "x1"]);
        let web = sandbox("web");
        host.ip_in("web", &["link", "add", "x0", "type", "bridge"]);
        let gone = Container::start();
        let pid = gone.pid();
        drop(gone);
        let before = with_base(host);
        let there = File::open(web.key().path()).unwrap();
        let to = |link: &str| set_interface_in_namespace_fd(&name(link), there.as_fd());
        refused(to("x0"), ErrorKind::AlreadyExists, &["x0", "exists there"]);
        refused(to("lo"), ErrorKind::BadRequest, &["lo"]);
        refused(to("x9"), ErrorKind::NotFound, &["x9", "no such link"]);
        let no_namespace = File::open("/proc/version").unwrap();
        let refusal = set_interface_in_namespace_fd(&name("x1"), no_namespace.as_fd());
        refused(refusal, ErrorKind::BadRequest, &["x1", "no network namespace"]);
        for pid in [pid, 0, u32::MAX] {
            let refusal = set_interface_in_namespace_pid(&name("x1"), pid);
            refused(refusal, ErrorKind::NotFound, &["x1", &pid.to_string()]);
        }
        host.assert_returns_to(&before, "moves that were refused");
    });
}

#[test]
fn a_process_that_has_ended_and_waits_to_be_reaped_has_no_namespace() {
    host(|host| {
        veth(host, "x0", "x1");
        let mut child = Command::new("true").spawn().unwrap();
        let stat = format!("/proc/{}/stat", child.id());
        while !std::fs::read_to_string(&stat).unwrap().contains(") Z ") {
            std::thread::yield_now();
        }
        let refusal = set_interface_in_namespace_pid(&name("x0"), child.id());
        refused(refusal, ErrorKind::NotFound, &["x0", &child.id().to_string()]);
        child.wait().unwrap();
        assert_eq!(links(host, ""), ["lo", "x0", "x1"]);
    });
}

#[test]
fn a_link_that_is_missing_is_named() {
    host(|host| {
        let before = host.dump();
        let x9 = name("x9");
        let own = File::open("/proc/thread-self/ns/net").unwrap();
        for result in [
            change_interface_name(&x9, &name("y9")),
            interface_up(&x9),
            interface_down(&x9),
            set_default_gateway("172.30.0.1".parse().unwrap(), &x9),
            set_interface_ip(&x9, "172.30.0.2/24".parse().unwrap()),
            set_mtu(&x9, mtu(1400)),
            set_interface_in_namespace_fd(&x9, own.as_fd()),
            set_interface_in_namespace_pid(&x9, std::process::id()),
        ] {
            refused(result, ErrorKind::NotFound, &["x9", "no such link"]);
        }
        before.assert_same(&host.dump(), "a link that is missing");
    });
}

#[test]
fn a_link_is_not_taken_by_another_of_its_names() {
    host(|host| {
        veth(host, "x0", "x1");
        host.ip(&["link", "property", "add", "dev", "x0", "altname", "other"]);
        let before = host.dump();
        refused(interface_up(&name("other")), ErrorKind::BadRequest, &["other", "x0"]);
        refused(change_interface_name(&name("other"), &name("y0")), ErrorKind::BadRequest, &["x0"]);
        refused(change_interface_name(&name("x1"), &name("other")), ErrorKind::AlreadyExists, &["other"]);
        before.assert_same(&host.dump(), "an alternative name");
    });
}

#[test]
fn hostile_names_never_reach_the_kernel() {
    for hostile in ["", ".", "..", "a/b", "a b", "a\0b", "a:b", "eth%d", "a\n", "sixteen-letters-"] {
        let error = InterfaceName::new(hostile).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BadRequest, "{hostile:?}: {error}");
    }
    // What is a name, however odd, is one to the kernel as well.
    host(|host| {
        for odd in ["-x", "ä", "$(id)", "fifteen-letters", "\"'"] {
            create_veth_pair(&name(odd), &name("peer")).unwrap();
            interface_up(&name(odd)).unwrap();
            assert!(links(host, "").contains(&odd.to_owned()));
            interface_down(&name(odd)).unwrap();
            change_interface_name(&name(odd), &name("plain")).unwrap();
            host.ip(&["link", "delete", "plain"]);
        }
    });
}

#[test]
fn what_the_caller_adds_is_the_callers_and_stays_when_a_network_goes() {
    host(|host| {
        host.ip(&["link", "add", "br0", "type", "bridge"]);
        host.ip(&["link", "set", "br0", "up"]);
        let bridge: InterfaceName = "br0".parse().unwrap();
        set_interface_ip(&bridge, "10.9.0.1/24".parse().unwrap()).unwrap();
        set_default_gateway("10.9.0.254".parse().unwrap(), &bridge).unwrap();
        let route = host.ip(&["route", "show", "default"]);
        assert_eq!(route[0]["gateway"], "10.9.0.254");
        assert_ne!(route[0]["protocol"], "78", "{route}");
        let addresses = || host.ip(&["-4", "address", "show", "dev", "br0"])[0]["addr_info"].clone();
        let before = addresses();
        let options = NetworkOptions::default().with_bridge(bridge);
        let options = options.with_gateway("10.8.0.1/24".parse().unwrap());
        let network = Network::create("bridge", "blue", options).unwrap();
        assert_ne!(addresses(), before);
        network.delete().unwrap();
        assert_eq!(addresses(), before);
        assert_eq!(host.ip(&["route", "show", "default"]), route);
    });
}
