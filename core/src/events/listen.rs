//! The side that listens.

use std::cell::Cell;
use std::collections::VecDeque;
use std::fs;
use std::io;
use std::net::Shutdown;
use std::os::unix::net::UnixDatagram;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::ptr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::{directory_of, Event};
use crate::error::{Error, ErrorKind, Result};
use crate::sys::{self, Generation, Process, Worker};

/// How many events wait here; the kernel's own queue holds 11 by default (`net.unix.max_dgram_qlen`).
pub(super) const CAPACITY: usize = 4096;
/// The longest event in bytes; a longer one does not parse.
const LONGEST: usize = 16 << 10;
/// How many names a program that executes itself may find taken by what it left before.
const TRIES: usize = 64;

const LISTEN: &str = "listen for events at";

thread_local! {
    /// Whose subscriber the thread is. Asking the standard library which thread this is would leave something
    /// behind on a thread that is not its own, as those of C programs are.
    static SUBSCRIBER: Cell<*const Shared> = const { Cell::new(ptr::null()) };
}

/// The events of a run directory from now on: those of all processes that use it.
///
/// As an iterator it waits for the next event, and ends when a [`Closer`] says so. An event whose
/// `missed` is not 0 comes after a gap. A thread takes the events out of the kernel's short queue; it
/// ends with this value. Bursts that overtake it are gaps; `net.unix.max_dgram_qlen` of the network
/// namespace in which this is made, often 10, says how long that queue is. A forked child hears
/// nothing, and takes nothing from its parent.
#[derive(Debug)]
pub struct Events {
    shared: Arc<Shared>,
    path: PathBuf,
    reader: Option<Worker>,
}

/// Ends the iteration of [`Events`] from any thread. Its clones do the same.
#[derive(Clone, Debug)]
pub struct Closer {
    shared: Arc<Shared>,
}

/// A thread that hears events, until this is dropped.
#[derive(Debug)]
#[must_use = "dropping it ends the subscription"]
pub struct Subscription {
    closer: Closer,
    thread: Option<Worker>,
}

#[derive(Debug)]
struct Shared {
    socket: UnixDatagram,
    /// Whose the socket is: a forked child has it, too.
    process: Generation,
    queue: Mutex<Queue>,
    arrived: Condvar,
}

#[derive(Debug, Default)]
pub(super) struct Queue {
    events: VecDeque<Event>,
    missed: u64,
    closed: bool,
}

impl Events {
    /// Begins to listen in the run directory `run`, which is made when it is missing.
    ///
    /// # Errors
    /// PermissionDenied where the directory cannot be written; BadRequest when its path is so long that
    /// a socket's does not fit 107 bytes; ResourceExhausted at the limit of open files or of threads.
    pub fn listen(run: &Path) -> Result<Self> {
        let directory = directory_of(run);
        sys::make_directory(&directory)?;
        let (socket, path) = bind(&directory)?;
        let shared = Arc::new(Shared {
            socket,
            process: Generation::current(),
            queue: Mutex::default(),
            arrived: Condvar::new(),
        });
        let mut events = Self { shared: Arc::clone(&shared), path, reader: None };
        let reader = sys::spawn("netns-events", move || shared.read());
        events.reader = Some(reader.map_err(|error| no_thread(&events.path, error))?);
        Ok(events)
    }

    /// The next event, if there is one within `timeout`; none after a [`Closer`] said so.
    pub fn next_timeout(&self, timeout: Duration) -> Option<Event> {
        self.shared.next(Instant::now().checked_add(timeout))
    }

    /// The next event, if it is there already.
    pub fn try_next(&self) -> Option<Event> {
        self.next_timeout(Duration::ZERO)
    }

    /// What ends the iteration from another thread.
    pub fn closer(&self) -> Closer {
        Closer { shared: Arc::clone(&self.shared) }
    }

