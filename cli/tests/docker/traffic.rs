//! Containers that talk.

use serde_json::json;
use testhost::{attempt, Server, Transport, Try};

use crate::stage::{addr, stage};

#[test]
fn containers_reach_each_other_the_gateway_and_the_outside() {
    stage("containers_reach_each_other_the_gateway_and_the_outside", &[], |stage| {
        outside(stage.host);
        let subnets = "--ipv6 --subnet 10.60.0.0/24 --subnet fd60::/64";
        stage.docker(&format!("network create --driver netns {subnets} blue"));
        let network = stage.inspect("network", "blue");
        assert_eq!((&network["Driver"], &network["Scope"]), (&json!("netns"), &json!("local")));
        assert_eq!(network["EnableIPv6"], true);
        let pools = [("10.60.0.0/24", "10.60.0.1"), ("fd60::/64", "fd60::1")];
        for (index, (subnet, gateway)) in pools.into_iter().enumerate() {
            assert_eq!(network["IPAM"]["Config"][index]["Subnet"], subnet);
            let shown = network["IPAM"]["Config"][index]["Gateway"].as_str();
            assert!(shown.is_none_or(|shown| shown == gateway), "{network:#}");
        }

        stage.run("one", "--network blue");
        stage.run("two", "--network blue --ip 10.60.0.77 --ip6 fd60::77 --mac-address 02:42:0a:3c:00:4d");
        let one = stage.addresses("one", "blue");
        let two = stage.addresses("two", "blue");
        assert_eq!(two, [addr("10.60.0.77"), addr("fd60::77")]);
        stage.pings("one", &two, true);
        stage.pings("two", &one, true);
        stage.pings("one", &[addr("10.60.0.1"), addr("fd60::1")], true);
        stage.docker("exec one ping -c 1 -W 2 two");

        // What Docker says is so.
        for (container, addresses) in [("one", &one), ("two", &two)] {
            let shown = stage.endpoint(container, "blue");
            assert_eq!((&shown["Gateway"], &shown["IPv6Gateway"]), (&json!("10.60.0.1"), &json!("fd60::1")));
            for address in addresses {
                let interface = stage.interface(container, *address).unwrap();
                assert_eq!(interface["ifname"], "eth0");
                assert_eq!(interface["address"], shown["MacAddress"]);
            }
            for (family, gateway) in [("-4", "10.60.0.1"), ("-6", "fd60::1")] {
                let routes = stage.host.ip_in(container, &[family, "route", "show", "default"]);
                assert_eq!(routes[0]["gateway"], gateway, "{routes}");
            }
            let id = stage.inspect("container", container)["Id"].take();
            let listed = &stage.inspect("network", "blue")["Containers"][id.as_str().unwrap()];
            assert_eq!((&listed["Name"], &listed["MacAddress"]), (&json!(container), &shown["MacAddress"]));
        }

        // By the host's address to who knows nothing of the containers.
        let _server = Server::start("outside", "outside", &[80]);
        attempt(
            "from a container to the outside",
            &[
                Try::nothing("one", Transport::Tcp, "198.51.100.2:80".parse().unwrap())
                    .answers("outside", addr("198.51.100.1")),
                Try::nothing("one", Transport::Udp, "[fd98::2]:80".parse().unwrap())
                    .answers("outside", addr("fd98::1")),
            ],
        );
        stage.host.ip(&["netns", "delete", "outside"]);

        // Counted from the outside, by the number of the endpoint as Docker has it.
        let endpoint = stage.endpoint("one", "blue")["EndpointID"].take();
        let (network, endpoint) = (network["Id"].as_str().unwrap(), endpoint.as_str().unwrap());
        let before = stage.counted(network, endpoint);
        stage.docker("exec one ping -c 3 -s 1000 -W 2 10.60.0.77");
        let after = stage.counted(network, endpoint);
        for (before, after) in before.into_iter().zip(after) {
            assert!(after >= before + 3 * 1000, "{before} to {after}");
        }
        stage.remove(&["one", "two"]);
        stage.docker("network rm blue");
    });
}

/// A neighbour of the host's, `198.51.100.2` and `fd98::2`, that knows no way to any container.
pub(crate) fn outside(host: &testhost::Host) {
    host.ip(&["netns", "add", "outside"]);
    host.ip(&["link", "add", "up0", "type", "veth", "peer", "name", "eth0", "netns", "outside"]);
    for (namespace, link, addresses) in [
        ("", "up0", ["198.51.100.1/24", "fd98::1/64"]),
        ("outside", "eth0", ["198.51.100.2/24", "fd98::2/64"]),
    ] {
        let ip = |args: &[&str]| match namespace {
            "" => host.ip(args),
            namespace => host.ip_in(namespace, args),
        };
        for address in addresses {
            ip(&["address", "add", address, "dev", link, "nodad"]);
        }
        ip(&["link", "set", link, "up"]);
    }
    // The host has a way out.
    host.ip(&["route", "add", "default", "via", "198.51.100.2"]);
    host.ip(&["-6", "route", "add", "default", "via", "fd98::2"]);
}
