//! Docker's plugins as address managements: what they may answer, and what comes of it.

mod common;
mod control;
mod plugin;

use std::time::Duration;

use common::refused;
use control::{addresses_of, at, config, endpoint, ip, sandbox};
use netns::{Controller, ErrorKind, NetworkConfig};
use plugin::{options, Plugin};
use serde_json::{json, Value};
use testhost::{host, Host, State};

const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(400);

fn open(timeout: Duration) -> Controller {
    Controller::open(options(timeout)).unwrap()
}

fn of(method: &str) -> String {
    format!("IpamDriver.{method}")
}

/// The dual-stack bridge network `green`, whose addresses a plugin gives.
fn green() -> NetworkConfig {
    let mut config = config("bridge", "green").with_ipv6();
    config.ipam = "pools".to_owned();
    config.ipam_options.insert("floor".to_owned(), "3".to_owned());
    config
}

fn settled(host: &Host, timeout: Duration) -> (Controller, Plugin, State) {
    let plugin = Plugin::start("pools");
    plugin.does(&[("Plugin.Activate", json!({"Implements": ["IpamDriver"]}))]);
    let (first, _) = control::settled(host);
    drop(first);
    (open(timeout), plugin, host.dump())
}

#[test]
fn a_plugin_gives_a_bridge_network_its_addresses_and_gets_them_back() {
    host(|host| {
        let (controller, plugin, before) = settled(host, LONG);
        let made = controller.create_network(green()).unwrap();
        let requests = plugin.requests();
        let methods: Vec<_> = requests.iter().map(|own| own["method"].as_str().unwrap()).collect();
        let family =
            ["IpamDriver.GetDefaultAddressSpaces", "IpamDriver.RequestPool", "IpamDriver.RequestAddress"];
        let first = ["Plugin.Activate", "IpamDriver.GetCapabilities"];
        assert_eq!(methods, [&first[..], &family[..], &family[..]].concat());
        let pool = json!({"AddressSpace": "here", "Pool": "", "SubPool": "", "Options": {"floor": "3"}, "V6": false});
        assert_eq!(requests[3]["body"], pool);
        let gateway = json!({
            "PoolID": "pool of here: 10.77.0.0/24", "Address": "",
            "Options": {"RequestAddressType": "com.docker.network.gateway"},
        });
        assert_eq!(requests[4]["body"], gateway);
        assert_eq!(requests[6]["body"]["V6"], true);
        let subnets: Vec<_> =
            made.subnets.iter().map(|own| (own.subnet.to_string(), own.gateway.unwrap())).collect();
        let wanted = [("10.77.0.0/24".to_owned(), ip("10.77.0.1")), ("fd77::/64".to_owned(), ip("fd77::1"))];
        assert_eq!(subnets, wanted);
        let web = sandbox(&controller, "web");
        let connected = controller.connect("green", &web, endpoint("web")).unwrap();
        assert_eq!(addresses_of(&connected), ["10.77.0.5/24", "fd77::5/64"]);
        assert!(host.ping("web", ip("10.77.0.1")) && host.ping("web", ip("fd77::1")));
        // Another process gives back what this one took.
        open(LONG).disconnect("green", "web").unwrap();
        let calls = plugin.calls();
        assert_eq!(calls[calls.len() - 2..], [of("ReleaseAddress"), of("ReleaseAddress")]);
        let own = at("web", &["10.77.0.70", "fd77::70"]);
        assert_eq!(
            addresses_of(&controller.connect("green", &web, own).unwrap()),
            ["10.77.0.70/24", "fd77::70/64"]
        );
        controller.destroy_sandbox(&web).unwrap();
        plugin.requests();
        controller.delete_network("green").unwrap();
        let each = [of("ReleaseAddress"), of("ReleasePool")];
        assert_eq!(plugin.calls(), [&each[..], &each[..]].concat());
        host.assert_returns_to(&before, "the end");
    });
}

