//! What a container's network costs, each step beside its floor and taken in turn with it.
//!
//! `make bench` prints the ratios, writes them to `target/bench/link.json` and then runs criterion
//! for the absolute times. Ratios are what counts: absolute times move between machines and minutes.

use std::time::{Duration, Instant};

use criterion::{Criterion, SamplingMode};
use netns::Sandbox;
use netns_benches::figures::Figures;
use netns_benches::floor::FloorSandbox;
use netns_benches::rig::{floor_address, link_count, Rig, Slot};
use netns_benches::stats::{median, timed, Bound, Pairs};

/// Pairs in a round; all its sandboxes stay until it is over, since dying ones hold the kernel's lock.
const ROUND: usize = 50;
const ROUNDS: usize = 6;
/// Before each sample, so that it does not pay for what the kernel put off of the other side's: work
/// on carriers and IPv6 that takes the same lock.
const PAUSE: Duration = Duration::from_millis(4);
const MOVES: u64 = 60;
/// Joins whose median stands for the 10th and for the 1,000th.
const WINDOW: usize = 20;
const GROWTH: usize = 1000;
const GROWTH_ROUNDS: usize = 3;

fn main() {
    testhost::host(|_| {
        measure().write("link.json");
        let mut criterion = Criterion::default().configure_from_args();
        absolute_times(&mut criterion);
        criterion.final_summary();
    });
}

fn measure() -> Figures {
    let v4 = Joins::measure(false);
    let v6 = Joins::measure(true);
    let moves = moves(MOVES);
    println!("{}", moves.line("add_interface of a device"));
    let growth_v4 = growth(false);
    let growth_dual = growth(true);
    println!("growth on one bridge, 1000th join over 10th: {growth_v4:.2} IPv4, {growth_dual:.2} dual-stack");
    let gone = v4.gone_us_each;
    println!("100 destroyed sandboxes are gone {:.1} ms after the first call to destroy", gone * 100.0 / 1e3);
    let mut figures = Figures::default();
    figures.report("join_over_floor", v4.whole.ratio(), "", Bound::AtMost(1.15));
    figures.report("add_interface_over_floor", moves.ratio(), "", Bound::AtMost(1.1));
    figures.report("growth_1000_over_10", growth_v4, "", Bound::AtMost(1.5));
    figures.report("growth_1000_over_10_dual_stack", growth_dual, "", Bound::AtMost(2.0));
    let (destroy, unmount) = (median(&v4.destroy.ours), median(&v4.destroy.floor));
    figures.report("destroy_over_unmount_us", destroy - unmount, "us", Bound::AtMost(50.0));
    figures.report("gone_us_each", gone, "us", Bound::AtMost(1000.0));
    figures.keep([
        ("join_us", median(&v4.whole.ours)),
        ("join_floor_us", median(&v4.whole.floor)),
        ("namespace_over_floor", v4.namespace.ratio()),
        ("namespace_us", median(&v4.namespace.ours)),
        ("namespace_floor_us", median(&v4.namespace.floor)),
        ("veth_over_floor", v4.join.ratio()),
        ("veth_us", median(&v4.join.ours)),
        ("veth_floor_us", median(&v4.join.floor)),
        ("dual_stack_join_over_floor", v6.whole.ratio()),
        ("dual_stack_veth_us", median(&v6.join.ours)),
        ("dual_stack_veth_floor_us", median(&v6.join.floor)),
        ("add_interface_us", median(&moves.ours)),
        ("destroy_us", destroy),
        ("destroy_floor_us", unmount),
    ]);
    figures
}

/// Namespace, veth on a bridge, both together, and the end of it, over several rounds.
#[derive(Default)]
struct Joins {
    namespace: Pairs,
    join: Pairs,
    whole: Pairs,
    destroy: Pairs,
    gone_us_each: f64,
}

impl Joins {
    fn measure(dual_stack: bool) -> Self {
        let mut rig = Rig::new(dual_stack);
        let mut joins = Self::default();
        let mut gone = Vec::new();
        // The first round warms caches and the kernel's slabs and is not counted.
        for round in 0..=ROUNDS {
            if round == 1 {
                joins = Self::default();
                gone.clear();
            }
            gone.push(joins.round(&mut rig));
        }
        joins.gone_us_each = median(&gone);
        rig.take_down();
        let family = if dual_stack { "dual-stack" } else { "IPv4" };
        println!("{}", joins.namespace.line(&format!("{family}: namespace and mount")));
        println!("{}", joins.join.line(&format!("{family}: veth on a bridge")));
        println!("{}", joins.whole.line(&format!("{family}: whole join")));
        println!("{}", joins.destroy.line(&format!("{family}: destroy over unmount")));
        joins
    }

    /// One round; returns how long the kernel took for each of a hundred destroyed sandboxes.
    fn round(&mut self, rig: &mut Rig) -> Duration {
        let (mut ours, mut floors) = (Vec::new(), Vec::new());
        for index in 0..ROUND {
            let slot = rig.slot();
            if index % 2 == 0 {
                ours.push(self.ours(rig, slot));
                floors.push(self.floor(rig, slot));
            } else {
                floors.push(self.floor(rig, slot));
                ours.push(self.ours(rig, slot));
            }
        }
        let begin = Instant::now();
        for (sandbox, floor) in ours.into_iter().zip(floors) {
            let (took, ended) = timed(|| sandbox.destroy());
            ended.expect("a destroyed sandbox");
            self.destroy.ours.push(took);
            let (took, ended) = timed(|| rig.floor.destroy(floor));
            ended.expect("a destroyed sandbox");
            self.destroy.floor.push(took);
        }
        while link_count() > 3 {
            std::thread::sleep(Duration::from_micros(200));
        }
        let each = begin.elapsed() / (2 * ROUND as u32);
        rig.settle();
        each
    }

