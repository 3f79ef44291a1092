//! What an endpoint can send from: its own addresses alone, unless the network says otherwise.

use std::net::{IpAddr, Ipv6Addr};

use netns::{Endpoint, MacAddr};
use testhost::{attempt, inside, Tap, Transport, Try};

use crate::control::ip;
use crate::frame::{advertisement, arp, datagram, ethernet, tagged, Sender};
use crate::world::{network, world, Family, World, OWN, TYPES};

/// The MAC address of every routed endpoint's end in the host.
pub(crate) const ROUTER: [u8; 6] = [0x02, 0x4e, 0x45, 0x54, 0x4e, 0x53];
/// Addresses of the network that nobody has.
const FOREIGN: [&str; 2] = ["10.1.0.99", "fd01::99"];

fn foreign_mac() -> MacAddr {
    "02:00:00:00:00:99".parse().unwrap()
}

/// Who sends, and to whom.
struct Parties {
    web: Endpoint,
    /// Where its frames go to, and whose packets they are.
    to: [([u8; 6], IpAddr); 2],
}

impl Parties {
    fn of(world: &World, kind: &str) -> Self {
        let [web, db] = ["web", "db"].map(|name| world.controller.endpoint("blue", name).unwrap());
        let mac = if kind == "routed" { ROUTER } else { db.mac.unwrap().octets() };
        let v4 = db.address.unwrap().addr();
        let v6 = db.address_ipv6.unwrap().addr();
        Self { web, to: [(mac, v4.into()), (mac, v6.into())] }
    }

    fn own(&self, family: Family) -> Sender {
        let address = match family {
            Family::V4 => self.web.address.unwrap().addr().into(),
            Family::V6 => self.web.address_ipv6.unwrap().addr().into(),
        };
        Sender { mac: self.web.mac.unwrap(), address }
    }

    fn to(&self, family: Family) -> ([u8; 6], IpAddr) {
        self.to[usize::from(family == Family::V6)]
    }
}

/// What it is, whether it is honest, and the frame.
type Forged = (String, bool, Vec<u8>);

/// Datagrams as any router forwards them.
fn packets(parties: &Parties) -> Vec<Forged> {
    let mut frames = Vec::new();
    for family in Family::ALL {
        let own = parties.own(family);
        let foreign = Sender { address: family.of(FOREIGN), ..own };
        let senders = [
            ("own", true, own),
            ("a foreign MAC", false, Sender { mac: foreign_mac(), ..own }),
            ("a foreign address", false, foreign),
            ("another's address", false, Sender { address: parties.to(family).1, ..own }),
            ("nothing own", false, Sender { mac: foreign_mac(), ..foreign }),
        ];
        for (what, honest, sender) in senders {
            let mark = mark(frames.len());
            let what = format!("{family:?} datagram, {what}");
            frames.push((what, honest, datagram(sender, parties.to(family), &mark)));
        }
    }
    frames
}

/// What only neighbours see.
fn frames_of_a_link(parties: &Parties, before: usize) -> Vec<Forged> {
    let (v4, v6) = (parties.own(Family::V4), parties.own(Family::V6));
    let IpAddr::V6(own) = v6.address else { unreachable!() };
    let foreign: Ipv6Addr = FOREIGN[1].parse().unwrap();
    let liar = Sender { mac: foreign_mac(), ..v4 };
    let thief = Sender { address: ip(FOREIGN[0]), ..v4 };
    let stranger = Sender { address: foreign.into(), ..v6 };
    let mut frames: Vec<Forged> = Vec::new();
    let mut add = |what: &str, honest, frame: &dyn Fn(&[u8]) -> Vec<u8>| {
        let mark = mark(before + frames.len());
        frames.push((what.to_owned(), honest, frame(&mark)));
    };
    add("ARP, own", true, &|mark| arp(v4.mac, v4, mark));
    add("ARP of a foreign address", false, &|mark| arp(v4.mac, thief, mark));
    add("ARP with a foreign MAC in it", false, &|mark| arp(v4.mac, liar, mark));
    add("ARP from a foreign MAC", false, &|mark| arp(foreign_mac(), v4, mark));
    add("advertisement, own", true, &|mark| advertisement(v6, own, mark));
    add("advertisement from a foreign address", false, &|mark| advertisement(stranger, foreign, mark));
    // Whom an advertisement from an own address is about is not looked at.
    add("advertisement of a foreign target", true, &|mark| advertisement(v6, foreign, mark));
    add("a protocol of its own", false, &|mark| ethernet(v4.mac, parties.to[0].0, 0x88b5, mark));
    add("a tag before a foreign address", false, &|mark| tagged(&datagram(thief, parties.to[0], mark)));
    add("a tag before a foreign MAC", false, &|mark| tagged(&datagram(liar, parties.to[0], mark)));
    frames
}

fn mark(number: usize) -> Vec<u8> {
    format!("<mark {number:03}>....").into_bytes()
}

