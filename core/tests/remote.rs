//! Docker's plugins as drivers of networks: what they may answer, and what comes of it.

mod common;
mod control;
mod plugin;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use common::{inside, refused};
use control::{addresses_of, at, blue, config, endpoint, ip, sandbox, with_subnets};
use netns::driver::DiscoveryType;
use netns::{Controller, ErrorKind, NetworkConfig, Sandbox};
use plugin::{of, options, Plugin};
use serde_json::json;
use testhost::{host, Host, State};

/// Longer than anything takes that is not meant to hang.
const LONG: Duration = Duration::from_secs(60);
/// For plugins that are meant to hang.
const SHORT: Duration = Duration::from_millis(400);

fn far() -> NetworkConfig {
    with_subnets("wire", "far", &["10.7.0.0/24", "fd07::/64"])
}

fn open(timeout: Duration) -> Controller {
    Controller::open(options(timeout)).unwrap()
}

/// A controller, its plugin and a sandbox, all of which have been used once, and the host as it is then.
fn settled(host: &Host, timeout: Duration) -> (Controller, Plugin, Sandbox, State) {
    let (controller, plugin) = (open(timeout), Plugin::start("wire"));
    let web = sandbox(&controller, "web");
    controller.create_network(far()).unwrap();
    controller.connect("far", &web, endpoint("web")).unwrap();
    controller.disconnect("far", "web").unwrap();
    plugin.requests();
    let before = host.dump();
    (controller, plugin, web, before)
}

fn nothing_is_left(host: &Host, controller: &Controller, before: &State, context: &str) {
    host.assert_returns_to(before, context);
    assert_eq!(controller.endpoints().unwrap(), [], "{context}");
    let usage = controller.inspect_network("far").unwrap().usage;
    assert!(usage.iter().all(|subnet| subnet.used == 1), "{context}: {usage:?}");
}

#[test]
fn a_plugin_drives_a_network_from_the_first_call_to_the_last() {
    host(|host| {
        control::settled(host);
        let (controller, plugin) = (open(LONG), Plugin::start("wire"));
        let before = host.dump();
        let web = sandbox(&controller, "web");
        let found = controller.plugins().unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].address.as_deref(), Some("unix:///run/docker/plugins/wire.sock"));
        assert_eq!(plugin.calls(), Vec::<String>::new());
        assert!(!controller.network_types().contains(&"wire".to_owned()));

        let wanted = far().with_option("vlan", "7");
        let made = controller.create_network(wanted).unwrap();
        let within = inside(host, &web);
        assert_eq!(made.subnets[0].gateway, Some(ip("10.7.0.1")));
        let requests = plugin.requests();
        let methods: Vec<_> = requests.iter().map(|own| own["method"].as_str().unwrap()).collect();
        let first = ["Plugin.Activate", "NetworkDriver.GetCapabilities", "IpamDriver.GetCapabilities"];
        assert_eq!(methods, [&first[..], &["NetworkDriver.CreateNetwork"]].concat());
        for request in &requests {
            assert_eq!(request["headers"]["accept"], "application/vnd.docker.plugins.v1.2+json", "{request}");
            assert_eq!(request["headers"].get("content-type"), None, "{request}");
        }
        let told = json!({
            "NetworkID": "far",
            "Options": {
                "com.docker.network.enable_ipv6": true,
                "com.docker.network.generic": {"vlan": "7"},
            },
            "IPv4Data": [{"AddressSpace": "LocalDefault", "Pool": "10.7.0.0/24", "Gateway": "10.7.0.1/24"}],
            "IPv6Data": [{"AddressSpace": "LocalDefault", "Pool": "fd07::/64", "Gateway": "fd07::1/64"}],
        });
        assert_eq!(requests.last().unwrap()["body"], told);
        assert!(controller.network_types().contains(&"wire".to_owned()));

        let made = controller.connect("far", &web, endpoint("web")).unwrap();
        assert_eq!(addresses_of(&made), ["10.7.0.2/24", "fd07::2/64"]);
        assert_eq!(made.mac.unwrap().to_string(), "02:11:22:33:44:55");
        assert_eq!(made.interface.unwrap().destination.to_string(), "wire0");
        for gateway in ["10.7.0.1", "fd07::1"] {
            assert!(host.ping("web", ip(gateway)), "{gateway}");
        }
        let routes = host.ip_in("web", &["route", "show", "default"]);
        assert_eq!((&routes[0]["gateway"], &routes[0]["dev"]), (&json!("10.7.0.1"), &json!("wire0")));
        let methods = ["CreateEndpoint", "Join", "ProgramExternalConnectivity"].map(of);
        let requests = plugin.requests();
        let called: Vec<_> = requests.iter().map(|own| own["method"].as_str().unwrap()).collect();
        assert_eq!(called, methods);
        let interface = json!({"Address": "10.7.0.2/24", "AddressIPv6": "fd07::2/64", "MacAddress": ""});
        assert_eq!(requests[0]["body"]["Interface"], interface);
        assert_eq!(requests[1]["body"]["SandboxKey"], "/run/netns/web");
        let known = controller.endpoint_oper_info("far", "web").unwrap();
        assert_eq!(known.get("of").unwrap(), "web");
        refused(controller.delete_network("far"), ErrorKind::Busy, &["web"]);
        assert_eq!(plugin.calls(), [of("EndpointOperInfo")]);

        // Another process knows the network from the definition; its plugin is not told again.
        let other = open(LONG);
        other.disconnect("far", "web").unwrap();
        let methods = ["RevokeExternalConnectivity", "Leave", "DeleteEndpoint"].map(of);
        assert_eq!(plugin.calls()[3..], methods);
        common::assert_inside_is(host, &web, &within, "disconnected");
        controller.delete_network("far").unwrap();
        assert_eq!(plugin.calls(), [of("DeleteNetwork")]);
        controller.destroy_sandbox(&web).unwrap();
        host.assert_returns_to(&before, "the end");
    });
}

