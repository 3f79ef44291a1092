//! What the header promises of counters.

mod common;

use testhost::host;

#[test]
fn what_a_metered_endpoint_sends_and_receives_is_read_alone_with_all_others_and_in_memory() {
    const TEST: &str =
        "what_a_metered_endpoint_sends_and_receives_is_read_alone_with_all_others_and_in_memory";
    if let Err(error) = testhost::classifier() {
        return testhost::skip(TEST, &format!("no programs can be loaded: {error}"));
    }
    for way in common::ways(TEST) {
        let program = common::program("meter", &[common::c("meter.c")], way);
        host(|host| {
            program.run(host, &[]).must_pass();
            let before = common::settled(host);
            program.run(host, &[]).must_pass();
            host.assert_returns_to(&before, "counters");
        });
    }
}