/// Which of the frames that web sends come to db.
fn come(parties: &Parties, frames: &[Forged]) -> Vec<bool> {
    let tap = inside("db", || Tap::open("eth0")).unwrap();
    let end = mark(999);
    inside("web", || {
        let web = Tap::open("eth0").unwrap();
        frames.iter().for_each(|(_, _, frame)| web.send(frame).unwrap());
        web.send(&datagram(parties.own(Family::V4), parties.to(Family::V4), &end)).unwrap();
    });
    let came = tap.frames_until(&end);
    let is_there = |mark: &[u8]| came.iter().any(|frame| frame.ends_with(mark));
    (0..frames.len()).map(|number| is_there(&mark(number))).collect()
}

fn forged(kind: &str, anti_spoofing: bool) {
    world(|world| {
        let mut blue = network(kind, "blue");
        blue.firewall.anti_spoofing = anti_spoofing;
        world.controller.create_network(blue).unwrap();
        world.container("blue", "web", 11, &[]);
        world.container("blue", "db", 12, &[]);
        let parties = Parties::of(world, kind);
        let mut frames = packets(&parties);
        if kind == "bridge" {
            frames.extend(frames_of_a_link(&parties, frames.len()));
        }
        let mut wrong = Vec::new();
        for ((what, honest, _), came) in frames.iter().zip(come(&parties, &frames)) {
            if came != (*honest || !anti_spoofing) {
                wrong.push(format!("{what}: came {came}"));
            }
        }
        assert!(wrong.is_empty(), "{kind}, anti-spoofing {anti_spoofing}: {wrong:#?}");
    });
}

#[test]
fn forged_frames_on_a_bridge_do_not_come() {
    forged("bridge", true);
}

#[test]
fn forged_packets_of_a_routed_endpoint_do_not_come() {
    forged("routed", true);
}

#[test]
fn forged_frames_come_where_a_bridge_says_so() {
    forged("bridge", false);
}

#[test]
fn forged_packets_come_where_a_routed_network_says_so() {
    forged("routed", false);
}

/// From web to db and the host, by web's addresses and by others that it has given itself.
fn by_more_addresses(guarded: bool) -> Vec<Try> {
    let mut tries = Vec::new();
    for family in Family::ALL {
        let db = World::addresses("blue", 12);
        let [own, more] =
            [World::addresses("blue", 11), FOREIGN].map(|addresses| family.socket(addresses, 7777));
        let to = |from| Try::nothing("web", Transport::Udp, family.socket(db, 80)).from(from);
        tries.push(to(own).answers("db", own.ip()));
        tries.push(if guarded { to(more) } else { to(more).answers("db", more.ip()) });
    }
    tries
}

#[test]
fn an_address_that_a_container_gives_itself_is_not_its() {
    world(|world| {
        for anti_spoofing in [true, false] {
            let mut blue = network("bridge", "blue");
            blue.firewall.anti_spoofing = anti_spoofing;
            world.controller.create_network(blue).unwrap();
            world.container("blue", "web", 11, &["8080:80"]);
            world.container("blue", "db", 12, &[]);
            world.host.ip_in("web", &["address", "add", "10.1.0.99/24", "dev", "eth0"]);
            world.host.ip_in("web", &["address", "add", "fd01::99/64", "dev", "eth0", "nodad"]);
            for one in by_more_addresses(anti_spoofing) {
                attempt(&format!("anti-spoofing {anti_spoofing}"), &[one]);
            }
            world.end("addresses");
        }
    });
}

#[test]
fn a_mac_address_that_a_container_gives_itself_is_not_its() {
    world(|world| {
        for kind in TYPES {
            for anti_spoofing in [true, false] {
                let mut blue = network(kind, "blue");
                blue.firewall.anti_spoofing = anti_spoofing;
                world.controller.create_network(blue).unwrap();
                world.container("blue", "web", 11, &[]);
                let _host = testhost::Server::start("", "host", &[80]);
                let own = world.controller.endpoint("blue", "web").unwrap().mac.unwrap().to_string();
                let to_host =
                    Family::ALL.map(|family| Try::nothing("web", Transport::Tcp, family.socket(OWN, 80)));
                let answered: Vec<_> = to_host.iter().map(|one| one.clone().reaches("host")).collect();
                attempt(kind, &answered);
                world.host.ip_in("web", &["link", "set", "eth0", "address", &foreign_mac().to_string()]);
                // Over a routed link the answer goes to the MAC that the host knows, and that is gone.
                if anti_spoofing || kind == "routed" {
                    attempt(&format!("{kind}, a foreign MAC"), &to_host);
                } else {
                    world.host.ip(&["neighbour", "flush", "dev", "br-blue"]);
                    attempt(&format!("{kind}, any MAC"), &answered);
                }
                world.host.ip_in("web", &["link", "set", "eth0", "address", &own]);
                world.end(kind);
            }
        }
    });
}
