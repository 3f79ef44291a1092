//! Tables, sets and chains as data.

use std::borrow::Cow;
use std::fmt;

use super::rule::Rule;

/// The name of both tables.
pub(super) const TABLE: &str = "libnetns";
/// Which way the tables are laid out: another version has other sets or rules.
pub(super) const VERSION: u32 = 1;

/// The comment of both tables.
pub(super) fn version_comment() -> String {
    format!("{TABLE} {VERSION}")
}

/// Which packets a table sees (`NFPROTO_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Family {
    Bridge = 7,
    Inet = 1,
}

impl Family {
    pub(super) fn of_bridge(bridge: bool) -> Self {
        match bridge {
            true => Self::Bridge,
            false => Self::Inet,
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Bridge => "bridge",
            Self::Inet => "inet",
        })
    }
}

/// A part of a key or of a value, of nft's data types (`datatype.h` of nftables).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Interface,
    Ipv4,
    Ipv6,
    Mac,
    Port,
    Protocol,
}

impl Field {
    pub(super) fn datatype(self) -> u32 {
        match self {
            Self::Interface => 41,
            Self::Ipv4 => 7,
            Self::Ipv6 => 8,
            Self::Mac => 9,
            Self::Port => 13,
            Self::Protocol => 12,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Interface => "ifname",
            Self::Ipv4 => "ipv4_addr",
            Self::Ipv6 => "ipv6_addr",
            Self::Mac => "ether_addr",
            Self::Port => "inet_service",
            Self::Protocol => "inet_proto",
        }
    }

    /// Bytes in a key, where each part fills whole words.
    pub(super) fn length(self) -> usize {
        match self {
            Self::Interface | Self::Ipv6 => 16,
            Self::Ipv4 | Self::Port | Self::Protocol => 4,
            Self::Mac => 8,
        }
    }
}

/// What a set maps its keys to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Fields(&'static [Field]),
    Nothing,
    Verdict,
}

/// What the elements of a set are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) key: &'static [Field],
    pub(super) value: Value,
    /// Whole subnets are elements.
    pub(super) interval: bool,
}

impl Shape {
    pub(super) const fn set(key: &'static [Field]) -> Self {
        Self { key, value: Value::Nothing, interval: false }
    }

    pub(super) const fn map(key: &'static [Field], value: Value) -> Self {
        Self { key, value, interval: false }
    }

    pub(super) const fn of_subnets(self) -> Self {
        Self { interval: true, ..self }
    }

    fn command(&self) -> &'static str {
        match self.value {
            Value::Nothing => "set",
            Value::Fields(_) | Value::Verdict => "map",
        }
    }
}

fn concatenation(fields: &[Field]) -> String {
    fields.iter().map(|field| field.name()).collect::<Vec<_>>().join(" . ")
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "type {}", concatenation(self.key))?;
        match self.value {
            Value::Fields(fields) => write!(f, " : {}", concatenation(fields))?,
            Value::Nothing => {}
            Value::Verdict => f.write_str(" : verdict")?,
        }
        f.write_str(if self.interval { "; flags interval;" } else { ";" })
    }
}

/// A set or a map.
#[derive(Clone, Debug)]
pub(super) struct Set {
    pub(super) name: Cow<'static, str>,
    pub(super) shape: Shape,
}

/// Where the kernel enters a chain.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hook {
    /// `filter` or `nat`.
    pub(super) kind: &'static str,
    /// `NF_INET_*`, or `NF_BR_*`, which have the same numbers.
    pub(super) number: u32,
    pub(super) name: &'static str,
    pub(super) priority: i32,
    /// As nft prints the priority.
    pub(super) priority_name: &'static str,
}

/// A chain with all its rules.
#[derive(Clone, Debug)]
pub(super) struct Chain {
    pub(super) name: Cow<'static, str>,
    pub(super) hook: Option<Hook>,
    pub(super) rules: Vec<Rule>,
}

/// What is made at once: a table with what is in it, or what a network has in one.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub(super) family: Family,
    /// Whether the table is part of it.
    pub(super) table: bool,
    /// Of the table, or of each chain, rule and set.
    pub(super) comment: String,
    pub(super) sets: Vec<Set>,
    pub(super) chains: Vec<Chain>,
}

impl Layout {
    /// The commands of nft that make it.
    pub(super) fn commands(&self) -> Vec<String> {
        let Self { family, comment, .. } = self;
        let (mut commands, mut note) = (Vec::new(), format!("comment \"{comment}\""));
        if self.table {
            commands.push(format!("add table {family} {TABLE} {{ {note}; }}"));
            note.clear();
        }
        let block = |parts: &[&str]| {
            let parts: Vec<_> = parts.iter().filter(|part| !part.is_empty()).copied().collect();
            if parts.is_empty() {
                String::new()
            } else {
                format!(" {{ {} }}", parts.join(" "))
            }
        };
        let noted = if note.is_empty() { String::new() } else { format!("{note};") };
        for Set { name, shape } in &self.sets {
            let block = block(&[&shape.to_string(), &noted]);
            commands.push(format!("add {} {family} {TABLE} {name}{block}", shape.command()));
        }
        for Chain { name, hook, .. } in &self.chains {
            let hook = hook.map(|hook| hook.to_string()).unwrap_or_default();
            commands.push(format!("add chain {family} {TABLE} {name}{}", block(&[&hook, &noted])));
        }
        for Chain { name, rules, .. } in &self.chains {
            let note = if note.is_empty() { String::new() } else { format!(" {note}") };
            commands
                .extend(rules.iter().map(|rule| format!("add rule {family} {TABLE} {name} {rule}{note}")));
        }
        commands
    }
}

impl fmt::Display for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, name, priority_name, .. } = self;
        write!(f, "type {kind} hook {name} priority {priority_name}; policy accept;")
    }
}
