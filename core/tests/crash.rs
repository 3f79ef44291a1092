//! Whenever a process is killed, the next one puts everything right: nothing is left half done.
//!
//! A child does something with a controller, and is killed before one system call after the other: at each
//! that changes something and at an even sample of the rest, at all of them where the environment variable
//! `NETNS_EVERY_CALL` is set.

#[path = "crash/look.rs"]
mod look;
#[path = "crash/trace.rs"]
mod trace;

mod child;

use std::cell::OnceCell;
use std::fs;
use std::net::IpAddr;
use std::os::unix::fs::symlink;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use look::Look;
use netns::stats::{Detail, Meter, MeterOptions, Source};
use netns::{Controller, ControllerOptions, EndpointConfig, ErrorKind, Lifetime, NetworkConfig};
use testhost::{host, report, Host, State};

/// How many kills a campaign has at least.
const LEAST: usize = 200;
/// Of so many kills one is followed by a look at all there is.
const FULL: usize = 10;
/// Of the calls that change something, so many are one kill of a process that opens a controller.
const STEP: usize = 2;

fn controller(lifetime: Lifetime) -> Controller {
    Controller::open(ControllerOptions::default().with_lifetime(lifetime)).unwrap()
}

fn endpoint(name: &str) -> EndpointConfig {
    EndpointConfig::new(name).unwrap()
}

fn network(network_type: &str) -> NetworkConfig {
    let network = NetworkConfig::new(network_type, "blue").unwrap().with_ipv6();
    match network_type {
        "macvlan" | "routed" => network.with_option("parent", "lan0"),
        _ => network,
    }
}

/// Everything that a controller does with endpoints and sandboxes, from nothing to nothing.
fn whole_life(lifetime: Lifetime) {
    let controller = controller(lifetime);
    let sandbox = controller.create_sandbox("web").unwrap();
    controller.create_endpoint("blue", endpoint("one")).unwrap();
    controller.join("blue", "one", &sandbox).unwrap();
    controller.leave("blue", "one").unwrap();
    controller.delete_endpoint("blue", "one").unwrap();
    controller.connect("blue", &sandbox, endpoint("two")).unwrap();
    controller.destroy_sandbox(&sandbox).unwrap();
}

/// Everything that a controller does with endpoints whose devices its caller moves.
fn whole_life_of_links() {
    let controller = controller(Lifetime::Process);
    let sandbox = controller.create_sandbox("web").unwrap();
    controller.link("blue", endpoint("one")).unwrap();
    let two = controller.link("blue", endpoint("two")).unwrap();
    sandbox.add_interface(&two.interface.unwrap()).unwrap();
    controller.delete_endpoint("blue", "one").unwrap();
    controller.disconnect("blue", "two").unwrap();
    let three = controller.link("blue", endpoint("three")).unwrap();
    sandbox.add_interface(&three.interface.unwrap()).unwrap();
    controller.destroy_sandbox(&sandbox).unwrap();
    controller.delete_endpoint("blue", "three").unwrap();
}

/// Kills a child that plays `role` in `test` at one call after the other. After each kill what is left is
/// collected, by a process that was there all the time or by one that comes afterwards, and a second
/// collection must find nothing; then `check` looks. In the end everything is as it was before.
fn campaign(host: &Host, test: &str, role: &str, check: impl Fn(&Controller, &dyn Fn() -> String)) {
    let observer = controller(Lifetime::Process);
    let run = || child::command(&[], test, role);
    // What is made once, and the files of the store.
    trace::record(&mut run());
    let clean_up = |context: &dyn Fn() -> String| {
        observer.collect().unwrap();
        check(&observer, context);
    };
    clean_up(&|| "before".to_owned());
    let calls = trace::record(&mut run());
    clean_up(&|| "before".to_owned());
    let state = settled(host);
    let look = Look::of(host);
    let mut witness = Some(observer);

    let points = trace::points(&calls, if every_call() { usize::MAX } else { LEAST });
    for (number, &at) in points.iter().enumerate() {
        let context = || format!("{role} killed before call {at} of {}, {:?}", calls.len(), calls.get(at));
        trace::kill_at(&mut run(), at);
        // The store is left without a process that has it open, every other time.
        let controller = match witness.take() {
            Some(controller) => {
                let collected = controller.collect().unwrap();
                let failed = collected.findings.iter().find(|finding| finding.error.is_some());
                assert!(failed.is_none(), "{}: {failed:?}", context());
                controller
            }
            None => controller(Lifetime::Process),
        };
        let again = controller.collect().unwrap().findings;
        assert!(again.is_empty(), "{}: found again: {again:?}", context());
        check(&controller, &context);
        look.assert_returns(host, context);
        if number % FULL == 0 || number + 1 == points.len() {
            host.assert_returns_to(&state, &context());
        }
        witness = (number % 2 == 0).then_some(controller);
    }
    report(&format!("{} kill points: {role}, of {} calls", points.len(), calls.len()));
}

