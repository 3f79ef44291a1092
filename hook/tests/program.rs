//! The program without a runtime: what it does for a process, and what it refuses.

mod common;

use std::fs;
use std::process::{Command, Stdio};

use common::{annotated, assert_joined, bridge, hook, inside, links, network, state, write, Container, HOOK};
use serde_json::json;
use testhost::host;

#[test]
fn a_container_is_joined_and_parted_by_its_status_or_by_name() {
    host(|host| {
        bridge(host);
        let before = host.dump();
        for (args, [begin, end]) in [
            (["", ""], ["creating", "stopped"]),
            (["", ""], ["created", "stopped"]),
            (["createRuntime", "poststop"], ["running", "running"]),
            (["prestart", "poststop"], ["creating", "stopped"]),
        ] {
            let args = args.map(|arg| if arg.is_empty() { vec![] } else { vec![arg] });
            let container = Container::start();
            let config = json!({ "networks": [network(2)] });
            hook(&args[0], annotated(state("web", begin, container.pid()), &config)).well();
            assert_joined(host, container.pid(), 2);
            hook(&args[1], state("web", end, 0).to_string()).well();
            assert_eq!(inside(host, container.pid()), (vec![], vec![]));
            drop(container);
            host.assert_returns_to(&before, "a container that was joined and parted");
        }
    });
}

#[test]
fn what_is_left_after_its_process_goes_without_poststop() {
    host(|host| {
        bridge(host);
        let before = host.dump();
        let container = Container::start();
        hook(&[], annotated(state("web", "creating", container.pid()), &json!([network(2)]))).well();
        drop(container);
        host.assert_returns_to(&before, "a container that has ended");
    });
}

#[test]
fn an_argument_comes_before_the_annotation_and_that_before_the_bundle() {
    host(|host| {
        bridge(host);
        write("/run/web.json", &json!({ "networks": [network(2)], "rootfs": "/", "more": 1 }));
        write("/run/web/libnetns.json", &json!([network(4)]));
        let before = host.dump();
        for (args, is_annotated, expected) in
            [(&["--config", "/run/web.json"][..], true, 2), (&[], true, 3), (&[], false, 4)]
        {
            let container = Container::start();
            let mut state = state("web", "creating", container.pid());
            state["bundle"] = "/run/web".into();
            let input = match is_annotated {
                true => annotated(state, &json!([network(3)])),
                false => state.to_string(),
            };
            hook(args, input).well();
            assert_joined(host, container.pid(), expected);
            drop(container);
            host.assert_returns_to(&before, "one of three configs");
        }
    });
}

#[test]
fn routes_and_several_networks_are_as_in_a_config() {
    host(|host| {
        bridge(host);
        let container = Container::start();
        let second = json!({ "type": "veth", "name": "net1", "bridge": "br0", "address": "10.8.0.2/24",
            "host_interface_name": "web1", "mtu": 1400 });
        let route = json!({ "destination": "10.7.0.0/16", "gateway": "10.8.0.1", "interface_name": "net1" });
        let config = json!({ "networks": [{ "type": "loopback" }, network(2), second], "routes": [route] });
        hook(&[], annotated(state("web", "creating", container.pid()), &config)).well();
        let expected = ["eth0 10.9.0.2/24", "eth0 fd09::2/64", "net1 10.8.0.2/24"];
        assert_eq!(inside(host, container.pid()).0, expected);
        let net = format!("--net=/proc/{}/ns/net", container.pid());
        let routes = host.run("nsenter", &[&net, "ip", "route", "show", "10.7.0.0/16"]).stdout;
        assert!(routes.contains("via 10.8.0.1 dev net1"), "{routes}");
        assert!(links(host).contains(&"web1".to_owned()));
        // No config is needed to find them all.
        hook(&["poststop"], state("web", "stopped", 0).to_string()).well();
        assert_eq!(links(host), ["br0", "lo"]);
    });
}

#[test]
fn without_a_config_the_three_places_are_named() {
    host(|host| {
        let container = Container::start();
        let before = host.dump();
        let input = state("web", "creating", container.pid()).to_string();
        let places = ["\"web\"", "--config", "dev.libnetns.networks", "/run/nowhere/libnetns.json"];
        hook(&[], input).refused(1, &places);
        before.assert_same(&host.dump(), "a container without a config");
    });
}

