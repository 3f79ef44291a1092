//! Elements as the sets have them: keys and values in bytes.

use std::borrow::Cow;
use std::fmt::Write;
use std::net::{IpAddr, SocketAddr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::base::{sets, INTERFACES};
use super::layout::{Family, Field, Shape, TABLE};
use super::network::{interfaces, into, out, post};
use super::rule::{address_of_octets, octets};
use super::{Element, Entry};
use crate::link::Protocol;
use crate::link::{InterfaceName, MacAddr};

/// One element of one set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) family: Family,
    pub(super) set: Cow<'static, str>,
    pub(super) key: Vec<u8>,
    /// The subnet of which `key` is the first address.
    pub(super) subnet: Option<IpNet>,
    pub(super) value: Option<CellValue>,
}

/// What a map has for a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum CellValue {
    Bytes(Vec<u8>),
    Jump(String),
}

/// Writes a key or a value, part by part.
#[derive(Default)]
struct Key(Vec<u8>);

impl Key {
    fn interface(mut self, name: &InterfaceName) -> Self {
        self.0.extend(name.as_str().as_bytes());
        self.0.resize(Field::Interface.length(), 0);
        self
    }

    fn mac(mut self, mac: MacAddr) -> Self {
        self.0.extend(mac.octets());
        self.0.extend([0; 2]);
        self
    }

    fn address(mut self, address: IpAddr) -> Self {
        self.0.extend(octets(address));
        self
    }

    fn protocol(mut self, protocol: Protocol) -> Self {
        self.0.extend([protocol.number(), 0, 0, 0]);
        self
    }

    fn port(mut self, port: u16) -> Self {
        self.0.extend(port.to_be_bytes());
        self.0.extend([0; 2]);
        self
    }
}

/// Reads what [`Key`] writes.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl Reader<'_> {
    fn take(&mut self, field: Field) -> Option<&[u8]> {
        let (part, rest) = self.0.split_at_checked(field.length())?;
        self.0 = rest;
        Some(part)
    }

    pub(super) fn interface(&mut self) -> Option<InterfaceName> {
        let part = self.take(Field::Interface)?;
        let end = part.iter().position(|byte| *byte == 0)?;
        InterfaceName::new(std::str::from_utf8(&part[..end]).ok()?).ok()
    }

    pub(super) fn mac(&mut self) -> Option<MacAddr> {
        MacAddr::new(self.take(Field::Mac)?.get(..6)?.try_into().ok()?).ok()
    }

    pub(super) fn address(&mut self, v6: bool) -> Option<IpAddr> {
        address_of_octets(self.take(if v6 { Field::Ipv6 } else { Field::Ipv4 })?)
    }

    pub(super) fn protocol(&mut self) -> Option<Protocol> {
        Protocol::of_number(*self.take(Field::Protocol)?.first()?)
    }

    pub(super) fn port(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes(self.take(Field::Port)?.get(..2)?.try_into().ok()?))
    }

    pub(super) fn socket(&mut self, v6: bool) -> Option<SocketAddr> {
        Some(SocketAddr::new(self.address(v6)?, self.port()?))
    }

    /// The bytes as nft prints them.
    fn text(&mut self, fields: &[Field]) -> Option<String> {
        let mut text = String::new();
        for field in fields {
            let separator = if text.is_empty() { "" } else { " . " };
            let part = match field {
                Field::Interface => format!("{:?}", self.interface()?.as_str()),
                Field::Ipv4 | Field::Ipv6 => self.address(*field == Field::Ipv6)?.to_string(),
                Field::Mac => self.mac()?.to_string(),
                Field::Port => self.port()?.to_string(),
                Field::Protocol => self.protocol()?.to_string(),
            };
            write!(text, "{separator}{part}").ok()?;
        }
        Some(text)
    }
}

/// The shape of a set: of every name that is not one of the tables' own it is a network's.
pub(super) fn shape(set: &str) -> Shape {
    sets(Family::Inet).find(|(name, _)| *name == set).map_or(INTERFACES, |(_, shape)| shape)
}

fn of(family: Family, set: &'static str, key: Key) -> Cell {
    Cell { family, set: set.into(), key: key.0, subnet: None, value: None }
}

fn interface(name: &InterfaceName, key: &str) -> Vec<Cell> {
    let of = |set: Cow<'static, str>, value| Cell {
        family: Family::Inet,
        set,
        key: Key::default().interface(name).0,
        subnet: None,
        value,
    };
    let jump = |chain| Some(CellValue::Jump(chain));
    vec![
        of("ours".into(), None),
        of("from".into(), jump(out(key))),
        of("to".into(), jump(into(key))),
        of("leave".into(), jump(post(key))),
        of(interfaces(key).into(), None),
    ]
}

