//! Bridge networks of which nothing but the kernel knows.

use std::ffi::{c_char, CString};
use std::mem::MaybeUninit;
use std::ptr;

use netns::{EndpointOptions, InterfaceName, Network, NetworkOptions, Result};

use crate::boundary::{call, discard, give, required, Handle};
use crate::error::netns_error;
use crate::input::{check_flags, check_reserved, optional as optional_struct, sized, Growing};
use crate::interface::{
    destination, give_interfaces, mtu, neighbours, net_v4, net_v6, netns_interfaces, netns_neighbour,
    netns_route, routes,
};
use crate::plan::{give_plan, netns_plan};
use crate::sandbox::{get as get_sandbox, netns_sandbox};
use crate::text::{c_string, optional, parsed, text};

/// A bridge network without a controller: nothing but the kernel knows of it, and the caller chooses all
/// addresses (seed 002, Network).
pub struct netns_bridge {
    handle: Handle<Network>,
    name: CString,
    device: CString,
    mtu: u32,
}

fn get(bridge: Option<&netns_bridge>) -> Result<&Network> {
    required(bridge, "bridge")?.handle.get()
}

/// Frames may leave through the port that they came in by.
pub const NETNS_BRIDGE_HAIRPIN: u64 = 1;
/// Endpoints reach the host and not one another.
pub const NETNS_BRIDGE_ISOLATED: u64 = 2;
/// A new bridge snoops on multicast. Without it multicast reaches every port; with it each join takes longer
/// the more ports there are.
pub const NETNS_BRIDGE_MULTICAST_SNOOPING: u64 = 4;

/// Options of a bridge network. All zeroes but the size are the defaults.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct netns_bridge_options {
    /// Bytes of this struct.
    pub size: usize,
    /// NETNS_BRIDGE_ flags.
    pub flags: u64,
    /// The bridge; made when it is missing. NULL for "br-" and the network's name.
    pub bridge: *const c_char,
    /// IPv4 gateway, an address of the bridge in the subnet of the endpoints, "10.1.0.1/24"; NULL for none.
    pub gateway: *const c_char,
    /// IPv6 gateway; NULL for none.
    pub gateway_ipv6: *const c_char,
    /// Hardware address of a new bridge; NULL for a random one.
    pub mac: *const c_char,
    /// MTU in bytes; 0 takes that of a bridge that exists, and for a new one the lowest of the interfaces with
    /// a default route, or 1500.
    pub mtu: u32,
    /// Length of the endpoints' transmit queues in packets; 0 leaves the kernel's 1000.
    pub tx_queue_len: u32,
}

/// Frames may leave through the port that they came in by, whatever the network says.
pub const NETNS_BRIDGE_ENDPOINT_HAIRPIN: u64 = 1;
/// They may not, whatever the network says.
pub const NETNS_BRIDGE_ENDPOINT_NO_HAIRPIN: u64 = 2;
/// It reaches the host and no other isolated endpoint, whatever the network says.
pub const NETNS_BRIDGE_ENDPOINT_ISOLATED: u64 = 4;
/// It is not isolated, whatever the network says.
pub const NETNS_BRIDGE_ENDPOINT_NOT_ISOLATED: u64 = 8;
/// The network's gateways do not become the sandbox's.
pub const NETNS_BRIDGE_ENDPOINT_NO_DEFAULT_ROUTE: u64 = 16;

/// What an endpoint of a bridge network is to be. All zeroes but the size and the name are the defaults.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct netns_bridge_endpoint {
    /// Bytes of this struct.
    pub size: usize,
    /// Its name, unique in the network: a container's id, say.
    pub name: *const c_char,
    /// What the interface is called in the sandbox; NULL for `interface_prefix`.
    pub interface_name: *const c_char,
    /// What its name begins with, followed by the lowest number that is free; NULL for "eth".
    pub interface_prefix: *const c_char,
    /// IPv4 address with its prefix length, "10.1.0.5/24"; NULL for none.
    pub address: *const c_char,
    /// IPv6 address with its prefix length; NULL for none, and then the interface has no IPv6 at all.
    pub address_ipv6: *const c_char,
    /// Hardware address; NULL for a random one.
    pub mac: *const c_char,
    /// NETNS_BRIDGE_ENDPOINT_ flags.
    pub flags: u64,
    /// MTU in bytes, at most the network's; 0 for the network's.
    pub mtu: u32,
    /// 0.
    pub reserved: u32,
    /// Routes through this interface besides those of its addresses and gateways.
    pub routes: *const *const netns_route,
    /// How many.
    pub route_count: usize,
    /// Neighbours that never have to be asked for.
    pub neighbours: *const *const netns_neighbour,
    /// How many.
    pub neighbour_count: usize,
}

