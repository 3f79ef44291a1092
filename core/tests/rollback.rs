//! Whatever fails, nothing is left: failures injected at every position of a plan, and real ones.

mod common;
mod control;

use std::sync::atomic::{AtomicUsize, Ordering};

use common::{
    assert_inside_is, dual, endpoint, inside, interface, ipv6_setting, link, links, network, refused,
    sandbox, veth, with_base,
};
use netns::link::{AddressSpec, LinkChange, LinkKind, LinkRef, LinkSpec, MacvlanMode, Place};
use netns::plan::{Action, Plan, Step};
use netns::{EndpointOptions, ErrorKind, Interface, InterfaceName, Mtu, Network, Sandbox, StaticRoute};
use testhost::{host, report, Host};

/// A change of a link that is not there: the kernel refuses it, and it changes nothing itself.
fn impossible(place: Place) -> Step {
    let mut change = LinkChange::new(LinkRef::named(device_name("notthere")));
    change.up = Some(true);
    Step::new(place, Action::SetLink(change))
}

/// Applies `plan` with a step that must fail at every position, in both places, and asserts each time
/// that everything is as before. Returns how many failures that were.
fn fail_everywhere(host: &Host, network: &Network, sandbox: &Sandbox, plan: &Plan) -> usize {
    let (before, before_inside) = (host.dump(), inside(host, sandbox));
    let default_before = ipv6_setting(sandbox, "default/disable_ipv6");
    let mut injected = 0;
    for position in 0..=plan.steps.len() {
        for place in [Place::Host, Place::Sandbox] {
            let mut broken = plan.clone();
            broken.steps.insert(position, impossible(place));
            let context = format!("a failure in the {place} before step {} of\n{plan}", position + 1);
            let error = network.apply(&broken, sandbox).expect_err(&context);
            let text = error.to_string();
            for word in [&format!("in {place}:"), "set link notthere", "No such device"] {
                assert!(text.contains(word), "{word:?} is missing in {text:?}: {context}");
            }
            assert_eq!(error.kind(), ErrorKind::NotFound, "{error}: {context}");
            assert!(error.rollback_failures().is_empty(), "{error}: {context}");
            host.assert_returns_to(&before, &context);
            assert_inside_is(host, sandbox, &before_inside, &context);
            assert_eq!(ipv6_setting(sandbox, "default/disable_ipv6"), default_before, "{context}");
            injected += 1;
        }
    }
    injected
}

fn with_routes(mut endpoint: EndpointOptions) -> EndpointOptions {
    let via = |destination: &str, hop: Option<&str>| StaticRoute {
        destination: destination.parse().unwrap(),
        next_hop: hop.map(|hop| hop.parse().unwrap()),
    };
    endpoint.routes = vec![
        via("10.9.0.0/16", Some("10.1.0.9")),
        via("10.8.0.0/16", None),
        via("fd09::/48", Some("fd01::9")),
    ];
    endpoint
}

#[test]
fn a_join_that_fails_at_any_step_leaves_nothing() {
    let injected = AtomicUsize::new(0);
    for endpoint in [endpoint("web", &["10.1.0.2/24"]), dual("web", 2), with_routes(dual("web", 2))] {
        host(|host| {
            let network = network("net");
            let sandbox = sandbox("web");
            let plan = network.plan_join(&sandbox, &endpoint).unwrap();
            injected.fetch_add(fail_everywhere(host, &network, &sandbox, &plan), Ordering::Relaxed);
            network.apply(&plan, &sandbox).unwrap();
            assert!(host.ping("web", "10.1.0.1".parse().unwrap()));
        });
    }
    report(&format!("{} injected errors: steps of joins", injected.into_inner()));
}

#[test]
fn a_second_join_that_fails_at_any_step_leaves_the_first() {
    host(|host| {
        let mut options = common::options(&["10.2.0.1/24", "fd02::1/64"]);
        options.isolated = true;
        let (one, two) = (network("one"), Network::create("bridge", "two", options).unwrap());
        let sandbox = sandbox("web");
        one.join(&sandbox, &endpoint("web", &["10.1.0.2/24"])).unwrap();
        let second = endpoint("web", &["10.2.0.2/24", "fd02::2/64"]);
        let plan = two.plan_join(&sandbox, &second).unwrap();
        let injected = fail_everywhere(host, &two, &sandbox, &plan);
        report(&format!("{injected} injected errors: steps of a second join"));
        assert!(host.ping("web", "10.1.0.1".parse().unwrap()));
        two.apply(&plan, &sandbox).unwrap();
        assert!(host.ping("web", "fd02::1".parse().unwrap()));
    });
}

