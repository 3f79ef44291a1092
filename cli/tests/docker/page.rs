//! The session that the documentation shows.

use std::path::Path;
use std::process::Command;

use testhost::Docker;

use crate::stage::{stage, CTL};

/// What is the same each time: what has a digit in it is not, but for addresses.
fn shape(text: &str) -> Vec<String> {
    let is_id = |word: &str| word.len() == 64 && word.chars().all(|c| c.is_ascii_hexdigit());
    let shape_of = |word: &str| if is_id(word) { "ID".to_owned() } else { word.to_owned() };
    text.lines().map(|line| line.split_whitespace().map(shape_of).collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn the_page_goes_as_it_is_shown() {
    let page = include_str!("../../../docs/docker.md");
    let blocks = page.split("```console\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let commands: Vec<_> = blocks.flat_map(|block| block.split("\n# ")).collect();
    assert!(commands.len() > 8, "{commands:?}");
    stage("the_page_goes_as_it_is_shown", &[], |stage| {
        stage.docker(&format!("tag {} busybox", Docker::IMAGE));
        let client = stage.docker.client(&[]);
        let path = Path::new(CTL).parent().unwrap().display();
        let docker = Path::new(client.get_program()).parent().unwrap().display();
        let path = format!("{path}:{docker}:{}", std::env::var("PATH").unwrap());
        for shown in commands {
            let shown = shown.strip_prefix("# ").unwrap_or(shown);
            let (line, expected) = shown.split_once('\n').unwrap_or((shown, ""));
            let mut shell = Command::new("sh");
            let settings = client.get_envs().filter_map(|(key, value)| Some((key, value?)));
            shell.args(["-c", line]).envs(settings).env("PATH", &path);
            let output = shell.output().unwrap();
            let said = String::from_utf8(output.stderr).unwrap();
            assert!(output.status.success() && said.is_empty(), "{line}: {said}");
            let printed = String::from_utf8(output.stdout).unwrap();
            assert_eq!(shape(&printed), shape(expected), "{line}:\n{printed}");
        }
        stage.docker("rmi busybox");
    });
}
