//! What the header promises of the networks of containers: strategies, configs, setups.

mod common;

use std::process::{Child, Command, Stdio};

use common::{Program, Way};
use testhost::{host, Host};

/// Builds the program `name`, and runs it in each way on a host that has the bridge `br0`. It leaves nothing.
fn passes(name: &str, source: &str, run: impl Fn(&Host, &Program) + Sync) {
    for way in common::ways(name) {
        let program = common::program(name, &[common::c(source)], way);
        host(|host| {
            bridge(host);
            let before = common::settled(host);
            run(host, &program);
            common::settled(host);
            host.assert_returns_to(&before, name);
        });
    }
}

fn bridge(host: &Host) {
    host.ip(&["link", "add", "br0", "address", "02:42:0a:01:00:01", "type", "bridge"]);
    host.ip(&["address", "add", "10.1.0.1/16", "dev", "br0"]);
    host.ip(&["link", "set", "br0", "up"]);
}

fn whole(host: &Host, program: &Program) {
    program.run(host, &[]).must_pass();
}

#[test]
fn strategies_bring_networks_fail_by_name_and_may_be_callbacks() {
    passes("strategy", "strategy.c", whole);
}

#[test]
fn configs_have_gos_json_namespaces_and_hooks_that_may_be_functions() {
    passes("config", "config.c", |host, program| {
        let how: &[&str] = if program.way() == Way::Valgrind { &["--emulated"] } else { &[] };
        program.run(host, how).must_pass();
    });
}

#[test]
fn setups_bring_a_config_up_run_its_hooks_and_take_it_down() {
    passes("setup", "setup.c", whole);
}

#[test]
fn a_forked_child_uses_and_frees_what_it_inherits() {
    passes("setup-fork", "setup.c", |host, program| {
        program.run(host, &["fork"]).must_pass();
    });
}

#[test]
fn what_one_process_brought_up_another_takes_down_by_its_state() {
    passes("setup-elsewhere", "setup.c", |host, program| {
        let container = Container::start();
        let state = program.run(host, &["up", &container.0.id().to_string()]).must_pass();
        assert!(state.contains(r#""name":"net0""#), "{state}");
        let route = container.run(host, &["ip", "route", "show", "10.9.0.0/16"]);
        assert!(route.contains("via 10.1.0.9 dev net0"), "{route}");
        program.run(host, &["down", &state]).must_pass();
        assert_eq!(container.run(host, &["ip", "-o", "link", "show", "type", "veth"]), "");
    });
}

#[test]
fn the_example_of_a_runtime_runs_and_leaves_nothing() {
    const TEST: &str = "the_example_of_a_runtime_runs_and_leaves_nothing";
    let source = common::root().join("examples/c/container.c");
    for way in common::ways(TEST) {
        let program = common::program("container", std::slice::from_ref(&source), way);
        host(|host| {
            let before = common::settled(host);
            let said = program.run(host, &[]).must_pass();
            for part in [
                "create veth",
                "loopback is up: lo",
                "veth is up: eth0",
                "packets, sent",
                "hook: container web is creating",
                "hook: container web is stopped",
            ] {
                assert!(said.contains(part), "no {part} in\n{said}");
            }
            common::settled(host);
            host.assert_returns_to(&before, "the example of a runtime");
            if way == Way::Plain {
                let missing = program.run(host, &["/nowhere/config.json"]);
                assert!(missing.output.stderr.contains("/nowhere/config.json"), "{missing:?}");
                host.ip(&["link", "delete", "demo0"]);
            }
        });
    }
}

/// A process in a network namespace of its own, until it is dropped.
struct Container(Child);

impl Container {
    fn start() -> Self {
        let mut unshare = Command::new("unshare");
        let child = unshare.args(["--net", "cat"]).stdin(Stdio::piped()).stdout(Stdio::null()).spawn();
        let container = Self(child.unwrap());
        let own = std::fs::read_link("/proc/thread-self/ns/net").unwrap();
        while std::fs::read_link(container.namespace()).is_ok_and(|there| there == own) {
            std::thread::yield_now();
        }
        container
    }

    fn namespace(&self) -> String {
        format!("/proc/{}/ns/net", self.0.id())
    }

    fn run(&self, host: &Host, command: &[&str]) -> String {
        let net = format!("--net={}", self.namespace());
        let output = host.run("nsenter", &[&[net.as_str()], command].concat());
        assert!(output.success, "{command:?}: {}", output.stderr);
        output.stdout
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
