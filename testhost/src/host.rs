use std::fs::{self, OpenOptions};
use std::io::Write;
use std::net::IpAddr;
use std::os::unix::fs::symlink;
use std::panic::resume_unwind;
use std::path::Path;
use std::process::Command;
use std::thread::{self, Builder};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::mount::{mount, MsFlags};
use nix::sched::{unshare, CloneFlags};
use serde_json::Value;

use crate::State;

/// How long the kernel may take to make a destroyed namespace's links disappear.
const SETTLE: Duration = Duration::from_secs(5);

/// A host of a test's own: the network and mount namespaces of the thread that [`host`] started.
///
/// Its methods act on the calling thread's namespaces: call them on that thread, or on one started from it.
#[derive(Debug)]
pub struct Host {
    /// Directories that are this host's own, so that [`Host::dump`] may list them.
    private: Vec<&'static str>,
}

/// What a program left behind.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Output {
    /// It exited with status 0.
    pub success: bool,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

/// Runs `f` on a fresh thread with network and mount namespaces of its own, and returns its result.
///
/// In there `lo` is up, and `/run` and `/etc/libnetns` are empty and private, as is `/sys/fs/bpf` where it can
/// be mounted; the machine's `/etc` is on `/mnt` too. Threads and programs started by `f` inherit all this.
/// Everything is gone when the last of them ends.
///
/// # Panics
/// With the payload of `f`, when `f` panics; with one line saying what is missing, without the privilege.
#[track_caller]
pub fn host<T: Send>(f: impl FnOnce(&Host) -> T + Send) -> T {
    let mut builder = Builder::new();
    if let Some(name) = thread::current().name() {
        builder = builder.name(name.to_owned());
    }
    let run = || f(&Host::enter());
    thread::scope(|scope| {
        let started = builder.spawn_scoped(scope, run);
        let thread = started.unwrap_or_else(|e| panic!("testhost: starting a thread: {e}"));
        thread.join().unwrap_or_else(|payload| resume_unwind(payload))
    })
}

/// Records that `test` did not run, and why: on standard error, and as a line of the file that the
/// environment variable `NETNS_TEST_SKIPPED` names, if it is set.
///
/// # Panics
/// When that file cannot be written: a skip must not go unseen.
pub fn skip(test: &str, reason: &str) {
    eprintln!("skipped {test}: {reason}");
    append("NETNS_TEST_SKIPPED", &format!("{test}: {reason}"));
}

