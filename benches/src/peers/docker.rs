//! `dockerd` of its own, with nothing of the machine's but the control groups.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use nix::mount::{mount, MsFlags};
use nix::sys::signal::{kill, Signal};
use nix::unistd::Pid;

use super::{as_error, output, Tools, Turn, DIRECTORY};
use crate::stats::timed;

const SOCKET: &str = "unix:///run/peers/docker.sock";
const IMAGE: &str = "peer";
/// How long the daemon may take to begin and to end.
const PATIENCE: Duration = Duration::from_secs(30);

/// A daemon with two containers, in the namespaces of the thread that started it.
#[derive(Debug)]
pub struct Docker {
    tools: Tools,
    daemon: Child,
    group: String,
}

impl Docker {
    /// The programs that it takes.
    pub const PROGRAMS: [&str; 5] = ["dockerd", "docker", "runc", "iptables", "busybox"];

    /// Starts the daemon and makes the containers with so many ports, to be called in a test's host.
    ///
    /// # Errors
    /// What the daemon says when it does not work here.
    pub fn start(tools: Tools, userland_proxy: bool, ports: [u16; 2]) -> Result<Self, String> {
        prepare()?;
        let group = format!("netns-bench-{}-{userland_proxy}", std::process::id());
        let mut command = tools.command("dockerd");
        command.args([
            "--host",
            SOCKET,
            "--storage-driver",
            "vfs",
            "--config-file",
            "/run/peers/docker.json",
        ]);
        command.args(["--data-root", "/run/peers/lib", "--exec-root", "/run/peers/exec"]);
        command.args(["--pidfile", "/run/peers/docker.pid", "--exec-opt", "native.cgroupdriver=cgroupfs"]);
        command.arg(format!("--userland-proxy={userland_proxy}")).arg(format!("--cgroup-parent=/{group}"));
        let log = File::create("/run/peers/log").map_err(as_error)?;
        command.stdout(log.try_clone().map_err(as_error)?).stderr(log);
        let daemon = command.spawn().map_err(as_error)?;
        let mut docker = Self { tools, daemon, group };
        docker.wait()?;
        docker.import()?;
        docker.create("few", 8_000, ports[0])?;
        docker.create("many", 9_000, ports[1])?;
        Ok(docker)
    }

    /// Its version.
    ///
    /// # Errors
    /// When it has none.
    pub fn version(&self) -> Result<String, String> {
        output(self.client().args(["version", "--format", "{{.Server.Version}}"]))
    }

    /// Starts and stops both containers: it is at the start that the rules of the ports are made.
    ///
    /// # Errors
    /// What the daemon says.
    pub fn turn(&self) -> Result<Turn, String> {
        let [few, many] = ["few", "many"].map(|name| self.run(name));
        let (few, many) = (few?, many?);
        Ok(Turn { start: [few.0, many.0], end: [few.1, many.1] })
    }

    fn run(&self, name: &str) -> Result<(Duration, Duration), String> {
        let (started, result) = timed(|| output(self.client().args(["start", name])));
        result?;
        let (ended, result) = timed(|| output(self.client().args(["stop", "--time", "0", name])));
        result?;
        Ok((started, ended))
    }

    fn client(&self) -> Command {
        let mut command = self.tools.command("docker");
        command.env("DOCKER_HOST", SOCKET).env("DOCKER_CONFIG", DIRECTORY);
        command
    }

    fn wait(&mut self) -> Result<(), String> {
        let begin = Instant::now();
        while begin.elapsed() < PATIENCE && matches!(self.daemon.try_wait(), Ok(None)) {
            if self.version().is_ok() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let log = fs::read_to_string("/run/peers/log").unwrap_or_default();
        Err(format!("dockerd: {}", log.lines().last().unwrap_or("it does not start")))
    }

    /// An image of one program.
    fn import(&self) -> Result<(), String> {
        let busybox = self.tools.find("busybox").ok_or("no busybox")?;
        fs::create_dir_all("/run/peers/image/bin").map_err(as_error)?;
        fs::copy(busybox, "/run/peers/image/bin/busybox").map_err(as_error)?;
        let archive = "/run/peers/image.tar";
        output(Command::new("tar").args(["-C", "/run/peers/image", "-cf", archive, "."]))?;
        output(self.client().args(["import", archive, IMAGE])).map(drop)
    }

    fn create(&self, name: &str, first: u16, ports: u16) -> Result<(), String> {
        let mut command = self.client();
        command.args(["create", "--name", name]);
        for port in 1..=ports {
            command.args(["--publish", &format!("{}:{port}", first + port)]);
        }
        output(command.args([IMAGE, "/bin/busybox", "sleep", "3600"])).map(drop)
    }
}

impl Drop for Docker {
    /// Ends the daemon, which ends what it has started, and waits until it has.
    fn drop(&mut self) {
        for name in ["few", "many"] {
            let _ = output(self.client().args(["rm", "--force", name]));
        }
        let daemon = i32::try_from(self.daemon.id()).map(Pid::from_raw);
        let asked = daemon.is_ok_and(|daemon| kill(daemon, Signal::SIGTERM).is_ok());
        let begin = Instant::now();
        while asked && begin.elapsed() < PATIENCE && matches!(self.daemon.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
        remove_groups(&self.group);
    }
}

/// Private directories where the daemon, whatever it is told, writes to.
fn prepare() -> Result<(), String> {
    fs::create_dir_all(DIRECTORY).map_err(as_error)?;
    fs::write(Path::new(DIRECTORY).join("docker.json"), "{}").map_err(as_error)?;
    // In a test's host /etc is its own, and this a link to the machine's, if it is there.
    let _ = fs::remove_file("/etc/docker");
    fs::create_dir_all("/etc/docker").map_err(as_error)?;
    let opt = Path::new("/opt");
    mount(Some("tmpfs"), opt, Some("tmpfs"), MsFlags::empty(), None::<&str>).map_err(as_error)
}

/// The control groups that were made, in every hierarchy.
fn remove_groups(group: &str) {
    let root = Path::new("/sys/fs/cgroup");
    let below = fs::read_dir(root).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
    for hierarchy in below.chain([root.to_owned()]) {
        let _ = fs::remove_dir(hierarchy.join(group));
    }
}
