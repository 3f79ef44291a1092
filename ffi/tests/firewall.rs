//! What the header promises of firewalls and of ports of the host.

mod common;

use testhost::host;

#[test]
fn ports_are_published_withdrawn_refused_and_put_back_and_networks_say_what_is_let_through() {
    const TEST: &str =
        "ports_are_published_withdrawn_refused_and_put_back_and_networks_say_what_is_let_through";
    if !common::has("nft") {
        return testhost::skip(TEST, "nft is not installed");
    }
    for way in common::ways(TEST) {
        let program = common::program("firewall", &[common::c("firewall.c")], way);
        host(|host| {
            program.run(host, &[]).must_pass();
            let before = common::settled(host);
            program.run(host, &[]).must_pass();
            host.assert_returns_to(&before, "the firewall");
            let tables = host.run("nft", &["list", "tables"]);
            assert_eq!(tables.stdout, "", "the last network takes the tables along");
        });
    }
}
