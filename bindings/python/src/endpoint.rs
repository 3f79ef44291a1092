//! Endpoints of a controller's networks, and their ports.

use netns::{EndpointConfig, PortMapping, Result};
use pyo3::prelude::*;

use crate::boundary::{from_json, shown, Text};

/// A config, or the text that is its name: most say no more.
pub(crate) fn read_endpoint(json: &str) -> Result<EndpointConfig> {
    match json.starts_with('"') {
        true => EndpointConfig::new(&from_json::<String>("name of an endpoint", json)?),
        false => from_json("endpoint config", json),
    }
}

/// An endpoint that becomes JSON when somebody looks at it.
#[pyclass(frozen, module = "netns._netns")]
pub(crate) struct Endpoint(pub(crate) netns::Endpoint);

#[pymethods]
impl Endpoint {
    fn to_json(&self, py: Python<'_>) -> PyResult<String> {
        shown(py, || Ok(&self.0))
    }
}

/// A port mapping's text as JSON.
#[pyfunction]
pub(crate) fn port_mapping(py: Python<'_>, text: Text<'_>) -> PyResult<String> {
    shown(py, || text.parse::<PortMapping>())
}

pub(crate) fn read_ports(json: &str) -> Result<Vec<PortMapping>> {
    from_json("port mappings", json)
}
