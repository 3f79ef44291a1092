//! Messages of one transaction, from data to bytes (`include/uapi/linux/netfilter/nf_tables.h`).

use std::borrow::Cow;

use netlink_bindings::nftables::{
    PushBatchAttrs, PushChainAttrs, PushRuleAttrs, PushSetAttrs, PushSetelemAttrs, PushSetelemListAttrs,
    PushTableAttrs, SetElemFlags, SetFlags,
};
use netlink_bindings::traits::Pusher;
use netlink_packet_core::{NLM_F_ACK, NLM_F_APPEND, NLM_F_CREATE, NLM_F_EXCL};

use super::cell::{Cell, CellValue};
use super::expression::Verdict;
use super::layout::{Family, Field, Hook, Set, Shape, Value, TABLE};
use super::rule::Rule;
use super::wire::{self, emit};

/// `NFT_DATA_VERDICT`.
const VERDICT_TYPE: u32 = 0xffff_ff00;
/// nft's marks of byte order in the user data of a set.
const HOST_ORDER: u32 = 1;
const NETWORK_ORDER: u32 = 2;

/// One message.
#[derive(Clone, Debug)]
pub(super) struct Message {
    pub(super) family: Family,
    pub(super) body: Body,
    /// Of the changes that are carried out, which.
    pub(super) change: usize,
    /// What is there already stays and is no fault.
    pub(super) keep: bool,
}

