//! Promises to processes that share one store: whoever is first has it, and nobody has half of it.

mod child;
mod common;
mod control;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Stdio};

use common::{links, objects};
use control::{at, blue, config, connected, endpoint, ip, open, sandbox, settled, with_subnets};
use netns::{Controller, ErrorKind, Result};
use testhost::{host, Host};

/// Turns of each race.
const TURNS: usize = 20;
/// Sandboxes that each of two processes connects.
const SANDBOXES: usize = 50;

/// A child that waits for each word it is given before it goes on.
struct Racer {
    child: Child,
    words: ChildStdin,
    said: BufReader<std::process::ChildStdout>,
}

impl Racer {
    fn start(test: &str, role: &str) -> Self {
        let mut child =
            child::command(&[], test, role).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let words = child.stdin.take().unwrap();
        let said = BufReader::new(child.stdout.take().unwrap());
        let mut racer = Self { child, words, said };
        racer.hear("ready");
        racer
    }

    /// Waits for a line that begins with `word`, and returns the rest of it.
    fn hear(&mut self, word: &str) -> String {
        loop {
            let mut line = String::new();
            assert!(self.said.read_line(&mut line).unwrap() > 0, "the child ended before it said {word:?}");
            if let Some(rest) = line.strip_prefix(word) {
                return rest.trim().to_owned();
            }
        }
    }
}

/// In a child: the turns that the parent calls, each ended with what it came to.
fn take_turns(mut turn: impl FnMut(usize) -> String) {
    println!("\nready");
    for (number, line) in std::io::stdin().lines().enumerate() {
        line.unwrap();
        println!("\ndone {}", turn(number));
    }
}

/// Two children that play the roles `0` and `1` of `test` at the same time, turn by turn; after each
/// turn `check` has what they came to.
fn race(test: &str, turns: usize, mut check: impl FnMut(usize, [&str; 2])) {
    let mut racers = ["0", "1"].map(|role| Racer::start(test, role));
    for turn in 0..turns {
        racers.iter_mut().for_each(|racer| racer.words.write_all(b"go\n").unwrap());
        let results = racers.each_mut().map(|racer| racer.hear("done"));
        check(turn, [&results[0], &results[1]]);
    }
    for mut racer in racers {
        drop(racer.words);
        let mut rest = String::new();
        racer.said.read_to_string(&mut rest).unwrap();
        assert!(racer.child.wait().unwrap().success(), "{rest}");
    }
}

/// `ok`, or the kind of the error and the error.
fn word<T>(result: Result<T>) -> String {
    match result {
        Ok(_) => "ok".to_owned(),
        Err(error) => format!("{:?} {error}", error.kind()).replace('\n', " "),
    }
}

/// One won, and the other says that it was too late, and why.
#[track_caller]
fn one_won(results: [&str; 2], kind: &str, words: &[&str]) {
    let lost: Vec<_> = results.iter().filter(|result| **result != "ok").collect();
    assert_eq!(lost.len(), 1, "{results:?}");
    assert!(lost[0].starts_with(kind) && words.iter().all(|word| lost[0].contains(word)), "{results:?}");
}

fn names(controller: &Controller) -> Vec<String> {
    controller.networks().unwrap().into_iter().map(|(name, _)| name.to_string()).collect()
}

/// Waits for the kernel to have taken down what was destroyed.
fn without_pairs(host: &Host) {
    let begin = std::time::Instant::now();
    while links(host, "").iter().any(|name| name.starts_with("veth")) {
        assert!(begin.elapsed().as_secs() < 10, "{:?}", links(host, ""));
    }
}

