//! The callbacks that make a driver.

use std::ffi::{c_char, c_void};

use netns::Result;

use super::arguments::{netns_driver_endpoint, netns_driver_network};
use super::info::{netns_driver_info, netns_driver_interface};
use super::join::netns_join;
use super::reply::netns_driver_reply;
use crate::boundary::required;
use crate::error::netns_error;
use crate::input::Growing;
use crate::log::netns_release_callback;
use crate::plan::netns_plan;

/// What happened to an entry of a table (libnetwork's driverapi.EventType).
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum netns_table_event {
    /// It came.
    Create = 1,
    /// It changed.
    Update = 2,
    /// It went.
    Delete = 3,
}

/// A driver: what makes a network of some type (seed 004, Driver).
///
/// Each callback gets `user` first. What else it gets, structs, strings and objects, lasts until it returns;
/// the objects are for the thread that it was called on.
///
/// It returns 0, or a negative netns_status. Whatever is not 0 is a failure, also a number that means nothing:
/// that counts as NETNS_STATUS_SYSTEM. A callback that fails may put an error in `*ret_error`, which the
/// library takes: one that netns_error_new made, or one that a call of the library ended with. It comes to
/// whoever called the controller as it is, kind, errno and cause, within what the controller was doing.
///
/// Where there is a `ret_plan`, `*ret_plan` is NULL when the callback is called. A driver that acts by itself
/// leaves it so. Another puts a plan there, of netns_plan_from_json, which the library takes: it carries it
/// out as a whole, or undoes it. The plan of a callback that fails is freed.
///
/// A driver is told of a network in each process that uses it, and again after a reboot: create_network with
/// the same arguments as before succeeds. It is also called to see whether the driver takes the network, and
/// before delete_network; the plan of such a call is not carried out.
///
/// Callbacks are called from any thread, several at once, in the network namespace of whoever called the
/// library, and leave the thread there. They may ask the controller for lists and register other drivers.
/// While a driver makes or joins an endpoint nobody waits for it, and it may also make, join and take away
/// others. While it makes or deletes a network, or takes away an endpoint, others wait for it, for ten seconds
/// at most: there it must not make, join or take away anything by the controller, and such a call ends in
/// NETNS_STATUS_BUSY then.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct netns_driver {
    /// Bytes of this struct.
    pub size: usize,
    /// A netns_scope, how far its networks' data reaches (seed 004, Capability, DataScope): allocations,
    /// tables and discoveries are for global drivers alone.
    pub data_scope: i32,
    /// A netns_scope, how far its networks connect.
    pub connectivity_scope: i32,
    /// Is handed to the callbacks as it is.
    pub user: *mut c_void,
    /// Is called once with `user` when it is needed no more: when the controller is closed, no object of it is
    /// left, and no callback is inside. May be NULL.
    pub release: netns_release_callback,
    /// What makes the network (seed 004, CreateNetwork). Must be set.
    pub create_network: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            network: *const netns_driver_network,
            info: *mut netns_driver_info,
            ret_plan: *mut *mut netns_plan,
            ret_error: *mut *mut netns_error,
        ) -> i32,
    >,
    /// What removes the network, of which the name alone is said (seed 004, DeleteNetwork); succeeds when it is
    /// gone. Must be set.
    pub delete_network: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            network: *const netns_driver_network,
            ret_plan: *mut *mut netns_plan,
            ret_error: *mut *mut netns_error,
        ) -> i32,
    >,
    /// What makes the endpoint in the host, before there is a sandbox (seed 004, CreateEndpoint). The driver
    /// takes what `interface` has, and fills in what it has not. Must be set.
    pub create_endpoint: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            endpoint: *const netns_driver_endpoint,
            interface: *mut netns_driver_interface,
            ret_plan: *mut *mut netns_plan,
            ret_error: *mut *mut netns_error,
        ) -> i32,
    >,
    /// What removes the endpoint from the host (seed 004, DeleteEndpoint); succeeds when it is gone. It gets no
    /// options. Must be set.
    pub delete_endpoint: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            endpoint: *const netns_driver_endpoint,
            ret_plan: *mut *mut netns_plan,
            ret_error: *mut *mut netns_error,
        ) -> i32,
    >,
    /// Says which device goes to the sandbox, or how it is born there, and what comes with it (seed 004, Join).
    /// Must be set.
    pub join: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            endpoint: *const netns_driver_endpoint,
            join: *mut netns_join,
            ret_error: *mut *mut netns_error,
        ) -> i32,
    >,
    /// What takes the endpoint's device out of use (seed 004, Leave); succeeds when it is gone. The library takes
    /// the device itself out of the sandbox. It gets no options. Must be set.
    pub leave: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            endpoint: *const netns_driver_endpoint,
            ret_plan: *mut *mut netns_plan,
            ret_error: *mut *mut netns_error,
        ) -> i32,
    >,
    /// What the driver knows of the endpoint (seed 004, EndpointOperInfo), of which it gets no options. NULL:
    /// it answers NETNS_STATUS_NOT_IMPLEMENTED.
    pub endpoint_oper_info: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            endpoint: *const netns_driver_endpoint,
            reply: *mut netns_driver_reply,
            ret_error: *mut *mut netns_error,
        ) -> i32,
    >,
    /// What connects the endpoint to the outside (seed 004, ProgramExternalConnectivity). NULL: there is nothing
    /// to be done.
    pub program_external_connectivity: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            endpoint: *const netns_driver_endpoint,
            ret_plan: *mut *mut netns_plan,
            ret_error: *mut *mut netns_error,
        ) -> i32,
    >,
    /// What takes that back (seed 004, RevokeExternalConnectivity). It gets no options. NULL: there is nothing to
    /// be done.
    pub revoke_external_connectivity: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            endpoint: *const netns_driver_endpoint,
            ret_plan: *mut *mut netns_plan,
            ret_error: *mut *mut netns_error,
        ) -> i32,
    >,
    /// Allocates what a network needs across hosts, and answers with it as options for create_network (seed 004,
    /// NetworkAllocate; global scope alone). Values are strings. NULL: there is nothing to be allocated.
    pub network_allocate: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            network: *const netns_driver_network,
            reply: *mut netns_driver_reply,
            ret_error: *mut *mut netns_error,
        ) -> i32,
    >,
    /// Frees that (seed 004, NetworkFree; global scope alone), of a network whose name alone is said. NULL:
    /// there is nothing to be freed.
    pub network_free: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            network: *const netns_driver_network,
            ret_error: *mut *mut netns_error,
        ) -> i32,
    >,
    /// An entry of a table that the driver registered for has changed, as the netns_table_event says (seed 004,
    /// EventNotify; global scope alone). `value` may be NULL when it has no bytes. NULL: it is not told.
    pub event_notify: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            event: i32,
            network: *const c_char,
            table: *const c_char,
            key: *const c_char,
            value: *const u8,
            value_size: usize,
        ),
    >,
    /// A node, or keys, have come (seed 004, discoverapi.Discover, DiscoverNew; global scope alone): a
    /// netns_discovery, and JSON as the plugin protocol has it. NULL: it is not told.
    pub discover_new: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            discovery: i32,
            data: *const c_char,
            ret_error: *mut *mut netns_error,
        ) -> i32,
    >,
    /// A node, or keys, have gone (seed 004, discoverapi.Discover, DiscoverDelete; global scope alone). NULL: it
    /// is not told.
    pub discover_delete: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            discovery: i32,
            data: *const c_char,
            ret_error: *mut *mut netns_error,
        ) -> i32,
    >,
}

// SAFETY: pointers and integers without padding, the size first.
unsafe impl Growing for netns_driver {
    const NAME: &'static str = "netns_driver";
    const FIRST_SIZE: usize = 144;
}

impl netns_driver {
    /// That what a driver must have is there.
    pub(super) fn check(&self) -> Result<()> {
        required(self.create_network, "driver.create_network")?;
        required(self.delete_network, "driver.delete_network")?;
        required(self.create_endpoint, "driver.create_endpoint")?;
        required(self.delete_endpoint, "driver.delete_endpoint")?;
        required(self.join, "driver.join")?;
        required(self.leave, "driver.leave")?;
        Ok(())
    }
}
