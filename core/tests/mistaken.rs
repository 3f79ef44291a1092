//! What a controller might take for something else: another sandbox for the one that was there, another
//! directory for its own, a link that is down for one that is gone.

mod common;
mod control;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use common::{inside, links, network, objects};
use control::{at, blue, connected, endpoint, ip, open, options, sandbox, with_subnets};
use netns::{Controller, ControllerOptions, Endpoint, NetworkConfig, Sandbox, SandboxKey};
use serde_json::Value;
use testhost::{host, Host};

const STORE: &str = "/run/libnetns/state.db";
const GATEWAYS: [&str; 2] = ["10.1.0.1", "fd01::1"];

/// The dual-stack network `blue` of that type, on `lan0` where it takes a parent.
fn on_lan(host: &Host, kind: &str) -> NetworkConfig {
    let config = with_subnets(kind, "blue", &["10.1.0.0/24", "fd01::/64"]);
    if kind == "bridge" {
        return config;
    }
    host.ip(&["link", "add", "lan0", "type", "veth", "peer", "name", "lan1"]);
    host.ip(&["link", "set", "lan0", "up"]);
    host.ip(&["link", "set", "lan1", "up"]);
    config.with_option("parent", "lan0")
}

/// The host's end of a joined endpoint's pair.
fn host_end(controller: &Controller, endpoint: &str) -> String {
    let info = controller.endpoint_oper_info("blue", endpoint).unwrap();
    info["host_interface_name"].as_str().unwrap().to_owned()
}

/// From the inside, whatever has become of the path.
#[track_caller]
fn works(host: &Host, sandbox: &Sandbox) {
    for gateway in GATEWAYS {
        let ping = || host.run("ping", &["-n", "-c1", "-W2", gateway]).success;
        assert!(sandbox.run(ping).unwrap(), "{sandbox:?} does not reach {gateway}");
    }
}

/// Its links, addresses and routes.
fn network_of(host: &Host, sandbox: &Sandbox) -> Vec<String> {
    let look = || {
        let links = objects(host.ip(&["address", "show"]));
        let text = |link: &Value| {
            format!("{} {} {:?}", link["ifname"], common::is_up(link), common::addresses(link))
        };
        let mut lines: Vec<_> = links.iter().map(text).collect();
        for family in ["-4", "-6"] {
            let routes = objects(host.ip(&[family, "route", "show"]));
            lines.extend(routes.iter().map(|to| format!("{} {} {}", to["dst"], to["gateway"], to["dev"])));
        }
        lines
    };
    sandbox.run(look).unwrap()
}

/// Nothing is found, by that controller and one that is opened now.
#[track_caller]
fn nothing_is_wrong(controller: &Controller, context: &str) {
    let own = controller.collect().unwrap().findings;
    assert!(own.is_empty(), "{context}: {own:?}");
    let again = Controller::open(controller.options().clone()).unwrap().collect().unwrap().findings;
    assert!(again.is_empty(), "{context}: found again: {again:?}");
}

fn names(endpoints: &[Endpoint]) -> Vec<&str> {
    endpoints.iter().map(|endpoint| endpoint.name().as_str()).collect()
}

fn inode(path: &str) -> u64 {
    fs::metadata(path).unwrap().ino()
}

/// The sandbox `web` as `make` makes it, deleted by somebody else, and made again so that the kernel gives
/// its namespace the number of the former: the lowest that is free. Who runs beside this test may be faster
/// at getting it; then all is done anew after `undo`.
fn deleted_and_made_again(
    host: &Host,
    controller: &Controller,
    make: impl Fn() -> Sandbox,
    undo: impl Fn(),
) -> Sandbox {
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    // Those that got another number are kept, for they would get it again.
    let mut others = Vec::new();
    for _ in 0..20 {
        drop(make());
        let number = inode("/run/netns/web");
        let end = host_end(controller, "web");
        host.ip(&["netns", "delete", "web"]);
        let begin = Instant::now();
        while links(host, "").contains(&end) {
            assert!(begin.elapsed() < Duration::from_secs(5), "{end} stays");
        }
        for turn in 0..20 {
            // The number is free some time after the links are gone.
            thread::sleep(Duration::from_millis(turn));
            let web = sandbox(controller, "web");
            if inode("/run/netns/web") == number {
                return web;
            }
            others.push(web);
            host.ip(&["netns", "delete", "web"]);
        }
        undo();
    }
    panic!("no namespace got the number of a former one");
}