/// Each answer that is of no use, and a word of what is then said.
fn useless() -> Vec<(&'static str, &'static str)> {
    vec![
        ("refuse", "it says: the plugin"),
        ("500 json", "status 500: the plugin is unwell"),
        ("500 text", "status 500: the plugin is unwell"),
        ("404", "404"),
        ("malformed", "no JSON"),
        ("list", "no JSON object"),
        ("empty", "the body is empty"),
        ("huge", "longer than 1048576 bytes"),
        ("endless", "longer than 1048576 bytes"),
        ("cut", "ends too early"),
        ("no http", "no HTTP"),
        ("redirect", "status 302"),
        ("hang", "the time is up"),
        ("headers", ""),
        ("drip", ""),
        ("slow body", "does not answer at unix:///run/docker/plugins/wire.sock: the time is up"),
        ("drop", "does not answer"),
    ]
}

/// Whether by such an answer the plugin says that it has done nothing.
fn is_refusal(mode: &str) -> bool {
    ["refuse", "500 json", "500 text", "404", "redirect"].contains(&mode)
}

#[test]
fn whatever_a_plugin_answers_to_a_join_nothing_is_left_of_what_failed() {
    host(|host| {
        let (controller, plugin, web, before) = settled(host, SHORT);
        let within = inside(host, &web);
        for method in ["CreateEndpoint", "Join", "ProgramExternalConnectivity"] {
            for (mode, cause) in useless() {
                if mode == "404" && method.starts_with("Program") {
                    continue;
                }
                let context = format!("{method}: {mode}");
                plugin.does(&[(&of(method), json!(mode))]);
                let error = controller.connect("far", &web, endpoint("web")).unwrap_err();
                let text = error.to_string();
                plugin.is_well();
                assert_eq!(error.kind(), ErrorKind::System, "{context}: {text}");
                assert!(text.contains(&of(method)) && text.contains("plugin wire"), "{context}: {text}");
                assert!(text.contains(cause) && !text.contains('\x1b'), "{context}: {text}");
                // What hung was answered in the end, and may have made its device.
                for link in ["o-web", "i-web"] {
                    host.run("ip", &["link", "delete", link]);
                }
                nothing_is_left(host, &controller, &before, &context);
                common::assert_inside_is(host, &web, &within, &context);
                let calls = plugin.calls();
                let is_unmade = method == "CreateEndpoint" && is_refusal(mode);
                assert_eq!(calls.contains(&of("DeleteEndpoint")), !is_unmade, "{context}: {calls:?}");
                assert!(!is_unmade || !text.contains("could not undo"), "{context}: {text}");
                assert_eq!(calls.contains(&of("Leave")), method != "CreateEndpoint", "{context}: {calls:?}");
            }
        }
        controller.connect("far", &web, endpoint("web")).unwrap();
    });
}

/// What is no answer, and what is one; of the rest it depends on how far the plugin gets.
const SILENT: [&str; 2] = ["hang", "drop"];
const ANSWERED: [&str; 8] = ["refuse", "500 json", "500 text", "404", "malformed", "list", "empty", "huge"];

#[test]
fn what_is_not_answered_on_the_way_out_is_tried_again_and_what_is_refused_is_not() {
    host(|host| {
        let (controller, plugin, web, before) = settled(host, SHORT);
        for method in ["RevokeExternalConnectivity", "Leave", "DeleteEndpoint"] {
            for (mode, cause) in useless() {
                if mode == "404" && method.starts_with("Revoke") {
                    continue;
                }
                let context = format!("{method}: {mode}");
                controller.connect("far", &web, endpoint("web")).unwrap();
                plugin.does(&[(&of(method), json!(mode))]);
                let parted = controller.disconnect("far", "web");
                plugin.is_well();
                if SILENT.contains(&mode) {
                    let error = parted.unwrap_err().to_string();
                    assert!(error.contains(&of(method)) && error.contains(cause), "{context}: {error}");
                    assert_eq!(controller.endpoints().unwrap().len(), 1, "{context}");
                    // One that it has deleted already the plugin does not know.
                    controller.disconnect("far", "web").unwrap();
                } else if ANSWERED.contains(&mode) {
                    parted.unwrap();
                } else if parted.is_err() {
                    controller.disconnect("far", "web").unwrap();
                }
                for link in ["o-web", "i-web"] {
                    host.run("ip", &["link", "delete", link]);
                }
                nothing_is_left(host, &controller, &before, &context);
            }
        }
    });
}

