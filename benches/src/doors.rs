//! Hosts with published ports, and who comes through them from outside.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use netns::{PortMapping, Sandbox};
use nix::libc::linger;
use nix::sys::socket::{setsockopt, sockopt::Linger};
use nix::unistd::gettid;
use testhost::Host;

use crate::managed::ControllerRig;
use crate::stage::{Player, Stage};
use crate::stats::timed;

/// The first of the host's ports that are published.
pub const FIRST: u16 = 10_000;
const INSIDE: u16 = 80;

/// So many mappings, of the host's ports from `first` on, to one port of the endpoint.
///
/// # Panics
/// When there are not so many ports.
pub fn mappings(first: u16, count: u16) -> Vec<PortMapping> {
    let mapping = |port: u16| format!("{}:{INSIDE}", first + port).parse().expect("a mapping");
    (0..count).map(mapping).collect()
}

/// A host with published ports that all lead to one listener, on a wire to the one that opened it.
#[derive(Debug)]
pub struct Door {
    address: Ipv4Addr,
    listener: TcpListener,
    ports: u16,
    _host: Player<Act>,
}

#[derive(Debug)]
enum Act {
    /// The thread that has the host's namespace.
    Here(i32),
    Open(TcpListener),
}

impl Door {
    /// A host that is `198.18.NUMBER.1` for the calling thread's, `outside`.
    ///
    /// # Panics
    /// When it cannot be made.
    pub fn open(outside: &Host, number: u8, ports: u16) -> Self {
        let (address, own) = (Ipv4Addr::new(198, 18, number, 1), Ipv4Addr::new(198, 18, number, 2));
        let host = Player::new(move |host, stage| play(host, stage, address, own, ports));
        let Act::Here(thread) = host.act() else { panic!("a host") };
        let (wire, thread) = (format!("wire{number}"), thread.to_string());
        run(outside, &["link", "add", &wire, "type", "veth", "peer", "name", "uplink", "netns", &thread]);
        run(outside, &["address", "add", &format!("{own}/24"), "dev", &wire]);
        run(outside, &["link", "set", &wire, "up"]);
        let Act::Open(listener) = host.act() else { panic!("an open host") };
        Self { address, listener, ports, _host: host }
    }

    /// What it takes until a connection by a port, the `index`th or one that stands for it, is accepted.
    ///
    /// # Panics
    /// When there is no way through.
    pub fn enter(&self, index: u16) -> Duration {
        let to = SocketAddr::new(self.address.into(), FIRST + index % self.ports);
        let (took, (_client, server)) = timed(|| {
            let client = TcpStream::connect(to).expect("a connection");
            (client, self.listener.accept().expect("a connection").0)
        });
        // Nothing is left to be waited for, on either side.
        let reset = linger { l_onoff: 1, l_linger: 0 };
        setsockopt(&server, Linger, &reset).expect("a socket");
        took
    }
}

/// The host behind the door.
fn play(host: &Host, stage: &Stage<Act>, address: Ipv4Addr, outside: Ipv4Addr, ports: u16) {
    if !stage.show(Act::Here(gettid().as_raw())) {
        return;
    }
    run(host, &["address", "add", &format!("{address}/24"), "dev", "uplink"]);
    run(host, &["link", "set", "uplink", "up"]);
    run(host, &["route", "add", "default", "via", &outside.to_string()]);
    let managed = ControllerRig::new("bridge", "door", 91);
    let sandbox = managed.sandbox("door");
    managed.connect_with(&sandbox, "door", mappings(FIRST, ports));
    stage.show(Act::Open(listen(&sandbox)));
    drop(sandbox);
    managed.remove(["door".to_owned()]);
    managed.take_down();
}

fn listen(sandbox: &Sandbox) -> TcpListener {
    let listen = || TcpListener::bind((Ipv4Addr::UNSPECIFIED, INSIDE)).expect("a listener");
    sandbox.run(listen).expect("a sandbox")
}

fn run(host: &Host, args: &[&str]) {
    let output = host.run("ip", args);
    assert!(output.success, "ip {args:?}: {}", output.stderr);
}
