//! `netnsctl serve`.

use std::env;
use std::ffi::OsString;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Subcommand};
use listenfd::ListenFd;
use netns::docker::{Server, ServerOptions};
use netns::{Error, Name, Result};

use crate::arguments::Global;
use crate::failure::Outcome;
use crate::signals::Interrupt;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve Docker, as a plugin for its networks and their addresses, until interrupted
    ///
    /// Docker finds the plugin by its socket in /run/docker/plugins: docker network create -d netns, and
    /// --ipam-driver netns where the addresses are to be given from here too. Networks and endpoints last when this
    /// ends, and are there again when it starts again. A socket that systemd hands over (LISTEN_FDS) is used instead of
    /// one of its own, and systemd is told (NOTIFY_SOCKET) when requests are answered.
    Docker(Docker),
}

#[derive(Debug, Args)]
pub(crate) struct Docker {
    /// The socket; its name without .sock is what Docker calls the plugin
    #[arg(long, value_name = "PATH", conflicts_with = "name")]
    socket: Option<PathBuf>,
    /// What Docker is to call the plugin: the socket is NAME.sock in /run/docker/plugins
    #[arg(long, default_value = "netns")]
    name: String,
}

pub(crate) fn run(command: &Command, global: &Global) -> Outcome {
    match command {
        Command::Docker(asked) => docker(asked, global),
    }
}

fn docker(asked: &Docker, global: &Global) -> Outcome {
    // Before other threads start, so that none of them is ended.
    let interrupt = Interrupt::catch()?;
    let options = match handed_over()? {
        Some(listener) => ServerOptions::default().with_listener(listener),
        None => ServerOptions::default().with_socket(asked.path()?),
    };
    let server = Server::start(Arc::new(global.controller()?), options)?;
    match server.socket() {
        Some(path) => log::info!("serving Docker on {}", path.display()),
        None => log::info!("serving Docker on the socket that was handed over"),
    }
    tell_systemd("READY=1");
    interrupt.wait();
    tell_systemd("STOPPING=1");
    Ok(server.stop()?)
}

impl Docker {
    fn path(&self) -> Result<PathBuf> {
        if let Some(path) = &self.socket {
            return Ok(path.clone());
        }
        let name = Name::new(&self.name)?;
        Ok(Path::new(ServerOptions::SOCKET).with_file_name(format!("{name}.sock")))
    }
}

/// The socket of a unit that systemd started this program for (sd_listen_fds(3)).
fn handed_over() -> Result<Option<UnixListener>> {
    let refuse = |cause: String| Error::bad_request("use", "sockets that were handed over", cause);
    let mut sockets = ListenFd::from_env();
    match sockets.len() {
        0 => Ok(None),
        1 => sockets.take_unix_listener(0).map_err(|error| refuse(error.to_string())),
        several => Err(refuse(format!("there are {several}, and one is needed"))),
    }
}

/// Tells systemd, if it wants to hear of it, how things are (sd_notify(3)).
fn tell_systemd(state: &str) {
    let Some(socket) = env::var_os("NOTIFY_SOCKET").filter(|socket| !socket.is_empty()) else { return };
    if let Err(error) = send_to(&socket, state) {
        log::warn!("tell {} that {state}: {error}", socket.to_string_lossy());
    }
}

fn send_to(socket: &OsString, state: &str) -> io::Result<()> {
    let address = match socket.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
        _ => SocketAddr::from_pathname(socket)?,
    };
    UnixDatagram::unbound()?.send_to_addr(state.as_bytes(), &address).map(drop)
}
