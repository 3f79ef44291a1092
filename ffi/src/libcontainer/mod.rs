//! What libcontainer has for networks: strategies (seed 001), configs with their hooks, and setups (seed 003).

mod command;
pub(crate) mod config;
mod function;
mod hook;
mod kind;
mod namespaces;
mod network;
pub(crate) mod setup;
pub(crate) mod setup_state;
mod strategy;
pub(crate) mod strategy_state;
mod table;

use std::ffi::c_char;
use std::path::Path;

use netns::libcontainer::configs::State;
use netns::libcontainer::Target;
use netns::{Error, Result};

use crate::text;

/// The container that a caller means: by its process, by the path of its network namespace, or not at all.
///
/// # Safety
/// A string by the header's rules, or NULL.
unsafe fn target(pid: u32, path: *const c_char) -> Result<Option<Target>> {
    // SAFETY: the same.
    let path = unsafe { text::optional(path, "path") }?;
    match (pid, path) {
        (0, None) => Ok(None),
        (0, Some(path)) => Ok(Some(Path::new(path).into())),
        (pid, None) => Ok(Some(pid.into())),
        (pid, Some(path)) => {
            let cause =
                format!("pid {pid} says which container is meant, too: one of them must be 0 or NULL");
            Err(Error::bad_request("use argument", format!("path, {path:?}"), cause))
        }
    }
}

/// The state of a container, as runtimes write it.
///
/// # Safety
/// A string by the header's rules.
unsafe fn oci_state(json: *const c_char) -> Result<State> {
    // SAFETY: the same.
    State::from_json(unsafe { text::text(json, "oci_state") }?)
}
