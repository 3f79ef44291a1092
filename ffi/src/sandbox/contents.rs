//! What is in a sandbox: interfaces, gateways, routes.

use std::ffi::c_char;
use std::mem::MaybeUninit;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::{get, netns_sandbox};
use crate::boundary::{call, required};
use crate::error::netns_error;
use crate::input::sized;
use crate::interface::{
    give_info, give_interfaces, interface, netns_info, netns_interface, netns_interfaces, netns_route, route,
};
use crate::plan::{give_plan, netns_plan};
use crate::text::parsed;

/// What joins and netns_sandbox_add_interface brought, never `lo` nor what others made, by name (seed 000,
/// Interfaces). Read from the kernel: any process sees the same.
///
/// @param sandbox         the sandbox
/// @param ret_interfaces  the interfaces, for netns_interfaces_free
/// @param ret_error       what went wrong; may be NULL
/// @return 0; NETNS_STATUS_NOT_FOUND when the sandbox was destroyed by this object
#[no_mangle]
pub extern "C" fn netns_sandbox_interfaces(
    sandbox: Option<&netns_sandbox>,
    ret_interfaces: Option<&mut MaybeUninit<*mut netns_interfaces>>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        let sandbox = get(sandbox)?;
        let ret_interfaces = required(ret_interfaces, "ret_interfaces")?;
        give_interfaces(ret_interfaces, &sandbox.interfaces()?);
        Ok(())
    })
}

/// Interfaces, gateways and static routes (seed 000, Info), read from the kernel.
///
/// @param sandbox    the sandbox
/// @param ret_info   what it holds, for netns_info_free
/// @param ret_error  what went wrong; may be NULL
/// @return 0; NETNS_STATUS_NOT_FOUND when the sandbox was destroyed by this object
#[no_mangle]
pub extern "C" fn netns_sandbox_info(
    sandbox: Option<&netns_sandbox>,
    ret_info: Option<&mut MaybeUninit<*mut netns_info>>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        let sandbox = get(sandbox)?;
        let ret_info = required(ret_info, "ret_info")?;
        give_info(ret_info, &sandbox.info()?);
        Ok(())
    })
}

/// Moves the device `interface->src_name` from the host into the sandbox, renames it as it moves, and
/// configures it; it is up at the end (seed 000, AddInterface). The kernel takes 10 ms and more to move a
/// device; netns_endpoint_connect makes it inside instead.
///
/// @param sandbox         the sandbox
/// @param interface       the device and its settings
/// @param ret_interfaces  that one interface under its final name, for netns_interfaces_free; may be NULL
/// @param ret_error       what went wrong; may be NULL
/// @return 0; NETNS_STATUS_NOT_FOUND when there is no such device; NETNS_STATUS_ALREADY_EXISTS when the name is
///         taken in the sandbox or an address overlaps one of its routes; NETNS_STATUS_BAD_REQUEST when the
///         settings contradict one another. The device is then where it was, as it was.
#[no_mangle]
pub unsafe extern "C" fn netns_sandbox_add_interface(
    sandbox: Option<&netns_sandbox>,
    interface: *const netns_interface,
    ret_interfaces: Option<&mut MaybeUninit<*mut netns_interfaces>>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        let sandbox = get(sandbox)?;
        // SAFETY: a struct by the header's rules.
        let interface = unsafe { self::interface(interface, "interface") }?;
        let added = sandbox.add_interface(&interface)?;
        if let Some(ret_interfaces) = ret_interfaces {
            give_interfaces(ret_interfaces, &[added]);
        }
        Ok(())
    })
}

/// What netns_sandbox_add_interface would do.
///
/// @param sandbox    the sandbox
/// @param interface  the device and its settings
/// @param ret_plan   the plan, for netns_plan_free
/// @param ret_error  what went wrong; may be NULL
/// @return as of netns_sandbox_add_interface, as far as it can be known beforehand
#[no_mangle]
pub unsafe extern "C" fn netns_sandbox_plan_add_interface(
    sandbox: Option<&netns_sandbox>,
    interface: *const netns_interface,
    ret_plan: Option<&mut MaybeUninit<*mut netns_plan>>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        let sandbox = get(sandbox)?;
        // SAFETY: a struct by the header's rules.
        let interface = unsafe { self::interface(interface, "interface") }?;
        give_plan(ret_plan, || sandbox.plan_add_interface(&interface))
    })
}

