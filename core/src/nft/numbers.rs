//! The kernel's numbers (`include/uapi/linux/netfilter/nf_tables.h`), as far as they are used here.

/// `NFNL_SUBSYS_NFTABLES`.
pub(super) const SUBSYSTEM: u16 = 10;

const fn message(number: u16) -> u16 {
    SUBSYSTEM << 8 | number
}

/// Types of messages.
pub(super) mod kind {
    use super::message;

    pub(in super::super) const BATCH_BEGIN: u16 = 16;
    pub(in super::super) const BATCH_END: u16 = 17;
    pub(in super::super) const NEW_TABLE: u16 = message(0);
    pub(in super::super) const GET_TABLE: u16 = message(1);
    pub(in super::super) const DELETE_TABLE: u16 = message(2);
    pub(in super::super) const NEW_CHAIN: u16 = message(3);
    pub(in super::super) const GET_CHAIN: u16 = message(4);
    pub(in super::super) const DELETE_CHAIN: u16 = message(5);
    pub(in super::super) const NEW_RULE: u16 = message(6);
    pub(in super::super) const GET_RULE: u16 = message(7);
    pub(in super::super) const DELETE_RULE: u16 = message(8);
    pub(in super::super) const NEW_SET: u16 = message(9);
    pub(in super::super) const DELETE_SET: u16 = message(11);
    pub(in super::super) const NEW_ELEMENTS: u16 = message(12);
    pub(in super::super) const GET_ELEMENTS: u16 = message(13);
    pub(in super::super) const DELETE_ELEMENTS: u16 = message(14);
    pub(in super::super) const GET_GENERATION: u16 = message(16);
}

/// `NFNLGRP_NFTABLES`.
pub(super) const NOTIFICATIONS: u32 = 7;
/// `NFNL_BATCH_GENID`.
pub(super) const BATCH_GENERATION: u16 = 1;
/// `NFTA_GEN_ID`.
pub(super) const GENERATION: u16 = 1;
/// `NFTA_LIST_ELEM`.
pub(super) const ITEM: u16 = 1;

/// `NFTA_TABLE_*`.
pub(super) mod table {
    pub(in super::super) const NAME: u16 = 1;
    pub(in super::super) const USER_DATA: u16 = 6;
}

/// `NFTA_CHAIN_*`, `NFTA_HOOK_*`.
pub(super) mod chain {
    pub(in super::super) const TABLE: u16 = 1;
    pub(in super::super) const NAME: u16 = 3;
    pub(in super::super) const HOOK: u16 = 4;
    pub(in super::super) const HOOK_NUMBER: u16 = 1;
    pub(in super::super) const HOOK_PRIORITY: u16 = 2;
    pub(in super::super) const POLICY: u16 = 5;
    pub(in super::super) const TYPE: u16 = 7;
    pub(in super::super) const USER_DATA: u16 = 12;
}

/// `NFTA_RULE_*`.
pub(super) mod rule {
    pub(in super::super) const TABLE: u16 = 1;
    pub(in super::super) const CHAIN: u16 = 2;
    #[cfg(feature = "docker-plugin")]
    pub(in super::super) const HANDLE: u16 = 3;
    pub(in super::super) const EXPRESSIONS: u16 = 4;
    #[cfg(feature = "docker-plugin")]
    pub(in super::super) const POSITION: u16 = 6;
    pub(in super::super) const USER_DATA: u16 = 7;
}

/// `NFTA_SET_*`, `NFT_SET_*`.
pub(super) mod set {
    pub(in super::super) const TABLE: u16 = 1;
    pub(in super::super) const NAME: u16 = 2;
    pub(in super::super) const FLAGS: u16 = 3;
    pub(in super::super) const KEY_TYPE: u16 = 4;
    pub(in super::super) const KEY_LENGTH: u16 = 5;
    pub(in super::super) const VALUE_TYPE: u16 = 6;
    pub(in super::super) const VALUE_LENGTH: u16 = 7;
    pub(in super::super) const ID: u16 = 10;
    pub(in super::super) const USER_DATA: u16 = 13;
    pub(in super::super) const INTERVAL: u32 = 1 << 2;
    pub(in super::super) const MAP: u32 = 1 << 3;
    /// `NFT_DATA_VERDICT`.
    pub(in super::super) const VERDICTS: u32 = 0xffff_ff00;
}

/// `NFTA_SET_ELEM_LIST_*`, `NFTA_SET_ELEM_*`, `NFT_SET_ELEM_*`.
pub(super) mod element {
    pub(in super::super) const TABLE: u16 = 1;
    pub(in super::super) const SET: u16 = 2;
    pub(in super::super) const LIST: u16 = 3;
    pub(in super::super) const KEY: u16 = 1;
    pub(in super::super) const VALUE: u16 = 2;
    pub(in super::super) const FLAGS: u16 = 3;
    pub(in super::super) const USER_DATA: u16 = 6;
    pub(in super::super) const INTERVAL_END: u32 = 1;
}

