//! The counters of all links at once, by everybody who reads them.

use std::collections::HashMap;
use std::hint::black_box;
use std::net::{Ipv4Addr, UdpSocket};
use std::thread::sleep;
use std::time::{Duration, Instant};

use netns::stats::Snapshot;
use nix::net::if_::if_nameindex;
use serde_json::{json, Value};

use crate::floor::{Floor, LinkCounters};
use crate::managed::ControllerRig;
use crate::pollers::{proc_net_dev, Readings, Sysfs};
use crate::stats::{median, timed};

const ROUNDS: usize = 30;
/// A round of many files takes long; the time for all of them together is about this.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long packets may be on their way.
const ARRIVAL: Duration = Duration::from_secs(5);
/// Datagrams to each sandbox, so that there is something to count.
const DATAGRAMS: usize = 3;
const PORT: u16 = 9;

/// What one reading of all of them took, by each way.
#[derive(Clone, Debug, Default)]
pub struct Times {
    interfaces: usize,
    sysfs: Vec<Duration>,
    proc: Vec<Duration>,
    getlink: Vec<Duration>,
    getstats: Vec<Duration>,
    ours: Vec<Duration>,
}

/// All ways, of the host's ends of `interfaces` endpoints of `managed`, which must be all that there are.
struct Ways<'a> {
    managed: &'a ControllerRig,
    interfaces: usize,
    sysfs: Sysfs,
    floor: Floor,
    /// The metered links, by index.
    links: Vec<(u32, String)>,
}

/// Reads the counters of so many endpoints, all that there are, by each way in turn, once they all say the same.
///
/// # Panics
/// When they do not.
pub fn measure(managed: &ControllerRig, interfaces: usize) -> Times {
    send_to(&managed.addresses(interfaces).into_iter().collect::<Vec<_>>());
    let mut ways = Ways::new(managed, interfaces);
    ways.agree();
    let mut times = Times { interfaces, ..Times::default() };
    let mut snapshot = managed.controller.meter().expect("counters").snapshot();
    let begin = Instant::now();
    for round in 0..ROUNDS {
        if round > 2 && begin.elapsed() > PATIENCE {
            break;
        }
        ways.round(&mut times, &mut snapshot);
    }
    times
}

