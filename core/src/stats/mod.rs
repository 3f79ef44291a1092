//! Counters: what every interface has received and sent.
//!
//! Programs in the kernel (`ebpf/` of the sources) count bytes and packets of an interface in *slots* of an
//! array that is shared memory: reading them takes loads, and no system call. A slot holds a cache line a processor;
//! a second array says whose slots are. Both are pinned, so they outlive the process that made them, and every
//! process on the host shares them.
//!
//! [`Controller`](crate::Controller) meters endpoints of itself; [`Meter::attach`] meters any other link.

mod allot;
mod filters;
#[allow(dead_code, reason = "the programs use the rest")]
mod layout;
mod load;
mod meter;
mod pins;
mod place;
mod reader;
mod table;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::{Deserialize, Serialize};

pub(crate) use filters::{namespace_of, of_slot, on_link, steps, take_off};
pub use meter::Meter;
pub use reader::{MeterReader, Snapshot};
pub(crate) use table::Entry;
pub use table::{SlotId, SlotOwner};

/// Where the counters are, and how many.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MeterOptions {
    /// A directory on a bpf filesystem, which is made when it is missing.
    pub directory: PathBuf,
    /// How many interfaces can be metered at once, 1 to 65,535. It counts when the counters are made; those that are there
    /// stay as they are. A slot takes 64 bytes a processor, and 64 bytes beside them.
    pub slots: u16,
}

impl MeterOptions {
    /// Where the counters are by default.
    pub const DIRECTORY: &str = "/sys/fs/bpf/libnetns";
    /// How many interfaces can be metered by default.
    pub const SLOTS: u16 = 4096;

    /// The same options with another directory.
    #[must_use]
    pub fn in_directory(mut self, directory: &Path) -> Self {
        self.directory = directory.to_owned();
        self
    }

    /// The same options with room for another number of interfaces.
    #[must_use]
    pub fn with_slots(mut self, slots: u16) -> Self {
        self.slots = slots;
        self
    }
}

impl Default for MeterOptions {
    fn default() -> Self {
        Self { directory: Self::DIRECTORY.into(), slots: Self::SLOTS }
    }
}

/// What an interface has received and sent, as its sandbox sees it, since it is metered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Counters {
    /// Bytes received, Ethernet headers included.
    pub rx_bytes: u64,
    /// Packets received; what a network card or the kernel put together counts as one.
    pub rx_packets: u64,
    /// Bytes sent, Ethernet headers included.
    pub tx_bytes: u64,
    /// Packets sent; what is yet to be cut into segments counts as one.
    pub tx_packets: u64,
}

/// The statistics of an interface as its sandbox sees it (seed `001`, `NetworkStats`), in the seed's JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(
    missing_docs,
    reason = "the names say it: bytes and packets, and of packets those that were in error or dropped"
)]
pub struct Stats {
    pub rx_bytes: u64,
    pub rx_packets: u64,
    pub rx_errors: u64,
    pub rx_dropped: u64,
    pub tx_bytes: u64,
    pub tx_packets: u64,
    pub tx_errors: u64,
    pub tx_dropped: u64,
}

impl Stats {
    /// The other end's view: what one end receives the other has sent.
    #[must_use]
    pub fn swapped(self) -> Self {
        Self {
            rx_bytes: self.tx_bytes,
            rx_packets: self.tx_packets,
            rx_errors: self.tx_errors,
            rx_dropped: self.tx_dropped,
            tx_bytes: self.rx_bytes,
            tx_packets: self.rx_packets,
            tx_errors: self.rx_errors,
            tx_dropped: self.rx_dropped,
        }
    }

    /// The same errors and drops with these bytes and packets.
    #[must_use]
    pub fn with_counters(self, counters: Counters) -> Self {
        let Counters { rx_bytes, rx_packets, tx_bytes, tx_packets } = counters;
        Self { rx_bytes, rx_packets, tx_bytes, tx_packets, ..self }
    }
}

/// How much is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Detail {
    /// Bytes and packets: errors and drops are 0. No question to the kernel where the interface is metered.
    Fast,
    /// All eight, by one question to the kernel.
    #[default]
    Full,
}

/// Where bytes and packets come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Source {
    /// The counters of this library.
    Counters,
    /// The kernel's own (`RTM_GETSTATS`), since the interface is not metered.
    Kernel,
}

/// Bytes and packets a second.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[allow(missing_docs, reason = "as of `Counters`, a second")]
pub struct Rate {
    pub rx_bytes: f64,
    pub rx_packets: f64,
    pub tx_bytes: f64,
    pub tx_packets: f64,
}

/// Counters of one slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reading {
    /// The slot.
    pub id: SlotId,
    /// Whose it is.
    pub owner: SlotOwner,
    /// What has been counted.
    pub counters: Counters,
}

impl Counters {
    /// Of words in the interface's own view, since `base`.
    #[inline]
    fn since(now: [u64; 4], base: [u64; 4], inside: bool) -> Self {
        let [rx_bytes, rx_packets, tx_bytes, tx_packets] =
            std::array::from_fn(|word| now[word].wrapping_sub(base[word]));
        match inside {
            true => Self { rx_bytes, rx_packets, tx_bytes, tx_packets },
            false => Self {
                rx_bytes: tx_bytes,
                rx_packets: tx_packets,
                tx_bytes: rx_bytes,
                tx_packets: rx_packets,
            },
        }
    }
}

/// Rates between two times.
fn rates(earlier: (&Instant, &[Reading]), later: (&Instant, &[Reading])) -> Vec<(SlotId, Rate)> {
    let seconds = later.0.saturating_duration_since(*earlier.0).as_secs_f64();
    let before: HashMap<_, _> = earlier.1.iter().map(|reading| (reading.id, reading.counters)).collect();
    let per_second =
        |now: u64, then: u64| if seconds > 0.0 { now.wrapping_sub(then) as f64 / seconds } else { 0.0 };
    let of = |reading: &Reading| {
        let (now, then) = (reading.counters, before.get(&reading.id)?);
        let rate = Rate {
            rx_bytes: per_second(now.rx_bytes, then.rx_bytes),
            rx_packets: per_second(now.rx_packets, then.rx_packets),
            tx_bytes: per_second(now.tx_bytes, then.tx_bytes),
            tx_packets: per_second(now.tx_packets, then.tx_packets),
        };
        Some((reading.id, rate))
    };
    later.1.iter().filter_map(of).collect()
}
