//! The promises of the test host itself.

use std::fs;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::Barrier;

use nix::mount::{mount, umount2, MntFlags, MsFlags};
use testhost::{host, Host, State};

fn links(host: &Host) -> Vec<String> {
    let links = host.ip(&["link", "show"]);
    links.as_array().unwrap().iter().map(|link| link["ifname"].as_str().unwrap().to_owned()).collect()
}

fn complaint(before: &State, after: &State) -> String {
    let compare = AssertUnwindSafe(|| before.assert_same(after, "a comparison"));
    *catch_unwind(compare).expect_err("the states are the same").downcast::<String>().unwrap()
}

#[test]
fn a_host_has_lo_up_and_nothing_else() {
    host(|host| {
        assert_eq!(links(host), ["lo"]);
        let lo = host.ip(&["link", "show", "dev", "lo"]);
        assert!(lo[0]["flags"].as_array().unwrap().iter().any(|flag| flag == "UP"), "{lo}");
        assert!(host.netns_list().is_empty());
        assert_eq!(fs::read_dir("/run").unwrap().count(), 0);
    });
}

#[test]
fn two_hosts_at_once_do_not_see_each_other() {
    let both = Barrier::new(2);
    let one = |name: &str| {
        host(|host| {
            host.ip(&["link", "add", name, "type", "bridge"]);
            host.ip(&["netns", "add", name]);
            both.wait();
            let seen = (links(host), host.netns_list());
            both.wait();
            assert_eq!(seen, (vec!["lo".to_owned(), name.to_owned()], vec![name.to_owned()]));
        });
    };
    std::thread::scope(|scope| {
        scope.spawn(|| one("left"));
        scope.spawn(|| one("right"));
    });
}

#[test]
fn the_callers_thread_stays_where_it_was() {
    let here = || fs::read_link("/proc/thread-self/ns/net").unwrap();
    let before = here();
    assert_ne!(host(|_| here()), before);
    assert_eq!(here(), before);
}

#[test]
fn a_dump_notices_what_is_added() {
    host(|host| {
        let before = host.dump();
        before.assert_same(&host.dump(), "two dumps of the same");

        host.ip(&["link", "add", "br0", "address", "02:00:00:00:00:01", "type", "bridge"]);
        host.ip(&["address", "add", "10.1.0.1/24", "dev", "br0"]);
        host.ip(&["address", "add", "fd00::1/64", "dev", "br0", "nodad"]);
        host.ip(&["neighbour", "add", "10.1.0.9", "lladdr", "02:00:00:00:00:09", "dev", "br0"]);
        host.ip(&["neighbour", "add", "proxy", "10.1.0.8", "dev", "br0"]);
        host.ip(&["rule", "add", "to", "10.7.0.0/16", "table", "7"]);
        host.ip(&["route", "add", "10.2.0.0/24", "dev", "lo", "table", "7"]);
        host.ip(&["route", "add", "fd02::/64", "dev", "lo"]);
        host.tc(&["qdisc", "add", "dev", "lo", "clsact"]);
        host.tc(&["filter", "add", "dev", "lo", "egress", "bpf", "bytecode", "1,6 0 0 0,"]);
        host.ip(&["netns", "add", "left-over"]);
        fs::write("/run/file", "").unwrap();
        fs::create_dir("/run/mounted").unwrap();
        mount(Some("t"), "/run/mounted", Some("tmpfs"), MsFlags::empty(), None::<&str>).unwrap();

        let text = complaint(&before, &host.dump());
        for expected in [
            "only after   link: ",
            "\"ifname\":\"br0\"",
            "only after   address: ",
            "\"10.1.0.1\"",
            "\"fd00::1\"",
            "only after   neighbour: ",
            "only after   proxy neighbour: ",
            "only after   rule: ",
            "10.2.0.0/24",
            "fd02::/64",
            "only after   qdisc: clsact of lo",
            "only after   filter: lo egress: ",
            "only after   namespace: left-over",
            "only after   file: /run/netns/left-over (file)",
            "only after   file: /run/file (file)",
            "only after   file: /run/mounted (directory)",
            "/run/mounted rw",
        ] {
            assert!(text.contains(expected), "no {expected} in\n{text}");
        }
        assert!(!text.contains("only before"), "{text}");
    });
}

#[test]
fn a_dump_notices_what_is_missing_or_changed() {
    host(|host| {
        host.ip(&["link", "add", "br0", "type", "bridge"]);
        let before = host.dump();
        host.ip(&["link", "set", "br0", "mtu", "1400", "alias", "changed"]);
        let text = complaint(&before, &host.dump());
        assert!(text.contains("only before  link: ") && text.contains("only after   link: "), "{text}");
        host.ip(&["link", "delete", "br0"]);
        let text = complaint(&before, &host.dump());
        assert!(text.contains("only before  link: ") && !text.contains("only after"), "{text}");
    });
}

#[test]
fn a_dump_overlooks_what_follows_the_carrier() {
    host(|host| {
        host.ip(&["link", "add", "br0", "address", "02:00:00:00:00:01", "mtu", "1500", "type", "bridge"]);
        host.ip(&["address", "add", "10.1.0.1/24", "dev", "br0"]);
        host.ip(&["link", "set", "br0", "up"]);
        let before = host.dump();
        host.ip(&["netns", "add", "gone"]);
        let peer = ["peer", "name", "eth0", "netns", "gone"];
        host.ip(&[&["link", "add", "port", "master", "br0", "up", "type", "veth"], &peer[..]].concat());
        host.ip_in("gone", &["address", "add", "10.1.0.2/24", "dev", "eth0"]);
        host.ip_in("gone", &["link", "set", "eth0", "up"]);
        assert!(host.ping("gone", "10.1.0.1".parse().unwrap()));
        assert!(!host.ping("gone", "10.9.0.1".parse().unwrap()));
        host.ip(&["netns", "delete", "gone"]);
        // What `ip netns` itself leaves: the directory, and that it is shared.
        umount2("/run/netns", MntFlags::MNT_DETACH).unwrap();
        fs::remove_dir("/run/netns").unwrap();
        host.assert_returns_to(&before, "a port that came and went");
    });
}

#[test]
fn a_panic_reaches_the_caller_with_its_payload() {
    let payload = catch_unwind(|| host(|_| std::panic::panic_any(42_u8))).unwrap_err();
    assert_eq!(payload.downcast_ref(), Some(&42_u8));
}

#[test]
fn a_failing_ip_panics_with_its_words() {
    let payload = catch_unwind(|| host(|host| host.ip(&["link", "show", "dev", "nonesuch"]))).unwrap_err();
    let text = payload.downcast_ref::<String>().unwrap();
    assert!(text.contains("nonesuch") && text.contains("does not exist"), "{text}");
}
