//! Where there is no firewall to be had, and where none is wanted.

use netns::{Controller, ErrorKind, FirewallMode};
use testhost::{attempt, host, kernel_version, without_netfilter, Try};

use crate::control::{config, endpoint, open};
use crate::flows::flows_to;
use crate::world::{make, mappings, network, publishing, ways, world, Family, World, OWN, TYPES};

/// Of a kernel that lacks something itself, as one that `scripts/kernels` boots does, the types of network that need
/// it.
fn lacking() -> Option<String> {
    std::env::var("NETNS_LESSER_KERNEL").ok().filter(|types| !types.is_empty())
}

/// Where the kernel lacks something: on a thread for which it has no netfilter sockets, or here.
fn lesser<T: Send>(f: impl FnOnce() -> T + Send) -> T {
    match lacking() {
        Some(_) => f(),
        None => without_netfilter(f),
    }
}

/// With a controller where the kernel lacks something. In the end the host is as it was, and no rule was ever made.
fn on_a_lesser_kernel(f: impl Fn(&str, &Controller) + Send + Sync) {
    host(|host| {
        make(host);
        lesser(|| {
            let controller = open();
            controller.create_network(config("null", "none")).unwrap();
            controller.delete_network("none").unwrap();
            controller
                .remove_sandbox(controller.create_sandbox("first").unwrap().key().name().as_str())
                .unwrap();
        });
        let before = host.dump();
        let concerned = lacking().unwrap_or_else(|| TYPES.join(" "));
        for kind in TYPES.into_iter().filter(|kind| concerned.contains(kind)) {
            lesser(|| f(kind, &open()));
            host.assert_returns_to(&before, kind);
        }
    });
}

#[test]
fn a_network_that_requires_a_firewall_is_refused_before_anything_is_made() {
    on_a_lesser_kernel(|kind, controller| {
        let error = controller.create_network(network(kind, "blue")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        assert!(error.to_string().contains("this kernel"), "{error}");
        assert!(controller.networks().unwrap().is_empty());
    });
}

#[test]
fn a_network_that_can_do_without_a_firewall_does() {
    on_a_lesser_kernel(|kind, controller| {
        let mut blue = network(kind, "blue");
        blue.firewall.mode = FirewallMode::Optional;
        controller.create_network(blue).unwrap();
        let one = controller.create_sandbox("one").unwrap();
        let refused = controller.connect("blue", &one, publishing(endpoint("one"), &["8080:80"]));
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::BadRequest);
        controller.connect("blue", &one, endpoint("one")).unwrap();
        let refused = controller.publish("blue", "one", &mappings(&["8080:80"]));
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::BadRequest);
        assert!(controller.endpoint("blue", "one").unwrap().ports.is_empty());
        controller.restore_firewall().unwrap();
        assert!(controller.collect().unwrap().findings.is_empty());
        controller.destroy_sandbox(&one).unwrap();
        controller.delete_network("blue").unwrap();
    });
}

#[test]
fn a_network_without_firewall_has_no_rules_and_works_inside() {
    world(|world| {
        for kind in TYPES {
            let mut blue = network(kind, "blue");
            blue.firewall.mode = FirewallMode::Off;
            world.controller.create_network(blue).unwrap();
            world.container("blue", "web", 11, &[]);
            world.container("blue", "db", 12, &[]);
            assert_eq!(world.rules(&["ruleset"]), "", "{kind}");
            let mut tries = Vec::new();
            for (family, transport) in ways() {
                let to = family.socket(World::addresses("blue", 11), 80);
                // Without a firewall no forwarding is switched on, of which IPv6 before Linux 6.17 has one for all.
                let passes = kind == "bridge" || family == Family::V4 || kernel_version() >= (6, 17);
                let one = Try::nothing("db", transport, to);
                tries.push(if passes { one.reaches("web") } else { one });
                tries.push(Try::nothing("", transport, to).reaches("web"));
            }
            attempt(kind, &tries);
            let refused = world.controller.publish("blue", "web", &mappings(&["8080:80"]));
            assert_eq!(refused.unwrap_err().kind(), ErrorKind::BadRequest);
            let nobody = ways().map(|(family, way)| Try::nothing("world", way, family.socket(OWN, 8080)));
            attempt(kind, &nobody.collect::<Vec<_>>());
            world.end(kind);
        }
    });
}

#[test]
fn a_plan_shows_the_firewall_and_changes_nothing() {
    world(|world| {
        for kind in TYPES {
            world.controller.create_network(network(kind, "blue")).unwrap();
            let sandbox = world.controller.create_sandbox("web").unwrap();
            let (before, flows) = (world.host.dump(), flows_to(8080));
            let web = || publishing(endpoint("web"), &["8080:80", "9000-9001:81-82/udp"]);
            let plan = world.controller.plan_connect("blue", &sandbox, web()).unwrap();
            world.host.assert_returns_to(&before, kind);
            let text = plan.to_string();
            for word in ["firewall", "8080", "9000", "9001", "flush flows"] {
                assert!(text.contains(word), "{kind}: {word} is missing in {text}");
            }
            let error = world.controller.publish("blue", "web", &mappings(&["81"])).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NotFound);
            assert!(flows_to(8080) <= flows, "{kind}");
            world.controller.connect("blue", &sandbox, web()).unwrap();
            let rules = world.rules(&["table", "inet", "libnetns"]);
            assert!(rules.contains("8080") && rules.contains("9001"), "{rules}");
            let web = testhost::Server::start("web", "web", &[80]);
            let reached = Family::ALL.map(|family| {
                Try::nothing("world", testhost::Transport::Tcp, family.socket(OWN, 8080)).reaches("web")
            });
            attempt(kind, &reached);
            drop(web);
            world.controller.destroy_sandbox(&sandbox).unwrap();
            world.end(kind);
        }
    });
}
