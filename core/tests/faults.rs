//! Whatever fails, the caller hears of it and nothing is left half done: every write to the store, every
//! step of a plan, every method of a driver, and what others have put in the way.

#[path = "crash/look.rs"]
mod look;

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
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
use testhost::{host, report, Host, State};

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
        if network_type != "macvlan" {
            let link = || controller.link("blue", endpoint("four")).map(drop);
            let delete = || controller.delete_endpoint("blue", "four");
            let add = || {
                let made = controller.link("blue", endpoint("four"))?;
                kept.add_interface(&made.interface.expect("a linked endpoint has one")).map(drop)
            };
            writes.of_creating("link", None, &link, &delete);
            writes.of_removing("delete_endpoint, linked", Some(kept), &delete, &link);
            writes.of_removing("delete_endpoint, added", Some(kept), &delete, &add);
        }
        writes.of_removing("remove_sandbox, left", None, &remove_sandbox, &joined_sandbox);
        writes.of_removing("remove_sandbox, disconnected", None, &remove_sandbox, &connected_sandbox);
        writes.of_removing("delete_endpoint", None, &delete_endpoint, &create_endpoint);
        writes.of_removing("delete_network", None, &delete_network, &create_network);
        report(&format!("{} injected errors: writes on a {network_type} network", writes.injected));
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

/// What goes wrong with a driver's method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    /// It returns an error.
    Error,
    /// A step before the one of that number creates a link of a name that is taken.
    Taken(usize),
    /// A step before the one of that number changes a link that is not there.
    Missing(usize),
}

/// A driver like those of others: it makes devices before there is a sandbox, and one of its methods goes
/// wrong.
#[derive(Default)]
struct Faulty {
    wrong: Mutex<Option<(&'static str, Wrong)>>,
    /// How often it went wrong.
    met: AtomicUsize,
    networks: Mutex<BTreeSet<String>>,
}

/// How many steps the plan of a method has; none where it has no plan.
fn steps(method: &str) -> Option<usize> {
    match method {
        "create_network" | "create_endpoint" => Some(2),
        "delete_network" | "delete_endpoint" | "leave" => Some(1),
        _ => None,
    }
}

impl Faulty {
    /// `plan` as the method returns it; how often a method is called says nothing.
    fn answer(&self, method: &str, mut plan: Plan) -> Result<Plan> {
        assert_eq!(plan.steps.len(), steps(method).unwrap_or(0), "{method}");
        let wrong = self.wrong.lock().unwrap().filter(|(where_to, _)| *where_to == method);
        self.met.fetch_add(usize::from(wrong.is_some()), Ordering::Relaxed);
        let step = match wrong.map(|(_, wrong)| wrong) {
            None => return Ok(plan),
            Some(Wrong::Error) => {
                return Err(Error::new(ErrorKind::System, method, "nothing").with_cause("a test's driver"));
            }
            Some(Wrong::Taken(at)) => {
                let kind = LinkKind::Bridge { multicast_snooping: false, vlan_default_pvid: 0 };
                (at, Action::CreateLink(LinkSpec::new(link("lan0"), kind)))
            }
            Some(Wrong::Missing(at)) => {
                let mut change = LinkChange::new(LinkRef::named(link("notthere")));
                change.up = Some(true);
                (at, Action::SetLink(change))
            }
        };
        plan.steps.insert(step.0, Step::new(Place::Host, step.1));
        Ok(plan)
    }
}

fn change(name: &str, alias: &str) -> Action {
    let mut change = LinkChange::new(LinkRef::named(link(name)));
    (change.up, change.alias) = (Some(true), Some(alias.to_owned()));
    Action::SetLink(change)
}

fn delete(name: &str) -> Action {
    Action::DeleteLink(LinkRef::named(link(name)))
}

impl Driver for Faulty {
    fn network_type(&self) -> &str {
        "faulty"
    }

