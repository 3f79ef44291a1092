//! Networks of a controller.

use std::ffi::{c_char, CString};
use std::mem::{size_of, MaybeUninit};
use std::ptr;
use std::sync::Arc;

use netns::{Controller, Error, NetworkConfig, NetworkDetails, Result, SubnetConfig};

use crate::arena::{hand_out, take_back, Arena};
use crate::boundary::{call, give, plain, required, Handle};
use crate::controller::{get as get_controller, netns_controller};
use crate::endpoint::{self, netns_endpoint_config, netns_endpoint_details};
use crate::error::netns_error;
use crate::firewall::{firewall, netns_firewall_config};
use crate::input::{
    check_flags, check_reserved, netns_pair, optional as optional_struct, pairs, sized, Growing,
};
use crate::meter::metering;
use crate::names::{give_names, netns_names};
use crate::plan::{give_plan, netns_plan};
use crate::text::{c_string, optional, parsed, text};

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

/// Its endpoints get IPv6 addresses. A subnet of that family says so, too.
pub const NETNS_NETWORK_IPV6: u64 = 1;
/// Its endpoints get no IPv4 addresses.
pub const NETNS_NETWORK_NO_IPV4: u64 = 2;
/// It has no way out: its endpoints get no default gateway.
pub const NETNS_NETWORK_INTERNAL: u64 = 4;

/// One subnet of a network.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct netns_subnet_config {
    /// Bytes of this struct.
    pub size: usize,
    /// The subnet, without bits beyond its prefix: "10.1.0.0/24".
    pub subnet: *const c_char,
    /// The gateway: "10.1.0.1"; NULL for the first free address.
    pub gateway: *const c_char,
    /// The part of the subnet from which endpoints get their addresses; NULL for all of it.
    pub range: *const c_char,
    /// Addresses that others have, by their names: they are never given out.
    pub auxiliary: *const netns_pair,
    /// How many.
    pub auxiliary_count: usize,
}

/// What a network is to be. All zeroes but the size, the name and the type are the defaults.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct netns_network_config {
    /// Bytes of this struct.
    pub size: usize,
    /// Its name: 1 to 64 letters, digits, '_', '.' and '-', the first a letter or a digit.
    pub name: *const c_char,
    /// Its type: "bridge", "routed", "macvlan", "host", "null", "loopback", or one that was registered.
    pub network_type: *const c_char,
    /// NETNS_NETWORK_ flags.
    pub flags: u64,
    /// Its IPv4 subnet; NULL for one that is chosen.
    pub ipv4: *const netns_subnet_config,
    /// Its IPv6 subnet; NULL for one that is chosen, when the flags ask for IPv6.
    pub ipv6: *const netns_subnet_config,
    /// Who gives out its addresses; "static" for nobody, so that they are its caller's choice; NULL for "default".
    pub ipam: *const c_char,
    /// Options of that.
    pub ipam_options: *const netns_pair,
    /// How many.
    pub ipam_option_count: usize,
    /// Options of the driver; one that it does not know is an error that lists those that it knows.
    pub options: *const netns_pair,
    /// How many.
    pub option_count: usize,
    /// For people and tools; the library reads none.
    pub labels: *const netns_pair,
    /// How many.
    pub label_count: usize,
    /// A netns_metering: whether the interfaces of its endpoints are metered, where bpf is permitted.
    pub meter: i32,
    /// 0.
    pub reserved: u32,
    /// What stands between it and everything else; NULL for the defaults.
    pub firewall: *const netns_firewall_config,
}

// SAFETY: pointers and integers without padding, the size first.
unsafe impl Growing for netns_subnet_config {
    const NAME: &'static str = "netns_subnet_config";
    const FIRST_SIZE: usize = 48;
}

// SAFETY: the same.
unsafe impl Growing for netns_network_config {
    const NAME: &'static str = "netns_network_config";
    const FIRST_SIZE: usize = 104;
}

/// # Safety
/// A struct by the header's rules.
unsafe fn subnet(at: *const netns_subnet_config, field: &str, is_ipv6: bool) -> Result<Option<SubnetConfig>> {
    // SAFETY: the same.
    unsafe {
        let Some(raw) = optional_struct(at, field)? else { return Ok(None) };
        let net = required(crate::interface::net(raw.subnet, "subnet")?, "subnet")?;
        if net.addr().is_ipv6() != is_ipv6 {
            return Err(Error::bad_request(
                "use argument",
                format!("{field}, {net}"),
                "it is of the other family",
            ));
        }
        let mut subnet = SubnetConfig::new(net);
        subnet.gateway = parsed(raw.gateway, "gateway")?;
        subnet.range = crate::interface::net(raw.range, "range")?;
        let auxiliary: Vec<(String, String)> = pairs(raw.auxiliary, raw.auxiliary_count, "auxiliary")?;
        for (name, address) in auxiliary {
            let address = address.parse().map_err(|_| {
                Error::bad_request("use argument", format!("auxiliary, {address:?}"), "it is no IP address")
            })?;
            subnet.auxiliary.insert(name, address);
        }
        Ok(Some(subnet))
    }
}

