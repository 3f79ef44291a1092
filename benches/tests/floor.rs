//! The floor does the whole job, and cleans up.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};

use netns_benches::floor::{Address, Ends, Floor, INSIDE_INDEX, INSIDE_NAME};
use testhost::{host, Host};

const ENDS: Ends<'_> = Ends { host_name: "port", host_mac: [2, 0, 0, 0, 0, 1], mac: [2, 0, 0, 0, 0, 2] };
const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 99, 0, 1);
const V4: Address<Ipv4Addr> = Address { address: Ipv4Addr::new(10, 99, 0, 2), prefix: 16, gateway: GATEWAY };
const GATEWAY6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0x99, 0, 0, 0, 0, 0, 1);
const V6: Address<Ipv6Addr> =
    Address { address: Ipv6Addr::new(0xfd00, 0x99, 0, 0, 0, 0, 0, 2), prefix: 64, gateway: GATEWAY6 };

fn bridge(host: &Host) {
    host.ip(&["link", "add", "br0", "up", "address", "02:00:00:00:00:99", "mtu", "1500", "type", "bridge"]);
    host.ip(&["address", "add", "10.99.0.1/16", "dev", "br0"]);
    host.ip(&["address", "add", "fd00:99::1/64", "dev", "br0", "nodad"]);
    fs::create_dir_all("/run/netns").unwrap();
}

fn path(name: &str) -> PathBuf {
    Path::new("/run/netns").join(name)
}

/// Every address of a sandbox's interface but the link-local.
fn addresses(host: &Host, namespace: &str, interface: &str) -> Vec<String> {
    let shown = host.ip_in(namespace, &["address", "show", "dev", interface]);
    let addresses = shown[0]["addr_info"].as_array().unwrap().iter();
    let global = addresses.filter(|address| address["scope"] == "global");
    global.map(|a| format!("{}/{}", a["local"].as_str().unwrap(), a["prefixlen"])).collect()
}

#[test]
fn a_joined_sandbox_reaches_its_gateway() {
    host(|host| {
        bridge(host);
        let mut floor = Floor::new(Some("br0")).unwrap();
        let mut sandbox = floor.sandbox(&path("joined"), true).unwrap();
        floor.join(&mut sandbox, &ENDS, V4, None).unwrap();

        let inside = &host.ip_in("joined", &["link", "show", "dev", INSIDE_NAME])[0];
        assert_eq!(inside["ifindex"], INSIDE_INDEX);
        assert_eq!(inside["address"], "02:00:00:00:00:02");
        assert_eq!(inside["mtu"], 1500);
        assert_eq!((&inside["num_tx_queues"], &inside["num_rx_queues"]), (&1.into(), &1.into()));
        assert_eq!(addresses(host, "joined", INSIDE_NAME), ["10.99.0.2/16"]);
        assert_eq!(host.ip_in("joined", &["route", "show", "default"])[0]["gateway"], "10.99.0.1");
        let v6 = host.ip_in("joined", &["-6", "address", "show", "dev", INSIDE_NAME]);
        assert_eq!(v6, serde_json::json!([]), "IPv6 is off");

        let port = &host.ip(&["link", "show", "dev", "port"])[0];
        assert_eq!(port["master"], "br0");
        assert_eq!(port["address"], "02:00:00:00:00:01");
        assert_eq!((&port["num_tx_queues"], &port["num_rx_queues"]), (&1.into(), &1.into()));

        assert!(host.ping("joined", IpAddr::V4(GATEWAY)));
        assert!(host.ping("joined", "127.0.0.1".parse().unwrap()));
        floor.destroy(sandbox).unwrap();
    });
}

#[test]
fn a_joined_sandbox_reaches_its_gateway_by_ipv6() {
    host(|host| {
        bridge(host);
        let mut floor = Floor::new(Some("br0")).unwrap();
        let mut sandbox = floor.sandbox(&path("six"), false).unwrap();
        floor.join(&mut sandbox, &ENDS, V4, Some(V6)).unwrap();
        assert_eq!(addresses(host, "six", INSIDE_NAME), ["10.99.0.2/16", "fd00:99::2/64"]);
        assert_eq!(host.ip_in("six", &["-6", "route", "show", "default"])[0]["gateway"], "fd00:99::1");
        assert!(host.ping("six", IpAddr::V4(GATEWAY)));
        assert!(host.ping("six", IpAddr::V6(GATEWAY6)));
    });
}

