//! What a driver's callbacks get: structs that last until the callback returns.

use std::collections::BTreeMap;
use std::ffi::c_char;
use std::mem::size_of;
use std::ptr;

use netns::driver::IpamData;
use serde_json::Value;

use crate::arena::Arena;
use crate::input::netns_pair;

/// A network's addresses as its driver sees them (seed 004, IPAMData).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct netns_ipam_data {
    /// Bytes of this struct.
    pub size: usize,
    /// The address space that the pool is from; may be empty.
    pub address_space: *const c_char,
    /// The subnet: "10.1.0.0/16"; NULL for none.
    pub pool: *const c_char,
    /// The gateway with the subnet's prefix length: "10.1.0.1/16"; NULL for none.
    pub gateway: *const c_char,
    /// Addresses that others have, with the prefix length, by their names; NULL when there are none.
    pub auxiliary: *const netns_pair,
    /// How many.
    pub auxiliary_count: usize,
}

/// A network, for a driver's callback. It lasts until the callback returns.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct netns_driver_network {
    /// Bytes of this struct.
    pub size: usize,
    /// Its name, which is its id as well.
    pub network: *const c_char,
    /// Its options as a JSON object; NULL where a callback gets none.
    pub options: *const c_char,
    /// Its IPv4 subnets; NULL when there are none, and where a callback gets none.
    pub ipv4: *const *const netns_ipam_data,
    /// How many.
    pub ipv4_count: usize,
    /// Its IPv6 subnets; NULL when there are none, and where a callback gets none.
    pub ipv6: *const *const netns_ipam_data,
    /// How many.
    pub ipv6_count: usize,
}

/// An endpoint, for a driver's callback. It lasts until the callback returns.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct netns_driver_endpoint {
    /// Bytes of this struct.
    pub size: usize,
    /// The name of its network, which is the network's id as well.
    pub network: *const c_char,
    /// Its name, which is its id as well.
    pub endpoint: *const c_char,
    /// The key of the sandbox that it joins, "/run/netns/web"; NULL for callbacks other than `join`.
    pub sandbox_key: *const c_char,
    /// Its options as a JSON object; NULL where a callback gets none.
    pub options: *const c_char,
}

/// A network that is known by its name.
pub(super) fn network(arena: &mut Arena, network: &str) -> netns_driver_network {
    netns_driver_network {
        size: size_of::<netns_driver_network>(),
        network: arena.text(network),
        options: ptr::null(),
        ipv4: ptr::null(),
        ipv4_count: 0,
        ipv6: ptr::null(),
        ipv6_count: 0,
    }
}

/// A network with all that is known of it.
pub(super) fn whole_network(
    arena: &mut Arena,
    name: &str,
    options: Value,
    ipv4: &[IpamData],
    ipv6: &[IpamData],
) -> netns_driver_network {
    netns_driver_network {
        options: json(arena, &options),
        ipv4: subnets(arena, ipv4),
        ipv4_count: ipv4.len(),
        ipv6: subnets(arena, ipv6),
        ipv6_count: ipv6.len(),
        ..network(arena, name)
    }
}

/// An endpoint that is known by its name.
pub(super) fn endpoint(arena: &mut Arena, network: &str, endpoint: &str) -> netns_driver_endpoint {
    netns_driver_endpoint {
        size: size_of::<netns_driver_endpoint>(),
        network: arena.text(network),
        endpoint: arena.text(endpoint),
        sandbox_key: ptr::null(),
        options: ptr::null(),
    }
}

/// JSON has no NUL inside: it is written as an escape.
pub(super) fn json(arena: &mut Arena, value: &Value) -> *const c_char {
    arena.text(&value.to_string())
}

/// Pairs as C sees them.
pub(crate) fn show_pairs<V: ToString>(arena: &mut Arena, pairs: &BTreeMap<String, V>) -> *const netns_pair {
    let shown: Vec<_> = pairs
        .iter()
        .map(|(key, value)| netns_pair { key: arena.text(key), value: arena.text(&value.to_string()) })
        .collect();
    arena.array(shown)
}

fn subnets(arena: &mut Arena, subnets: &[IpamData]) -> *const *const netns_ipam_data {
    let shown: Vec<_> = subnets
        .iter()
        .map(|data| netns_ipam_data {
            size: size_of::<netns_ipam_data>(),
            address_space: arena.text(&data.address_space),
            pool: arena.optional(data.pool.as_ref()),
            gateway: arena.optional(data.gateway.as_ref()),
            auxiliary: show_pairs(arena, &data.aux_addresses),
            auxiliary_count: data.aux_addresses.len(),
        })
        .collect();
    arena.pointers(shown)
}
