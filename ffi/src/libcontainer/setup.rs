//! The network of a container as its config has it (seed 003).

use std::ffi::c_char;
use std::mem::MaybeUninit;

use netns::libcontainer::NetworkSetup;
use netns::Result;

use super::config::{get as get_config, netns_config};
use super::setup_state::netns_setup_state;
use super::{oci_state as read_state, target};
use crate::boundary::{call, discard, give, required};
use crate::error::netns_error;
use crate::plan::{give_plan, netns_plan};
use crate::text::optional;

/// The network of a container as its config has it: networks, routes, and the hooks that go with them. It never
/// changes. A forked child may use those that it inherits.
///
/// It is brought up from the namespace of the calling thread, which plays the host. Networks of the types
/// "loopback" and "veth", and all routes, come at once, the interfaces born inside under their final names; other
/// strategies do their work in the order of the config.
pub struct netns_setup(NetworkSetup);

fn get(setup: Option<&netns_setup>) -> Result<&NetworkSetup> {
    Ok(&required(setup, "setup")?.0)
}

/// The network of a config, all of it checked. Nothing is asked of the kernel.
///
/// @param config     the config; what becomes of it later does not matter
/// @param id         the container's id, 1 to 128 ASCII letters, digits, `_`, `+`, `.` and `-`. The names of links
///                   in the host that the config leaves open follow from it, and their aliases say it, so that
///                   netns_setup_tear_down finds them by itself; may be NULL, for names that are drawn
/// @param ret_setup  the setup, for netns_setup_free
/// @param ret_error  what went wrong; may be NULL
/// @return 0; NETNS_STATUS_BAD_REQUEST as of netns_config_check, for a "veth" without a bridge, for two networks
///         whose interfaces would have one name, and for what is no id; NETNS_STATUS_NOT_FOUND for a type of
///         network that is not known, with the known ones
#[no_mangle]
pub unsafe extern "C" fn netns_setup_from_config(
    config: Option<&netns_config>,
    id: *const c_char,
    ret_setup: Option<&mut MaybeUninit<*mut netns_setup>>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        let config = get_config(config)?;
        // SAFETY: a string by the header's rules.
        let id = unsafe { optional(id, "id") }?;
        let ret_setup = required(ret_setup, "ret_setup")?;
        let mut setup = NetworkSetup::from_config(config)?;
        if let Some(id) = id {
            setup = setup.with_id(id)?;
        }
        give(ret_setup, netns_setup(setup));
        Ok(())
    })
}

/// What netns_setup_up would do, hooks left out. What the config leaves open, MAC addresses and without an id names
/// in the host, is drawn anew each time.
///
/// @param setup      the setup
/// @param pid        the container's process; 0 where `path`, or the config, says which container
/// @param path       the path of the container's network namespace; may be NULL, where `pid`, or the config, says
///                   which
/// @param ret_plan   the plan, for netns_plan_free
/// @param ret_error  what went wrong; may be NULL
/// @return 0; as of netns_setup_up, as far as it can be known beforehand; NETNS_STATUS_NOT_IMPLEMENTED where a
///         strategy does its work by itself
#[no_mangle]
pub unsafe extern "C" fn netns_setup_plan(
    setup: Option<&netns_setup>,
    pid: u32,
    path: *const c_char,
    ret_plan: Option<&mut MaybeUninit<*mut netns_plan>>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        let setup = get(setup)?;
        // SAFETY: a string by the header's rules.
        let target = unsafe { target(pid, path) }?;
        give_plan(ret_plan, || setup.plan(target.as_ref()))
    })
}

