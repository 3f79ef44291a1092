//! How the links that share a parent see each other.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The mode of a macvlan (ip-link(8)). In none of them does the host's own stack, which owns the
/// parent's addresses, see the frames of its macvlans.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MacvlanMode {
    /// The macvlans of one parent reach each other directly.
    Bridge,
    /// The only macvlan of its parent, whose MAC address it has, whatever its specification says.
    Passthru,
    /// The macvlans of one parent do not reach each other, not even by a switch outside.
    Private,
    /// Every frame leaves through the parent; a switch that sends frames back where they came from
    /// (IEEE 802.1Qbg) lets the macvlans reach each other.
    Vepa,
}

impl MacvlanMode {
    const ALL: [Self; 4] = [Self::Bridge, Self::Passthru, Self::Private, Self::Vepa];

    fn as_str(self) -> &'static str {
        match self {
            Self::Bridge => "bridge",
            Self::Passthru => "passthru",
            Self::Private => "private",
            Self::Vepa => "vepa",
        }
    }
}

impl FromStr for MacvlanMode {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == text).ok_or_else(|| {
            let cause = "it is none of bridge, passthru, private and vepa";
            Error::bad_request("use macvlan mode", format!("{text:?}"), cause)
        })
    }
}

impl fmt::Display for MacvlanMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
