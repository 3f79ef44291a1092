//! Messages of one transaction, from data to bytes (`include/uapi/linux/netfilter/nf_tables.h`).

use std::borrow::Cow;

use netlink_packet_core::{NLM_F_ACK, NLM_F_APPEND, NLM_F_CREATE, NLM_F_EXCL};

use super::cell::{Cell, CellValue};
use super::expression::Verdict;
use super::layout::{Family, Field, Hook, Set, Shape, Value, TABLE};
use super::numbers::{chain, data, element, kind, note, rule, set, table, BATCH_GENERATION, ITEM};
use super::rule::Rule;
use super::wire::{self, emit};
use crate::netlink::Attributes;

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
        batch.mark(kind::BATCH_BEGIN, sequence, generation);
        let mut number = sequence;
        for (index, message) in messages.iter().enumerate() {
            number = number.wrapping_add(1);
            let ack = if index + 1 == messages.len() { NLM_F_ACK } else { 0 };
            let parts = message.emit(number, ack, index as u32 + 1, &mut batch.bytes);
            batch.parts.push(parts);
        }
        if !dry {
            batch.mark(kind::BATCH_END, number.wrapping_add(1), None);
        }
        batch
    }

    fn mark(&mut self, kind: u16, sequence: u32, generation: Option<u32>) {
        wire::emit_batch(kind, sequence, &mut self.bytes, |batch| {
            if let Some(generation) = generation {
                batch.number(BATCH_GENERATION, generation);
            }
        });
    }
}

impl Message {
    /// Appends it and returns where its parts begin. `id` is its own among the messages of the batch.
    fn emit(&self, sequence: u32, flags: u16, id: u32, bytes: &mut Vec<u8>) -> Vec<usize> {
        let (kind, own_flags) = match &self.body {
            Body::Chain { .. } => (kind::NEW_CHAIN, NLM_F_CREATE | NLM_F_EXCL),
            Body::DeleteChain { .. } => (kind::DELETE_CHAIN, 0),
            Body::DeleteElements { .. } => (kind::DELETE_ELEMENTS, 0),
            Body::DeleteSet { .. } => (kind::DELETE_SET, 0),
            Body::DeleteTable => (kind::DELETE_TABLE, 0),
            Body::Elements { .. } => (kind::NEW_ELEMENTS, NLM_F_CREATE | NLM_F_EXCL),
            Body::Flush { .. } => (kind::DELETE_RULE, 0),
            Body::Rule { .. } => (kind::NEW_RULE, NLM_F_CREATE | NLM_F_APPEND),
            Body::Set { .. } => (kind::NEW_SET, NLM_F_CREATE | NLM_F_EXCL),
            Body::Table { .. } => (kind::NEW_TABLE, NLM_F_CREATE | NLM_F_EXCL),
        };
        let own_flags = if self.keep { own_flags & !NLM_F_EXCL } else { own_flags };
        let start = bytes.len();
        let mut parts = Vec::new();
        emit(kind, flags | own_flags, sequence, self.family, bytes, |own| self.fill(id, own, &mut parts));
        for part in &mut parts {
            *part -= start;
        }
        parts
    }

    fn fill(&self, id: u32, own: &mut Attributes<'_>, parts: &mut Vec<usize>) {
        match &self.body {
            Body::Chain { name, hook, comment } => push_chain(name, *hook, comment, own),
            Body::DeleteChain { name } => {
                own.text(chain::TABLE, TABLE).text(chain::NAME, name);
            }
            Body::DeleteElements { set, cells } => push_elements(set, cells, false, own, parts),
            Body::DeleteSet { name } => {
                own.text(set::TABLE, TABLE).text(set::NAME, name);
            }
            Body::DeleteTable => {
                own.text(table::NAME, TABLE);
            }
            Body::Elements { set, cells } => push_elements(set, cells, true, own, parts),
            Body::Flush { chain } => {
                own.text(rule::TABLE, TABLE).text(rule::CHAIN, chain);
            }
            Body::Rule { chain, rule, comment } => push_rule(chain, rule, comment, own, parts),
            Body::Set { set, comment } => push_set(set, id, comment, own),
            Body::Table { comment } => {
                own.text(table::NAME, TABLE).bytes(table::USER_DATA, &noted(comment));
            }
        }
    }
}

