//! What there is to know of a container's network while it lasts (seed 001).

use std::ffi::{c_char, CString};
use std::mem::MaybeUninit;
use std::ptr;

use netns::libcontainer::NetworkState;
use netns::Result;

use crate::boundary::{call, discard, give, required};
use crate::error::netns_error;
use crate::text::{c_string, optional, text};

/// What there is to know of a container's network while it lasts (seed 001, NetworkState): it is handed from
/// netns_strategy_create to netns_strategy_initialize, and as JSON from process to process. A forked child may
/// use those that it inherits.
#[derive(Default)]
pub struct netns_strategy_state {
    state: NetworkState,
    shown: Shown,
}

/// The same for C.
#[derive(Default)]
struct Shown {
    veth_host: CString,
    veth_child: CString,
    ns_path: CString,
    json: CString,
}

impl Shown {
    fn of(state: &NetworkState) -> Result<Self> {
        Ok(Self {
            veth_host: c_string(&state.veth_host),
            veth_child: c_string(&state.veth_child),
            ns_path: c_string(&state.ns_path),
            json: c_string(&state.to_json()?),
        })
    }
}

impl netns_strategy_state {
    pub(super) fn new(state: NetworkState) -> Result<Self> {
        Ok(Self { shown: Shown::of(&state)?, state })
    }

    pub(super) fn state(&self) -> &NetworkState {
        &self.state
    }

    pub(super) fn into_state(self) -> NetworkState {
        self.state
    }

    /// Has `change` change the state; where it fails, nothing changes.
    pub(super) fn change(&mut self, change: impl FnOnce(&mut NetworkState) -> Result<()>) -> Result<()> {
        let mut state = self.state.clone();
        change(&mut state)?;
        *self = Self::new(state)?;
        Ok(())
    }
}

/// A state that says nothing.
///
/// @return the state, for netns_strategy_state_free; never NULL
#[no_mangle]
pub extern "C" fn netns_strategy_state_new() -> *mut netns_strategy_state {
    let empty = netns_strategy_state::new(NetworkState::default()).unwrap_or_default();
    Box::into_raw(Box::new(empty))
}

/// Reads what netns_strategy_state_json wrote; what is not known is passed over.
///
/// @param json       the state
/// @param ret_state  the state, for netns_strategy_state_free
/// @param ret_error  what went wrong; may be NULL
/// @return 0; NETNS_STATUS_BAD_REQUEST, with line and column, for what is no such JSON
#[no_mangle]
pub unsafe extern "C" fn netns_strategy_state_from_json(
    json: *const c_char,
    ret_state: Option<&mut MaybeUninit<*mut netns_strategy_state>>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        // SAFETY: a string by the header's rules.
        let json = unsafe { text(json, "json") }?;
        let ret_state = required(ret_state, "ret_state")?;
        give(ret_state, netns_strategy_state::new(NetworkState::from_json(json)?)?);
        Ok(())
    })
}

/// The state as JSON, byte by byte as Go's encoding/json writes it. Lasts until the state changes or is freed.
///
/// @param state  the state; may be NULL, as is the answer then
#[no_mangle]
pub extern "C" fn netns_strategy_state_json(state: Option<&netns_strategy_state>) -> *const c_char {
    state.map_or(ptr::null(), |state| state.shown.json.as_ptr())
}

/// The name of the pair's end in the host; empty when there is none. Lasts until the state changes or is freed.
///
/// @param state  the state; may be NULL, as is the answer then
#[no_mangle]
pub extern "C" fn netns_strategy_state_veth_host(state: Option<&netns_strategy_state>) -> *const c_char {
    state.map_or(ptr::null(), |state| state.shown.veth_host.as_ptr())
}

/// The name of the pair's end in the container; empty when there is none. Lasts until the state changes or is
/// freed.
///
/// @param state  the state; may be NULL, as is the answer then
#[no_mangle]
pub extern "C" fn netns_strategy_state_veth_child(state: Option<&netns_strategy_state>) -> *const c_char {
    state.map_or(ptr::null(), |state| state.shown.veth_child.as_ptr())
}

/// The path of the network namespace that the container shares; empty when it shares none. Lasts until the
/// state changes or is freed.
///
/// @param state  the state; may be NULL, as is the answer then
#[no_mangle]
pub extern "C" fn netns_strategy_state_ns_path(state: Option<&netns_strategy_state>) -> *const c_char {
    state.map_or(ptr::null(), |state| state.shown.ns_path.as_ptr())
}

/// Sets one of the state's texts, which `field` finds.
///
/// # Safety
/// A string by the header's rules, or NULL.
unsafe fn set(
    state: Option<&mut netns_strategy_state>,
    value: *const c_char,
    name: &str,
    field: impl FnOnce(&mut NetworkState) -> &mut String,
) -> Result<()> {
    let state = required(state, "state")?;
    // SAFETY: the same.
    let value = unsafe { optional(value, name) }?.unwrap_or_default();
    state.change(|state| {
        value.clone_into(field(state));
        Ok(())
    })
}

/// Says the name of the pair's end in the host, whose counters netns_strategy_stats reads.
///
/// @param state      the state
/// @param veth_host  the name; may be NULL, which says none
/// @param ret_error  what went wrong; may be NULL
/// @return 0
#[no_mangle]
pub unsafe extern "C" fn netns_strategy_state_set_veth_host(
    state: Option<&mut netns_strategy_state>,
    veth_host: *const c_char,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    // SAFETY: a string by the header's rules.
    call(ret_error, || unsafe { set(state, veth_host, "veth_host", |state| &mut state.veth_host) })
}

/// Says the name of the pair's end in the container.
///
/// @param state       the state
/// @param veth_child  the name; may be NULL, which says none
/// @param ret_error   what went wrong; may be NULL
/// @return 0
#[no_mangle]
pub unsafe extern "C" fn netns_strategy_state_set_veth_child(
    state: Option<&mut netns_strategy_state>,
    veth_child: *const c_char,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    // SAFETY: a string by the header's rules.
    call(ret_error, || unsafe { set(state, veth_child, "veth_child", |state| &mut state.veth_child) })
}

/// Says the path of the network namespace that the container shares.
///
/// @param state      the state
/// @param ns_path    the path; may be NULL, which says none
/// @param ret_error  what went wrong; may be NULL
/// @return 0
#[no_mangle]
pub unsafe extern "C" fn netns_strategy_state_set_ns_path(
    state: Option<&mut netns_strategy_state>,
    ns_path: *const c_char,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    // SAFETY: a string by the header's rules.
    call(ret_error, || unsafe { set(state, ns_path, "ns_path", |state| &mut state.ns_path) })
}

/// Frees a state; what it tells of stays.
///
/// @param state  the state; may be NULL
#[no_mangle]
pub extern "C" fn netns_strategy_state_free(state: Option<Box<netns_strategy_state>>) {
    discard(state);
}
