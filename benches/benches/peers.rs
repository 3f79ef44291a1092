//! A container's network by every tool, in turn in one host: connected, made and connected, disconnected.
//!
//! `make bench-peers` builds and fetches the tools, prints a table and the promised ratios, and writes all to
//! `target/bench/peers.json`. The end state of each sample is looked at before its time counts. With words as arguments
//! only those tools take part whose names begin with one of them, and nothing is written.

use std::cell::RefCell;
use std::env;
use std::path::PathBuf;
use std::process::Command;
use std::rc::Rc;
use std::time::{Duration, Instant};

use netns::ipnet::Ipv4Net;
use netns_benches::figures::Figures;
use netns_benches::peers::Tools;
use netns_benches::rig::link_count;
use netns_benches::stats::{median, percentile, Bound};
use netns_benches::tools::{
    check, check_gone, gateway, make_bridge, masquerade, subnet, Batch, ByDocker, ByFloor, ByNetavark,
    CniBridge, Daemon, Hook, Outside, Place, Script, Tool, Worker,
};

const WARM_UP: usize = 3;
const ROUNDS: usize = 30;
/// Before each sample, so that it does not pay for what the kernel put off of the one before.
const PAUSE: Duration = Duration::from_millis(10);
/// How long the kernel may take to clear away what was there.
const PATIENCE: Duration = Duration::from_secs(30);
/// What the others are compared with: all that a user gets by default.
const OURS: &str = "libnetns, Rust";

/// A tool that works here, with its version, or why it does not.
type Made = Result<(Box<dyn Tool>, String), String>;
/// The tool's name, and what makes it for a bridge or network of that name in the subnet of that number.
type Maker = (&'static str, fn(&str, u8) -> Made);

const MAKERS: [Maker; 17] = [
    ("floor", |bridge, index| Ok((Box::new(ByFloor::new(bridge, index)?), "raw netlink".to_owned()))),
    (OURS, |name, index| worker(&mut by_rust("controller", name, gateway(index))?)),
    ("libnetns, Rust, unmetered", |name, index| worker(&mut by_rust("unmetered", name, gateway(index))?)),
    ("libnetns, Rust, foundation", |name, index| {
        masquerade(&format!("br-{name}"), gateway(index))?;
        worker(&mut by_rust("foundation", name, gateway(index))?)
    }),
    ("libnetns, C", |name, index| worker(program("NETNS_TOOL_C")?.args([name, &subnet(index).to_string()]))),
    ("libnetns, Go", |name, index| worker(by_go("netns", name, index)?.env_remove("_"))),
    ("libnetns, Python", |name, index| worker(&mut by_python("netns", name, index)?)),
    ("libnetns, netns-hook", |bridge, index| {
        Ok((Box::new(Hook::new(bridge, index)?), env!("CARGO_PKG_VERSION").to_owned()))
    }),
    ("iproute2, script", |bridge, index| Ok((Box::new(Script::new(bridge, index)?), iproute2()?))),
    ("iproute2, -batch", |bridge, index| Ok((Box::new(Batch::new(bridge, index)?), iproute2()?))),
    ("pyroute2", |bridge, index| on_bridge(bridge, index, &mut by_python("pyroute2", bridge, index)?)),
    ("vishvananda/netlink", |bridge, index| {
        on_bridge(bridge, index, &mut by_go("vishvananda", bridge, index)?)
    }),
    ("vishvananda/netlink, direct", |bridge, index| {
        on_bridge(bridge, index, &mut by_go("vishvananda-direct", bridge, index)?)
    }),
    ("CNI bridge", |bridge, _| CniBridge::new(Tools::new(), bridge).map(boxed)),
    ("netavark", |bridge, _| ByNetavark::new(Tools::new(), bridge).map(boxed)),
    ("Docker", |name, index| by_docker("bridge", name, index)),
    ("libnetns, Docker plugin", |name, index| by_docker("netns", name, index)),
];

/// What was promised of [`OURS`] over a tool, or of the tool over it.
const PROMISES: [(&str, &str, Bound); 7] = [
    ("attach_over_floor", "floor", Bound::AtMost(1.15)),
    ("cni_over_attach", "CNI bridge", Bound::AtLeast(20.0)),
    ("netavark_over_attach", "netavark", Bound::AtLeast(20.0)),
    ("docker_over_attach", "Docker", Bound::AtLeast(20.0)),
    ("pyroute2_over_attach", "pyroute2", Bound::AtLeast(10.0)),
    ("iproute2_over_attach", "iproute2, script", Bound::AtLeast(10.0)),
    ("vishvananda_direct_over_attach", "vishvananda/netlink, direct", Bound::AtLeast(1.0)),
];

/// A tool among the others.
struct Entry {
    name: &'static str,
    version: String,
    index: u8,
    tool: Box<dyn Tool>,
    /// How many containers it has had.
    count: u16,
    attach: Vec<Duration>,
    whole: Vec<Duration>,
    detach: Vec<Duration>,
}

fn main() {
    if env::args().any(|argument| argument == "--test") {
        return;
    }
    testhost::host(|_| {
        let outside = Outside::new().expect("something beyond the host");
        let mut figures = Figures::default();
        let mut entries = Vec::new();
        let wanted = wanted();
        let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|word| name.starts_with(word));
        for ((name, make), index) in MAKERS.into_iter().zip(0..).filter(|((name, _), _)| is_wanted(name)) {
            match begin(name, make, index, &outside) {
                Ok(entry) => entries.push(entry),
                Err(why) => figures.not_measured(name, &why, []),
            }
        }
        DAEMON.take();
        let links = link_count();
        for round in 0..WARM_UP + ROUNDS {
            let last = entries.len().max(1);
            entries.rotate_left(round % last);
            for entry in &mut entries {
                entry.sample(round >= WARM_UP, links).unwrap_or_else(|why| panic!("{}: {why}", entry.name));
            }
        }
        report(&mut figures, &mut entries);
        if wanted.is_empty() {
            figures.write("peers.json");
        }
        for mut entry in entries {
            entry.end().unwrap_or_else(|why| panic!("{}: {why}", entry.name));
        }
        outside.end().expect("an end");
    });
}

