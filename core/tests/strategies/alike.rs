//! The two calls and the one come to the same end.

use netns::libcontainer::{setup, Network, Target};
use serde_json::Value;
use testhost::Host;

use crate::common::{objects, reaches, Container};
use crate::{host_with_bridge, on_bridge, two_calls};

/// What differs between any two links, and what follows the carrier and the clock.
const OWN: &[&str] = &[
    "address",
    "bridge_id",
    "designated_cost",
    "designated_port",
    "forward_delay_timer",
    "gso_ipv4_max_size",
    "hold_timer",
    "id",
    "ifindex",
    "ifname",
    "link",
    "link_index",
    "link_netnsid",
    "message_age_timer",
    "no",
    "operstate",
    "root_id",
    "state",
    "stats",
    "stats64",
];

/// The values without what is a link's own; addresses and names that follow from it are left out.
fn common_part(value: &mut Value) {
    match value {
        Value::Array(values) => {
            values.retain(|value| {
                let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
                let derived = ["local", "dst"].iter().any(|key| text(key).starts_with("fe80:"));
                let carrier = ["LOWER_UP", "NO-CARRIER"].iter().any(|flag| value == flag);
                !derived && !carrier
            });
            values.iter_mut().for_each(common_part);
        }
        Value::Object(object) => {
            object.retain(|key, _| !OWN.contains(&key.as_str()));
            if let Some(Value::String(alias)) = object.get_mut("ifalias") {
                let (before, rest) = alias.split_once('[').unwrap();
                let (_, rest) = rest.split_once(']').unwrap();
                *alias = format!("{before}{}", rest.split_once(" namespace=").unwrap().0);
            }
            object.values_mut().for_each(common_part);
        }
        _ => {}
    }
}

/// The host's end, and everything inside: links, addresses, routes of all tables.
fn both_ends(host: &Host, place: &str, veth_host: &str) -> Vec<Value> {
    let mut seen = objects(host.ip(&["address", "show", "dev", veth_host]));
    seen.extend(objects(host.ip_in(place, &["address", "show"])));
    for family in ["-4", "-6"] {
        seen.extend(objects(host.ip_in(place, &[family, "route", "show", "table", "all"])));
    }
    let mut seen = Value::Array(seen);
    common_part(&mut seen);
    objects(seen)
}

/// An interface inside has IPv6 or not; what comes later has it as before.
fn ipv6(container: &Container, host: &Host) -> String {
    let files = ["eth0", "default"].map(|name| format!("/proc/sys/net/ipv6/conf/{name}/disable_ipv6"));
    container.run(host, &["cat", &files[0], &files[1]])
}

fn come_to_the_same(of: impl Fn(u8) -> Network + Send + Sync, gateway: &str, ipv6_off: &str) {
    host_with_bridge(|host| {
        let (one, two) = (Container::named(host, "one"), Container::named(host, "two"));
        let first = two_calls(&of(2), &one, "one");
        let second = setup(&of(2), &Target::Pid(two.pid())).unwrap();
        let first = both_ends(host, "one", &first.veth_host);
        assert_eq!(first, both_ends(host, "two", &second.veth_host));
        assert!(first.len() >= 3, "{first:?}");
        for container in [&one, &two] {
            assert_eq!(ipv6(container, host), ipv6_off);
        }
        // They have one address: each alone.
        if !gateway.is_empty() {
            host.ip_in("two", &["link", "set", "eth0", "down"]);
            assert!(reaches(host, "one", gateway));
            host.ip_in("one", &["link", "set", "eth0", "down"]);
        }
    });
}

#[test]
fn a_veth_with_everything() {
    come_to_the_same(on_bridge, "10.1.0.1", "1\n0\n");
}

#[test]
fn a_veth_of_ipv6() {
    let of = |last| {
        let (address, gateway) = (format!("fd01::{last}/64"), "fd01::1".to_owned());
        Network { address, gateway, mtu: 0, ..on_bridge(last) }
    };
    come_to_the_same(of, "fd01::1", "0\n0\n");
}

#[test]
fn a_veth_with_nothing_but_a_bridge() {
    let of = |last| {
        let (address, gateway) = (String::new(), String::new());
        Network { address, gateway, mtu: 0, ..on_bridge(last) }
    };
    come_to_the_same(of, "", "1\n0\n");
}