#[test]
fn whatever_a_plugin_answers_nothing_is_left_of_what_failed() {
    host(|host| {
        let (controller, plugin, before) = settled(host, SHORT);
        let useless = [
            ("refuse", "it says: the plugin"),
            ("500 json", "the plugin is unwell"),
            ("500 text", "the plugin is unwell"),
            ("404", "404"),
            ("malformed", "no JSON"),
            ("empty", "the body is empty"),
            ("huge", "longer than 1048576 bytes"),
            ("endless", "longer than 1048576 bytes"),
            ("cut", "ends too early"),
            ("hang", "the time is up"),
            ("drop", "does not answer"),
        ];
        for method in ["GetDefaultAddressSpaces", "RequestPool", "RequestAddress"] {
            for (mode, cause) in useless {
                plugin.does(&[
                    (&of(method), json!(mode)),
                    ("Plugin.Activate", json!({"Implements": ["IpamDriver"]})),
                ]);
                let error = controller.create_network(green()).unwrap_err();
                let text = error.to_string();
                plugin.is_well();
                assert_eq!(error.kind(), ErrorKind::System, "{text}");
                assert!(text.contains(&of(method)) && text.contains(cause), "{method}: {mode}: {text}");
                assert_eq!(controller.networks().unwrap().len(), 0, "{method}: {mode}");
                host.assert_returns_to(&before, mode);
                // What hung was answered in the end.
                plugin.kill();
                plugin.start_again();
            }
        }
        controller.create_network(green()).unwrap();
        let web = sandbox(&controller, "web");
        let there = host.dump();
        for (mode, cause) in useless {
            plugin.does(&[(&of("RequestAddress"), json!(mode))]);
            let error = controller.connect("green", &web, endpoint("web")).unwrap_err().to_string();
            plugin.is_well();
            assert!(error.contains(&of("RequestAddress")) && error.contains(cause), "{mode}: {error}");
            assert_eq!(controller.endpoints().unwrap(), []);
            host.assert_returns_to(&there, mode);
        }
        // What is not given back is not in the way: the endpoint is gone.
        for (mode, _) in useless {
            controller.connect("green", &web, endpoint("web")).unwrap();
            plugin.does(&[(&of("ReleaseAddress"), json!(mode))]);
            controller.disconnect("green", "web").unwrap();
            plugin.is_well();
            host.assert_returns_to(&there, mode);
        }
        plugin.does(&[(&of("ReleasePool"), json!("refuse"))]);
        controller.delete_network("green").unwrap();
    });
}

