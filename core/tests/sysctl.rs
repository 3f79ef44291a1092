//! Promises of settings: forwarding by a message or a write, values under `/proc/sys/net`, and which of
//! them are refused.

mod common;

use std::fs;
use std::path::Path;

use common::{addresses, is_up, link, network, refused, sandbox, veth};
use netns::link::{LinkChange, LinkRef, Place, SysctlSpec};
use netns::plan::{Action, Plan, Step};
use netns::{ErrorKind, InterfaceName, Network, Result, Sandbox};
use testhost::{host, skip};

fn named(name: &str) -> LinkRef {
    LinkRef::named(name.parse().unwrap())
}

/// A file under `/proc/sys/net` as the calling thread's namespace has it.
#[track_caller]
fn setting(path: &str) -> String {
    let text = fs::read_to_string(format!("/proc/sys/net/{path}"));
    text.unwrap_or_else(|error| panic!("{path}: {error}")).trim().to_owned()
}

fn apply(network: &Network, sandbox: &Sandbox, place: Place, action: Action) -> Result<()> {
    network.apply(&Plan { steps: vec![Step::new(place, action)] }, sandbox)
}

fn sysctl(key: &str, value: &str, interface: &str) -> Result<SysctlSpec> {
    SysctlSpec::for_interface(key, value, &InterfaceName::new(interface)?)
}

#[test]
fn forwarding_is_turned_on_and_off_by_a_message_that_brings_the_link_up() {
    host(|host| {
        let network = network("net");
        let sandbox = sandbox("web");
        veth(host, "lan.0", "lan1");
        for (on, shown) in [(true, "1"), (false, "0"), (true, "1")] {
            host.ip(&["link", "set", "lan.0", "down"]);
            let mut change = LinkChange::new(named("lan.0"));
            change.up = Some(true);
            change.ipv4_forwarding = Some(on);
            apply(&network, &sandbox, Place::Host, Action::SetLink(change)).unwrap();
            assert_eq!(setting("ipv4/conf/lan.0/forwarding"), shown);
            assert!(is_up(&link(host, "", "lan.0")));
        }
        assert_eq!(setting("ipv4/conf/lan1/forwarding"), "0");
        assert_eq!(setting("ipv4/conf/all/forwarding"), "0");
    });
}

#[test]
fn forwarding_and_no_link_local_go_in_one_message() {
    host(|host| {
        let network = network("net");
        let sandbox = sandbox("web");
        veth(host, "lan0", "lan1");
        host.ip(&["link", "set", "lan1", "up"]);
        let mut change = LinkChange::new(named("lan0"));
        (change.no_link_local, change.ipv4_forwarding) = (true, Some(true));
        apply(&network, &sandbox, Place::Host, Action::SetLink(change)).unwrap();
        host.ip(&["link", "set", "lan0", "up"]);
        assert_eq!(setting("ipv4/conf/lan0/forwarding"), "1");
        assert_eq!(addresses(&link(host, "", "lan0")), Vec::<String>::new());
    });
}

#[test]
fn ipv6_forwarding_of_one_link_is_forced_where_the_kernel_can() {
    host(|host| {
        let network = network("net");
        let sandbox = sandbox("web");
        veth(host, "lan0", "lan1");
        apply(&network, &sandbox, Place::Host, Action::ForceIpv6Forwarding(named("lan0"))).unwrap();
        let inside = apply(&network, &sandbox, Place::Sandbox, Action::ForceIpv6Forwarding(named("lo")));
        refused(inside, ErrorKind::BadRequest, &["force IPv6 forwarding on link lo", "this is for the host"]);
        if !Path::new("/proc/sys/net/ipv6/conf/lan0/force_forwarding").exists() {
            return skip("ipv6_forwarding_of_one_link", "force_forwarding came with Linux 6.17");
        }
        assert_eq!(setting("ipv6/conf/lan0/force_forwarding"), "1");
        assert_eq!(setting("ipv6/conf/lan1/force_forwarding"), "0");
        assert_eq!(setting("ipv6/conf/all/forwarding"), "0");
    });
}

#[test]
fn a_setting_is_made_in_its_place_and_nowhere_else() {
    host(|host| {
        let network = network("net");
        let sandbox = sandbox("web");
        veth(host, "eth0.7", "lan1");
        host.ip_in("web", &["link", "add", "eth0.7", "type", "bridge"]);
        let both = || {
            let read = || setting("ipv4/conf/eth0.7/log_martians");
            (read(), sandbox.run(read).unwrap())
        };
        let set = |place, value| {
            let spec = sysctl("net.ipv4.conf.IFNAME.log_martians", value, "eth0.7").unwrap();
            apply(&network, &sandbox, place, Action::SetSysctl(spec)).unwrap();
        };
        let before = both();
        assert_eq!(before, ("0".to_owned(), "0".to_owned()));
        set(Place::Sandbox, "1");
        assert_eq!(both(), ("0".to_owned(), "1".to_owned()));
        // The host is where its handle was made, not where the thread is.
        sandbox.run(|| set(Place::Host, "1")).unwrap();
        sandbox.run(|| set(Place::Sandbox, "0")).unwrap();
        assert_eq!(both(), ("1".to_owned(), "0".to_owned()));
    });
}

