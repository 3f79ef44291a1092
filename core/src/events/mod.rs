//! What happens is told to every process that listens, without a daemon in between.
//!
//! A listener is a datagram socket in `events` of the run directory, `PID-START-N.sock`. Whoever does
//! something sends it there as JSON, and waits for nobody.

mod listen;
mod tell;

#[cfg(test)]
mod tests;

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::{Error, Result};
use crate::sys::Process;

pub use listen::{Closer, Events, Subscription};
pub(crate) use tell::Listeners;

/// Something that happened to a network, an endpoint or a sandbox, after it did.
///
/// In JSON, what does not apply is left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Event {
    /// When, to the millisecond; in JSON `time_ms`, milliseconds since 1970 in UTC.
    #[serde(rename = "time_ms", serialize_with = "write_time", deserialize_with = "read_time")]
    pub time: SystemTime,
    /// What.
    pub kind: EventKind,
    /// The name of the network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// The name of the endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// The key of the sandbox.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sandbox: Option<String>,
    /// The number of the process that did it.
    pub process: u32,
    /// How many events this listener could not take since the one before.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub missed: u64,
}

/// What an [`Event`] is about; in JSON `snake_case`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EventKind {
    /// What a process that is gone had left was removed.
    Collected,
    /// An endpoint was created.
    EndpointCreated,
    /// An endpoint was deleted.
    EndpointDeleted,
    /// An endpoint joined a sandbox.
    EndpointJoined,
    /// An endpoint left its sandbox.
    EndpointLeft,
    /// A network was created.
    NetworkCreated,
    /// A network was deleted.
    NetworkDeleted,
    /// A sandbox was created.
    SandboxCreated,
    /// A sandbox was destroyed.
    SandboxDestroyed,
}

impl Event {
    /// An event of this process and this moment, about nothing yet.
    pub(crate) fn new(kind: EventKind) -> Self {
        Self {
            time: from_milliseconds(milliseconds(SystemTime::now())),
            kind,
            network: None,
            endpoint: None,
            sandbox: None,
            process: std::process::id(),
            missed: 0,
        }
    }
}

fn milliseconds(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn from_milliseconds(milliseconds: u64) -> SystemTime {
    UNIX_EPOCH.checked_add(Duration::from_millis(milliseconds)).unwrap_or(UNIX_EPOCH)
}

fn write_time<S: Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(milliseconds(*time))
}

fn read_time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SystemTime, D::Error> {
    u64::deserialize(deserializer).map(from_milliseconds)
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// Where the listeners of a run directory are.
fn directory_of(run: &Path) -> PathBuf {
    run.join("events")
}

/// The sockets of the listeners in `directory`; none when it is missing.
fn sockets(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut sockets = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if owner(&path).is_some() {
            sockets.push(path);
        }
    }
    Ok(sockets)
}

/// The process that listens at the socket `path`; `None` when that is no listener's name.
fn owner(path: &Path) -> Option<Process> {
    if path.extension() != Some(OsStr::new("sock")) {
        return None;
    }
    Process::of_unique_word(path.file_stem()?.to_str()?)
}

/// The sockets that processes which are gone have left in the run directory `run`, sorted; any of
/// them may be removed.
///
/// # Errors
/// PermissionDenied when the directory cannot be read.
pub(crate) fn stale(run: &Path) -> Result<Vec<PathBuf>> {
    let directory = directory_of(run);
    let mut sockets = sockets(&directory)
        .map_err(|error| Error::from_io("list listeners in", directory.display().to_string(), error))?;
    sockets.retain(|path| owner(path).is_some_and(|process| !process.is_alive()));
    sockets.sort();
    Ok(sockets)
}
