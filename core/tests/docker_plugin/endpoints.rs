//! Endpoints of Docker's, in order, out of order and again.

use std::thread;

use serde_json::{json, Value};
use testhost::{host, Host};

use crate::common::{link, links, veth};
use crate::control::{open, settled};
use crate::dockerd::{endpoint, id, join, network, of, of_network, text, Container};
use crate::wire::Plugin;

const CREATE: &str = "NetworkDriver.CreateEndpoint";
const JOIN: &str = "NetworkDriver.Join";

fn with_network(host: &Host) -> Plugin {
    let (_, _) = settled(host);
    let plugin = Plugin::start();
    plugin.good("NetworkDriver.CreateNetwork", &network("blue", &json!({})));
    plugin
}

#[test]
fn an_endpoint_answers_with_what_was_not_given_and_joins_with_the_name_of_its_device() {
    host(|host| {
        let plugin = with_network(host);
        let before = host.dump();
        let made = plugin.good(CREATE, &endpoint("blue", "web", 2));
        let mac = text(&made["Interface"]["MacAddress"]);
        assert_eq!(made["Interface"], json!({ "Address": "", "AddressIPv6": "", "MacAddress": mac }));
        let joined = plugin.good(JOIN, &join("blue", "web"));
        let names = &joined["InterfaceName"];
        assert_eq!((&names["DstPrefix"], &names["DstName"]), (&json!("eth"), &json!("")));
        assert_eq!(link(host, "", &text(&names["SrcName"]))["address"], mac);
        assert_eq!((&joined["Gateway"], &joined["GatewayIPv6"]), (&json!("172.18.0.1"), &json!("fd18::1")));
        assert_eq!((&joined["StaticRoutes"], &joined["DisableGatewayService"]), (&json!([]), &json!(false)));
        let known = plugin.good("NetworkDriver.EndpointOperInfo", &of("blue", "web"));
        assert_eq!(known["Value"]["bridge"], format!("br-{}", &id("blue")[..12]));
        let mut given = endpoint("blue", "db", 3);
        given["Interface"]["MacAddress"] = "02:00:00:00:00:03".into();
        let none = json!({ "Address": "", "AddressIPv6": "", "MacAddress": "" });
        assert_eq!(plugin.good(CREATE, &given)["Interface"], none);
        for name in ["web", "db"] {
            for method in ["Leave", "Leave", "DeleteEndpoint", "DeleteEndpoint"] {
                plugin.good(&format!("NetworkDriver.{method}"), &of("blue", name));
            }
        }
        host.assert_returns_to(&before, "endpoints that came and went");
        assert_eq!(open().endpoints().unwrap(), []);
    });
}

#[test]
fn a_request_that_comes_again_has_the_same_answer_and_another_says_what_differs() {
    host(|host| {
        let plugin = with_network(host);
        let made = plugin.good(CREATE, &endpoint("blue", "web", 2));
        let joined = plugin.good(JOIN, &join("blue", "web"));
        let before = host.dump();
        assert_eq!(plugin.good(CREATE, &endpoint("blue", "web", 2)), made);
        assert_eq!(plugin.good(JOIN, &join("blue", "web")), joined);
        plugin.bad(CREATE, &endpoint("blue", "web", 3), &["Address", "172.18.0.2", "172.18.0.3"]);
        let mut other = endpoint("blue", "web", 2);
        other["Interface"]["MacAddress"] = "02:00:00:00:00:03".into();
        plugin.bad(CREATE, &other, &["MacAddress", "02:00:00:00:00:03"]);
        let mut other = endpoint("blue", "web", 2);
        other["Options"]["hairpin"] = true.into();
        plugin.bad(CREATE, &other, &["Options", "hairpin"]);
        let mut elsewhere = join("blue", "web");
        elsewhere["SandboxKey"] = "/var/run/docker/netns/other".into();
        plugin.bad(JOIN, &elsewhere, &["other", "netns/web", "leave"]);
        host.assert_returns_to(&before, "requests that came again");
        plugin.good("NetworkDriver.Leave", &of("blue", "web"));
        assert_eq!(plugin.good(JOIN, &elsewhere), joined);
    });
}