/// The host's state when nothing changes any more: namespaces die later than their names.
fn settled(host: &Host) -> State {
    loop {
        let state = host.dump();
        thread::sleep(Duration::from_millis(200));
        if state == host.dump() {
            return state;
        }
    }
}

fn prepare(host: &Host, network_type: &str) {
    if network_type != "bridge" {
        host.ip(&["link", "add", "lan0", "type", "veth", "peer", "name", "lan1"]);
        host.ip(&["link", "set", "lan0", "up"]);
        host.ip(&["link", "set", "lan1", "up"]);
    }
}

/// Nobody has a slot of counters, and nothing is half made.
fn nothing_is_metered(context: &dyn Fn() -> String) {
    let Ok(pinned) = fs::read_dir(MeterOptions::DIRECTORY) else { return };
    let names: Vec<_> = pinned.map(|entry| entry.unwrap().file_name()).collect();
    // Empty it goes with the last network.
    if names.is_empty() {
        return;
    }
    assert_eq!(names, ["v1"], "{}", context());
    let snapshot = Meter::open(&MeterOptions::default()).unwrap().snapshot();
    assert!(snapshot.readings.is_empty(), "{}: {snapshot:?}", context());
}

fn nothing_is_left(controller: &Controller, context: &dyn Fn() -> String) {
    nothing_is_metered(context);
    let (endpoints, sandboxes) = (controller.endpoints().unwrap(), controller.sandboxes().unwrap());
    assert!(endpoints.is_empty() && sandboxes.is_empty(), "{}: {endpoints:?} {sandboxes:?}", context());
}

fn a_life(test: &str, network_type: &str) {
    life(test, network_type, "a life", &|| whole_life(Lifetime::Process));
}

fn life(test: &str, network_type: &str, what: &str, live: &dyn Fn()) {
    if child::role().is_some() {
        return trace::between_marks(live);
    }
    host(|host| {
        prepare(host, network_type);
        controller(Lifetime::Process).create_network(network(network_type)).unwrap();
        let role = format!("{what} on a {network_type} network");
        campaign(host, test, &role, nothing_is_left);
        // All addresses are there to be had.
        let controller = controller(Lifetime::Process);
        let details = controller.inspect_network("blue").unwrap();
        for subnet in &details.config.subnets {
            let is_free = |address: &IpAddr| subnet.gateway != Some(*address);
            let first = subnet.subnet.hosts().skip(1).find(is_free).unwrap();
            let wants = endpoint("two").with_address(first);
            controller.create_endpoint("blue", wants).unwrap();
            controller.delete_endpoint("blue", "two").unwrap();
        }
    });
}

#[test]
fn a_process_killed_on_a_bridge_leaves_nothing() {
    a_life("a_process_killed_on_a_bridge_leaves_nothing", "bridge");
}

#[test]
fn a_process_killed_on_a_routed_network_leaves_nothing() {
    a_life("a_process_killed_on_a_routed_network_leaves_nothing", "routed");
}

#[test]
fn a_process_killed_on_a_macvlan_leaves_nothing() {
    a_life("a_process_killed_on_a_macvlan_leaves_nothing", "macvlan");
}

#[test]
fn a_process_killed_while_it_links_on_a_bridge_leaves_nothing() {
    let test = "a_process_killed_while_it_links_on_a_bridge_leaves_nothing";
    life(test, "bridge", "a life of links", &whole_life_of_links);
}

