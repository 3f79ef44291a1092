//! The controller: networks that last, endpoints, sandboxes.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use netns::driver::{Capability, DriverCallback};
use netns::{ControllerOptions, Lifetime, NetworkConfig, Result};
use pyo3::prelude::*;
use serde::Serialize;

use crate::boundary::{detached, from_json, shown, Text};
use crate::driver::{discovery_of, PyDriver};
use crate::endpoint::{read_endpoint, read_ports, Endpoint};
use crate::error::closed;
use crate::events::Events;
use crate::ipam::{KnownIpam, PyIpam};
use crate::plan::Plan;
use crate::sandbox::Sandbox;
use crate::stats::Meter;
use crate::watch::FirewallWatch;

/// A controller, until it is closed.
#[pyclass(frozen, module = "netns._netns")]
pub(crate) struct Controller(Mutex<Option<Arc<netns::Controller>>>);

impl Controller {
    pub(crate) fn open_one(&self, py: Python<'_>) -> PyResult<Arc<netns::Controller>> {
        let open = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        open.ok_or_else(|| closed(py, "controller"))
    }

    /// What `f` asks of the controller, while other threads of the interpreter run.
    fn ask<T: Send>(
        &self,
        py: Python<'_>,
        f: impl FnOnce(&Arc<netns::Controller>) -> Result<T> + Send,
    ) -> PyResult<T> {
        let controller = self.open_one(py)?;
        // Dropped in there as well: the last handle of a controller waits for its threads.
        detached(py, move || f(&controller))
    }

    fn show<T: Serialize>(
        &self,
        py: Python<'_>,
        f: impl FnOnce(&netns::Controller) -> Result<T> + Send,
    ) -> PyResult<String> {
        let controller = self.open_one(py)?;
        shown(py, move || f(&controller))
    }
}

/// A network of [`Controller::networks`]; of a definition that cannot be used, why.
#[derive(Serialize)]
struct Listed {
    name: netns::Name,
    #[serde(skip_serializing_if = "Option::is_none")]
    config: Option<NetworkConfig>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl Listed {
    fn of((name, config): (netns::Name, Result<NetworkConfig>)) -> Self {
        match config {
            Ok(config) => Self { name, config: Some(config), error: None },
            Err(error) => Self { name, config: None, error: Some(error.to_string()) },
        }
    }
}

#[pymethods]
impl Controller {
    #[staticmethod]
    #[allow(clippy::too_many_arguments, reason = "the package alone calls it")]
    fn open(
        py: Python<'_>,
        from_env: bool,
        uncollected: bool,
        networks_dir: Option<PathBuf>,
        run_dir: Option<PathBuf>,
        sandbox_dir: Option<PathBuf>,
        lifetime: &str,
        meter_dir: Option<PathBuf>,
        meter_slots: Option<u16>,
        plugins: bool,
        plugin_socket_dirs: Option<Vec<PathBuf>>,
        plugin_spec_dirs: Option<Vec<PathBuf>>,
        plugin_timeout: Option<f64>,
    ) -> PyResult<Self> {
        let mut options = if from_env { ControllerOptions::from_env() } else { ControllerOptions::default() };
        let set =
            |place: &mut PathBuf, given: Option<PathBuf>| *place = given.unwrap_or_else(|| place.clone());
        set(&mut options.networks_dir, networks_dir);
        set(&mut options.run_dir, run_dir);
        set(&mut options.sandbox_dir, sandbox_dir);
        set(&mut options.meter.directory, meter_dir);
        options.meter.slots = meter_slots.unwrap_or(options.meter.slots);
        let own = &mut options.plugins;
        own.enabled = plugins;
        own.socket_dirs = plugin_socket_dirs.unwrap_or_else(|| own.socket_dirs.clone());
        own.spec_dirs = plugin_spec_dirs.unwrap_or_else(|| own.spec_dirs.clone());
        own.timeout = plugin_timeout.map_or(own.timeout, Duration::from_secs_f64);
        let open = || {
            let options = options.with_lifetime(from_json::<Lifetime>("lifetime", lifetime)?);
            match uncollected {
                true => netns::Controller::open_uncollected(options),
                false => netns::Controller::open(options),
            }
        };
        detached(py, open).map(|controller| Self(Mutex::new(Some(Arc::new(controller)))))
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        let controller = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        detached(py, move || {
            drop(controller);
            Ok(())
        })
    }

    fn is_closed(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }

    fn directories(&self, py: Python<'_>) -> PyResult<(PathBuf, PathBuf, PathBuf, PathBuf)> {
        let controller = self.open_one(py)?;
        let options = controller.options().clone();
        Ok((options.networks_dir, options.run_dir, options.sandbox_dir, options.meter.directory))
    }

