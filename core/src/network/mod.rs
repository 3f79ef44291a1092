//! Networks that sandboxes join (seed `002`).

pub(crate) mod engine;
mod options;

use std::fmt;
use std::sync::Arc;

use engine::{plan_birth, plan_pair, retrying, Request};
pub use options::{EndpointOptions, NetworkOptions};

use crate::driver::bridge::{self, BridgeDriver};
use crate::driver::naming::Mark;
use crate::driver::{Driver, InterfaceInfo};
use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;
use crate::link::{InterfaceName, Mtu};
use crate::name::Name;
use crate::plan::{apply, Action, Ground, Plan};
use crate::sandbox::{Interface, Opened, Sandbox, Settled};
use crate::stats::{Meter, MeterOptions};

/// The types of network that [`Network::create`] knows, with their aliases.
const TYPES: [&str; 2] = [bridge::TYPE, "simplebridge"];

/// A logical connectivity zone that sandboxes join (seed `002`, `Network`): a bridge of the host.
///
/// The value is a handle: dropping it leaves the network as it is. Methods may be called from any
/// thread; the network's *host* is the namespace of the thread that created the handle, which keeps
/// three descriptors of it open, shared with all networks and sandboxes of that host.
///
/// Nothing but the kernel knows of such a network. [`Controller`](crate::Controller) has networks of
/// other types too, that last and whose addresses it gives out.
pub struct Network {
    name: Name,
    options: NetworkOptions,
    host: Arc<Host>,
    driver: BridgeDriver,
    bridge: InterfaceName,
    mtu: Mtu,
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
        if !TYPES.contains(&network_type) {
            let known = TYPES.map(str::to_owned);
            return Err(crate::driver::unknown(network_type, known.iter()));
        }
        let name = Name::new(name)?;
        options.check()?;
        let host = Host::current()?;
        let driver = BridgeDriver::new(Arc::clone(&host), Mark::default());
        let (of_driver, ipv4, ipv6) = options.for_driver()?;
        engine::create_network(&host, &driver, &name, &of_driver, &ipv4, &ipv6)?;
        let (bridge, mtu) = driver.bridge(name.as_str())?;
        Ok(Self { name, options, host, driver, bridge, mtu })
    }

    /// The name that the user chose (seed `002`, `Name`).
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// The driver (seed `002`, `Type`): `bridge`, whatever alias it was created by.
    pub fn kind(&self) -> &str {
        self.driver.network_type()
    }

    /// The bridge's name.
    pub fn bridge(&self) -> &InterfaceName {
        &self.bridge
    }

    /// The bridge's MTU in bytes, the most that an endpoint's can be.
    pub fn mtu(&self) -> Mtu {
        self.mtu
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
            let (plan, interface) = self.plan_both_ends(endpoint, attempt)?;
            apply(&plan, &mut Ground { host: &self.host, sandbox: None, programs: None })?;
            Ok(vec![interface])
        };
        self.retrying(endpoint, link).map_err(|error| error.within("link", self.subject(endpoint)))
    }

    /// The plan of [`Network::link`], without carrying it out.
    ///
    /// # Errors
    /// Those of [`Network::link`] that can be known beforehand.
    pub fn plan_link(&self, endpoint: &EndpointOptions) -> Result<Plan> {
        self.plan_both_ends(endpoint, 0).map(|(plan, _)| plan)
    }

    fn plan_both_ends(&self, endpoint: &EndpointOptions, attempt: u32) -> Result<(Plan, Interface)> {
        plan_pair(self.prepare(endpoint, "", attempt)?)
    }

    /// Removes the endpoint `name`, wherever its interface is by now; one that is gone is no error.
    ///
    /// # Errors
    /// PermissionDenied without `CAP_NET_ADMIN`.
    pub fn unlink(&self, name: &str) -> Result<()> {
        let remove = || {
            let plan = self.driver.delete_endpoint(self.name.as_str(), Name::new(name)?.as_str())?;
            match apply(&plan, &mut Ground { host: &self.host, sandbox: None, programs: None }) {
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
                result => result,
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
            let (plan, settled) = self.plan_inside(opened, endpoint, attempt)?;
            opened.wear();
            apply(
                &plan,
                &mut Ground { host: &self.host, sandbox: Some(&mut opened.inside), programs: None },
            )?;
            Ok(settled.interface)
        })
    }

    fn retrying<T>(&self, endpoint: &EndpointOptions, attempt: impl FnMut(u32) -> Result<T>) -> Result<T> {
        retrying(&self.host, &Mark::default(), &self.name, &endpoint.name, attempt)
    }

    /// The plan of [`Network::join`], without carrying it out; [`Network::apply`] does that. A MAC
    /// address that the endpoint leaves open is drawn anew each time.
    ///
    /// # Errors
    /// Those of [`Network::join`] that can be known beforehand.
    pub fn plan_join(&self, sandbox: &Sandbox, endpoint: &EndpointOptions) -> Result<Plan> {
        sandbox.with(|opened| self.plan_inside(opened, endpoint, 0).map(|(plan, _)| plan))
    }

    fn plan_inside(
        &self,
        opened: &mut Opened,
        endpoint: &EndpointOptions,
        attempt: u32,
    ) -> Result<(Plan, Settled)> {
        plan_birth(self.prepare(endpoint, "", attempt)?, opened)
    }

    /// Carries out a plan of this network and `sandbox`, as a whole or not at all. For filters that count it takes the
    /// programs that are pinned in [`MeterOptions::DIRECTORY`].
    ///
    /// # Errors
    /// That of the first step that fails; see [`Error::rollback_failures`] for what could not be
    /// undone.
    pub fn apply(&self, plan: &Plan, sandbox: &Sandbox) -> Result<()> {
        let counts = plan.steps.iter().any(|step| matches!(step.action, Action::AddFilter(_)));
        let meter = if counts { Meter::open_existing(&MeterOptions::default())? } else { None };
        let programs = meter.as_ref().map(Meter::programs);
        sandbox.with(|opened| {
            opened.wear();
            apply(plan, &mut Ground { host: &self.host, sandbox: Some(&mut opened.inside), programs })
        })
    }

    /// Deletes the network: the bridge when this library made it for this network, else the gateway
    /// addresses that this library added alone. A network that is gone is no error.
    ///
    /// # Errors
    /// Busy when endpoints are left, with their number, after a quarter of a second: they might be those
    /// of sandboxes that were just destroyed, which are not counted.
    pub fn delete(&self) -> Result<()> {
        engine::delete_network(&self.host, &self.driver, &self.name)
            .map_err(|error| error.within("delete network", &self.name))
    }

    fn prepare(&self, endpoint: &EndpointOptions, key: &str, attempt: u32) -> Result<engine::Prepared> {
        let options = endpoint.for_driver();
        let mut interface = InterfaceInfo::new(endpoint.mac, endpoint.address, endpoint.address_ipv6);
        self.driver.create_endpoint(self.name.as_str(), endpoint.name.as_str(), &mut interface, &options)?;
        let request = Request {
            network: &self.name,
            endpoint: &endpoint.name,
            interface,
            destination: &endpoint.destination,
            mtu: endpoint.mtu,
            routes: &endpoint.routes,
            neighbours: &endpoint.neighbours,
            gateway: endpoint.default_route,
            options: &options,
        };
        engine::prepare(&self.driver, &request, key, attempt)
    }

    fn subject(&self, endpoint: &EndpointOptions) -> String {
        format!("endpoint {} of network {}", endpoint.name, self.name)
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network")
            .field("name", &self.name)
            .field("bridge", self.bridge())
            .finish_non_exhaustive()
    }
}
