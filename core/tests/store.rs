//! Disasters: what is on disk is full, read-only, garbage or gone, and what is in the kernel was taken away
//! behind our back.

#[path = "crash/look.rs"]
mod look;

mod child;

use std::fs;
use std::net::IpAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use look::Look;
use netns::ipnet::IpNet;
use netns::{Controller, ControllerOptions, Endpoint, EndpointConfig, ErrorKind, Lifetime, NetworkConfig};
use testhost::{host, Host};

const STORE: &str = "/run/libnetns/state.db";
const DEFINITIONS: &str = "/etc/libnetns/networks";
const TYPES: [&str; 3] = ["bridge", "routed", "macvlan"];

fn controller() -> Controller {
    // Not a sandbox's to remove.
    fs::create_dir_all("/run/netns").unwrap();
    Controller::open(ControllerOptions::default()).unwrap()
}

fn endpoint(name: &str) -> EndpointConfig {
    EndpointConfig::new(name).unwrap()
}

/// A dual-stack network of that type, which is called by it.
fn network(network_type: &str) -> NetworkConfig {
    let network = NetworkConfig::new(network_type, network_type).unwrap().with_ipv6();
    match network_type {
        "macvlan" => network.with_option("parent", "lan0"),
        _ => network,
    }
}

fn lan(host: &Host) {
    host.ip(&["link", "add", "lan0", "type", "veth", "peer", "name", "lan1"]);
    host.ip(&["link", "set", "lan0", "up"]);
    host.ip(&["link", "set", "lan1", "up"]);
}

/// A look at a host that has had a network once: the directory of definitions and its lock stay.
fn look_before(host: &Host) -> Look {
    fs::create_dir_all(DEFINITIONS).unwrap();
    fs::write(format!("{DEFINITIONS}/.lock"), "").unwrap();
    Look::of(host)
}

fn definition(name: &str) -> String {
    format!("{DEFINITIONS}/{name}.json")
}

/// The host's end of a joined endpoint's pair.
fn host_end(controller: &Controller, one: &Endpoint) -> String {
    let info = controller.endpoint_oper_info(one.network.as_str(), one.name().as_str()).unwrap();
    info["host_interface_name"].as_str().unwrap().to_owned()
}

fn addresses(one: &Endpoint) -> [IpAddr; 2] {
    [one.address.unwrap().addr().into(), one.address_ipv6.unwrap().addr().into()]
}

fn gateways(config: &NetworkConfig) -> Vec<IpAddr> {
    config.subnets.iter().filter_map(|subnet| subnet.gateway).collect()
}

#[track_caller]
fn works(host: &Host, sandbox: &str, config: &NetworkConfig) {
    for gateway in gateways(config) {
        assert!(host.ping(sandbox, gateway), "{sandbox} does not reach {gateway}");
    }
}

/// Another instance of the same sandbox, the endpoint and the store's other settings as they are.
fn facts(one: &Endpoint) -> impl PartialEq + std::fmt::Debug {
    (one.network.clone(), one.name().clone(), one.address, one.address_ipv6, one.mac, one.sandbox.clone())
}

