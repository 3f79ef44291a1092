//! The test binary once more, as a process of its own: for promises about a whole process.

use std::process::Command;

const ROLE: &str = "NETNS_TEST_ROLE";

/// What this process is to do, when a test started it.
pub(crate) fn role() -> Option<String> {
    std::env::var(ROLE).ok()
}

/// A process that runs `test` of this binary, and nothing else, on its only thread, where [`role`] is
/// `role`; started through `wrapper`, a program with its arguments, unless that is empty.
///
/// It has the namespaces of the thread that spawns it.
pub(crate) fn command(wrapper: &[&str], test: &str, role: &str) -> Command {
    let binary = std::env::current_exe().expect("a test binary has a path");
    let mut command = match wrapper {
        [] => Command::new(&binary),
        [program, args @ ..] => {
            let mut command = Command::new(program);
            command.args(args).arg(&binary);
            command
        }
    };
    command.args(["--exact", test, "--nocapture", "--test-threads=1"]);
    command.env(ROLE, role);
    command
}
