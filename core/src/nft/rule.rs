//! Rules: what they say in nft's words, and the expressions that the kernel runs for it.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use super::expression::{Expression, Verdict, WORD};
use super::layout::Family;
use super::numbers::{Base, Ct, Meta};

/// `IPS_DST_NAT`, the bit 5 of `enum ip_conntrack_status`.
const DESTINATION_CHANGED: u32 = 1 << 5;
/// `NF_CT_STATE_BIT` of `IP_CT_ESTABLISHED` and `IP_CT_RELATED`.
const ESTABLISHED_RELATED: u32 = 1 << 1 | 1 << 2;
/// `NFPROTO_IPV4`, `NFPROTO_IPV6`.
const IPV4: u8 = 2;
const IPV6: u8 = 10;
/// `ARPHRD_ETHER`.
const ETHERNET: u16 = 1;

/// A rule.
#[derive(Clone, Debug, Default)]
pub(super) struct Rule {
    text: String,
    expressions: Vec<Expression>,
}

/// Which way a packet passes an interface.
#[derive(Clone, Copy, Debug)]
pub(super) enum Way {
    In,
    Out,
}

impl Way {
    fn name(self) -> &'static str {
        match self {
            Self::In => "iifname",
            Self::Out => "oifname",
        }
    }

    fn load(self, word: u32) -> Expression {
        let key = match self {
            Self::In => Meta::InputName,
            Self::Out => Meta::OutputName,
        };
        Expression::Meta { key, word }
    }
}

/// Which address of a packet.
#[derive(Clone, Copy, Debug)]
pub(super) enum Side {
    Destination,
    Source,
}

/// `network header + offset` of an address.
fn address(side: Side, v6: bool, length: u32, word: u32) -> Expression {
    let offset = match (side, v6) {
        (Side::Source, false) => 12,
        (Side::Destination, false) => 16,
        (Side::Source, true) => 8,
        (Side::Destination, true) => 24,
    };
    network(offset, length, word)
}

fn address_name(side: Side, v6: bool) -> &'static str {
    match (side, v6) {
        (Side::Source, false) => "ip saddr",
        (Side::Destination, false) => "ip daddr",
        (Side::Source, true) => "ip6 saddr",
        (Side::Destination, true) => "ip6 daddr",
    }
}

fn network(offset: u32, length: u32, word: u32) -> Expression {
    Expression::Payload { base: Base::Network, offset, length, word }
}

fn link(offset: u32, length: u32, word: u32) -> Expression {
    Expression::Payload { base: Base::Link, offset, length, word }
}

fn transport(offset: u32, length: u32, word: u32) -> Expression {
    Expression::Payload { base: Base::Transport, offset, length, word }
}

fn equal(value: impl Into<Vec<u8>>) -> Expression {
    Expression::Compare { equal: true, value: value.into() }
}

fn lookup(set: &str) -> Expression {
    Expression::Lookup { set: set.to_owned(), into: None }
}

/// Words of an address.
fn words(v6: bool) -> u32 {
    if v6 {
        4
    } else {
        1
    }
}

impl Rule {
    pub(super) fn new() -> Self {
        Self::default()
    }

    pub(super) fn expressions(&self) -> &[Expression] {
        &self.expressions
    }

    fn with(mut self, text: &str, expressions: impl IntoIterator<Item = Expression>) -> Self {
        if !self.text.is_empty() && !text.is_empty() {
            self.text.push(' ');
        }
        self.text.push_str(text);
        self.expressions.extend(expressions);
        self
    }

    fn verdict(self, text: &str, verdict: Verdict) -> Self {
        self.with(text, [Expression::Verdict(verdict)])
    }

    pub(super) fn accept(self) -> Self {
        self.verdict("accept", Verdict::Accept)
    }

    pub(super) fn discard(self) -> Self {
        self.verdict("drop", Verdict::Drop)
    }

    pub(super) fn back(self) -> Self {
        self.verdict("return", Verdict::Return)
    }

    pub(super) fn jump(self, chain: &str) -> Self {
        self.verdict(&format!("jump {chain}"), Verdict::Jump(chain.to_owned()))
    }

    pub(super) fn masquerade(self) -> Self {
        self.with("masquerade", [Expression::Masquerade])
    }

    /// By an interface that is in `set`.
    pub(super) fn interface_in(self, way: Way, set: &str) -> Self {
        self.with(&format!("{} @{set}", way.name()), [way.load(0), lookup(set)])
    }

