//! `netns-hook`: a hook of OCI runtimes that joins a container to its networks, and parts it from them.
//!
//! It reads the container's state on standard input. What goes wrong is one line on standard error that names
//! operation, object and cause.

mod action;
mod arguments;
mod config;

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

use arguments::Asked;

/// The arguments cannot be right.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    match arguments::parse(lexopt::Parser::from_env()) {
        Ok(Asked::Help) => print(arguments::HELP),
        Ok(Asked::Version) => print(concat!("netns-hook ", env!("CARGO_PKG_VERSION"), "\n")),
        Ok(Asked::Act(arguments)) => {
            action::act(&arguments).map_or_else(|error| fail(1, &error), |()| ExitCode::SUCCESS)
        }
        Err(error) => fail(USAGE, &format_args!("{error}; netns-hook --help says more")),
    }
}

fn print(text: &str) -> ExitCode {
    match io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(1, &format_args!("write standard output: {error}")),
    }
}

/// One line, whatever is in the names that the error has, and in one go: others may write to the same file.
fn fail(code: u8, error: &dyn Display) -> ExitCode {
    let line = format!("netns-hook: {error}").replace(char::is_control, " ") + "\n";
    // There is nobody else to tell.
    let _ = io::stderr().write_all(line.as_bytes());
    ExitCode::from(code)
}
