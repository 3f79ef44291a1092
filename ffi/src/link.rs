//! Links of the calling thread's network namespace.

use std::ffi::c_char;
use std::mem::MaybeUninit;

use netns::{libcontainer, InterfaceName, Mtu, Result};

use crate::boundary::{call, required};
use crate::error::netns_error;
use crate::interface::net;
use crate::namespace::with_fd;
use crate::text::{parsed, text};

/// # Safety
/// A string by the header's rules.
unsafe fn link(at: *const c_char, argument: &str) -> Result<InterfaceName> {
    // SAFETY: the same.
    InterfaceName::new(unsafe { text(at, argument) }?)
}

/// Renames a link (seed 001, ChangeInterfaceName); to its own name is no error. Before Linux 6.2 the kernel
/// refuses while the link is up.
///
/// @param name       its name
/// @param new_name   its name from then on
/// @param ret_error  what went wrong; may be NULL
/// @return 0; NETNS_STATUS_NOT_FOUND when there is no such link; NETNS_STATUS_ALREADY_EXISTS when the name is
///         taken; NETNS_STATUS_BUSY when the link is up and the kernel minds
#[no_mangle]
pub unsafe extern "C" fn netns_link_set_name(
    name: *const c_char,
    new_name: *const c_char,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        // SAFETY: strings by the header's rules.
        let (name, new_name) = unsafe { (link(name, "name")?, link(new_name, "new_name")?) };
        libcontainer::change_interface_name(&name, &new_name)
    })
}

/// Makes a pair of connected interfaces, both down, with one queue each (seed 001, CreateVethPair).
///
/// @param name1      the name of one
/// @param name2      the name of the other
/// @param ret_error  what went wrong; may be NULL
/// @return 0; NETNS_STATUS_ALREADY_EXISTS when a name is taken. Neither is then made.
#[no_mangle]
pub unsafe extern "C" fn netns_link_create_veth(
    name1: *const c_char,
    name2: *const c_char,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        // SAFETY: strings by the header's rules.
        let (name1, name2) = unsafe { (link(name1, "name1")?, link(name2, "name2")?) };
        libcontainer::create_veth_pair(&name1, &name2)
    })
}

/// Brings a link up (seed 001, InterfaceUp); one that is up is no error.
///
/// @param name       its name
/// @param ret_error  what went wrong; may be NULL
/// @return 0; NETNS_STATUS_NOT_FOUND when there is no such link
#[no_mangle]
pub unsafe extern "C" fn netns_link_set_up(
    name: *const c_char,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        // SAFETY: a string by the header's rules.
        libcontainer::interface_up(&unsafe { link(name, "name") }?)
    })
}

/// Takes a link down (seed 001, InterfaceDown); one that is down is no error. The kernel removes the routes
/// through it, and unless its settings say otherwise its IPv6 addresses.
///
/// @param name       its name
/// @param ret_error  what went wrong; may be NULL
/// @return 0; NETNS_STATUS_NOT_FOUND when there is no such link
#[no_mangle]
pub unsafe extern "C" fn netns_link_set_down(
    name: *const c_char,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        // SAFETY: a string by the header's rules.
        libcontainer::interface_down(&unsafe { link(name, "name") }?)
    })
}

/// Moves a link to another network namespace under the name that it has (seed 001,
/// SetInterfaceInNamespaceFd). The kernel takes it down on the way, off its bridge, and its addresses and
/// routes away.
///
/// @param name       its name
/// @param fd         a descriptor of the namespace, which stays the caller's
/// @param ret_error  what went wrong; may be NULL
/// @return 0; NETNS_STATUS_NOT_FOUND when there is no such link; NETNS_STATUS_ALREADY_EXISTS when its name is
///         taken there; NETNS_STATUS_BAD_REQUEST when the descriptor is of no network namespace, and for links
///         that cannot move; NETNS_STATUS_PERMISSION_DENIED without CAP_NET_ADMIN over the namespace
#[no_mangle]
pub unsafe extern "C" fn netns_link_set_ns_fd(
    name: *const c_char,
    fd: i32,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        // SAFETY: a string by the header's rules.
        let name = unsafe { link(name, "name") }?;
        with_fd(fd, |fd| libcontainer::set_interface_in_namespace_fd(&name, fd))
    })
}

