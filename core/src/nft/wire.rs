//! Frames of nfnetlink messages, and nft's user data.

use netlink_bindings::utils::align;
use netlink_packet_core::NLM_F_REQUEST;

use super::layout::Family;

/// `NFNL_SUBSYS_NFTABLES`.
const SUBSYSTEM: u16 = 10;
pub(super) const BATCH_BEGIN: u16 = 16;
pub(super) const BATCH_END: u16 = 17;
pub(super) const NEW_TABLE: u16 = SUBSYSTEM << 8;
pub(super) const GET_TABLE: u16 = SUBSYSTEM << 8 | 1;
pub(super) const DELETE_TABLE: u16 = SUBSYSTEM << 8 | 2;
pub(super) const NEW_CHAIN: u16 = SUBSYSTEM << 8 | 3;
pub(super) const GET_CHAIN: u16 = SUBSYSTEM << 8 | 4;
pub(super) const DELETE_CHAIN: u16 = SUBSYSTEM << 8 | 5;
pub(super) const NEW_RULE: u16 = SUBSYSTEM << 8 | 6;
pub(super) const GET_RULE: u16 = SUBSYSTEM << 8 | 7;
pub(super) const DELETE_RULE: u16 = SUBSYSTEM << 8 | 8;
pub(super) const NEW_SET: u16 = SUBSYSTEM << 8 | 9;
pub(super) const GET_SET: u16 = SUBSYSTEM << 8 | 10;
pub(super) const DELETE_SET: u16 = SUBSYSTEM << 8 | 11;
pub(super) const NEW_ELEMENTS: u16 = SUBSYSTEM << 8 | 12;
pub(super) const GET_ELEMENTS: u16 = SUBSYSTEM << 8 | 13;
pub(super) const DELETE_ELEMENTS: u16 = SUBSYSTEM << 8 | 14;
pub(super) const NEW_GENERATION: u16 = SUBSYSTEM << 8 | 15;
pub(super) const GET_GENERATION: u16 = SUBSYSTEM << 8 | 16;

/// Length of a message's header, and of what netfilter puts behind it.
pub(super) const HEADER: usize = 16;
pub(super) const NETFILTER_HEADER: usize = 4;

// Kinds of user data (`include/libnftnl/udata.h` of libnftnl).
pub(super) const TABLE_COMMENT: u8 = 0;
pub(super) const CHAIN_COMMENT: u8 = 0;
pub(super) const RULE_COMMENT: u8 = 0;
pub(super) const ELEMENT_COMMENT: u8 = 0;
pub(super) const KEY_ORDER: u8 = 0;
pub(super) const VALUE_ORDER: u8 = 1;
pub(super) const SET_COMMENT: u8 = 7;

/// Appends a message; `fill` appends its attributes.
pub(super) fn emit(
    kind: u16,
    flags: u16,
    sequence: u32,
    family: Family,
    bytes: &mut Vec<u8>,
    fill: impl FnOnce(&mut Vec<u8>),
) {
    frame(kind, flags, sequence, [family as u8, 0, 0, 0], bytes, fill);
}

/// Appends the beginning or the end of a transaction, which names the subsystem instead of a family.
pub(super) fn emit_batch(kind: u16, sequence: u32, bytes: &mut Vec<u8>, fill: impl FnOnce(&mut Vec<u8>)) {
    let [high, low] = SUBSYSTEM.to_be_bytes();
    frame(kind, 0, sequence, [libc::AF_UNSPEC as u8, 0, high, low], bytes, fill);
}

/// Appends a message with what `head`, `struct nfgenmsg`, says.
pub(super) fn frame(
    kind: u16,
    flags: u16,
    sequence: u32,
    head: [u8; NETFILTER_HEADER],
    bytes: &mut Vec<u8>,
    fill: impl FnOnce(&mut Vec<u8>),
) {
    let start = bytes.len();
    bytes.extend([0; 4]);
    bytes.extend(kind.to_ne_bytes());
    bytes.extend((NLM_F_REQUEST | flags).to_ne_bytes());
    bytes.extend(sequence.to_ne_bytes());
    bytes.extend([0; 4]);
    bytes.extend(head);
    fill(bytes);
    align(bytes);
    let length = (bytes.len() - start) as u32;
    bytes[start..start + 4].copy_from_slice(&length.to_ne_bytes());
}

/// Appends a comment to user data; it has 254 bytes at most.
pub(super) fn push_note(kind: u8, comment: &str, bytes: &mut Vec<u8>) {
    bytes.extend([kind, (comment.len() + 1) as u8]);
    bytes.extend(comment.as_bytes());
    bytes.push(0);
}

/// Appends a number to user data.
pub(super) fn push_number(kind: u8, number: u32, bytes: &mut Vec<u8>) {
    bytes.extend([kind, 4]);
    bytes.extend(number.to_ne_bytes());
}

/// The comment of that kind in user data.
pub(super) fn read_note(kind: u8, mut bytes: &[u8]) -> Option<&str> {
    while let [this, length, rest @ ..] = bytes {
        let (value, rest) = rest.split_at_checked(usize::from(*length))?;
        if *this == kind {
            return std::str::from_utf8(value.strip_suffix(&[0])?).ok();
        }
        bytes = rest;
    }
    None
}