    fn create_network(
        &self,
        network: &str,
        _: &Options,
        _: &mut NetworkInfo,
        _: &[IpamData],
        _: &[IpamData],
    ) -> Result<Plan> {
        let mut plan = Plan::default();
        let kind = LinkKind::Bridge { multicast_snooping: false, vlan_default_pvid: 0 };
        let mut spec = LinkSpec::new(link(&format!("n-{network}")), kind);
        (spec.group, spec.mac) = (0, Some("02:00:00:00:00:77".parse().unwrap()));
        plan.steps.push(Step::new(Place::Host, Action::CreateLink(spec)).existing_ok());
        plan.push(Place::Host, change(&format!("n-{network}"), "theirs"));
        let plan = self.answer("create_network", plan)?;
        self.networks.lock().unwrap().insert(network.to_owned());
        Ok(plan)
    }

    fn delete_network(&self, network: &str) -> Result<Plan> {
        let mut plan = Plan::default();
        plan.push(Place::Host, delete(&format!("n-{network}")));
        self.answer("delete_network", plan)
    }

    fn create_endpoint(
        &self,
        network: &str,
        endpoint: &str,
        _: &mut InterfaceInfo,
        _: &Options,
    ) -> Result<Plan> {
        assert!(self.networks.lock().unwrap().contains(network), "it was not told of {network}");
        let mut plan = Plan::default();
        let peer =
            VethPeer { name: link(&format!("p-{endpoint}")), place: Place::Host, index: None, mac: None };
        let mut spec = LinkSpec::new(link(&format!("e-{endpoint}")), LinkKind::Veth { peer });
        (spec.group, spec.master) = (0, Some(LinkRef::named(link(&format!("n-{network}")))));
        plan.push(Place::Host, Action::CreateLink(spec));
        plan.push(Place::Host, change(&format!("e-{endpoint}"), "theirs"));
        self.answer("create_endpoint", plan)
    }

    fn delete_endpoint(&self, _: &str, endpoint: &str) -> Result<Plan> {
        let mut plan = Plan::default();
        plan.push(Place::Host, delete(&format!("e-{endpoint}")));
        self.answer("delete_endpoint", plan)
    }

    fn endpoint_oper_info(&self, _: &str, _: &str) -> Result<Options> {
        self.answer("endpoint_oper_info", Plan::default()).map(|_| Options::new())
    }

    fn join(&self, network: &str, endpoint: &str, _: &str, join: &mut JoinInfo, _: &Options) -> Result<()> {
        assert!(self.networks.lock().unwrap().contains(network), "it was not told of {network}");
        join.interface_name().set_names(link(&format!("p-{endpoint}")), link("eth"));
        self.answer("join", Plan::default()).map(drop)
    }

    fn leave(&self, _: &str, endpoint: &str) -> Result<Plan> {
        let mut plan = Plan::default();
        plan.push(Place::Host, change(&format!("e-{endpoint}"), "theirs"));
        self.answer("leave", plan)
    }
}

/// A driver of others, the controller that has it, and what went wrong so far.
struct Drivers<'a> {
    host: &'a Host,
    controller: &'a Controller,
    driver: &'a Faulty,
    injected: usize,
}