#[test]
fn whatever_a_plugin_answers_to_a_network_nothing_is_left_of_what_failed() {
    host(|host| {
        let (controller, plugin, _web, before) = settled(host, SHORT);
        let near = || with_subnets("wire", "near", &["10.8.0.0/24"]);
        for (mode, cause) in useless() {
            plugin.requests();
            plugin.does(&[(&of("CreateNetwork"), json!(mode))]);
            let error = controller.create_network(near()).unwrap_err().to_string();
            plugin.is_well();
            assert!(
                error.contains("NetworkDriver.CreateNetwork") && error.contains(cause),
                "{mode}: {error}"
            );
            nothing_is_left(host, &controller, &before, mode);
            let calls = plugin.calls();
            assert_eq!(calls.contains(&of("DeleteNetwork")), !is_refusal(mode), "{mode}: {calls:?}");
            assert_eq!(controller.networks().unwrap().len(), 1, "{mode}");
            // What hung was answered in the end.
            plugin.kill();
            plugin.start_again();
            controller.create_network(near()).unwrap();
            plugin.does(&[(&of("DeleteNetwork"), json!(mode))]);
            let deleted = controller.delete_network("near");
            plugin.is_well();
            if SILENT.contains(&mode) {
                let error = deleted.unwrap_err().to_string();
                assert!(
                    error.contains("NetworkDriver.DeleteNetwork") && error.contains(cause),
                    "{mode}: {error}"
                );
                assert_eq!(controller.networks().unwrap().len(), 2, "{mode}");
                // One that it has deleted already the plugin does not know.
                controller.delete_network("near").unwrap();
            } else if ANSWERED.contains(&mode) {
                deleted.unwrap();
            } else if deleted.is_err() {
                controller.delete_network("near").unwrap();
            }
            nothing_is_left(host, &controller, &before, mode);
        }
    });
}

#[test]
fn an_answer_of_null_and_keys_of_any_case_are_as_good_as_others() {
    host(|host| {
        let (controller, plugin) = (open(LONG), Plugin::start("wire"));
        let cased = ["CreateEndpoint", "Join", "GetCapabilities"].map(of);
        plugin.does(&cased.each_ref().map(|method| (method.as_str(), json!("case"))));
        controller.create_network(far()).unwrap();
        let web = sandbox(&controller, "web");
        let made = controller.connect("far", &web, endpoint("web")).unwrap();
        assert_eq!(made.mac.unwrap().to_string(), "02:11:22:33:44:55");
        assert!(host.ping("web", ip("10.7.0.1")));
        let nothing = ["RevokeExternalConnectivity", "Leave"].map(of);
        plugin.does(&nothing.each_ref().map(|method| (method.as_str(), json!("null"))));
        controller.disconnect("far", "web").unwrap();
        // What a plugin need not know.
        let unknown = ["ProgramExternalConnectivity", "RevokeExternalConnectivity"].map(of);
        plugin.does(&unknown.each_ref().map(|method| (method.as_str(), json!("404"))));
        controller.connect("far", &web, endpoint("web")).unwrap();
        controller.disconnect("far", "web").unwrap();
        // An endpoint without a device.
        plugin.does(&[(&of("Join"), json!("null"))]);
        assert_eq!(controller.connect("far", &web, endpoint("web")).unwrap().interface, None);
        controller.disconnect("far", "web").unwrap();
    });
}

