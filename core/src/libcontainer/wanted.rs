//! What a container is to have, by the strategy that brings it.

use std::fmt;
use std::sync::Arc;

use super::pair::Pair;
use super::{get_strategy, Loopback, Network, NetworkStrategy, Veth};
use crate::error::Result;

/// A network that a container is to have.
#[derive(Clone)]
pub(super) enum Wanted {
    /// `lo` is up.
    Loopback,
    /// An end of a pair whose other one is on a bridge of the host.
    Pair(Box<Pair>),
    /// What a strategy does by itself.
    Strategy(Arc<dyn NetworkStrategy>, Box<Network>),
}

impl Wanted {
    /// What `network` asks for.
    pub(super) fn of(network: &Network) -> Result<Self> {
        match network.kind.as_str() {
            Loopback::TYPE => Ok(Self::Loopback),
            Veth::TYPE => Ok(Self::Pair(Box::new(Pair::of(network)?))),
            kind => Ok(Self::Strategy(get_strategy(kind)?, Box::new(network.clone()))),
        }
    }

    /// Whether it can be planned together with others.
    pub(super) fn is_planned(&self) -> bool {
        !matches!(self, Self::Strategy(..))
    }

    /// The type, as [`get_strategy`] knows it.
    pub(super) fn kind(&self) -> &str {
        match self {
            Self::Loopback => Loopback::TYPE,
            Self::Pair(_) => Veth::TYPE,
            Self::Strategy(_, network) => &network.kind,
        }
    }
}

impl fmt::Debug for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())
    }
}
