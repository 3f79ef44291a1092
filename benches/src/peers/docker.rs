//! `dockerd` of its own, with nothing of the machine's but the control groups.

use std::time::Duration;

use testhost::output;

use super::Turn;
use crate::stats::timed;

/// A daemon with two containers, in the namespaces of the thread that started it.
#[derive(Debug)]
pub struct Docker(testhost::Docker);

impl Docker {
    /// Starts the daemon and makes the containers with so many ports, to be called in a test's host.
    ///
    /// # Errors
    /// What the daemon says when it does not work here.
    pub fn start(userland_proxy: bool, ports: [u16; 2]) -> Result<Self, String> {
        let docker = Self(testhost::Docker::start(&[&format!("--userland-proxy={userland_proxy}")])?);
        docker.create("few", 8_000, ports[0])?;
        docker.create("many", 9_000, ports[1])?;
        Ok(docker)
    }

    /// Its version.
    ///
    /// # Errors
    /// When it has none.
    pub fn version(&self) -> Result<String, String> {
        self.client(&["version", "--format", "{{.Server.Version}}"])
    }

    /// Starts and stops both containers: it is at the start that the rules of the ports are made.
    ///
    /// # Errors
    /// What the daemon says.
    pub fn turn(&self) -> Result<Turn, String> {
        let [few, many] = ["few", "many"].map(|name| self.run(name));
        let (few, many) = (few?, many?);
        Ok(Turn { start: [few.0, many.0], end: [few.1, many.1] })
    }

    fn run(&self, name: &str) -> Result<(Duration, Duration), String> {
        let (started, result) = timed(|| self.client(&["start", name]));
        result?;
        let (ended, result) = timed(|| self.client(&["stop", "--time", "0", name]));
        result?;
        Ok((started, ended))
    }

    fn client(&self, arguments: &[&str]) -> Result<String, String> {
        output(&mut self.0.client(arguments))
    }

    fn create(&self, name: &str, first: u16, ports: u16) -> Result<(), String> {
        let published: Vec<_> =
            (1..=ports).map(|port| format!("--publish={}:{port}", first + port)).collect();
        let mut arguments = vec!["create", "--name", name];
        arguments.extend(published.iter().map(String::as_str));
        arguments.extend([testhost::Docker::IMAGE, "sleep", "3600"]);
        self.client(&arguments).map(drop)
    }
}
