//! Networks that are no bridges.

use testhost::{attempt, Server, Transport, Try};

use crate::stage::{addr, stage};
use crate::traffic::outside;

#[test]
fn routed_networks_have_no_bridge() {
    stage("routed_networks_have_no_bridge", &[], |stage| {
        outside(stage.host);
        let subnets = "--ipv6 --subnet 10.73.0.0/24 --subnet fd73::/64";
        stage.docker(&format!("network create --driver netns --opt driver=routed {subnets} far"));
        stage.run("one", "--network far");
        stage.run("two", "--network far -p 8120:80");
        assert_eq!(stage.host.run("ip", &["link", "show", "type", "bridge_slave"]).stdout, "");
        let two = stage.addresses("two", "far");
        stage.pings("one", &two, true);
        stage.pings(
            "two",
            &[addr("10.73.0.1"), addr("fd73::1"), addr("198.51.100.2"), addr("fd98::2")],
            true,
        );
        let server = Server::start("two", "two", &[80]);
        let from =
            |namespace, to: &str| Try::nothing(namespace, Transport::Tcp, to.parse().unwrap()).reaches("two");
        attempt(
            "a port of a routed endpoint",
            &[
                from("outside", "198.51.100.1:8120"),
                from("", "127.0.0.1:8120"),
                from("one", "198.51.100.1:8120"),
            ],
        );
        drop(server);
        stage.docker("network disconnect far one");
        stage.docker("network connect far one");
        stage.pings("one", &two, true);
        stage.remove(&["one", "two"]);
        stage.docker("network rm far");
        stage.host.ip(&["netns", "delete", "outside"]);
    });
}

#[test]
fn macvlan_networks_are_on_the_lan() {
    stage("macvlan_networks_are_on_the_lan", &[], |stage| {
        outside(stage.host);
        let lan = "--subnet 198.51.100.0/24 --gateway 198.51.100.2 --ip-range 198.51.100.128/25";
        stage.docker(&format!(
            "network create --driver netns --opt driver=macvlan --opt parent=up0 {lan} lan"
        ));
        stage.run("one", "--network lan");
        stage.run("two", "--network lan");
        let two = stage.addresses("two", "lan");
        stage.pings("one", &two, true);
        stage.pings("one", &[addr("198.51.100.2")], true);
        let interface = stage.interface("two", two[0]).unwrap();
        assert_eq!(interface["linkinfo"]["info_kind"], "macvlan");
        stage.docker("network disconnect lan one");
        stage.docker("network connect lan one");
        stage.pings("one", &two, true);
        stage.docker("restart --time 0 two");
        stage.attach("two");
        stage.pings("two", &[addr("198.51.100.2")], true);
        stage.remove(&["one", "two"]);
        stage.docker("network rm lan");
        stage.host.ip(&["netns", "delete", "outside"]);
    });
}
