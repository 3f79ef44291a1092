//! What a setup has made, and taking it down.

use std::ffi::{c_char, CString};
use std::mem::MaybeUninit;
use std::ptr;

use netns::libcontainer::{SetupNetwork, SetupState};
use netns::Result;

use super::config::{get as get_config, netns_config};
use super::oci_state as read_state;
use crate::boundary::{call, discard, give, required};
use crate::error::netns_error;
use crate::text::{c_string, text};

/// What netns_setup_up made of a container's network: what there is to take down, in whatever process of the same
/// host. It never changes. A forked child may use those that it inherits.
pub struct netns_setup_state {
    state: SetupState,
    json: CString,
    id: Option<CString>,
    path: Option<CString>,
    networks: Vec<Network>,
}

/// A network that is up, for C.
struct Network {
    network_type: CString,
    name: Option<CString>,
    host_name: Option<CString>,
    host_index: u32,
}

impl From<&SetupNetwork> for Network {
    fn from(network: &SetupNetwork) -> Self {
        let host = network.host_link.as_ref();
        Self {
            network_type: c_string(&network.kind),
            name: network.name.as_ref().map(|name| c_string(name.as_str())),
            host_name: host.map(|link| c_string(link.name.as_str())),
            host_index: host.map_or(0, |link| link.index),
        }
    }
}

impl netns_setup_state {
    pub(super) fn new(state: SetupState) -> Result<Self> {
        let path = state.namespace.as_ref().map(|namespace| namespace.path.to_string_lossy());
        Ok(Self {
            json: c_string(&state.to_json()?),
            id: state.id.as_deref().map(c_string),
            path: path.map(|path| c_string(&path)),
            networks: state.networks.iter().map(Network::from).collect(),
            state,
        })
    }
}

fn shown(text: Option<&CString>) -> *const c_char {
    text.map_or(ptr::null(), |text| text.as_ptr())
}

fn network(state: Option<&netns_setup_state>, index: usize) -> Option<&Network> {
    state?.networks.get(index)
}

/// Reads what netns_setup_state_json wrote.
///
/// @param json       the state
/// @param ret_state  the state, for netns_setup_state_free
/// @param ret_error  what went wrong; may be NULL
/// @return 0; NETNS_STATUS_BAD_REQUEST, with line and column, for what is no such JSON
#[no_mangle]
pub unsafe extern "C" fn netns_setup_state_from_json(
    json: *const c_char,
    ret_state: Option<&mut MaybeUninit<*mut netns_setup_state>>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        // SAFETY: a string by the header's rules.
        let json = unsafe { text(json, "json") }?;
        let ret_state = required(ret_state, "ret_state")?;
        give(ret_state, netns_setup_state::new(SetupState::from_json(json)?)?);
        Ok(())
    })
}

/// What is there of a container, in whatever process and by whatever config it was brought up: its pairs, which the
/// aliases of the links in the host tell. What strategies made, and routes through other interfaces, the aliases do
/// not tell. Of an unknown id there is nothing. It takes longer the more links the host has.
///
/// @param id         the id that netns_setup_from_config was given; one is unique in a host
/// @param ret_state  the state, for netns_setup_state_free
/// @param ret_error  what went wrong; may be NULL
/// @return 0; NETNS_STATUS_BAD_REQUEST for what is no id
#[no_mangle]
pub unsafe extern "C" fn netns_setup_state_find(
    id: *const c_char,
    ret_state: Option<&mut MaybeUninit<*mut netns_setup_state>>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        // SAFETY: a string by the header's rules.
        let id = unsafe { text(id, "id") }?;
        let ret_state = required(ret_state, "ret_state")?;
        give(ret_state, netns_setup_state::new(SetupState::find(id)?)?);
        Ok(())
    })
}

/// The state as JSON, for whoever takes the network down. Lasts as long as the state.
///
/// @param state  the state; may be NULL, as is the answer then
#[no_mangle]
pub extern "C" fn netns_setup_state_json(state: Option<&netns_setup_state>) -> *const c_char {
    shown(state.map(|state| &state.json))
}

/// The container's id; NULL when the setup had none. Lasts as long as the state.
///
/// @param state  the state; may be NULL, as is the answer then
#[no_mangle]
pub extern "C" fn netns_setup_state_id(state: Option<&netns_setup_state>) -> *const c_char {
    shown(state.and_then(|state| state.id.as_ref()))
}

