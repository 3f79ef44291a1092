//! One at a time, across threads and processes.

use std::fs::File;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, TryLockError};
use std::time::Instant;

use super::flock;
use crate::error::{Error, ErrorKind, Result};
use crate::sys::{self, Generation};

/// Serialises what needs the kernel's one lock for links, and the store: those who would wait for each
/// other there wait here, where it costs no processor time.
///
/// It is the flock(2) of a file `gate` in the run directory. A holder that is killed lets go.
///
/// A forked child shares its parent's lock as long as it keeps the parent's descriptor, which no
/// program it executes does: a `Gate` that finds itself in a child opens the file anew. A child that
/// is forked while another thread is inside can never enter.
pub(crate) struct Gate {
    path: PathBuf,
    door: Mutex<Door>,
}

struct Door {
    file: File,
    /// Who opened the file.
    process: Generation,
}

/// The right to be inside, until it is dropped.
#[must_use]
pub(crate) struct GateGuard<'a> {
    door: MutexGuard<'a, Door>,
}

impl Gate {
    /// The gate of a run directory, which is made when it is missing.
    ///
    /// # Errors
    /// PermissionDenied where the directory cannot be written.
    pub(crate) fn open(directory: &Path) -> Result<Self> {
        let path = directory.join("gate");
        let door = Mutex::new(Door::open(&path)?);
        Ok(Self { path, door })
    }

    /// Waits for everybody else, of this process and of others, to be outside.
    ///
    /// # Errors
    /// Busy when another is inside for 10 seconds; so it is for a thread that enters twice.
    pub(crate) fn enter(&self) -> Result<GateGuard<'_>> {
        // Before the queue of threads: those behind one that gave up do not begin to wait anew.
        let deadline = Instant::now() + flock::PATIENCE;
        self.enter_until(deadline)
    }

    fn enter_until(&self, deadline: Instant) -> Result<GateGuard<'_>> {
        let mut door = self.knock(deadline)?;
        if door.process != Generation::current() {
            *door = Door::open(&self.path)?;
        }
        loop {
            flock::lock(&door.file, &self.path, deadline)?;
            if !flock::is_removed(&door.file, &self.path)? {
                return Ok(GateGuard { door });
            }
            *door = Door::open(&self.path)?;
        }
    }
}

impl Gate {
    /// The queue of this process's threads, which has the same end as that of processes.
    fn knock(&self, deadline: Instant) -> Result<MutexGuard<'_, Door>> {
        for tries in 0.. {
            match self.door.try_lock() {
                Ok(door) => return Ok(door),
                Err(TryLockError::Poisoned(poisoned)) => return Ok(poisoned.into_inner()),
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                    std::thread::sleep(sys::pause(tries));
                }
                Err(TryLockError::WouldBlock) => break,
            }
        }
        Err(Error::new(ErrorKind::Busy, "enter", self.path.display().to_string())
            .with_cause("another thread of this process is inside and does not come out"))
    }
}

impl Door {
    fn open(path: &Path) -> Result<Self> {
        Ok(Self { file: flock::open(path)?, process: Generation::current() })
    }
}

impl Drop for GateGuard<'_> {
    fn drop(&mut self) {
        // In a forked child this would let go of what the parent holds.
        if self.door.process != Generation::current() {
            return;
        }
        if let Err(error) = sys::unlock(self.door.file.as_fd()) {
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
    use std::time::Duration;

    use testhost::host;

    use super::*;
    use crate::error::ErrorKind;

    const RUN: &str = "/run/libnetns";

    fn gate() -> Gate {
        Gate::open(Path::new(RUN)).unwrap()
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_millis(50)
    }

    #[test]
    fn who_is_inside_keeps_others_out() {
        host(|_| {
            let (mine, theirs) = (gate(), gate());
            let guard = mine.enter().unwrap();
            let error = theirs.enter_until(soon()).err().unwrap();
            assert_eq!(error.kind(), ErrorKind::Busy);
            assert!(error.to_string().contains("/run/libnetns/gate: another process holds it"), "{error}");
            drop(guard);
            drop(theirs.enter_until(soon()).unwrap());
            // Also to one who is late.
            drop(mine.enter_until(Instant::now()).unwrap());
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
            assert_eq!(gate.enter_until(soon()).err().unwrap().kind(), ErrorKind::Busy);
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
            drop(gate.enter_until(soon()).unwrap());
        });
    }

    #[test]
    fn a_removed_run_directory_comes_back() {
        host(|_| {
            let (mine, theirs) = (gate(), gate());
            fs::remove_dir_all(RUN).unwrap();
            let guard = mine.enter().unwrap();
            assert_eq!(theirs.enter_until(soon()).err().unwrap().kind(), ErrorKind::Busy);
            drop(guard);
        });
    }
}