/// # Safety
/// A struct by the header's rules.
unsafe fn config(at: *const netns_network_config) -> Result<NetworkConfig> {
    // SAFETY: the same.
    unsafe {
        let raw = sized(at, "config")?;
        let known = NETNS_NETWORK_IPV6 | NETNS_NETWORK_NO_IPV4 | NETNS_NETWORK_INTERNAL;
        check_flags(raw.flags, known, "flags")?;
        let network_type = text(raw.network_type, "network_type")?;
        let mut config = NetworkConfig::new(network_type, text(raw.name, "name")?)?;
        config.ipv4 = raw.flags & NETNS_NETWORK_NO_IPV4 == 0;
        config.ipv6 = raw.flags & NETNS_NETWORK_IPV6 != 0;
        config.internal = raw.flags & NETNS_NETWORK_INTERNAL != 0;
        config.subnets.extend(subnet(raw.ipv4, "ipv4", false)?);
        config.subnets.extend(subnet(raw.ipv6, "ipv6", true)?);
        if let Some(ipam) = optional(raw.ipam, "ipam")? {
            ipam.clone_into(&mut config.ipam);
        }
        config.ipam_options = pairs(raw.ipam_options, raw.ipam_option_count, "ipam_options")?;
        config.options = pairs(raw.options, raw.option_count, "options")?;
        config.labels = pairs(raw.labels, raw.label_count, "labels")?;
        check_reserved(raw.reserved)?;
        config.meter = metering(raw.meter)?.unwrap_or(true);
        config.firewall = firewall(raw.firewall)?;
        Ok(config)
    }
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
        create(controller, unsafe { self::config(config) }?, ret_network)
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

/// A subnet of a network and how much of it is in use.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct netns_subnet {
    /// Bytes of this struct.
    pub size: usize,
    /// The subnet.
    pub subnet: *const c_char,
    /// The gateway; NULL for none.
    pub gateway: *const c_char,
    /// The part of the subnet from which endpoints get their addresses; NULL for all of it.
    pub range: *const c_char,
    /// Addresses in use, the gateway and auxiliary ones too; UINT64_MAX for that many and more.
    pub used: u64,
}

/// A network with its endpoints, as it was when it was asked for; freed by netns_network_details_free.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct netns_network_details {
    /// Bytes of this struct.
    pub size: usize,
    /// Its name.
    pub name: *const c_char,
    /// Its type.
    pub network_type: *const c_char,
    /// NETNS_NETWORK_ flags.
    pub flags: u64,
    /// Its subnets, at most one of each family.
    pub subnets: *const *const netns_subnet,
    /// How many.
    pub subnet_count: usize,
    /// The names of its endpoints.
    pub endpoints: *const *const c_char,
    /// How many.
    pub endpoint_count: usize,
    /// All of it as JSON: the definition, `endpoints`, `usage`.
    pub json: *const c_char,
}

fn show(details: &NetworkDetails) -> Result<*mut netns_network_details> {
    let mut arena = Arena::default();
    let config = &details.config;
    let flags = [
        (config.ipv6, NETNS_NETWORK_IPV6),
        (!config.ipv4, NETNS_NETWORK_NO_IPV4),
        (config.internal, NETNS_NETWORK_INTERNAL),
    ];
    let subnets = config.subnets.iter().map(|subnet| {
        let usage = details.usage.iter().find(|usage| usage.subnet == subnet.subnet);
        netns_subnet {
            size: size_of::<netns_subnet>(),
            subnet: arena.text(&subnet.subnet.to_string()),
            gateway: arena.optional(subnet.gateway.as_ref()),
            range: arena.optional(subnet.range.as_ref()),
            used: usage.map_or(0, |usage| u64::try_from(usage.used).unwrap_or(u64::MAX)),
        }
    });
    let subnets: Vec<_> = subnets.collect();
    let endpoints: Vec<_> =
        details.endpoints.iter().map(|endpoint| arena.text(endpoint.name().as_str())).collect();
    let json = serde_json::to_string(details)
        .map_err(|error| Error::bad_request("serialise", "a network", error.to_string()))?;
    let shown = netns_network_details {
        size: size_of::<netns_network_details>(),
        name: arena.text(config.name.as_str()),
        network_type: arena.text(&config.network_type),
        flags: flags.iter().filter(|(on, _)| *on).map(|(_, flag)| flag).sum(),
        subnet_count: subnets.len(),
        subnets: arena.pointers(subnets),
        endpoint_count: endpoints.len(),
        endpoints: arena.array(endpoints),
        json: arena.text(&json),
    };
    Ok(hand_out(shown, arena))
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
