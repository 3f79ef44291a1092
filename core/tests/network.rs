//! Bridge networks: made, found, refused and given up (seed `002`, `NewNetwork`).

mod common;

use common::{
    addresses, dual, endpoint, is_ours, is_up, link, links, network, options, refused, sandbox, veth,
    with_base, GATEWAYS,
};
use netns::{ErrorKind, InterfaceName, Mtu, Network, NetworkOptions, Sandbox};
use testhost::{host, Host};

fn on(bridge: &str, gateways: &[&str]) -> NetworkOptions {
    options(gateways).with_bridge(InterfaceName::new(bridge).unwrap())
}

/// A bridge of somebody else's, with a port, an address and an alias.
fn foreign_bridge(host: &Host) {
    host.ip(&["link", "add", "br0", "address", "02:00:00:00:00:b0", "type", "bridge"]);
    host.ip(&["link", "set", "br0", "alias", "the office", "mtu", "1450"]);
    host.ip(&["address", "add", "192.0.2.1/24", "dev", "br0"]);
    veth(host, "port0", "far0");
    host.ip(&["link", "set", "port0", "master", "br0", "up"]);
    host.ip(&["link", "set", "br0", "up"]);
}

#[test]
fn a_network_is_a_bridge_with_mac_mtu_group_and_gateways() {
    host(|host| {
        let before = host.dump();
        let mut options = options(&GATEWAYS).with_mtu(Mtu::new(1400).unwrap());
        options.mac = Some("02:00:00:00:00:b1".parse().unwrap());
        let network = Network::create("bridge", "net", options.clone()).unwrap();
        assert_eq!((network.name().as_str(), network.kind()), ("net", "bridge"));
        assert_eq!(network.bridge().as_str(), "br-net");
        assert_eq!(network.mtu().get(), 1400);
        assert_eq!(network.options(), &options);
        let bridge = link(host, "", "br-net");
        assert_eq!(bridge["linkinfo"]["info_kind"], "bridge");
        assert_eq!(bridge["address"], "02:00:00:00:00:b1");
        assert_eq!(bridge["mtu"], 1400);
        assert_eq!(bridge["group"], "20051");
        assert!(is_up(&bridge), "{bridge}");
        let own = addresses(&bridge);
        assert!(GATEWAYS.iter().all(|gateway| own.iter().any(|there| there == gateway)), "{own:?}");
        assert!(
            own.iter().all(|there| GATEWAYS.contains(&&**there) || there.starts_with("fe80:")),
            "{own:?}"
        );

        network.delete().unwrap();
        host.assert_returns_to(&before, "a network that came and went");
        network.delete().unwrap();
        host.assert_returns_to(&before, "a network that was deleted twice");
    });
}

#[test]
fn simplebridge_is_the_bridge_driver() {
    host(|host| {
        let network = Network::create("simplebridge", "net", NetworkOptions::default()).unwrap();
        assert_eq!(network.kind(), "bridge");
        assert_eq!(link(host, "", "br-net")["linkinfo"]["info_kind"], "bridge");
    });
}

#[test]
fn an_unknown_type_is_refused_with_the_known_ones() {
    host(|host| {
        let before = host.dump();
        for kind in ["", "Bridge", "overlay9"] {
            let words = &["create network \"net\"", &format!("{kind:?}"), "bridge, simplebridge"];
            refused(Network::create(kind, "net", NetworkOptions::default()), ErrorKind::NotFound, words);
        }
        before.assert_same(&host.dump(), "unknown types");
    });
}

#[test]
fn a_hostile_name_makes_no_network() {
    host(|host| {
        let before = host.dump();
        for name in ["", "..", "a/b", "-x", "a b", "a\0b", "a-name-too-long-for-a-bridge", &"x".repeat(65)] {
            refused(
                Network::create("bridge", name, NetworkOptions::default()),
                ErrorKind::BadRequest,
                &["create network"],
            );
        }
        before.assert_same(&host.dump(), "hostile names");
    });
}

#[test]
fn a_bridge_that_exists_is_used_and_not_changed_and_stays() {
    host(|host| {
        foreign_bridge(host);
        let before = host.dump();
        let network = Network::create("bridge", "net", on("br0", &GATEWAYS)).unwrap();
        assert_eq!(network.mtu().get(), 1450);
        let with_network = host.dump();
        for gateway in GATEWAYS {
            host.ip(&["address", "delete", gateway, "dev", "br0"]);
        }
        host.assert_returns_to(&before, "the gateways were all that changed");
        let again = Network::create("bridge", "net", on("br0", &GATEWAYS)).unwrap();
        with_network.assert_same(&host.dump(), "created again");
        again.delete().unwrap();
        host.assert_returns_to(&before, "a deleted network on a bridge of another");
        network.delete().unwrap();
        host.assert_returns_to(&before, "deleted twice");
    });
}