// SAFETY: pointers and integers without padding, the size first.
unsafe impl Growing for netns_bridge_options {
    const NAME: &'static str = "netns_bridge_options";
    const FIRST_SIZE: usize = 56;
}

// SAFETY: the same.
unsafe impl Growing for netns_bridge_endpoint {
    const NAME: &'static str = "netns_bridge_endpoint";
    const FIRST_SIZE: usize = 104;
}

/// # Safety
/// A struct by the header's rules.
unsafe fn options(at: *const netns_bridge_options) -> Result<NetworkOptions> {
    let mut options = NetworkOptions::default();
    // SAFETY: the same.
    unsafe {
        let Some(raw) = optional_struct(at, "options")? else { return Ok(options) };
        let known = NETNS_BRIDGE_HAIRPIN | NETNS_BRIDGE_ISOLATED | NETNS_BRIDGE_MULTICAST_SNOOPING;
        check_flags(raw.flags, known, "flags")?;
        options.bridge = optional(raw.bridge, "bridge")?.map(InterfaceName::new).transpose()?;
        options.gateway = net_v4(raw.gateway, "gateway")?;
        options.gateway_ipv6 = net_v6(raw.gateway_ipv6, "gateway_ipv6")?;
        options.mac = parsed(raw.mac, "mac")?;
        options.mtu = mtu(raw.mtu)?;
        options.tx_queue_len = (raw.tx_queue_len != 0).then_some(raw.tx_queue_len);
        options.hairpin = raw.flags & NETNS_BRIDGE_HAIRPIN != 0;
        options.isolated = raw.flags & NETNS_BRIDGE_ISOLATED != 0;
        options.multicast_snooping = raw.flags & NETNS_BRIDGE_MULTICAST_SNOOPING != 0;
    }
    Ok(options)
}

/// On, off, or the network's choice; both are refused.
fn choice(flags: u64, on: u64, off: u64) -> Result<Option<bool>> {
    match (flags & on != 0, flags & off != 0) {
        (true, true) => Err(netns::Error::bad_request(
            "use argument",
            format!("flags, {flags:#x}"),
            "two of them contradict one another",
        )),
        (false, false) => Ok(None),
        (on, _) => Ok(Some(on)),
    }
}

/// # Safety
/// A struct by the header's rules.
unsafe fn endpoint(at: *const netns_bridge_endpoint) -> Result<EndpointOptions> {
    const KNOWN: u64 = (NETNS_BRIDGE_ENDPOINT_NO_DEFAULT_ROUTE << 1) - 1;
    // SAFETY: the same.
    unsafe {
        let raw = sized(at, "endpoint")?;
        check_flags(raw.flags, KNOWN, "flags")?;
        check_reserved(raw.reserved)?;
        let mut options = EndpointOptions::new(text(raw.name, "name")?)?;
        let names = ["interface_name", "interface_prefix"];
        options.destination = destination(raw.interface_name, raw.interface_prefix, names)?;
        options.address = net_v4(raw.address, "address")?;
        options.address_ipv6 = net_v6(raw.address_ipv6, "address_ipv6")?;
        options.mac = parsed(raw.mac, "mac")?;
        options.mtu = mtu(raw.mtu)?;
        options.routes = routes(raw.routes, raw.route_count)?;
        options.neighbours = neighbours(raw.neighbours, raw.neighbour_count)?;
        options.default_route = raw.flags & NETNS_BRIDGE_ENDPOINT_NO_DEFAULT_ROUTE == 0;
        options.hairpin = choice(raw.flags, NETNS_BRIDGE_ENDPOINT_HAIRPIN, NETNS_BRIDGE_ENDPOINT_NO_HAIRPIN)?;
        options.isolated =
            choice(raw.flags, NETNS_BRIDGE_ENDPOINT_ISOLATED, NETNS_BRIDGE_ENDPOINT_NOT_ISOLATED)?;
        Ok(options)
    }
}

