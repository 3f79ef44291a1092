use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use serde_json::json;

use super::{run, Place, Tool};
use testhost::output;

use crate::peers::{Tools, DIRECTORY};
use crate::stats::timed;

const CONFIG: &str = "/run/peers/cni-bridge.json";

/// CNI's plugins `bridge` and `host-local`, with masquerade, as runtimes run them.
#[derive(Debug)]
pub struct Bridge {
    tools: Tools,
    plugins: PathBuf,
    bridge: String,
}

impl Bridge {
    /// Finds the plugins; the first container makes `bridge`. With it comes their version.
    ///
    /// # Errors
    /// When they are not there.
    pub fn new(tools: Tools, bridge: &str) -> Result<(Self, String), String> {
        tools.check(&["iptables"])?;
        let plugins = tools.plugins().ok_or("no plugins of CNI: run scripts/peers")?;
        fs::create_dir_all(DIRECTORY).map_err(|error| error.to_string())?;
        let own = Self { tools, plugins, bridge: bridge.to_owned() };
        let version = Command::new(own.plugins.join("bridge")).stdin(std::process::Stdio::null()).output();
        let version = version.map(|output| String::from_utf8_lossy(&output.stderr).into_owned());
        let line = version.ok().and_then(|text| text.lines().next().map(str::to_owned));
        Ok((own, line.unwrap_or_default()))
    }

    fn run(&self, what: &str, place: &Place) -> Result<Duration, String> {
        // host-local gives the one address of its range: everybody's containers have the same.
        let own = place.address.addr();
        let range = json!({
            "subnet": place.address.trunc(), "rangeStart": own, "rangeEnd": own, "gateway": place.gateway,
        });
        let config = json!({
            "cniVersion": "1.0.0", "name": "bench", "type": "bridge", "bridge": self.bridge,
            "isGateway": true, "ipMasq": true,
            "ipam": {
                "type": "host-local", "dataDir": "/run/peers/cni",
                "ranges": [[range]], "routes": [{ "dst": "0.0.0.0/0" }],
            },
        });
        fs::write(CONFIG, config.to_string()).map_err(|error| error.to_string())?;
        let mut command = self.tools.command(&self.plugins.join("bridge").display().to_string());
        command.env("CNI_COMMAND", what).env("CNI_CONTAINERID", &place.name).env("CNI_NETNS", place.path());
        command.env("CNI_IFNAME", "eth0").env("CNI_PATH", &self.plugins);
        command.stdin(File::open(CONFIG).map_err(|error| error.to_string())?);
        let (took, done) = timed(|| output(&mut command));
        done.map(|_| took)
    }
}

impl Tool for Bridge {
    fn attach(&mut self, place: &Place) -> Result<Duration, String> {
        self.run("ADD", place)
    }

    fn detach(&mut self, place: &Place) -> Result<Option<Duration>, String> {
        self.run("DEL", place).map(Some)
    }

    /// A runtime makes the namespace, for which `ip netns` stands.
    fn whole(&mut self, place: &Place) -> Result<Option<Duration>, String> {
        let (made, result) = timed(|| run(Command::new("ip").args(["netns", "add", &place.name])));
        result?;
        self.run("ADD", place).map(|took| Some(made + took))
    }
}
