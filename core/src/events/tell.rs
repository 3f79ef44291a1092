//! The side that tells.

use std::fs;
use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::{directory_of, owner, sockets, Event};
use crate::sys::Stamp;

/// The longest tick of the clock that stamps directories, with something to spare.
const TICK: Duration = Duration::from_millis(20);

/// Everybody who listens in a run directory.
pub(crate) struct Listeners {
    directory: PathBuf,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    socket: Option<UnixDatagram>,
    listeners: Vec<Listener>,
    /// The directory as it was when the listeners were read, if that can be told from a later one.
    seen: Option<Stamp>,
}

struct Listener {
    path: PathBuf,
    /// How many events it could not take since the last one that it took.
    missed: u64,
}

impl Listeners {
    /// The listeners in the run directory `run`; nothing is looked at yet.
    pub(crate) fn new(run: &Path) -> Self {
        Self { directory: directory_of(run), known: Mutex::default() }
    }

    /// Tells all of them, at the price of one stat(2) when there are none. Waits for nobody: who cannot
    /// take it learns with the next event how many it missed. What goes wrong is logged.
    pub(crate) fn tell(&self, events: &[Event]) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let told = known.look(&self.directory);
        if let Err(error) = told.and_then(|()| events.iter().try_for_each(|event| known.send(event))) {
            log::debug!("cannot tell the listeners in {}: {error}", self.directory.display());
        }
    }
}

impl Known {
    /// Reads the directory again if it has changed.
    fn look(&mut self, directory: &Path) -> io::Result<()> {
        let metadata = match fs::metadata(directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.listeners.clear();
                self.seen = None;
                return Ok(());
            }
            metadata => metadata?,
        };
        let stamp = Stamp::of(&metadata);
        if self.seen == Some(stamp) {
            return Ok(());
        }
        // What comes within the tick in which the directory last changed would not change its stamp.
        let age = metadata.modified()?.elapsed().unwrap_or_default();
        self.seen = (age > TICK).then_some(stamp);
        let paths = sockets(directory)?;
        self.listeners.retain(|listener| paths.contains(&listener.path));
        for path in paths {
            if !self.listeners.iter().any(|listener| listener.path == path) {
                self.listeners.push(Listener { path, missed: 0 });
            }
        }
        Ok(())
    }

    fn send(&mut self, event: &Event) -> io::Result<()> {
        if self.listeners.is_empty() {
            return Ok(());
        }
        let socket = match self.socket.take() {
            Some(socket) => socket,
            None => open()?,
        };
        let socket = self.socket.insert(socket);
        let text = serde_json::to_vec(event)?;
        for listener in &mut self.listeners {
            if listener.missed == 0 {
                listener.send(socket, &text);
            } else {
                let event = Event { missed: listener.missed, ..event.clone() };
                listener.send(socket, &serde_json::to_vec(&event)?);
            }
        }
        Ok(())
    }
}

impl Listener {
    fn send(&mut self, socket: &UnixDatagram, text: &[u8]) {
        let Err(error) = socket.send_to(text, &self.path) else {
            self.missed = 0;
            return;
        };
        match error.raw_os_error() {
            Some(libc::EAGAIN | libc::ENOBUFS | libc::ENOMEM) => self.missed = self.missed.saturating_add(1),
            Some(libc::ECONNREFUSED) => self.remove_if_stale(),
            // It has just stopped listening.
            Some(libc::ENOENT | libc::EPIPE) => {}
            _ => log::debug!("cannot tell {}: {error}", self.path.display()),
        }
    }

    /// A socket refuses for a moment after it is born, too.
    fn remove_if_stale(&self) {
        if owner(&self.path).is_some_and(|process| process.is_alive()) {
            return;
        }
        if let Err(error) = fs::remove_file(&self.path) {
            log::debug!("cannot remove {}: {error}", self.path.display());
        }
    }
}

fn open() -> io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}
