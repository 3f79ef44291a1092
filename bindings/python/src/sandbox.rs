//! Sandboxes: network namespaces with a place in the file system.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use netns::{Interface, Result, SandboxKey, StaticRoute};
use pyo3::prelude::*;

use crate::boundary::{detached, from_json, shown, Text};
use crate::namespace::Namespace;
use crate::plan::Plan;

/// A sandbox, as the core has it.
#[pyclass(frozen, module = "netns._netns")]
pub(crate) struct Sandbox(pub(crate) Arc<netns::Sandbox>);

impl From<netns::Sandbox> for Sandbox {
    fn from(sandbox: netns::Sandbox) -> Self {
        Self(Arc::new(sandbox))
    }
}

fn key(base: Option<&Path>, name: &str) -> Result<SandboxKey> {
    match base {
        Some(base) => SandboxKey::in_base(base, name),
        None => SandboxKey::new(name),
    }
}

/// Where the sandbox of a container is: the default base and the beginning of the id.
#[pyfunction]
pub(crate) fn generate_key(py: Python<'_>, id: Text<'_>) -> PyResult<PathBuf> {
    detached(py, || netns::generate_key(&id)).map(|key| key.path().to_owned())
}

#[allow(clippy::needless_pass_by_value, reason = "it comes from Python")]
#[pymethods]
impl Sandbox {
    #[staticmethod]
    fn create(py: Python<'_>, name: Text<'_>, base: Option<PathBuf>) -> PyResult<Self> {
        detached(py, || netns::Sandbox::create(&key(base.as_deref(), &name)?)).map(Self::from)
    }

    #[staticmethod]
    fn open(py: Python<'_>, name: Text<'_>, base: Option<PathBuf>) -> PyResult<Self> {
        detached(py, || netns::Sandbox::open(&key(base.as_deref(), &name)?)).map(Self::from)
    }

    #[staticmethod]
    fn remove(py: Python<'_>, name: Text<'_>, base: Option<PathBuf>) -> PyResult<()> {
        detached(py, || netns::Sandbox::remove(&key(base.as_deref(), &name)?))
    }

    fn name(&self) -> &str {
        self.0.key().name().as_str()
    }

    fn path(&self) -> &Path {
        self.0.key().path()
    }

    fn namespace(&self, py: Python<'_>) -> PyResult<Namespace> {
        detached(py, || self.0.namespace()).map(Namespace)
    }

    fn info(&self, py: Python<'_>) -> PyResult<String> {
        shown(py, || self.0.info())
    }

    fn add_interface(&self, py: Python<'_>, interface: Text<'_>) -> PyResult<String> {
        shown(py, || self.0.add_interface(&read_interface(&interface)?))
    }

    fn plan_add_interface(&self, py: Python<'_>, interface: Text<'_>) -> PyResult<Plan> {
        detached(py, || self.0.plan_add_interface(&read_interface(&interface)?)).map(Plan)
    }

    fn remove_interface(&self, py: Python<'_>, interface: Text<'_>) -> PyResult<()> {
        detached(py, || self.0.remove_interface(&read_interface(&interface)?))
    }

    fn set_gateway(&self, py: Python<'_>, gateway: Text<'_>) -> PyResult<()> {
        detached(py, || self.0.set_gateway(Some(from_json("gateway", &gateway)?)))
    }

    fn set_gateway_ipv6(&self, py: Python<'_>, gateway: Text<'_>) -> PyResult<()> {
        detached(py, || self.0.set_gateway_ipv6(Some(from_json("gateway", &gateway)?)))
    }

    fn add_static_route(&self, py: Python<'_>, route: Text<'_>) -> PyResult<()> {
        detached(py, || self.0.add_static_route(&from_json::<StaticRoute>("route", &route)?))
    }

    fn remove_static_route(&self, py: Python<'_>, route: Text<'_>) -> PyResult<()> {
        detached(py, || self.0.remove_static_route(&from_json::<StaticRoute>("route", &route)?))
    }

    fn destroy(&self, py: Python<'_>) -> PyResult<()> {
        detached(py, || self.0.destroy())
    }
}

fn read_interface(json: &str) -> Result<Interface> {
    from_json("interface", json)
}
