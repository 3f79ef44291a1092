//! Networks of Docker's: what its options come to, and what is asked for twice.

use std::thread;
use std::time::{Duration, Instant};

use netns::{GatewayMode, Isolate, NetworkConfig};
use serde_json::{json, Value};
use testhost::{host, Host};

use crate::common::{addresses, link, links};
use crate::control::{blue, open, settled};
use crate::dockerd::{id, network, of_network, V4};
use crate::wire::Plugin;

fn defined(name: &str) -> NetworkConfig {
    open().inspect_network(&id(name)).unwrap().config
}

/// A request for an IPv4 network alone.
fn v4(name: &str, options: &Value) -> Value {
    let mut request = network(name, options);
    request["IPv6Data"] = Value::Null;
    request["Options"]["com.docker.network.enable_ipv6"] = false.into();
    request
}

#[test]
fn a_network_is_a_bridge_of_its_ids_beginning_with_what_docker_says_of_addresses() {
    host(|host| {
        let (_controller, before) = settled(host);
        let plugin = Plugin::start();
        let mut request = network("blue", &json!({}));
        request["IPv4Data"][0]["AuxAddresses"] = json!({ "printer": "172.18.0.9/16" });
        plugin.good("NetworkDriver.CreateNetwork", &request);
        let name = format!("br-{}", &id("blue")[..12]);
        let shown = addresses(&link(host, "", &name));
        for gateway in ["172.18.0.1/16", "fd18::1/64"] {
            assert!(shown.contains(&gateway.to_owned()), "{shown:?}");
        }
        let config = defined("blue");
        assert_eq!((config.network_type.as_str(), config.ipam.as_str()), ("bridge", "static"));
        assert_eq!((config.ipv4, config.ipv6, config.internal), (true, true, false));
        let subnet = config.subnet(false).unwrap();
        assert_eq!(subnet.auxiliary["printer"].to_string(), "172.18.0.9");
        plugin.good("NetworkDriver.DeleteNetwork", &of_network("blue"));
        plugin.good("NetworkDriver.DeleteNetwork", &of_network("blue"));
        plugin.stop();
        host.run("rmdir", &["/run/docker/plugins", "/run/docker"]);
        host.assert_returns_to(&before, "a network that came and went");
    });
}

#[test]
fn options_are_the_drivers_the_definitions_and_dockers_own() {
    host(|host| {
        let plugin = Plugin::start();
        let options = json!({
            "com.docker.network.bridge.name": "mine",
            "com.docker.network.driver.mtu": "1400",
            "com.docker.network.bridge.enable_icc": "false",
            "com.docker.network.bridge.enable_ip_masquerade": "false",
            "com.docker.network.container_iface_prefix": "net",
            "isolate": "strict", "meter": "false", "anti_spoofing": "0", "gateway_mode": "routed",
        });
        plugin.good("NetworkDriver.CreateNetwork", &v4("blue", &options));
        assert_eq!(link(host, "", "mine")["mtu"], 1400);
        let config = defined("blue");
        let firewall = &config.firewall;
        assert!(
            !firewall.icc && !firewall.masquerade && !firewall.anti_spoofing && !config.meter,
            "{config:?}"
        );
        assert_eq!((firewall.isolate, firewall.gateway_mode), (Isolate::Strict, GatewayMode::Routed));
        plugin.good("NetworkDriver.DeleteNetwork", &of_network("blue"));

        let mut internal = v4("blue", &json!({ "driver": "routed", "com.docker.network.host_ipv4": "" }));
        internal["Options"]["com.docker.network.internal"] = true.into();
        plugin.good("NetworkDriver.CreateNetwork", &internal);
        let config = defined("blue");
        assert!(config.internal && config.network_type == "routed", "{config:?}");
        assert!(links(host, "").contains(&format!("rt-{}", &id("blue")[..12])));
        plugin.good("NetworkDriver.DeleteNetwork", &of_network("blue"));

        let without = json!({ "NetworkID": "short", "Options": {}, "IPv4Data": [{ "AddressSpace": "null", "Pool": "0.0.0.0/0" }] });
        plugin.good("NetworkDriver.CreateNetwork", &without);
        assert!(links(host, "").contains(&"br-short".to_owned()));
        assert_eq!(open().inspect_network("short").unwrap().config.subnets, []);
        plugin.good("NetworkDriver.DeleteNetwork", &json!({ "NetworkID": "short" }));
    });
}

