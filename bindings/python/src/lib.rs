//! The native module `netns._netns`: the core as the Python package `netns` calls it.
//!
//! It translates and decides nothing. Values that are more than a name come in and go out as the core's own JSON;
//! the package makes dataclasses of them. Every call lets other threads of the interpreter run.

mod boundary;
mod controller;
mod driver;
mod error;
mod events;
mod ipam;
mod log;
mod namespace;
mod network;
mod plan;
mod sandbox;
mod stats;

use pyo3::prelude::*;

/// The native half of the package `netns`; it is not for callers of the package.
#[pymodule]
mod _netns {
    use pyo3::prelude::*;

    #[pymodule_export]
    use crate::controller::{port_mapping, Controller, Endpoint, FirewallWatch};
    #[pymodule_export]
    use crate::events::Events;
    #[pymodule_export]
    use crate::namespace::{Inside, Namespace};
    #[pymodule_export]
    use crate::network::Network;
    #[pymodule_export]
    use crate::plan::Plan;
    #[pymodule_export]
    use crate::sandbox::{generate_key, Sandbox};
    #[pymodule_export]
    use crate::stats::{Meter, MeterReader};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        module.add("DEFAULT_BASE", netns::DEFAULT_BASE)?;
        module.add("LINK_GROUP", netns::link::LINK_GROUP)?;
        crate::log::forward();
        Ok(())
    }
}
