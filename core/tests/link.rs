//! Promises of endpoints whose devices wait in the host: the controller's and nobody else's to take away,
//! and their caller's to move.

mod child;
mod common;
mod control;

use std::fs;
use std::net::IpAddr;

use common::{addresses, is_up, link, links, neighbours, refused, routes};
use control::{addresses_of, at, blue, config, endpoint, open, options, sandbox, settled, with_subnets};
use netns::libcontainer::set_interface_in_namespace_fd;
use netns::{Controller, Endpoint, ErrorKind, EventKind, FindingKind, Lifetime, NetworkConfig, Sandbox};
use serde_json::Value;
use testhost::{host, Host, State};

/// The two types of network that have such endpoints, dual-stack, both called `blue`.
fn networks() -> [NetworkConfig; 2] {
    let subnets = ["10.1.0.0/24", "fd01::/64"];
    [with_subnets("bridge", "blue", &subnets), with_subnets("routed", "blue", &subnets)]
}

/// On a host each: a controller with that network, and the host as it was before.
#[track_caller]
fn on_each(act: impl Fn(&Host, Controller, State) + Sync) {
    for network in networks() {
        host(|host| {
            let (controller, before) = settled(host);
            controller.create_network(network).unwrap();
            act(host, controller, before);
        });
    }
}

fn linked(controller: &Controller, name: &str) -> Endpoint {
    controller.link("blue", endpoint(name)).unwrap()
}

/// The name of the device that waits.
fn waiting(endpoint: &Endpoint) -> String {
    endpoint.interface.as_ref().unwrap().src_name.to_string()
}

/// The name of its other end.
fn host_end(endpoint: &Endpoint) -> String {
    waiting(endpoint).trim_end_matches('p').to_owned()
}

fn moved(sandbox: &Sandbox, endpoint: &Endpoint) {
    sandbox.add_interface(endpoint.interface.as_ref().unwrap()).unwrap();
}

fn findings(controller: &Controller) -> Vec<(FindingKind, String)> {
    let findings = controller.collect().unwrap().findings;
    findings.into_iter().map(|finding| (finding.kind, finding.object)).collect()
}

/// What `ip` prints for a link, but for what follows from the moment of its making.
fn lasting(mut link: Value) -> Value {
    let own = link.as_object_mut().unwrap();
    for key in ["ifindex", "link_index", "link_netnsid", "stats64", "gso_max_size", "gro_max_size"] {
        own.remove(key);
    }
    for address in own["addr_info"].as_array_mut().unwrap() {
        address.as_object_mut().unwrap().remove("stable-privacy");
    }
    let timers = own.get_mut("linkinfo").and_then(|info| info.get_mut("info_slave_data"));
    if let Some(timers) = timers.and_then(Value::as_object_mut) {
        timers.retain(|key, _| !key.contains("timer"));
    }
    link
}

/// An endpoint as it is seen inside and in the host.
fn seen(host: &Host, place: &str, host_end: &str) -> (Value, Value, Vec<String>, Vec<String>) {
    let ways = [routes(host, place, "-4"), routes(host, place, "-6")].concat();
    let ways_back = objects_through(host, host_end);
    let inside = lasting(link(host, place, "eth0"));
    (inside, lasting(link(host, "", host_end)), [ways, ways_back].concat(), neighbours(host, place))
}

/// The host's routes through a link.
fn objects_through(host: &Host, name: &str) -> Vec<String> {
    let of = |family: &str| common::objects(host.ip(&[family, "route", "show", "dev", name]));
    let all = [of("-4"), of("-6")].concat();
    let mut lines: Vec<_> =
        all.iter().map(|route| format!("{} {}", route["dst"], route["prefsrc"])).collect();
    lines.sort();
    lines
}

