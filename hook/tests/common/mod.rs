//! What the tests share: running the program, containers that are nothing but a process, and what is inside.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::fs::{self, read_link};
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{json, Value};
use testhost::Host;

pub(crate) const HOOK: &str = env!("CARGO_BIN_EXE_netns-hook");
/// How long something may take that is waited for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// How an invocation ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs the program with `input` on its standard input.
pub(crate) fn hook(args: &[&str], input: impl AsRef<[u8]>) -> Ended {
    let mut command = Command::new(HOOK);
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A program that does not read all of it closes the pipe.
    let _ = child.stdin.take().unwrap().write_all(input.as_ref());
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ended { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

impl Ended {
    /// It did what it was asked to, and has nothing to say.
    #[track_caller]
    pub(crate) fn well(self) {
        assert_eq!((self.code, self.stdout.as_str(), self.stderr.as_str()), (Some(0), "", ""));
    }

    /// It failed with `code` and one line that has all `words`.
    #[track_caller]
    pub(crate) fn refused(self, code: i32, words: &[&str]) {
        assert_eq!((self.code, self.stdout.as_str()), (Some(code), ""), "{self:?}");
        assert_eq!(self.stderr.matches('\n').count(), 1, "{self:?}");
        assert!(self.stderr.starts_with("netns-hook: ") && self.stderr.ends_with('\n'), "{self:?}");
        for word in words {
            assert!(self.stderr.contains(word), "no {word:?} in {:?}", self.stderr);
        }
    }
}

/// A state of a container without bundle and annotations.
pub(crate) fn state(id: &str, status: &str, pid: u32) -> Value {
    json!({ "ociVersion": "1.0.2", "id": id, "status": status, "pid": pid, "bundle": "/run/nowhere" })
}

/// The same with the annotation that the networks are in.
pub(crate) fn annotated(mut state: Value, config: &Value) -> String {
    state["annotations"] = json!({ "dev.libnetns.networks": config.to_string() });
    state.to_string()
}

/// A network on `br0` with addresses of both families that end in `number`.
pub(crate) fn network(number: u8) -> Value {
    json!({
        "type": "veth", "bridge": "br0",
        "address": format!("10.9.0.{number}/24"), "gateway": "10.9.0.1",
        "ipv6_address": format!("fd09::{number}/64"), "ipv6_gateway": "fd09::1",
    })
}

/// The bridge that containers are joined to.
pub(crate) fn bridge(host: &Host) {
    host.ip(&["link", "add", "br0", "address", "02:00:00:00:09:01", "type", "bridge"]);
    host.ip(&["address", "add", "10.9.0.1/24", "dev", "br0"]);
    host.ip(&["address", "add", "fd09::1/64", "dev", "br0", "nodad"]);
    host.ip(&["link", "set", "br0", "up"]);
}

/// A process in a network namespace of its own, until it is dropped.
pub(crate) struct Container(Child);

impl Container {
    pub(crate) fn start() -> Self {
        Self::of(Command::new("unshare").args(["--net", "cat"]))
    }

    /// One in the namespace called `name` under `/run/netns`.
    pub(crate) fn in_named(name: &str) -> Self {
        Self::of(Command::new("nsenter").args([&format!("--net=/run/netns/{name}"), "cat"]))
    }

    fn of(command: &mut Command) -> Self {
        let child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let container = Self(child);
        let own = read_link("/proc/thread-self/ns/net").unwrap();
        let path = format!("/proc/{}/ns/net", container.pid());
        wait_until("a process in a namespace of its own", || {
            read_link(&path).is_ok_and(|there| there != own)
        });
        container
    }

    pub(crate) fn pid(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The addresses of a process's links, and its default routes, sorted.
pub(crate) fn inside(host: &Host, pid: u32) -> (Vec<String>, Vec<String>) {
    let ip = |args: &[&str]| -> Value {
        let output = host.run("nsenter", &[&["-t", &pid.to_string(), "--net", "ip", "-j"], args].concat());
        assert!(output.success, "{output:?}");
        serde_json::from_str(&output.stdout).unwrap()
    };
    let word = |value: &Value, key: &str| value[key].as_str().unwrap_or_default().to_owned();
    let mut addresses = Vec::new();
    for link in ip(&["address", "show"]).as_array().unwrap() {
        let own = link["addr_info"].as_array().into_iter().flatten();
        let global = own.filter(|address| address["scope"] == "global");
        addresses.extend(
            global.map(|own| format!("{} {}/{}", word(link, "ifname"), word(own, "local"), own["prefixlen"])),
        );
    }
    let mut routes = Vec::new();
    for family in ["-4", "-6"] {
        let all = ip(&[family, "route", "show", "default"]);
        routes.extend(all.as_array().into_iter().flatten().map(|route| word(route, "gateway")));
    }
    addresses.sort();
    routes.sort();
    (addresses, routes)
}

/// Checks that the process has the interface of [`network`] and reaches its gateways.
#[track_caller]
pub(crate) fn assert_joined(host: &Host, pid: u32, number: u8) {
    let addresses = vec![format!("eth0 10.9.0.{number}/24"), format!("eth0 fd09::{number}/64")];
    let gateways = ["10.9.0.1", "fd09::1"].map(str::to_owned).to_vec();
    assert_eq!(inside(host, pid), (addresses, gateways));
    for gateway in ["10.9.0.1", "fd09::1"] {
        let net = format!("--net=/proc/{pid}/ns/net");
        let ping = host.run("nsenter", &[&net, "ping", "-n", "-c1", "-W5", gateway]);
        assert!(ping.success, "{gateway}: {}", ping.stdout);
    }
}

#[track_caller]
pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

pub(crate) fn write(path: &str, value: &Value) {
    fs::create_dir_all(Path::new(path).parent().unwrap()).unwrap();
    fs::write(path, value.to_string()).unwrap();
}

/// The names of the host's links, sorted.
pub(crate) fn links(host: &Host) -> Vec<String> {
    let all = host.ip(&["link", "show"]);
    let mut names: Vec<_> =
        all.as_array().unwrap().iter().filter_map(|link| Some(link["ifname"].as_str()?.to_owned())).collect();
    names.sort();
    names
}
