//! Programs that fail, hang, cannot be started or say too much.

use std::fs;
use std::time::{Duration, Instant};

use netns::libcontainer::configs::Command;
use netns::{Error, ErrorKind};
use nix::errno::Errno;
use nix::sys::signal::{kill, Signal};
use nix::unistd::Pid;
use testhost::host;

use super::{left, script, shell, state};

/// Far less than what hangs would take, far more than what does not.
const SOON: Duration = Duration::from_secs(60);

/// Runs the hook, which fails; the error names it and has `words`.
#[track_caller]
fn fails(hook: &Command, kind: ErrorKind, words: &[&str]) -> Error {
    let begin = Instant::now();
    let error = hook.run(&state()).unwrap_err();
    assert!(begin.elapsed() < SOON, "{error}");
    assert_eq!(error.kind(), kind, "{error}");
    assert_eq!(error.operation(), "run hook");
    let path = format!("{:?}", hook.path);
    for word in words.iter().chain(&[&path[..]]) {
        assert!(error.to_string().contains(word), "{error} lacks {word:?}");
    }
    error
}

/// Runs a script that never ends; the error says so and has `words`. On a machine that is busy it may take some time
/// until the script has come to say them.
#[track_caller]
fn hangs(script: &str, words: &[&str]) -> Error {
    let mut last = None;
    for seconds in [1, 4, 16, 64] {
        let hook = Command { timeout: Some(Duration::from_secs(seconds)), ..shell(script) };
        let error = hook.run(&state()).unwrap_err();
        assert_eq!((error.kind(), error.errno()), (ErrorKind::System, Some(Errno::ETIME as i32)), "{error}");
        let timeout = format!("killed after its timeout of {seconds}s");
        assert!(error.to_string().contains(&timeout), "{error} lacks {timeout:?}");
        if words.iter().all(|word| error.to_string().contains(word)) {
            return error;
        }
        last = Some(error);
    }
    panic!("{last:?} lacks one of {words:?}");
}

