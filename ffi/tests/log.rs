//! What the header promises of the log, whose callbacks come from the middle of whatever the library does.

mod common;

use std::fmt::Write;

use common::parse::Header;
use common::{Program, Way};
use testhost::host;

#[test]
fn a_callback_of_the_log_that_calls_the_library_is_refused_at_once() {
    for way in common::ways("a_callback_of_the_log_that_calls_the_library_is_refused_at_once") {
        let program = program("life", way);
        host(|host| {
            program.run(host, &["life"]).must_pass();
            let before = common::settled(host);
            program.run(host, &["life"]).must_pass();
            host.assert_returns_to(&before, "lives with a log");
        });
    }
}

/// Plain alone: the sanitizer's own allocator does not outlive a fork among threads.
#[test]
fn a_child_forked_while_threads_log_hears_its_own_log_alone() {
    let program = program("forks", Way::Plain);
    host(|host| {
        program.run(host, &["forks"]).must_pass();
        let before = common::settled(host);
        program.run(host, &["forks"]).must_pass();
        host.assert_returns_to(&before, "forks while threads log");
    });
}

/// Built for each test by itself: none may run while it is written anew.
fn program(test: &str, way: Way) -> Program {
    let directory = common::directory().join(format!("{test}-{way:?}"));
    std::fs::create_dir_all(&directory).expect("a directory of the test's own");
    common::write(&directory.join("every_call.h"), &every_call());
    let mut flags = common::flags();
    flags.push(format!("-I{}", directory.display()));
    common::program_with(&format!("log-{test}"), &[common::c("log.c")], way, &flags)
}

/// A function that calls each that can fail, of nothing: whether it may be called at all is looked at first.
fn every_call() -> String {
    let header = Header::parse(&common::read("include/netns.h"));
    let mut text = "/* Written by the test of the log. */\nstatic void every_call(void)\n{\n".to_owned();
    text.push_str("    netns_error *failed = NULL;\n");
    let mut calls = 0;
    for function in header.functions.iter().filter(|function| function.can_fail()) {
        let (name, nothing) = (&function.name, "0, ".repeat(function.params.len() - 1));
        let _ = writeln!(text, "    FORBIDDEN(\"{name}\", {name}({nothing}&failed));");
        calls += 1;
    }
    assert!(calls > 50, "the header has only {calls} functions that can fail");
    text + "}\n"
}
