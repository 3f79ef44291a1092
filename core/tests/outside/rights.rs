//! Who may: an ordinary user in namespaces of his own, and nobody without `CAP_NET_ADMIN`.

use std::process::Stdio;

use netns::{ErrorKind, FirewallMode};
use testhost::{attempt, host, skip, Server, Try};

use crate::child;
use crate::control::open;
use crate::world::{make, network, ways, world, World, OWN, SERVED, TYPES, WORLD};

/// Somebody who is not root, in user, network and mount namespaces of his own.
const USER: [&str; 8] = [
    "setpriv",
    "--reuid=65534",
    "--regid=65534",
    "--clear-groups",
    "unshare",
    "--map-root-user",
    "--net",
    "--mount",
];
/// Root without the right to networks.
const WITHOUT: [&str; 3] = ["setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin"];

#[test]
fn an_ordinary_user_has_a_firewall_in_namespaces_of_his_own() {
    const TEST: &str = "rights::an_ordinary_user_has_a_firewall_in_namespaces_of_his_own";
    if child::role().is_some() {
        return for_a_user();
    }
    let mut tried = child::command(&USER, "no such test", "try");
    let can = tried.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success());
    if !can {
        return skip(TEST, "no other user, no user namespace for him, or he cannot run this program");
    }
    let played = child::command(&USER, TEST, "user").output().unwrap();
    let said = [played.stdout, played.stderr].concat();
    assert!(played.status.success(), "{}", String::from_utf8_lossy(&said));
}

fn for_a_user() {
    world(|world| {
        let _outside = Server::start("world", "world", &SERVED);
        for kind in TYPES {
            world.controller.create_network(network(kind, "blue")).unwrap();
            world.container("blue", "web", 11, &["8080:80", "8080:80/udp"]);
            let mut tries = Vec::new();
            for (family, transport) in ways() {
                tries.extend([
                    Try::nothing("world", transport, family.socket(OWN, 8080))
                        .answers("web", family.of(WORLD)),
                    Try::nothing("web", transport, family.socket(WORLD, 80)).answers("world", family.of(OWN)),
                    Try::nothing("world", transport, family.socket(World::addresses("blue", 11), 80)),
                ]);
            }
            attempt(kind, &tries);
            world.end(kind);
        }
    });
}

#[test]
fn who_lacks_the_right_is_told_so_and_has_made_nothing() {
    const TEST: &str = "rights::who_lacks_the_right_is_told_so_and_has_made_nothing";
    if let Some(kind) = child::role() {
        return without_the_right(&kind);
    }
    host(|host| {
        make(host);
        let controller = open();
        controller.create_network(network("bridge", "green")).unwrap();
        let before = host.dump();
        for kind in TYPES {
            let played = child::command(&WITHOUT, TEST, kind).output().unwrap();
            let said = [played.stdout, played.stderr].concat();
            assert!(played.status.success(), "{kind}: {}", String::from_utf8_lossy(&said));
            host.assert_returns_to(&before, kind);
        }
        controller.delete_network("green").unwrap();
    });
}

fn without_the_right(kind: &str) {
    let controller = open();
    for mode in [FirewallMode::Required, FirewallMode::Optional] {
        let mut blue = network(kind, "blue");
        blue.firewall.mode = mode;
        let error = controller.create_network(blue).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{mode:?}: {error}");
        assert!(error.to_string().contains("CAP_NET_ADMIN"), "{mode:?}: {error}");
    }
    let names: Vec<_> =
        controller.networks().unwrap().into_iter().map(|(name, _)| name.to_string()).collect();
    assert_eq!(names, ["green"]);
    let error = controller.restore_firewall().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
    let error = controller.delete_network("green").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
}
