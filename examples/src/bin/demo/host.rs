//! A host of the demo's own, and what is there to see in it.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use netns::stats::MeterOptions;
use nix::errno::Errno;
use nix::mount::{mount, MsFlags};
use nix::sched::{unshare, CloneFlags};

use crate::Result;

/// How long the kernel may take to clear away what was in the destroyed namespaces.
const DEADLINE: Duration = Duration::from_secs(5);

/// Takes the process, which has one thread, to network and mount namespaces of its own, where `/run` is empty.
pub(crate) fn enter() -> Result<()> {
    unshare(CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS).map_err(|error| match error {
        Errno::EPERM => "this takes root: use `make demo`, which makes do with a user namespace".to_owned(),
        error => format!("no namespaces for a host of its own: {error}"),
    })?;
    let private = MsFlags::MS_PRIVATE | MsFlags::MS_REC;
    mount(None::<&str>, "/", None::<&str>, private, None::<&str>)
        .map_err(|error| format!("make all mounts private: {error}"))?;
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    mount(Some("tmpfs"), "/run", Some("tmpfs"), flags, Some("mode=0755"))
        .map_err(|error| format!("mount a private /run: {error}"))?;
    run("ip", &["link", "set", "lo", "up"]).map(drop)
}

/// What `program` prints; a failure is an error with its words.
pub(crate) fn run(program: &str, arguments: &[&str]) -> Result<String> {
    let output =
        Command::new(program).args(arguments).env("LC_ALL", "C").output().map_err(|error| {
            format!("run {program}: {error}: `scripts/setup demo` installs what is missing")
        })?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() {
        return Ok(text(&output.stdout));
    }
    let words = [text(&output.stderr), text(&output.stdout)].join(" ");
    Err(format!("{program} {}: {}: {}", arguments.join(" "), output.status, words.trim()).into())
}

/// Everything that a leak would show in, by subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct State(BTreeMap<&'static str, Vec<String>>);

impl State {
    pub(crate) fn now() -> Result<Self> {
        let mut subjects = BTreeMap::new();
        subjects.insert("counters", pinned(Path::new(MeterOptions::DIRECTORY))?);
        subjects.insert("descriptors", descriptors()?);
        subjects.insert("links", listed(&["-j", "link"], "ifname")?);
        subjects.insert("mounts", mounts()?);
        subjects.insert("namespaces", listed(&["-j", "netns"], "name")?);
        subjects.values_mut().for_each(|names| names.sort());
        Ok(Self(subjects))
    }

    /// How many there are of each subject.
    pub(crate) fn counts(&self) -> impl Iterator<Item = (&'static str, usize)> + '_ {
        self.0.iter().map(|(subject, names)| (*subject, names.len()))
    }

    /// Waits until everything is again as it is in `self`.
    pub(crate) fn wait_for(&self) -> Result<Self> {
        let begin = Instant::now();
        loop {
            let now = Self::now()?;
            if now == *self || begin.elapsed() > DEADLINE {
                return Ok(now);
            }
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// What only one of the two has, in words; empty when they are equal.
    pub(crate) fn difference(&self, after: &Self) -> String {
        let mut text = String::new();
        for (subject, names) in &self.0 {
            let there = after.0.get(subject).map_or(&[][..], Vec::as_slice);
            for (which, some, others) in [("gone", names.as_slice(), there), ("left", there, names)] {
                for name in some.iter().filter(|name| !others.contains(name)) {
                    let _ = write!(text, "\n  {which}: {subject}: {name}");
                }
            }
        }
        text
    }
}

fn listed(arguments: &[&str], key: &str) -> Result<Vec<String>> {
    let output = run("ip", arguments)?;
    // Of nothing, some versions print nothing.
    if output.is_empty() {
        return Ok(Vec::new());
    }
    let list: Vec<serde_json::Value> = serde_json::from_str(&output)?;
    Ok(list.iter().map(|item| item[key].as_str().unwrap_or("?").to_owned()).collect())
}

/// What is pinned for counters, the directories included. This is the machine's own directory.
fn pinned(directory: &Path) -> Result<Vec<String>> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut names = vec![directory.display().to_string()];
    for entry in entries {
        let entry = entry?;
        match entry.file_type()?.is_dir() {
            true => names.extend(pinned(&entry.path())?),
            false => names.push(entry.path().display().to_string()),
        }
    }
    Ok(names)
}

fn mounts() -> Result<Vec<String>> {
    let list = fs::read_to_string("/proc/self/mountinfo")?;
    // Without the mount's number and its parent's.
    let name = |line: &str| line.splitn(3, ' ').last().unwrap_or(line).to_owned();
    Ok(list.lines().map(name).collect())
}

fn descriptors() -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir("/proc/self/fd")? {
        let path = entry?.path();
        names.push(format!("{} -> {}", path.display(), fs::read_link(&path)?.display()));
    }
    Ok(names)
}
