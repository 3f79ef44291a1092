//! What the controller's memory costs on top of the kernel's price, and how that scales.
//!
//! `make bench` prints each figure beside its bound and writes all to `target/bench/controller.json`.
//! Arguments that are no options choose among the parts (`join`, `ipam`, `two`, `open`, `routed`); then
//! nothing is written.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use netns::ipam::{Ipam, Pool, PoolRequest};
use netns::ipnet::IpNet;
use netns::{Controller, Sandbox};
use netns_benches::figures::Figures;
use netns_benches::floor::{Floor, FloorSandbox};
use netns_benches::managed::{endpoint, options, too_few_namespaces, ControllerRig};
use netns_benches::rig::{floor_join, floor_sandbox, Rig, Slot};
use netns_benches::stats::{median, timed, Bound, Pairs};
use netns_benches::workers;

/// Before each sample, so that it does not pay for what the kernel put off of the one before.
const PAUSE: Duration = Duration::from_millis(4);
const ROUNDS: usize = 6;
/// Samples of each of three sides in a round; each of their six orders comes equally often.
const ROUND: usize = 48;
const ORDERS: [[Side; 3]; 6] = {
    use Side::{Controller, Floor, Raw};
    [
        [Controller, Raw, Floor],
        [Floor, Controller, Raw],
        [Raw, Floor, Controller],
        [Floor, Raw, Controller],
        [Controller, Floor, Raw],
        [Raw, Controller, Floor],
    ]
};
/// Endpoints that are made and deleted without a join.
const RECORDS: usize = 500;
const LEASES: usize = 65_000;
const LEASE_WINDOW: usize = 1_000;
const ROUTED: usize = 5_000;
const ROUTED_WINDOW: usize = 60;
const ROUTED_WARM_UP: usize = 10;
/// What one worker joins.
const WORK: usize = 150;
const WORK_ROUNDS: usize = 5;
const OPEN: usize = 1_000;
const OPEN_ROUNDS: usize = 5;

