use std::fs::File;
use std::rc::Rc;
use std::time::Duration;

use nix::mount::{mount, umount2, MntFlags, MsFlags};
use serde_json::json;
use testhost::{output, Docker};

use super::{gateway, subnet, Place, Tool};
use crate::plugin::{Caller, Server};
use crate::stats::timed;

/// The network that containers begin with: it has no way out.
const BASE: &str = "base";

/// Docker, asked by its API to connect a container that runs to a network of its own or of a plugin's.
#[derive(Debug)]
pub struct ByDocker {
    daemon: Rc<Daemon>,
    network: String,
    /// The plugin ends when the network is gone.
    _server: Option<Server>,
}

/// One daemon for all its networks.
#[derive(Debug)]
pub struct Daemon(Docker);

impl Daemon {
    /// Starts it.
    ///
    /// # Errors
    /// What is missing, or what it says.
    pub fn start() -> Result<Self, String> {
        let daemon = Self(Docker::start(&[])?);
        daemon.run(&["network", "create", "--internal", BASE])?;
        // Its chain is everybody's, and drops what it does not know.
        super::run(
            std::process::Command::new("nft").args(["add chain ip filter FORWARD { policy accept; }"]),
        )?;
        Ok(daemon)
    }

    /// Its version.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn version(&self) -> Result<String, String> {
        self.run(&["version", "--format", "Docker {{.Server.Version}}"])
    }

    fn run(&self, arguments: &[&str]) -> Result<String, String> {
        output(&mut self.0.client(arguments))
    }
}

impl ByDocker {
    /// Makes a network by that driver, `bridge` or `netns`.
    ///
    /// # Errors
    /// What Docker says.
    pub fn new(daemon: &Rc<Daemon>, driver: &str, name: &str, index: u8) -> Result<Self, String> {
        let server = (driver == "netns").then(Server::start).transpose()?;
        let (own, first) = (subnet(index).to_string(), gateway(index).addr().to_string());
        let create = ["network", "create", "--driver", driver, "--subnet", &own, "--gateway", &first, name];
        daemon.run(&create)?;
        Ok(Self { daemon: Rc::clone(daemon), network: name.to_owned(), _server: server })
    }

    fn ask(&self, what: &str, body: &serde_json::Value) -> Result<Duration, String> {
        let path = format!("/networks/{}/{what}", self.network);
        let (took, answered) = timed(|| Caller::new(Docker::SOCKET).post(&path, body));
        answered.map(|_| took)
    }
}

impl Tool for ByDocker {
    fn attach(&mut self, place: &Place) -> Result<Duration, String> {
        let config = json!({ "IPAMConfig": { "IPv4Address": place.address.addr() } });
        self.ask("connect", &json!({ "Container": place.name, "EndpointConfig": config }))
    }

    fn detach(&mut self, place: &Place) -> Result<Option<Duration>, String> {
        self.ask("disconnect", &json!({ "Container": place.name })).map(Some)
    }

    /// Docker makes namespaces for processes alone.
    fn whole(&mut self, _: &Place) -> Result<Option<Duration>, String> {
        Ok(None)
    }

    /// A container, whose namespace is where others have theirs.
    fn make(&mut self, place: &Place) -> Result<(), String> {
        let run =
            ["run", "--detach", "--network", BASE, "--name", &place.name, Docker::IMAGE, "sleep", "3600"];
        self.daemon.run(&run)?;
        let process = self.daemon.run(&["inspect", "--format", "{{.State.Pid}}", &place.name])?;
        let namespace = format!("/proc/{process}/ns/net");
        File::create(place.path()).map_err(|error| error.to_string())?;
        mount(Some(namespace.as_str()), place.path().as_str(), None::<&str>, MsFlags::MS_BIND, None::<&str>)
            .map_err(|error| format!("{}: {error}", place.path()))
    }

    fn unmake(&mut self, place: &Place) -> Result<(), String> {
        umount2(place.path().as_str(), MntFlags::MNT_DETACH).map_err(|error| error.to_string())?;
        std::fs::remove_file(place.path()).map_err(|error| error.to_string())?;
        self.daemon.run(&["rm", "--force", &place.name]).map(drop)
    }

    fn end(&mut self) -> Result<(), String> {
        self.daemon.run(&["network", "rm", &self.network]).map(drop)
    }
}
