//! Events across processes.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::net::UnixDatagram;
use std::process::{Child, ChildStdout, Stdio};

use nix::sys::signal::Signal;
use serde_json::{json, Value};
use testhost::host;

use crate::common::{command, ctl, ended, is_fit, parse, signal, wait_until};

fn listeners() -> usize {
    fs::read_dir("/run/libnetns/events").map_or(0, Iterator::count)
}

fn listen(args: &[&str]) -> (Child, BufReader<ChildStdout>) {
    let before = listeners();
    let mut child = command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_until("a listener", || listeners() > before);
    let stdout = BufReader::new(child.stdout.take().unwrap());
    (child, stdout)
}

fn line(from: &mut BufReader<ChildStdout>) -> String {
    let mut line = String::new();
    from.read_line(&mut line).unwrap();
    line
}

#[test]
fn what_other_processes_do_is_a_line_each_until_interrupted() {
    host(|_| {
        for (ending, args) in [(Signal::SIGINT, &["events", "--json"][..]), (Signal::SIGTERM, &["events"])] {
            let (mut child, mut stdout) = listen(args);
            let mut creating = command(&["network", "create", "blue", "--subnet", "10.1.0.0/24"]);
            let mut creating = creating.stdout(Stdio::null()).spawn().unwrap();
            let process = creating.id();
            assert!(ended(&mut creating).success());
            ctl(&["sandbox", "create", "web"]).well();
            ctl(&["connect", "blue", "web"]).well();
            ctl(&["sandbox", "rm", "web"]).silent();
            ctl(&["network", "rm", "blue"]).silent();
            let lines: Vec<_> = (0..8).map(|_| line(&mut stdout)).collect();
            let expected = [
                "network_created",
                "sandbox_created",
                "endpoint_created",
                "endpoint_joined",
                "endpoint_left",
                "endpoint_deleted",
                "sandbox_destroyed",
                "network_deleted",
            ];
            for (line, kind) in lines.iter().zip(expected) {
                assert!(line.contains(kind) && is_fit(line), "{kind}: {line}");
            }
            if args.contains(&"--json") {
                let events: Vec<Value> = lines.iter().map(|line| parse(line)).collect();
                assert_eq!((&events[0]["network"], &events[0]["process"]), (&"blue".into(), &process.into()));
                assert_eq!(
                    (&events[3]["endpoint"], &events[3]["sandbox"]),
                    (&"web".into(), &"/run/netns/web".into())
                );
            } else {
                assert!(
                    lines[0].ends_with(&format!("Z  network_created  blue  by process {process}\n")),
                    "{}",
                    lines[0]
                );
                assert!(lines[3].contains("  blue/web  /run/netns/web  "), "{}", lines[3]);
            }
            signal(&child, ending);
            assert_eq!(ended(&mut child).code(), Some(0));
            assert_eq!(listeners(), 0);
        }
    });
}

#[test]
fn who_hears_no_more_ends_it_quietly() {
    host(|_| {
        let (mut child, stdout) = listen(&["events"]);
        drop(stdout);
        ctl(&["sandbox", "create", "web"]).well();
        assert_eq!(ended(&mut child).code(), Some(0));
        let mut said = String::new();
        std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut said).unwrap();
        assert_eq!((said.as_str(), listeners()), ("", 0));
    });
}

#[test]
fn what_others_send_is_shown_fit_for_a_terminal() {
    host(|_| {
        let (mut child, mut stdout) = listen(&["events"]);
        let socket = fs::read_dir("/run/libnetns/events").unwrap().next().unwrap().unwrap().path();
        let send = |event: &Value| {
            UnixDatagram::unbound().unwrap().send_to(event.to_string().as_bytes(), &socket).unwrap();
        };
        for (time, shown) in [(0, "1970-01-01T00:00:00.000Z"), (u64::MAX, "?")] {
            send(
                &json!({ "time_ms": time, "kind": "network_created", "network": "\u{1b}[31m\nred", "process": 1,
                "missed": 2 }),
            );
            let expected = "network_created  \\u{1b}[31m\\nred  by process 1  (2 before it were missed)";
            assert_eq!(line(&mut stdout), format!("{shown}  {expected}\n"));
        }
        signal(&child, Signal::SIGHUP);
        assert_eq!(ended(&mut child).code(), Some(0));
    });
}
