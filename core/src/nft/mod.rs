//! nf_tables in process: the two tables of this library, changed in transactions and read back.
//!
//! The messages are built and read with `netlink-bindings`, which is generated from the kernel's own
//! machine-readable descriptions (`Documentation/netlink/specs`): it has every attribute of tables, chains,
//! rules, all expressions in use here, sets with concatenated keys and verdicts, batches and conntrack, without
//! dependencies. `netlink-packet-netfilter` lacks `ct`, `fib`, `nat` and `masq`; `nftnl` needs a C library,
//! `rustables` is GPL, `nftables` runs `nft`. Sending, answers, transactions and policy are here.

mod base;
mod cell;
mod change;
mod compile;
mod conntrack;
mod element;
mod expression;
mod fault;
mod firewall;
mod layout;
mod listed;
mod message;
mod network;
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
pub(crate) use conntrack::Flows;
pub use element::{Element, Entry};
pub(crate) use firewall::Firewall;
pub use network::{Isolate, NetworkRules};
pub use owner::Owner;
pub(crate) use state::{NetworkState, State};
pub(crate) use watch::{Seen, Watch};

use network::check_key;
