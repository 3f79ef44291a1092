//! One at a time, across threads and processes.

use std::fs::File;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::flock;
use super::queue::{Queue, Turn};
use crate::error::{Error, ErrorKind, Result};
use crate::sys::{self, Generation, PerProcess};

/// Serialises what needs the kernel's one lock for links, and the store: those who would wait for each
/// other there wait here, where it costs no processor time.
///
/// It is the flock(2) of a file `gate` in the run directory. A holder that is killed lets go.
///
/// A forked child shares its parent's lock as long as it keeps the parent's descriptor, which no
/// program it executes does: a `Gate` that finds itself in a child opens the file anew, and its queue is
/// empty.
pub(crate) struct Gate {
    path: PathBuf,
    threads: PerProcess<Threads>,
}

/// Those of one process: one of them at a time is at the door.
#[derive(Default)]
struct Threads {
    queue: Queue,
    door: Mutex<Option<File>>,
}

/// The right to be inside, until it is dropped.
#[must_use]
pub(crate) struct GateGuard<'a> {
    // Let go of before the turn.
    door: MutexGuard<'a, Option<File>>,
    _turn: Turn<'a>,
    process: Generation,
}

impl Gate {
    /// The gate of a run directory, which is made when it is missing.
    ///
    /// # Errors
    /// PermissionDenied where the directory cannot be written.
    pub(crate) fn open(directory: &Path) -> Result<Self> {
        let gate = Self { path: directory.join("gate"), threads: PerProcess::new() };
        *gate.threads.get().door() = Some(flock::open(&gate.path)?);
        Ok(gate)
    }

    /// Waits for everybody else, of this process and of others, to be outside.
    ///
    /// # Errors
    /// Busy when another is inside for 10 seconds; so it is for a thread that enters twice.
    pub(crate) fn enter(&self) -> Result<GateGuard<'_>> {
        self.enter_within(flock::PATIENCE)
    }

    fn enter_within(&self, patience: Duration) -> Result<GateGuard<'_>> {
        let threads = self.threads.get();
        let mut turn = threads.queue.wait(patience).ok_or_else(|| {
            Error::new(ErrorKind::Busy, "enter", self.path.display().to_string())
                .with_cause("another thread of this process is inside and does not come out")
        })?;
        let mut door = threads.door();
        loop {
            let file = match door.take() {
                Some(file) => file,
                None => flock::open(&self.path)?,
            };
            let file = door.insert(file);
            flock::lock(file, &self.path, turn.deadline(patience))?;
            if !flock::is_removed(file, &self.path)? {
                turn.comes_in();
                return Ok(GateGuard { door, _turn: turn, process: Generation::current() });
            }
            *door = None;
        }
    }
}

impl Threads {
    fn door(&self) -> MutexGuard<'_, Option<File>> {
        self.door.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for GateGuard<'_> {
    fn drop(&mut self) {
        // In a forked child this would let go of what the parent holds.
        let Some(file) = self.door.as_ref().filter(|_| self.process == Generation::current()) else { return };
        if let Err(error) = sys::unlock(file.as_fd()) {
            log::warn!("cannot unlock the gate: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::thread;

    use testhost::host;

    use super::*;
    use crate::error::ErrorKind;

    const RUN: &str = "/run/libnetns";

    fn gate() -> Gate {
        Gate::open(Path::new(RUN)).unwrap()
    }

    const SOON: Duration = Duration::from_millis(50);

    #[test]
    fn who_is_inside_keeps_others_out() {
        host(|_| {
            let (mine, theirs) = (gate(), gate());
            let guard = mine.enter().unwrap();
            let error = theirs.enter_within(SOON).err().unwrap();
            assert_eq!(error.kind(), ErrorKind::Busy);
            assert!(error.to_string().contains("/run/libnetns/gate: another process holds it"), "{error}");
            drop(guard);
            drop(theirs.enter_within(SOON).unwrap());
            // Also to one who is late.
            drop(mine.enter_within(Duration::ZERO).unwrap());
            assert_eq!(fs::metadata("/run/libnetns/gate").unwrap().permissions().mode() & 0o777, 0o600);
        });
    }

    #[test]
    fn threads_of_two_gates_enter_one_at_a_time() {
        host(|_| {
            let gates = [gate(), gate()];
            let inside = AtomicU32::new(0);
            let visit = |gate: &Gate| {
                for _ in 0..50 {
                    let _guard = gate.enter().unwrap();
                    assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                    thread::yield_now();
                    inside.fetch_sub(1, Ordering::SeqCst);
                }
            };
            thread::scope(|scope| {
                for gate in gates.iter().cycle().take(6) {
                    scope.spawn(|| visit(gate));
                }
            });
        });
    }

    #[test]
    fn a_killed_holder_lets_go() {
        host(|_| {
            let gate = gate();
            let mut holder = std::process::Command::new("flock")
                .args(["/run/libnetns/gate", "sh", "-c", "echo; exec sleep 60"])
                .stdout(std::process::Stdio::piped())
                .spawn()
                .unwrap();
            std::io::Read::read_exact(holder.stdout.as_mut().unwrap(), &mut [0]).unwrap();
            assert_eq!(gate.enter_within(SOON).err().unwrap().kind(), ErrorKind::Busy);
            let child = format!("/proc/{0}/task/{0}/children", holder.id());
            for pid in fs::read_to_string(child).unwrap().split_whitespace() {
                kill(pid);
            }
            holder.kill().unwrap();
            holder.wait().unwrap();
            drop(gate.enter().unwrap());
        });
    }

    fn kill(pid: &str) {
        assert!(std::process::Command::new("kill").args(["-9", pid]).status().unwrap().success());
    }

    #[test]
    fn a_panic_inside_opens_the_gate() {
        host(|_| {
            let gate = gate();
            let visit = || {
                let _guard = gate.enter().unwrap();
                panic!("inside");
            };
            assert!(thread::scope(|scope| scope.spawn(visit).join()).is_err());
            drop(gate.enter_within(SOON).unwrap());
        });
    }

    #[test]
    fn a_removed_run_directory_comes_back() {
        host(|_| {
            let (mine, theirs) = (gate(), gate());
            fs::remove_dir_all(RUN).unwrap();
            let guard = mine.enter().unwrap();
            assert_eq!(theirs.enter_within(SOON).err().unwrap().kind(), ErrorKind::Busy);
            drop(guard);
        });
    }
}
