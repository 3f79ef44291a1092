//! Pools and addresses for Docker.

use std::fs;

use serde_json::{json, Value};
use testhost::host;

use crate::control::{blue, config, open, settled};
use crate::dockerd::{endpoint, id, network, of, of_network, text};
use crate::wire::Plugin;

const POOL: &str = "IpamDriver.RequestPool";
const ADDRESS: &str = "IpamDriver.RequestAddress";

fn pool(pool: &str, sub_pool: &str, v6: bool) -> Value {
    json!({ "AddressSpace": "LocalDefault", "Pool": pool, "SubPool": sub_pool, "Options": null, "V6": v6 })
}

fn address(id: &str, address: &str) -> Value {
    json!({ "PoolID": id, "Address": address, "Options": {} })
}

fn gateway(id: &str) -> Value {
    json!({ "PoolID": id, "Address": "", "Options": { "RequestAddressType": "com.docker.network.gateway" } })
}

/// The pool's id.
#[track_caller]
fn given(plugin: &Plugin, request: &Value) -> String {
    text(&plugin.good(POOL, request)["PoolID"])
}

#[track_caller]
fn taken(plugin: &Plugin, request: &Value) -> String {
    text(&plugin.good(ADDRESS, request)["Address"])
}

#[test]
fn pools_and_addresses_are_given_taken_back_and_given_again() {
    host(|_| {
        let plugin = Plugin::start();
        let capabilities = json!({ "RequiresMACAddress": false, "RequiresRequestReplay": false });
        assert_eq!(plugin.good("IpamDriver.GetCapabilities", &json!(null)), capabilities);
        let spaces = plugin.good("IpamDriver.GetDefaultAddressSpaces", &json!(null));
        assert_eq!(spaces["LocalDefaultAddressSpace"], "LocalDefault");
        assert_eq!(spaces["GlobalDefaultAddressSpace"], "GlobalDefault");
        let first = given(&plugin, &pool("", "", false));
        assert_eq!(first, "LocalDefault/172.17.0.0/16");
        assert_eq!(taken(&plugin, &gateway(&first)), "172.17.0.1/16");
        assert_eq!(taken(&plugin, &address(&first, "")), "172.17.0.2/16");
        assert_eq!(taken(&plugin, &address(&first, "172.17.9.9")), "172.17.9.9/16");
        plugin.bad(ADDRESS, &address(&first, "172.17.9.9"), &["172.17.9.9", "in use"]);
        plugin.bad(ADDRESS, &address(&first, "10.0.0.1"), &["10.0.0.1"]);
        plugin.bad(ADDRESS, &address(&first, "garbage"), &["garbage"]);
        let v6 = given(&plugin, &pool("", "", true));
        assert!(v6.starts_with("LocalDefault/fd") && taken(&plugin, &gateway(&v6)).ends_with("::1/64"));
        let sub = given(&plugin, &pool("10.9.0.0/16", "10.9.5.0/24", false));
        assert_eq!(sub, "LocalDefault/10.9.0.0/16/10.9.5.0/24");
        assert!(taken(&plugin, &address(&sub, "")).starts_with("10.9.5."));
        for _ in 0..2 {
            plugin.good("IpamDriver.ReleaseAddress", &address(&first, "172.17.9.9"));
        }
        assert_eq!(taken(&plugin, &address(&first, "172.17.9.9")), "172.17.9.9/16");
        for id in [&first, &v6, &sub] {
            for _ in 0..2 {
                plugin.good("IpamDriver.ReleasePool", &json!({ "PoolID": id }));
            }
            plugin.bad(ADDRESS, &address(id, ""), &["not given"]);
            plugin.good("IpamDriver.ReleaseAddress", &address(id, ""));
        }
        // Nothing of it was kept.
        assert_eq!(given(&plugin, &pool("", "", false)), first);
        assert_eq!(taken(&plugin, &address(&first, "172.17.9.9")), "172.17.9.9/16");
    });
}

