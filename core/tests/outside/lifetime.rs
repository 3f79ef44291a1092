//! What lasts how long: rules, forwarding, tables.

use std::fs;
use std::process::Stdio;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use testhost::{attempt, settings, Server, Transport, Try};

use crate::child;
use crate::control::open;
use crate::world::{mappings, network, ways, world, Family, World, OWN, SERVED, TYPES, WORLD};

const FORWARDING: [&str; 2] = ["net/ipv4/conf/up0/forwarding", "net/ipv6/conf/up0/force_forwarding"];

fn setting(name: &str) -> Option<String> {
    fs::read_to_string(format!("/proc/sys/{name}")).ok().map(|value| value.trim().to_owned())
}

fn set(name: &str, value: &str) {
    fs::write(format!("/proc/sys/{name}"), value).unwrap();
}

/// What is set of links that were there before.
fn of_the_host() -> Vec<String> {
    let is_the_hosts =
        |line: &String| ["/all/", "/default/", "/lo/", "/up0/"].iter().any(|own| line.contains(own));
    settings().into_iter().filter(is_the_hosts).collect()
}

/// Everything works that is to: by a port, and out.
fn works(world: &World, context: &str) {
    let _outside = Server::start("world", "world", &SERVED);
    let tries: Vec<_> = ways()
        .flat_map(|(family, transport)| {
            [
                Try::nothing("world", transport, family.socket(OWN, 8080)).answers("web", family.of(WORLD)),
                Try::nothing("web", transport, family.socket(WORLD, 80)).answers("world", family.of(OWN)),
                Try::nothing("world", transport, family.socket(World::addresses("blue", 11), 80)),
            ]
        })
        .collect();
    attempt(context, &tries);
    assert!(world.rules(&["tables"]).contains("inet libnetns"), "{context}");
}

#[test]
fn forwarding_is_as_it_was_when_the_last_network_goes() {
    world(|world| {
        for kind in TYPES {
            let before = of_the_host();
            world.controller.create_network(network(kind, "blue")).unwrap();
            world.controller.create_network(network(kind, "green")).unwrap();
            let on = of_the_host();
            assert_ne!(before, on);
            assert!(FORWARDING.iter().all(|name| setting(name).is_none_or(|value| value == "1")), "{on:?}");
            world.controller.delete_network("blue").unwrap();
            assert_eq!(of_the_host(), on, "{kind}: the first of two went");
            world.controller.delete_network("green").unwrap();
            assert_eq!(of_the_host(), before, "{kind}: both went");
            world.end(kind);
        }
    });
}

#[test]
fn forwarding_that_the_user_had_switched_on_stays() {
    world(|world| {
        let before = of_the_host();
        for name in FORWARDING.iter().filter(|name| setting(name).is_some()) {
            set(name, "1");
        }
        let users = of_the_host();
        world.controller.create_network(network("bridge", "blue")).unwrap();
        world.controller.delete_network("blue").unwrap();
        assert_eq!(of_the_host(), users, "on before");
        for name in FORWARDING.iter().filter(|name| setting(name).is_some()) {
            set(name, "0");
        }
        assert_eq!(of_the_host(), before);

        let all = world.forward_all();
        let users = of_the_host();
        world.controller.create_network(network("bridge", "blue")).unwrap();
        world.controller.delete_network("blue").unwrap();
        assert_eq!(of_the_host(), users, "all on before");
        world.forward_as_before(all);
        assert_eq!(of_the_host(), before);
    });
}

#[test]
fn closed_networks_and_those_without_firewall_switch_no_forwarding_on() {
    world(|world| {
        let before = of_the_host();
        let mut internal = network("bridge", "blue");
        internal.internal = true;
        let mut off = network("bridge", "green");
        off.firewall.mode = netns::FirewallMode::Off;
        for config in [internal, off] {
            let name = config.name.clone();
            world.controller.create_network(config).unwrap();
            assert_eq!(of_the_host(), before, "{name}");
            world.controller.delete_network(name.as_str()).unwrap();
        }
    });
}

#[test]
fn the_tables_go_with_the_last_network() {
    world(|world| {
        for kind in TYPES {
            let tables = || world.rules(&["tables"]);
            assert!(!tables().contains("libnetns"), "{}", tables());
            world.controller.create_network(network(kind, "blue")).unwrap();
            world.controller.create_network(network("bridge", "green")).unwrap();
            world.controller.delete_network("blue").unwrap();
            assert!(tables().contains("inet libnetns") && tables().contains("bridge libnetns"));
            world.controller.delete_network("green").unwrap();
            assert!(!tables().contains("libnetns"), "{}", tables());
        }
    });
}

/// What people do to a rule set that is not theirs.
const RUINS: [&str; 7] = [
    "flush ruleset",
    "delete table inet libnetns",
    "delete table bridge libnetns",
    "flush chain inet libnetns forward",
    "flush table inet libnetns; flush table bridge libnetns",
    "flush map inet libnetns everywhere4",
    "delete table inet libnetns; add table inet other",
];