#[test]
fn a_device_that_its_caller_added_is_as_one_that_was_born_inside() {
    for network in networks() {
        host(|host| {
            let controller = open();
            let network_type = controller.create_network(network).unwrap().network_type;
            let mut wanted = at("web", &["10.1.0.7", "fd01::7"]);
            wanted.mac = Some("02:00:00:00:00:07".parse().unwrap());
            wanted.routes = vec![netns::StaticRoute {
                destination: "10.9.0.0/16".parse().unwrap(),
                next_hop: Some("10.1.0.1".parse().unwrap()),
            }];
            let born = sandbox(&controller, "born");
            let joined = controller.connect("blue", &born, wanted.clone()).unwrap();
            let end = host_end(&joined);
            let expected = seen(host, "born", &end);
            controller.disconnect("blue", "web").unwrap();

            let to = sandbox(&controller, "to");
            let made = controller.link("blue", wanted).unwrap();
            let (waits, ends) = (link(host, "", &waiting(&made)), link(host, "", &host_end(&made)));
            assert!(!is_up(&waits) && is_up(&ends) && addresses(&waits).is_empty(), "{waits}");
            assert_eq!(ends["master"].as_str(), (network_type == "bridge").then_some("br-blue"), "{ends}");
            moved(&to, &made);
            assert_eq!(seen(host, "to", &host_end(&made)), expected, "{network_type}");
            let gateways: [IpAddr; 2] = ["10.1.0.1".parse().unwrap(), "fd01::1".parse().unwrap()];
            for gateway in gateways {
                assert!(host.ping("to", gateway), "{network_type}: {gateway}");
            }
        });
    }
}

#[test]
fn a_linked_endpoint_is_recorded_with_its_addresses() {
    host(|_| {
        let controller = open();
        controller.create_network(blue()).unwrap();
        let events = controller.events().unwrap();
        let mut made = linked(&controller, "web");
        assert_eq!(addresses_of(&made), ["10.1.0.2/24", "fd01::2/64"]);
        assert!(made.linked && made.sandbox.is_none() && made.mac.is_some());
        let interface = made.interface.take().unwrap();
        assert_eq!((interface.address, interface.address_ipv6), (made.address, made.address_ipv6));
        assert_eq!((interface.mac, interface.mtu.map(netns::Mtu::get)), (made.mac, Some(1500)));
        assert_eq!(interface.gateway.unwrap().to_string(), "10.1.0.1");
        assert_eq!(interface.gateway_ipv6.unwrap().to_string(), "fd01::1");

        let other = open();
        let found = other.endpoint("blue", "web").unwrap();
        assert_eq!(found, made);
        assert_eq!(other.inspect_network("blue").unwrap().endpoints, [found]);
        refused(other.create_endpoint("blue", at("db", &["10.1.0.2"])), ErrorKind::AlreadyExists, &[]);
        refused(other.delete_network("blue"), ErrorKind::Busy, &["in use by web"]);
        let told: Vec<_> = events.take(1).map(|event| (event.kind, event.endpoint)).collect();
        assert_eq!(told, [(EventKind::EndpointCreated, Some("web".to_owned()))]);
    });
}

#[test]
fn a_linked_endpoint_joins_nothing_else() {
    host(|host| {
        let controller = open();
        controller.create_network(blue()).unwrap();
        let web = sandbox(&controller, "web");
        linked(&controller, "web");
        let before = host.dump();
        refused(controller.join("blue", "web", &web), ErrorKind::Busy, &["web", "linked", "caller's"]);
        let taken = [
            controller.connect("blue", &web, endpoint("web")).map(drop),
            controller.link("blue", endpoint("web")).map(drop),
            controller.create_endpoint("blue", endpoint("web")).map(drop),
        ];
        for result in taken {
            refused(result, ErrorKind::AlreadyExists, &["web"]);
        }
        controller.leave("blue", "web").unwrap();
        assert!(controller.endpoint("blue", "web").unwrap().linked);
        before.assert_same(&host.dump(), "a linked endpoint that was asked to join");
    });
}