/// Makes a bridge network, or takes over a bridge that exists (seed 002, NewNetwork).
///
/// @param name        its name: 1 to 64 letters, digits, '_', '.' and '-', the first a letter or a digit
/// @param options     what it is to be; may be NULL, for the defaults
/// @param ret_bridge  the network, for netns_bridge_free
/// @param ret_error   what went wrong; may be NULL
/// @return 0; NETNS_STATUS_BAD_REQUEST for options that contradict one another or the bridge that is there;
///         NETNS_STATUS_ALREADY_EXISTS when what is called so is no bridge
#[no_mangle]
pub unsafe extern "C" fn netns_bridge_create(
    name: *const c_char,
    options: *const netns_bridge_options,
    ret_bridge: Option<&mut MaybeUninit<*mut netns_bridge>>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        // SAFETY: a string and a struct by the header's rules.
        let (name, options) = unsafe { (text(name, "name")?, self::options(options)?) };
        let ret_bridge = required(ret_bridge, "ret_bridge")?;
        let network = Network::create("bridge", name, options)?;
        let (name, device) = (c_string(name), c_string(network.bridge().as_str()));
        let mtu = network.mtu().get();
        give(ret_bridge, netns_bridge { handle: Handle::new(network), name, device, mtu });
        Ok(())
    })
}

/// Its name. Lasts as long as the object.
///
/// @param bridge  the network; may be NULL, as is the answer then
#[no_mangle]
pub extern "C" fn netns_bridge_name(bridge: Option<&netns_bridge>) -> *const c_char {
    bridge.map_or(ptr::null(), |bridge| bridge.name.as_ptr())
}

/// The name of the bridge itself, a link of the host. Lasts as long as the object.
///
/// @param bridge  the network; may be NULL, as is the answer then
#[no_mangle]
pub extern "C" fn netns_bridge_device(bridge: Option<&netns_bridge>) -> *const c_char {
    bridge.map_or(ptr::null(), |bridge| bridge.device.as_ptr())
}

/// The bridge's MTU in bytes, the most that an endpoint's can be.
///
/// @param bridge  the network; may be NULL, and the answer is 0 then
#[no_mangle]
pub extern "C" fn netns_bridge_mtu(bridge: Option<&netns_bridge>) -> u32 {
    bridge.map_or(0, |bridge| bridge.mtu)
}

/// Makes an endpoint of two devices in the host: one on the bridge, one that is ready to move, which the
/// interface names (seed 002, Link). netns_bridge_join makes the same in a fraction of the time.
///
/// @param bridge          the network
/// @param endpoint        what the endpoint is to be
/// @param ret_interfaces  the interface, to be handed to netns_sandbox_add_interface, for
///                        netns_interfaces_free
/// @param ret_error       what went wrong; may be NULL
/// @return 0; NETNS_STATUS_ALREADY_EXISTS when the network has an endpoint of that name;
///         NETNS_STATUS_BAD_REQUEST when the settings contradict one another or the network
#[no_mangle]
pub unsafe extern "C" fn netns_bridge_link(
    bridge: Option<&netns_bridge>,
    endpoint: *const netns_bridge_endpoint,
    ret_interfaces: Option<&mut MaybeUninit<*mut netns_interfaces>>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        let network = get(bridge)?;
        // SAFETY: a struct by the header's rules.
        let endpoint = unsafe { self::endpoint(endpoint) }?;
        let ret_interfaces = required(ret_interfaces, "ret_interfaces")?;
        give_interfaces(ret_interfaces, &network.link(&endpoint)?);
        Ok(())
    })
}

/// What netns_bridge_link would do.
///
/// @param bridge     the network
/// @param endpoint   what the endpoint is to be
/// @param ret_plan   the plan, for netns_plan_free
/// @param ret_error  what went wrong; may be NULL
/// @return as of netns_bridge_link, as far as it can be known beforehand
#[no_mangle]
pub unsafe extern "C" fn netns_bridge_plan_link(
    bridge: Option<&netns_bridge>,
    endpoint: *const netns_bridge_endpoint,
    ret_plan: Option<&mut MaybeUninit<*mut netns_plan>>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        let network = get(bridge)?;
        // SAFETY: a struct by the header's rules.
        let endpoint = unsafe { self::endpoint(endpoint) }?;
        give_plan(ret_plan, || network.plan_link(&endpoint))
    })
}

