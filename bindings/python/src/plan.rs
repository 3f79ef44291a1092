//! What is to be done, as data.

use std::hash::{DefaultHasher, Hash, Hasher};

use pyo3::prelude::*;
use pyo3::types::PyType;

use crate::boundary::{detached, from_json, to_json, Text};

/// Steps in the order in which they are carried out.
#[pyclass(frozen, eq, module = "netns")]
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Plan(pub(crate) netns::plan::Plan);

#[pymethods]
impl Plan {
    #[new]
    #[pyo3(signature = (json = None))]
    fn new(py: Python<'_>, json: Option<Text<'_>>) -> PyResult<Self> {
        let Some(json) = json else { return Ok(Self::default()) };
        detached(py, || from_json("plan", &json)).map(Self)
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

    fn __hash__(&self, py: Python<'_>) -> PyResult<u64> {
        let mut hasher = DefaultHasher::new();
        self.to_json(py)?.hash(&mut hasher);
        Ok(hasher.finish())
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyType>, (String,))> {
        Ok((py.get_type::<Self>(), (self.to_json(py)?,)))
    }

    fn __len__(&self) -> usize {
        self.0.steps.len()
    }
}