/// A comment as the user data has it.
fn noted(comment: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(comment.len() + 3);
    wire::push_note(note::COMMENT, comment, &mut bytes);
    bytes
}

fn push_comment(kind: u16, comment: &str, own: &mut Attributes<'_>) {
    if !comment.is_empty() {
        own.bytes(kind, &noted(comment));
    }
}

fn push_chain(name: &str, hook: Option<Hook>, comment: &str, own: &mut Attributes<'_>) {
    own.text(chain::TABLE, TABLE).text(chain::NAME, name);
    if let Some(hook) = hook {
        own.nested(chain::HOOK, |own| {
            own.number(chain::HOOK_NUMBER, hook.number);
            own.number(chain::HOOK_PRIORITY, hook.priority.cast_unsigned());
        });
        own.number(chain::POLICY, data::ACCEPT).text(chain::TYPE, hook.kind);
    }
    push_comment(chain::USER_DATA, comment, own);
}

fn push_rule(chain: &str, rule: &Rule, comment: &str, own: &mut Attributes<'_>, parts: &mut Vec<usize>) {
    own.text(rule::TABLE, TABLE).text(rule::CHAIN, chain);
    own.nested(rule::EXPRESSIONS, |list| {
        for expression in rule.expressions() {
            parts.push(list.position());
            expression.push(list);
        }
    });
    push_comment(rule::USER_DATA, comment, own);
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
        [Field::Interface] => note::HOST_ORDER,
        [_] => note::NETWORK_ORDER,
        _ => 0,
    }
}

fn push_set(body: &Set, id: u32, comment: &str, own: &mut Attributes<'_>) {
    let Shape { key, value, interval } = body.shape;
    let value = match value {
        Value::Nothing => None,
        Value::Fields(fields) => Some((datatype(fields), length(fields), order(fields))),
        Value::Verdict => Some((set::VERDICTS, 0, 0)),
    };
    let mut flags = if interval { set::INTERVAL } else { 0 };
    let mut user = Vec::new();
    wire::push_number(note::SET_KEY_ORDER, order(key), &mut user);
    own.text(set::TABLE, TABLE).text(set::NAME, &body.name).number(set::ID, id);
    own.number(set::KEY_TYPE, datatype(key)).number(set::KEY_LENGTH, length(key));
    if let Some((datatype, length, order)) = value {
        flags |= set::MAP;
        own.number(set::VALUE_TYPE, datatype).number(set::VALUE_LENGTH, length);
        wire::push_number(note::SET_VALUE_ORDER, order, &mut user);
    }
    if !comment.is_empty() {
        wire::push_note(note::SET_COMMENT, comment, &mut user);
    }
    own.number(set::FLAGS, flags).bytes(set::USER_DATA, &user);
}

fn push_elements(set: &str, cells: &[Owned], add: bool, own: &mut Attributes<'_>, parts: &mut Vec<usize>) {
    own.text(element::TABLE, TABLE).text(element::SET, set).nested(element::LIST, |list| {
        for Owned { cell, comment, .. } in cells {
            parts.push(list.position());
            list.nested(ITEM, |own| {
                push_key(&cell.key, own);
                // What is deleted is found by its key alone.
                if add {
                    push_value(cell.value.as_ref(), own);
                    push_comment(element::USER_DATA, comment, own);
                }
            });
            if let Some(end) = cell.end() {
                list.nested(ITEM, |own| {
                    own.number(element::FLAGS, element::INTERVAL_END);
                    push_key(&end, own);
                });
            }
        }
    });
}

/// Appends the key of an element.
pub(super) fn push_key(key: &[u8], own: &mut Attributes<'_>) {
    own.nested(element::KEY, |own| {
        own.bytes(data::VALUE, key);
    });
}

fn push_value(value: Option<&CellValue>, own: &mut Attributes<'_>) {
    let Some(value) = value else {
        return;
    };
    own.nested(element::VALUE, |own| match value {
        CellValue::Bytes(bytes) => {
            own.bytes(data::VALUE, bytes);
        }
        CellValue::Jump(chain) => Verdict::Jump(chain.clone()).push(own),
    });
}
