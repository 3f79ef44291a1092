//! Which pools there are, how they are named, and what cannot be one.

use std::collections::BTreeMap;
use std::net::IpAddr;

use netns::ipam::{
    check_pool, choose, default_pools, AddressSpace, AddressSpaces, Ipam, Pool, PoolId, PoolRequest,
};
use netns::ipnet::IpNet;
use netns::{ErrorKind, Name, Result};

fn net(text: &str) -> IpNet {
    text.parse().unwrap()
}

fn nets(texts: &[&str]) -> Vec<IpNet> {
    texts.iter().map(|text| net(text)).collect()
}

#[test]
fn the_local_pools_are_dockers() {
    let pools: Vec<_> = default_pools(AddressSpace::Local, false).collect();
    let sixteens: Vec<_> = (17..32).map(|n| net(&format!("172.{n}.0.0/16"))).collect();
    let twenties: Vec<_> = (0..16).map(|n| net(&format!("192.168.{}.0/20", n * 16))).collect();
    assert_eq!(pools, [sixteens, twenties].concat());
}

#[test]
fn the_global_pools_are_dockers() {
    let pools: Vec<_> = default_pools(AddressSpace::Global, false).collect();
    assert_eq!(pools.len(), 1 << 16);
    assert_eq!(pools[..2], nets(&["10.0.0.0/24", "10.0.1.0/24"]));
    assert_eq!(pools.last(), Some(&net("10.255.255.0/24")));
}

#[test]
fn the_ipv6_pools_are_one_unique_local_48_that_stays_the_same() {
    let pools: Vec<_> = default_pools(AddressSpace::Local, true).collect();
    let again: Vec<_> = default_pools(AddressSpace::Global, true).collect();
    assert_eq!(pools, again);
    assert_eq!(pools.len(), 1 << 16);
    let IpNet::V6(first) = pools[0] else { panic!("{}", pools[0]) };
    assert_eq!(first.addr().segments()[0] >> 8, 0xfd);
    let whole = IpNet::new(pools[0].addr(), 48).unwrap();
    assert_eq!(whole, whole.trunc());
    assert!(pools.iter().all(|pool| pool.prefix_len() == 64 && whole.contains(pool)));
    assert!(pools.windows(2).all(|pair| pair[0].broadcast() < pair[1].network()));
}

#[test]
fn a_pool_that_overlaps_a_network_or_a_route_is_skipped() {
    let choose =
        |in_use: &[&str]| choose(AddressSpace::Local, false, &nets(in_use)).map(|net| net.to_string());
    assert_eq!(choose(&[]).unwrap(), "172.17.0.0/16");
    assert_eq!(choose(&["172.17.5.0/24", "172.18.0.0/15"]).unwrap(), "172.20.0.0/16");
    assert_eq!(choose(&["172.16.0.0/12", "172.17.0.0/16", "192.168.1.7/24"]).unwrap(), "192.168.16.0/20");
    assert_eq!(choose(&["0.0.0.0/0", "::/0", "fd00::/8"]).unwrap(), "172.17.0.0/16");
    let error = choose(&["172.16.0.0/12", "192.168.0.0/16"]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ResourceExhausted, "{error}");
    let six = netns::ipam::choose(AddressSpace::Local, true, &nets(&["fc00::/7"])).unwrap_err();
    assert!(six.to_string().contains("all IPv6 pools"), "{six}");
}

#[test]
fn the_last_pool_is_found_among_all_others() {
    let mut pools: Vec<_> = default_pools(AddressSpace::Global, false).collect();
    let last = pools.pop().unwrap();
    pools.reverse();
    assert_eq!(choose(AddressSpace::Global, false, &pools).unwrap(), last);
}

/// What [`check_pool`] says of the pool, in words.
fn check(pool: &str, sub_pool: Option<&str>, in_use: &[&str]) -> Result<(), (ErrorKind, String)> {
    let checked = check_pool(net(pool), sub_pool.map(net), &nets(in_use));
    checked.map_err(|error| (error.kind(), error.to_string()))
}

#[test]
fn a_named_pool_has_addresses_that_can_be_somebodys() {
    for pool in
        ["10.0.0.0/8", "10.1.2.2/31", "203.0.113.0/24", "100.64.0.0/10", "fd01::/64", "2001:db8::/127"]
    {
        check(pool, None, &["0.0.0.0/0", "::/0", "11.1.1.0/32", "fd02::/64"]).unwrap();
    }
    let host_bits = ["10.1.0.1/16", "fd01::1/64"];
    let one_address = ["10.1.0.1/32", "fd01::1/128"];
    let unspecified = ["0.0.0.0/0", "0.0.0.0/8", "0.0.0.0/1", "::/0", "::/64"];
    let loopback = ["127.0.0.0/24", "::/127"];
    let link_local = ["169.254.1.0/24", "fe80::/64", "febf::/64"];
    let multicast = ["224.0.0.0/24", "239.1.0.0/16", "128.0.0.0/1", "ff02::/64"];
    let mapped = ["::ffff:10.0.0.0/120"];
    let all: [&[&str]; 7] =
        [&host_bits, &one_address, &unspecified, &loopback, &link_local, &multicast, &mapped];
    for pool in all.concat() {
        let (kind, text) = check(pool, None, &[]).unwrap_err();
        assert_eq!(kind, ErrorKind::BadRequest, "{text}");
    }
}

