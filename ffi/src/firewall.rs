//! What stands between a network and everything else; ports of the host that are an endpoint's.

use std::ffi::c_char;
use std::mem::MaybeUninit;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use netns::{FirewallConfig, FirewallMode, FirewallWatch, GatewayMode, Isolate, PortMapping, Result};

use crate::arena::Arena;
use crate::boundary::{call, give, plain, required, Handle};
use crate::controller::{get as get_controller, netns_controller};
use crate::error::netns_error;
use crate::input::{array, check_flags, check_reserved, chosen, optional as optional_struct, Growing};
use crate::names::{give_names, netns_names};
use crate::network::{get as get_network, netns_network};
use crate::text::{parsed, text};

/// Puts the firewall back whenever somebody takes it away, until it is freed.
pub struct netns_firewall_watch {
    handle: Handle<FirewallWatch>,
}

/// What leaves the network keeps its endpoints' addresses.
pub const NETNS_FIREWALL_NO_MASQUERADE: u64 = 1;
/// The network's endpoints do not reach one another (inter-container communication).
pub const NETNS_FIREWALL_NO_ICC: u64 = 2;
/// The network's endpoints may send from addresses that are not their own, MAC and IP.
pub const NETNS_FIREWALL_NO_ANTI_SPOOFING: u64 = 4;

/// What becomes of a network without a firewall.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum netns_firewall {
    /// Where the kernel has no nf_tables, or the process no right to them, the network is refused before
    /// anything is made.
    Required = 0,
    /// The network does without; the log says so once for each controller. Ports cannot be published then.
    Optional = 1,
    /// The network has none, whatever the kernel has, and no forwarding is switched on for it.
    Off = 2,
}

/// How a network and the outside reach each other (Docker's gateway_mode).
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum netns_gateway {
    /// By the host's addresses: out by masquerade, in by published ports.
    Nat = 0,
    /// By the endpoints' own addresses, which the outside has a route to: nothing is translated, and of the
    /// endpoints' ports those that are published are open.
    Routed = 1,
    /// Not at all, and the host has no address in the network: its endpoints get no gateway. Of type "bridge"
    /// alone.
    Isolated = 2,
}

/// What a network has to do with other networks of this library. Of two the stricter counts.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum netns_isolate {
    /// They reach each other's published ports alone.
    On = 0,
    /// They do not reach each other.
    Strict = 1,
    /// They reach each other.
    Off = 2,
}

/// A network's firewall: its way out, who may reach it, and what its endpoints may send. Of networks of type
/// "bridge" and "routed". All zeroes but the size are the defaults.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct netns_firewall_config {
    /// Bytes of this struct.
    pub size: usize,
    /// NETNS_FIREWALL_NO_ flags.
    pub flags: u64,
    /// A netns_firewall: what becomes of the network where there can be no firewall.
    pub mode: i32,
    /// A netns_gateway: how the network is reached from outside.
    pub gateway_mode: i32,
    /// A netns_isolate: who of this library's other networks may reach its endpoints.
    pub isolate: i32,
    /// 0.
    pub reserved: u32,
    /// The IPv4 address that packets leave with, "192.0.2.7"; NULL for that of the interface that they leave by.
    pub source: *const c_char,
    /// The same of IPv6; NULL for that of the interface.
    pub source_ipv6: *const c_char,
}

// SAFETY: pointers and integers without padding, the size first.
unsafe impl Growing for netns_firewall_config {
    const NAME: &'static str = "netns_firewall_config";
    const FIRST_SIZE: usize = 48;
}

