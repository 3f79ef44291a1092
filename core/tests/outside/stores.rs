//! Several stores on one host, and one that was lost: settings, ports and tables.

use std::fs;

use netns::{Controller, ControllerOptions, ErrorKind};
use testhost::{attempt, settings, Server, Try};

use crate::control::{at, open};
use crate::world::{mappings, network, publishing, ways, world, World, OWN, SERVED, TYPES, WORLD};

/// A store beside the world's.
fn beside() -> Controller {
    let mut options = ControllerOptions::default();
    options.networks_dir = "/run/beside/networks".into();
    options.run_dir = "/run/beside/run".into();
    options.sandbox_dir = "/run/beside/sandboxes".into();
    Controller::open(options).unwrap()
}

/// Forwarding of the links that were there before.
fn forwarding() -> Vec<String> {
    let is_it = |line: &String| {
        line.contains("forwarding") && ["/all/", "/up0/"].iter().any(|link| line.contains(link))
    };
    settings().into_iter().filter(is_it).collect()
}

/// Web on blue reaches the world, and the world its port.
fn works(context: &str) {
    let _outside = Server::start("world", "world", &SERVED);
    let tries: Vec<_> = ways()
        .flat_map(|(family, transport)| {
            [
                Try::nothing("world", transport, family.socket(OWN, 8080)).reaches("web"),
                Try::nothing("web", transport, family.socket(WORLD, 80)).reaches("world"),
            ]
        })
        .collect();
    attempt(context, &tries);
}

fn tables(world: &World) -> String {
    world.rules(&["tables"])
}

/// In one store there is blue with web, in the other green, which came `first` or not.
fn two_stores(first: bool, kind: &str, world: &World) {
    let before = forwarding();
    let other = beside();
    let green = || other.create_network(network(kind, "green")).unwrap();
    if first {
        green();
    }
    world.controller.create_network(network(kind, "blue")).unwrap();
    if !first {
        green();
    }
    let on = forwarding();
    assert_ne!(on, before, "{kind}");
    world.container("blue", "web", 11, &["8080:80", "8080:80/udp"]);
    works(&format!("{kind}, both"));
    other.delete_network("green").unwrap();
    assert_eq!(forwarding(), on, "{kind}: the other's went");
    works(&format!("{kind}, one"));
    world.remove("web");
    world.controller.delete_network("blue").unwrap();
    // Whoever switched it on knows what it was.
    [&other, &world.controller].iter().for_each(|controller| drop(controller.collect().unwrap()));
    assert_eq!(forwarding(), before, "{kind}: both went");
    assert_eq!(tables(world), "", "{kind}");
    drop(other);
    fs::remove_dir_all("/run/beside").unwrap();
}

#[test]
fn of_two_stores_the_one_that_stays_has_its_forwarding() {
    world(|world| {
        for kind in TYPES {
            for first in [true, false] {
                two_stores(first, kind, world);
            }
        }
    });
}

#[test]
fn ports_that_another_store_has_published_are_not_to_be_had() {
    world(|world| {
        world.controller.create_network(network("bridge", "blue")).unwrap();
        let other = beside();
        other.create_network(network("bridge", "green")).unwrap();
        world.container("blue", "web", 11, &["8080:80", "8080:80/udp"]);
        let sandbox = other.create_sandbox("db").unwrap();
        let db = publishing(at("db", &World::addresses("green", 11)), &["8080:80"]);
        let error = other.connect("green", &sandbox, db).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}");
        assert!(error.to_string().contains("8080"), "{error}");
        let db = publishing(at("db", &World::addresses("green", 11)), &["8080:80"]);
        let error = other.link("green", db).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}");
        assert!(other.endpoints().unwrap().is_empty());
        assert!(world.controller.collect().unwrap().findings.is_empty());
        works("refused");
        other.connect("green", &sandbox, at("db", &World::addresses("green", 11))).unwrap();
        other.destroy_sandbox(&sandbox).unwrap();
        other.delete_network("green").unwrap();
        works("alone");
        drop(other);
        fs::remove_dir_all("/run/beside").unwrap();
    });
}

#[test]
fn a_store_that_was_lost_has_ports_and_settings_again() {
    const PORTS: [&str; 3] = ["8080:80", "8080:80/udp", "192.0.2.9:9000-9001:81-82"];
    world(|world| {
        for kind in TYPES {
            let before = forwarding();
            world.controller.create_network(network(kind, "blue")).unwrap();
            world.container("blue", "web", 11, &PORTS);
            world.container("blue", "db", 12, &[]);
            let (tables, on) = (world.tables(), forwarding());
            fs::write("/run/libnetns/state.db", "garbage ".repeat(1000)).unwrap();
            let controller = open();
            assert_eq!(world.tables(), tables, "{kind}");
            works(&format!("{kind}, lost"));
            let taken = controller.publish("blue", "db", &mappings(&["8080:80"])).unwrap_err();
            assert_eq!(taken.kind(), ErrorKind::AlreadyExists, "{taken}");
            assert!(controller.collect().unwrap().findings.is_empty(), "{kind}");
            controller.restore_firewall().unwrap();
            assert_eq!(world.tables(), tables, "{kind}, restored");

            // Each family and each port is one of its own now.
            let ports = controller.endpoint("blue", "web").unwrap().ports;
            controller.withdraw("blue", "web", &ports).unwrap();
            assert!(controller.endpoint("blue", "web").unwrap().ports.is_empty(), "{kind}");
            let left = world.tables();
            assert!(!left.contains("8080") && !left.contains("9000"), "{kind}: {left}");
            controller.publish("blue", "db", &mappings(&PORTS)).unwrap();
            assert_eq!(forwarding(), on, "{kind}");
            for name in ["web", "db"] {
                controller.disconnect("blue", name).unwrap();
            }
            controller.delete_network("blue").unwrap();
            assert_eq!(forwarding(), before, "{kind}: the network went");
            world.end(kind);
        }
    });
}

#[test]
fn the_last_network_of_all_stores_takes_forwarding_with_it_whoever_switched_it_on() {
    world(|world| {
        for kind in TYPES {
            let before = forwarding();
            let first = beside();
            first.create_network(network(kind, "green")).unwrap();
            world.controller.create_network(network(kind, "blue")).unwrap();
            first.delete_network("green").unwrap();
            drop(first);
            world.controller.delete_network("blue").unwrap();
            assert_eq!(tables(world), "", "{kind}");
            // Nothing keeps others from being forwarded any more.
            assert_eq!(forwarding(), before, "{kind}");
            fs::remove_dir_all("/run/beside").unwrap();
        }
    });
}
