//! Networks of a controller.

mod config;
mod details;

use std::ffi::{c_char, CString};
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::Arc;

use netns::{Controller, Error, NetworkConfig, Result};

use crate::arena::take_back;
use crate::boundary::{call, give, plain, required, Handle};
use crate::controller::{get as get_controller, netns_controller};
use crate::endpoint::{self, netns_endpoint_config, netns_endpoint_details};
use crate::error::netns_error;
use crate::names::{give_names, netns_names};
use crate::plan::{give_plan, netns_plan};
use crate::text::{c_string, text};
use config::netns_network_config;
use details::{netns_network_details, show};

/// A network of a controller, by its name: the object holds nothing in the kernel.
pub struct netns_network {
    handle: Handle<Arc<Controller>>,
    name: CString,
    text: String,
}

impl netns_network {
    pub(crate) fn new(controller: &Arc<Controller>, name: &str) -> Self {
        Self { handle: Handle::new(Arc::clone(controller)), name: c_string(name), text: name.to_owned() }
    }
}

/// The controller and the name of a network.
pub(crate) fn get(network: Option<&netns_network>) -> Result<(&Arc<Controller>, &str)> {
    let network = required(network, "network")?;
    Ok((network.handle.get()?, &network.text))
}

/// Makes a network and hands it out where that is wanted.
fn create(
    controller: &Arc<Controller>,
    config: NetworkConfig,
    ret_network: Option<&mut MaybeUninit<*mut netns_network>>,
) -> Result<()> {
    let created = controller.create_network(config)?;
    if let Some(ret_network) = ret_network {
        give(ret_network, netns_network::new(controller, created.name.as_str()));
    }
    Ok(())
}

/// Makes a network. Subnets that are left open are chosen from the default pools so that they overlap no
/// other network and no route of the host; netns_network_inspect tells them.
///
/// @param controller   the controller
/// @param config       what the network is to be
/// @param ret_network  the network, for netns_network_free; may be NULL
/// @param ret_error    what went wrong; may be NULL
/// @return 0; NETNS_STATUS_ALREADY_EXISTS when there is one of that name, or a subnet overlaps another
///         network's or a route of the host; NETNS_STATUS_NOT_FOUND for an unknown type;
///         NETNS_STATUS_BAD_REQUEST for what contradicts itself or the driver does not take;
///         NETNS_STATUS_UNSUPPORTED where the kernel has no nf_tables and NETNS_STATUS_PERMISSION_DENIED without
///         CAP_NET_ADMIN, with NETNS_FIREWALL_REQUIRED. Nothing is left behind.
#[no_mangle]
pub unsafe extern "C" fn netns_network_create(
    controller: Option<&netns_controller>,
    config: *const netns_network_config,
    ret_network: Option<&mut MaybeUninit<*mut netns_network>>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        let controller = get_controller(controller)?;
        // SAFETY: a struct by the header's rules.
        create(controller, unsafe { config::config(config) }?, ret_network)
    })
}

/// Makes a network of its definition, as a definition's file has it. Here options may be other than strings.
///
/// @param controller   the controller
/// @param json         the definition: {"name": "demo", "type": "bridge", ...}
/// @param ret_network  the network, for netns_network_free; may be NULL
/// @param ret_error    what went wrong; may be NULL
/// @return as of netns_network_create
#[no_mangle]
pub unsafe extern "C" fn netns_network_create_from_json(
    controller: Option<&netns_controller>,
    json: *const c_char,
    ret_network: Option<&mut MaybeUninit<*mut netns_network>>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        let controller = get_controller(controller)?;
        // SAFETY: a string by the header's rules.
        let json = unsafe { text(json, "json") }?;
        let config = serde_json::from_str(json)
            .map_err(|error| Error::bad_request("read", "a definition", error.to_string()))?;
        create(controller, config, ret_network)
    })
}

/// Finds a network by its name.
///
/// @param controller   the controller
/// @param name         its name
/// @param ret_network  the network, for netns_network_free
/// @param ret_error    what went wrong; may be NULL
/// @return 0; NETNS_STATUS_NOT_FOUND when there is none; NETNS_STATUS_BAD_REQUEST when its definition cannot
///         be read
#[no_mangle]
pub unsafe extern "C" fn netns_network_open(
    controller: Option<&netns_controller>,
    name: *const c_char,
    ret_network: Option<&mut MaybeUninit<*mut netns_network>>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        let controller = get_controller(controller)?;
        // SAFETY: a string by the header's rules.
        let name = unsafe { text(name, "name") }?;
        let ret_network = required(ret_network, "ret_network")?;
        controller.inspect_network(name)?;
        give(ret_network, netns_network::new(controller, name));
        Ok(())
    })
}

/// The names of the networks, sorted; also of those whose definition cannot be read.
///
/// @param controller  the controller
/// @param ret_names   the names, for netns_names_free
/// @param ret_error   what went wrong; may be NULL
/// @return 0; NETNS_STATUS_PERMISSION_DENIED when the directory of definitions cannot be read
#[no_mangle]
pub extern "C" fn netns_network_list(
    controller: Option<&netns_controller>,
    ret_names: Option<&mut MaybeUninit<*mut netns_names>>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        give_names(ret_names, || {
            let networks = get_controller(controller)?.networks()?;
            Ok(networks.into_iter().map(|(name, _)| name.to_string()).collect())
        })
    })
}