#[test]
fn a_bridge_that_is_down_is_brought_up() {
    host(|host| {
        host.ip(&["link", "add", "br0", "type", "bridge"]);
        let _network = Network::create("bridge", "net", on("br0", &[])).unwrap();
        assert!(is_up(&link(host, "", "br0")));
    });
}

#[test]
fn a_bridge_of_others_may_keep_its_other_ports_when_the_network_goes() {
    host(|host| {
        foreign_bridge(host);
        let before = host.dump();
        let network = Network::create("bridge", "net", on("br0", &GATEWAYS)).unwrap();
        let sandbox = sandbox("web");
        network.join(&sandbox, &dual("web", 2)).unwrap();
        refused(network.delete(), ErrorKind::Busy, &["br0", "1 endpoint"]);
        sandbox.destroy().unwrap();
        network.delete().unwrap();
        std::fs::remove_dir("/run/netns").unwrap();
        host.assert_returns_to(&before, "the bridge of another");
    });
}

#[test]
fn a_name_that_belongs_to_no_bridge_is_refused_and_nothing_changes() {
    host(|host| {
        veth(host, "br0", "other");
        let before = host.dump();
        refused(
            Network::create("bridge", "net", on("br0", &GATEWAYS)),
            ErrorKind::AlreadyExists,
            &["create network \"net\"", "br0", "no bridge", "veth"],
        );
        host.assert_returns_to(&before, "a veth in the bridge's place");
    });
}

#[test]
fn the_bridge_of_another_network_is_refused_and_nothing_changes() {
    host(|host| {
        let _one = network("one");
        let before = host.dump();
        refused(
            Network::create("bridge", "two", on("br-one", &["10.2.0.1/24"])),
            ErrorKind::AlreadyExists,
            &["create network \"two\"", "br-one", "network=one"],
        );
        host.assert_returns_to(&before, "the bridge of another network");
    });
}

#[test]
fn two_handles_of_one_network_are_one_network() {
    host(|host| {
        let first = network("net");
        let before = host.dump();
        let second = network("net");
        before.assert_same(&host.dump(), "a second handle");
        let sandbox = sandbox("web");
        first.join(&sandbox, &dual("web", 2)).unwrap();
        refused(second.delete(), ErrorKind::Busy, &["1 endpoint"]);
        refused(second.join(&sandbox, &dual("web", 3)), ErrorKind::AlreadyExists, &["web"]);
        second.unlink("web").unwrap();
        second.delete().unwrap();
        first.delete().unwrap();
        assert_eq!(links(host, ""), ["lo"]);
    });
}

#[test]
fn the_mtu_is_the_lowest_of_the_interfaces_with_a_default_route() {
    host(|host| {
        let mtu =
            |name: &str| Network::create("bridge", name, NetworkOptions::default()).unwrap().mtu().get();
        assert_eq!(mtu("none"), 1500);
        for (name, mtu, address) in
            [("up0", "1420", "10.9.0.1/24"), ("up1", "1380", "10.8.0.1/24"), ("up2", "1300", "10.7.0.1/24")]
        {
            veth(host, name, &format!("{name}p"));
            host.ip(&["link", "set", name, "mtu", mtu, "up"]);
            host.ip(&["address", "add", address, "dev", name]);
        }
        host.ip(&["route", "add", "default", "via", "10.9.0.9"]);
        assert_eq!(mtu("one"), 1420);
        host.ip(&["route", "add", "default", "via", "10.8.0.9", "metric", "100"]);
        assert_eq!(mtu("two"), 1380);
        assert_eq!(link(host, "", "br-two")["mtu"], 1380);
        let own = NetworkOptions::default().with_mtu(Mtu::new(9000).unwrap());
        assert_eq!(Network::create("bridge", "own", own).unwrap().mtu().get(), 9000);
        assert_eq!(link(host, "", "br-own")["mtu"], 9000);
    });
}

#[test]
fn an_ipv6_default_route_counts_for_the_mtu_too() {
    host(|host| {
        veth(host, "up0", "up0p");
        host.ip(&["link", "set", "up0", "mtu", "1290", "up"]);
        host.ip(&["address", "add", "fd0f::1/64", "dev", "up0", "nodad"]);
        host.ip(&["-6", "route", "add", "default", "via", "fd0f::9"]);
        let network = Network::create("bridge", "net", NetworkOptions::default()).unwrap();
        assert_eq!(network.mtu().get(), 1290);
    });
}

