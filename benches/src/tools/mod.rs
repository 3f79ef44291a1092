//! The same job done by every tool: a namespace gets a veth on a bridge, an address, a default route and
//! masquerade, and loses it again.

mod check;
mod cni;
mod docker;
mod floor;
mod hook;
mod iproute2;
mod netavark;
mod outside;
mod worker;

use std::net::Ipv4Addr;
use std::process::Command;
use std::time::Duration;

use netns::ipnet::Ipv4Net;
use netns::{Sandbox, SandboxKey};

pub use check::{check, check_gone};
pub use cni::Bridge as CniBridge;
pub use docker::{ByDocker, Daemon};
pub use floor::ByFloor;
pub use hook::Hook;
pub use iproute2::{Batch, Script};
pub use netavark::ByNetavark;
pub use outside::Outside;
pub use worker::Worker;

/// A container's place in a tool's network: a namespace under `/run/netns`, and what it gets.
#[derive(Clone, Debug)]
pub struct Place {
    /// The namespace's name.
    pub name: String,
    /// The address.
    pub address: Ipv4Net,
    /// The gateway, which is the bridge's address.
    pub gateway: Ipv4Addr,
}

impl Place {
    /// The namespace's path.
    pub fn path(&self) -> String {
        format!("/run/netns/{}", self.name)
    }
}

/// What sets up containers' networks. Each has a bridge, a subnet and a masquerade of its own in one host.
pub trait Tool {
    /// Connects a namespace that is there; how long that took.
    ///
    /// # Errors
    /// What the tool says.
    fn attach(&mut self, place: &Place) -> Result<Duration, String>;

    /// Takes that back, the namespace stays; how long that took. None where that says nothing of the tool.
    ///
    /// # Errors
    /// What the tool says.
    fn detach(&mut self, place: &Place) -> Result<Option<Duration>, String>;

    /// Makes the namespace and connects it; how long that took. None where a tool makes no namespaces.
    ///
    /// # Errors
    /// What the tool says.
    fn whole(&mut self, place: &Place) -> Result<Option<Duration>, String>;

    /// Makes the namespace that [`Tool::attach`] connects.
    ///
    /// # Errors
    /// When that fails.
    fn make(&mut self, place: &Place) -> Result<(), String> {
        let key = SandboxKey::new(&place.name).map_err(|error| error.to_string())?;
        Sandbox::create(&key).map(drop).map_err(|error| error.to_string())
    }

    /// Takes away what [`Tool::make`] made.
    ///
    /// # Errors
    /// When that fails.
    fn unmake(&mut self, place: &Place) -> Result<(), String> {
        let key = SandboxKey::new(&place.name).map_err(|error| error.to_string())?;
        Sandbox::open(&key).and_then(|sandbox| sandbox.destroy()).map_err(|error| error.to_string())
    }

    /// Takes down what was there for all containers, where that is not left to the end of the host.
    ///
    /// # Errors
    /// What the tool says.
    fn end(&mut self) -> Result<(), String> {
        Ok(())
    }

    /// Removes the namespace that [`Tool::whole`] made and disconnected.
    ///
    /// # Errors
    /// What the tool says.
    fn remove(&mut self, place: &Place) -> Result<(), String> {
        ip(&["netns", "delete", &place.name])
    }
}

/// The subnet of the `index`th tool.
pub fn subnet(index: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(10, 60 + index, 0, 0), 16)
}

/// The gateway of the `index`th tool.
pub fn gateway(index: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(10, 60 + index, 0, 1), 16)
}

/// A bridge with its address and masquerade, as somebody would make them once for a tool that does not.
///
/// # Errors
/// What `ip` or `nft` say.
pub fn make_bridge(name: &str, gateway: Ipv4Net) -> Result<(), String> {
    ip(&["link", "add", name, "type", "bridge"])?;
    ip(&["address", "add", &gateway.to_string(), "dev", name])?;
    ip(&["link", "set", name, "up"])?;
    masquerade(name, gateway)
}

/// Masquerade for what leaves the subnet of `bridge`.
///
/// # Errors
/// What `nft` says.
pub fn masquerade(bridge: &str, gateway: Ipv4Net) -> Result<(), String> {
    let subnet = gateway.trunc();
    let rules = format!(
        "table ip bench_masquerade {{\n chain {chain} {{\n type nat hook postrouting priority srcnat;\n \
         ip saddr {subnet} oifname != \"{bridge}\" masquerade\n }}\n }}\n",
        chain = bridge.replace('-', "_"),
    );
    run(Command::new("nft").arg(rules))
}

fn ip(arguments: &[&str]) -> Result<(), String> {
    run(Command::new("ip").args(arguments))
}

fn run(command: &mut Command) -> Result<(), String> {
    testhost::output(command).map(drop)
}
