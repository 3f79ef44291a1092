//! Chains and elements as the kernel lists them.

use std::ffi::CStr;
use std::net::IpAddr;

use netlink_bindings::nftables::{
    ChainAttrs, DataAttrs, IterableDataAttrs, IterableSetelemAttrs, RuleAttrs, SetElemFlags, SetelemAttrs,
    SetelemListAttrs, SetelemListElemAttrs,
};
use netlink_packet_core::NetlinkBuffer;

use super::cell::{subnet_between, CellValue, Reader};
use super::firewall::attributes;
use super::layout::{Family, TABLE};
use super::rule::address_of_octets;
use super::{wire, Element, Entry, Owner};

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
    let list = SetelemListAttrs::new(attributes(packet)).get_elements();
    let elements = list.into_iter().flatten().flatten();
    all.extend(elements.map(|SetelemListElemAttrs::Elem(element)| read_element(element)));
}

fn read_element(element: IterableSetelemAttrs<'_>) -> Listed {
    let mut listed = Listed::default();
    for attribute in element.flatten() {
        match attribute {
            SetelemAttrs::Key(key) => listed.key = key.get_value().unwrap_or_default().to_owned(),
            SetelemAttrs::Data(data) => listed.value = read_value(data),
            SetelemAttrs::Flags(flags) => {
                let end = SetElemFlags::IntervalEnd as u32;
                listed.end =
                    <[u8; 4]>::try_from(flags).is_ok_and(|bytes| u32::from_be_bytes(bytes) & end != 0);
            }
            SetelemAttrs::Userdata(user) => {
                listed.owner =
                    wire::read_note(wire::ELEMENT_COMMENT, user).and_then(|note| note.parse().ok());
            }
            _ => {}
        }
    }
    listed
}

fn read_value(mut data: IterableDataAttrs<'_>) -> Option<CellValue> {
    match data.next()?.ok()? {
        DataAttrs::Value(bytes) => Some(CellValue::Bytes(bytes.to_owned())),
        DataAttrs::Verdict(verdict) => {
            verdict.get_chain().ok().map(|chain| CellValue::Jump(chain.to_string_lossy().into_owned()))
        }
    }
}

fn is_ours(table: Option<&CStr>) -> bool {
    table.is_some_and(|table| table.to_bytes() == TABLE.as_bytes())
}

/// The chain that a rule of ours is in.
pub(super) fn rule_chain(packet: &NetlinkBuffer<&[u8]>) -> Option<String> {
    let rule = RuleAttrs::new(attributes(packet));
    let chain = rule.get_chain().ok().filter(|_| is_ours(rule.get_table().ok()))?;
    Some(chain.to_string_lossy().into_owned())
}

/// The name of a chain of ours, and whose it is, where it says so.
pub(super) fn read_chain(packet: &NetlinkBuffer<&[u8]>) -> Option<(String, Option<Owner>)> {
    let chain = ChainAttrs::new(attributes(packet));
    let name = chain.get_name().ok().filter(|_| is_ours(chain.get_table().ok()))?;
    let name = name.to_string_lossy().into_owned();
    let mut chain = chain.flatten();
    let note = chain.find_map(|attribute| match attribute {
        ChainAttrs::Userdata(user) => wire::read_note(wire::CHAIN_COMMENT, user),
        _ => None,
    });
    Some((name, note.and_then(|note| note.parse().ok())))
}

/// What the elements of a set are, but for those of interfaces, which are in several; the kernel's order.
pub(super) fn elements(family: Family, set: &str, listed: &[Listed]) -> Vec<Element> {
    let ends: Vec<_> =
        listed.iter().filter(|listed| listed.end).map(|listed| listed.key.as_slice()).collect();
    let mut elements = Vec::new();
    for listed in listed.iter().filter(|listed| !listed.end) {
        let Some(owner) = &listed.owner else { continue };
        let end = ends.iter().filter(|end| **end > listed.key.as_slice()).min();
        let end = end.and_then(|end| address_of_octets(end));
        match entry(family, set, listed, end) {
            Some(entry) => elements.push(Element { owner: owner.clone(), entry }),
            None if matches!(set, "ours" | "from" | "to" | "leave") => {}
            None => {
                log::warn!("element of {set} in {family} {TABLE} that says it is of {owner}: passed over")
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
