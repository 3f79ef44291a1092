//! What the way out and in costs: a join, a published port, a connection by one, and what others take.
//!
//! `make bench` prints each figure beside its bound and writes all to `target/bench/outside.json`.
//! Arguments that are no options choose among the parts (`join`, `publish`, `lookup`, `peers`); then nothing
//! is written.

use std::time::Duration;

use netns::{FirewallMode, Sandbox};
use netns_benches::doors::{mappings, Door, FIRST};
use netns_benches::figures::Figures;
use netns_benches::floor::FloorSandbox;
use netns_benches::managed::ControllerRig;
use netns_benches::peers::{Docker, Netavark, Tools, Turn};
use netns_benches::rig::Rig;
use netns_benches::stage::Player;
use netns_benches::stats::{median, timed, Bound};

/// Before each sample, so that it does not pay for what the kernel put off of the one before.
const PAUSE: Duration = Duration::from_millis(4);
const ROUNDS: usize = 6;
/// Samples of each side in a round; each of their orders comes equally often.
const ROUND: usize = 48;
const PUBLISHED: u16 = 3;
/// Ports that are published where there are few, and many.
const FEW: u16 = 10;
const MANY: u16 = 5_000;
const PUBLISH_ROUNDS: usize = 300;
const WARM_UP: usize = 20;
const CONNECTIONS: u16 = 4_000;
/// Ports of a container, few and many: a port is what they differ by.
const CONTAINER: [u16; 2] = [1, 21];
const PEER_ROUNDS: usize = 5;
/// Joins of ours for each turn of the others.
const OURS: usize = 10;

