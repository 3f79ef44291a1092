//! What the integration tests share: short ways to make things, and foreign eyes to look at them with.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::fmt::Debug;
use std::fs;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use netns::link::LINK_GROUP;
use netns::{
    EndpointOptions, Error, ErrorKind, Interface, Network, NetworkOptions, Result, Sandbox, SandboxKey,
};
use serde_json::Value;
use testhost::{Host, State};

/// The gateways of [`network`].
pub(crate) const GATEWAYS: [&str; 2] = ["10.1.0.1/24", "fd01::1/64"];

pub(crate) fn key(name: &str) -> SandboxKey {
    SandboxKey::new(name).unwrap()
}

pub(crate) fn sandbox(name: &str) -> Sandbox {
    Sandbox::create(&key(name)).unwrap()
}

pub(crate) fn options(gateways: &[&str]) -> NetworkOptions {
    gateways
        .iter()
        .fold(NetworkOptions::default(), |options, gateway| options.with_gateway(gateway.parse().unwrap()))
}

/// The dual-stack network `name` on the bridge `br-NAME`, settled: the kernel adds the local route of
/// an IPv6 address some time after the address.
pub(crate) fn network(name: &str) -> Network {
    let network = Network::create("bridge", name, options(&GATEWAYS)).unwrap();
    await_local(network.bridge().as_str(), "fd01::1");
    network
}

/// Waits until the kernel answers to an IPv6 address that it has been given.
#[track_caller]
pub(crate) fn await_local(dev: &str, address: &str) {
    let is_there = || {
        let shown = Command::new("ip").args(["-6", "route", "show", "table", "local", "dev", dev]).output();
        String::from_utf8(shown.unwrap().stdout).unwrap().contains(&format!("local {address} "))
    };
    let begin = Instant::now();
    while !is_there() {
        assert!(begin.elapsed() < Duration::from_secs(5), "the local route of {address} does not come");
        thread::sleep(Duration::from_millis(2));
    }
}

pub(crate) fn endpoint(name: &str, addresses: &[&str]) -> EndpointOptions {
    addresses.iter().fold(EndpointOptions::new(name).unwrap(), |endpoint, address| {
        endpoint.with_address(address.parse().unwrap())
    })
}

/// A dual-stack endpoint of [`network`], its addresses ending in `host`.
pub(crate) fn dual(name: &str, host: u8) -> EndpointOptions {
    endpoint(name, &[&format!("10.1.0.{host}/24"), &format!("fd01::{host}/64")])
}

/// The device `src_name` with an IPv4 address.
pub(crate) fn interface(src_name: &str, address: &str) -> Interface {
    let mut interface = Interface::new(src_name).unwrap();
    interface.address = Some(address.parse().unwrap());
    interface
}

/// A veth pair in the host, made by `ip`; both ends are down.
pub(crate) fn veth(host: &Host, name: &str, peer: &str) {
    host.ip(&["link", "add", name, "type", "veth", "peer", "name", peer]);
}

/// The directory of the sandboxes is not a sandbox's to remove: it is there before.
pub(crate) fn with_base(host: &Host) -> State {
    fs::create_dir_all("/run/netns").unwrap();
    host.dump()
}

/// What `ip` prints for one link; in the namespace `place` unless that is empty.
#[track_caller]
pub(crate) fn link(host: &Host, place: &str, name: &str) -> Value {
    let args = ["address", "show", "dev", name];
    let links = if place.is_empty() { host.ip(&args) } else { host.ip_in(place, &args) };
    let mut links = objects(links);
    assert_eq!(links.len(), 1, "links named {name} in {place:?}: {links:?}");
    links.remove(0)
}

pub(crate) fn links(host: &Host, place: &str) -> Vec<String> {
    let links =
        if place.is_empty() { host.ip(&["link", "show"]) } else { host.ip_in(place, &["link", "show"]) };
    let name = |link: &Value| link["ifname"].as_str().unwrap().to_owned();
    let mut names: Vec<_> = objects(links).iter().map(name).collect();
    names.sort();
    names
}

pub(crate) fn is_up(link: &Value) -> bool {
    link["flags"].as_array().unwrap().iter().any(|flag| flag == "UP")
}

pub(crate) fn is_ours(link: &Value) -> bool {
    link["group"].as_str() == Some(&LINK_GROUP.to_string())
}

/// The addresses of a link, link-local ones too, sorted.
pub(crate) fn addresses(link: &Value) -> Vec<String> {
    let own = link["addr_info"].as_array().unwrap().iter();
    let text = |own: &Value| format!("{}/{}", own["local"].as_str().unwrap(), own["prefixlen"]);
    let mut addresses: Vec<_> = own.filter(|own| own["local"].is_string()).map(text).collect();
    addresses.sort();
    addresses
}

/// Unicast routes of the main table, as `DESTINATION [via GATEWAY] dev NAME`, without those that the
/// kernel made for link-local addresses; sorted.
pub(crate) fn routes(host: &Host, place: &str, family: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for route in objects(host.ip_in(place, &[family, "route", "show"])) {
        let word = |key: &str| route[key].as_str().unwrap_or_default();
        if word("dst").starts_with("fe80:") {
            continue;
        }
        let via =
            if route["gateway"].is_string() { format!(" via {}", word("gateway")) } else { String::new() };
        lines.push(format!("{}{via} dev {}", word("dst"), word("dev")));
    }
    lines.sort();
    lines
}

