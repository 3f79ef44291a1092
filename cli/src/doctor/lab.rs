//! What is tried, and where: in network and mount namespaces that go with their thread.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use netns::ipnet::IpNet;
use netns::stats::{Meter, MeterOptions};
use netns::{
    Controller, ControllerOptions, EndpointOptions, Error, ErrorKind, FirewallMode, InterfaceName, Namespace,
    Network, NetworkConfig, NetworkOptions, Result, Sandbox, SandboxKey,
};
use nix::errno::Errno;
use nix::mount::{mount, MsFlags};
use nix::sched::{unshare, CloneFlags};
use rustix::fs::{accessat, Access, AtFlags, CWD};

use super::report::{Capability, Report};

/// Where all files are, on a file system that the thread alone sees.
const PLACE: &str = "/run";
const BRIDGE: &str = "br-probe";
const RIGHTS: &str =
    "run as root, in a container with CAP_SYS_ADMIN and CAP_NET_ADMIN, or in a namespace: unshare -Urnm COMMAND";

/// Something to try.
struct Check {
    name: &'static str,
    what_for: &'static str,
    attempt: fn(&mut Lab) -> Result<()>,
    remedy: &'static str,
    needs: Option<&'static str>,
    required: bool,
}

impl Check {
    const fn new(
        name: &'static str,
        what_for: &'static str,
        attempt: fn(&mut Lab) -> Result<()>,
        remedy: &'static str,
    ) -> Self {
        Self { name, what_for, attempt, remedy, needs: None, required: false }
    }

    const fn after(self, needs: &'static str) -> Self {
        Self { needs: Some(needs), ..self }
    }

    const fn required(self) -> Self {
        Self { required: true, ..self }
    }
}

const CHECKS: [Check; 10] = [
    Check::new("namespaces", "sandboxes", Lab::namespaces, RIGHTS).required(),
    Check::new("bridge", "bridge networks", Lab::bridge, "modprobe bridge, or another kernel")
        .after("namespaces")
        .required(),
    Check::new("veth", "interfaces", Lab::veth, "modprobe veth, or another kernel")
        .after("bridge")
        .required(),
    Check::new("store", "controllers", Lab::store, "a file system that can be written")
        .after("namespaces")
        .required(),
    Check::new("IPv6", "IPv6 addresses", Lab::ipv6, "boot without ipv6.disable=1").after("veth"),
    Check::new(
        "/proc/sys",
        "forwarding and settings of interfaces",
        Lab::settings,
        "mount -o remount,rw /proc/sys",
    )
    .after("namespaces"),
    Check::new(
        "nf_tables with NAT",
        "firewall and published ports",
        Lab::firewall,
        "modprobe nf_tables nft_chain_nat nft_masq, or another kernel",
    )
    .after("store"),
    Check::new(
        "bpf and clsact",
        "counters",
        Lab::counters,
        "CAP_BPF, and a kernel with CONFIG_NET_CLS_BPF and CONFIG_NET_SCH_INGRESS",
    )
    .after("bridge"),
    Check::new(
        "/sys/fs/bpf",
        "counters in their usual place",
        Lab::bpf_filesystem,
        "mount -t bpf bpf /sys/fs/bpf",
    ),
    Check::new(
        "directories",
        "networks and sandboxes in their usual places",
        Lab::directories,
        "run as root, or name others: NETNS_NETWORKS_DIR, NETNS_RUN_DIR, NETNS_SANDBOX_DIR",
    ),
];

/// Tries everything. It changes nothing on the machine, and leaves nothing.
pub(super) fn probe(options: &ControllerOptions) -> Result<Report> {
    let try_all = || {
        let mut lab = Lab::new(options);
        let mut outcomes: Vec<Capability> = Vec::new();
        for check in &CHECKS {
            outcomes.push(tried(check, &mut lab, &outcomes));
        }
        outcomes
    };
    let outcomes = thread::scope(|scope| scope.spawn(try_all).join());
    Report::new(outcomes.map_err(|_| Error::new(ErrorKind::System, "try", "everything"))?)
}

fn tried(check: &Check, lab: &mut Lab, before: &[Capability]) -> Capability {
    let &Check { name, what_for, required, .. } = check;
    let untried =
        Capability { name, what_for, required, ok: None, reason: String::new(), remedy: String::new() };
    let is_there = |needs| before.iter().any(|other| other.name == needs && other.ok == Some(true));
    if let Some(needs) = check.needs.filter(|needs| !is_there(*needs)) {
        return Capability { reason: format!("not tried without {needs}"), ..untried };
    }
    match (check.attempt)(lab) {
        Ok(()) => Capability { ok: Some(true), ..untried },
        Err(error) => Capability {
            ok: Some(false),
            reason: error.to_string(),
            remedy: check.remedy.to_owned(),
            ..untried
        },
    }
}

/// What the attempts share.
struct Lab {
    /// Of the machine, looked at before the thread has mounts of its own.
    mounts: String,
    directories: [PathBuf; 3],
    host: Option<Namespace>,
    sandbox: Option<Sandbox>,
    network: Option<Network>,
    controller: Option<Controller>,
}

impl Lab {
    fn new(options: &ControllerOptions) -> Self {
        Self {
            mounts: fs::read_to_string("/proc/self/mounts").unwrap_or_default(),
            directories: [&options.run_dir, &options.sandbox_dir, &options.networks_dir].map(Clone::clone),
            host: None,
            sandbox: None,
            network: None,
            controller: None,
        }
    }

