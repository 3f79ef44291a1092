//! Packets from one namespace to another, with and without counters on the way.

use std::net::{Ipv4Addr, UdpSocket};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use netns::stats::{Meter, MeterOptions};
use netns::{InterfaceName, Sandbox, SandboxKey};
use testhost::Host;

use crate::floor::Floor;
use crate::stats::median;

/// Packets in one go: they all fit in the receiver's buffer. It lasts a tenth of a millisecond, so that most are
/// not interrupted.
const BURST: usize = 100;
const BURSTS: usize = 3_000;
const WARM_UP: usize = 50;
const PAYLOAD: usize = 32;
const PORT: u16 = 4000;

/// The price of a small UDP packet from one namespace to another, sent and received, in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub struct Packets {
    /// With nothing on the host's end.
    pub plain: f64,
    /// With counters.
    pub metered: f64,
    /// With filters like theirs whose program does nothing.
    pub empty: f64,
}

impl Packets {
    /// All three in turn, in `host`.
    ///
    /// # Panics
    /// When bpf is not permitted, or a packet is lost.
    pub fn measure(host: &Host) -> Self {
        let sink = Sandbox::create(&SandboxKey::new("sink").expect("a key")).expect("a sandbox");
        let lane = |(number, link)| Lane::new(host, &sink, link, number);
        let mut lanes: Vec<_> = (0..3).zip(["plain", "metered", "empty"]).map(lane).collect();
        let meter = Meter::open(&MeterOptions::default()).expect("counters");
        let id = meter.attach(&InterfaceName::new("metered").expect("a name")).expect("a metered link");
        let program = testhost::classifier().expect("a program");
        Floor::new(None).and_then(|mut floor| floor.filter("empty", program.as_fd())).expect("filters");

        for round in 0..WARM_UP + BURSTS {
            if round == WARM_UP {
                lanes.iter_mut().for_each(|lane| lane.bursts.clear());
            }
            // Each comes first as often as the others.
            for turn in 0..lanes.len() {
                let next = (round + turn) % lanes.len();
                lanes[next].burst();
            }
        }
        let counted = meter.read(id).expect("its slot").tx_packets;
        assert!(counted >= ((WARM_UP + BURSTS) * BURST) as u64, "{counted} packets counted");
        sink.destroy().expect("a destroyed sandbox");
        let [plain, metered, empty] =
            [0, 1, 2].map(|lane: usize| median(&lanes[lane].bursts) * 1e3 / BURST as f64);
        Self { plain, metered, empty }
    }
}

/// A veth pair out of the host into a sandbox, a socket at each end, and what bursts took.
struct Lane {
    sender: UdpSocket,
    receiver: UdpSocket,
    bursts: Vec<Duration>,
}

impl Lane {
    fn new(host: &Host, sink: &Sandbox, link: &str, number: u8) -> Self {
        let [near, far] = [1, 2].map(|last| Ipv4Addr::new(10, 91, number, last));
        let inside = format!("sink-{link}");
        host.ip(&["link", "add", link, "up", "type", "veth", "peer", "name", &inside, "netns", "sink"]);
        host.ip_in("sink", &["address", "add", &format!("{far}/24"), "dev", &inside]);
        host.ip_in("sink", &["link", "set", &inside, "up"]);
        host.ip(&["address", "add", &format!("{near}/24"), "dev", link]);
        let bind = |address| UdpSocket::bind((address, PORT)).expect("a socket");
        let (sender, receiver) = (bind(near), sink.run(|| bind(far)).expect("a sandbox"));
        sender.connect((far, PORT)).expect("a route");
        receiver.set_read_timeout(Some(Duration::from_secs(5))).expect("a timeout");
        Self { sender, receiver, bursts: Vec::with_capacity(BURSTS) }
    }

    fn burst(&mut self) {
        let (payload, mut room) = ([0x5a; PAYLOAD], [0; PAYLOAD]);
        let begin = Instant::now();
        for _ in 0..BURST {
            self.sender.send(&payload).expect("a packet sent");
        }
        for _ in 0..BURST {
            self.receiver.recv(&mut room).expect("a packet received");
        }
        self.bursts.push(begin.elapsed());
    }
}