#[test]
fn a_pool_overlaps_no_network_no_route_and_no_other_that_was_given() {
    host(|host| {
        let controller = open();
        controller.create_network(blue()).unwrap();
        crate::common::veth(host, "lan0", "lan1");
        host.ip(&["address", "add", "172.17.5.1/24", "dev", "lan0"]);
        host.ip(&["link", "set", "lan0", "up"]);
        let plugin = Plugin::start();
        let first = given(&plugin, &pool("", "", false));
        assert_eq!(first, "LocalDefault/172.18.0.0/16");
        assert_eq!(given(&plugin, &pool("", "", false)), "LocalDefault/172.19.0.0/16");
        plugin.bad(POOL, &pool("10.1.0.0/16", "", false), &["10.1.0.0/16", "overlaps", "10.1.0.0/24"]);
        taken(&plugin, &gateway(&first));
        plugin.bad(POOL, &pool("172.18.0.0/24", "", false), &["172.18.0.0/24", "overlaps"]);
        plugin.bad(POOL, &pool("172.18.0.0/16", "", false), &["overlaps"]);
        // A pool on the host's LAN is a LAN's whoever asks for it by name.
        given(&plugin, &pool("172.17.5.0/24", "", false));
        // Nor does a network that others make.
        let mut config = config("bridge", "red");
        assert_eq!(
            controller.create_network(config.clone()).unwrap().subnets[0].subnet.to_string(),
            "172.20.0.0/16"
        );
        config = crate::control::with_subnets("bridge", "green", &["172.19.5.0/24"]);
        crate::common::refused(
            controller.create_network(config),
            netns::ErrorKind::AlreadyExists,
            &["172.19.0.0/16"],
        );
    });
}

#[test]
fn pools_that_are_none_are_refused() {
    host(|host| {
        let (_, _) = settled(host);
        let plugin = Plugin::start();
        let before = host.dump();
        for (request, words) in [
            (pool("garbage", "", false), ["Pool", "garbage"].as_slice()),
            (pool("10.9.0.1/16", "", false), &["10.9.0.0/16"]),
            (pool("10.9.0.0/16", "10.8.0.0/24", false), &["10.8.0.0/24"]),
            (pool("", "10.8.0.0/24", false), &["sub-pool"]),
            (pool("10.9.0.0/16", "", true), &["IPv6"]),
            (pool("127.0.0.0/8", "", false), &["loopback"]),
            (json!({ "AddressSpace": "Nowhere" }), &["Nowhere"]),
        ] {
            plugin.bad(POOL, &request, words);
        }
        let long = "x".repeat(10 << 10);
        for id in ["", "garbage", "a/b/c/d/e/f", "LocalDefault/10.9.0.0/16 ", "../../x", &long] {
            plugin.bad(ADDRESS, &address(id, ""), &[]);
            plugin.bad("IpamDriver.ReleaseAddress", &address(id, "10.9.0.1"), &[]);
            plugin.bad("IpamDriver.ReleasePool", &json!({ "PoolID": id }), &[]);
        }
        plugin.bad(ADDRESS, &address("LocalDefault/10.9.0.0/16", ""), &["not given"]);
        // What others have taken is not Docker's to give back.
        let network = open().create_network(config("bridge", "red")).unwrap();
        let id = format!("LocalDefault/{}", network.subnets[0].subnet);
        plugin.bad(ADDRESS, &address(&id, ""), &["not given"]);
        plugin.good("IpamDriver.ReleasePool", &json!({ "PoolID": id }));
        for address in network.subnets[0].subnet.hosts().take(3) {
            plugin.good("IpamDriver.ReleaseAddress", &self::address(&id, &address.to_string()));
        }
        let used = open().inspect_network("red").unwrap().usage[0].used;
        assert_eq!(used, 1);
        open().delete_network("red").unwrap();
        host.assert_returns_to(&before, "pools that were refused");
    });
}

/// A network whose addresses are from here, with one endpoint.
fn network_of_ours(plugin: &Plugin) -> (String, String) {
    let pool = given(plugin, &pool("172.18.0.0/16", "", false));
    let own = taken(plugin, &gateway(&pool));
    let mut request = network("blue", &json!({}));
    (request["IPv6Data"], request["IPv4Data"][0]["Gateway"]) = (Value::Null, own.into());
    plugin.good("NetworkDriver.CreateNetwork", &request);
    let address = taken(plugin, &address(&pool, ""));
    let mut request = endpoint("blue", "web", 2);
    (request["Interface"]["Address"], request["Interface"]["AddressIPv6"]) = (json!(address), json!(""));
    plugin.good("NetworkDriver.CreateEndpoint", &request);
    (pool, address)
}