/// With endpoints on networks of all types, `ruin` ruins the store while nobody has it open.
fn a_ruined_store_is_made_anew(ruin: impl Fn() + Send + Sync) {
    host(|host| {
        lan(host);
        let first = controller();
        // What is not our store's is not recovered.
        host.ip(&["netns", "add", "theirs"]);
        let look = look_before(host);
        let mut before = Vec::new();
        let mut configs = Vec::new();
        for kind in TYPES {
            let config = first.create_network(network(kind)).unwrap();
            let sandbox = first.create_sandbox(kind).unwrap();
            before.push(first.connect(kind, &sandbox, endpoint("web")).unwrap());
            configs.push(config);
        }
        drop(first);
        ruin();

        let second = controller();
        let mut after = second.endpoints().unwrap();
        after.sort_by_key(|one| before.iter().position(|other| other.network == one.network));
        assert_eq!(after.iter().map(facts).collect::<Vec<_>>(), before.iter().map(facts).collect::<Vec<_>>());
        assert!(second.collect().unwrap().findings.is_empty());
        assert_eq!(second.sandboxes().unwrap().len(), TYPES.len());
        for ((kind, config), one) in TYPES.iter().zip(&configs).zip(&before) {
            // Neither the endpoint's addresses nor the gateways are given once more.
            for taken in addresses(one).into_iter().chain(gateways(config)) {
                let wants = endpoint("thief").with_address(taken);
                let error = second.create_endpoint(kind, wants).unwrap_err();
                assert!(
                    matches!(error.kind(), ErrorKind::AlreadyExists | ErrorKind::BadRequest),
                    "{taken} on {kind}: {error}"
                );
            }
            let more = second.create_sandbox(&format!("{kind}-2")).unwrap();
            let other = second.connect(kind, &more, endpoint("db")).unwrap();
            for own in addresses(&other) {
                assert!(!addresses(one).contains(&own) && !gateways(config).contains(&own), "{own}");
            }
            if *kind != "macvlan" {
                works(host, kind, config);
                works(host, &format!("{kind}-2"), config);
            }
            second.disconnect(kind, "web").unwrap();
            second.disconnect(kind, "db").unwrap();
            second.remove_sandbox(kind).unwrap();
            second.remove_sandbox(&format!("{kind}-2")).unwrap();
            second.delete_network(kind).unwrap();
        }
        for aside in fs::read_dir("/run/libnetns").unwrap().flatten() {
            if aside.path().to_string_lossy().contains(".broken-") {
                fs::remove_file(aside.path()).unwrap();
            }
        }
        drop(second);
        let leftover = controller().endpoints().unwrap();
        assert!(leftover.is_empty(), "{leftover:?}");
        look.assert_returns(host, || "a ruined store".to_owned());
    });
}

#[test]
fn a_store_of_zero_bytes_is_made_anew_from_the_kernel() {
    a_ruined_store_is_made_anew(|| fs::write(STORE, "").unwrap());
}

#[test]
fn a_store_of_garbage_is_moved_aside_and_made_anew_from_the_kernel() {
    a_ruined_store_is_made_anew(|| {
        fs::write(STORE, "garbage ".repeat(10_000)).unwrap();
    });
}

#[test]
fn a_store_that_is_gone_is_made_anew_from_the_kernel() {
    a_ruined_store_is_made_anew(|| fs::remove_dir_all("/run/libnetns").unwrap());
}

#[test]
fn a_controller_whose_store_was_moved_aside_says_so() {
    host(|_| {
        let first = controller();
        first.create_network(network("bridge")).unwrap();
        // Not in place: what SQLite has in its log it does not read from the file.
        fs::remove_file(STORE).unwrap();
        fs::remove_file(format!("{STORE}-wal")).unwrap();
        fs::write(STORE, "garbage ".repeat(10_000)).unwrap();
        let second = controller();
        let error = first.create_endpoint("bridge", endpoint("web")).unwrap_err();
        assert!(error.to_string().contains("open the controller again"), "{error}");
        second.create_endpoint("bridge", endpoint("web")).unwrap();
        second.delete_endpoint("bridge", "web").unwrap();
    });
}

#[test]
fn two_processes_that_open_garbage_at_once_make_one_store() {
    const TEST: &str = "two_processes_that_open_garbage_at_once_make_one_store";
    if let Some(name) = child::role() {
        while !Path::new("/run/go").exists() {
            thread::yield_now();
        }
        let controller = controller();
        let sandbox = controller.create_sandbox(&name).unwrap();
        controller.connect("bridge", &sandbox, endpoint(&name)).unwrap();
        return;
    }
    host(|host| {
        let first = controller();
        let config = first.create_network(network("bridge")).unwrap();
        let sandbox = first.create_sandbox("old").unwrap();
        first.connect("bridge", &sandbox, endpoint("old")).unwrap();
        drop(first);
        for turn in 0..5 {
            fs::write(STORE, "garbage ".repeat(10_000)).unwrap();
            let _ = fs::remove_file("/run/go");
            let names = ["a", "b"].map(|name| format!("{name}{turn}"));
            let start =
                |name: &String| child::command(&[], TEST, name).stdout(Stdio::null()).spawn().unwrap();
            let children: Vec<_> = names.iter().map(start).collect();
            thread::sleep(Duration::from_millis(30));
            fs::write("/run/go", "").unwrap();
            for mut child in children {
                assert!(child.wait().unwrap().success());
            }
            let all = controller().endpoints().unwrap();
            assert_eq!(all.len(), 1 + 2 * (turn + 1), "{all:?}");
            let mut own: Vec<_> = all.iter().flat_map(addresses).chain(gateways(&config)).collect();
            let count = own.len();
            own.sort();
            own.dedup();
            assert_eq!(own.len(), count, "an address was given twice: {all:?}");
            names.iter().for_each(|name| works(host, name, &config));
        }
        works(host, "old", &config);
    });
}

