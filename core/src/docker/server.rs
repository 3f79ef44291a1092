//! The server as its caller sees it.

use std::fmt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};
use tokio::sync::{oneshot, Semaphore};

use super::http::{self, Limits};
use super::listen::Socket;
use super::route::Service;
use crate::controller::{Controller, FirewallWatch};
use crate::error::{Error, ErrorKind, Result};

/// A call needs little; all that are on their way at once have a stack each.
const STACK: usize = 512 << 10;

/// Where a server listens, and how much it does at once.
#[derive(Debug)]
#[non_exhaustive]
pub struct ServerOptions {
    /// The path of the socket, whose file name without `.sock` is the plugin's name. Made with mode 0600, with
    /// its directory where that is missing.
    pub socket: PathBuf,
    /// A socket that listens already, as systemd hands one over; none is made then, and none removed.
    pub listener: Option<UnixListener>,
    /// How many connections there may be at once; others wait until one ends.
    pub max_connections: usize,
    /// How many requests are worked on at once.
    pub workers: usize,
    /// How long a client may take for the head of a request, and then for its body.
    pub read_timeout: Duration,
}

impl ServerOptions {
    /// Where the socket is by default.
    pub const SOCKET: &str = "/run/docker/plugins/netns.sock";

    /// The defaults with another path of the socket.
    #[must_use]
    pub fn with_socket(mut self, socket: impl Into<PathBuf>) -> Self {
        self.socket = socket.into();
        self
    }

    /// The defaults with a socket that listens already.
    #[must_use]
    pub fn with_listener(mut self, listener: UnixListener) -> Self {
        self.listener = Some(listener);
        self
    }
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            socket: Self::SOCKET.into(),
            listener: None,
            max_connections: 256,
            workers: 4,
            read_timeout: Duration::from_secs(10),
        }
    }
}

/// A server of Docker's plugin protocol, on a thread of its own. Dropping it stops it, as [`Server::stop`] does.
pub struct Server {
    socket: Option<Socket>,
    path: Option<PathBuf>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    watch: Option<FirewallWatch>,
}

impl Server {
    /// Starts to answer with what `controller` has and does. The calling thread's namespaces are the host's.
    ///
    /// # Errors
    /// AlreadyExists when another server listens on the socket, or what is there is no socket; PermissionDenied
    /// without the right to make it; ResourceExhausted when no thread can be started. Nothing is left behind.
    pub fn start(controller: Arc<Controller>, options: ServerOptions) -> Result<Self> {
        let subject = options.socket.display().to_string();
        Self::start_on(controller, options).map_err(|error| error.within("start plugin server", subject))
    }

    fn start_on(controller: Arc<Controller>, options: ServerOptions) -> Result<Self> {
        let connections = options.max_connections.clamp(1, Semaphore::MAX_PERMITS);
        let limits = Limits { connections, read_timeout: options.read_timeout };
        let service = Arc::new(Service::new(controller)?);
        let (socket, listener) = match options.listener {
            Some(listener) => (None, listener),
            None => {
                let (socket, listener) = Socket::bind(&options.socket)?;
                (Some(socket), listener)
            }
        };
        let path = socket.as_ref().map(|socket| socket.path().to_owned()).or_else(|| path_of(&listener));
        let watch = watch(&service);
        // From here on it is dropped, with its socket, whatever goes wrong.
        let mut server = Self { socket, path, stop: None, thread: None, watch };
        listener.set_nonblocking(true).map_err(|error| failed("prepare", error))?;
        let workers = options.workers.max(1);
        let (stop, stopped) = oneshot::channel();
        let (ready, is_ready) = std::sync::mpsc::channel();
        let serve = move || match runtime(workers) {
            Ok(runtime) => {
                let started = |result| ready.send(result).is_ok();
                let end = runtime.block_on(http::serve(listener, service, limits, stopped, started));
                // Calls that are on their way end; a client that goes on talking does not keep it.
                runtime.shutdown_timeout(end.saturating_duration_since(Instant::now()));
            }
            Err(error) => drop(ready.send(Err(error))),
        };
        let thread = thread::Builder::new()
            .name("docker plugin".to_owned())
            .spawn(serve)
            .map_err(|error| failed("start thread of", error))?;
        (server.stop, server.thread) = (Some(stop), Some(thread));
        let gone = || Error::new(ErrorKind::System, "start", "plugin server").with_cause("its thread ended");
        is_ready.recv().unwrap_or_else(|_| Err(gone()))?;
        Ok(server)
    }

    /// Where it listens; none when a socket without a path was handed over.
    pub fn socket(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Takes no more requests, waits for those that are on their way, for 5 seconds at most, and removes the
    /// socket if that is still its own.
    ///
    /// # Errors
    /// Those of removing the socket.
    pub fn stop(mut self) -> Result<()> {
        self.end()
    }

    fn end(&mut self) -> Result<()> {
        let removed = self.socket.take().map_or(Ok(()), Socket::remove);
        drop(self.stop.take());
        self.watch.iter().for_each(FirewallWatch::begin_to_end);
        if let Some(thread) = self.thread.take() {
            // It has nothing to say, and what panics in it is caught there.
            let _ = thread.join();
        }
        drop(self.watch.take());
        removed
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Err(error) = self.end() {
            log::warn!("{error}");
        }
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("socket", &self.path).finish_non_exhaustive()
    }
}

/// Has the firewall put back when somebody reloads the host's, and what Docker's rules let pass. Where it cannot be
/// watched, the next container does so.
fn watch(service: &Arc<Service>) -> Option<FirewallWatch> {
    let own = Arc::clone(service);
    let watched = service.controller.watch_firewall_with(move || own.let_pass_again());
    watched.inspect_err(|error| log::warn!("{error}")).ok()
}

fn runtime(workers: usize) -> Result<Runtime> {
    let built = Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(workers)
        .thread_stack_size(STACK)
        .thread_name("docker worker")
        .build();
    built.map_err(|error| failed("start runtime of", error))
}

fn path_of(listener: &UnixListener) -> Option<PathBuf> {
    listener.local_addr().ok()?.as_pathname().map(Path::to_owned)
}

pub(super) fn failed(operation: &str, error: std::io::Error) -> Error {
    Error::from_io(operation, "plugin server", error)
}
