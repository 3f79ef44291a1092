//! The example does what its README says.

mod common;
mod runtime;

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;

use common::{hook, links, state, wait_until, Container, HOOK};
use runtime::with_each;
use testhost::{host, Host};

const LOG: &str = "/run/log";

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// The commands of the README, without what they are for.
fn commands() -> Vec<String> {
    let readme = fs::read_to_string(root().join("examples/oci/README.md")).unwrap();
    let (_, rest) = readme.split_once("```sh\n").expect("a block of commands");
    let (block, _) = rest.split_once("\n```").expect("its end");
    block.lines().map(|line| line.split("  #").next().unwrap_or_default().trim_end().to_owned()).collect()
}

#[track_caller]
fn run(command: &str) -> String {
    let log = File::create(LOG).unwrap();
    let mut shell = Command::new("sh");
    // What runs on in the background has no pipe that this would wait for.
    shell.args(["-c", command]).current_dir(root()).stdout(log.try_clone().unwrap()).stderr(log);
    let status = shell.status().unwrap();
    let said = fs::read_to_string(LOG).unwrap();
    assert!(status.success(), "{command}: {said}");
    said
}

/// Where `make install` puts the program, without changing the machine.
fn install(host: &Host) {
    let mounted = host.run("mount", &["-t", "tmpfs", "-o", "mode=755", "tmpfs", "/usr/local/bin"]);
    assert!(mounted.success, "{mounted:?}");
    fs::copy(HOOK, "/usr/local/bin/netns-hook").unwrap();
}

#[test]
fn the_five_commands_of_the_readme_make_a_container_that_reaches_its_gateways() {
    let commands = commands();
    let [make, bundle, start, look, delete] = commands.as_slice() else { panic!("{commands:#?}") };
    assert_eq!(make, "make install");
    with_each("the example", |host, runtime| {
        install(host);
        let by = |command: &str| command.replacen("runc", &runtime.command_line(), 1);
        run(bundle);
        run(&by(start));
        let said = run(&by(look));
        for part in
            ["inet 10.30.0.2/24", "inet6 fd30::2/64", "10.30.0.1 ping", "fd30::1 ping", "0% packet loss"]
        {
            assert!(said.contains(part), "no {part:?} in\n{said}");
        }
        assert_eq!(links(host).len(), 3, "lo, the bridge and its port");
        run(&by(delete));
        wait_until("a host without the container's link", || links(host) == ["lo", "oci0"]);
    });
}

#[test]
fn the_config_of_the_page_is_read() {
    let page = fs::read_to_string(root().join("docs/oci.md")).unwrap();
    let mut blocks = page.split("```json\n").skip(1).filter_map(|rest| Some(rest.split_once("\n```")?.0));
    let (hooks, config) = (blocks.next().unwrap(), blocks.next().unwrap());
    let hooks: serde_json::Value = serde_json::from_str(&format!("{{{hooks}}}")).unwrap();
    for name in ["createRuntime", "poststop"] {
        assert_eq!(hooks["hooks"][name][0]["path"], "/usr/local/bin/netns-hook");
    }
    host(|_| {
        fs::write("/run/page.json", config).unwrap();
        let container = Container::start();
        let input = state("web", "creating", container.pid()).to_string();
        // All of it is right, and the bridge is looked for.
        hook(&["--config", "/run/page.json"], input).refused(1, &["find link br0", "no such link"]);
    });
}
