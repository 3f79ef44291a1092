//! What is in the tables, read back.

use std::collections::{BTreeMap, HashMap};

use netlink_packet_core::NLM_F_DUMP;

use super::cell::Reader;
use super::firewall::Firewall;
use super::layout::{Family, TABLE};
use super::listed::{read_chain, read_elements, rule_chain, Listed};
use super::network::interfaces;
use super::numbers::{chain, element, kind, rule};
use super::parts::Parts;
use super::wire::emit;
#[cfg(test)]
use super::NetworkRules;
use super::{base, listed, Element, Owner};
use crate::error::Result;
use crate::link::InterfaceName;

/// What is in the tables.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct State {
    /// Whether each chain of `inet libnetns` that is no network's has as many rules as it was made with.
    pub(crate) whole: bool,
    /// The same of `bridge libnetns`; `None` when it is not there.
    pub(crate) bridge_whole: Option<bool>,
    /// The networks.
    pub(crate) networks: Vec<NetworkState>,
    /// The elements.
    pub(crate) elements: Vec<Element>,
    /// Interfaces of which not all elements are there: somebody has deleted some by hand.
    pub(crate) partial: Vec<Element>,
}

/// A network's chains, read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NetworkState {
    /// The network's key.
    pub(crate) key: String,
    /// Whose it is.
    pub(crate) owner: Owner,
    /// How many rules its chains have, in the order out, in, post; `None` for one that is missing.
    pub(crate) rules: [Option<usize>; 3],
}

#[cfg(test)]
impl NetworkState {
    /// Whether it has all its chains, with as many rules as `rules` makes.
    pub(crate) fn is_whole(&self, rules: &NetworkRules) -> bool {
        let Ok(layout) = rules.layout() else {
            return false;
        };
        layout.chains.iter().zip(&self.rules).all(|(chain, found)| *found == Some(chain.rules.len()))
    }
}

impl Firewall {
    /// What is in the tables; `None` when `inet libnetns` is not there. Elements that do not say whose they are
    /// are left out: others have added them.
    ///
    /// # Errors
    /// AlreadyExists for a table of that name of another version or of others; Busy when they keep changing;
    /// Unsupported, PermissionDenied.
    pub(crate) fn state(&mut self) -> Result<Option<State>> {
        if !self.is_ours(Family::Inet)? {
            return Ok(None);
        }
        let bridge = self.is_ours(Family::Bridge)?;
        match self.read(bridge) {
            // Somebody deletes it at the same time.
            Err(error)
                if error.errno() == Some(libc::ENOENT) && self.table_comment(Family::Inet)?.is_none() =>
            {
                Ok(None)
            }
            state => state.map(Some),
        }
    }

    fn read(&mut self, bridge: bool) -> Result<State> {
        let mut state = State::default();
        let rules = self.count_rules(Family::Inet)?;
        state.whole = is_whole(Family::Inet, &rules);
        state.networks = self.networks(&rules)?;
        for (set, _) in base::sets(Family::Inet) {
            let listed = self.list(Family::Inet, set)?;
            state.elements.extend(listed::elements(Family::Inet, set, &listed));
        }
        self.read_interfaces(&mut state)?;
        if bridge {
            state.bridge_whole = Some(is_whole(Family::Bridge, &self.count_rules(Family::Bridge)?));
            for (set, _) in base::sets(Family::Bridge) {
                let listed = self.list(Family::Bridge, set)?;
                state.elements.extend(listed::elements(Family::Bridge, set, &listed));
            }
        }
        Ok(state)
    }

    fn read_interfaces(&mut self, state: &mut State) -> Result<()> {
        let mut parts = Parts::default();
        parts.ours(&self.list(Family::Inet, "ours")?);
        for (number, map) in ["from", "to", "leave"].into_iter().enumerate() {
            parts.jumps(&self.list(Family::Inet, map)?, number);
        }
        for network in &state.networks {
            parts.members(&self.list(Family::Inet, &interfaces(&network.key))?, &network.key);
        }
        let (whole, partial) = parts.elements();
        state.elements.extend(whole);
        state.partial = partial;
        Ok(())
    }

    /// How many rules each chain has.
    fn count_rules(&mut self, family: Family) -> Result<HashMap<String, usize>> {
        let ask = |sequence, bytes: &mut Vec<u8>| {
            emit(kind::GET_RULE, NLM_F_DUMP, sequence, family, bytes, |own| {
                own.text(rule::TABLE, TABLE);
            });
        };
        let mut rules = HashMap::new();
        for chain in self.channel.dump(ask, |packet, chains| chains.extend(rule_chain(packet)))? {
            *rules.entry(chain).or_default() += 1;
        }
        Ok(rules)
    }

    fn networks(&mut self, rules: &HashMap<String, usize>) -> Result<Vec<NetworkState>> {
        let mut networks = BTreeMap::new();
        for (name, owner) in self.chains()? {
            let suffixes = ["_out", "_in", "_post"].into_iter().enumerate();
            let own = suffixes.filter_map(|(index, suffix)| Some((index, name.strip_suffix(suffix)?)));
            for (index, key) in own {
                let Some(owner) = owner.clone() else { continue };
                let fresh = || NetworkState { key: key.to_owned(), owner, rules: [None; 3] };
                let network = networks.entry(key.to_owned()).or_insert_with(fresh);
                network.rules[index] = Some(rules.get(&name).copied().unwrap_or(0));
            }
        }
        Ok(networks.into_values().collect())
    }

    /// The chains of `inet libnetns` and whose they are, where they say so.
    fn chains(&mut self) -> Result<Vec<(String, Option<Owner>)>> {
        let ask = |sequence, bytes: &mut Vec<u8>| {
            emit(kind::GET_CHAIN, NLM_F_DUMP, sequence, Family::Inet, bytes, |own| {
                own.text(chain::TABLE, TABLE);
            });
        };
        self.channel.dump(ask, |packet, chains| chains.extend(read_chain(packet)))
    }

    /// The elements of a set; none where there is no such set.
    pub(super) fn list(&mut self, family: Family, set: &str) -> Result<Vec<Listed>> {
        let ask = |sequence, bytes: &mut Vec<u8>| {
            emit(kind::GET_ELEMENTS, NLM_F_DUMP, sequence, family, bytes, |own| {
                own.text(element::TABLE, TABLE).text(element::SET, set);
            });
        };
        match self.channel.dump(ask, read_elements) {
            Err(error) if error.errno() == Some(libc::ENOENT) => Ok(Vec::new()),
            listed => listed,
        }
    }

    /// The interfaces of the network of that key; none where there is no such network.
    pub(super) fn interfaces(&mut self, key: &str) -> Result<Vec<InterfaceName>> {
        super::check_key(key)?;
        let listed = self.list(Family::Inet, &interfaces(key))?;
        Ok(listed.iter().filter_map(|listed| Reader(&listed.key).interface()).collect())
    }

    /// The interfaces from whose packets `map` jumps to `chain`.
    pub(super) fn jumping(&mut self, map: &str, chain: &str) -> Result<Vec<InterfaceName>> {
        let listed = self.list(Family::Inet, map)?;
        let jumping = listed.iter().filter(|listed| listed.jump() == Some(chain));
        Ok(jumping.filter_map(|listed| Reader(&listed.key).interface()).collect())
    }
}

fn is_whole(family: Family, rules: &HashMap<String, usize>) -> bool {
    base::layout(family)
        .chains
        .iter()
        .all(|chain| rules.get(chain.name.as_ref()).copied().unwrap_or(0) == chain.rules.len())
}
