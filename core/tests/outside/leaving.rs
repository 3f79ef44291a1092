//! A sandbox that is destroyed while somebody stays inside: its link lives on, and nothing comes by it.

use std::net::IpAddr;

use netns::{Endpoint, FindingKind};
use testhost::{inside, Tap};

use crate::control::at;
use crate::frame::{datagram, Sender};
use crate::spoofing::ROUTER;
use crate::world::{network, world, World, TYPES};

/// The links whose sandbox was destroyed.
fn leaving(world: &World) -> usize {
    world.host.run("ip", &["-o", "link", "show", "group", "20052"]).stdout.lines().count()
}

fn addresses(endpoint: &Endpoint) -> [IpAddr; 2] {
    [endpoint.address.unwrap().addr().into(), endpoint.address_ipv6.unwrap().addr().into()]
}

/// Datagrams to db, from both of the sender's addresses, that end in `mark`.
fn datagrams(kind: &str, from: &Endpoint, db: &Endpoint, mark: &[u8]) -> Vec<Vec<u8>> {
    let mac = if kind == "routed" { ROUTER } else { db.mac.unwrap().octets() };
    let both = addresses(from).into_iter().zip(addresses(db));
    let sender = |address| Sender { mac: from.mac.unwrap(), address };
    both.map(|(own, to)| datagram(sender(own), (mac, to), mark)).collect()
}

#[test]
fn who_stays_in_a_destroyed_sandbox_reaches_nobody() {
    world(|world| {
        for kind in TYPES {
            world.controller.create_network(network(kind, "blue")).unwrap();
            world.container("blue", "web", 11, &[]);
            world.container("blue", "db", 12, &[]);
            let sandbox = world.controller.create_sandbox("late").unwrap();
            let late = at("late", &World::addresses("blue", 13));
            world.controller.connect("blue", &sandbox, late).unwrap();
            let [web, db, late] =
                ["web", "db", "late"].map(|name| world.controller.endpoint("blue", name).unwrap());
            let seen = inside("db", || Tap::open("eth0")).unwrap();
            let stays = inside("late", || Tap::open("eth0")).unwrap();
            let send = |tap: &Tap, from, mark: &[u8]| {
                datagrams(kind, from, &db, mark).iter().for_each(|frame| tap.send(frame).unwrap());
            };
            send(&stays, &late, b"<it is there>");
            let came = seen.frames_until(b"<it is there>");
            assert!(came.iter().any(|frame| frame.ends_with(b"<it is there>")), "{kind}");

            world.controller.destroy_sandbox(&sandbox).unwrap();
            assert_eq!((leaving(world), world.tables().matches("blue/late\"").count()), (1, 0), "{kind}");
            // As it did before, and as somebody else.
            send(&stays, &late, b"<it has gone>");
            send(&stays, &web, b"<it has gone>");
            inside("web", || send(&Tap::open("eth0").unwrap(), &web, b"<the end>"));
            let came = seen.frames_until(b"<the end>");
            assert!(!came.iter().any(|frame| frame.ends_with(b"<it has gone>")), "{kind}");

            let found: Vec<_> =
                world.controller.collect().unwrap().findings.iter().map(|found| found.kind).collect();
            assert_eq!((found, leaving(world)), (vec![FindingKind::Link], 0), "{kind}");
            drop((seen, stays));
            world.end(kind);
        }
    });
}