/// What a controller does for endpoints of each type of network, carried out step by step: the plans are
/// the controller's own.
#[test]
fn a_controllers_join_that_fails_at_any_step_leaves_nothing() {
    let injected = AtomicUsize::new(0);
    for (kind, alone) in
        ["bridge", "routed", "macvlan"].into_iter().flat_map(|kind| [(kind, true), (kind, false)])
    {
        host(|host| {
            // It lends its `apply`, and has no part in what is joined.
            let lender = network("net");
            veth(host, "lan0", "lan1");
            host.ip(&["link", "set", "lan0", "up"]);
            host.ip(&["link", "set", "lan1", "up"]);
            let controller = control::open();
            let config = control::with_subnets(kind, "blue", &["10.2.0.0/24", "fd02::/64"]);
            let config = if kind == "bridge" { config } else { config.with_option("parent", "lan0") };
            controller.create_network(config).unwrap();
            let sandbox = controller.create_sandbox("web").unwrap();
            let mut wants = control::endpoint("web");
            if !alone {
                // Its gateways take the place of the other's.
                let other = control::with_subnets("bridge", "other", &["10.3.0.0/24", "fd03::/64"]);
                controller.create_network(other).unwrap();
                controller.connect("other", &sandbox, control::endpoint("web")).unwrap();
                wants.gateway_priority = 1;
            }
            wants.routes = vec![StaticRoute {
                destination: "10.9.0.0/16".parse().unwrap(),
                next_hop: Some("10.2.0.1".parse().unwrap()),
            }];
            wants.sysctls = [("net.ipv4.conf.IFNAME.rp_filter".to_owned(), "2".to_owned())].into();
            let plan = controller.plan_connect("blue", &sandbox, wants).unwrap();
            injected.fetch_add(fail_everywhere(host, &lender, &sandbox, &plan), Ordering::Relaxed);

            lender.apply(&plan, &sandbox).unwrap();
            let default = host.ip_in("web", &["route", "show", "default"]);
            assert_eq!(default[0]["gateway"], "10.2.0.1", "{default}");
            if kind != "macvlan" {
                for gateway in ["10.2.0.1", "fd02::1"] {
                    assert!(host.ping("web", gateway.parse().unwrap()), "{kind}: {gateway}");
                }
            }
        });
    }
    report(&format!("{} injected errors: steps of a controller's joins", injected.into_inner()));
}

/// A device of somebody else's, up, with a MAC, an MTU and an alias, and how it is to be moved.
fn device(host: &Host) -> Interface {
    veth(host, "veth0", "peer0");
    host.ip(&["link", "set", "veth0", "alias", "the uplink", "address", "02:00:00:00:00:77"]);
    host.ip(&["link", "set", "veth0", "mtu", "1450", "up"]);
    host.ip(&["link", "set", "peer0", "up"]);
    let mut device = interface("veth0", "10.1.0.2/24");
    device.address_ipv6 = Some("fd01::2/64".parse().unwrap());
    device.mac = Some("02:42:0a:01:00:02".parse().unwrap());
    device.mtu = Some(Mtu::new(1400).unwrap());
    device.gateway = Some("10.1.0.1".parse().unwrap());
    device.gateway_ipv6 = Some("fd01::1".parse().unwrap());
    device.routes = with_routes(endpoint("web", &[])).routes;
    device
}

#[test]
fn an_add_interface_that_fails_at_any_step_gives_the_device_back() {
    host(|host| {
        let network = network("net");
        let device = device(host);
        let sandbox = sandbox("web");
        let plan = sandbox.plan_add_interface(&device).unwrap();
        let injected = fail_everywhere(host, &network, &sandbox, &plan);
        report(&format!("{injected} injected errors: steps of add_interface"));
        network.apply(&plan, &sandbox).unwrap();
        assert_eq!(links(host, "web"), ["eth0", "lo"]);
    });
}

#[test]
fn an_add_interface_that_fails_beside_a_link_of_the_same_index_gives_the_device_back() {
    host(|host| {
        let network = network("net");
        let device = device(host);
        let sandbox = sandbox("web");
        let index = link(host, "", "veth0")["ifindex"].to_string();
        host.ip_in("web", &["link", "add", "lan", "index", &index, "type", "bridge"]);
        let plan = sandbox.plan_add_interface(&device).unwrap();
        let injected = fail_everywhere(host, &network, &sandbox, &plan);
        report(&format!(
            "{injected} injected errors: steps of add_interface beside a link of the same index"
        ));
        network.apply(&plan, &sandbox).unwrap();
        assert_eq!(links(host, "web"), ["eth0", "lan", "lo"]);
        assert_eq!(common::addresses(&link(host, "web", "lan")), Vec::<String>::new());
    });
}