/// The firewall of a network's configuration.
///
/// # Safety
/// NULL, or a struct by the header's rules.
pub(crate) unsafe fn firewall(at: *const netns_firewall_config) -> Result<FirewallConfig> {
    let mut config = FirewallConfig::default();
    // SAFETY: the same.
    let Some(raw) = (unsafe { optional_struct(at, "firewall") })? else { return Ok(config) };
    let known = NETNS_FIREWALL_NO_MASQUERADE | NETNS_FIREWALL_NO_ICC | NETNS_FIREWALL_NO_ANTI_SPOOFING;
    check_flags(raw.flags, known, "flags")?;
    check_reserved(raw.reserved)?;
    config.mode = mode(raw.mode)?;
    config.gateway_mode = gateway_mode(raw.gateway_mode)?;
    config.isolate = isolate(raw.isolate)?;
    config.masquerade = raw.flags & NETNS_FIREWALL_NO_MASQUERADE == 0;
    config.icc = raw.flags & NETNS_FIREWALL_NO_ICC == 0;
    config.anti_spoofing = raw.flags & NETNS_FIREWALL_NO_ANTI_SPOOFING == 0;
    // SAFETY: the same.
    unsafe {
        config.source.extend(parsed::<Ipv4Addr>(raw.source, "source")?.map(IpAddr::V4));
        config.source.extend(parsed::<Ipv6Addr>(raw.source_ipv6, "source_ipv6")?.map(IpAddr::V6));
    }
    Ok(config)
}

fn mode(number: i32) -> Result<FirewallMode> {
    let known = [
        (netns_firewall::Required as i32, FirewallMode::Required),
        (netns_firewall::Optional as i32, FirewallMode::Optional),
        (netns_firewall::Off as i32, FirewallMode::Off),
    ];
    chosen(number, &known, "mode", "netns_firewall")
}

fn gateway_mode(number: i32) -> Result<GatewayMode> {
    let known = [
        (netns_gateway::Nat as i32, GatewayMode::Nat),
        (netns_gateway::Routed as i32, GatewayMode::Routed),
        (netns_gateway::Isolated as i32, GatewayMode::Isolated),
    ];
    chosen(number, &known, "gateway_mode", "netns_gateway")
}

fn isolate(number: i32) -> Result<Isolate> {
    let known = [
        (netns_isolate::On as i32, Isolate::On),
        (netns_isolate::Strict as i32, Isolate::Strict),
        (netns_isolate::Off as i32, Isolate::Off),
    ];
    chosen(number, &known, "isolate", "netns_isolate")
}

/// Ports of the caller's.
///
/// # Safety
/// `count` strings at `at`.
pub(crate) unsafe fn ports(at: *const *const c_char, count: usize) -> Result<Vec<PortMapping>> {
    let read = |port: &*const c_char| {
        // SAFETY: the same.
        required(unsafe { parsed(*port, "ports") }?, "ports")
    };
    // SAFETY: the same.
    unsafe { array(at, count, "ports") }?.iter().map(read).collect()
}

/// Ports for the caller, and how many.
pub(crate) fn show_ports(arena: &mut Arena, ports: &[PortMapping]) -> (*const *const c_char, usize) {
    let texts: Vec<_> = ports.iter().map(|port| arena.text(&port.to_string())).collect();
    (arena.array(texts), ports.len())
}

/// Publishes ports of an endpoint, besides those that it has. Those of an endpoint that is in no sandbox are
/// kept for it, and open when it joins one.
///
/// @param network        the network
/// @param endpoint       the endpoint's name
/// @param ports          the ports, as `ports` of netns_endpoint_config; not looked at when `port_count` is 0
/// @param port_count     how many
/// @param ret_published  the same with the host's ports filled in, in that order, for netns_names_free; may be
///                       NULL
/// @param ret_error      what went wrong; may be NULL
/// @return 0; NETNS_STATUS_NOT_FOUND when there is no such endpoint; NETNS_STATUS_ALREADY_EXISTS when a port is
///         another endpoint's, or a socket of the host listens on it, with the name of either;
///         NETNS_STATUS_RESOURCE_EXHAUSTED when no port is left to choose; NETNS_STATUS_BAD_REQUEST for what is
///         no port, for an address that is not the host's or of a family that the endpoint has not, and for a
///         network without a firewall; NETNS_STATUS_PERMISSION_DENIED without CAP_NET_ADMIN. No port is then
///         published.
#[no_mangle]
pub unsafe extern "C" fn netns_endpoint_publish(
    network: Option<&netns_network>,
    endpoint: *const c_char,
    ports: *const *const c_char,
    port_count: usize,
    ret_published: Option<&mut MaybeUninit<*mut netns_names>>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        let (controller, network) = get_network(network)?;
        // SAFETY: strings by the header's rules.
        let (endpoint, ports) = unsafe { (text(endpoint, "endpoint")?, self::ports(ports, port_count)?) };
        let published = controller.publish(network, endpoint, &ports)?;
        match ret_published {
            None => Ok(()),
            wanted => give_names(wanted, || Ok(published.iter().map(ToString::to_string).collect())),
        }
    })
}