#[test]
fn deleting_takes_the_devices_away_wherever_they_are_and_may_be_repeated() {
    on_each(|host, controller, before| {
        let web = sandbox(&controller, "web");
        for (turn, moves) in [(0, false), (1, true), (2, false), (3, true)] {
            let made = controller.link("blue", at("web", &["10.1.0.7", "fd01::7"])).unwrap();
            if moves {
                moved(&web, &made);
            }
            let delete = || match turn {
                0 | 1 => controller.delete_endpoint("blue", "web"),
                _ => controller.disconnect("blue", "web"),
            };
            delete().unwrap();
            assert_eq!((links(host, ""), links(host, "web").len()), (links_of(host), 1), "{turn}");
            delete().unwrap();
            assert_eq!(web.interfaces().unwrap(), []);
        }
        controller.destroy_sandbox(&web).unwrap();
        controller.delete_network("blue").unwrap();
        host.assert_returns_to(&before, "linked endpoints that were deleted");
    });
}

/// The host's links, none of which is an endpoint's.
#[track_caller]
fn links_of(host: &Host) -> Vec<String> {
    let all = links(host, "");
    assert!(all.iter().all(|name| !name.starts_with("veth")), "{all:?}");
    all
}

#[test]
fn the_collector_leaves_devices_alone_that_wait_or_have_moved() {
    on_each(|host, controller, _| {
        let one = linked(&controller, "waits");
        let web = sandbox(&controller, "web");
        moved(&web, &linked(&controller, "added"));
        // Where no controller looks.
        let nowhere = netns::Namespace::create().unwrap();
        let sent = linked(&controller, "sent");
        let src_name = &sent.interface.as_ref().unwrap().src_name;
        set_interface_in_namespace_fd(src_name, std::os::fd::AsFd::as_fd(&nowhere)).unwrap();
        let before = host.dump();
        for controller in [&controller, &open()] {
            assert_eq!(findings(controller), []);
        }
        before.assert_same(&host.dump(), "a collection");
        moved(&sandbox(&controller, "db"), &one);
        assert_eq!(findings(&controller), []);
    });
}

#[test]
fn an_endpoint_goes_with_its_devices() {
    on_each(|host, controller, before| {
        let made = linked(&controller, "one");
        host.ip(&["link", "delete", &waiting(&made)]);
        assert_eq!(findings(&controller), [(FindingKind::Endpoint, "one of network blue".to_owned())]);

        let web = sandbox(&controller, "web");
        let two = controller.link("blue", at("two", &["10.1.0.7"])).unwrap();
        moved(&web, &two);
        controller.destroy_sandbox(&web).unwrap();
        while links(host, "").contains(&host_end(&two)) {
            std::thread::yield_now();
        }
        // Who wants what it had does not have to collect.
        controller.link("blue", at("two", &["10.1.0.7"])).unwrap();
        controller.delete_endpoint("blue", "two").unwrap();
        controller.delete_network("blue").unwrap();
        assert_eq!(findings(&controller), []);
        host.assert_returns_to(&before, "endpoints without devices");
    });
}

#[test]
fn the_host_answers_for_no_endpoint_whose_devices_are_gone() {
    host(|host| {
        let controller = open();
        common::veth(host, "lan0", "lan1");
        let [_, network] = networks();
        controller.create_network(network.with_option("parent", "lan0")).unwrap();
        let proxies = || common::objects(host.ip(&["neighbour", "show", "proxy"])).len();
        for collects in [false, true] {
            let web = sandbox(&controller, "web");
            let made = linked(&controller, "web");
            moved(&web, &made);
            assert_eq!((proxies(), findings(&controller)), (2, vec![]));
            controller.destroy_sandbox(&web).unwrap();
            while links(host, "").contains(&host_end(&made)) {
                std::thread::yield_now();
            }
            match collects {
                true => assert_eq!(findings(&controller).len(), 1),
                false => controller.delete_endpoint("blue", "web").unwrap(),
            }
            assert_eq!((proxies(), findings(&controller)), (0, vec![]));
        }
    });
}