    /// The verdict that `map` has for the interface.
    pub(super) fn verdict_map(self, way: Way, map: &str) -> Self {
        let look = Expression::Lookup { set: map.to_owned(), into: Some(None) };
        self.with(&format!("{} vmap @{map}", way.name()), [way.load(0), look])
    }

    /// Not from the host itself.
    pub(super) fn not_loopback(self) -> Self {
        let mut name = [0; 16];
        name[..2].copy_from_slice(b"lo");
        let other = Expression::Compare { equal: false, value: name.into() };
        self.with("iifname != \"lo\"", [Way::In.load(0), other])
    }

    /// By an interface of that link group.
    pub(super) fn by_group(self, group: u32) -> Self {
        let load = Expression::Meta { key: Meta::InputGroup, word: 0 };
        self.with(&format!("iifgroup {group}"), [load, equal(group.to_ne_bytes())])
    }

    /// What a connection that is known, or a related one, goes on with.
    pub(super) fn established(self) -> Self {
        let load = Expression::Ct(Ct::State);
        self.with("ct state established,related", [load].into_iter().chain(any_bit(ESTABLISHED_RELATED)))
    }

    /// What came by a published port.
    pub(super) fn published(self) -> Self {
        let load = Expression::Ct(Ct::Status);
        self.with("ct status dnat", [load].into_iter().chain(any_bit(DESTINATION_CHANGED)))
    }

    /// To an address of the host.
    pub(super) fn local_destination(self) -> Self {
        /// `RTN_LOCAL`.
        const LOCAL: u32 = 2;
        self.with("fib daddr type local", [Expression::DestinationType, equal(LOCAL.to_ne_bytes())])
    }

    fn family(self, v6: bool) -> Self {
        let load = Expression::Meta { key: Meta::Family, word: 0 };
        self.with("", [load, equal([if v6 { IPV6 } else { IPV4 }])])
    }

    /// With an address that is in `set`.
    pub(super) fn address_in(self, side: Side, v6: bool, set: &str) -> Self {
        let load = address(side, v6, 4 * words(v6), 0);
        self.family(v6).with(&format!("{} @{set}", address_name(side, v6)), [load, lookup(set)])
    }

    /// With an address of a subnet, whose prefix is not 0.
    pub(super) fn address_of(self, side: Side, subnet: IpNet) -> Self {
        let subnet = subnet.trunc();
        let v6 = subnet.addr().is_ipv6();
        let prefix = u32::from(subnet.prefix_len());
        let bytes = octets(subnet.network());
        let text = match prefix == u32::from(subnet.max_prefix_len()) {
            true => format!("{} {}", address_name(side, v6), subnet.addr()),
            false => format!("{} {subnet}", address_name(side, v6)),
        };
        let rule = self.family(v6);
        // As nft has it: whole bytes are compared as such.
        match prefix % 8 {
            0 => {
                let length = prefix / 8;
                rule.with(&text, [address(side, v6, length, 0), equal(&bytes[..length as usize])])
            }
            _ => {
                let mask = Expression::Mask(octets(subnet.netmask()));
                rule.with(&text, [address(side, v6, 4 * words(v6), 0), mask, equal(bytes)])
            }
        }
    }

    /// To an address, protocol and port that is in `set`.
    pub(super) fn port_in(self, v6: bool, set: &str) -> Self {
        let text = format!("{} . meta l4proto . th dport @{set}", address_name(Side::Destination, v6));
        self.family(v6).with(&text, port_key(v6)).with("", [lookup(set)])
    }

    /// Of that family and from an interface that is in `set`.
    pub(super) fn of_family_from(self, v6: bool, set: &str) -> Self {
        let text = format!("meta nfproto {} iifname @{set}", if v6 { "ipv6" } else { "ipv4" });
        self.family(v6).with(&text, [Way::In.load(0), lookup(set)])
    }

    /// An ICMPv6 message of that type.
    pub(super) fn icmpv6(self, table: Family, name: &str, kind: u8) -> Self {
        let of_family = match table {
            Family::Bridge => self.ethertype(0x86dd),
            Family::Inet => self.family(true),
        };
        let load = Expression::Meta { key: Meta::Protocol, word: 0 };
        let text = format!("icmpv6 type {name}");
        of_family.with(&text, [load, equal([58]), transport(0, 1, 0), equal([kind])])
    }