/// Moves a link to the network namespace of a process (seed 001, SetInterfaceInNamespacePid), as
/// netns_link_set_ns_fd does.
///
/// @param name       its name
/// @param pid        the process's number
/// @param ret_error  what went wrong; may be NULL
/// @return 0; NETNS_STATUS_NOT_FOUND when there is no such process; else as of netns_link_set_ns_fd
#[no_mangle]
pub unsafe extern "C" fn netns_link_set_ns_pid(
    name: *const c_char,
    pid: u32,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        // SAFETY: a string by the header's rules.
        libcontainer::set_interface_in_namespace_pid(&unsafe { link(name, "name") }?, pid)
    })
}

/// Adds an address to a link, beside those that it has (seed 001, SetInterfaceIp). IPv6 is added without
/// duplicate address detection.
///
/// @param name       its name
/// @param address    the address with its prefix length: "10.1.0.5/24", "fd01::5/64"
/// @param ret_error  what went wrong; may be NULL
/// @return 0; NETNS_STATUS_NOT_FOUND when there is no such link; NETNS_STATUS_ALREADY_EXISTS when it has the
///         address; NETNS_STATUS_BAD_REQUEST for what is no unicast address
#[no_mangle]
pub unsafe extern "C" fn netns_link_set_address(
    name: *const c_char,
    address: *const c_char,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        // SAFETY: strings by the header's rules.
        let (name, address) = unsafe { (link(name, "name")?, net(address, "address")?) };
        libcontainer::set_interface_ip(&name, required(address, "address")?)
    })
}

/// Makes a link a port of a bridge (seed 001, SetInterfaceMaster); one that is a port of it is no error.
///
/// @param name       its name
/// @param master     the bridge
/// @param ret_error  what went wrong; may be NULL
/// @return 0; NETNS_STATUS_NOT_FOUND when one of the two is not there; NETNS_STATUS_BAD_REQUEST when `master` is
///         no bridge; NETNS_STATUS_BUSY when the link is a port of something else;
///         NETNS_STATUS_RESOURCE_EXHAUSTED when the bridge is full
#[no_mangle]
pub unsafe extern "C" fn netns_link_set_master(
    name: *const c_char,
    master: *const c_char,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        // SAFETY: strings by the header's rules.
        let (name, master) = unsafe { (link(name, "name")?, link(master, "master")?) };
        libcontainer::set_interface_master(&name, &master)
    })
}

/// Sets a link's MTU (seed 001, SetMtu).
///
/// @param name       its name
/// @param mtu        bytes: 68 to 65535
/// @param ret_error  what went wrong; may be NULL
/// @return 0; NETNS_STATUS_NOT_FOUND when there is no such link; NETNS_STATUS_BAD_REQUEST when it cannot have
///         that MTU
#[no_mangle]
pub unsafe extern "C" fn netns_link_set_mtu(
    name: *const c_char,
    mtu: u32,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        // SAFETY: a string by the header's rules.
        libcontainer::set_mtu(&unsafe { link(name, "name") }?, Mtu::new(mtu)?)
    })
}

/// Adds the default route of the gateway's family through a link (seed 001, SetDefaultGateway). It takes
/// nobody's place.
///
/// @param gateway    its address: "10.1.0.1", "fd01::1"
/// @param name       the link's name
/// @param ret_error  what went wrong; may be NULL
/// @return 0; NETNS_STATUS_NOT_FOUND when there is no such link; NETNS_STATUS_ALREADY_EXISTS when there is a
///         default route; NETNS_STATUS_BAD_REQUEST when the gateway is not directly reachable through the link
#[no_mangle]
pub unsafe extern "C" fn netns_link_set_default_gateway(
    gateway: *const c_char,
    name: *const c_char,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        // SAFETY: strings by the header's rules.
        let (gateway, name) = unsafe { (parsed(gateway, "gateway")?, link(name, "name")?) };
        libcontainer::set_default_gateway(required(gateway, "gateway")?, &name)
    })
}
