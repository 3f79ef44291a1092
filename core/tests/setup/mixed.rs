//! Strategies of callers among the library's own.

use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::Arc;

use netns::libcontainer::{register_strategy, Network, NetworkState, NetworkStrategy, SetupState, Target};
use netns::{Error, ErrorKind, Result};
use serde_json::{json, Value};
use testhost::inside;

use crate::common::{links, reaches, refused, routes, Container};
use crate::{eth0, lan0, setup_of, state, up, world};

/// Brings `dev0`, the other end of `hostdev0`, and may fail then.
#[derive(Default)]
struct Device {
    fails: bool,
    panics: bool,
}

fn ip(args: &[&str]) {
    assert!(std::process::Command::new("ip").args(args).status().unwrap().success(), "{args:?}");
}

impl NetworkStrategy for Device {
    fn create(&self, network: &Network, pid: u32, state: &mut NetworkState) -> Result<()> {
        assert_eq!((network.address.as_str(), network.mtu), ("10.3.0.2/24", 1300));
        let pid = pid.to_string();
        ip(&["link", "add", "hostdev0", "type", "veth", "peer", "name", "dev0", "netns", &pid]);
        "hostdev0".clone_into(&mut state.veth_host);
        Ok(())
    }

    fn initialize(&self, network: &Network, _: &mut NetworkState) -> Result<()> {
        ip(&["address", "add", &network.address, "dev", "dev0"]);
        ip(&["link", "set", "dev0", "up"]);
        assert!(!self.panics, "this strategy panics");
        match self.fails {
            true => Err(Error::new(ErrorKind::Busy, "initialize", "dev0")),
            false => Ok(()),
        }
    }
}

fn device(kind: &str) -> Value {
    json!({"type": kind, "address": "10.3.0.2/24", "mtu": 1300})
}

#[test]
fn strategies_do_their_work_in_the_order_of_the_config() {
    register_strategy("device", Arc::new(Device::default())).unwrap();
    world(|host| {
        let networks = json!([{"type": "loopback"}, eth0(2), device("device"), lan0(2)]);
        let through =
            json!([{"destination": "10.30.0.0/16", "gateway": "10.3.0.9", "interface_name": "dev0"}]);
        for (networks, routes_wanted) in [(&networks, &through), (&json!([device("device")]), &through)] {
            let web = Container::named(host, "web");
            let setup = setup_of("", networks, routes_wanted).unwrap().with_id("web").unwrap();
            let made = up(&setup, &web).unwrap();
            let kinds: Vec<_> = made.networks.iter().map(|network| network.kind.clone()).collect();
            let wanted: Vec<_> = networks.as_array().unwrap().iter().map(|one| one["type"].clone()).collect();
            assert_eq!(kinds, wanted);
            assert!(routes(host, "web", "-4").contains(&"10.30.0.0/16 via 10.3.0.9 dev dev0".to_owned()));
            if wanted.len() > 1 {
                assert_eq!(links(host, "web"), ["dev0", "eth0", "lan0", "lo"]);
                assert!(reaches(host, "web", "10.1.0.1") && reaches(host, "web", "10.2.0.1"));
            }
            refused(
                setup.plan(Some(&Target::Pid(web.pid()))).map(drop),
                ErrorKind::NotImplemented,
                &["device", "by itself"],
            );
            let json = made.to_json().unwrap();
            SetupState::from_json(&json).unwrap().tear_down().unwrap();
            assert_eq!(links(host, "web"), ["lo"]);
            host.ip(&["netns", "delete", "web"]);
        }
        assert_eq!(links(host, ""), ["br0", "br1", "lo"]);
    });
}

#[test]
fn a_strategy_that_fails_takes_all_before_it_back() {
    register_strategy("failing", Arc::new(Device { fails: true, panics: false })).unwrap();
    world(|host| {
        let web = Container::named(host, "web");
        let (before, before_inside) = (host.dump(), inside("web", || host.dump()));
        let networks = json!([{"type": "loopback"}, eth0(2), device("failing"), lan0(2)]);
        let setup = setup_of("", &networks, &json!([])).unwrap();
        refused(up(&setup, &web), ErrorKind::Busy, &["bring up network 2", "dev0"]);
        host.assert_returns_to(&before, "a strategy that fails");
        inside("web", || host.assert_returns_to(&before_inside, "inside: a strategy that fails"));
    });
}

#[test]
fn a_strategy_that_panics_takes_all_before_it_back() {
    register_strategy("panicking", Arc::new(Device { fails: false, panics: true })).unwrap();
    world(|host| {
        let web = Container::named(host, "web");
        let (before, before_inside) = (host.dump(), inside("web", || host.dump()));
        let networks = json!([{"type": "loopback"}, eth0(2), device("panicking"), lan0(2)]);
        let setup = setup_of("", &networks, &json!([])).unwrap();
        let panicked = catch_unwind(AssertUnwindSafe(|| up(&setup, &web))).unwrap_err();
        assert_eq!(panicked.downcast_ref(), Some(&"this strategy panics"));
        host.assert_returns_to(&before, "a strategy that panics");
        inside("web", || host.assert_returns_to(&before_inside, "inside: a strategy that panics"));
    });
}

/// Ends the container while its network is being made.
struct Ending;

impl NetworkStrategy for Ending {
    fn create(&self, _: &Network, pid: u32, _: &mut NetworkState) -> Result<()> {
        let pid = nix::unistd::Pid::from_raw(pid.try_into().unwrap());
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).unwrap();
        let path = format!("/proc/{pid}/ns/net");
        while std::fs::read_link(&path).is_ok() {
            std::thread::yield_now();
        }
        Ok(())
    }

    fn initialize(&self, _: &Network, _: &mut NetworkState) -> Result<()> {
        Ok(())
    }
}

#[test]
fn a_container_that_ends_meanwhile_leaves_nothing() {
    register_strategy("ending", Arc::new(Ending)).unwrap();
    world(|host| {
        let before = host.dump();
        let web = Container::start();
        let setup = setup_of("", &json!([eth0(2), {"type": "ending"}]), &json!([])).unwrap();
        refused(up(&setup, &web), ErrorKind::NotFound, &["has ended meanwhile"]);
        host.assert_returns_to(&before, "a container that ended");
        drop(web);
    });
}

#[test]
fn a_netns_is_the_namespace_of_the_config() {
    world(|host| {
        host.ip(&["netns", "add", "shared"]);
        let here = || std::fs::read_link("/proc/thread-self/ns/net").unwrap();
        let home = here();
        let networks = json!([{"type": "netns"}, eth0(2)]);
        setup_of("/run/netns/shared", &networks, &json!([])).unwrap().up(None, &state(0)).unwrap();
        assert_eq!(here(), home);
        assert!(reaches(host, "shared", "10.1.0.1"));
        let web = Container::start();
        let private = setup_of("", &networks, &json!([])).unwrap();
        refused(up(&private, &web), ErrorKind::BadRequest, &["ns_path is not specified"]);
    });
}
