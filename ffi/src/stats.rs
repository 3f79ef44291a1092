//! Statistics: what interfaces have received and sent.

use std::ffi::c_char;
use std::mem::{size_of, MaybeUninit};

use netns::stats::{Counters, Detail, Reading, SlotId, Source, Stats};
use netns::{Error, ErrorKind};

use crate::boundary::{call, required};
use crate::error::netns_error;
use crate::input::chosen;
use crate::meter::{get, netns_meter};
use crate::network::{get as get_network, netns_network};
use crate::text::text;

/// How many 64-bit words of netns_meter_mapping a slot takes for each processor: 64 bytes.
pub const NETNS_STATS_LINE_WORDS: usize = 8;

/// Of a reading: the link that is metered is in the sandbox, or was metered by netns_meter_attach. Without this
/// flag it is the host's end of a pair: what it receives is what the sandbox sends.
pub const NETNS_READING_INSIDE: u64 = 1;

/// A slot during one of its lives. It never grows.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct netns_slot {
    /// Its number, 1 to 65,535.
    pub slot: u16,
    /// Which of its lives: slots are used again.
    pub life: u64,
}

/// What an interface has received and sent, as its sandbox sees it, since it is metered. It never grows.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct netns_counters {
    /// Bytes received, Ethernet headers included.
    pub rx_bytes: u64,
    /// Packets received; what a network card or the kernel put together counts as one.
    pub rx_packets: u64,
    /// Bytes sent, Ethernet headers included.
    pub tx_bytes: u64,
    /// Packets sent; what is yet to be cut into segments counts as one.
    pub tx_packets: u64,
}

/// The statistics of an interface, as its sandbox sees it (seed 001, NetworkStats). It never grows.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct netns_stats {
    /// Bytes received.
    pub rx_bytes: u64,
    /// Packets received.
    pub rx_packets: u64,
    /// Packets received that were in error.
    pub rx_errors: u64,
    /// Packets received that were dropped.
    pub rx_dropped: u64,
    /// Bytes sent.
    pub tx_bytes: u64,
    /// Packets sent.
    pub tx_packets: u64,
    /// Packets sent that were in error.
    pub tx_errors: u64,
    /// Packets sent that were dropped.
    pub tx_dropped: u64,
}

/// The counters of one slot, and whose it is. It never grows.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct netns_reading {
    /// The slot.
    pub slot: netns_slot,
    /// What was counted.
    pub counters: netns_counters,
    /// The network namespace in which the host's end is: its cookie (SO_NETNS_COOKIE), before Linux 5.14 the
    /// number of its file with the highest bit set.
    pub namespace_cookie: u64,
    /// FNV-1a of "NETWORK/ENDPOINT", as the links' names have it; 0 for a link of netns_meter_attach.
    pub digest: u64,
    /// The index of the link that is metered.
    pub index: u32,
    /// The first eight hexadecimal digits of the mark of the run directory, as in " store=" of the link's
    /// alias; 0 for a link of netns_meter_attach.
    pub mark: u32,
    /// NETNS_READING_INSIDE, or 0.
    pub flags: u64,
}

/// How much is wanted of statistics.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum netns_stats_detail {
    /// All eight numbers, by one question to the kernel.
    Full = 0,
    /// Bytes and packets: errors and drops are 0. No question to the kernel where the interface is metered.
    Fast = 1,
}

/// Where bytes and packets come from. A later version may add others.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum netns_stats_source {
    /// Something that this version of the header has no number for.
    Other = 0,
    /// The counters of this library.
    Counters = 1,
    /// The kernel's own, since the interface is not metered.
    Kernel = 2,
}

impl From<Source> for netns_stats_source {
    fn from(source: Source) -> Self {
        match source {
            Source::Counters => Self::Counters,
            Source::Kernel => Self::Kernel,
            _ => Self::Other,
        }
    }
}

impl From<&netns_slot> for SlotId {
    fn from(slot: &netns_slot) -> Self {
        Self::new(slot.slot, slot.life)
    }
}

impl From<SlotId> for netns_slot {
    fn from(id: SlotId) -> Self {
        Self { slot: id.slot, life: id.life }
    }
}

impl From<Counters> for netns_counters {
    fn from(counters: Counters) -> Self {
        let Counters { rx_bytes, rx_packets, tx_bytes, tx_packets } = counters;
        Self { rx_bytes, rx_packets, tx_bytes, tx_packets }
    }
}

impl From<Stats> for netns_stats {
    fn from(stats: Stats) -> Self {
        Self {
            rx_bytes: stats.rx_bytes,
            rx_packets: stats.rx_packets,
            rx_errors: stats.rx_errors,
            rx_dropped: stats.rx_dropped,
            tx_bytes: stats.tx_bytes,
            tx_packets: stats.tx_packets,
            tx_errors: stats.tx_errors,
            tx_dropped: stats.tx_dropped,
        }
    }
}

