//! Reading and writing where there is no Go to compare with, or where it differs.

use std::time::Duration;

use netns::libcontainer::configs::{
    Command, CommandHook, Config, FunctionHook, Hook, HookName, Namespace, NamespaceType, Network, Route,
    State, Status,
};
use netns::ErrorKind;
use proptest::prelude::*;
use proptest::sample::{select, Index};

use super::documents::{CONFIGS, FULL, GO_REFUSES, RUNCS, STATES};

/// The document is no config, and the error has `words`, line and column.
#[track_caller]
fn refused(document: &str, words: &[&str]) {
    let error = Config::from_json(document).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BadRequest, "{error}");
    for word in words.iter().chain(&["of a config", "line", "column"]) {
        assert!(error.to_string().contains(word), "{error} lacks {word:?}");
    }
}

#[test]
fn every_field_is_read() {
    let config = Config::from_json(FULL).unwrap();
    let mut expected = Config {
        parent_death_signal: 9,
        rootfs: "/var/lib/<root> & \"more\"".into(),
        apparmor_profile: "profile".into(),
        process_label: "system_u:system_r:svirt_lxc_net_t:s0:c124,c675".into(),
        version: "1.2.0".into(),
        labels: vec!["a=b".into(), "c=\u{2028}\u{2029}\u{1}\u{7f}".into()],
        ..Config::default()
    };
    for (kind, path) in [
        (NamespaceType::NewNet, "/run/netns/web"),
        (NamespaceType::NewPid, ""),
        (NamespaceType::NewNs, ""),
        (NamespaceType::NewUts, ""),
        (NamespaceType::NewIpc, ""),
        (NamespaceType::NewUser, ""),
        (NamespaceType::NewCgroup, ""),
        (NamespaceType::NewTime, ""),
    ] {
        expected.namespaces.add(kind, path);
    }
    expected.networks = vec![
        Network { kind: "loopback".into(), ..Network::default() },
        Network {
            kind: "veth".into(),
            name: "eth0".into(),
            bridge: "br0".into(),
            mac_address: "02:42:0a:01:00:02".into(),
            address: "10.1.0.2/24".into(),
            gateway: "10.1.0.1".into(),
            ipv6_address: "fd01::2/64".into(),
            ipv6_gateway: "fd01::1".into(),
            mtu: 1400,
            tx_queue_len: 500,
            host_interface_name: "web0".into(),
            hairpin_mode: true,
        },
    ];
    expected.routes = vec![
        Route {
            destination: "10.2.0.0/16".into(),
            source: "10.1.0.2/24".into(),
            gateway: "10.1.0.3".into(),
            interface_name: "eth0".into(),
        },
        Route { gateway: "fd01::3".into(), interface_name: "eth0".into(), ..Route::default() },
    ];
    let first = Command {
        path: "/bin/a".into(),
        args: vec!["a".into(), "<b>".into()],
        env: vec!["A=1".into(), "B=&".into()],
        dir: "/".into(),
        timeout: Some(Duration::from_millis(1500)),
    };
    let longest = Some(Duration::from_nanos(i64::MAX as u64));
    for (name, command) in [
        (HookName::Prestart, first),
        (HookName::CreateRuntime, Command::new("/bin/a")),
        (HookName::CreateRuntime, Command::new("/bin/b")),
        (HookName::Poststart, Command::new("/bin/c")),
        (HookName::Poststop, Command { timeout: longest, ..Command::new("/bin/d") }),
    ] {
        expected.hooks.add(name, CommandHook(command));
    }
    assert_eq!(config, expected);
    config.check().unwrap();
}

#[test]
fn a_config_of_runcs_state_is_read_and_is_right() {
    let config = Config::from_json(RUNCS).unwrap();
    config.check().unwrap();
    assert!(config.hooks.is_empty());
    assert!(config.namespaces.is_private(NamespaceType::NewNet));
    assert_eq!(config.networks[0].kind, "loopback");
}

#[test]
fn what_is_written_reads_the_same() {
    for document in CONFIGS {
        let config = Config::from_json(document).unwrap();
        let written = config.to_json().unwrap();
        assert_eq!(Config::from_json(&written).unwrap(), config, "{document}");
        assert_eq!(Config::from_json(&written).unwrap().to_json().unwrap(), written);
    }
    for document in STATES {
        let state = State::from_json(document).unwrap();
        assert_eq!(State::from_json(&state.to_json().unwrap()).unwrap(), state, "{document}");
    }
}

