//! Drivers and address managements that are found at run time, and asked what they are when they are needed.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::Controller;
use crate::driver::{Capability, Driver, DriverCallback, RemoteDriver, NETWORK_PLUGIN_ENDPOINT_TYPE};
use crate::error::{Error, ErrorKind, Result};
use crate::ipam::{Ipam, RemoteIpam};
use crate::name::Name;
use crate::plugin::client::{legible, Client, Operation, LONGEST_TIMEOUT};
use crate::plugin::{find, Activated, FoundPlugin, ACTIVATE, IPAM_PLUGIN_ENDPOINT_TYPE};
use crate::sys::Generation;

/// How many requests an activation takes: what the plugin implements, and of both what it can do.
const REQUESTS: u32 = 3;
/// How much longer than its requests one who waits for another's activation waits.
const GRACE: Duration = Duration::from_secs(5);

/// What a plugin implements, or why it is not known.
type Outcome = std::result::Result<Vec<String>, (ErrorKind, String)>;

/// An activation that others may wait for.
struct Activation {
    /// A forked child does not have the thread that it is waiting for.
    generation: Generation,
    outcome: Mutex<Option<Outcome>>,
    over: Condvar,
}

/// The plugins of a controller.
#[derive(Default)]
pub(super) struct Plugins {
    under_way: Mutex<HashMap<Name, Arc<Activation>>>,
    /// While a controller is being opened no plugin is asked anything.
    are_asked: AtomicBool,
}

impl Plugins {
    pub(super) fn may_be_asked(&self) {
        self.are_asked.store(true, Ordering::Release);
    }
}

impl Controller {
    /// The plugins that are there, by their names: sockets and spec files in the directories of
    /// [`PluginOptions`](crate::plugin::PluginOptions). None is asked anything.
    ///
    /// # Errors
    /// None so far.
    pub fn plugins(&self) -> Result<Vec<FoundPlugin>> {
        match self.options.plugins.enabled {
            true => Ok(find::list(&self.options.plugins)),
            false => Ok(Vec::new()),
        }
    }

    /// Finds the plugin `name` and asks what it implements, and registers it as the driver of the network type of
    /// that name and as the address management of that name, as far as it is one and there is none. Networks that
    /// need it do so by themselves.
    ///
    /// The answer is Docker's words: `NetworkDriver`, `IpamDriver`, and others that are of no use here.
    ///
    /// # Errors
    /// NotFound when there is no such plugin, with where it was looked for; BadRequest when its spec file cannot be
    /// used; Unsupported for TLS in a library without the feature `plugin-tls`; System when it does not answer within
    /// the time-out, or wrongly.
    pub fn activate_plugin(&self, name: &str) -> Result<Vec<String>> {
        let _operation = Operation::begin();
        let activate = || {
            let own = Name::new(name)?;
            self.activate_once(&own)?.ok_or_else(|| self.no_plugin("plugin", name, ""))
        };
        activate().map_err(|error: Error| error.within("activate plugin", name))
    }

    /// The driver of a type, registered or a plugin that is found now. Not to be asked behind the gate.
    pub(super) fn driver(&self, network_type: &str) -> Result<(Arc<dyn Driver>, Capability)> {
        if let Ok(known) = self.drivers.driver(network_type) {
            return Ok(known);
        }
        self.find_plugin(network_type, NETWORK_PLUGIN_ENDPOINT_TYPE, || {
            let known = format!("the known types are {}", self.drivers.types().join(", "));
            self.no_plugin("network type", network_type, &known)
        })?;
        self.drivers.driver(network_type)
    }

    /// The address management of that name: `default`, one that was registered, or a plugin's, which is found now.
    ///
    /// # Errors
    /// NotFound, with the known ones and where plugins were looked for; those of [`Controller::activate_plugin`].
    pub fn ipam(&self, name: &str) -> Result<Arc<dyn Ipam>> {
        if let Some(known) = self.registered_ipam(name) {
            return Ok(known);
        }
        let unknown = || {
            let ipams = self.ipams.read().unwrap_or_else(PoisonError::into_inner);
            let known: Vec<_> = ipams.keys().map(String::as_str).collect();
            self.no_plugin("address management", name, &format!("the known ones are {}", known.join(", ")))
        };
        self.find_plugin(name, IPAM_PLUGIN_ENDPOINT_TYPE, unknown)?;
        self.registered_ipam(name).ok_or_else(unknown)
    }

