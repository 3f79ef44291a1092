//! The foundation's network: a bridge of which nothing but the kernel knows.

use netns::EndpointOptions;
use netns::Result;
use pyo3::prelude::*;

use crate::boundary::{detached, from_json, shown, Text};
use crate::plan::Plan;
use crate::sandbox::Sandbox;

/// A bridge network.
#[pyclass(frozen, module = "netns._netns")]
pub(crate) struct Network(netns::Network);

fn read(endpoint: &str) -> Result<EndpointOptions> {
    from_json("endpoint options", endpoint)
}

#[pymethods]
impl Network {
    #[staticmethod]
    fn create(py: Python<'_>, network_type: Text<'_>, name: Text<'_>, options: Text<'_>) -> PyResult<Self> {
        let create = || netns::Network::create(&network_type, &name, from_json("network options", &options)?);
        detached(py, create).map(Self)
    }

    fn name(&self) -> &str {
        self.0.name().as_str()
    }

    fn kind(&self) -> &str {
        self.0.kind()
    }

    fn bridge(&self) -> &str {
        self.0.bridge().as_str()
    }

    fn mtu(&self) -> u32 {
        self.0.mtu().get()
    }

    fn options(&self, py: Python<'_>) -> PyResult<String> {
        shown(py, || Ok(self.0.options()))
    }

    fn link(&self, py: Python<'_>, endpoint: Text<'_>) -> PyResult<String> {
        shown(py, || self.0.link(&read(&endpoint)?))
    }

    fn plan_link(&self, py: Python<'_>, endpoint: Text<'_>) -> PyResult<Plan> {
        detached(py, || self.0.plan_link(&read(&endpoint)?)).map(Plan)
    }

    fn unlink(&self, py: Python<'_>, name: Text<'_>) -> PyResult<()> {
        detached(py, || self.0.unlink(&name))
    }

    fn join(&self, py: Python<'_>, sandbox: &Sandbox, endpoint: Text<'_>) -> PyResult<String> {
        shown(py, || self.0.join(&sandbox.0, &read(&endpoint)?))
    }

    fn plan_join(&self, py: Python<'_>, sandbox: &Sandbox, endpoint: Text<'_>) -> PyResult<Plan> {
        detached(py, || self.0.plan_join(&sandbox.0, &read(&endpoint)?)).map(Plan)
    }

    fn apply(&self, py: Python<'_>, plan: &Plan, sandbox: &Sandbox) -> PyResult<()> {
        detached(py, || self.0.apply(&plan.0, &sandbox.0))
    }

    fn delete(&self, py: Python<'_>) -> PyResult<()> {
        detached(py, || self.0.delete())
    }
}
