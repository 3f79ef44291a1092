//! Ports that come, go and change hands: which connections end, and which go on.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use testhost::{attempt, inside, Transport, Try};

use crate::world::{mappings, network, ways, world, Family, OWN, TYPES, WORLD};

/// From the world to `port` of the host; nobody answers.
fn outside(family: Family, transport: Transport, port: u16) -> Try {
    Try::nothing("world", transport, family.socket(OWN, port))
}

#[test]
fn a_withdrawn_port_is_reached_no_more_and_the_others_are() {
    world(|world| {
        for kind in TYPES {
            world.controller.create_network(network(kind, "blue")).unwrap();
            let ports = ["8080:80", "8080:80/udp", "8081:81", "8081:81/udp"];
            world.container("blue", "web", 11, &ports);
            let reached = |(family, transport), port: u16| {
                outside(family, transport, port).answers("web", family.of(WORLD))
            };
            let all: Vec<_> = ways().flat_map(|way| [reached(way, 8080), reached(way, 8081)]).collect();
            attempt(&format!("{kind}, published"), &all);
            world.controller.withdraw("blue", "web", &mappings(&ports[..2])).unwrap();
            let mut rest = Vec::new();
            for (family, transport) in ways() {
                let gone = [
                    outside(family, transport, 8080),
                    Try::nothing("", transport, family.socket(OWN, 8080)),
                    Try::nothing("", transport, (family.loopback(), 8080).into()),
                    Try::nothing("web", transport, family.socket(OWN, 8080)),
                ];
                rest.extend(gone);
                rest.push(reached((family, transport), 8081));
            }
            attempt(&format!("{kind}, withdrawn"), &rest);
            let error = world.controller.withdraw("blue", "web", &mappings(&["8081:81", "8080:80"]));
            assert_eq!(error.unwrap_err().kind(), netns::ErrorKind::NotFound);
            attempt(&format!("{kind}, refused"), &ways().map(|way| reached(way, 8081)).collect::<Vec<_>>());
            world.controller.publish("blue", "web", &mappings(&ports[..2])).unwrap();
            attempt(&format!("{kind}, published again"), &all);
            world.end(kind);
        }
    });
}

/// A connection from the world, on which a line is sent and comes back.
struct Talk(BufReader<TcpStream>);

impl Talk {
    fn begin(to: SocketAddr) -> Self {
        let stream = inside("world", || TcpStream::connect_timeout(&to, Duration::from_secs(5))).unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
        let mut talk = Self(BufReader::new(stream));
        talk.line().unwrap();
        talk
    }

    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        self.0.read_line(&mut line).ok().filter(|length| *length > 0).map(|_| line)
    }

    fn goes_on(&mut self) -> bool {
        let sent = self.0.get_mut().write_all(b"still there?\n");
        sent.is_ok() && self.line().as_deref() == Some("still there?\n")
    }
}

#[test]
fn connections_by_a_withdrawn_port_end_and_others_go_on() {
    world(|world| {
        for kind in TYPES {
            world.controller.create_network(network(kind, "blue")).unwrap();
            world.container("blue", "web", 11, &["8080:80", "8081:80"]);
            for family in Family::ALL {
                let mut gone = Talk::begin(family.socket(OWN, 8080));
                let mut stays = Talk::begin(family.socket(OWN, 8081));
                assert!(gone.goes_on() && stays.goes_on(), "{kind} {family:?}");
                world.controller.withdraw("blue", "web", &mappings(&["8080:80"])).unwrap();
                assert!(!gone.goes_on(), "{kind} {family:?}: it goes on");
                assert!(stays.goes_on(), "{kind} {family:?}: it ended");
                world.controller.publish("blue", "web", &mappings(&["8080:80"])).unwrap();
            }
            world.end(kind);
        }
    });
}

#[test]
fn a_udp_port_that_changes_hands_has_the_next_datagram_at_its_new_owner() {
    world(|world| {
        for kind in TYPES {
            world.controller.create_network(network(kind, "blue")).unwrap();
            let ports = ["8080:80/udp"];
            world.container("blue", "one", 11, &ports);
            world.container("blue", "two", 12, &[]);
            let owned = |name: &str| {
                let each = Family::ALL.map(|family| {
                    let from = family.socket(WORLD, 7777);
                    outside(family, Transport::Udp, 8080).from(from).answers(name, family.of(WORLD))
                });
                attempt(&format!("{kind}, of {name}"), &each);
            };
            owned("one");
            for (from, to) in [("one", "two"), ("two", "one")] {
                world.controller.withdraw("blue", from, &mappings(&ports)).unwrap();
                world.controller.publish("blue", to, &mappings(&ports)).unwrap();
                owned(to);
            }
            world.end(kind);
        }
    });
}