#[test]
fn what_a_plugin_may_not_answer_is_refused_with_its_name() {
    host(|host| {
        let (controller, plugin, before) = settled(host, LONG);
        let pool = |id: &str, pool: &str| json!({"PoolID": id, "Pool": pool});
        let wrong = [
            (of("GetDefaultAddressSpaces"), json!({"LocalDefaultAddressSpace": "a/../b"}), "a/../b"),
            (of("RequestPool"), pool("", "10.77.0.0/24"), "PoolID"),
            (of("RequestPool"), pool("a\nb", "10.77.0.0/24"), "PoolID"),
            (of("RequestPool"), pool(&"p".repeat(1025), "10.77.0.0/24"), "PoolID"),
            (of("RequestPool"), pool("p", ""), "no prefix"),
            (of("RequestPool"), pool("p", "10.77.0.1/24"), "host bits"),
            (of("RequestPool"), pool("p", "fd77::/64"), "other family"),
            (of("RequestAddress"), json!({"Address": ""}), "no address"),
            (of("RequestAddress"), json!({"Address": "10.77.0.9"}), "no address"),
            (of("RequestAddress"), json!({"Address": "10.77.0.0/24"}), "first address"),
            (of("RequestAddress"), json!({"Address": "224.0.0.9/24"}), "unicast"),
            (of("RequestAddress"), json!({"Address": "10.99.0.9/24"}), "10.99.0.9"),
        ];
        for (method, answer, cause) in wrong {
            plugin.does(&[
                (&method, answer.clone()),
                (&of("ReleasePool"), json!({})),
                ("Plugin.Activate", json!({"Implements": ["IpamDriver"]})),
            ]);
            let error = controller.create_network(green()).unwrap_err().to_string();
            assert!(error.contains(cause), "{method}: {answer}: {error}");
            assert_eq!(controller.networks().unwrap().len(), 0, "{answer}");
            host.assert_returns_to(&before, &answer.to_string());
        }
        let mut given = green();
        given.ipv6 = false;
        given = given.with_subnet("10.50.0.0/24".parse().unwrap());
        plugin.does(&[(&of("RequestPool"), pool("p", "10.51.0.0/24")), (&of("ReleasePool"), json!({}))]);
        refused(
            controller.create_network(given),
            ErrorKind::System,
            &["10.51.0.0/24", "10.50.0.0/24", "asked for"],
        );
        plugin.kill();
        plugin.start_again();
        plugin.is_well();
        controller.create_network(green()).unwrap();
        let web = sandbox(&controller, "web");
        let there = host.dump();
        for answer in ["10.99.0.9/24", "fd77::9/64", "10.77.0.6/0"] {
            plugin.does(&[(&of("RequestAddress"), json!({"Address": answer}))]);
            let error = controller.connect("green", &web, endpoint("web")).unwrap_err().to_string();
            assert!(error.contains(answer.split('/').next().unwrap()), "{answer}: {error}");
            assert_eq!(controller.endpoints().unwrap(), [], "{answer}");
            host.assert_returns_to(&there, answer);
        }
        plugin.does(&[(&of("RequestAddress"), json!({"Address": "10.77.0.6/24"}))]);
        let wanted = at("web", &["10.77.0.70"]);
        let error = controller.connect("green", &web, wanted).unwrap_err().to_string();
        assert!(error.contains("10.77.0.70 was asked for"), "{error}");
        // What was given and cannot be used is given back.
        plugin.requests();
        let released = |plugin: &Plugin, key: &str| {
            let requests = plugin.requests();
            let release = requests.iter().find(|own| own["method"].as_str().unwrap().contains("Release"));
            release.map(|own| own["body"][key].clone())
        };
        for (answer, wanted, given) in [
            ("10.77.0.8", None, "10.77.0.8"),
            ("rubbish", Some("10.77.0.9"), "10.77.0.9"),
            ("10.77.0.6/24", Some("10.77.0.9"), "10.77.0.6"),
        ] {
            plugin.does(&[
                (&of("RequestAddress"), json!({ "Address": answer })),
                (&of("ReleaseAddress"), json!({})),
            ]);
            let web_at = wanted.map_or(endpoint("web"), |wanted| at("web", &[wanted]));
            let error = controller.connect("green", &web, web_at).unwrap_err().to_string();
            assert!(error.contains(answer), "{error}");
            assert_eq!(released(&plugin, "Address"), Some(json!(given)), "{answer}: {error}");
        }
        let mut nameless = green();
        nameless.name = netns::Name::new("nameless").unwrap();
        plugin.does(&[(&of("RequestPool"), pool("a\nb", "10.78.0.0/24")), (&of("ReleasePool"), json!({}))]);
        let error = controller.create_network(nameless).unwrap_err().to_string();
        assert!(!error.contains("could not undo"), "{error}");
        assert_eq!(released(&plugin, "PoolID"), Some(json!("a\nb")), "{error}");
        // Its pool is another's already.
        let blue = control::with_subnets("bridge", "blue", &["10.60.0.0/24"]);
        controller.create_network(blue).unwrap();
        let mut other = green();
        other.name = netns::Name::new("other").unwrap();
        plugin.does(&[(&of("RequestPool"), pool("p", "10.60.0.0/16")), (&of("ReleasePool"), json!({}))]);
        assert!(controller.create_network(other).is_err());
    });
}