    /// An echo request (ping).
    pub(super) fn echo_request(self, v6: bool) -> Self {
        let (text, protocol, kind) = match v6 {
            false => ("icmp type echo-request", 1, 8),
            true => ("icmpv6 type echo-request", 58, 128),
        };
        let load = Expression::Meta { key: Meta::Protocol, word: 0 };
        self.family(v6).with(text, [load, equal([protocol]), transport(0, 1, 0), equal([kind])])
    }

    /// From an interface, hardware address and address that is in `set`.
    pub(super) fn sender_in(self, table: Family, v6: bool, set: &str) -> Self {
        let text = format!("iifname . ether saddr . {} @{set}", address_name(Side::Source, v6));
        let rule = match table {
            Family::Bridge => self,
            Family::Inet => {
                let load = Expression::Meta { key: Meta::InputType, word: 0 };
                self.with("", [load, equal(ETHERNET.to_ne_bytes())])
            }
        };
        let ethertype = if v6 { 0x86dd } else { 0x0800 };
        let source = address(Side::Source, v6, 4 * words(v6), 6);
        rule.ethertype(ethertype).with(&text, [Way::In.load(0), link(6, 6, 4), source, lookup(set)])
    }

    /// ARP from an interface, hardware address and address that is in `set`, of which the packet itself does
    /// not say otherwise.
    pub(super) fn arp_sender_in(self, set: &str) -> Self {
        let frame = format!("iifname . ether saddr . arp saddr ip @{set}");
        let packet = format!("iifname . arp saddr ether . arp saddr ip @{set}");
        let ip = || network(14, 4, 6);
        self.ethertype(0x0806)
            .with(&frame, [Way::In.load(0), link(6, 6, 4), ip(), lookup(set)])
            .with(&packet, [Way::In.load(0), network(8, 6, 4), ip(), lookup(set)])
    }

    fn ethertype(self, number: u16) -> Self {
        self.with("", [link(12, 2, 0), equal(number.to_be_bytes())])
    }

    /// To the address and port that `map` has for the destination address, protocol and port.
    pub(super) fn destination_by_port(self, v6: bool, map: &str) -> Self {
        let key = format!("{} . meta l4proto . th dport", address_name(Side::Destination, v6));
        self.family(v6).destination(v6, &key, port_key(v6).into(), map)
    }

    /// To the address and port that `map` has for the protocol and port.
    pub(super) fn destination_everywhere(self, v6: bool, map: &str) -> Self {
        self.destination(v6, "meta l4proto . th dport", protocol_and_port(0).into(), map)
    }

    fn destination(self, v6: bool, key: &str, load: Vec<Expression>, map: &str) -> Self {
        let look = Expression::Lookup { set: map.to_owned(), into: Some(Some(0)) };
        let change = Expression::Nat { source: false, v6, address: 0, port: Some(words(v6)) };
        let ip = if v6 { "ip6" } else { "ip" };
        self.with(&format!("dnat {ip} to {key} map @{map}"), load).with("", [look, change])
    }

    /// From the address that `map` has for the source address.
    pub(super) fn source_by_address(self, v6: bool, map: &str) -> Self {
        let look = Expression::Lookup { set: map.to_owned(), into: Some(Some(0)) };
        let change = Expression::Nat { source: true, v6, address: 0, port: None };
        let ip = if v6 { "ip6" } else { "ip" };
        let text = format!("snat {ip} to {} map @{map}", address_name(Side::Source, v6));
        self.family(v6).with(&text, [address(Side::Source, v6, 4 * words(v6), 0), look, change])
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn any_bit(mask: u32) -> [Expression; 2] {
    let none = Expression::Compare { equal: false, value: vec![0; WORD] };
    [Expression::Mask(mask.to_ne_bytes().into()), none]
}

fn protocol_and_port(word: u32) -> [Expression; 2] {
    [Expression::Meta { key: Meta::Protocol, word }, transport(2, 2, word + 1)]
}

fn port_key(v6: bool) -> [Expression; 3] {
    let [protocol, port] = protocol_and_port(words(v6));
    [address(Side::Destination, v6, 4 * words(v6), 0), protocol, port]
}

/// An address as packets have it.
pub(super) fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().into(),
        IpAddr::V6(address) => address.octets().into(),
    }
}

/// An address of 4 or 16 bytes.
pub(super) fn address_of_octets(bytes: &[u8]) -> Option<IpAddr> {
    match bytes.len() {
        4 => Some(Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?).into()),
        16 => Some(Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?).into()),
        _ => None,
    }
}
