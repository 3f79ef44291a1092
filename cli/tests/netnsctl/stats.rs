//! Statistics.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::net::IpAddr;
use std::process::{Command, Stdio};

use nix::sys::signal::Signal;
use serde_json::{json, Value};
use testhost::{host, skip, Host};

use crate::common::{blue, clean, command, ctl, ended, json, parse, signal, wait_until, CTL};

const FIELDS: [&str; 4] = ["rx_packets", "rx_dropped", "tx_packets", "tx_dropped"];

fn ping(host: &Host, times: u32) {
    (0..times).for_each(|_| assert!(host.ping("web", "10.1.0.3".parse::<IpAddr>().unwrap())));
}

/// What the kernel itself has counted at the interface in a sandbox.
fn kernels(host: &Host, sandbox: &str) -> [u64; 4] {
    let link = host.ip_in(sandbox, &["-s", "link", "show", "eth0"]);
    let count = |way: &str, what: &str| link[0]["stats64"][way][what].as_u64().unwrap();
    [count("rx", "packets"), count("rx", "dropped"), count("tx", "packets"), count("tx", "dropped")]
}

fn names(stats: &Value) -> Vec<&str> {
    stats.as_array().unwrap().iter().map(|own| own["endpoint"].as_str().unwrap()).collect()
}

#[test]
fn what_is_shown_is_what_the_kernel_has_counted() {
    host(|host| {
        blue(&["web", "db"]);
        ping(host, 3);
        for sandbox in ["web", "db"] {
            // Something may be on its way yet.
            wait_until("the kernel's counts", || {
                let shown = json(&["stats", "blue", sandbox]);
                FIELDS.map(|field| shown[0]["stats"][field].as_u64().unwrap()) == kernels(host, sandbox)
            });
        }
        let text = ctl(&["stats"]).well();
        let heading = text.lines().next().unwrap();
        assert_eq!(
            heading.split("  ").filter(|word| !word.is_empty()).map(str::trim).collect::<Vec<_>>(),
            ["NETWORK", "ENDPOINT", "RX", "RX PACKETS", "TX", "TX PACKETS", "ERRORS", "DROPPED"]
        );
        assert_eq!(text.lines().count(), 3);
        assert_eq!(names(&json(&["stats", "blue", "--fast"])), ["db", "web"]);
        ctl(&["stats", "blue", "none"]).refused(3, &["none of network blue"]);
        ctl(&["stats", "none"]).refused(3, &["none"]);
    });
}

#[test]
fn the_column_that_was_chosen_sorts() {
    host(|host| {
        blue(&["web", "db", "idle"]);
        ping(host, 5);
        for column in ["rx", "tx", "rx-packets", "tx-packets"] {
            assert_eq!(names(&json(&["stats", "--sort", column]))[2], "idle", "{column}");
            assert_eq!(names(&json(&["stats", "--sort", column, "--reverse"]))[0], "idle", "{column}");
        }
        for column in ["name", "errors", "dropped", "rx-rate", "tx-rate"] {
            assert_eq!(names(&json(&["stats", "--sort", column])), ["db", "idle", "web"], "{column}");
        }
        let ended = ctl(&["stats", "--sort", "colour"]);
        assert_eq!(ended.code, Some(2));
        ended.complains(&["rx-rate"]);
    });
}

#[test]
fn prometheus_reads_the_same_numbers() {
    host(|host| {
        blue(&["web", "db"]);
        ping(host, 1);
        let by_json = || {
            let stats = json(&["stats"]);
            let mut all = HashMap::new();
            for own in stats.as_array().unwrap() {
                let labels =
                    format!("{{network=\"blue\",endpoint=\"{}\"}}", own["endpoint"].as_str().unwrap());
                for (field, number) in own["stats"].as_object().unwrap() {
                    let (way, what) = field.split_once('_').unwrap();
                    let way = if way == "rx" { "receive" } else { "transmit" };
                    all.insert(format!("netns_endpoint_{way}_{what}_total{labels}"), number.to_string());
                }
            }
            all
        };
        let by_prometheus = || {
            let text = ctl(&["stats", "--prometheus"]).well();
            let mut announced = String::new();
            let mut all = HashMap::new();
            for line in text.lines() {
                if let Some(rest) = line.strip_prefix("# TYPE ") {
                    announced = rest.strip_suffix(" counter").unwrap().to_owned();
                } else if !line.starts_with("# HELP ") {
                    let (name, number) = line.rsplit_once(' ').unwrap();
                    assert!(name.starts_with(&format!("{announced}{{")), "{line} after {announced}");
                    assert_eq!(all.insert(name.to_owned(), number.to_owned()), None, "{line}");
                }
            }
            all
        };
        assert_eq!(by_prometheus().len(), 16);
        wait_until("numbers that agree", || by_json() == by_prometheus());
        assert_eq!(ctl(&["stats", "--prometheus", "--json"]).code, Some(2));
    });
}

