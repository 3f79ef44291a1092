//! Strategies of callers.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use netns::libcontainer::{
    get_strategy, register_strategy, setup, Network, NetworkState, NetworkStrategy, Target,
};
use netns::{Error, ErrorKind, Result};
use testhost::host;

use crate::common::{is_up, link, links, refused, Container};

/// Makes a pair by `ip`, and brings its inner end up.
#[derive(Default)]
struct ByIp {
    /// The namespace of the process that it was given, as the kernel names it.
    given: Mutex<String>,
    initialized: AtomicU32,
    fails: bool,
}

fn ip(args: &[&str]) {
    assert!(std::process::Command::new("ip").args(args).status().unwrap().success(), "{args:?}");
}

fn namespace(pid: &str) -> String {
    std::fs::read_link(format!("/proc/{pid}/ns/net")).unwrap().display().to_string()
}

impl NetworkStrategy for ByIp {
    fn create(&self, _: &Network, pid: u32, state: &mut NetworkState) -> Result<()> {
        let pid = pid.to_string();
        *self.given.lock().unwrap() = namespace(&pid);
        ip(&["link", "add", "mine", "type", "veth", "peer", "name", "theirs", "netns", &pid]);
        (state.veth_host, state.veth_child) = ("mine".to_owned(), "theirs".to_owned());
        Ok(())
    }

    fn initialize(&self, _: &Network, state: &mut NetworkState) -> Result<()> {
        assert_eq!(namespace("thread-self"), *self.given.lock().unwrap());
        ip(&["link", "set", &state.veth_child, "up"]);
        self.initialized.fetch_add(1, Ordering::Relaxed);
        match self.fails {
            true => Err(Error::new(ErrorKind::Busy, "initialize", "by ip").with_cause("a test made it fail")),
            false => Ok(()),
        }
    }
}

fn of(kind: &str) -> Network {
    Network { kind: kind.to_owned(), ..Network::default() }
}

#[test]
fn a_strategy_of_the_callers_is_used_for_its_type() {
    let strategy = Arc::new(ByIp::default());
    register_strategy("by-ip", strategy.clone()).unwrap();
    host(|host| {
        let home = namespace("thread-self");
        let web = Container::named(host, "web");
        for target in [Target::Pid(web.pid()), Target::Path("/run/netns/web".into())] {
            let state = setup(&of("by-ip"), &target).unwrap();
            assert_eq!((state.veth_host.as_str(), state.veth_child.as_str()), ("mine", "theirs"));
            assert_eq!(*strategy.given.lock().unwrap(), namespace(&web.pid().to_string()));
            assert_eq!(namespace("thread-self"), home);
            assert!(is_up(&link(host, "web", "theirs")));
            host.ip(&["link", "delete", "mine"]);
        }
        assert_eq!(strategy.initialized.load(Ordering::Relaxed), 2);
    });
}

#[test]
fn what_a_strategy_left_in_the_host_goes_when_it_fails_inside() {
    register_strategy("failing", Arc::new(ByIp { fails: true, ..ByIp::default() })).unwrap();
    host(|host| {
        let web = Container::named(host, "web");
        let before = host.dump();
        let error = refused(setup(&of("failing"), &Target::Pid(web.pid())), ErrorKind::Busy, &["by ip"]);
        assert!(error.to_string().starts_with("set up network of process"), "{error}");
        host.assert_returns_to(&before, "a strategy that fails");
        assert_eq!(links(host, "web"), ["lo"]);
    });
}

#[test]
fn a_type_that_is_not_known_is_refused_with_those_that_are() {
    register_strategy("known", Arc::new(ByIp::default())).unwrap();
    let words = ["not a valid network strategy type", "\"pigeon\"", "loopback, netns, veth", "known"];
    refused(get_strategy("pigeon").map(drop), ErrorKind::NotFound, &words);
    refused(get_strategy("").map(drop), ErrorKind::NotFound, &["loopback, netns, veth"]);
    refused(setup(&of("pigeon"), &Target::Pid(1)), ErrorKind::NotFound, &words);
    for kind in ["veth", "loopback", "netns", "known"] {
        assert!(get_strategy(kind).is_ok());
        let again = register_strategy(kind, Arc::new(ByIp::default()));
        refused(again, ErrorKind::AlreadyExists, &[kind, "of that type"]);
    }
    refused(register_strategy("", Arc::new(ByIp::default())), ErrorKind::BadRequest, &["empty"]);
}