/// Of two names of sets the one of the address family.
fn pick(names: [&'static str; 2], v6: bool) -> &'static str {
    names[usize::from(v6)]
}

impl Entry {
    /// What it is in the sets.
    pub(super) fn cells(&self) -> Vec<Cell> {
        let start = Key::default();
        let inet = Family::Inet;
        let cell = match self {
            Self::Guarded { bridge, name } => {
                of(Family::of_bridge(*bridge), "guarded", start.interface(name))
            }
            Self::Interface { name, key } => return interface(name, key),
            Self::Opened { v6, name } => of(inet, pick(["opened4", "opened6"], *v6), start.interface(name)),
            Self::Masquerade(subnet) => subnet_cell(["masquerade4", "masquerade6"], *subnet),
            Self::Open { protocol, address, port } => {
                let set = pick(["open4", "open6"], address.is_ipv6());
                of(inet, set, start.address(*address).protocol(*protocol).port(*port))
            }
            Self::Published { protocol, host, port, to } => {
                let (names, start) = match host {
                    Some(host) => (["published4", "published6"], start.address(*host)),
                    None => (["everywhere4", "everywhere6"], start),
                };
                let value = Key::default().address(to.ip()).port(to.port());
                let cell = of(inet, pick(names, to.is_ipv6()), start.protocol(*protocol).port(*port));
                Cell { value: Some(CellValue::Bytes(value.0)), ..cell }
            }
            Self::Sender { bridge, name, mac, address } => {
                let set = pick(["guard4", "guard6"], address.is_ipv6());
                let key = start.interface(name).mac(*mac).address(*address);
                of(Family::of_bridge(*bridge), set, key)
            }
            Self::Source { subnet, source } => {
                let value = Some(CellValue::Bytes(Key::default().address(*source).0));
                Cell { value, ..subnet_cell(["source4", "source6"], *subnet) }
            }
        };
        vec![cell]
    }
}

fn subnet_cell(names: [&'static str; 2], subnet: IpNet) -> Cell {
    let subnet = subnet.trunc();
    let key = Key::default().address(subnet.network());
    Cell { subnet: Some(subnet), ..of(Family::Inet, pick(names, subnet.addr().is_ipv6()), key) }
}

impl Cell {
    /// The first address behind the subnet; `None` where there is none, or no subnet.
    pub(super) fn end(&self) -> Option<Vec<u8>> {
        match self.subnet? {
            IpNet::V4(subnet) => {
                u32::from(subnet.broadcast()).checked_add(1).map(|end| end.to_be_bytes().into())
            }
            IpNet::V6(subnet) => {
                u128::from(subnet.broadcast()).checked_add(1).map(|end| end.to_be_bytes().into())
            }
        }
    }

    /// nft's command that adds or deletes it.
    pub(super) fn command(&self, verb: &str, comment: &str) -> String {
        let Self { family, set, .. } = self;
        let shape = shape(set);
        let key = match self.subnet {
            // As nft prints it.
            Some(subnet) if subnet.prefix_len() == subnet.max_prefix_len() => subnet.addr().to_string(),
            Some(subnet) => subnet.to_string(),
            None => Reader(&self.key).text(shape.key).unwrap_or_default(),
        };
        let comment = if comment.is_empty() { String::new() } else { format!(" comment \"{comment}\"") };
        let value = match (&self.value, shape.value) {
            (Some(CellValue::Jump(chain)), _) => format!(" : jump {chain}"),
            (Some(CellValue::Bytes(bytes)), super::layout::Value::Fields(fields)) => {
                format!(" : {}", Reader(bytes).text(fields).unwrap_or_default())
            }
            _ => String::new(),
        };
        format!("{verb} element {family} {TABLE} {set} {{ {key}{comment}{value} }}")
    }
}

/// The subnet from `first` to the address before `end`, or to the last; `None` when it is none.
pub(super) fn subnet_between(first: IpAddr, end: Option<IpAddr>) -> Option<IpNet> {
    let prefix = |width: u32, first: u128, size: u128| {
        let aligned = size.is_power_of_two() && first & (size - 1) == 0;
        aligned.then(|| (width - size.trailing_zeros()) as u8)
    };
    match (first, end) {
        (IpAddr::V4(first), None) => {
            let size = (1 << 32) - u128::from(u32::from(first));
            Ipv4Net::new(first, prefix(32, u32::from(first).into(), size)?).ok().map(IpNet::V4)
        }
        (IpAddr::V4(first), Some(IpAddr::V4(end))) => {
            let size = u32::from(end).checked_sub(first.into())?;
            Ipv4Net::new(first, prefix(32, u32::from(first).into(), size.into())?).ok().map(IpNet::V4)
        }
        (IpAddr::V6(first), end) => {
            let size = match end {
                None if first.is_unspecified() => return Ipv6Net::new(first, 0).ok().map(IpNet::V6),
                None => u128::from(first).wrapping_neg(),
                Some(IpAddr::V6(end)) => u128::from(end).checked_sub(first.into())?,
                Some(IpAddr::V4(_)) => return None,
            };
            Ipv6Net::new(first, prefix(128, first.into(), size)?).ok().map(IpNet::V6)
        }
        (IpAddr::V4(_), Some(IpAddr::V6(_))) => None,
    }
}

impl Element {
    /// nft's commands that add or delete it.
    pub(super) fn commands(&self, verb: &str) -> Vec<String> {
        let comment = if verb == "add" { self.owner.to_string() } else { String::new() };
        self.entry.cells().iter().map(|cell| cell.command(verb, &comment)).collect()
    }
}