fn connect_many(test: &str, kind: &str) {
    if let Some(role) = child::role() {
        return take_turns(|_| {
            let controller = open();
            for number in 0..SANDBOXES {
                connected(&controller, "many", &format!("s{role}-{number}"));
            }
            "ok".to_owned()
        });
    }
    host(|host| {
        let controller = open();
        controller.create_network(with_subnets(kind, "many", &["10.4.0.0/16", "fd04::/64"])).unwrap();
        race(test, 1, |_, results| assert_eq!(results, ["ok", "ok"]));
        let all = controller.endpoints().unwrap();
        assert_eq!(all.len(), 2 * SANDBOXES);
        let v4: BTreeSet<_> = all.iter().map(|own| own.address.unwrap().addr()).collect();
        let v6: BTreeSet<_> = all.iter().map(|own| own.address_ipv6.unwrap().addr()).collect();
        let macs: BTreeSet<_> = all.iter().map(|own| own.mac.unwrap().to_string()).collect();
        assert_eq!((v4.len(), v6.len(), macs.len()), (all.len(), all.len(), all.len()));
        // What the store says is what the kernel has.
        for own in &all {
            let place = own.name().as_str();
            let seen = common::addresses(&common::link(host, place, "eth0"));
            let (v4, v6) = (own.address.unwrap().addr(), own.address_ipv6.unwrap().addr());
            assert!(seen[0].starts_with(&format!("{v4}/")), "{place}: {seen:?}");
            assert!(seen[1].starts_with(&format!("{v6}/")), "{place}: {seen:?}");
        }
        let last = &all[all.len() - 1];
        for from in ["s0-0", "s1-0", "s0-49"] {
            assert!(host.ping(from, ip("10.4.0.1")) && host.ping(from, ip("fd04::1")), "{from}");
            assert!(host.ping(from, last.address.unwrap().addr().into()), "{from}");
        }
        assert_eq!(controller.collect().unwrap().findings, []);
    });
}

#[test]
fn two_processes_connect_fifty_sandboxes_each_to_a_bridge() {
    connect_many("two_processes_connect_fifty_sandboxes_each_to_a_bridge", "bridge");
}

#[test]
fn two_processes_connect_fifty_sandboxes_each_to_a_routed_network() {
    connect_many("two_processes_connect_fifty_sandboxes_each_to_a_routed_network", "routed");
}

#[test]
fn many_threads_connect_at_once_through_one_controller_and_through_several() {
    host(|host| {
        let shared = open();
        shared.create_network(with_subnets("bridge", "many", &["10.4.0.0/16"])).unwrap();
        std::thread::scope(|scope| {
            for thread in 0..6 {
                let shared = &shared;
                scope.spawn(move || {
                    let own = (thread >= 3).then(open);
                    let controller = own.as_ref().unwrap_or(shared);
                    for turn in 0..8 {
                        let name = format!("s{thread}-{turn}");
                        let (web, _) = connected(controller, "many", &name);
                        match turn % 4 {
                            1 => controller.disconnect("many", &name).unwrap(),
                            2 => controller.destroy_sandbox(&web).unwrap(),
                            _ => {}
                        }
                    }
                });
            }
        });
        let left = shared.endpoints().unwrap();
        assert_eq!(left.len(), 6 * 4);
        assert_eq!(left.iter().map(|own| own.address).collect::<BTreeSet<_>>().len(), left.len());
        let begin = std::time::Instant::now();
        let ports = || objects(host.ip(&["link", "show", "master", "br-many"])).len();
        while ports() != left.len() {
            assert!(begin.elapsed().as_secs() < 10, "{} ports of {}", ports(), left.len());
        }
        assert!(host.ping("s0-0", ip("10.4.0.1")));
    });
}

/// However long the queue: nobody is told that the store is busy as long as others get on.
#[test]
fn hundreds_of_threads_come_and_go_at_once() {
    host(|host| {
        let controller = open();
        controller.create_network(with_subnets("bridge", "many", &["10.4.0.0/16"])).unwrap();
        std::thread::scope(|scope| {
            for thread in 0..400 {
                let controller = &controller;
                scope.spawn(move || {
                    let (web, _) = connected(controller, "many", &format!("s{thread}"));
                    controller.destroy_sandbox(&web).unwrap();
                });
            }
        });
        assert_eq!(controller.endpoints().unwrap(), []);
        assert_eq!(host.netns_list(), [""; 0]);
    });
}

#[test]
fn of_two_processes_that_create_a_network_one_does() {
    const TEST: &str = "of_two_processes_that_create_a_network_one_does";
    if let Some(role) = child::role() {
        let controller = open();
        return take_turns(|turn| {
            let mut network = blue();
            network.labels.insert("maker".to_owned(), format!("{role}-{turn}"));
            word(controller.create_network(network))
        });
    }
    host(|host| {
        let (controller, before) = settled(host);
        race(TEST, TURNS, |turn, results| {
            one_won(results, "AlreadyExists", &["create network blue"]);
            let winner = results.iter().position(|result| *result == "ok").unwrap();
            let made = controller.inspect_network("blue").unwrap().config;
            assert_eq!(made.labels["maker"], format!("{winner}-{turn}"));
            let (web, _) = connected(&controller, "blue", "web");
            assert!(host.ping("web", ip("10.1.0.1")));
            controller.destroy_sandbox(&web).unwrap();
            controller.delete_network("blue").unwrap();
        });
        host.assert_returns_to(&before, "networks that two wanted to create");
    });
}

