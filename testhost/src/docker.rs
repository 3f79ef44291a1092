//! A `dockerd` of a test's own, with nothing of the machine's but the control groups.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nix::mount::{mount, MsFlags};
use nix::sys::signal::{kill, Signal};
use nix::unistd::Pid;

use crate::tools::{output, Tools};

/// Where it keeps everything: not among what a host compares, whose containers come and go.
const DIRECTORY: &str = "/opt/dockerd";
/// How long the daemon may take to begin and to end.
const PATIENCE: Duration = Duration::from_secs(60);
const GROUPS: &str = "/sys/fs/cgroup";
/// What is called by its name in the image.
const APPLETS: [&str; 8] = ["httpd", "ip", "nc", "ping", "sh", "sleep", "true", "wget"];

/// A daemon in the namespaces of the thread that started it, with an image, [`Docker::IMAGE`].
///
/// When it is dropped everything ends that it has started: itself, containers and what watches over them;
/// their control groups and its mounts go, too.
#[derive(Debug)]
pub struct Docker {
    tools: Tools,
    options: Vec<String>,
    group: String,
    daemon: Option<Child>,
}

impl Docker {
    /// Where it listens.
    pub const SOCKET: &str = "/opt/dockerd/docker.sock";
    /// An image of busybox, in whose `/bin` its programs are.
    pub const IMAGE: &str = "box";
    /// The programs that it takes.
    pub const PROGRAMS: [&str; 6] = ["dockerd", "containerd", "docker", "runc", "iptables", "busybox"];

    /// Starts the daemon with further options, to be called in a test's host.
    ///
    /// # Errors
    /// What is missing, or what the daemon says when it does not work here.
    pub fn start(options: &[&str]) -> Result<Self, String> {
        static STARTED: AtomicUsize = AtomicUsize::new(0);
        let tools = Tools::new();
        tools.check(&Self::PROGRAMS)?;
        prepare()?;
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let mut docker = Self {
            tools,
            options: options.iter().map(|option| (*option).to_owned()).collect(),
            group: format!("netns-docker-{}-{number}", std::process::id()),
            daemon: None,
        };
        docker.start_again()?;
        docker.import()?;
        let probe = docker.client(&["run", "--rm", "--network", "none", Self::IMAGE, "true"]);
        docker.output(probe).map_err(|why| format!("it runs no containers here: {why}"))?;
        Ok(docker)
    }

    /// Starts the daemon after it has ended, with the same options, and waits until it answers.
    ///
    /// # Errors
    /// The last line of its log.
    pub fn start_again(&mut self) -> Result<(), String> {
        let at = |name: &str| format!("{DIRECTORY}/{name}");
        let mut command = self.tools.command("dockerd");
        command.arg(format!("--host=unix://{}", Self::SOCKET)).arg("--storage-driver=vfs");
        command.args(["--config-file", &at("docker.json"), "--data-root", &at("lib")]);
        command.args(["--exec-root", &at("exec"), "--pidfile", &at("docker.pid")]);
        command
            .arg("--exec-opt=native.cgroupdriver=cgroupfs")
            .arg(format!("--cgroup-parent=/{}", self.group));
        command.args(&self.options);
        let log = File::options().create(true).append(true).open(at("log")).map_err(as_error)?;
        command.stdout(log.try_clone().map_err(as_error)?).stderr(log);
        self.daemon = Some(command.spawn().map_err(as_error)?);
        let answers = || output(&mut self.client(&["version"])).is_ok();
        if wait_until(|| answers() || self.has_ended()) && answers() {
            return Ok(());
        }
        Err(format!("dockerd: {}", self.log().lines().last().unwrap_or("it does not start")))
    }

    /// The client with these arguments.
    pub fn client(&self, arguments: &[&str]) -> Command {
        let mut command = self.tools.command("docker");
        command.env("DOCKER_HOST", format!("unix://{}", Self::SOCKET)).env("DOCKER_CONFIG", DIRECTORY);
        command.args(arguments);
        command
    }

