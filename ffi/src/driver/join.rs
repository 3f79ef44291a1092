//! What a driver says of an endpoint that joins a sandbox.

use std::ffi::c_char;
use std::mem::MaybeUninit;
use std::ptr;

use netns::driver::{JoinInfo, RouteType};
use netns::{InterfaceName, Mtu};

use super::birth::{self, netns_birth};
use super::info::netns_driver_interface;
use crate::boundary::{call, required};
use crate::error::netns_error;
use crate::input::{array, chosen};
use crate::interface::net;
use crate::text::{parsed, text};

/// How a static route finds its way.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum netns_route_type {
    /// By a next hop, which tells the interface.
    NextHop = 0,
    /// Bound to the interface, with link scope.
    Connected = 1,
}

/// What a driver says of an endpoint that joins a sandbox (seed 004, JoinInfo). It lasts until the callback
/// that got it returns.
///
/// A driver names a device that exists, with netns_join_set_names, which then moves into the sandbox; or it
/// names and describes one that is born there, with netns_join_set_birth besides, which costs a small part of
/// that; or it does neither, and the sandbox gets no device.
pub struct netns_join {
    join: JoinInfo,
    interface: netns_driver_interface,
}

impl netns_join {
    pub(super) fn new(join: JoinInfo) -> Self {
        let interface = netns_driver_interface::new(join.interface().clone());
        Self { join, interface }
    }

    /// What the driver said.
    pub(super) fn into_info(self) -> JoinInfo {
        self.join
    }
}

/// The endpoint's interface, as `create_endpoint` left it, to be read. It lasts until the driver's callback
/// returns.
///
/// @param join  what `join` got; may be NULL, as is the answer then
#[no_mangle]
pub extern "C" fn netns_join_interface(join: Option<&netns_join>) -> *const netns_driver_interface {
    join.map_or(ptr::null(), |join| ptr::from_ref(&join.interface))
}

/// The MTU that the caller of the join wants, in bytes; 0 when it does not say.
///
/// @param join  what `join` got; may be NULL, and the answer 0 then
#[no_mangle]
pub extern "C" fn netns_join_mtu(join: Option<&netns_join>) -> u32 {
    join.and_then(|join| join.join.mtu()).map_or(0, Mtu::get)
}

/// Names the device (seed 004, InterfaceNameInfo, SetNames). A second call overwrites the first.
///
/// @param join       what `join` got
/// @param src_name   the device's name in the host, in the namespace that the controller was opened in. For
///                   one that is born, a name that no other device there has
/// @param prefix     what its name in the sandbox begins with: "eth"; the lowest free number follows
/// @param ret_error  what went wrong; may be NULL
/// @return 0; NETNS_STATUS_BAD_REQUEST for what is no interface name
#[no_mangle]
pub unsafe extern "C" fn netns_join_set_names(
    join: Option<&mut netns_join>,
    src_name: *const c_char,
    prefix: *const c_char,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        // SAFETY: strings by the header's rules.
        let (src_name, prefix) = unsafe { (text(src_name, "src_name")?, text(prefix, "prefix")?) };
        let (src_name, prefix) = (InterfaceName::new(src_name)?, InterfaceName::new(prefix)?);
        required(join, "join")?.join.interface_name().set_names(src_name, prefix);
        Ok(())
    })
}

/// The sandbox's IPv4 default gateway (seed 004, SetGateway).
///
/// @param join       what `join` got
/// @param gateway    the address: "10.1.0.1"
/// @param ret_error  what went wrong; may be NULL
/// @return 0; NETNS_STATUS_BAD_REQUEST for what is no IPv4 address
#[no_mangle]
pub unsafe extern "C" fn netns_join_set_gateway(
    join: Option<&mut netns_join>,
    gateway: *const c_char,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        // SAFETY: a string by the header's rules.
        let gateway = required(unsafe { parsed(gateway, "gateway") }?, "gateway")?;
        required(join, "join")?.join.set_gateway(gateway);
        Ok(())
    })
}

