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
mod input;
mod interface;
mod ipam;
mod link;
mod log;
mod names;
mod namespace;
mod network;
mod plan;
mod sandbox;
mod text;
mod version;
