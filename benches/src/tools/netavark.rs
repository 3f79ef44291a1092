use std::process::Command;
use std::time::Duration;

use serde_json::{json, Value};

use super::{run, Place, Tool};
use crate::peers::{Netavark, Tools};
use crate::stats::timed;

/// netavark, as podman runs it, with its own bridge, masquerade and no names.
#[derive(Debug)]
pub struct ByNetavark {
    own: Netavark,
    bridge: String,
}

impl ByNetavark {
    /// Finds it; the first container makes `bridge`. With it comes its version.
    ///
    /// # Errors
    /// When it is not there.
    pub fn new(tools: Tools, bridge: &str) -> Result<(Self, String), String> {
        tools.check(&Netavark::PROGRAMS)?;
        let own = Netavark::new(tools, [0, 0])?;
        let version = own.version()?;
        Ok((Self { own, bridge: bridge.to_owned() }, version))
    }

    fn config(&self, place: &Place) -> Value {
        json!({
            "container_id": place.name,
            "container_name": place.name,
            "port_mappings": [],
            "networks": { "bench": {
                "interface_name": "eth0", "static_ips": [place.address.addr()], "aliases": [],
            } },
            "network_info": { "bench": {
                "name": "bench",
                "id": "8d3f1c0e5a7b92c4d6e8f0a1b3c5d7e9f1a2b4c6d8e0f2a4b6c8d0e2f4a6b8c0",
                "driver": "bridge",
                "network_interface": self.bridge,
                "subnets": [{ "subnet": place.address.trunc(), "gateway": place.gateway }],
                "internal": false,
                "ipv6_enabled": false,
                "dns_enabled": false,
                "ipam_options": { "driver": "host-local" },
            } },
        })
    }

    fn run(&self, what: &str, place: &Place) -> Result<Duration, String> {
        let input = self.config(place).to_string();
        let (took, done) = timed(|| self.own.tell(what, &input, &place.path()));
        done.map(|()| took)
    }
}

impl Tool for ByNetavark {
    fn attach(&mut self, place: &Place) -> Result<Duration, String> {
        self.run("setup", place)
    }

    fn detach(&mut self, place: &Place) -> Result<Option<Duration>, String> {
        self.run("teardown", place).map(Some)
    }

    /// podman makes the namespace, for which `ip netns` stands.
    fn whole(&mut self, place: &Place) -> Result<Option<Duration>, String> {
        let (made, result) = timed(|| run(Command::new("ip").args(["netns", "add", &place.name])));
        result?;
        self.run("setup", place).map(|took| Some(made + took))
    }
}