#[test]
fn options_that_say_nothing_are_refused_with_those_that_do_and_nothing_is_left() {
    host(|host| {
        let (_, _) = settled(host);
        let plugin = Plugin::start();
        let before = host.dump();
        let refused: [(Value, &[&str]); 13] = [
            (json!({ "bogus": "1" }), &["bogus", "com.docker.network.driver.mtu", "isolate", "driver"]),
            (json!({ "driver": "routed", "bogus": "1" }), &["bogus", "anchor", "masquerade"]),
            (json!({ "driver": "macvlan", "parent": "lo", "bogus": "1" }), &["bogus", "mode", "meter"]),
            (json!({ "driver": "overlay" }), &["overlay", "bridge", "macvlan", "routed"]),
            (json!({ "driver": "host" }), &["host", "none of"]),
            (json!({ "driver": "macvlan" }), &["parent"]),
            (json!({ "driver": "macvlan", "parent": "lan9" }), &["lan9", "no such link"]),
            (json!({ "meter": "maybe" }), &["meter", "maybe"]),
            (json!({ "isolate": "sometimes" }), &["isolate", "sometimes"]),
            (json!({ "gateway_mode": "upwards" }), &["gateway_mode", "upwards"]),
            (json!({ "source": "here" }), &["source", "here"]),
            (json!({ "com.docker.network.driver.mtu": "12" }), &["12"]),
            (json!({ "com.docker.network.bridge.name": "a name that is long" }), &["a name that is long"]),
        ];
        for (options, words) in refused {
            plugin.bad("NetworkDriver.CreateNetwork", &v4("blue", &options), words);
        }
        let mut request = v4("blue", &json!({}));
        request["Options"]["com.docker.network.generic"] = "x".into();
        plugin.bad("NetworkDriver.CreateNetwork", &request, &["com.docker.network.generic", "no map"]);
        for (data, words) in [
            (json!([{ "Pool": "172.18.0.0/16" }]), ["gateway", "static"].as_slice()),
            (json!([{ "Pool": "172.18.0.0/16", "Gateway": "10.0.0.1/16" }]), &["10.0.0.1"]),
            (json!([{ "Pool": "127.0.0.0/8", "Gateway": "127.0.0.1/8" }]), &["127.0.0.1"]),
            (
                json!([{ "Pool": V4.0, "Gateway": V4.1 }, { "Pool": "10.1.0.0/16", "Gateway": "10.1.0.1/16" }]),
                &["there are 2"],
            ),
        ] {
            let mut request = v4("blue", &json!({}));
            request["IPv4Data"] = data;
            plugin.bad("NetworkDriver.CreateNetwork", &request, words);
        }
        let mut request = v4("blue", &json!({}));
        request["IPv4Data"][0]["Pool"] = "everything".into();
        plugin.refuses(400, "NetworkDriver.CreateNetwork", request.to_string().as_bytes(), &["everything"]);
        host.assert_returns_to(&before, "networks that were refused");
    });
}

#[test]
fn a_network_that_is_asked_for_twice_is_the_same_one_or_an_error_that_says_what_differs() {
    host(|host| {
        let (_, _) = settled(host);
        let plugin = Plugin::start();
        let options = json!({ "com.docker.network.driver.mtu": "1400", "com.docker.network.bridge.enable_icc": "false" });
        plugin.good("NetworkDriver.CreateNetwork", &v4("blue", &options));
        let before = host.dump();
        plugin.good("NetworkDriver.CreateNetwork", &v4("blue", &options));
        plugin.bad(
            "NetworkDriver.CreateNetwork",
            &v4("blue", &json!({})),
            &["otherwise", "firewall", "options", "1400"],
        );
        plugin.bad(
            "NetworkDriver.CreateNetwork",
            &network("blue", &options),
            &["otherwise", "subnets", "fd18::"],
        );
        plugin.bad("NetworkDriver.CreateNetwork", &v4("red", &json!({})), &["overlaps", V4.0]);
        host.assert_returns_to(&before, "networks that were asked for again");
        // Somebody took its bridge away: who asks again gets it back.
        host.ip(&["link", "delete", &format!("br-{}", &id("blue")[..12])]);
        plugin.stop();
        let plugin = Plugin::start();
        plugin.good("NetworkDriver.CreateNetwork", &v4("blue", &options));
        assert!(links(host, "").contains(&format!("br-{}", &id("blue")[..12])));
    });
}