    /// What the daemon has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(format!("{DIRECTORY}/log")).unwrap_or_default()
    }

    /// The number of the daemon's process, while it runs.
    pub fn process(&self) -> Option<u32> {
        self.daemon.as_ref().map(Child::id)
    }

    /// Ends the daemon, its containers first unless they are to stay, and waits until it has.
    pub fn stop(&mut self) {
        let Some(mut daemon) = self.daemon.take() else { return };
        signal(daemon.id(), Signal::SIGTERM);
        if !wait_until(|| !matches!(daemon.try_wait(), Ok(None))) {
            end(&mut daemon);
        }
    }

    /// Ends the daemon where it stands.
    pub fn kill(&mut self) {
        let Some(mut daemon) = self.daemon.take() else { return };
        end(&mut daemon);
        // Its containerd goes with it, and may stay for a while as a process that nobody has waited for: the
        // next daemon would wait for that to listen.
        let _ = fs::remove_file(format!("{DIRECTORY}/exec/containerd/containerd.pid"));
    }

    /// Ends all containers where they stand, of a daemon that has ended, and who watches over them.
    pub fn end_containers(&self) {
        for group in self.groups() {
            remove_group(&group);
        }
        // Of a daemon that was killed they are nobody's children.
        for process in survivors() {
            signal(process, Signal::SIGKILL);
        }
    }

    fn output(&self, mut command: Command) -> Result<String, String> {
        let log = |why| format!("{why} ({})", self.log().lines().last().unwrap_or_default());
        output(&mut command).map_err(log)
    }

    fn has_ended(&self) -> bool {
        // A process that nobody has waited for is there yet.
        let stat = self.process().and_then(|id| fs::read_to_string(format!("/proc/{id}/stat")).ok());
        stat.is_none_or(|stat| stat.contains(") Z "))
    }

    /// An image of one program.
    fn import(&self) -> Result<(), String> {
        let root = format!("{DIRECTORY}/image");
        let busybox = self.tools.find("busybox").ok_or("no busybox")?;
        fs::create_dir_all(format!("{root}/bin")).map_err(as_error)?;
        fs::copy(busybox, format!("{root}/bin/busybox")).map_err(as_error)?;
        for applet in APPLETS {
            symlink("busybox", format!("{root}/bin/{applet}")).map_err(as_error)?;
        }
        let archive = format!("{DIRECTORY}/image.tar");
        output(Command::new("tar").args(["-C", &root, "-cf", &archive, "."]))?;
        fs::remove_dir_all(root).map_err(as_error)?;
        output(&mut self.client(&["import", "--change", "ENV PATH=/bin", &archive, Self::IMAGE]))?;
        fs::remove_file(archive).map_err(as_error)
    }

    /// The control groups of its containers, in every hierarchy.
    fn groups(&self) -> impl Iterator<Item = PathBuf> + '_ {
        let below = fs::read_dir(GROUPS).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
        let hierarchies = below.chain([Path::new(GROUPS).to_owned()]);
        hierarchies.map(|hierarchy| hierarchy.join(&self.group)).filter(|group| group.is_dir())
    }
}

impl Drop for Docker {
    fn drop(&mut self) {
        if self.daemon.is_some() {
            let all = output(&mut self.client(&["ps", "--all", "--quiet"])).unwrap_or_default();
            let all: Vec<_> = all.lines().collect();
            if !all.is_empty() {
                let _ = output(&mut self.client(&[&["rm", "--force"], &all[..]].concat()));
            }
        }
        self.stop();
        self.end_containers();
    }
}
/// Private directories where the daemon, whatever it is told, writes to.
fn prepare() -> Result<(), String> {
    if !fs::exists(DIRECTORY).unwrap_or(false) {
        let opt = Path::new("/opt");
        mount(Some("tmpfs"), opt, Some("tmpfs"), MsFlags::empty(), None::<&str>).map_err(as_error)?;
    }
    fs::create_dir_all(DIRECTORY).map_err(as_error)?;
    fs::write(format!("{DIRECTORY}/docker.json"), "{}").map_err(as_error)?;
    // In a test's host /etc is its own, and this a link to the machine's, if it is there.
    let _ = fs::remove_file("/etc/docker");
    fs::create_dir_all("/etc/docker").map_err(as_error)
}

/// Ends who is in a control group, and removes it with those below.
fn remove_group(group: &Path) {
    for entry in fs::read_dir(group).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_group(&entry.path());
        }
    }
    wait_until(|| {
        let processes = fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
        for process in processes.lines().filter_map(|line| line.parse().ok()).filter(|process| *process > 0) {
            signal(process, Signal::SIGKILL);
        }
        fs::remove_dir(group).is_ok() || !group.exists()
    });
}

/// Programs of Docker's that run in the calling thread's mount namespace.
fn survivors() -> Vec<u32> {
    let mounts = |process: &str| fs::read_link(format!("/proc/{process}/ns/mnt")).ok();
    let own = mounts("thread-self");
    let is_dockers = |process: &u32| {
        let name = fs::read_to_string(format!("/proc/{process}/comm")).unwrap_or_default();
        ["containerd", "docker"].iter().any(|prefix| name.starts_with(prefix))
    };
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    let all = all.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    all.filter(|process| own.is_some() && mounts(&process.to_string()) == own).filter(is_dockers).collect()
}

fn end(daemon: &mut Child) {
    let _ = daemon.kill();
    let _ = daemon.wait();
}

fn signal(process: u32, signal: Signal) {
    // Who is gone by now needs none.
    let _ = i32::try_from(process).map(|process| kill(Pid::from_raw(process), signal));
}

/// Whether it came to be so before patience ended.
fn wait_until(mut is_so: impl FnMut() -> bool) -> bool {
    let begin = Instant::now();
    while begin.elapsed() < PATIENCE {
        if is_so() {
            return true;
        }
        thread::sleep(Duration::from_millis(20));
    }
    false
}

fn as_error(error: impl std::fmt::Display) -> String {
    error.to_string()
}