#[test]
fn without_a_bridge_the_host_end_has_no_master_and_the_host_a_route() {
    host(|host| {
        let mut floor = Floor::new(None).unwrap();
        for (name, is_plain) in [("alone", false), ("plain", true), ("again", false)] {
            let mut sandbox = floor.sandbox(&Path::new("/run").join(name), true).unwrap();
            match is_plain {
                true => floor.plain_join(&mut sandbox, &ENDS, V4).unwrap(),
                false => floor.join(&mut sandbox, &ENDS, V4, None).unwrap(),
            }
            assert_eq!(host.ip(&["link", "show", "dev", "port"])[0]["master"], serde_json::Value::Null);
            let routes = host.ip(&["route", "show", "dev", "port"]);
            let [route] = &routes.as_array().unwrap()[..] else { panic!("{name}: {routes}") };
            assert_eq!((&route["dst"], &route["scope"]), (&"10.99.0.2".into(), &"link".into()), "{name}");
            host.ip(&["link", "delete", "port"]);
            floor.destroy(sandbox).unwrap();
        }
    });
}

#[test]
fn destroying_leaves_nothing() {
    host(|host| {
        bridge(host);
        let mut floor = Floor::new(Some("br0")).unwrap();
        let before = host.dump();
        for ipv6_off in [true, false] {
            let mut sandbox = floor.sandbox(&path("brief"), ipv6_off).unwrap();
            floor.join(&mut sandbox, &ENDS, V4, (!ipv6_off).then_some(V6)).unwrap();
            floor.destroy(sandbox).unwrap();
            host.assert_returns_to(&before, "a sandbox that was joined and destroyed");
        }
    });
}

#[test]
fn a_moved_link_goes_in_and_comes_back() {
    host(|host| {
        bridge(host);
        host.ip(&["link", "add", "port", "up", "master", "br0", "type", "veth", "peer", "name", "spare"]);
        let mut floor = Floor::new(None).unwrap();
        let sandbox = floor.sandbox(&path("moved"), true).unwrap();
        for _ in 0..3 {
            floor.move_in(&sandbox, "spare", "net0", V4).unwrap();
            assert_eq!(host.ip_in("moved", &["link", "show", "dev", "net0"])[0]["ifindex"], INSIDE_INDEX);
            assert_eq!(addresses(host, "moved", "net0"), ["10.99.0.2/16"]);
            assert!(host.ping("moved", IpAddr::V4(GATEWAY)));
            floor.move_out(&sandbox, "spare").unwrap();
            assert_eq!(host.ip_in("moved", &["link", "show"]).as_array().unwrap().len(), 1);
        }
        assert_eq!(host.ip(&["link", "show", "dev", "spare"])[0]["ifname"], "spare");
        floor.destroy(sandbox).unwrap();
    });
}

#[test]
fn errors_are_the_kernels_and_leave_the_thread_at_home() {
    host(|host| {
        bridge(host);
        assert!(Floor::new(Some("br9")).is_err());
        let mut floor = Floor::new(Some("br0")).unwrap();
        let home = fs::read_link("/proc/thread-self/ns/net").unwrap();

        let mut sandbox = floor.sandbox(&path("once"), true).unwrap();
        let again = floor.sandbox(&path("once"), true).unwrap_err();
        assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
        assert!(floor.sandbox(Path::new("/run/none/such"), true).is_err());
        assert_eq!(fs::read_link("/proc/thread-self/ns/net").unwrap(), home);

        floor.join(&mut sandbox, &ENDS, V4, None).unwrap();
        let twice = floor.join(&mut sandbox, &ENDS, V4, None).unwrap_err();
        assert_eq!(twice.kind(), io::ErrorKind::AlreadyExists, "{twice}");
        assert!(floor.move_out(&sandbox, "no/name").is_err());
        floor.destroy(sandbox).unwrap();
    });
}