#[test]
fn a_flushed_firewall_is_put_back_as_it_was() {
    world(|world| {
        for kind in TYPES {
            world.controller.create_network(network(kind, "blue")).unwrap();
            world.controller.create_network(network("bridge", "green")).unwrap();
            let ports = ["8080:80", "8080:80/udp", "192.0.2.9:8081:80", "[2001:db8::9]:8081:80"];
            world.container("blue", "web", 11, &ports);
            world.container("green", "db", 11, &["9000-9010:80-90/udp"]);
            works(world, kind);
            let before = world.tables();
            for ruin in RUINS {
                world.nft(ruin);
                assert_ne!(world.tables(), before, "{ruin}");
                world.controller.restore_firewall().unwrap_or_else(|error| panic!("{kind}, {ruin}: {error}"));
                if ruin.contains("other") {
                    world.nft("delete table inet other");
                }
                assert_eq!(world.tables(), before, "{kind}, {ruin}");
            }
            works(world, &format!("{kind}, put back"));
            assert!(world.controller.collect().unwrap().findings.is_empty());
            world.end(kind);
        }
    });
}

#[test]
fn restoring_what_is_there_changes_nothing_and_breaks_no_connection() {
    world(|world| {
        world.controller.create_network(network("bridge", "blue")).unwrap();
        world.container("blue", "web", 11, &["8080:80", "8080:80/udp"]);
        let before = world.tables();
        world.controller.restore_firewall().unwrap();
        assert_eq!(world.tables(), before);
        works(world, "restored");
    });
}

#[test]
fn nothing_is_restored_where_no_network_is() {
    world(|world| world.controller.restore_firewall().unwrap());
}

#[test]
fn a_watched_firewall_comes_back_by_itself() {
    world(|world| {
        world.controller.create_network(network("bridge", "blue")).unwrap();
        world.controller.create_network(network("routed", "green")).unwrap();
        world.container("blue", "web", 11, &["8080:80", "8080:80/udp"]);
        let before = world.tables();
        let watcher = Arc::new(open());
        let watch = watcher.watch_firewall().unwrap();
        for ruin in ["flush ruleset", "delete table inet libnetns"] {
            world.nft(ruin);
            let deadline = Instant::now() + Duration::from_secs(5);
            while world.tables() != before && Instant::now() < deadline {
                thread::sleep(Duration::from_millis(20));
            }
            assert_eq!(world.tables(), before, "{ruin}");
        }
        works(world, "watched");
        drop(watch);
        world.nft("flush ruleset");
        thread::sleep(Duration::from_millis(300));
        assert_eq!(world.rules(&["ruleset"]), "", "nobody watches");
        world.controller.restore_firewall().unwrap();
    });
}

#[test]
fn a_watch_leaves_the_tables_gone_when_the_last_network_went() {
    world(|world| {
        let watcher = Arc::new(open());
        let _watch = watcher.watch_firewall().unwrap();
        world.controller.create_network(network("bridge", "blue")).unwrap();
        world.controller.delete_network("blue").unwrap();
        thread::sleep(Duration::from_millis(300));
        assert_eq!(world.rules(&["ruleset"]), "");
    });
}

#[test]
fn what_a_process_published_outlives_it_and_the_next_sees_it() {
    const TEST: &str = "lifetime::what_a_process_published_outlives_it_and_the_next_sees_it";
    if child::role().is_some() {
        let controller = open();
        controller.publish("blue", "web", &mappings(&["8080:80", "8080:80/udp"])).unwrap();
        return;
    }
    world(|world| {
        for kind in TYPES {
            world.controller.create_network(network(kind, "blue")).unwrap();
            world.container("blue", "web", 11, &[]);
            let played = child::command(&[], TEST, "publish").stdout(Stdio::null()).status().unwrap();
            assert!(played.success(), "{played:?}");
            works(world, kind);
            let next = open();
            assert!(next.collect().unwrap().findings.is_empty());
            let ports = next.endpoint("blue", "web").unwrap().ports;
            assert_eq!(ports, mappings(&["8080:80", "8080:80/udp"]));
            works(world, &format!("{kind}, with the next"));
            next.withdraw("blue", "web", &ports).unwrap();
            world.end(kind);
        }
    });
}

#[test]
fn a_port_that_was_cut_short_is_completed_whole() {
    world(|world| {
        for kind in TYPES {
            world.filter_bridged(false);
            world.controller.create_network(network(kind, "blue")).unwrap();
            world.container("blue", "web", 11, &["8080:80"]);
            let by_loopback: Vec<_> = Family::ALL
                .map(|family| {
                    Try::nothing("", Transport::Tcp, (family.loopback(), 8080).into()).reaches("web")
                })
                .into();
            attempt(kind, &by_loopback);
            let all: Vec<_> =
                fs::read_dir("/proc/sys/net/ipv4/conf").unwrap().map(|own| own.unwrap().path()).collect();
            let links =
                all.iter().filter(|own| own.file_name().unwrap().to_string_lossy().starts_with("veth"));
            let local = links.map(|own| own.join("route_localnet"));
            let on: Vec<_> = local.filter(|own| fs::read_to_string(own).unwrap().trim() == "1").collect();
            assert_eq!(on.len(), usize::from(kind == "routed"));
            on.iter().for_each(|own| fs::write(own, "0").unwrap());
            for map in ["everywhere4", "everywhere6"] {
                world.nft(&format!("flush map inet libnetns {map}"));
            }
            let found = world.controller.collect().unwrap().findings;
            assert_eq!(found.len(), 1, "{kind}: {found:?}");
            attempt(&format!("{kind}, completed"), &by_loopback);
            world.end(kind);
        }
    });
}
