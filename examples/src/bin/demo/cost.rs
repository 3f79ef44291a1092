//! What a sandbox costs, beside the least raw netlink that does the same.

use std::net::Ipv4Addr;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use netns::{Controller, EndpointConfig, MacAddr, NetworkConfig, Sandbox, DEFAULT_BASE};
use netns_benches::floor::{self, Floor, FloorSandbox};

use crate::Result;

/// Sandboxes of each kind that count.
pub(crate) const COUNTED: usize = 30;
/// Sandboxes of each kind that do not, made before.
const WARM_UP: usize = 3;
/// For what other programs left the kernel to clear away: it holds the lock that all links share.
const SETTLE: Duration = Duration::from_millis(200);

const NETWORK: &str = "cost";
const SUBNET: &str = "10.89.0.0/16";
const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 89, 0, 1);
const PREFIX: u8 = 16;
const BRIDGE_MAC: [u8; 6] = [0x02, 0x42, 10, 89, 0, 1];

/// One phase in the life of a sandbox: medians. The floor brings `lo` up in the second, the library in the first.
pub(crate) struct Phase {
    pub(crate) name: &'static str,
    pub(crate) ours: Duration,
    pub(crate) floor: Duration,
}

/// Sandboxes of both kinds, alternating, on a bridge of their own. They all live until all are measured, so that
/// none has to wait for another to be cleared away.
pub(crate) struct Bench<'a> {
    controller: &'a Controller,
    floor: Floor,
    ours: Vec<Sandbox>,
    floors: Vec<FloorSandbox>,
    created: Timed,
    joined: Timed,
}

/// The same thing done by the library and by the floor.
#[derive(Default)]
struct Timed {
    ours: Vec<Duration>,
    floor: Vec<Duration>,
}

impl<'a> Bench<'a> {
    pub(crate) fn build(controller: &'a Controller) -> Result<Self> {
        let mac = MacAddr::new(BRIDGE_MAC)?.to_string();
        let network =
            NetworkConfig::new("bridge", NETWORK)?.with_subnet(SUBNET.parse()?).with_option("mac", mac);
        controller.create_network(network)?;
        let floor = Floor::new(Some("br-cost"))?;
        let mut bench = Self {
            controller,
            floor,
            ours: Vec::new(),
            floors: Vec::new(),
            created: Timed::default(),
            joined: Timed::default(),
        };
        thread::sleep(SETTLE);
        for number in 0..WARM_UP + COUNTED {
            // Each goes first as often as the other.
            if number % 2 == 0 {
                bench.add_ours(number)?;
                bench.add_floor(number)?;
            } else {
                bench.add_floor(number)?;
                bench.add_ours(number)?;
            }
        }
        Ok(bench)
    }

    fn add_ours(&mut self, number: usize) -> Result<()> {
        let name = format!("ours-{number}");
        let endpoint = EndpointConfig::new(&name)?;
        let sandbox = timed(&mut self.created.ours, || self.controller.create_sandbox(&name))?;
        timed(&mut self.joined.ours, || self.controller.connect(NETWORK, &sandbox, endpoint))?;
        self.ours.push(sandbox);
        Ok(())
    }

    fn add_floor(&mut self, number: usize) -> Result<()> {
        let path = Path::new(DEFAULT_BASE).join(format!("floor-{number}"));
        let last = u8::try_from(number)?;
        let host_name = format!("floor{number}");
        let ends =
            floor::Ends { host_name: &host_name, host_mac: BRIDGE_MAC, mac: [0x02, 0x42, 10, 89, 2, last] };
        let v4 = floor::Address { address: Ipv4Addr::new(10, 89, 2, last), prefix: PREFIX, gateway: GATEWAY };
        let floor = &mut self.floor;
        let mut sandbox = timed(&mut self.created.floor, || floor.sandbox(&path, true))?;
        timed(&mut self.joined.floor, || floor.join(&mut sandbox, &ends, v4, None))?;
        self.floors.push(sandbox);
        Ok(())
    }

    /// Destroys everything, and tells what it all took.
    pub(crate) fn finish(mut self) -> Result<[Phase; 3]> {
        let mut destroyed = Timed::default();
        for (ours, floors) in self.ours.iter().zip(self.floors) {
            timed(&mut destroyed.ours, || self.controller.destroy_sandbox(ours))?;
            timed(&mut destroyed.floor, || self.floor.destroy(floors))?;
        }
        self.controller.delete_network(NETWORK)?;
        Ok([self.created.phase("namespace"), self.joined.phase("join"), destroyed.phase("destroy")])
    }
}

impl Timed {
    fn phase(self, name: &'static str) -> Phase {
        let (ours, floor) = (median(self.ours), median(self.floor));
        Phase { name, ours, floor }
    }
}

fn timed<T, E>(times: &mut Vec<Duration>, f: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    let begin = Instant::now();
    let value = f()?;
    times.push(begin.elapsed());
    Ok(value)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.drain(..WARM_UP.min(times.len()));
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
