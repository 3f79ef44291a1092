//! Hooks, and the configs that have them.

use std::sync::Arc;

use netns::libcontainer::configs::{Command, CommandHook, Config, Hook, Hooks, State};
use netns::Result;
use pyo3::prelude::*;

use crate::boundary::{detached, from_json, Text};
use crate::error::from_python;

/// Hooks as the package gives them: the name of each, and the JSON of a command or a function's adapter.
pub(super) type Given = Vec<(String, GivenHook)>;

#[derive(FromPyObject)]
pub(crate) enum GivenHook {
    Command(String),
    Function(Adapter),
}

/// What calls a function of the caller's with the state's JSON.
#[derive(FromPyObject)]
pub(crate) struct Adapter {
    name: String,
    call: Py<PyAny>,
}

impl Hook for Adapter {
    fn run(&self, state: &State) -> Result<()> {
        let text = state.to_json()?;
        Python::attach(|py| {
            let called = self.call.call1(py, (text,));
            let method = format!("hook {}", self.name);
            called.map(drop).map_err(|raised| from_python(py, &state.id, &method, raised))
        })
    }
}

/// The core's hooks.
pub(super) fn hooks(given: Given) -> Result<Hooks> {
    let mut hooks = Hooks::default();
    for (name, hook) in given {
        let hook: Arc<dyn Hook> = match hook {
            GivenHook::Command(json) => Arc::new(CommandHook(command(&json)?)),
            GivenHook::Function(adapter) => Arc::new(adapter),
        };
        hooks.add_shared(name.parse()?, hook);
    }
    Ok(hooks)
}

/// The core's config; `json` has no hooks.
pub(super) fn config(json: &str, given: Given) -> Result<Config> {
    Ok(Config { hooks: hooks(given)?, ..Config::from_json(json)? })
}

fn command(json: &str) -> Result<Command> {
    from_json("command", json)
}

#[pyfunction]
pub(crate) fn config_to_json(py: Python<'_>, json: Text<'_>, given: Given) -> PyResult<String> {
    detached(py, || config(&json, given)?.to_json())
}

#[pyfunction]
pub(crate) fn check_config(py: Python<'_>, json: Text<'_>, given: Given) -> PyResult<()> {
    detached(py, || config(&json, given)?.check())
}

#[pyfunction]
pub(crate) fn run_hooks(py: Python<'_>, given: Given, name: Text<'_>, state: Text<'_>) -> PyResult<()> {
    detached(py, || hooks(given)?.run(name.parse()?, &State::from_json(&state)?))
}

#[pyfunction]
pub(crate) fn check_command(py: Python<'_>, json: Text<'_>) -> PyResult<()> {
    detached(py, || command(&json)?.check())
}

#[pyfunction]
pub(crate) fn run_command(py: Python<'_>, json: Text<'_>, state: Text<'_>) -> PyResult<()> {
    detached(py, || command(&json)?.run(&State::from_json(&state)?))
}
