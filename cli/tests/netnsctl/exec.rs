//! Programs in sandboxes.

use std::ffi::OsStr;
use std::fs::{self, read_to_string};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;

use nix::sys::signal::Signal;
use testhost::host;

use crate::common::{command, ctl, ctl_with, ended, signal, wait_until, Ended};

#[test]
fn a_program_is_inside_with_its_own_input_output_and_status() {
    host(|host| {
        ctl(&["sandbox", "create", "web"]).well();
        let inode = fs::metadata("/run/netns/web").unwrap().ino();
        let shown = ctl(&["sandbox", "exec", "web", "readlink", "/proc/self/ns/net"]).well();
        assert_eq!(shown, format!("net:[{inode}]\n"));
        assert_ne!(fs::metadata("/proc/thread-self/ns/net").unwrap().ino(), inode);
        assert_eq!(ctl_with(&["sandbox", "exec", "web", "--", "cat", "-"], "a\nb").well(), "a\nb");
        let ended = ctl(&["sandbox", "exec", "web", "sh", "-c", "echo out; echo err >&2; exit 7"]);
        assert_eq!((ended.code, &*ended.stdout, &*ended.stderr), (Some(7), "out\n", "err\n"));
        // Options behind the program's name are the program's.
        assert_eq!(
            ctl(&["sandbox", "exec", "web", "echo", "--json", "-h", "--", "x"]).well(),
            "--json -h -- x\n"
        );
        let bytes = OsStr::from_bytes(b"\xff\n");
        let output = command(&["sandbox", "exec", "web", "printf", "%s"]).arg(bytes).output().unwrap();
        assert_eq!(output.stdout, b"\xff\n");
        assert_eq!(host.netns_list(), ["web"]);
    });
}

#[test]
fn a_program_inherits_no_descriptor_and_no_way_with_signals() {
    host(|host| {
        ctl(&["sandbox", "create", "web"]).well();
        // What this test has inherited itself is passed on.
        for args in [["ls", "/proc/self/fd", "-1"], ["grep", "Sig[BI]", "/proc/self/status"]] {
            let outside = host.run(args[0], &args[1..]).stdout;
            assert!(!outside.is_empty(), "{args:?}");
            assert_eq!(ctl(&[&["sandbox", "exec", "web"], &args[..]].concat()).well(), outside, "{args:?}");
        }
    });
}

#[test]
fn signals_are_the_programs() {
    host(|_| {
        ctl(&["sandbox", "create", "web"]).well();
        let mut child = command(&["sandbox", "exec", "web", "sleep", "1000"]).spawn().unwrap();
        let name = format!("/proc/{}/comm", child.id());
        wait_until("the program", || read_to_string(&name).is_ok_and(|name| name == "sleep\n"));
        signal(&child, Signal::SIGTERM);
        assert_eq!(ended(&mut child).signal(), Some(Signal::SIGTERM as i32));
        let trap = "trap 'exit 9' USR1; echo ready; while :; do sleep 0.01; done";
        let mut child =
            command(&["sandbox", "exec", "web", "sh", "-c", trap]).stdout(Stdio::piped()).spawn().unwrap();
        let mut ready = [0; 6];
        std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut ready).unwrap();
        signal(&child, Signal::SIGUSR1);
        assert_eq!(ended(&mut child).code(), Some(9));
    });
}

#[test]
fn what_cannot_be_run_is_told_as_shells_tell_it() {
    host(|_| {
        ctl(&["sandbox", "create", "web"]).well();
        fs::write("/run/text", "").unwrap();
        let mut missing = command(&["sandbox", "exec", "web", "no-such-\x1bprogram"]);
        // A directory that may not be read would be another reason.
        let missing = missing.env("PATH", "/usr/bin:/bin").output().unwrap();
        Ended::from(missing).refused(127, &["run no-such-\\u{1b}program: "]);
        ctl(&["sandbox", "exec", "web", "/run/text"]).refused(126, &["run /run/text: "]);
        ctl(&["sandbox", "exec", "none", "true"]).refused(3, &["/run/netns/none"]);
        ctl(&["sandbox", "exec", "../web", "true"]).refused(2, &["../web"]);
        fs::write("/run/netns/file", "").unwrap();
        ctl(&["sandbox", "exec", "file", "true"]).refused(2, &["this is no network namespace"]);
        assert_eq!(ctl(&["sandbox", "exec", "web"]).code, Some(2));
    });
}