impl Ways<'_> {
    fn new(managed: &ControllerRig, interfaces: usize) -> Ways<'_> {
        let names = if_nameindex().expect("a list of links");
        let names: HashMap<u32, String> =
            names.iter().map(|link| (link.index(), link.name().to_string_lossy().into_owned())).collect();
        let snapshot = managed.controller.meter().expect("counters").snapshot();
        let metered = snapshot.readings.iter().map(|reading| reading.owner.index);
        let mut links: Vec<_> = metered.map(|index| (index, names[&index].clone())).collect();
        links.sort();
        assert_eq!(links.len(), interfaces, "metered links");
        let floor = Floor::new(None).expect("the floor");
        Ways { managed, interfaces, sysfs: Sysfs::mount(), floor, links }
    }

    fn round(&mut self, times: &mut Times, snapshot: &mut Snapshot) {
        let meter = self.managed.controller.meter().expect("counters");
        times.ours.push(timed(|| meter.snapshot_into(black_box(snapshot))).0);
        assert_eq!(snapshot.readings.len(), self.interfaces, "readings");
        let (took, listed) = timed(|| black_box(self.floor.stats_counters()));
        assert!(listed.expect("a list").len() > self.interfaces);
        times.getstats.push(took);
        let (took, listed) = timed(|| black_box(self.floor.link_counters()));
        assert!(listed.expect("a list").len() > self.interfaces);
        times.getlink.push(took);
        times.proc.push(timed(|| black_box(proc_net_dev())).0);
        let by_sysfs = || {
            for (_, link) in &self.links {
                black_box(self.sysfs.read(link));
            }
        };
        times.sysfs.push(timed(by_sysfs).0);
    }

    /// Waits until all say the same of every link, and that something came.
    fn agree(&mut self) {
        let begin = Instant::now();
        loop {
            let all = self.all();
            let ours = &all[all.len() - 1].1;
            let differs = all.iter().find(|(_, counters)| counters != ours);
            let Some((way, theirs)) = differs else {
                assert!(ours.iter().all(|link| link.tx_packets >= DATAGRAMS as u64), "nothing to count");
                return;
            };
            let first = theirs.iter().zip(ours).find(|(theirs, ours)| theirs != ours);
            assert!(begin.elapsed() < ARRIVAL, "{way} and we differ: {first:?}");
            sleep(Duration::from_millis(50));
        }
    }

    /// What each way says of the metered links, by index; ours come last.
    fn all(&mut self) -> [(&'static str, Vec<LinkCounters>); 5] {
        let proc: HashMap<_, _> = proc_net_dev().into_iter().collect();
        let of = |find: &dyn Fn(&str) -> Readings| {
            let one = |(index, link): &(u32, String)| counters(*index, find(link));
            self.links.iter().map(one).collect::<Vec<_>>()
        };
        let sysfs = of(&|link| self.sysfs.read(link));
        let proc = of(&|link| proc[link]);
        let [getlink, getstats] = [self.floor.link_counters(), self.floor.stats_counters()].map(|all| {
            let all: HashMap<_, _> =
                all.expect("a list").into_iter().map(|counters| (counters.index, counters)).collect();
            self.links.iter().map(|(index, _)| all[index]).collect::<Vec<_>>()
        });
        let snapshot = self.managed.controller.meter().expect("counters").snapshot();
        let mut ours: Vec<_> = snapshot
            .readings
            .iter()
            .map(|reading| {
                let own = reading.counters;
                // The sandbox has received what the host's end has sent.
                LinkCounters {
                    index: reading.owner.index,
                    rx_bytes: own.tx_bytes,
                    rx_packets: own.tx_packets,
                    tx_bytes: own.rx_bytes,
                    tx_packets: own.rx_packets,
                }
            })
            .collect();
        ours.sort();
        [("sysfs", sysfs), ("proc", proc), ("getlink", getlink), ("getstats", getstats), ("we", ours)]
    }
}

fn counters(index: u32, readings: Readings) -> LinkCounters {
    let [rx_bytes, rx_packets, _, _, tx_bytes, tx_packets, _, _] = readings;
    LinkCounters { index, rx_bytes, rx_packets, tx_bytes, tx_packets }
}

fn send_to(addresses: &[Ipv4Addr]) {
    for address in addresses {
        // One each: what comes back is an error of the socket.
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).expect("a socket");
        for _ in 0..DATAGRAMS {
            socket.send_to(b"counted", (*address, PORT)).expect("a datagram sent");
        }
    }
}

impl Times {
    /// Of how many interfaces.
    pub fn interfaces(&self) -> usize {
        self.interfaces
    }

    /// What asking the kernel takes, over ours.
    pub fn getlink_over_ours(&self) -> f64 {
        median(&self.getlink) / median(&self.ours)
    }

    /// A line for people.
    pub fn line(&self) -> String {
        let all: Vec<_> =
            self.all().iter().map(|(name, took)| format!("{name} {:.1}", median(took))).collect();
        format!("{:>6} interfaces, us: {}", self.interfaces, all.join(", "))
    }

    /// The medians in microseconds.
    pub fn value(&self) -> Value {
        let mut value = json!({ "interfaces": self.interfaces, "samples": self.ours.len() });
        for (name, took) in self.all() {
            value[format!("{name}_us")] = json!(median(took));
        }
        value
    }

    fn all(&self) -> [(&'static str, &[Duration]); 5] {
        [
            ("sysfs", &self.sysfs),
            ("proc", &self.proc),
            ("getlink", &self.getlink),
            ("getstats", &self.getstats),
            ("ours", &self.ours),
        ]
    }
}
