//! What an endpoint says of routers and of the link itself: nobody believes it.

use std::net::{IpAddr, Ipv6Addr};
use std::thread;
use std::time::{Duration, Instant};

use netns::{Endpoint, MacAddr};
use testhost::{inside, Tap};

use crate::control::ip;
use crate::frame::{ethernet, redirect, router, Sender};
use crate::world::{network, world, World, TYPES};

/// How often something is said, and how long it may take to have come to everybody.
const TIMES: u32 = 5;
const PATIENCE: Duration = Duration::from_secs(5);
/// A prefix of nobody's.
const PREFIX: &str = "fd66::";
/// Where redirects lead: to somewhere else, by the liar.
const AWAY: [&str; 2] = ["198.51.100.7", "2001:db8:7::7"];

fn mac(endpoint: &Endpoint) -> MacAddr {
    endpoint.mac.unwrap()
}

/// The address that an interface gives itself.
fn link_local(mac: MacAddr) -> IpAddr {
    let [a, b, c, d, e, f] = mac.octets();
    let word = |high, low| u16::from_be_bytes([high, low]);
    Ipv6Addr::new(0xfe80, 0, 0, 0, word(a ^ 2, b), word(c, 0xff), word(0xfe, d), word(e, f)).into()
}

/// The containers web, who lies, and db.
fn made(world: &World, kind: &str, anti_spoofing: bool) -> [Endpoint; 2] {
    let mut blue = network(kind, "blue");
    blue.firewall.anti_spoofing = anti_spoofing;
    world.controller.create_network(blue).unwrap();
    world.container("blue", "web", 11, &[]);
    world.container("blue", "db", 12, &[]);
    ["web", "db"].map(|name| world.controller.endpoint("blue", name).unwrap())
}

/// Web sends it, some times.
fn says(frame: &[u8]) {
    inside("web", || {
        let tap = Tap::open("eth0").unwrap();
        (0..TIMES).for_each(|_| tap.send(frame).unwrap());
    });
}

/// Whether it is so, or becomes so while there is patience.
fn becomes(mut is_so: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        if Instant::now() >= deadline {
            return false;
        }
        thread::sleep(Duration::from_millis(20));
    }
    true
}

/// Web says it; what it says before has come to wherever it comes to when a packet that follows has.
fn said(world: &World, frames: &[Vec<u8>]) {
    frames.iter().for_each(|frame| says(frame));
    for address in World::addresses("blue", 12).into_iter().chain(["10.1.0.1", "fd01::1"]) {
        assert!(world.host.ping("web", ip(address)), "{address}");
    }
}

/// Who, of the host and db, has an address or a route by that prefix.
fn believers(world: &World) -> Vec<&'static str> {
    let believes = |place: &str| {
        let args = |what| ["-6", what, "show"];
        let [addresses, routes] = ["address", "route"].map(|what| match place {
            "" => world.host.ip(&args(what)).to_string(),
            place => world.host.ip_in(place, &args(what)).to_string(),
        });
        [addresses, routes].concat().contains(PREFIX)
    };
    [("", "the host"), ("db", "db")]
        .into_iter()
        .filter(|(place, _)| believes(place))
        .map(|(_, name)| name)
        .collect()
}

fn advertised(web: &Endpoint) -> Vec<u8> {
    let sender = Sender { mac: mac(web), address: link_local(mac(web)) };
    router(sender, PREFIX.parse().unwrap())
}

#[test]
fn an_endpoint_is_nobodys_router() {
    world(|world| {
        for kind in TYPES {
            let [web, _] = made(world, kind, true);
            said(world, &[advertised(&web)]);
            assert!(believers(world).is_empty(), "{kind}: {:?}", believers(world));
            world.end(kind);
        }
    });
}

#[test]
fn the_host_ignores_routers_that_its_neighbours_listen_to() {
    world(|world| {
        let [web, _] = made(world, "bridge", false);
        says(&advertised(&web));
        assert!(becomes(|| believers(world).contains(&"db")), "nobody listens to routers");
        assert_eq!(believers(world), ["db"]);
    });
}

