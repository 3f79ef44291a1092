//! Filters that count what passes a link.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::LinkRef;

/// A filter that counts what passes a link in one direction: a BPF program of this library's on the link's
/// `clsact` queueing discipline (tc-bpf(8)).
///
/// It has the priority 1, the handle [`LINK_GROUP`](super::LINK_GROUP) and the name `libnetns`, which
/// `tc filter show dev LINK ingress` shows. It lets everything pass, and comes before BPF filters of its
/// priority that were there before it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FilterSpec {
    /// The link.
    pub link: LinkRef,
    /// Which packets.
    pub direction: Direction,
    /// Where the program counts them: the filter's class (`TCA_BPF_CLASSID`); 0 counts nothing.
    pub slot: u16,
}

/// A direction as the link sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// What the link receives.
    Ingress,
    /// What leaves by the link.
    Egress,
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ingress => "ingress",
            Self::Egress => "egress",
        })
    }
}