#[test]
fn a_process_killed_while_it_links_on_a_routed_network_leaves_nothing() {
    let test = "a_process_killed_while_it_links_on_a_routed_network_leaves_nothing";
    life(test, "routed", "a life of links", &whole_life_of_links);
}

/// A network that is there is usable, and deleting it takes all of it away.
fn whole_network_or_none(controller: &Controller, context: &dyn Fn() -> String) {
    let networks = controller.networks().unwrap();
    for (name, config) in networks {
        config.unwrap_or_else(|error| panic!("{}: {error}", context()));
        controller.create_endpoint(name.as_str(), endpoint("one")).unwrap();
        controller.delete_endpoint(name.as_str(), "one").unwrap();
        controller.delete_network(name.as_str()).unwrap();
    }
}

fn a_network(test: &str, network_type: &str) {
    if child::role().is_some() {
        return trace::between_marks(|| {
            let controller = controller(Lifetime::Process);
            controller.create_network(network(network_type)).unwrap();
            controller.delete_network("blue").unwrap();
        });
    }
    host(|host| {
        prepare(host, network_type);
        let role = format!("a network of type {network_type}");
        campaign(host, test, &role, whole_network_or_none);
        // The first pool is there to be had.
        let made = controller(Lifetime::Process).create_network(network(network_type)).unwrap();
        assert_eq!(made.subnets[0].subnet.to_string(), "172.17.0.0/16");
    });
}

#[test]
fn a_process_killed_while_it_makes_a_bridge_leaves_a_whole_network_or_none() {
    a_network("a_process_killed_while_it_makes_a_bridge_leaves_a_whole_network_or_none", "bridge");
}

#[test]
fn a_process_killed_while_it_makes_a_routed_network_leaves_a_whole_one_or_none() {
    a_network("a_process_killed_while_it_makes_a_routed_network_leaves_a_whole_one_or_none", "routed");
}

#[test]
fn a_process_killed_while_it_makes_and_removes_counters_leaves_none() {
    const TEST: &str = "a_process_killed_while_it_makes_and_removes_counters_leaves_none";
    if child::role().is_some() {
        return trace::between_marks(|| {
            let controller = controller(Lifetime::Process);
            controller.create_network(network("bridge")).unwrap();
            let meter = controller.meter().unwrap();
            let sandbox = controller.create_sandbox("web").unwrap();
            let web = controller.connect("blue", &sandbox, endpoint("web")).unwrap();
            assert!(meter.owner(web.meter.unwrap()).is_some());
            controller.destroy_sandbox(&sandbox).unwrap();
            controller.delete_network("blue").unwrap();
        });
    }
    host(|host| {
        campaign(host, TEST, "a life of counters", |controller, context| {
            nothing_is_metered(context);
            whole_network_or_none(controller, context);
            assert!(!fs::exists(MeterOptions::DIRECTORY).unwrap(), "{}", context());
        });
    });
}

/// Switches the counters of an endpoint that lives, which is another process's.
fn switched(test: &str, network_type: &str) {
    if child::role().is_some() {
        return trace::between_marks(|| {
            let controller = controller(Lifetime::Process);
            for on in [true, true, false, true, false] {
                controller.set_meter("blue", "web", on).unwrap();
            }
        });
    }
    host(|host| {
        prepare(host, network_type);
        let mut options = ControllerOptions::default().with_lifetime(Lifetime::Process);
        // So few that one that is lost is missed.
        options.meter = MeterOptions::default().with_slots(2);
        let owner = Controller::open(options).unwrap();
        let meter = owner.meter().unwrap();
        owner.create_network(network(network_type)).unwrap();
        let web = owner.create_sandbox("web").unwrap();
        let mut config = endpoint("web");
        config.meter = Some(false);
        owner.connect("blue", &web, config).unwrap();
        let role = format!("switching counters on a {network_type} network");
        campaign(host, test, &role, |controller, context| {
            controller
                .set_meter("blue", "web", true)
                .unwrap_or_else(|error| panic!("{}: {error}", context()));
            let source = controller.stats("blue", "web", Detail::Full).unwrap().source;
            assert_eq!((source, meter.snapshot().readings.len()), (Source::Counters, 1), "{}", context());
            controller.set_meter("blue", "web", false).unwrap();
            nothing_is_metered(context);
            let source = controller.stats("blue", "web", Detail::Full).unwrap().source;
            assert_eq!(source, Source::Kernel, "{}", context());
            let list = |of: &[&str]| host.tc(&[&["qdisc", "show"], of].concat()).to_string();
            let inside = web.run(|| list(&[])).unwrap();
            assert!(!(list(&[]) + &inside).contains("clsact"), "{}", context());
        });
    });
}

