//! Counters, and what is counted there.

use std::ffi::c_char;
use std::mem::MaybeUninit;
use std::sync::Arc;

use netns::stats::{Meter, MeterOptions};
use netns::{Error, InterfaceName, Result};

use crate::boundary::{call, give, plain, required, Handle};
use crate::controller::{get as get_controller, netns_controller};
use crate::error::netns_error;
use crate::input::{check_reserved, chosen, optional as optional_struct, Growing};
use crate::network::{get as get_network, netns_network};
use crate::stats::netns_slot;
use crate::text::{optional, text};

/// The counters of this host: slots for whatever is metered, and what was counted there. Programs in the kernel
/// count; reading takes no system call. Any number of processes may have them open.
pub struct netns_meter {
    handle: Handle<Arc<Meter>>,
}

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

pub(crate) fn get(meter: Option<&netns_meter>) -> Result<&Arc<Meter>> {
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
/// netns_meter_detach, and when the link is gone. Of a link that went with its namespace nobody can tell:
/// netns_meter_release gives its slot back.
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

/// Gives the slot back of a link that is gone with its namespace, which only its caller can know. One that was given
/// back already is no error. While a link is counted in a slot that another has by now, the other's counters are
/// wrong.
///
/// @param meter      the counters
/// @param slot       the slot
/// @param ret_error  what went wrong; may be NULL
/// @return 0; NETNS_STATUS_BUSY when the link is there and counted, as far as that can be seen from the calling
///         thread's namespace, or when its endpoint has not let it go
#[no_mangle]
pub extern "C" fn netns_meter_release(
    meter: Option<&netns_meter>,
    slot: Option<&netns_slot>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        let meter = get(meter)?;
        meter.release(required(slot, "slot")?.into())
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