type Part = (&'static str, fn(&mut Figures));

const PARTS: [Part; 5] =
    [("join", join), ("ipam", ipam), ("two", two_over_one), ("open", open), ("routed", routed)];

fn main() {
    if workers::is_worker() {
        return;
    }
    let chosen: Vec<_> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    testhost::host(|_| {
        let mut figures = Figures::default();
        for (name, measure) in PARTS {
            if chosen.is_empty() || chosen.iter().any(|chosen| name.contains(chosen.as_str())) {
                measure(&mut figures);
            }
        }
        if chosen.is_empty() {
            figures.write("controller.json");
        }
    });
}

#[derive(Clone, Copy)]
enum Side {
    Controller,
    Floor,
    Raw,
}

/// The sandboxes of a round, to be destroyed at its end, and what everything took.
#[derive(Default)]
struct Sides {
    managed: Vec<Sandbox>,
    raw: Vec<Sandbox>,
    floor: Vec<FloorSandbox>,
    controller_join: Vec<Duration>,
    controller_sandbox: Vec<Duration>,
    raw_join: Vec<Duration>,
    raw_sandbox: Vec<Duration>,
    floor_join: Vec<Duration>,
    controller_destroy: Vec<Duration>,
    raw_destroy: Vec<Duration>,
}

/// A sandbox made and joined to a bridge: by the controller, by the parts that it is made of, by the floor.
fn join(figures: &mut Figures) {
    let mut rig = Rig::new(false);
    let managed = ControllerRig::new("bridge", "kept", 97);
    let mut sides = Sides::default();
    // The first round warms caches and the kernel's slabs and is not counted.
    for round in 0..=ROUNDS {
        if round == 1 {
            sides = Sides::default();
        }
        sides.round(&mut rig, &managed);
    }
    let pairs: Vec<_> = (0..RECORDS).map(|_| timed(|| allocate_and_record(&managed)).0).collect();
    // As a join finds it: the processor has been idle, its caches have gone cold.
    let rested = (0..RECORDS / 5).map(|_| {
        std::thread::sleep(PAUSE);
        timed(|| allocate_and_record(&managed)).0
    });
    let rested = median(&rested.collect::<Vec<_>>());
    managed.take_down();
    rig.take_down();

    let [ours, raw, floor] =
        [&sides.controller_join, &sides.raw_join, &sides.floor_join].map(|samples| median(samples));
    let [our_sandbox, raw_sandbox] =
        [&sides.controller_sandbox, &sides.raw_sandbox].map(|samples| median(samples));
    let [our_destroy, raw_destroy] =
        [&sides.controller_destroy, &sides.raw_destroy].map(|samples| median(samples));
    println!("create and join: controller {ours:.1} us, without it {raw:.1} us, floor {floor:.1} us");
    println!("  of it the sandbox: controller {our_sandbox:.1} us, without it {raw_sandbox:.1} us");
    println!("destroy: controller {our_destroy:.1} us, without it {raw_destroy:.1} us");
    println!("an endpoint made and deleted: {:.1} us, {rested:.1} us after a pause", median(&pairs));
    figures.report("controller_join_over_floor", ours / floor, "", Bound::AtMost(1.3));
    figures.report("bookkeeping_us", ours - raw, "us", Bound::AtMost(100.0));
    figures.keep([
        ("controller_join_us", ours),
        ("raw_join_us", raw),
        ("join_floor_us", floor),
        ("join_over_floor_raw", raw / floor),
        ("sandbox_bookkeeping_us", our_sandbox - raw_sandbox),
        ("allocate_record_us", median(&pairs)),
        ("allocate_record_rested_us", rested),
        ("controller_destroy_us", our_destroy),
        ("raw_destroy_us", raw_destroy),
    ]);
}

impl Sides {
    fn round(&mut self, rig: &mut Rig, managed: &ControllerRig) {
        let mut names = Vec::with_capacity(ROUND);
        for index in 0..ROUND {
            let slot = rig.slot();
            let name = format!("kept{}", slot.number());
            for side in ORDERS[index % ORDERS.len()] {
                std::thread::sleep(PAUSE);
                match side {
                    Side::Controller => self.controller(managed, &name),
                    Side::Floor => self.floor(rig, slot),
                    Side::Raw => self.raw(rig, slot),
                }
            }
            names.push(name);
        }
        managed.addresses(ROUND);
        for sandbox in self.managed.drain(..) {
            let (took, ended) = timed(|| managed.controller.destroy_sandbox(&sandbox));
            ended.expect("a destroyed sandbox");
            self.controller_destroy.push(took);
        }
        for sandbox in self.raw.drain(..) {
            let (took, ended) = timed(|| sandbox.destroy());
            ended.expect("a destroyed sandbox");
            self.raw_destroy.push(took);
        }
        for sandbox in self.floor.drain(..) {
            rig.floor.destroy(sandbox).expect("a destroyed sandbox");
        }
        managed.remove(names);
    }

    fn controller(&mut self, managed: &ControllerRig, name: &str) {
        let (made, sandbox) = timed(|| managed.sandbox(name));
        let (joined, _) = timed(|| managed.connect(&sandbox, name));
        self.controller_sandbox.push(made);
        self.controller_join.push(made + joined);
        self.managed.push(sandbox);
    }

    fn raw(&mut self, rig: &Rig, slot: Slot) {
        let (made, sandbox) = timed(|| rig.sandbox(slot));
        let (joined, ()) = timed(|| rig.join(&sandbox, slot));
        self.raw_sandbox.push(made);
        self.raw_join.push(made + joined);
        self.raw.push(sandbox);
    }

    fn floor(&mut self, rig: &mut Rig, slot: Slot) {
        let (took, sandbox) = timed(|| {
            let mut sandbox = rig.floor_sandbox(slot);
            rig.floor_join(&mut sandbox, slot);
            sandbox
        });
        self.floor_join.push(took);
        self.floor.push(sandbox);
    }
}

/// All that a join does without the kernel, and back.
fn allocate_and_record(managed: &ControllerRig) {
    managed.controller.create_endpoint(managed.network, endpoint("recorded")).expect("an endpoint");
    managed.controller.delete_endpoint(managed.network, "recorded").expect("a deleted endpoint");
}

/// The built-in address management, from an empty /16 to a full one and back.
fn ipam(figures: &mut Figures) {
    let controller = Controller::open(options()).expect("a controller");
    let ipam = controller.ipam("default").expect("the built-in address management");
    let pool = pool(&*ipam, "10.90.0.0/16");
    let (take, addresses) = take(&*ipam, &pool, LEASES);
    let distinct = addresses.iter().collect::<BTreeSet<_>>().len();
    assert_eq!(distinct, LEASES, "an address was given twice");
    let release = release(&*ipam, &pool, addresses.iter());

    // As full as can be of holes: every other address is free.
    let (_, addresses) = self::take(&*ipam, &pool, LEASES);
    let holes = self::release(&*ipam, &pool, addresses.iter().step_by(2));
    let (fragmented, _) = self::take(&*ipam, &pool, LEASE_WINDOW);
    ipam.release_pool(&pool.id).expect("a released pool");

    let first = |samples: &[Duration]| median(&samples[..LEASE_WINDOW]);
    let last = |samples: &[Duration]| median(&samples[samples.len() - LEASE_WINDOW..]);
    let took = [first(&take), last(&take), first(&release), last(&release)];
    let [take_first, take_last, release_first, release_last] = took;
    let (hole, fragmented) = (last(&holes), median(&fragmented));
    for (name, took) in [
        ("take of 65000: the first", take_first),
        ("take of 65000: the last", take_last),
        ("release: the first", release_first),
        ("release: the last", release_last),
        ("take, every other address free", fragmented),
        ("release, every other address free", hole),
    ] {
        println!("{}", Bound::AtMost(100.0).line(name, took, "us"));
    }
    let worst = (take_last / take_first).max(release_last / release_first);
    figures.report("ipam_last_over_first", worst, "", Bound::AtMost(1.5));
    figures.keep([
        ("ipam_take_first_us", take_first),
        ("ipam_take_last_us", take_last),
        ("ipam_release_first_us", release_first),
        ("ipam_release_last_us", release_last),
        ("ipam_take_fragmented_us", fragmented),
        ("ipam_release_fragmented_us", hole),
    ]);
}

fn pool(ipam: &dyn Ipam, subnet: &str) -> Pool {
    let mut request = PoolRequest::new(ipam.default_address_spaces().expect("its spaces").local);
    request.pool = subnet.parse::<IpNet>().ok();
    ipam.request_pool(&request).expect("a pool")
}

fn take(ipam: &dyn Ipam, pool: &Pool, count: usize) -> (Vec<Duration>, Vec<IpAddr>) {
    let no_options = BTreeMap::new();
    let one = |_| {
        let (took, taken) = timed(|| ipam.request_address(&pool.id, None, &no_options));
        (took, taken.expect("an address").0.addr())
    };
    (0..count).map(one).unzip()
}

fn release<'a>(ipam: &dyn Ipam, pool: &Pool, addresses: impl Iterator<Item = &'a IpAddr>) -> Vec<Duration> {
    let one = |address: &IpAddr| {
        let (took, released) = timed(|| ipam.release_address(&pool.id, *address));
        released.expect("an address given back");
        took
    };
    addresses.map(one).collect()
}

