//! The figures that were promised, measured in under two minutes, each against a bound that leaves room for a
//! busy machine; then the same with regressions planted, which have to be noticed.
//!
//! `make bench-smoke` runs it and fails when something is wrong. Ratios of one run alone are compared, never times.

use std::hint::black_box;
use std::process::ExitCode;
use std::time::Duration;

use netns::libcontainer::{change_interface_name, interface_down, interface_up};
use netns::plan::{Action, Plan};
use netns::stats::{Meter, MeterOptions};
use netns::{Endpoint, InterfaceName, Sandbox};
use netns_benches::doors::mappings;
use netns_benches::guard::{guard, Check, Planted};
use netns_benches::managed::ControllerRig;
use netns_benches::rig::{Rig, Slot};
use netns_benches::stats::{median, timed, Bound, Pairs};

/// Before each sample, so that it does not pay for what the kernel put off of the one before.
const PAUSE: Duration = Duration::from_millis(4);
const WARM_UP: usize = 10;
const PAIRS: usize = 150;
/// Where growth is looked at: the medians of the first and of the last of so many.
const JOINS: usize = 300;
const PORTS: u16 = 1_000;
const WINDOW: usize = 20;
const FIRST_PORT: u16 = 20_000;
const LINKS: usize = 100;
const READS: usize = 200;

/// One a processor. How many there are here must not decide whether it is noticed.
const DEFAULT_QUEUES: u32 = 8;

/// How many of the checks, the last ones, are of counters.
const COUNTERS: usize = 2;

/// The promise is in the comment; a join of both families has none of its own, and waits, as the floor does not, until
/// the kernel answers to its address.
const CHECKS: [Check; 9] = [
    Check { name: "join_over_floor", bound: Bound::AtMost(1.4), measure: || joins(PAIRS, as_it_is).whole }, // 1.15
    Check { name: "veth_over_floor", bound: Bound::AtMost(1.3), measure: || joins(PAIRS, as_it_is).veth }, // 1.15
    Check { name: "dual_stack_join_over_floor", bound: Bound::AtMost(1.7), measure: dual_stack_joins },
    Check { name: "controller_join_over_floor", bound: Bound::AtMost(2.0), measure: || controller(0) }, // 1.3
    Check { name: "published_join_over_floor", bound: Bound::AtMost(2.5), measure: || controller(3) },  // 1.5
    Check { name: "join_300_over_10", bound: Bound::AtMost(1.8), measure: growth }, // 1.5 at 1,000
    Check { name: "publish_1000_over_10", bound: Bound::AtMost(1.8), measure: ports }, // 1.2 at 5,000
    Check { name: "metered_join_over_plain", bound: Bound::AtMost(1.5), measure: metered }, // 1.2
    Check { name: "rtnl_over_read_100", bound: Bound::AtLeast(10.0), measure: reads }, // 20 at 1,000
];

const PLANTED: [Planted; 2] = [
    Planted {
        what: "as many queues as a veth has by default on eight processors",
        check: "veth_over_floor",
        measure: || joins(PAIRS, with_default_queues).veth,
    },
    Planted {
        what: "a name that changes inside",
        check: "veth_over_floor",
        measure: || joins(PAIRS, with_a_rename).veth,
    },
];

fn main() -> ExitCode {
    let counts = testhost::host(|_| Meter::open(&MeterOptions::default()).is_ok());
    let checks = &CHECKS[..if counts { CHECKS.len() } else { CHECKS.len() - COUNTERS }];
    let wrong = guard(checks, &PLANTED);
    wrong.iter().for_each(|line| println!("WRONG: {line}"));
    for check in &CHECKS[checks.len()..] {
        println!("{}: not measured: bpf is not permitted here", check.name);
    }
    if wrong.is_empty() {
        println!("every figure that was measured is within its bound, and what was planted was noticed");
        return ExitCode::SUCCESS;
    }
    ExitCode::FAILURE
}

/// How an empty sandbox is joined to the rig's bridge.
type Join = fn(&Rig, &Sandbox, Slot);