#[test]
fn watching_shows_rates_and_ends_after_as_many_looks_as_were_asked_for() {
    host(|host| {
        blue(&["web", "db"]);
        let text = ctl(&["stats", "--watch", "--count", "2", "--interval", "0.05"]).well();
        let tables: Vec<_> = text.split("\n\n").collect();
        assert_eq!(tables.len(), 2, "{text}");
        assert!(
            tables.iter().all(|table| table.starts_with("NETWORK   ENDPOINT ") && table.contains("RX/S")),
            "{text}"
        );
        let mut watching =
            command(&["stats", "--watch", "--json", "--interval", "0.05", "--sort", "rx-rate"]);
        let mut child = watching.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines =
            BufReader::new(child.stdout.take().unwrap()).lines().map(|line| parse(&line.unwrap()));
        let first = lines.next().unwrap();
        assert_eq!((names(&first["stats"]), &first["stats"][0]["rate"]), (vec!["db", "web"], &json!(null)));
        ping(host, 2);
        let is_busy = |sample: &Value| {
            let rate = &sample["stats"][0]["rate"];
            rate["rx_bytes"].as_f64().is_some_and(|bytes| bytes > 0.0)
                && rate["tx_packets"].as_f64() > Some(0.0)
        };
        assert!(lines.any(|sample| is_busy(&sample)));
        signal(&child, Signal::SIGINT);
        assert_eq!(ended(&mut child).code(), Some(0));
    });
}

#[test]
fn who_watches_may_interrupt_at_any_time_or_go_away() {
    host(|_| {
        blue(&["web"]);
        for (ending, interval) in
            [(Signal::SIGINT, "86400"), (Signal::SIGTERM, "0.01"), (Signal::SIGHUP, "86400")]
        {
            let mut watching = command(&["stats", "--watch", "--json", "--interval", interval]);
            let mut child = watching.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
            let mut line = String::new();
            let mut stdout = BufReader::new(child.stdout.take().unwrap());
            stdout.read_line(&mut line).unwrap();
            assert_eq!(names(&parse(&line)["stats"]), ["web"]);
            signal(&child, ending);
            assert_eq!(ended(&mut child).code(), Some(0), "{ending}");
        }
        let mut watching = command(&["stats", "--watch", "--interval", "0.01"]);
        let mut child = watching.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        assert_eq!(ended(&mut child).code(), Some(0));
        assert_eq!(child.wait_with_output().unwrap().stderr, b"");
        for wrong in ["0", "-1", "nan", "1e9", "x"] {
            assert_eq!(ctl(&["stats", "--watch", &format!("--interval={wrong}")]).code, Some(2), "{wrong}");
        }
        assert_eq!(ctl(&["stats", "--interval", "1"]).code, Some(2));
    });
}

#[test]
fn a_terminal_gets_colours_unless_it_has_none_and_its_cursor_back() {
    const TEST: &str = "a_terminal_gets_colours_unless_it_has_none_and_its_cursor_back";
    host(|host| {
        if !host.run("sh", &["-c", "command -v script"]).success {
            return skip(TEST, "script is not installed");
        }
        blue(&["web"]);
        let shown = |command: &str, environment: &[(&str, &str)]| {
            let mut script = Command::new("script");
            clean(&mut script);
            script.args(["-qefc", &format!("{CTL} {command}"), "/dev/null"]).stdin(Stdio::null());
            script.env("TERM", "xterm").envs(environment.iter().copied());
            let output = script.output().unwrap();
            assert!(output.status.success(), "{output:?}");
            String::from_utf8(output.stdout).unwrap()
        };
        for command in ["stats", "network ls", "stats --watch -n 1"] {
            assert!(shown(command, &[]).contains("\x1b[1mNETWORK"), "{command}");
            for plain in [("NO_COLOR", "1"), ("TERM", "dumb")] {
                assert!(!shown(command, &[plain]).contains("\x1b[1m"), "{command} {plain:?}");
            }
        }
        assert!(!shown("stats --json", &[]).contains('\x1b'));
        let watched = shown("stats --watch -n 2 --interval 0.01", &[]);
        assert!(watched.starts_with("\x1b[?25l\x1b[?7l\x1b[2J\x1b[H"), "{watched:?}");
        assert!(watched.ends_with("\x1b[?25h\x1b[?7h"), "{watched:?}");
        assert_eq!(watched.matches("\x1b[H").count(), 2, "{watched:?}");
    });
}