fn mount(host: &Host, path: &str, options: &str) {
    let mounted = host.run("mount", &["-t", "tmpfs", "-o", options, "tmpfs", path]);
    assert!(mounted.success, "{}", mounted.stderr);
}

/// Writes until nothing more fits.
fn fill(path: &str) {
    let mut size = 1 << 16;
    let mut number = 0;
    while size > 0 {
        let file = format!("{path}/filler-{number}");
        if fs::write(&file, vec![0; size]).is_err() {
            let _ = fs::remove_file(&file);
            size /= 2;
        }
        number += 1;
    }
}

fn empty(path: &str) {
    for entry in fs::read_dir(path).unwrap().flatten() {
        if entry.file_name().to_string_lossy().starts_with("filler-") {
            fs::remove_file(entry.path()).unwrap();
        }
    }
}

#[test]
fn a_full_run_directory_is_a_clear_error_and_nothing_is_left() {
    host(|host| {
        fs::create_dir_all("/run/libnetns").unwrap();
        mount(host, "/run/libnetns", "size=1m,mode=0700");
        let controller = controller();
        let config = controller.create_network(network("bridge")).unwrap();
        let sandbox = controller.create_sandbox("web").unwrap();
        let one = controller.connect("bridge", &sandbox, endpoint("one")).unwrap();
        let other = controller.create_sandbox("other").unwrap();
        controller.events().unwrap();
        fill("/run/libnetns");
        let emptied = |what: &dyn Fn() -> netns::Result<()>| {
            what().unwrap_or_else(|error| {
                assert_eq!(error.kind(), ErrorKind::ResourceExhausted, "{error}");
                empty("/run/libnetns");
                what().unwrap();
                fill("/run/libnetns");
            });
        };
        // The log of the store has room for a few more writes, and of a network's more often than of an endpoint's.
        let (mut refused, mut network_refused) = (0, false);
        for number in 0..300 {
            let name = format!("e{number}");
            match controller.connect("bridge", &other, endpoint(&name)) {
                Ok(_) => emptied(&|| controller.disconnect("bridge", &name)),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::ResourceExhausted, "{error}");
                    assert!(
                        error.to_string().contains("file system of the run directory is full"),
                        "{error}"
                    );
                    refused += 1;
                    if refused == 1 {
                        // A sandbox needs no room there.
                        controller.create_sandbox("third").unwrap();
                        controller.remove_sandbox("third").unwrap();
                    }
                    match controller.create_network(network("routed")) {
                        Ok(_) => emptied(&|| controller.delete_network("routed")),
                        Err(error) => {
                            assert_eq!(error.kind(), ErrorKind::ResourceExhausted, "{error}");
                            network_refused = true;
                        }
                    }
                }
            }
        }
        assert!(refused > 0, "the directory was never full");
        assert!(network_refused, "there was always room for a network");
        works(host, "web", &config);
        assert_eq!(facts(&controller.endpoint("bridge", "one").unwrap()), facts(&one));
        empty("/run/libnetns");
        controller.connect("bridge", &other, endpoint("two")).unwrap();
        works(host, "other", &config);
        controller.destroy_sandbox(&sandbox).unwrap();
        controller.destroy_sandbox(&other).unwrap();
        controller.delete_network("bridge").unwrap();
        assert!(controller.collect().unwrap().findings.is_empty());
        assert!(controller.endpoints().unwrap().is_empty());
    });
}