#[test]
fn a_gateway_that_no_host_can_have_is_refused_and_nothing_is_made() {
    host(|host| {
        let before = host.dump();
        for gateway in [
            "10.1.0.0/24",
            "10.1.0.255/24",
            "224.0.0.1/24",
            "0.0.0.0/0",
            "0.0.0.0/24",
            "127.0.0.1/8",
            "fd01::/64",
            "ff02::1/64",
            "::/0",
            "::1/128",
            "fe80::1/64",
        ] {
            refused(
                Network::create("bridge", "net", options(&[gateway])),
                ErrorKind::BadRequest,
                &["create network \"net\"", "gateway", gateway],
            );
        }
        let small = options(&GATEWAYS).with_mtu(Mtu::new(1279).unwrap());
        refused(Network::create("bridge", "net", small), ErrorKind::BadRequest, &["1279", "1280"]);
        before.assert_same(&host.dump(), "refused gateways");
    });
}

#[test]
fn a_network_with_endpoints_is_busy_and_says_how_many() {
    host(|host| {
        let before = with_base(host);
        let network = network("net");
        let sandboxes: Vec<Sandbox> = (2..5)
            .map(|number: u8| {
                let sandbox = sandbox(&format!("s{number}"));
                network.join(&sandbox, &dual(&format!("s{number}"), number)).unwrap();
                sandbox
            })
            .collect();
        let with_all = host.dump();
        let words = &["delete network net", "br-net", "3 endpoints"];
        refused(network.delete(), ErrorKind::Busy, words);
        host.assert_returns_to(&with_all, "a refused deletion");
        assert!(host.ping("s2", "10.1.0.4".parse().unwrap()));
        sandboxes[0].destroy().unwrap();
        sandboxes[1].destroy().unwrap();
        refused(network.delete(), ErrorKind::Busy, &["1 endpoint"]);
        sandboxes[2].destroy().unwrap();
        network.delete().unwrap();
        host.assert_returns_to(&before, "a network deleted right after its sandboxes");
    });
}

#[test]
fn a_linked_endpoint_keeps_the_network_busy_until_it_is_unlinked() {
    host(|host| {
        let before = host.dump();
        let network = network("net");
        let interfaces = network.link(&dual("web", 2)).unwrap();
        assert_eq!(interfaces.len(), 1);
        assert!(is_ours(&link(host, "", interfaces[0].src_name.as_str())));
        refused(network.delete(), ErrorKind::Busy, &["1 endpoint"]);
        network.unlink("web").unwrap();
        network.unlink("web").unwrap();
        network.unlink("never").unwrap();
        network.delete().unwrap();
        host.assert_returns_to(&before, "an endpoint that was linked and unlinked");
    });
}

#[test]
fn unlink_finds_an_endpoint_wherever_its_interface_is() {
    host(|host| {
        let network = network("net");
        let sandbox = sandbox("web");
        let (before, before_inside) = (host.dump(), common::inside(host, &sandbox));
        network.join(&sandbox, &dual("joined", 2)).unwrap();
        let moved = network.link(&endpoint("moved", &[])).unwrap().remove(0);
        sandbox.add_interface(&moved).unwrap();
        assert_eq!(links(host, "web"), ["eth0", "eth1", "lo"]);
        network.unlink("joined").unwrap();
        network.unlink("moved").unwrap();
        host.assert_returns_to(&before, "unlinked");
        common::assert_inside_is(host, &sandbox, &before_inside, "unlinked");
    });
}

#[test]
fn a_link_of_another_under_an_endpoints_name_is_not_touched() {
    host(|host| {
        let network = network("net");
        let sandbox = sandbox("web");
        let name = network.link(&dual("web", 2)).unwrap()[0].src_name.to_string();
        let name = name.strip_suffix('p').unwrap();
        network.unlink("web").unwrap();
        veth(host, name, "theirs");
        host.ip(&["link", "set", name, "alias", "precious"]);
        let (before, before_inside) = (host.dump(), common::inside(host, &sandbox));
        refused(network.join(&sandbox, &dual("web", 2)), ErrorKind::AlreadyExists, &[name]);
        host.assert_returns_to(&before, "a refused join");
        common::assert_inside_is(host, &sandbox, &before_inside, "a refused join");
        refused(network.link(&dual("web", 2)), ErrorKind::AlreadyExists, &[name]);
        host.assert_returns_to(&before, "a refused link");
        network.unlink("web").unwrap();
        host.assert_returns_to(&before, "an unlink of what is not ours");
    });
}
