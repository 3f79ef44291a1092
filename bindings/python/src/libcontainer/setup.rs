//! The network of a container as a config has it.

use netns::libcontainer as core;
use netns::libcontainer::configs::State;
use netns::libcontainer::SetupState;
use pyo3::prelude::*;

use super::hooks::{config, hooks, Given};
use super::Target;
use crate::boundary::{detached, Text};
use crate::plan::Plan;

/// What a config asks for.
#[pyclass(frozen, module = "netns._netns")]
pub(crate) struct NetworkSetup(core::NetworkSetup);

#[pymethods]
impl NetworkSetup {
    #[staticmethod]
    fn from_config(py: Python<'_>, json: Text<'_>, given: Given) -> PyResult<Self> {
        detached(py, || core::NetworkSetup::from_config(&config(&json, given)?)).map(Self)
    }

    fn with_id(&self, py: Python<'_>, id: Text<'_>) -> PyResult<Self> {
        detached(py, || self.0.clone().with_id(&id)).map(Self)
    }

    fn plan(&self, py: Python<'_>, target: Option<Target>) -> PyResult<Plan> {
        let target = target.map(Into::into);
        detached(py, || self.0.plan(target.as_ref())).map(Plan)
    }

    /// What was made, as JSON.
    fn up(&self, py: Python<'_>, target: Option<Target>, state: Text<'_>) -> PyResult<String> {
        let target = target.map(Into::into);
        detached(py, || self.0.up(target.as_ref(), &State::from_json(&state)?)?.to_json())
    }

    fn poststart(&self, py: Python<'_>, state: Text<'_>) -> PyResult<()> {
        detached(py, || self.0.poststart(&State::from_json(&state)?))
    }

    fn tear_down(&self, py: Python<'_>) -> PyResult<()> {
        detached(py, || self.0.tear_down())
    }

    fn down(&self, py: Python<'_>, state: Text<'_>) -> PyResult<()> {
        detached(py, || self.0.down(&State::from_json(&state)?))
    }
}

#[pyfunction]
pub(crate) fn setup_state_find(py: Python<'_>, id: Text<'_>) -> PyResult<String> {
    detached(py, || SetupState::find(&id)?.to_json())
}

#[pyfunction]
pub(crate) fn setup_state_tear_down(py: Python<'_>, setup: Text<'_>) -> PyResult<()> {
    detached(py, || SetupState::from_json(&setup)?.tear_down())
}

#[pyfunction]
pub(crate) fn setup_state_down(
    py: Python<'_>,
    setup: Text<'_>,
    state: Text<'_>,
    given: Given,
) -> PyResult<()> {
    detached(py, || SetupState::from_json(&setup)?.down(&State::from_json(&state)?, &hooks(given)?))
}