/// With what the names of tools begin that are asked for; nothing where all are.
fn wanted() -> Vec<String> {
    let words: Vec<_> = env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let nobodys = words.iter().find(|word| !MAKERS.iter().any(|(name, _)| name.starts_with(word.as_str())));
    assert_eq!(nobodys, None, "no tool's name begins so");
    words
}

/// The tool with a container that stays, which was seen to be as it should be and to reach the outside.
fn begin(
    name: &'static str,
    make: fn(&str, u8) -> Made,
    index: u8,
    outside: &Outside,
) -> Result<Entry, String> {
    let (tool, version) = make(&format!("bench{index}"), index)?;
    let samples = Vec::new;
    let mut entry = Entry {
        name,
        version,
        index,
        tool,
        count: 0,
        attach: samples(),
        whole: samples(),
        detach: samples(),
    };
    let place = entry.place();
    entry.tool.make(&place)?;
    entry.tool.attach(&place)?;
    check(&place)?;
    outside.check(&place)?;
    Ok(entry)
}

impl Entry {
    /// The next place. The first is that of the container that stays.
    fn place(&mut self) -> Place {
        self.count += 1;
        self.at(self.count)
    }

    fn at(&self, number: u16) -> Place {
        let [high, low] = (number + 1).to_be_bytes();
        let [a, b, ..] = gateway(self.index).addr().octets();
        let address = Ipv4Net::new_assert([a, b, high, low].into(), 16);
        Place { name: format!("t{}-{number}", self.index), address, gateway: gateway(self.index).addr() }
    }

