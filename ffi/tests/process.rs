//! What the header promises of processes and threads: forks, libraries that come and go, callbacks.

mod common;

use common::Way;
use testhost::host;

/// A child keeps what it inherited, on purpose: valgrind would count that.
fn ways_of_a_fork(test: &str) -> impl Iterator<Item = Way> {
    common::ways(test).into_iter().filter(|way| *way != Way::Valgrind)
}

#[test]
fn a_forked_child_is_refused_what_it_inherited_and_makes_its_own() {
    for way in ways_of_a_fork("a_forked_child_is_refused_what_it_inherited_and_makes_its_own") {
        let program = common::program("fork", &[common::c("fork.c")], way);
        host(|host| {
            program.run(host, &["child-first"]).must_pass();
            let before = common::settled(host);
            for order in ["child-first", "parent-first"] {
                program.run(host, &[order]).must_pass();
                host.assert_returns_to(&before, order);
            }
            // The child is alone with a network of its own.
            program.run(host, &["parent-gone"]).must_pass();
        });
    }
}

/// Plain alone: the sanitizer's own allocator does not outlive a fork among threads.
#[test]
fn a_child_forked_among_threads_that_are_inside_of_calls_makes_its_own_or_is_told() {
    let program = common::program("fork-threads", &[common::c("fork.c")], Way::Plain);
    host(|host| {
        program.run(host, &["child-first"]).must_pass();
        let before = common::settled(host);
        program.run(host, &["threads"]).must_pass();
        host.assert_returns_to(&before, "forks among threads");
    });
}

#[test]
fn what_was_left_half_done_is_seen_before_it_is_put_right() {
    for way in common::ways("what_was_left_half_done_is_seen_before_it_is_put_right") {
        let program = common::program("collect", &[common::c("collect.c")], way);
        host(|host| {
            program.run(host, &[]).must_pass();
            let before = common::settled(host);
            program.run(host, &[]).must_pass();
            host.assert_returns_to(&before, "what was left");
        });
    }
}

#[test]
fn a_library_that_is_loaded_and_unloaded_over_and_over_does_not_grow() {
    let flags = [format!("-I{}", common::prefix().join("include").display()), "-ldl".to_owned()];
    let program = common::program_with("dlopen", &[common::c("dlopen.c")], Way::Plain, &flags);
    let library = common::prefix().join("lib/libnetns.so.0").display().to_string();
    host(|host| {
        program.run(host, &[&library, "1"]).must_pass();
        let before = common::settled(host);
        program.run(host, &[&library, "50"]).must_pass();
        host.assert_returns_to(&before, "loading and unloading");
    });
}

#[test]
fn callbacks_may_call_the_library_fail_block_and_go_elsewhere() {
    for way in common::ways("callbacks_may_call_the_library_fail_block_and_go_elsewhere") {
        let program = common::program("callbacks", &[common::c("callbacks.c")], way);
        host(|host| {
            program.run(host, &[]).must_pass();
            let before = common::settled(host);
            program.run(host, &[]).must_pass();
            host.assert_returns_to(&before, "callbacks");
        });
    }
}

#[test]
fn a_thread_that_is_cancelled_ends_after_the_call_that_it_is_inside_of() {
    for way in common::ways("a_thread_that_is_cancelled_ends_after_the_call_that_it_is_inside_of") {
        let program = common::program("cancel", &[common::c("cancel.c")], way);
        let rounds = if way == Way::Valgrind { "5" } else { "60" };
        host(|host| {
            program.run(host, &["1"]).must_pass();
            let before = common::settled(host);
            program.run(host, &[rounds]).must_pass();
            host.assert_returns_to(&before, "cancelled threads");
        });
    }
}

#[test]
fn a_child_that_has_the_same_number_as_its_parent_is_known_for_a_child() {
    for way in ways_of_a_fork("a_child_that_has_the_same_number_as_its_parent_is_known_for_a_child") {
        let program = common::program("pid1", &[common::c("pid1.c")], way);
        host(|host| {
            program.run(host, &["unshare"]).must_pass();
            let before = common::settled(host);
            for how in ["unshare", "clone"] {
                program.run(host, &[how]).must_pass();
                host.assert_returns_to(&before, how);
            }
        });
    }
}

#[test]
fn a_controller_is_opened_used_and_closed_inside_of_a_sandbox() {
    for way in common::ways("a_controller_is_opened_used_and_closed_inside_of_a_sandbox") {
        let program = common::program("inside", &[common::c("inside.c")], way);
        host(|host| {
            program.run(host, &[]).must_pass();
            let before = common::settled(host);
            program.run(host, &[]).must_pass();
            host.assert_returns_to(&before, "a controller inside of a sandbox");
        });
    }
}
