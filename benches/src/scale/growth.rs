//! Joins among many sandboxes: the library's, the floor's and the customary ones, in turn in one host.

use std::net::Ipv4Addr;
use std::time::Duration;

use netns::ipnet::Ipv4Net;
use netns::{FirewallMode, Sandbox};
use serde_json::{json, Value};

use crate::floor::{Floor, FloorSandbox};
use crate::managed::{options, ControllerRig};
use crate::rig::{floor_address, floor_join, floor_sandbox, link_count, plain_join, settle, Slot};
use crate::stats::{median, percentile, timed};
use crate::tools::{check, Place};

/// Before each sample, so that it does not pay for what the kernel put off of the one before.
const PAUSE: Duration = Duration::from_millis(4);
/// Samples of each side at each place, or a few more.
const SAMPLES: usize = 30;
/// Of each side, how many are there at the same time.
const BATCH: usize = 20;
/// What of the sandboxes may be samples: one in ten.
const SHARE: usize = 10;
/// Room for the counters of all that there are, and of those that the kernel has not cleared away yet.
const SLOTS: u16 = 20_000;
const SECOND: u8 = 97;
const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, SECOND, 0, 1);
const SIDES: [Side; 3] = [Side::Ours, Side::Floor, Side::Plain];

/// A host that fills with sandboxes. Those that fill it are the library's; the samples of all sides join the same bridge, or
/// none, and are taken away again.
pub struct Growth {
    /// The network that fills.
    pub managed: ControllerRig,
    floor: Floor,
    is_bridge: bool,
    filled: usize,
    sampled: u32,
}

/// Who joins.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Side {
    /// `Controller::connect` with all that it does by default: allocation, records, firewall, counters.
    Ours,
    /// `Floor::join`.
    Floor,
    /// `Floor::plain_join`.
    Plain,
}

/// A sandbox that was joined to be measured.
enum Joined {
    Ours(String, Sandbox),
    Raw(FloorSandbox),
}

/// What joins took where there are so many sandboxes with the last of them.
#[derive(Clone, Debug, Default)]
pub struct Sample {
    sandboxes: usize,
    ours: Vec<Duration>,
    floor: Vec<Duration>,
    plain: Vec<Duration>,
}

impl Growth {
    /// An empty network, `bridge` or `routed`.
    ///
    /// # Panics
    /// When it cannot be made, as everything here does.
    pub fn new(network_type: &str) -> Self {
        let is_bridge = network_type == "bridge";
        let mut options = options();
        options.meter = options.meter.with_slots(SLOTS);
        let mode = FirewallMode::default();
        let managed = ControllerRig::with_options(network_type, "scale", SECOND, mode, options);
        let floor = Floor::new(is_bridge.then_some("br-scale")).expect("the floor");
        Self { managed, floor, is_bridge, filled: 0, sampled: 0 }
    }

    /// Joins of all sides in turn where the last of them makes it `sandboxes` in all; with fewer than all sides are, one by
    /// one.
    ///
    /// # Panics
    /// When a join fails, or leaves a sandbox in another state than it should be.
    pub fn sample(&mut self, sandboxes: usize) -> Sample {
        let batch = (sandboxes / SHARE / SIDES.len()).clamp(1, BATCH);
        let together = if sandboxes < SIDES.len() { 1 } else { batch * SIDES.len() };
        self.fill(sandboxes.saturating_sub(together));
        let mut sample = Sample { sandboxes, ..Sample::default() };
        // The first is looked at, and warms what is cold; it does not count.
        let rounds = SAMPLES.div_ceil(batch) + 1;
        for round in 0..rounds {
            // Each comes first as often as the others.
            let turns = (0..batch).flat_map(|index| (0..SIDES.len()).map(move |turn| index + turn));
            let sides: Vec<_> = turns.map(|turn| SIDES[(round + turn) % SIDES.len()]).collect();
            for sides in sides.chunks(together) {
                self.round(sides, &mut sample, round == 0);
            }
            if round == 0 {
                sample = Sample { sandboxes, ..Sample::default() };
            }
        }
        sample
    }

    /// Fills up to so many sandboxes of the library's.
    ///
    /// # Panics
    /// When one cannot be made.
    pub fn fill(&mut self, sandboxes: usize) {
        for index in self.filled..sandboxes {
            let name = fill_name(index);
            // It lasts without its handle, which would keep descriptors open.
            self.managed.connect(&self.managed.sandbox(&name), &name);
        }
        self.filled = self.filled.max(sandboxes);
    }

