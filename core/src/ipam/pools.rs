//! The pools that are chosen where nobody names one, and what a pool may be.

use std::fmt;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use once_cell::sync::Lazy;

use super::id::check_prefixes;
use crate::error::{Error, ErrorKind, Result};
use crate::name::fnv1a;
use crate::sys;

/// The address spaces of the built-in [`Ipam`](super::Ipam), under Docker's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AddressSpace {
    /// `GlobalDefault`, for networks that span hosts.
    Global,
    /// `LocalDefault`, for networks of one host.
    Local,
}

impl AddressSpace {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Global => "GlobalDefault",
            Self::Local => "LocalDefault",
        }
    }
}

impl fmt::Display for AddressSpace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for AddressSpace {
    type Err = Error;
    fn from_str(name: &str) -> Result<Self> {
        [Self::Global, Self::Local].into_iter().find(|space| space.as_str() == name).ok_or_else(|| {
            let cause = "the address spaces are GlobalDefault and LocalDefault";
            Error::bad_request("use address space", format!("{name:?}"), cause)
        })
    }
}

/// A prefix and the length of the pools that it is split into.
type Split = (Ipv4Addr, u8, u8);

/// Docker's `getDefaultLocalAddressPools`.
const LOCAL: [Split; 7] = [
    (Ipv4Addr::new(172, 17, 0, 0), 16, 16),
    (Ipv4Addr::new(172, 18, 0, 0), 16, 16),
    (Ipv4Addr::new(172, 19, 0, 0), 16, 16),
    (Ipv4Addr::new(172, 20, 0, 0), 14, 16),
    (Ipv4Addr::new(172, 24, 0, 0), 14, 16),
    (Ipv4Addr::new(172, 28, 0, 0), 14, 16),
    (Ipv4Addr::new(192, 168, 0, 0), 16, 20),
];

/// Docker's `getDefaultGlobalAddressPools`.
const GLOBAL: [Split; 1] = [(Ipv4Addr::new(10, 0, 0, 0), 8, 24)];

/// The pools of `space` in the order in which they are given.
///
/// Local IPv4: 172.17.0.0/16 to 172.31.0.0/16, then 192.168.0.0/16 in pools of /20. Global IPv4:
/// 10.0.0.0/8 in pools of /24. IPv6, in both: a /48 of fd00::/8 (RFC 4193) that follows from
/// `/etc/machine-id`, or is random without one, in pools of /64. All as Docker has them.
pub fn default_pools(space: AddressSpace, ipv6: bool) -> Box<dyn Iterator<Item = IpNet>> {
    if ipv6 {
        return Box::new((0..=u16::MAX).map(|subnet| IpNet::V6(unique_local(*HOST, subnet))));
    }
    let splits: &'static [Split] = match space {
        AddressSpace::Global => &GLOBAL,
        AddressSpace::Local => &LOCAL,
    };
    Box::new(splits.iter().flat_map(|split| pools_of(*split)))
}

fn pools_of((base, length, pool): Split) -> impl Iterator<Item = IpNet> {
    let count = 1_u32 << (pool - length);
    let step = 1_u32 << (32 - pool);
    let address = move |number: u32| Ipv4Addr::from_bits(base.to_bits() + number * step);
    (0..count).map(move |number| IpNet::V4(Ipv4Net::new_assert(address(number), pool)))
}

/// The 40 bits that make this host's /48 its own: a hash, because the id itself must stay on the host
/// (machine-id(5)).
static HOST: Lazy<u64> = Lazy::new(|| {
    let id = fs::read_to_string("/etc/machine-id").unwrap_or_default();
    match id.trim() {
        id if id.len() == 32 => fnv1a(&format!("libnetns {id}")),
        // There is none, or the first boot has yet to write it.
        _ => u64::from_le_bytes(sys::random_bytes()),
    }
});

fn unique_local(host: u64, subnet: u16) -> Ipv6Net {
    let global_id = u128::from(host & 0xff_ffff_ffff);
    let bits = (0xfd << 120) | (global_id << 80) | (u128::from(subnet) << 64);
    Ipv6Net::new_assert(Ipv6Addr::from_bits(bits), 64)
}

