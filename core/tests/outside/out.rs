//! The way out: by whose address, and where there is none.

use netns::GatewayMode;
use testhost::{attempt, Server, Try};

use crate::world::{network, ways, world, World, FAR, OWN, SECOND, SERVED, TYPES, WORLD};

/// Who serves outside.
fn outside() -> [Server; 2] {
    ["world", "far"].map(|name| Server::start(name, name, &SERVED))
}

/// From the container `name` to both hosts outside, which see `seen`.
fn seen_as(name: &str, seen: [&str; 2]) -> Vec<Try> {
    let each = ways().flat_map(|(family, transport)| {
        [("world", WORLD), ("far", FAR)].map(|(server, to)| {
            Try::nothing(name, transport, family.socket(to, 80)).answers(server, family.of(seen))
        })
    });
    each.collect()
}

/// From the container `name` to both hosts outside, and from there to it, nothing comes.
fn silent(name: &str, own: [&str; 2]) -> Vec<Try> {
    let each = ways().flat_map(|(family, transport)| {
        [
            Try::nothing(name, transport, family.socket(WORLD, 80)),
            Try::nothing(name, transport, family.socket(FAR, 80)),
            Try::nothing("world", transport, family.socket(own, 80)),
        ]
    });
    each.collect()
}

#[test]
fn the_outside_sees_the_host() {
    world(|world| {
        let _servers = outside();
        for kind in TYPES {
            world.controller.create_network(network(kind, "blue")).unwrap();
            world.container("blue", "web", 11, &[]);
            attempt(kind, &seen_as("web", OWN));
            world.end(kind);
        }
    });
}

#[test]
fn the_outside_sees_the_source_that_a_network_has() {
    world(|world| {
        let _servers = outside();
        for kind in TYPES {
            let mut blue = network(kind, "blue");
            blue.firewall.source = SECOND.map(|own| own.parse().unwrap()).into();
            world.controller.create_network(blue).unwrap();
            world.controller.create_network(network(kind, "green")).unwrap();
            world.container("blue", "web", 11, &[]);
            world.container("green", "db", 11, &[]);
            attempt(kind, &[seen_as("web", SECOND), seen_as("db", OWN)].concat());
            world.end(kind);
        }
    });
}

#[test]
fn the_outside_sees_a_container_that_is_not_masqueraded() {
    world(|world| {
        let _servers = outside();
        world.route_back();
        for kind in TYPES {
            let mut blue = network(kind, "blue");
            blue.firewall.masquerade = false;
            world.controller.create_network(blue).unwrap();
            world.container("blue", "web", 11, &[]);
            world.host.ip_in("far", &["route", "add", "10.1.0.0/24", "via", OWN[0]]);
            world.host.ip_in("far", &["-6", "route", "add", "fd01::/64", "via", OWN[1]]);
            attempt(kind, &seen_as("web", World::addresses("blue", 11)));
            world.host.ip_in("far", &["route", "delete", "10.1.0.0/24"]);
            world.host.ip_in("far", &["-6", "route", "delete", "fd01::/64"]);
            world.end(kind);
        }
    });
}

/// The container goes by the host, whatever it was given.
fn lead_out(world: &World, name: &str) {
    world.host.ip_in(name, &["route", "replace", "default", "via", "10.1.0.1", "dev", "eth0", "onlink"]);
    world.host.ip_in(name, &["-6", "route", "replace", "default", "via", "fd01::1", "dev", "eth0", "onlink"]);
}

#[test]
fn an_internal_network_is_silent_though_the_host_forwards() {
    world(|world| {
        let _servers = outside();
        world.route_back();
        for kind in TYPES {
            let mut blue = network(kind, "blue");
            blue.internal = true;
            world.controller.create_network(blue).unwrap();
            world.controller.create_network(network(kind, "green")).unwrap();
            world.container("blue", "web", 11, &[]);
            world.container("blue", "db", 12, &[]);
            world.container("green", "other", 11, &[]);
            lead_out(world, "web");
            let own = World::addresses("blue", 11);
            let forwarding = world.forward_all();
            let mut tries = silent("web", own);
            for (family, transport) in ways() {
                let (db, other) = (World::addresses("blue", 12), World::addresses("green", 11));
                tries.extend([
                    Try::nothing("web", transport, family.socket(db, 80)).answers("db", family.of(own)),
                    Try::nothing("", transport, family.socket(own, 80)).reaches("web"),
                    Try::nothing("web", transport, family.socket(other, 80)),
                    Try::nothing("other", transport, family.socket(own, 80)),
                    Try::nothing("other", transport, family.socket(WORLD, 80))
                        .answers("world", family.of(OWN)),
                ]);
            }
            attempt(kind, &tries);
            world.forward_as_before(forwarding);
            world.end(kind);
        }
    });
}

#[test]
fn an_isolated_network_reaches_not_even_the_host() {
    world(|world| {
        let _servers = outside();
        let _host = Server::start("", "host", &SERVED);
        world.route_back();
        let mut blue = network("bridge", "blue");
        blue.firewall.gateway_mode = GatewayMode::Isolated;
        world.controller.create_network(blue).unwrap();
        world.container("blue", "web", 11, &[]);
        world.container("blue", "db", 12, &[]);
        let own = World::addresses("blue", 11);
        let mut tries = silent("web", own);
        for (family, transport) in ways() {
            let db = World::addresses("blue", 12);
            tries.extend([
                Try::nothing("web", transport, family.socket(db, 80)).answers("db", family.of(own)),
                Try::nothing("web", transport, family.socket(["10.1.0.1", "fd01::1"], 80)),
                Try::nothing("web", transport, family.socket(OWN, 80)),
            ]);
        }
        attempt("isolated", &tries);
    });
}

#[test]
fn a_routed_gateway_opens_the_published_ports_alone() {
    world(|world| {
        let _servers = outside();
        world.route_back();
        for kind in TYPES {
            let mut blue = network(kind, "blue");
            blue.firewall.gateway_mode = GatewayMode::Routed;
            world.controller.create_network(blue).unwrap();
            world.container("blue", "web", 11, &["8080:80/tcp", "8080:80/udp"]);
            let own = World::addresses("blue", 11);
            let mut tries = Vec::new();
            for (family, transport) in ways() {
                tries.extend([
                    Try::nothing("world", transport, family.socket(own, 80)).answers("web", family.of(WORLD)),
                    Try::nothing("world", transport, family.socket(own, 81)),
                    Try::nothing("world", transport, family.socket(OWN, 8080)),
                    Try::nothing("web", transport, family.socket(WORLD, 80)).answers("world", family.of(own)),
                ]);
            }
            attempt(kind, &tries);
            for address in own {
                assert!(world.host.ping("world", address.parse().unwrap()), "{kind}: {address}");
            }
            world.end(kind);
        }
    });
}
