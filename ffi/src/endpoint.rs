//! Endpoints: what joins a sandbox to a network.

use std::ffi::{c_char, CString};
use std::mem::{size_of, MaybeUninit};
use std::net::{Ipv4Addr, Ipv6Addr};

use netns::{Endpoint, EndpointConfig, Error, Result};

use crate::arena::{hand_out, take_back, Arena};
use crate::boundary::{call, plain, required};
use crate::controller::{get as get_controller, netns_controller};
use crate::error::netns_error;
use crate::firewall::{ports, show_ports};
use crate::input::{array, check_flags, check_reserved, netns_pair, pairs, sized, Growing};
use crate::interface::{
    destination, mtu, neighbours, netns_interface, netns_neighbour, netns_route, routes, show_interface,
};
use crate::meter::metering;
use crate::network::{get as get_network, netns_network};
use crate::plan::{give_plan, netns_plan};
use crate::sandbox::{get as get_sandbox, netns_sandbox};
use crate::stats::netns_slot;
use crate::text::{c_string, parsed, text};

/// The network's gateways do not become the sandbox's.
pub const NETNS_ENDPOINT_NO_DEFAULT_ROUTE: u64 = 1;

/// Of what an endpoint is: netns_network_link made its devices, for its caller to move.
pub const NETNS_ENDPOINT_LINKED: u64 = 2;

/// What an endpoint is to be. All zeroes but the size and the name are the defaults.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct netns_endpoint_config {
    /// Bytes of this struct.
    pub size: usize,
    /// Its name, unique in the network: a container's id, say.
    pub name: *const c_char,
    /// What the interface is called in the sandbox; NULL for `interface_prefix`.
    pub interface_name: *const c_char,
    /// What its name begins with, followed by the lowest number that is free; NULL for the driver's prefix,
    /// usually "eth".
    pub interface_prefix: *const c_char,
    /// The IPv4 address that is wanted, "10.1.0.5"; NULL for the next free one.
    pub address: *const c_char,
    /// The IPv6 address that is wanted; NULL for the next free one.
    pub address_ipv6: *const c_char,
    /// Hardware address; NULL for a random one.
    pub mac: *const c_char,
    /// MTU in bytes; 0 for the network's.
    pub mtu: u32,
    /// Of a sandbox's endpoints the one with the highest gives the default gateway.
    pub gateway_priority: i32,
    /// NETNS_ENDPOINT_NO_DEFAULT_ROUTE, or 0.
    pub flags: u64,
    /// Other names of the endpoint in the network, for name services; the library resolves none.
    pub aliases: *const *const c_char,
    /// How many.
    pub alias_count: usize,
    /// Settings of the interface: "net.ipv4.conf.IFNAME.log_martians" and the like, with the word IFNAME for
    /// its name.
    pub sysctls: *const netns_pair,
    /// How many.
    pub sysctl_count: usize,
    /// Routes through this interface besides those of its addresses and gateways.
    pub routes: *const *const netns_route,
    /// How many.
    pub route_count: usize,
    /// Neighbours that never have to be asked for.
    pub neighbours: *const *const netns_neighbour,
    /// How many.
    pub neighbour_count: usize,
    /// Options of the driver.
    pub options: *const netns_pair,
    /// How many.
    pub option_count: usize,
    /// For people and tools; the library reads none.
    pub labels: *const netns_pair,
    /// How many.
    pub label_count: usize,
    /// A netns_metering: whether its interface is metered.
    pub meter: i32,
    /// 0.
    pub reserved: u32,
    /// Ports that are published, as Docker's -p has them, `[[HOST:]HOST_PORTS:]PORTS[/PROTOCOL]` with tcp, udp or
    /// sctp: `8080:80`, `127.0.0.1:5353:53/udp`, `[::1]:8000-8010:80-90`. The host's port is chosen in `443` and
    /// in `127.0.0.1::443`.
    pub ports: *const *const c_char,
    /// How many.
    pub port_count: usize,
}

// SAFETY: pointers and integers without padding, the size first.
unsafe impl Growing for netns_endpoint_config {
    const NAME: &'static str = "netns_endpoint_config";
    const FIRST_SIZE: usize = 168;
}

