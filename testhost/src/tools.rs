//! Programs of others, unpacked or installed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where programs are: among the packages that `scripts/peers` has unpacked, then where programs are.
#[derive(Clone, Debug)]
pub struct Tools {
    unpacked: PathBuf,
}

impl Tools {
    /// Those that are unpacked, and the machine's.
    pub fn new() -> Self {
        let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
        let target = target.unwrap_or_else(|| concat!(env!("CARGO_MANIFEST_DIR"), "/../target").into());
        let unpacked = target.join("peers");
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

    /// Where the plugins of CNI are, if they are there.
    pub fn plugins(&self) -> Option<PathBuf> {
        let machine = ["/usr/lib/cni", "/usr/libexec/cni", "/opt/cni/bin"].map(PathBuf::from);
        let directories = [self.unpacked.join("usr/lib/cni")].into_iter().chain(machine);
        directories.into_iter().find(|directory| directory.join("bridge").exists())
    }

    /// Where a program is, if it is there.
    pub fn find(&self, program: &str) -> Option<PathBuf> {
        self.directories().into_iter().map(|directory| directory.join(program)).find(|path| path.exists())
    }

    /// A program that finds the others, and reads nothing.
    ///
    /// # Panics
    /// When the paths have colons.
    pub fn command(&self, program: &str) -> Command {
        let join = |paths: &[PathBuf]| std::env::join_paths(paths).expect("paths without colons");
        let libraries = self.unpacked.join("usr/lib");
        let of_machine =
            fs::read_dir(&libraries).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
        let of_machine: Vec<_> = of_machine.filter(|path| path.join("xtables").exists()).collect();
        let mut command = Command::new(self.find(program).unwrap_or_else(|| program.into()));
        command.env("PATH", join(&self.directories())).stdin(Stdio::null());
        if let Some(own) = of_machine.first() {
            let lower = self.unpacked.join("lib").join(own.file_name().unwrap_or_default());
            command.env("XTABLES_LIBDIR", own.join("xtables"));
            command.env("LD_LIBRARY_PATH", join(&[own.clone(), lower]));
        }
        command
    }

    fn directories(&self) -> Vec<PathBuf> {
        let unpacked = ["links", "usr/sbin", "usr/bin", "usr/lib/podman", "bin"];
        let machine = ["/usr/lib/podman", "/usr/libexec/podman", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
        let unpacked = unpacked.map(|name| self.unpacked.join(name));
        unpacked.into_iter().chain(machine.map(PathBuf::from)).collect()
    }
}

impl Default for Tools {
    fn default() -> Self {
        Self::new()
    }
}

/// Runs it to its end; what it printed.
///
/// # Errors
/// The first line of what it said, when it fails.
pub fn output(command: &mut Command) -> Result<String, String> {
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
