use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use netns::{Sandbox, SandboxKey};

use super::{ip, Place};

const HOST: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const AWAY: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
const PORT: u16 = 7;

/// What lies beyond the host: it sees who comes.
#[derive(Debug)]
pub struct Outside {
    listener: TcpListener,
    sandbox: Sandbox,
}

impl Outside {
    /// A namespace on a wire to the host, whose default route leads there.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn new() -> Result<Self, String> {
        let text = |error: netns::Error| error.to_string();
        // The first that `ip` makes mounts their directory once more: what was there before would be mounted twice.
        ip(&["netns", "add", "outside"])?;
        let sandbox = Sandbox::open(&SandboxKey::new("outside").map_err(text)?).map_err(text)?;
        ip(&["link", "add", "uplink", "type", "veth", "peer", "name", "wire", "netns", "outside"])?;
        ip(&["address", "add", &format!("{HOST}/24"), "dev", "uplink"])?;
        ip(&["link", "set", "uplink", "up"])?;
        ip(&["-n", "outside", "address", "add", &format!("{AWAY}/24"), "dev", "wire"])?;
        ip(&["-n", "outside", "link", "set", "wire", "up"])?;
        ip(&["route", "add", "default", "via", &AWAY.to_string()])?;
        std::fs::write("/proc/sys/net/ipv4/ip_forward", "1").map_err(|error| error.to_string())?;
        let listener = sandbox.run(|| TcpListener::bind((AWAY, PORT))).map_err(text)?;
        Ok(Self { listener: listener.map_err(|error| error.to_string())?, sandbox })
    }

    /// Sees that a connection from the container arrives, by the host's address.
    ///
    /// # Errors
    /// When it does not arrive, or by another address.
    pub fn check(&self, place: &Place) -> Result<(), String> {
        let text = |error: netns::Error| error.to_string();
        let inside = Sandbox::open(&SandboxKey::new(&place.name).map_err(text)?).map_err(text)?;
        let to = SocketAddr::new(AWAY.into(), PORT);
        let connected =
            inside.run(|| TcpStream::connect_timeout(&to, Duration::from_secs(5))).map_err(text)?;
        let _connected = connected.map_err(|error| format!("no way out: {error}"))?;
        let (_, from) = self.listener.accept().map_err(|error| error.to_string())?;
        match from.ip() == IpAddr::V4(HOST) {
            true => Ok(()),
            false => Err(format!("it comes by {}, and not by the host's address", from.ip())),
        }
    }

    /// Takes it down.
    ///
    /// # Errors
    /// When the namespace cannot be destroyed.
    pub fn end(self) -> Result<(), String> {
        drop(self.listener);
        self.sandbox.destroy().map_err(|error| error.to_string())
    }
}
