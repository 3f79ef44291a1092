//! The way in: by published ports, from wherever it is tried.

use std::net::IpAddr;

use netns::Protocol;
use testhost::{attempt, Transport, Try};

use crate::world::{mappings, network, ways, world, Family, World, FAR, OWN, SECOND, TYPES, WORLD};

/// Port 80 of each protocol as the host's 8080.
const BOTH: [&str; 2] = ["8080:80/tcp", "8080:80/udp"];

/// From everywhere outside and the host itself, to `port` of the host.
fn from_around(port: u16) -> Vec<Try> {
    let each = ways().flat_map(|(family, transport)| {
        let to = |from, host| Try::nothing(from, transport, family.socket(host, port));
        [
            to("world", OWN).answers("web", family.of(WORLD)),
            to("world", SECOND).answers("web", family.of(WORLD)),
            to("far", OWN).answers("web", family.of(FAR)),
            to("", OWN).answers("web", family.of(OWN)),
            to("", SECOND).reaches("web"),
        ]
    });
    each.collect()
}

/// From the host by its loopback addresses. A bridge whose frames are filtered as packets turns the answer
/// of `::1` back too early.
fn by_loopback(port: u16, kind: &str, filtered: bool) -> Vec<Try> {
    let each = ways().map(|(family, transport)| {
        let one = Try::nothing("", transport, (family.loopback(), port).into());
        match filtered && kind == "bridge" && family == Family::V6 {
            true => one,
            false => one.reaches("web"),
        }
    });
    each.collect()
}

/// From containers, by the host's addresses.
fn from_containers(port: u16) -> Vec<Try> {
    let each = ways().flat_map(|(family, transport)| {
        let other = World::addresses("green", 11);
        [
            Try::nothing("web", transport, family.socket(OWN, port)).reaches("web"),
            Try::nothing("db", transport, family.socket(OWN, port)).reaches("web"),
            Try::nothing("db", transport, family.socket(["10.1.0.1", "fd01::1"], port)).reaches("web"),
            Try::nothing("other", transport, family.socket(OWN, port)).answers("web", family.of(other)),
        ]
    });
    each.collect()
}

fn reached_from_everywhere(kind: &str, filtered: bool) {
    for later in [false, true] {
        ports_are_reached(kind, filtered, later);
    }
}

/// Ports that the endpoint joins with, or is given later.
fn ports_are_reached(kind: &str, filtered: bool, later: bool) {
    world(|world| {
        let context = format!("{kind}, frames filtered: {filtered}, later: {later}");
        world.filter_bridged(filtered);
        world.controller.create_network(network(kind, "blue")).unwrap();
        world.controller.create_network(network(kind, "green")).unwrap();
        world.container("blue", "web", 11, if later { &[] } else { &BOTH });
        if later {
            world.controller.publish("blue", "web", &mappings(&BOTH)).unwrap();
        }
        world.container("blue", "db", 12, &[]);
        world.container("green", "other", 11, &[]);
        world.route_back();
        let mut tries =
            [from_around(8080), by_loopback(8080, kind, filtered), from_containers(8080)].concat();
        for (family, transport) in ways() {
            let web = World::addresses("blue", 11);
            let db = family.of(World::addresses("blue", 12));
            tries.extend([
                Try::nothing("db", transport, family.socket(web, 80)).answers("web", db),
                Try::nothing("world", transport, family.socket(web, 80)),
                Try::nothing("world", transport, family.socket(OWN, 80)),
            ]);
        }
        attempt(&context, &tries);
    });
}

#[test]
fn a_port_on_a_bridge_is_reached_from_everywhere() {
    reached_from_everywhere("bridge", false);
}

#[test]
fn a_port_on_a_bridge_whose_frames_are_filtered_is_reached_but_by_v6_loopback() {
    if !std::path::Path::new("/proc/sys/net/bridge").exists() {
        return testhost::skip(
            "ports on a bridge whose frames are filtered",
            "the kernel has no br_netfilter",
        );
    }
    reached_from_everywhere("bridge", true);
}

#[test]
fn a_port_of_a_routed_endpoint_is_reached_from_everywhere() {
    reached_from_everywhere("routed", true);
}

#[test]
fn a_port_on_one_address_is_reached_by_no_other() {
    world(|world| {
        for kind in TYPES {
            world.filter_bridged(false);
            world.controller.create_network(network(kind, "blue")).unwrap();
            let ports: Vec<_> = ["tcp", "udp"]
                .iter()
                .flat_map(|own| {
                    ["192.0.2.9:8080:80/", "[2001:db8::9]:8080:80/", "127.0.0.1:8081:80/", "[::1]:8081:80/"]
                        .map(|port| format!("{port}{own}"))
                })
                .collect();
            let ports: Vec<_> = ports.iter().map(String::as_str).collect();
            world.container("blue", "web", 11, &ports);
            let mut tries = Vec::new();
            for (family, transport) in ways() {
                let to = |address: IpAddr, port| Try::nothing("", transport, (address, port).into());
                tries.extend([
                    to(family.of(SECOND), 8080).reaches("web"),
                    to(family.of(OWN), 8080),
                    to(family.loopback(), 8080),
                    to(family.loopback(), 8081).reaches("web"),
                    to(family.of(OWN), 8081),
                    Try::nothing("world", transport, family.socket(SECOND, 8080))
                        .answers("web", family.of(WORLD)),
                    Try::nothing("world", transport, family.socket(OWN, 8080)),
                    Try::nothing("world", transport, family.socket(OWN, 8081)),
                ]);
            }
            attempt(kind, &tries);
            world.end(kind);
        }
    });
}

