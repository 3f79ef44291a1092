//! nf_tables in process: the two tables of this library, changed in transactions and read back.
//!
//! The messages are put together here. No crate serves: `netlink-bindings` 0.3 has all of nf_tables, but its
//! numbers of what `lookup` has, of a chain's user data and of the results of `fib` are wrong, as they are in
//! the kernel's machine-readable list, from which it is generated; `netlink-packet-netfilter` 0.4 lacks `ct`,
//! `fib`, `nat` and `masq`; `nftnl` needs C libraries, `rustables` is GPL, `nftables` runs `nft`. The numbers
//! are in `numbers.rs`, framing and attributes are those of the `netlink` module.

mod base;
mod cell;
mod change;
mod compile;
mod conntrack;
#[cfg(feature = "docker-plugin")]
mod docker;
mod element;
mod expression;
mod fault;
mod firewall;
mod layout;
mod listed;
mod message;
mod network;
mod numbers;
mod owner;
mod parts;
mod release;
mod rule;
mod state;
#[cfg(test)]
mod tests;
mod watch;
mod wire;

pub use change::Change;
pub use conntrack::FlowFilter;
pub use element::{Element, Entry};
pub(crate) use firewall::Firewall;
pub use network::{Isolate, NetworkRules};
pub use owner::Owner;
pub(crate) use state::State;
pub(crate) use watch::{Seen, Watch};

use network::check_key;
