//! Controllers: opened, closed, and what of them is about no single object.

use std::ffi::c_char;
use std::mem::MaybeUninit;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use netns::{Controller, ControllerOptions, Lifetime, Result};

use crate::boundary::{call, give, plain, required, Handle};
use crate::error::netns_error;
use crate::input::{array, check_flags, check_reserved, optional as optional_struct, Growing};
use crate::meter::overlay;
use crate::names::{give_names, netns_names};
use crate::text::{optional, text};

/// Named networks, the endpoints that join sandboxes to them, and their sandboxes (libnetwork's
/// NetworkController). Any number of processes that share a PID namespace may have the same directories open.
pub struct netns_controller(pub(crate) Handle<Arc<Controller>>);

/// Directories that are NULL are those that the environment variables NETNS_NETWORKS_DIR, NETNS_RUN_DIR,
/// NETNS_SANDBOX_DIR and NETNS_METER_DIR name. For tools; a library's caller says what it wants.
pub const NETNS_CONTROLLER_FROM_ENV: u64 = 1;
/// What the controller makes lasts as long as its process: it is collected when that is gone. Without this
/// flag it lasts until it is deleted, or the host restarts.
pub const NETNS_CONTROLLER_PROCESS_LIFETIME: u64 = 2;
/// What processes that are gone left half done stays as it is, for netns_controller_collect to say what that
/// is, with NETNS_COLLECT_DRY_RUN, or to put it right.
pub const NETNS_CONTROLLER_UNCOLLECTED: u64 = 4;
/// No plugins are looked for: types of network and address managements are the library's own, and those that were
/// registered.
pub const NETNS_CONTROLLER_NO_PLUGINS: u64 = 8;

const FLAGS: u64 = NETNS_CONTROLLER_FROM_ENV
    | NETNS_CONTROLLER_PROCESS_LIFETIME
    | NETNS_CONTROLLER_UNCOLLECTED
    | NETNS_CONTROLLER_NO_PLUGINS;

/// Where a controller keeps what. All zeroes but the size are the defaults.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct netns_controller_options {
    /// Bytes of this struct.
    pub size: usize,
    /// NETNS_CONTROLLER_ flags.
    pub flags: u64,
    /// The directory of the networks' definitions; NULL for /etc/libnetns/networks.
    pub networks_dir: *const c_char,
    /// The directory of what lasts until the host restarts; NULL for /run/libnetns.
    pub run_dir: *const c_char,
    /// The directory where sandboxes are mounted; NULL for /run/netns.
    pub sandbox_dir: *const c_char,
    /// The directory of the counters, on a bpf filesystem; NULL for /sys/fs/bpf/libnetns.
    pub meter_dir: *const c_char,
    /// How many interfaces can be metered at once, as in netns_meter_options; 0 for 4,096.
    pub meter_slots: u32,
    /// 0.
    pub reserved: u32,
    /// The directories of plugins' sockets; NULL for /run/docker/plugins.
    pub plugin_socket_dirs: *const *const c_char,
    /// How many.
    pub plugin_socket_dir_count: usize,
    /// The directories of files that say where plugins are; NULL for /etc/docker/plugins and
    /// /usr/lib/docker/plugins.
    pub plugin_spec_dirs: *const *const c_char,
    /// How many.
    pub plugin_spec_dir_count: usize,
    /// How long a plugin may take for a request, all attempts together, in milliseconds; 0 for 30,000.
    pub plugin_timeout_ms: u64,
}

// SAFETY: pointers and integers without padding, the size first.
unsafe impl Growing for netns_controller_options {
    const NAME: &'static str = "netns_controller_options";
    const FIRST_SIZE: usize = 40;
}