#[test]
fn what_a_plugin_may_not_answer_is_refused_with_its_name() {
    host(|host| {
        let (controller, plugin, web, before) = settled(host, LONG);
        let interface = |key: &str, value: &str| json!({"Interface": {key: value}});
        let name = |key: &str, value: &str| match key {
            "SrcName" => json!({"InterfaceName": {key: value}}),
            _ => json!({"InterfaceName": {"SrcName": "dev0", key: value}}),
        };
        let route = |destination: &str, kind: i64, hop: &str| {
            json!({"InterfaceName": {"SrcName": "dev0"},
                   "StaticRoutes": [{"Destination": destination, "RouteType": kind, "NextHop": hop}]})
        };
        let wrong = [
            // What was supplied.
            ("CreateEndpoint", interface("Address", "10.7.0.9/24"), "set already"),
            ("CreateEndpoint", interface("AddressIPv6", "fd07::9/64"), "set already"),
            // What is none.
            ("CreateEndpoint", interface("MacAddress", "02:11"), "02:11"),
            ("CreateEndpoint", interface("MacAddress", "ff:ff:ff:ff:ff:ff"), "multicast"),
            ("CreateEndpoint", interface("Address", "10.7.0.9"), "\"10.7.0.9\""),
            ("CreateEndpoint", interface("Address", "fd07::9/64"), "\"fd07::9/64\""),
            ("CreateEndpoint", json!({"Interface": 7}), "wrong"),
            ("Join", name("SrcName", "../x"), "SrcName"),
            ("Join", name("SrcName", &"x".repeat(16)), "SrcName"),
            ("Join", name("SrcName", "nothing0"), "nothing0"),
            ("Join", name("DstPrefix", "a/b"), "DstPrefix"),
            ("Join", name("DstName", &"y".repeat(99)), "DstName"),
            ("Join", json!({"InterfaceName": {"SrcName": "dev0"}, "Gateway": "fd07::1"}), "Gateway"),
            ("Join", json!({"InterfaceName": {"SrcName": "dev0"}, "GatewayIPv6": "x"}), "GatewayIPv6"),
            ("Join", route("10.9.0.0", 0, "10.7.0.33"), "Destination"),
            ("Join", route("10.9.0.0/24", 0, ""), "next hop"),
            ("Join", route("10.9.0.0/24", 1, "10.7.0.33"), "next hop"),
            ("Join", route("10.9.0.0/24", 7, ""), "7"),
            ("Join", route("10.9.0.0/24", 0, "fd07::3"), "family"),
        ];
        host.ip(&["link", "add", "dev0", "type", "veth", "peer", "name", "dev1"]);
        let there = host.dump();
        for (method, answer, cause) in wrong {
            let context = format!("{method}: {answer}");
            plugin.does(&[(&of(method), answer)]);
            let error = controller.connect("far", &web, endpoint("web")).unwrap_err().to_string();
            assert!(error.contains(cause) && error.contains("far"), "{context}: {error}");
            if !error.contains("nothing0") {
                assert!(error.contains(&of(method)) && error.contains("plugin wire"), "{context}: {error}");
            }
            nothing_is_left(host, &controller, &there, &context);
            let calls = plugin.calls();
            assert_eq!(calls.last(), Some(&of("DeleteEndpoint")), "{context}: {calls:?}");
        }
        plugin.does(&[(&of("CreateEndpoint"), json!({"Interface": {"MacAddress": "02:00:00:00:00:07"}}))]);
        let own: netns::MacAddr = "02:00:00:00:00:09".parse().unwrap();
        let mut with_mac = endpoint("web");
        with_mac.mac = Some(own);
        let error = controller.connect("far", &web, with_mac).unwrap_err().to_string();
        assert!(error.contains("set already"), "{error}");
        host.ip(&["link", "delete", "dev0"]);
        nothing_is_left(host, &controller, &before, "the end");
    });
}

#[test]
fn what_a_plugin_says_of_a_join_is_done() {
    host(|host| {
        let (controller, plugin, web, before) = settled(host, LONG);
        host.ip(&["link", "add", "dev0", "type", "veth", "peer", "name", "dev1"]);
        let answer = json!({
            "InterfaceName": {"SrcName": "dev0", "DstName": "lan7", "DstPrefix": "x"},
            "Gateway": "10.7.0.1",
            "StaticRoutes": [
                {"Destination": "10.9.0.0/24", "RouteType": 0, "NextHop": "10.7.0.33"},
                {"Destination": "10.10.0.0/24", "RouteType": 1},
            ],
            "DisableGatewayService": true,
        });
        plugin.does(&[(&of("Join"), answer)]);
        let made = controller.connect("far", &web, endpoint("web")).unwrap();
        assert_eq!(made.interface.unwrap().destination.to_string(), "lan7");
        let routes: Vec<_> = host.ip_in("web", &["route"]).as_array().unwrap().clone();
        let to = |destination: &str| routes.iter().find(|route| route["dst"] == destination);
        assert_eq!(to("10.9.0.0/24").unwrap()["gateway"], "10.7.0.33");
        assert_eq!(to("10.10.0.0/24").unwrap()["dev"], "lan7");
        assert_eq!(to("default"), None);
        controller.disconnect("far", "web").unwrap();
        host.ip(&["link", "delete", "dev0"]);
        nothing_is_left(host, &controller, &before, "the end");
    });
}

#[test]
fn a_plugin_that_chooses_the_addresses_has_its_way() {
    host(|host| {
        let (controller, plugin) = (open(LONG), Plugin::start("wire"));
        let mut open_ended = config("wire", "far");
        open_ended.ipv4 = false;
        controller.create_network(open_ended).unwrap();
        let web = sandbox(&controller, "web");
        host.ip(&["link", "add", "dev0", "type", "veth", "peer", "name", "dev1"]);
        plugin.does(&[
            (
                &of("CreateEndpoint"),
                json!({"Interface": {"Address": "10.44.0.9/24", "AddressIPv6": "fd44::9/64"}}),
            ),
            (&of("Join"), json!({"InterfaceName": {"SrcName": "dev0"}})),
        ]);
        let made = controller.connect("far", &web, endpoint("web")).unwrap();
        assert_eq!(addresses_of(&made), ["10.44.0.9/24", "fd44::9/64"]);
        let inside = host.ip_in("web", &["address", "show", "eth0"]);
        assert!(
            inside.to_string().contains("10.44.0.9") && inside.to_string().contains("fd44::9"),
            "{inside}"
        );
    });
}