/// Permanent neighbours as `ADDRESS MAC`, sorted.
pub(crate) fn neighbours(host: &Host, place: &str) -> Vec<String> {
    let all = objects(host.ip_in(place, &["neighbour", "show", "nud", "permanent"]));
    let text = |one: &Value| format!("{} {}", one["dst"].as_str().unwrap(), one["lladdr"].as_str().unwrap());
    let mut lines: Vec<_> = all.iter().map(text).collect();
    lines.sort();
    lines
}

/// iproute2 prints an empty object for each that its filter hides.
pub(crate) fn objects(array: Value) -> Vec<Value> {
    let Value::Array(values) = array else { panic!("no array: {array}") };
    let whole = |value: &Value| value.as_object().is_some_and(|object| !object.is_empty());
    values.into_iter().filter(whole).collect()
}

/// Everything inside a sandbox that a leak would show in.
pub(crate) fn inside(host: &Host, sandbox: &Sandbox) -> State {
    sandbox.run(|| host.dump()).unwrap()
}

#[track_caller]
pub(crate) fn assert_inside_is(host: &Host, sandbox: &Sandbox, before: &State, context: &str) {
    sandbox.run(|| host.assert_returns_to(before, &format!("inside: {context}"))).unwrap();
}

/// A file under `/proc/sys/net/ipv6/conf`, as the sandbox has it.
pub(crate) fn ipv6_setting(sandbox: &Sandbox, name: &str) -> String {
    let path = format!("/proc/sys/net/ipv6/conf/{name}");
    let text = sandbox.run(|| fs::read_to_string(&path)).unwrap();
    text.unwrap_or_else(|error| panic!("{path}: {error}")).trim().to_owned()
}

/// The error of a call that must fail with `kind`, say all `words`, and leave nothing to undo.
#[track_caller]
pub(crate) fn refused<T: Debug>(result: Result<T>, kind: ErrorKind, words: &[&str]) -> Error {
    let error = match result {
        Ok(value) => panic!("it succeeded: {value:?}"),
        Err(error) => error,
    };
    assert_eq!(error.kind(), kind, "{error}");
    let text = error.to_string();
    for word in words {
        assert!(text.contains(word), "{word:?} is missing in {text:?}");
    }
    assert!(error.rollback_failures().is_empty(), "{error}");
    error
}

/// A process in a network namespace of its own, until it is dropped.
pub(crate) struct Container(Child);

impl Container {
    pub(crate) fn start() -> Self {
        let mut unshare = Command::new("unshare");
        let child = unshare.args(["--net", "cat"]).stdin(Stdio::piped()).stdout(Stdio::null());
        let container = Self(child.spawn().unwrap());
        let own = fs::read_link("/proc/thread-self/ns/net").unwrap();
        while fs::read_link(container.namespace()).is_ok_and(|there| there == own) {
            thread::yield_now();
        }
        container
    }

    /// One whose namespace has a name under `/run/netns` too, which keeps it when the process ends.
    pub(crate) fn named(host: &Host, name: &str) -> Self {
        let container = Self::start();
        host.ip(&["netns", "attach", name, &container.pid().to_string()]);
        container
    }

    pub(crate) fn pid(&self) -> u32 {
        self.0.id()
    }

    pub(crate) fn namespace(&self) -> String {
        format!("/proc/{}/ns/net", self.0.id())
    }

    pub(crate) fn links(&self, host: &Host) -> String {
        self.run(host, &["ip", "-o", "link", "show"])
    }

    /// What a program inside prints.
    #[track_caller]
    pub(crate) fn run(&self, host: &Host, command: &[&str]) -> String {
        let net = format!("--net={}", self.namespace());
        let ran = host.run("nsenter", &[&[net.as_str()], command].concat());
        assert!(ran.success, "{command:?}: {}{}", ran.stdout, ran.stderr);
        ran.stdout
    }

    /// Ends it, and waits until it is gone.
    pub(crate) fn end(self) {}
}

impl Drop for Container {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The bridge `name`, made by `ip`, up and with these addresses. It has a MAC address of its own, which does not
/// follow its ports.
pub(crate) fn bridge(host: &Host, name: &str, addresses: &[&str]) {
    host.ip(&["link", "add", name, "address", "02:00:00:00:00:b0", "type", "bridge"]);
    host.ip(&["link", "set", name, "up"]);
    for address in addresses {
        host.ip(&["address", "add", address, "dev", name, "nodad"]);
        if let Some((address, _)) = address.split_once('/').filter(|_| address.contains(':')) {
            await_local(name, address);
        }
    }
}

/// Whether `address` answers from within `place` before long: the first packets on a bridge may be lost.
pub(crate) fn reaches(host: &Host, place: &str, address: &str) -> bool {
    let address = address.parse().unwrap();
    (0..5).any(|_| host.ping(place, address))
}