/// The first default pool of `space` that overlaps nothing of `in_use`: the pools of other networks and
/// the host's routes. Default routes are no obstacle.
///
/// # Errors
/// ResourceExhausted when every one overlaps something.
pub fn choose(space: AddressSpace, ipv6: bool, in_use: &[IpNet]) -> Result<IpNet> {
    let in_use = InUse::new(in_use);
    default_pools(space, ipv6).find(|pool| in_use.overlapped_by(*pool).is_none()).ok_or_else(|| {
        let family = if ipv6 { "IPv6" } else { "IPv4" };
        Error::new(ErrorKind::ResourceExhausted, "choose pool", format!("of {space}"))
            .with_cause(format!("networks or routes overlap all {family} pools: name one yourself"))
    })
}

/// Checks that a network can have `pool`, and `sub_pool` of it, beside what is in use.
///
/// # Errors
/// BadRequest when one of the two has host bits set, the sub-pool does not lie in the pool, or the pool
/// leaves no room for a gateway and an endpoint (/32, /128) or has addresses that are nobody's own
/// (unspecified, loopback, link-local, multicast); AlreadyExists, naming what the pool overlaps.
pub fn check_pool(pool: IpNet, sub_pool: Option<IpNet>, in_use: &[IpNet]) -> Result<()> {
    let refuse = |cause: String| Err(Error::bad_request("use pool", pool.to_string(), cause));
    check_prefixes(pool, sub_pool)?;
    if pool.prefix_len() == pool.max_prefix_len() {
        return refuse("it is one address: a gateway and an endpoint need two".to_owned());
    }
    let reserved = RESERVED.iter().find(|(net, _)| overlap(*net, pool));
    if let Some((net, what)) = reserved {
        return refuse(format!("it overlaps {net}, {what}"));
    }
    match InUse::new(in_use).overlapped_by(pool) {
        Some(net) => Err(Error::new(ErrorKind::AlreadyExists, "use pool", pool.to_string())
            .with_cause(format!("it overlaps {net}, a network or a route of the host"))),
        None => Ok(()),
    }
}

const fn v4(address: [u8; 4], length: u8) -> IpNet {
    let [a, b, c, d] = address;
    IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), length))
}

const fn v6(first: u16, sixth: u16, last: u16, length: u8) -> IpNet {
    IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::new(first, 0, 0, 0, 0, sixth, 0, last), length))
}

/// What no host has as its own (RFC 6890).
const RESERVED: [(IpNet, &str); 10] = [
    (v4([0, 0, 0, 0], 8), "the unspecified addresses"),
    (v4([127, 0, 0, 0], 8), "the loopback addresses"),
    (v4([169, 254, 0, 0], 16), "the link-local addresses"),
    (v4([224, 0, 0, 0], 4), "the multicast addresses"),
    (v4([255, 255, 255, 255], 32), "the broadcast address"),
    (v6(0, 0, 0, 128), "the unspecified address"),
    (v6(0, 0, 1, 128), "the loopback address"),
    (v6(0, 0xffff, 0, 96), "the IPv4-mapped addresses"),
    (v6(0xfe80, 0, 0, 10), "the link-local addresses"),
    (v6(0xff00, 0, 0, 8), "the multicast addresses"),
];

pub(crate) fn overlap(one: IpNet, other: IpNet) -> bool {
    one.contains(&other) || other.contains(&one)
}

/// Prefixes in order, those within others left out: so they are disjoint, and a search is by halves.
struct InUse(Vec<IpNet>);

impl InUse {
    fn new(prefixes: &[IpNet]) -> Self {
        let mut prefixes: Vec<_> =
            prefixes.iter().filter(|net| net.prefix_len() > 0).map(IpNet::trunc).collect();
        prefixes.sort_by_key(|net| (net.network(), net.prefix_len()));
        prefixes.dedup_by(|inner, outer| outer.contains(&*inner));
        Self(prefixes)
    }

    /// The prefix that `pool` overlaps, the last of several.
    fn overlapped_by(&self, pool: IpNet) -> Option<IpNet> {
        let last: IpAddr = pool.broadcast();
        let after = self.0.partition_point(|net| net.network() <= last);
        let candidate = *self.0.get(after.checked_sub(1)?)?;
        overlap(candidate, pool).then_some(candidate)
    }
}