/// # Safety
/// A struct by the header's rules.
pub(crate) unsafe fn config(at: *const netns_endpoint_config) -> Result<EndpointConfig> {
    // SAFETY: the same.
    unsafe {
        let raw = sized(at, "config")?;
        check_flags(raw.flags, NETNS_ENDPOINT_NO_DEFAULT_ROUTE, "flags")?;
        let mut config = EndpointConfig::new(text(raw.name, "name")?)?;
        let names = ["interface_name", "interface_prefix"];
        config.destination = destination(raw.interface_name, raw.interface_prefix, names)?;
        config.address = parsed::<Ipv4Addr>(raw.address, "address")?;
        config.address_ipv6 = parsed::<Ipv6Addr>(raw.address_ipv6, "address_ipv6")?;
        config.mac = parsed(raw.mac, "mac")?;
        config.mtu = mtu(raw.mtu)?;
        config.gateway_priority = raw.gateway_priority;
        config.default_route = raw.flags & NETNS_ENDPOINT_NO_DEFAULT_ROUTE == 0;
        for alias in array(raw.aliases, raw.alias_count, "aliases")? {
            config.aliases.push(text(*alias, "aliases")?.to_owned());
        }
        config.sysctls = pairs(raw.sysctls, raw.sysctl_count, "sysctls")?;
        config.routes = routes(raw.routes, raw.route_count)?;
        config.neighbours = neighbours(raw.neighbours, raw.neighbour_count)?;
        config.options = pairs(raw.options, raw.option_count, "options")?;
        config.labels = pairs(raw.labels, raw.label_count, "labels")?;
        check_reserved(raw.reserved)?;
        config.meter = metering(raw.meter)?;
        config.ports = ports(raw.ports, raw.port_count)?;
        Ok(config)
    }
}

/// An endpoint, as it was when it was asked for; freed by netns_endpoint_details_free.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct netns_endpoint_details {
    /// Bytes of this struct.
    pub size: usize,
    /// The network's name.
    pub network: *const c_char,
    /// Its name.
    pub name: *const c_char,
    /// The IPv4 address that it has, with the subnet's prefix length; NULL for none.
    pub address: *const c_char,
    /// The IPv6 address that it has, with the subnet's prefix length; NULL for none.
    pub address_ipv6: *const c_char,
    /// The hardware address that it has; NULL for none.
    pub mac: *const c_char,
    /// The path of the sandbox that it is in; NULL for none.
    pub sandbox: *const c_char,
    /// NETNS_ENDPOINT_LINKED, or 0.
    pub flags: u64,
    /// The interface, from the call that made it: in the sandbox, or waiting in the host for
    /// netns_sandbox_add_interface. NULL from other calls, and on a network without devices.
    pub interface: *const netns_interface,
    /// All of it as JSON, with what was asked for as `config`.
    pub json: *const c_char,
    /// Where its interface is counted, for netns_stats_read; NULL when it is not metered.
    pub slot: *const netns_slot,
    /// The ports that are published, with the host's ports filled in: "41234:443/tcp". NULL when there are none.
    pub ports: *const *const c_char,
    /// How many.
    pub port_count: usize,
}

/// Endpoints, freed by netns_endpoints_free.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct netns_endpoints {
    /// Bytes of this struct.
    pub size: usize,
    /// The endpoints; NULL when there are none.
    pub endpoints: *const *const netns_endpoint_details,
    /// How many.
    pub count: usize,
}