#[test]
fn a_plugin_that_wants_the_mac_address_is_told_it_with_each_request() {
    host(|host| {
        let (controller, plugin, _) = settled(host, LONG);
        plugin.does(&[
            ("Plugin.Activate", json!({"Implements": ["IpamDriver"]})),
            (&of("GetCapabilities"), json!({"RequiresMACAddress": true})),
        ]);
        controller.create_network(green()).unwrap();
        plugin.requests();
        let web = sandbox(&controller, "web");
        let made = controller.connect("green", &web, endpoint("web")).unwrap();
        let mac = made.mac.unwrap().to_string();
        let asked: Vec<Value> = plugin.requests();
        assert_eq!(asked.len(), 2);
        for request in asked {
            assert_eq!(request["body"]["Options"]["com.docker.network.endpoint.macaddress"], json!(mac));
        }
        let inside = host.ip_in("web", &["link", "show", "eth0"]);
        assert_eq!(inside[0]["address"], json!(mac));
    });
}

#[test]
fn one_that_does_not_know_capabilities_has_none() {
    host(|_| {
        for (number, mode) in ["404", "refuse", "500 text", "malformed"].into_iter().enumerate() {
            let name = format!("pools{number}");
            let (controller, plugin) = (open(SHORT), Plugin::start(&name));
            plugin.does(&[
                ("Plugin.Activate", json!({"Implements": ["IpamDriver"]})),
                (&of("GetCapabilities"), json!(mode)),
            ]);
            assert_eq!(controller.activate_plugin(&name).unwrap(), ["IpamDriver"], "{mode}");
            assert!(controller.ipam(&name).is_ok());
        }
        let (controller, plugin) = (open(SHORT), Plugin::start("pools"));
        plugin.does(&[
            ("Plugin.Activate", json!({"Implements": ["IpamDriver"]})),
            (&of("GetCapabilities"), json!("hang")),
        ]);
        refused(controller.activate_plugin("pools"), ErrorKind::System, &[&of("GetCapabilities")]);
    });
}

/// A network whose plugin is driver and address management at once.
#[test]
fn a_plugin_can_be_driver_and_address_management_of_one_network() {
    host(|host| {
        let (controller, plugin, before) = settled(host, LONG);
        plugin.is_well();
        let mut both = config("pools", "far").with_ipv6();
        both.ipam = "pools".to_owned();
        controller.create_network(both).unwrap();
        let web = sandbox(&controller, "web");
        let made = controller.connect("far", &web, endpoint("web")).unwrap();
        assert_eq!(addresses_of(&made), ["10.77.0.5/24", "fd77::5/64"]);
        assert!(host.ping("web", ip("10.77.0.1")));
        controller.destroy_sandbox(&web).unwrap();
        assert_eq!(controller.endpoints().unwrap(), []);
        controller.delete_network("far").unwrap();
        host.assert_returns_to(&before, "the end");
        let requests = plugin.requests();
        let of_method =
            |method: &str| requests.iter().filter(|own| own["method"] == method).collect::<Vec<_>>();
        assert_eq!(
            of_method("IpamDriver.RequestAddress").len(),
            of_method("IpamDriver.ReleaseAddress").len()
        );
        let told = &of_method("NetworkDriver.CreateNetwork")[0]["body"];
        assert_eq!(
            [&told["IPv4Data"][0]["AddressSpace"], &told["IPv6Data"][0]["AddressSpace"]],
            ["here", "here"]
        );
    });
}