/// Two processes that join sandboxes to one network at the same time, against one alone.
fn two_over_one(figures: &mut Figures) {
    let managed = ControllerRig::new("bridge", "shared", 95);
    let (mut alone, mut together) = (Vec::new(), Vec::new());
    // The first round is not counted.
    for round in 0..=WORK_ROUNDS {
        let one = workers::joins(&managed, &[format!("one{round}")], WORK);
        let two = workers::joins(&managed, &[format!("two{round}a"), format!("two{round}b")], WORK);
        if round > 0 {
            alone.push(one);
            together.push(two);
        }
    }
    managed.take_down();
    let per_second = |count: usize, took: f64| count as f64 * 1e6 / took;
    let (one, two) = (per_second(WORK, median(&alone)), per_second(2 * WORK, median(&together)));
    println!("sandboxes made and joined a second: one process {one:.0}, two together {two:.0}");
    figures.report("two_over_one", two / one, "", Bound::AtLeast(1.0));
    figures.keep([("one_per_second", one), ("two_per_second", two)]);
}

/// A controller opened where many endpoints are alive.
fn open(figures: &mut Figures) {
    let managed = ControllerRig::new("bridge", "many", 94);
    let names = || (0..OPEN).map(|index| format!("many{index}"));
    for name in names() {
        managed.connect(&managed.sandbox(&name), &name);
    }
    managed.addresses(OPEN);
    let found = managed.controller.plan_collect().expect("a survey").findings;
    assert!(found.is_empty(), "something is wrong: {:?}", found.first());
    let opened = (0..OPEN_ROUNDS).map(|_| {
        let (took, opened) = timed(|| Controller::open(options()));
        drop(opened.expect("a controller"));
        took
    });
    let opened = median(&opened.collect::<Vec<_>>()) / 1e3;
    managed.remove(names());
    managed.take_down();
    figures.report("open_1000_ms", opened, "ms", Bound::AtMost(50.0));
}

