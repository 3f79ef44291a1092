//! The driver API (seed `004`): what a kind of network makes of a request.
//!
//! A driver decides and describes; it does not act on the host. What is to be done there it returns
//! as a [`Plan`], which the library applies as a whole or undoes. A driver that acts by itself, as one
//! in another process does, returns an empty plan and names a device that exists.
//!
//! The library takes a network's name for its id and an endpoint's name for its id.

mod anchor;
pub(crate) mod bridge;
mod info;
mod known;
pub(crate) mod macvlan;
pub(crate) mod naming;
mod options;
mod plain;
mod registry;
mod remote;
pub(crate) mod routed;
mod subnets;
mod types;
pub(crate) mod veth;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

pub use info::{Birth, InterfaceInfo, InterfaceNameInfo, JoinInfo, NetworkInfo, TableEntry};
pub(crate) use options::{is_internal, optional_flag, parent};
pub use options::{Options, DOCKER_GENERIC, DOCKER_INTERNAL};
pub(crate) use registry::unknown;
pub use registry::{DriverCallback, Registry};
pub(crate) use remote::RemoteDriver;
use subnets::Subnets;
pub use types::{Capability, DiscoveryType, EventType, GatewaySkips, IpamData, ObjectType, RouteType, Scope};

use plain::Kind;

use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;
use crate::link::parse::LinkState;
use crate::link::{InterfaceName, MacAddr};
use crate::plan::Plan;
use naming::Mark;

/// The types of network that have no addresses.
pub(crate) const WITHOUT_ADDRESSES: [&str; 3] =
    [Kind::Host.as_str(), Kind::Loopback.as_str(), Kind::Null.as_str()];
/// The types of network whose subnets are those of a LAN that is there.
pub(crate) const ON_A_LAN: [&str; 1] = [macvlan::TYPE];
/// The types of network whose endpoints have an end in the host.
const WITH_HOST_LINK: [&str; 2] = [bridge::TYPE, routed::TYPE];

/// The library's own drivers.
pub(crate) fn builtin(host: &Arc<Host>, mark: &Mark) -> Vec<Arc<dyn Driver>> {
    let plain = |kind| Arc::new(plain::PlainDriver::new(kind, Arc::clone(host)));
    vec![
        Arc::new(bridge::BridgeDriver::new(Arc::clone(host), mark.clone())),
        plain(Kind::Host),
        plain(Kind::Loopback),
        Arc::new(macvlan::MacvlanDriver::new(Arc::clone(host), mark.clone())),
        plain(Kind::Null),
        Arc::new(routed::RoutedDriver::new(Arc::clone(host), mark.clone())),
    ]
}

/// Whether the type has a driver of the library's own: one that decides at once, acts on nothing by
/// itself and remembers nothing of endpoints.
pub(crate) fn is_builtin(network_type: &str) -> bool {
    WITHOUT_ADDRESSES.contains(&network_type)
        || ON_A_LAN.contains(&network_type)
        || has_host_link(network_type)
}

/// Whether an endpoint of such a network has an end in the host.
pub(crate) fn has_host_link(network_type: &str) -> bool {
    WITH_HOST_LINK.contains(&network_type)
}

/// The endpoint type by which plugins say that they are network drivers (seed `004`,
/// `NetworkPluginEndpointType`).
pub const NETWORK_PLUGIN_ENDPOINT_TYPE: &str = "NetworkDriver";

/// A kind of network (seed `004`, `Driver`).
///
/// A driver is told of a network in each process that uses it, and again after a reboot: a repeated
/// [`Driver::create_network`] with the same arguments succeeds. Methods are called from any thread. While
/// a driver is at it nobody else waits for it.
///
/// The methods with a body are those that libnetwork can do without; their bodies answer
/// NotImplemented, or do nothing where there is nothing to answer.
pub trait Driver: Send + Sync {
    /// The network type that the driver manages (seed `004`, `Type`).
    fn network_type(&self) -> &str;

