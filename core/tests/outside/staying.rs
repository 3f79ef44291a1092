//! A sandbox that was destroyed while somebody stays inside.

use std::thread;
use std::time::{Duration, Instant};

use testhost::{inside, Tap};

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
