//! How a container comes by its network: strategies, by type (seed 001).

use std::ffi::c_char;
use std::mem::MaybeUninit;
use std::sync::Arc;

use netns::libcontainer::{get_stats, get_strategy, register_strategy};
use netns::{libcontainer, Error};

use super::network::{netns_strategy_network, network as read};
use super::strategy_state::netns_strategy_state;
use super::table::{netns_strategy, Foreign};
use super::target;
use crate::boundary::{call, give, required};
use crate::error::netns_error;
use crate::input::sized;
use crate::stats::netns_stats;
use crate::text::text;

/// Makes a strategy known by a type, in this process and for as long as it lasts. A child that is forked later
/// does not know it.
///
/// @param network_type  the type, not empty
/// @param strategy      its callbacks; the library copies the struct
/// @param ret_error     what went wrong; may be NULL
/// @return 0; NETNS_STATUS_ALREADY_EXISTS when there is a strategy of that type; NETNS_STATUS_BAD_REQUEST for a
///         callback that is missing, with its name
#[no_mangle]
pub unsafe extern "C" fn netns_strategy_register(
    network_type: *const c_char,
    strategy: *const netns_strategy,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        // SAFETY: a string and a struct by the header's rules.
        let (network_type, table) =
            unsafe { (text(network_type, "network_type")?, sized(strategy, "strategy")?) };
        table.check()?;
        register_strategy(network_type, Arc::new(Foreign::new(network_type, table)))
    })
}

/// Says whether there is a strategy of a type (seed 001, GetStrategy).
///
/// @param network_type  the type
/// @param ret_error     what went wrong; may be NULL
/// @return 0; NETNS_STATUS_NOT_FOUND when there is none (seed 001, ErrNotValidStrategyType), with those that
///         there are
#[no_mangle]
pub unsafe extern "C" fn netns_strategy_check(
    network_type: *const c_char,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        // SAFETY: a string by the header's rules.
        get_strategy(unsafe { text(network_type, "network_type") }?).map(drop)
    })
}

/// The first step of the strategy of the network's type (seed 001, Create): in the calling thread's namespace,
/// the host's, makes what the container of a process needs.
///
/// Of "veth" it makes the pair, one end on the bridge and up, the other in the container, down, under names of
/// the prefix and seven hexadecimal digits. Of "netns" it keeps the path, of "loopback" it does nothing.
///
/// @param network    the network
/// @param pid        the container's process, which has a network namespace of its own
/// @param state      what is there so far, and what there is when this succeeds
/// @param ret_error  what went wrong; may be NULL
/// @return 0; NETNS_STATUS_NOT_FOUND for a type that is not known, with the known ones, and when there is no such
///         process or bridge; NETNS_STATUS_BAD_REQUEST when something is not specified or cannot be read, when the
///         bridge is none, and for a process without a network namespace of its own; a callback's own. Nothing is
///         left behind.
#[no_mangle]
pub unsafe extern "C" fn netns_strategy_create(
    network: *const netns_strategy_network,
    pid: u32,
    state: Option<&mut netns_strategy_state>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        // SAFETY: a struct by the header's rules.
        let network = unsafe { read(network) }?;
        let state = required(state, "state")?;
        let strategy = get_strategy(&network.kind)?;
        state.change(|state| strategy.create(&network, pid, state))
    })
}

/// The second step of the strategy of the network's type (seed 001, Initialize): completes it from within. The
/// calling thread is in the container's namespace.
///
/// Of "veth" it makes of the state's inner end the interface eth0, with address, MTU and gateway, and brings it
/// up. Of "loopback" it brings up lo. Of "netns" it takes the calling thread into the state's namespace, and
/// leaves it there: no other call of the library does so.
///
/// @param network    the network
/// @param state      what netns_strategy_create made of it
/// @param ret_error  what went wrong; may be NULL
/// @return 0; NETNS_STATUS_NOT_FOUND for a type that is not known, with the known ones, and when the link or the
///         namespace is not there; NETNS_STATUS_BAD_REQUEST when the state has no inner end, or no path, or
///         something cannot be read; NETNS_STATUS_ALREADY_EXISTS when there is an eth0, a default route where there
///         is a gateway, or a route that the address overlaps; a callback's own. Nothing has changed then.
#[no_mangle]
pub unsafe extern "C" fn netns_strategy_initialize(
    network: *const netns_strategy_network,
    state: Option<&mut netns_strategy_state>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        // SAFETY: a struct by the header's rules.
        let network = unsafe { read(network) }?;
        let state = required(state, "state")?;
        let strategy = get_strategy(&network.kind)?;
        state.change(|state| strategy.initialize(&network, state))
    })
}

/// Gives a container its network at once: both steps of the strategy, with a "veth" interface born inside under
/// its final name. That takes a fraction of the time. The calling thread is in the host's namespace before and
/// after.
///
/// @param network    the network
/// @param pid        the container's process; 0 where `path` says which container
/// @param path       the path of the container's network namespace; may be NULL, where `pid` says which
/// @param ret_state  what there is, for netns_strategy_state_free
/// @param ret_error  what went wrong; may be NULL
/// @return 0; NETNS_STATUS_NOT_FOUND for a type that is not known, with the known ones, when there is no such
///         container or it ends meanwhile, and when there is no such bridge; NETNS_STATUS_BAD_REQUEST when
///         something is not specified or cannot be read, when the bridge is none, the gateway not in the
///         address's subnet, or the container has no network namespace of its own; NETNS_STATUS_ALREADY_EXISTS when
///         it has an eth0, a default route where there is a gateway, or a route that the address overlaps;
///         NETNS_STATUS_PERMISSION_DENIED without CAP_NET_ADMIN and CAP_SYS_ADMIN; a callback's own. Nothing is
///         left behind.
#[no_mangle]
pub unsafe extern "C" fn netns_strategy_setup(
    network: *const netns_strategy_network,
    pid: u32,
    path: *const c_char,
    ret_state: Option<&mut MaybeUninit<*mut netns_strategy_state>>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        // SAFETY: a struct and a string by the header's rules.
        let (network, target) = unsafe { (read(network)?, target(pid, path)?) };
        let Some(target) = target else {
            let cause = "it is 0 and path is NULL: one of them says which container is meant";
            return Err(Error::bad_request("use argument", "pid", cause));
        };
        let ret_state = required(ret_state, "ret_state")?;
        give(ret_state, netns_strategy_state::new(libcontainer::setup(&network, &target)?)?);
        Ok(())
    })
}

/// What a container has received and sent (seed 001, GetStats), as it sees it: the kernel's counters of the
/// pair's end in the host, the other way round. All 0 when the state names no such end. The calling thread is in
/// the host's namespace.
///
/// @param state      the state
/// @param ret_stats  the statistics
/// @param ret_error  what went wrong; may be NULL
/// @return 0; NETNS_STATUS_NOT_FOUND when the link is gone
#[no_mangle]
pub extern "C" fn netns_strategy_stats(
    state: Option<&netns_strategy_state>,
    ret_stats: Option<&mut MaybeUninit<netns_stats>>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        let state = required(state, "state")?;
        let ret_stats = required(ret_stats, "ret_stats")?;
        ret_stats.write(get_stats(state.state())?.into());
        Ok(())
    })
}