/// Removes an endpoint, wherever its interface is by now; one that is gone is no error.
///
/// @param bridge     the network
/// @param endpoint   the endpoint's name
/// @param ret_error  what went wrong; may be NULL
/// @return 0; NETNS_STATUS_PERMISSION_DENIED without CAP_NET_ADMIN
#[no_mangle]
pub unsafe extern "C" fn netns_bridge_unlink(
    bridge: Option<&netns_bridge>,
    endpoint: *const c_char,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        let network = get(bridge)?;
        // SAFETY: a string by the header's rules.
        network.unlink(unsafe { text(endpoint, "endpoint") }?)
    })
}

/// Joins a sandbox to the network: its interface is born inside with its final name, and is up and configured
/// when this returns.
///
/// @param bridge          the network
/// @param sandbox         the sandbox
/// @param endpoint        what the endpoint is to be
/// @param ret_interfaces  that one interface, for netns_interfaces_free; may be NULL
/// @param ret_error       what went wrong; may be NULL
/// @return 0; NETNS_STATUS_ALREADY_EXISTS when the network has an endpoint of that name, the sandbox an
///         interface of that name, or a route that the address overlaps; NETNS_STATUS_BAD_REQUEST when the
///         settings contradict one another or the network; NETNS_STATUS_RESOURCE_EXHAUSTED when the bridge is
///         full. Nothing is left behind.
#[no_mangle]
pub unsafe extern "C" fn netns_bridge_join(
    bridge: Option<&netns_bridge>,
    sandbox: Option<&netns_sandbox>,
    endpoint: *const netns_bridge_endpoint,
    ret_interfaces: Option<&mut MaybeUninit<*mut netns_interfaces>>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        let network = get(bridge)?;
        let sandbox = get_sandbox(sandbox)?;
        // SAFETY: a struct by the header's rules.
        let endpoint = unsafe { self::endpoint(endpoint) }?;
        let interface = network.join(sandbox, &endpoint)?;
        if let Some(ret_interfaces) = ret_interfaces {
            give_interfaces(ret_interfaces, &[interface]);
        }
        Ok(())
    })
}

/// What netns_bridge_join would do; netns_bridge_apply carries it out.
///
/// @param bridge     the network
/// @param sandbox    the sandbox
/// @param endpoint   what the endpoint is to be
/// @param ret_plan   the plan, for netns_plan_free
/// @param ret_error  what went wrong; may be NULL
/// @return as of netns_bridge_join, as far as it can be known beforehand
#[no_mangle]
pub unsafe extern "C" fn netns_bridge_plan_join(
    bridge: Option<&netns_bridge>,
    sandbox: Option<&netns_sandbox>,
    endpoint: *const netns_bridge_endpoint,
    ret_plan: Option<&mut MaybeUninit<*mut netns_plan>>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        let network = get(bridge)?;
        let sandbox = get_sandbox(sandbox)?;
        // SAFETY: a struct by the header's rules.
        let endpoint = unsafe { self::endpoint(endpoint) }?;
        give_plan(ret_plan, || network.plan_join(sandbox, &endpoint))
    })
}

/// Carries out a plan of this network and a sandbox, as a whole or not at all.
///
/// @param bridge     the network
/// @param plan       the plan
/// @param sandbox    the sandbox
/// @param ret_error  what went wrong; may be NULL. netns_error_rollback tells what could not be undone
/// @return 0, or that of the first step that failed
#[no_mangle]
pub extern "C" fn netns_bridge_apply(
    bridge: Option<&netns_bridge>,
    plan: Option<&netns_plan>,
    sandbox: Option<&netns_sandbox>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        let network = get(bridge)?;
        let plan = required(plan, "plan")?;
        network.apply(plan.plan(), get_sandbox(sandbox)?)
    })
}

/// Deletes the network: the bridge when this library made it for this network, else the gateway addresses
/// that this library added alone. A network that is gone is no error. The object stays to be freed.
///
/// @param bridge     the network
/// @param ret_error  what went wrong; may be NULL
/// @return 0; NETNS_STATUS_BUSY when endpoints are left, with their number
#[no_mangle]
pub extern "C" fn netns_bridge_delete(
    bridge: Option<&netns_bridge>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || get(bridge)?.delete())
}

/// Frees the object; the network stays.
///
/// @param bridge  the object; may be NULL
#[no_mangle]
pub extern "C" fn netns_bridge_free(bridge: Option<Box<netns_bridge>>) {
    discard(bridge);
}