#[test]
fn a_type_that_is_nowhere_says_where_it_was_looked_for() {
    host(|_| {
        let controller = open(LONG);
        let words = ["nowhere", "the known types are bridge", "/run/docker/plugins", "/run/specs"];
        refused(controller.create_network(config("nowhere", "far")), ErrorKind::NotFound, &words);
        let mut foreign = blue();
        foreign.ipam = "nowhere".to_owned();
        refused(
            controller.create_network(foreign),
            ErrorKind::NotFound,
            &["nowhere", "default", "/run/specs"],
        );
        refused(controller.activate_plugin("nowhere").map(drop), ErrorKind::NotFound, &["/run/specs"]);
        for hostile in ["../wire", "a/b", "", "x\0y", &"n".repeat(65)] {
            refused(controller.create_network(config(hostile, "far")), ErrorKind::NotFound, &[]);
            assert!(controller.activate_plugin(hostile).is_err());
        }
        let mut without = options(LONG);
        without.plugins.enabled = false;
        let _plugin = Plugin::start("wire");
        let without = Controller::open(without).unwrap();
        refused(without.create_network(far()), ErrorKind::NotFound, &["wire", "not looked for"]);
        assert_eq!(without.plugins().unwrap(), []);
        assert_eq!(controller.activate_plugin("wire").unwrap(), ["NetworkDriver", "IpamDriver"]);
    });
}

#[test]
fn a_plugin_that_is_no_driver_or_has_no_scope_is_not_registered() {
    host(|_| {
        let (controller, plugin) = (open(SHORT), Plugin::start("wire"));
        plugin.does(&[("Plugin.Activate", json!({"Implements": ["VolumeDriver"]}))]);
        let words = ["wire", "no NetworkDriver", "VolumeDriver"];
        refused(controller.create_network(far()), ErrorKind::NotFound, &words);
        assert_eq!(controller.activate_plugin("wire").unwrap(), ["VolumeDriver"]);
        for answer in
            [json!({"Scope": "galaxy"}), json!({}), json!({"Scope": "local", "ConnectivityScope": 7})]
        {
            plugin.does(&[(&of("GetCapabilities"), answer)]);
            let words = ["wire", "NetworkDriver.GetCapabilities"];
            refused(controller.create_network(far()), ErrorKind::System, &words);
        }
        for (mode, cause) in useless() {
            plugin.does(&[("Plugin.Activate", json!(mode))]);
            let error = controller.activate_plugin("wire").unwrap_err().to_string();
            assert!(error.contains(cause) && error.contains("Plugin.Activate"), "{mode}: {error}");
        }
        plugin.is_well();
        assert!(!controller.network_types().contains(&"wire".to_owned()));
        assert_eq!(controller.networks().unwrap().len(), 0);
        controller.create_network(far()).unwrap();
    });
}

#[test]
fn many_who_need_a_plugin_at_once_have_it_activated_once() {
    host(|_| {
        let (controller, plugin) = (open(LONG), Plugin::start("wire"));
        plugin.does(&[("Plugin.Activate", json!("hang"))]);
        std::thread::scope(|scope| {
            for number in 0..8 {
                let controller = &controller;
                scope.spawn(move || {
                    controller.create_network(config("wire", &format!("far{number}"))).unwrap()
                });
            }
            plugin.await_call("Plugin.Activate");
            plugin.is_well();
        });
        let calls = plugin.calls();
        let count = |method: &str| calls.iter().filter(|call| *call == method).count();
        assert_eq!(count("Plugin.Activate"), 1);
        assert_eq!(count(&of("GetCapabilities")), 1);
        assert_eq!(count(&of("CreateNetwork")), 8);
        let mut subnets: Vec<_> = controller
            .networks()
            .unwrap()
            .into_iter()
            .map(|(_, config)| config.unwrap().subnets[0].subnet)
            .collect();
        subnets.sort();
        subnets.dedup();
        assert_eq!(subnets.len(), 8);
    });
}

#[test]
fn a_controller_opens_without_asking_a_plugin_and_collects_with_it() {
    host(|_| {
        let plugin = Plugin::start("wire");
        let first = open(SHORT);
        first.create_network(far()).unwrap();
        let web = sandbox(&first, "web");
        first.connect("far", &web, endpoint("web")).unwrap();
        plugin.requests();
        // Its sandbox goes behind everybody's back.
        netns::Sandbox::remove(web.key()).unwrap();
        drop((web, first));
        let second = open(SHORT);
        assert_eq!(plugin.calls(), Vec::<String>::new());
        assert_eq!(second.endpoints().unwrap().len(), 1);
        // One that hangs does not keep the collector.
        plugin.does(&[("Plugin.Activate", json!("hang"))]);
        second.collect().unwrap();
        assert_eq!(second.endpoints().unwrap().len(), 1);
        plugin.is_well();
        plugin.requests();
        let collected = second.collect().unwrap();
        assert!(collected.findings.iter().all(|finding| finding.error.is_none()), "{collected:?}");
        assert_eq!(second.endpoints().unwrap(), []);
        let calls = plugin.calls();
        assert_eq!(calls[calls.len() - 2..], ["Leave", "DeleteEndpoint"].map(of));
    });
}

