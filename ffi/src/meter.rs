//! Counters: what interfaces have received and sent.

use std::ffi::c_char;
use std::mem::{size_of, MaybeUninit};
use std::sync::Arc;

use netns::stats::{Counters, Detail, Meter, MeterOptions, Reading, SlotId, Source, Stats};
use netns::{Error, ErrorKind, InterfaceName, Result};

use crate::boundary::{call, give, plain, required, Handle};
use crate::controller::{get as get_controller, netns_controller};
use crate::error::netns_error;
use crate::input::{check_reserved, chosen, optional as optional_struct, Growing};
use crate::network::{get as get_network, netns_network};
use crate::text::{optional, text};

/// The counters of this host: slots for whatever is metered, and what was counted there. Programs in the kernel
/// count; reading takes no system call. Any number of processes may have them open.
pub struct netns_meter {
    handle: Handle<Arc<Meter>>,
}

/// How many 64-bit words of netns_meter_mapping a slot takes for each processor: 64 bytes.
pub const NETNS_STATS_LINE_WORDS: usize = 8;

/// Of a reading: the link that is metered is in the sandbox, or was metered by netns_meter_attach. Without this
/// flag it is the host's end of a pair: what it receives is what the sandbox sends.
pub const NETNS_READING_INSIDE: u64 = 1;

/// Where the counters are, and how many. All zeroes but the size are the defaults.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct netns_meter_options {
    /// Bytes of this struct.
    pub size: usize,
    /// A directory on a bpf filesystem, which is made when it is missing; NULL for /sys/fs/bpf/libnetns.
    pub directory: *const c_char,
    /// How many interfaces can be metered at once, 1 to 65,535; 0 for 4,096. It counts when the counters are
    /// made; those that are there stay as they are. A slot takes 64 bytes for each processor, and 64 bytes
    /// beside them.
    pub slots: u32,
    /// 0.
    pub reserved: u32,
}

// SAFETY: pointers and integers without padding, the size first.
unsafe impl Growing for netns_meter_options {
    const NAME: &'static str = "netns_meter_options";
    const FIRST_SIZE: usize = 24;
}

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

/// Whether interfaces are metered.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum netns_metering {
    /// Of a network: they are. Of an endpoint: as its network says.
    Default = 0,
    /// They are, where bpf is permitted.
    On = 1,
    /// They are not.
    Off = 2,
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

/// A number of netns_metering; none for the default.
pub(crate) fn metering(number: i32) -> Result<Option<bool>> {
    let known = [
        (netns_metering::Default as i32, None),
        (netns_metering::On as i32, Some(true)),
        (netns_metering::Off as i32, Some(false)),
    ];
    chosen(number, &known, "meter", "netns_metering")
}

/// Puts what was given in place of what `options` say; `names` are what the fields are called.
///
/// # Safety
/// A string by the header's rules.
pub(crate) unsafe fn overlay(
    options: &mut MeterOptions,
    directory: *const c_char,
    slots: u32,
    names: [&str; 2],
) -> Result<()> {
    // SAFETY: the same.
    if let Some(directory) = unsafe { optional(directory, names[0]) }? {
        options.directory = directory.into();
    }
    if slots != 0 {
        options.slots = u16::try_from(slots).map_err(|_| {
            Error::bad_request("use argument", format!("{}, {slots}", names[1]), "it is more than 65535")
        })?;
    }
    Ok(())
}

/// # Safety
/// A struct by the header's rules.
unsafe fn options(at: *const netns_meter_options) -> Result<MeterOptions> {
    let mut options = MeterOptions::default();
    // SAFETY: the same.
    unsafe {
        if let Some(raw) = optional_struct(at, "options")? {
            check_reserved(raw.reserved)?;
            overlay(&mut options, raw.directory, raw.slots, ["directory", "slots"])?;
        }
    }
    Ok(options)
}

fn get(meter: Option<&netns_meter>) -> Result<&Arc<Meter>> {
    required(meter, "meter")?.handle.get()
}

/// Opens the counters, making them when there are none.
///
/// @param options    where they are, and how many; may be NULL, for the defaults
/// @param ret_meter  the counters, for netns_meter_free
/// @param ret_error  what went wrong; may be NULL
/// @return 0; NETNS_STATUS_NOT_IMPLEMENTED when the directory is on no bpf filesystem;
///         NETNS_STATUS_PERMISSION_DENIED without the right to use bpf (CAP_BPF and CAP_NET_ADMIN, before
///         Linux 5.8 CAP_SYS_ADMIN); NETNS_STATUS_SYSTEM when something else is pinned there
#[no_mangle]
pub unsafe extern "C" fn netns_meter_open(
    options: *const netns_meter_options,
    ret_meter: Option<&mut MaybeUninit<*mut netns_meter>>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        let ret_meter = required(ret_meter, "ret_meter")?;
        // SAFETY: options by the header's rules.
        let options = unsafe { self::options(options) }?;
        give(ret_meter, netns_meter { handle: Handle::new(Arc::new(Meter::open(&options)?)) });
        Ok(())
    })
}

/// The counters that a controller meters its endpoints with, opened when they are first needed. The object
/// may outlive the controller's. They are removed with the last network when nobody has a slot; one that is asked
/// for later has those that are made then.
///
/// @param controller  the controller
/// @param ret_meter   the counters, for netns_meter_free
/// @param ret_error   what went wrong; may be NULL
/// @return as of netns_meter_open: the reason why nothing is metered
#[no_mangle]
pub extern "C" fn netns_controller_meter(
    controller: Option<&netns_controller>,
    ret_meter: Option<&mut MaybeUninit<*mut netns_meter>>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        let controller = get_controller(controller)?;
        let ret_meter = required(ret_meter, "ret_meter")?;
        give(ret_meter, netns_meter { handle: Handle::new(controller.meter()?) });
        Ok(())
    })
}