type Part = (&'static str, fn(&mut Figures));

const PARTS: [Part; 4] = [("join", join), ("publish", publish), ("lookup", lookup), ("peers", peers)];

fn main() {
    let chosen: Vec<_> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let mut figures = Figures::default();
    for (name, measure) in PARTS {
        if chosen.is_empty() || chosen.iter().any(|chosen| name.contains(chosen.as_str())) {
            measure(&mut figures);
        }
    }
    if chosen.is_empty() {
        figures.write("outside.json");
    }
}

/// How a sandbox is joined.
#[derive(Clone, Copy)]
enum Side {
    /// With the firewall and published ports.
    Published,
    /// With the firewall.
    Plain,
    /// To a network without a firewall.
    Off,
    /// By raw messages.
    Floor,
}

const SIDES: [Side; 4] = [Side::Published, Side::Plain, Side::Off, Side::Floor];

/// Networks of all kinds in one host.
struct Joins {
    rig: Rig,
    on: ControllerRig,
    off: ControllerRig,
    joined: [Vec<Duration>; 4],
    destroyed: [Vec<Duration>; 3],
    sandboxes: [Vec<Sandbox>; 3],
    floor: Vec<FloorSandbox>,
}

/// A sandbox made and joined to a bridge, with all of the firewall and with less.
fn join(figures: &mut Figures) {
    let (joined, destroyed) = testhost::host(|_| measure_joins());
    let [published, plain, off, floor] = joined.each_ref().map(|samples| median(samples));
    let [gone, plain_gone, off_gone] = destroyed.each_ref().map(|samples| median(samples));
    println!(
        "create and join: {PUBLISHED} ports {published:.1} us, none {plain:.1} us, no firewall {off:.1} us"
    );
    println!(
        "destroy: {PUBLISHED} ports {gone:.1} us, none {plain_gone:.1} us, no firewall {off_gone:.1} us"
    );
    println!("floor {floor:.1} us");
    figures.report("published_join_over_floor", published / floor, "", Bound::AtMost(1.5));
    figures.keep([
        ("plain_join_over_floor", plain / floor),
        ("off_join_over_floor", off / floor),
        ("published_join_us", published),
        ("plain_join_us", plain),
        ("off_join_us", off),
        ("join_floor_us", floor),
        ("join_of_firewall_us", plain - off),
        ("join_of_ports_us", published - plain),
        ("published_destroy_us", gone),
        ("plain_destroy_us", plain_gone),
        ("off_destroy_us", off_gone),
    ]);
}

fn measure_joins() -> ([Vec<Duration>; 4], [Vec<Duration>; 3]) {
    let mut joins = Joins {
        rig: Rig::new(false),
        on: ControllerRig::new("bridge", "on", 97),
        off: ControllerRig::with_mode("bridge", "off", 96, FirewallMode::Off),
        joined: Default::default(),
        destroyed: Default::default(),
        sandboxes: Default::default(),
        floor: Vec::new(),
    };
    // The first round warms caches and the kernel's slabs and is not counted.
    for round in 0..=ROUNDS {
        if round == 1 {
            (joins.joined, joins.destroyed) = Default::default();
        }
        joins.round();
    }
    let Joins { rig, on, off, joined, destroyed, .. } = joins;
    on.take_down();
    off.take_down();
    rig.take_down();
    (joined, destroyed)
}

impl Joins {
    fn round(&mut self) {
        for index in 0..ROUND {
            let mut order = SIDES;
            order.rotate_left(index % SIDES.len());
            if index / SIDES.len() % 2 == 1 {
                order.reverse();
            }
            for side in order {
                std::thread::sleep(PAUSE);
                self.one(side, u16::try_from(index).expect("a few"));
            }
        }
        for (sandboxes, took) in self.sandboxes.iter_mut().zip(&mut self.destroyed) {
            for sandbox in sandboxes.drain(..) {
                let (destroyed, result) = timed(|| self.on.controller.destroy_sandbox(&sandbox));
                result.expect("a destroyed sandbox");
                took.push(destroyed);
            }
        }
        for sandbox in self.floor.drain(..) {
            self.rig.floor.destroy(sandbox).expect("a destroyed sandbox");
        }
        self.off.remove([]);
    }

    fn one(&mut self, side: Side, index: u16) {
        let (at, network) = match side {
            Side::Published => (0, &self.on),
            Side::Plain => (1, &self.on),
            Side::Off => (2, &self.off),
            Side::Floor => return self.floor(),
        };
        let ports = match side {
            Side::Published => mappings(FIRST + index * PUBLISHED, PUBLISHED),
            _ => Vec::new(),
        };
        let name = format!("join{at}-{index}");
        let (took, sandbox) = timed(|| {
            let sandbox = network.sandbox(&name);
            network.connect_with(&sandbox, &name, ports);
            sandbox
        });
        self.joined[at].push(took);
        self.sandboxes[at].push(sandbox);
    }

    fn floor(&mut self) {
        let slot = self.rig.slot();
        let (took, sandbox) = timed(|| {
            let mut sandbox = self.rig.floor_sandbox(slot);
            self.rig.floor_join(&mut sandbox, slot);
            sandbox
        });
        self.joined[3].push(took);
        self.floor.push(sandbox);
    }
}

/// What publishing a port and withdrawing it took.
type Published = [Duration; 2];

/// A host where ports are published, `each` of them an endpoint's, that publishes the last and withdraws it.
fn crowd(ports: u16, each: u16) -> Player<Published> {
    Player::new(move |_, stage| {
        let managed = ControllerRig::new("bridge", "crowd", 90);
        let name = |first: u16| format!("crowd{first}");
        let firsts = || (0..ports).step_by(each.into());
        for first in firsts() {
            let count = each.min(ports - 1 - first);
            managed.connect_with(
                &managed.sandbox(&name(first)),
                &name(first),
                mappings(FIRST + first, count),
            );
        }
        let last = name(firsts().next_back().expect("an endpoint"));
        let port = mappings(FIRST + ports - 1, 1);
        let once = || {
            std::thread::sleep(PAUSE);
            let (published, result) = timed(|| managed.controller.publish("crowd", &last, &port));
            result.expect("a published port");
            let (withdrawn, result) = timed(|| managed.controller.withdraw("crowd", &last, &port));
            result.expect("a withdrawn port");
            [published, withdrawn]
        };
        while stage.show(once()) {}
        managed.remove(firsts().map(name));
        managed.take_down();
    })
}

/// Publishing the 10th port of a host beside the 5,000th: of one endpoint, and of one that has ten.
fn publish(figures: &mut Figures) {
    let players = [crowd(FEW, FEW), crowd(MANY, MANY), crowd(MANY, FEW)];
    let mut took: [[Vec<Duration>; 2]; 3] = Default::default();
    for round in 0..WARM_UP + PUBLISH_ROUNDS {
        for at in 0..players.len() {
            let at = (at + round) % players.len();
            for (samples, took) in took[at].iter_mut().zip(players[at].act()) {
                samples.extend((round >= WARM_UP).then_some(took));
            }
        }
    }
    drop(players);
    let [few, one, spread] = took.map(|both| both.map(|samples| median(&samples)));
    for (what, at) in [("publish", 0), ("withdraw", 1)] {
        println!("{what} the 10th port: {:.1} us", few[at]);
        println!("{what} the 5000th: {:.1} us of one endpoint, {:.1} us of 500", one[at], spread[at]);
    }
    let bound = Bound::AtMost(1.2);
    figures.report("publish_5000_over_10", one[0] / few[0], "", bound);
    figures.report("publish_5000_over_10_spread", spread[0] / few[0], "", bound);
    figures.report("withdraw_5000_over_10", one[1] / few[1], "", bound);
    figures.report("withdraw_5000_over_10_spread", spread[1] / few[1], "", bound);
    figures.keep([
        ("publish_10_us", few[0]),
        ("publish_5000_us", one[0]),
        ("publish_5000_spread_us", spread[0]),
        ("withdraw_10_us", few[1]),
        ("withdraw_5000_us", one[1]),
        ("withdraw_5000_spread_us", spread[1]),
    ]);
}

/// Connections by a published port from outside, to a host that has one and to one that has many.
fn lookup(figures: &mut Figures) {
    let [one, many] = testhost::host(|outside| {
        let doors = [Door::open(outside, 1, 1), Door::open(outside, 2, MANY)];
        let mut took = [Vec::new(), Vec::new()];
        for index in 0..CONNECTIONS {
            for at in [index % 2, (index + 1) % 2].map(usize::from) {
                took[at].push(doors[at].enter(index.wrapping_mul(7)));
            }
        }
        took.map(|samples| median(&samples[usize::from(CONNECTIONS) / 10..]))
    });
    println!("a connection by a port of 1: {one:.1} us, of {MANY}: {many:.1} us");
    figures.report("lookup_5000_over_1", many / one, "", Bound::AtMost(1.05));
    figures.keep([("lookup_1_us", one), ("lookup_5000_us", many)]);
}

type Turns = Result<Vec<Turn>, String>;

/// What a port takes of those who make rules of it, beside a port of ours.
fn peers(figures: &mut Figures) {
    let names = ["docker", "docker_without_proxy", "netavark"];
    let others = [docker(true), docker(false), netavark()];
    let (ours, port) = (ours(), crowd(FEW, FEW));
    let mut turns: [Turns; 3] = [const { Ok(Vec::new()) }; 3];
    let (mut joins, mut published) = (Vec::new(), Vec::new());
    for _ in 0..PEER_ROUNDS {
        for (turns, other) in turns.iter_mut().zip(&others) {
            let Ok(taken) = turns else { continue };
            match other.act() {
                Ok(more) => taken.extend(more),
                Err(why) => *turns = Err(why),
            }
        }
        joins.extend(ours.act().expect("a join"));
        published.extend((0..OURS).map(|_| port.act()[0]));
    }
    drop((others, ours, port));
    let published = median(&published);
    let own = slopes(&joins);
    println!(
        "publish a port: {published:.1} us; a port of a join: {:.1} us, of its end {:.1} us",
        own[0], own[1]
    );
    figures.keep([("publish_us", published), ("port_us", own[0]), ("port_end_us", own[1])]);
    for (name, turns) in names.into_iter().zip(turns) {
        let figure = format!("{name}_over_publish");
        match turns {
            Ok(turns) => compare(figures, name, &turns, published),
            Err(why) => figures.not_measured(name, &why, [figure.as_str()]),
        }
    }
}

fn compare(figures: &mut Figures, name: &str, turns: &[Turn], published: f64) {
    let [port, end] = slopes(turns);
    println!("{name}: a port of a start {port:.1} us, of its end {end:.1} us");
    figures.report(&format!("{name}_over_publish"), port / published, "", Bound::AtLeast(20.0));
    figures.keep([(&format!("{name}_port_us"), port), (&format!("{name}_port_end_us"), end)]);
}

/// What one port more takes, at the start and at the end.
fn slopes(turns: &[Turn]) -> [f64; 2] {
    let ports = f64::from(CONTAINER[1] - CONTAINER[0]);
    let slope = |of: fn(&Turn) -> [Duration; 2]| {
        let [few, many] = [0, 1].map(|at| median(&turns.iter().map(|turn| of(turn)[at]).collect::<Vec<_>>()));
        (many - few) / ports
    };
    [slope(|turn| turn.start), slope(|turn| turn.end)]
}

/// A player that cannot begin says why, and so does one that cannot go on.
fn docker(userland_proxy: bool) -> Player<Turns> {
    Player::new(move |_, stage| match Docker::start(userland_proxy, CONTAINER) {
        Ok(docker) => while stage.show(docker.turn().map(|turn| vec![turn])) {},
        Err(why) => drop(stage.show(Err(why))),
    })
}

fn netavark() -> Player<Turns> {
    Player::new(|_, stage| {
        let tools = Tools::new();
        let started = tools.check(&Netavark::PROGRAMS);
        match started.and_then(|()| Netavark::new(tools, CONTAINER)) {
            Ok(netavark) => while stage.show(netavark.turn().map(|turn| vec![turn])) {},
            Err(why) => drop(stage.show(Err(why))),
        }
    })
}

/// A controller that does what the others do: connects containers with few ports and with many, and parts them.
fn ours() -> Player<Turns> {
    Player::new(|_, stage| {
        let managed = ControllerRig::new("bridge", "peer", 89);
        // All stay until the end: dying ones hold the kernel's lock.
        let turns = || {
            let join = |index: usize, ports: u16| {
                let first = FIRST + u16::try_from(index).expect("a few") * 100 + ports;
                let name = format!("peer{first}");
                let sandbox = managed.sandbox(&name);
                std::thread::sleep(PAUSE);
                let (start, _) = timed(|| managed.connect_with(&sandbox, &name, mappings(first, ports)));
                (start, sandbox)
            };
            let destroy = |sandbox: &Sandbox| {
                let (end, result) = timed(|| managed.controller.destroy_sandbox(sandbox));
                result.expect("a destroyed sandbox");
                end
            };
            let joined: Vec<_> = (0..OURS).map(|index| CONTAINER.map(|ports| join(index, ports))).collect();
            let turn = |both: [(Duration, Sandbox); 2]| Turn {
                start: both.each_ref().map(|(start, _)| *start),
                end: both.each_ref().map(|(_, sandbox)| destroy(sandbox)),
            };
            let turns = joined.into_iter().map(turn).collect();
            managed.remove([]);
            turns
        };
        while stage.show(Ok(turns())) {}
        managed.take_down();
    })
}
