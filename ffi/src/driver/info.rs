//! What a driver may say of a network, and of an endpoint's interface.

use std::ffi::{c_char, CString};
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::OnceLock;

use netns::driver::{InterfaceInfo, NetworkInfo};

use crate::boundary::{call, required};
use crate::error::netns_error;
use crate::interface::net;
use crate::text::{c_string, parsed, text};

/// What a driver may ask of the library for a network (seed 004, NetworkInfo). It lasts until the callback
/// that got it returns.
pub struct netns_driver_info {
    pub(super) info: NetworkInfo,
}

/// Registers the driver's interest in a table (seed 004, TableEventRegister), which is ignored for drivers of
/// local scope.
///
/// @param info       what `create_network` got
/// @param table      the name of the table
/// @param ret_error  what went wrong; may be NULL
/// @return 0; NETNS_STATUS_BAD_REQUEST for an empty name
#[no_mangle]
pub unsafe extern "C" fn netns_driver_info_register_table(
    info: Option<&mut netns_driver_info>,
    table: *const c_char,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        // SAFETY: a string by the header's rules.
        let table = unsafe { text(table, "table") }?;
        required(info, "info")?.info.table_event_register(table)
    })
}

/// The addresses of an endpoint's interface (seed 004, InterfaceInfo). It lasts until the callback that got
/// it returns.
pub struct netns_driver_interface {
    info: InterfaceInfo,
    mac: OnceLock<CString>,
    address: OnceLock<CString>,
    address_ipv6: OnceLock<CString>,
}

impl netns_driver_interface {
    pub(super) fn new(info: InterfaceInfo) -> Self {
        Self { info, mac: OnceLock::new(), address: OnceLock::new(), address_ipv6: OnceLock::new() }
    }

    pub(super) fn into_info(self) -> InterfaceInfo {
        self.info
    }
}

/// As text that stays, since what is set once is never changed; NULL while it is not set.
fn shown(value: Option<impl ToString>, text: &OnceLock<CString>) -> *const c_char {
    value.map_or(ptr::null(), |value| text.get_or_init(|| c_string(&value.to_string())).as_ptr())
}

/// The MAC address (seed 004, MacAddress): "02:42:0a:01:00:05"; NULL while there is none. It lasts until the
/// driver's callback returns.
///
/// @param interface  the interface; may be NULL, as is the answer then
#[no_mangle]
pub extern "C" fn netns_driver_interface_mac(interface: Option<&netns_driver_interface>) -> *const c_char {
    interface.map_or(ptr::null(), |own| shown(own.info.mac_address(), &own.mac))
}

/// The IPv4 address with its prefix length (seed 004, Address): "10.1.0.5/24"; NULL while there is none. It
/// lasts until the driver's callback returns.
///
/// @param interface  the interface; may be NULL, as is the answer then
#[no_mangle]
pub extern "C" fn netns_driver_interface_address(
    interface: Option<&netns_driver_interface>,
) -> *const c_char {
    interface.map_or(ptr::null(), |own| shown(own.info.address(), &own.address))
}

/// The IPv6 address with its prefix length (seed 004, AddressIPv6); NULL while there is none. It lasts until
/// the driver's callback returns.
///
/// @param interface  the interface; may be NULL, as is the answer then
#[no_mangle]
pub extern "C" fn netns_driver_interface_address_ipv6(
    interface: Option<&netns_driver_interface>,
) -> *const c_char {
    interface.map_or(ptr::null(), |own| shown(own.info.address_ipv6(), &own.address_ipv6))
}

/// Chooses the MAC address (seed 004, SetMacAddress).
///
/// @param interface  what `create_endpoint` got
/// @param mac        the address: "02:42:0a:01:00:05"
/// @param ret_error  what went wrong; may be NULL
/// @return 0; NETNS_STATUS_FORBIDDEN when it has one
#[no_mangle]
pub unsafe extern "C" fn netns_driver_interface_set_mac_address(
    interface: Option<&mut netns_driver_interface>,
    mac: *const c_char,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        // SAFETY: a string by the header's rules.
        let mac = required(unsafe { parsed(mac, "mac") }?, "mac")?;
        required(interface, "interface")?.info.set_mac_address(mac)
    })
}

/// Chooses the address of one family (seed 004, SetIPAddress).
///
/// @param interface  what `create_endpoint` got
/// @param address    the address with its prefix length: "10.1.0.5/24" or "fd01::5/64"
/// @param ret_error  what went wrong; may be NULL
/// @return 0; NETNS_STATUS_FORBIDDEN when it has one of that family; NETNS_STATUS_BAD_REQUEST for the
///         unspecified address
#[no_mangle]
pub unsafe extern "C" fn netns_driver_interface_set_ip_address(
    interface: Option<&mut netns_driver_interface>,
    address: *const c_char,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        // SAFETY: a string by the header's rules.
        let address = required(unsafe { net(address, "address") }?, "address")?;
        required(interface, "interface")?.info.set_ip_address(address)
    })
}