#[test]
fn a_device_whose_old_index_was_taken_meanwhile_is_given_back_under_another() {
    host(|host| {
        let network = network("net");
        let device = device(host);
        let sandbox = sandbox("web");
        let index = link(host, "", "veth0")["ifindex"].to_string();
        let plan = sandbox.plan_add_interface(&device).unwrap();
        network.apply(&plan, &sandbox).unwrap();
        host.ip(&["link", "add", "theirs", "index", &index, "type", "bridge"]);
        let moved = plan.steps.iter().find(|step| matches!(step.action, Action::MoveLink(_))).unwrap();
        let undo = moved.undo[0].clone();
        let look = Action::SyncLink(LinkRef::named(device_name("eth0")));
        let harmless = Step::new(Place::Sandbox, look).undone_by(vec![undo]);
        let broken = Plan { steps: vec![harmless, impossible(Place::Host)] };
        refused(network.apply(&broken, &sandbox), ErrorKind::NotFound, &["notthere"]);
        assert_eq!(links(host, ""), ["br-net", "lo", "peer0", "theirs", "veth0"]);
        assert_eq!(link(host, "", "veth0")["ifalias"], "the uplink");
    });
}

/// A macvlan of `veth0`, born in the sandbox, configured and up.
fn macvlan_plan() -> Plan {
    let kind = LinkKind::Macvlan { parent: LinkRef::named(device_name("veth0")), mode: MacvlanMode::Bridge };
    let mut spec = LinkSpec::new(device_name("eth0"), kind);
    spec.index = Some(1000);
    spec.born_in = Some(Place::Sandbox);
    let link = LinkRef::indexed(spec.name.clone(), 1000);
    let mut plan = Plan::default();
    plan.push(Place::Host, Action::CreateLink(spec));
    let mut change = LinkChange::new(link.clone());
    change.up = Some(true);
    plan.push(Place::Sandbox, Action::SetLink(change));
    let address = AddressSpec { link, address: "10.7.0.2/24".parse().unwrap(), callers: false };
    plan.push(Place::Sandbox, Action::AddAddress(address));
    plan
}

#[test]
fn a_macvlan_whose_plan_fails_at_any_step_leaves_nothing() {
    host(|host| {
        let network = network("net");
        let sandbox = sandbox("web");
        veth(host, "veth0", "peer0");
        let plan = macvlan_plan();
        let injected = fail_everywhere(host, &network, &sandbox, &plan);
        report(&format!("{injected} injected errors: steps of a macvlan"));
        network.apply(&plan, &sandbox).unwrap();
        assert_eq!(links(host, "web"), ["eth0", "lo"]);
    });
}

fn device_name(name: &str) -> InterfaceName {
    InterfaceName::new(name).unwrap()
}

/// Applies a plan that has become wrong since it was made.
#[track_caller]
fn too_late(host: &Host, network: &Network, sandbox: &Sandbox, plan: &Plan, kind: ErrorKind, words: &[&str]) {
    let (before, before_inside) = (host.dump(), inside(host, sandbox));
    refused(network.apply(plan, sandbox), kind, words);
    host.assert_returns_to(&before, "a plan that came too late");
    assert_inside_is(host, sandbox, &before_inside, "a plan that came too late");
}

#[test]
fn a_join_whose_interface_name_was_taken_since_leaves_nothing() {
    host(|host| {
        let network = network("net");
        let sandbox = sandbox("web");
        let plan = network.plan_join(&sandbox, &dual("web", 2)).unwrap();
        host.ip_in("web", &["link", "add", "eth0", "index", "77", "type", "bridge"]);
        let words = &["in host:", "create veth", "eth0", "exists"];
        too_late(host, &network, &sandbox, &plan, ErrorKind::AlreadyExists, words);
    });
}

#[test]
fn a_join_whose_index_was_taken_since_leaves_nothing() {
    host(|host| {
        let network = network("net");
        let sandbox = sandbox("web");
        let plan = network.plan_join(&sandbox, &dual("web", 2)).unwrap();
        host.ip_in("web", &["link", "add", "lan", "index", "2", "type", "bridge"]);
        let words = &["in host:", "create veth"];
        too_late(host, &network, &sandbox, &plan, ErrorKind::Busy, words);
        network.join(&sandbox, &dual("web", 2)).unwrap();
        assert_eq!(links(host, "web"), ["eth0", "lan", "lo"]);
    });
}

#[test]
fn a_join_whose_route_was_taken_since_leaves_nothing() {
    host(|host| {
        let network = network("net");
        let sandbox = sandbox("web");
        let plan = network.plan_join(&sandbox, &dual("web", 2)).unwrap();
        host.ip_in("web", &["link", "add", "lan", "index", "77", "type", "bridge"]);
        host.ip_in("web", &["link", "set", "lan", "up"]);
        host.ip_in("web", &["route", "add", "default", "dev", "lan"]);
        let words = &["in sandbox:", "add route default via 10.1.0.1 on eth0", "route to that destination"];
        too_late(host, &network, &sandbox, &plan, ErrorKind::AlreadyExists, words);
    });
}

