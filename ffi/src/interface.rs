//! Interfaces, routes and neighbours, both ways.

use std::ffi::c_char;
use std::mem::{size_of, MaybeUninit};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::ptr;

use netns::ipnet::{IpNet, Ipv4Net, Ipv6Net};
use netns::{Destination, Error, Info, Interface, InterfaceName, Mtu, Neighbour, Result, StaticRoute};

use crate::arena::{hand_out, take_back, Arena};
use crate::boundary::required;
use crate::input::{check_reserved, sized, structs, Growing};
use crate::text::{optional, parsed, text};

/// A route of a sandbox besides those of its addresses and gateways (seed 004, AddStaticRoute).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct netns_route {
    /// Bytes of this struct.
    pub size: usize,
    /// Where it leads: "10.2.0.0/16".
    pub destination: *const c_char,
    /// The next hop: "10.1.0.1"; NULL binds the route to the interface.
    pub next_hop: *const c_char,
}

/// A permanent entry of the ARP or neighbour table.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct netns_neighbour {
    /// Bytes of this struct.
    pub size: usize,
    /// The IP address, or a multicast group.
    pub address: *const c_char,
    /// The MAC address that frames to it carry: "02:42:0a:01:00:05".
    pub mac: *const c_char,
}

/// A network device and its settings in a sandbox (seeds 000 and 002, Interface).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct netns_interface {
    /// Bytes of this struct.
    pub size: usize,
    /// Its name in the namespace that it comes from and goes back to.
    pub src_name: *const c_char,
    /// Its name in the sandbox. NULL, when it goes in, for `prefix` and the lowest number that is free.
    pub name: *const c_char,
    /// What its name in the sandbox begins with, when `name` is NULL; NULL for "eth". NULL when it comes out.
    pub prefix: *const c_char,
    /// Hardware address; NULL leaves the device's own.
    pub mac: *const c_char,
    /// IPv4 address with its prefix length, "10.1.0.5/24"; NULL for none.
    pub address: *const c_char,
    /// IPv6 address with its prefix length; NULL for none, and then the interface has no IPv6 at all.
    pub address_ipv6: *const c_char,
    /// Default gateway for IPv4; NULL for none.
    pub gateway: *const c_char,
    /// Default gateway for IPv6; NULL for none.
    pub gateway_ipv6: *const c_char,
    /// MTU in bytes; 0 leaves the device's own.
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
unsafe impl Growing for netns_route {
    const NAME: &'static str = "netns_route";
    const FIRST_SIZE: usize = 24;
}

// SAFETY: the same.
unsafe impl Growing for netns_neighbour {
    const NAME: &'static str = "netns_neighbour";
    const FIRST_SIZE: usize = 24;
}

// SAFETY: the same.
unsafe impl Growing for netns_interface {
    const NAME: &'static str = "netns_interface";
    const FIRST_SIZE: usize = 112;
}

/// Interfaces, freed by netns_interfaces_free.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct netns_interfaces {
    /// Bytes of this struct.
    pub size: usize,
    /// The interfaces; NULL when there are none.
    pub interfaces: *const *const netns_interface,
    /// How many.
    pub count: usize,
}

/// Everything that a sandbox holds (seed 000, Info), as it was when it was asked for; freed by
/// netns_info_free.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct netns_info {
    /// Bytes of this struct.
    pub size: usize,
    /// What joins and netns_sandbox_add_interface brought, never `lo`, by name.
    pub interfaces: *const *const netns_interface,
    /// How many.
    pub interface_count: usize,
    /// IPv4 default gateway; NULL for none.
    pub gateway: *const c_char,
    /// IPv6 default gateway; NULL for none.
    pub gateway_ipv6: *const c_char,
    /// Static routes that this library added, through whatever interface.
    pub routes: *const *const netns_route,
    /// How many.
    pub route_count: usize,
}

/// An IPv4 or IPv6 address with a prefix length, of the family that the field is for.
///
/// # Safety
/// A string by the header's rules.
pub(crate) unsafe fn net(at: *const c_char, name: &str) -> Result<Option<IpNet>> {
    // SAFETY: the same.
    let Some(text) = (unsafe { optional(at, name) })? else { return Ok(None) };
    text.parse().map(Some).map_err(|_| {
        let cause = "it is no address with a prefix length, such as 10.1.0.5/24";
        Error::bad_request("use argument", format!("{name}, {text:?}"), cause)
    })
}