#[test]
fn what_is_not_answered_is_asked_again_until_the_plugin_is_back() {
    host(|_| {
        let (controller, plugin) = (open(LONG), Plugin::start("wire"));
        controller.create_network(far()).unwrap();
        plugin.kill();
        // Its socket is there, and nobody listens on it.
        std::thread::scope(|scope| {
            let made = scope.spawn(|| controller.create_endpoint("far", endpoint("web")));
            plugin.start_again();
            // It does not remember the network.
            let error = made.join().unwrap().unwrap_err().to_string();
            assert!(error.contains("no such one of networks"), "{error}");
        });
        assert_eq!(controller.endpoints().unwrap(), []);
    });
}

#[test]
fn a_dead_plugin_leaves_nothing_of_what_failed_and_can_be_forgotten() {
    host(|host| {
        let (controller, plugin, web, before) = settled(host, SHORT);
        for method in ["CreateEndpoint", "Join"] {
            plugin.does(&[(&of(method), json!("die"))]);
            let error = controller.connect("far", &web, endpoint("web")).unwrap_err().to_string();
            assert!(error.contains(&of(method)) && error.contains("wire.sock"), "{error}");
            nothing_is_left(host, &controller, &before, method);
            plugin.is_well();
            plugin.start_again();
            // It has forgotten the network.
            plugin.does(&[(&of("CreateEndpoint"), json!({}))]);
            let error = controller.connect("far", &web, endpoint("web")).unwrap_err().to_string();
            assert!(error.contains("no such one of endpoints"), "{error}");
            plugin.does(&[(&of("DeleteEndpoint"), json!({}))]);
            let _ = controller.disconnect("far", "web");
            let _ = controller.forget_endpoint("far", "web");
            nothing_is_left(host, &controller, &before, method);
            plugin.kill();
            plugin.start_again();
            plugin.is_well();
            // A network that its plugin does not know can be deleted.
            controller.delete_network("far").unwrap();
            controller.create_network(far()).unwrap();
        }
        controller.connect("far", &web, endpoint("web")).unwrap();
        plugin.kill();
        let error = controller.disconnect("far", "web").unwrap_err().to_string();
        assert!(error.contains("RevokeExternalConnectivity"), "{error}");
        assert_eq!(controller.endpoints().unwrap().len(), 1);
        controller.forget_endpoint("far", "web").unwrap();
        assert_eq!(controller.endpoints().unwrap(), []);
        refused(controller.delete_network("far"), ErrorKind::System, &["DeleteNetwork", "does not answer"]);
        assert_eq!(controller.networks().unwrap().len(), 1);
        controller.forget_network("far").unwrap();
        assert_eq!(controller.networks().unwrap().len(), 0);
        controller.forget_network("far").unwrap();
        // What it made is not for this library to clear away.
        host.ip(&["link", "delete", "o-web"]);
        plugin.start_again();
        controller.create_network(far()).unwrap();
        controller.create_endpoint("far", endpoint("web")).unwrap();
        plugin.kill();
        refused(controller.forget_network("far"), ErrorKind::Busy, &["web"]);
        controller.forget_endpoint("far", "web").unwrap();
        std::fs::remove_file("/run/docker/plugins/wire.sock").unwrap();
        let other = open(SHORT);
        other.delete_network("far").unwrap();
        assert_eq!(other.networks().unwrap().len(), 0);
    });
}