#[test]
fn a_namespace_that_has_the_number_of_one_that_is_gone_is_another() {
    host(|host| {
        let controller = &open();
        controller.create_network(blue()).unwrap();
        for (name, subnet) in [("red", "10.2.0.0/24"), ("green", "10.3.0.0/24")] {
            controller.create_network(with_subnets("bridge", name, &[subnet])).unwrap();
        }
        let make = || {
            let (web, _) = connected(controller, "blue", "web");
            let (mut kept, mut other) = (endpoint("kept"), endpoint("other"));
            (kept.gateway_priority, other.gateway_priority) = (9, 8);
            controller.create_endpoint("red", kept).unwrap();
            controller.join("red", "kept", &web).unwrap();
            controller.connect("green", &web, other).unwrap();
            web
        };
        let undo = || {
            for (network, endpoint) in [("blue", "web"), ("red", "kept"), ("green", "other")] {
                controller.disconnect(network, endpoint).unwrap();
            }
            controller.remove_sandbox("web").unwrap();
        };
        let web = deleted_and_made_again(host, controller, make, undo);

        controller.connect("blue", &web, endpoint("web")).unwrap();
        works(host, &web);
        let default = |host: &Host| host.ip_in("web", &["route", "show", "default"])[0]["gateway"].clone();
        assert_eq!(default(host), "10.1.0.1");
        let before = inside(host, &web);
        controller.leave("red", "kept").unwrap();
        common::assert_inside_is(host, &web, &before, "an endpoint of the former sandbox left");
        controller.disconnect("green", "other").unwrap();
        common::assert_inside_is(host, &web, &before, "an endpoint of the former sandbox went");
        assert_eq!(controller.endpoint("red", "kept").unwrap().sandbox, None);
        nothing_is_wrong(controller, "a sandbox with the number of a former one");
        controller.join("red", "kept", &web).unwrap();
        assert_eq!(default(host), "10.2.0.1");
        controller.destroy_sandbox(&web).unwrap();
        assert_eq!(names(&controller.endpoints().unwrap()), ["kept"]);
    });
}

#[test]
fn a_namespace_that_has_the_number_of_one_that_is_gone_keeps_nothing_from_being_collected() {
    host(|host| {
        let controller = &open();
        controller.create_network(blue()).unwrap();
        controller.create_network(with_subnets("bridge", "red", &["10.2.0.0/24"])).unwrap();
        controller.create_endpoint("red", endpoint("kept")).unwrap();
        let make = || {
            let (web, _) = connected(controller, "blue", "web");
            controller.join("red", "kept", &web).unwrap();
            web
        };
        let undo = || {
            controller.disconnect("blue", "web").unwrap();
            controller.leave("red", "kept").unwrap();
            controller.remove_sandbox("web").unwrap();
        };
        let web = deleted_and_made_again(host, controller, make, undo);
        controller.collect().unwrap();
        assert_eq!(names(&controller.endpoints().unwrap()), ["kept"]);
        assert_eq!(controller.endpoint("red", "kept").unwrap().sandbox, None);
        assert_eq!(links(host, "web"), ["lo"]);
        controller.join("red", "kept", &web).unwrap();
        assert!(host.ping("web", ip("10.2.0.1")));
    });
}

#[test]
fn a_sandbox_elsewhere_keeps_its_interface_when_the_store_is_ruined() {
    for kind in ["bridge", "routed", "macvlan"] {
        host(|host| {
            let first = open();
            first.create_network(on_lan(host, kind)).unwrap();
            let key = SandboxKey::in_base(Path::new("/run/elsewhere"), "web").unwrap();
            let web = Sandbox::create(&key).unwrap();
            first.connect("blue", &web, endpoint("web")).unwrap();
            let before = network_of(host, &web);
            drop(first);
            fs::write(STORE, "garbage ".repeat(10_000)).unwrap();
            let second = open();
            nothing_is_wrong(&second, kind);
            assert_eq!(network_of(host, &web), before, "{kind}");
            if kind != "macvlan" {
                works(host, &web);
            }
        });
    }
}

#[test]
fn a_directory_by_another_name_is_the_same() {
    for kind in ["bridge", "routed"] {
        host(|host| {
            let controller = open();
            controller.create_network(on_lan(host, kind)).unwrap();
            let (web, _) = connected(&controller, "blue", "web");
            fs::create_dir("/run/bound").unwrap();
            host.run("mount", &["--bind", "/run/libnetns", "/run/bound"]);
            std::os::unix::fs::symlink("/run/libnetns", "/run/linked").unwrap();
            let (before, before_inside) = (host.dump(), inside(host, &web));
            for spelling in [
                "/run/libnetns/",
                "/run//libnetns",
                "/run/./libnetns",
                "/run/../run/libnetns",
                "/run/bound",
                "/run/linked",
            ] {
                let mut options = options();
                options.run_dir = spelling.into();
                let context = format!("{kind}: {spelling}");
                match Controller::open(options) {
                    Ok(other) => {
                        nothing_is_wrong(&other, &context);
                        assert_eq!(names(&other.endpoints().unwrap()), ["web"], "{context}");
                        // What the one makes the other takes away.
                        connected(&other, "blue", "db");
                        nothing_is_wrong(&controller, &context);
                        controller.remove_sandbox("db").unwrap();
                    }
                    Err(error) => assert!(spelling.contains(".."), "{context}: {error}"),
                }
                nothing_is_wrong(&controller, &context);
                host.assert_returns_to(&before, &context);
                common::assert_inside_is(host, &web, &before_inside, &context);
            }
            works(host, &web);
        });
    }
}

