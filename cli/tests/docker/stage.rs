//! A daemon of Docker's and a server of ours in a host, and what is asked of them.

use std::fs::{self, File};
use std::net::IpAddr;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{kill, Signal};
use nix::unistd::Pid;
use serde_json::Value;
use testhost::{host, skip, Docker, Host, State};

pub(crate) const CTL: &str = env!("CARGO_BIN_EXE_netnsctl");
/// How long something may take that is waited for.
const PATIENCE: Duration = Duration::from_secs(30);
const PLUGIN: &str = "/run/docker/plugins/netns.sock";
/// Where the server's words go, out of what a host compares.
const LOG: &str = "/opt/server.log";

/// A host where Docker's networks may be ours.
pub(crate) struct Stage<'a> {
    pub(crate) host: &'a Host,
    pub(crate) docker: Docker,
    server: Option<Server>,
}

/// A server of ours, which ends after Docker has.
struct Server(Child);

/// Runs `f` in a host of its own with Docker, started with further options, and our server. Whatever `f` makes
/// it has to remove: then nothing may be left. Says so where Docker does not run.
pub(crate) fn stage(test: &str, options: &[&str], f: impl FnOnce(&mut Stage<'_>) + Send) {
    host(|host| {
        let docker = match Docker::start(options) {
            Ok(docker) => docker,
            Err(why) => return skip(&format!("docker::{test}"), &why),
        };
        let mut stage = Stage { host, docker, server: None };
        stage.serve();
        let before = stage.settled();
        f(&mut stage);
        stage.is_as(&before);
        stage.end_server(Signal::SIGTERM);
        assert!(!fs::exists(PLUGIN).unwrap(), "the server's socket is left");
    });
}

impl Stage<'_> {
    /// Starts the server, and waits until it listens.
    pub(crate) fn serve(&mut self) {
        let log = File::options().create(true).append(true).open(LOG).unwrap();
        let mut command = ctl(&["serve", "docker"]);
        self.server = Some(Server(command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap()));
        self.wait_until("the server listens", || UnixStream::connect(PLUGIN).is_ok());
    }

    /// Ends the server by a signal, and waits until it has ended.
    pub(crate) fn end_server(&mut self, signal: Signal) {
        let mut server = self.server.take().expect("a server");
        kill(Pid::from_raw(server.0.id().cast_signed()), signal).unwrap();
        let status = server.0.wait().unwrap();
        assert!(signal == Signal::SIGKILL || status.success(), "{status}: {}", log());
    }

    /// What Docker's client prints: it did what it was asked to.
    #[track_caller]
    pub(crate) fn docker(&self, line: &str) -> String {
        let output = self.docker.client(&words(line)).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "docker {line}: {said}\nserver: {}\ndocker: {}", log(), self.tail());
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Docker's client fails, and says all `expected` in words that are fit for a terminal.
    #[track_caller]
    pub(crate) fn refused(&self, line: &str, expected: &[&str]) {
        let output = self.docker.client(&words(line)).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success(), "docker {line} did not fail");
        assert!(said.chars().all(|c| c == '\n' || !c.is_control()), "{said:?}");
        for word in expected {
            assert!(said.contains(word), "docker {line}: no {word:?} in {said:?}");
        }
    }

    /// What `docker inspect` has of it, of whatever kind.
    #[track_caller]
    pub(crate) fn inspect(&self, kind: &str, name: &str) -> Value {
        let all = self.docker(&format!("{kind} inspect {name}"));
        let mut all: Value = serde_json::from_str(&all).unwrap();
        all[0].take()
    }

    /// What a container is on a network, as Docker has it.
    #[track_caller]
    pub(crate) fn endpoint(&self, container: &str, network: &str) -> Value {
        self.inspect("container", container)["NetworkSettings"]["Networks"][network].take()
    }

    /// A container's addresses on a network, as Docker has them: of IPv4, then of IPv6, if it has one.
    #[track_caller]
    pub(crate) fn addresses(&self, container: &str, network: &str) -> Vec<IpAddr> {
        let endpoint = self.endpoint(container, network);
        let keys = ["IPAddress", "GlobalIPv6Address"];
        keys.iter().filter_map(|key| endpoint[*key].as_str()?.parse().ok()).collect()
    }

    /// Starts a container that does nothing, with these options, and gives its namespace its name.
    #[track_caller]
    pub(crate) fn run(&self, name: &str, options: &str) {
        let image = Docker::IMAGE;
        self.docker(&format!("run --detach --name {name} --hostname {name} {options} {image} sleep 3600"));
        self.attach(name);
    }

    /// Gives the namespace of a running container the container's name.
    #[track_caller]
    pub(crate) fn attach(&self, name: &str) {
        let process = self.inspect("container", name)["State"]["Pid"].to_string();
        self.host.run("ip", &["netns", "delete", name]);
        self.host.ip(&["netns", "attach", name, &process]);
    }

    /// Removes containers, and the names of their namespaces.
    #[track_caller]
    pub(crate) fn remove(&self, names: &[&str]) {
        self.docker(&format!("rm --force {}", names.join(" ")));
        for name in names {
            self.host.run("ip", &["netns", "delete", name]);
        }
    }

    /// An interface of a container, as `ip` has it.
    #[track_caller]
    pub(crate) fn interface(&self, container: &str, address: IpAddr) -> Option<Value> {
        let links = self.host.ip_in(container, &["address", "show"]);
        let has = |link: &&Value| {
            let addresses = link["addr_info"].as_array().into_iter().flatten();
            addresses.into_iter().any(|own| own["local"] == address.to_string())
        };
        links.as_array().unwrap().iter().find(has).cloned()
    }

    /// Whether each of `from` reaches each of those addresses, or none does.
    #[track_caller]
    pub(crate) fn pings(&self, from: &str, addresses: &[IpAddr], expected: bool) {
        for address in addresses {
            let reached = self.host.ping(from, *address);
            assert_eq!(reached, expected, "{from} to {address}\n{}", self.state());
        }
    }

    /// Bytes that an endpoint received and sent, as the server's own have counted them.
    #[track_caller]
    pub(crate) fn counted(&self, network: &str, endpoint: &str) -> [u64; 2] {
        let output = ctl(&["--json", "stats", network]).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let all: Value = serde_json::from_slice(&output.stdout).unwrap();
        let mine = all.as_array().unwrap().iter().find(|one| one["endpoint"] == endpoint);
        let mine = mine.unwrap_or_else(|| panic!("{endpoint} is not in {all:#}"));
        ["rx_bytes", "tx_bytes"].map(|key| mine["stats"][key].as_u64().unwrap_or_else(|| panic!("{mine:#}")))
    }

    #[track_caller]
    pub(crate) fn wait_until(&self, what: &str, mut is_so: impl FnMut() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !is_so() {
            assert!(Instant::now() < deadline, "waited in vain for {what}\n{}", self.state());
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// The host after a first use: with the directories and chains that last.
    fn settled(&self) -> State {
        self.docker("network create --driver netns --ipv6 --subnet 10.250.0.0/24 --subnet fd25::/64 first");
        self.run("first", "--network first");
        self.remove(&["first"]);
        self.docker("network rm first");
        self.gone();
        self.host.dump()
    }

    /// The host is as it was, and nothing is known of networks and containers any more.
    #[track_caller]
    fn is_as(&self, before: &State) {
        assert_eq!(self.docker("ps --all --quiet"), "");
        assert_eq!(self.docker("network ls --quiet --filter type=custom"), "");
        let files = fs::read_dir("/etc/libnetns/networks").unwrap().flatten().map(|file| file.path());
        assert_eq!(files.filter(|path| path.extension().is_some()).count(), 0, "definitions");
        self.gone();
        self.host.assert_returns_to(before, "after everything was removed");
    }

    /// The kernel takes the links of a namespace along when it gets to it.
    fn gone(&self) {
        let is_pair = |link: &Value| link["linkinfo"]["info_kind"] == "veth";
        self.wait_until("the end of all pairs", || {
            !self.host.ip(&["link", "show"]).as_array().unwrap().iter().any(is_pair)
        });
    }

    /// What helps to understand a failure.
    fn state(&self) -> String {
        let rules = self.host.run("nft", &["list", "ruleset"]).stdout;
        let links = self.host.run("ip", &["-br", "address"]).stdout;
        format!("{links}\n{rules}\nserver: {}\ndocker: {}", log(), self.tail())
    }

    fn tail(&self) -> String {
        let log = self.docker.log();
        log.lines().rev().take(5).collect::<Vec<_>>().join("\n")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The program with these arguments.
pub(crate) fn ctl(args: &[&str]) -> Command {
    let mut command = Command::new(CTL);
    let minded = ["NETNS_NETWORKS_DIR", "NETNS_RUN_DIR", "NETNS_SANDBOX_DIR", "NETNS_METER_DIR"];
    for name in minded {
        command.env_remove(name);
    }
    command.args(args).stdin(Stdio::null());
    command
}

fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

/// What the server said last.
fn log() -> String {
    let log = fs::read_to_string(LOG).unwrap_or_default();
    log.lines().rev().take(10).collect::<Vec<_>>().join("\n")
}

pub(crate) fn addr(text: &str) -> IpAddr {
    text.parse().unwrap()
}
