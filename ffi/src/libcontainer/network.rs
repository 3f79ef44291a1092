//! What a container's network is to be (seed 001).

use std::ffi::c_char;
use std::mem::{size_of, MaybeUninit};
use std::ptr;

use netns::libcontainer::Network;
use netns::Result;

use crate::arena::{hand_out, take_back, Arena};
use crate::boundary::{call, required};
use crate::error::netns_error;
use crate::input::{check_reserved, sized, Growing};
use crate::text::{c_string, optional, text};

/// The network of a container, for the strategy that brings it (seed 001, Network).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct netns_strategy_network {
    /// Bytes of this struct.
    pub size: usize,
    /// The strategy's type: "veth", "loopback", "netns", or one that netns_strategy_register was given.
    pub network_type: *const c_char,
    /// The path of a network namespace, for "netns"; else NULL.
    pub ns_path: *const c_char,
    /// The bridge of the host that the pair's outer end is on, for "veth"; else NULL.
    pub bridge: *const c_char,
    /// What the names of a pair begin with, for "veth"; seven hexadecimal digits follow. Else NULL.
    pub veth_prefix: *const c_char,
    /// The interface's address with its prefix length: "10.1.0.2/16"; NULL for none.
    pub address: *const c_char,
    /// The gateway of the default route through the interface: "10.1.0.1"; NULL for none.
    pub gateway: *const c_char,
    /// The MTU in bytes of both ends of a pair; 0 leaves it alone. Not for "loopback".
    pub mtu: u32,
    /// 0.
    pub reserved: u32,
}

// SAFETY: pointers and integers without padding, the size first.
unsafe impl Growing for netns_strategy_network {
    const NAME: &'static str = "netns_strategy_network";
    const FIRST_SIZE: usize = 64;
}

/// The network of the caller's.
///
/// # Safety
/// A struct by the header's rules.
pub(super) unsafe fn network(at: *const netns_strategy_network) -> Result<Network> {
    // SAFETY: the same.
    let raw = unsafe { sized(at, "network") }?;
    check_reserved(raw.reserved)?;
    // SAFETY: strings by the header's rules.
    let said = |at, name| Ok(unsafe { optional(at, name) }?.unwrap_or_default().to_owned());
    Ok(Network {
        // SAFETY: the same.
        kind: unsafe { text(raw.network_type, "network_type") }?.to_owned(),
        ns_path: said(raw.ns_path, "ns_path")?,
        bridge: said(raw.bridge, "bridge")?,
        veth_prefix: said(raw.veth_prefix, "veth_prefix")?,
        address: said(raw.address, "address")?,
        gateway: said(raw.gateway, "gateway")?,
        mtu: raw.mtu,
    })
}

/// The network for C, with what is not said as NULL.
pub(super) fn show(arena: &mut Arena, network: &Network) -> netns_strategy_network {
    let mut said = |text: &str| if text.is_empty() { ptr::null() } else { arena.text(text) };
    netns_strategy_network {
        size: size_of::<netns_strategy_network>(),
        ns_path: said(&network.ns_path),
        bridge: said(&network.bridge),
        veth_prefix: said(&network.veth_prefix),
        address: said(&network.address),
        gateway: said(&network.gateway),
        network_type: arena.text(&network.kind),
        mtu: network.mtu,
        reserved: 0,
    }
}

/// Reads a network from the JSON of seed 001; what is not known is passed over.
///
/// @param json         the network: {"type": "veth", "bridge": "br0", "veth_prefix": "veth"}
/// @param ret_network  the network, for netns_strategy_network_free
/// @param ret_error    what went wrong; may be NULL
/// @return 0; NETNS_STATUS_BAD_REQUEST, with line and column, for what is no such JSON
#[no_mangle]
pub unsafe extern "C" fn netns_strategy_network_from_json(
    json: *const c_char,
    ret_network: Option<&mut MaybeUninit<*mut netns_strategy_network>>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        // SAFETY: a string by the header's rules.
        let json = unsafe { text(json, "json") }?;
        let ret_network = required(ret_network, "ret_network")?;
        let network = Network::from_json(json)?;
        let mut arena = Arena::default();
        let shown = show(&mut arena, &network);
        ret_network.write(hand_out(shown, arena));
        Ok(())
    })
}

/// A network in the JSON of seed 001, byte by byte as Go's encoding/json writes it.
///
/// @param network    the network
/// @param ret_json   the JSON, for netns_text_free
/// @param ret_error  what went wrong; may be NULL
/// @return 0
#[no_mangle]
pub unsafe extern "C" fn netns_strategy_network_json(
    network: *const netns_strategy_network,
    ret_json: Option<&mut MaybeUninit<*mut c_char>>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        // SAFETY: a struct by the header's rules.
        let network = unsafe { self::network(network) }?;
        let ret_json = required(ret_json, "ret_json")?;
        ret_json.write(c_string(&network.to_json()?).into_raw());
        Ok(())
    })
}

/// Frees a network that was read from JSON.
///
/// @param network  the network; may be NULL
#[no_mangle]
pub unsafe extern "C" fn netns_strategy_network_free(network: *mut netns_strategy_network) {
    // SAFETY: it was handed out, and is freed once, by the header's rules.
    unsafe { take_back(network) };
}