#[test]
fn a_client_that_sent_before_a_udp_port_was_published_reaches_it_then() {
    world(|world| {
        for kind in TYPES {
            world.controller.create_network(network(kind, "blue")).unwrap();
            world.container("blue", "web", 11, &["8080:80/udp"]);
            let early = Family::ALL
                .map(|family| outside(family, Transport::Udp, 8081).from(family.socket(WORLD, 7777)));
            attempt(kind, &early);
            world.controller.publish("blue", "web", &mappings(&["8081:81/udp"])).unwrap();
            let now = Family::ALL.map(|family| {
                let from = family.socket(WORLD, 7777);
                outside(family, Transport::Udp, 8081).from(from).answers("web", family.of(WORLD))
            });
            attempt(kind, &now);
            world.end(kind);
        }
    });
}

/// The flows that the host tracks, by the ports that they came to first; none where the kernel does not say.
pub(crate) fn flows_to(port: u16) -> Option<usize> {
    let listed = fs::read_to_string("/proc/thread-self/net/nf_conntrack").ok()?;
    let word = format!("dport={port}");
    // The first is of the direction in which the flow began.
    let came_to =
        |line: &&str| line.split_whitespace().find(|part| part.starts_with("dport=")) == Some(&word);
    Some(listed.lines().filter(came_to).count())
}

#[test]
fn exactly_the_flows_of_a_port_are_forgotten() {
    world(|world| {
        if flows_to(1).is_none() {
            return testhost::skip("the flows of a port", "the kernel has no /proc/net/nf_conntrack");
        }
        for kind in TYPES {
            world.controller.create_network(network(kind, "blue")).unwrap();
            world.container("blue", "web", 11, &["8080:80/udp", "8081:80/udp", "8080:80"]);
            world.container("blue", "db", 12, &["8082:80/udp"]);
            let begun: Vec<_> = Family::ALL
                .into_iter()
                .flat_map(|family| {
                    [(8080, "web"), (8081, "web"), (8082, "db")]
                        .map(|(port, name)| outside(family, Transport::Udp, port).reaches(name))
                })
                .chain([outside(Family::V4, Transport::Tcp, 8080).reaches("web")])
                .collect();
            attempt(kind, &begun);
            let count = || [8080, 8081, 8082].map(|port| flows_to(port).unwrap());
            assert_eq!(count(), [3, 2, 2], "{kind}");
            world.controller.withdraw("blue", "web", &mappings(&["8080:80/udp"])).unwrap();
            assert_eq!(count(), [1, 2, 2], "{kind}: withdrawn");
            world.controller.publish("blue", "web", &mappings(&["8083:80/udp"])).unwrap();
            assert_eq!(count(), [1, 2, 2], "{kind}: published");
            world.controller.disconnect("blue", "web").unwrap();
            assert_eq!(count(), [0, 0, 2], "{kind}: gone");
            world.end(kind);
            assert_eq!(count(), [0, 0, 0], "{kind}: all gone");
        }
    });
}

#[test]
fn a_name_that_is_taken_up_again_has_its_ports() {
    world(|world| {
        for kind in TYPES {
            world.controller.create_network(network(kind, "blue")).unwrap();
            for round in 0..2 {
                world.container("blue", "web", 11 + round, &["8080:80/udp", "8080:80"]);
                let tries: Vec<_> = ways()
                    .map(|(family, transport)| {
                        outside(family, transport, 8080).answers("web", family.of(WORLD))
                    })
                    .collect();
                attempt(&format!("{kind}, round {round}"), &tries);
                world.controller.leave("blue", "web").unwrap();
                let nobody = ways().map(|(family, transport)| outside(family, transport, 8080));
                attempt(&format!("{kind}, left in round {round}"), &nobody.collect::<Vec<_>>());
                let sandbox = world.controller.open_sandbox("web").unwrap();
                world.controller.join("blue", "web", &sandbox).unwrap();
                drop(sandbox);
                attempt(&format!("{kind}, joined again in round {round}"), &tries);
                world.controller.disconnect("blue", "web").unwrap();
                world.remove("web");
            }
            world.end(kind);
        }
    });
}

#[test]
fn the_ports_of_a_sandbox_that_ends_end_with_it() {
    world(|world| {
        for kind in TYPES {
            world.controller.create_network(network(kind, "blue")).unwrap();
            world.container("blue", "db", 12, &["8081:80", "8081:80/udp"]);
            let before = world.rules(&["ruleset"]);
            world.container("blue", "web", 11, &["8080:80", "8080:80/udp"]);
            world.remove("web");
            assert_eq!(world.rules(&["ruleset"]), before, "{kind}");
            world.container("blue", "web", 13, &["8080:80", "8080:80/udp"]);
            let each = ways().flat_map(|(family, transport)| {
                [(8080, "web"), (8081, "db")]
                    .map(|(port, name)| outside(family, transport, port).answers(name, family.of(WORLD)))
            });
            attempt(kind, &each.collect::<Vec<_>>());
            world.end(kind);
        }
    });
}