/// Joins to a network without a bridge, among few and among many, against the floor's without a bridge.
fn routed(figures: &mut Figures) {
    let needed = ROUTED + 2 * ROUTED_WINDOW + ROUTED_WARM_UP + 100;
    if let Some(why) = too_few_namespaces(needed) {
        return figures.not_measured("routed", &why, ["routed_over_floor_at_5000"]);
    }
    let mut routed = Routed {
        managed: ControllerRig::new("routed", "wide", 93),
        floor: Floor::new(None).expect("the floor"),
        floor_sandboxes: Vec::new(),
        joined: 0,
    };
    routed.window(ROUTED_WARM_UP);
    let few = routed.window(ROUTED_WINDOW);
    while routed.joined < ROUTED - ROUTED_WINDOW {
        routed.ours(Duration::ZERO);
    }
    let many = routed.window(ROUTED_WINDOW);
    routed.take_down();
    println!("{}", few.line("routed: the first joins"));
    println!("{}", many.line("routed: up to join 5000"));
    figures.report("routed_over_floor_at_5000", many.ratio(), "", Bound::AtMost(1.3));
    figures.keep([
        ("routed_over_floor_at_60", few.ratio()),
        ("routed_at_60_us", median(&few.ours)),
        ("routed_floor_at_60_us", median(&few.floor)),
        ("routed_at_5000_us", median(&many.ours)),
        ("routed_floor_at_5000_us", median(&many.floor)),
    ]);
}

/// A routed network and the floor without a bridge, in one host.
struct Routed {
    managed: ControllerRig,
    floor: Floor,
    floor_sandboxes: Vec<FloorSandbox>,
    joined: usize,
}

impl Routed {
    /// That many joins of both sides in turn.
    fn window(&mut self, count: usize) -> Pairs {
        let mut pairs = Pairs::default();
        for index in 0..count {
            if index % 2 == 0 {
                pairs.ours.push(self.ours(PAUSE));
                pairs.floor.push(self.floor());
            } else {
                pairs.floor.push(self.floor());
                pairs.ours.push(self.ours(PAUSE));
            }
        }
        pairs
    }

    /// The time of a join without the sandbox's. The sandbox lasts without its handle, which would keep
    /// descriptors open.
    fn ours(&mut self, pause: Duration) -> Duration {
        let name = routed_name(self.joined);
        self.joined += 1;
        let sandbox = self.managed.sandbox(&name);
        std::thread::sleep(pause);
        timed(|| self.managed.connect(&sandbox, &name)).0
    }

    fn floor(&mut self) -> Duration {
        let slot = Slot::new(u32::try_from(self.floor_sandboxes.len() + 1).expect("a few"));
        let mut sandbox = floor_sandbox(&mut self.floor, slot, false);
        std::thread::sleep(PAUSE);
        let (took, ()) = timed(|| floor_join(&mut self.floor, &mut sandbox, slot, false));
        self.floor_sandboxes.push(sandbox);
        took
    }

    fn take_down(mut self) {
        self.managed.addresses(self.joined);
        for sandbox in self.floor_sandboxes.drain(..) {
            self.floor.destroy(sandbox).expect("a destroyed sandbox");
        }
        self.managed.remove((0..self.joined).map(routed_name));
        self.managed.take_down();
    }
}

fn routed_name(index: usize) -> String {
    format!("wide{index}")
}
