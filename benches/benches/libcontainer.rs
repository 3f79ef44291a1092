//! What a container's network costs when a config says what it is, beside the floor of the same job: the
//! namespace is there, has to be opened, and nothing is known of what is in it.
//!
//! Then what a process costs that does so, `netns-hook`, beside CNI's plugin.
//!
//! `make bench` prints the figures and writes them to `target/bench/libcontainer.json`. Both sides take turns in
//! one host.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use netns::libcontainer::configs::{Config, State, Status};
use netns::libcontainer::{NetworkSetup, SetupState, Target};
use netns::Namespace;
use netns_benches::figures::Figures;
use netns_benches::invocations;
use netns_benches::rig::{settle, Rig, Slot};
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
            let ratio = setups.pairs.ratio();
            figures.report(&format!("{prefix}setup_over_floor"), ratio, "", Bound::AtMost(1.30));
            figures.keep([
                (&format!("{prefix}setup_us"), median(&setups.pairs.ours)),
                (&format!("{prefix}setup_floor_us"), median(&setups.pairs.floor)),
                (&format!("{prefix}read_config_us"), median(&setups.read)),
            ]);
        }
        invocations::measure(host, &mut figures);
        figures.write("libcontainer.json");
    });
}

/// A `veth` of a config, and a raw join, each in a namespace that was there.
#[derive(Default)]
struct Setups {
    pairs: Pairs,
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
        println!("{}", setups.pairs.line(&format!("{family}: veth of a config")));
        setups
    }

    fn round(&mut self, rig: &mut Rig, dual_stack: bool) {
        let mut made = Vec::new();
        for number in 0..2 * ROUND {
            let slot = rig.slot();
            let path = container(slot);
            // Which one is first in a pair changes from pair to pair.
            if number % 4 == 0 || number % 4 == 3 {
                self.ours(rig, slot, &path);
            } else {
                self.floor(rig, slot, &path, dual_stack);
            }
            made.push(path);
        }
        for path in made {
            Namespace::forget(&path).expect("a forgotten container");
        }
        settle(3);
    }

    fn ours(&mut self, rig: &Rig, slot: Slot, path: &std::path::Path) {
        let text = config(rig, slot);
        let target = Target::Path(path.to_owned());
        let state = State::new(format!("c{}", slot.number()), Status::Creating);
        std::thread::sleep(PAUSE);
        let (read, setup) = timed(|| read(&text, &state.id));
        let (took, made): (_, SetupState) = timed(|| setup.up(Some(&target), &state).expect("a setup"));
        assert_eq!(made.networks.len(), 2);
        self.read.push(read);
        self.pairs.ours.push(took);
    }

    fn floor(&mut self, rig: &mut Rig, slot: Slot, path: &std::path::Path, dual_stack: bool) {
        std::thread::sleep(PAUSE);
        let (open, mut sandbox) = timed(|| rig.floor.open(path, !dual_stack).expect("a container"));
        let (join, ()) = timed(|| {
            netns_benches::rig::floor_join(&mut rig.floor, &mut sandbox, slot, dual_stack);
        });
        self.pairs.floor.push(open + join);
    }
}

/// A namespace with a name, as a runtime has it.
fn container(slot: Slot) -> PathBuf {
    let path = PathBuf::from(format!("/run/netns/c{}", slot.number()));
    let namespace = Namespace::create().expect("a namespace");
    namespace.persist(&path).expect("a named namespace");
    path
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