fn as_it_is(rig: &Rig, sandbox: &Sandbox, slot: Slot) {
    rig.join(sandbox, slot);
}

fn with_default_queues(rig: &Rig, sandbox: &Sandbox, slot: Slot) {
    let mut plan: Plan = rig.network.plan_join(sandbox, &rig.endpoint(slot)).expect("a plan");
    for step in &mut plan.steps {
        if let Action::CreateLink(link) = &mut step.action {
            link.queues = Some(DEFAULT_QUEUES);
        }
    }
    rig.network.apply(&plan, sandbox).expect("a join");
}

fn with_a_rename(rig: &Rig, sandbox: &Sandbox, slot: Slot) {
    rig.join(sandbox, slot);
    let [old, new] = ["eth0", "lan0"].map(|name| InterfaceName::new(name).expect("a name"));
    let rename = || {
        interface_down(&old)?;
        change_interface_name(&old, &new)?;
        interface_up(&new)
    };
    sandbox.run(rename).expect("a sandbox").expect("another name");
}

/// Our time over the floor's.
struct Ratios {
    /// Of a sandbox made and joined.
    whole: f64,
    /// Of the join alone.
    veth: f64,
}

fn joins(pairs: usize, join: Join) -> Ratios {
    testhost::host(move |_| compare(Rig::new(false), pairs, join))
}

fn dual_stack_joins() -> f64 {
    testhost::host(|_| compare(Rig::new(true), PAIRS, as_it_is)).whole
}

fn compare(mut rig: Rig, count: usize, join: Join) -> Ratios {
    let (mut whole, mut veth) = (Pairs::default(), Pairs::default());
    let (mut ours, mut floors) = (Vec::new(), Vec::new());
    for index in 0..WARM_UP + count {
        let slot = rig.slot();
        // Each goes first as often as the other.
        for is_ours in [index % 2 == 0, index % 2 != 0] {
            std::thread::sleep(PAUSE);
            if is_ours {
                let (made, sandbox) = timed(|| rig.sandbox(slot));
                let (joined, ()) = timed(|| join(&rig, &sandbox, slot));
                whole.ours.push(made + joined);
                veth.ours.push(joined);
                ours.push(sandbox);
            } else {
                let (made, mut sandbox) = timed(|| rig.floor_sandbox(slot));
                let (joined, ()) = timed(|| rig.floor_join(&mut sandbox, slot));
                whole.floor.push(made + joined);
                veth.floor.push(joined);
                floors.push(sandbox);
            }
        }
    }
    ours.into_iter().for_each(|sandbox| sandbox.destroy().expect("a destroyed sandbox"));
    floors.into_iter().for_each(|sandbox| rig.floor.destroy(sandbox).expect("a destroyed sandbox"));
    rig.settle();
    rig.take_down();
    Ratios { whole: warm(&whole), veth: warm(&veth) }
}

/// The ratio without the first pairs, which warm caches and the kernel's slabs.
fn warm(pairs: &Pairs) -> f64 {
    median(&pairs.ours[WARM_UP..]) / median(&pairs.floor[WARM_UP..])
}

/// A sandbox made and joined by the controller with so many published ports, over the floor's.
fn controller(ports: u16) -> f64 {
    testhost::host(move |_| {
        let mut rig = Rig::new(false);
        let managed = ControllerRig::new("bridge", "kept", 97);
        let mut pairs = Pairs::default();
        let mut floors = Vec::new();
        let names: Vec<_> = (0..WARM_UP + PAIRS).map(|index| format!("kept{index}")).collect();
        for (first, name) in (FIRST_PORT..).step_by(usize::from(ports.max(1))).zip(&names) {
            std::thread::sleep(PAUSE);
            let join = || managed.connect_with(&managed.sandbox(name), name, mappings(first, ports));
            pairs.ours.push(timed(join).0);
            std::thread::sleep(PAUSE);
            let slot = rig.slot();
            let (took, sandbox) = timed(|| {
                let mut sandbox = rig.floor_sandbox(slot);
                rig.floor_join(&mut sandbox, slot);
                sandbox
            });
            pairs.floor.push(took);
            floors.push(sandbox);
        }
        floors.into_iter().for_each(|sandbox| rig.floor.destroy(sandbox).expect("a destroyed sandbox"));
        managed.remove(names);
        managed.take_down();
        rig.take_down();
        warm(&pairs)
    })
}

