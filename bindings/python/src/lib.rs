//! The native module `netns._netns`: the core as the Python package `netns` calls it.
//!
//! It translates and decides nothing. Values that are more than a name come in and go out as the core's own JSON;
//! the package makes dataclasses of them. Every call lets other threads of the interpreter run.

mod boundary;
mod controller;
mod driver;
mod endpoint;
mod error;
mod events;
mod ipam;
mod libcontainer;
mod log;
mod namespace;
mod network;
mod plan;
mod sandbox;
mod stats;
mod watch;

use pyo3::prelude::*;

/// The native half of the package `netns`; it is not for callers of the package.
#[pymodule]
mod _netns {
    use pyo3::prelude::*;

    #[pymodule_export]
    use crate::boundary::check;
    #[pymodule_export]
    use crate::controller::Controller;
    #[pymodule_export]
    use crate::endpoint::{port_mapping, Endpoint};
    #[pymodule_export]
    use crate::events::Events;
    #[pymodule_export]
    use crate::ipam::KnownIpam;
    #[pymodule_export]
    use crate::libcontainer::{
        change_interface_name, check_command, check_config, clone_flags, config_to_json, create_veth_pair,
        interface_down, interface_up, is_namespace_supported, namespace_types, normal_json, parsed_network,
        parsed_route, run_command, run_hooks, set_default_gateway, set_interface_in_namespace_fd,
        set_interface_in_namespace_pid, set_interface_ip, set_interface_master, set_mtu, setup_state_down,
        setup_state_find, setup_state_tear_down, strategy_check, strategy_create, strategy_initialize,
        strategy_register, strategy_setup, strategy_stats, NetworkSetup,
    };
    #[pymodule_export]
    use crate::namespace::{Inside, Namespace};
    #[pymodule_export]
    use crate::network::Network;
    #[pymodule_export]
    use crate::plan::Plan;
    #[pymodule_export]
    use crate::sandbox::{generate_key, Sandbox};
    #[pymodule_export]
    use crate::stats::{Meter, MeterReader, Snapshot};
    #[pymodule_export]
    use crate::watch::FirewallWatch;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        crate::boundary::only_here(module.py())?;
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        module.add("DEFAULT_BASE", netns::DEFAULT_BASE)?;
        module.add("LINK_GROUP", netns::link::LINK_GROUP)?;
        module.add("MAX_ID", crate::libcontainer::MAX_ID)?;
        module.add("OCI_VERSION", crate::libcontainer::OCI_VERSION)?;
        crate::log::forward();
        Ok(())
    }
}