/// # Safety
/// A string by the header's rules.
pub(crate) unsafe fn net_v4(at: *const c_char, name: &str) -> Result<Option<Ipv4Net>> {
    // SAFETY: the same.
    match unsafe { net(at, name) }? {
        Some(IpNet::V6(net)) => Err(other_family(name, &net.to_string(), "IPv4")),
        Some(IpNet::V4(net)) => Ok(Some(net)),
        None => Ok(None),
    }
}

/// # Safety
/// A string by the header's rules.
pub(crate) unsafe fn net_v6(at: *const c_char, name: &str) -> Result<Option<Ipv6Net>> {
    // SAFETY: the same.
    match unsafe { net(at, name) }? {
        Some(IpNet::V4(net)) => Err(other_family(name, &net.to_string(), "IPv6")),
        Some(IpNet::V6(net)) => Ok(Some(net)),
        None => Ok(None),
    }
}

fn other_family(name: &str, net: &str, family: &str) -> Error {
    Error::bad_request("use argument", format!("{name}, {net}"), format!("it is for {family}"))
}

/// MTU in bytes; 0 for none.
pub(crate) fn mtu(bytes: u32) -> Result<Option<Mtu>> {
    (bytes != 0).then(|| Mtu::new(bytes)).transpose()
}

/// The interface's exact name, or what it begins with.
///
/// # Safety
/// Strings by the header's rules.
pub(crate) unsafe fn destination(
    name: *const c_char,
    prefix: *const c_char,
    names: [&str; 2],
) -> Result<Destination> {
    // SAFETY: the same.
    let [name, prefix] = unsafe { [optional(name, names[0])?, optional(prefix, names[1])?] };
    match (name, prefix) {
        (Some(_), Some(_)) => {
            let cause = format!("it is one of two with {}: set either", names[1]);
            Err(Error::bad_request("use argument", names[0], cause))
        }
        (Some(name), None) => Ok(Destination::Name(InterfaceName::new(name)?)),
        (None, Some(prefix)) => Ok(Destination::Prefix(InterfaceName::new(prefix)?)),
        (None, None) => Ok(Destination::default()),
    }
}

/// # Safety
/// A struct with strings by the header's rules.
pub(crate) unsafe fn route(raw: &netns_route) -> Result<StaticRoute> {
    // SAFETY: the same.
    unsafe {
        let destination = required(net(raw.destination, "destination")?, "destination")?;
        Ok(StaticRoute { destination, next_hop: parsed(raw.next_hop, "next_hop")? })
    }
}

/// # Safety
/// An array of structs with strings by the header's rules.
pub(crate) unsafe fn routes(at: *const *const netns_route, count: usize) -> Result<Vec<StaticRoute>> {
    // SAFETY: the same.
    unsafe { structs(at, count, "routes")?.iter().map(|raw| route(raw)).collect() }
}

/// # Safety
/// An array of structs with strings by the header's rules.
pub(crate) unsafe fn neighbours(at: *const *const netns_neighbour, count: usize) -> Result<Vec<Neighbour>> {
    // SAFETY: the same.
    let read = |raw: &netns_neighbour| unsafe {
        let address = required(parsed(raw.address, "address")?, "address")?;
        let mac = required(parsed(raw.mac, "mac")?, "mac")?;
        Ok(Neighbour { address, mac })
    };
    // SAFETY: the same.
    unsafe { structs(at, count, "neighbours") }?.iter().map(read).collect()
}

/// # Safety
/// A struct by the header's rules.
pub(crate) unsafe fn interface(at: *const netns_interface, name: &str) -> Result<Interface> {
    // SAFETY: the same.
    unsafe {
        let raw = sized(at, name)?;
        check_reserved(raw.reserved)?;
        let mut interface = Interface::new(text(raw.src_name, "src_name")?)?;
        interface.destination = destination(raw.name, raw.prefix, ["name", "prefix"])?;
        interface.mac = parsed(raw.mac, "mac")?;
        interface.address = net_v4(raw.address, "address")?;
        interface.address_ipv6 = net_v6(raw.address_ipv6, "address_ipv6")?;
        interface.gateway = parsed::<Ipv4Addr>(raw.gateway, "gateway")?;
        interface.gateway_ipv6 = parsed::<Ipv6Addr>(raw.gateway_ipv6, "gateway_ipv6")?;
        interface.mtu = mtu(raw.mtu)?;
        interface.routes = routes(raw.routes, raw.route_count)?;
        interface.neighbours = neighbours(raw.neighbours, raw.neighbour_count)?;
        Ok(interface)
    }
}

