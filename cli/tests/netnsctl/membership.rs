//! Sandboxes and endpoints: connected, joined and parted.

use std::net::IpAddr;

use serde_json::json;
use testhost::host;

use crate::common::{addresses, blue, ctl, json, settled};

#[test]
fn a_sandbox_is_connected_as_ip_shows_and_leaves_nothing() {
    host(|host| {
        let before = settled(host);
        ctl(&["network", "create", "blue", "--subnet", "10.1.0.0/24", "--subnet", "fd01::/64"]).well();
        assert_eq!(
            ctl(&["sandbox", "create", "web"]).well(),
            "SANDBOX   PATH             ENDPOINTS\nweb       /run/netns/web   -\n"
        );
        assert_eq!(host.netns_list(), ["web"]);
        let made = json(&[
            "connect",
            "blue",
            "web",
            "front",
            "-a",
            "10.1.0.9",
            "--mac",
            "02:00:00:00:00:09",
            "--mtu",
            "1400",
            "-i",
            "net9",
            "--route",
            "10.7.0.0/16=10.1.0.1",
        ]);
        let inside = host.ip_in("web", &["address", "show", "net9"]);
        assert_eq!(addresses(&inside), ["10.1.0.9/24", made["address_ipv6"].as_str().unwrap()]);
        assert_eq!((&inside[0]["address"], &inside[0]["mtu"]), (&made["mac"], &json!(1400)));
        let route = host.ip_in("web", &["route", "show", "10.7.0.0/16"]);
        assert_eq!((&route[0]["gateway"], &route[0]["dev"]), (&json!("10.1.0.1"), &json!("net9")));
        assert!(host.ping("web", "10.1.0.1".parse::<IpAddr>().unwrap()));
        let info = json(&["sandbox", "inspect", "web"]);
        assert_eq!((&info["gateway"], &info["gateway_ipv6"]), (&json!("10.1.0.1"), &json!("fd01::1")));
        assert_eq!(json(&["endpoint", "inspect", "blue", "front"])["config"], made["config"]);
        ctl(&["disconnect", "blue", "front"]).silent();
        assert_eq!(host.ip_in("web", &["link", "show"]).as_array().unwrap().len(), 1);
        ctl(&["sandbox", "rm", "web"]).silent();
        ctl(&["network", "rm", "blue"]).silent();
        host.assert_returns_to(&before, "a sandbox that was connected");
    });
}

#[test]
fn an_endpoint_is_called_as_its_sandbox_where_nothing_else_is_said() {
    host(|host| {
        blue(&["web", "db"]);
        let text = ctl(&["sandbox", "ls"]).well();
        let expected = "\
SANDBOX   PATH             ENDPOINTS
db        /run/netns/db    blue/db
web       /run/netns/web   blue/web
";
        assert_eq!(text, expected);
        assert!(host.ping("web", "10.1.0.3".parse::<IpAddr>().unwrap()));
        ctl(&["disconnect", "blue", "db"]).silent();
        assert!(!host.ping("web", "10.1.0.3".parse::<IpAddr>().unwrap()));
    });
}

#[test]
fn a_plan_says_what_connect_would_do_and_does_nothing() {
    host(|host| {
        settled(host);
        ctl(&["network", "create", "blue", "--subnet", "10.1.0.0/24"]).well();
        ctl(&["sandbox", "create", "web"]).well();
        let before = host.dump();
        let text = ctl(&["plan", "blue", "web", "-a", "10.1.0.9", "-i", "net9"]).well();
        assert!(text.contains("add address 10.1.0.9/24 to net9"), "{text}");
        assert!(text.lines().all(|line| !line.is_empty()), "{text}");
        let plan = json(&["plan", "blue", "web"]);
        assert_eq!(plan["steps"].as_array().unwrap().len(), text.lines().count());
        before.assert_same(&host.dump(), "a plan");
        assert_eq!(json(&["endpoint", "ls"]), json!([]));
    });
}

#[test]
fn an_endpoint_keeps_its_addresses_from_one_sandbox_to_the_next() {
    host(|host| {
        blue(&[]);
        ctl(&["sandbox", "create", "one", "two"]).well();
        let made = json(&["endpoint", "create", "blue", "web", "--label", "a=b", "--alias", "www"]);
        assert_eq!(
            (&made["config"]["labels"], &made["config"]["aliases"]),
            (&json!({ "a": "b" }), &json!(["www"]))
        );
        for sandbox in ["one", "two"] {
            let joined = json(&["join", "blue", "web", sandbox]);
            assert_eq!(joined["address"], made["address"]);
            assert_eq!(addresses(&host.ip_in(sandbox, &["address", "show", "eth0"]))[0], made["address"]);
            let listed = json(&["endpoint", "ls", "blue"]);
            assert_eq!(listed[0]["sandbox"], format!("/run/netns/{sandbox}"));
            ctl(&["endpoint", "rm", "blue", "web"]).refused(1, &["it is joined to", sandbox]);
            ctl(&["leave", "blue", "web"]).silent();
        }
        let mac = made["mac"].as_str().unwrap();
        let expected = format!(
            "NETWORK   ENDPOINT   ADDRESSES     MAC                 PORTS   SANDBOX\n\
             blue      web        10.1.0.2/24   {mac}   -       -\n"
        );
        assert_eq!(ctl(&["endpoint", "ls"]).well(), expected);
        ctl(&["endpoint", "rm", "blue", "web"]).silent();
        ctl(&["endpoint", "rm", "--force", "blue", "web"]).silent();
        ctl(&["leave", "--force", "blue", "web"]).silent();
        ctl(&["disconnect", "--force", "blue", "web"]).silent();
    });
}

#[test]
fn directories_are_those_of_options_or_else_of_the_environment() {
    host(|host| {
        let options = [
            "--networks-dir",
            "/run/a/networks",
            "--run-dir",
            "/run/a/run",
            "--sandbox-dir",
            "/run/a/sandboxes",
            "--meter-dir",
            "/sys/fs/bpf/a",
        ];
        let with = |args: &[&'static str]| ctl(&[args, &options].concat()).well();
        with(&["network", "create", "blue", "--subnet", "10.1.0.0/24"]);
        with(&["sandbox", "create", "web"]);
        with(&["connect", "blue", "web"]);
        for path in ["/run/a/networks/blue.json", "/run/a/run/state.db", "/run/a/sandboxes/web"] {
            assert!(std::fs::exists(path).unwrap(), "no {path}");
        }
        // Where bpf is permitted.
        assert!(!std::fs::exists("/sys/fs/bpf/libnetns").unwrap());
        assert!(!std::fs::exists("/run/libnetns").unwrap() && host.netns_list().is_empty());
        let mut listing = crate::common::command(&["network", "ls", "--json"]);
        listing.env("NETNS_NETWORKS_DIR", "/run/a/networks").env("NETNS_RUN_DIR", "/run/a/run");
        let listed = crate::common::Ended::from(
            listing.env("NETNS_SANDBOX_DIR", "/run/a/sandboxes").output().unwrap(),
        );
        assert_eq!(crate::common::parse(&listed.well())[0]["name"], "blue");
        with(&["sandbox", "rm", "web"]);
        with(&["network", "rm", "blue"]);
    });
}
