//! What a container's network costs when a config says what it is, beside the floor of the same job: the join
//! floor of `link`, which makes the namespace and joins it.
//!
//! Then what a process costs that does so, `netns-hook`, beside CNI's plugin.
//!
//! `make bench` prints the figures and writes them to `target/bench/libcontainer.json`. Both sides take turns in
//! one host. The second figure leaves out the namespace, which is a runtime's to make: both sides find it there,
//! have to open it, and the library has to look what is in it.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use netns::libcontainer::configs::{Config, State, Status};
use netns::libcontainer::{NetworkSetup, Target};
use netns::Namespace;
use netns_benches::figures::Figures;
use netns_benches::invocations;
use netns_benches::rig::{floor_join, settle, Rig, Slot};
use netns_benches::stats::{median, timed, Bound, Pairs};
use serde_json::json;

/// Pairs in a round; all its containers stay until it is over, since dying ones hold the kernel's lock.
const ROUND: usize = 50;
const ROUNDS: usize = 6;
/// Before each sample, so that it does not pay for what the kernel put off of the other side's.
const PAUSE: Duration = Duration::from_millis(4);

fn main() {
    testhost::host(|host| {
        fs::create_dir_all("/run/netns").expect("a directory");
        let mut figures = Figures::default();
        for (dual_stack, prefix) in [(false, ""), (true, "dual_stack_")] {
            let setups = Setups::measure(dual_stack);
            let ratio = setups.whole.ratio();
            match dual_stack {
                false => figures.report("setup_over_floor", ratio, "", Bound::AtMost(1.30)),
                true => figures.keep([("dual_stack_setup_over_floor", ratio)]),
            }
            figures.keep([
                (&format!("{prefix}whole_us"), median(&setups.whole.ours)),
                (&format!("{prefix}whole_floor_us"), median(&setups.whole.floor)),
                (&format!("{prefix}setup_alone_over_floor"), setups.alone.ratio()),
                (&format!("{prefix}setup_us"), median(&setups.alone.ours)),
                (&format!("{prefix}setup_floor_us"), median(&setups.alone.floor)),
                (&format!("{prefix}read_config_us"), median(&setups.read)),
            ]);
        }
        invocations::measure(host, &mut figures);
        figures.write("libcontainer.json");
    });
}

/// A `veth` of a config, and a raw join.
#[derive(Default)]
struct Setups {
    /// With the namespace, and with reading the config.
    whole: Pairs,
    /// In a namespace that was there.
    alone: Pairs,
    /// From the text of a config to its setup.
    read: Vec<Duration>,
}

impl Setups {
    fn measure(dual_stack: bool) -> Self {
        let mut rig = Rig::new(dual_stack);
        let mut setups = Self::default();
        // The first round warms caches and the kernel's slabs and is not counted.
        for round in 0..=ROUNDS {
            if round == 1 {
                setups = Self::default();
            }
            setups.round(&mut rig, dual_stack);
        }
        rig.take_down();
        let family = if dual_stack { "dual-stack" } else { "IPv4" };
        println!("{}", setups.whole.line(&format!("{family}: namespace and config")));
        println!("{}", setups.alone.line(&format!("{family}: config alone")));
        setups
    }

    /// Both sides of both pairs in turn; who is first changes each time.
    fn round(&mut self, rig: &mut Rig, dual_stack: bool) {
        let mut made = Vec::new();
        for turn in 0..2 * ROUND {
            let mut sides = [true, false];
            sides.rotate_left(turn / 2 % 2);
            for is_ours in sides {
                let slot = rig.slot();
                match (turn % 2 == 0, is_ours) {
                    (true, true) => {
                        let took = self.ours(rig, slot, true);
                        self.whole.ours.push(took);
                    }
                    (true, false) => self.whole.floor.push(whole_floor(rig, slot, dual_stack)),
                    (false, true) => {
                        let took = self.ours(rig, slot, false);
                        self.alone.ours.push(took);
                    }
                    (false, false) => self.alone.floor.push(floor(rig, slot, dual_stack)),
                }
                made.push(slot);
            }
        }
        for slot in made {
            for path in [path(slot), PathBuf::from(format!("/run/netns/floor{}", slot.number()))] {
                Namespace::forget(&path).expect("a forgotten container");
            }
        }
        settle(3);
    }

    fn ours(&mut self, rig: &Rig, slot: Slot, whole: bool) -> Duration {
        let text = config(rig, slot);
        let target = Target::Path(path(slot));
        let state = State::new(format!("c{}", slot.number()), Status::Creating);
        if !whole {
            container(slot);
        }
        std::thread::sleep(PAUSE);
        let (namespace, ()) = timed(|| {
            if whole {
                container(slot);
            }
        });
        let (reading, setup) = timed(|| read(&text, &state.id));
        let (took, made) = timed(|| setup.up(Some(&target), &state).expect("a setup"));
        assert_eq!(made.networks.len(), 2);
        self.read.push(reading);
        if whole {
            namespace + reading + took
        } else {
            took
        }
    }
}

fn whole_floor(rig: &mut Rig, slot: Slot, dual_stack: bool) -> Duration {
    std::thread::sleep(PAUSE);
    let (namespace, mut sandbox) = timed(|| rig.floor_sandbox(slot));
    let (join, ()) = timed(|| floor_join(&mut rig.floor, &mut sandbox, slot, dual_stack));
    namespace + join
}

fn floor(rig: &mut Rig, slot: Slot, dual_stack: bool) -> Duration {
    container(slot);
    std::thread::sleep(PAUSE);
    let (open, mut sandbox) = timed(|| rig.floor.open(&path(slot), !dual_stack).expect("a container"));
    let (join, ()) = timed(|| floor_join(&mut rig.floor, &mut sandbox, slot, dual_stack));
    open + join
}

/// A namespace with a name, as a runtime has it.
fn container(slot: Slot) {
    let namespace = Namespace::create().expect("a namespace");
    namespace.persist(&path(slot)).expect("a named namespace");
}

fn path(slot: Slot) -> PathBuf {
    PathBuf::from(format!("/run/netns/c{}", slot.number()))
}

fn read(text: &str, id: &str) -> NetworkSetup {
    let config = Config::from_json(text).expect("a config");
    NetworkSetup::from_config(&config).and_then(|setup| setup.with_id(id)).expect("a setup")
}

fn config(rig: &Rig, slot: Slot) -> String {
    let endpoint = rig.endpoint(slot);
    let options = rig.network.options();
    let text = |value: Option<String>| value.unwrap_or_default();
    json!({
        "namespaces": [{"type": "NEWNET", "path": ""}],
        "networks": [
            {"type": "loopback"},
            {
                "type": "veth", "name": "eth0", "bridge": rig.network.bridge().as_str(),
                "address": text(endpoint.address.map(|own| own.to_string())),
                "gateway": text(options.gateway.map(|own| own.addr().to_string())),
                "ipv6_address": text(endpoint.address_ipv6.map(|own| own.to_string())),
                "ipv6_gateway": text(options.gateway_ipv6.map(|own| own.addr().to_string())),
            },
        ],
    })
    .to_string()
}
