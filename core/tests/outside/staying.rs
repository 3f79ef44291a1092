//! A sandbox that was destroyed while somebody stays inside.

use std::net::IpAddr;
use std::thread;
use std::time::{Duration, Instant};

use netns::{Endpoint, FindingKind};
use testhost::{inside, Tap};

use crate::control::at;
use crate::frame::{datagram, Sender};
use crate::spoofing::ROUTER;
use crate::world::{network, world, Family, World, TYPES};

/// How long the kernel may take to clear a namespace away.
const PATIENCE: Duration = Duration::from_secs(8);

/// The lines of our tables that are web's.
fn of_web(world: &World) -> Vec<String> {
    world.tables().lines().filter(|line| line.contains("blue/web\"")).map(str::to_owned).collect()
}

fn links(world: &World) -> usize {
    world.host.ip(&["link", "show"]).as_array().unwrap().len()
}

#[test]
fn who_stays_in_a_destroyed_sandbox_cannot_send_as_another() {
    world(|world| {
        for kind in TYPES {
            world.controller.create_network(network(kind, "blue")).unwrap();
            world.container("blue", "db", 12, &[]);
            world.container("blue", "end", 13, &[]);
            let before = links(world);
            world.container("blue", "web", 11, &["8080:80"]);
            let [web, db, end] =
                ["web", "db", "end"].map(|name| world.controller.endpoint("blue", name).unwrap());
            let mac = if kind == "routed" { ROUTER } else { db.mac.unwrap().octets() };
            let to = (mac, Family::V4.of(World::addresses("blue", 12)));
            let sender = |mac, address: &str| Sender { mac, address: address.parse().unwrap() };

            let [stays, other, tap] =
                ["web", "end", "db"].map(|name| inside(name, || Tap::open("eth0")).unwrap());
            world.remove("web");
            assert!(links(world) > before, "{kind}: its link lives as long as somebody is there");
            stays.send(&datagram(sender(web.mac.unwrap(), "10.1.0.99"), to, b"as nobody...")).unwrap();
            stays.send(&datagram(sender(web.mac.unwrap(), "10.1.0.13"), to, b"as another..")).unwrap();
            other.send(&datagram(sender(end.mac.unwrap(), "10.1.0.13"), to, b"as itself...")).unwrap();
            let came = tap.frames_until(b"as itself...");
            for mark in [&b"as nobody..."[..], b"as another.."] {
                assert!(
                    !came.iter().any(|frame| frame.ends_with(mark)),
                    "{kind}: {} came",
                    String::from_utf8_lossy(mark)
                );
            }
            let ports: Vec<_> = of_web(world).into_iter().filter(|line| line.contains("8080")).collect();
            assert!(ports.is_empty(), "{kind}: its ports went with it: {ports:?}");

            drop((stays, other, tap));
            let deadline = Instant::now() + PATIENCE;
            while links(world) > before {
                assert!(Instant::now() < deadline, "{kind}: its link outlives everybody");
                thread::sleep(Duration::from_millis(20));
            }
            world.controller.collect().unwrap();
            assert!(of_web(world).is_empty(), "{kind}: {:?}", of_web(world));
            assert!(world.controller.collect().unwrap().findings.is_empty(), "{kind}");
            world.end(kind);
        }
    });
}

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
fn who_stays_in_a_destroyed_sandbox_reaches_nobody_until_its_link_is_collected() {
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

#[test]
fn who_stays_in_a_destroyed_sandbox_keeps_no_link_when_the_tables_go() {
    world(|world| {
        let before = links(world);
        world.controller.create_network(network("routed", "blue")).unwrap();
        world.container("blue", "web", 11, &["8080:80"]);
        let stays = inside("web", || Tap::open("eth0")).unwrap();
        world.remove("web");
        assert_eq!(leaving(world), 1);
        world.controller.delete_network("blue").unwrap();
        assert_eq!((leaving(world), links(world)), (0, before));
        assert_eq!(world.tables(), "");
        drop(stays);
    });
}

#[test]
fn an_endpoint_joins_anew_while_somebody_stays_in_its_destroyed_sandbox() {
    world(|world| {
        for kind in TYPES {
            world.controller.create_network(network(kind, "blue")).unwrap();
            world.container("blue", "web", 11, &[]);
            let stays = inside("web", || Tap::open("eth0")).unwrap();
            world.remove("web");
            world.container("blue", "web", 11, &[]);
            assert_eq!(leaving(world), 0, "{kind}");
            drop(stays);
            world.end(kind);
        }
    });
}
