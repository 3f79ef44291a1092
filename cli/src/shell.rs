//! What shells and `man` know of this program.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::{Args, Command, CommandFactory};
use clap_complete::{generate, Shell};
use clap_mangen::Man as Page;
use netns::{Error, Result};

use crate::arguments::Arguments;
use crate::failure::{Outcome, EACH_STATUS, EACH_VARIABLE};
use crate::output::Output;

/// Of the manual: what administrators use.
const SECTION: &str = "8";
const SOURCE: &str = concat!("netnsctl ", env!("CARGO_PKG_VERSION"));

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
    let path = asked.directory.join(format!("{name}.{SECTION}"));
    let page = page(command, name, &asked.date).and_then(|text| fs::write(&path, text));
    page.map_err(|error| unwritten(&path, &error))?;
    let mut shown = command.get_subcommands().filter(|below| !below.is_hide_set());
    shown.try_for_each(|below| write_page(below, &format!("{name}-{}", below.get_name()), asked))
}

fn page(command: &Command, name: &str, date: &str) -> io::Result<String> {
    let page =
        Page::new(command.clone()).title(name.to_uppercase()).section(SECTION).date(date).source(SOURCE);
    let mut text = Vec::new();
    page.render_title(&mut text)?;
    page.render_name_section(&mut text)?;
    page.render_synopsis_section(&mut text)?;
    page.render_description_section(&mut text)?;
    page.render_options_section(&mut text)?;
    if command.has_subcommands() {
        page.render_subcommands_section(&mut text)?;
    }
    // With space between lines where the generator has breaks around it too, of which `man` complains.
    let text = String::from_utf8_lossy(&text).replace("\n.br\n\n.br\n", "\n.sp\n");
    Ok(text + &rest(name == "netnsctl"))
}

/// What the generator knows nothing of. The first page has it all, the others lead to it.
fn rest(is_first: bool) -> String {
    if !is_first {
        return ".SH \"EXIT STATUS\"\nAs in netnsctl(8).\n.SH \"SEE ALSO\"\nnetnsctl(8)\n".to_owned();
    }
    let list = |all: &[(&str, &str)]| -> String {
        all.iter().map(|(word, meaning)| format!(".TP\n{word}\n{}\n", meaning.replace('-', "\\-"))).collect()
    };
    let (statuses, variables) = (list(&EACH_STATUS), list(&EACH_VARIABLE));
    format!(
        ".SH \"EXIT STATUS\"\n{statuses}.SH ENVIRONMENT\n{variables}.SH \"SEE ALSO\"\n\
         libnetns(3), ip\\-netns(8), netns\\-hook(8)\n.PP\ndocs/netnsctl.md of libnetns\n"
    )
}

fn unwritten(path: &Path, error: &io::Error) -> Error {
    Error::from_errno("write", path.display().to_string(), error.raw_os_error().unwrap_or(0))
}
