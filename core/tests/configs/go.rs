//! What is written is what Go writes, byte by byte, and what Go cannot read is refused.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use netns::libcontainer as first;
use netns::libcontainer::configs::{
    Command as HookCommand, CommandHook, Config, FunctionHook, HookName, Hooks, Namespace, NamespaceType,
    Network, Route, State, Status,
};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::documents::{CONFIGS, GO_REFUSES, STATES};

/// Go, where it is installed. Before 1.22 it had no short escapes for backspace and form feed.
fn go() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut places = std::env::split_paths(&path).chain([PathBuf::from("/usr/local/go/bin")]);
    let go = places.find_map(|place| Some(place.join("go")).filter(|go| go.is_file()))?;
    let version = Command::new(&go).arg("version").env("GOTOOLCHAIN", "local").output().unwrap().stdout;
    let version = String::from_utf8(version).unwrap();
    let minor = version.split_once("go1.").and_then(|(_, rest)| rest.split(['.', ' ', 'r', 'b']).next());
    let minor: u32 = minor.and_then(|minor| minor.parse().ok()).unwrap_or_else(|| panic!("{version}"));
    (minor >= 22).then_some(go)
}

/// The program `seed.go`; `None`, recorded as skipped, where there is no Go.
fn program(test: &str) -> Option<&'static Path> {
    static BUILT: OnceLock<Option<PathBuf>> = OnceLock::new();
    let built = BUILT.get_or_init(|| go().map(|go| build(&go)));
    if built.is_none() {
        testhost::skip(test, "Go 1.22 or newer is not installed");
    }
    built.as_deref()
}

fn build(go: &Path) -> PathBuf {
    let at = Path::new(env!("CARGO_TARGET_TMPDIR")).join("configs-go");
    std::fs::create_dir_all(&at).unwrap();
    let program = at.join("seed");
    let mut build = Command::new(go);
    build.args(["build", "-o"]).arg(&program).arg("tests/configs/seed.go");
    build.current_dir(env!("CARGO_MANIFEST_DIR"));
    // Nothing of the user's, nothing fetched.
    build.env("GO111MODULE", "off").env("GOENV", "off").env("GOFLAGS", "").env("GOTOOLCHAIN", "local");
    build.env("GOPROXY", "off").env("CGO_ENABLED", "0");
    build.env("GOCACHE", at.join("cache")).env("GOPATH", at.join("path"));
    let built = build.output().unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    program
}