#[test]
fn an_address_that_is_given_twice_stays_with_who_has_it() {
    host(|host| {
        let (controller, plugin, _) = settled(host, LONG);
        let mut v4 = green();
        v4.ipv6 = false;
        controller.create_network(v4).unwrap();
        let (web, db) = (sandbox(&controller, "web"), sandbox(&controller, "db"));
        let taken = addresses_of(&controller.connect("green", &web, endpoint("web")).unwrap());
        assert_eq!(taken, ["10.77.0.5/24"]);
        let there = host.dump();
        // An endpoint's, whether or not that is what was asked for, and the gateway.
        for (address, owner) in [("10.77.0.5/24", "endpoint web"), ("10.77.0.1/24", "network green itself")] {
            plugin.does(&[(&of("RequestAddress"), json!({ "Address": address }))]);
            let wanted = at("db", &[address.split('/').next().unwrap()]);
            let linked = || controller.link("green", endpoint("db")).map(drop);
            let all: [&dyn Fn() -> netns::Result<()>; 4] = [
                &|| controller.connect("green", &db, endpoint("db")).map(drop),
                &|| controller.connect("green", &db, wanted.clone()).map(drop),
                &|| controller.create_endpoint("green", endpoint("db")).map(drop),
                &linked,
            ];
            for connect in all {
                plugin.requests();
                refused(connect(), ErrorKind::System, &[address, owner, "pools"]);
                assert_eq!(plugin.calls(), [of("RequestAddress")], "{address}");
                host.assert_returns_to(&there, address);
            }
        }
        plugin.is_well();
        let made = controller.connect("green", &db, endpoint("db")).unwrap();
        assert_eq!(addresses_of(&made), ["10.77.0.6/24"]);
        plugin.requests();
        controller.disconnect("green", "web").unwrap();
        assert_eq!(plugin.calls(), [of("ReleaseAddress")]);
    });
}

#[test]
fn a_gateway_that_comes_with_the_pool_is_not_asked_for() {
    host(|host| {
        let (controller, plugin, before) = settled(host, LONG);
        let pool = |gateway: &str| {
            let data = json!({"com.docker.network.gateway": gateway});
            json!({"PoolID": "p", "Pool": "10.77.0.0/24", "Data": data})
        };
        let mut v4 = green();
        v4.ipv6 = false;
        let answers = |gateway: &str| {
            plugin.requests();
            plugin.does(&[
                ("Plugin.Activate", json!({"Implements": ["IpamDriver"]})),
                (&of("RequestPool"), pool(gateway)),
                (&of("RequestAddress"), json!({"Address": "10.77.0.8/24"})),
                (&of("ReleaseAddress"), json!({})),
                (&of("ReleasePool"), json!({})),
            ]);
        };
        answers("10.77.0.7/24");
        let made = controller.create_network(v4.clone()).unwrap();
        assert_eq!(made.subnets[0].gateway, Some(ip("10.77.0.7")));
        assert!(!plugin.calls().contains(&of("RequestAddress")));
        controller.delete_network("green").unwrap();
        assert_eq!(plugin.calls(), [of("ReleaseAddress"), of("ReleasePool")]);
        // One that is named is asked for all the same.
        let mut given = v4.clone().with_subnet("10.77.0.0/24".parse().unwrap());
        given.subnets[0].gateway = Some(ip("10.77.0.8"));
        answers("10.77.0.7/24");
        let made = controller.create_network(given).unwrap();
        assert_eq!(made.subnets[0].gateway, Some(ip("10.77.0.8")));
        assert!(plugin.calls().contains(&of("RequestAddress")));
        controller.delete_network("green").unwrap();
        for wrong in ["", "10.77.0.7", "fd77::1/64", "10.99.0.1/24", "10.77.0.0/24"] {
            answers(wrong);
            let error = controller.create_network(v4.clone()).unwrap_err().to_string();
            assert!(error.contains(wrong.split('/').next().unwrap()), "{wrong}: {error}");
            assert_eq!(plugin.calls().last(), Some(&of("ReleasePool")), "{wrong}: {error}");
            host.assert_returns_to(&before, wrong);
        }
    });
}
