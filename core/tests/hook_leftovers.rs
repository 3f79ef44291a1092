//! Hooks leave no descriptors and no zombies, however they end, and say so when nobody can tell how.
//! One test, since it counts those of the process.

use std::fs;
use std::time::Duration;

use netns::libcontainer::configs::{Command, State, Status};
use testhost::descriptors;

/// The children of this process, dead ones that nobody waited for included.
fn children() -> usize {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    let of = |task: fs::DirEntry| fs::read_to_string(task.path().join("children")).unwrap_or_default();
    tasks.map(|task| of(task.unwrap()).split_whitespace().count()).sum()
}

/// Set in a process that ignores SIGCHLD, so that the kernel forgets its children at once.
const IGNORES: &str = "NETNS_TEST_IGNORES_SIGCHLD";

#[test]
fn no_descriptor_and_no_zombie_is_left() {
    let shell = |script: &str, timeout| Command {
        args: ["sh", "-c", script].map(str::to_owned).to_vec(),
        timeout,
        ..Command::new("/bin/sh")
    };
    let state = State::new("web", Status::Creating);
    if std::env::var_os(IGNORES).is_some() {
        let error = shell("exit 0", None).run(&state).unwrap_err().to_string();
        assert!(error.contains("No child processes") && error.contains("SIGCHLD"), "{error}");
        let error = shell("sleep 1000", Some(Duration::from_millis(20))).run(&state).unwrap_err().to_string();
        assert!(error.contains("killed after its timeout of 20ms"), "{error}");
        return;
    }
    let before = (descriptors(), children());
    let soon = Some(Duration::from_millis(20));
    for _ in 0..3 {
        for (hook, succeeds) in [
            (shell("exit 0", None), true),
            (shell("exit 3", None), false),
            (shell("kill -9 $$", None), false),
            (shell("exec sleep 1000", soon), false),
            (shell("while :; do :; done", soon), false),
            (shell("exec >&- 2>&- <&-; exec sleep 1000", soon), false),
            (shell("head -c 300000 /dev/zero", None), true),
            (Command::new("/nowhere/to/be/found"), false),
            (Command::new("/proc"), false),
            (Command::new("relative"), false),
        ] {
            let result = hook.run(&state);
            assert_eq!(result.is_ok(), succeeds, "{hook:?}: {result:?}");
            assert_eq!((descriptors(), children()), before, "{hook:?}");
        }
    }
    let mut again = std::process::Command::new("env");
    again.arg("--ignore-signal=CHLD").arg(std::env::current_exe().unwrap()).env(IGNORES, "1");
    let output = again.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
