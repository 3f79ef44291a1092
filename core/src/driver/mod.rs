//! Drivers: what a kind of network makes of a request, as plans. Nothing here talks to the kernel.

pub(crate) mod bridge;

use crate::error::{Error, ErrorKind, Result};

/// The kinds of network that [`Network::create`](crate::Network::create) knows, with their aliases.
const KINDS: [(&str, &str); 2] = [("bridge", "bridge"), ("simplebridge", "bridge")];

/// The driver's own name for a network type.
pub(crate) fn kind(network_type: &str) -> Result<&'static str> {
    if let Some((_, kind)) = KINDS.iter().find(|(alias, _)| *alias == network_type) {
        return Ok(kind);
    }
    let known: Vec<_> = KINDS.iter().map(|(alias, _)| *alias).collect();
    Err(Error::new(ErrorKind::NotFound, "find network type", format!("{network_type:?}"))
        .with_cause(format!("the known types are {}", known.join(", "))))
}
