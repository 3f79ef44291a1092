//! What a container is to have, as runc describes it (seed `003`): namespaces, networks, routes and hooks.
//!
//! [`Config`] is the part of runc's that concerns the network, with runc's JSON: [`Config::from_json`] reads the
//! `config` of a runc state file too. [`Config::check`] finds what cannot be right, [`Network::parsed`] and
//! [`Route::parsed`] give checked values.
//!
//! # JSON
//! What is written is what Go's `encoding/json` writes for the seed's structs, byte by byte: empty lists are
//! `null`, `<`, `>` and `&` are escapes. Read are the exact names of the fields, and `hooks` for `Hooks`; a field
//! that is missing or `null` has its default, and what is not known is passed over.

mod check;
mod command;
mod config;
mod hooks;
mod namespaces;
mod network;
mod output;
mod route;
mod run;
mod state;

pub use command::{Command, CommandHook};
pub use config::Config;
pub use hooks::{FunctionHook, Hook, HookName, Hooks};
pub use namespaces::{
    is_namespace_supported, namespace_types, ns_name, Namespace, NamespaceType, Namespaces,
};
pub use network::{Network, ParsedNetwork};
pub use route::{ParsedRoute, Route};
pub use state::{State, Status};
