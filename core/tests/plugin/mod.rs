//! A plugin in a process of its own, which does as it is told.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use netns::ControllerOptions;
use serde_json::Value;

use super::control;

/// Where plugins have their sockets.
const SOCKETS: &str = "/run/docker/plugins";

/// The options of a controller that waits for plugins no longer than that.
pub(crate) fn options(timeout: Duration) -> ControllerOptions {
    let mut options = control::options();
    options.plugins.spec_dirs = vec!["/run/specs".into()];
    options.plugins.timeout = timeout;
    options
}

pub(crate) fn of(method: &str) -> String {
    format!("NetworkDriver.{method}")
}

/// Has the plugin hang in `method`, by which `first` comes, and does `second` meanwhile.
pub(crate) fn meanwhile(plugin: &Plugin, method: &str, first: impl FnOnce() + Send, second: impl FnOnce()) {
    plugin.requests();
    plugin.does(&[(&of(method), "hang".into())]);
    std::thread::scope(|scope| {
        let first = scope.spawn(first);
        plugin.await_call(&of(method));
        second();
        assert!(!first.is_finished(), "{method} did not hang");
        plugin.is_well();
    });
}

pub(crate) struct Plugin {
    directory: PathBuf,
    address: String,
    tls: Vec<String>,
    process: Mutex<Option<Child>>,
}

impl Plugin {
    /// The plugin `name`, found by its socket.
    pub(crate) fn start(name: &str) -> Self {
        fs::create_dir_all(SOCKETS).unwrap();
        Self::start_at(name, &format!("{SOCKETS}/{name}.sock"), &[])
    }

    pub(crate) fn start_at(name: &str, address: &str, tls: &[&Path]) -> Self {
        // Not on the host that is looked at.
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let directory = std::env::temp_dir().join(format!("netns-{name}-{}-{number}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let tls = tls.iter().map(|file| file.to_str().unwrap().to_owned()).collect();
        let plugin = Self { directory, address: address.to_owned(), tls, process: Mutex::default() };
        plugin.start_again();
        plugin
    }

    pub(crate) fn start_again(&self) {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/plugin/plugin.py");
        let mut command = Command::new("python3");
        command.arg(script).arg(&self.directory).arg(&self.address).args(&self.tls);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
        *self.process.lock().unwrap() = Some(child);
    }

    /// Ends it by SIGKILL; its socket stays.
    pub(crate) fn kill(&self) {
        if let Some(mut child) = self.process.lock().unwrap().take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Has it answer those methods in that way, and all others well.
    pub(crate) fn does(&self, modes: &[(&str, Value)]) {
        let modes: BTreeMap<_, _> = modes.iter().cloned().collect();
        let new = self.directory.join("control.new");
        fs::write(&new, serde_json::to_string(&modes).unwrap()).unwrap();
        fs::rename(new, self.directory.join("control")).unwrap();
    }

    pub(crate) fn is_well(&self) {
        self.does(&[]);
    }

    fn log(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.directory.join("log")).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// What was asked since the last look: methods and requests.
    pub(crate) fn requests(&self) -> Vec<Value> {
        let log = self.log();
        let _ = fs::remove_file(self.directory.join("log"));
        log
    }

    /// The methods that were asked since the last look.
    pub(crate) fn calls(&self) -> Vec<String> {
        self.requests().iter().map(|request| request["method"].as_str().unwrap().to_owned()).collect()
    }

    /// Waits until the plugin has been asked that.
    pub(crate) fn await_call(&self, method: &str) {
        let begin = Instant::now();
        while !self.log().iter().any(|request| request["method"] == method) {
            assert!(begin.elapsed() < Duration::from_secs(30), "{method} is not called: {:?}", self.log());
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for Plugin {
    fn drop(&mut self) {
        self.kill();
        let _ = fs::remove_dir_all(&self.directory);
    }
}