#[test]
fn the_host_ignores_routers_that_nothing_keeps_out() {
    world(|world| {
        for kind in TYPES {
            let [web, _] = made(world, kind, false);
            said(world, &[advertised(&web)]);
            assert!(!believers(world).contains(&"the host"), "{kind}");
            world.end(kind);
        }
    });
}

/// Of redirects to db the one that db would follow, as from its gateway, and the one that web can send as itself.
fn redirects(kind: &str, [web, db]: &[Endpoint; 2]) -> Vec<Vec<u8>> {
    // Over a routed link it goes to the host first, whose MAC every end there has.
    let to = if kind == "routed" { crate::spoofing::ROUTER } else { mac(db).octets() };
    let own = World::addresses("blue", 11).map(ip);
    let victims = World::addresses("blue", 12).map(ip);
    let mut frames = Vec::new();
    for (family, from) in [(0, ip("10.1.0.1")), (0, own[0]), (1, ip("fd01::1")), (1, link_local(mac(web)))] {
        let sender = Sender { mac: mac(web), address: from };
        frames.push(redirect(sender, (to, victims[family]), ip(AWAY[family]), own[family]));
    }
    frames
}

/// The next hop of db's to the place where redirects lead.
fn next_hop(world: &World) -> String {
    let route = world.host.ip_in("db", &["route", "get", AWAY[0]]);
    route[0]["gateway"].as_str().unwrap_or("none").to_owned()
}

#[test]
fn no_endpoint_redirects_another() {
    world(|world| {
        for kind in TYPES {
            let both = made(world, kind, true);
            said(world, &redirects(kind, &both));
            assert_eq!(next_hop(world), "10.1.0.1", "{kind}");
            world.end(kind);
        }
    });
}

#[test]
fn an_endpoint_redirects_another_where_a_bridge_lets_it() {
    world(|world| {
        let both = made(world, "bridge", false);
        let frames = redirects("bridge", &both);
        let away = World::addresses("blue", 11)[0];
        let is_redirected = || {
            says(&frames[0]);
            next_hop(world) == away
        };
        assert!(becomes(is_redirected), "nobody follows redirects");
    });
}

/// Where the bridge thinks that an address is.
fn port_of(world: &World, mac: MacAddr) -> Option<String> {
    let entries = world.host.bridge(&["fdb", "show", "br", "br-blue"]);
    let is_it = |entry: &&serde_json::Value| entry["mac"] == mac.to_string();
    entries.as_array()?.iter().find(is_it)?["ifname"].as_str().map(str::to_owned)
}

#[test]
fn a_bridge_learns_nothing_from_frames_of_the_link_itself() {
    const NEAREST_BRIDGE: [u8; 6] = [0x01, 0x80, 0xc2, 0, 0, 0x0e];
    const LLDP: u16 = 0x88cc;
    world(|world| {
        let [_, db] = made(world, "bridge", true);
        let link = &world.host.ip(&["link", "show", "br-blue"])[0]["linkinfo"]["info_data"];
        assert_eq!(link["no_linklocal_learn"], 1, "{link}");
        assert!(world.host.ping("db", ip("10.1.0.1")));
        let before = port_of(world, mac(&db)).expect("db has sent something");
        let theft = ethernet(mac(&db), NEAREST_BRIDGE, LLDP, &[0; 46]);
        said(world, std::slice::from_ref(&theft));
        assert_eq!(port_of(world, mac(&db)), Some(before.clone()));

        world.host.ip(&["link", "set", "br-blue", "type", "bridge", "no_linklocal_learn", "0"]);
        // What db sends itself puts it right again.
        let is_stolen = || {
            says(&theft);
            port_of(world, mac(&db)).is_some_and(|port| port != before)
        };
        assert!(becomes(is_stolen), "it would learn nothing");
    });
}
