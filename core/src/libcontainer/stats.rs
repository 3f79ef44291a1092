//! What a container has received and sent.

use super::{NetworkState, NetworkStats};
use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;
use crate::link::InterfaceName;

/// The statistics of the container's interface (seed `001`, `GetStats`), all 0 when the state names no end in
/// the host. The kernel counts on that end, so it is its counters the other way round. The calling thread is in
/// the host's namespace.
///
/// # Errors
/// NotFound when the link is gone.
pub fn get_stats(state: &NetworkState) -> Result<NetworkStats> {
    if state.veth_host.is_empty() {
        return Ok(NetworkStats::default());
    }
    let read = || {
        let host = Host::current()?;
        let name = InterfaceName::new(&state.veth_host)?;
        let stats = host.stats(host.existing_link(&name)?.index)?;
        let gone = || {
            Error::new(ErrorKind::NotFound, "read counters of", name.as_str()).with_cause("the link is gone")
        };
        stats.map(NetworkStats::swapped).ok_or_else(gone)
    };
    read().map_err(|error| error.within("get stats", format_args!("of {:?}", state.veth_host)))
}
