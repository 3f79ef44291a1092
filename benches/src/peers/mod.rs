//! What others take to publish ports, as the packages of Debian have them, [`Docker`] and [`Netavark`], and to join
//! a container to a bridge, [`Cni`].
//!
//! They are looked for among the packages that `scripts/peers` has unpacked, then where programs are.

mod cni;
mod docker;
mod netavark;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

pub use cni::Cni;
pub use docker::Docker;
pub use netavark::Netavark;

use crate::figures::target;

/// What they keep files in: the private `/run` of a test's host.
pub(crate) const DIRECTORY: &str = "/run/peers";

/// What it took to start and to end a container, with few published ports and with many.
#[derive(Clone, Copy, Debug)]
pub struct Turn {
    /// Until it runs.
    pub start: [Duration; 2],
    /// Until it is gone.
    pub end: [Duration; 2],
}

/// Where programs are.
#[derive(Clone, Debug)]
pub struct Tools {
    unpacked: PathBuf,
}

impl Tools {
    /// Those that are unpacked, and the machine's.
    pub fn new() -> Self {
        let unpacked = target().join("peers");
        Self { unpacked: unpacked.canonicalize().unwrap_or(unpacked) }
    }

    /// Which of these programs is missing.
    ///
    /// # Errors
    /// With all of those.
    pub fn check(&self, programs: &[&str]) -> Result<(), String> {
        let missing: Vec<_> = programs.iter().copied().filter(|name| self.find(name).is_none()).collect();
        match missing.is_empty() {
            true => Ok(()),
            false => Err(format!("no {}: run scripts/peers, or install the packages", missing.join(", "))),
        }
    }

    fn directories(&self) -> Vec<PathBuf> {
        let unpacked = ["links", "usr/sbin", "usr/bin", "usr/lib/podman", "bin"];
        let machine = ["/usr/lib/podman", "/usr/libexec/podman", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
        let unpacked = unpacked.map(|name| self.unpacked.join(name));
        unpacked.into_iter().chain(machine.map(PathBuf::from)).collect()
    }

    /// Where the plugins of CNI are, if they are there.
    pub(crate) fn plugins(&self) -> Option<PathBuf> {
        let machine = ["/usr/lib/cni", "/usr/libexec/cni", "/opt/cni/bin"].map(PathBuf::from);
        let directories = [self.unpacked.join("usr/lib/cni")].into_iter().chain(machine);
        directories.into_iter().find(|directory| directory.join("bridge").exists())
    }

    fn find(&self, program: &str) -> Option<PathBuf> {
        self.directories().into_iter().map(|directory| directory.join(program)).find(|path| path.exists())
    }

    /// A program that finds the others, and quiet.
    pub(crate) fn command(&self, program: &str) -> Command {
        self.command_at(&self.find(program).unwrap_or_else(|| program.into()))
    }

    /// The same with its path.
    pub(crate) fn command_at(&self, program: &Path) -> Command {
        let join = |paths: &[PathBuf]| std::env::join_paths(paths).expect("paths without colons");
        let libraries = self.unpacked.join("usr/lib");
        let of_machine =
            fs::read_dir(&libraries).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
        let of_machine: Vec<_> = of_machine.filter(|path| path.join("xtables").exists()).collect();
        let mut command = Command::new(program);
        command.env("PATH", join(&self.directories())).stdin(Stdio::null());
        if let Some(own) = of_machine.first() {
            let lower = self.unpacked.join("lib").join(own.file_name().unwrap_or_default());
            command.env("XTABLES_LIBDIR", own.join("xtables"));
            command.env("LD_LIBRARY_PATH", join(&[own.clone(), lower]));
        }
        command
    }
}

impl Default for Tools {
    fn default() -> Self {
        Self::new()
    }
}

/// Runs it to its end; what it printed.
pub(crate) fn output(command: &mut Command) -> Result<String, String> {
    let name = Path::new(command.get_program()).file_name().unwrap_or_default().display().to_string();
    let output = command.output().map_err(|error| format!("{name}: {error}"))?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned()),
        false => {
            let said = [output.stderr, output.stdout].concat();
            let said = String::from_utf8_lossy(&said);
            Err(format!("{name}: {}", said.trim().lines().next().unwrap_or("it failed")))
        }
    }
}

fn as_error(error: impl std::fmt::Display) -> String {
    error.to_string()
}
