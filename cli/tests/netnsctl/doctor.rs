//! What the kernel and the user are capable of.

use std::process::Command;

use serde_json::{json, Value};
use testhost::{host, without_netfilter};

use crate::common::{clean, ctl, parse, Ended, CTL};

/// What is tried, and what it is for.
fn tried(report: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let all = report["capabilities"].as_array().unwrap();
    all.iter().map(|each| (text(&each["name"]), text(&each["what_for"]))).collect()
}

fn doctor(args: &[&str]) -> Ended {
    ctl(&[&["doctor"], args].concat())
}

#[test]
fn everything_is_tried_and_nothing_is_left() {
    host(|host| {
        let before = host.dump();
        let report = parse(&doctor(&["--json"]).well());
        assert_eq!(report["usable"], true, "{report}");
        let text = doctor(&[]).well();
        assert!(text.starts_with(&format!("libnetns {}, Linux ", env!("CARGO_PKG_VERSION"))), "{text}");
        assert!(text.contains("\nyes namespaces           sandboxes, required\n"), "{text}");
        assert!(text.ends_with("\neverything that is required is there\n"), "{text}");
        host.assert_returns_to(&before, "a doctor's visit");
    });
}

#[test]
fn it_tries_what_python_tries() {
    let python = include_str!("../../../bindings/python/python/netns/_probe.py");
    let checks = python.lines().filter_map(|line| line.trim_start().strip_prefix("_Check(\""));
    let pythons: Vec<_> = checks
        .map(|line| {
            let words: Vec<_> = line.split('"').collect();
            (words[0].to_owned(), words[2].to_owned())
        })
        .collect();
    assert!(!pythons.is_empty());
    host(|_| assert_eq!(tried(&parse(&doctor(&["--json"]).stdout)), pythons));
}

#[test]
fn what_is_missing_is_told_with_the_way_to_get_it() {
    host(|_| {
        let ended = without_netfilter(|| doctor(&["--json"]));
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let report = parse(&ended.stdout);
        let missing = report["missing"].as_array().unwrap();
        assert!(missing.contains(&"nf_tables with NAT".into()), "{report}");
        let text = without_netfilter(|| doctor(&[])).well();
        assert!(text.contains("\nno  nf_tables with NAT   firewall and published ports\n    "), "{text}");
        assert!(
            text.contains("\n    to get it: modprobe nf_tables nft_chain_nat nft_masq, or another kernel\n"),
            "{text}"
        );
    });
}

#[test]
fn without_the_privilege_nothing_is_usable() {
    host(|_| {
        // In a user namespace in which nobody is root.
        let mut lesser = Command::new("unshare");
        clean(&mut lesser);
        let ended = Ended::from(lesser.args(["--user", CTL, "doctor", "--json"]).output().unwrap());
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(1), ""), "{ended:?}");
        let report = parse(&ended.stdout);
        assert_eq!(report["usable"], false);
        let first = &report["capabilities"][0];
        assert_eq!((&first["name"], &first["ok"]), (&json!("namespaces"), &json!(false)));
        assert!(first["remedy"].as_str().unwrap().contains("CAP_SYS_ADMIN"), "{first}");
        let second = &report["capabilities"][1];
        assert_eq!(
            (&second["ok"], &second["reason"]),
            (&json!(null), &json!("not tried without namespaces"))
        );
    });
}