/// The path of the container's network namespace; NULL when the config had nothing for it. Lasts as long as the
/// state.
///
/// @param state  the state; may be NULL, as is the answer then
#[no_mangle]
pub extern "C" fn netns_setup_state_path(state: Option<&netns_setup_state>) -> *const c_char {
    shown(state.and_then(|state| state.path.as_ref()))
}

/// How many networks are up. They have the order of the config.
///
/// @param state  the state; may be NULL, which has none
#[no_mangle]
pub extern "C" fn netns_setup_state_network_count(state: Option<&netns_setup_state>) -> usize {
    state.map_or(0, |state| state.networks.len())
}

/// The type of a network; NULL beyond their number. Lasts as long as the state.
///
/// @param state  the state; may be NULL, as is the answer then
/// @param index  which, from 0 on
#[no_mangle]
pub extern "C" fn netns_setup_state_network_type(
    state: Option<&netns_setup_state>,
    index: usize,
) -> *const c_char {
    shown(network(state, index).map(|network| &network.network_type))
}

/// The name of a network's interface inside the container; NULL when a strategy brought it by itself, and beyond
/// their number. Lasts as long as the state.
///
/// @param state  the state; may be NULL, as is the answer then
/// @param index  which network, from 0 on
#[no_mangle]
pub extern "C" fn netns_setup_state_interface_name(
    state: Option<&netns_setup_state>,
    index: usize,
) -> *const c_char {
    shown(network(state, index).and_then(|network| network.name.as_ref()))
}

/// The name of a network's link in the host, which is taken away with its other end; NULL when it has none, and
/// beyond their number. Lasts as long as the state. netns_strategy_state_set_veth_host has netns_strategy_stats read
/// its counters.
///
/// @param state  the state; may be NULL, as is the answer then
/// @param index  which network, from 0 on
#[no_mangle]
pub extern "C" fn netns_setup_state_host_link(
    state: Option<&netns_setup_state>,
    index: usize,
) -> *const c_char {
    shown(network(state, index).and_then(|network| network.host_name.as_ref()))
}

/// The index (ifindex) of a network's link in the host; 0 when it has none, and beyond their number.
///
/// @param state  the state; may be NULL, as if it had none
/// @param index  which network, from 0 on
#[no_mangle]
pub extern "C" fn netns_setup_state_host_index(state: Option<&netns_setup_state>, index: usize) -> u32 {
    network(state, index).map_or(0, |network| network.host_index)
}

/// Takes away what was made and is still there: the links in the host, and with them the container's interfaces,
/// and the routes through other interfaces. What has come to its place since is left alone, and so is lo. It may be
/// repeated. What the kernel is taking away by itself, since the container has ended, may be there a moment longer.
///
/// @param state      the state
/// @param ret_error  what went wrong; may be NULL
/// @return 0, also when it is gone; NETNS_STATUS_PERMISSION_DENIED without CAP_NET_ADMIN. One thing that cannot be
///         taken away does not keep others.
#[no_mangle]
pub extern "C" fn netns_setup_state_tear_down(
    state: Option<&netns_setup_state>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || required(state, "state")?.state.tear_down())
}

/// As netns_setup_state_tear_down, and then runs a config's hooks NETNS_HOOK_POSTSTOP, whether or not that went
/// well.
///
/// @param state      the state
/// @param oci_state  the container's state as JSON (OCI runtime specification), which the hooks get
/// @param config     the config that has the hooks
/// @param ret_error  what went wrong; may be NULL
/// @return as of netns_setup_state_tear_down; NETNS_STATUS_BAD_REQUEST for what is no such JSON, and nothing was
///         done then; those of hooks
#[no_mangle]
pub unsafe extern "C" fn netns_setup_state_down(
    state: Option<&netns_setup_state>,
    oci_state: *const c_char,
    config: Option<&netns_config>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        let state = required(state, "state")?;
        let config = get_config(config)?;
        // SAFETY: a string by the header's rules.
        state.state.down(&unsafe { read_state(oci_state) }?, &config.hooks)
    })
}

/// Frees a state; what it tells of stays.
///
/// @param state  the state; may be NULL
#[no_mangle]
pub extern "C" fn netns_setup_state_free(state: Option<Box<netns_setup_state>>) {
    discard(state);
}