/// What a message does. The comment of a part of a table is empty where the table's own says all.
#[derive(Clone, Debug)]
pub(super) enum Body {
    Chain { name: Cow<'static, str>, hook: Option<Hook>, comment: String },
    DeleteChain { name: String },
    DeleteElements { set: Cow<'static, str>, cells: Vec<Owned> },
    DeleteSet { name: String },
    DeleteTable,
    Flush { chain: Cow<'static, str> },
    Elements { set: Cow<'static, str>, cells: Vec<Owned> },
    Rule { chain: Cow<'static, str>, rule: Rule, comment: String },
    Set { set: Set, comment: String },
    Table { comment: String },
}

/// A cell with its comment, and which of the change's elements it is part of.
#[derive(Clone, Debug)]
pub(super) struct Owned {
    pub(super) cell: Cell,
    pub(super) comment: String,
    pub(super) element: usize,
}

impl Message {
    /// Whether it is no fault when that which it deletes is not there.
    pub(super) fn may_be_gone(&self) -> bool {
        matches!(
            self.body,
            Body::DeleteChain { .. }
                | Body::DeleteElements { .. }
                | Body::DeleteSet { .. }
                | Body::DeleteTable
        )
    }
}

/// The bytes of a transaction.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) bytes: Vec<u8>,
    /// Where in each message each of its parts begins: elements of a set, expressions of a rule.
    pub(super) parts: Vec<Vec<usize>>,
}

impl Batch {
    /// `sequence` is the number of the batch's beginning; each message has the next, the last one asks for
    /// an answer. With `dry` nothing is carried out, since the end is missing.
    pub(super) fn new(messages: &[Message], sequence: u32, generation: Option<u32>, dry: bool) -> Self {
        let mut batch = Self::default();
        batch.mark(wire::BATCH_BEGIN, sequence, generation);
        let mut number = sequence;
        for (index, message) in messages.iter().enumerate() {
            number = number.wrapping_add(1);
            let ack = if index + 1 == messages.len() { NLM_F_ACK } else { 0 };
            let parts = message.emit(number, ack, index as u32 + 1, &mut batch.bytes);
            batch.parts.push(parts);
        }
        if !dry {
            batch.mark(wire::BATCH_END, number.wrapping_add(1), None);
        }
        batch
    }

    fn mark(&mut self, kind: u16, sequence: u32, generation: Option<u32>) {
        wire::emit_batch(kind, sequence, &mut self.bytes, |bytes| {
            if let Some(generation) = generation {
                PushBatchAttrs::new(bytes).push_genid(generation);
            }
        });
    }
}

impl Message {
    /// Appends it and returns where its parts begin. `id` is its own among the messages of the batch.
    fn emit(&self, sequence: u32, flags: u16, id: u32, bytes: &mut Vec<u8>) -> Vec<usize> {
        let (kind, own_flags) = match &self.body {
            Body::Chain { .. } => (wire::NEW_CHAIN, NLM_F_CREATE | NLM_F_EXCL),
            Body::DeleteChain { .. } => (wire::DELETE_CHAIN, 0),
            Body::DeleteElements { .. } => (wire::DELETE_ELEMENTS, 0),
            Body::DeleteSet { .. } => (wire::DELETE_SET, 0),
            Body::DeleteTable => (wire::DELETE_TABLE, 0),
            Body::Elements { .. } => (wire::NEW_ELEMENTS, NLM_F_CREATE | NLM_F_EXCL),
            Body::Flush { .. } => (wire::DELETE_RULE, 0),
            Body::Rule { .. } => (wire::NEW_RULE, NLM_F_CREATE | NLM_F_APPEND),
            Body::Set { .. } => (wire::NEW_SET, NLM_F_CREATE | NLM_F_EXCL),
            Body::Table { .. } => (wire::NEW_TABLE, NLM_F_CREATE | NLM_F_EXCL),
        };
        let own_flags = if self.keep { own_flags & !NLM_F_EXCL } else { own_flags };
        let start = bytes.len();
        let mut parts = Vec::new();
        emit(kind, flags | own_flags, sequence, self.family, bytes, |bytes| self.fill(id, bytes, &mut parts));
        for part in &mut parts {
            *part -= start;
        }
        parts
    }

    fn fill(&self, id: u32, bytes: &mut Vec<u8>, parts: &mut Vec<usize>) {
        match &self.body {
            Body::Chain { name, hook, comment } => chain(name, *hook, comment, bytes),
            Body::DeleteChain { name } => {
                PushChainAttrs::new(bytes)
                    .push_table_bytes(TABLE.as_bytes())
                    .push_name_bytes(name.as_bytes());
            }
            Body::DeleteElements { set, cells } => elements(set, cells, false, bytes, parts),
            Body::DeleteSet { name } => {
                PushSetAttrs::new(bytes).push_table_bytes(TABLE.as_bytes()).push_name_bytes(name.as_bytes());
            }
            Body::DeleteTable => {
                PushTableAttrs::new(bytes).push_name_bytes(TABLE.as_bytes());
            }
            Body::Flush { chain } => {
                PushRuleAttrs::new(bytes)
                    .push_table_bytes(TABLE.as_bytes())
                    .push_chain_bytes(chain.as_bytes());
            }
            Body::Elements { set, cells } => elements(set, cells, true, bytes, parts),
            Body::Rule { chain, rule: body, comment } => rule(chain, body, comment, bytes, parts),
            Body::Set { set: body, comment } => set(body, id, comment, bytes),
            Body::Table { comment } => {
                let comment = note(wire::TABLE_COMMENT, comment);
                PushTableAttrs::new(bytes).push_name_bytes(TABLE.as_bytes()).push_userdata(&comment);
            }
        }
    }
}

/// A comment as the user data has it.
fn note(kind: u8, comment: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(comment.len() + 3);
    wire::push_note(kind, comment, &mut bytes);
    bytes
}

fn chain(name: &str, hook: Option<Hook>, comment: &str, bytes: &mut Vec<u8>) {
    let mut chain =
        PushChainAttrs::new(bytes).push_table_bytes(TABLE.as_bytes()).push_name_bytes(name.as_bytes());
    if let Some(hook) = hook {
        chain = chain.nested_hook().push_num(hook.number).push_priority(hook.priority).end_nested();
        chain = chain.push_policy(libc::NF_ACCEPT as u32).push_type_bytes(hook.kind.as_bytes());
    }
    if !comment.is_empty() {
        chain.push_userdata(&note(wire::CHAIN_COMMENT, comment));
    }
}

fn rule(chain: &str, rule: &Rule, comment: &str, bytes: &mut Vec<u8>, parts: &mut Vec<usize>) {
    let head = PushRuleAttrs::new(bytes).push_table_bytes(TABLE.as_bytes());
    let mut list = head.push_chain_bytes(chain.as_bytes()).nested_expressions();
    for expression in rule.expressions() {
        parts.push(list.as_vec().len().next_multiple_of(4));
        list = expression.push(list);
    }
    let rule = list.end_nested();
    if !comment.is_empty() {
        rule.push_userdata(&note(wire::RULE_COMMENT, comment));
    }
}

/// nft packs the types of a concatenation into one number, 6 bits each.
fn datatype(fields: &[Field]) -> u32 {
    fields.iter().fold(0, |number, field| number << 6 | field.datatype())
}

fn length(fields: &[Field]) -> u32 {
    fields.iter().map(|field| field.length() as u32).sum()
}

/// In which order nft is to take the bytes.
fn order(fields: &[Field]) -> u32 {
    match fields {
        [Field::Interface] => HOST_ORDER,
        [_] => NETWORK_ORDER,
        _ => 0,
    }
}

fn set(set: &Set, id: u32, comment: &str, bytes: &mut Vec<u8>) {
    let Shape { key, value, interval } = set.shape;
    let mut flags = if interval { SetFlags::Interval as u32 } else { 0 };
    let mut user = Vec::new();
    wire::push_number(wire::KEY_ORDER, order(key), &mut user);
    let mut data = None;
    match value {
        Value::Nothing => {}
        Value::Fields(fields) => {
            data = Some((datatype(fields), length(fields)));
            wire::push_number(wire::VALUE_ORDER, order(fields), &mut user);
        }
        Value::Verdict => {
            data = Some((VERDICT_TYPE, 0));
            wire::push_number(wire::VALUE_ORDER, 0, &mut user);
        }
    }
    if !comment.is_empty() {
        wire::push_note(wire::SET_COMMENT, comment, &mut user);
    }
    flags |= data.map_or(0, |_| SetFlags::Map as u32);
    let head = PushSetAttrs::new(bytes).push_table_bytes(TABLE.as_bytes());
    let head = head.push_name_bytes(set.name.as_bytes()).push_flags(flags);
    let mut head = head.push_key_type(datatype(key)).push_key_len(length(key)).push_id(id);
    if let Some((datatype, length)) = data {
        head = head.push_data_type(datatype).push_data_len(length);
    }
    head.push_userdata(&user);
}

fn elements(set: &str, cells: &[Owned], add: bool, bytes: &mut Vec<u8>, parts: &mut Vec<usize>) {
    let head = PushSetelemListAttrs::new(bytes).push_table_bytes(TABLE.as_bytes());
    let mut list = head.push_set_bytes(set.as_bytes()).nested_elements();
    for Owned { cell, comment, .. } in cells {
        parts.push(list.as_vec().len().next_multiple_of(4));
        let element = list.nested_elem().nested_key().push_value(&cell.key).end_nested();
        // What is deleted is found by its key alone.
        list = if add { value(element, cell, comment).end_nested() } else { element.end_nested() };
        if let Some(end) = cell.end() {
            let flags = (SetElemFlags::IntervalEnd as u32).to_be_bytes();
            let element = list.nested_elem().push_flags(&flags);
            list = element.nested_key().push_value(&end).end_nested().end_nested();
        }
    }
}

fn value<P: Pusher>(element: PushSetelemAttrs<P>, cell: &Cell, comment: &str) -> PushSetelemAttrs<P> {
    let element = match &cell.value {
        None => element,
        Some(CellValue::Bytes(bytes)) => element.nested_data().push_value(bytes).end_nested(),
        Some(CellValue::Jump(chain)) => Verdict::Jump(chain.clone()).push(element.nested_data()).end_nested(),
    };
    match comment {
        "" => element,
        _ => element.push_userdata(&note(wire::ELEMENT_COMMENT, comment)),
    }
}