/// Takes an interface out of the sandbox, back to the host under its source name (seed 000,
/// RemoveInterface). It is down then. One that is gone is no error, nor is a sandbox that is gone.
///
/// @param sandbox    the sandbox
/// @param interface  the interface: its src_name counts, and its name where it has one
/// @param ret_error  what went wrong; may be NULL
/// @return 0; NETNS_STATUS_ALREADY_EXISTS when the host has a link of that name by now. The interface is then
///         as it was.
#[no_mangle]
pub unsafe extern "C" fn netns_sandbox_remove_interface(
    sandbox: Option<&netns_sandbox>,
    interface: *const netns_interface,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        let sandbox = get(sandbox)?;
        // SAFETY: a struct by the header's rules.
        let interface = unsafe { self::interface(interface, "interface") }?;
        sandbox.remove_interface(&interface)
    })
}

/// Sets the IPv4 default gateway, in place of the one that is there (seed 000, SetGateway).
///
/// @param sandbox    the sandbox
/// @param gateway    its address, in the subnet of an interface that is up; may be NULL, which changes nothing
/// @param ret_error  what went wrong; may be NULL
/// @return 0; NETNS_STATUS_BAD_REQUEST when no interface that is up leads there
#[no_mangle]
pub unsafe extern "C" fn netns_sandbox_set_gateway(
    sandbox: Option<&netns_sandbox>,
    gateway: *const c_char,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        let sandbox = get(sandbox)?;
        // SAFETY: a string by the header's rules.
        sandbox.set_gateway(unsafe { parsed::<Ipv4Addr>(gateway, "gateway") }?)
    })
}

/// Sets the IPv6 default gateway, in place of the one that is there (seed 000, SetGatewayIPv6).
///
/// @param sandbox    the sandbox
/// @param gateway    its address, in the subnet of an interface that is up; may be NULL, which changes nothing
/// @param ret_error  what went wrong; may be NULL
/// @return 0; NETNS_STATUS_BAD_REQUEST when no interface that is up leads there
#[no_mangle]
pub unsafe extern "C" fn netns_sandbox_set_gateway_ipv6(
    sandbox: Option<&netns_sandbox>,
    gateway: *const c_char,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        let sandbox = get(sandbox)?;
        // SAFETY: a string by the header's rules.
        sandbox.set_gateway_ipv6(unsafe { parsed::<Ipv6Addr>(gateway, "gateway") }?)
    })
}

/// Adds a static route; netns_sandbox_info lists them.
///
/// @param sandbox    the sandbox
/// @param route      the route, with a next hop in the subnet of an interface that is up. Without a next hop
///                   it is bound to the only interface
/// @param ret_error  what went wrong; may be NULL
/// @return 0; NETNS_STATUS_BAD_REQUEST when no interface leads to the next hop, and for a default route;
///         NETNS_STATUS_ALREADY_EXISTS when there is a route to that destination
#[no_mangle]
pub unsafe extern "C" fn netns_sandbox_add_route(
    sandbox: Option<&netns_sandbox>,
    route: *const netns_route,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        let sandbox = get(sandbox)?;
        // SAFETY: a struct by the header's rules.
        let route = unsafe { self::route(&sized(route, "route")?) }?;
        sandbox.add_static_route(&route)
    })
}

/// Removes a static route of this library's. One that is gone is no error.
///
/// @param sandbox    the sandbox
/// @param route      the route
/// @param ret_error  what went wrong; may be NULL
/// @return 0
#[no_mangle]
pub unsafe extern "C" fn netns_sandbox_remove_route(
    sandbox: Option<&netns_sandbox>,
    route: *const netns_route,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        let sandbox = get(sandbox)?;
        // SAFETY: a struct by the header's rules.
        let route = unsafe { self::route(&sized(route, "route")?) }?;
        sandbox.remove_static_route(&route)
    })
}
