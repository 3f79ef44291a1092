//! How a command ends.

use std::io::{self, ErrorKind as IoErrorKind, Write};
use std::process::ExitCode;

use netns::{Error, ErrorKind};

use crate::escape::{line, lines};

/// The statuses, below each help.
pub(crate) const STATUSES: &str = "\
Exit status: 0 done, 1 failed, 2 wrong usage, 3 not found, 4 already there, 5 not permitted";

/// The same, with what else the manual has to say.
pub(crate) const STATUSES_AND_ENVIRONMENT: &str = "\
Exit status:
  0  it is done
  1  it failed
  2  wrong usage: an argument, or a definition that is used, cannot be right
  3  an object that it takes is not there
  4  an object, name, address or port is there or taken already
  5  not permitted: a privilege is missing, or the object does not allow it

`sandbox exec` ends as the program that it runs, with 126 when that cannot be run, and with 127 when it is not there.
`doctor` ends with 1 when something that is required is missing.

Environment:
  NETNS_NETWORKS_DIR, NETNS_RUN_DIR, NETNS_SANDBOX_DIR, NETNS_METER_DIR
                 directories, where no option names them
  NO_COLOR       no colours";

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