    /// Calls `f` with each event, one at a time, on a thread of its own, until the subscription is
    /// dropped. A panic of `f` ends that thread alone, and is logged.
    ///
    /// # Errors
    /// ResourceExhausted at the limit of threads.
    pub fn for_each_in_background(self, mut f: impl FnMut(Event) + Send + 'static) -> Result<Subscription> {
        let closer = self.closer();
        let path = self.path.clone();
        let work = move || {
            SUBSCRIBER.set(Arc::as_ptr(&self.shared));
            if catch_unwind(AssertUnwindSafe(|| self.for_each(&mut f))).is_err() {
                log::error!("a subscriber of events panicked and hears no more");
            }
        };
        let thread = sys::spawn("netns-subscriber", work);
        let thread = thread.map_err(|error| no_thread(&path, error))?;
        Ok(Subscription { closer, thread: Some(thread) })
    }
}

impl Iterator for Events {
    type Item = Event;
    fn next(&mut self) -> Option<Event> {
        self.shared.next(None)
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        // A forked child has no say.
        if self.shared.process != Generation::current() {
            return;
        }
        if let Err(error) = fs::remove_file(&self.path) {
            log::debug!("cannot remove {}: {error}", self.path.display());
        }
        self.shared.close();
        if let Some(reader) = self.reader.take() {
            reader.join();
        }
    }
}

impl Closer {
    /// The iteration ends, also of who waits now; what has not been taken by then is not heard.
    pub fn close(&self) {
        self.shared.close();
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.closer.close();
        let Some(thread) = self.thread.take() else { return };
        // The subscriber itself may drop it.
        if SUBSCRIBER.get() != Arc::as_ptr(&self.closer.shared) {
            thread.join();
        }
    }
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next event, waited for until `deadline`, or as long as it takes.
    fn next(&self, deadline: Option<Instant>) -> Option<Event> {
        let mut queue = self.queue();
        loop {
            if queue.closed {
                return None;
            }
            if let Some(event) = queue.pop() {
                return Some(event);
            }
            queue = match deadline {
                None => self.arrived.wait(queue).unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    let left =
                        deadline.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())?;
                    self.arrived.wait_timeout(queue, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    fn close(&self) {
        if self.process != Generation::current() {
            return;
        }
        self.queue().closed = true;
        self.arrived.notify_all();
        // Wakes the reader, and those who tell know at once that nobody listens.
        if let Err(error) = self.socket.shutdown(Shutdown::Both) {
            log::debug!("cannot shut down a listener's socket: {error}");
        }
    }

    /// Moves events from the socket to the queue until it is closed.
    fn read(&self) {
        let mut buffer = vec![0; LONGEST];
        loop {
            let received = self.socket.recv(&mut buffer);
            if self.queue().closed {
                return;
            }
            match received {
                Ok(length) => self.take(&buffer[..length]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    log::error!("cannot receive events any more: {error}");
                    return self.close();
                }
            }
        }
    }

    fn take(&self, text: &[u8]) {
        match serde_json::from_slice(text) {
            Ok(event) => {
                self.queue().push(event);
                self.arrived.notify_one();
            }
            // A newer version may know kinds that this one does not.
            Err(error) => log::debug!("an event is passed over: {error}"),
        }
    }
}

impl Queue {
    pub(super) fn push(&mut self, mut event: Event) {
        if self.events.len() >= CAPACITY {
            self.missed = self.missed.saturating_add(event.missed).saturating_add(1);
            return;
        }
        event.missed = event.missed.saturating_add(std::mem::take(&mut self.missed));
        self.events.push_back(event);
    }

    pub(super) fn pop(&mut self) -> Option<Event> {
        self.events.pop_front()
    }
}

/// At the limit of threads the system says that one may try again.
fn no_thread(path: &Path, error: io::Error) -> Error {
    let error = Error::from_io(LISTEN, path.display().to_string(), error);
    error.with_kind(ErrorKind::ResourceExhausted).with_cause("no thread can be started")
}

fn bind(directory: &Path) -> Result<(UnixDatagram, PathBuf)> {
    let mut last = None;
    for _ in 0..TRIES {
        let path = directory.join(format!("{}.sock", Process::unique_word()?));
        match UnixDatagram::bind(&path) {
            Ok(socket) => return Ok((socket, path)),
            Err(error) => {
                let taken = error.kind() == io::ErrorKind::AddrInUse;
                let error = Error::from_io(LISTEN, path.display().to_string(), error);
                if !taken {
                    return Err(error);
                }
                last = Some(error);
            }
        }
    }
    Err(last
        .unwrap_or_else(|| Error::bad_request(LISTEN, directory.display().to_string(), "no name is free")))
}