#[test]
fn a_full_directory_of_definitions_is_a_clear_error_and_nothing_is_left() {
    host(|host| {
        fs::create_dir_all(DEFINITIONS).unwrap();
        mount(host, DEFINITIONS, "size=64k");
        let controller = controller();
        controller.create_network(network("bridge")).unwrap();
        fill(DEFINITIONS);
        let (look, state) = (Look::of(host), host.dump());
        let error = controller.create_network(network("routed")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ResourceExhausted, "{error}");
        look.assert_returns(host, || error.to_string());
        host.assert_returns_to(&state, &error.to_string());
        // What is there works and can go.
        let sandbox = controller.create_sandbox("web").unwrap();
        controller.connect("bridge", &sandbox, endpoint("web")).unwrap();
        controller.destroy_sandbox(&sandbox).unwrap();
        controller.delete_network("bridge").unwrap();
        assert!(controller.networks().unwrap().is_empty());
    });
}

#[test]
fn a_read_only_directory_of_definitions_is_a_clear_error_and_endpoints_come_and_go() {
    host(|host| {
        fs::create_dir_all(DEFINITIONS).unwrap();
        mount(host, DEFINITIONS, "size=64k");
        let first = controller();
        let config = first.create_network(network("bridge")).unwrap();
        drop(first);
        assert!(host.run("mount", &["-o", "remount,ro", DEFINITIONS]).success);
        let controller = controller();
        let (look, state) = (Look::of(host), host.dump());
        for error in [
            controller.create_network(network("routed")).unwrap_err(),
            controller.delete_network("bridge").unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
            assert!(error.to_string().contains("Read-only file system"), "{error}");
            look.assert_returns(host, || error.to_string());
            host.assert_returns_to(&state, &error.to_string());
        }
        let sandbox = controller.create_sandbox("web").unwrap();
        controller.connect("bridge", &sandbox, endpoint("web")).unwrap();
        works(host, "web", &config);
        controller.destroy_sandbox(&sandbox).unwrap();
        look.assert_returns(host, || "an endpoint that came and went".to_owned());
    });
}

#[test]
fn a_broken_definition_is_one_clear_error_and_the_others_work() {
    host(|host| {
        let first = controller();
        let config = first.create_network(network("bridge")).unwrap();
        let broken = first.create_network(network("routed")).unwrap();
        let sandbox = first.create_sandbox("old").unwrap();
        let old = first.connect("routed", &sandbox, endpoint("old")).unwrap();
        drop(first);
        let text = fs::read_to_string(definition("routed")).unwrap();
        fs::write(definition("routed"), text.replacen("\"type\"", "\"tpye\"", 1)).unwrap();

        let controller = controller();
        assert!(controller.collect().unwrap().findings.is_empty());
        let networks = controller.networks().unwrap();
        let names: Vec<_> = networks.iter().map(|(name, config)| (name.as_str(), config.is_ok())).collect();
        assert_eq!(names, [("bridge", true), ("routed", false)]);
        let error = controller.create_endpoint("routed", endpoint("web")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BadRequest, "{error}");
        let text = error.to_string();
        for word in [&definition("routed"), "tpye", "at line 3"] {
            assert!(text.contains(word), "{word:?} is missing in {text}");
        }
        let web = controller.create_sandbox("web").unwrap();
        controller.connect("bridge", &web, endpoint("web")).unwrap();
        works(host, "web", &config);

        // What was joined before goes on working, is listed, and can go.
        works(host, "old", &broken);
        assert_eq!(facts(&controller.endpoint("routed", "old").unwrap()), facts(&old));
        let error = controller.delete_network("routed").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Busy, "{error}");
        controller.remove_sandbox("old").unwrap();
        assert_eq!(controller.endpoints().unwrap().len(), 1);
        controller.delete_network("routed").unwrap();
        controller.destroy_sandbox(&web).unwrap();
        controller.delete_network("bridge").unwrap();
        controller.collect().unwrap();
        assert!(controller.networks().unwrap().is_empty());
        let ours = host.ip(&["link", "show", "group", "20051"]);
        assert!(ours.as_array().unwrap().iter().all(|link| link.get("ifname").is_none()), "{ours}");
    });
}

