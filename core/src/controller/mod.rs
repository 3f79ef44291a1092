//! Networks that last: their definitions, endpoints, addresses and sandboxes, shared by many processes.

mod active;
mod collect;
mod config;
mod detach;
mod docker;
mod drivers;
mod elements;
mod endpoints;
mod finding;
mod firewall;
mod forwarding;
mod gateway;
#[cfg(feature = "docker-plugin")]
mod give;
mod given;
mod join;
mod link;
mod meter;
mod moved;
mod networks;
mod others;
mod outside;
mod owners;
mod parting;
#[cfg(feature = "docker-plugin")]
mod plugin;
mod plugins;
mod port_map;
mod ports;
mod publish;
mod rebuild;
mod record;
mod reread;
mod reserved;
mod restore;
mod sandboxes;
mod slots;
mod stats;
mod told;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use active::Active;
pub use config::{EndpointConfig, NetworkConfig, SubnetConfig};
pub use endpoints::Endpoint;
pub use finding::{Collected, Finding, FindingKind};
pub use firewall::{FirewallConfig, FirewallMode, GatewayMode};
#[cfg(feature = "docker-plugin")]
pub(crate) use given::POOLS;
use meter::Metering;
pub use networks::{NetworkDetails, SubnetUsage};
use outside::Outside;
use plugins::Plugins;
pub use ports::{PortMapping, PortRange};
#[cfg(feature = "docker-plugin")]
pub(crate) use rebuild::DOCKERS;
pub use record::Lifetime;
pub use restore::FirewallWatch;
pub use sandboxes::SandboxDetails;
pub use stats::EndpointStats;

use crate::driver::naming::Mark;
use crate::driver::{builtin, Capability, Driver, DriverCallback, Registry};
use crate::error::{Error, ErrorKind, Result};
use crate::events::{Event, EventKind, Events, Listeners};
use crate::host::Host;
use crate::ipam::{Ipam, PoolIpam, StaticIpam};
use crate::name::Name;
use crate::plugin::PluginOptions;
use crate::sandbox::DEFAULT_BASE;
use crate::stats::MeterOptions;
use crate::store::{Database, Definitions, Gate, Notes};
use crate::sys::Namespace;

/// Where a controller keeps what, and how long what it makes lasts.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ControllerOptions {
    /// The directory of the networks' definitions, one JSON file each.
    pub networks_dir: PathBuf,
    /// The directory of what lasts until the host restarts: attachments and leases.
    pub run_dir: PathBuf,
    /// The directory where sandboxes are mounted.
    pub sandbox_dir: PathBuf,
    /// How long what this controller makes lasts.
    pub lifetime: Lifetime,
    /// Where the counters are, and how many.
    pub meter: MeterOptions,
    /// Where plugins are looked for, and how long they are waited for.
    pub plugins: PluginOptions,
}

impl ControllerOptions {
    /// Where the definitions are by default.
    pub const NETWORKS_DIR: &str = "/etc/libnetns/networks";
    /// Where the store is by default.
    pub const RUN_DIR: &str = "/run/libnetns";

    /// The defaults, each directory replaced by that of an environment variable where it is set:
    /// `NETNS_NETWORKS_DIR`, `NETNS_RUN_DIR`, `NETNS_SANDBOX_DIR`, `NETNS_METER_DIR`. For tools; a library's caller says what
    /// it wants.
    pub fn from_env() -> Self {
        let set = |name, directory: &mut PathBuf| {
            if let Some(value) = std::env::var_os(name).filter(|value| !value.is_empty()) {
                *directory = value.into();
            }
        };
        let mut options = Self::default();
        set("NETNS_NETWORKS_DIR", &mut options.networks_dir);
        set("NETNS_RUN_DIR", &mut options.run_dir);
        set("NETNS_SANDBOX_DIR", &mut options.sandbox_dir);
        set("NETNS_METER_DIR", &mut options.meter.directory);
        options
    }