#[test]
fn nobody_outside_reaches_a_port_of_the_loopback_address() {
    world(|world| {
        for kind in TYPES {
            world.controller.create_network(network(kind, "blue")).unwrap();
            world.container("blue", "web", 11, &["127.0.0.1:8081:80/tcp", "127.0.0.1:8081:80/udp"]);
            world.container("blue", "db", 12, &[]);
            for (place, link, host) in [("world", "lan", OWN[0]), ("db", "eth0", "10.1.0.1")] {
                loopback_is_elsewhere(world, place, link, host);
            }
            let tries: Vec<_> = Transport::ALL
                .into_iter()
                .flat_map(|transport| {
                    let to = (Family::V4.loopback(), 8081).into();
                    [Try::nothing("world", transport, to), Try::nothing("db", transport, to)]
                        .into_iter()
                        .chain([Try::nothing("", transport, to).reaches("web")])
                })
                .collect();
            attempt(kind, &tries);
            world.host.ip_in("world", &["route", "delete", "127.0.0.1", "table", "7"]);
            world.host.ip_in("world", &["rule", "delete", "pref", "0", "lookup", "7"]);
            world.end(kind);
        }
    });
}

/// What somebody in `place` sends to 127.0.0.1 goes to the host.
fn loopback_is_elsewhere(world: &World, place: &str, link: &str, host: &str) {
    world.host.ip_in(place, &["route", "add", "127.0.0.1", "via", host, "dev", link, "onlink", "table", "7"]);
    world.host.ip_in(place, &["rule", "add", "pref", "0", "lookup", "7"]);
    let path = format!("/proc/sys/net/ipv4/conf/{link}/route_localnet");
    testhost::inside(place, || std::fs::write(&path, "1")).unwrap();
}

#[test]
fn ranges_and_chosen_ports_are_reached_each() {
    world(|world| {
        for kind in TYPES {
            world.controller.create_network(network(kind, "blue")).unwrap();
            world.container("blue", "web", 11, &["9000-9002:80-82", "9000-9002:80-82/udp"]);
            let chosen = world.controller.publish("blue", "web", &mappings(&["80", "81-82"])).unwrap();
            let mut ports: Vec<_> = (9000..=9002).collect();
            ports.extend(chosen.iter().flat_map(|port| port.host_ports.unwrap().iter()));
            assert_eq!(ports.len(), 6, "{chosen:?}");
            let mut tries = Vec::new();
            for (family, transport) in ways() {
                for (number, port) in ports.iter().enumerate() {
                    let one = Try::nothing("world", transport, family.socket(OWN, *port));
                    let is_published = number < 3 || transport == Transport::Tcp;
                    tries.push(if is_published { one.answers("web", family.of(WORLD)) } else { one });
                }
            }
            attempt(kind, &tries);
            let shown = world.controller.endpoint("blue", "web").unwrap().ports;
            assert_eq!(shown.len(), 4, "{shown:?}");
            assert!(shown.iter().all(|port| port.host_ports.is_some()), "{shown:?}");
            world.end(kind);
        }
    });
}

#[test]
fn datagrams_in_fragments_come_and_go_whole() {
    world(|world| {
        for kind in TYPES {
            world.controller.create_network(network(kind, "blue")).unwrap();
            world.container("blue", "web", 11, &BOTH);
            let mut tries = Vec::new();
            for family in Family::ALL {
                for size in [1472, 1473, 9000, 60_000] {
                    for (from, seen) in [("world", WORLD), ("", OWN)] {
                        let to = family.socket(OWN, 8080);
                        let one = Try::nothing(from, Transport::Udp, to).of_size(size);
                        tries.push(one.answers("web", family.of(seen)));
                    }
                }
            }
            attempt(kind, &tries);
            world.end(kind);
        }
    });
}

#[test]
fn a_port_of_sctp_is_reached() {
    let protocols = std::fs::read_to_string("/proc/net/protocols").unwrap();
    if !protocols.contains("SCTP") {
        return testhost::skip("traffic by a published SCTP port", "the kernel has no SCTP sockets");
    }
    world(|world| {
        for kind in TYPES {
            world.controller.create_network(network(kind, "blue")).unwrap();
            world.container("blue", "web", 11, &["8080:80/sctp"]);
            assert_eq!(world.controller.endpoint("blue", "web").unwrap().ports[0].protocol, Protocol::Sctp);
            for (listen, connect) in [
                ("SCTP4-LISTEN:80,fork,reuseaddr", "SCTP4:192.0.2.1:8080"),
                ("SCTP6-LISTEN:80,fork,reuseaddr", "SCTP6:[2001:db8::1]:8080"),
            ] {
                let said = crate::programs::socat(world.host, "web", listen, connect);
                assert_eq!(said, Some("hello".to_owned()), "{kind}: {connect}");
            }
            world.end(kind);
        }
    });
}
