//! What the header promises at the limits of a process: of descriptors, of threads.

mod common;

use common::Way;
use testhost::host;

/// Valgrind wants descriptors of its own, and what it lacks cannot be told from what a call does.
fn ways_with_few_descriptors(test: &str) -> impl Iterator<Item = Way> {
    common::ways(test).into_iter().filter(|way| *way != Way::Valgrind)
}

#[test]
fn a_first_call_with_too_few_descriptors_says_so_and_the_next_succeeds() {
    for way in
        ways_with_few_descriptors("a_first_call_with_too_few_descriptors_says_so_and_the_next_succeeds")
    {
        let program = common::program("limits-first", &[common::c("limits.c")], way);
        host(|host| {
            program.run(host, &["first"]).must_pass();
        });
    }
}

#[test]
fn a_call_with_too_few_descriptors_says_so_and_leaves_nothing() {
    for way in ways_with_few_descriptors("a_call_with_too_few_descriptors_says_so_and_leaves_nothing") {
        at_the_limit("descriptors", way);
    }
}

#[test]
fn a_call_with_too_few_threads_says_so_and_leaves_nothing() {
    for way in common::ways("a_call_with_too_few_threads_says_so_and_leaves_nothing") {
        at_the_limit("threads", way);
    }
}

fn at_the_limit(of: &str, way: Way) {
    let program = common::program(&format!("limits-{of}"), &[common::c("limits.c")], way);
    host(|host| {
        program.run(host, &[of]).must_pass();
        let before = common::settled(host);
        program.run(host, &[of]).must_pass();
        host.assert_returns_to(&before, of);
    });
}
