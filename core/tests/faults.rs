//! Whatever fails, the caller hears of it and nothing is left half done: every write to the store, every
//! step of a plan, every method of a driver, and what others have put in the way.

#[path = "crash/look.rs"]
mod look;

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use look::Look;
use netns::driver::{
    Capability, Driver, DriverCallback, InterfaceInfo, IpamData, JoinInfo, NetworkInfo, Options,
};
use netns::link::{LinkChange, LinkKind, LinkRef, LinkSpec, Place, VethPeer};
use netns::plan::{Action, Plan, Step};
use netns::{
    Controller, ControllerOptions, EndpointConfig, Error, ErrorKind, InterfaceName, NetworkConfig, Result,
    Sandbox,
};
use testhost::{host, Host, State};

fn controller() -> Controller {
    Controller::open(ControllerOptions::default()).unwrap()
}

fn endpoint(name: &str) -> EndpointConfig {
    EndpointConfig::new(name).unwrap()
}

fn network(network_type: &str) -> NetworkConfig {
    let network = NetworkConfig::new(network_type, "blue").unwrap().with_ipv6();
    match network_type {
        "macvlan" => network.with_option("parent", "lan0"),
        _ => network,
    }
}

fn link(name: &str) -> InterfaceName {
    InterfaceName::new(name).unwrap()
}

fn prepare(host: &Host) {
    host.ip(&["link", "add", "lan0", "type", "veth", "peer", "name", "lan1"]);
    host.ip(&["link", "set", "lan0", "up"]);
    host.ip(&["link", "set", "lan1", "up"]);
    std::fs::create_dir_all("/run/netns").unwrap();
}

/// What is there, seen from outside and inside.
struct Before(Look, State, Option<State>);

impl Before {
    fn of(host: &Host, sandbox: Option<&Sandbox>) -> Self {
        Self(Look::of(host), host.dump(), sandbox.map(|sandbox| sandbox.run(|| host.dump()).unwrap()))
    }

    #[track_caller]
    fn assert_returns(&self, host: &Host, sandbox: Option<&Sandbox>, context: &str) {
        self.0.assert_returns(host, || context.to_owned());
        host.assert_returns_to(&self.1, context);
        if let (Some(sandbox), Some(state)) = (sandbox, &self.2) {
            sandbox.run(|| host.assert_returns_to(state, &format!("inside: {context}"))).unwrap();
        }
    }
}

/// How many points of writing a call passes at most: two a write.
const WRITES: i64 = 14;

/// Writes to the store that are made to fail, one after the other.
struct Writes<'a> {
    host: &'a Host,
    controller: &'a Controller,
    injected: usize,
}

impl Writes<'_> {
    /// Each write of `work` fails in turn, and each time everything is as it was before. Where `work` goes
    /// through it is taken back by `undo`. Leaves it done.
    fn of_creating(
        &mut self,
        what: &str,
        sandbox: Option<&Sandbox>,
        work: &dyn Fn() -> Result<()>,
        undo: &dyn Fn() -> Result<()>,
    ) {
        let before = Before::of(self.host, sandbox);
        self.each(what, &mut |fail| {
            let result = fail(work);
            let context = format!("{what}: {result:?}");
            if result.is_ok() {
                undo().unwrap();
            }
            before.assert_returns(self.host, sandbox, &context);
            assert!(self.controller.collect().unwrap().findings.is_empty(), "{context}");
            result
        });
        work().unwrap();
    }

    /// Each write of `work`, which removes something, fails in turn, and each time it succeeds when it is
    /// tried again, and everything is as it was before `again`. Leaves it removed.
    fn of_removing(
        &mut self,
        what: &str,
        sandbox: Option<&Sandbox>,
        work: &dyn Fn() -> Result<()>,
        again: &dyn Fn() -> Result<()>,
    ) {
        work().unwrap();
        let before = Before::of(self.host, sandbox);
        self.each(what, &mut |fail| {
            again().unwrap();
            let result = fail(work);
            let context = format!("{what}: {result:?}");
            for _ in 0..2 {
                work().unwrap_or_else(|error| panic!("{context}, and again: {error}"));
            }
            before.assert_returns(self.host, sandbox, &context);
            assert!(self.controller.collect().unwrap().findings.is_empty(), "{context}");
            result
        });
    }

    #[expect(clippy::type_complexity, reason = "a test's loop")]
    fn each(
        &mut self,
        what: &str,
        turn: &mut dyn FnMut(&dyn Fn(&dyn Fn() -> Result<()>) -> Result<()>) -> Result<()>,
    ) {
        let controller = self.controller;
        let mut injected = 0;
        for number in 1..=WRITES {
            let result = turn(&|work| {
                controller.fail_write(number);
                let result = work();
                controller.fail_write(0);
                result
            });
            if let Err(error) = result {
                assert!(error.to_string().contains("a test made it fail"), "{what}: {error}");
                injected += 1;
            }
        }
        assert!((2..WRITES as usize).contains(&injected), "{what}: {injected} errors");
        self.injected += injected;
    }
}

fn each_write_fails(network_type: &str) {
    host(|host| {
        prepare(host);
        let controller = &controller();
        let kept = &controller.create_sandbox("kept").unwrap();
        let create_network = || controller.create_network(network(network_type)).map(drop);
        let delete_network = || controller.delete_network("blue");
        let create_endpoint = || controller.create_endpoint("blue", endpoint("one")).map(drop);
        let delete_endpoint = || controller.delete_endpoint("blue", "one");
        let join = || controller.join("blue", "one", kept).map(drop);
        let leave = || controller.leave("blue", "one");
        let connect = || controller.connect("blue", kept, endpoint("two")).map(drop);
        let disconnect = || controller.disconnect("blue", "two");
        let create_sandbox = || controller.create_sandbox("web").map(drop);
        let remove_sandbox = || controller.remove_sandbox("web");
        let joined_sandbox = || {
            controller.create_sandbox("web").and_then(|web| controller.join("blue", "one", &web)).map(drop)
        };
        let connected_sandbox = || {
            let web = controller.create_sandbox("web")?;
            controller.connect("blue", &web, endpoint("three")).map(drop)
        };
        // The directory and its lock stay.
        create_network().and_then(|()| delete_network()).unwrap();

        let mut writes = Writes { host, controller, injected: 0 };
        writes.of_creating("create_network", None, &create_network, &delete_network);
        writes.of_creating("create_endpoint", None, &create_endpoint, &delete_endpoint);
        writes.of_creating("join", Some(kept), &join, &leave);
        writes.of_removing("leave", Some(kept), &leave, &join);
        writes.of_creating("connect", Some(kept), &connect, &disconnect);
        writes.of_removing("disconnect", Some(kept), &disconnect, &connect);
        writes.of_creating("create_sandbox", None, &create_sandbox, &remove_sandbox);
        writes.of_removing("remove_sandbox, left", None, &remove_sandbox, &joined_sandbox);
        writes.of_removing("remove_sandbox, disconnected", None, &remove_sandbox, &connected_sandbox);
        writes.of_removing("delete_endpoint", None, &delete_endpoint, &create_endpoint);
        writes.of_removing("delete_network", None, &delete_network, &create_network);
        println!("{} injected errors survived: writes on a {network_type} network", writes.injected);
    });
}

#[test]
fn each_write_to_the_store_may_fail_on_a_bridge_network() {
    each_write_fails("bridge");
}

#[test]
fn each_write_to_the_store_may_fail_on_a_routed_network() {
    each_write_fails("routed");
}

#[test]
fn each_write_to_the_store_may_fail_on_a_macvlan_network() {
    each_write_fails("macvlan");
}