#[test]
fn a_process_killed_while_it_switches_counters_leaves_what_can_be_switched() {
    switched("a_process_killed_while_it_switches_counters_leaves_what_can_be_switched", "bridge");
}

#[test]
fn a_process_killed_while_it_switches_a_macvlans_counters_leaves_what_can_be_switched() {
    switched("a_process_killed_while_it_switches_a_macvlans_counters_leaves_what_can_be_switched", "macvlan");
}

/// What is there works, and removing it takes all of it away.
fn whole_endpoints_or_none(host: &Host, controller: &Controller, context: &dyn Fn() -> String) {
    let gateways: Vec<IpAddr> = {
        let details = controller.inspect_network("blue").unwrap();
        details.config.subnets.iter().filter_map(|subnet| subnet.gateway).collect()
    };
    let listed = controller.sandboxes().unwrap();
    assert_eq!(host.netns_list().len(), listed.len(), "{}: {listed:?}", context());
    for one in controller.endpoints().unwrap() {
        if let Some(path) = &one.sandbox {
            let name = path.file_name().unwrap().to_str().unwrap();
            for gateway in &gateways {
                assert!(host.ping(name, *gateway), "{}: {one:?} does not reach {gateway}", context());
            }
        }
        let again = controller.create_endpoint("blue", endpoint(one.name().as_str())).unwrap_err();
        assert_eq!(again.kind(), ErrorKind::AlreadyExists, "{}: {again}", context());
        controller.disconnect("blue", one.name().as_str()).unwrap();
    }
    for sandbox in listed {
        controller.remove_sandbox(sandbox.path.file_name().unwrap().to_str().unwrap()).unwrap();
    }
    nothing_is_left(controller, context);
}

#[test]
fn what_a_killed_process_had_finished_stays_and_works() {
    const TEST: &str = "what_a_killed_process_had_finished_stays_and_works";
    if child::role().is_some() {
        return trace::between_marks(|| whole_life(Lifetime::Host));
    }
    host(|host| {
        controller(Lifetime::Host).create_network(network("bridge")).unwrap();
        campaign(host, TEST, "a life that lasts", |controller, context| {
            whole_endpoints_or_none(host, controller, context);
        });
    });
}

/// Kills a child that opens a controller over what `leave` has left at one call after the other: at every
/// [`STEP`]th that changes something. After each the next process opens one, finds nothing more, and `check`
/// takes away what is to stay.
fn opening(
    host: &Host,
    (test, role): (&str, &str),
    leave: impl Fn(),
    check: impl Fn(&Controller, &dyn Fn() -> String),
) {
    let run = || child::command(&[], test, "open");
    let after = |context: &dyn Fn() -> String| {
        let controller = controller(Lifetime::Process);
        let again = controller.collect().unwrap().findings;
        assert!(again.is_empty(), "{}: found again: {again:?}", context());
        check(&controller, context);
    };
    let before = || "before".to_owned();
    leave();
    after(&before);
    leave();
    let calls = trace::record(&mut run());
    after(&before);
    // The files of a store that is open.
    let whole = |check: &dyn Fn()| {
        let _open = controller(Lifetime::Process);
        check();
    };
    let state = OnceCell::new();
    whole(&|| state.set(settled(host)).unwrap());
    let look = Look::of(host);
    let (least, step) = if every_call() { (usize::MAX, 1) } else { (0, STEP) };
    let points: Vec<_> = trace::points(&calls, least).into_iter().step_by(step).collect();
    for (number, &at) in points.iter().enumerate() {
        let context = || format!("{role} killed before call {at} of {}, {:?}", calls.len(), calls.get(at));
        leave();
        trace::kill_at(&mut run(), at);
        after(&context);
        look.assert_returns(host, context);
        if number % FULL == 0 || number + 1 == points.len() {
            whole(&|| host.assert_returns_to(state.get().unwrap(), &context()));
        }
    }
    report(&format!("{} kill points: {role}, of {} calls", points.len(), calls.len()));
}

