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
mod wire;

pub(crate) use change::Change;
pub(crate) use element::{Element, Entry, Protocol};
pub(crate) use firewall::Firewall;
pub(crate) use network::{Isolate, NetworkRules};
pub(crate) use owner::Owner;
pub(crate) use state::{NetworkState, State};

use network::check_key;