#[test]
fn a_plugin_of_global_scope_allocates_hears_and_skips_gateways() {
    host(|_| {
        let (controller, plugin) = (open(LONG), Plugin::start("wire"));
        plugin.does(&[(&of("GetCapabilities"), json!({"Scope": "global", "GwAllocChecker": true}))]);
        let made = controller.create_network(far().with_option("vlan", "7")).unwrap();
        assert_eq!(made.options.get("vni").unwrap(), "42");
        // SkipIPv4.
        let gateways: Vec<_> = made.subnets.iter().map(|subnet| subnet.gateway).collect();
        assert_eq!(gateways, [None, Some(ip("fd07::1"))]);
        let requests = plugin.requests();
        let body = |method: &str| &requests.iter().find(|own| own["method"] == of(method)).unwrap()["body"];
        assert_eq!(body("GwAllocCheck")["Options"]["com.docker.network.generic"]["vlan"], "7");
        assert_eq!(body("AllocateNetwork")["NetworkID"], "far");
        assert_eq!(body("CreateNetwork")["IPv4Data"][0].get("Gateway"), None);
        assert_eq!(body("CreateNetwork")["IPv4Data"][0]["AddressSpace"], "GlobalDefault");
        assert_eq!(body("CreateNetwork")["Options"]["com.docker.network.generic"]["vni"], "42");
        let web = sandbox(&controller, "web");
        assert_eq!(
            addresses_of(&controller.connect("far", &web, endpoint("web")).unwrap())[0],
            "10.7.0.1/24"
        );
        controller.disconnect("far", "web").unwrap();
        // Another reads the definition and has no gateway of its own either.
        assert_eq!(open(LONG).inspect_network("far").unwrap().config, made);
        plugin.requests();
        let node = json!({"Address": "192.0.2.7", "BindAddress": "192.0.2.7", "Self": true});
        controller.discover_new(DiscoveryType::Node, &node).unwrap();
        controller.discover_delete(DiscoveryType::Node, &node).unwrap();
        let heard: Vec<_> = plugin.requests();
        assert_eq!(heard[0]["body"], json!({"DiscoveryType": 1, "DiscoveryData": node}));
        assert_eq!(heard[1]["method"], of("DiscoverDelete"));
        controller.delete_network("far").unwrap();
        assert_eq!(plugin.calls(), ["DeleteNetwork", "FreeNetwork"].map(of));
        // What it says in place of what was asked for is kept too.
        let scope = (&*of("GetCapabilities"), json!({"Scope": "global", "GwAllocChecker": true}));
        plugin.does(&[scope, (&of("AllocateNetwork"), json!({"Options": {"vlan": "8"}}))]);
        controller.create_network(far().with_option("vlan", "7")).unwrap();
        let kept = open(LONG).inspect_network("far").unwrap().config;
        assert_eq!(kept.options.get("vlan").unwrap(), "8");
        controller.delete_network("far").unwrap();
        for method in ["GwAllocCheck", "AllocateNetwork"] {
            plugin.does(&[(&of(method), json!("refuse"))]);
            refused(controller.create_network(far()), ErrorKind::System, &[&of(method), "says"]);
            assert_eq!(controller.networks().unwrap().len(), 0);
        }
    });
}

/// While a plugin hangs in one method after the other, others join and leave at once.
#[test]
fn a_plugin_that_hangs_keeps_nobody_else_waiting() {
    host(|_| {
        let (controller, plugin) = (open(LONG), Plugin::start("wire"));
        let web = sandbox(&controller, "web");
        let db = sandbox(&controller, "db");
        controller.create_network(blue()).unwrap();
        controller.create_network(far()).unwrap();
        let hangs = |method: &str, act: &(dyn Fn() + Sync)| {
            plugin.requests();
            plugin.does(&[(method, json!("hang"))]);
            let is_over = AtomicBool::new(false);
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    act();
                    is_over.store(true, Ordering::SeqCst);
                });
                plugin.await_call(method);
                controller.connect("blue", &db, endpoint("db")).unwrap();
                controller.leave("blue", "db").unwrap();
                controller.delete_endpoint("blue", "db").unwrap();
                controller.create_network(with_subnets("bridge", "red", &["10.2.0.0/24"])).unwrap();
                controller.delete_network("red").unwrap();
                let other = sandbox(&controller, "other");
                controller.connect("blue", &other, endpoint("other")).unwrap();
                controller.destroy_sandbox(&other).unwrap();
                assert!(!is_over.load(Ordering::SeqCst), "{method} did not hang");
                plugin.is_well();
            });
        };
        let net = |method: &str| of(method);
        let near = || with_subnets("wire", "near", &["10.8.0.0/24"]);
        hangs(&net("CreateNetwork"), &|| drop(controller.create_network(near()).unwrap()));
        hangs(&net("DeleteNetwork"), &|| controller.delete_network("near").unwrap());
        hangs(&net("CreateEndpoint"), &|| drop(controller.connect("far", &web, endpoint("web")).unwrap()));
        hangs(&net("Leave"), &|| controller.leave("far", "web").unwrap());
        hangs(&net("DeleteEndpoint"), &|| controller.delete_endpoint("far", "web").unwrap());
        hangs(&net("CreateEndpoint"), &|| drop(controller.create_endpoint("far", endpoint("web")).unwrap()));
        hangs(&net("Join"), &|| drop(controller.join("far", "web", &web).unwrap()));
        hangs(&net("EndpointOperInfo"), &|| drop(controller.endpoint_oper_info("far", "web").unwrap()));
        hangs(&net("RevokeExternalConnectivity"), &|| controller.disconnect("far", "web").unwrap());
        hangs(&net("ProgramExternalConnectivity"), &|| {
            drop(controller.connect("far", &web, endpoint("web")).unwrap());
        });
        hangs(&net("DeleteEndpoint"), &|| controller.forget_endpoint("far", "web").unwrap());
        controller.connect("far", &web, endpoint("web")).unwrap();
        hangs(&net("Leave"), &|| controller.destroy_sandbox(&web).unwrap());

        // What the collector, and a sandbox that is gone, ask of it.
        let web = sandbox(&controller, "web");
        controller.connect("far", &web, endpoint("web")).unwrap();
        netns::Sandbox::remove(web.key()).unwrap();
        hangs(&net("DeleteEndpoint"), &|| drop(controller.collect().unwrap()));
        assert_eq!(controller.endpoints().unwrap(), []);

        // Another process, which has yet to find the plugin.
        let other = open(LONG);
        let web = sandbox(&controller, "web");
        hangs("Plugin.Activate", &|| drop(other.connect("far", &web, endpoint("web")).unwrap()));
        controller.disconnect("far", "web").unwrap();

        // And address management.
        let foreign = || {
            let mut foreign = config("bridge", "green");
            foreign.ipam = "wire".to_owned();
            foreign
        };
        let ipam = |method: &str| format!("IpamDriver.{method}");
        hangs(&ipam("GetDefaultAddressSpaces"), &|| drop(controller.create_network(foreign()).unwrap()));
        controller.delete_network("green").unwrap();
        hangs(&ipam("RequestPool"), &|| drop(controller.create_network(foreign()).unwrap()));
        hangs(&ipam("RequestAddress"), &|| drop(controller.connect("green", &web, endpoint("web")).unwrap()));
        hangs(&ipam("ReleaseAddress"), &|| controller.disconnect("green", "web").unwrap());
        controller.connect("green", &web, endpoint("web")).unwrap();
        hangs(&ipam("ReleaseAddress"), &|| controller.destroy_sandbox(&web).unwrap());
        let web = sandbox(&controller, "web");
        controller.connect("green", &web, endpoint("web")).unwrap();
        netns::Sandbox::remove(web.key()).unwrap();
        hangs(&ipam("ReleaseAddress"), &|| drop(controller.collect().unwrap()));
        hangs(&ipam("ReleasePool"), &|| controller.delete_network("green").unwrap());
    });
}