/// Writes the definition anew, as an editor does, with another stamp.
fn edit(name: &str, from: &str, to: &str) {
    thread::sleep(Duration::from_millis(20));
    let text = fs::read_to_string(definition(name)).unwrap();
    assert!(text.contains(from), "{from:?} is not in {text}");
    fs::write(definition(name), text.replace(from, to)).unwrap();
}

fn subnet(kind: &str, name: &str, subnet: &str) -> NetworkConfig {
    NetworkConfig::new(kind, name).unwrap().with_subnet(subnet.parse::<IpNet>().unwrap())
}

#[test]
fn a_definition_edited_to_overlap_another_is_refused_unless_it_is_in_use() {
    host(|host| {
        let controller = controller();
        let red = controller.create_network(subnet("bridge", "red", "10.1.0.0/24")).unwrap();
        controller.create_network(subnet("bridge", "blue", "10.2.0.0/24")).unwrap();
        let web = controller.create_sandbox("web").unwrap();
        controller.connect("red", &web, endpoint("web")).unwrap();
        edit("blue", "10.2.0.", "10.1.0.");
        let db = controller.create_sandbox("db").unwrap();
        let look = Look::of(host);
        let error = controller.connect("blue", &db, endpoint("db")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}");
        let text = error.to_string();
        for word in ["10.1.0.0/24", "red", "blue", "overlaps"] {
            assert!(text.contains(word), "{word:?} is missing in {text}");
        }
        look.assert_returns(host, || text.clone());
        // The one that has endpoints goes on.
        let more = controller.create_sandbox("more").unwrap();
        controller.connect("red", &more, endpoint("more")).unwrap();
        works(host, "web", &red);
        works(host, "more", &red);
        // The edit taken back, all is well.
        edit("blue", "10.1.0.", "10.2.0.");
        controller.connect("blue", &db, endpoint("db")).unwrap();
        assert!(host.ping("db", "10.2.0.1".parse().unwrap()));
    });
}

#[test]
fn deleting_a_network_that_was_edited_to_overlap_leaves_the_other_its_leases() {
    host(|_| {
        let controller = controller();
        controller.create_network(subnet("bridge", "red", "10.1.0.0/24")).unwrap();
        controller.create_network(subnet("bridge", "blue", "10.2.0.0/24")).unwrap();
        let web = controller.create_sandbox("web").unwrap();
        let one = controller.connect("red", &web, endpoint("web")).unwrap();
        edit("blue", "10.2.0.", "10.1.0.");
        controller.delete_network("blue").unwrap();
        let wants = endpoint("thief").with_address(one.address.unwrap().addr().into());
        let error = controller.create_endpoint("red", wants).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}");
    });
}

#[test]
fn a_definition_edited_while_it_is_in_use_is_used_from_then_on_and_all_can_go() {
    host(|host| {
        let controller = controller();
        let before = look_before(host);
        controller.create_network(subnet("bridge", "blue", "10.1.0.0/24")).unwrap();
        let web = controller.create_sandbox("web").unwrap();
        let old = controller.connect("blue", &web, endpoint("web")).unwrap();
        edit("blue", "10.1.0.", "10.3.0.");
        let db = controller.create_sandbox("db").unwrap();
        let new = controller.connect("blue", &db, endpoint("db")).unwrap();
        assert!(new.address.unwrap().to_string().starts_with("10.3.0."), "{new:?}");
        assert!(host.ping("db", "10.3.0.1".parse().unwrap()));
        assert_eq!(facts(&controller.endpoint("blue", "web").unwrap()), facts(&old));
        controller.disconnect("blue", "web").unwrap();
        controller.destroy_sandbox(&web).unwrap();
        controller.destroy_sandbox(&db).unwrap();
        controller.delete_network("blue").unwrap();
        before.assert_returns(host, || "an edited network that came and went".to_owned());
    });
}