    /// Allocates what a network needs across hosts, and returns it as options for
    /// [`Driver::create_network`] (seed `004`, `NetworkAllocate`; global scope alone).
    ///
    /// # Errors
    /// NotImplemented.
    fn network_allocate(
        &self,
        network: &str,
        options: &BTreeMap<String, String>,
        ipv4: &[IpamData],
        ipv6: &[IpamData],
    ) -> Result<BTreeMap<String, String>> {
        let _ = (options, ipv4, ipv6);
        Err(self.not_implemented("allocate network", network))
    }

    /// Frees what [`Driver::network_allocate`] allocated (seed `004`, `NetworkFree`).
    ///
    /// # Errors
    /// NotImplemented.
    fn network_free(&self, network: &str) -> Result<()> {
        Err(self.not_implemented("free network", network))
    }

    /// The families in which a network with these options needs no gateway: none is then taken for it. Asked
    /// before the network has addresses (`GwAllocCheck` of the plugin protocol); by default each needs one.
    ///
    /// # Errors
    /// Those of asking.
    fn gateway_skips(&self, options: &Options) -> Result<GatewaySkips> {
        let _ = options;
        Ok(GatewaySkips::default())
    }

    /// Whether it remembers networks by itself, in another process, so that it is told of one once, when that is
    /// made, instead of by each process. By default it does not.
    fn remembers_networks(&self) -> bool {
        false
    }

    /// What makes the network (seed `004`, `CreateNetwork`). The tables that `info` is given are those
    /// that the driver wants to hear of. It is also called to see whether the driver takes the network, and
    /// before one is deleted that this process has not used yet: the plan of such a call is not carried out.
    ///
    /// # Errors
    /// BadRequest for options that the driver does not take, with those that it takes.
    fn create_network(
        &self,
        network: &str,
        options: &Options,
        info: &mut NetworkInfo,
        ipv4: &[IpamData],
        ipv6: &[IpamData],
    ) -> Result<Plan>;

    /// What removes the network (seed `004`, `DeleteNetwork`); empty when it is gone.
    ///
    /// # Errors
    /// Busy when it is in use.
    fn delete_network(&self, network: &str) -> Result<Plan>;

    /// What makes the endpoint in the host, before there is a sandbox (seed `004`, `CreateEndpoint`). The
    /// driver takes what `interface` has, and fills in what it has not.
    ///
    /// # Errors
    /// NotFound when the driver was not told of the network; BadRequest for addresses or options that do
    /// not suit it.
    fn create_endpoint(
        &self,
        network: &str,
        endpoint: &str,
        interface: &mut InterfaceInfo,
        options: &Options,
    ) -> Result<Plan>;

    /// What removes the endpoint from the host (seed `004`, `DeleteEndpoint`); empty when it is gone.
    ///
    /// # Errors
    /// NotFound when the driver was not told of the network.
    fn delete_endpoint(&self, network: &str, endpoint: &str) -> Result<Plan>;

    /// What the driver knows of the endpoint (seed `004`, `EndpointOperInfo`).
    ///
    /// # Errors
    /// NotFound when there is no such network.
    fn endpoint_oper_info(&self, network: &str, endpoint: &str) -> Result<Options>;

    /// Says in `join` which device goes to the sandbox, or how it is born there, and what comes with it
    /// (seed `004`, `Join`).
    ///
    /// # Errors
    /// NotFound when the driver was not told of the network; BadRequest for options that do not suit it.
    fn join(
        &self,
        network: &str,
        endpoint: &str,
        sandbox_key: &str,
        join: &mut JoinInfo,
        options: &Options,
    ) -> Result<()>;

    /// What takes the endpoint's device out of use (seed `004`, `Leave`); empty when it is gone.
    ///
    /// # Errors
    /// NotFound when the driver was not told of the network.
    fn leave(&self, network: &str, endpoint: &str) -> Result<Plan>;