#[test]
fn what_is_linked_for_a_process_goes_with_it() {
    const TEST: &str = "what_is_linked_for_a_process_goes_with_it";
    if child::role().is_some() {
        let controller = Controller::open(options().with_lifetime(Lifetime::Process)).unwrap();
        linked(&controller, "waits");
        let web = Sandbox::open(&controller.sandbox_key("web").unwrap()).unwrap();
        moved(&web, &linked(&controller, "added"));
        assert_eq!(findings(&controller), []);
        return;
    }
    host(|host| {
        let (controller, _) = settled(host);
        controller.create_network(blue()).unwrap();
        let web = sandbox(&controller, "web");
        linked(&controller, "kept");
        let before = host.dump();
        assert!(child::command(&[], TEST, "link").status().unwrap().success());
        assert_eq!(web.interfaces().unwrap().len(), 1);
        let gone = ["added of network blue", "waits of network blue"];
        assert_eq!(findings(&controller), gone.map(|one| (FindingKind::Endpoint, one.to_owned())));
        assert_eq!(controller.endpoints().unwrap().len(), 1);
        assert_eq!(web.interfaces().unwrap(), []);
        host.assert_returns_to(&before, "a process that is gone");
    });
}

#[test]
fn a_plan_of_a_link_changes_nothing_and_says_what_would_be_done() {
    on_each(|host, controller, _| {
        let before = host.dump();
        let plan = controller.plan_link("blue", endpoint("web")).unwrap();
        before.assert_same(&host.dump(), "a plan");
        assert_eq!(controller.endpoints().unwrap(), []);
        let text = plan.to_string();
        let made = linked(&controller, "web");
        for word in ["create veth", &waiting(&made), &host_end(&made), "in host"] {
            assert!(text.contains(word), "{word} is missing in\n{text}");
        }
        assert!(!text.contains("sandbox "), "{text}");
    });
}

#[test]
fn networks_without_devices_have_no_links() {
    host(|host| {
        let controller = open();
        for network_type in ["host", "loopback", "null"] {
            controller.create_network(config(network_type, network_type)).unwrap();
        }
        let before = host.dump();
        for network in ["host", "loopback", "null"] {
            for result in [
                controller.link(network, endpoint("web")).map(drop),
                controller.plan_link(network, endpoint("web")).map(drop),
            ] {
                refused(result, ErrorKind::NotImplemented, &["web", network, "waits in the host"]);
            }
        }
        refused(controller.link("nowhere", endpoint("web")), ErrorKind::NotFound, &["nowhere"]);
        before.assert_same(&host.dump(), "links that were refused");
        assert_eq!(controller.endpoints().unwrap(), []);
    });
}

/// A macvlan network on a link of the host's.
fn lan(host: &Host) -> NetworkConfig {
    common::veth(host, "lan0", "lan1");
    let _ = ["lan0", "lan1"].map(|name| host.ip(&["link", "set", name, "up"]));
    with_subnets("macvlan", "blue", &["10.3.0.0/24", "fd03::/64"]).with_option("parent", "lan0")
}

#[test]
fn a_linked_macvlan_waits_in_the_host_and_looks_inside_as_one_that_was_born_there() {
    host(|host| {
        let (controller, _) = settled(host);
        controller.create_network(lan(host)).unwrap();
        let before = host.dump();
        let plan = controller.plan_link("blue", endpoint("web")).unwrap().to_string();
        assert!(plan.contains("create macvlan") && !plan.contains("sandbox"), "{plan}");
        before.assert_same(&host.dump(), "a plan");
        let web = sandbox(&controller, "web");
        let made = linked(&controller, "web");
        assert!(made.linked && made.meter.is_none(), "{made:?}");
        let there = link(host, "", &waiting(&made));
        assert_eq!(there["linkinfo"]["info_kind"], "macvlan");
        assert_eq!(there["address"], made.mac.unwrap().to_string());
        assert!(there["ifalias"].as_str().unwrap().contains("network=blue endpoint=web"), "{there}");
        moved(&web, &made);
        let seen = |host: &Host| {
            let mut eth0 = lasting(link(host, "web", "eth0"));
            let own = eth0.as_object_mut().unwrap();
            let _ = ["ifalias", "group", "address", "permaddr", "operstate"].map(|key| own.remove(key));
            own["addr_info"].as_array_mut().unwrap().retain(|address| address["scope"] == "global");
            (eth0, routes(host, "web", "-4"))
        };
        let added = seen(host);
        web.remove_interface(made.interface.as_ref().unwrap()).unwrap();
        assert!(links(host, "").contains(&waiting(&made)));
        controller.delete_endpoint("blue", "web").unwrap();
        assert!(!links(host, "").contains(&waiting(&made)));
        controller.connect("blue", &web, at("web", &["10.3.0.2", "fd03::2"])).unwrap();
        assert_eq!(added, seen(host));
    });
}