#[test]
fn a_linked_endpoint_of_a_plugin_is_handed_over_and_given_back() {
    host(|host| {
        let (controller, plugin, _web, before) = settled(host, LONG);
        let made = controller.link("far", at("web", &["10.7.0.77"])).unwrap();
        assert_eq!(made.interface.as_ref().unwrap().src_name.as_str(), "i-web");
        assert_eq!(plugin.requests()[1]["body"]["SandboxKey"], "");
        controller.delete_endpoint("far", "web").unwrap();
        let calls = plugin.calls();
        assert_eq!(calls[calls.len() - 2..], ["Leave", "DeleteEndpoint"].map(of));
        nothing_is_left(host, &controller, &before, "linked");
        plugin.does(&[(&of("Join"), json!("refuse"))]);
        refused(controller.link("far", endpoint("web")).map(drop), ErrorKind::System, &["says"]);
        nothing_is_left(host, &controller, &before, "not linked");
    });
}

#[test]
fn a_time_out_that_never_ends_is_as_good_as_others() {
    host(|_| {
        let _plugin = Plugin::start("wire");
        let controller = open(Duration::MAX);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| controller.activate_plugin("wire").unwrap());
            }
        });
    });
}

#[test]
fn a_plugin_is_told_which_ports_to_publish_and_no_two_endpoints_get_the_same() {
    host(|host| {
        let (controller, plugin, web, before) = settled(host, LONG);
        let with = |name: &str, port: &str| endpoint(name).with_port(port.parse().unwrap());
        let ports = "127.0.0.1:8080-8081:80-81/udp";
        let made = controller.connect("far", &web, with("web", ports)).unwrap();
        assert_eq!(made.ports.len(), 1);
        let binding = |own: u16, hosts: u16| json!({"Proto": 17, "IP": "", "Port": own, "HostIP": "127.0.0.1", "HostPort": hosts, "HostPortEnd": hosts});
        let exposed = |own: u16| json!({"Proto": 17, "Port": own});
        let told = json!({
            "com.docker.network.portmap": [binding(80, 8080), binding(81, 8081)],
            "com.docker.network.endpoint.exposedports": [exposed(80), exposed(81)],
        });
        let requests = plugin.requests();
        assert_eq!(requests.len(), 3);
        for request in requests {
            assert_eq!(request["body"]["Options"], told, "{request}");
        }
        let db = sandbox(&controller, "db");
        refused(
            controller.connect("far", &db, with("db", "127.0.0.1:8081:9/udp")).map(drop),
            ErrorKind::AlreadyExists,
            &["8081", "web"],
        );
        assert_eq!(plugin.calls(), Vec::<String>::new());
        // What it was told it is not told otherwise.
        let own = [ports.parse().unwrap()];
        refused(controller.publish("far", "web", &own), ErrorKind::BadRequest, &["wire"]);
        refused(controller.withdraw("far", "web", &own), ErrorKind::BadRequest, &["wire"]);
        controller.disconnect("far", "web").unwrap();
        let chosen = controller.connect("far", &db, with("db", "80")).unwrap().ports[0].host_ports.unwrap();
        let made = &plugin.requests()[3]["body"]["Options"]["com.docker.network.portmap"][0];
        assert_eq!(made["HostPort"], json!(chosen.first()));
        controller.destroy_sandbox(&db).unwrap();
        nothing_is_left(host, &controller, &before, "the end");
    });
}
