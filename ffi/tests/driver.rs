//! Promises to those who write drivers and address management in C.

mod common;

use common::Way;
use testhost::{host, Host};

/// Builds `name` with the driver that they all share, and runs it in each way on a host of its own.
fn passes(name: &str, prepare: impl Fn(&Host) + Sync) {
    for way in common::ways(name) {
        let sources = [common::c(&format!("{name}.c")), common::c("driver_wire.c")];
        let program = common::program(name, &sources, way);
        host(|host| {
            prepare(host);
            let before = host.dump();
            program.run(host, &[]).must_pass();
            if way == Way::Plain {
                // The directories stay: they are there when it runs again.
                let before = if before == host.dump() { before } else { host.dump() };
                program.run(host, &[]).must_pass();
                host.assert_returns_to(&before, name);
            }
        });
    }
}

#[test]
fn what_is_no_driver_is_refused_and_its_user_pointer_stays_the_callers() {
    passes("driver_register", |_| {});
}

#[test]
fn each_callback_is_called_with_what_it_is_about_and_its_failure_is_the_callers() {
    passes("driver_calls", |_| {});
}

#[test]
fn a_device_is_born_or_exists_or_is_not_there() {
    passes("driver_join", |host| {
        host.ip(&["link", "add", "wire0", "type", "veth", "peer", "name", "end0"]);
        host.ip(&["link", "set", "end0", "up"]);
    });
}

#[test]
fn callbacks_are_called_at_once_wait_for_nobody_and_may_call_the_library() {
    passes("driver_threads", |_| {});
}

#[test]
fn address_management_gives_the_addresses_and_gets_them_back() {
    passes("ipam", |_| {});
}

#[test]
fn the_example_of_a_driver_runs_and_leaves_nothing() {
    for way in common::ways("the_example_of_a_driver_runs_and_leaves_nothing") {
        let program = common::program("example", &[common::root().join("examples/c/driver.c")], way);
        host(|host| {
            let networks = "NETNS_NETWORKS_DIR=/run/networks";
            // The directories stay: the first run makes them.
            program.run_with(host, &[networks], &[]).must_pass();
            let before = host.dump();
            let said = program.run_with(host, &[networks], &[]).must_pass();
            for part in [
                "FORBIDDEN: register driver \"wire\"",
                "BAD_REQUEST: create network cables: create wire network cables: a wire carries IPv4 alone",
                "BUSY: connect /run/netns/wired as cut of network cables: plug in cut: the wire is cut",
                "/run/netns/wired has eth0 with 172.",
                "/32 and the gateway 169.254.1.1",
                "after 2 joins",
            ] {
                assert!(said.contains(part), "no {part} in\n{said}");
            }
            if way == Way::Plain {
                host.assert_returns_to(&before, "the example of a driver");
            }
        });
    }
}
