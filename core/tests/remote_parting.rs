//! Endpoints that part while others are at the same networks and endpoints, in this process and in others.

mod child;
mod common;
mod control;
mod plugin;

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use common::refused;
use control::{addresses_of, at, endpoint, sandbox, with_subnets};
use netns::{Controller, ErrorKind, NetworkConfig};
use plugin::{meanwhile, of, options, Plugin};
use serde_json::json;
use testhost::host;

/// Longer than anything takes that is not meant to hang.
const LONG: Duration = Duration::from_secs(60);

fn open(timeout: Duration) -> Controller {
    Controller::open(options(timeout)).unwrap()
}

fn far() -> NetworkConfig {
    with_subnets("wire", "far", &["10.7.0.0/24"])
}

/// Runs `act` in a thread of that scope, and returns when it waits for something.
fn until_it_waits<'a>(scope: &'a std::thread::Scope<'a, '_>, act: impl FnOnce() + Send + 'a) {
    let (sender, receiver) = mpsc::channel();
    scope.spawn(move || {
        sender.send(std::fs::read_link("/proc/thread-self").unwrap()).unwrap();
        act();
    });
    let stat = Path::new("/proc").join(receiver.recv().unwrap()).join("stat");
    let begin = Instant::now();
    let mut times = 0;
    while times < 20 {
        assert!(begin.elapsed() < Duration::from_secs(30), "it does not wait");
        let stat = std::fs::read_to_string(&stat).unwrap();
        times = if stat.contains(") S ") { times + 1 } else { 0 };
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn an_endpoint_that_is_forgotten_too_late_takes_nothing_from_those_after_it() {
    host(|_| {
        let controller = Controller::open(control::options()).unwrap();
        controller.create_network(with_subnets("bridge", "near", &["10.8.0.0/24"])).unwrap();
        let [first, second, third] = ["a", "b", "c"].map(|name| sandbox(&controller, name));
        controller.connect("near", &first, at("old", &["10.8.0.5"])).unwrap();
        // Another process is behind the gate, until its input ends.
        let mut holder = Command::new("flock")
            .args(["/run/libnetns/gate", "sh", "-c", "echo; cat"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        std::io::Read::read_exact(&mut holder.stdout.take().unwrap(), &mut [0]).unwrap();
        std::thread::scope(|scope| {
            until_it_waits(scope, || controller.disconnect("near", "old").unwrap());
            until_it_waits(scope, || {
                drop(controller.connect("near", &second, at("new", &["10.8.0.5"])).unwrap());
            });
            until_it_waits(scope, || controller.forget_endpoint("near", "old").unwrap());
            drop(holder.stdin.take());
        });
        holder.wait().unwrap();
        let taken = controller.connect("near", &third, at("third", &["10.8.0.5"])).unwrap_err();
        assert_eq!(taken.kind(), ErrorKind::AlreadyExists, "{taken}");
        let known = controller.endpoints().unwrap();
        assert_eq!(known.iter().flat_map(addresses_of).collect::<Vec<_>>(), ["10.8.0.5/24"]);
    });
}

#[test]
fn an_endpoint_parts_from_the_network_that_there_is_now() {
    host(|_| {
        let plugin = Plugin::start("wire");
        let (stale, other) = (open(LONG), open(LONG));
        for ends_by_itself in [true, false] {
            let web = sandbox(&other, "web");
            stale.create_network(with_subnets("bridge", "far", &["10.7.0.0/24"])).unwrap();
            stale.connect("far", &web, endpoint("web")).unwrap();
            stale.disconnect("far", "web").unwrap();
            other.delete_network("far").unwrap();
            other.create_network(far()).unwrap();
            other.connect("far", &web, endpoint("web")).unwrap();
            plugin.requests();
            match ends_by_itself {
                true => stale.disconnect("far", "web").unwrap(),
                false => stale.remove_sandbox("web").unwrap(),
            }
            let calls = plugin.calls();
            assert_eq!(calls[calls.len() - 2..], ["Leave", "DeleteEndpoint"].map(of), "{calls:?}");
            assert_eq!(other.endpoints().unwrap(), []);
            other.delete_network("far").unwrap();
            other.remove_sandbox("web").unwrap();
        }
    });
}

#[test]
fn while_a_plugin_is_at_an_endpoint_others_leave_it_alone() {
    host(|_| {
        let (controller, plugin) = (open(LONG), Plugin::start("wire"));
        let other = open(LONG);
        controller.create_network(far()).unwrap();
        let web = sandbox(&controller, "web");
        let busy = |result| refused(result, ErrorKind::Busy, &["its driver is at it"]);
        let all_are_busy = || {
            busy(other.disconnect("far", "web"));
            busy(other.leave("far", "web"));
            busy(other.forget_endpoint("far", "web"));
            assert_eq!(other.collect().unwrap().findings, []);
        };
        let connect = || drop(controller.connect("far", &web, endpoint("web")).unwrap());
        let disconnect = || controller.disconnect("far", "web").unwrap();
        for method in ["CreateEndpoint", "Join", "ProgramExternalConnectivity"] {
            meanwhile(&plugin, method, connect, all_are_busy);
            assert_eq!(controller.endpoint("far", "web").unwrap().sandbox.as_deref(), Some(web.key().path()));
            disconnect();
        }
        for method in ["RevokeExternalConnectivity", "Leave", "DeleteEndpoint"] {
            connect();
            meanwhile(&plugin, method, disconnect, all_are_busy);
            assert_eq!(controller.endpoints().unwrap(), []);
            let calls = plugin.calls();
            assert_eq!(calls.iter().filter(|call| **call == of(method)).count(), 1, "{calls:?}");
        }
        controller.create_endpoint("far", endpoint("web")).unwrap();
        let delete = || controller.delete_endpoint("far", "web").unwrap();
        meanwhile(&plugin, "DeleteEndpoint", delete, || {
            busy(other.join("far", "web", &web).map(drop));
            busy(other.delete_endpoint("far", "web"));
        });
        assert_eq!(controller.endpoints().unwrap(), []);
        // One that failed is nobody's any more.
        connect();
        plugin.does(&[(&of("Leave"), json!("drop"))]);
        let short = open(Duration::from_millis(400));
        short.disconnect("far", "web").unwrap_err();
        plugin.is_well();
        disconnect();
    });
}

/// What a process does that another waits for, or ends while it is at it.
fn as_child() -> bool {
    let Some(role) = child::role() else { return false };
    let controller = open(LONG);
    let web = controller.open_sandbox("web").unwrap();
    match role.as_str() {
        "connect" => drop(controller.connect("far", &web, endpoint("web")).unwrap()),
        "join" => drop(controller.join("far", "web", &web).unwrap()),
        "leave" => controller.leave("far", "web").unwrap(),
        _ => controller.disconnect("far", "web").unwrap(),
    }
    true
}

#[test]
fn what_a_plugin_was_at_for_a_process_that_was_killed_is_finished() {
    const TEST: &str = "what_a_plugin_was_at_for_a_process_that_was_killed_is_finished";
    if as_child() {
        return;
    }
    host(|host| {
        let (controller, plugin) = (open(LONG), Plugin::start("wire"));
        controller.create_network(far()).unwrap();
        let web = sandbox(&controller, "web");
        let killed = |role: &str, method: &str| {
            plugin.requests();
            plugin.does(&[(&of(method), json!("hang"))]);
            let mut child = child::command(&[], TEST, role).stdout(Stdio::null()).spawn().unwrap();
            plugin.await_call(&of(method));
            child.kill().unwrap();
            child.wait().unwrap();
            plugin.is_well();
        };
        let collected = |what: &str| {
            let findings = controller.collect().unwrap().findings;
            let text: Vec<_> = findings.iter().map(ToString::to_string).collect();
            assert_eq!(text.len(), 1, "{text:?}");
            let expected = format!("its process died while its driver was at it: {what}");
            assert!(text[0].ends_with(&expected), "{text:?}");
        };
        for method in ["CreateEndpoint", "Join", "ProgramExternalConnectivity"] {
            killed("connect", method);
            collected("removed");
            assert_eq!(controller.endpoints().unwrap(), [], "{method}");
            assert!(plugin.calls().contains(&of("DeleteEndpoint")), "{method}");
            host.run("ip", &["link", "delete", "o-web"]);
        }
        // The next one of that name does without the collector.
        killed("connect", "CreateEndpoint");
        controller.connect("far", &web, endpoint("web")).unwrap();
        killed("disconnect", "DeleteEndpoint");
        collected("removed");
        assert_eq!(controller.endpoints().unwrap(), []);

        controller.create_endpoint("far", endpoint("web")).unwrap();
        for (role, method) in [("join", "Join"), ("leave", "Leave")] {
            killed(role, method);
            refused(controller.join("far", "web", &web).map(drop), ErrorKind::Busy, &["collected"]);
            collected("left");
            assert_eq!(controller.endpoint("far", "web").unwrap().sandbox, None, "{method}");
            controller.join("far", "web", &web).unwrap();
        }
        controller.disconnect("far", "web").unwrap();
    });
}

#[test]
fn an_endpoint_without_a_device_lasts_longer_than_the_process_that_joined_it() {
    const TEST: &str = "an_endpoint_without_a_device_lasts_longer_than_the_process_that_joined_it";
    if as_child() {
        return;
    }
    host(|_| {
        let (controller, plugin) = (open(LONG), Plugin::start("wire"));
        controller.create_network(far()).unwrap();
        let _web = sandbox(&controller, "web");
        plugin.does(&[(&of("Join"), json!({}))]);
        let status = child::command(&[], TEST, "connect").stdout(Stdio::null()).status().unwrap();
        assert!(status.success());
        assert_eq!(controller.collect().unwrap().findings, []);
        assert!(controller.endpoint("far", "web").unwrap().sandbox.is_some());
        controller.disconnect("far", "web").unwrap();
    });
}

#[test]
fn a_plugin_that_is_dead_costs_the_collector_one_wait() {
    host(|_| {
        let (controller, plugin) = (open(Duration::from_millis(400)), Plugin::start("wire"));
        controller.create_network(far()).unwrap();
        for name in ["a", "b", "c"] {
            let gone = sandbox(&controller, name);
            controller.connect("far", &gone, endpoint(name)).unwrap();
            netns::Sandbox::remove(gone.key()).unwrap();
        }
        // A dry run asks nobody, and sees them all.
        plugin.requests();
        let fresh = Controller::open_uncollected(options(LONG)).unwrap();
        assert_eq!(fresh.plan_collect().unwrap().findings.len(), 3);
        assert_eq!(plugin.calls(), Vec::<String>::new());

        let [revoke, leave] = ["RevokeExternalConnectivity", "Leave"].map(of);
        plugin.does(&[(&revoke, json!("hang")), (&leave, json!("hang"))]);
        let findings = controller.collect().unwrap().findings;
        assert_eq!(findings.len(), 3, "{findings:?}");
        assert!(findings.iter().all(|finding| finding.error.is_some()), "{findings:?}");
        assert_eq!(plugin.calls().len(), 1);
        plugin.is_well();
        controller.collect().unwrap();
        assert_eq!(controller.endpoints().unwrap(), []);
    });
}

/// A plugin's network has no ports; one that a plugin gives its addresses has.
#[test]
fn a_port_that_is_taken_is_not_looked_for_at_plugins() {
    host(|_| {
        let (controller, plugin) = (open(LONG), Plugin::start("wire"));
        let mut green = control::config("bridge", "green");
        green.ipam = "wire".to_owned();
        controller.create_network(green).unwrap();
        controller.create_network(with_subnets("bridge", "near", &["10.8.0.0/24"])).unwrap();
        let published = |name: &str, port: &str| endpoint(name).with_port(port.parse().unwrap());
        let gone = sandbox(&controller, "gone");
        controller.connect("green", &gone, published("gone", "9000:80")).unwrap();
        netns::Sandbox::remove(gone.key()).unwrap();
        let [first, second] = ["x", "y"].map(|name| sandbox(&controller, name));
        controller.connect("near", &first, published("x", "8080:80")).unwrap();
        plugin.requests();
        let taken = controller.connect("near", &second, published("y", "8080:80")).unwrap_err();
        assert_eq!(taken.kind(), ErrorKind::AlreadyExists, "{taken}");
        assert_eq!(plugin.calls(), Vec::<String>::new());
    });
}

#[test]
fn an_address_that_a_plugin_chose_is_nobodys_lease() {
    host(|_| {
        let (controller, plugin) = (Controller::open(options(LONG)).unwrap(), Plugin::start("wire"));
        controller.create_network(with_subnets("bridge", "near", &["10.8.0.0/24"])).unwrap();
        let [first, second] = ["a", "b"].map(|name| sandbox(&controller, name));
        controller.connect("near", &first, at("first", &["10.8.0.5"])).unwrap();
        let mut open = control::config("wire", "open");
        (open.ipv4, open.ipv6) = (false, false);
        controller.create_network(open).unwrap();
        let chosen = json!({"Interface": {"Address": "10.8.0.5/24", "MacAddress": "02:11:22:33:44:66"}});
        plugin.does(&[(&of("CreateEndpoint"), chosen), (&of("DeleteEndpoint"), json!({}))]);
        let made = controller.create_endpoint("open", endpoint("web")).unwrap();
        assert_eq!(addresses_of(&made), ["10.8.0.5/24"]);
        controller.delete_endpoint("open", "web").unwrap();
        let taken = controller.connect("near", &second, at("second", &["10.8.0.5"])).unwrap_err();
        assert_eq!(taken.kind(), ErrorKind::AlreadyExists, "{taken}");
    });
}