#[test]
fn a_named_pool_that_overlaps_is_refused_with_what_it_overlaps() {
    for (pool, other) in
        [("10.1.0.0/16", "10.1.2.0/24"), ("10.1.2.0/24", "10.1.0.0/16"), ("fd01::/64", "fd01::/64")]
    {
        let (kind, text) = check(pool, None, &["9.0.0.0/8", other, "11.0.0.0/8", "fd00::/64"]).unwrap_err();
        assert_eq!(kind, ErrorKind::AlreadyExists, "{text}");
        assert!(text.contains(&format!("overlaps {other}")), "{text}");
    }
}

#[test]
fn a_sub_pool_lies_in_its_pool() {
    check("10.1.0.0/16", Some("10.1.2.0/24"), &[]).unwrap();
    for sub_pool in ["10.2.0.0/24", "10.0.0.0/8", "10.1.2.1/24", "fd01::/64"] {
        let (kind, text) = check("10.1.0.0/16", Some(sub_pool), &[]).unwrap_err();
        assert_eq!(kind, ErrorKind::BadRequest, "{text}");
        assert!(text.contains(sub_pool), "{text}");
    }
}

#[test]
fn a_pool_id_has_one_text() {
    for text in
        ["LocalDefault/172.17.0.0/16", "GlobalDefault/10.0.0.0/8/10.1.0.0/24", "x/fd01::/64/fd01::80/121"]
    {
        let id: PoolId = text.parse().unwrap();
        assert_eq!(id.parts().unwrap().to_string(), text);
        assert_eq!(id.to_string(), text);
        assert_eq!(serde_json::from_str::<PoolId>(&serde_json::to_string(&id).unwrap()).unwrap(), id);
    }
    let id: PoolId = "LocalDefault/10.0.0.0/8/10.1.0.0/24".parse().unwrap();
    let parts = id.parts().unwrap();
    assert_eq!(
        (parts.space.as_str(), parts.pool, parts.sub_pool),
        ("LocalDefault", net("10.0.0.0/8"), Some(net("10.1.0.0/24")))
    );
    for text in [
        "LocalDefault",
        "LocalDefault/",
        "LocalDefault/10.0.0.0",
        "/10.0.0.0/8",
        "a b/10.0.0.0/8",
        "LocalDefault/10.0.0.1/8",
        "LocalDefault/10.0.0.0/08",
        "LocalDefault/10.0.0.0/33",
        "LocalDefault/10.0.0.0/8/",
        "LocalDefault/10.0.0.0/8/10.1.0.0",
        "LocalDefault/10.0.0.0/8/11.0.0.0/24",
        "LocalDefault/10.0.0.0/8/fd01::/64",
        "LocalDefault/10.0.0.0/8/10.1.0.0/24/1",
        "LocalDefault/FD01::/64",
        "LocalDefault/fd01:0::/64",
        "LocalDefault/10.0.0.0/8 ",
        "LocalDefault//10.0.0.0/8",
        "LocalDefault/10.0.0.0/+8",
    ] {
        let error = text.parse::<PoolId>().unwrap().parts().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BadRequest, "{text}: {error}");
    }
}

#[test]
fn a_pool_id_is_whatever_text_its_address_management_likes() {
    for text in ["1", "pool of the 3rd floor/\u{fc}", "../../x", &"p".repeat(PoolId::MAX)] {
        let id: PoolId = text.parse().unwrap();
        assert_eq!(id.as_str(), text);
        assert_eq!(serde_json::from_str::<PoolId>(&serde_json::to_string(&id).unwrap()).unwrap(), id);
    }
    for text in ["", "a\nb", "a\0", "\u{85}", &"p".repeat(PoolId::MAX + 1)] {
        let error = text.parse::<PoolId>().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BadRequest, "{text:?}: {error}");
    }
}

/// One that knows a single pool and a single address.
struct Tiny;

impl Ipam for Tiny {
    fn default_address_spaces(&self) -> Result<AddressSpaces> {
        Ok(AddressSpaces { global: Name::new("tiny")?, local: Name::new("tiny")? })
    }

    fn request_pool(&self, request: &PoolRequest) -> Result<Pool> {
        let pool = net("10.0.0.0/31");
        Ok(Pool { data: [].into(), id: PoolId::new(request.address_space.clone(), pool, None)?, pool })
    }

    fn release_pool(&self, _: &PoolId) -> Result<()> {
        Ok(())
    }

    fn request_address(
        &self,
        pool: &PoolId,
        _: Option<IpAddr>,
        options: &BTreeMap<String, String>,
    ) -> Result<(IpNet, BTreeMap<String, String>)> {
        Ok((pool.parts()?.range(), options.clone()))
    }

    fn release_address(&self, _: &PoolId, _: IpAddr) -> Result<()> {
        Ok(())
    }
}

#[test]
fn anyone_can_write_one() {
    let ipam: Box<dyn Ipam> = Box::new(Tiny);
    let local = ipam.default_address_spaces().unwrap().local;
    let pool = ipam.request_pool(&PoolRequest::new(local)).unwrap();
    let (address, _) = ipam.request_address(&pool.id, None, &BTreeMap::new()).unwrap();
    assert_eq!(address, net("10.0.0.0/31"));
}
