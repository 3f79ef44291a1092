//! A process killed at one call after the other, and what is collected after each.

use std::thread;
use std::time::Duration;

use netns::{Controller, ControllerOptions, Lifetime};
use testhost::{report, Host, State};

use crate::look::Look;
use crate::{child, trace};

/// How many kills a campaign has at least.
const LEAST: usize = 200;
/// Of so many kills one is followed by a look at all there is.
pub(crate) const FULL: usize = 10;
pub(crate) fn controller(lifetime: Lifetime) -> Controller {
    Controller::open(ControllerOptions::default().with_lifetime(lifetime)).unwrap()
}

/// Kills a child that plays `role` in `test` at one call after the other. After each kill what is left is
/// collected, by a process that was there all the time or by one that comes afterwards, and a second
/// collection must find nothing; then `check` looks. In the end everything is as it was before.
#[allow(dead_code, reason = "not every test binary kills at each")]
pub(crate) fn campaign(
    host: &Host,
    test: &str,
    role: &str,
    check: impl Fn(&Controller, &dyn Fn() -> String),
) {
    sampled(host, (test, role), 1, check);
}

/// [`campaign`] at every `step`th of the calls.
pub(crate) fn sampled(
    host: &Host,
    (test, role): (&str, &str),
    step: usize,
    check: impl Fn(&Controller, &dyn Fn() -> String),
) {
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

    let (least, step) = if every_call() { (usize::MAX, 1) } else { (LEAST, step) };
    let points: Vec<_> = trace::points(&calls, least).into_iter().step_by(step).collect();
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
pub(crate) fn settled(host: &Host) -> State {
    loop {
        let state = host.dump();
        thread::sleep(Duration::from_millis(200));
        if state == host.dump() {
            return state;
        }
    }
}

pub(crate) fn every_call() -> bool {
    std::env::var_os("NETNS_EVERY_CALL").is_some()
}