/// The sandbox's IPv6 default gateway (seed 004, SetGatewayIPv6).
///
/// @param join       what `join` got
/// @param gateway    the address: "fd01::1"
/// @param ret_error  what went wrong; may be NULL
/// @return 0; NETNS_STATUS_BAD_REQUEST for what is no IPv6 address
#[no_mangle]
pub unsafe extern "C" fn netns_join_set_gateway_ipv6(
    join: Option<&mut netns_join>,
    gateway: *const c_char,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        // SAFETY: a string by the header's rules.
        let gateway = required(unsafe { parsed(gateway, "gateway") }?, "gateway")?;
        required(join, "join")?.join.set_gateway_ipv6(gateway);
        Ok(())
    })
}

/// Adds a route to the sandbox, besides or instead of a default gateway (seed 004, AddStaticRoute).
///
/// @param join         what `join` got
/// @param destination  where it leads: "10.2.0.0/16"
/// @param route_type   a netns_route_type
/// @param next_hop     the next hop: "10.1.0.9"; may be NULL, as it is for a connected route and for no other
/// @param ret_error    what went wrong; may be NULL
/// @return 0; NETNS_STATUS_BAD_REQUEST when a route by next hop has none or one of the other family, and when
///         a connected one has any
#[no_mangle]
pub unsafe extern "C" fn netns_join_add_static_route(
    join: Option<&mut netns_join>,
    destination: *const c_char,
    route_type: i32,
    next_hop: *const c_char,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        let known = [
            (netns_route_type::NextHop as i32, RouteType::NextHop),
            (netns_route_type::Connected as i32, RouteType::Connected),
        ];
        let route_type = chosen(route_type, &known, "route_type", "netns_route_type")?;
        // SAFETY: strings by the header's rules.
        let (destination, next_hop) =
            unsafe { (net(destination, "destination")?, parsed(next_hop, "next_hop")?) };
        let destination = required(destination, "destination")?;
        required(join, "join")?.join.add_static_route(destination, route_type, next_hop)
    })
}

/// The sandbox gets no default gateway by this endpoint (seed 004, DisableGatewayService).
///
/// @param join       what `join` got
/// @param ret_error  what went wrong; may be NULL
/// @return 0
#[no_mangle]
pub extern "C" fn netns_join_disable_gateway_service(
    join: Option<&mut netns_join>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        required(join, "join")?.join.disable_gateway_service();
        Ok(())
    })
}

/// Adds an entry to a table of the gossip layer (seed 004, AddTableEntry). A single host has no such layer:
/// the entry goes nowhere there.
///
/// @param join        what `join` got
/// @param table       the table's name
/// @param key         the entry's key in it
/// @param value       a value that the driver alone understands; may be NULL when it has no bytes
/// @param value_size  how many bytes
/// @param ret_error   what went wrong; may be NULL
/// @return 0; NETNS_STATUS_BAD_REQUEST without a table or a key
#[no_mangle]
pub unsafe extern "C" fn netns_join_add_table_entry(
    join: Option<&mut netns_join>,
    table: *const c_char,
    key: *const c_char,
    value: *const u8,
    value_size: usize,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        // SAFETY: strings by the header's rules, and as many bytes as are said.
        let (table, key, value) =
            unsafe { (text(table, "table")?, text(key, "key")?, array(value, value_size, "value")?) };
        required(join, "join")?.join.add_table_entry(table, key, value)
    })
}

/// Describes how the device is born in the sandbox, at the price that the kernel charges for one device; needs
/// netns_join_set_names, too. A second call overwrites the first.
///
/// @param join       what `join` got
/// @param birth      the device and what comes with it; the library copies it
/// @param ret_error  what went wrong; may be NULL
/// @return 0; NETNS_STATUS_BAD_REQUEST for what cannot be a device
#[no_mangle]
pub unsafe extern "C" fn netns_join_set_birth(
    join: Option<&mut netns_join>,
    birth: *const netns_birth,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        // SAFETY: a struct by the header's rules.
        let birth = unsafe { birth::read(birth) }?;
        required(join, "join")?.join.set_birth(birth);
        Ok(())
    })
}
