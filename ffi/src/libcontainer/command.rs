//! Hooks that are programs.

use std::ffi::c_char;
use std::mem::MaybeUninit;
use std::time::Duration;

use netns::libcontainer::configs::Command;
use netns::Result;

use super::oci_state as read_state;
use crate::boundary::call;
use crate::error::netns_error;
use crate::input::{array, sized, Growing};
use crate::text::{optional, text};

/// A program that a hook runs (seed 003, Command).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct netns_hook_command {
    /// Bytes of this struct.
    pub size: usize,
    /// The absolute path of the program.
    pub path: *const c_char,
    /// Its arguments, the first of which is what it is called by; the path alone when there are none.
    pub args: *const *const c_char,
    /// How many.
    pub arg_count: usize,
    /// Its environment, "NAME=VALUE" each. It has none else.
    pub env: *const *const c_char,
    /// How many.
    pub env_count: usize,
    /// The directory that it runs in; NULL for where the caller is.
    pub dir: *const c_char,
    /// After how many nanoseconds it is killed, with all that it started in its process group; 0 for never.
    pub timeout_ns: u64,
}

// SAFETY: pointers and integers without padding, the size first.
unsafe impl Growing for netns_hook_command {
    const NAME: &'static str = "netns_hook_command";
    const FIRST_SIZE: usize = 64;
}

/// The command of the caller's.
///
/// # Safety
/// A struct by the header's rules.
pub(super) unsafe fn command(at: *const netns_hook_command) -> Result<Command> {
    // SAFETY: the same.
    let raw = unsafe { sized(at, "command") }?;
    // SAFETY: strings and arrays of them by the header's rules.
    let (path, args, env, dir) = unsafe {
        let args = texts(raw.args, raw.arg_count, "args")?;
        let env = texts(raw.env, raw.env_count, "env")?;
        (text(raw.path, "path")?, args, env, optional(raw.dir, "dir")?)
    };
    let timeout = (raw.timeout_ns > 0).then(|| Duration::from_nanos(raw.timeout_ns));
    Ok(Command { path: path.to_owned(), args, env, dir: dir.unwrap_or_default().to_owned(), timeout })
}

/// # Safety
/// `count` strings at `at`.
unsafe fn texts(at: *const *const c_char, count: usize, name: &str) -> Result<Vec<String>> {
    // SAFETY: the same.
    let read = |at: &*const c_char| unsafe { text(*at, name) }.map(str::to_owned);
    // SAFETY: the same.
    unsafe { array(at, count, name) }?.iter().map(read).collect()
}

/// Runs a hook's program on the calling thread's behalf and in its namespaces, with the container's state on its
/// standard input, and waits until it ends.
///
/// All that it writes to standard output and standard error is read, so that it never waits, and the first and
/// last 2 KiB of each are kept for the error. Processes that it leaves behind are not waited for.
///
/// @param command    the program
/// @param oci_state  the container's state as JSON (OCI runtime specification): {"id": "web", "status": "created"}
/// @param ret_error  what went wrong; may be NULL
/// @return 0; NETNS_STATUS_BAD_REQUEST when the command or the state cannot be right; NETNS_STATUS_NOT_FOUND and
///         NETNS_STATUS_PERMISSION_DENIED when there is no such program, or it cannot be executed;
///         NETNS_STATUS_SYSTEM, with how it ended and what it wrote, when it fails, with the error number ETIME
///         when it was killed after its timeout
#[no_mangle]
pub unsafe extern "C" fn netns_hook_command_run(
    command: *const netns_hook_command,
    oci_state: *const c_char,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        // SAFETY: a struct and a string by the header's rules.
        let (command, state) = unsafe { (self::command(command)?, read_state(oci_state)?) };
        command.run(&state)
    })
}
