//! Changes of the tables, and how they read.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::base;
use super::layout::{Family, Layout, TABLE};
use super::network::{interfaces, into, out, post};
use super::{Element, NetworkRules};

/// One change; several are one transaction.
///
/// It reads in nft(8)'s syntax, commands separated by `; `. With `{:#}` each command has a line, the tables
/// are given with all that they begin with, and nft takes the text for a script.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Change {
    /// Adds elements; none of them may be there.
    Add(Vec<Element>),
    /// Makes `bridge libnetns` with all that it begins with, where it is not there.
    BridgeTable,
    /// Deletes elements; those that are not there, or parts of them, are passed over, and so are ports that are
    /// somebody else's by their owner. Of other elements owners do not matter.
    Delete(Vec<Element>),
    /// Deletes what a network has, with the elements of its interfaces; what is not there is passed over.
    DeleteNetwork {
        /// The network's key.
        key: String,
    },
    /// Deletes both tables, if they are there, whatever version they have.
    DeleteTables,
    /// Adds elements; those that are there already stay.
    Keep(Vec<Element>),
    /// Makes the chains and the set of a network.
    Network(NetworkRules),
    /// Makes the chains and the set of a network where they are not there, and has the chains say this.
    Renew(NetworkRules),
    /// Has the chains with which both tables begin say what they said, as far as those tables are there.
    RenewTables,
    /// Makes `inet libnetns` with all that it begins with, where it is not there.
    Table,
}

impl Change {
    /// Whether it is about elements of which there are none.
    pub(crate) fn is_empty(&self) -> bool {
        matches!(self, Self::Add(elements) | Self::Delete(elements) | Self::Keep(elements) if elements.is_empty())
    }

    /// The table that it makes.
    pub(super) fn table(&self) -> Option<Family> {
        match self {
            Self::BridgeTable => Some(Family::Bridge),
            Self::Table => Some(Family::Inet),
            _ => None,
        }
    }

    fn commands(&self, whole: bool) -> Vec<String> {
        match self {
            Self::Add(elements) | Self::Keep(elements) => {
                elements.iter().flat_map(|element| element.commands("add")).collect()
            }
            Self::Delete(elements) => {
                elements.iter().flat_map(|element| element.commands("delete")).collect()
            }
            Self::DeleteNetwork { key } => {
                let chains = [out(key), into(key), post(key)];
                let chains = chains.map(|chain| format!("delete chain inet {TABLE} {chain}"));
                let set = format!("delete set inet {TABLE} {}", interfaces(key));
                chains.into_iter().chain([set]).collect()
            }
            Self::DeleteTables => {
                [Family::Inet, Family::Bridge].map(|family| format!("delete table {family} {TABLE}")).into()
            }
            Self::Network(rules) | Self::Renew(rules) => {
                rules.layout().as_ref().map(Layout::commands).unwrap_or_default()
            }
            Self::RenewTables => {
                let tables = [Family::Inet, Family::Bridge].map(|family| base::layout(family).commands());
                tables.concat()
            }
            Self::BridgeTable | Self::Table => {
                let family = self.table().unwrap_or(Family::Inet);
                match whole {
                    true => base::layout(family).commands(),
                    false => vec![format!("add table {family} {TABLE}")],
                }
            }
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let separator = if f.alternate() { "\n" } else { "; " };
        f.write_str(&self.commands(f.alternate()).join(separator))
    }
}
