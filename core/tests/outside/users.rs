//! The host's own firewall: it has the last word, and is left as it is.

use netns::ErrorKind;
use serde_json::Value;
use testhost::{attempt, Server, Transport, Try};

use crate::world::{network, ways, world, World, OWN, SERVED, TYPES, WORLD};

/// Rules that others have, in tables of all kinds.
const OTHERS: &str = "
    add table inet mine
    add set inet mine ports { type inet_service; elements = { 22, 443 }; }
    add chain inet mine input { type filter hook input priority 0; policy accept; }
    add rule inet mine input tcp dport @ports accept comment \"mine\"
    add chain inet mine prerouting { type nat hook prerouting priority -100; }
    add rule inet mine prerouting tcp dport 9999 redirect to :80
    add table ip libnetns
    add chain ip libnetns forward { type filter hook forward priority 0; policy accept; }
    add table ip nat
    add chain ip nat POSTROUTING { type nat hook postrouting priority 100; }
    add rule ip nat POSTROUTING ip saddr 10.99.0.0/16 masquerade
    add table bridge filter
    add chain bridge filter FORWARD { type filter hook forward priority -200; policy accept; }
    add table netdev edge
    add chain netdev edge in { type filter hook ingress device \"up0\" priority 0; policy accept; }";

fn in_and_out(reached: bool) -> Vec<Try> {
    let mut tries = Vec::new();
    for (family, transport) in ways() {
        let by_port = Try::nothing("world", transport, family.socket(OWN, 8080));
        let out = Try::nothing("web", transport, family.socket(WORLD, 80));
        match reached {
            true => tries.extend([by_port.reaches("web"), out.reaches("world")]),
            false => tries.extend([by_port, out]),
        }
        // Nothing of it is forwarded.
        let to = family.socket(World::addresses("blue", 11), 80);
        tries.push(Try::nothing("", transport, to).reaches("web"));
    }
    tries
}

#[test]
fn what_the_host_refuses_to_forward_is_not_forwarded() {
    world(|world| {
        let _outside = Server::start("world", "world", &SERVED);
        for kind in TYPES {
            world.controller.create_network(network(kind, "blue")).unwrap();
            world.container("blue", "web", 11, &["8080:80", "8080:80/udp"]);
            attempt(kind, &in_and_out(true));
            for priority in [-1, 0, 1] {
                world.nft(&format!(
                    "add table inet mine
                    add chain inet mine forward {{ type filter hook forward priority {priority}; policy drop; }}"
                ));
                attempt(&format!("{kind}, dropped at {priority}"), &in_and_out(false));
                world.nft(
                    "add rule inet mine forward ct state established,related accept
                    add rule inet mine forward ct status dnat accept
                    add rule inet mine forward oifname \"up0\" accept",
                );
                attempt(&format!("{kind}, allowed at {priority}"), &in_and_out(true));
                world.nft("delete table inet mine");
            }
            world.end(kind);
        }
    });
}

#[test]
fn what_the_host_refuses_after_translation_is_refused_from_itself_too() {
    world(|world| {
        for kind in TYPES {
            world.controller.create_network(network(kind, "blue")).unwrap();
            world.container("blue", "web", 11, &["8080:80"]);
            world.nft(
                "add table inet mine
                add chain inet mine output { type filter hook output priority 0; policy accept; }
                add rule inet mine output tcp dport 80 reject",
            );
            let refused: Vec<_> = crate::world::Family::ALL
                .map(|family| Try::nothing("", Transport::Tcp, family.socket(OWN, 8080)))
                .into();
            attempt(kind, &refused);
            world.nft("delete table inet mine");
            world.end(kind);
        }
    });
}

/// All that is not ours.
fn others(world: &World) -> Vec<Value> {
    let listed: Value = serde_json::from_str(&world.rules_as_json()).unwrap();
    let is_ours = |object: &Value| {
        let inner = object.as_object().and_then(|object| object.values().next()).unwrap();
        let name = if object.get("table").is_some() { &inner["name"] } else { &inner["table"] };
        name == "libnetns" && inner["family"] != "ip"
    };
    let objects = listed["nftables"].as_array().unwrap();
    objects.iter().filter(|object| !is_ours(object) && object.get("metainfo").is_none()).cloned().collect()
}

#[test]
fn the_rules_of_others_stay_as_they_are() {
    world(|world| {
        world.nft(OTHERS);
        let before = others(world);
        let check = |context: &str| assert_eq!(others(world), before, "{context}");
        for kind in TYPES {
            world.controller.create_network(network(kind, "blue")).unwrap();
            check("created");
            world.container("blue", "web", 11, &["8080:80"]);
            check("connected");
            let more = world.controller.publish("blue", "web", &crate::world::mappings(&["81"])).unwrap();
            check("published");
            world.controller.withdraw("blue", "web", &more).unwrap();
            world.controller.restore_firewall().unwrap();
            check("restored");
            world.controller.collect().unwrap();
            world.remove("web");
            world.controller.delete_network("blue").unwrap();
            check("deleted");
        }
        for table in ["inet mine", "ip libnetns", "ip nat", "bridge filter", "netdev edge"] {
            world.nft(&format!("delete table {table}"));
        }
    });
}

#[test]
fn a_table_of_somebody_else_that_has_the_name_is_refused_and_left_alone() {
    world(|world| {
        for family in ["inet", "bridge"] {
            world.nft(&format!(
                "add table {family} libnetns; add chain {family} libnetns mine; add rule {family} libnetns mine accept"
            ));
            let before = world.host.dump();
            let error = world.controller.create_network(network("bridge", "blue")).unwrap_err();
            assert!(error.to_string().contains("libnetns"), "{error}");
            assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}");
            world.host.assert_returns_to(&before, &format!("{family}: {error}"));
            world.nft(&format!("delete table {family} libnetns"));
        }
    });
}