impl From<&Reading> for netns_reading {
    fn from(reading: &Reading) -> Self {
        Self {
            slot: reading.id.into(),
            counters: reading.counters.into(),
            namespace_cookie: reading.owner.namespace,
            digest: reading.owner.digest,
            index: reading.owner.index,
            mark: reading.owner.mark,
            flags: if reading.owner.inside { NETNS_READING_INSIDE } else { 0 },
        }
    }
}

/// What the interface of a slot has received and sent: read from memory, with no question to the
/// kernel. What a link had counted that is gone, or metered no more, is forgotten.
///
/// @param meter         the counters
/// @param slot          the slot
/// @param ret_counters  what was counted
/// @param ret_error     what went wrong; may be NULL
/// @return 0; NETNS_STATUS_NOT_FOUND when the slot is the interface's no more, or there is no such slot
#[no_mangle]
pub extern "C" fn netns_stats_read(
    meter: Option<&netns_meter>,
    slot: Option<&netns_slot>,
    ret_counters: Option<&mut MaybeUninit<netns_counters>>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        let meter = get(meter)?;
        let slot = required(slot, "slot")?;
        let ret_counters = required(ret_counters, "ret_counters")?;
        let counters = meter.read(slot.into()).ok_or_else(|| {
            let object = format!("life {} of slot {}", slot.life, slot.slot);
            Error::new(ErrorKind::NotFound, "read", object).with_cause("it is over, or never was")
        })?;
        ret_counters.write(counters.into());
        Ok(())
    })
}

/// The counters of all slots that somebody has, by their numbers, in the caller's array.
///
/// @param meter      the counters
/// @param readings   room for the readings; not looked at when `capacity` is 0
/// @param capacity   for how many there is room
/// @param ret_count  how many there are: where that is more than `capacity`, those beyond it were left out
/// @param ret_error  what went wrong; may be NULL
/// @return 0
#[no_mangle]
pub unsafe extern "C" fn netns_stats_read_all(
    meter: Option<&netns_meter>,
    readings: *mut netns_reading,
    capacity: usize,
    ret_count: Option<&mut MaybeUninit<usize>>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        let meter = get(meter)?;
        let ret_count = required(ret_count, "ret_count")?;
        if capacity != 0 && readings.is_null() {
            let cause = format!("it is NULL and should have room for {capacity}");
            return Err(Error::bad_request("use argument", "readings", cause));
        }
        let found = meter.snapshot().readings;
        for (at, reading) in found.iter().take(capacity).enumerate() {
            // SAFETY: there is room for `capacity` of them, says the caller.
            unsafe { readings.add(at).write(reading.into()) };
        }
        ret_count.write(found.len());
        Ok(())
    })
}

/// What an endpoint's interface has received and sent, as its sandbox sees it. Where it is not metered, all
/// comes from the kernel's own counters, whatever `detail` says. With NETNS_STATS_DETAIL_FULL it is looked
/// whether the filters are there that count: where somebody removed them, the kernel's own are the answer.
///
/// @param network     the network
/// @param endpoint    the endpoint's name
/// @param detail      a netns_stats_detail
/// @param ret_stats   the statistics
/// @param ret_source  a netns_stats_source, where bytes and packets come from; may be NULL
/// @param ret_error   what went wrong; may be NULL
/// @return 0; NETNS_STATUS_NOT_FOUND when there is no such endpoint, it is in no sandbox, or its link is gone;
///         NETNS_STATUS_NOT_IMPLEMENTED for a device that a driver handed over
#[no_mangle]
pub unsafe extern "C" fn netns_endpoint_stats(
    network: Option<&netns_network>,
    endpoint: *const c_char,
    detail: i32,
    ret_stats: Option<&mut MaybeUninit<netns_stats>>,
    ret_source: Option<&mut MaybeUninit<i32>>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        let (controller, network) = get_network(network)?;
        // SAFETY: a string by the header's rules.
        let endpoint = unsafe { text(endpoint, "endpoint") }?;
        let known = [
            (netns_stats_detail::Full as i32, Detail::Full),
            (netns_stats_detail::Fast as i32, Detail::Fast),
        ];
        let detail = chosen(detail, &known, "detail", "netns_stats_detail")?;
        let ret_stats = required(ret_stats, "ret_stats")?;
        let found = controller.stats(network, endpoint, detail)?;
        ret_stats.write(found.stats.into());
        if let Some(ret_source) = ret_source {
            ret_source.write(netns_stats_source::from(found.source) as i32);
        }
        Ok(())
    })
}

const _: () = {
    assert!(NETNS_STATS_LINE_WORDS * size_of::<u64>() == 64, "a cache line");
    assert!(size_of::<netns_slot>() == 16 && size_of::<netns_reading>() == 80, "they never grow");
};
