//! How a command ends.

use std::io::{self, ErrorKind as IoErrorKind, Write};
use std::process::ExitCode;

use netns::{Error, ErrorKind};

use crate::escape::{line, lines};

/// The statuses, below each help.
pub(crate) const STATUSES: &str = "\
Exit status: 0 done, 1 failed, 2 wrong usage, 3 not found, 4 already there, 5 not permitted";

/// Each status, and what it says.
pub(crate) const EACH_STATUS: [(&str, &str); 7] = [
    ("0", "it is done"),
    ("1", "it failed; of doctor, something that is required is missing"),
    ("2", "wrong usage: an argument, or a definition that is used, cannot be right"),
    ("3", "an object that it takes is not there"),
    ("4", "an object, name, address or port is there or taken already"),
    ("5", "not permitted: a privilege is missing, or the object does not allow it"),
    (
        "126, 127",
        "of sandbox exec: the program cannot be run, or is not there; else it ends as the program does",
    ),
];

/// Each variable, and what it says.
pub(crate) const EACH_VARIABLE: [(&str, &str); 5] = [
    ("NETNS_NETWORKS_DIR", "where the networks' definitions are, without --networks-dir"),
    ("NETNS_RUN_DIR", "where endpoints and leases are kept, without --run-dir"),
    ("NETNS_SANDBOX_DIR", "where sandboxes are mounted, without --sandbox-dir"),
    ("NETNS_METER_DIR", "where the counters are, without --meter-dir"),
    ("NO_COLOR", "set to anything, no colours"),
];

/// Both as text.
pub(crate) fn details() -> String {
    let lines = |all: &[(&str, &str)], width: usize| -> String {
        all.iter().map(|(word, meaning)| format!("\n  {word:<width$}  {meaning}")).collect()
    };
    format!("Exit status:{}\n\nEnvironment:{}", lines(&EACH_STATUS, 8), lines(&EACH_VARIABLE, 18))
}

const FAILED: u8 = 1;
const USAGE: u8 = 2;

pub(crate) type Outcome = Result<(), Failure>;

/// Why a command did not do all that it was asked to.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The library refused.
    Library(Error),
    /// The result could not be written.
    Output(io::Error),
    /// All has been said; this is the exit status.
    Said(u8),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Library(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

/// Says what went wrong, if anything did.
pub(crate) fn exit(outcome: Outcome) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        // Who reads has seen enough.
        Err(Failure::Output(error)) if error.kind() == IoErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(Failure::Output(error)) => {
            say(&format!("write standard output: {error}"));
            ExitCode::from(FAILED)
        }
        Err(Failure::Library(error)) => ExitCode::from(report(&error)),
        Err(Failure::Said(status)) => ExitCode::from(status),
    }
}

/// Says what the library refused, and returns the exit status that stands for it.
fn report(error: &Error) -> u8 {
    say(&error.to_string());
    status(error.kind())
}

fn status(kind: ErrorKind) -> u8 {
    match kind {
        ErrorKind::BadRequest => USAGE,
        ErrorKind::NotFound => 3,
        ErrorKind::AlreadyExists => 4,
        ErrorKind::Forbidden | ErrorKind::PermissionDenied => 5,
        _ => FAILED,
    }
}

/// One line on standard error, in one go: others may write to the same file.
pub(crate) fn say(text: &str) {
    let line = format!("netnsctl: {}\n", line(text));
    // There is nobody else to tell.
    let _ = io::stderr().write_all(line.as_bytes());
}

/// Does something to each object, whatever becomes of the others; the exit status is that of the first failure.
pub(crate) fn each(names: &[String], act: impl FnMut(&String) -> Result<(), Error>) -> Outcome {
    let failures: Vec<_> = names.iter().map(act).filter_map(Result::err).collect();
    let statuses: Vec<_> = failures.iter().map(report).collect();
    statuses.first().map_or(Ok(()), |status| Err(Failure::Said(*status)))
}

/// Help and version, or what is wrong with the command line. The parser would print arguments as they are.
pub(crate) fn exit_usage(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        return exit(error.print().map_err(Failure::Output));
    }
    let text = lines(&error.render().to_string());
    let text = text.strip_prefix("error: ").map(|text| format!("netnsctl: {text}")).unwrap_or(text);
    let _ = io::stderr().write_all(text.as_bytes());
    ExitCode::from(USAGE)
}
