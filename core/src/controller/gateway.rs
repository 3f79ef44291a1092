//! Which endpoint of a sandbox gives it its default gateway.

use std::net::IpAddr;

use super::record::EndpointRecord;

/// The gateway of one family that the endpoint offers.
pub(super) fn offered(record: &EndpointRecord, ipv6: bool) -> Option<IpAddr> {
    let joined = record.joined.as_ref()?;
    if ipv6 {
        joined.gateway_ipv6.map(IpAddr::V6)
    } else {
        joined.gateway.map(IpAddr::V4)
    }
}

/// The endpoint whose gateway of one family is the sandbox's: of those that offer one the highest
/// priority, then dual-stack before single, then the network's name, then the endpoint's.
///
/// Internal networks, and those without devices, offer none; nor does an endpoint whose driver disabled
/// the gateway service (libnetwork's `getGatewayEndpoint`).
pub(super) fn choose(records: &[EndpointRecord], ipv6: bool) -> Option<&EndpointRecord> {
    let is_dual =
        |record: &EndpointRecord| offered(record, false).is_some() && offered(record, true).is_some();
    records.iter().filter(|record| offered(record, ipv6).is_some()).min_by(|a, b| {
        let key = |record: &EndpointRecord| (-i64::from(record.config.gateway_priority), !is_dual(record));
        let names = |record: &EndpointRecord| (record.network.clone(), record.config.name.clone());
        key(a).cmp(&key(b)).then_with(|| names(a).cmp(&names(b)))
    })
}

#[cfg(test)]
mod tests {
    use super::super::record::{Joined, Lifetime};
    use super::super::EndpointConfig;
    use super::*;
    use crate::name::Name;
    use crate::sys::{NamespaceLife, Process};

    fn record(network: &str, priority: i32, v4: bool, v6: bool) -> EndpointRecord {
        let mut config = EndpointConfig::new("web").unwrap();
        config.gateway_priority = priority;
        EndpointRecord {
            network: Name::new(network).unwrap(),
            config,
            address: None,
            address_ipv6: None,
            mac: None,
            transient: true,
            lifetime: Lifetime::Host,
            owner: Process::current().unwrap(),
            meter: None,
            ports: Vec::new(),
            joined: Some(Joined {
                sandbox: "/run/netns/web".into(),
                life: NamespaceLife::at(std::path::Path::new("/")).unwrap(),
                mounts: 0,
                src_name: None,
                gateway: v4.then(|| "10.1.0.1".parse().unwrap()),
                gateway_ipv6: v6.then(|| "fd01::1".parse().unwrap()),
            }),
            linked: None,
            attended: None,
            chosen: Vec::new(),
            elsewhere: false,
        }
    }

    #[track_caller]
    fn chosen(records: &[EndpointRecord]) -> [Option<&str>; 2] {
        [false, true].map(|ipv6| choose(records, ipv6).map(|record| record.network.as_str()))
    }

    #[test]
    fn priority_comes_before_dual_stack_and_that_before_the_name() {
        assert_eq!(chosen(&[]), [None, None]);
        assert_eq!(chosen(&[record("b", 0, true, false), record("a", 0, true, false)]), [Some("a"), None]);
        let mut records =
            vec![record("a", 0, true, false), record("b", 0, true, true), record("c", 0, false, true)];
        assert_eq!(chosen(&records), [Some("b"), Some("b")]);
        records.push(record("z", 1, true, false));
        assert_eq!(chosen(&records), [Some("z"), Some("b")]);
        records.push(record("y", -1, true, true));
        assert_eq!(chosen(&records), [Some("z"), Some("b")]);
    }

    #[test]
    fn an_endpoint_that_offers_none_or_has_not_joined_is_never_chosen() {
        let mut apart = record("a", 9, true, true);
        apart.joined = None;
        assert_eq!(chosen(&[record("b", 9, false, false), apart]), [None, None]);
    }
}