/// Whether a process runs: a zombie, which waits for its parent to notice, does not.
fn runs(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

#[track_caller]
fn ends(pid: &str) {
    let begin = Instant::now();
    while runs(pid) {
        assert!(begin.elapsed() < SOON, "process {pid} goes on");
        std::thread::yield_now();
    }
}

fn end(pid: &str) {
    match kill(Pid::from_raw(pid.parse().unwrap()), Signal::SIGKILL) {
        Ok(()) | Err(Errno::ESRCH) => {}
        Err(error) => panic!("{pid}: {error}"),
    }
}

#[test]
fn a_status_and_what_was_said_are_in_the_error() {
    let hook = shell("echo 'to \"out\"'; printf '\\033[2Jto err\\n' >&2; exit 3");
    let error = fails(&hook, ErrorKind::System, &["it exited with status 3", r#"stdout: "to \"out\"";"#]);
    // Nothing of it can disturb a terminal or a log.
    assert!(error.to_string().ends_with(r#"stderr: "\u{1b}[2Jto err""#), "{error}");
    assert_eq!(error.errno(), None);
    let nothing = r#"stdout: ""; stderr: """#;
    fails(&shell("exit 255"), ErrorKind::System, &["it exited with status 255", nothing]);
}

#[test]
fn a_signal_is_in_the_error() {
    let words = ["it was killed by signal 9", "\"before\""];
    fails(&shell("echo before; kill -9 $$"), ErrorKind::System, &words);
    fails(&shell("kill -TERM $$"), ErrorKind::System, &["it was killed by signal 15"]);
}

#[test]
fn a_program_that_hangs_is_killed_with_all_of_its_group() {
    host(|_| {
        let script = "sleep 1000 & echo $! >/run/child; echo said; echo more >&2; wait";
        hangs(script, &[r#"stdout: "said"; stderr: "more""#]);
        let child = left("child");
        assert_ne!(child, "");
        ends(child.trim());
    });
}

#[test]
fn a_program_that_will_not_end_is_killed_all_the_same() {
    hangs("trap '' TERM INT HUP; exec >&- 2>&-; while :; do sleep 1; done", &[r#"stdout: "";"#]);
}

#[test]
fn a_child_that_left_the_group_holds_nobody_up() {
    // What has a session of its own is none of the group, and keeps the outputs open.
    host(|_| {
        hangs("setsid sh -c 'echo $$ >>/run/children; echo said; exec sleep 1000' & wait", &["\"said\""]);
        for child in left("children").lines() {
            assert!(runs(child));
            end(child);
        }
    });
}

#[test]
fn a_megabyte_is_read_and_its_beginning_and_end_are_kept() {
    let write = "echo begin; head -c 1000000 /dev/zero | tr '\\0' x; echo; echo end; exit 1";
    let error = fails(&shell(write), ErrorKind::System, &["status 1", "\"begin\\n", "\\nend\""]);
    let text = error.to_string();
    assert!(text.len() < 8 << 10, "{} bytes", text.len());
    let kept = text.matches('x').count() - text.matches("exit").count();
    let left_out = format!(" … {} bytes … ", 1_000_000 + "begin\n\nend\n".len() - 4096);
    assert!(text.contains(&left_out), "{text} lacks {left_out:?}");
    assert!(kept > 4000, "{kept}");
    let to_err = "head -c 3000000 /dev/zero >&2; exit 1";
    fails(&shell(to_err), ErrorKind::System, &[r#"stdout: ""; stderr: "\0\0"#, "… 2995904 bytes …"]);
    shell("head -c 1000000 /dev/zero; head -c 1000000 /dev/zero >&2").run(&state()).unwrap();
}

#[test]
fn what_is_said_for_ever_ends_with_the_timeout() {
    let error = hangs("echo begin; yes & yes >&2", &["\"begin\\n", "stderr: \"y\\ny\\n", " bytes … "]);
    assert!(error.to_string().len() < 16 << 10);
}

#[test]
fn a_child_that_keeps_the_outputs_open_is_not_waited_for() {
    host(|_| {
        let leave = "sleep 1000 & echo $! >/run/child; echo said";
        let begin = Instant::now();
        shell(leave).run(&state()).unwrap();
        let child = left("child");
        // What a hook starts to go on after it may go on.
        assert!(runs(child.trim()));
        end(child.trim());
        let error = fails(&shell(&format!("{leave}; exit 4")), ErrorKind::System, &["status 4", "\"said\""]);
        assert!(begin.elapsed() < SOON, "{error}");
        end(left("child").trim());
    });
}

#[test]
fn a_child_that_writes_for_ever_is_not_waited_for() {
    host(|_| {
        let begin = Instant::now();
        shell("yes 2>/dev/null & echo $! >/run/child").run(&state()).unwrap();
        assert!(begin.elapsed() < SOON);
        // Nobody reads any more.
        ends(left("child").trim());
    });
}

#[test]
fn a_program_that_cannot_be_started_is_refused_with_the_cause() {
    host(|_| {
        fs::create_dir("/run/directory").unwrap();
        fs::write("/run/file", "#!/bin/sh\n").unwrap();
        script("/run/no-interpreter", "#!/run/missing\n");
        script("/run/no-program", "neither this nor that\n");
        script("/run/file-as-directory", "");
        let elsewhere = Command { dir: "/run/missing".into(), ..shell("exit 0") };
        for (hook, kind, words) in [
            (Command::new("/run/missing"), ErrorKind::NotFound, "there is no such program"),
            (Command::new("/run/file"), ErrorKind::PermissionDenied, "may not be executed"),
            (Command::new("/run/directory"), ErrorKind::PermissionDenied, "it is a directory"),
            (
                Command::new("/run/no-interpreter"),
                ErrorKind::NotFound,
                "interpreter that it names is not there",
            ),
            (
                Command::new("/run/no-program"),
                ErrorKind::System,
                "neither a program of this machine nor a script",
            ),
            (Command::new("/run/file-as-directory/a"), ErrorKind::System, "Not a directory"),
            (elsewhere, ErrorKind::NotFound, "its directory is not there"),
            (Command::new("sh"), ErrorKind::BadRequest, "not absolute"),
            (Command::new("/bin/s\0h"), ErrorKind::BadRequest, "NUL"),
            (Command { env: vec!["A".into()], ..shell("") }, ErrorKind::BadRequest, "NAME=VALUE"),
            (Command { timeout: Some(Duration::ZERO), ..shell("") }, ErrorKind::BadRequest, "timeout"),
        ] {
            fails(&hook, kind, &[words]);
        }
    });
}

#[test]
fn the_longest_timeout_is_no_timeout() {
    Command { timeout: Some(Duration::MAX), ..shell("exit 0") }.run(&state()).unwrap();
}
