//! What others made, before us, beside us and behind our back, stays theirs.

mod common;

use std::fs;
use std::thread;

use common::{
    assert_inside_is, dual, endpoint, inside, interface, ipv6_setting, key, link, network, options, refused,
    routes, sandbox, veth, with_base,
};
use netns::{ErrorKind, Namespace, Network, Sandbox, StaticRoute};
use testhost::host;

fn foreign_bridge(name: &str) -> netns::Result<Network> {
    let options = options(&["10.1.0.1/24", "fd01::1/64"]).with_bridge(name.parse().unwrap());
    Network::create("bridge", "net", options)
}

#[test]
fn a_mount_that_is_no_namespace_is_not_unmounted() {
    host(|host| {
        fs::create_dir_all("/run/netns/data").unwrap();
        assert!(host.run("mount", &["-t", "tmpfs", "data", "/run/netns/data"]).success);
        let before = host.dump();
        refused(Sandbox::remove(&key("data")), ErrorKind::Forbidden, &["not made by this library"]);
        let error = Namespace::forget("/run/netns/data".as_ref()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Forbidden);
        before.assert_same(&host.dump(), "a tmpfs at a sandbox's key");
    });
}

#[test]
fn creating_and_destroying_one_key_at_once_takes_no_live_sandbox_away() {
    host(|host| {
        let turn = |_| {
            // Another's sandbox, or its end, may be in the way; one that was made must be there.
            match Sandbox::create(&key("web")) {
                Ok(sandbox) => {
                    let mounted = Namespace::open(sandbox.key().path()).map(|there| there.id());
                    assert_eq!(mounted.unwrap(), sandbox.namespace().unwrap().id());
                    sandbox.destroy().unwrap();
                }
                Err(error) => assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}"),
            }
        };
        // Threads of a host are its namespaces' too.
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| (0..400).for_each(turn));
            }
        });
        assert!(host.netns_list().is_empty());
    });
}

#[test]
fn a_network_that_cannot_have_its_gateways_leaves_a_bridge_of_others_down() {
    host(|host| {
        host.ip(&["link", "add", "lan", "type", "bridge"]);
        fs::write("/proc/sys/net/ipv6/conf/lan/disable_ipv6", "1").unwrap();
        let before = host.dump();
        foreign_bridge("lan").unwrap_err();
        before.assert_same(&host.dump(), "a gateway that was refused");
    });
}

#[test]
fn a_bridge_of_others_gets_rid_of_our_gateways_whoever_deletes_the_network() {
    host(|host| {
        host.ip(&["link", "add", "lan", "address", "02:00:00:00:00:77", "mtu", "1400", "type", "bridge"]);
        host.ip(&["link", "set", "lan", "up"]);
        host.ip(&["address", "add", "10.1.0.9/24", "dev", "lan"]);
        let before = host.dump();
        drop(foreign_bridge("lan").unwrap());
        foreign_bridge("lan").unwrap().delete().unwrap();
        host.assert_returns_to(&before, "a deletion through another handle");
    });
}

#[test]
fn a_bridge_of_others_without_a_mac_can_be_used_again() {
    host(|host| {
        host.ip(&["link", "add", "lan", "type", "bridge"]);
        for round in 0..2 {
            let network = foreign_bridge("lan").unwrap();
            let sandbox = sandbox("web");
            network.join(&sandbox, &dual("web", 2)).unwrap();
            assert!(host.ping("web", "10.1.0.1".parse().unwrap()), "round {round}");
            assert!(host.ping("web", "fd01::1".parse().unwrap()), "round {round}");
            sandbox.destroy().unwrap();
            network.unlink("web").unwrap();
        }
    });
}

#[test]
fn a_static_route_of_others_to_the_same_destination_stays() {
    host(|host| {
        let network = network("net");
        let sandbox = sandbox("web");
        network.join(&sandbox, &dual("web", 2)).unwrap();
        let route = StaticRoute {
            destination: "fd09::/48".parse().unwrap(),
            next_hop: Some("fd01::9".parse().unwrap()),
        };
        sandbox.add_static_route(&route).unwrap();
        host.ip_in("web", &["-6", "route", "add", "fd09::/48", "via", "fd01::9", "metric", "100"]);
        sandbox.remove_static_route(&route).unwrap();
        let left = routes(host, "web", "-6");
        assert_eq!(left.iter().filter(|route| route.starts_with("fd09::/48")).count(), 1, "{left:?}");
        let left = host.ip_in("web", &["-6", "route", "show", "fd09::/48"]);
        assert_eq!(left[0]["metric"], 100, "{left}");
    });
}

