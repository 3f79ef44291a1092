use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc::{channel, Sender};
use std::thread::{spawn, JoinHandle};
use std::time::Duration;

use nix::sched::{setns, CloneFlags};
use nix::unistd::gettid;
use serde_json::json;

use super::{make_bridge, Place, Tool};
use crate::figures::target;
use crate::stats::timed;

const STATE: &str = "/run/hook-state.json";
const LOG: &str = "/run/hook-log";

/// `netns-hook`, as an OCI runtime runs it.
#[derive(Debug)]
pub struct Hook {
    program: PathBuf,
    bridge: String,
}

impl Hook {
    /// Finds it, and makes `bridge`.
    ///
    /// # Errors
    /// When it was not built.
    pub fn new(bridge: &str, index: u8) -> Result<Self, String> {
        let program = target().join("lib/netns-hook");
        if !program.exists() {
            return Err(format!("no {}: run scripts/lib", program.display()));
        }
        make_bridge(bridge, super::gateway(index))?;
        Ok(Self { program, bridge: bridge.to_owned() })
    }

    fn run(&self, state: &serde_json::Value) -> Result<Duration, String> {
        fs::write(STATE, state.to_string()).map_err(|error| error.to_string())?;
        let mut command = Command::new(&self.program);
        command.stdin(File::open(STATE).map_err(|error| error.to_string())?).stdout(Stdio::null());
        command.stderr(File::create(LOG).map_err(|error| error.to_string())?);
        let (took, status) = timed(|| command.status());
        match status.map_err(|error| error.to_string())?.success() {
            true => Ok(took),
            false => Err(fs::read_to_string(LOG).unwrap_or_default()),
        }
    }
}

impl Tool for Hook {
    fn attach(&mut self, place: &Place) -> Result<Duration, String> {
        let inhabitant = Inhabitant::start(place.path())?;
        let networks = json!([{ "type": "veth", "bridge": self.bridge, "address": place.address, "gateway": place.gateway }]);
        self.run(&json!({
            "ociVersion": "1.0.2", "id": place.name, "bundle": "/run", "status": "creating",
            "pid": inhabitant.thread, "annotations": { "dev.libnetns.networks": networks.to_string() },
        }))
    }

    fn detach(&mut self, place: &Place) -> Result<Option<Duration>, String> {
        let state = json!({ "ociVersion": "1.0.2", "id": place.name, "bundle": "/run", "status": "stopped" });
        self.run(&state).map(Some)
    }

    /// A runtime makes the namespace, as its process is started.
    fn whole(&mut self, _: &Place) -> Result<Option<Duration>, String> {
        Ok(None)
    }
}

/// A thread that is in a namespace until it is dropped: the container's process.
struct Inhabitant {
    thread: i32,
    stays: Option<Sender<()>>,
    handle: Option<JoinHandle<()>>,
}

impl Inhabitant {
    fn start(path: String) -> Result<Self, String> {
        let (say, said) = channel();
        let (stays, stay) = channel::<()>();
        let handle = spawn(move || {
            let entered = File::open(&path).map_err(|error| error.to_string()).and_then(|namespace| {
                setns(namespace, CloneFlags::CLONE_NEWNET).map_err(|error| error.to_string())
            });
            let is_in = entered.is_ok();
            let _ = say.send(entered.map(|()| gettid().as_raw()));
            if is_in {
                let _ = stay.recv();
            }
        });
        let thread = said.recv().map_err(|error| error.to_string())??;
        Ok(Self { thread, stays: Some(stays), handle: Some(handle) })
    }
}

impl Drop for Inhabitant {
    fn drop(&mut self) {
        drop(self.stays.take());
        let _ = self.handle.take().map(JoinHandle::join);
    }
}