fn show(arena: &mut Arena, endpoint: &Endpoint) -> Result<netns_endpoint_details> {
    let json = serde_json::to_string(endpoint)
        .map_err(|error| Error::bad_request("serialise", "an endpoint", error.to_string()))?;
    let interface = endpoint.interface.as_ref().map(|interface| show_interface(arena, interface));
    let (ports, port_count) = show_ports(arena, &endpoint.ports);
    Ok(netns_endpoint_details {
        size: size_of::<netns_endpoint_details>(),
        network: arena.text(endpoint.network.as_str()),
        name: arena.text(endpoint.name().as_str()),
        address: arena.optional(endpoint.address.as_ref()),
        address_ipv6: arena.optional(endpoint.address_ipv6.as_ref()),
        mac: arena.optional(endpoint.mac.as_ref()),
        sandbox: arena.optional(endpoint.sandbox.as_ref().map(|path| path.display()).as_ref()),
        flags: if endpoint.linked { NETNS_ENDPOINT_LINKED } else { 0 },
        interface: interface.map_or(std::ptr::null(), |interface| arena.place(interface)),
        json: arena.text(&json),
        slot: endpoint.meter.map_or(std::ptr::null(), |id| arena.place(netns_slot::from(id))),
        ports,
        port_count,
    })
}

/// Hands an endpoint out where that is wanted.
pub(crate) fn give_details(
    ret_details: Option<&mut MaybeUninit<*mut netns_endpoint_details>>,
    endpoint: &Endpoint,
) -> Result<()> {
    if let Some(ret_details) = ret_details {
        let mut arena = Arena::default();
        let details = show(&mut arena, endpoint)?;
        ret_details.write(hand_out(details, arena));
    }
    Ok(())
}

/// Makes an endpoint with its addresses, for netns_endpoint_join later (seed 004, CreateEndpoint).
///
/// @param network      the network
/// @param config       what the endpoint is to be
/// @param ret_details  the endpoint, for netns_endpoint_details_free; may be NULL
/// @param ret_error    what went wrong; may be NULL
/// @return 0; NETNS_STATUS_NOT_FOUND when the network is gone; NETNS_STATUS_ALREADY_EXISTS when it has an
///         endpoint of that name, or the address or a port that is wanted is taken, with the name of who has
///         it; NETNS_STATUS_RESOURCE_EXHAUSTED when no address or port is left; NETNS_STATUS_BAD_REQUEST for
///         ports as of netns_endpoint_publish. Nothing is left behind.
#[no_mangle]
pub unsafe extern "C" fn netns_endpoint_create(
    network: Option<&netns_network>,
    config: *const netns_endpoint_config,
    ret_details: Option<&mut MaybeUninit<*mut netns_endpoint_details>>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        let (controller, network) = get_network(network)?;
        // SAFETY: a struct by the header's rules.
        let config = unsafe { self::config(config) }?;
        give_details(ret_details, &controller.create_endpoint(network, config)?)
    })
}

/// Joins a sandbox to a network by an endpoint that is made for it and goes with it: its addresses are
/// chosen, and its interface is up and configured when this returns.
///
/// @param network      the network
/// @param sandbox      the sandbox
/// @param config       what the endpoint is to be
/// @param ret_details  the endpoint, for netns_endpoint_details_free; may be NULL
/// @param ret_error    what went wrong; may be NULL
/// @return as of netns_endpoint_create and netns_endpoint_join. Nothing is left behind.
#[no_mangle]
pub unsafe extern "C" fn netns_endpoint_connect(
    network: Option<&netns_network>,
    sandbox: Option<&netns_sandbox>,
    config: *const netns_endpoint_config,
    ret_details: Option<&mut MaybeUninit<*mut netns_endpoint_details>>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        let (controller, network) = get_network(network)?;
        let sandbox = get_sandbox(sandbox)?;
        // SAFETY: a struct by the header's rules.
        let config = unsafe { self::config(config) }?;
        give_details(ret_details, &controller.connect(network, sandbox, config)?)
    })
}

/// What netns_endpoint_connect would do; nothing is recorded, and no address is kept.
///
/// @param network    the network
/// @param sandbox    the sandbox
/// @param config     what the endpoint is to be
/// @param ret_plan   the plan, for netns_plan_free
/// @param ret_error  what went wrong; may be NULL
/// @return as of netns_endpoint_connect, as far as it can be known beforehand;
///         NETNS_STATUS_NOT_IMPLEMENTED for a network whose driver acts by itself
#[no_mangle]
pub unsafe extern "C" fn netns_endpoint_plan_connect(
    network: Option<&netns_network>,
    sandbox: Option<&netns_sandbox>,
    config: *const netns_endpoint_config,
    ret_plan: Option<&mut MaybeUninit<*mut netns_plan>>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        let (controller, network) = get_network(network)?;
        let sandbox = get_sandbox(sandbox)?;
        // SAFETY: a struct by the header's rules.
        let config = unsafe { self::config(config) }?;
        give_plan(ret_plan, || controller.plan_connect(network, sandbox, config))
    })
}