    /// The address management of that name, if it is known already.
    pub(super) fn registered_ipam(&self, name: &str) -> Option<Arc<dyn Ipam>> {
        self.ipams.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// Whether a driver or an address management of that name is registered, or there is a plugin that may be one.
    pub(super) fn is_to_be_had(&self, name: &str) -> bool {
        let options = &self.options.plugins;
        let is_asked = options.enabled && self.plugins.are_asked.load(Ordering::Acquire);
        let is_found = || {
            let own = Name::new(name).ok();
            own.is_some_and(|own| matches!(find::find(options, &own), Ok(Some(_))))
        };
        self.drivers.driver(name).is_ok() || self.registered_ipam(name).is_some() || is_asked && is_found()
    }

    /// Has the plugin `name` registered, which must implement `wanted`.
    fn find_plugin(&self, name: &str, wanted: &str, unknown: impl Fn() -> Error) -> Result<()> {
        let Ok(own) = Name::new(name) else { return Err(unknown()) };
        let implements = self.activate_once(&own)?.ok_or_else(unknown)?;
        if implements.iter().any(|own| own == wanted) {
            return Ok(());
        }
        let cause = format!("it is no {wanted}: it implements {}", legible(&implements.join(", ")));
        Err(Error::new(ErrorKind::NotFound, "use plugin", name).with_cause(cause))
    }

    fn no_plugin(&self, what: &str, name: &str, known: &str) -> Error {
        find::not_found(&self.options.plugins, what, name, known)
    }

    /// Activates a plugin, or waits for who does. None when there is none of that name.
    fn activate_once(&self, name: &Name) -> Result<Option<Vec<String>>> {
        let options = &self.options.plugins;
        if !options.enabled || !self.plugins.are_asked.load(Ordering::Acquire) {
            return Ok(None);
        }
        let (activation, is_first) = self.plugins.enter(name);
        if !is_first {
            return activation.wait(name, options.timeout.min(LONGEST_TIMEOUT) * REQUESTS + GRACE);
        }
        let landing = Landing { plugins: &self.plugins, name, activation: &activation };
        let activated = self.activate_now(name);
        landing.land(&activated);
        activated
    }

    fn activate_now(&self, name: &Name) -> Result<Option<Vec<String>>> {
        let options = &self.options.plugins;
        let Some(spec) = find::find(options, name)? else { return Ok(None) };
        let client = Client::new(&spec, options)?;
        let Activated { implements } = client.call_empty(ACTIVATE)?;
        let is_one = |wanted: &str| implements.iter().any(|own| own == wanted);
        let driver = match is_one(NETWORK_PLUGIN_ENDPOINT_TYPE) {
            true => self.register_remote_driver(name, &client),
            false => Ok(()),
        };
        let ipam = match is_one(IPAM_PLUGIN_ENDPOINT_TYPE) {
            true => self.register_remote_ipam(name, &client),
            false => Ok(()),
        };
        driver.and(ipam).map(|()| Some(implements))
    }

    fn register_remote_driver(&self, name: &Name, client: &Client) -> Result<()> {
        if self.drivers.driver(name.as_str()).is_ok() {
            return Ok(());
        }
        let (driver, capability) = RemoteDriver::new(client.clone())?;
        tolerate_taken(self.register_driver(name.as_str(), Arc::new(driver), capability))
    }

    fn register_remote_ipam(&self, name: &Name, client: &Client) -> Result<()> {
        if self.registered_ipam(name.as_str()).is_some() {
            return Ok(());
        }
        let ipam = RemoteIpam::new(client.clone())?;
        tolerate_taken(self.register_ipam(name.as_str(), Arc::new(ipam)))
    }
}

/// Who registered in the meantime goes first.
fn tolerate_taken(registered: Result<()>) -> Result<()> {
    registered.or_else(|error| match error.kind() {
        ErrorKind::Forbidden => Ok(()),
        _ => Err(error),
    })
}

impl Plugins {
    /// The activation of a plugin that is under way; whether it begins with this call.
    fn enter(&self, name: &Name) -> (Arc<Activation>, bool) {
        let mut all = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(there) = all.get(name).filter(|there| there.generation == Generation::current()) {
            return (Arc::clone(there), false);
        }
        let generation = Generation::current();
        let new = Arc::new(Activation { generation, outcome: Mutex::default(), over: Condvar::new() });
        all.insert(name.clone(), Arc::clone(&new));
        (new, true)
    }
}

impl Activation {
    fn wait(&self, name: &Name, patience: Duration) -> Result<Option<Vec<String>>> {
        let outcome = self.outcome.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.over.wait_timeout_while(outcome, patience, |outcome| outcome.is_none());
        let (outcome, _) = waited.unwrap_or_else(PoisonError::into_inner);
        match &*outcome {
            Some(Ok(implements)) => Ok(Some(implements.clone())),
            Some(Err((ErrorKind::NotFound, cause))) if cause.is_empty() => Ok(None),
            Some(Err((kind, cause))) => {
                Err(Error::new(*kind, "activate plugin", name.as_str()).with_cause(cause.clone()))
            }
            None => Err(Error::new(ErrorKind::Busy, "activate plugin", name.as_str())
                .with_cause("another thread is at it")),
        }
    }
}

/// Lets those go on who wait for an activation, however it ends.
struct Landing<'a> {
    plugins: &'a Plugins,
    name: &'a Name,
    activation: &'a Activation,
}

impl Landing<'_> {
    fn land(&self, activated: &Result<Option<Vec<String>>>) {
        let outcome = match activated {
            Ok(Some(implements)) => Ok(implements.clone()),
            Ok(None) => Err((ErrorKind::NotFound, String::new())),
            Err(error) => Err((error.kind(), error.to_string())),
        };
        *self.activation.outcome.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
    }
}

impl Drop for Landing<'_> {
    fn drop(&mut self) {
        let mut outcome = self.activation.outcome.lock().unwrap_or_else(PoisonError::into_inner);
        outcome
            .get_or_insert_with(|| Err((ErrorKind::System, "the thread that was at it is gone".to_owned())));
        self.activation.over.notify_all();
        drop(outcome);
        self.plugins.under_way.lock().unwrap_or_else(PoisonError::into_inner).remove(self.name);
    }
}
