//! The strategies that make no link.

use std::path::Path;

use super::{interface_up, Network, NetworkState, NetworkStrategy};
use crate::error::{Error, Result};
use crate::link::InterfaceName;
use crate::sys::Namespace;

/// A container with nothing but its loopback device (seed `001`, `Loopback`).
#[derive(Clone, Copy, Debug, Default)]
pub struct Loopback;

impl Loopback {
    /// The type by which [`get_strategy`](super::get_strategy) finds it.
    pub const TYPE: &str = "loopback";
}

impl NetworkStrategy for Loopback {
    /// Does nothing: the kernel has made `lo` with the namespace.
    fn create(&self, _: &Network, _: u32, _: &mut NetworkState) -> Result<()> {
        Ok(())
    }

    /// Brings `lo` up, and leaves its MTU alone.
    ///
    /// # Errors
    /// PermissionDenied without `CAP_NET_ADMIN` over the namespace.
    fn initialize(&self, _: &Network, _: &mut NetworkState) -> Result<()> {
        interface_up(&InterfaceName::new("lo")?)
    }
}

/// A container in a network namespace that is there already (seed `001`, `NetNS`).
#[derive(Clone, Copy, Debug, Default)]
pub struct NetNs;

impl NetNs {
    /// The type by which [`get_strategy`](super::get_strategy) finds it.
    pub const TYPE: &str = "netns";
}

impl NetworkStrategy for NetNs {
    /// Keeps the path in the state. Nobody looks at what lies there before it is entered.
    ///
    /// # Errors
    /// BadRequest when the network has no path.
    fn create(&self, network: &Network, _: u32, state: &mut NetworkState) -> Result<()> {
        check_path(&network.ns_path)?;
        state.ns_path.clone_from(&network.ns_path);
        Ok(())
    }

    /// Takes the calling thread into the state's namespace, and leaves it there: that is what this call is
    /// for, and no other call of the library does so. On an error the thread is where it was.
    ///
    /// # Errors
    /// BadRequest when the state has no path, or what lies there is no network namespace; NotFound when
    /// nothing does; PermissionDenied without `CAP_SYS_ADMIN` over the namespace and in the caller's own user
    /// namespace.
    fn initialize(&self, _: &Network, state: &mut NetworkState) -> Result<()> {
        check_path(&state.ns_path)?;
        Namespace::open(Path::new(&state.ns_path))?.enter()
    }
}

fn check_path(path: &str) -> Result<()> {
    if path.is_empty() {
        return Err(Error::bad_request("use network", NetNs::TYPE, "ns_path is not specified"));
    }
    Ok(())
}