/// The version of the running kernel: its first two numbers.
///
/// # Panics
/// Where `/proc` is not mounted.
pub fn kernel_version() -> (u32, u32) {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").expect("the kernel has a version");
    let mut numbers = release.split(['.', '-']).map(|number| number.parse().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

/// Says what a test has done, as `COUNT WHAT: WHERE`: on standard output, and as a line of the file that
/// the environment variable `NETNS_TEST_REPORT` names, if it is set. `make test` adds up what is alike.
///
/// # Panics
/// When that file cannot be written.
pub fn report(line: &str) {
    println!("{line}");
    append("NETNS_TEST_REPORT", line);
}

/// To the file that the environment variable names, if it is set, in one write: test binaries append at
/// the same time.
fn append(variable: &str, line: &str) {
    let Some(path) = std::env::var_os(variable).filter(|path| !path.is_empty()) else {
        return;
    };
    let file = OpenOptions::new().append(true).create(true).open(&path);
    if let Err(e) = file.and_then(|mut file| file.write_all(format!("{line}\n").as_bytes())) {
        panic!("testhost: {variable}={}: {e}", path.display());
    }
}

/// The number of file descriptors that this process has open.
///
/// Other tests of the same process count too: compare only in a test binary that runs one test.
pub fn descriptors() -> usize {
    let entries = fs::read_dir("/proc/self/fd").unwrap_or_else(|e| panic!("testhost: /proc/self/fd: {e}"));
    entries.count() - 1 // the one that lists them
}

impl Host {
    fn enter() -> Self {
        if let Err(e) = unshare(CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS) {
            let need = "run as root, or `make test`, which re-runs itself in a user namespace";
            panic!("testhost: a test host needs network and mount namespaces of its own ({e}): {need}");
        }
        let recursively = MsFlags::MS_PRIVATE | MsFlags::MS_REC;
        if let Err(e) = mount(None::<&str>, "/", None::<&str>, recursively, None::<&str>) {
            panic!("testhost: making all mounts private: {e}");
        }
        if let Err(e) = mount_fresh("tmpfs", "/run") {
            panic!("testhost: mounting a private /run: {e}");
        }

        let mut private = vec!["/run"];
        // A user namespace cannot mount bpffs without delegation; an empty directory at least hides the machine's.
        if mount_fresh("bpf", "/sys/fs/bpf").or_else(|_| mount_fresh("tmpfs", "/sys/fs/bpf")).is_ok() {
            private.push("/sys/fs/bpf");
        }
        if let Err(e) = make_etc_private() {
            panic!("testhost: making a private /etc/libnetns: {e}");
        }
        private.push("/etc/libnetns");

        let host = Self { private };
        host.ip(&["link", "set", "lo", "up"]);
        host
    }

    /// What `ip -j -d ARGS` prints; an empty array if it prints nothing.
    ///
    /// # Panics
    /// With its standard error when it fails, and when it prints no JSON.
    #[track_caller]
    pub fn ip(&self, args: &[&str]) -> Value {
        self.json("ip", &["-j", "-d"], args)
    }

    /// [`Host::ip`] in the namespace called `namespace` under `/run/netns`.
    ///
    /// # Panics
    /// As [`Host::ip`].
    #[track_caller]
    pub fn ip_in(&self, namespace: &str, args: &[&str]) -> Value {
        self.json("ip", &["-n", namespace, "-j", "-d"], args)
    }

    /// What `bridge -j ARGS` prints; an empty array if it prints nothing.
    ///
    /// # Panics
    /// As [`Host::ip`].
    #[track_caller]
    pub fn bridge(&self, args: &[&str]) -> Value {
        self.json("bridge", &["-j"], args)
    }

    /// What `tc -j ARGS` prints; an empty array if it prints nothing.
    ///
    /// # Panics
    /// As [`Host::ip`].
    #[track_caller]
    pub fn tc(&self, args: &[&str]) -> Value {
        self.json("tc", &["-j"], args)
    }

    /// Runs a program to its end, whatever that is.
    ///
    /// # Panics
    /// When it cannot be started.
    #[track_caller]
    pub fn run(&self, program: &str, args: &[&str]) -> Output {
        self.try_run(program, args).unwrap_or_else(|e| panic!("testhost: starting {program}: {e}"))
    }

    /// Whether `address` answers one ping, sent from the namespace called `from_namespace` under
    /// `/run/netns`, within two seconds.
    ///
    /// # Panics
    /// When there is no such namespace.
    #[track_caller]
    pub fn ping(&self, from_namespace: &str, address: IpAddr) -> bool {
        let path = format!("/run/netns/{from_namespace}");
        assert!(fs::exists(&path).unwrap_or(false), "testhost: ping from {path}: no such namespace");
        let (net, address) = (format!("--net={path}"), address.to_string());
        self.run("nsenter", &[&net, "ping", "-n", "-c1", "-W2", &address]).success
    }

    /// The names of the namespaces under `/run/netns`, sorted.
    pub fn netns_list(&self) -> Vec<String> {
        let list = self.ip(&["netns", "list"]);
        let entries = list.as_array().into_iter().flatten();
        let mut names: Vec<_> =
            entries.filter_map(|entry| Some(entry["name"].as_str()?.to_owned())).collect();
        names.sort();
        names
    }

    /// Everything a leak would show in, at this moment.
    #[track_caller]
    pub fn dump(&self) -> State {
        State::of(self, &self.private)
    }

    /// Waits until the host is again as it was `before`. What a destroyed namespace contained goes away
    /// later than the namespace, so a difference counts only after five seconds.
    ///
    /// # Panics
    /// With the difference, when it stays.
    #[track_caller]
    pub fn assert_returns_to(&self, before: &State, context: &str) {
        let deadline = Instant::now() + SETTLE;
        let mut pause = Duration::from_millis(1);
        loop {
            let now = self.dump();
            if now == *before || Instant::now() >= deadline {
                return before.assert_same(&now, context);
            }
            thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(100));
        }
    }

    pub(crate) fn try_run(&self, program: &str, args: &[&str]) -> std::io::Result<Output> {
        let output = Command::new(program).args(args).output()?;
        Ok(Output {
            success: output.status.success(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    #[track_caller]
    fn json(&self, program: &str, options: &[&str], args: &[&str]) -> Value {
        let output = self.run(program, &[options, args].concat());
        let command = || format!("{program} {}", args.join(" "));
        assert!(output.success, "testhost: {}: {}", command(), output.stderr.trim());
        if output.stdout.trim().is_empty() {
            return Value::Array(Vec::new());
        }
        serde_json::from_str(&output.stdout)
            .unwrap_or_else(|e| panic!("testhost: {}: no JSON ({e}): {}", command(), output.stdout))
    }
}

/// An `/etc` of this host's own, in which everything leads to the machine's but `libnetns`, which is empty:
/// the machine has no such directory to mount on, and is not given one.
fn make_etc_private() -> std::io::Result<()> {
    const MACHINES: &str = "/mnt";
    let bind = MsFlags::MS_BIND | MsFlags::MS_REC;
    mount(Some("/etc"), MACHINES, None::<&str>, bind, None::<&str>)?;
    mount_fresh("tmpfs", "/etc")?;
    for entry in fs::read_dir(MACHINES)? {
        let name = entry?.file_name();
        if name != "libnetns" {
            symlink(Path::new(MACHINES).join(&name), Path::new("/etc").join(&name))?;
        }
    }
    fs::create_dir("/etc/libnetns")
}

fn mount_fresh(kind: &str, path: &str) -> Result<(), Errno> {
    let data = (kind == "tmpfs").then_some("mode=0755");
    mount(Some(kind), path, Some(kind), MsFlags::MS_NOSUID | MsFlags::MS_NODEV, data)
}
