//! A host with a world outside it: two hosts on a network of its uplink, and containers that serve.

use std::cell::RefCell;
use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use netns::{Controller, EndpointConfig, ErrorKind, NetworkConfig, PortMapping, Sandbox};
use testhost::{host, Host, Server, State, Transport, Try};

use crate::control::{at, ip, open, with_subnets};

/// The types of network whose packets pass the host.
pub(crate) const TYPES: [&str; 2] = ["bridge", "routed"];
/// The host's own addresses.
pub(crate) const OWN: [&str; 2] = ["192.0.2.1", "2001:db8::1"];
/// The host's second addresses, on the same uplink: it takes the first for what it begins itself.
pub(crate) const SECOND: [&str; 2] = ["192.0.2.9", "2001:db8::9"];
/// Where packets to everywhere else go, in the namespace `world`.
pub(crate) const WORLD: [&str; 2] = ["192.0.2.2", "2001:db8::2"];
/// Another host of the same network, in the namespace `far`.
pub(crate) const FAR: [&str; 2] = ["192.0.2.3", "2001:db8::3"];
/// The ports on which everybody serves.
pub(crate) const SERVED: [u16; 3] = [80, 81, 82];

const MAKE: &str = "
ip -batch - <<'END'
netns add world
netns add far
link add up0 type veth peer name eth0 netns world
link add up1 type veth peer name eth0 netns far
link set up1 netns world
address add 192.0.2.1/24 dev up0
address add 192.0.2.9/24 dev up0
address add 2001:db8::1/64 dev up0 nodad
address add 2001:db8::9/64 dev up0 nodad preferred_lft 0
link set up0 up
END
ip -n world -batch - <<'END'
link set lo up
link add lan type bridge
link set eth0 master lan up
link set up1 master lan up
address add 192.0.2.2/24 dev lan
address add 2001:db8::2/64 dev lan nodad
link set lan up
END
ip -n far -batch - <<'END'
link set lo up
address add 192.0.2.3/24 dev eth0
address add 2001:db8::3/64 dev eth0 nodad
link set eth0 up
END
ip route add default via 192.0.2.2
ip -6 route add default via 2001:db8::2
ip netns exec world sh -c 'for filter in /proc/sys/net/bridge/bridge-nf-call-*; do
    [ ! -e $filter ] || echo 0 > $filter; done'
";

/// The host, and everything of the outside that a test asks for.
pub(crate) struct World<'a> {
    pub(crate) host: &'a Host,
    pub(crate) controller: Controller,
    before: State,
    bridged: Vec<(PathBuf, String)>,
    containers: RefCell<Vec<Container>>,
}

/// A sandbox in which somebody serves on [`SERVED`], by the sandbox's name.
struct Container {
    sandbox: Sandbox,
    server: Server,
}

/// Runs `f` on a host with a world outside it. In the end `f` has removed what it made, but for sandboxes and
/// networks; when they are gone too, everything is as it was before.
pub(crate) fn world(f: impl FnOnce(&World) + Send) {
    host(|host| {
        make(host);
        let (controller, before) = settled(host);
        let containers = RefCell::default();
        let world = World { host, controller, before, bridged: bridge_settings(), containers };
        f(&world);
        world.end("the end");
    });
}

pub(crate) fn make(host: &Host) {
    let made = host.run("sh", &["-ec", MAKE]);
    assert!(made.success, "{}", made.stderr);
}

/// A controller that has made and removed one of everything, and the host as it is then.
fn settled(host: &Host) -> (Controller, State) {
    let controller = open();
    controller.create_network(with_subnets("bridge", "first", &["10.77.0.0/24", "fd77::/64"])).unwrap();
    let sandbox = controller.create_sandbox("first").unwrap();
    controller.connect("first", &sandbox, EndpointConfig::new("first").unwrap()).unwrap();
    controller.destroy_sandbox(&sandbox).unwrap();
    controller.delete_network("first").unwrap();
    for family in Family::ALL {
        let world = Try::nothing("", Transport::Udp, family.socket(WORLD, 9));
        // Neighbours are known, and nothing of it stays.
        let _ = world.ask();
    }
    (controller, host.dump())
}

fn bridge_settings() -> Vec<(PathBuf, String)> {
    let files = fs::read_dir("/proc/sys/net/bridge").into_iter().flatten().flatten();
    let value = |path: PathBuf| fs::read_to_string(&path).ok().map(|value| (path, value));
    files.filter_map(|file| value(file.path())).collect()
}