#[test]
fn a_macvlan_that_moved_away_is_its_endpoints_until_that_is_deleted() {
    const TEST: &str = "a_macvlan_that_moved_away_is_its_endpoints_until_that_is_deleted";
    if child::role().is_some() {
        // Its process ends, and the endpoints stay.
        let controller = open();
        let _ = ["away", "back", "waits"].map(|name| linked(&controller, name));
        return;
    }
    host(|host| {
        let (controller, _) = settled(host);
        controller.create_network(lan(host)).unwrap();
        host.ip(&["netns", "add", "early"]);
        let before = host.dump();
        host.ip(&["netns", "add", "other"]);
        assert!(child::command(&[], TEST, "link").status().unwrap().success());
        let device = |name: &str| controller.endpoint_oper_info("blue", name).unwrap();
        assert_eq!(device("away")["parent"], "lan0");
        let waiting = links(host, "").into_iter().filter(|name| name.starts_with("veth")).collect::<Vec<_>>();
        assert_eq!(waiting.len(), 3, "{waiting:?}");
        let of = |name: &str| {
            let is_its = |link: &&String| {
                let shown = common::link(host, "", link);
                shown["ifalias"].as_str().unwrap().contains(&format!("endpoint={name} "))
            };
            waiting.iter().find(is_its).unwrap().clone()
        };
        let (away, back, waits) = (of("away"), of("back"), of("waits"));
        for name in [&away, &back] {
            host.ip(&["link", "set", name, "netns", "other"]);
        }
        assert_eq!(findings(&controller), []);
        assert_eq!(controller.endpoints().unwrap().len(), 3);
        // As Docker does when a container leaves.
        let here = nix::unistd::gettid().to_string();
        host.ip_in("other", &["link", "set", &back, "netns", &here]);
        for name in ["away", "back", "waits"] {
            controller.delete_endpoint("blue", name).unwrap();
            controller.delete_endpoint("blue", name).unwrap();
        }
        assert!(links(host, "").iter().all(|name| ![&away, &back, &waits].contains(&name)));
        assert_eq!(links(host, "other"), ["lo", away.as_str()]);
        host.ip(&["netns", "delete", "other"]);
        host.assert_returns_to(&before, "macvlans that came and went");
        assert_eq!(findings(&controller), []);
    });
}

#[test]
fn a_macvlan_that_was_not_made_when_its_process_died_is_found() {
    host(|host| {
        let (controller, _) = settled(host);
        controller.create_network(lan(host)).unwrap();
        let before = host.dump();
        // The second write says that the device is there.
        controller.fail_write(2);
        refused(controller.link("blue", endpoint("web")), ErrorKind::System, &["web"]);
        host.assert_returns_to(&before, "a link that was not recorded");
        assert_eq!(controller.endpoints().unwrap(), []);
        assert_eq!(findings(&controller), []);
    });
}

