//! Chains and elements as the kernel lists them.

use std::net::IpAddr;

use netlink_packet_core::NetlinkBuffer;

use super::cell::{subnet_between, CellValue, Reader};
use super::firewall::attributes;
use super::layout::{Family, TABLE};
use super::numbers::{chain, data, element, note, rule, ITEM};
use super::rule::address_of_octets;
use super::{wire, Element, Entry, Owner};
use crate::netlink;

/// An element.
#[derive(Default)]
pub(super) struct Listed {
    pub(super) key: Vec<u8>,
    value: Option<CellValue>,
    /// Whose it is, where it says so.
    pub(super) owner: Option<Owner>,
    /// It is the first address behind a subnet.
    end: bool,
}

impl Listed {
    /// The chain that it jumps to.
    pub(super) fn jump(&self) -> Option<&str> {
        match &self.value {
            Some(CellValue::Jump(chain)) => Some(chain),
            _ => None,
        }
    }
}

/// Appends the elements of a message.
pub(super) fn read_elements(packet: &NetlinkBuffer<&[u8]>, all: &mut Vec<Listed>) {
    let list = netlink::attribute(attributes(packet), element::LIST).unwrap_or_default();
    let elements = netlink::attributes(list).filter(|(kind, _)| *kind == ITEM);
    all.extend(elements.map(|(_, element)| read_element(element)));
}

fn read_element(bytes: &[u8]) -> Listed {
    let mut listed = Listed::default();
    for (kind, value) in netlink::attributes(bytes) {
        match kind {
            element::KEY => {
                listed.key = netlink::attribute(value, data::VALUE).unwrap_or_default().to_owned();
            }
            element::VALUE => listed.value = read_value(value),
            element::FLAGS => {
                let flags = value.try_into().map_or(0, u32::from_be_bytes);
                listed.end = flags & element::INTERVAL_END != 0;
            }
            element::USER_DATA => listed.owner = read_owner(value),
            _ => {}
        }
    }
    listed
}

fn read_value(bytes: &[u8]) -> Option<CellValue> {
    if let Some(value) = netlink::attribute(bytes, data::VALUE) {
        return Some(CellValue::Bytes(value.to_owned()));
    }
    let chain = netlink::text(netlink::attribute(bytes, data::VERDICT)?, data::CHAIN)?;
    Some(CellValue::Jump(chain.to_owned()))
}

fn read_owner(user: &[u8]) -> Option<Owner> {
    wire::read_note(note::COMMENT, user)?.parse().ok()
}

/// The chain that a rule of ours is in.
pub(super) fn rule_chain(packet: &NetlinkBuffer<&[u8]>) -> Option<String> {
    let bytes = attributes(packet);
    let ours = netlink::text(bytes, rule::TABLE) == Some(TABLE);
    netlink::text(bytes, rule::CHAIN).filter(|_| ours).map(str::to_owned)
}

/// The name of a chain of ours, and whose it is, where it says so.
pub(super) fn read_chain(packet: &NetlinkBuffer<&[u8]>) -> Option<(String, Option<Owner>)> {
    let bytes = attributes(packet);
    let ours = netlink::text(bytes, chain::TABLE) == Some(TABLE);
    let name = netlink::text(bytes, chain::NAME).filter(|_| ours)?;
    Some((name.to_owned(), netlink::attribute(bytes, chain::USER_DATA).and_then(read_owner)))
}

/// What the elements of a set are, but for those of interfaces, which are in several; the kernel's order.
pub(super) fn elements(family: Family, set: &str, listed: &[Listed]) -> Vec<Element> {
    let ends = listed.iter().filter(|listed| listed.end).map(|listed| listed.key.as_slice());
    let mut ends: Vec<_> = ends.collect();
    ends.sort_unstable();
    let mut elements = Vec::new();
    for listed in listed.iter().filter(|listed| !listed.end) {
        let Some(owner) = &listed.owner else { continue };
        let end = ends.get(ends.partition_point(|end| *end <= listed.key.as_slice()));
        let end = end.and_then(|end| address_of_octets(end));
        match entry(family, set, listed, end) {
            Some(entry) => elements.push(Element { owner: owner.clone(), entry }),
            None if matches!(set, "ours" | "from" | "to" | "leave") => {}
            None => {
                log::warn!("element of {set} in {family} {TABLE} that says it is of {owner}: passed over");
            }
        }
    }
    elements
}

fn entry(family: Family, set: &str, listed: &Listed, end: Option<IpAddr>) -> Option<Entry> {
    let (key, v6) = (&mut Reader(&listed.key), set.ends_with('6'));
    let value = match &listed.value {
        Some(CellValue::Bytes(bytes)) => bytes.as_slice(),
        _ => &[],
    };
    let bridge = family == Family::Bridge;
    Some(match set {
        "guarded" => Entry::Guarded { bridge, name: key.interface()? },
        "opened4" | "opened6" => Entry::Opened { v6, name: key.interface()? },
        "guard4" | "guard6" => {
            Entry::Sender { bridge, name: key.interface()?, mac: key.mac()?, address: key.address(v6)? }
        }
        "published4" | "published6" => Entry::Published {
            host: Some(key.address(v6)?),
            protocol: key.protocol()?,
            port: key.port()?,
            to: Reader(value).socket(v6)?,
        },
        "everywhere4" | "everywhere6" => Entry::Published {
            host: None,
            protocol: key.protocol()?,
            port: key.port()?,
            to: Reader(value).socket(v6)?,
        },
        "open4" | "open6" => {
            Entry::Open { address: key.address(v6)?, protocol: key.protocol()?, port: key.port()? }
        }
        "masquerade4" | "masquerade6" => Entry::Masquerade(subnet_between(key.address(v6)?, end)?),
        "source4" | "source6" => Entry::Source {
            subnet: subnet_between(key.address(v6)?, end)?,
            source: Reader(value).address(v6)?,
        },
        _ => return None,
    })
}