#[test]
fn endpoints_that_cannot_be_leave_nothing() {
    host(|host| {
        let plugin = with_network(host);
        plugin.bad(JOIN, &join("blue", "web"), &["no endpoint"]);
        let before = host.dump();
        let refused: [(&str, Value, &[&str]); 9] = [
            ("Address", json!(""), &["static", "name one"]),
            ("Address", json!("172.18.0.2"), &["Address", "172.18.0.2"]),
            ("Address", json!("172.18.0.2/24"), &["172.18.0.2/24", "172.18.0.0/16"]),
            ("Address", json!("10.0.0.2/16"), &["10.0.0.2/16", "172.18.0.0/16"]),
            ("Address", json!("fd18::2/64"), &["fd18::2"]),
            ("AddressIPv6", json!("fd19::2/64"), &["fd19::2", "fd18::/64"]),
            ("AddressIPv6", json!("garbage"), &["AddressIPv6", "garbage"]),
            ("MacAddress", json!("garbage"), &["MacAddress", "garbage"]),
            ("MacAddress", json!("01:00:00:00:00:01"), &["01:00:00:00:00:01"]),
        ];
        for (field, value, words) in refused {
            let mut request = endpoint("blue", "web", 2);
            request["Interface"][field] = value;
            plugin.bad(CREATE, &request, words);
        }
        let mut request = endpoint("blue", "web", 2);
        request["Options"]["bogus"] = true.into();
        plugin.bad(CREATE, &request, &["bogus", "hairpin"]);
        // Its device's name is somebody else's.
        plugin.good(CREATE, &endpoint("blue", "web", 2));
        let name = text(&plugin.good(JOIN, &join("blue", "web"))["InterfaceName"]["SrcName"]);
        plugin.good("NetworkDriver.DeleteEndpoint", &of("blue", "web"));
        let taken = host.dump();
        veth(host, &name, "other");
        plugin.good(CREATE, &endpoint("blue", "web", 2));
        // And again: it is still there.
        for _ in 0..2 {
            plugin.bad(JOIN, &join("blue", "web"), &[&name]);
        }
        plugin.good("NetworkDriver.DeleteEndpoint", &of("blue", "web"));
        host.ip(&["link", "delete", "other"]);
        host.assert_returns_to(&taken, "a name that was taken");
        host.assert_returns_to(&before, "endpoints that were refused");
        assert_eq!(open().endpoints().unwrap(), []);
    });
}

#[test]
fn requests_for_one_endpoint_at_once_make_one() {
    host(|host| {
        let plugin = with_network(host);
        let before = host.dump();
        let answers: Vec<_> = thread::scope(|scope| {
            let all: Vec<_> = (0..20)
                .map(|_| {
                    scope.spawn(|| {
                        let made = plugin.good(CREATE, &endpoint("blue", "web", 2));
                        (made, plugin.good(JOIN, &join("blue", "web")))
                    })
                })
                .collect();
            all.into_iter().map(|one| one.join().unwrap()).collect()
        });
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
        assert_eq!(open().endpoints().unwrap().len(), 1);
        // Some make it while others take it away: whatever is said, it is there whole or not at all.
        thread::scope(|scope| {
            for number in 0..20 {
                let plugin = &plugin;
                scope.spawn(move || match number % 4 {
                    0 => drop(plugin.good("NetworkDriver.DeleteEndpoint", &of("blue", "web"))),
                    1 => drop(plugin.good("NetworkDriver.Leave", &of("blue", "web"))),
                    2 => drop(plugin.call(JOIN, &join("blue", "web"))),
                    _ => drop(plugin.good(CREATE, &endpoint("blue", "web", 2))),
                });
            }
        });
        plugin.good("NetworkDriver.DeleteEndpoint", &of("blue", "web"));
        host.assert_returns_to(&before, "requests at once");
        assert_eq!(open().collect().unwrap().findings, []);
    });
}