    fn ours(&mut self, rig: &Rig, slot: Slot) -> Sandbox {
        std::thread::sleep(PAUSE);
        let (namespace, sandbox) = timed(|| rig.sandbox(slot));
        let (join, ()) = timed(|| rig.join(&sandbox, slot));
        self.namespace.ours.push(namespace);
        self.join.ours.push(join);
        self.whole.ours.push(namespace + join);
        sandbox
    }

    fn floor(&mut self, rig: &mut Rig, slot: Slot) -> FloorSandbox {
        std::thread::sleep(PAUSE);
        let (namespace, mut sandbox) = timed(|| rig.floor_sandbox(slot));
        let (join, ()) = timed(|| rig.floor_join(&mut sandbox, slot));
        self.namespace.floor.push(namespace);
        self.join.floor.push(join);
        self.whole.floor.push(namespace + join);
        sandbox
    }
}

/// `add_interface` of a device that exists, against the raw move of its twin.
fn moves(count: u64) -> Pairs {
    let mut rig = Rig::new(false);
    let mut pairs = Pairs::default();
    let (slot, twin) = (rig.slot(), rig.slot());
    let sandbox = rig.sandbox(slot);
    let floor_sandbox = rig.floor_sandbox(twin);
    let device = rig.network.link(&rig.endpoint(slot)).expect("a device").remove(0);
    let twin_device = rig.network.link(&rig.endpoint(twin)).expect("a device").remove(0);
    let twin_name = twin_device.src_name.as_str();
    for _ in 0..count {
        let (took, interface) = timed(|| sandbox.add_interface(&device));
        pairs.ours.push(took);
        let (took, moved) =
            timed(|| rig.floor.move_in(&floor_sandbox, twin_name, "eth0", floor_address(twin)));
        moved.expect("a moved device");
        pairs.floor.push(took);
        sandbox.remove_interface(&interface.expect("an interface")).expect("a device given back");
        rig.floor.move_out(&floor_sandbox, twin_name).expect("a device given back");
    }
    sandbox.destroy().expect("a destroyed sandbox");
    rig.floor.destroy(floor_sandbox).expect("a destroyed sandbox");
    rig.network.unlink("endpoint2").expect("an unlinked endpoint");
    rig.network.unlink("endpoint3").expect("an unlinked endpoint");
    rig.settle();
    rig.take_down();
    pairs
}

/// How the 1,000th join on one bridge compares with the 10th, the namespaces' creation left out.
fn growth(dual_stack: bool) -> f64 {
    let mut ratios: Vec<f64> = (0..GROWTH_ROUNDS).map(|_| growth_round(dual_stack)).collect();
    ratios.sort_by(f64::total_cmp);
    ratios[GROWTH_ROUNDS / 2]
}

fn growth_round(dual_stack: bool) -> f64 {
    let mut rig = Rig::new(dual_stack);
    let mut sandboxes = Vec::with_capacity(GROWTH);
    let mut samples = Vec::with_capacity(GROWTH);
    for _ in 0..GROWTH {
        let slot = rig.slot();
        let sandbox = rig.sandbox(slot);
        samples.push(timed(|| rig.join(&sandbox, slot)).0);
        sandboxes.push(sandbox);
    }
    let early = median(&samples[..WINDOW]);
    let late = median(&samples[GROWTH - WINDOW..]);
    let family = if dual_stack { "dual-stack" } else { "IPv4" };
    println!("{family}: join 10 {early:.1} us, join 1000 {late:.1} us, ratio {:.2}", late / early);
    for sandbox in sandboxes {
        sandbox.destroy().expect("a destroyed sandbox");
    }
    rig.settle();
    std::thread::sleep(Duration::from_secs(3));
    rig.take_down();
    late / early
}

/// The same steps under criterion, for absolute times and their spread.
fn absolute_times(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("link");
    group.sampling_mode(SamplingMode::Flat).sample_size(10);
    group.warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_millis(250));
    type Side = fn(&Joins) -> &Pairs;
    let steps: [(&str, Side); 4] = [
        ("namespace", |joins| &joins.namespace),
        ("veth on a bridge", |joins| &joins.join),
        ("whole join", |joins| &joins.whole),
        ("destroy", |joins| &joins.destroy),
    ];
    let mut rig = Rig::new(false);
    for (name, side) in steps {
        for ours in [true, false] {
            let label = format!("{name}/{}", if ours { "libnetns" } else { "floor" });
            group.bench_function(label, |bencher| {
                bencher.iter_custom(|iterations| interleaved(&mut rig, iterations, side, ours));
            });
        }
    }
    rig.take_down();
    for ours in [true, false] {
        let label = format!("add_interface/{}", if ours { "libnetns" } else { "floor" });
        group.bench_function(label, |bencher| {
            bencher.iter_custom(|iterations| {
                let pairs = moves(iterations);
                if ours { &pairs.ours } else { &pairs.floor }.iter().sum()
            });
        });
    }
    group.finish();
}

/// Both sides in turn, as often as criterion asks, and the time of the one that is asked for.
fn interleaved(rig: &mut Rig, iterations: u64, side: fn(&Joins) -> &Pairs, ours: bool) -> Duration {
    let mut total = Duration::ZERO;
    let mut left = iterations;
    while left > 0 {
        let mut joins = Joins::default();
        joins.round(rig);
        let pairs = side(&joins);
        let samples = if ours { &pairs.ours } else { &pairs.floor };
        let wanted = samples.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        total += samples[..wanted].iter().sum::<Duration>();
        left -= wanted as u64;
    }
    total
}