#[test]
fn a_namespace_deleted_behind_our_back_is_made_again_with_the_same_endpoint() {
    host(|host| {
        lan(host);
        let controller = controller();
        for kind in TYPES {
            let mut wanted = network(kind);
            if kind == "routed" {
                wanted = wanted.with_option("parent", "lan0");
            }
            let config = controller.create_network(wanted).unwrap();
            let look = Look::of(host);
            let web = controller.create_sandbox("web").unwrap();
            controller.connect(kind, &web, endpoint("web")).unwrap();
            drop(web);
            assert!(host.run("ip", &["netns", "delete", "web"]).success);
            // At once, while the kernel takes the former life down.
            let web = controller.create_sandbox("web").unwrap();
            controller.connect(kind, &web, endpoint("web")).unwrap();
            if kind != "macvlan" {
                works(host, "web", &config);
            }
            assert_eq!(controller.endpoints().unwrap().len(), 1);
            assert!(host.run("ip", &["netns", "delete", "web"]).success);
            controller.disconnect(kind, "web").unwrap();
            controller.disconnect(kind, "web").unwrap();
            controller.remove_sandbox("web").unwrap();
            controller.destroy_sandbox(&web).unwrap();
            // Proxied addresses go neither with a link nor with a namespace.
            controller.collect().unwrap();
            look.assert_returns(host, || format!("{kind}: a namespace deleted behind our back"));
            controller.delete_network(kind).unwrap();
        }
    });
}

#[test]
fn a_bridge_deleted_behind_our_back_is_made_again_by_the_next_join() {
    host(|host| {
        let controller = controller();
        for (kind, link) in [("bridge", "br-bridge"), ("routed", "rt-routed")] {
            let config = controller.create_network(network(kind)).unwrap();
            let old = controller.create_sandbox("old").unwrap();
            controller.connect(kind, &old, endpoint("old")).unwrap();
            host.ip(&["link", "delete", link]);
            let web = controller.create_sandbox("web").unwrap();
            controller.connect(kind, &web, endpoint("web")).unwrap();
            works(host, "web", &config);
            host.ip(&["link", "delete", link]);
            controller.disconnect(kind, "old").unwrap();
            controller.destroy_sandbox(&old).unwrap();
            controller.destroy_sandbox(&web).unwrap();
            controller.delete_network(kind).unwrap();
            assert!(controller.endpoints().unwrap().is_empty());
        }
    });
}

#[test]
fn a_veth_deleted_behind_our_back_is_collected_or_taken_away_as_if_it_were_there() {
    for kind in ["bridge", "routed"] {
        host(|host| {
            let controller = controller();
            let config = controller.create_network(network(kind)).unwrap();
            let web = controller.create_sandbox("web").unwrap();
            let look = Look::of(host);
            for collected in [false, true] {
                let one = controller.connect(kind, &web, endpoint("web")).unwrap();
                host.ip(&["link", "delete", &host_end(&controller, &one)]);
                if collected {
                    let findings = controller.collect().unwrap().findings;
                    assert_eq!(findings.len(), 1, "{findings:?}");
                } else {
                    controller.disconnect(kind, "web").unwrap();
                }
                look.assert_returns(host, || format!("{kind}, collected: {collected}"));
            }
            controller.connect(kind, &web, endpoint("web")).unwrap();
            works(host, "web", &config);
            controller.destroy_sandbox(&web).unwrap();
            controller.delete_network(kind).unwrap();
        });
    }
}

#[test]
fn a_parent_deleted_behind_our_back_does_not_keep_its_network() {
    host(|host| {
        let controller = controller();
        let before = look_before(host);
        for kind in ["macvlan", "routed"] {
            lan(host);
            controller.create_network(network(kind).with_option("parent", "lan0")).unwrap();
            let web = controller.create_sandbox("web").unwrap();
            controller.connect(kind, &web, endpoint("web")).unwrap();
            host.ip(&["link", "delete", "lan0"]);
            let db = controller.create_sandbox("db").unwrap();
            let error = controller.connect(kind, &db, endpoint("db")).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NotFound, "{kind}: {error}");
            assert!(error.to_string().contains("lan0"), "{kind}: {error}");
            assert_eq!(controller.endpoints().unwrap().len(), 1, "{kind}");
            controller.disconnect(kind, "web").unwrap();
            controller.destroy_sandbox(&web).unwrap();
            controller.destroy_sandbox(&db).unwrap();
            controller.delete_network(kind).unwrap();
        }
        // Nor in a process that never saw the parent.
        lan(host);
        for kind in ["macvlan", "routed"] {
            controller.create_network(network(kind).with_option("parent", "lan0")).unwrap();
            let web = controller.create_sandbox(kind).unwrap();
            controller.connect(kind, &web, endpoint("web")).unwrap();
        }
        host.ip(&["link", "delete", "lan0"]);
        drop(controller);
        let controller = self::controller();
        for kind in ["macvlan", "routed"] {
            controller.disconnect(kind, "web").unwrap_or_else(|error| panic!("{kind}: {error}"));
            controller.remove_sandbox(kind).unwrap_or_else(|error| panic!("{kind}: {error}"));
            controller.delete_network(kind).unwrap_or_else(|error| panic!("{kind}: {error}"));
        }
        before.assert_returns(host, || "networks on a link that is gone".to_owned());
    });
}