impl Drivers<'_> {
    /// Everything that can go wrong with one of `methods`, each once.
    fn wrongs(methods: &[&'static str]) -> Vec<(&'static str, Wrong)> {
        let of = |method: &&'static str| {
            let positions = steps(method).map_or(0..0, |steps| 0..steps + 1);
            let in_plan = positions.flat_map(|at| [Wrong::Taken(at), Wrong::Missing(at)]);
            let wrongs: Vec<_> = [Wrong::Error].into_iter().chain(in_plan).collect();
            let method = *method;
            wrongs.into_iter().map(move |wrong| (method, wrong))
        };
        methods.iter().flat_map(of).collect()
    }

    /// The result of `work` when `method` goes wrong in it.
    fn inject(
        &mut self,
        (method, wrong): (&'static str, Wrong),
        work: &dyn Fn() -> Result<()>,
        context: &str,
    ) -> Result<()> {
        let met = self.driver.met.load(Ordering::Relaxed);
        *self.driver.wrong.lock().unwrap() = Some((method, wrong));
        let result = work();
        *self.driver.wrong.lock().unwrap() = None;
        assert!(self.driver.met.load(Ordering::Relaxed) > met, "{context}: it was not called");
        self.injected += 1;
        result
    }

    /// `work` fails however one of `methods` goes wrong, and everything is as it was before.
    fn of_creating(
        &mut self,
        methods: &[&'static str],
        sandbox: Option<&Sandbox>,
        work: &dyn Fn() -> Result<()>,
    ) {
        let before = Before::of(self.host, sandbox);
        for wrong in Self::wrongs(methods) {
            let context = format!("{methods:?}: {wrong:?}");
            let error = self.inject(wrong, work, &context).expect_err(&context);
            assert!(error.rollback_failures().is_empty(), "{context}: {error}");
            before.assert_returns(self.host, sandbox, &format!("{context}: {error}"));
            assert!(self.controller.collect().unwrap().findings.is_empty(), "{context}");
        }
        work().unwrap();
    }

    /// When one of `methods` goes wrong `work`, which removes something, fails, and does it when it is tried
    /// again; where something was gone already it does it at once. Then everything is as it was before
    /// `again`.
    fn of_removing(
        &mut self,
        methods: &[&'static str],
        sandbox: Option<&Sandbox>,
        work: &dyn Fn() -> Result<()>,
        again: &dyn Fn() -> Result<()>,
    ) {
        work().unwrap();
        let before = Before::of(self.host, sandbox);
        for wrong in Self::wrongs(methods) {
            let context = format!("{methods:?}: {wrong:?}");
            again().unwrap_or_else(|error| panic!("{context}: {error}"));
            let result = self.inject(wrong, work, &context);
            // What is gone already is no error, and keeps nothing else from going.
            let is_gone = matches!(wrong, (_, Wrong::Missing(_)));
            assert_eq!(result.is_ok(), is_gone, "{context}: {result:?}");
            if result.is_err() {
                work().unwrap_or_else(|error| panic!("{context}: the second time: {error}"));
            }
            before.assert_returns(self.host, sandbox, &format!("{context}: {result:?}"));
            assert!(self.controller.collect().unwrap().findings.is_empty(), "{context}");
        }
    }
}

#[test]
fn a_driver_may_fail_in_each_method_and_each_step() {
    host(|host| {
        prepare(host);
        let controller = &controller();
        let driver = Arc::new(Faulty::default());
        let registered: Arc<dyn Driver> = Arc::<Faulty>::clone(&driver);
        controller.register_driver("faulty", registered, Capability::default()).unwrap();
        let kept = &controller.create_sandbox("kept").unwrap();
        let create_network = || controller.create_network(network("faulty")).map(drop);
        let delete_network = || controller.delete_network("blue");
        let create_endpoint = || controller.create_endpoint("blue", endpoint("one")).map(drop);
        let delete_endpoint = || controller.delete_endpoint("blue", "one");
        let join = || controller.join("blue", "one", kept).map(drop);
        let leave = || controller.leave("blue", "one");
        let connect = || controller.connect("blue", kept, endpoint("two")).map(drop);
        let disconnect = || controller.disconnect("blue", "two");
        let remove_sandbox = || controller.remove_sandbox("web");
        let connected_sandbox = || {
            let web = controller.create_sandbox("web")?;
            controller.connect("blue", &web, endpoint("three")).map(drop)
        };
        create_network().and_then(|()| delete_network()).unwrap();

        let mut drivers = Drivers { host, controller, driver: &driver, injected: 0 };
        drivers.of_creating(&["create_network"], None, &create_network);
        drivers.of_creating(&["create_endpoint"], None, &create_endpoint);
        drivers.of_creating(&["join"], Some(kept), &join);
        drivers.of_removing(&["leave"], Some(kept), &leave, &join);
        drivers.of_removing(&["delete_endpoint"], Some(kept), &delete_endpoint, &create_endpoint);
        drivers.of_creating(&["create_endpoint", "join"], Some(kept), &connect);
        drivers.of_removing(&["leave", "delete_endpoint"], Some(kept), &disconnect, &connect);
        connected_sandbox().unwrap();
        drivers.of_removing(&["leave", "delete_endpoint"], None, &remove_sandbox, &connected_sandbox);
        drivers.of_removing(&["delete_network"], None, &delete_network, &create_network);
        report(&format!("{} injected errors: methods and steps of a driver", drivers.injected));
    });
}

/// What others have put in the way of `work`: it fails with `kind`, says `words`, and leaves everything as it
/// was; when it is taken away with `remove` it goes through.
#[track_caller]
fn in_the_way(
    host: &Host,
    sandbox: Option<&Sandbox>,
    work: &dyn Fn() -> Result<()>,
    (kind, words): (ErrorKind, &[&str]),
    remove: &[&str],
) {
    let before = Before::of(host, sandbox);
    let Err(error) = work() else { panic!("it went through, before `ip {}`", remove.join(" ")) };
    let text = error.to_string();
    assert_eq!(error.kind(), kind, "{text}");
    for word in words {
        assert!(text.contains(word), "{word:?} is missing in {text}");
    }
    assert!(error.rollback_failures().is_empty(), "{text}");
    before.assert_returns(host, sandbox, &text);
    host.ip(remove);
    work().unwrap_or_else(|error| panic!("after {text}: {error}"));
}

#[test]
fn what_others_have_put_in_the_way_of_a_join_is_named_and_stays() {
    let mut injected = 0;
    for network_type in ["bridge", "routed", "macvlan"] {
        host(|host| {
            prepare(host);
            let controller = &controller();
            let config = controller.create_network(network(network_type)).unwrap();
            let kept = &controller.create_sandbox("kept").unwrap();
            let mut wants = endpoint("two");
            wants.destination = netns::Destination::Name(link("lan"));
            let own: [IpAddr; 2] = [
                config.subnets[0].subnet.hosts().nth(9).unwrap(),
                config.subnets[1].subnet.hosts().nth(9).unwrap(),
            ];
            let wants = own.iter().fold(wants, |wants, own| wants.with_address(*own));
            let connect = || controller.connect("blue", kept, wants.clone()).map(drop);
            let disconnect = || controller.disconnect("blue", "two").unwrap();
            connect().unwrap();
            let info = controller.endpoint_oper_info("blue", "two").unwrap();
            let host_end = info.get("host_interface_name").and_then(|name| name.as_str());
            let host_end = host_end.map(ToOwned::to_owned);
            disconnect();

            // The name inside.
            host.ip_in("kept", &["link", "add", "lan", "type", "bridge"]);
            let said = (ErrorKind::AlreadyExists, &["lan"][..]);
            in_the_way(host, Some(kept), &connect, said, &["-n", "kept", "link", "delete", "lan"]);
            disconnect();
            injected += 1;
            // An address, and with it a route, inside.
            host.ip_in("kept", &["link", "add", "other", "type", "bridge"]);
            host.ip_in("kept", &["link", "set", "other", "up"]);
            for (at, family) in [(0, "-4"), (1, "-6")] {
                let (address, gateway) = (own[at], config.subnets[at].gateway.unwrap().to_string());
                let net = format!("{address}/{}", config.subnets[at].subnet.prefix_len());
                // An endpoint of a routed network has the way to its gateway alone.
                let (object, what) = match network_type {
                    "routed" => ("route", gateway.as_str()),
                    _ => ("address", net.as_str()),
                };
                host.ip_in("kept", &[family, object, "add", what, "dev", "other"]);
                let said = (ErrorKind::AlreadyExists, &[][..]);
                let remove = ["-n", "kept", family, object, "delete", what, "dev", "other"];
                in_the_way(host, Some(kept), &connect, said, &remove);
                disconnect();
                injected += 1;
            }
            // A default route inside is somebody's choice, and stays.
            host.ip_in("kept", &["route", "add", "default", "dev", "other"]);
            let before = Before::of(host, Some(kept));
            connect().unwrap();
            let default = host.ip_in("kept", &["route", "show", "default"]);
            assert_eq!(default[0]["dev"], "other", "{default}");
            disconnect();
            before.assert_returns(host, Some(kept), "a join beside a default route");
            host.ip_in("kept", &["route", "delete", "default"]);
            // The end in the host, by its name and by its index.
            let Some(host_end) = host_end else { return };
            host.ip(&["link", "add", &host_end, "type", "bridge"]);
            let said = (ErrorKind::AlreadyExists, &[host_end.as_str()][..]);
            in_the_way(host, Some(kept), &connect, said, &["link", "delete", &host_end]);
            let index = host.ip(&["link", "show", &host_end])[0]["ifindex"].as_u64().unwrap();
            disconnect();
            injected += 1;
            host.ip(&["link", "add", "squat0", "index", &index.to_string(), "type", "bridge"]);
            connect().unwrap();
            disconnect();
            for next in 1..=2_u64 {
                let (name, index) = (format!("squat{next}"), (index + next).to_string());
                host.ip(&["link", "add", &name, "index", &index, "type", "bridge"]);
            }
            let said = (ErrorKind::AlreadyExists, &[host_end.as_str()][..]);
            in_the_way(host, Some(kept), &connect, said, &["link", "delete", "squat1"]);
            disconnect();
            injected += 1;
            host.ip(&["link", "delete", "squat0"]);
            host.ip(&["link", "delete", "squat2"]);
            // The route to the endpoint.
            if network_type == "routed" {
                for own in own {
                    let family = if own.is_ipv4() { "-4" } else { "-6" };
                    let own = own.to_string();
                    let mut metric = vec![family, "route", "add", &own, "dev", "lan0"];
                    if family == "-6" {
                        metric.extend(["metric", "1024"]);
                    }
                    host.ip(&metric);
                    let said = (ErrorKind::AlreadyExists, &[own.as_str()][..]);
                    in_the_way(host, Some(kept), &connect, said, &[family, "route", "delete", &own]);
                    disconnect();
                    injected += 1;
                }
            }
        });
    }
    report(&format!("{injected} injected errors: things in the way of a join"));
}

#[test]
fn what_others_have_put_in_the_way_of_a_network_is_named_and_stays() {
    let mut injected = 0;
    for (network_type, name) in [("bridge", "br-blue"), ("routed", "rt-blue")] {
        host(|host| {
            prepare(host);
            let controller = &controller();
            let wanted = || {
                let subnet = |text: &str| text.parse().unwrap();
                network(network_type).with_subnet(subnet("10.1.0.0/24")).with_subnet(subnet("fd01::/64"))
            };
            let create = || controller.create_network(wanted()).map(drop);
            let delete = || controller.delete_network("blue").unwrap();
            create().unwrap();
            delete();
            host.ip(&["link", "add", name, "type", "veth", "peer", "name", "other"]);
            let said = (ErrorKind::AlreadyExists, &[name][..]);
            in_the_way(host, None, &create, said, &["link", "delete", name]);
            delete();
            for (family, route) in [("-4", "10.1.0.128/25"), ("-6", "fd01::/48")] {
                host.ip(&[family, "route", "add", route, "dev", "lan0"]);
                let said = (ErrorKind::AlreadyExists, &[route][..]);
                in_the_way(host, None, &create, said, &[family, "route", "delete", route]);
                delete();
            }
            injected += 3;
        });
    }
    report(&format!("{injected} injected errors: things in the way of a network"));
}
