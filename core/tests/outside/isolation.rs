//! Who of the networks and containers reaches whom.

use netns::Isolate;
use testhost::{attempt, Transport, Try};

use crate::world::{network, ways, world, Family, World, OWN, TYPES};

/// Each network with a container of it, and the host's port that is its.
const PARTIES: [(&str, &str, u16); 3] = [("blue", "b", 8001), ("green", "g", 8002), ("red", "r", 8003)];

/// Every ordered pair of the parties.
fn pairs() -> impl Iterator<Item = (usize, usize)> {
    (0..3).flat_map(|from| (0..3).map(move |to| (from, to))).filter(|(from, to)| from != to)
}

fn make(world: &World, kind: &str, isolate: [Isolate; 3]) {
    let make = |((name, container, port), isolate): (&(&str, &str, u16), Isolate)| {
        let mut config = network(kind, name);
        config.firewall.isolate = isolate;
        world.controller.create_network(config).unwrap();
        let ports = ["tcp", "udp"].map(|protocol| format!("{port}:80/{protocol}"));
        world.container(name, container, 11, &[&ports[0], &ports[1]]);
    };
    PARTIES.iter().zip(isolate).for_each(make);
}

/// The host reaches everybody by his own address.
fn from_the_host() -> Vec<Try> {
    let each = PARTIES.iter().flat_map(|(network, container, _)| {
        ways().map(move |(family, transport)| {
            let to = family.socket(World::addresses(network, 11), 80);
            Try::nothing("", transport, to).reaches(container)
        })
    });
    each.collect()
}

/// From each to each other, by its own address and by the host's.
fn between(directly: impl Fn(usize, usize) -> bool, by_port: impl Fn(usize, usize) -> bool) -> Vec<Try> {
    let mut tries = Vec::new();
    for (from, to) in pairs() {
        let (own, name, _) = PARTIES[from];
        let (network, container, port) = PARTIES[to];
        for (family, transport) in ways() {
            let seen = family.of(World::addresses(own, 11));
            let mut one = |to, reaches| {
                let one = Try::nothing(name, transport, to);
                tries.push(if reaches { one.answers(container, seen) } else { one });
            };
            one(family.socket(World::addresses(network, 11), 80), directly(from, to));
            one(family.socket(OWN, port), by_port(from, to));
        }
    }
    tries
}

fn isolated(isolate: [Isolate; 3], directly: fn(usize, usize) -> bool, by_port: fn(usize, usize) -> bool) {
    world(|world| {
        for kind in TYPES {
            make(world, kind, isolate);
            let context = format!("{kind} {isolate:?}");
            attempt(&context, &[from_the_host(), between(directly, by_port)].concat());
            world.end(&context);
        }
    });
}

#[test]
fn networks_reach_each_other_by_published_ports_alone() {
    isolated([Isolate::On; 3], |_, _| false, |_, _| true);
}

#[test]
fn strictly_isolated_networks_do_not_reach_each_other_at_all() {
    isolated([Isolate::Strict; 3], |_, _| false, |_, _| false);
}

#[test]
fn networks_that_are_not_isolated_reach_each_other() {
    isolated([Isolate::Off; 3], |_, _| true, |_, _| true);
}

#[test]
fn of_two_networks_the_stricter_counts() {
    // Blue is isolated, green strictly, red is not.
    let isolate = [Isolate::On, Isolate::Strict, Isolate::Off];
    isolated(isolate, |_, _| false, |from, to| from != 1 && to != 1);
}

#[test]
fn networks_of_different_types_are_apart_too() {
    world(|world| {
        let kinds = ["bridge", "routed", "bridge"];
        for ((name, container, port), kind) in PARTIES.iter().zip(kinds) {
            world.controller.create_network(network(kind, name)).unwrap();
            let ports = ["tcp", "udp"].map(|protocol| format!("{port}:80/{protocol}"));
            world.container(name, container, 11, &[&ports[0], &ports[1]]);
        }
        attempt("types", &[from_the_host(), between(|_, _| false, |_, _| true)].concat());
    });
}

#[test]
fn endpoints_of_a_network_reach_each_other_unless_it_says_no() {
    world(|world| {
        for kind in TYPES {
            for icc in [true, false] {
                for filtered in [true, false] {
                    inside_a_network(world, kind, icc, filtered);
                }
            }
        }
    });
}

fn inside_a_network(world: &World, kind: &str, icc: bool, filtered: bool) {
    world.filter_bridged(filtered);
    let mut blue = network(kind, "blue");
    blue.firewall.icc = icc;
    world.controller.create_network(blue).unwrap();
    world.container("blue", "web", 11, &["8080:80", "8080:80/udp"]);
    world.container("blue", "db", 12, &[]);
    let mut tries = Vec::new();
    for (family, transport) in ways() {
        let [web, db] = [11, 12].map(|number| World::addresses("blue", number));
        for (from, own, to, name) in [("db", db, web, "web"), ("web", web, db, "db")] {
            let direct = Try::nothing(from, transport, family.socket(to, 80));
            let seen = family.of(own);
            tries.push(if icc { direct.answers(name, seen) } else { direct });
            tries.push(Try::nothing("", transport, family.socket(to, 80)).reaches(name));
        }
        // Published is published; but what is translated as a frame is sent from port to port as one.
        let by_port = Try::nothing("db", transport, family.socket(OWN, 8080));
        let is_turned = kind == "bridge" && filtered && !icc;
        tries.push(if is_turned { by_port } else { by_port.reaches("web") });
    }
    let context = format!("{kind}, icc {icc}, frames filtered: {filtered}");
    attempt(&context, &tries);
    world.end(&context);
}

#[test]
fn endpoints_of_an_isolated_bridge_do_not_reach_each_other_by_way_of_the_host() {
    world(|world| {
        for (option, value) in [("isolated", true), ("icc", false)] {
            world.controller.create_network(network("bridge", "blue").with_option(option, value)).unwrap();
            for (name, number) in [("web", 11), ("db", 12)] {
                world.container("blue", name, number, &[]);
            }
            // Not as neighbours, but as the host's gateway would have it.
            for (from, to) in [("web", 12), ("db", 11)] {
                let [v4, v6] = World::addresses("blue", to);
                world.host.ip_in(from, &["route", "add", &format!("{v4}/32"), "via", "10.1.0.1"]);
                world.host.ip_in(from, &["-6", "route", "add", &format!("{v6}/128"), "via", "fd01::1"]);
            }
            let by_the_host = ways().map(|(family, transport)| {
                Try::nothing("web", transport, family.socket(World::addresses("blue", 12), 80))
            });
            attempt(option, &by_the_host.collect::<Vec<_>>());
            world.end(option);
        }
    });
}

#[test]
fn a_network_stays_apart_when_another_goes() {
    world(|world| {
        for kind in TYPES {
            make(world, kind, [Isolate::On; 3]);
            world.remove("r");
            world.controller.delete_network("red").unwrap();
            let apart = ways().map(|(family, transport)| {
                Try::nothing("b", transport, family.socket(World::addresses("green", 11), 80))
            });
            let by_port = Family::ALL
                .map(|family| Try::nothing("b", Transport::Tcp, family.socket(OWN, 8002)).reaches("g"));
            attempt(kind, &apart.chain(by_port).collect::<Vec<_>>());
            world.end(kind);
        }
    });
}