#[test]
fn a_sandbox_made_again_after_a_crash_with_the_same_endpoint_simply_works() {
    const TEST: &str = "a_sandbox_made_again_after_a_crash_with_the_same_endpoint_simply_works";
    if let Some(kind) = child::role() {
        let controller = controller();
        let sandbox = controller.create_sandbox("web").unwrap();
        controller.connect(&kind, &sandbox, endpoint("web")).unwrap();
        // Nothing is closed, nothing is said.
        std::process::abort();
    }
    host(|host| {
        lan(host);
        let controller = controller();
        for kind in TYPES {
            let config = controller.create_network(network(kind)).unwrap();
            let mut child = child::command(&[], TEST, kind);
            let crash = || {
                let status = child.stdout(Stdio::null()).status().unwrap();
                assert!(!status.success());
                assert_eq!(controller.endpoints().unwrap().len(), 1);
            };
            let mut crash = crash;
            crash();
            // What lasts is still there: whoever wants it anew takes the old one away first, whether it is
            // known to have crashed or not.
            controller.remove_sandbox("web").unwrap();
            let web = controller.create_sandbox("web").unwrap();
            controller.connect(kind, &web, endpoint("web")).unwrap();
            if kind != "macvlan" {
                works(host, "web", &config);
            }
            controller.destroy_sandbox(&web).unwrap();
            // And with the namespace unmounted by somebody else.
            crash();
            assert!(host.run("ip", &["netns", "delete", "web"]).success);
            let web = controller.create_sandbox("web").unwrap();
            controller.connect(kind, &web, endpoint("web")).unwrap();
            controller.destroy_sandbox(&web).unwrap();
            assert!(controller.endpoints().unwrap().is_empty());
            controller.delete_network(kind).unwrap();
        }
    });
}

/// What a reboot leaves: the definitions, and nothing of the kernel's or of `/run`.
#[test]
fn after_a_reboot_networks_come_back_when_they_are_first_used() {
    host(|_| {
        let before: Vec<(NetworkConfig, Endpoint)> = host(|host| {
            lan(host);
            let controller = controller();
            let join = |kind: &&str| {
                let config = controller.create_network(network(kind)).unwrap();
                let sandbox = controller.create_sandbox(kind).unwrap();
                (config, controller.connect(kind, &sandbox, endpoint("web")).unwrap())
            };
            let joined = TYPES.iter().map(join).collect();
            let copied = host.run("cp", &["-a", DEFINITIONS, "/tmp/"]);
            assert!(copied.success, "{}", copied.stderr);
            joined
        });
        host(|host| {
            // As it was before, but for what a reboot takes.
            lan(host);
            for (config, _) in &before {
                fs::create_dir_all(DEFINITIONS).unwrap();
                fs::write(definition(config.name.as_str()), serde_json::to_string(config).unwrap()).unwrap();
            }
            assert!(!Path::new("/run/libnetns").exists() && !Path::new("/run/netns").exists());
            let controller = controller();
            assert!(controller.endpoints().unwrap().is_empty());
            for (config, one) in &before {
                let kind = config.name.as_str();
                let sandbox = controller.create_sandbox(kind).unwrap();
                // The very endpoint with the very addresses.
                let wants = endpoint("web").with_address(addresses(one)[0]).with_address(addresses(one)[1]);
                let now = controller.connect(kind, &sandbox, wants).unwrap();
                assert_eq!(addresses(&now), addresses(one));
                if kind != "macvlan" {
                    works(host, kind, config);
                }
                let wants = endpoint("thief").with_address(gateways(config)[0]);
                assert!(controller.create_endpoint(kind, wants).is_err(), "{kind}");
            }
        });
    });
}

