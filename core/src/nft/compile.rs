//! From changes to messages.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use super::base;
use super::cell::Cell;
use super::layout::{Chain, Family, Layout};
use super::message::{Body, Message, Owned};
use super::network::{check_key, interfaces, into, out, post};
use super::{Change, Element, Entry, Owner};
use crate::error::Result;
use crate::link::InterfaceName;

/// What of the elements of one message an attribute can hold, whose length has 16 bits.
const LIST_MAX: usize = 60_000;

/// What the kernel has of what the changes are about.
#[derive(Default)]
pub(super) struct Found {
    /// Tables that need not be made.
    pub(super) tables: Vec<Family>,
    /// Interfaces of networks that are to be deleted, by their keys.
    pub(super) interfaces: HashMap<String, Vec<InterfaceName>>,
}

/// The messages of `changes`, in their order.
///
/// # Errors
/// BadRequest for what cannot be.
pub(super) fn compile(changes: &[Change], found: &Found) -> Result<Vec<Message>> {
    let mut messages = Vec::new();
    for (index, change) in changes.iter().enumerate() {
        let keep = matches!(change, Change::Keep(_) | Change::Renew(_) | Change::RenewTables);
        let mut push = |family, body| messages.push(Message { family, body, change: index, keep });
        match change {
            Change::Add(elements) | Change::Keep(elements) => {
                check(elements)?;
                for body in grouped(elements, true) {
                    push(body.0, body.1);
                }
            }
            Change::BridgeTable | Change::Table => {
                let family = change.table().unwrap_or(Family::Inet);
                if !found.tables.contains(&family) {
                    create(base::layout(family), push);
                }
            }
            Change::Delete(elements) => {
                for body in grouped(elements, false) {
                    push(body.0, body.1);
                }
            }
            Change::DeleteNetwork { key } => {
                check_key(key)?;
                let gone = deleted_before(key, &changes[..index]);
                let listed = found.interfaces.get(key).into_iter().flatten();
                let left: Vec<_> = listed.filter(|name| !gone.contains(name)).collect();
                delete_network(key, &left, push);
            }
            Change::DeleteTables => {
                for family in [Family::Inet, Family::Bridge] {
                    push(family, Body::DeleteTable);
                }
            }
            Change::Network(rules) => create(rules.layout()?, push),
            Change::RenewTables => {
                for family in &found.tables {
                    renew(base::layout(*family), &mut push);
                }
            }
            Change::Renew(rules) => renew(rules.layout()?, push),
        }
    }
    Ok(messages)
}

fn check(elements: &[Element]) -> Result<()> {
    elements.iter().try_for_each(|element| {
        element.owner.check()?;
        element.entry.check()
    })
}

/// The interfaces of a network that the same transaction has deleted already.
fn deleted_before<'a>(key: &str, changes: &'a [Change]) -> Vec<&'a InterfaceName> {
    let elements = changes.iter().flat_map(|change| match change {
        Change::Delete(elements) => elements.as_slice(),
        _ => &[],
    });
    let own = elements.filter_map(|element| match &element.entry {
        Entry::Interface { name, key: its } if its == key => Some(name),
        _ => None,
    });
    own.collect()
}

/// As [`create`] of what may be there, with other rules.
fn renew(layout: Layout, mut push: impl FnMut(Family, Body)) {
    let mut flushed = false;
    let chains: Vec<_> = layout.chains.iter().map(|chain| chain.name.clone()).collect();
    create(layout, |family, body| {
        if matches!(body, Body::Rule { .. }) && !std::mem::replace(&mut flushed, true) {
            for chain in &chains {
                push(family, Body::Flush { chain: chain.clone() });
            }
        }
        push(family, body);
    });
}

fn create(layout: Layout, mut push: impl FnMut(Family, Body)) {
    let Layout { family, table, comment, sets, chains } = layout;
    let mut comment = comment;
    if table {
        push(family, Body::Table { comment: std::mem::take(&mut comment) });
    }
    for set in sets {
        push(family, Body::Set { set, comment: comment.clone() });
    }
    for Chain { name, hook, .. } in &chains {
        push(family, Body::Chain { name: name.clone(), hook: *hook, comment: comment.clone() });
    }
    for Chain { name, rules, .. } in chains {
        for rule in rules {
            push(family, Body::Rule { chain: name.clone(), rule, comment: comment.clone() });
        }
    }
}

fn delete_network(key: &str, names: &[&InterfaceName], mut push: impl FnMut(Family, Body)) {
    let owner = Owner { mark: 0, network: key.to_owned(), endpoint: None };
    let element = |name: &&InterfaceName| Element {
        owner: owner.clone(),
        entry: Entry::Interface { name: (*name).clone(), key: key.to_owned() },
    };
    let elements: Vec<_> = names.iter().map(element).collect();
    let own = interfaces(key);
    for (family, body) in grouped(&elements, false) {
        // Those of its own set go with the set.
        if !matches!(&body, Body::DeleteElements { set, .. } if *set == own) {
            push(family, body);
        }
    }
    for name in [out(key), into(key), post(key)] {
        push(Family::Inet, Body::DeleteChain { name });
    }
    push(Family::Inet, Body::DeleteSet { name: own });
}

/// A message a set, or more where they are many.
fn grouped(elements: &[Element], add: bool) -> Vec<(Family, Body)> {
    let mut sets: BTreeMap<(Family, Cow<'static, str>), Vec<Owned>> = BTreeMap::new();
    for (index, element) in elements.iter().enumerate() {
        let comment = if add { element.owner.to_string() } else { String::new() };
        for cell in element.entry.cells() {
            let owned = sets.entry((cell.family, cell.set.clone())).or_default();
            owned.push(Owned { cell, comment: comment.clone(), element: index });
        }
    }
    let mut bodies = Vec::with_capacity(sets.len());
    for ((family, set), cells) in sets {
        for cells in in_pieces(cells) {
            let set = set.clone();
            bodies.push(match add {
                true => (family, Body::Elements { set, cells }),
                false => (family, Body::DeleteElements { set, cells }),
            });
        }
    }
    bodies
}

fn in_pieces(cells: Vec<Owned>) -> Vec<Vec<Owned>> {
    let mut pieces = Vec::new();
    let (mut piece, mut length) = (Vec::new(), 0);
    for owned in cells {
        let own = room(&owned.cell) + owned.comment.len();
        if length + own > LIST_MAX {
            pieces.push(std::mem::take(&mut piece));
            length = 0;
        }
        length += own;
        piece.push(owned);
    }
    pieces.push(piece);
    pieces
}

/// More than what a cell takes, but for its comment.
fn room(cell: &Cell) -> usize {
    192 + 2 * cell.key.len()
}
