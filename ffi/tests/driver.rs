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