#[test]
fn two_processes_that_create_networks_by_default_get_different_subnets() {
    const TEST: &str = "two_processes_that_create_networks_by_default_get_different_subnets";
    if let Some(role) = child::role() {
        let controller = open();
        return take_turns(|turn| {
            word(controller.create_network(config("bridge", &format!("n{role}-{turn}")).with_ipv6()))
        });
    }
    host(|_| {
        race(TEST, 5, |_, results| assert_eq!(results, ["ok", "ok"]));
        let made = open().networks().unwrap();
        let subnets: BTreeSet<_> = made
            .iter()
            .flat_map(|(_, config)| config.as_ref().unwrap().subnets.iter().map(|own| own.subnet))
            .collect();
        assert_eq!((made.len(), subnets.len()), (10, 20));
    });
}

#[test]
fn two_processes_that_use_a_network_that_somebody_wrote_agree_on_it() {
    const TEST: &str = "two_processes_that_use_a_network_that_somebody_wrote_agree_on_it";
    if let Some(role) = child::role() {
        let controller = open();
        let own = sandbox(&controller, &format!("s{role}"));
        return take_turns(|_| {
            let connected = controller.connect("blue", &own, endpoint(&format!("e{role}")));
            let addresses = connected.as_ref().map(|own| control::addresses_of(own).len()).unwrap_or(0);
            assert!(connected.is_err() || addresses == 2, "{connected:?}");
            word(connected)
        });
    }
    host(|host| {
        let (controller, before) = settled(host);
        race(TEST, 1, |_, results| assert!(results[0].starts_with("NotFound"), "{results:?}"));
        for name in ["s0", "s1"] {
            controller.remove_sandbox(name).unwrap();
        }
        let text = r#"{"name": "blue", "type": "bridge", "ipv6": true}"#;
        std::fs::write("/run/networks/blue.json", text).unwrap();
        race(TEST, TURNS, |_, results| {
            assert_eq!(results, ["ok", "ok"]);
            let made = controller.inspect_network("blue").unwrap().config;
            for gateway in made.subnets.iter().map(|own| own.gateway.unwrap()) {
                assert!(["1"].contains(&gateway.to_string().rsplit(['.', ':']).next().unwrap()), "{gateway}");
                assert!(host.ping("s0", gateway) && host.ping("s1", gateway), "{gateway}");
            }
            for name in ["e0", "e1"] {
                controller.disconnect("blue", name).unwrap();
            }
            controller.delete_network("blue").unwrap();
            std::fs::write("/run/networks/blue.json", text).unwrap();
        });
        controller.delete_network("blue").unwrap();
        for name in ["s0", "s1"] {
            controller.remove_sandbox(name).unwrap();
        }
        host.assert_returns_to(&before, "a network that somebody wrote");
    });
}

#[test]
fn two_processes_delete_a_network_at_once() {
    const TEST: &str = "two_processes_delete_a_network_at_once";
    if child::role().is_some() {
        let controller = open();
        return take_turns(|_| word(controller.delete_network("blue")));
    }
    host(|host| {
        let (controller, before) = settled(host);
        controller.create_network(blue()).unwrap();
        race(TEST, TURNS, |_, results| {
            assert_eq!(results, ["ok", "ok"]);
            host.assert_returns_to(&before, "a network that two deleted");
            controller.create_network(blue()).unwrap();
        });
    });
}

#[test]
fn a_network_that_one_creates_and_another_deletes_is_whole_or_gone() {
    const TEST: &str = "a_network_that_one_creates_and_another_deletes_is_whole_or_gone";
    if let Some(role) = child::role() {
        let controller = open();
        return take_turns(|_| match role.as_str() {
            "0" => word(controller.create_network(blue())),
            _ => word(controller.delete_network("blue")),
        });
    }
    host(|host| {
        let (controller, before) = settled(host);
        race(TEST, TURNS * 2, |_, results| {
            assert_eq!(results[1], "ok");
            assert!(results[0] == "ok" || results[0].starts_with("AlreadyExists"), "{results:?}");
            if names(&controller).is_empty() {
                host.assert_returns_to(&before, "a network that is gone");
                return;
            }
            let (web, _) = connected(&controller, "blue", "web");
            assert!(host.ping("web", ip("10.1.0.1")), "{results:?}");
            controller.destroy_sandbox(&web).unwrap();
        });
        controller.delete_network("blue").unwrap();
        host.assert_returns_to(&before, "the end");
    });
}

