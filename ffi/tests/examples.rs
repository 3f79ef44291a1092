//! The promises that the README makes of the programs in C.

mod common;

use std::fs;

use common::Way;
use testhost::host;

const QUICKSTART: &str = "examples/c/quickstart.c";

/// The first block of `text` that is marked as `language`.
fn block<'a>(text: &'a str, language: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("\n```{language}\n"))?;
    let end = rest.find("\n```\n").expect("the block ends");
    Some(&rest[..=end])
}

#[test]
fn the_quick_start_of_the_readme_is_the_one_that_is_built() {
    let readme = common::read("README.md");
    let built = common::read(QUICKSTART);
    let (about, built) = built.split_once('\n').expect("more than one line");
    assert!(about.starts_with("/* "), "{about}");
    if let Some(shown) = block(&readme, "c") {
        assert_eq!(shown, built);
    }
    let lines = built.lines().count();
    assert!(lines <= 55, "{lines} lines are no quick start");
}

#[test]
fn the_quick_start_builds_as_the_readme_says_runs_and_leaves_nothing() {
    const TEST: &str = "the_quick_start_builds_as_the_readme_says_runs_and_leaves_nothing";
    let flags = common::flags_of_pkg_config().unwrap_or_else(|| {
        testhost::skip(&format!("{TEST}, pkg-config"), "pkg-config is not installed");
        common::flags()
    });
    let source = common::root().join(QUICKSTART);
    for way in common::ways(TEST) {
        let program = common::program_with("quickstart", std::slice::from_ref(&source), way, &flags);
        host(|host| {
            // The directories stay, as that of `ip netns` does, and in one of them the store: the first
            // run makes them.
            let networks = "NETNS_NETWORKS_DIR=/run/networks";
            if way == Way::Plain {
                program.run_with(host, &[networks], &[]).must_pass();
            } else {
                fs::create_dir("/run/netns").unwrap();
            }
            let before = host.dump();
            let said = program.run_with(host, &[networks], &[]).must_pass();
            for part in ["demo has 172.", "demo has fd", "create veth", "/run/netns/web has eth0"] {
                assert!(said.contains(part), "no {part} in\n{said}");
            }
            if way == Way::Plain {
                host.assert_returns_to(&before, "the quick start");
            }
        });
    }
}

#[test]
fn threads_that_come_and_go_leave_nothing() {
    const TEST: &str = "threads_that_come_and_go_leave_nothing";
    let source = common::root().join("examples/c/stress.c");
    for way in common::ways(TEST) {
        let program = common::program("stress", std::slice::from_ref(&source), way);
        host(|host| {
            let networks = "NETNS_NETWORKS_DIR=/run/networks";
            program.run_with(host, &[networks], &["1", "1"]).must_pass();
            let before = host.dump();
            let rounds = if way == Way::Valgrind { "3" } else { "10" };
            program.run_with(host, &[networks], &["6", rounds]).must_pass();
            host.assert_returns_to(&before, "the threads");
        });
    }
}