/// A join with counters over one without.
fn metered() -> f64 {
    testhost::host(|_| {
        let managed = ControllerRig::new("bridge", "counted", 92);
        let mut pairs = Pairs::default();
        let mut names = Vec::new();
        for index in 0..WARM_UP + PAIRS {
            for meter in [index % 2 == 0, index % 2 != 0] {
                let name = format!("counted{}", names.len());
                std::thread::sleep(PAUSE);
                let took = timed(|| connect(&managed, &name, meter)).0;
                if meter { &mut pairs.ours } else { &mut pairs.floor }.push(took);
                names.push(name);
            }
        }
        managed.remove(names);
        managed.take_down();
        warm(&pairs)
    })
}

fn connect(managed: &ControllerRig, name: &str, meter: bool) -> Endpoint {
    let mut config = netns_benches::managed::endpoint(name);
    config.meter = Some(meter);
    managed.controller.connect(managed.network, &managed.sandbox(name), config).expect("a connection")
}

/// The last joins to a bridge over the first.
fn growth() -> f64 {
    testhost::host(|_| {
        let managed = ControllerRig::new("bridge", "many", 94);
        let names: Vec<_> = (0..WARM_UP + JOINS).map(|index| format!("many{index}")).collect();
        let one = |name: &String| timed(|| managed.connect(&managed.sandbox(name), name)).0;
        let took: Vec<_> = names.iter().map(one).skip(WARM_UP).collect();
        managed.remove(names);
        managed.take_down();
        last_over_first(&took)
    })
}

/// A port published where there are many over where there are few.
fn ports() -> f64 {
    testhost::host(|_| {
        let managed = ControllerRig::new("bridge", "doors", 93);
        let name = "doors".to_owned();
        managed.connect(&managed.sandbox(&name), &name);
        let one = |port: u16| {
            let publish =
                || managed.controller.publish(managed.network, &name, &mappings(port, 1)).expect("a port");
            timed(publish).0
        };
        let took: Vec<_> = (FIRST_PORT..).take(WARM_UP).map(one).collect();
        drop(took);
        let few: Vec<_> = (FIRST_PORT + 100..).take(WINDOW).map(one).collect();
        let first = FIRST_PORT + 1_000;
        managed.controller.publish(managed.network, &name, &mappings(first, PORTS)).expect("ports");
        let many: Vec<_> = (first + PORTS..).take(WINDOW).map(one).collect();
        managed.remove([name]);
        managed.take_down();
        median(&many) / median(&few)
    })
}

/// The kernel's list of all links over all counters at once.
fn reads() -> f64 {
    testhost::host(|_| {
        let managed = ControllerRig::new("bridge", "read", 91);
        let names: Vec<_> = (0..LINKS).map(|index| format!("read{index}")).collect();
        names.iter().for_each(|name| drop(managed.connect(&managed.sandbox(name), name)));
        let meter = managed.controller.meter().expect("counters");
        let mut snapshot = meter.snapshot();
        let mut floor = netns_benches::floor::Floor::new(None).expect("the floor");
        let mut pairs = Pairs::default();
        for _ in 0..READS {
            pairs.ours.push(timed(|| meter.snapshot_into(black_box(&mut snapshot))).0);
            pairs.floor.push(timed(|| floor.list_links().expect("a list")).0);
        }
        assert_eq!(snapshot.readings.len(), LINKS, "readings");
        managed.remove(names);
        managed.take_down();
        median(&pairs.floor) / median(&pairs.ours)
    })
}

fn last_over_first(took: &[Duration]) -> f64 {
    median(&took[took.len() - WINDOW..]) / median(&took[..WINDOW])
}
