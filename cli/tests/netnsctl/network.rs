//! Networks.

use std::fs;

use serde_json::{json, Value};
use testhost::host;

use crate::common::{addresses, ctl, ctl_with, is_fit, json, parse, settled};

#[test]
fn a_network_is_what_ip_shows_until_it_is_removed() {
    host(|host| {
        let before = settled(host);
        let made = json(&[
            "network",
            "create",
            "blue",
            "--subnet",
            "10.1.0.0/24",
            "--subnet",
            "fd01::/64",
            "--gateway",
            "10.1.0.7",
            "-o",
            "mtu=1400",
        ]);
        assert_eq!(made["type"], "bridge");
        let bridge = host.ip(&["address", "show", "br-blue"]);
        assert_eq!(addresses(&bridge), ["10.1.0.7/24", "fd01::1/64"]);
        assert_eq!(bridge[0]["mtu"], 1400);
        assert_eq!(json(&["network", "ls"]), json!([made]));
        let text = ctl(&["network", "ls"]).well();
        let expected = "\
NETWORK   TYPE     SUBNETS                  GATEWAYS            ENDPOINTS
blue      bridge   10.1.0.0/24, fd01::/64   10.1.0.7, fd01::1           0
";
        assert_eq!(text, expected);
        let details = json(&["network", "inspect", "blue"]);
        assert_eq!((&details["name"], &details["endpoints"]), (&json!("blue"), &json!([])));
        assert_eq!(details["usage"][0], json!({ "subnet": "10.1.0.0/24", "used": 1 }));
        ctl(&["network", "rm", "blue"]).silent();
        assert_eq!(json(&["network", "ls"]), json!([]));
        host.assert_returns_to(&before, "a network that was removed");
    });
}

#[test]
fn every_option_reaches_the_definition() {
    host(|_| {
        ctl(&[
            "network",
            "create",
            "blue",
            "--type",
            "bridge",
            "--subnet",
            "10.1.0.0/24",
            "--range",
            "10.1.0.128/25",
            "--reserve",
            "printer=10.1.0.200",
            "--ipv6",
            "--internal",
            "--no-meter",
            "--label",
            "team=blue=1",
            "--firewall",
            "optional",
            "--isolate",
            "strict",
            "--no-masquerade",
            "--no-icc",
            "--no-anti-spoofing",
        ])
        .well();
        let file: Value = parse(&fs::read_to_string("/etc/libnetns/networks/blue.json").unwrap());
        let firewall = json!({ "mode": "optional", "isolate": "strict", "masquerade": false, "icc": false,
            "anti_spoofing": false });
        assert_eq!(file["firewall"], firewall);
        for (field, value) in [
            ("ipv4", json!(true)),
            ("ipv6", json!(true)),
            ("internal", json!(true)),
            ("meter", json!(false)),
            ("labels", json!({ "team": "blue=1" })),
        ] {
            assert_eq!(file[field], value, "{field}");
        }
        let subnet = &file["subnets"][0];
        assert_eq!(subnet["range"], "10.1.0.128/25");
        assert_eq!(subnet["auxiliary"], json!({ "printer": "10.1.0.200" }));
        let routed = json(&[
            "network",
            "create",
            "lab",
            "-t",
            "routed",
            "--gateway-mode",
            "routed",
            "--no-ipv4",
            "-6",
        ]);
        assert_eq!((&routed["type"], &routed["ipv4"]), (&json!("routed"), &json!(false)));
        assert_eq!(routed["firewall"]["gateway_mode"], "routed");
    });
}

#[test]
fn a_definition_comes_from_a_file_and_options_come_before_it() {
    host(|_| {
        let definition = json!({ "name": "other", "type": "routed", "ipv6": true, "labels": { "a": "1" },
            "subnets": [{ "subnet": "10.1.0.0/24" }] });
        fs::write("/run/blue.json", definition.to_string()).unwrap();
        let made = json(&["network", "create", "blue", "--config", "/run/blue.json", "--label", "b=2"]);
        assert_eq!((&made["name"], &made["type"]), (&json!("blue"), &json!("routed")));
        assert_eq!(made["labels"], json!({ "a": "1", "b": "2" }));
        let input = json!({ "subnets": [{ "subnet": "10.2.0.0/24" }] }).to_string();
        let made =
            ctl_with(&["--json", "network", "create", "green", "--config", "-", "-t", "bridge"], &input)
                .well();
        assert_eq!(parse(&made)["subnets"][0]["gateway"], "10.2.0.1");
        for (text, cause) in [
            ("", "EOF"),
            ("[]", "invalid type"),
            ("{\"type\": \"bridge\", \"colour\": 1}", "colour"),
            (&" ".repeat((1 << 20) + 1), "1 MiB"),
        ] {
            ctl_with(&["network", "create", "red", "--config", "-"], text)
                .refused(2, &["use definition -: ", cause]);
        }
        ctl(&["network", "create", "red", "--config", "/run/none"])
            .refused(3, &["read definition /run/none"]);
    });
}

#[test]
fn a_definition_that_cannot_be_read_is_told_and_hides_no_other() {
    host(|_| {
        ctl(&[
            "network",
            "create",
            "blue",
            "--subnet",
            "10.1.0.0/24",
            "--label",
            "evil=\u{1b}[31m\n\u{202e}",
        ])
        .well();
        fs::write(
            "/etc/libnetns/networks/bad.json",
            "{\"name\": \"bad\", \"type\": \"\\u001b[31m\", \"\x07\": 1}",
        )
        .unwrap();
        let text = ctl(&["network", "ls"]).well();
        assert!(is_fit(&text) && text.contains("bad       broken   "), "{text}");
        let listed = ctl(&["--json", "network", "ls"]).well();
        assert!(is_fit(&listed) && !listed.contains('\u{202e}'), "{listed}");
        let listed = parse(&listed);
        assert_eq!(listed[0]["name"], "bad");
        assert!(listed[0]["error"].as_str().unwrap().contains("bad.json"), "{listed}");
        assert_eq!(listed[1]["labels"]["evil"], "\u{1b}[31m\n\u{202e}");
        let text = ctl(&["network", "inspect", "blue"]).well();
        assert!(is_fit(&text) && text.contains("evil: \\u{1b}[31m\\n\\u{202e}\n"), "{text}");
        ctl(&["network", "inspect", "bad"]).refused(2, &["inspect network bad"]);
        let ended = ctl(&["network", "rm", "bad"]);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), ""), "{ended:?}");
        ended.complains(&["netnsctl: warning: deleting network bad by its file alone"]);
        assert!(!fs::exists("/etc/libnetns/networks/bad.json").unwrap());
    });
}

#[test]
fn of_several_networks_those_that_can_be_are_removed() {
    host(|_| {
        for (name, subnet) in [("blue", "10.1.0.0/24"), ("green", "10.2.0.0/24")] {
            ctl(&["network", "create", name, "--subnet", subnet]).well();
        }
        let ended = ctl(&["network", "rm", "blue", "none", "a/b", "green"]);
        assert_eq!((ended.code, ended.stderr.lines().count()), (Some(3), 2), "{ended:?}");
        ended.complains(&["delete network none: there is no network of that name", "a/b"]);
        assert_eq!(json(&["network", "ls"]), json!([]));
        ctl(&["network", "rm", "--force", "blue", "none"]).silent();
    });
}