/// Closes the counters and frees the object. What is metered stays so.
///
/// @param meter  the counters; may be NULL
#[no_mangle]
pub extern "C" fn netns_meter_free(meter: Option<Box<netns_meter>>) {
    plain((), || {
        if let Some(meter) = meter {
            meter.handle.end();
        }
    });
}

/// Meters a link of the calling thread's namespace, as it sees itself. The slot is given back by
/// netns_meter_detach, and when the link is gone.
///
/// @param meter      the counters
/// @param link       the link's name
/// @param ret_slot   its slot; may be NULL
/// @param ret_error  what went wrong; may be NULL
/// @return 0; NETNS_STATUS_NOT_FOUND when there is no such link; NETNS_STATUS_ALREADY_EXISTS when it is
///         metered; NETNS_STATUS_RESOURCE_EXHAUSTED when all slots are taken; NETNS_STATUS_PERMISSION_DENIED
///         without CAP_NET_ADMIN
#[no_mangle]
pub unsafe extern "C" fn netns_meter_attach(
    meter: Option<&netns_meter>,
    link: *const c_char,
    ret_slot: Option<&mut MaybeUninit<netns_slot>>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        let meter = get(meter)?;
        // SAFETY: a string by the header's rules.
        let id = meter.attach(&unsafe { self::link(link) }?)?;
        if let Some(ret_slot) = ret_slot {
            ret_slot.write(id.into());
        }
        Ok(())
    })
}

/// Meters a link of the calling thread's namespace no more; what was counted is gone. One that is gone, or not
/// metered, is no error.
///
/// @param meter      the counters
/// @param link       the link's name
/// @param ret_error  what went wrong; may be NULL
/// @return 0; NETNS_STATUS_PERMISSION_DENIED without CAP_NET_ADMIN
#[no_mangle]
pub unsafe extern "C" fn netns_meter_detach(
    meter: Option<&netns_meter>,
    link: *const c_char,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        let meter = get(meter)?;
        // SAFETY: a string by the header's rules.
        meter.detach(&unsafe { self::link(link) }?)
    })
}

/// # Safety
/// A string by the header's rules.
unsafe fn link(name: *const c_char) -> Result<InterfaceName> {
    // SAFETY: the same.
    let name = unsafe { text(name, "link") }?;
    InterfaceName::new(name)
}

/// Where the counters are in the memory of this process, for programs that read very often or very many. The
/// line of slot `s` and processor `c` begins at word `(s * processors + c) * NETNS_STATS_LINE_WORDS` and holds,
/// in this order: bytes received, packets received, bytes sent, packets sent; the other words mean nothing. A
/// slot's counters are the sums of its lines.
///
/// They are by the link's own view, so of a reading without NETNS_READING_INSIDE received is what the sandbox
/// sent; and they count since the counters were made, over all lives of a slot, so only differences mean
/// something, which netns_stats_read forms. They change at any time: read each word once, atomically
/// (__ATOMIC_RELAXED does). Nobody can write to them.
///
/// @param meter           the counters
/// @param ret_address     the first word; it is there as long as the object is
/// @param ret_words       how many words there are
/// @param ret_processors  how many lines a slot has
/// @param ret_error       what went wrong; may be NULL
/// @return 0
#[no_mangle]
pub extern "C" fn netns_meter_mapping(
    meter: Option<&netns_meter>,
    ret_address: Option<&mut MaybeUninit<*const u64>>,
    ret_words: Option<&mut MaybeUninit<usize>>,
    ret_processors: Option<&mut MaybeUninit<u32>>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        let meter = get(meter)?;
        let ret_address = required(ret_address, "ret_address")?;
        let ret_words = required(ret_words, "ret_words")?;
        let ret_processors = required(ret_processors, "ret_processors")?;
        let (address, words) = meter.mapping();
        ret_address.write(address);
        ret_words.write(words);
        ret_processors.write(u32::try_from(meter.processors()).unwrap_or(u32::MAX));
        Ok(())
    })
}

/// What the interface of a slot has received and sent: read from memory, with no question to the
/// kernel. What a link that is gone, or metered no more, had counted can be read until its slot is free again.
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
        let counters = meter.read(SlotId::new(slot.slot, slot.life)).ok_or_else(|| {
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

/// Meters an endpoint from now on, or no more; what was counted is forgotten. One that is metered already gets
/// filters back that somebody removed, and keeps what was counted. The endpoint's definition says so from now
/// on; of one that is in no sandbox that is all.
///
/// @param network    the network
/// @param endpoint   the endpoint's name
/// @param on         1 meters it, 0 does no more
/// @param ret_error  what went wrong; may be NULL
/// @return 0; NETNS_STATUS_NOT_FOUND when there is no such endpoint; NETNS_STATUS_RESOURCE_EXHAUSTED when all
///         slots are taken; NETNS_STATUS_NOT_IMPLEMENTED for a device that a driver handed over; and as of
///         netns_meter_open
#[no_mangle]
pub unsafe extern "C" fn netns_endpoint_set_meter(
    network: Option<&netns_network>,
    endpoint: *const c_char,
    on: i32,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        let (controller, network) = get_network(network)?;
        // SAFETY: a string by the header's rules.
        let endpoint = unsafe { text(endpoint, "endpoint") }?;
        let on = chosen(on, &[(0, false), (1, true)], "on", "choice of 0 and 1")?;
        controller.set_meter(network, endpoint, on)
    })
}

const _: () = {
    assert!(NETNS_STATS_LINE_WORDS * size_of::<u64>() == 64, "a cache line");
    assert!(size_of::<netns_slot>() == 16 && size_of::<netns_reading>() == 80, "they never grow");
};
