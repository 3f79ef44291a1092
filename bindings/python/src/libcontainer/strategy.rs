//! How a container comes by its network: strategies, by type.

use std::sync::Arc;

use netns::libcontainer::{
    get_stats, get_strategy, register_strategy, setup, Network, NetworkState, NetworkStrategy,
};
use netns::Result;
use pyo3::prelude::*;

use super::Target;
use crate::boundary::{detached, shown, Text};
use crate::driver::Callee;

/// A strategy in Python.
struct PyStrategy(Callee);

impl NetworkStrategy for PyStrategy {
    fn create(&self, network: &Network, pid: u32, state: &mut NetworkState) -> Result<()> {
        *state = self.0.call("create", (network.to_json()?, pid, state.to_json()?))?;
        Ok(())
    }

    fn initialize(&self, network: &Network, state: &mut NetworkState) -> Result<()> {
        *state = self.0.call("initialize", (network.to_json()?, state.to_json()?))?;
        Ok(())
    }
}

#[pyfunction]
pub(crate) fn strategy_register(py: Python<'_>, kind: Text<'_>, strategy: Py<PyAny>) -> PyResult<()> {
    let strategy = PyStrategy(Callee::new(kind.to_string(), strategy));
    detached(py, || register_strategy(&kind, Arc::new(strategy)))
}

#[pyfunction]
pub(crate) fn strategy_check(py: Python<'_>, kind: Text<'_>) -> PyResult<()> {
    detached(py, || get_strategy(&kind).map(drop))
}

/// The state as JSON after the strategy's `create`.
#[pyfunction]
pub(crate) fn strategy_create(
    py: Python<'_>,
    kind: Text<'_>,
    network: &str,
    pid: u32,
    state: &str,
) -> PyResult<String> {
    detached(py, || {
        let (network, mut state) = (Network::from_json(network)?, NetworkState::from_json(state)?);
        get_strategy(&kind)?.create(&network, pid, &mut state)?;
        state.to_json()
    })
}

/// The state as JSON after the strategy's `initialize`.
#[pyfunction]
pub(crate) fn strategy_initialize(
    py: Python<'_>,
    kind: Text<'_>,
    network: &str,
    state: &str,
) -> PyResult<String> {
    detached(py, || {
        let (network, mut state) = (Network::from_json(network)?, NetworkState::from_json(state)?);
        get_strategy(&kind)?.initialize(&network, &mut state)?;
        state.to_json()
    })
}

#[pyfunction]
pub(crate) fn strategy_setup(py: Python<'_>, network: &str, target: Target) -> PyResult<String> {
    detached(py, || setup(&Network::from_json(network)?, &target.into())?.to_json())
}

#[pyfunction]
pub(crate) fn strategy_stats(py: Python<'_>, state: &str) -> PyResult<String> {
    shown(py, || get_stats(&NetworkState::from_json(state)?))
}
