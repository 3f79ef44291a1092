//! Networks that sandboxes join (seed `002`).

mod bridge;
mod options;

use std::fmt;
use std::sync::Arc;

pub use options::{EndpointOptions, NetworkOptions};

use crate::driver::bridge::{self as driver, Bridge, PortOptions};
use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;
use crate::link::{BridgePort, InterfaceName, LinkRef, MacAddr, Mtu, Place};
use crate::name::Name;
use crate::plan::{apply, Action, Ground, Plan};
use crate::sandbox::{settle, Interface, Opened, Sandbox, Settled};

/// How often a join is tried again when what it needs was taken.
const RETRIES: u32 = 2;

/// A logical connectivity zone that sandboxes join (seed `002`, `Network`): a bridge of the host.
///
/// The value is a handle: dropping it leaves the network as it is. Methods may be called from any
/// thread; the network's *host* is the namespace of the thread that created the handle, which keeps
/// three descriptors of it open, shared with all networks and sandboxes of that host.
pub struct Network {
    name: Name,
    kind: &'static str,
    options: NetworkOptions,
    host: Arc<Host>,
    bridge: Bridge,
}

impl Network {
    /// The network `name` of type `network_type`: `bridge`, or its alias `simplebridge`.
    ///
    /// Its bridge is made when it is missing and used when it is there; then it is brought up, and
    /// gets the gateway addresses that it does not have. Several processes may do so at once.
    ///
    /// # Errors
    /// NotFound for an unknown type, with the known ones; AlreadyExists when the bridge's name belongs
    /// to a link that is no bridge; BadRequest for gateways that cannot be a host's address.
    pub fn create(network_type: &str, name: &str, options: NetworkOptions) -> Result<Self> {
        Self::create_on_host(network_type, name, options)
            .map_err(|error| error.within("create network", format_args!("{name:?}")))
    }

    fn create_on_host(network_type: &str, name: &str, options: NetworkOptions) -> Result<Self> {
        let kind = crate::driver::kind(network_type)?;
        let name = Name::new(name)?;
        options.check()?;
        let host = Host::current()?;
        let bridge = bridge::ensure(&host, &name, &options)?;
        Ok(Self { name, kind, options, host, bridge })
    }

    /// The name that the user chose (seed `002`, `Name`).
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// The driver (seed `002`, `Type`): `bridge`, whatever alias it was created by.
    pub fn kind(&self) -> &str {
        self.kind
    }

    /// The bridge's name.
    pub fn bridge(&self) -> &InterfaceName {
        &self.bridge.link.name
    }

    /// The bridge's MTU in bytes, the most that an endpoint's can be.
    pub fn mtu(&self) -> Mtu {
        self.bridge.mtu
    }

    /// The options that it was created with.
    pub fn options(&self) -> &NetworkOptions {
        &self.options
    }

    /// Makes an endpoint of two devices in the host: one on the bridge, one that is ready to move,
    /// which the returned interfaces name (seed `002`, `Network.Link`).
    ///
    /// [`Network::join`] makes the same in a fraction of the time.
    ///
    /// # Errors
    /// AlreadyExists when the network has an endpoint of that name; BadRequest when the settings
    /// contradict one another or the network.
    pub fn link(&self, endpoint: &EndpointOptions) -> Result<Vec<Interface>> {
        let link = |attempt| {
            let (plan, interface) = self.plan_pair(endpoint, attempt)?;
            apply(&plan, &mut Ground { host: &self.host, sandbox: None })?;
            Ok(vec![interface])
        };
        self.retrying(endpoint, link).map_err(|error| error.within("link", self.subject(endpoint)))
    }

    /// The plan of [`Network::link`], without carrying it out.
    ///
    /// # Errors
    /// Those of [`Network::link`] that can be known beforehand.
    pub fn plan_link(&self, endpoint: &EndpointOptions) -> Result<Plan> {
        self.plan_pair(endpoint, 0).map(|(plan, _)| plan)
    }

