//! CNI's plugin `bridge`, as runtimes run it: a process for each change, which runs another for the address.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Command;

use serde_json::json;

use super::{as_error, Tools, DIRECTORY};

/// What both files say that the plugin reads.
const CONFIG: &str = "/run/peers/cni.json";

/// A container on a bridge that is there, by CNI.
#[derive(Debug)]
pub struct Cni {
    plugins: PathBuf,
}

impl Cni {
    /// Finds the plugins, and has them give containers `address` with the gateway `gateway` on `bridge`.
    ///
    /// # Errors
    /// When they are not there.
    pub fn new(tools: &Tools, bridge: &str, address: &str, gateway: &str) -> Result<Self, String> {
        let missing = "no plugins of CNI: run scripts/peers, or install containernetworking-plugins";
        let plugins = tools.plugins().ok_or(missing)?;
        fs::create_dir_all(DIRECTORY).map_err(as_error)?;
        let config = json!({
            "cniVersion": "1.0.0", "name": "bench", "type": "bridge", "bridge": bridge,
            // No address for the bridge, no rules, and no files of whose address is whose.
            "isGateway": false, "ipMasq": false,
            "ipam": {
                "type": "static",
                "addresses": [{ "address": address, "gateway": gateway }],
                "routes": [{ "dst": "0.0.0.0/0" }],
            },
        });
        fs::write(CONFIG, config.to_string()).map_err(as_error)?;
        Ok(Self { plugins })
    }

    /// The invocation that does `what`, `ADD` or `DEL`, for the container `id` in that namespace.
    ///
    /// # Errors
    /// When its configuration is gone.
    pub fn command(&self, what: &str, id: &str, namespace: &str) -> Result<Command, String> {
        let mut command = Command::new(self.plugins.join("bridge"));
        command.env("CNI_COMMAND", what).env("CNI_CONTAINERID", id).env("CNI_NETNS", namespace);
        command.env("CNI_IFNAME", "eth0").env("CNI_PATH", &self.plugins);
        command.stdin(File::open(CONFIG).map_err(as_error)?);
        Ok(command)
    }
}