/// Joins a sandbox to a network by an endpoint that was made before (seed 004, Join). Of several endpoints of
/// a sandbox the one with the highest priority gives it its default gateways.
///
/// @param network      the network
/// @param endpoint     the endpoint's name
/// @param sandbox      the sandbox
/// @param ret_details  the endpoint, for netns_endpoint_details_free; may be NULL
/// @param ret_error    what went wrong; may be NULL
/// @return 0; NETNS_STATUS_NOT_FOUND when there is no such endpoint; NETNS_STATUS_BUSY when it is in a sandbox;
///         NETNS_STATUS_ALREADY_EXISTS when the sandbox has an interface of that name or a route that the
///         address overlaps. The endpoint is then as it was.
#[no_mangle]
pub unsafe extern "C" fn netns_endpoint_join(
    network: Option<&netns_network>,
    endpoint: *const c_char,
    sandbox: Option<&netns_sandbox>,
    ret_details: Option<&mut MaybeUninit<*mut netns_endpoint_details>>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        let (controller, network) = get_network(network)?;
        // SAFETY: a string by the header's rules.
        let endpoint = unsafe { text(endpoint, "endpoint") }?;
        let sandbox = get_sandbox(sandbox)?;
        give_details(ret_details, &controller.join(network, endpoint, sandbox)?)
    })
}

/// Takes an endpoint out of its sandbox (seed 004, Leave); it keeps its addresses. An endpoint that is gone,
/// or in no sandbox, is no error, nor is a sandbox that is gone.
///
/// @param network    the network
/// @param endpoint   the endpoint's name
/// @param ret_error  what went wrong; may be NULL
/// @return 0; NETNS_STATUS_PERMISSION_DENIED without CAP_NET_ADMIN
#[no_mangle]
pub unsafe extern "C" fn netns_endpoint_leave(
    network: Option<&netns_network>,
    endpoint: *const c_char,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        let (controller, network) = get_network(network)?;
        // SAFETY: a string by the header's rules.
        controller.leave(network, unsafe { text(endpoint, "endpoint") }?)
    })
}

/// Takes an endpoint out of its sandbox and deletes it: netns_endpoint_leave and netns_endpoint_delete in one.
///
/// @param network    the network
/// @param endpoint   the endpoint's name
/// @param ret_error  what went wrong; may be NULL
/// @return as of both
#[no_mangle]
pub unsafe extern "C" fn netns_endpoint_disconnect(
    network: Option<&netns_network>,
    endpoint: *const c_char,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        let (controller, network) = get_network(network)?;
        // SAFETY: a string by the header's rules.
        controller.disconnect(network, unsafe { text(endpoint, "endpoint") }?)
    })
}

/// Deletes an endpoint and gives its addresses back (seed 004, DeleteEndpoint); one that is gone is no error.
///
/// @param network    the network
/// @param endpoint   the endpoint's name
/// @param ret_error  what went wrong; may be NULL
/// @return 0; NETNS_STATUS_BUSY when it is in a sandbox
#[no_mangle]
pub unsafe extern "C" fn netns_endpoint_delete(
    network: Option<&netns_network>,
    endpoint: *const c_char,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        let (controller, network) = get_network(network)?;
        // SAFETY: a string by the header's rules.
        controller.delete_endpoint(network, unsafe { text(endpoint, "endpoint") }?)
    })
}

/// Forgets an endpoint and frees its addresses whatever its driver says, as when a driver is gone for good:
/// what the driver made of it is the driver's to clear away. One that is gone is no error.
///
/// @param network    the network
/// @param endpoint   the endpoint's name
/// @param ret_error  what went wrong; may be NULL
/// @return 0
#[no_mangle]
pub unsafe extern "C" fn netns_endpoint_forget(
    network: Option<&netns_network>,
    endpoint: *const c_char,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        let (controller, network) = get_network(network)?;
        // SAFETY: a string by the header's rules.
        controller.forget_endpoint(network, unsafe { text(endpoint, "endpoint") }?)
    })
}