#[test]
fn networks_that_others_made_are_not_dockers() {
    host(|host| {
        let (controller, _) = settled(host);
        let mut config = blue();
        config.name = id("blue").parse().unwrap();
        config = config.with_option("bridge", "br-blue");
        controller.create_network(config).unwrap();
        let plugin = Plugin::start();
        let before = host.dump();
        plugin.bad(
            "NetworkDriver.CreateNetwork",
            &network("blue", &json!({})),
            &["none that Docker had made"],
        );
        plugin.bad("NetworkDriver.DeleteNetwork", &of_network("blue"), &["none that Docker had made"]);
        for method in ["CreateEndpoint", "Join", "Leave", "DeleteEndpoint", "ProgramExternalConnectivity"] {
            let request = crate::dockerd::endpoint("blue", "web", 2);
            plugin.bad(&format!("NetworkDriver.{method}"), &request, &["none that Docker had made"]);
        }
        host.assert_returns_to(&before, "another's network");
    });
}

/// How many rules there are in Docker's chain.
fn passing(host: &Host) -> usize {
    let listed = host.run("nft", &["-j", "list", "chain", "ip", "filter", "DOCKER-USER"]);
    assert!(listed.success, "{}", listed.stderr);
    let listed: Value = serde_json::from_str(&listed.stdout).unwrap();
    listed["nftables"].as_array().unwrap().iter().filter(|item| item["rule"].is_object()).count()
}

#[test]
fn what_dockers_rules_let_pass_goes_with_the_last_network_whoever_took_that_away() {
    host(|host| {
        assert!(host.run("nft", &["add table ip filter; add chain ip filter DOCKER-USER"]).success);
        let plugin = Plugin::start();
        let create = || plugin.good("NetworkDriver.CreateNetwork", &v4("blue", &json!({})));
        create();
        assert!(passing(host) > 0);
        open().delete_network(&id("blue")).unwrap();
        plugin.good("NetworkDriver.DeleteNetwork", &of_network("blue"));
        assert_eq!(passing(host), 0);
        create();
        plugin.stop();
        assert!(passing(host) > 0);
        open().delete_network(&id("blue")).unwrap();
        let _plugin = Plugin::start();
        assert_eq!(passing(host), 0);
    });
}

#[test]
fn what_a_reload_of_the_firewall_takes_away_comes_back_by_itself() {
    host(|host| {
        let made = "add table ip filter; add chain ip filter DOCKER-USER";
        assert!(host.run("nft", &[made]).success);
        let plugin = Plugin::start();
        plugin.good("NetworkDriver.CreateNetwork", &v4("blue", &json!({})));
        let table = || host.run("nft", &["list", "table", "inet", "libnetns"]).stdout;
        let rules = || host.run("nft", &["-s", "list", "chain", "ip", "filter", "DOCKER-USER"]).stdout;
        let (before, there) = (table(), rules());
        assert!(passing(host) > 0 && !before.is_empty());
        let comes_back = |what: &str| {
            let begin = Instant::now();
            while table() != before || rules() != there {
                assert!(begin.elapsed() < Duration::from_secs(30), "{what}: {}", rules());
                thread::sleep(Duration::from_millis(5));
            }
        };
        assert!(host.run("nft", &["flush", "ruleset"]).success);
        // Docker makes its chain anew after a while.
        assert!(host.run("nft", &[made]).success);
        comes_back("a flushed ruleset");
        assert!(host.run("nft", &["flush chain ip filter DOCKER-USER"]).success);
        comes_back("a flushed chain");
        assert!(host.run("nft", &[&format!("delete table ip filter; {made}")]).success);
        comes_back("a table that was made anew");
        plugin.good("NetworkDriver.DeleteNetwork", &of_network("blue"));
        assert_eq!(passing(host), 0);
        // It ends with the server.
        plugin.good("NetworkDriver.CreateNetwork", &v4("blue", &json!({})));
        plugin.stop();
        assert!(host.run("nft", &["flush ruleset"]).success);
        assert!(table().is_empty());
    });
}
