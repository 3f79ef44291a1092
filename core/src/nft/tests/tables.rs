//! What is made, in nft's words.

use testhost::{host, Host};

use super::*;

/// The lines of a chain between its braces.
fn chain(host: &Host, name: &str) -> Vec<String> {
    let shown = nft(host, &["list", "chain", "inet", "libnetns", name]);
    let lines = shown.lines().map(|line| line.trim().replace(" comment \"0badcafe net\"", ""));
    lines.filter(|line| !line.ends_with(['{', '}']) && !line.starts_with("comment")).collect()
}

#[test]
fn everything_is_made_in_one_transaction_and_shown_by_nft() {
    host(|host| {
        with_web([Change::Add(one_of_each()), Change::Add(bridge_elements())]);
        assert_eq!(nft(host, &["list", "table", "inet", "libnetns"]), include_str!("inet.nft"));
        assert_eq!(nft(host, &["list", "table", "bridge", "libnetns"]), include_str!("bridge.nft"));
    });
}

#[test]
fn what_nft_shows_can_be_given_back_to_it() {
    host(|host| {
        with_web([Change::Add(one_of_each()), Change::Add(bridge_elements())]);
        let shown = nft(host, &["list", "ruleset"]);
        std::fs::write("/run/shown", &shown).unwrap();
        nft(host, &["flush", "ruleset"]);
        nft(host, &["-f", "/run/shown"]);
        assert_eq!(nft(host, &["list", "ruleset"]), shown);
        let state = Firewall::open().unwrap().state().unwrap().unwrap();
        assert!(state.whole && state.bridge_whole == Some(true), "{state:?}");
    });
}

#[test]
fn changes_read_as_a_script_that_does_the_same() {
    host(|host| {
        let mut routed = rules("web2");
        routed.routed = true;
        let mut closed = rules("web3");
        (closed.icc, closed.internal) = (false, true);
        let changes = [
            Change::Table,
            Change::BridgeTable,
            Change::Network(rules("web")),
            Change::Network(routed),
            Change::Network(closed),
            Change::Add(one_of_each()),
            Change::Add(bridge_elements()),
            Change::Delete(vec![interface("br0", "web"), published(None, 53, "10.1.0.2:53")]),
            Change::DeleteNetwork { key: "web3".to_owned() },
        ];
        Firewall::open().unwrap().commit(&changes).unwrap();
        let made = nft(host, &["list", "ruleset"]);
        nft(host, &["flush", "ruleset"]);
        let script: String = changes.iter().map(|change| format!("{change:#}\n")).collect();
        std::fs::write("/run/script", script).unwrap();
        nft(host, &["-f", "/run/script"]);
        assert_eq!(nft(host, &["list", "ruleset"]), made);
    });
}

#[test]
fn a_change_reads_in_one_line() {
    let guard = Entry::Guarded { bridge: true, name: "veth1".parse().unwrap() };
    let cases = [
        (Change::Table, "add table inet libnetns"),
        (Change::BridgeTable, "add table bridge libnetns"),
        (
            Change::Add(vec![of_web(guard), published(None, 53, "[fd00:1::2]:53")]),
            "add element bridge libnetns guarded { \"veth1\" comment \"0badcafe net/web\" }; \
             add element inet libnetns everywhere6 { tcp . 53 comment \"0badcafe net/web\" : fd00:1::2 . 53 }",
        ),
        (
            Change::Delete(vec![of_net(Entry::Masquerade("10.1.0.0/20".parse().unwrap()))]),
            "delete element inet libnetns masquerade4 { 10.1.0.0/20 }",
        ),
        (Change::DeleteTables, "delete table inet libnetns; delete table bridge libnetns"),
    ];
    for (change, text) in cases {
        assert_eq!(change.to_string(), text);
    }
}

