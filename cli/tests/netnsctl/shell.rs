//! Completions and man pages.

use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, Stdio};

use tempfile::TempDir;
use testhost::skip;

use crate::common::{commands, ctl};

fn has(program: &str) -> bool {
    Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

#[test]
fn bash_reads_its_completions_and_completes_by_them() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        assert!(ctl(&["completion", shell]).well().contains("network"), "{shell}");
    }
    if !has("bash") {
        return skip("bash_reads_its_completions_and_completes_by_them", "bash is not installed");
    }
    let place = TempDir::new().unwrap();
    let file = place.path().join("netnsctl.bash");
    fs::write(&file, ctl(&["completion", "bash"]).well()).unwrap();
    let bash = |args: &[&str]| {
        let output = Command::new("bash").args(args).arg(&file).output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    bash(&["-n"]);
    for (words, expected) in [
        ("netnsctl sandbox ex", "exec"),
        ("netnsctl netw", "network"),
        ("netnsctl stats --so", "--sort"),
        ("netnsctl stats --sort rx-r", "rx-rate"),
        ("netnsctl network create blue --gateway-mode i", "isolated"),
    ] {
        let complete = format!(
            "source \"$0\"; COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); \
             _netnsctl netnsctl \"${{COMP_WORDS[-1]}}\" \"${{COMP_WORDS[-2]}}\"; echo \"${{COMPREPLY[@]}}\""
        );
        assert_eq!(bash(&["-c", &complete]).trim(), expected, "{words}");
    }
}

#[test]
fn every_command_has_a_man_page_without_faults() {
    let place = TempDir::new().unwrap();
    let directory = place.path().join("man");
    ctl(&["man", directory.to_str().unwrap(), "2026-11-21"]).silent();
    let mut pages: Vec<_> = fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    pages.sort();
    let names: BTreeSet<_> =
        pages.iter().map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect();
    let name = |words: Vec<String>| format!("{}.8", [vec!["netnsctl".to_owned()], words].concat().join("-"));
    assert_eq!(names, commands().into_iter().map(name).collect());
    let page = fs::read_to_string(directory.join("netnsctl.8")).unwrap();
    for part in [
        "NETNSCTL 8 2026-11-21",
        ".SH \"EXIT STATUS\"\n",
        "NETNS_RUN_DIR",
        "not permitted",
        "netnsctl\\-network(8)",
    ] {
        assert!(page.contains(part), "no {part} in {page}");
    }
    if !has("mandoc") {
        return skip("every_command_has_a_man_page_without_faults", "mandoc is not installed");
    }
    let lint = Command::new("mandoc").args(["-T", "lint", "-W", "warning"]).args(&pages).output().unwrap();
    assert!(lint.status.success(), "{}", String::from_utf8_lossy(&lint.stdout));
}

#[test]
fn pages_do_not_take_the_place_of_a_file() {
    let place = TempDir::new().unwrap();
    let file = place.path().join("file");
    fs::write(&file, "kept").unwrap();
    ctl(&["man", file.to_str().unwrap(), "2026-11-21"]).refused(4, &["write ", "/file: "]);
    assert_eq!(fs::read_to_string(&file).unwrap(), "kept");
}
