//! Expressions: what the kernel's virtual machine runs for a rule (`net/netfilter/nft_*.c`).

use super::layout::Family;
use super::numbers::expression::{self as number, DATA, NAME};
use super::numbers::{data, Base, Ct, Meta, ITEM};
use crate::netlink::Attributes;

/// Bytes in a register of 32 bits; `word` below counts those.
pub(super) const WORD: usize = 4;

/// What becomes of a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Accept,
    Drop,
    Jump(String),
    Return,
}

/// One expression. What has no `word` uses the first.
#[derive(Clone, Debug)]
pub(super) enum Expression {
    Compare {
        equal: bool,
        value: Vec<u8>,
    },
    Ct(Ct),
    /// The kind of the packet's destination (`RTN_*`).
    DestinationType,
    /// `into` is nothing of a set, the verdict (`None`) or the word of a map.
    Lookup {
        set: String,
        into: Option<Option<u32>>,
    },
    Mask(Vec<u8>),
    Masquerade,
    Meta {
        key: Meta,
        word: u32,
    },
    Nat {
        source: bool,
        v6: bool,
        address: u32,
        port: Option<u32>,
    },
    Payload {
        base: Base,
        offset: u32,
        length: u32,
        word: u32,
    },
    Verdict(Verdict),
}

fn register(word: u32) -> u32 {
    number::FIRST_WORD + word
}

impl Expression {
    /// The kernel's name of it.
    fn name(&self) -> &'static str {
        match self {
            Self::Compare { .. } => "cmp",
            Self::Ct(_) => "ct",
            Self::DestinationType => "fib",
            Self::Lookup { .. } => "lookup",
            Self::Mask(_) => "bitwise",
            Self::Masquerade => "masq",
            Self::Meta { .. } => "meta",
            Self::Nat { .. } => "nat",
            Self::Payload { .. } => "payload",
            Self::Verdict(_) => "immediate",
        }
    }

    /// The build option of the kernel that has it in a table of that family, where there is one.
    pub(super) fn build_option(&self, family: Family) -> Option<&'static str> {
        match self {
            Self::Ct(_) => Some("CONFIG_NFT_CT"),
            Self::DestinationType => Some("CONFIG_NFT_FIB_INET"),
            Self::Masquerade => Some("CONFIG_NFT_MASQ"),
            Self::Meta { .. } if family == Family::Bridge => Some("CONFIG_NFT_BRIDGE_META"),
            Self::Nat { .. } => Some("CONFIG_NFT_NAT"),
            _ => None,
        }
    }

    /// Appends it to the expressions of a rule.
    pub(super) fn push(&self, list: &mut Attributes<'_>) {
        list.nested(ITEM, |own| {
            own.text(NAME, self.name()).nested(DATA, |data| self.fill(data));
        });
    }

    fn fill(&self, own: &mut Attributes<'_>) {
        match self {
            Self::Compare { equal, value } => {
                let [source, operator, with] = number::COMPARE;
                let code = if *equal { number::EQUAL } else { number::UNEQUAL };
                own.number(source, register(0)).number(operator, code).nested(with, |with| {
                    with.bytes(data::VALUE, value);
                });
            }
            Self::Ct(key) => load(own, 0, *key as u32),
            Self::DestinationType => {
                let [target, result, flags] = number::FIB;
                own.number(target, register(0)).number(result, number::ADDRESS_TYPE);
                own.number(flags, number::OF_DESTINATION);
            }
            Self::Lookup { set, into } => {
                let [name, source, target] = number::LOOKUP;
                own.text(name, set).number(source, register(0));
                if let Some(into) = into {
                    own.number(target, into.map_or(number::VERDICT, register));
                }
            }
            Self::Mask(mask) => bitwise(own, mask),
            Self::Masquerade => {}
            Self::Meta { key, word } => load(own, *word, *key as u32),
            Self::Nat { source, v6, address, port } => {
                let [kind, family, address_register, port_register] = number::NAT;
                own.number(kind, if *source { number::CHANGE_SOURCE } else { number::CHANGE_DESTINATION });
                own.number(family, if *v6 { libc::NFPROTO_IPV6 } else { libc::NFPROTO_IPV4 } as u32);
                own.number(address_register, register(*address));
                if let Some(port) = port {
                    own.number(port_register, register(*port));
                }
            }
            Self::Payload { base, offset, length, word } => {
                let [target, from, start, count] = number::PAYLOAD;
                own.number(target, register(*word)).number(from, *base as u32);
                own.number(start, *offset).number(count, *length);
            }
            Self::Verdict(verdict) => {
                let [target, value] = number::IMMEDIATE;
                own.number(target, number::VERDICT).nested(value, |value| verdict.push(value));
            }
        }
    }
}

fn load(own: &mut Attributes<'_>, word: u32, what: u32) {
    let [target, key] = number::LOAD;
    own.number(target, register(word)).number(key, what);
}

fn bitwise(own: &mut Attributes<'_>, bits: &[u8]) {
    let [source, target, length, mask, exclusive_or] = number::BITWISE;
    own.number(source, register(0)).number(target, register(0)).number(length, bits.len() as u32);
    own.nested(mask, |mask| {
        mask.bytes(data::VALUE, bits);
    });
    own.nested(exclusive_or, |zeroes| {
        zeroes.bytes(data::VALUE, &vec![0; bits.len()]);
    });
}

impl Verdict {
    /// Puts it into a register's or an element's data.
    pub(super) fn push(&self, own: &mut Attributes<'_>) {
        let (code, chain) = match self {
            Self::Accept => (data::ACCEPT, None),
            Self::Drop => (data::DROP, None),
            Self::Jump(chain) => (data::JUMP, Some(chain)),
            Self::Return => (data::RETURN, None),
        };
        own.nested(data::VERDICT, |verdict| {
            verdict.number(data::CODE, code);
            if let Some(chain) = chain {
                verdict.text(data::CHAIN, chain);
            }
        });
    }
}
