//! Promises to those who are not alone: threads of one process, and processes on one host.

mod child;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::IpAddr;
use std::process::{Child, ChildStdin, Stdio};
use std::sync::Barrier;
use std::thread;

use netns::{EndpointOptions, ErrorKind, Mtu, Network, NetworkOptions, Sandbox, SandboxKey};
use serde_json::Value;
use testhost::{host, Host};

/// Turns of the races that are run again and again: for a network and for a sandbox.
const TURNS: usize = 20;
const SANDBOX_TURNS: usize = 200;
const JOINS: usize = 100;

fn options() -> NetworkOptions {
    NetworkOptions::default().with_gateway("10.1.0.1/16".parse().unwrap()).with_mtu(Mtu::new(1400).unwrap())
}

fn create_network() -> netns::Result<Network> {
    Network::create("bridge", "blue", options())
}

fn key(name: &str) -> SandboxKey {
    SandboxKey::new(name).unwrap()
}

fn address(group: usize, number: usize) -> IpAddr {
    format!("10.1.{}.{}", group + 1, number + 1).parse().unwrap()
}

/// Makes the sandbox `number` of `group` and joins it to `network`.
fn join(network: &Network, group: usize, number: usize) -> Sandbox {
    let name = format!("s{group}-{number}");
    let sandbox = Sandbox::create(&key(&name)).unwrap();
    let endpoint = EndpointOptions::new(&name)
        .unwrap()
        .with_address(format!("{}/16", address(group, number)).parse().unwrap());
    network.join(&sandbox, &endpoint).unwrap();
    sandbox
}

fn ports(host: &Host) -> usize {
    let ports = host.ip(&["link", "show", "master", "br-blue"]);
    ports.as_array().unwrap().len()
}

/// Every sandbox has its own address, each is a port of the bridge, and a few talk to one another.
fn all_work(host: &Host, groups: usize, joins: usize) {
    assert_eq!(ports(host), groups * joins);
    for group in 0..groups {
        for number in 0..joins {
            let sandbox = Sandbox::open(&key(&format!("s{group}-{number}"))).unwrap();
            let interfaces = sandbox.interfaces().unwrap();
            assert_eq!(interfaces.len(), 1);
            let own = interfaces[0].address.unwrap().addr();
            assert_eq!(IpAddr::from(own), address(group, number));
        }
    }
    for (from, to) in [
        ("s0-0".to_owned(), address(groups - 1, joins - 1)),
        (format!("s{}-0", groups - 1), address(0, joins / 2)),
        (format!("s0-{}", joins - 1), "10.1.0.1".parse().unwrap()),
    ] {
        assert!(host.ping(&from, to), "{from} does not reach {to}");
    }
}

/// A child that waits for each word it is given before it goes on.
struct Racer {
    child: Child,
    words: ChildStdin,
    said: BufReader<std::process::ChildStdout>,
}

impl Racer {
    /// Starts a child that plays `role`, on the caller's host, and returns when it is ready.
    fn start(test: &str, role: &str) -> Self {
        let mut child =
            child::command(&[], test, role).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let words = child.stdin.take().unwrap();
        let said = BufReader::new(child.stdout.take().unwrap());
        let mut racer = Self { child, words, said };
        racer.hear("ready");
        racer
    }

    fn go(&mut self) {
        self.words.write_all(b"go\n").unwrap();
    }

    /// Waits for a line that begins with `word`, and returns the rest of it.
    fn hear(&mut self, word: &str) -> String {
        let mut line = String::new();
        loop {
            line.clear();
            let length = self.said.read_line(&mut line).unwrap();
            assert!(length > 0, "the child ended before it said {word:?}");
            if let Some(rest) = line.strip_prefix(word) {
                return rest.trim().to_owned();
            }
        }
    }

