//! Help texts, compared with what they were meant to be.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::common::{commands, ctl, is_fit};

/// Set, it has the texts written anew.
const WRITE: &str = "NETNS_WRITE_SNAPSHOTS";

#[test]
fn every_command_has_the_help_that_it_was_meant_to_have() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots");
    let writes = std::env::var_os(WRITE).is_some();
    let mut names = BTreeSet::new();
    for words in commands() {
        let args: Vec<_> = words.iter().map(String::as_str).chain(["--help"]).collect();
        let help = ctl(&args).well();
        assert!(is_fit(&help), "{args:?}");
        let name = format!("{}.txt", [&["netnsctl".to_owned()], words.as_slice()].concat().join("-"));
        let path = directory.join(&name);
        if writes {
            fs::write(&path, &help).unwrap();
        }
        let meant = fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(help, meant, "{name}: {WRITE}=1 writes it anew");
        names.insert(name);
    }
    assert!(names.len() > 25, "{names:?}");
    let there =
        fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(there.collect::<BTreeSet<_>>(), names);
}

#[test]
fn the_short_help_has_the_statuses() {
    let help = ctl(&["-h"]).well();
    assert!(help.contains("Exit status: 0 done, 1 failed, 2 wrong usage, 3 not found"), "{help}");
    let page = include_str!("../../../docs/netnsctl.md");
    for status in ["| 0 |", "| 1 |", "| 2 |", "| 3 |", "| 4 |", "| 5 |", "| 126, 127 |"] {
        assert!(page.contains(status), "no {status} in docs/netnsctl.md");
    }
}