#[test]
fn an_empty_list_is_as_good_as_null() {
    let empty = Config::from_json(
        r#"{"networks": [], "routes": [], "labels": [], "namespaces": [], "Hooks": {"poststop": []}}"#,
    );
    assert_eq!(empty.unwrap(), Config::default());
    let expected = concat!(
        r#"{"parent_death_signal":0,"rootfs":"","namespaces":null,"networks":null,"routes":null,"Hooks":{"#,
        r#""createContainer":null,"createRuntime":null,"poststart":null,"poststop":null,"prestart":null,"#,
        r#""startContainer":null},"version":"","labels":null}"#,
    );
    assert_eq!(Config::default().to_json().unwrap(), expected);
    let hook = r#"{"hooks": {"prestart": [{"path": "/a", "args": [], "env": []}]}}"#;
    let written = Config::from_json(hook).unwrap().to_json().unwrap();
    assert!(
        written.contains(r#"[{"path":"/a","args":null,"env":null,"dir":"","timeout":null}]"#),
        "{written}"
    );
}

#[test]
fn what_does_not_fit_is_refused_with_its_place() {
    for document in GO_REFUSES {
        refused(document, &[]);
    }
    refused(
        "{\n  \"networks\": [\n    {\"mtu\": \"large\"}\n  ]\n}",
        &["line 3 column 19", "string \"large\""],
    );
    // Of these Go makes something, which is never what was meant.
    refused("null", &["null"]);
    refused(r#"{"networks": [null]}"#, &["null", "an object"]);
    refused(r#"{"routes": [null]}"#, &["null", "an object"]);
    refused(r#"{"namespaces": [null]}"#, &["null", "an object"]);
    refused(r#"{"namespaces": [{"path": ""}]}"#, &["missing field `type`"]);
    refused(
        r#"{"namespaces": [{"type": "NEWFOO"}]}"#,
        &["unknown variant `NEWFOO`", "`NEWNET`", "`NEWTIME`"],
    );
    refused(r#"{"Hooks": {"prestart": [null]}}"#, &["null", "an object"]);
    refused(r#"{"Hooks": {"prestart": [{"timeout": -1}]}}"#, &["-1 is negative"]);
    refused(r#"{"rootfs": "/a", "rootfs": "/b"}"#, &["duplicate field `rootfs`"]);
    refused(r#"{"parent_death_signal": 2147483648}"#, &["2147483648", "i32"]);
    refused(r#"{"rootfs": "\ud800"}"#, &["hex escape"]);
}

proptest! {
    /// Something is put into a document, in place of something.
    #[test]
    fn a_damaged_document_is_an_error_or_a_config(
        full in any::<bool>(), at in any::<Index>(), length in 0..30_usize,
        put in select(vec!["", "null", "[", "{", "\"", "\\", ",", ":", "-1", "1e999", "\u{0}", "é", "[[]]", "{}"]),
    ) {
        let document = if full { FULL } else { RUNCS };
        let mut damaged: Vec<char> = document.chars().collect();
        let begin = at.index(damaged.len());
        let end = damaged.len().min(begin + length);
        damaged.splice(begin..end, put.chars());
        match Config::from_json(&String::from_iter(damaged)) {
            Err(error) => prop_assert_eq!(error.kind(), ErrorKind::BadRequest),
            Ok(config) => {
                let written = config.to_json().unwrap();
                prop_assert_eq!(&Config::from_json(&written).unwrap(), &config);
                let _ = config.check();
            }
        }
    }
}

#[test]
fn a_mebibyte_of_nesting_and_huge_documents_are_refused() {
    let open = "[".repeat(1 << 20);
    let closed = format!("{open}{}", "]".repeat(1 << 20));
    let objects = r#"{"a":"#.repeat(1 << 18);
    let unknown = format!(r#"{{"unknown": {closed}}}"#);
    let networks = format!(r#"{{"networks": {closed}}}"#);
    for document in [&open, &closed, &objects, &unknown, &networks] {
        for error in [Config::from_json(document).unwrap_err(), State::from_json(document).unwrap_err()] {
            assert_eq!(error.kind(), ErrorKind::BadRequest);
            assert!(error.to_string().contains("more than 128 arrays and objects"), "{error}");
        }
    }
    let long = format!(r#"{{"rootfs": "{}"}}"#, "x".repeat(4 << 20));
    let error = Config::from_json(&long).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BadRequest);
    assert!(error.to_string().contains("more than 4194304"), "{error}");
    assert!(Config::from_json(&format!(r#"{{"rootfs": "{}"}}"#, "x".repeat(3 << 20))).is_ok());
}

#[test]
fn a_state_says_id_and_status() {
    for (document, word) in [
        (r#"{"status": "created"}"#, "missing field `id`"),
        (r#"{"id": "a"}"#, "missing field `status`"),
        (r#"{"id": null, "status": "created"}"#, "null"),
        (r#"{"id": "a", "status": "created", "pid": -1}"#, "-1"),
        (r#"{"id": "a", "status": "created", "pid": 4294967296}"#, "4294967296"),
        ("", "EOF"),
    ] {
        let error = State::from_json(document).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BadRequest);
        for word in [word, "of a container's state", "line 1 column"] {
            assert!(error.to_string().contains(word), "{error} lacks {word:?}");
        }
    }
    let mut state = State::new("web", Status::Creating);
    assert_eq!(
        state.to_json().unwrap(),
        format!(r#"{{"ociVersion":"{}","id":"web","status":"creating","bundle":""}}"#, State::OCI_VERSION)
    );
    state.pid = 7;
    state.annotations.insert("b".into(), "<".into());
    state.annotations.insert("a".into(), String::new());
    let expected = r#""pid":7,"bundle":"","annotations":{"a":"","b":"\u003c"}}"#;
    assert!(state.to_json().unwrap().ends_with(expected));
}

/// A hook of a caller's own.
struct Own(Command);

impl Hook for Own {
    fn run(&self, _: &State) -> netns::Result<()> {
        Ok(())
    }

    fn command(&self) -> Option<&Command> {
        Some(&self.0)
    }
}

#[test]
fn functions_are_left_out_and_what_has_a_command_is_not() {
    let mut config = Config::default();
    config.hooks.add(HookName::CreateRuntime, FunctionHook::new(|_| Ok(())));
    config.hooks.add(HookName::CreateRuntime, Own(Command::new("/bin/own")));
    let read = Config::from_json(&config.to_json().unwrap()).unwrap();
    let commands: Vec<_> =
        read.hooks.get(HookName::CreateRuntime).iter().map(|hook| hook.command()).collect();
    assert_eq!(commands, [Some(&Command::new("/bin/own"))]);
    assert_ne!(read, config, "a function is equal to itself alone");
    assert_eq!(config.clone(), config);
}

#[test]
fn a_list_of_very_many_objects_is_refused() {
    let many = |count: usize| vec!["{}"; count].join(",");
    for list in ["\"networks\":[*]", "\"routes\":[*]", "\"Hooks\":{\"prestart\":[*]}"] {
        let read = |count| Config::from_json(&format!("{{{}}}", list.replace('*', &many(count))));
        read(1024).unwrap();
        for count in [1025, 1_300_000] {
            let error = read(count).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::BadRequest);
            assert!(error.to_string().contains("more than 1024 objects at line 1 column"), "{error}");
        }
    }
}

#[test]
fn an_error_says_the_beginning_of_a_value_of_any_length() {
    let long = "é".repeat(1 << 20);
    let network = |key: &str| {
        format!(r#"{{"namespaces":[{{"type":"NEWNET"}}],"networks":[{{"type":"veth","{key}":"x{long}"}}]}}"#)
    };
    let keys = ["bridge", "name", "mac_address", "address", "ipv6_gateway", "host_interface_name"];
    let documents = keys.map(network).into_iter().chain([
        format!(r#"{{"namespaces":[{{"type":"x{long}"}}]}}"#),
        format!(r#"{{"networks":"x{long}"}}"#),
        format!(r#"{{"namespaces":[{{"type":"NEWNET","path":"x{long}"}}]}}"#),
        format!(r#"{{"Hooks":{{"prestart":[{{"path":"x{long}"}}]}}}}"#),
        format!(r#"{{"Hooks":{{"prestart":[{{"path":"/x","env":["x{long}"]}}]}}}}"#),
    ]);
    for document in documents {
        let error = Config::from_json(&document).and_then(|config| config.check()).unwrap_err().to_string();
        assert!(error.contains("xééé") && error.contains("bytes)") && error.len() < 6 << 10, "{error}");
    }
    let unknown = format!(r#"{{"namespaces":[],"networks":[{{"type":"x{long}"}}]}}"#);
    let config = Config::from_json(&unknown).unwrap();
    let net = Namespace { kind: NamespaceType::NewNet, path: String::new() };
    let config = Config { namespaces: [net].into_iter().collect(), ..config };
    let error = netns::libcontainer::NetworkSetup::from_config(&config).unwrap_err().to_string();
    assert!(error.contains("xééé") && error.len() < 6 << 10, "{error}");
}
