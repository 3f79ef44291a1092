//! The library and the floor on bridges of the same kind in the same host.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use netns::ipnet::{IpNet, Ipv4Net, Ipv6Net};
use netns::{EndpointOptions, MacAddr, Network, NetworkOptions, Sandbox, SandboxKey};

use crate::floor::{Address, Ends, Floor, FloorSandbox};

/// The MAC of the floor's bridge, which its host ends carry as the library's carry theirs.
const FLOOR_MAC: [u8; 6] = [0x02, 0x0f, 0x10, 0x0e, 0x0f, 0x01];

/// Both sides in the namespace of the thread that made it.
pub struct Rig {
    /// The library's network.
    pub network: Network,
    /// The raw messages.
    pub floor: Floor,
    floor_network: Network,
    dual_stack: bool,
    next: u32,
}

/// A numbered place on the rig: names and addresses of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot(u32);

impl Slot {
    /// The place of that number; 0 is the gateway's.
    pub fn new(number: u32) -> Self {
        Self(number)
    }

    /// Its number.
    pub fn number(self) -> u32 {
        self.0
    }
}

impl Rig {
    /// A bridge for each side, both made by the library so that the kernel charges both the same.
    ///
    /// # Panics
    /// When the host cannot be set up.
    pub fn new(dual_stack: bool) -> Self {
        let gateway = |third: u8| NetworkOptions::default().with_gateway(IpNet::V4(ipv4(Slot(0), third)));
        let mut options = gateway(99);
        let mut floor_options = gateway(98);
        floor_options.mac = Some(MacAddr::new(FLOOR_MAC).expect("a unicast address"));
        if dual_stack {
            options = options.with_gateway(IpNet::V6(ipv6(Slot(0))));
        }
        let network = Network::create("bridge", "ours", options).expect("a network");
        let floor_network = Network::create("bridge", "floor", floor_options).expect("a network");
        let floor = Floor::new(Some("br-floor")).expect("the floor");
        Self { network, floor, floor_network, dual_stack, next: 1 }
    }

    /// The next place.
    pub fn slot(&mut self) -> Slot {
        self.next += 1;
        Slot(self.next)
    }

    /// An empty sandbox of the library.
    ///
    /// # Panics
    /// When it cannot be made, as everything here does.
    pub fn sandbox(&self, slot: Slot) -> Sandbox {
        Sandbox::create(&SandboxKey::new(&format!("ours{}", slot.0)).expect("a key")).expect("a sandbox")
    }

    /// What the endpoint of `slot` asks for.
    ///
    /// # Panics
    /// Never: its name is valid.
    pub fn endpoint(&self, slot: Slot) -> EndpointOptions {
        let endpoint = EndpointOptions::new(&format!("endpoint{}", slot.0)).expect("a name");
        let endpoint = endpoint.with_address(IpNet::V4(ipv4(slot, 99)));
        if self.dual_stack {
            endpoint.with_address(IpNet::V6(ipv6(slot)))
        } else {
            endpoint
        }
    }

    /// The library's join.
    ///
    /// # Panics
    /// When it fails.
    pub fn join(&self, sandbox: &Sandbox, slot: Slot) {
        self.network.join(sandbox, &self.endpoint(slot)).expect("a join");
    }

    /// An empty sandbox of the floor.
    ///
    /// # Panics
    /// When it cannot be made.
    pub fn floor_sandbox(&mut self, slot: Slot) -> FloorSandbox {
        floor_sandbox(&mut self.floor, slot, self.dual_stack)
    }

    /// The floor's join.
    ///
    /// # Panics
    /// When it fails.
    pub fn floor_join(&mut self, sandbox: &mut FloorSandbox, slot: Slot) {
        floor_join(&mut self.floor, sandbox, slot, self.dual_stack);
    }

    /// [`settle`] while there are `lo` and the two bridges.
    ///
    /// # Panics
    /// As that does.
    pub fn settle(&self) {
        settle(3);
    }