    fn sample(&mut self, counts: bool, links: usize) -> Result<(), String> {
        let place = self.place();
        self.tool.make(&place)?;
        std::thread::sleep(PAUSE);
        let attached = self.tool.attach(&place)?;
        check(&place)?;
        let detached = self.tool.detach(&place)?;
        check_gone(&place)?;
        self.tool.unmake(&place)?;
        settle(links)?;

        let place = self.place();
        std::thread::sleep(PAUSE);
        let whole = self.tool.whole(&place)?;
        if whole.is_some() {
            check(&place)?;
            self.tool.detach(&place)?;
            self.tool.remove(&place)?;
            settle(links)?;
        }
        if counts {
            self.attach.push(attached);
            self.detach.extend(detached);
            self.whole.extend(whole);
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), String> {
        let place = self.at(1);
        self.tool.detach(&place)?;
        self.tool.unmake(&place)?;
        self.tool.end()
    }
}

fn report(figures: &mut Figures, entries: &mut [Entry]) {
    entries.sort_by(|a, b| median(&a.attach).total_cmp(&median(&b.attach)));
    println!(
        "{:<30} {:>10} {:>17} {:>10} {:>10}   version",
        "ms", "attach", "10 % to 90 %", "whole", "detach"
    );
    let ms = |samples: &[Duration]| median(samples) / 1e3;
    let text = |value: f64| if value.is_nan() { "-".to_owned() } else { format!("{value:.3}") };
    for entry in &*entries {
        let [low, high] = [10, 90].map(|percent| percentile(&entry.attach, percent) / 1e3);
        println!(
            "{:<30} {:>10} {:>17} {:>10} {:>10}   {}",
            entry.name,
            text(ms(&entry.attach)),
            format!("{low:.3} to {high:.3}"),
            text(ms(&entry.whole)),
            text(ms(&entry.detach)),
            entry.version,
        );
    }
    for (kind, samples) in [
        ("attach_ms", (|entry| &entry.attach) as fn(&Entry) -> &Vec<Duration>),
        ("whole_ms", |entry| &entry.whole),
        ("detach_ms", |entry| &entry.detach),
    ] {
        let measured = entries.iter().filter(|entry| !samples(entry).is_empty());
        figures.keep_all(kind, measured.map(|entry| (entry.name, ms(samples(entry)))));
    }
    for (kind, percent) in [("attach_p10_ms", 10), ("attach_p90_ms", 90)] {
        let measured = entries.iter().map(|entry| (entry.name, percentile(&entry.attach, percent) / 1e3));
        figures.keep_all(kind, measured);
    }
    figures.keep_words("versions", entries.iter().map(|entry| (entry.name, entry.version.as_str())));
    let of = |name: &str| entries.iter().find(|entry| entry.name == name).map(|entry| median(&entry.attach));
    for (name, other, bound) in PROMISES {
        match (of(OURS), of(other)) {
            (Some(ours), Some(floor)) if other == "floor" => figures.report(name, ours / floor, "", bound),
            (Some(ours), Some(theirs)) => figures.report(name, theirs / ours, "", bound),
            _ => println!("{name}: not measured"),
        }
    }
    if let (Some(own), Some(floor)) = (of("libnetns, Rust, foundation"), of("floor")) {
        figures.report("foundation_attach_over_floor", own / floor, "", Bound::AtMost(1.15));
    }
}

fn boxed<T: Tool + 'static>((tool, version): (T, String)) -> (Box<dyn Tool>, String) {
    (Box::new(tool), version)
}

fn worker(command: &mut Command) -> Made {
    Worker::start(command).map(boxed)
}

/// A worker for a bridge that is there before.
fn on_bridge(bridge: &str, index: u8, command: &mut Command) -> Made {
    make_bridge(bridge, gateway(index))?;
    worker(command)
}

/// What the environment variable names, with the directories of a controller in the private `/run`.
fn program(variable: &str) -> Result<Command, String> {
    let path = env::var_os(variable).map(PathBuf::from).filter(|path| path.exists());
    let path = path.ok_or_else(|| format!("{variable} names no program: run make bench-peers"))?;
    let mut command = Command::new(path);
    command.env("NETNS_NETWORKS_DIR", "/run/libnetns/networks");
    Ok(command)
}

fn by_rust(kind: &str, name: &str, gateway: Ipv4Net) -> Result<Command, String> {
    let mut command = program("NETNS_TOOL_RUST")?;
    command.args([kind, name, &gateway.to_string()]);
    Ok(command)
}

fn by_go(kind: &str, name: &str, index: u8) -> Result<Command, String> {
    let mut command = program("NETNS_TOOL_GO")?;
    command.args(["tool", kind, name, &gateway(index).to_string()]);
    Ok(command)
}

fn by_python(kind: &str, name: &str, index: u8) -> Result<Command, String> {
    let mut command = program("NETNS_TOOL_PYTHON")?;
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/python/tool.py"));
    command.args([kind, name, &gateway(index).to_string()]);
    Ok(command)
}

thread_local! {
    /// Docker's, while tools are made that need one; each of them keeps it.
    static DAEMON: RefCell<Option<Rc<Daemon>>> = const { RefCell::new(None) };
}

fn by_docker(driver: &str, name: &str, index: u8) -> Made {
    let there = DAEMON.with_borrow(Clone::clone);
    let daemon = there.map_or_else(|| Daemon::start().map(Rc::new), Ok)?;
    DAEMON.set(Some(Rc::clone(&daemon)));
    let version = daemon.version()?;
    let tool = ByDocker::new(&daemon, driver, name, index)?;
    Ok((Box::new(tool), version))
}

fn iproute2() -> Result<String, String> {
    let output = Command::new("ip").arg("-V").output().map_err(|error| error.to_string())?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Waits until the kernel has cleared away what was there.
fn settle(links: usize) -> Result<(), String> {
    let begin = Instant::now();
    while link_count() > links {
        if begin.elapsed() > PATIENCE {
            return Err("links stay".to_owned());
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}