#[test]
fn an_endpoint_comes_or_its_network_goes_but_not_both() {
    const TEST: &str = "an_endpoint_comes_or_its_network_goes_but_not_both";
    if let Some(role) = child::role() {
        let controller = open();
        let web = if role == "0" { Some(sandbox(&controller, "web")) } else { None };
        return take_turns(|turn| match (&web, turn % 2) {
            (Some(web), 0) => word(controller.connect("blue", web, endpoint("web"))),
            (Some(_), _) => word(controller.create_endpoint("blue", endpoint("web"))),
            (None, _) => word(controller.delete_network("blue")),
        });
    }
    host(|host| {
        for kind in ["bridge", "macvlan", "null"] {
            let (controller, _) = settled(host);
            let network = match kind {
                "null" => config(kind, "blue"),
                "macvlan" => {
                    common::veth(host, "lan0", "lan1");
                    with_subnets(kind, "blue", &["10.1.0.0/24"]).with_option("parent", "lan0")
                }
                _ => blue(),
            };
            controller.create_network(network.clone()).unwrap();
            race(TEST, TURNS * 2, |_, results| {
                let there = !names(&controller).is_empty();
                let endpoints = controller.endpoints().unwrap();
                match results {
                    ["ok", busy] => assert!(busy.starts_with("Busy") && there, "{kind}: {results:?}"),
                    [gone, "ok"] => {
                        assert!(gone.starts_with("NotFound"), "{kind}: {results:?}");
                        assert!(!there && endpoints.is_empty(), "{kind}: {results:?} {endpoints:?}");
                        controller.create_network(network.clone()).unwrap();
                    }
                    _ => panic!("{kind}: {results:?}"),
                }
                controller.disconnect("blue", "web").unwrap();
            });
            controller.delete_network("blue").unwrap();
            controller.remove_sandbox("web").unwrap();
            assert_eq!(controller.endpoints().unwrap(), []);
        }
    });
}

#[test]
fn of_two_processes_that_connect_one_endpoint_one_does() {
    const TEST: &str = "of_two_processes_that_connect_one_endpoint_one_does";
    if let Some(role) = child::role() {
        let controller = open();
        let own = sandbox(&controller, &format!("s{role}"));
        return take_turns(|_| word(controller.connect("blue", &own, endpoint("web"))));
    }
    host(|host| {
        let controller = open();
        controller.create_network(blue()).unwrap();
        race(TEST, TURNS, |_, results| {
            one_won(results, "AlreadyExists", &["web of network blue", "has an endpoint of that name"]);
            let winner = results.iter().position(|result| *result == "ok").unwrap();
            let made = controller.endpoint("blue", "web").unwrap();
            assert_eq!(made.sandbox.unwrap().to_str().unwrap(), format!("/run/netns/s{winner}"));
            assert_eq!(links(host, &format!("s{winner}")), ["eth0", "lo"]);
            assert_eq!(links(host, &format!("s{}", 1 - winner)), ["lo"]);
            controller.disconnect("blue", "web").unwrap();
        });
        assert_eq!(controller.endpoints().unwrap(), []);
        without_pairs(host);
    });
}

#[test]
fn of_two_processes_that_join_one_endpoint_one_does_and_both_may_take_it_away() {
    const TEST: &str = "of_two_processes_that_join_one_endpoint_one_does_and_both_may_take_it_away";
    if let Some(role) = child::role() {
        let controller = open();
        let own = sandbox(&controller, &format!("s{role}"));
        return take_turns(|turn| match turn % 2 {
            0 => word(controller.join("blue", "web", &own)),
            _ => word(controller.leave("blue", "web")),
        });
    }
    host(|host| {
        let controller = open();
        controller.create_network(blue()).unwrap();
        let made = controller.create_endpoint("blue", endpoint("web")).unwrap();
        race(TEST, TURNS * 2, |turn, results| {
            if turn % 2 == 1 {
                assert_eq!(results, ["ok", "ok"]);
                assert_eq!(controller.endpoint("blue", "web").unwrap(), made);
                return;
            }
            one_won(results, "Busy", &["web of network blue", "joined to /run/netns/s"]);
            let winner = results.iter().position(|result| *result == "ok").unwrap();
            assert!(host.ping(&format!("s{winner}"), ip("10.1.0.1")));
            assert_eq!(links(host, &format!("s{}", 1 - winner)), ["lo"]);
        });
        without_pairs(host);
    });
}