    fn network_types(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        self.ask(py, |controller| Ok(controller.network_types()))
    }

    fn plugins(&self, py: Python<'_>) -> PyResult<String> {
        self.show(py, netns::Controller::plugins)
    }

    fn activate_plugin(&self, py: Python<'_>, name: Text<'_>) -> PyResult<Vec<String>> {
        self.ask(py, |controller| controller.activate_plugin(&name))
    }

    fn create_network(&self, py: Python<'_>, config: &str) -> PyResult<String> {
        self.show(py, |controller| controller.create_network(from_json("network config", config)?))
    }

    fn networks(&self, py: Python<'_>) -> PyResult<String> {
        let list = |networks: Vec<_>| networks.into_iter().map(Listed::of).collect::<Vec<_>>();
        self.show(py, |controller| controller.networks().map(list))
    }

    fn inspect_network(&self, py: Python<'_>, name: Text<'_>) -> PyResult<String> {
        self.show(py, |controller| controller.inspect_network(&name))
    }

    fn delete_network(&self, py: Python<'_>, name: Text<'_>) -> PyResult<()> {
        self.ask(py, |controller| controller.delete_network(&name))
    }

    fn forget_network(&self, py: Python<'_>, name: Text<'_>) -> PyResult<()> {
        self.ask(py, |controller| controller.forget_network(&name))
    }

    fn create_endpoint(&self, py: Python<'_>, network: Text<'_>, config: &str) -> PyResult<Endpoint> {
        self.ask(py, |controller| controller.create_endpoint(&network, read_endpoint(config)?)).map(Endpoint)
    }

    fn delete_endpoint(&self, py: Python<'_>, network: Text<'_>, endpoint: Text<'_>) -> PyResult<()> {
        self.ask(py, |controller| controller.delete_endpoint(&network, &endpoint))
    }

    fn forget_endpoint(&self, py: Python<'_>, network: Text<'_>, endpoint: Text<'_>) -> PyResult<()> {
        self.ask(py, |controller| controller.forget_endpoint(&network, &endpoint))
    }

    fn endpoint(&self, py: Python<'_>, network: Text<'_>, endpoint: Text<'_>) -> PyResult<Endpoint> {
        self.ask(py, |controller| controller.endpoint(&network, &endpoint)).map(Endpoint)
    }

    fn endpoints(&self, py: Python<'_>) -> PyResult<String> {
        self.show(py, netns::Controller::endpoints)
    }

    fn endpoint_oper_info(&self, py: Python<'_>, network: Text<'_>, endpoint: Text<'_>) -> PyResult<String> {
        self.show(py, |controller| controller.endpoint_oper_info(&network, &endpoint))
    }

    fn connect(
        &self,
        py: Python<'_>,
        network: Text<'_>,
        sandbox: &Sandbox,
        config: &str,
    ) -> PyResult<Endpoint> {
        self.ask(py, |controller| controller.connect(&network, &sandbox.0, read_endpoint(config)?))
            .map(Endpoint)
    }

    fn plan_connect(
        &self,
        py: Python<'_>,
        network: Text<'_>,
        sandbox: &Sandbox,
        config: &str,
    ) -> PyResult<Plan> {
        let plan = |controller: &Arc<netns::Controller>| {
            controller.plan_connect(&network, &sandbox.0, read_endpoint(config)?)
        };
        self.ask(py, plan).map(Plan)
    }

    fn join(
        &self,
        py: Python<'_>,
        network: Text<'_>,
        endpoint: Text<'_>,
        sandbox: &Sandbox,
    ) -> PyResult<Endpoint> {
        self.ask(py, |controller| controller.join(&network, &endpoint, &sandbox.0)).map(Endpoint)
    }

    fn link(&self, py: Python<'_>, network: Text<'_>, config: &str) -> PyResult<Endpoint> {
        self.ask(py, |controller| controller.link(&network, read_endpoint(config)?)).map(Endpoint)
    }

    fn plan_link(&self, py: Python<'_>, network: Text<'_>, config: &str) -> PyResult<Plan> {
        self.ask(py, |controller| controller.plan_link(&network, read_endpoint(config)?)).map(Plan)
    }

    fn leave(&self, py: Python<'_>, network: Text<'_>, endpoint: Text<'_>) -> PyResult<()> {
        self.ask(py, |controller| controller.leave(&network, &endpoint))
    }

    fn disconnect(&self, py: Python<'_>, network: Text<'_>, endpoint: Text<'_>) -> PyResult<()> {
        self.ask(py, |controller| controller.disconnect(&network, &endpoint))
    }