/// An endpoint as it is now; netns_network_inspect lists their names.
///
/// @param network      the network
/// @param endpoint     the endpoint's name
/// @param ret_details  the endpoint, for netns_endpoint_details_free
/// @param ret_error    what went wrong; may be NULL
/// @return 0; NETNS_STATUS_NOT_FOUND when the network has none of that name
#[no_mangle]
pub unsafe extern "C" fn netns_endpoint_info(
    network: Option<&netns_network>,
    endpoint: *const c_char,
    ret_details: Option<&mut MaybeUninit<*mut netns_endpoint_details>>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        let (controller, network) = get_network(network)?;
        // SAFETY: a string by the header's rules.
        let endpoint = unsafe { text(endpoint, "endpoint") }?;
        let ret_details = required(ret_details, "ret_details")?;
        give_details(Some(ret_details), &controller.endpoint(network, endpoint)?)
    })
}

/// The endpoints of all networks, by the names of these and theirs.
///
/// @param controller     the controller
/// @param ret_endpoints  the endpoints, for netns_endpoints_free
/// @param ret_error      what went wrong; may be NULL
/// @return 0
#[no_mangle]
pub extern "C" fn netns_endpoint_list(
    controller: Option<&netns_controller>,
    ret_endpoints: Option<&mut MaybeUninit<*mut netns_endpoints>>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        let controller = get_controller(controller)?;
        let ret_endpoints = required(ret_endpoints, "ret_endpoints")?;
        let mut arena = Arena::default();
        let endpoints = controller.endpoints()?;
        let shown: Vec<_> =
            endpoints.iter().map(|endpoint| show(&mut arena, endpoint)).collect::<Result<_>>()?;
        let list = netns_endpoints {
            size: size_of::<netns_endpoints>(),
            endpoints: arena.pointers(shown),
            count: endpoints.len(),
        };
        ret_endpoints.write(hand_out(list, arena));
        Ok(())
    })
}

/// Frees a list of endpoints.
///
/// @param endpoints  the list; may be NULL
#[no_mangle]
pub unsafe extern "C" fn netns_endpoints_free(endpoints: *mut netns_endpoints) {
    // SAFETY: the list was handed out, and is freed once, by the header's rules.
    unsafe { take_back(endpoints) };
}

/// What the driver knows of an endpoint (seed 004, EndpointOperInfo).
///
/// @param network    the network
/// @param endpoint   the endpoint's name
/// @param ret_json   a JSON object, for netns_text_free
/// @param ret_error  what went wrong; may be NULL
/// @return 0; NETNS_STATUS_NOT_FOUND when the network has none of that name
#[no_mangle]
pub unsafe extern "C" fn netns_endpoint_oper_info(
    network: Option<&netns_network>,
    endpoint: *const c_char,
    ret_json: Option<&mut MaybeUninit<*mut c_char>>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        let (controller, network) = get_network(network)?;
        // SAFETY: a string by the header's rules.
        let endpoint = unsafe { text(endpoint, "endpoint") }?;
        let ret_json = required(ret_json, "ret_json")?;
        let info = controller.endpoint_oper_info(network, endpoint)?;
        ret_json.write(c_string(&serde_json::Value::Object(info).to_string()).into_raw());
        Ok(())
    })
}

/// Frees an endpoint's details.
///
/// @param details  the details; may be NULL
#[no_mangle]
pub unsafe extern "C" fn netns_endpoint_details_free(details: *mut netns_endpoint_details) {
    // SAFETY: they were handed out, and are freed once, by the header's rules.
    unsafe { take_back(details) };
}

/// Frees a text that the library handed out by itself.
///
/// @param text  the text; may be NULL
#[no_mangle]
pub unsafe extern "C" fn netns_text_free(text: *mut c_char) {
    if !text.is_null() {
        // SAFETY: it was handed out, and is freed once, by the header's rules.
        let text = unsafe { CString::from_raw(text) };
        plain((), || drop(text));
    }
}
