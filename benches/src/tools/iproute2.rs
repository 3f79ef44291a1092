use std::fs::{self, File};
use std::process::Command;
use std::time::Duration;

use super::{make_bridge, run, Place, Tool};
use crate::stats::timed;

/// iproute2, a command a change, as scripts have it: the pair is made in the host, one end moves and is renamed.
#[derive(Debug)]
pub struct Script(String);

/// iproute2, a file of commands for each namespace, the peer born inside: as few processes as can be.
#[derive(Debug)]
pub struct Batch(String);

const FILES: [&str; 2] = ["/run/outside.batch", "/run/inside.batch"];

impl Script {
    /// For `bridge`, which it makes.
    ///
    /// # Errors
    /// When that fails.
    pub fn new(bridge: &str, index: u8) -> Result<Self, String> {
        make_bridge(bridge, super::gateway(index))?;
        Ok(Self(bridge.to_owned()))
    }

    fn text(&self, place: &Place) -> String {
        let Place { name, address, gateway } = place;
        let bridge = &self.0;
        format!(
            "set -e\n\
             ip link add v{name} type veth peer name p{name}\n\
             ip link set v{name} master {bridge} up\n\
             ip link set p{name} netns {name}\n\
             ip -n {name} link set lo up\n\
             ip -n {name} link set p{name} name eth0\n\
             ip -n {name} address add {address} dev eth0\n\
             ip -n {name} link set eth0 up\n\
             ip -n {name} route add default via {gateway}\n"
        )
    }
}

impl Tool for Script {
    fn attach(&mut self, place: &Place) -> Result<Duration, String> {
        shell(&self.text(place))
    }

    fn detach(&mut self, place: &Place) -> Result<Option<Duration>, String> {
        shell(&format!("ip link delete v{}", place.name)).map(Some)
    }

    fn whole(&mut self, place: &Place) -> Result<Option<Duration>, String> {
        shell(&format!("ip netns add {}\n{}", place.name, self.text(place))).map(Some)
    }
}

impl Batch {
    /// For `bridge`, which it makes.
    ///
    /// # Errors
    /// When that fails.
    pub fn new(bridge: &str, index: u8) -> Result<Self, String> {
        make_bridge(bridge, super::gateway(index))?;
        Ok(Self(bridge.to_owned()))
    }

    /// Writing the files is not the tool's part.
    fn write(&self, place: &Place) -> Result<(), String> {
        let Place { name, address, gateway } = place;
        let outside =
            format!("link add v{name} master {} up type veth peer name eth0 netns {name}\n", self.0);
        let inside = format!(
            "link set lo up\naddress add {address} dev eth0\nlink set eth0 up\nroute add default via {gateway}\n"
        );
        for (file, text) in FILES.into_iter().zip([outside, inside]) {
            fs::write(file, text).map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    fn go(&self, name: &str) -> Result<(), String> {
        let [outside, inside] = FILES;
        run(Command::new("ip").args(["-batch", outside]))?;
        run(Command::new("ip").args(["-n", name, "-batch", inside]))
    }
}

impl Tool for Batch {
    fn attach(&mut self, place: &Place) -> Result<Duration, String> {
        self.write(place)?;
        let (took, result) = timed(|| self.go(&place.name));
        result.map(|()| took)
    }

    fn detach(&mut self, place: &Place) -> Result<Option<Duration>, String> {
        let (took, result) = timed(|| super::ip(&["link", "delete", &format!("v{}", place.name)]));
        result.map(|()| Some(took))
    }

    fn whole(&mut self, place: &Place) -> Result<Option<Duration>, String> {
        self.write(place)?;
        let (took, result) = timed(|| {
            super::ip(&["netns", "add", &place.name])?;
            self.go(&place.name)
        });
        result.map(|()| Some(took))
    }
}

fn shell(text: &str) -> Result<Duration, String> {
    let script = "/run/script";
    fs::write(script, text).map_err(|error| error.to_string())?;
    let mut command = Command::new("sh");
    command.stdin(File::open(script).map_err(|error| error.to_string())?);
    let (took, result) = timed(|| run(&mut command));
    result.map(|()| took)
}