    /// What connects the endpoint to the outside (seed `004`, `ProgramExternalConnectivity`).
    ///
    /// # Errors
    /// NotImplemented, which callers tolerate.
    fn program_external_connectivity(
        &self,
        network: &str,
        endpoint: &str,
        options: &Options,
    ) -> Result<Plan> {
        let _ = (network, options);
        Err(self.not_implemented("program external connectivity of", endpoint))
    }

    /// What takes back [`Driver::program_external_connectivity`] (seed `004`,
    /// `RevokeExternalConnectivity`).
    ///
    /// # Errors
    /// NotImplemented, which callers tolerate.
    fn revoke_external_connectivity(&self, network: &str, endpoint: &str) -> Result<Plan> {
        let _ = network;
        Err(self.not_implemented("revoke external connectivity of", endpoint))
    }

    /// An entry of a table that the driver registered for has changed (seed `004`, `EventNotify`; global
    /// scope alone).
    fn event_notify(&self, event: EventType, network: &str, table: &str, key: &str, value: &[u8]) {
        let _ = (event, network, table, key, value);
    }

    /// A node, or keys, have come (seed `004`, `discoverapi.Discover`). `data` is as the plugin protocol
    /// has it.
    ///
    /// # Errors
    /// NotImplemented.
    fn discover_new(&self, discovery: DiscoveryType, data: &serde_json::Value) -> Result<()> {
        let _ = data;
        Err(self.not_implemented("discover", &discovery.to_string()))
    }

    /// A node, or keys, have gone (seed `004`, `discoverapi.Discover`).
    ///
    /// # Errors
    /// NotImplemented.
    fn discover_delete(&self, discovery: DiscoveryType, data: &serde_json::Value) -> Result<()> {
        let _ = data;
        Err(self.not_implemented("discover the loss of", &discovery.to_string()))
    }

    /// The answer of a driver that does not offer `operation` (seed `004`, `ErrNotImplemented`).
    fn not_implemented(&self, operation: &str, subject: &str) -> Error {
        Error::new(ErrorKind::NotImplemented, operation, subject)
            .with_cause(format!("the driver {} does not offer it", self.network_type()))
    }
}

/// The link of the host that a network shares.
fn find_parent(host: &Host, name: &InterfaceName) -> Result<LinkState> {
    host.link(name)?.ok_or_else(|| {
        Error::new(ErrorKind::NotFound, "find parent", name.as_str())
            .with_cause("there is no such link in the host")
    })
}

/// The interface's names: the prefix that the network chose, or `eth`.
fn name_interface(
    join: &mut JoinInfo,
    src_name: InterfaceName,
    prefix: Option<&InterfaceName>,
) -> Result<()> {
    let prefix = prefix.cloned().map_or_else(|| InterfaceName::new("eth"), Ok)?;
    join.interface_name().set_names(src_name, prefix);
    Ok(())
}

/// Checks that the endpoint's addresses suit the network's subnets, and gives it a MAC address when it has
/// none.
fn settle_interface(subnets: &Subnets, interface: &mut InterfaceInfo) -> Result<()> {
    interface.address().map_or(Ok(()), |address| subnets.check(address.into()))?;
    interface.address_ipv6().map_or(Ok(()), |address| subnets.check(address.into()))?;
    match interface.mac_address() {
        Some(_) => Ok(()),
        None => interface.set_mac_address(MacAddr::random()),
    }
}

/// The network's gateways, for the families that the endpoint has; an internal network has none.
fn give_gateways(subnets: &Subnets, internal: bool, join: &mut JoinInfo) {
    if internal {
        return;
    }
    for gateway in subnets.gateways().map(|gateway| gateway.addr()).collect::<Vec<_>>() {
        match gateway {
            IpAddr::V4(gateway) if join.interface().address().is_some() => join.set_gateway(gateway),
            IpAddr::V6(gateway) if join.interface().address_ipv6().is_some() => {
                join.set_gateway_ipv6(gateway);
            }
            _ => {}
        }
    }
}