#[test]
fn a_network_says_whom_it_lets_through() {
    let accept_own = "oifname @web_ifs accept";
    host(|host| {
        let mut firewall = Firewall::open().unwrap();
        firewall.commit(&[Change::Table]).unwrap();
        let mut check = |change: &dyn Fn(&mut NetworkRules), out: &[&str], into: &[&str]| {
            let mut rules = rules("web");
            change(&mut rules);
            firewall.commit(&[Change::Network(rules.clone())]).unwrap();
            assert_eq!(chain(host, "web_out"), out, "{rules:?}");
            assert_eq!(chain(host, "web_in"), into, "{rules:?}");
            let state = firewall.state().unwrap().unwrap();
            assert!(state.networks[0].is_whole(&rules), "{state:?}");
            firewall.commit(&[Change::DeleteNetwork { key: "web".to_owned() }]).unwrap();
        };
        check(
            &|rules| rules.icc = false,
            &[
                "oifname @web_ifs ct status dnat accept",
                "oifname @web_ifs drop",
                "oifname @ours ct status dnat return",
                "oifname @ours drop",
                "accept",
            ],
            &["iifname @ours ct status dnat accept", "iifname @ours drop", "ct status dnat accept", "drop"],
        );
        check(&|rules| rules.internal = true, &[accept_own, "drop"], &["drop"]);
        check(
            &|rules| rules.isolate = Isolate::Strict,
            &[accept_own, "oifname @ours drop", "accept"],
            &["iifname @ours drop", "ct status dnat accept", "drop"],
        );
        check(
            &|rules| rules.isolate = Isolate::Off,
            &[accept_own, "oifname @ours return", "accept"],
            &["iifname @ours accept", "ct status dnat accept", "drop"],
        );
        check(
            &|rules| rules.routed = true,
            &[accept_own, "oifname @ours ct status dnat return", "oifname @ours drop", "accept"],
            &[
                "iifname @ours ct status dnat accept",
                "iifname @ours drop",
                "ct status dnat accept",
                "ip daddr . meta l4proto . th dport @open4 accept",
                "ip6 daddr . meta l4proto . th dport @open6 accept",
                "icmp type echo-request accept",
                "icmpv6 type echo-request accept",
                "drop",
            ],
        );
    });
}

#[test]
fn subnets_of_any_length_are_matched() {
    host(|host| {
        let mut rules = rules("web");
        let subnets = ["10.0.0.0/8", "172.16.0.0/12", "192.0.2.1/32", "fd00::/7", "fd00::/8", "fd00::1/128"];
        rules.hairpin = subnets.map(|subnet| subnet.parse().unwrap()).into();
        Firewall::open().unwrap().commit(&[Change::Table, Change::Network(rules)]).unwrap();
        let shown = chain(host, "web_post");
        let expected = [
            "ip saddr 127.0.0.0/8 masquerade",
            "ip6 saddr ::1 masquerade",
            "ip saddr 10.0.0.0/8 ct status dnat masquerade",
            "ip saddr 172.16.0.0/12 ct status dnat masquerade",
            "ip saddr 192.0.2.1 ct status dnat masquerade",
            "ip6 saddr fc00::/7 ct status dnat masquerade",
            "ip6 saddr fd00::/8 ct status dnat masquerade",
            "ip6 saddr fd00::1 ct status dnat masquerade",
        ];
        assert_eq!(shown, expected);
    });
}

#[test]
fn everything_is_read_back() {
    host(|_| {
        let subnet = |text: &str| of_net(Entry::Masquerade(text.parse().unwrap()));
        let mut elements = one_of_each();
        elements.extend(bridge_elements());
        elements.extend(["0.0.0.0/5", "255.255.255.0/24", "192.0.2.1/32", "ffff::/16", "::/8"].map(subnet));
        let mut firewall = with_web([Change::Add(elements.clone())]);
        let state = firewall.state().unwrap().unwrap();
        let by_text = |elements: &[Element]| {
            let mut texts: Vec<_> = elements.iter().map(|element| format!("{element:?}")).collect();
            texts.sort();
            texts
        };
        assert_eq!(by_text(&state.elements), by_text(&elements));
        assert_eq!(state.partial, []);
        assert!(state.whole && state.bridge_whole == Some(true));
        assert_eq!(state.networks.len(), 1);
        assert_eq!((state.networks[0].key.as_str(), &state.networks[0].owner), ("web", &owner(None)));
        assert!(state.networks[0].is_whole(&rules("web")));
    });
}

#[test]
fn rules_that_somebody_has_flushed_are_missed() {
    host(|host| {
        let mut firewall = with_web([]);
        nft(host, &["flush", "chain", "inet", "libnetns", "web_in"]);
        let state = firewall.state().unwrap().unwrap();
        assert!(state.whole && !state.networks[0].is_whole(&rules("web")), "{state:?}");
        nft(host, &["flush", "table", "inet", "libnetns"]);
        let state = firewall.state().unwrap().unwrap();
        assert!(!state.whole && state.bridge_whole == Some(true), "{state:?}");
        nft(host, &["flush", "chain", "bridge", "libnetns", "guard"]);
        assert_eq!(firewall.state().unwrap().unwrap().bridge_whole, Some(false));
        nft(host, &["delete", "table", "inet", "libnetns"]);
        assert_eq!(firewall.state().unwrap(), None);
    });
}
