//! `netnsctl sandbox exec`.

use std::ffi::OsString;
use std::io::ErrorKind as IoErrorKind;
use std::os::unix::process::CommandExt;
use std::process::Command;

use clap::Args;
use netns::{Error, Namespace, SandboxKey};

use crate::arguments::Global;
use crate::failure::{say, Failure, Outcome};

/// As shells have it: the program is there and cannot be run, or is not there.
const NOT_RUNNABLE: u8 = 126;
const NOT_THERE: u8 = 127;

#[derive(Debug, Args)]
pub(crate) struct Exec {
    /// The sandbox
    sandbox: String,
    /// The program, and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "PROGRAM")]
    program: Vec<OsString>,
}

/// Does not return when all is well: the program takes the place of this one, and so has its signals and its status.
pub(super) fn run(asked: &Exec, global: &Global) -> Outcome {
    let key = SandboxKey::in_base(&global.options().sandbox_dir, &asked.sandbox)?;
    let namespace = Namespace::open(key.path())?;
    let Some((program, arguments)) = asked.program.split_first() else { return Ok(()) };
    let error = namespace.run(|| Command::new(program).args(arguments).exec())?;
    let subject = program.to_string_lossy();
    say(&match error.raw_os_error() {
        Some(errno) => Error::from_errno("run", subject, errno).to_string(),
        None => Error::bad_request("run", subject, error.to_string()).to_string(),
    });
    Err(Failure::Said(if error.kind() == IoErrorKind::NotFound { NOT_THERE } else { NOT_RUNNABLE }))
}
