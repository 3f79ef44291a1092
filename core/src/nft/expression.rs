//! Expressions: what the kernel's virtual machine runs for a rule (`net/netfilter/nft_*.c`).

use netlink_bindings::nftables::{
    CmpOps, CtKeys, FibFlags, MetaKeys, PayloadBase, PushDataAttrs, PushExprAttrs, PushExprListAttrs,
    VerdictCode,
};
use netlink_bindings::traits::Pusher;
use netlink_bindings::utils::{finalize_nested_header, push_header, push_nested_header};

/// Bytes in a register of 32 bits; `word` below counts those.
pub(super) const WORD: usize = 4;
/// `NFT_REG_VERDICT`.
const VERDICT: u32 = 0;
/// `NFT_REG32_00`.
const FIRST_WORD: u32 = 8;
/// `NFT_FIB_RESULT_ADDRTYPE`: the kernel's machine-readable list numbers these from 0 by mistake.
const FIB_ADDRESS_TYPE: u32 = 3;

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
    Ct {
        key: CtKeys,
    },
    /// The kind of the packet's destination (`RTN_*`).
    DestinationType,
    /// `into` is nothing of a set, the verdict (`None`) or the word of a map.
    Lookup {
        set: String,
        into: Option<Option<u32>>,
    },
    Mask {
        mask: Vec<u8>,
    },
    Masquerade,
    Meta {
        key: MetaKeys,
        word: u32,
    },
    Nat {
        source: bool,
        v6: bool,
        address: u32,
        port: Option<u32>,
    },
    Payload {
        base: PayloadBase,
        offset: u32,
        length: u32,
        word: u32,
    },
    Verdict(Verdict),
}

fn register(word: u32) -> u32 {
    FIRST_WORD + word
}

impl Expression {
    /// The build option of the kernel that has it, where there is one.
    pub(super) fn build_option(&self) -> Option<&'static str> {
        match self {
            Self::Ct { .. } => Some("CONFIG_NFT_CT"),
            Self::DestinationType => Some("CONFIG_NFT_FIB_INET"),
            Self::Masquerade => Some("CONFIG_NFT_MASQ"),
            Self::Nat { .. } => Some("CONFIG_NFT_NAT"),
            _ => None,
        }
    }

    /// Appends it to the expressions of a rule.
    pub(super) fn push<P: Pusher>(&self, list: PushExprListAttrs<P>) -> PushExprListAttrs<P> {
        let next = list.nested_elem();
        match self {
            Self::Compare { equal, value } => {
                let operator = if *equal { CmpOps::Eq } else { CmpOps::Neq };
                let data = next.nested_data_cmp().push_sreg(register(0)).push_op(operator as u32);
                data.nested_data().push_value(value).end_nested().end_nested().end_nested()
            }
            Self::Ct { key } => {
                let data = next.nested_data_ct().push_dreg(register(0)).push_key(*key as u32);
                data.end_nested().end_nested()
            }
            Self::DestinationType => {
                let data = next.nested_data_fib().push_dreg(register(0)).push_result(FIB_ADDRESS_TYPE);
                data.push_flags(FibFlags::Daddr as u32).end_nested().end_nested()
            }
            Self::Lookup { set, into } => lookup(next, set, *into),
            Self::Mask { mask } => {
                let data = next.nested_data_bitwise().push_sreg(register(0)).push_dreg(register(0));
                let data = data.push_len(mask.len() as u32).nested_mask().push_value(mask).end_nested();
                data.nested_xor().push_value(&vec![0; mask.len()]).end_nested().end_nested().end_nested()
            }
            Self::Masquerade => next.push_name(c"masq").end_nested(),
            Self::Meta { key, word } => {
                let data = next.nested_data_meta().push_dreg(register(*word)).push_key(*key as u32);
                data.end_nested().end_nested()
            }
            Self::Nat { source, v6, address, port } => {
                let data = next.nested_data_nat().push_type(u32::from(!source));
                let family = if *v6 { libc::AF_INET6 } else { libc::AF_INET };
                let data = data.push_family(family as u32).push_reg_addr_min(register(*address));
                let data = match port {
                    None => data,
                    Some(word) => data.push_reg_proto_min(register(*word)),
                };
                data.end_nested().end_nested()
            }
            Self::Payload { base, offset, length, word } => {
                let data = next.nested_data_payload().push_dreg(register(*word)).push_base(*base as u32);
                data.push_offset(*offset).push_len(*length).end_nested().end_nested()
            }
            Self::Verdict(verdict) => {
                let data = next.nested_data_immediate().push_dreg(VERDICT).nested_data();
                verdict.push(data).end_nested().end_nested().end_nested()
            }
        }
    }
}

/// By hand, because the kernel's machine-readable list numbers these attributes wrongly.
fn lookup<P: Pusher>(
    next: PushExprAttrs<PushExprListAttrs<P>>,
    set: &str,
    into: Option<Option<u32>>,
) -> PushExprListAttrs<P> {
    /// `NFTA_EXPR_DATA`, `NFTA_LOOKUP_SET`, `NFTA_LOOKUP_SREG`, `NFTA_LOOKUP_DREG`.
    const DATA: u16 = 2;
    const SET: u16 = 1;
    const SOURCE: u16 = 2;
    const TARGET: u16 = 3;
    let mut next = next.push_name(c"lookup");
    let bytes = next.as_vec_mut();
    let start = push_nested_header(bytes, DATA);
    push_header(bytes, SET, set.len() as u16 + 1);
    bytes.extend(set.as_bytes());
    bytes.push(0);
    push_header(bytes, SOURCE, 4);
    bytes.extend(register(0).to_be_bytes());
    if let Some(into) = into {
        push_header(bytes, TARGET, 4);
        bytes.extend(into.map_or(VERDICT, register).to_be_bytes());
    }
    finalize_nested_header(bytes, start);
    next.end_nested()
}

impl Verdict {
    /// Puts it into a register's or an element's data.
    pub(super) fn push<P: Pusher>(&self, data: PushDataAttrs<P>) -> PushDataAttrs<P> {
        let (code, chain) = match self {
            Self::Accept => (VerdictCode::Accept, None),
            Self::Drop => (VerdictCode::Drop, None),
            Self::Jump(chain) => (VerdictCode::Jump, Some(chain)),
            Self::Return => (VerdictCode::Return, None),
        };
        let verdict = data.nested_verdict().push_code(code as u32);
        match chain {
            None => verdict.end_nested(),
            Some(chain) => verdict.push_chain_bytes(chain.as_bytes()).end_nested(),
        }
    }
}
