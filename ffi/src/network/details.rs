//! A network as callers see it.

use std::ffi::c_char;
use std::mem::size_of;

use netns::{Error, NetworkDetails, Result};

use super::config::{NETNS_NETWORK_INTERNAL, NETNS_NETWORK_IPV6, NETNS_NETWORK_NO_IPV4};
use crate::arena::{hand_out, Arena};

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

pub(super) fn show(details: &NetworkDetails) -> Result<*mut netns_network_details> {
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