    /// Removes both networks.
    ///
    /// # Panics
    /// When they are in use.
    pub fn take_down(self) {
        self.network.delete().expect("an unused network");
        self.floor_network.delete().expect("an unused network");
    }
}

/// An empty sandbox of `floor`, on a rig or without one.
///
/// # Panics
/// When it cannot be made.
pub fn floor_sandbox(floor: &mut Floor, slot: Slot, dual_stack: bool) -> FloorSandbox {
    let path = PathBuf::from(format!("/run/netns/floor{}", slot.0));
    floor.sandbox(&path, !dual_stack).expect("a sandbox")
}

/// A join of `floor`, on a rig or without one.
///
/// # Panics
/// When it fails.
pub fn floor_join(floor: &mut Floor, sandbox: &mut FloorSandbox, slot: Slot, dual_stack: bool) {
    let host_name = floor_name(slot);
    let v6 =
        dual_stack.then(|| Address { address: ipv6(slot).addr(), prefix: 64, gateway: ipv6(Slot(0)).addr() });
    floor.join(sandbox, &ends(&host_name, slot), floor_address(slot), v6).expect("a join");
}

/// The same for IPv4 in the customary order.
///
/// # Panics
/// When it fails.
pub fn plain_join(floor: &mut Floor, sandbox: &mut FloorSandbox, slot: Slot) {
    let host_name = floor_name(slot);
    floor.plain_join(sandbox, &ends(&host_name, slot), floor_address(slot)).expect("a join");
}

/// The name of the host's end in a join of the floor.
fn floor_name(slot: Slot) -> String {
    format!("fl{}", slot.0)
}

fn ends(host_name: &str, slot: Slot) -> Ends<'_> {
    let [_, _, c, d] = ipv4(slot, 98).addr().octets();
    Ends { host_name, host_mac: FLOOR_MAC, mac: [0x02, 0x0f, 0, 0, c, d] }
}

/// The floor's own address, prefix and gateway for `slot`.
pub fn floor_address(slot: Slot) -> Address<Ipv4Addr> {
    let address = ipv4(slot, 98);
    Address { address: address.addr(), prefix: address.prefix_len(), gateway: ipv4(Slot(0), 98).addr() }
}

/// Waits until the kernel has taken down what was destroyed, so that it does not disturb what is measured
/// next: no more than `links` are left in the calling thread's namespace, those of dead sandboxes are gone,
/// and the kernel's one lock for links is free.
///
/// # Panics
/// When nothing vanishes for a minute.
pub fn settle(links: usize) {
    let (mut begin, mut before) = (Instant::now(), usize::MAX);
    loop {
        let now = link_count();
        if now <= links {
            break;
        }
        if now < before {
            (begin, before) = (Instant::now(), now);
        }
        assert!(begin.elapsed() < Duration::from_secs(60), "destroyed sandboxes stay");
        std::thread::sleep(Duration::from_millis(5));
    }
    std::thread::sleep(Duration::from_millis(300));
}

/// The number of links in the calling thread's namespace.
///
/// # Panics
/// When the kernel does not list them.
pub fn link_count() -> usize {
    nix::net::if_::if_nameindex().expect("a list of links").iter().count()
}

/// Slot 0 is the gateway's.
fn ipv4(slot: Slot, second: u8) -> Ipv4Net {
    let [_, _, c, d] = (slot.0 + 1).to_be_bytes();
    Ipv4Net::new_assert(Ipv4Addr::new(10, second, c, d), 16)
}

fn ipv6(slot: Slot) -> Ipv6Net {
    let [high, low] =
        [(slot.0 + 1) >> 16, (slot.0 + 1) & 0xffff].map(|half| u16::try_from(half).unwrap_or(0));
    Ipv6Net::new_assert(Ipv6Addr::new(0xfd00, 0x99, 0, 0, 0, 0, high, low), 64)
}
