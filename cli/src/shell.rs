//! What shells and `man` know of this program.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, Command, CommandFactory};
use clap_complete::{generate, Shell};
use clap_mangen::Man as Page;
use netns::{Error, Result};

use crate::arguments::Arguments;
use crate::failure::Outcome;
use crate::output::Output;

/// Of the manual: what administrators use.
const SECTION: &str = "8";

#[derive(Debug, Args)]
pub(crate) struct Completion {
    /// The shell
    shell: Shell,
}

#[derive(Debug, Args)]
pub(crate) struct Man {
    /// Where the pages go
    directory: PathBuf,
    /// The date that is on them
    date: String,
}

pub(crate) fn completion(asked: &Completion, out: &Output) -> Outcome {
    let mut command = Arguments::command();
    let name = command.get_name().to_owned();
    let mut text = Vec::new();
    generate(asked.shell, &mut command, name, &mut text);
    out.raw(&String::from_utf8_lossy(&text))
}

/// Writes a page for each command.
pub(crate) fn man(asked: &Man) -> Outcome {
    let mut command = Arguments::command().disable_help_subcommand(true);
    command.build();
    fs::create_dir_all(&asked.directory).map_err(|error| unwritten(&asked.directory, &error))?;
    Ok(write_page(&command, "netnsctl", asked)?)
}

fn write_page(command: &Command, name: &str, asked: &Man) -> Result<()> {
    let page = Page::new(command.clone()).title(name.to_uppercase()).section(SECTION);
    let path = asked.directory.join(format!("{name}.{SECTION}"));
    let mut text = Vec::new();
    let written = page
        .date(asked.date.as_str())
        .render(&mut text)
        .and_then(|()| fs::write(&path, without_breaks(&String::from_utf8_lossy(&text))));
    written.map_err(|error| unwritten(&path, &error))?;
    let shown = command.get_subcommands().filter(|below| !below.is_hide_set());
    shown.into_iter().try_for_each(|below| write_page(below, &format!("{name}-{}", below.get_name()), asked))
}

/// With space between lines where the generator has breaks around it too, of which `man` complains.
fn without_breaks(page: &str) -> String {
    page.replace("\n.br\n\n.br\n", "\n.sp\n")
}

fn unwritten(path: &Path, error: &std::io::Error) -> Error {
    Error::from_errno("write", path.display().to_string(), error.raw_os_error().unwrap_or(0))
}