/// Withdraws ports of an endpoint, each as it was published or is shown: connections by them end. One that
/// leaves the host's port open is any such.
///
/// @param network     the network
/// @param endpoint    the endpoint's name
/// @param ports       the ports, as `ports` of netns_endpoint_config; not looked at when `port_count` is 0
/// @param port_count  how many
/// @param ret_error   what went wrong; may be NULL
/// @return 0; NETNS_STATUS_NOT_FOUND when one is not published, or there is no such endpoint: none is withdrawn
///         then; NETNS_STATUS_BAD_REQUEST for what is no port; NETNS_STATUS_PERMISSION_DENIED without
///         CAP_NET_ADMIN
#[no_mangle]
pub unsafe extern "C" fn netns_endpoint_withdraw(
    network: Option<&netns_network>,
    endpoint: *const c_char,
    ports: *const *const c_char,
    port_count: usize,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        let (controller, network) = get_network(network)?;
        // SAFETY: strings by the header's rules.
        let (endpoint, ports) = unsafe { (text(endpoint, "endpoint")?, self::ports(ports, port_count)?) };
        controller.withdraw(network, endpoint, &ports)
    })
}

/// Puts the firewall back as the store has it, after somebody flushed the ruleset or loaded another: tables,
/// chains, endpoints, published ports and forwarding, also on links that lead elsewhere since. What is there
/// already stays.
///
/// @param controller  the controller
/// @param ret_error   what went wrong; may be NULL
/// @return 0, also when no network has a firewall; NETNS_STATUS_UNSUPPORTED where the kernel has no nf_tables;
///         NETNS_STATUS_PERMISSION_DENIED without CAP_NET_ADMIN; NETNS_STATUS_ALREADY_EXISTS when a table of
///         that name is not of this version of the library
#[no_mangle]
pub extern "C" fn netns_controller_restore_firewall(
    controller: Option<&netns_controller>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || get_controller(controller)?.restore_firewall())
}

/// Has a thread of the library's do as netns_controller_restore_firewall whenever the tables vanish. What
/// fails there goes to the log, and is tried again, less and less often.
///
/// @param controller  the controller; its store stays open as long as the object is there
/// @param ret_watch   the watch, for netns_firewall_watch_free
/// @param ret_error   what went wrong; may be NULL
/// @return 0; NETNS_STATUS_UNSUPPORTED where the kernel has no nf_tables; NETNS_STATUS_PERMISSION_DENIED without
///         CAP_NET_ADMIN; NETNS_STATUS_RESOURCE_EXHAUSTED at the limit of descriptors or threads
#[no_mangle]
pub extern "C" fn netns_controller_watch_firewall(
    controller: Option<&netns_controller>,
    ret_watch: Option<&mut MaybeUninit<*mut netns_firewall_watch>>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        let controller = get_controller(controller)?;
        let ret_watch = required(ret_watch, "ret_watch")?;
        give(ret_watch, netns_firewall_watch { handle: Handle::new(controller.watch_firewall()?) });
        Ok(())
    })
}

/// Stops watching and frees the watch. The firewall stays. It waits for the thread, some 200 ms at most when that
/// is not at work.
///
/// @param watch  the watch; may be NULL
#[no_mangle]
pub extern "C" fn netns_firewall_watch_free(watch: Option<Box<netns_firewall_watch>>) {
    plain((), || {
        if let Some(watch) = watch {
            watch.handle.end();
        }
    });
}
