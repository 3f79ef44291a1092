//! Endpoints whose device waits in the host or was moved by its caller: guarded and published as any other.

use netns::{Endpoint, FindingKind};
use testhost::{attempt, inside, Server, Tap, Try};

use crate::control::at;
use crate::frame::{datagram, Sender};
use crate::world::{mappings, network, publishing, ways, world, Family, World, OWN, TYPES, WORLD};

/// The lines of our tables that are web's.
fn of_web(world: &World) -> usize {
    world.tables().matches("blue/web\"").count()
}

/// Links web, with ports.
fn linked(world: &World, kind: &str) -> Endpoint {
    world.controller.create_network(network(kind, "blue")).unwrap();
    let web = publishing(at("web", &World::addresses("blue", 11)), &["8080:80", "8080:80/udp"]);
    world.controller.link("blue", web).unwrap()
}

fn by_port(context: &str, reached: bool) {
    let tries: Vec<_> = ways()
        .map(|(family, transport)| {
            let one = Try::nothing("world", transport, family.socket(OWN, 8080));
            if reached {
                one.answers("web", family.of(WORLD))
            } else {
                one
            }
        })
        .collect();
    attempt(context, &tries);
}

#[test]
fn a_linked_endpoint_has_its_ports_until_it_is_deleted() {
    world(|world| {
        for kind in TYPES {
            let web = linked(world, kind);
            let elements = of_web(world);
            assert!(elements > 0, "{kind}");
            let sandbox = world.controller.create_sandbox("web").unwrap();
            sandbox.add_interface(web.interface.as_ref().unwrap()).unwrap();
            let server = Server::start("web", "web", &[80]);
            by_port(kind, true);
            assert!(world.controller.collect().unwrap().findings.is_empty(), "{kind}");
            world.nft("flush ruleset");
            world.controller.restore_firewall().unwrap();
            assert_eq!(of_web(world), elements, "{kind}, restored");
            by_port(&format!("{kind}, restored"), true);
            world.controller.withdraw("blue", "web", &mappings(&["8080:80", "8080:80/udp"])).unwrap();
            assert!(of_web(world) < elements, "{kind}");
            by_port(&format!("{kind}, withdrawn"), false);
            world.controller.delete_endpoint("blue", "web").unwrap();
            assert_eq!(of_web(world), 0, "{kind}, deleted");
            drop(server);
            world.end(kind);
        }
    });
}

#[test]
fn a_linked_endpoint_cannot_send_as_another() {
    world(|world| {
        for kind in TYPES {
            let web = linked(world, kind);
            world.container("blue", "db", 12, &[]);
            let db = world.controller.endpoint("blue", "db").unwrap();
            let sandbox = world.controller.create_sandbox("web").unwrap();
            sandbox.add_interface(web.interface.as_ref().unwrap()).unwrap();
            let mac = if kind == "routed" { crate::spoofing::ROUTER } else { db.mac.unwrap().octets() };
            let to = (mac, Family::V4.of(World::addresses("blue", 12)));
            let sender = |address: &str| Sender { mac: web.mac.unwrap(), address: address.parse().unwrap() };
            let tap = inside("db", || Tap::open("eth0")).unwrap();
            inside("web", || {
                let own = Tap::open("eth0").unwrap();
                own.send(&datagram(sender("10.1.0.99"), to, b"as somebody")).unwrap();
                own.send(&datagram(sender("10.1.0.11"), to, b"as itself..")).unwrap();
            });
            let came = tap.frames_until(b"as itself..");
            assert!(!came.iter().any(|frame| frame.ends_with(b"as somebody")), "{kind}");
            drop((tap, sandbox));
            world.controller.delete_endpoint("blue", "web").unwrap();
            world.end(kind);
        }
    });
}

#[test]
fn the_elements_of_a_linked_endpoint_whose_devices_somebody_deleted_are_collected() {
    world(|world| {
        for kind in TYPES {
            let web = linked(world, kind);
            let device = web.interface.as_ref().unwrap().src_name.to_string();
            world.host.ip(&["link", "delete", &device]);
            let found = world.controller.collect().unwrap().findings;
            assert!(found.iter().any(|one| one.kind == FindingKind::Endpoint), "{kind}: {found:?}");
            assert_eq!(of_web(world), 0, "{kind}");
            by_port(kind, false);
            // The ports are to be had again.
            world.container("blue", "web", 13, &["8080:80", "8080:80/udp"]);
            by_port(&format!("{kind}, again"), true);
            world.end(kind);
        }
    });
}