/// Its name. Lasts as long as the object.
///
/// @param network  the network; may be NULL, as is the answer then
#[no_mangle]
pub extern "C" fn netns_network_name(network: Option<&netns_network>) -> *const c_char {
    network.map_or(ptr::null(), |network| network.name.as_ptr())
}

/// The network's definition, with what was chosen for it, and its endpoints.
///
/// @param network      the network
/// @param ret_details  what it is, for netns_network_details_free
/// @param ret_error    what went wrong; may be NULL
/// @return 0; NETNS_STATUS_NOT_FOUND when it is gone
#[no_mangle]
pub extern "C" fn netns_network_inspect(
    network: Option<&netns_network>,
    ret_details: Option<&mut MaybeUninit<*mut netns_network_details>>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        let (controller, name) = get(network)?;
        let ret_details = required(ret_details, "ret_details")?;
        ret_details.write(show(&controller.inspect_network(name)?)?);
        Ok(())
    })
}

/// Makes an endpoint with its addresses and with two devices in the host, one in place in its network and one
/// that is ready to move (seed 002, Link). Its `interface` is what netns_sandbox_add_interface takes, of any
/// sandbox. netns_endpoint_connect makes the same in a fraction of the time.
///
/// netns_endpoint_delete takes the devices away, wherever they are; a macvlan, which has no other end in the host,
/// where it is in the host. When they are gone, the next collection gives its addresses back, but not a macvlan's.
///
/// @param network      the network, of type "bridge", "routed" or "macvlan" or of a driver that names a device
/// @param config       what the endpoint is to be
/// @param ret_details  the endpoint, for netns_endpoint_details_free; may be NULL
/// @param ret_error    what went wrong; may be NULL
/// @return as of netns_endpoint_create; NETNS_STATUS_NOT_IMPLEMENTED where endpoints have no device in the host.
///         Nothing is left behind.
#[no_mangle]
pub unsafe extern "C" fn netns_network_link(
    network: Option<&netns_network>,
    config: *const netns_endpoint_config,
    ret_details: Option<&mut MaybeUninit<*mut netns_endpoint_details>>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        let (controller, name) = get(network)?;
        // SAFETY: a struct by the header's rules.
        let config = unsafe { endpoint::config(config) }?;
        endpoint::give_details(ret_details, &controller.link(name, config)?)
    })
}

/// What netns_network_link would do; nothing is recorded, and no address is kept.
///
/// @param network    the network
/// @param config     what the endpoint is to be
/// @param ret_plan   the plan, for netns_plan_free
/// @param ret_error  what went wrong; may be NULL
/// @return as of netns_network_link, as far as it can be known beforehand; NETNS_STATUS_NOT_IMPLEMENTED for a
///         network whose driver acts by itself
#[no_mangle]
pub unsafe extern "C" fn netns_network_plan_link(
    network: Option<&netns_network>,
    config: *const netns_endpoint_config,
    ret_plan: Option<&mut MaybeUninit<*mut netns_plan>>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        let (controller, name) = get(network)?;
        // SAFETY: a struct by the header's rules.
        let config = unsafe { endpoint::config(config) }?;
        give_plan(ret_plan, || controller.plan_link(name, config))
    })
}

/// Deletes the network and its definition; one that is gone is no error. The object stays to be freed.
///
/// @param network    the network
/// @param ret_error  what went wrong; may be NULL
/// @return 0; NETNS_STATUS_BUSY while it has endpoints, with their names and sandboxes
#[no_mangle]
pub extern "C" fn netns_network_delete(
    network: Option<&netns_network>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        let (controller, name) = get(network)?;
        controller.delete_network(name)
    })
}

/// Deletes a network by its name, as netns_network_delete does, also one whose definition cannot be read.
///
/// @param controller  the controller
/// @param name        its name
/// @param ret_error   what went wrong; may be NULL
/// @return as of netns_network_delete
#[no_mangle]
pub unsafe extern "C" fn netns_network_remove(
    controller: Option<&netns_controller>,
    name: *const c_char,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        let controller = get_controller(controller)?;
        // SAFETY: a string by the header's rules.
        controller.delete_network(unsafe { text(name, "name") }?)
    })
}

/// Forgets a network and frees its subnets whatever its driver says, as when a driver is gone for good: what the driver
/// made of it is the driver's to clear away. One that is gone is no error.
///
/// @param controller  the controller
/// @param name        its name
/// @param ret_error   what went wrong; may be NULL
/// @return 0; NETNS_STATUS_BUSY while it has endpoints, with their names and sandboxes: netns_endpoint_forget
#[no_mangle]
pub unsafe extern "C" fn netns_network_forget(
    controller: Option<&netns_controller>,
    name: *const c_char,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        let controller = get_controller(controller)?;
        // SAFETY: a string by the header's rules.
        controller.forget_network(unsafe { text(name, "name") }?)
    })
}

/// Frees what a network is.
///
/// @param details  what it is; may be NULL
#[no_mangle]
pub unsafe extern "C" fn netns_network_details_free(details: *mut netns_network_details) {
    // SAFETY: it was handed out, and is freed once, by the header's rules.
    unsafe { take_back(details) };
}

/// Frees the object; the network stays.
///
/// @param network  the object; may be NULL
#[no_mangle]
pub extern "C" fn netns_network_free(network: Option<Box<netns_network>>) {
    plain((), || {
        if let Some(network) = network {
            network.handle.end();
        }
    });
}