fn every_call() -> bool {
    std::env::var_os("NETNS_EVERY_CALL").is_some()
}

/// A child that plays `role` to its end.
fn play(test: &str, role: &str) {
    let played = child::command(&[], test, role).stdout(Stdio::null()).status().unwrap();
    assert!(played.success(), "{role}: {played:?}");
}

fn collected_after_the_collector_was_killed(test: &str, network_type: &str) {
    match child::role().as_deref() {
        Some("leave") => {
            let controller = controller(Lifetime::Process);
            for name in ["web", "gone"] {
                let sandbox = controller.create_sandbox(name).unwrap();
                controller.connect("blue", &sandbox, endpoint(name)).unwrap();
            }
            controller.create_endpoint("blue", endpoint("idle")).unwrap();
            // Its process dies before it has told the store.
            nix::mount::umount2("/run/netns/gone", nix::mount::MntFlags::MNT_DETACH).unwrap();
            // What writers leave that die before they rename it.
            symlink("x", "/run/libnetns/sandboxes/.4194000-1-1.tmp").unwrap();
            return;
        }
        Some(_) => return trace::between_marks(|| drop(controller(Lifetime::Process))),
        None => {}
    }
    host(|host| {
        prepare(host, network_type);
        controller(Lifetime::Process).create_network(network(network_type)).unwrap();
        let role = format!("collecting what was left on a {network_type} network");
        opening(host, (test, &role), || play(test, "leave"), nothing_is_left);
    });
}

#[test]
fn a_collector_killed_on_a_bridge_is_followed_by_one_that_ends_it() {
    let test = "a_collector_killed_on_a_bridge_is_followed_by_one_that_ends_it";
    collected_after_the_collector_was_killed(test, "bridge");
}

#[test]
fn a_collector_killed_on_a_routed_network_is_followed_by_one_that_ends_it() {
    let test = "a_collector_killed_on_a_routed_network_is_followed_by_one_that_ends_it";
    collected_after_the_collector_was_killed(test, "routed");
}

#[test]
fn a_rebuild_that_is_killed_is_followed_by_one_that_ends_it() {
    const TEST: &str = "a_rebuild_that_is_killed_is_followed_by_one_that_ends_it";
    match child::role().as_deref() {
        Some("leave") => {
            let controller = controller(Lifetime::Host);
            for name in ["web", "db"] {
                let sandbox = controller.create_sandbox(name).unwrap();
                controller.connect("blue", &sandbox, endpoint(name)).unwrap();
            }
            drop(controller);
            fs::write("/run/libnetns/state.db", "garbage ".repeat(1000)).unwrap();
            return;
        }
        Some(_) => return trace::between_marks(|| drop(controller(Lifetime::Host))),
        None => {}
    }
    host(|host| {
        controller(Lifetime::Host).create_network(network("bridge")).unwrap();
        let leave = || play(TEST, "leave");
        opening(host, (TEST, "rebuilding a ruined store"), leave, |controller, context| {
            let listed = controller.endpoints().unwrap();
            let names: Vec<_> = listed.iter().map(|one| one.name().as_str()).collect();
            assert_eq!(names, ["db", "web"], "{}", context());
            for one in &listed {
                // It has what was recovered.
                let address = one.address.unwrap().addr().into();
                let wants = endpoint("thief").with_address(address);
                let error = controller.create_endpoint("blue", wants).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{}: {error}", context());
            }
            whole_endpoints_or_none(host, controller, context);
            for file in fs::read_dir("/run/libnetns").unwrap().flatten() {
                if file.file_name().to_string_lossy().contains(".broken-") {
                    fs::remove_file(file.path()).unwrap();
                }
            }
        });
    });
}
