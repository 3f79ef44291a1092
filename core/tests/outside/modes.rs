//! Where there is no firewall to be had, and where none is wanted.

use netns::{Controller, ErrorKind, FirewallMode};
use testhost::{attempt, without_netfilter, Try};

use crate::control::{endpoint, open};
use crate::flows::flows_to;
use crate::world::{mappings, network, publishing, ways, world, Family, World, OWN, TYPES};

/// On a thread for which the kernel has no netfilter sockets, with a controller of that thread.
fn on_a_lesser_kernel(f: impl FnOnce(&Controller) + Send) {
    without_netfilter(|| f(&open()));
}

#[test]
fn a_network_that_requires_a_firewall_is_refused_before_anything_is_made() {
    world(|world| {
        let before = world.host.dump();
        on_a_lesser_kernel(|controller| {
            for kind in TYPES {
                let error = controller.create_network(network(kind, "blue")).unwrap_err();
                let kinds = [ErrorKind::Unsupported, ErrorKind::NotImplemented];
                assert!(kinds.contains(&error.kind()), "{error}");
                assert!(error.to_string().contains("netfilter"), "{error}");
                assert!(controller.networks().unwrap().is_empty());
            }
        });
        world.host.assert_returns_to(&before, "refused");
    });
}

#[test]
fn a_network_that_can_do_without_a_firewall_does() {
    world(|world| {
        for kind in TYPES {
            let mut blue = network(kind, "blue");
            blue.firewall.mode = FirewallMode::Optional;
            on_a_lesser_kernel(|controller| {
                controller.create_network(blue).unwrap();
                let sandbox = controller.create_sandbox("one").unwrap();
                let refused = controller.connect("blue", &sandbox, publishing(endpoint("one"), &["8080:80"]));
                assert_eq!(refused.unwrap_err().kind(), ErrorKind::BadRequest);
                controller.remove_sandbox("one").unwrap();
                controller
                    .connect("blue", &controller.create_sandbox("two").unwrap(), endpoint("two"))
                    .unwrap();
                let refused = controller.publish("blue", "two", &mappings(&["8080:80"]));
                assert_eq!(refused.unwrap_err().kind(), ErrorKind::BadRequest);
                assert!(controller.endpoint("blue", "two").unwrap().ports.is_empty());
                controller.remove_sandbox("two").unwrap();
                controller.delete_network("blue").unwrap();
            });
            assert_eq!(world.rules(&["ruleset"]), "", "{kind}");
            world.end(kind);
        }
    });
}

#[test]
fn a_network_without_firewall_has_no_rules_and_works_inside() {
    world(|world| {
        for kind in TYPES {
            let mut blue = network(kind, "blue");
            blue.firewall.mode = FirewallMode::Off;
            world.controller.create_network(blue).unwrap();
            let (_web, _db) =
                (world.container("blue", "web", 11, &[]), world.container("blue", "db", 12, &[]));
            assert_eq!(world.rules(&["ruleset"]), "", "{kind}");
            let mut tries = Vec::new();
            for (family, transport) in ways() {
                let to = family.socket(World::addresses("blue", 11), 80);
                tries.push(Try::nothing("db", transport, to).reaches("web"));
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
            let before = world.host.dump();
            let web = || publishing(endpoint("web"), &["8080:80", "9000-9001:81-82/udp"]);
            let plan = world.controller.plan_connect("blue", &sandbox, web()).unwrap();
            world.host.assert_returns_to(&before, kind);
            let text = plan.to_string();
            for word in ["firewall", "8080", "9000", "9001", "flush flows"] {
                assert!(text.contains(word), "{kind}: {word} is missing in {text}");
            }
            let error = world.controller.publish("blue", "web", &mappings(&["81"])).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NotFound);
            assert!(flows_to(8080).is_none_or(|flows| flows == 0));
            world.controller.connect("blue", &sandbox, web()).unwrap();
            let rules = world.rules(&["table", "inet", "libnetns"]);
            assert!(rules.contains("8080") && rules.contains("9001"), "{rules}");
            let _web = testhost::Server::start("web", "web", &[80]);
            let reached = Family::ALL.map(|family| {
                Try::nothing("world", testhost::Transport::Tcp, family.socket(OWN, 8080)).reaches("web")
            });
            attempt(kind, &reached);
            world.end(kind);
        }
    });
}
