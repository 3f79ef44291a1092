//! What the header promises, of every function in it.

mod common;

use testhost::host;

#[test]
fn the_smallest_program_is_told_the_version() {
    for way in common::ways("the_smallest_program_is_told_the_version") {
        let program = common::program("version", &[common::c("version.c")], way);
        let said = host(|host| program.run(host, &[]).must_pass());
        assert_eq!(said, format!("{}\n", env!("CARGO_PKG_VERSION")));
    }
}
