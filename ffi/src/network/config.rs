//! What a network is to be, as callers say it.

use std::ffi::c_char;

use netns::{Error, NetworkConfig, Result, SubnetConfig};

use crate::boundary::required;
use crate::firewall::{firewall, netns_firewall_config};
use crate::input::{
    check_flags, check_reserved, netns_pair, optional as optional_struct, pairs, sized, Growing,
};
use crate::meter::metering;
use crate::text::{optional, parsed, text};

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
pub(super) unsafe fn config(at: *const netns_network_config) -> Result<NetworkConfig> {
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