/// Routes as C sees them.
fn show_routes(arena: &mut Arena, routes: &[StaticRoute]) -> *const *const netns_route {
    let shown: Vec<_> = routes
        .iter()
        .map(|route| netns_route {
            size: size_of::<netns_route>(),
            destination: arena.text(&route.destination.to_string()),
            next_hop: arena.optional(route.next_hop.as_ref()),
        })
        .collect();
    arena.pointers(shown)
}

/// An interface as C sees it.
pub(crate) fn show_interface(arena: &mut Arena, interface: &Interface) -> netns_interface {
    let neighbours: Vec<_> = interface
        .neighbours
        .iter()
        .map(|neighbour| netns_neighbour {
            size: size_of::<netns_neighbour>(),
            address: arena.text(&neighbour.address.to_string()),
            mac: arena.text(&neighbour.mac.to_string()),
        })
        .collect();
    let (name, prefix) = match &interface.destination {
        Destination::Name(name) => (arena.text(name.as_str()), ptr::null()),
        Destination::Prefix(prefix) => (ptr::null(), arena.text(prefix.as_str())),
    };
    netns_interface {
        size: size_of::<netns_interface>(),
        src_name: arena.text(interface.src_name.as_str()),
        name,
        prefix,
        mac: arena.optional(interface.mac.as_ref()),
        address: arena.optional(interface.address.as_ref()),
        address_ipv6: arena.optional(interface.address_ipv6.as_ref()),
        gateway: arena.optional(interface.gateway.as_ref()),
        gateway_ipv6: arena.optional(interface.gateway_ipv6.as_ref()),
        mtu: interface.mtu.map_or(0, Mtu::get),
        reserved: 0,
        routes: show_routes(arena, &interface.routes),
        route_count: interface.routes.len(),
        neighbours: arena.pointers(neighbours),
        neighbour_count: interface.neighbours.len(),
    }
}

pub(crate) fn show_interfaces(arena: &mut Arena, interfaces: &[Interface]) -> *const *const netns_interface {
    let shown: Vec<_> = interfaces.iter().map(|interface| show_interface(arena, interface)).collect();
    arena.pointers(shown)
}

/// Hands out a list of interfaces.
pub(crate) fn give_interfaces(out: &mut MaybeUninit<*mut netns_interfaces>, interfaces: &[Interface]) {
    let mut arena = Arena::default();
    let list = netns_interfaces {
        size: size_of::<netns_interfaces>(),
        interfaces: show_interfaces(&mut arena, interfaces),
        count: interfaces.len(),
    };
    out.write(hand_out(list, arena));
}

/// Hands out what a sandbox holds.
pub(crate) fn give_info(out: &mut MaybeUninit<*mut netns_info>, info: &Info) {
    let mut arena = Arena::default();
    let shown = netns_info {
        size: size_of::<netns_info>(),
        interfaces: show_interfaces(&mut arena, &info.interfaces),
        interface_count: info.interfaces.len(),
        gateway: arena.optional(info.gateway.as_ref()),
        gateway_ipv6: arena.optional(info.gateway_ipv6.as_ref()),
        routes: show_routes(&mut arena, &info.routes),
        route_count: info.routes.len(),
    };
    out.write(hand_out(shown, arena));
}

/// Frees a list of interfaces.
///
/// @param interfaces  the list; may be NULL
#[no_mangle]
pub unsafe extern "C" fn netns_interfaces_free(interfaces: *mut netns_interfaces) {
    // SAFETY: the list was handed out, and is freed once, by the header's rules.
    unsafe { take_back(interfaces) };
}

/// Frees what a sandbox holds.
///
/// @param info  what it holds; may be NULL
#[no_mangle]
pub unsafe extern "C" fn netns_info_free(info: *mut netns_info) {
    // SAFETY: it was handed out, and is freed once, by the header's rules.
    unsafe { take_back(info) };
}