#[test]
fn what_docker_forgot_of_a_network_goes_with_it_and_what_others_joined_does_not() {
    host(|host| {
        let plugin = with_network(host);
        let controller = open();
        plugin.good(CREATE, &endpoint("blue", "web", 2));
        let (network, own) = (id("blue"), crate::control::at("own", &["172.18.0.9", "fd18::9"]));
        let sandbox = controller.create_sandbox("own").unwrap();
        controller.connect(&network, &sandbox, own).unwrap();
        // A name like those of Docker's does not make it one of them.
        let like = crate::control::at(&id("like"), &["172.18.0.10", "fd18::10"]);
        let other = controller.create_sandbox("like").unwrap();
        controller.connect(&network, &other, like).unwrap();
        plugin.bad("NetworkDriver.DeleteNetwork", &of_network("blue"), &["own", "in use"]);
        assert_eq!(controller.endpoints().unwrap().len(), 2);
        for sandbox in [sandbox, other] {
            controller.destroy_sandbox(&sandbox).unwrap();
        }
        plugin.good("NetworkDriver.DeleteNetwork", &of_network("blue"));
        assert_eq!(controller.networks().unwrap().len(), 0);
    });
}

#[test]
fn an_endpoint_whose_devices_somebody_deleted_has_others_when_it_joins() {
    host(|host| {
        let plugin = with_network(host);
        plugin.good(CREATE, &endpoint("blue", "web", 2));
        let joined = plugin.good(JOIN, &join("blue", "web"));
        let name = text(&joined["InterfaceName"]["SrcName"]);
        host.ip(&["link", "delete", &name]);
        plugin.good(CREATE, &endpoint("blue", "web", 2));
        assert_eq!(plugin.good(JOIN, &join("blue", "web")), joined);
        assert!(links(host, "").contains(&name));
    });
}

#[test]
fn an_address_that_docker_gives_anew_is_no_longer_that_of_an_endpoint_it_has_forgotten() {
    host(|host| {
        let (_, _) = settled(host);
        for kind in ["routed", "bridge"] {
            let plugin = Plugin::start();
            plugin.good("NetworkDriver.CreateNetwork", &network("blue", &json!({ "driver": kind })));
            plugin.good(CREATE, &endpoint("blue", "other", 9));
            plugin.good(CREATE, &endpoint("blue", "web", 2));
            plugin.good(JOIN, &join("blue", "web"));
            plugin.stop();
            let plugin = Plugin::start();
            plugin.good(CREATE, &endpoint("blue", "new", 2));
            plugin.good(JOIN, &join("blue", "new"));
            let there = open().endpoints().unwrap();
            assert!(there.iter().any(|own| own.name().as_str() == id("other")), "{kind}: {there:?}");
            plugin.good("NetworkDriver.DeleteEndpoint", &of("blue", "web"));
            plugin.good("NetworkDriver.DeleteNetwork", &of_network("blue"));
            plugin.stop();
        }
    });
}

#[test]
fn an_endpoint_whose_container_was_killed_with_its_device_is_gone_and_may_be_deleted() {
    host(|host| {
        let plugin = with_network(host);
        let before = host.dump();
        let _container = Container::run(host, &plugin, "blue", "web", 2);
        host.ip(&["netns", "delete", "web"]);
        for method in ["RevokeExternalConnectivity", "Leave", "DeleteEndpoint"] {
            plugin.good(&format!("NetworkDriver.{method}"), &of("blue", "web"));
        }
        let ours = |name: &String| name.starts_with("veth");
        let begin = std::time::Instant::now();
        while links(host, "").iter().any(ours) && begin.elapsed().as_secs() < 10 {
            thread::yield_now();
        }
        host.run("rmdir", &["/run/netns"]);
        assert_eq!(open().collect().unwrap().findings, []);
        let _ = before;
        assert!(!links(host, "").iter().any(ours));
    });
}
