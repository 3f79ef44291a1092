//! Interfaces of networks, put together from the sets that they are in.

use std::collections::BTreeMap;

use super::cell::Reader;
use super::listed::Listed;
use super::{Element, Entry, Owner};
use crate::link::InterfaceName;

/// What the names of the chains end with that `from`, `to` and `leave` jump to.
const SUFFIXES: [&str; 3] = ["_out", "_in", "_post"];
/// All of the above, and membership of `KEY_ifs`.
const WHOLE: u8 = 0b1111;

/// What there is of each interface.
#[derive(Default)]
pub(super) struct Parts {
    ours: BTreeMap<InterfaceName, Owner>,
    networks: BTreeMap<(InterfaceName, String), (u8, Owner)>,
}

impl Parts {
    /// The elements of `ours`.
    pub(super) fn ours(&mut self, listed: &[Listed]) {
        self.ours.extend(listed.iter().filter_map(named));
    }

    /// The elements of `from`, `to` or `leave`, by `number`.
    pub(super) fn jumps(&mut self, listed: &[Listed], number: usize) {
        for element in listed {
            let key = element.jump().and_then(|chain| chain.strip_suffix(SUFFIXES[number]));
            if let (Some(key), Some((name, owner))) = (key, named(element)) {
                self.see(name, key, 1 << number, owner);
            }
        }
    }

    /// The elements of `KEY_ifs`.
    pub(super) fn members(&mut self, listed: &[Listed], key: &str) {
        for (name, owner) in listed.iter().filter_map(named) {
            self.see(name, key, 1 << SUFFIXES.len(), owner);
        }
    }

    fn see(&mut self, name: InterfaceName, key: &str, part: u8, owner: Owner) {
        let (parts, _) = self.networks.entry((name, key.to_owned())).or_insert((0, owner));
        *parts |= part;
    }

    /// Those of which all is there, and those of which something is missing. The key of one that is in `ours`
    /// alone is empty.
    pub(super) fn elements(mut self) -> (Vec<Element>, Vec<Element>) {
        let (mut whole, mut partial) = (Vec::new(), Vec::new());
        let mut seen = Vec::new();
        for ((name, key), (parts, owner)) in self.networks {
            let is_whole = parts == WHOLE && self.ours.contains_key(&name);
            seen.push(name.clone());
            let element = Element { owner, entry: Entry::Interface { name, key } };
            if is_whole { &mut whole } else { &mut partial }.push(element);
        }
        for name in seen {
            self.ours.remove(&name);
        }
        partial.extend(
            self.ours
                .into_iter()
                .map(|(name, owner)| Element { owner, entry: Entry::Interface { name, key: String::new() } }),
        );
        (whole, partial)
    }
}

fn named(listed: &Listed) -> Option<(InterfaceName, Owner)> {
    Some((Reader(&listed.key).interface()?, listed.owner.clone()?))
}