    /// Where all that follows happens. Whatever becomes of this process, the kernel takes it away with the thread.
    fn namespaces(&mut self) -> Result<()> {
        let recursively = MsFlags::MS_PRIVATE | MsFlags::MS_REC;
        unshare(CloneFlags::CLONE_NEWNS)
            .and_then(|()| mount(None::<&str>, "/", None::<&str>, recursively, None::<&str>))
            .map_err(|errno| failed("create", "mount namespace", errno))?;
        mount(Some("tmpfs"), PLACE, Some("tmpfs"), MsFlags::empty(), None::<&str>)
            .map_err(|errno| failed("mount", "place to try in", errno))?;
        let host = Namespace::create()?;
        let key = SandboxKey::in_base(&Path::new(PLACE).join("sandboxes"), "probe")?;
        self.sandbox = Some(host.run(|| Sandbox::create(&key))??);
        self.host = Some(host);
        Ok(())
    }

    fn bridge(&mut self) -> Result<()> {
        let options = NetworkOptions::default().with_bridge(InterfaceName::new(BRIDGE)?);
        self.network = Some(self.inside(|_| Network::create("bridge", "probe", options))?);
        Ok(())
    }

    fn veth(&mut self) -> Result<()> {
        self.join("probe", "192.0.2.2/24")
    }

    fn ipv6(&mut self) -> Result<()> {
        if !Path::new("/proc/sys/net/ipv6").is_dir() {
            let error = Error::new(ErrorKind::Unsupported, "use", "IPv6");
            return Err(error.with_cause("this kernel has no IPv6, or it is switched off (ipv6.disable=1)"));
        }
        self.join("probe6", "2001:db8::2/64")
    }

    fn settings(&mut self) -> Result<()> {
        const FORWARDING: &str = "/proc/sys/net/ipv4/ip_forward";
        let written = there(&self.sandbox)?.run(|| fs::write(FORWARDING, "1"))?;
        written.map_err(|error| io("write", FORWARDING, &error))
    }

    fn store(&mut self) -> Result<()> {
        let options = ControllerOptions::default().in_directory(&Path::new(PLACE).join("store"));
        self.controller = Some(self.inside(|_| Controller::open(options))?);
        Ok(())
    }

    fn firewall(&mut self) -> Result<()> {
        let mut network = NetworkConfig::new("bridge", "nat")?;
        network.firewall.mode = FirewallMode::Required;
        network.meter = false;
        self.inside(|lab| {
            let controller = there(&lab.controller)?;
            controller.create_network(network)?;
            controller.delete_network("nat")
        })
    }

    fn counters(&mut self) -> Result<()> {
        let place = Path::new(PLACE).join("bpf");
        fs::create_dir(&place).map_err(|error| io("make", &place.display().to_string(), &error))?;
        mount(Some("bpf"), &place, Some("bpf"), MsFlags::empty(), None::<&str>)
            .map_err(|errno| failed("mount", "bpf filesystem", errno))?;
        let options = MeterOptions::default().in_directory(&place.join("libnetns")).with_slots(16);
        self.inside(|_| {
            let (meter, bridge) = (Meter::open(&options)?, InterfaceName::new(BRIDGE)?);
            meter.attach(&bridge)?;
            meter.detach(&bridge)
        })
    }

    fn bpf_filesystem(&mut self) -> Result<()> {
        let is_it = |line: &str| line.split(' ').nth(1) == Some("/sys/fs/bpf");
        match self.mounts.lines().any(is_it) {
            true => Ok(()),
            false => Err(Error::new(ErrorKind::NotFound, "find", "counters")
                .with_cause("no bpf filesystem is at /sys/fs/bpf")),
        }
    }

    fn directories(&mut self) -> Result<()> {
        for place in &self.directories {
            let there = place.ancestors().find(|place| place.exists()).unwrap_or(Path::new("/"));
            accessat(CWD, there, Access::WRITE_OK, AtFlags::EACCESS).map_err(|errno| {
                Error::from_errno("write", there.display().to_string(), errno.raw_os_error())
            })?;
        }
        Ok(())
    }

    fn join(&self, name: &str, address: &str) -> Result<()> {
        let address: IpNet =
            address.parse().map_err(|_| Error::bad_request("use address", address, "it is no prefix"))?;
        let endpoint = EndpointOptions::new(name)?.with_address(address);
        self.inside(|lab| there(&lab.network)?.join(there(&lab.sandbox)?, &endpoint).map(drop))
    }

    /// Does something in the namespace that plays the host.
    fn inside<T>(&self, act: impl FnOnce(&Self) -> Result<T>) -> Result<T> {
        there(&self.host)?.run(|| act(self))?
    }
}

/// What an attempt before this one has made.
fn there<T>(part: &Option<T>) -> Result<&T> {
    part.as_ref().ok_or_else(|| Error::new(ErrorKind::System, "use", "what was not made"))
}

fn io(operation: &str, subject: &str, error: &std::io::Error) -> Error {
    match error.raw_os_error() {
        Some(errno) => Error::from_errno(operation, subject, errno),
        None => Error::new(ErrorKind::System, operation, subject).with_cause(error.to_string()),
    }
}

fn failed(operation: &str, subject: &str, errno: Errno) -> Error {
    Error::from_errno(operation, subject, errno as i32)
}