    /// Removes everything.
    ///
    /// # Panics
    /// When something stays.
    pub fn take_down(self) {
        self.managed.addresses(self.filled);
        self.managed.remove((0..self.filled).map(fill_name));
        self.managed.take_down();
    }

    /// One join of each of `sides`, and away with them.
    fn round(&mut self, sides: &[Side], sample: &mut Sample, is_looked_at: bool) {
        let links = link_count();
        let mut joined = Vec::with_capacity(sides.len());
        for &side in sides {
            let (took, one, place) = self.join(side);
            sample.of(side).push(took);
            if is_looked_at {
                check(&place).unwrap_or_else(|error| panic!("{side:?}: {error}"));
            }
            joined.push(one);
        }
        for one in joined {
            match one {
                Joined::Ours(name, sandbox) => {
                    drop(sandbox);
                    self.managed.controller.remove_sandbox(&name).expect("a removed sandbox");
                }
                Joined::Raw(sandbox) => self.floor.destroy(sandbox).expect("a destroyed sandbox"),
            }
        }
        settle(links);
    }

    /// A sandbox made, and what its join took.
    fn join(&mut self, side: Side) -> (Duration, Joined, Place) {
        self.sampled += 1;
        if side == Side::Ours {
            let name = format!("sample{}", self.sampled);
            let sandbox = self.managed.sandbox(&name);
            std::thread::sleep(PAUSE);
            let (took, endpoint) = timed(|| self.managed.connect(&sandbox, &name));
            let address = endpoint.address.expect("an address");
            // Without a bridge an address is alone in its subnet.
            let length = if self.is_bridge { address.prefix_len() } else { 32 };
            let address = Ipv4Net::new_assert(address.addr(), length);
            let place = Place { name: name.clone(), address, gateway: GATEWAY };
            return (took, Joined::Ours(name, sandbox), place);
        }
        let slot = Slot::new(self.sampled);
        let mut sandbox = floor_sandbox(&mut self.floor, slot, false);
        std::thread::sleep(PAUSE);
        let (took, ()) = timed(|| self.raw(side, &mut sandbox, slot));
        let own = floor_address(slot);
        let address = Ipv4Net::new_assert(own.address, own.prefix);
        let place = Place { name: format!("floor{}", slot.number()), address, gateway: own.gateway };
        (took, Joined::Raw(sandbox), place)
    }

    fn raw(&mut self, side: Side, sandbox: &mut FloorSandbox, slot: Slot) {
        match side {
            Side::Plain => plain_join(&mut self.floor, sandbox, slot),
            Side::Floor | Side::Ours => floor_join(&mut self.floor, sandbox, slot, false),
        }
    }
}

impl Sample {
    fn of(&mut self, side: Side) -> &mut Vec<Duration> {
        match side {
            Side::Ours => &mut self.ours,
            Side::Floor => &mut self.floor,
            Side::Plain => &mut self.plain,
        }
    }

    /// How many sandboxes there are.
    pub fn sandboxes(&self) -> usize {
        self.sandboxes
    }

    /// The library's median in microseconds.
    pub fn ours_us(&self) -> f64 {
        median(&self.ours)
    }

    /// The floor's median in microseconds.
    pub fn floor_us(&self) -> f64 {
        median(&self.floor)
    }

    /// A line for people.
    pub fn line(&self) -> String {
        let [ours, floor, plain] = [&self.ours, &self.floor, &self.plain].map(|samples| median(samples));
        format!(
            "{:>6} sandboxes: join {ours:>8.1} us   floor {floor:>8.1} us   plain {plain:>9.1} us   ({} each)",
            self.sandboxes,
            self.ours.len(),
        )
    }

    /// The medians, and what one and nine of ten do not exceed, in microseconds.
    pub fn value(&self) -> Value {
        let mut value = json!({ "sandboxes": self.sandboxes, "samples": self.ours.len() });
        for (name, samples) in [("ours", &self.ours), ("floor", &self.floor), ("plain", &self.plain)] {
            value[format!("{name}_us")] = json!(median(samples));
            value[format!("{name}_p10_us")] = json!(percentile(samples, 10));
            value[format!("{name}_p90_us")] = json!(percentile(samples, 90));
        }
        value
    }
}

fn fill_name(index: usize) -> String {
    format!("fill{index}")
}
