//! What libcontainer has for networks: strategies, configs and single changes of links.

mod hooks;
mod links;
mod setup;
mod strategy;
mod values;

use std::path::PathBuf;

use netns::libcontainer as core;
use pyo3::prelude::*;

pub(crate) use hooks::{check_command, check_config, config_to_json, run_command, run_hooks};
pub(crate) use links::{
    change_interface_name, create_veth_pair, interface_down, interface_up, set_default_gateway,
    set_interface_in_namespace_fd, set_interface_in_namespace_pid, set_interface_ip, set_interface_master,
    set_mtu,
};
pub(crate) use setup::{setup_state_down, setup_state_find, setup_state_tear_down, NetworkSetup};
pub(crate) use strategy::{
    strategy_check, strategy_create, strategy_initialize, strategy_register, strategy_setup, strategy_stats,
};
pub(crate) use values::{
    clone_flags, is_namespace_supported, namespace_types, normal_json, parsed_network, parsed_route,
};

/// The version of the OCI runtime specification whose state hooks get.
pub(crate) const OCI_VERSION: &str = core::configs::State::OCI_VERSION;
/// The longest id of a container, in bytes.
pub(crate) const MAX_ID: usize = core::NetworkSetup::MAX_ID;

/// A process or a path.
#[derive(FromPyObject)]
pub(crate) enum Target {
    Pid(u32),
    Path(PathBuf),
}

impl From<Target> for core::Target {
    fn from(target: Target) -> Self {
        match target {
            Target::Pid(pid) => Self::Pid(pid),
            Target::Path(path) => Self::Path(path),
        }
    }
}