#[test]
fn of_two_processes_that_want_one_address_one_has_it() {
    const TEST: &str = "of_two_processes_that_want_one_address_one_has_it";
    if let Some(role) = child::role() {
        let controller = open();
        return take_turns(|_| {
            word(controller.create_endpoint("blue", at(&format!("e{role}"), &["10.1.0.7"])))
        });
    }
    host(|_| {
        let controller = open();
        controller.create_network(blue()).unwrap();
        race(TEST, TURNS, |_, results| {
            one_won(results, "AlreadyExists", &["10.1.0.7"]);
            assert_eq!(controller.endpoints().unwrap().len(), 1);
            for name in ["e0", "e1"] {
                controller.delete_endpoint("blue", name).unwrap();
            }
        });
    });
}

#[test]
fn of_two_processes_that_create_a_sandbox_one_does_and_it_is_known() {
    const TEST: &str = "of_two_processes_that_create_a_sandbox_one_does_and_it_is_known";
    if child::role().is_some() {
        let controller = open();
        return take_turns(|_| word(controller.create_sandbox("web")));
    }
    host(|host| {
        let controller = open();
        race(TEST, TURNS * 5, |_, results| {
            one_won(results, "AlreadyExists", &["/run/netns/web"]);
            assert_eq!(controller.sandboxes().unwrap().len(), 1, "{results:?}");
            controller.remove_sandbox("web").unwrap();
            assert_eq!(controller.sandboxes().unwrap().len(), 0);
        });
        assert_eq!(host.netns_list(), Vec::<String>::new());
    });
}

#[test]
fn a_sandbox_that_goes_while_another_process_connects_it_leaves_nothing() {
    const TEST: &str = "a_sandbox_that_goes_while_another_process_connects_it_leaves_nothing";
    if let Some(role) = child::role() {
        let controller = open();
        return take_turns(|_| match role.as_str() {
            "0" => {
                let connect = || {
                    let web = controller.open_sandbox("web")?;
                    controller.connect("blue", &web, endpoint("web"))
                };
                word(connect())
            }
            _ => word(controller.remove_sandbox("web")),
        });
    }
    host(|host| {
        let (controller, _) = settled(host);
        controller.create_network(blue()).unwrap();
        assert_eq!(ErrorKind::NotFound, controller.open_sandbox("web").unwrap_err().kind());
        drop(sandbox(&controller, "web"));
        race(TEST, TURNS, |_, results| {
            assert_eq!(results[1], "ok");
            // Between its end and the end of its file it is no namespace.
            let late =
                results[0].starts_with("NotFound") || results[0].contains("this is no network namespace");
            assert!(results[0] == "ok" || late, "{results:?}");
            // What was connected to a sandbox that had just gone is collected.
            controller.collect().unwrap();
            assert_eq!(controller.endpoints().unwrap(), [], "{results:?}");
            drop(sandbox(&controller, "web"));
        });
        controller.remove_sandbox("web").unwrap();
        without_pairs(host);
        controller.delete_network("blue").unwrap();
    });
}

#[test]
fn of_two_threads_that_create_a_sandbox_one_does_and_it_is_known() {
    host(|_| {
        let controller = open();
        for turn in 0..TURNS * 5 {
            let results = std::thread::scope(|scope| {
                let create = || word(controller.create_sandbox("web"));
                let threads = [scope.spawn(create), scope.spawn(create)];
                threads.map(|thread| thread.join().unwrap())
            });
            one_won([&results[0], &results[1]], "AlreadyExists", &["/run/netns/web"]);
            assert_eq!(controller.sandboxes().unwrap().len(), 1, "turn {turn}: {results:?}");
            controller.remove_sandbox("web").unwrap();
        }
    });
}