    fn finish(mut self) {
        drop(self.words);
        let mut rest = String::new();
        self.said.read_to_string(&mut rest).unwrap();
        assert!(self.child.wait().unwrap().success(), "{rest}");
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

/// In the parent: lets both children go at once, and returns what each came to.
fn race(racers: &mut [Racer; 2]) -> [String; 2] {
    racers.iter_mut().for_each(Racer::go);
    racers.each_mut().map(|racer| racer.hear("done"))
}

#[test]
fn two_processes_join_a_hundred_sandboxes_each_to_one_network() {
    const TEST: &str = "two_processes_join_a_hundred_sandboxes_each_to_one_network";
    if let Some(role) = child::role() {
        let group = role.parse().unwrap();
        return take_turns(|_| {
            let network = create_network().unwrap();
            let joined: Vec<_> = (0..JOINS).map(|number| join(&network, group, number)).collect();
            joined.len().to_string()
        });
    }
    host(|host| {
        let mut racers = ["0", "1"].map(|group| Racer::start(TEST, group));
        assert_eq!(race(&mut racers), ["100", "100"]);
        racers.into_iter().for_each(Racer::finish);
        all_work(host, 2, JOINS);
    });
}

#[test]
fn eight_threads_join_through_one_network() {
    host(|host| {
        let network = create_network().unwrap();
        let start = Barrier::new(8);
        thread::scope(|scope| {
            for group in 0..8 {
                let (network, start) = (&network, &start);
                scope.spawn(move || {
                    start.wait();
                    for number in 0..10 {
                        join(network, group, number);
                    }
                });
            }
        });
        all_work(host, 8, 10);
    });
}

#[test]
fn eight_threads_join_one_sandbox() {
    host(|host| {
        let network = create_network().unwrap();
        let sandbox = Sandbox::create(&key("web")).unwrap();
        let start = Barrier::new(8);
        thread::scope(|scope| {
            for number in 0..8 {
                let (network, sandbox, start) = (&network, &sandbox, &start);
                scope.spawn(move || {
                    start.wait();
                    let endpoint = EndpointOptions::new(&format!("e{number}")).unwrap();
                    network.join(sandbox, &endpoint).unwrap();
                });
            }
        });
        let interfaces = sandbox.interfaces().unwrap();
        let names: Vec<_> =
            interfaces.iter().map(|interface| interface.name().unwrap().to_string()).collect();
        assert_eq!(names, ["eth0", "eth1", "eth2", "eth3", "eth4", "eth5", "eth6", "eth7"]);
        assert_eq!(ports(host), 8);
    });
}

#[test]
fn of_two_processes_that_make_one_sandbox_exactly_one_wins() {
    const TEST: &str = "of_two_processes_that_make_one_sandbox_exactly_one_wins";
    if child::role().is_some() {
        return take_turns(|turn| match Sandbox::create(&key(&format!("s{turn}"))) {
            Ok(sandbox) => {
                let inode = sandbox.namespace().unwrap().id().inode;
                format!("won {inode}")
            }
            Err(error) => format!("{:?} {}", error.kind(), error),
        });
    }
    host(|host| {
        let mut racers = ["a", "b"].map(|name| Racer::start(TEST, name));
        for turn in 0..SANDBOX_TURNS {
            let results = race(&mut racers);
            let won: Vec<_> = results.iter().filter_map(|result| result.strip_prefix("won ")).collect();
            let lost = results.iter().find(|result| !result.starts_with("won "));
            assert_eq!(won.len(), 1, "{results:?}");
            assert!(lost.is_some_and(|lost| lost.starts_with("AlreadyExists ")), "{results:?}");
            // What is mounted is the winner's, and it is mounted once.
            let sandbox = Sandbox::open(&key(&format!("s{turn}"))).unwrap();
            assert_eq!(sandbox.namespace().unwrap().id().inode.to_string(), won[0]);
        }
        let mounts = std::fs::read_to_string("/proc/thread-self/mountinfo").unwrap();
        let mounted = mounts.lines().filter(|line| line.contains(" /run/netns/s")).count();
        assert_eq!(mounted, SANDBOX_TURNS);
        assert_eq!(host.netns_list().len(), SANDBOX_TURNS);
        racers.into_iter().for_each(Racer::finish);
    });
}

/// The bridge has everything that makes it the network's.
fn assert_whole(host: &Host) {
    let shown = host.ip(&["address", "show", "dev", "br-blue"]);
    let bridge = &shown[0];
    assert_eq!(bridge["mtu"], 1400, "{bridge}");
    assert_eq!(bridge["ifalias"], "libnetns network=blue", "{bridge}");
    assert_eq!(bridge["group"], "20051", "{bridge}");
    let flags = bridge["flags"].as_array().unwrap();
    assert!(flags.contains(&Value::from("UP")), "{bridge}");
    let addresses = bridge["addr_info"].as_array().unwrap().iter();
    let v4: Vec<_> = addresses
        .filter(|address| address["family"] == "inet")
        .map(|address| format!("{}/{}", address["local"].as_str().unwrap(), address["prefixlen"]))
        .collect();
    assert_eq!(v4, ["10.1.0.1/16"], "{bridge}");
}

#[test]
fn two_processes_that_make_one_network_never_leave_half_a_bridge() {
    const TEST: &str = "two_processes_that_make_one_network_never_leave_half_a_bridge";
    if child::role().is_some() {
        return take_turns(|_| match create_network() {
            Ok(network) => format!("made {} {}", network.bridge(), network.mtu()),
            Err(error) => format!("{error:?}"),
        });
    }
    host(|host| {
        let mut racers = ["a", "b"].map(|name| Racer::start(TEST, name));
        for _ in 0..TURNS {
            assert_eq!(race(&mut racers), ["made br-blue 1400", "made br-blue 1400"]);
            assert_whole(host);
            create_network().unwrap().delete().unwrap();
            assert!(!host.run("ip", &["link", "show", "br-blue"]).success);
        }
        racers.into_iter().for_each(Racer::finish);
    });
}

/// A creator and a deleter at once: whoever is last, there is a whole bridge or none.
#[test]
fn creating_and_deleting_one_network_at_once_leaves_a_whole_bridge_or_none() {
    const TEST: &str = "creating_and_deleting_one_network_at_once_leaves_a_whole_bridge_or_none";
    if let Some(role) = child::role() {
        let first = create_network().unwrap();
        return take_turns(|_| {
            let result = match role.as_str() {
                "delete" => first.delete(),
                _ => create_network().map(drop),
            };
            result.map_or_else(|error| format!("{:?} {error}", error.kind()), |()| "ok".to_owned())
        });
    }
    host(|host| {
        let mut racers = ["create", "delete"].map(|role| Racer::start(TEST, role));
        for _ in 0..TURNS {
            let [created, deleted] = race(&mut racers);
            assert_eq!(deleted, "ok");
            // That it was deleted while it was being made is an error that says so, and not half a bridge.
            let kind = format!("{:?} ", ErrorKind::Busy);
            let not_found = format!("{:?} ", ErrorKind::NotFound);
            assert!(
                created == "ok" || created.starts_with(&kind) || created.starts_with(&not_found),
                "{created}"
            );
            if host.run("ip", &["link", "show", "br-blue"]).success {
                assert_whole(host);
            }
        }
        racers.into_iter().for_each(Racer::finish);
    });
}