#[test]
fn a_config_that_cannot_be_right_is_refused_with_its_place() {
    host(|host| {
        bridge(host);
        let container = Container::start();
        let before = host.dump();
        let command = json!([{ "path": "/bin/true" }]);
        for (config, words) in [
            (json!({}), &["neither networks nor routes"][..]),
            (json!([]), &["neither networks nor routes"]),
            (json!({ "network": [network(2)] }), &["neither networks nor routes"]),
            (
                json!({ "networks": [network(2)], "Hooks": { "poststop": command } }),
                &["hooks", "config.json"],
            ),
            (json!("networks"), &["invalid type"]),
            (json!([1]), &["invalid type"]),
            (json!({ "networks": [{ "type": "veht" }] }), &["networks[0]", "veht", "veth"]),
            (json!({ "networks": [{ "type": "veth" }] }), &["networks[0]", "bridge is not specified"]),
            (
                json!([{ "type": "veth", "bridge": "br0", "address": "10.9.0.2" }]),
                &["networks[0]", "10.9.0.2"],
            ),
            (json!([{ "type": "veth", "bridge": "br9" }]), &["br9", "no such link"]),
            (json!([{ "type": "veth", "bridge": "lo" }]), &["lo", "no bridge"]),
            // What the first had got goes with what the second does not get.
            (json!([network(2), { "type": "veth", "name": "b", "bridge": "br9" }]), &["br9", "no such link"]),
        ] {
            let input = annotated(state("web", "creating", container.pid()), &config);
            hook(&[], input).refused(1, words);
            assert_eq!(inside(host, container.pid()), (vec![], vec![]));
            host.assert_returns_to(&before, &config.to_string());
        }
        let mut state = state("web", "creating", container.pid());
        for text in ["", "{", "[{}],\"routes\":[", &"[".repeat(1 << 20), "[{}],\"x\":[{}]", "nul\0"] {
            state["annotations"] = json!({ "dev.libnetns.networks": text });
            hook(&[], state.to_string()).refused(1, &["dev.libnetns.networks"]);
        }
        before.assert_same(&host.dump(), "annotations that are no configs");
    });
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    host(|host| {
        let container = Container::start();
        let before = host.dump();
        let input = state("web", "creating", container.pid()).to_string();
        for (file, words) in [
            ("/run/none.json", &["/run/none.json", "No such file"][..]),
            ("/run", &["/run", "no regular file"]),
            ("/dev/zero", &["/dev/zero", "no regular file"]),
            (HOOK, &["netns-hook", "UTF-8"]),
        ] {
            hook(&["--config", file], &input).refused(1, words);
        }
        before.assert_same(&host.dump(), "files that are no configs");
    });
}