#[test]
fn an_address_is_dockers_until_docker_gives_it_back_whatever_becomes_of_the_endpoint() {
    host(|_| {
        let plugin = Plugin::start();
        let (pool, own) = network_of_ours(&plugin);
        assert_eq!(own, "172.18.0.2/16");
        plugin.good("NetworkDriver.DeleteEndpoint", &of("blue", "web"));
        plugin.bad(ADDRESS, &address(&pool, "172.18.0.2"), &["in use"]);
        plugin.bad(ADDRESS, &address(&pool, "172.18.0.1"), &["in use"]);
        plugin.good("IpamDriver.ReleaseAddress", &address(&pool, "172.18.0.2"));
        assert_eq!(taken(&plugin, &address(&pool, "172.18.0.2")), own);
        // As long as the network is there so is its pool, which Docker gives back before it deletes that.
        plugin.good("IpamDriver.ReleaseAddress", &address(&pool, "172.18.0.1"));
        plugin.good("IpamDriver.ReleasePool", &json!({ "PoolID": pool }));
        plugin.bad(POOL, &self::pool("172.18.0.0/16", "", false), &["overlaps"]);
        plugin.good("NetworkDriver.DeleteNetwork", &of_network("blue"));
        assert_eq!(given(&plugin, &self::pool("172.18.0.0/16", "", false)), pool);
        assert_eq!(taken(&plugin, &gateway(&pool)), "172.18.0.1/16");
    });
}

#[test]
fn after_a_reboot_pools_and_gateways_are_still_dockers() {
    host(|host| {
        let plugin = Plugin::start();
        let (pool, _) = network_of_ours(&plugin);
        plugin.stop();
        // The host comes up again, with its definitions and nothing else.
        host.ip(&["link", "delete", &format!("br-{}", &id("blue")[..12])]);
        fs::remove_dir_all("/run/libnetns").unwrap();
        host.run("nft", &["flush", "ruleset"]);
        let plugin = Plugin::start();
        assert_eq!(given(&plugin, &self::pool("", "", false)), "LocalDefault/172.17.0.0/16");
        plugin.bad(POOL, &self::pool("172.18.0.0/16", "", false), &["overlaps"]);
        plugin.bad(ADDRESS, &address(&pool, "172.18.0.1"), &["in use"]);
        // Docker takes away what it remembers of the endpoint, and runs it anew.
        plugin.good("NetworkDriver.DeleteEndpoint", &of("blue", "web"));
        plugin.good("IpamDriver.ReleaseAddress", &address(&pool, "172.18.0.2"));
        let own = taken(&plugin, &address(&pool, ""));
        assert_eq!(own, "172.18.0.2/16");
        let mut request = endpoint("blue", "web", 2);
        request["Interface"]["AddressIPv6"] = json!("");
        plugin.good("NetworkDriver.CreateEndpoint", &request);
        plugin.good("NetworkDriver.Join", &crate::dockerd::join("blue", "web"));
    });
}

#[test]
fn after_a_reboot_pools_of_other_drivers_networks_are_still_dockers() {
    host(|_| {
        let files = || match fs::read_dir("/run/networks/.pools") {
            Ok(entries) => entries.count(),
            Err(_) => 0,
        };
        let plugin = Plugin::start();
        let (v4, v6) = (given(&plugin, &pool("", "", false)), given(&plugin, &pool("", "", true)));
        let sub = given(&plugin, &pool("10.9.0.0/16", "10.9.5.0/24", false));
        assert_eq!(taken(&plugin, &gateway(&v4)), "172.17.0.1/16");
        assert!(taken(&plugin, &gateway(&v6)).ends_with("::1/64"));
        assert_eq!(taken(&plugin, &gateway(&sub)), "10.9.5.0/16");
        assert_eq!(taken(&plugin, &address(&v4, "")), "172.17.0.2/16");
        assert_eq!(files(), 3);
        plugin.stop();
        fs::remove_dir_all("/run/libnetns").unwrap();
        fs::write("/run/networks/.pools/pool-10.8.0.0-16.json", "garbage").unwrap();
        fs::write("/run/networks/.pools/.pool-x.json.4194000-1-1.tmp", "half").unwrap();
        // Whoever is the first knows them.
        assert_eq!(open().networks().unwrap().len(), 0);
        assert_eq!(files(), 4);
        fs::remove_file("/run/networks/.pools/pool-10.8.0.0-16.json").unwrap();
        let red = crate::control::with_subnets("bridge", "red", &["10.9.0.0/16"]);
        crate::common::refused(open().create_network(red), netns::ErrorKind::AlreadyExists, &["10.9.0.0/16"]);
        let plugin = Plugin::start();
        plugin.bad(POOL, &pool("172.17.0.0/16", "", false), &["overlaps"]);
        assert_eq!(given(&plugin, &pool("", "", false)), "LocalDefault/172.18.0.0/16");
        for (id, gateway) in [(&v4, "172.17.0.1"), (&sub, "10.9.5.0")] {
            plugin.bad(ADDRESS, &address(id, gateway), &["in use"]);
        }
        // Docker asks for a container's again.
        plugin.good("IpamDriver.ReleaseAddress", &address(&v4, "172.17.0.2"));
        assert_eq!(taken(&plugin, &address(&v4, "172.17.0.2")), "172.17.0.2/16");
        assert!(taken(&plugin, &address(&v6, "")).ends_with("::2/64"));
        assert_eq!(taken(&plugin, &address(&sub, "")), "10.9.5.1/16");
        for id in [&v4, &v6, &sub, "LocalDefault/172.18.0.0/16"] {
            plugin.good("IpamDriver.ReleasePool", &json!({ "PoolID": id }));
            plugin.bad(ADDRESS, &address(id, ""), &["not given"]);
        }
        assert!(!std::path::Path::new("/run/networks/.pools").exists());
        plugin.stop();
        fs::remove_dir_all("/run/libnetns").unwrap();
        let plugin = Plugin::start();
        assert_eq!(given(&plugin, &pool("", "", false)), v4);
    });
}