#[test]
fn a_move_whose_name_was_taken_since_gives_the_device_back() {
    host(|host| {
        let network = network("net");
        let device = device(host);
        let sandbox = sandbox("web");
        let plan = sandbox.plan_add_interface(&device).unwrap();
        host.ip_in("web", &["link", "add", "eth0", "index", "77", "type", "bridge"]);
        let words = &["in host:", "move veth0 to sandbox as eth0", "eth0 exists in the sandbox"];
        too_late(host, &network, &sandbox, &plan, ErrorKind::AlreadyExists, words);
    });
}

#[test]
fn a_move_whose_index_was_taken_since_gives_the_device_back() {
    host(|host| {
        let network = network("net");
        let device = device(host);
        let sandbox = sandbox("web");
        let plan = sandbox.plan_add_interface(&device).unwrap();
        let index = link(host, "", "veth0")["ifindex"].to_string();
        host.ip_in("web", &["link", "add", "lan", "index", &index, "type", "bridge"]);
        let words = &["in host:", "move veth0 to sandbox as eth0"];
        too_late(host, &network, &sandbox, &plan, ErrorKind::Busy, words);
    });
}

#[test]
fn a_move_of_a_device_that_is_gone_since_changes_nothing() {
    host(|host| {
        let network = network("net");
        let device = device(host);
        let sandbox = sandbox("web");
        let plan = sandbox.plan_add_interface(&device).unwrap();
        host.ip(&["link", "delete", "veth0"]);
        too_late(host, &network, &sandbox, &plan, ErrorKind::NotFound, &["move veth0"]);
    });
}

#[test]
fn a_join_to_a_bridge_that_others_deleted_leaves_nothing() {
    host(|host| {
        let network = network("net");
        let sandbox = sandbox("web");
        host.ip(&["link", "delete", "br-net"]);
        for again in 0..2 {
            let (before, before_inside) = (host.dump(), inside(host, &sandbox));
            let error = network.join(&sandbox, &dual("web", 2)).unwrap_err();
            let text = error.to_string();
            for word in ["join /run/netns/web as endpoint web of network net", "br-net", "still there?"] {
                assert!(text.contains(word), "{word:?} is missing in {text:?}");
            }
            assert!(error.rollback_failures().is_empty(), "{error}");
            host.assert_returns_to(&before, &format!("a deleted bridge, {again}"));
            assert_inside_is(host, &sandbox, &before_inside, "a deleted bridge");
            host.ip(&["link", "add", &format!("other{again}"), "type", "bridge"]);
        }
        network.delete().unwrap();
    });
}

#[test]
fn a_sandbox_deleted_by_others_still_works_through_its_handle_and_leaves_nothing() {
    host(|host| {
        let network = network("net");
        let before = with_base(host);
        let sandbox = sandbox("web");
        host.ip(&["netns", "delete", "web"]);
        let joined = network.join(&sandbox, &dual("web", 2)).unwrap();
        assert_eq!(sandbox.interfaces().unwrap(), [joined]);
        let ping = || host.run("ping", &["-n", "-c1", "-W2", "10.1.0.1"]).success;
        assert!(sandbox.run(ping).unwrap());
        sandbox.destroy().unwrap();
        host.assert_returns_to(&before, "a sandbox without a name");
    });
}

#[test]
fn errors_name_operation_object_and_cause() {
    host(|_| {
        let network = network("net");
        let sandbox = sandbox("web");
        network.join(&sandbox, &dual("web", 2)).unwrap();
        let text = |error: netns::Error| error.to_string();
        assert_eq!(
            text(network.join(&sandbox, &endpoint("db", &["10.2.0.2/24"])).unwrap_err()),
            "join /run/netns/web as endpoint db of network net: use address 10.2.0.2/24: it is outside the \
             network's subnet 10.1.0.0/24"
        );
        assert_eq!(
            text(sandbox.add_interface(&interface("veth9", "10.3.0.2/24")).unwrap_err()),
            "add interface veth9 to /run/netns/web: find link veth9: there is no such link in the host"
        );
        assert_eq!(
            text(sandbox.set_gateway(Some("10.3.0.1".parse().unwrap())).unwrap_err()),
            "set gateway 10.3.0.1 of /run/netns/web: use gateway 10.3.0.1: it is not directly reachable: no \
             interface has an address in its subnet"
        );
        let duplicate = text(network.join(&sandbox, &endpoint("web", &[])).unwrap_err());
        for word in ["join /run/netns/web as endpoint web of network net", "create veth", "File exists"] {
            assert!(duplicate.contains(word), "{word:?} is missing in {duplicate:?}");
        }
    });
}