#[test]
fn a_run_directory_wiped_while_a_controller_is_open_is_an_error_and_opening_it_again_helps() {
    host(|host| {
        let first = controller();
        let config = first.create_network(network("bridge")).unwrap();
        let web = first.create_sandbox("web").unwrap();
        let one = first.connect("bridge", &web, endpoint("web")).unwrap();
        fs::remove_dir_all("/run/libnetns").unwrap();
        let error = first.create_endpoint("bridge", endpoint("db")).unwrap_err();
        assert!(error.to_string().contains("open the controller again"), "{error}");
        let second = controller();
        assert_eq!(second.endpoints().unwrap().iter().map(facts).collect::<Vec<_>>(), [facts(&one)]);
        works(host, "web", &config);
        // Whoever has the namespace open keeps its links.
        drop(web);
        second.remove_sandbox("web").unwrap();
        second.delete_network("bridge").unwrap();
    });
}

/// A process that lives is not taken for one that died, whatever another collects meanwhile.
#[test]
fn what_lasts_as_long_as_a_process_goes_with_it_and_not_before() {
    const TEST: &str = "what_lasts_as_long_as_a_process_goes_with_it_and_not_before";
    if child::role().is_some() {
        let options = ControllerOptions::default().with_lifetime(Lifetime::Process);
        let controller = Controller::open(options).unwrap();
        let sandbox = controller.create_sandbox("web").unwrap();
        controller.connect("bridge", &sandbox, endpoint("web")).unwrap();
        fs::write("/run/ready", "").unwrap();
        thread::sleep(Duration::from_secs(60));
        return;
    }
    host(|host| {
        let controller = controller();
        let config = controller.create_network(network("bridge")).unwrap();
        let look = Look::of(host);
        let mut child = child::command(&[], TEST, "x").stdout(Stdio::null()).spawn().unwrap();
        while !Path::new("/run/ready").exists() {
            thread::sleep(Duration::from_millis(5));
        }
        fs::remove_file("/run/ready").unwrap();
        assert!(controller.collect().unwrap().findings.is_empty());
        works(host, "web", &config);
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!controller.collect().unwrap().findings.is_empty());
        look.assert_returns(host, || "what a process had".to_owned());
    });
}

/// Who has the namespace open keeps the interface, and with it the address.
#[test]
fn a_sandbox_destroyed_while_somebody_is_in_it_gives_up_its_interface_before_its_address() {
    host(|host| {
        let controller = controller();
        for kind in ["bridge", "routed"] {
            let config = controller.create_network(network(kind)).unwrap();
            let web = controller.create_sandbox("web").unwrap();
            let one = controller.connect(kind, &web, endpoint("web")).unwrap();
            drop(web);
            let mut held =
                Command::new("nsenter").args(["--net=/run/netns/web", "sleep", "60"]).spawn().unwrap();
            while fs::read_link(format!("/proc/{}/ns/net", held.id())).unwrap()
                == fs::read_link("/proc/thread-self/ns/net").unwrap()
            {
                thread::sleep(Duration::from_millis(1));
            }
            controller.remove_sandbox("web").unwrap();
            let db = controller.create_sandbox("db").unwrap();
            let wants = addresses(&one).into_iter().fold(endpoint("db"), EndpointConfig::with_address);
            controller.connect(kind, &db, wants).unwrap();
            let own = addresses(&one)[0].to_string();
            let net = format!("--target={}", held.id());
            let inside = host.run("nsenter", &[&net, "--net", "ip", "-o", "address", "show", "to", &own]);
            assert_eq!(inside.stdout, "", "{kind}: {own} is given to two");
            works(host, "db", &config);
            held.kill().unwrap();
            held.wait().unwrap();
            controller.destroy_sandbox(&db).unwrap();
            controller.collect().unwrap();
            controller.delete_network(kind).unwrap();
        }
    });
}