#[test]
fn a_first_join_sees_what_others_put_into_the_sandbox() {
    host(|host| {
        let network = network("net");
        let sandbox = sandbox("web");
        host.ip_in("web", &["link", "add", "eth0", "index", "2", "type", "bridge"]);
        let joined = network.join(&sandbox, &endpoint("web", &["10.1.0.2/24"])).unwrap();
        assert_eq!(joined.name().unwrap().as_str(), "eth1");
        assert!(host.ping("web", "10.1.0.1".parse().unwrap()));
        assert_eq!(ipv6_setting(&sandbox, "eth1/disable_ipv6"), "1");
    });
}

#[test]
fn a_plan_that_fails_leaves_the_switch_for_ipv6_as_it_was() {
    host(|host| {
        let network = network("net");
        let sandbox = sandbox("web");
        let plan = network.plan_join(&sandbox, &dual("web", 2)).unwrap();
        network.apply(&plan, &sandbox).unwrap();
        let (before, before_inside) =
            (ipv6_setting(&sandbox, "default/disable_ipv6"), inside(host, &sandbox));
        network.apply(&plan, &sandbox).unwrap_err();
        assert_eq!(ipv6_setting(&sandbox, "default/disable_ipv6"), before);
        assert_inside_is(host, &sandbox, &before_inside, "a plan that was applied twice");
    });
}

#[test]
fn a_device_is_not_taken_by_another_of_its_names() {
    host(|host| {
        veth(host, "x0", "x1");
        host.ip(&["link", "property", "add", "dev", "x0", "altname", "other"]);
        let sandbox = sandbox("web");
        let before = host.dump();
        let refusal = sandbox.add_interface(&interface("other", "10.1.0.2/24"));
        refused(refusal, ErrorKind::BadRequest, &["other", "x0"]);
        before.assert_same(&host.dump(), "an alternative name");
    });
}

#[test]
fn a_device_that_could_not_be_added_has_its_bridge_and_its_addresses_back() {
    host(|host| {
        veth(host, "x0", "x1");
        host.ip(&["link", "add", "lan", "address", "02:00:00:00:00:77", "mtu", "1400", "type", "bridge"]);
        host.ip(&["link", "set", "lan", "up"]);
        host.ip(&["link", "set", "x0", "up", "master", "lan"]);
        host.ip(&["address", "add", "172.30.0.1/24", "broadcast", "+", "dev", "x0"]);
        let sandbox = sandbox("web");
        let net = network("net");
        let before = with_base(host);
        let mut plan = sandbox.plan_add_interface(&interface("x0", "10.1.0.2/24")).unwrap();
        let gone = netns::link::LinkRef::named("gone".parse().unwrap());
        let change = netns::link::LinkChange::new(gone);
        plan.push(netns::link::Place::Sandbox, netns::plan::Action::SetLink(change));
        let error = net.apply(&plan, &sandbox).unwrap_err();
        assert!(error.rollback_failures().is_empty(), "{error}");
        let back = link(host, "", "x0");
        assert_eq!(back["master"], "lan", "{back}");
        assert_eq!(common::addresses(&back)[0], "172.30.0.1/24", "{back}");
        host.assert_returns_to(&before, "a device that came back");
    });
}

#[test]
fn an_alias_that_is_no_text_hides_nothing_else() {
    host(|host| {
        let network = network("net");
        let sandbox = sandbox("web");
        network.join(&sandbox, &dual("web", 2)).unwrap();
        let script = "ip link add odd type veth && ip link set odd alias $(printf 'caf\\351')";
        assert!(host.run("sh", &["-c", script]).success);
        let nsenter = ["--net=/run/netns/web", "sh", "-c", script];
        assert!(host.run("nsenter", &nsenter).success);
        assert_eq!(sandbox.interfaces().unwrap().len(), 1);
        sandbox.destroy().unwrap();
        network.delete().unwrap();
    });
}

#[test]
fn an_alias_from_inside_cannot_make_a_device_of_the_host_look_like_ours() {
    host(|host| {
        let sandbox = sandbox("web");
        host.ip_in("web", &["link", "add", "evil", "type", "veth"]);
        let alias = "libnetns src=docker0 was=libnetns network=blue endpoint=db";
        host.ip_in("web", &["link", "set", "evil", "alias", alias]);
        let listed = sandbox.interfaces().unwrap();
        sandbox.remove_interface(&listed[0]).unwrap();
        let back = link(host, "", "docker0");
        assert!(back["ifalias"].is_null(), "{back}");
    });
}
