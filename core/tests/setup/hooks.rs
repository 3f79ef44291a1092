//! Hooks run at their points, and one that fails takes everything back.

use std::fs;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::{Arc, Mutex};

use netns::libcontainer::configs::{Config, FunctionHook, HookName, NamespaceType};
use netns::libcontainer::{NetworkSetup, Target};
use netns::{Error, ErrorKind};
use serde_json::{json, Value};
use testhost::inside;

use crate::common::{link, links, refused, Container};
use crate::{eth0, state, up, world};

/// A hook that has `/bin/sh` run `script`.
fn shell(script: &str) -> Value {
    let path = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
    json!({"path": "/bin/sh", "args": ["sh", "-c", script], "env": [path], "timeout": 10_000_000_000_u64})
}

fn config(hooks: &Value) -> Config {
    let namespaces = json!([{"type": "NEWNET"}]);
    let networks = json!([{"type": "loopback"}, eth0(2)]);
    let config = json!({"namespaces": namespaces, "networks": networks, "hooks": hooks});
    Config::from_json(&config.to_string()).unwrap()
}

/// Each appends its name and the status that it is told, and lists the links that it sees.
fn telling(name: &str) -> Value {
    let status = r#"sed 's/.*"status":"\([a-z]*\)".*/\1/'"#;
    shell(&format!("echo {name} $({status}) >> /run/log; ip -o link > /run/{name}"))
}

#[test]
fn hooks_of_the_runtime_run_when_the_network_is_up_and_when_it_is_down() {
    world(|_| {
        let names =
            ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"];
        let hooks: serde_json::Map<_, _> =
            names.map(|name| (name.to_owned(), json!([telling(name)]))).into_iter().collect();
        let config = config(&hooks.into());
        let setup = NetworkSetup::from_config(&config).unwrap().with_id("web").unwrap();
        let web = Container::start();
        let home = fs::read_link("/proc/thread-self/ns/net").unwrap();
        let made = up(&setup, &web).unwrap();
        assert_eq!(fs::read_to_string("/run/log").unwrap(), "prestart creating\ncreateRuntime creating\n");
        let outer = made.networks[1].host_link.as_ref().unwrap().name.to_string();
        for name in ["prestart", "createRuntime"] {
            let seen = fs::read_to_string(format!("/run/{name}")).unwrap();
            assert!(seen.contains(&outer) && seen.contains("br0"), "{seen}");
        }
        setup.poststart(&state(web.pid())).unwrap();
        made.down(&state(0), &config.hooks).unwrap();
        setup.down(&state(0)).unwrap();
        let log = fs::read_to_string("/run/log").unwrap();
        let later = ["poststart running", "poststop stopped", "poststop stopped"];
        assert_eq!(log.lines().skip(2).collect::<Vec<_>>(), later);
        let seen = fs::read_to_string("/run/poststop").unwrap();
        assert!(!seen.contains(&outer) && seen.contains("br0"), "{seen}");
        assert_eq!(fs::read_link("/proc/thread-self/ns/net").unwrap(), home);
    });
}

#[test]
fn a_hook_that_fails_takes_everything_back() {
    world(|host| {
        let web = Container::named(host, "web");
        for failing in ["prestart", "createRuntime"] {
            let before = (host.dump(), inside("web", || host.dump()));
            let mut config =
                config(&json!({failing: [shell("ip -o link show eth0; echo so it goes >&2; exit 3")]}));
            config.hooks.add(HookName::CreateRuntime, FunctionHook::new(|_| panic!("it is not run")));
            let setup = NetworkSetup::from_config(&config).unwrap();
            let error = refused(up(&setup, &web), ErrorKind::System, &["run hooks", failing, "so it goes"]);
            assert!(error.to_string().starts_with("bring up container: "), "{error}");
            host.assert_returns_to(&before.0, failing);
            inside("web", || host.assert_returns_to(&before.1, failing));
        }
    });
}

#[test]
fn a_hook_that_is_a_function_sees_the_network() {
    world(|host| {
        let web = Container::named(host, "web");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let mut config = config(&json!({}));
        let list = seen.clone();
        config.hooks.add(
            HookName::Prestart,
            FunctionHook::new(move |state| {
                list.lock().unwrap().push((state.pid, state.id.clone()));
                Err(Error::new(ErrorKind::Busy, "look at", "container"))
            }),
        );
        let setup = NetworkSetup::from_config(&config).unwrap();
        refused(up(&setup, &web), ErrorKind::Busy, &["look at container"]);
        assert_eq!(*seen.lock().unwrap(), [(web.pid(), "web".to_owned())]);
        assert_eq!(links(host, "web"), ["lo"]);
        assert!(config.namespaces.is_private(NamespaceType::NewNet));
    });
}

#[test]
fn a_hook_that_panics_takes_everything_back() {
    world(|host| {
        let web = Container::named(host, "web");
        let before = (host.dump(), inside("web", || host.dump()));
        let mut config = config(&json!({}));
        config.hooks.add(HookName::Prestart, FunctionHook::new(|_| panic!("this hook panics")));
        let setup = NetworkSetup::from_config(&config).unwrap();
        let panicked = catch_unwind(AssertUnwindSafe(|| up(&setup, &web))).unwrap_err();
        assert_eq!(panicked.downcast_ref(), Some(&"this hook panics"));
        host.assert_returns_to(&before.0, "a hook that panics");
        inside("web", || host.assert_returns_to(&before.1, "inside: a hook that panics"));
    });
}

#[test]
fn a_poststart_hook_that_fails_keeps_no_other_and_takes_nothing_back() {
    world(|host| {
        let web = Container::named(host, "web");
        let config = config(&json!({"poststart": [shell("exit 1"), shell("touch /run/second")]}));
        let setup = NetworkSetup::from_config(&config).unwrap();
        up(&setup, &web).unwrap();
        refused(setup.poststart(&state(web.pid())), ErrorKind::System, &["start container", "poststart #0"]);
        fs::remove_file("/run/second").unwrap();
        assert_eq!(links(host, "web"), ["eth0", "lo"]);
    });
}

#[test]
fn a_poststop_hook_that_fails_keeps_nothing() {
    world(|host| {
        let before = host.dump();
        let web = Container::start();
        let config = config(&json!({"poststop": [shell("exit 1"), shell("touch /run/second")]}));
        let setup = NetworkSetup::from_config(&config).unwrap();
        let made = setup.up(Some(&Target::Pid(web.pid())), &state(0)).unwrap();
        let outer = made.networks[1].host_link.as_ref().unwrap().name.clone();
        assert_eq!(link(host, "", outer.as_str())["master"], "br0");
        let failed = made.down(&state(0), &config.hooks).unwrap_err();
        assert!(failed.to_string().contains("poststop #0"), "{failed}");
        fs::remove_file("/run/second").unwrap();
        host.assert_returns_to(&before, "a hook poststop that failed");
    });
}
