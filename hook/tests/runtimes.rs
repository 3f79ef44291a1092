//! The program as a hook of the runtimes that people use.

mod common;
mod runtime;

use std::fs;
use std::process::Child;

use common::{assert_joined, bridge, links, network, wait_until, write};
use nix::sys::signal::{kill, Signal};
use nix::unistd::Pid;
use runtime::{with_each, Bundle};
use serde_json::json;

/// What a container prints of its network, and whether it reaches its gateways.
const LOOK: &str =
    "ip -o address; ip route; ip -6 route; ping -c1 -W5 10.9.0.1 && ping -c1 -W5 fd09::1 && echo reached";

#[test]
fn a_container_has_its_network_and_nothing_is_left_when_it_ends() {
    with_each("a container that ends", |host, runtime| {
        bridge(host);
        let bundle = Bundle::new(runtime, "web", &["sh", "-c", LOOK]).networks(&json!([network(2)]));
        let before = host.dump();
        let output = bundle.run();
        assert!(output.success, "{output:?}");
        for part in
            ["inet 10.9.0.2/24", "inet6 fd09::2/64", "default via 10.9.0.1", "default via fd09::1", "reached"]
        {
            assert!(output.stdout.contains(part), "no {part:?} in {output:?}");
        }
        host.assert_returns_to(&before, "a container that has ended");
    });
}

#[test]
fn a_killed_container_leaves_nothing() {
    with_each("a container that is killed", |host, runtime| {
        bridge(host);
        let bundle = Bundle::new(runtime, "web", &["sleep", "1000"]).networks(&json!([network(2)]));
        let before = host.dump();
        for by_runtime in [true, false] {
            bundle.must(&["create"]);
            bundle.must(&["start"]);
            let pid = bundle.pid();
            assert_joined(host, pid, 2);
            match by_runtime {
                true => bundle.must(&["kill", "KILL"]),
                false => kill(Pid::from_raw(i32::try_from(pid).unwrap()), Signal::SIGKILL).unwrap(),
            }
            wait_until("a container that is stopped", || bundle.status() == "stopped");
            bundle.must(&["delete"]);
            host.assert_returns_to(&before, "a container that was killed");
        }
    });
}

#[test]
fn a_container_that_is_deleted_as_it_runs_leaves_nothing_and_may_come_again_at_once() {
    with_each("a container that is deleted", |host, runtime| {
        bridge(host);
        let bundle = Bundle::new(runtime, "web", &["sleep", "1000"]).networks(&json!([network(2)]));
        let before = host.dump();
        for starts in [true, false, true] {
            bundle.must(&["create"]);
            if starts {
                bundle.must(&["start"]);
            }
            assert_joined(host, bundle.pid(), 2);
            bundle.must(&["delete", "--force"]);
        }
        host.assert_returns_to(&before, "a container that was deleted");
    });
}

#[test]
fn a_hook_that_fails_keeps_the_container_from_being_made_and_says_why() {
    with_each("a container that cannot be joined", |host, runtime| {
        bridge(host);
        let missing = json!([network(2), { "type": "veth", "name": "eth1", "bridge": "br9" }]);
        let bundle = Bundle::new(runtime, "web", &["true"]).networks(&missing);
        let before = host.dump();
        let output = bundle.command(&["create"]);
        assert!(!output.success, "{output:?}");
        let said =
            output.stderr.contains("netns-hook: bring up container web") && output.stderr.contains("br9");
        assert!(said, "{output:?}");
        host.assert_returns_to(&before, "a container that could not be joined");
    });
}

#[test]
fn a_container_in_the_hosts_namespace_is_not_made() {
    with_each("a container in the host's namespace", |host, runtime| {
        bridge(host);
        let bundle = Bundle::new(runtime, "web", &["true"]).networks(&json!([network(2)])).namespace(None);
        let before = host.dump();
        let output = bundle.command(&["create"]);
        assert!(!output.success && output.stderr.contains("network namespace of its own"), "{output:?}");
        host.assert_returns_to(&before, "a container in the host's namespace");
    });
}

#[test]
fn a_namespace_that_outlives_the_container_loses_its_interface() {
    with_each("a container in a named namespace", |host, runtime| {
        bridge(host);
        host.ip(&["netns", "add", "pod"]);
        let pod = Some("/run/netns/pod");
        let bundle =
            Bundle::new(runtime, "web", &["sleep", "1000"]).networks(&json!([network(2)])).namespace(pod);
        let before = host.dump();
        bundle.must(&["create"]);
        bundle.must(&["start"]);
        assert_joined(host, bundle.pid(), 2);
        // Even of a bundle whose config is gone.
        let (path, away) = (bundle.networks_path(), "/run/networks.json");
        fs::rename(&path, away).unwrap();
        bundle.must(&["delete", "--force"]);
        wait_until("a host without the container's link", || links(host) == ["br0", "lo"]);
        assert_eq!(host.ip_in("pod", &["link", "show"]).as_array().unwrap().len(), 1);
        fs::rename(away, path).unwrap();
        host.assert_returns_to(&before, "a container in a named namespace");
    });
}

#[test]
fn ten_containers_at_once_are_all_joined() {
    with_each("ten containers at once", |host, runtime| {
        bridge(host);
        let bundle = |number: u8| {
            let bundle = Bundle::new(runtime, &format!("web{number}"), &["sleep", "1000"]);
            (bundle.networks(&json!([network(number)])), number)
        };
        let bundles: Vec<_> = (2..12).map(bundle).collect();
        let before = host.dump();
        let all = |args: &[&str]| {
            let started: Vec<(Child, &Bundle)> =
                bundles.iter().map(|(bundle, _)| (bundle.spawn(args), bundle)).collect();
            for (mut child, bundle) in started {
                assert!(child.wait().unwrap().success(), "{args:?}: {}", bundle.log());
            }
        };
        all(&["create"]);
        all(&["start"]);
        for (bundle, number) in &bundles {
            assert_joined(host, bundle.pid(), *number);
        }
        all(&["delete", "--force"]);
        host.assert_returns_to(&before, "ten containers");
    });
}

#[test]
fn the_file_of_the_bundle_is_a_config_too() {
    with_each("a bundle with libnetns.json", |host, runtime| {
        let bundle = Bundle::new(runtime, "web", &["sh", "-c", LOOK]).arguments(&["--create-bridge"]);
        write(&format!("{}/libnetns.json", bundle.directory()), &json!({ "networks": [network(2)] }));
        let output = bundle.run();
        assert!(output.success && output.stdout.contains("reached"), "{output:?}");
        assert_eq!(fs::read_dir(bundle.state_directory()).unwrap().count(), 0);
        wait_until("a host without the container's link", || links(host) == ["br0", "lo"]);
    });
}