    fn publish(
        &self,
        py: Python<'_>,
        network: Text<'_>,
        endpoint: Text<'_>,
        ports: &str,
    ) -> PyResult<String> {
        self.show(py, |controller| controller.publish(&network, &endpoint, &read_ports(ports)?))
    }

    fn withdraw(&self, py: Python<'_>, network: Text<'_>, endpoint: Text<'_>, ports: &str) -> PyResult<()> {
        self.ask(py, |controller| controller.withdraw(&network, &endpoint, &read_ports(ports)?))
    }

    fn create_sandbox(&self, py: Python<'_>, name: Text<'_>) -> PyResult<Sandbox> {
        self.ask(py, |controller| controller.create_sandbox(&name)).map(Sandbox::from)
    }

    fn open_sandbox(&self, py: Python<'_>, name: Text<'_>) -> PyResult<Sandbox> {
        self.ask(py, |controller| controller.open_sandbox(&name)).map(Sandbox::from)
    }

    fn sandboxes(&self, py: Python<'_>) -> PyResult<String> {
        self.show(py, netns::Controller::sandboxes)
    }

    fn destroy_sandbox(&self, py: Python<'_>, sandbox: &Sandbox) -> PyResult<()> {
        self.ask(py, |controller| controller.destroy_sandbox(&sandbox.0))
    }

    fn remove_sandbox(&self, py: Python<'_>, name: Text<'_>) -> PyResult<()> {
        self.ask(py, |controller| controller.remove_sandbox(&name))
    }

    fn collect(&self, py: Python<'_>) -> PyResult<String> {
        self.show(py, netns::Controller::collect)
    }

    fn plan_collect(&self, py: Python<'_>) -> PyResult<String> {
        self.show(py, netns::Controller::plan_collect)
    }

    fn restore_firewall(&self, py: Python<'_>) -> PyResult<()> {
        self.ask(py, |controller| controller.restore_firewall())
    }

    fn watch_firewall(&self, py: Python<'_>) -> PyResult<FirewallWatch> {
        self.ask(py, netns::Controller::watch_firewall).map(FirewallWatch::from)
    }

    fn stats(&self, py: Python<'_>, network: Text<'_>, endpoint: Text<'_>, detail: &str) -> PyResult<String> {
        self.show(py, |controller| controller.stats(&network, &endpoint, from_json("detail", detail)?))
    }

    fn all_stats(&self, py: Python<'_>, detail: &str) -> PyResult<String> {
        self.show(py, |controller| controller.all_stats(from_json("detail", detail)?))
    }

    fn meter(&self, py: Python<'_>) -> PyResult<Meter> {
        self.ask(py, |controller| controller.meter()).map(Meter::from)
    }

    fn set_meter(&self, py: Python<'_>, network: Text<'_>, endpoint: Text<'_>, on: bool) -> PyResult<()> {
        self.ask(py, |controller| controller.set_meter(&network, &endpoint, on))
    }

    fn events(&self, py: Python<'_>) -> PyResult<Events> {
        self.ask(py, |controller| controller.events()).map(Events::from)
    }

    fn discover(&self, py: Python<'_>, discovery: &str, data: &str, is_new: bool) -> PyResult<()> {
        let (discovery, data) = (discovery.to_owned(), data.to_owned());
        self.ask(py, move |controller| {
            let (discovery, data) = (discovery_of(&discovery)?, from_json("data", &data)?);
            match is_new {
                true => controller.discover_new(discovery, &data),
                false => controller.discover_delete(discovery, &data),
            }
        })
    }

    fn register_driver(
        &self,
        py: Python<'_>,
        network_type: Text<'_>,
        driver: Py<PyAny>,
        capability: &str,
    ) -> PyResult<()> {
        let driver = PyDriver::new(network_type.to_string(), driver);
        self.ask(py, |controller| {
            let capability = from_json::<Capability>("capability", capability)?;
            controller.register_driver(&network_type, Arc::new(driver), capability)
        })
    }

    fn register_ipam(&self, py: Python<'_>, name: Text<'_>, ipam: Py<PyAny>) -> PyResult<()> {
        let ipam = PyIpam::new(name.to_string(), ipam);
        self.ask(py, |controller| controller.register_ipam(&name, Arc::new(ipam)))
    }

    /// An address management that there is, or the error that there is none.
    fn ipam(slf: &Bound<'_, Self>, name: String) -> PyResult<KnownIpam> {
        slf.get().ask(slf.py(), |controller| controller.ipam(&name).map(drop))?;
        Ok(KnownIpam::new(slf.clone().unbind(), name))
    }
}