    /// The same options with everything under `directory`.
    #[must_use]
    pub fn in_directory(mut self, directory: &Path) -> Self {
        self.networks_dir = directory.join("networks");
        self.run_dir = directory.join("run");
        self.sandbox_dir = directory.join("sandboxes");
        self
    }

    /// The same options with another lifetime.
    #[must_use]
    pub fn with_lifetime(mut self, lifetime: Lifetime) -> Self {
        self.lifetime = lifetime;
        self
    }
}

impl Default for ControllerOptions {
    fn default() -> Self {
        Self {
            networks_dir: Self::NETWORKS_DIR.into(),
            run_dir: Self::RUN_DIR.into(),
            sandbox_dir: DEFAULT_BASE.into(),
            lifetime: Lifetime::default(),
            meter: MeterOptions::default(),
            plugins: PluginOptions::default(),
        }
    }
}

/// Named networks of many types, and the endpoints that join sandboxes to them (libnetwork's
/// `NetworkController`).
///
/// Any number of processes that share a PID namespace may have the same directories open. Definitions are files that people edit;
/// attachments and leases are in a store that is gone after a reboot, as the namespaces are; what the
/// kernel knows is asked of the kernel. When a process dies at any moment, [`Controller::open`] and
/// [`Controller::collect`] put right what it left half done.
///
/// Methods may be called from any thread. The *host* is the namespace of the thread that opened the
/// controller.
pub struct Controller {
    options: ControllerOptions,
    host: Arc<Host>,
    mark: Mark,
    store: Arc<Database>,
    notes: Notes,
    /// The mount namespace of the thread that opened it.
    mounts: u64,
    definitions: Definitions,
    gate: Gate,
    drivers: Registry,
    ipams: RwLock<BTreeMap<String, Arc<dyn Ipam>>>,
    active: Mutex<HashMap<Name, Arc<Active>>>,
    listeners: Listeners,
    metering: Metering,
    outside: Outside,
    plugins: Plugins,
}

impl Controller {
    /// Opens the store, making it when it is missing, and puts right what processes that are gone left
    /// half done. A store that cannot be read is moved aside and made anew from what the kernel tells.
    /// Endpoints whose driver is registered later, or is a plugin, are left to a later [`Controller::collect`]: no
    /// plugin is asked anything.
    ///
    /// # Errors
    /// PermissionDenied without the right to write the run directory; Forbidden when the run directory
    /// is another network namespace's.
    pub fn open(options: ControllerOptions) -> Result<Self> {
        let run_dir = options.run_dir.clone();
        let within = |error: Error| error.within("open controller", run_dir.display());
        let controller = Self::open_store(options).map_err(within)?;
        let collected = controller.collect().map_err(within)?;
        for finding in collected.findings.iter().filter(|finding| finding.error.is_some()) {
            log::warn!("{finding}");
        }
        controller.plugins.may_be_asked();
        Ok(controller)
    }

    /// As [`Controller::open`], but leaves what it finds as it is, for [`Controller::plan_collect`] or
    /// [`Controller::collect`] to say what that is.
    ///
    /// # Errors
    /// Those of [`Controller::open`].
    pub fn open_uncollected(options: ControllerOptions) -> Result<Self> {
        let run_dir = options.run_dir.clone();
        let within = |error: Error| error.within("open controller", run_dir.display());
        let controller = Self::open_store(options).map_err(within)?;
        controller.plugins.may_be_asked();
        Ok(controller)
    }