/// `NFTA_DATA_*`, `NFTA_VERDICT_*`, and the codes of verdicts.
pub(super) mod data {
    pub(in super::super) const VALUE: u16 = 1;
    pub(in super::super) const VERDICT: u16 = 2;
    pub(in super::super) const CODE: u16 = 1;
    pub(in super::super) const CHAIN: u16 = 2;
    pub(in super::super) const ACCEPT: u32 = 1;
    pub(in super::super) const DROP: u32 = 0;
    pub(in super::super) const JUMP: u32 = -3_i32 as u32;
    pub(in super::super) const RETURN: u32 = -5_i32 as u32;
}

/// `NFTA_EXPR_*`, registers, and what each expression has.
pub(super) mod expression {
    pub(in super::super) const NAME: u16 = 1;
    pub(in super::super) const DATA: u16 = 2;
    /// `NFT_REG_VERDICT`.
    pub(in super::super) const VERDICT: u32 = 0;
    /// `NFT_REG32_00`.
    pub(in super::super) const FIRST_WORD: u32 = 8;

    /// `NFTA_BITWISE_*`: source, target, length, mask, exclusive or.
    pub(in super::super) const BITWISE: [u16; 5] = [1, 2, 3, 4, 5];
    /// `NFTA_CMP_*`: source, operator, data.
    pub(in super::super) const COMPARE: [u16; 3] = [1, 2, 3];
    /// `NFTA_CT_*` and `NFTA_META_*`: target, key.
    pub(in super::super) const LOAD: [u16; 2] = [1, 2];
    /// `NFTA_FIB_*`: target, result, flags.
    pub(in super::super) const FIB: [u16; 3] = [1, 2, 3];
    /// `NFTA_IMMEDIATE_*`: target, data.
    pub(in super::super) const IMMEDIATE: [u16; 2] = [1, 2];
    /// `NFTA_LOOKUP_*`: set, source, target.
    pub(in super::super) const LOOKUP: [u16; 3] = [1, 2, 3];
    /// `NFTA_MATCH_*`: name, revision, what the match has.
    #[cfg(feature = "docker-plugin")]
    pub(in super::super) const MATCH: [u16; 3] = [1, 2, 3];
    /// `NFTA_NAT_*`: type, family, register of the address, of the port.
    pub(in super::super) const NAT: [u16; 4] = [1, 2, 3, 5];
    /// `NFTA_PAYLOAD_*`: target, base, offset, length.
    pub(in super::super) const PAYLOAD: [u16; 4] = [1, 2, 3, 4];

    /// `NFT_CMP_EQ`, `NFT_CMP_NEQ`.
    pub(in super::super) const EQUAL: u32 = 0;
    pub(in super::super) const UNEQUAL: u32 = 1;
    /// `NFT_FIB_RESULT_ADDRTYPE`, `NFTA_FIB_F_DADDR`.
    pub(in super::super) const ADDRESS_TYPE: u32 = 3;
    pub(in super::super) const OF_DESTINATION: u32 = 1 << 1;
    /// `NFT_NAT_SNAT`, `NFT_NAT_DNAT`.
    pub(in super::super) const CHANGE_SOURCE: u32 = 0;
    pub(in super::super) const CHANGE_DESTINATION: u32 = 1;
}

/// What `meta` loads (`NFT_META_*`).
#[derive(Clone, Copy, Debug)]
pub(super) enum Meta {
    InputName = 6,
    OutputName = 7,
    InputType = 8,
    Family = 15,
    Protocol = 16,
    InputGroup = 21,
}

/// What `ct` loads (`NFT_CT_*`).
#[derive(Clone, Copy, Debug)]
pub(super) enum Ct {
    State = 0,
    Status = 2,
}

/// Where an offset into a packet counts from (`NFT_PAYLOAD_*_HEADER`).
#[derive(Clone, Copy, Debug)]
pub(super) enum Base {
    Link = 0,
    Network = 1,
    Transport = 2,
}

/// Kinds of user data, which nft(8) alone reads (`include/libnftnl/udata.h` of libnftnl).
pub(super) mod note {
    /// Of a table, a chain, a rule and an element.
    pub(in super::super) const COMMENT: u8 = 0;
    pub(in super::super) const SET_KEY_ORDER: u8 = 0;
    pub(in super::super) const SET_VALUE_ORDER: u8 = 1;
    pub(in super::super) const SET_COMMENT: u8 = 7;
    /// Orders of bytes.
    pub(in super::super) const HOST_ORDER: u32 = 1;
    pub(in super::super) const NETWORK_ORDER: u32 = 2;
}
