//! What is to be done, as data.

use pyo3::prelude::*;

use crate::boundary::{detached, from_json, to_json};

/// Steps in the order in which they are carried out.
#[pyclass(frozen, eq, module = "netns")]
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Plan(pub(crate) netns::plan::Plan);

#[pymethods]
impl Plan {
    #[new]
    #[pyo3(signature = (json = None))]
    fn new(py: Python<'_>, json: Option<&str>) -> PyResult<Self> {
        let Some(json) = json else { return Ok(Self::default()) };
        detached(py, || from_json("plan", json)).map(Self)
    }

    fn to_json(&self, py: Python<'_>) -> PyResult<String> {
        detached(py, || to_json(&self.0))
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }

    fn __repr__(&self) -> String {
        format!("<netns.Plan of {} steps>", self.0.steps.len())
    }

    fn __len__(&self) -> usize {
        self.0.steps.len()
    }
}
