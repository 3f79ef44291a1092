//! The turning points of a container's life, and what hooks are told there.

use std::ffi::{c_char, CStr};
use std::mem::{size_of, MaybeUninit};
use std::ptr;

use netns::libcontainer::configs::{HookName, State};
use netns::Result;

use crate::arena::Arena;
use crate::boundary::{call, required};
use crate::driver::show_pairs;
use crate::error::netns_error;
use crate::input::{chosen, netns_pair};
use crate::text::text;

/// A turning point of a container's life (seed 003, HookName), in the order in which it comes to them.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum netns_hook {
    /// "prestart": deprecated for "createRuntime", before which it is; in the runtime's namespaces.
    Prestart = 1,
    /// "createRuntime": the container is made, the root not changed; in the runtime's namespaces.
    CreateRuntime = 2,
    /// "createContainer": the container is made, the root not changed; in the container's namespaces.
    CreateContainer = 3,
    /// "startContainer": just before the user's program; in the container's namespaces.
    StartContainer = 4,
    /// "poststart": the user's program has started; in the runtime's namespaces.
    Poststart = 5,
    /// "poststop": the container's process has ended; in the runtime's namespaces.
    Poststop = 6,
}

const KNOWN: [(netns_hook, HookName, &CStr); 6] = [
    (netns_hook::Prestart, HookName::Prestart, c"prestart"),
    (netns_hook::CreateRuntime, HookName::CreateRuntime, c"createRuntime"),
    (netns_hook::CreateContainer, HookName::CreateContainer, c"createContainer"),
    (netns_hook::StartContainer, HookName::StartContainer, c"startContainer"),
    (netns_hook::Poststart, HookName::Poststart, c"poststart"),
    (netns_hook::Poststop, HookName::Poststop, c"poststop"),
];

/// The name of a number that cannot be refused.
pub(super) fn known_name(number: i32) -> Option<HookName> {
    KNOWN.iter().find(|(own, ..)| *own as i32 == number).map(|(_, name, _)| *name)
}

/// The name of a number of the caller's.
pub(super) fn name(number: i32) -> Result<HookName> {
    let known = KNOWN.map(|(own, name, _)| (own as i32, name));
    chosen(number, &known, "hook", "netns_hook")
}

/// What a turning point is called in JSON: "createRuntime"; NULL for a number that is none. It lasts as long as the
/// program.
///
/// @param hook  a netns_hook
#[no_mangle]
pub extern "C" fn netns_hook_name(hook: i32) -> *const c_char {
    KNOWN.iter().find(|(own, ..)| *own as i32 == hook).map_or(ptr::null(), |(.., text)| text.as_ptr())
}

/// The turning point that is called so in JSON.
///
/// @param text      the name: "createRuntime"
/// @param ret_hook  a netns_hook
/// @param ret_error what went wrong; may be NULL
/// @return 0; NETNS_STATUS_BAD_REQUEST when it is none, with those that there are
#[no_mangle]
pub unsafe extern "C" fn netns_hook_from_name(
    text: *const c_char,
    ret_hook: Option<&mut MaybeUninit<i32>>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        // SAFETY: a string by the header's rules.
        let found: HookName = unsafe { self::text(text, "text") }?.parse()?;
        let number = KNOWN.iter().find(|(_, name, _)| *name == found).map_or(0, |(own, ..)| *own as i32);
        required(ret_hook, "ret_hook")?.write(number);
        Ok(())
    })
}

/// The state of a container (OCI runtime specification, state), for a hook that is a function. It lasts until the
/// function returns.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct netns_hook_state {
    /// Bytes of this struct.
    pub size: usize,
    /// The version of the specification; may be empty.
    pub oci_version: *const c_char,
    /// The container's id.
    pub id: *const c_char,
    /// Where in its life the container is: "creating", "created", "running", "stopped", or a runtime's own word.
    pub status: *const c_char,
    /// The absolute path of the container's bundle; may be empty.
    pub bundle: *const c_char,
    /// What the config says beyond the specification; NULL when there is nothing.
    pub annotations: *const netns_pair,
    /// How many.
    pub annotation_count: usize,
    /// All of it as JSON, as programs get it on their standard input.
    pub json: *const c_char,
    /// The container's process in the runtime's PID namespace; 0 when there is none.
    pub pid: u32,
    /// 0.
    pub reserved: u32,
}

/// The state for C.
pub(super) fn show(arena: &mut Arena, state: &State) -> Result<netns_hook_state> {
    Ok(netns_hook_state {
        size: size_of::<netns_hook_state>(),
        oci_version: arena.text(&state.oci_version),
        id: arena.text(&state.id),
        status: arena.text(state.status.as_str()),
        bundle: arena.text(&state.bundle),
        annotations: show_pairs(arena, &state.annotations),
        annotation_count: state.annotations.len(),
        json: arena.text(&state.to_json()?),
        pid: state.pid,
        reserved: 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_order_are_those_of_the_core() {
        assert_eq!(KNOWN.map(|(_, name, _)| name), HookName::ALL);
        for (at, (number, name, text)) in KNOWN.into_iter().enumerate() {
            assert_eq!(number as usize, at + 1);
            assert_eq!(text.to_str(), Ok(name.as_str()));
        }
    }
}