#[test]
fn a_link_that_fails_leaves_nothing() {
    on_each(|host, controller, _| {
        let made = linked(&controller, "web");
        let (waits, end) = (waiting(&made), host_end(&made));
        controller.delete_endpoint("blue", "web").unwrap();
        for taken in [waits, end] {
            host.ip(&["link", "add", &taken, "type", "bridge"]);
            let before = host.dump();
            refused(controller.link("blue", endpoint("web")), ErrorKind::AlreadyExists, &["web", &taken]);
            before.assert_same(&host.dump(), "a name that was taken");
            host.ip(&["link", "delete", &taken]);
        }
        let mut config = endpoint("web");
        config.sysctls.insert("net.ipv4.conf.IFNAME.log_martians".to_owned(), "1".to_owned());
        refused(controller.link("blue", config), ErrorKind::BadRequest, &["log_martians", "sandbox"]);
        let mut config = endpoint("web");
        config.mtu = Some(netns::Mtu::new(9000).unwrap());
        refused(controller.link("blue", config), ErrorKind::BadRequest, &["9000", "1500"]);
        assert_eq!((controller.endpoints().unwrap(), findings(&controller)), (vec![], vec![]));
    });
}

#[test]
fn a_link_makes_the_bridge_anew_that_somebody_deleted() {
    host(|host| {
        let controller = open();
        controller.create_network(blue()).unwrap();
        controller.delete_endpoint("blue", linked(&controller, "web").name().as_str()).unwrap();
        host.ip(&["link", "delete", "br-blue"]);
        let web = sandbox(&controller, "web");
        moved(&web, &linked(&controller, "web"));
        assert!(host.ping("web", "10.1.0.1".parse().unwrap()));
    });
}

#[test]
fn a_store_that_was_lost_recovers_what_is_in_a_sandbox_and_deletes_what_waits() {
    on_each(|host, controller, before| {
        let web = sandbox(&controller, "web");
        let (waits, added) = (linked(&controller, "waits"), linked(&controller, "added"));
        moved(&web, &added);
        drop(controller);
        fs::write("/run/libnetns/state.db", "garbage ".repeat(1000)).unwrap();
        let controller = open();
        assert!(!links(host, "").contains(&waiting(&waits)));
        let found = controller.endpoints().unwrap();
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(addresses_of(&found[0]), addresses_of(&added));
        assert_eq!(found[0].sandbox.as_deref(), Some(web.key().path()));
        assert_eq!(findings(&controller), []);
        controller.disconnect("blue", "added").unwrap();
        controller.destroy_sandbox(&web).unwrap();
        controller.delete_network("blue").unwrap();
        for file in fs::read_dir("/run/libnetns").unwrap().flatten() {
            if file.file_name().to_string_lossy().contains(".broken-") {
                fs::remove_file(file.path()).unwrap();
            }
        }
        host.assert_returns_to(&before, "a store that was lost");
    });
}

#[test]
fn a_store_that_was_lost_recovers_what_its_caller_moved_elsewhere_with_its_addresses() {
    on_each(|host, controller, _| {
        let own = linked(&controller, "web");
        host.ip(&["netns", "add", "web"]);
        host.ip(&["link", "set", &waiting(&own), "netns", "web", "name", "lan0"]);
        for address in addresses_of(&own) {
            host.ip_in("web", &["address", "add", &address, "dev", "lan0", "nodad"]);
        }
        drop(controller);
        fs::remove_dir_all("/run/libnetns").unwrap();
        let controller = open();
        assert!(links(host, "").contains(&host_end(&own)));
        let found = controller.endpoints().unwrap();
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!((addresses_of(&found[0]), found[0].linked), (addresses_of(&own), true));
        assert_eq!(findings(&controller), []);
        for address in [own.address.unwrap().addr().into(), own.address_ipv6.unwrap().addr().into()] {
            let wants = endpoint("thief").with_address(address);
            let thief = controller.create_endpoint("blue", wants);
            refused(thief, ErrorKind::AlreadyExists, &[&address.to_string()]);
        }
        // It goes with its devices, as ever, and its addresses with it.
        controller.disconnect("blue", "web").unwrap();
        assert!(!links(host, "").contains(&host_end(&own)));
        let wants = endpoint("thief").with_address(own.address.unwrap().addr().into());
        controller.create_endpoint("blue", wants).unwrap();
    });
}
