//! The session that the documentation shows.

use std::path::Path;
use std::process::Command;

use testhost::host;

use crate::common::{clean, Ended, CTL};

/// What is the same each time: numbers, addresses and spaces are not.
fn shape(text: &str) -> Vec<String> {
    let is_of_number = |c: char| c.is_ascii_hexdigit() || c == '.' || c == ':';
    let shape_of = |line: &str| {
        let mut shape = String::new();
        for word in line.replace(" kB", " B").split_whitespace() {
            for part in word.split_inclusive(|c| !is_of_number(c)) {
                let (number, rest) = part.split_at(part.find(|c| !is_of_number(c)).unwrap_or(part.len()));
                shape += if number.contains(|c: char| c.is_ascii_digit()) { "N" } else { number };
                shape += rest;
            }
            shape.push(' ');
        }
        shape
    };
    text.lines().map(shape_of).collect()
}

#[test]
fn the_session_goes_as_it_is_shown() {
    let page = include_str!("../../../docs/netnsctl.md");
    let blocks = page.split("```console\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let commands: Vec<_> = blocks.flat_map(|block| block.split("\n# ")).collect();
    assert!(commands.len() > 20, "{commands:?}");
    host(|_| {
        let directory = Path::new(CTL).parent().unwrap().display();
        let path = format!("{directory}:{}", std::env::var("PATH").unwrap());
        for shown in commands {
            let shown = shown.strip_prefix("# ").unwrap_or(shown);
            let (line, expected) = shown.split_once('\n').unwrap_or((shown, ""));
            let mut shell = Command::new("sh");
            clean(&mut shell);
            let printed = Ended::from(shell.args(["-c", line]).env("PATH", &path).output().unwrap()).well();
            assert_eq!(shape(&printed), shape(expected), "{line}:\n{printed}");
        }
    });
}