    fn plan_pair(&self, endpoint: &EndpointOptions, attempt: u32) -> Result<(Plan, Interface)> {
        let (host_name, interface) = self.interface(endpoint)?;
        let plan = self.endpoint(endpoint, host_name, attempt).link(&interface);
        Ok((plan, interface))
    }

    /// Removes the endpoint `name`, wherever its interface is by now; one that is gone is no error.
    ///
    /// # Errors
    /// PermissionDenied without `CAP_NET_ADMIN`.
    pub fn unlink(&self, name: &str) -> Result<()> {
        let remove = || {
            let name = Name::new(name)?;
            let (host_name, _) = driver::link_names(&self.name, &name)?;
            match self.host.link(&host_name)? {
                Some(link) if driver::is_endpoint(&link, &self.name, &name) => {
                    self.delete_link(&host_name, link.index)
                }
                _ => Ok(()),
            }
        };
        remove().map_err(|error: Error| {
            error.within("unlink", format_args!("{name:?} from network {}", self.name))
        })
    }

    /// Joins `sandbox` to the network: its interface is born inside, with its final name, and is up
    /// and configured when this returns.
    ///
    /// # Errors
    /// AlreadyExists when the network has an endpoint of that name, the sandbox an interface of that
    /// name, or a route that the address overlaps; BadRequest when the settings contradict one another
    /// or the network; ResourceExhausted when the bridge is full. Nothing is left behind. Where the
    /// endpoint exists, a quarter of a second passes first: it might be that of a sandbox that was just
    /// destroyed, which is waited for.
    pub fn join(&self, sandbox: &Sandbox, endpoint: &EndpointOptions) -> Result<Interface> {
        sandbox.with(|opened| self.join_inside(opened, endpoint)).map_err(|error| {
            error.within("join", format_args!("{} as {}", sandbox.key(), self.subject(endpoint)))
        })
    }

    fn join_inside(&self, opened: &mut Opened, endpoint: &EndpointOptions) -> Result<Interface> {
        self.retrying(endpoint, |attempt| {
            let (plan, settled) = self.plan_birth(opened, endpoint, attempt)?;
            opened.wear();
            apply(&plan, &mut Ground { host: &self.host, sandbox: Some(&mut opened.inside) })?;
            Ok(settled.interface)
        })
    }

    /// Tries again where something was taken that may not be the next time: an index, as by a kernel
    /// that puts tunnels into each new namespace, or the name, by the same endpoint's former life, which
    /// the kernel is still taking down.
    fn retrying<T>(
        &self,
        endpoint: &EndpointOptions,
        mut attempt: impl FnMut(u32) -> Result<T>,
    ) -> Result<T> {
        let mut tries = 0;
        loop {
            match attempt(tries) {
                Err(error) if tries < RETRIES && may_be_taken(&error) => {
                    if !bridge::await_former_life(&self.host, &self.name, &endpoint.name)? {
                        return Err(error);
                    }
                    tries += 1;
                }
                result => return result,
            }
        }
    }

    /// The plan of [`Network::join`], without carrying it out; [`Network::apply`] does that. A MAC
    /// address that the endpoint leaves open is drawn anew each time.
    ///
    /// # Errors
    /// Those of [`Network::join`] that can be known beforehand.
    pub fn plan_join(&self, sandbox: &Sandbox, endpoint: &EndpointOptions) -> Result<Plan> {
        sandbox.with(|opened| self.plan_birth(opened, endpoint, 0).map(|(plan, _)| plan))
    }

    fn plan_birth(
        &self,
        opened: &mut Opened,
        endpoint: &EndpointOptions,
        attempt: u32,
    ) -> Result<(Plan, Settled)> {
        let (host_name, interface) = self.interface(endpoint)?;
        let survey = opened.survey()?;
        let ipv6 = &opened.inside.ipv6;
        let settled = settle(&interface, None, &survey, ipv6)?;
        let plan = self.endpoint(endpoint, host_name, attempt).join(&settled, ipv6);
        Ok((plan, settled))
    }

