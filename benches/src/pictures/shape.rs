//! What the pictures are made of: the figures that benches wrote, in their shapes.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::Failure;
use crate::machine::Machine;

/// Milliseconds by the tool's name.
pub(super) type ByTool = BTreeMap<String, Option<f64>>;

/// `peers.json`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Peers {
    pub(super) attach_ms: ByTool,
    pub(super) attach_p10_ms: ByTool,
    pub(super) attach_p90_ms: ByTool,
    pub(super) whole_ms: ByTool,
    pub(super) detach_ms: ByTool,
    pub(super) not_measured: BTreeMap<String, String>,
    pub(super) versions: BTreeMap<String, String>,
    pub(super) machine: Option<Machine>,
}

/// `scale.json`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Scale {
    pub(super) bridge: Vec<Joins>,
    pub(super) routed: Vec<Joins>,
    pub(super) counters: Vec<Reads>,
    pub(super) machine: Option<Machine>,
}

/// What a join takes where there are so many sandboxes.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct Joins {
    pub(super) sandboxes: f64,
    pub(super) ours_us: Option<f64>,
    pub(super) ours_p10_us: Option<f64>,
    pub(super) ours_p90_us: Option<f64>,
    pub(super) floor_us: Option<f64>,
    pub(super) floor_p10_us: Option<f64>,
    pub(super) floor_p90_us: Option<f64>,
    pub(super) plain_us: Option<f64>,
    pub(super) plain_p10_us: Option<f64>,
    pub(super) plain_p90_us: Option<f64>,
}

/// What it takes to read the counters of so many interfaces.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct Reads {
    pub(super) interfaces: f64,
    pub(super) sysfs_us: Option<f64>,
    pub(super) proc_us: Option<f64>,
    pub(super) getlink_us: Option<f64>,
    pub(super) getstats_us: Option<f64>,
    pub(super) ours_us: Option<f64>,
}

/// `link.json`: the steps of a join.
#[derive(Debug, Deserialize)]
pub(super) struct Steps {
    pub(super) namespace_us: Option<f64>,
    pub(super) namespace_floor_us: Option<f64>,
    pub(super) veth_us: Option<f64>,
    pub(super) veth_floor_us: Option<f64>,
    pub(super) join_us: Option<f64>,
    pub(super) join_floor_us: Option<f64>,
    pub(super) dual_stack_veth_us: Option<f64>,
    pub(super) dual_stack_veth_floor_us: Option<f64>,
    pub(super) destroy_us: Option<f64>,
    pub(super) destroy_floor_us: Option<f64>,
    pub(super) add_interface_us: Option<f64>,
    pub(super) add_interface_over_floor: Option<f64>,
    pub(super) machine: Option<Machine>,
}

/// `controller.json`: joins by a controller, by what it is made of, and without a bridge.
#[derive(Debug, Deserialize)]
pub(super) struct Managed {
    pub(super) raw_join_us: Option<f64>,
    pub(super) controller_join_us: Option<f64>,
    pub(super) join_floor_us: Option<f64>,
    pub(super) routed_at_60_us: Option<f64>,
    pub(super) routed_floor_at_60_us: Option<f64>,
    pub(super) routed_at_5000_us: Option<f64>,
    pub(super) routed_floor_at_5000_us: Option<f64>,
    pub(super) machine: Option<Machine>,
}

/// What a file holds; none where there is no such file.
///
/// # Errors
/// With the file's name, when it cannot be read, is no JSON or has another shape.
pub(super) fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, Failure> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("{}: {error}", path.display()).into()),
    };
    // A list would do for an object otherwise, its fields in turn.
    let object = serde_json::from_slice::<Map<String, Value>>(&text).map(Value::Object);
    let shaped = object.and_then(T::deserialize).map(Some);
    shaped.map_err(|error| format!("{}: {error}", path.display()).into())
}