/// The options, and the flags.
///
/// # Safety
/// A struct with strings by the header's rules.
unsafe fn options(at: *const netns_controller_options) -> Result<(ControllerOptions, u64)> {
    // SAFETY: the same.
    let Some(raw) = (unsafe { optional_struct(at, "options") })? else {
        return Ok((ControllerOptions::default(), 0));
    };
    check_flags(raw.flags, FLAGS, "flags")?;
    let mut options = match raw.flags & NETNS_CONTROLLER_FROM_ENV {
        0 => ControllerOptions::default(),
        _ => ControllerOptions::from_env(),
    };
    if raw.flags & NETNS_CONTROLLER_PROCESS_LIFETIME != 0 {
        options.lifetime = Lifetime::Process;
    }
    let directories = [
        (&mut options.networks_dir, raw.networks_dir, "networks_dir"),
        (&mut options.run_dir, raw.run_dir, "run_dir"),
        (&mut options.sandbox_dir, raw.sandbox_dir, "sandbox_dir"),
    ];
    for (directory, at, name) in directories {
        // SAFETY: the same.
        if let Some(given) = unsafe { optional(at, name) }? {
            *directory = given.into();
        }
    }
    check_reserved(raw.reserved)?;
    // SAFETY: the same.
    unsafe { overlay(&mut options.meter, raw.meter_dir, raw.meter_slots, ["meter_dir", "meter_slots"]) }?;
    let plugins = &mut options.plugins;
    plugins.enabled = raw.flags & NETNS_CONTROLLER_NO_PLUGINS == 0;
    if raw.plugin_timeout_ms != 0 {
        plugins.timeout = Duration::from_millis(raw.plugin_timeout_ms);
    }
    // SAFETY: the same.
    unsafe {
        directories_of(
            &mut plugins.socket_dirs,
            raw.plugin_socket_dirs,
            raw.plugin_socket_dir_count,
            "plugin_socket_dirs",
        )?;
        directories_of(
            &mut plugins.spec_dirs,
            raw.plugin_spec_dirs,
            raw.plugin_spec_dir_count,
            "plugin_spec_dirs",
        )?;
    }
    Ok((options, raw.flags))
}

/// # Safety
/// `count` strings at `at` by the header's rules.
unsafe fn directories_of(
    all: &mut Vec<PathBuf>,
    at: *const *const c_char,
    count: usize,
    name: &str,
) -> Result<()> {
    // SAFETY: the same.
    let given = unsafe { array(at, count, name) }?;
    if !given.is_empty() {
        // SAFETY: the same.
        let given = given.iter().map(|directory| Ok(PathBuf::from(unsafe { text(*directory, name) }?)));
        *all = given.collect::<Result<_>>()?;
    }
    Ok(())
}

/// The controller of a handle.
pub(crate) fn get(controller: Option<&netns_controller>) -> Result<&Arc<Controller>> {
    required(controller, "controller")?.0.get()
}

/// Opens a controller, and puts right what processes that are gone left half done, unless a flag says not to.
///
/// Its host is the network namespace of the calling thread. A store that cannot be read is moved aside and
/// made anew from what the kernel tells.
///
/// @param options         where it keeps what; may be NULL, for the defaults
/// @param ret_controller  the controller, for netns_controller_close
/// @param ret_error       what went wrong; may be NULL
/// @return 0; NETNS_STATUS_BAD_REQUEST for a directory that is not absolute;
///         NETNS_STATUS_PERMISSION_DENIED without the right to write the run directory;
///         NETNS_STATUS_FORBIDDEN when the run directory is another network namespace's
#[no_mangle]
pub unsafe extern "C" fn netns_controller_open(
    options: *const netns_controller_options,
    ret_controller: Option<&mut MaybeUninit<*mut netns_controller>>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        let ret_controller = required(ret_controller, "ret_controller")?;
        // SAFETY: options by the header's rules.
        let (options, flags) = unsafe { self::options(options) }?;
        let controller = match flags & NETNS_CONTROLLER_UNCOLLECTED {
            0 => Controller::open(options)?,
            _ => Controller::open_uncollected(options)?,
        };
        give(ret_controller, netns_controller(Handle::new(Arc::new(controller))));
        Ok(())
    })
}

/// Closes a controller and frees it. What it made lasts as its options said. Networks, endpoints, sandboxes
/// and listeners that came from it stay usable; the store is closed with the last of them.
///
/// @param controller  the controller; may be NULL
#[no_mangle]
pub extern "C" fn netns_controller_close(controller: Option<Box<netns_controller>>) {
    plain((), || {
        if let Some(controller) = controller {
            controller.0.end();
        }
    });
}

/// The types of network that have a driver, sorted.
///
/// @param controller  the controller
/// @param ret_names   the types, for netns_names_free
/// @param ret_error   what went wrong; may be NULL
/// @return 0
#[no_mangle]
pub extern "C" fn netns_controller_network_types(
    controller: Option<&netns_controller>,
    ret_names: Option<&mut MaybeUninit<*mut netns_names>>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || give_names(ret_names, || Ok(get(controller)?.network_types())))
}