#[test]
fn a_handle_of_a_sandbox_that_is_gone_does_not_end_the_next_at_its_path() {
    for by_others in [false, true] {
        host(|host| {
            let (controller, other) = (open(), open());
            controller.create_network(blue()).unwrap();
            let (old, _) = connected(&controller, "blue", "web");
            if by_others {
                host.ip(&["netns", "delete", "web"]);
            } else {
                other.remove_sandbox("web").unwrap();
            }
            let new = sandbox(&other, "web");
            other.connect("blue", &new, at("new", &["10.1.0.9", "fd01::9"])).unwrap();
            controller.destroy_sandbox(&old).unwrap();
            assert_eq!(names(&controller.endpoints().unwrap()), ["new"], "by others: {by_others}");
            let listed = controller.sandboxes().unwrap();
            assert_eq!(listed.len(), 1, "{listed:?}");
            works(host, &new);
            assert!(host.ping("web", ip("10.1.0.1")));
            nothing_is_wrong(&controller, "the next sandbox");
            other.destroy_sandbox(&new).unwrap();
            assert_eq!(host.netns_list(), Vec::<String>::new());
        });
    }
}

#[test]
fn an_interface_that_somebody_set_down_is_not_collected() {
    for kind in ["bridge", "routed", "macvlan"] {
        host(|host| {
            let controller = open();
            controller.create_network(on_lan(host, kind)).unwrap();
            let (web, made) = connected(&controller, "blue", "web");
            host.ip_in("web", &["link", "set", "eth0", "down"]);
            nothing_is_wrong(&controller, &format!("{kind}: eth0 is down"));
            host.ip_in("web", &["link", "set", "eth0", "up"]);
            if kind != "macvlan" {
                let end = host_end(&controller, "web");
                host.ip(&["link", "set", &end, "down"]);
                nothing_is_wrong(&controller, &format!("{kind}: {end} is down"));
                host.ip(&["link", "set", &end, "up"]);
            }
            assert_eq!(links(host, "web"), ["eth0", "lo"], "{kind}");
            assert_eq!(names(&controller.endpoints().unwrap()), ["web"], "{kind}");
            if kind == "bridge" {
                assert!(host.ping("web", ip("10.1.0.1")), "{made:?}");
            }
            controller.destroy_sandbox(&web).unwrap();
            assert_eq!(controller.endpoints().unwrap(), []);
        });
    }
}

#[test]
fn a_device_of_a_network_without_a_controller_waits_in_the_host_and_holds_nobody_up() {
    host(|host| {
        let network = network("net");
        let waiting = network.link(&common::dual("web", 2)).unwrap();
        let before = host.dump();
        drop(open());
        // Of five, the machine may be busy during four.
        let opened = (0..5).map(|_| {
            let begin = Instant::now();
            assert_eq!(open().collect().unwrap().findings, []);
            begin.elapsed()
        });
        let fastest = opened.min().unwrap();
        assert!(fastest < Duration::from_millis(500), "{fastest:?}");
        fs::remove_dir_all("/run/libnetns").unwrap();
        host.assert_returns_to(&before, "a device that waits");
        let web = common::sandbox("web");
        web.add_interface(&waiting[0]).unwrap();
        assert!(host.ping("web", ip("10.1.0.1")));
    });
}

#[test]
fn a_controller_of_another_directory_with_the_same_definitions_leaves_what_it_did_not_make() {
    for kind in ["bridge", "routed", "macvlan"] {
        host(|host| {
            let controller = open();
            controller.create_network(on_lan(host, kind)).unwrap();
            let (web, _) = connected(&controller, "blue", "web");
            let elsewhere = || {
                let mut options: ControllerOptions = options();
                options.run_dir = "/run/another".into();
                Controller::open(options).unwrap()
            };
            drop(elsewhere());
            let (before, before_inside) = (host.dump(), inside(host, &web));
            let proxies = || objects(host.ip(&["neighbour", "show", "proxy"])).len();
            assert_eq!(proxies(), if kind == "routed" { 2 } else { 0 });
            let another = elsewhere();
            nothing_is_wrong(&another, kind);
            nothing_is_wrong(&controller, kind);
            drop(another);
            host.assert_returns_to(&before, kind);
            common::assert_inside_is(host, &web, &before_inside, kind);
            assert_eq!(proxies(), if kind == "routed" { 2 } else { 0 });
            if kind != "macvlan" {
                works(host, &web);
            }
            // Its own go with what died, and with nothing else.
            host.ip(&["netns", "delete", "web"]);
            drop(web);
            controller.collect().unwrap();
            assert_eq!(proxies(), 0);
        });
    }
}
