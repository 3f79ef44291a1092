//! Processes that join a container to a bridge: `netns-hook`, and CNI's plugin that does the same.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc::{channel, Sender};
use std::thread::{spawn, JoinHandle};
use std::time::Duration;

use nix::sched::{unshare, CloneFlags};
use nix::unistd::gettid;
use serde_json::{json, Value};
use testhost::Host;

use crate::figures::{target, Figures};
use crate::peers::{Cni, Tools};
use crate::rig::settle;
use crate::stats::{median, timed, Bound};

const ROUNDS: usize = 40;
const WARM_UP: usize = 5;
/// Before each sample, so that it does not pay for what the kernel put off of the one before.
const PAUSE: Duration = Duration::from_millis(10);
const BRIDGE: &str = "bench0";
const GATEWAY: &str = "10.9.0.1";
const ADDRESS: &str = "10.9.0.2/24";
const LOG: &str = "/run/invocation";

/// Measures both in turn, each with a namespace that was just made and is taken away again.
///
/// # Panics
/// When one of them fails, or leaves a container in another state than the other.
pub fn measure(host: &Host, figures: &mut Figures) {
    let hook = target().join("lib/netns-hook");
    if !hook.exists() {
        let why = format!("no {}: run scripts/lib", hook.display());
        return figures.not_measured("netns-hook", &why, ["hook_ms", "cni_over_hook"]);
    }
    host.ip(&["link", "add", BRIDGE, "address", "02:00:00:00:09:01", "type", "bridge"]);
    host.ip(&["address", "add", &format!("{GATEWAY}/24"), "dev", BRIDGE]);
    host.ip(&["link", "set", BRIDGE, "up"]);
    let links = crate::rig::link_count();

    let cni = Cni::new(&Tools::new(), BRIDGE, ADDRESS, GATEWAY);
    let (mut ours, mut theirs) = (Samples::default(), Samples::default());
    for round in 0..WARM_UP + ROUNDS {
        let mut by_hook =
            || ours.add(round, links, host, |what, id, container| by_hook(&hook, what, id, container));
        let mut by_cni = || {
            let Ok(cni) = &cni else { return };
            let command = |what: What, id: &str, container: &Container| {
                cni.command(what.of_cni(), id, &container.namespace()).expect("a plugin's configuration")
            };
            theirs.add(round, links, host, command);
        };
        if round % 2 == 0 {
            by_hook();
            by_cni();
        } else {
            by_cni();
            by_hook();
        }
    }
    host.ip(&["link", "delete", BRIDGE]);

    let join = median(&ours.join) / 1e3;
    figures.report("hook_ms", join, "ms", Bound::AtMost(5.0));
    figures.keep([("hook_poststop_ms", median(&ours.leave) / 1e3)]);
    if let Err(why) = cni {
        return figures.not_measured("cni", &why, ["cni_over_hook"]);
    }
    let cni_ms = median(&theirs.join) / 1e3;
    figures.report("cni_over_hook", cni_ms / join, "", Bound::AtLeast(4.0));
    figures.keep([("cni_ms", cni_ms), ("cni_del_ms", median(&theirs.leave) / 1e3)]);
}

/// What an invocation is to do.
#[derive(Clone, Copy, PartialEq)]
enum What {
    Join,
    Leave,
}

impl What {
    fn of_cni(self) -> &'static str {
        match self {
            Self::Join => "ADD",
            Self::Leave => "DEL",
        }
    }
}

/// What the invocations of one side took.
#[derive(Default)]
struct Samples {
    join: Vec<Duration>,
    leave: Vec<Duration>,
}

impl Samples {
    /// Joins a container and parts it; what it took counts once the container is seen to be as it should be.
    fn add(
        &mut self,
        round: usize,
        links: usize,
        host: &Host,
        command: impl Fn(What, &str, &Container) -> Command,
    ) {
        let container = Container::start();
        let id = format!("bench{round}");
        std::thread::sleep(PAUSE);
        let join = run(&mut command(What::Join, &id, &container));
        check(host, &container);
        let leave = run(&mut command(What::Leave, &id, &container));
        drop(container);
        settle(links);
        if round >= WARM_UP {
            self.join.push(join);
            self.leave.push(leave);
        }
    }
}

/// The whole of a process: from before it is started until it has been waited for.
fn run(command: &mut Command) -> Duration {
    command.stdout(Stdio::null()).stderr(File::create(LOG).expect("a log"));
    let (took, status) = timed(|| command.status());
    let status = status.expect("a program that starts");
    assert!(status.success(), "{command:?}: {}", fs::read_to_string(LOG).unwrap_or_default());
    took
}

fn by_hook(hook: &PathBuf, what: What, id: &str, container: &Container) -> Command {
    let networks = json!([{ "type": "veth", "bridge": BRIDGE, "address": ADDRESS, "gateway": GATEWAY }]);
    let mut state = json!({ "ociVersion": "1.0.2", "id": id, "bundle": "/run" });
    match what {
        What::Join => {
            state["status"] = "creating".into();
            state["pid"] = container.thread.into();
            state["annotations"] = json!({ "dev.libnetns.networks": networks.to_string() });
        }
        What::Leave => state["status"] = "stopped".into(),
    }
    let path = "/run/state.json";
    fs::write(path, state.to_string()).expect("a state");
    let mut command = Command::new(hook);
    command.stdin(File::open(path).expect("a state"));
    command
}

/// One end on the bridge, the other inside, up, with the address and the default route.
fn check(host: &Host, container: &Container) {
    let ports = host.ip(&["link", "show", "master", BRIDGE]);
    assert_eq!(ports.as_array().map(Vec::len), Some(1), "{ports}");
    let inside = |args: &[&str]| -> Value {
        let output =
            host.run("nsenter", &[&[&format!("--net={}", container.namespace()), "ip", "-j"], args].concat());
        serde_json::from_str(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
    };
    let link = &inside(&["-4", "address", "show", "dev", "eth0"])[0];
    assert!(link["flags"].as_array().is_some_and(|flags| flags.contains(&json!("UP"))), "{link}");
    let (own, length) = (&link["addr_info"][0]["local"], &link["addr_info"][0]["prefixlen"]);
    assert_eq!(format!("{}/{length}", own.as_str().unwrap_or_default()), ADDRESS, "{link}");
    let routes = inside(&["-4", "route", "show", "default"]);
    assert_eq!((&routes[0]["gateway"], &routes[0]["dev"]), (&json!(GATEWAY), &json!("eth0")), "{routes}");
}

/// A thread in a network namespace of its own, until it is dropped.
struct Container {
    thread: i32,
    stays: Option<Sender<()>>,
    handle: Option<JoinHandle<()>>,
}

impl Container {
    fn start() -> Self {
        let (say, said) = channel();
        let (stays, stay) = channel();
        let handle = spawn(move || {
            unshare(CloneFlags::CLONE_NEWNET).expect("a network namespace");
            say.send(gettid().as_raw()).expect("somebody who waits");
            // Until the other side is dropped.
            let _ = stay.recv();
        });
        Self { thread: said.recv().expect("a namespace"), stays: Some(stays), handle: Some(handle) }
    }

    fn namespace(&self) -> String {
        format!("/proc/{}/ns/net", self.thread)
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        drop(self.stays.take());
        let _ = self.handle.take().map(JoinHandle::join);
    }
}