/// Brings up the networks and then the routes of a container, and runs the config's hooks NETNS_HOOK_PRESTART and
/// then NETNS_HOOK_CREATE_RUNTIME on the calling thread.
///
/// The container is the one of `pid` or `path`; without both, that of the path that the config has for NEWNET, or
/// else that of the process of `oci_state`. A config without networks and routes needs none.
///
/// @param setup      the setup
/// @param pid        the container's process; 0 where something else says which container
/// @param path       the path of the container's network namespace; may be NULL, where something else says which
/// @param oci_state  the container's state as JSON (OCI runtime specification), which the hooks get with the status
///                   "creating": {"id": "web", "status": "created", "pid": 4711}
/// @param ret_state  what there is to take down, for netns_setup_state_free
/// @param ret_error  what went wrong; may be NULL
/// @return 0; NETNS_STATUS_NOT_FOUND when there is no such container or it ends meanwhile, no such bridge, or no
///         such interface for a route; NETNS_STATUS_BAD_REQUEST for what is no such JSON, when it is not said which
///         container, when it has no network namespace of its own, and when a bridge is none;
///         NETNS_STATUS_ALREADY_EXISTS when a name is taken in the container or in the host, an address overlaps a
///         route, or there is a default route where there is a gateway; NETNS_STATUS_PERMISSION_DENIED without
///         CAP_NET_ADMIN and CAP_SYS_ADMIN; those of strategies and of hooks. Nothing is left behind, but for what
///         strategies and hooks do that no state tells of.
#[no_mangle]
pub unsafe extern "C" fn netns_setup_up(
    setup: Option<&netns_setup>,
    pid: u32,
    path: *const c_char,
    oci_state: *const c_char,
    ret_state: Option<&mut MaybeUninit<*mut netns_setup_state>>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        let setup = get(setup)?;
        // SAFETY: strings by the header's rules.
        let (target, oci_state) = unsafe { (target(pid, path)?, read_state(oci_state)?) };
        let ret_state = required(ret_state, "ret_state")?;
        give(ret_state, netns_setup_state::new(setup.up(target.as_ref(), &oci_state)?)?);
        Ok(())
    })
}

/// Runs the config's hooks NETNS_HOOK_POSTSTART: for when the container's program has started. All run, whatever one
/// of them does.
///
/// @param setup      the setup
/// @param oci_state  the container's state as JSON (OCI runtime specification), which the hooks get with the status
///                   "running"
/// @param ret_error  what went wrong; may be NULL
/// @return 0; NETNS_STATUS_BAD_REQUEST for what is no such JSON; that of the first hook that fails
#[no_mangle]
pub unsafe extern "C" fn netns_setup_poststart(
    setup: Option<&netns_setup>,
    oci_state: *const c_char,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        let setup = get(setup)?;
        // SAFETY: a string by the header's rules.
        setup.poststart(&unsafe { read_state(oci_state) }?)
    })
}

/// Takes away what netns_setup_up of the same config and id made, in whatever process, by names and aliases, as
/// netns_setup_state_tear_down does: what leads to the namespace of the path that the config has for NEWNET, or to one
/// that no process is in any more. What a strategy made by itself is not known here, nor whose the routes through
/// interfaces of others are: those stay. It may be repeated.
///
/// @param setup      the setup
/// @param ret_error  what went wrong; may be NULL
/// @return 0, also when it is gone; NETNS_STATUS_BAD_REQUEST without an id; NETNS_STATUS_BUSY, and it stays, where a
///         process is in the namespace of another path: the container runs, or another one has its id;
///         NETNS_STATUS_PERMISSION_DENIED without CAP_NET_ADMIN. One thing that cannot be taken away does not keep
///         others.
#[no_mangle]
pub extern "C" fn netns_setup_tear_down(
    setup: Option<&netns_setup>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || get(setup)?.tear_down())
}

/// As netns_setup_tear_down, of the state's process too if it has one, and then runs the config's hooks
/// NETNS_HOOK_POSTSTOP, whether or not that went well.
///
/// @param setup      the setup
/// @param oci_state  the container's state as JSON (OCI runtime specification), which the hooks get with the status
///                   "stopped"
/// @param ret_error  what went wrong; may be NULL
/// @return as of netns_setup_tear_down; NETNS_STATUS_BAD_REQUEST for what is no such JSON, and nothing was done
///         then; those of hooks
#[no_mangle]
pub unsafe extern "C" fn netns_setup_down(
    setup: Option<&netns_setup>,
    oci_state: *const c_char,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        let setup = get(setup)?;
        // SAFETY: a string by the header's rules.
        setup.down(&unsafe { read_state(oci_state) }?)
    })
}

/// Frees a setup; what it brought up stays.
///
/// @param setup  the setup; may be NULL
#[no_mangle]
pub extern "C" fn netns_setup_free(setup: Option<Box<netns_setup>>) {
    discard(setup);
}