    /// Carries out a plan of this network and `sandbox`, as a whole or not at all.
    ///
    /// # Errors
    /// That of the first step that fails; see [`Error::rollback_failures`] for what could not be
    /// undone.
    pub fn apply(&self, plan: &Plan, sandbox: &Sandbox) -> Result<()> {
        sandbox.with(|opened| {
            opened.wear();
            apply(plan, &mut Ground { host: &self.host, sandbox: Some(&mut opened.inside) })
        })
    }

    /// Deletes the network: the bridge when this library made it for this network, else the gateway
    /// addresses that this library added alone. A network that is gone is no error.
    ///
    /// # Errors
    /// Busy when endpoints are left, with their number, after a quarter of a second: they might be those
    /// of sandboxes that were just destroyed, which are not counted.
    pub fn delete(&self) -> Result<()> {
        bridge::delete(&self.host, &self.name, &self.bridge)
            .map_err(|error| error.within("delete network", &self.name))
    }

    /// The endpoint's interface as it will be, and the name of its end on the bridge.
    fn interface(&self, endpoint: &EndpointOptions) -> Result<(InterfaceName, Interface)> {
        endpoint.check_in(&self.options)?;
        let mtu = endpoint.mtu.unwrap_or(self.bridge.mtu);
        if mtu > self.bridge.mtu {
            let cause = format!("the network's is {}", self.bridge.mtu);
            return Err(Error::bad_request("use MTU", mtu.to_string(), cause));
        }
        let (host_name, src_name) = driver::link_names(&self.name, &endpoint.name)?;
        let mut interface = Interface::from_source(src_name);
        interface.destination = endpoint.destination.clone();
        interface.mac = Some(endpoint.mac.unwrap_or_else(MacAddr::random));
        interface.mtu = Some(mtu);
        interface.address = endpoint.address;
        interface.address_ipv6 = endpoint.address_ipv6;
        let route = endpoint.default_route;
        interface.gateway =
            self.options.gateway.filter(|_| route && endpoint.address.is_some()).map(|net| net.addr());
        interface.gateway_ipv6 = self
            .options
            .gateway_ipv6
            .filter(|_| route && endpoint.address_ipv6.is_some())
            .map(|net| net.addr());
        interface.routes.clone_from(&endpoint.routes);
        interface.neighbours.clone_from(&endpoint.neighbours);
        if interface.address_ipv6.is_some() {
            interface.neighbours.extend(driver::neighbours(&self.bridge));
        }
        interface.check()?;
        Ok((host_name, interface))
    }

    fn endpoint<'a>(
        &'a self,
        endpoint: &'a EndpointOptions,
        host: InterfaceName,
        attempt: u32,
    ) -> driver::Endpoint<'a> {
        let port = BridgePort {
            hairpin: endpoint.hairpin.unwrap_or(self.options.hairpin),
            isolated: endpoint.isolated.unwrap_or(self.options.isolated),
        };
        let options = PortOptions { port, tx_queue_len: self.options.tx_queue_len };
        driver::Endpoint {
            network: &self.name,
            name: &endpoint.name,
            bridge: &self.bridge,
            options,
            host,
            index: driver::port_index(&self.name, &endpoint.name, attempt),
            ipv6_switch: self.host.can_turn_off_ipv6(),
        }
    }

    fn delete_link(&self, name: &InterfaceName, index: u32) -> Result<()> {
        let mut plan = Plan::default();
        plan.push(Place::Host, Action::DeleteLink(LinkRef::indexed(name.clone(), index)));
        match apply(&plan, &mut Ground { host: &self.host, sandbox: None }) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            result => result,
        }
    }

    fn subject(&self, endpoint: &EndpointOptions) -> String {
        format!("endpoint {} of network {}", endpoint.name, self.name)
    }
}

/// The kernel says EBUSY for a taken index, and of the first end EEXIST, as for a taken name.
fn may_be_taken(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::AlreadyExists | ErrorKind::Busy)
        && error.errno().is_some()
        && error.rollback_failures().is_empty()
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network")
            .field("name", &self.name)
            .field("bridge", self.bridge())
            .finish_non_exhaustive()
    }
}
