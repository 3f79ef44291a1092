//! The promises that the README makes of the programs here.

use std::fs;
use std::path::{Path, PathBuf};

use netns::{Controller, ControllerOptions, EndpointConfig, NetworkConfig};
use testhost::host;

const QUICKSTART: &str = env!("CARGO_BIN_EXE_quickstart");
const DEMO: &str = env!("CARGO_BIN_EXE_demo");

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The first block of `text` that is marked as `language`.
fn block<'a>(text: &'a str, language: &str) -> &'a str {
    let begin = format!("\n```{language}\n");
    let (_, rest) = text.split_once(&begin).unwrap_or_else(|| panic!("no {language} block"));
    let end = rest.find("\n```\n").expect("the block ends");
    &rest[..=end]
}

#[test]
fn the_quick_start_of_the_readme_is_the_one_that_is_built() {
    let readme = read("README.md");
    let shown = block(&readme, "rust");
    let built = read("examples/src/bin/quickstart.rs");
    let (about, built) = built.split_once('\n').expect("more than one line");
    assert!(about.starts_with("//! "), "{about}");
    assert_eq!(shown, built.trim_start_matches('\n'));
    let lines = shown.lines().count();
    assert!(lines <= 25, "{lines} lines are no quick start");
}

#[test]
fn the_quick_start_runs_and_leaves_nothing() {
    host(|host| {
        // The directories stay, as that of `ip netns` does, and in one of them the store.
        fs::create_dir("/run/netns").unwrap();
        let mut options = ControllerOptions::default();
        options.networks_dir = "/run/networks".into();
        let controller = Controller::open(options).unwrap();
        controller.create_network(NetworkConfig::new("null", "none").unwrap()).unwrap();
        controller.delete_network("none").unwrap();
        drop(controller);
        let before = host.dump();
        // The machine's /etc is not touched.
        let output = host.run("env", &["NETNS_NETWORKS_DIR=/run/networks", QUICKSTART]);
        assert!(output.success, "{output:?}");
        for part in ["demo has 172.", "demo has fd", "create veth", "/run/netns/web has eth0"] {
            assert!(output.stdout.contains(part), "no {part} in\n{}", output.stdout);
        }
        host.assert_returns_to(&before, "the quick start");
    });
}

#[test]
fn the_demo_runs_and_leaves_the_machine_alone() {
    host(|host| {
        let before = host.dump();
        let output = host.run(DEMO, &[]);
        assert!(output.success, "{}\n{}", output.stdout, output.stderr);
        assert_eq!(output.stderr, "");
        for section in ["Network", "Plan", "Ping", "TCP", "Cost", "Teardown"] {
            let begins = |line: &str| line.starts_with(&format!("{section}  "));
            assert!(output.stdout.lines().any(begins), "no {section} in\n{}", output.stdout);
        }
        assert!(!output.stdout.contains('\x1b'), "colour without a terminal");
        before.assert_same(&host.dump(), "the demo");
    });
}

#[test]
fn the_definition_and_the_endpoint_of_the_page_on_networks_are_read() {
    let page = read("docs/networks.md");
    let uncommented = |line: &str| line.split(" //").next().unwrap_or_default().to_owned();
    let mut examples = page.split("\n```jsonc\n").skip(1).map(|rest| {
        let (example, _) = rest.split_once("\n```\n").expect("the block ends");
        example.lines().map(uncommented).collect::<Vec<_>>().join("\n")
    });
    let mut example = || examples.next().expect("an example");
    let network: NetworkConfig = serde_json::from_str(&example()).unwrap();
    let endpoint: EndpointConfig = serde_json::from_str(&example()).unwrap();
    host(|_| {
        let options = ControllerOptions::default().in_directory(Path::new("/run/page"));
        let controller = Controller::open(options).unwrap();
        // It says everything: nothing is filled in.
        assert_eq!(controller.create_network(network.clone()).unwrap(), network);
        let sandbox = controller.create_sandbox("web").unwrap();
        controller.connect(network.name.as_str(), &sandbox, endpoint).unwrap();
        controller.destroy_sandbox(&sandbox).unwrap();
        controller.delete_network(network.name.as_str()).unwrap();
    });
}

#[test]
fn the_two_commands_of_the_readme_are_make_targets() {
    let commands = read("README.md");
    let commands: Vec<_> = block(&commands, "sh")
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default().trim())
        .collect();
    assert_eq!(commands, ["make demo", "make test"]);
    let makefile = read("Makefile");
    for command in commands {
        let target = format!("{}:", command.trim_start_matches("make "));
        assert!(makefile.lines().any(|line| line.starts_with(&target)), "no {target}");
    }
}
