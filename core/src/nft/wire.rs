//! Frames of nfnetlink messages, and nft's user data.

use netlink_packet_core::NLM_F_REQUEST;

use super::layout::Family;
use super::numbers::SUBSYSTEM;
use crate::netlink::Attributes;

/// Length of `struct nfgenmsg`, which netfilter has behind a message's header.
pub(super) const NETFILTER_HEADER: usize = 4;

/// Appends a message; `fill` appends its attributes.
pub(super) fn emit(
    kind: u16,
    flags: u16,
    sequence: u32,
    family: Family,
    bytes: &mut Vec<u8>,
    fill: impl FnOnce(&mut Attributes<'_>),
) {
    frame(kind, flags, sequence, [family as u8, 0, 0, 0], bytes, fill);
}

/// Appends the beginning or the end of a transaction, which names the subsystem instead of a family.
pub(super) fn emit_batch(
    kind: u16,
    sequence: u32,
    bytes: &mut Vec<u8>,
    fill: impl FnOnce(&mut Attributes<'_>),
) {
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
    fill: impl FnOnce(&mut Attributes<'_>),
) {
    let start = bytes.len();
    bytes.extend([0; 4]);
    bytes.extend(kind.to_ne_bytes());
    bytes.extend((NLM_F_REQUEST | flags).to_ne_bytes());
    bytes.extend(sequence.to_ne_bytes());
    bytes.extend([0; 4]);
    bytes.extend(head);
    fill(&mut Attributes(bytes));
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
