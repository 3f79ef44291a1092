//! Running the program of a hook: the one place of this library that starts a program, because a hook is one.

use std::io::{self, Seek, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::output::Output;
use super::{Command, State};
use crate::error::{Error, ErrorKind, Result};
use crate::sys;

/// How often a kernel that cannot tell is asked whether a program has ended.
const LOOK: Duration = Duration::from_millis(10);

impl Command {
    /// Runs the program on the calling thread's behalf and in its namespaces, with the state's JSON on its
    /// standard input, and waits until it ends. It has a process group of its own.
    ///
    /// Past its timeout the whole group is killed. All that it writes to standard output and standard error is
    /// read, so that it never waits, and the first and last 2 KiB of each are kept for the error. Processes that
    /// it leaves behind are not waited for; what they write then goes nowhere.
    ///
    /// # Errors
    /// BadRequest when the command cannot be right; NotFound and PermissionDenied when there is no such program,
    /// or it cannot be executed; System, with how it ended and what it wrote, when it fails; with errno ETIME when
    /// it ran past its timeout.
    pub fn run(&self, state: &State) -> Result<()> {
        self.try_run(state).map_err(|error| error.within("run hook", format_args!("{:?}", self.path)))
    }

    fn try_run(&self, state: &State) -> Result<()> {
        self.check()?;
        let mut running = self.start(&state.to_json()?)?;
        let deadline = self.timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let ended = running.wait_until(deadline).map_err(not_waited_for)?;
        let failed =
            |cause: String| Error::new(ErrorKind::System, "execute", "the program").with_long_cause(cause);
        match ended {
            Some(status) if status.success() => Ok(()),
            Some(status) => Err(failed(format!("{}; {}", describe(status), running.said()))),
            None => {
                let timeout = self.timeout.unwrap_or_default();
                let cause = format!("it was killed after its timeout of {timeout:?}; {}", running.said());
                Err(failed(cause).with_errno(libc::ETIME))
            }
        }
    }

    fn start(&self, input: &str) -> Result<Running> {
        let pipe = || io::pipe().map_err(|error| Error::from_io("make", "a pipe", error));
        let (stdout, to_stdout) = pipe()?;
        let (stderr, to_stderr) = pipe()?;
        let input =
            memory_file(input).map_err(|error| Error::from_io("write", "its standard input", error))?;

        let mut command = std::process::Command::new(&self.path);
        command.env_clear().process_group(0).stdin(input).stdout(to_stdout).stderr(to_stderr);
        if let Some((name, args)) = self.args.split_first() {
            command.arg0(name).args(args);
        }
        for (name, value) in self.env.iter().filter_map(|entry| entry.split_once('=')) {
            command.env(name, value);
        }
        if !self.dir.is_empty() {
            command.current_dir(&self.dir);
        }
        let child = command.spawn().map_err(|error| self.not_started(error))?;
        let process = sys::open_process(child.id()).ok();
        Ok(Running {
            child,
            process,
            stdout: Output::new(stdout),
            stderr: Output::new(stderr),
            reaped: false,
        })
    }

    fn not_started(&self, error: io::Error) -> Error {
        let cause = match error.raw_os_error() {
            Some(libc::ENOENT) if !self.dir.is_empty() && !Path::new(&self.dir).exists() => {
                "its directory is not there"
            }
            Some(libc::ENOENT) if Path::new(&self.path).exists() => {
                "the interpreter that it names is not there"
            }
            Some(libc::ENOENT) => "there is no such program",
            Some(libc::EACCES) if Path::new(&self.path).is_dir() => "it is a directory",
            Some(libc::EACCES) => "it, or its directory, may not be executed",
            Some(libc::ENOEXEC) => {
                "it is neither a program of this machine nor a script that names its interpreter"
            }
            _ => return Error::from_io("execute", "the program", error),
        };
        Error::from_io("execute", "the program", error).with_cause(cause)
    }
}

fn not_waited_for(error: io::Error) -> Error {
    let is_taken = error.raw_os_error() == Some(libc::ECHILD);
    let error = Error::from_io("wait for", "the program", error);
    if !is_taken {
        return error;
    }
    error.with_cause(
        "how it ended is lost: this process ignores SIGCHLD, or another part of it waits for all children",
    )
}

/// A file in memory rather than a pipe: who does not read it stops nobody.
fn memory_file(text: &str) -> io::Result<Stdio> {
    let mut file = std::fs::File::from(sys::memory_file(c"container state")?);
    file.write_all(text.as_bytes())?;
    file.rewind()?;
    Ok(file.into())
}

/// The result, but for an error that is none here.
fn unless(result: io::Result<()>, errno: i32) -> io::Result<()> {
    match result {
        Err(error) if error.raw_os_error() == Some(errno) => Ok(()),
        result => result,
    }
}

fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("it exited with status {code}"),
        (None, Some(signal)) => format!("it was killed by signal {signal}"),
        (None, None) => format!("it ended with {status}"),
    }
}

/// A program that has started. It is killed when nobody waited for its end.
struct Running {
    child: Child,
    /// Readable when it has ended; `None` where the kernel has no such descriptors.
    process: Option<OwnedFd>,
    stdout: Output,
    stderr: Output,
    reaped: bool,
}

impl Running {
    /// How it ended; `None` when it had to be killed at the deadline.
    fn wait_until(&mut self, deadline: Option<Instant>) -> io::Result<Option<ExitStatus>> {
        loop {
            let status = self.child.try_wait();
            // Whatever went wrong, the number may be another's by now.
            self.reaped = !matches!(status, Ok(None));
            if let Some(status) = status? {
                self.read_rest();
                return Ok(Some(status));
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left == Some(Duration::ZERO) {
                self.kill()?;
                self.read_rest();
                return Ok(None);
            }
            self.read_within(left)?;
        }
    }

    /// Reads what comes, until there was something, the program ended or the time is over.
    fn read_within(&mut self, left: Option<Duration>) -> io::Result<()> {
        // Whole milliseconds are waited, so that the last part of one is not spent asking.
        let left = left.map(|left| left.saturating_add(Duration::from_millis(1)));
        let timeout = match self.process {
            Some(_) => left,
            None => Some(left.map_or(LOOK, |left| left.min(LOOK))),
        };
        let fds = [self.process.as_ref().map(AsFd::as_fd), self.stdout.pipe(), self.stderr.pipe()];
        let [_, stdout, stderr] = match sys::wait_any_readable(fds, timeout) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            result => result?,
        };
        if stdout {
            self.stdout.read();
        }
        if stderr {
            self.stderr.read();
        }
        Ok(())
    }

    fn read_rest(&mut self) {
        for output in [&mut self.stdout, &mut self.stderr] {
            output.read_rest(|pipe| sys::wait_readable(pipe, Duration::ZERO).unwrap_or(false));
        }
    }

    /// The program and all of its group; then its number is free again.
    fn kill(&mut self) -> io::Result<()> {
        // While the program is not waited for, nobody else can have its number. It may have joined another group.
        let _ = sys::kill_group(self.child.id());
        // Where SIGCHLD is ignored nothing is left of it at once.
        unless(self.child.kill(), libc::ESRCH)?;
        let ended = self.child.wait();
        self.reaped = true;
        unless(ended.map(drop), libc::ECHILD)
    }

    fn said(&self) -> String {
        format!("stdout: {}; stderr: {}", self.stdout, self.stderr)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.reaped {
            let _ = self.kill();
        }
    }
}