    fn open_store(options: ControllerOptions) -> Result<Self> {
        for directory in [&options.networks_dir, &options.run_dir, &options.sandbox_dir] {
            if !directory.is_absolute() {
                let subject = directory.display().to_string();
                return Err(Error::bad_request("use directory", subject, "it is not an absolute path"));
            }
            if directory.to_str().is_none() {
                let subject = directory.display().to_string();
                return Err(Error::bad_request("use directory", subject, "its name is not UTF-8"));
            }
        }
        let host = Host::current()?;
        Database::make_directory(&options.run_dir)?;
        let mark = Mark::of_store(&options.run_dir)?;
        let (store, _) = Database::open_or_rebuild(&options.run_dir, |tx, opening| {
            let found = rebuild::rebuild(tx, &host, &mark, &options)?;
            if found > 0 {
                log::warn!("the store was {opening:?}: {found} endpoints recovered from the kernel");
            }
            Ok(())
        })?;
        store.write(|tx| rebuild::claim(tx, &host, &mark, &options))?;
        let store = Arc::new(store);
        let drivers = Registry::default();
        for driver in builtin(&host, &mark) {
            let network_type = driver.network_type().to_owned();
            drivers.register_driver(&network_type, driver, Capability::default())?;
        }
        let default_ipam: Arc<dyn Ipam> = Arc::new(PoolIpam::new(Arc::clone(&store)));
        Ok(Self {
            definitions: Definitions::new(options.networks_dir.clone()),
            gate: Gate::open(&options.run_dir)?,
            notes: Notes::open(&options.run_dir)?,
            mounts: Namespace::of_mounts(),
            listeners: Listeners::new(&options.run_dir),
            ipams: RwLock::new(
                [
                    (PoolIpam::NAME.to_owned(), default_ipam),
                    (StaticIpam::NAME.to_owned(), Arc::new(StaticIpam)),
                ]
                .into(),
            ),
            active: Mutex::default(),
            metering: Metering::default(),
            outside: Outside::default(),
            plugins: Plugins::default(),
            options,
            host,
            mark,
            store,
            drivers,
        })
    }

    /// Ends the controller. What it made lasts as its lifetime says; dropping it does the same.
    pub fn close(self) {
        drop(self);
    }

    /// The options that it was opened with.
    pub fn options(&self) -> &ControllerOptions {
        &self.options
    }

    /// The types of network that have a driver, sorted.
    pub fn network_types(&self) -> Vec<String> {
        self.drivers.types()
    }

    /// Makes `ipam` known by `name`, for networks whose definition says so.
    ///
    /// # Errors
    /// Forbidden when the name is taken.
    pub fn register_ipam(&self, name: &str, ipam: Arc<dyn Ipam>) -> Result<()> {
        Name::new(name).map_err(|error| error.within("register address management", name))?;
        let mut ipams = self.ipams.write().unwrap_or_else(PoisonError::into_inner);
        if ipams.contains_key(name) {
            return Err(Error::new(ErrorKind::Forbidden, "register address management", name)
                .with_cause("one is registered by that name already"));
        }
        ipams.insert(name.to_owned(), ipam);
        Ok(())
    }

    /// What happens from now on, in this process and every other that has the run directory open, in the
    /// order in which it is told.
    ///
    /// # Errors
    /// PermissionDenied without the right to write the run directory.
    pub fn events(&self) -> Result<Events> {
        Events::listen(&self.options.run_dir)
    }

    fn tell(&self, kind: EventKind, network: Option<&Name>, endpoint: Option<&Name>, sandbox: Option<&Path>) {
        self.listeners.tell(&[event(kind, network, endpoint, sandbox)]);
    }

    /// Has the `number`th attempt from now on to write the store fail, for tests.
    #[doc(hidden)]
    pub fn fail_write(&self, number: i64) {
        self.store.fail_write(number);
    }
}

fn event(kind: EventKind, network: Option<&Name>, endpoint: Option<&Name>, sandbox: Option<&Path>) -> Event {
    Event {
        network: network.map(ToString::to_string),
        endpoint: endpoint.map(ToString::to_string),
        sandbox: sandbox.map(|path| path.display().to_string()),
        ..Event::new(kind)
    }
}

impl DriverCallback for Controller {
    fn register_driver(
        &self,
        network_type: &str,
        driver: Arc<dyn Driver>,
        capability: Capability,
    ) -> Result<()> {
        self.drivers.register_driver(network_type, driver, capability)
    }
}

impl fmt::Debug for Controller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Controller").field("options", &self.options).finish_non_exhaustive()
    }
}