impl World<'_> {
    /// Removes all sandboxes and networks, after which the host is as it was before.
    #[track_caller]
    pub(crate) fn end(&self, context: &str) {
        for Container { sandbox, server } in self.containers.take() {
            drop(server);
            self.controller.destroy_sandbox(&sandbox).unwrap();
        }
        for sandbox in self.controller.sandboxes().unwrap() {
            self.controller.remove_sandbox(sandbox.path.file_name().unwrap().to_str().unwrap()).unwrap();
        }
        for (name, _) in self.controller.networks().unwrap() {
            self.delete_network(name.as_str());
        }
        self.bridged.iter().for_each(|(path, value)| fs::write(path, value).unwrap());
        self.host.assert_returns_to(&self.before, context);
    }

    /// Deletes a network whose endpoints have gone: what a container could not send keeps its namespace, and
    /// with it the links, for some seconds.
    #[track_caller]
    fn delete_network(&self, name: &str) {
        let deadline = Instant::now() + Duration::from_secs(8);
        while let Err(error) = self.controller.delete_network(name) {
            assert!(error.kind() == ErrorKind::Busy && Instant::now() < deadline, "{error}");
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Makes the container `name` with the `number`th addresses of the network, serving, with those ports
    /// published.
    #[track_caller]
    pub(crate) fn container(&self, network: &str, name: &str, number: u8, ports: &[&str]) {
        let sandbox = self.controller.create_sandbox(name).unwrap();
        let endpoint = publishing(at(name, &Self::addresses(network, number)), ports);
        self.controller.connect(network, &sandbox, endpoint).unwrap();
        let server = Server::start(name, name, &SERVED);
        self.containers.borrow_mut().push(Container { sandbox, server });
    }

    /// Ends a container.
    #[track_caller]
    pub(crate) fn remove(&self, name: &str) {
        let mut containers = self.containers.borrow_mut();
        let is_it = |container: &Container| container.sandbox.key().name().as_str() == name;
        let index = containers.iter().position(is_it).expect("it is one of them");
        let Container { sandbox, server } = containers.remove(index);
        drop(server);
        self.controller.destroy_sandbox(&sandbox).unwrap();
    }

    /// The `number`th addresses of a network of [`network`].
    pub(crate) fn addresses(network: &str, number: u8) -> [&'static str; 2] {
        let index = NETWORKS.iter().position(|name| *name == network).expect("it is one of them") + 1;
        let v4 = format!("10.{index}.0.{number}");
        let v6 = format!("fd0{index}::{number}");
        [v4.leak(), v6.leak()]
    }

    /// What `nft` lists, or a part of it.
    #[track_caller]
    pub(crate) fn rules(&self, what: &[&str]) -> String {
        let listed = self.host.run("nft", &[&["-s", "list"], what].concat());
        assert!(listed.success, "{}", listed.stderr);
        listed.stdout
    }

    /// Our tables, whichever is older; empty where they are not.
    pub(crate) fn tables(&self) -> String {
        let list = |family| self.host.run("nft", &["-s", "list", "table", family, "libnetns"]).stdout;
        ["inet", "bridge"].map(list).concat()
    }

    /// The whole rule set, with all handles.
    #[track_caller]
    pub(crate) fn rules_as_json(&self) -> String {
        let listed = self.host.run("nft", &["-j", "list", "ruleset"]);
        assert!(listed.success, "{}", listed.stderr);
        listed.stdout
    }

    /// Loads rules of somebody else's, or removes them.
    #[track_caller]
    pub(crate) fn nft(&self, rules: &str) {
        let loaded = self.host.run("nft", &[rules]);
        assert!(loaded.success, "{rules}: {}", loaded.stderr);
    }

    /// Has what is bridged be filtered as packets too, or not, until the end.
    pub(crate) fn filter_bridged(&self, filter: bool) {
        for (path, _) in self.bridged.iter().filter(|(path, _)| path.to_string_lossy().contains("-call-")) {
            fs::write(path, if filter { "1" } else { "0" }).unwrap();
        }
    }

    /// Has the host forward whatever comes, and returns what was before.
    pub(crate) fn forward_all(&self) -> Vec<(&'static str, String)> {
        let paths = ["/proc/sys/net/ipv4/conf/all/forwarding", "/proc/sys/net/ipv6/conf/all/forwarding"];
        let before = paths.map(|path| (path, fs::read_to_string(path).unwrap()));
        paths.iter().for_each(|path| fs::write(path, "1").unwrap());
        before.into()
    }

    pub(crate) fn forward_as_before(&self, before: Vec<(&str, String)>) {
        before.into_iter().for_each(|(path, value)| fs::write(path, value).unwrap());
    }

    /// The world has a route to the networks by the host.
    pub(crate) fn route_back(&self) {
        for (index, _) in NETWORKS.iter().enumerate() {
            let (v4, v6) = (format!("10.{}.0.0/24", index + 1), format!("fd0{}::/64", index + 1));
            self.host.ip_in("world", &["route", "add", &v4, "via", OWN[0]]);
            self.host.ip_in("world", &["-6", "route", "add", &v6, "via", OWN[1]]);
        }
    }
}

const NETWORKS: [&str; 3] = ["blue", "green", "red"];

/// A dual-stack network, `blue`, `green` or `red`.
pub(crate) fn network(kind: &str, name: &str) -> NetworkConfig {
    let index = NETWORKS.iter().position(|own| *own == name).expect("it is one of them") + 1;
    with_subnets(kind, name, &[&format!("10.{index}.0.0/24"), &format!("fd0{index}::/64")])
}

pub(crate) fn publishing(endpoint: EndpointConfig, ports: &[&str]) -> EndpointConfig {
    let mut endpoint = endpoint;
    endpoint.ports = mappings(ports);
    endpoint
}

pub(crate) fn mappings(ports: &[&str]) -> Vec<PortMapping> {
    ports.iter().map(|text| text.parse().unwrap()).collect()
}

/// Of the addresses of somebody, the first is IPv4's and the second IPv6's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    V4,
    V6,
}

impl Family {
    pub(crate) const ALL: [Self; 2] = [Self::V4, Self::V6];

    pub(crate) fn of(self, addresses: [&str; 2]) -> IpAddr {
        ip(addresses[usize::from(self == Self::V6)])
    }

    pub(crate) fn socket(self, addresses: [&str; 2], port: u16) -> SocketAddr {
        (self.of(addresses), port).into()
    }

    pub(crate) fn loopback(self) -> IpAddr {
        self.of(["127.0.0.1", "::1"])
    }
}

/// Each family with each transport.
pub(crate) fn ways() -> impl Iterator<Item = (Family, Transport)> {
    Family::ALL.into_iter().flat_map(|family| Transport::ALL.map(|transport| (family, transport)))
}
