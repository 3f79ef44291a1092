//! What a collection finds.

use std::fmt;

use serde::Serialize;

/// What a collection found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Collected {
    /// In the order in which it was found.
    pub findings: Vec<Finding>,
}

/// One thing that was not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// What it is.
    pub kind: FindingKind,
    /// Which one: a name or a path.
    pub object: String,
    /// What is wrong with it, and what becomes of it.
    pub reason: String,
    /// Why it could not be put right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What can be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FindingKind {
    /// A bridge, or another link of a whole network.
    Bridge,
    /// A slot of counters, or counters that were being made.
    Counters,
    /// A file that was to become a definition.
    Definition,
    /// An endpoint in the store, with its leases.
    Endpoint,
    /// Addresses that a network reserved.
    Lease,
    /// What the firewall has, or lacks.
    Firewall,
    /// An endpoint's link in the host.
    Link,
    /// The socket of a listener to events.
    Listener,
    /// A proxy entry of the neighbour table.
    Proxy,
    /// A sandbox.
    Sandbox,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = format!("{:?}", self.kind).to_lowercase();
        write!(f, "{kind} {}: {}", self.object, self.reason)?;
        self.error.as_ref().map_or(Ok(()), |error| write!(f, ", but: {error}"))
    }
}