#[test]
fn a_setting_that_cannot_be_made_says_why() {
    host(|_| {
        let network = network("net");
        let sandbox = sandbox("web");
        let try_with = |key: &str, value: &str, kind, words: &[&str]| {
            let action = Action::SetSysctl(sysctl(key, value, "lo").unwrap());
            refused(apply(&network, &sandbox, Place::Sandbox, action), kind, words);
        };
        let missing = &["/proc/sys/net/ipv4/conf/lo/no_such", "no such setting"];
        try_with("net.ipv4.conf.IFNAME.no_such", "1", ErrorKind::NotFound, missing);
        let words =
            &["write \"many\" to /proc/sys/net/ipv4/conf/lo/log_martians", "does not take that value"];
        try_with("net.ipv4.conf.IFNAME.log_martians", "many", ErrorKind::BadRequest, words);
        try_with("net.ipv4.conf.IFNAME.log_martians", "1 2", ErrorKind::BadRequest, &["took the first"]);
        let words = &["can only be read"];
        try_with("net.ipv4.conf.IFNAME.mc_forwarding", "1", ErrorKind::PermissionDenied, words);
    });
}

#[test]
fn a_later_failure_takes_back_what_the_step_of_a_setting_says() {
    host(|_| {
        let network = network("net");
        let sandbox = sandbox("web");
        let set =
            |value| Action::SetSysctl(sysctl("net.ipv4.conf.IFNAME.log_martians", value, "lo").unwrap());
        let undo = netns::plan::Undo { place: Place::Sandbox, action: set("0") };
        let steps = vec![
            Step::new(Place::Sandbox, set("1")).undone_by(vec![undo]),
            Step::new(Place::Host, Action::SyncLink(named("gone0"))),
        ];
        refused(network.apply(&Plan { steps }, &sandbox), ErrorKind::NotFound, &["gone0"]);
        assert_eq!(sandbox.run(|| setting("ipv4/conf/lo/log_martians")).unwrap(), "0");
    });
}

#[test]
fn the_word_ifname_stands_for_the_interface() {
    for (key, path) in [
        ("net.ipv4.conf.IFNAME.log_martians", "net/ipv4/conf/eth0.7/log_martians"),
        ("net.ipv4.neigh.IFNAME.base_reachable_time_ms", "net/ipv4/neigh/eth0.7/base_reachable_time_ms"),
        ("net.ipv6.conf.IFNAME.accept_ra", "net/ipv6/conf/eth0.7/accept_ra"),
        ("net.ipv6.neigh.IFNAME.app_solicit", "net/ipv6/neigh/eth0.7/app_solicit"),
        ("net.mpls.conf.IFNAME.input", "net/mpls/conf/eth0.7/input"),
    ] {
        let spec = sysctl(key, "1", "eth0.7").unwrap();
        assert_eq!((spec.path(), spec.value()), (path, "1"));
    }
}

#[test]
fn a_setting_of_no_single_interface_is_refused() {
    for key in [
        "",
        "net.ipv4.ip_forward",
        "net.ipv4.conf.eth0.forwarding",
        "net.ipv4.conf.all.forwarding",
        "net/ipv4/conf/IFNAME/forwarding",
        "net.ipv4.conf.ifname.forwarding",
        "net.unix.conf.IFNAME.forwarding",
        "kernel.conf.IFNAME.x",
        ".IFNAME.",
    ] {
        refused(sysctl(key, "1", "eth0"), ErrorKind::BadRequest, &["net.ipv4.conf.IFNAME.NAME", "net.mpls"]);
    }
    for setting in ["", ".", "..", "a/b", "../x", "IFNAME", "x y", "x\0", "x.IFNAME.y", "é"] {
        let key = format!("net.ipv4.conf.IFNAME.{setting}");
        refused(sysctl(&key, "1", "eth0"), ErrorKind::BadRequest, &["a-z, 0-9 and '_'"]);
    }
    let key = "net.ipv4.conf.IFNAME.forwarding";
    for interface in ["all", "default"] {
        refused(sysctl(key, "1", interface), ErrorKind::BadRequest, &["the settings of all interfaces"]);
    }
    for value in ["", "1\n", "1\n2", "\0", "\u{7f}", "é", &"1".repeat(256)] {
        refused(sysctl(key, value, "eth0"), ErrorKind::BadRequest, &["use value of a setting"]);
    }
    assert_eq!(sysctl(key, &"1".repeat(255), "eth0").unwrap().value().len(), 255);
}

#[test]
fn a_path_out_of_the_network_settings_is_refused() {
    for path in ["", "net", "kernel/hostname", "/net/x", "net/", "net//x", "net/../x", "net/./x", "net/x\0"] {
        refused(SysctlSpec::new(path, "1"), ErrorKind::BadRequest, &["use setting"]);
    }
    assert_eq!(SysctlSpec::new("net/ipv4/ip_forward", "1").unwrap().path(), "net/ipv4/ip_forward");
}