/// What Go makes of each document: its text again, or why it cannot read it.
fn ask(program: &Path, kind: &str, documents: &[String]) -> Vec<Result<String, String>> {
    let mut child = Command::new(program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stdin = child.stdin.take().unwrap();
    // In JSON a line break is white space.
    let lines: String =
        documents.iter().map(|document| format!("{kind} {}\n", document.replace('\n', " "))).collect();
    let writer = std::thread::spawn(move || stdin.write_all(lines.as_bytes()).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success());
    let lines = String::from_utf8(output.stdout).unwrap();
    let answer = |line: &str| match line.split_at(1) {
        ("=", json) => Ok(json.to_owned()),
        (_, error) => Err(error.to_owned()),
    };
    let answers: Vec<_> = lines.lines().map(answer).collect();
    assert_eq!(answers.len(), documents.len());
    answers
}

fn owned(documents: &[&str]) -> Vec<String> {
    documents.iter().map(|document| (*document).to_owned()).collect()
}

#[test]
fn documents_come_back_as_from_go() {
    let Some(program) = program("documents_come_back_as_from_go") else { return };
    let configs = owned(CONFIGS);
    for (document, gos) in configs.iter().zip(ask(program, "config", &configs)) {
        let ours = Config::from_json(document).unwrap().to_json().unwrap();
        assert_eq!(ours, gos.unwrap(), "{document}");
    }
    let states = owned(STATES);
    for (document, gos) in states.iter().zip(ask(program, "state", &states)) {
        let ours = State::from_json(document).unwrap().to_json().unwrap();
        assert_eq!(ours, gos.unwrap(), "{document}");
    }
}

#[test]
fn what_go_cannot_read_is_refused() {
    let Some(program) = program("what_go_cannot_read_is_refused") else { return };
    let documents = owned(GO_REFUSES);
    for (document, gos) in documents.iter().zip(ask(program, "config", &documents)) {
        gos.expect_err(document);
        Config::from_json(document).expect_err(document);
    }
}

#[test]
fn whatever_a_config_and_a_state_have_is_written_as_go_does() {
    let Some(program) = program("whatever_a_config_and_a_state_have_is_written_as_go_does") else { return };
    let mut runner = TestRunner::deterministic();
    let configs = sample(&mut runner, &config());
    come_back(program, "config", &configs, |it| it.to_json().unwrap(), Config::from_json);
    let states = sample(&mut runner, &state());
    come_back(program, "state", &states, |it| it.to_json().unwrap(), State::from_json);
}

/// Networks, states and statistics of seed `001`.
#[test]
fn networks_of_the_first_days_are_written_as_go_does() {
    let Some(program) = program("networks_of_the_first_days_are_written_as_go_does") else { return };
    let mut runner = TestRunner::deterministic();
    let networks = sample(&mut runner, &first_network());
    come_back(program, "network", &networks, |it| it.to_json().unwrap(), first::Network::from_json);
    let states = sample(&mut runner, &network_state());
    come_back(program, "network_state", &states, |it| it.to_json().unwrap(), first::NetworkState::from_json);
    let stats = sample(&mut runner, &network_stats());
    let write = |it: &first::NetworkStats| serde_json::to_string(it).unwrap();
    come_back(program, "network_stats", &stats, write, |json| serde_json::from_str(json));
}

fn sample<S: Strategy>(runner: &mut TestRunner, values: &S) -> Vec<S::Value> {
    (0..500).map(|_| values.new_tree(runner).unwrap().current()).collect()
}

/// Go writes the documents as they are, and they are read as what they were written of.
fn come_back<T: PartialEq + std::fmt::Debug, E: std::fmt::Debug>(
    program: &Path,
    kind: &str,
    ours: &[T],
    write: impl Fn(&T) -> String,
    read: impl Fn(&str) -> Result<T, E>,
) {
    let documents: Vec<_> = ours.iter().map(write).collect();
    for ((value, document), gos) in ours.iter().zip(&documents).zip(ask(program, kind, &documents)) {
        assert_eq!(gos.unwrap(), *document);
        assert_eq!(read(document).unwrap(), *value);
    }
}

fn first_network() -> impl Strategy<Value = first::Network> {
    let names = (text(), text(), text(), text());
    (names, text(), text(), prop_oneof![Just(0), any::<u32>()]).prop_map(|(names, address, gateway, mtu)| {
        let (kind, ns_path, bridge, veth_prefix) = names;
        first::Network { kind, ns_path, bridge, veth_prefix, address, gateway, mtu }
    })
}

fn network_state() -> impl Strategy<Value = first::NetworkState> {
    (text(), text(), text()).prop_map(|(veth_host, veth_child, ns_path)| first::NetworkState {
        veth_host,
        veth_child,
        ns_path,
    })
}

fn network_stats() -> impl Strategy<Value = first::NetworkStats> {
    any::<[u64; 8]>().prop_map(|[rx_bytes, rx_packets, rx_errors, rx_dropped, rest @ ..]| {
        let [tx_bytes, tx_packets, tx_errors, tx_dropped] = rest;
        first::NetworkStats {
            rx_bytes,
            rx_packets,
            rx_errors,
            rx_dropped,
            tx_bytes,
            tx_packets,
            tx_errors,
            tx_dropped,
        }
    })
}

#[test]
fn a_config_with_functions_is_written_as_go_writes_it_without() {
    let Some(program) = program("a_config_with_functions_is_written_as_go_writes_it_without") else { return };
    let mut config = Config::default();
    config.hooks.add(HookName::Prestart, FunctionHook::new(|_| Ok(())));
    let document = config.to_json().unwrap();
    assert_eq!(ask(program, "config", std::slice::from_ref(&document)), [Ok(document)]);
}

/// Whatever a string can have, and above all what JSON, HTML and JavaScript mind.
fn text() -> impl Strategy<Value = String> {
    let special = prop::sample::select(vec![
        "<",
        ">",
        "&",
        "\"",
        "\\",
        "/",
        "\n",
        "\r",
        "\t",
        "\u{8}",
        "\u{c}",
        "\u{0}",
        "\u{1f}",
        "\u{7f}",
        "\u{80}",
        "\u{2027}",
        "\u{2028}",
        "\u{2029}",
        "\u{202a}",
        "\u{feff}",
        "\u{fffd}",
        "\u{1f600}",
        "'",
        "é",
    ]);
    prop_oneof![
        2 => vec(special, 0..6).prop_map(|parts| parts.concat()),
        1 => any::<String>(),
        1 => "[a-z0-9./:]{0,20}",
    ]
}

fn texts() -> impl Strategy<Value = Vec<String>> {
    vec(text(), 0..4)
}

fn namespace() -> impl Strategy<Value = Namespace> {
    let kind = prop::sample::select(netns::libcontainer::configs::namespace_types().to_vec());
    (kind, text()).prop_map(|(kind, path): (NamespaceType, _)| Namespace { kind, path })
}

fn network() -> impl Strategy<Value = Network> {
    let names = (text(), text(), text(), text(), text());
    let addresses = (text(), text(), text(), text());
    (names, addresses, any::<i64>(), any::<i64>(), any::<bool>()).prop_map(
        |(names, addresses, mtu, tx_queue_len, hairpin_mode)| {
            let (kind, name, bridge, mac_address, host_interface_name) = names;
            let (address, gateway, ipv6_address, ipv6_gateway) = addresses;
            Network {
                kind,
                name,
                bridge,
                mac_address,
                address,
                gateway,
                ipv6_address,
                ipv6_gateway,
                mtu,
                tx_queue_len,
                host_interface_name,
                hairpin_mode,
            }
        },
    )
}

fn route() -> impl Strategy<Value = Route> {
    (text(), text(), text(), text()).prop_map(|(destination, source, gateway, interface_name)| Route {
        destination,
        source,
        gateway,
        interface_name,
    })
}

fn hooks() -> impl Strategy<Value = Hooks> {
    let timeout = option::of((0..=i64::MAX as u64).prop_map(std::time::Duration::from_nanos));
    let command = (text(), texts(), texts(), text(), timeout)
        .prop_map(|(path, args, env, dir, timeout)| HookCommand { path, args, env, dir, timeout });
    let name = prop::sample::select(HookName::ALL.to_vec());
    vec((name, command), 0..8).prop_map(|all| {
        let mut hooks = Hooks::default();
        for (name, command) in all {
            hooks.add(name, CommandHook(command));
        }
        hooks
    })
}

fn config() -> impl Strategy<Value = Config> {
    let texts_of = (text(), text(), text(), text(), texts());
    let lists = (vec(namespace(), 0..4), vec(network(), 0..3), vec(route(), 0..3));
    (any::<i32>(), texts_of, lists, hooks()).prop_map(|(parent_death_signal, texts, lists, hooks)| {
        let (rootfs, apparmor_profile, process_label, version, labels) = texts;
        let (namespaces, networks, routes) = lists;
        Config {
            parent_death_signal,
            rootfs,
            namespaces: namespaces.into_iter().collect(),
            networks,
            routes,
            apparmor_profile,
            process_label,
            hooks,
            version,
            labels,
        }
    })
}

fn state() -> impl Strategy<Value = State> {
    let annotations = btree_map(text(), text(), 0..4);
    (text(), text(), text(), any::<u32>(), text(), annotations).prop_map(
        |(oci_version, id, status, pid, bundle, annotations)| {
            let mut state = State::new(id, Status::from(status));
            (state.oci_version, state.pid, state.bundle, state.annotations) =
                (oci_version, pid, bundle, annotations);
            state
        },
    )
}
