//! What counters cost: whoever reads them, a join, and every packet.
//!
//! `make bench` prints each figure beside its bound and writes all to `target/bench/stats.json`.
//! Arguments that are no options choose among the parts (`join`, `packets`, `reads`); then nothing is written.

use std::fs;
use std::hint::black_box;
use std::time::Duration;

use netns::stats::{Meter, MeterOptions, SlotId};
use netns::{InterfaceName, Sandbox};
use netns_benches::figures::Figures;
use netns_benches::floor::Floor;
use netns_benches::lanes::Packets;
use netns_benches::managed::{endpoint, ControllerRig};
use netns_benches::pollers::Sysfs;
use netns_benches::stats::{median, timed, Bound, Pairs};
use testhost::Host;

/// Before each join, so that it does not pay for what the kernel put off of the one before.
const PAUSE: Duration = Duration::from_millis(4);
const JOIN_ROUNDS: usize = 6;
/// Joins of each kind in a round.
const JOINS: usize = 50;
/// Links that are metered where many are read.
const LINKS: usize = 1_000;
/// Reads of one interface in one go: one alone is too short for the clock.
const READS: u32 = 10_000;
const READ_ROUNDS: usize = 100;

type Part = (&'static str, fn(&Host, &mut Figures));

/// Those with many links come last: the kernel takes its time to clear them away.
const PARTS: [Part; 3] = [("join", join), ("packets", packets), ("reads", reads)];

fn main() {
    let chosen: Vec<_> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let mut figures = Figures::default();
    if let Err(why) = testhost::host(|_| Meter::open(&MeterOptions::default()).map(drop)) {
        figures.not_measured("stats", &why.to_string(), []);
        return figures.write("stats.json");
    }
    for (name, measure) in PARTS {
        if chosen.is_empty() || chosen.iter().any(|chosen| name.contains(chosen.as_str())) {
            testhost::host(|host| measure(host, &mut figures));
        }
    }
    if chosen.is_empty() {
        figures.write("stats.json");
    }
}

fn nanoseconds(samples: &[Duration]) -> f64 {
    median(samples) * 1e3
}

/// Joins that are metered (`ours`) beside joins that are not (`floor`), with the sandbox and without.
#[derive(Default)]
struct Joins {
    whole: Pairs,
    connect: Pairs,
}

fn join(_: &Host, figures: &mut Figures) {
    let managed = ControllerRig::new("bridge", "counted", 92);
    let mut joins = Joins::default();
    // The first round warms caches and the kernel's slabs and is not counted.
    for round in 0..=JOIN_ROUNDS {
        if round == 1 {
            joins = Joins::default();
        }
        joins.round(&managed);
    }
    managed.take_down();
    println!("{}", joins.whole.line("sandbox and metered join over plain"));
    println!("{}", joins.connect.line("metered join alone over plain"));
    figures.report("metered_join_over_plain", joins.whole.ratio(), "", Bound::AtMost(1.2));
    figures.keep([
        ("metered_connect_over_plain", joins.connect.ratio()),
        ("metered_connect_us", median(&joins.connect.ours)),
        ("plain_connect_us", median(&joins.connect.floor)),
        ("metered_join_us", median(&joins.whole.ours)),
        ("plain_join_us", median(&joins.whole.floor)),
    ]);
}

impl Joins {
    fn round(&mut self, managed: &ControllerRig) {
        let mut sandboxes = Vec::with_capacity(2 * JOINS);
        for index in 0..JOINS {
            // Each goes first as often as the other.
            for metered in [index % 2 == 0, index % 2 != 0] {
                let name = format!("{}{index}", if metered { "metered" } else { "plain" });
                sandboxes.push((self.one(managed, &name, metered), name));
            }
        }
        let (sandboxes, names): (Vec<_>, Vec<_>) = sandboxes.into_iter().unzip();
        drop(sandboxes);
        managed.remove(names);
    }

    fn one(&mut self, managed: &ControllerRig, name: &str, metered: bool) -> Sandbox {
        std::thread::sleep(PAUSE);
        let mut config = endpoint(name);
        config.meter = Some(metered);
        let (made, sandbox) = timed(|| managed.sandbox(name));
        let (took, joined) = timed(|| managed.controller.connect(managed.network, &sandbox, config));
        assert_eq!(joined.expect("a connection").meter.is_some(), metered, "{name}");
        let side = |pairs: &mut Pairs, took| match metered {
            true => pairs.ours.push(took),
            false => pairs.floor.push(took),
        };
        side(&mut self.connect, took);
        side(&mut self.whole, made + took);
        sandbox
    }
}

/// What counting costs each packet, and what it costs to have a program there at all.
fn packets(host: &Host, figures: &mut Figures) {
    let Packets { plain, metered, empty } = Packets::measure(host);
    println!(
        "a packet: plain {plain:.0} ns, metered {metered:.0} ns, a program that does nothing {empty:.0} ns"
    );
    figures.keep_all("ns_per_packet", [("plain", plain), ("metered", metered), ("empty", empty)]);
    figures.report("metered_minus_plain", metered - plain, "ns", Bound::AtMost(60.0));
    figures.report("metered_over_empty", metered / empty, "", Bound::AtMost(1.15));
    // What the program costs beyond the kernel's way to it.
    figures.keep([("metered_minus_empty", metered - empty)]);
}

/// Reading counters, beside the ways that there were before.
fn reads(host: &Host, figures: &mut Figures) {
    let meter = Meter::open(&MeterOptions::default()).expect("counters");
    let links: Vec<_> = (0..LINKS / 2).flat_map(|pair| [format!("a{pair}"), format!("b{pair}")]).collect();
    let pair = |ends: &[String]| format!("link add {} type veth peer name {}\n", ends[0], ends[1]);
    fs::write("/run/links", links.chunks(2).map(pair).collect::<String>()).expect("a file of commands");
    let made = host.run("ip", &["-batch", "/run/links"]);
    assert!(made.success, "{}", made.stderr);
    let ids: Vec<_> = links.iter().map(|link| meter.attach(&name(link)).expect("a metered link")).collect();

    let read = one_read(&meter, ids[0]);
    let sysfs = Sysfs::mount();
    let sysfs: Vec<_> = (0..READ_ROUNDS).map(|_| timed(|| black_box(sysfs.read(&links[0]))).0).collect();
    let sysfs = nanoseconds(&sysfs);

    let mut floor = Floor::new(None).expect("the floor");
    let mut snapshot = meter.snapshot();
    let mut pairs = Pairs::default();
    for _ in 0..READ_ROUNDS {
        pairs.ours.push(timed(|| meter.snapshot_into(black_box(&mut snapshot))).0);
        let (took, listed) = timed(|| floor.list_links());
        assert_eq!(
            (listed.expect("a list"), snapshot.readings.len()),
            (LINKS + 1, LINKS),
            "links and readings"
        );
        pairs.floor.push(took);
    }
    let (all, dump) = (median(&pairs.ours), median(&pairs.floor));
    println!("one: {read:.1} ns, by sysfs {sysfs:.0} ns; {LINKS}: {all:.1} us, by rtnetlink {dump:.0} us");
    figures.report("read_ns", read, "ns", Bound::AtMost(50.0));
    figures.report("read_1000_us", all, "us", Bound::AtMost(30.0));
    figures.report("sysfs_over_read", sysfs / read, "", Bound::AtLeast(500.0));
    figures.report("rtnl_over_read", dump / all, "", Bound::AtLeast(20.0));
    let (_, words) = meter.mapping();
    let bytes = (words * size_of::<u64>()) as f64;
    let slots = f64::from(meter.slots());
    figures.keep([
        ("sysfs_ns", sysfs),
        ("rtnl_dump_us", dump),
        ("processors", meter.processors() as f64),
        ("slots", slots),
        ("counters_bytes", bytes),
        // Slot 0 is nobody's.
        ("bytes_per_slot", (bytes / (slots + 1.0)).floor()),
    ]);
}

fn one_read(meter: &Meter, id: SlotId) -> f64 {
    let rounds = (0..READ_ROUNDS).map(|_| {
        let read = || {
            for _ in 0..READS {
                black_box(meter.read(black_box(id)));
            }
        };
        timed(read).0
    });
    nanoseconds(&rounds.collect::<Vec<_>>()) / f64::from(READS)
}

fn name(link: &str) -> InterfaceName {
    InterfaceName::new(link).expect("a name")
}
