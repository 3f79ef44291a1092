//! The tables as nft(8) shows them, and as they are read back.

mod changes;
mod conntrack;
mod many;
mod owner;
mod tables;
mod together;
mod watch;

use std::net::{IpAddr, SocketAddr};

use testhost::Host;

use super::{Change, Element, Entry, Firewall, Isolate, NetworkRules, Owner};
use crate::link::Protocol;

/// What `nft ARGS` prints.
#[track_caller]
fn nft(host: &Host, args: &[&str]) -> String {
    let output = host.run("nft", args);
    assert!(output.success, "nft {args:?}: {}", output.stderr);
    output.stdout
}

fn owner(endpoint: Option<&str>) -> Owner {
    Owner { mark: 0x0bad_cafe, network: "net".to_owned(), endpoint: endpoint.map(str::to_owned) }
}

fn rules(key: &str) -> NetworkRules {
    NetworkRules {
        key: key.to_owned(),
        owner: owner(None),
        icc: true,
        internal: false,
        isolate: Isolate::On,
        routed: false,
        hairpin: vec!["10.1.0.0/20".parse().unwrap(), "fd00:1::/64".parse().unwrap()],
    }
}

fn of_net(entry: Entry) -> Element {
    Element { owner: owner(None), entry }
}

fn of_web(entry: Entry) -> Element {
    Element { owner: owner(Some("web")), entry }
}

fn interface(name: &str, key: &str) -> Element {
    of_net(Entry::Interface { name: name.parse().unwrap(), key: key.to_owned() })
}

fn published(host: Option<&str>, port: u16, to: &str) -> Element {
    let host: Option<IpAddr> = host.map(|host| host.parse().unwrap());
    let to: SocketAddr = to.parse().unwrap();
    of_web(Entry::Published { protocol: Protocol::Tcp, host, port, to })
}

/// One of each, but for those of `bridge libnetns`.
fn one_of_each() -> Vec<Element> {
    let sender = |mac: &str, address: &str| {
        let (mac, address) = (mac.parse().unwrap(), address.parse().unwrap());
        of_web(Entry::Sender { bridge: false, name: "veth0".parse().unwrap(), mac, address })
    };
    let open = |address: &str| {
        of_web(Entry::Open { protocol: Protocol::Sctp, address: address.parse().unwrap(), port: 5000 })
    };
    let source = |subnet: &str, source: &str| {
        of_net(Entry::Source { subnet: subnet.parse().unwrap(), source: source.parse().unwrap() })
    };
    vec![
        interface("br0", "web"),
        of_web(Entry::Guarded { bridge: false, name: "veth0".parse().unwrap() }),
        sender("02:00:00:00:00:01", "10.1.0.2"),
        sender("02:00:00:00:00:01", "fd00:1::2"),
        published(Some("192.0.2.1"), 8080, "10.1.0.2:80"),
        published(None, 53, "10.1.0.2:53"),
        published(Some("2001:db8::1"), 8080, "[fd00:1::2]:80"),
        published(None, 53, "[fd00:1::2]:53"),
        open("10.1.0.2"),
        open("fd00:1::2"),
        of_net(Entry::Masquerade("10.1.0.0/20".parse().unwrap())),
        of_net(Entry::Masquerade("fd00:1::/64".parse().unwrap())),
        source("10.2.0.0/20", "192.0.2.7"),
        source("fd00:2::/64", "2001:db8::7"),
    ]
}

/// Those of `bridge libnetns`.
fn bridge_elements() -> Vec<Element> {
    let name = || "veth1".parse().unwrap();
    let sender = |address: &str| Entry::Sender {
        bridge: true,
        name: name(),
        mac: "02:00:00:00:00:01".parse().unwrap(),
        address: address.parse().unwrap(),
    };
    let guarded = Entry::Guarded { bridge: true, name: name() };
    [guarded, sender("10.1.0.2"), sender("fd00:1::2")].map(of_web).into()
}

/// A firewall with both tables and the network `web`.
fn with_web(changes: impl IntoIterator<Item = Change>) -> Firewall {
    let mut firewall = Firewall::open().unwrap();
    let base = [Change::Table, Change::BridgeTable, Change::Network(rules("web"))];
    let changes: Vec<_> = base.into_iter().chain(changes).collect();
    firewall.commit(&changes).unwrap();
    firewall
}