#[test]
fn a_state_that_cannot_be_right_is_refused() {
    host(|host| {
        bridge(host);
        let before = host.dump();
        let long = "x".repeat(5 << 20);
        for (input, words) in [
            (&b""[..], &["standard input", "empty"][..]),
            (b"\n", &["standard input", "empty"]),
            (b"{", &["line 1"]),
            (b"[]", &["invalid type"]),
            (b"{}", &["id"]),
            (br#"{"id":"web"}"#, &["status"]),
            (br#"{"id":7,"status":"creating"}"#, &["invalid type"]),
            (br#"{"id":"web","status":"creating","pid":-1}"#, &["-1"]),
            (br#"{"id":"web","status":"creating","pid":99999999999}"#, &["99999999999"]),
            (br#"{"id":"web","status":"paused"}"#, &["\"web\"", "paused", "createRuntime or poststop"]),
            (b"\xff\xfe", &["standard input", "UTF-8"]),
            (long.as_bytes(), &["4194304"]),
        ] {
            hook(&[], input).refused(1, words);
        }
        let config = json!([network(2)]);
        for (pid, words) in [(0, "no process"), (u32::MAX, "no process 4294967295"), (1 << 30, "no process")]
        {
            hook(&[], annotated(state("web", "creating", pid), &config)).refused(1, &[words]);
        }
        before.assert_same(&host.dump(), "states that cannot be right");
    });
}

#[test]
fn a_container_in_the_hosts_namespace_is_refused() {
    host(|host| {
        let before = host.dump();
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let input = annotated(state("web", "creating", child.id()), &json!([network(2)]));
        for args in [&[][..], &["--create-bridge"]] {
            hook(args, &input).refused(1, &["network namespace of its own"]);
        }
        child.kill().unwrap();
        child.wait().unwrap();
        before.assert_same(&host.dump(), "a container without a namespace");
    });
}

#[test]
fn hostile_ids_are_refused_everywhere() {
    host(|host| {
        bridge(host);
        let container = Container::start();
        let before = host.dump();
        let long = "x".repeat(10 << 10);
        for id in ["", "/", "../web", "a b", "web\0", "web\nnetwork=0", "w*b", "wéb", &long] {
            let config = json!([network(2)]);
            hook(&[], annotated(state(id, "creating", container.pid()), &config))
                .refused(1, &["container id"]);
            hook(&[], state(id, "stopped", 0).to_string()).refused(1, &["container id"]);
        }
        // No path is made of it.
        for id in ["..", ".", "-", "--help"] {
            let config = json!([network(2)]);
            hook(&[], annotated(state(id, "creating", container.pid()), &config)).well();
            hook(&[], state(id, "stopped", 0).to_string()).well();
        }
        host.assert_returns_to(&before, "hostile ids");
    });
}

#[test]
fn a_second_join_is_refused_and_the_first_stays() {
    host(|host| {
        bridge(host);
        let before = host.dump();
        let [first, second] = [Container::start(), Container::start()];
        let input = |container: &Container| {
            annotated(state("web", "creating", container.pid()), &json!([network(2)]))
        };
        hook(&[], input(&first)).well();
        hook(&[], input(&first)).refused(1, &["container web", "already"]);
        // Another process of the same id has no name for its link in the host.
        hook(&[], input(&second)).refused(1, &["container web"]);
        assert_joined(host, first.pid(), 2);
        assert_eq!(inside(host, second.pid()), (vec![], vec![]));
        hook(&[], state("web", "stopped", 0).to_string()).well();
        drop((first, second));
        host.assert_returns_to(&before, "a container that was joined twice");
    });
}

/// As of two runtimes that do not know of each other, one of which tidies up after what it could not make.
#[test]
fn a_container_of_the_same_id_and_another_bundle_is_left_alone() {
    host(|host| {
        bridge(host);
        let [first, second] = [Container::start(), Container::start()];
        let of = |bundle: &str, status: &str, pid| {
            let mut state = state("web", status, pid);
            state["bundle"] = bundle.into();
            state
        };
        hook(&[], annotated(of("/run/one", "creating", first.pid()), &json!([network(2)]))).well();
        hook(&["poststop"], of("/run/two", "stopped", 0).to_string()).well();
        assert_joined(host, first.pid(), 2);
        hook(&[], annotated(of("/run/two", "creating", second.pid()), &json!([network(3)]))).well();
        hook(&["poststop"], of("/run/one", "stopped", 0).to_string()).well();
        assert_eq!(inside(host, first.pid()), (vec![], vec![]));
        assert_joined(host, second.pid(), 3);
    });
}

#[test]
fn an_id_of_any_length_that_is_allowed_will_do() {
    host(|host| {
        bridge(host);
        let before = host.dump();
        let longest = "x".repeat(128);
        let container = Container::start();
        for id in [&longest[..], &longest[..111], "x"] {
            hook(&[], annotated(state(id, "creating", container.pid()), &json!([network(2)]))).well();
            hook(&["poststop"], state(&longest[1..], "stopped", 0).to_string()).well();
            assert_joined(host, container.pid(), 2);
            hook(&["poststop"], state(id, "stopped", 0).to_string()).well();
            host.assert_returns_to(&before, id);
        }
    });
}

#[test]
fn parting_may_be_repeated_and_takes_nothing_of_others() {
    host(|host| {
        bridge(host);
        host.ip(&["netns", "add", "pod"]);
        // What looks like a link of the container and was made by nobody of us.
        host.ip(&["link", "add", "vethforeign", "type", "veth", "peer", "name", "peer"]);
        host.ip(&["link", "set", "vethforeign", "alias", "libnetns setup=web network=0"]);
        host.ip(&["link", "add", "br1", "group", "20051", "type", "bridge"]);
        let before = host.dump();
        let part = |id: &str| hook(&["poststop"], state(id, "stopped", 0).to_string()).well();
        part("web");
        let container = Container::in_named("pod");
        let join = |id: &str, container: &Container, number| {
            let input = annotated(state(id, "creating", container.pid()), &json!([network(number)]));
            hook(&[], input).well();
        };
        join("web", &container, 2);
        let others = [Container::start(), Container::start()];
        join("web2", &others[0], 3);
        join("we", &others[1], 4);
        // The namespace outlives the container's process.
        drop(container);
        part("web");
        assert_eq!(host.ip_in("pod", &["link", "show"]).as_array().unwrap().len(), 1);
        part("web");
        part("nobody");
        assert_joined(host, others[0].pid(), 3);
        assert_joined(host, others[1].pid(), 4);
        part("web2");
        part("we");
        drop(others);
        host.assert_returns_to(&before, "containers that were parted");
    });
}

#[test]
fn a_link_that_was_killed_before_it_had_its_alias_is_found() {
    host(|host| {
        bridge(host);
        host.ip(&["netns", "add", "pod"]);
        let before = host.dump();
        let container = Container::in_named("pod");
        hook(&[], annotated(state("web", "creating", container.pid()), &json!([network(2)]))).well();
        let name = links(host).into_iter().find(|name| name.starts_with("veth")).unwrap();
        host.ip(&["link", "set", &name, "alias", ""]);
        hook(&["poststop"], state("other", "stopped", 0).to_string()).well();
        assert!(links(host).contains(&name));
        hook(&["poststop"], state("web", "stopped", 0).to_string()).well();
        drop(container);
        host.assert_returns_to(&before, "a link without an alias");
    });
}

#[test]
fn a_bridge_is_made_when_that_is_asked_for() {
    host(|host| {
        let containers: Vec<_> = (2..10).map(|number| (Container::start(), number)).collect();
        let input = |container: &Container, number| {
            annotated(state(&format!("web{number}"), "creating", container.pid()), &json!([network(number)]))
        };
        let (first, number) = &containers[0];
        hook(&[], input(first, *number)).refused(1, &["br0", "no such link"]);
        assert_eq!(links(host), ["lo"]);
        // All at once, as a runtime would.
        let started: Vec<_> = containers
            .iter()
            .map(|(container, number)| {
                let path = format!("/run/state{number}");
                fs::write(&path, input(container, *number)).unwrap();
                let mut command = Command::new(HOOK);
                command.arg("--create-bridge").stdin(fs::File::open(path).unwrap()).stderr(Stdio::piped());
                command.spawn().unwrap()
            })
            .collect();
        for child in started {
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success(), "{output:?}");
        }
        for (container, number) in &containers {
            assert_joined(host, container.pid(), *number);
        }
        let made = host.ip(&["address", "show", "dev", "br0"]);
        let has = |address: &str| {
            made[0]["addr_info"].as_array().unwrap().iter().any(|own| own["local"] == address)
        };
        assert!(has("10.9.0.1") && has("fd09::1"), "{made}");
    });
}

#[test]
fn a_bridge_is_not_made_of_what_is_none() {
    host(|host| {
        host.ip(&["link", "add", "br0", "type", "veth", "peer", "name", "br1"]);
        let container = Container::start();
        let before = host.dump();
        let input = annotated(state("web", "creating", container.pid()), &json!([network(2)]));
        hook(&["--create-bridge"], input).refused(1, &["br0", "no bridge"]);
        host.assert_returns_to(&before, "a link that is no bridge");
    });
}

#[test]
fn a_wrong_usage_is_told_from_a_failure() {
    for args in [&["startContainer"][..], &["--network", "x"], &["--config"], &["poststop", "poststop"]] {
        hook(args, "").refused(2, &["--help"]);
    }
    let help = hook(&["--help"], "");
    assert_eq!((help.code, help.stderr.as_str()), (Some(0), ""));
    for word in ["createRuntime", "poststop", "--config", "--create-bridge", "dev.libnetns.networks"] {
        assert!(help.stdout.contains(word), "{}", help.stdout);
    }
    let version = hook(&["--version"], "");
    assert_eq!(version.stdout, concat!("netns-hook ", env!("CARGO_PKG_VERSION"), "\n"));
    let full =
        Command::new(HOOK).arg("--help").stdout(fs::File::create("/dev/full").unwrap()).output().unwrap();
    assert_eq!(full.status.code(), Some(1));
}
