//! netavark, as podman runs it: a process for each change, told what to do in JSON.

use std::fs;
use std::io::Write;
use std::net::Ipv4Addr;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{json, Value};

use super::{as_error, output, Tools, Turn, DIRECTORY};
use crate::stats::timed;

const NAMESPACE: &str = "/run/netns/peer";

/// Networks by netavark in the namespaces of the thread that uses it.
#[derive(Debug)]
pub struct Netavark {
    tools: Tools,
    ports: [u16; 2],
}

impl Netavark {
    /// The programs that it takes.
    pub const PROGRAMS: [&str; 2] = ["netavark", "iptables"];

    /// For containers with so many ports, to be called in a test's host.
    ///
    /// # Errors
    /// When its directory cannot be made.
    pub fn new(tools: Tools, ports: [u16; 2]) -> Result<Self, String> {
        fs::create_dir_all(DIRECTORY).map_err(as_error)?;
        Ok(Self { tools, ports })
    }

    /// Its version.
    ///
    /// # Errors
    /// When it does not say.
    pub fn version(&self) -> Result<String, String> {
        output(self.tools.command("netavark").arg("--version"))
    }

    /// Connects and parts a container with few ports and one with many.
    ///
    /// # Errors
    /// What netavark says.
    pub fn turn(&self) -> Result<Turn, String> {
        let few = self.run(8_000, self.ports[0])?;
        let many = self.run(9_000, self.ports[1])?;
        Ok(Turn { start: [few.0, many.0], end: [few.1, many.1] })
    }

    fn run(&self, first: u16, ports: u16) -> Result<(Duration, Duration), String> {
        let input = config(first, ports).to_string();
        output(Command::new("ip").args(["netns", "add", "peer"]))?;
        let (started, result) = timed(|| self.tell("setup", &input, NAMESPACE));
        result?;
        let (ended, result) = timed(|| self.tell("teardown", &input, NAMESPACE));
        result?;
        output(Command::new("ip").args(["netns", "delete", "peer"]))?;
        Ok((started, ended))
    }

    /// Has it do `what` for the container in `namespace`, as `input` says.
    ///
    /// # Errors
    /// What netavark says.
    pub(crate) fn tell(&self, what: &str, input: &str, namespace: &str) -> Result<(), String> {
        let mut command = self.tools.command("netavark");
        command.args(["--config", DIRECTORY, what, namespace]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().map_err(as_error)?;
        let mut pipe = process.stdin.take().ok_or("no input")?;
        pipe.write_all(input.as_bytes()).map_err(as_error)?;
        drop(pipe);
        let output = process.wait_with_output().map_err(as_error)?;
        match output.status.success() {
            true => Ok(()),
            false => Err(format!("netavark {what}: {}", String::from_utf8_lossy(&output.stdout).trim())),
        }
    }
}

/// Containers on the bridge `peer0`, as podman would have them.
fn config(first: u16, ports: u16) -> Value {
    let port = |port: u16| {
        json!({
            "container_port": port, "host_port": first + port, "host_ip": "", "protocol": "tcp", "range": 1,
        })
    };
    let mappings: Vec<_> = (1..=ports).map(port).collect();
    let address = Ipv4Addr::from_bits(Ipv4Addr::new(10, 88, 0, 2).to_bits() + u32::from(ports));
    json!({
        "container_id": format!("peer{ports}"),
        "container_name": format!("peer{ports}"),
        "port_mappings": mappings,
        "networks": { "peer": { "interface_name": "eth0", "static_ips": [address], "aliases": [] } },
        "network_info": { "peer": {
            "name": "peer",
            "id": "53ce4390f2adb1681eb1a90ec8b48c49c015e0a8d336c197637e7f65e365fa9e",
            "driver": "bridge",
            "network_interface": "peer0",
            "subnets": [{ "subnet": "10.88.0.0/16", "gateway": "10.88.0.1" }],
            "internal": false,
            "ipv6_enabled": false,
            "dns_enabled": false,
            "ipam_options": { "driver": "host-local" },
        } },
    })
}
