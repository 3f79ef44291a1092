//! The C ABI of libnetns. Nothing but translation: what each function does is core's.
//!
//! The rules that every function keeps are in the header's first comment (`header.h.in`), and what a caller
//! owes is there, too: `SAFETY` lines that speak of "the header's rules" mean those.

#![allow(non_camel_case_types, reason = "these are C's names")]
#![allow(clippy::missing_safety_doc, reason = "what a caller owes is the same everywhere, see the header")]

mod arena;
mod boundary;
mod bridge;
mod callback;
mod collect;
mod controller;
mod driver;
mod endpoint;
mod error;
mod events;
mod firewall;
mod input;
mod interface;
mod ipam;
mod libcontainer;
mod link;
mod log;
mod meter;
mod names;
mod namespace;
mod network;
mod plan;
mod plugins;
mod sandbox;
mod stats;
mod text;
mod version;

#[cfg(not(target_pointer_width = "64"))]
compile_error!("the structs of the header have no padding where pointers have 64 bits");

/// What the header says of `const` pointers and threads.
const _: () = {
    const fn may_be_shared<T: Send + Sync>() {}
    may_be_shared::<bridge::netns_bridge>();
    may_be_shared::<controller::netns_controller>();
    may_be_shared::<error::netns_error>();
    may_be_shared::<events::netns_events>();
    may_be_shared::<events::netns_subscription>();
    may_be_shared::<firewall::netns_firewall_watch>();
    may_be_shared::<libcontainer::config::netns_config>();
    may_be_shared::<libcontainer::setup::netns_setup>();
    may_be_shared::<libcontainer::setup_state::netns_setup_state>();
    may_be_shared::<libcontainer::strategy_state::netns_strategy_state>();
    may_be_shared::<meter::netns_meter>();
    may_be_shared::<namespace::netns_namespace>();
    may_be_shared::<network::netns_network>();
    may_be_shared::<plan::netns_plan>();
    may_be_shared::<sandbox::netns_sandbox>();
};