#[test]
fn a_pool_whose_file_somebody_removed_can_be_had_again() {
    host(|_| {
        let plugin = Plugin::start();
        let id = given(&plugin, &pool("10.9.0.0/16", "", false));
        taken(&plugin, &gateway(&id));
        plugin.bad(POOL, &pool("10.9.0.0/17", "", false), &["overlaps"]);
        fs::remove_file("/run/networks/.pools/pool-10.9.0.0-16.json").unwrap();
        let half = given(&plugin, &pool("10.9.0.0/17", "", false));
        assert_eq!(taken(&plugin, &gateway(&half)), "10.9.0.1/17");
        plugin.bad(ADDRESS, &address(&id, ""), &["not given"]);
    });
}

#[test]
fn a_pool_that_cannot_be_kept_is_not_given() {
    host(|host| {
        let plugin = Plugin::start();
        given(&plugin, &pool("10.9.0.0/16", "", false));
        fs::remove_dir_all("/run/networks/.pools").unwrap();
        fs::write("/run/networks/.pools", "in the way").unwrap();
        let before = host.dump();
        plugin.bad(POOL, &pool("10.8.0.0/16", "", false), &["pool-10.8.0.0-16"]);
        plugin.bad(ADDRESS, &address("LocalDefault/10.8.0.0/16", ""), &["not given"]);
        plugin.bad(ADDRESS, &gateway("LocalDefault/10.9.0.0/16"), &["pool-10.9.0.0-16"]);
        host.assert_returns_to(&before, "a pool that was not kept");
        fs::remove_file("/run/networks/.pools").unwrap();
        assert_eq!(taken(&plugin, &gateway("LocalDefault/10.9.0.0/16")), "10.9.0.1/16");
        given(&plugin, &pool("10.8.0.0/16", "", false));
    });
}

#[test]
fn of_two_who_have_a_subnet_the_one_who_gives_it_back_takes_nothing_from_the_other() {
    host(|_| {
        let plugin = Plugin::start();
        let wanted = pool("172.18.0.0/16", "", false);
        let id = given(&plugin, &wanted);
        assert_eq!(given(&plugin, &wanted), id);
        let own = taken(&plugin, &gateway(&id));
        plugin.bad(ADDRESS, &address(&id, "172.18.0.1"), &["in use"]);
        plugin.good("IpamDriver.ReleasePool", &json!({ "PoolID": id }));
        let mut request = network("blue", &json!({}));
        (request["IPv6Data"], request["IPv4Data"][0]["Gateway"]) = (Value::Null, own.into());
        plugin.good("NetworkDriver.CreateNetwork", &request);
        assert_eq!(taken(&plugin, &address(&id, "")), "172.18.0.2/16");
        // The network keeps its gateway, whoever gives that back.
        plugin.good("IpamDriver.ReleaseAddress", &address(&id, "172.18.0.1"));
        plugin.bad(ADDRESS, &address(&id, "172.18.0.1"), &["in use"]);
        plugin.good("NetworkDriver.DeleteNetwork", &of_network("blue"));
        plugin.good("IpamDriver.ReleaseAddress", &address(&id, "172.18.0.1"));
        plugin.good("IpamDriver.ReleasePool", &json!({ "PoolID": id }));
        plugin.bad(ADDRESS, &address(&id, ""), &["not given"]);
    });
}

#[test]
fn a_pool_of_which_an_address_was_ever_given_is_not_given_again() {
    host(|_| {
        let plugin = Plugin::start();
        let wanted = pool("172.18.0.0/16", "", false);
        let id = given(&plugin, &wanted);
        taken(&plugin, &address(&id, "172.18.0.2"));
        plugin.good("IpamDriver.ReleaseAddress", &address(&id, "172.18.0.2"));
        plugin.bad(POOL, &wanted, &["overlaps"]);
    });
}
