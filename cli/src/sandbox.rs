//! `netnsctl sandbox`.

mod exec;

use std::path::Path;

use clap::{Args, Subcommand};
use netns::{Controller, Error, ErrorKind, Result, SandboxDetails};

use crate::arguments::Global;
use crate::failure::{each, Outcome};
use crate::outline::outline;
use crate::output::Output;
use crate::table::{list, Table};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Create sandboxes
    Create(Named),
    /// List the sandboxes with their endpoints
    #[command(visible_alias = "list")]
    Ls,
    /// Show a sandbox's interfaces, gateways and routes, as the kernel has them
    Inspect(One),
    /// Run a program in a sandbox, in the place of this one
    ///
    /// It has the sandbox's network namespace, and everything else of the caller's: standard input and output,
    /// terminal, directory, environment, user. Signals and its exit status are its own.
    Exec(exec::Exec),
    /// Remove sandboxes; their endpoints leave them
    #[command(visible_alias = "remove")]
    Rm(Remove),
}

#[derive(Debug, Args)]
pub(crate) struct Named {
    /// What they are called; `ip netns` knows them by that
    #[arg(required = true, value_name = "SANDBOX")]
    sandboxes: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct One {
    /// The sandbox
    sandbox: String,
}

#[derive(Debug, Args)]
pub(crate) struct Remove {
    /// The sandboxes
    #[arg(required = true, value_name = "SANDBOX")]
    sandboxes: Vec<String>,
    /// One that is gone is no error
    #[arg(short, long)]
    force: bool,
}

pub(crate) fn run(command: Command, global: &Global, out: &Output) -> Outcome {
    match command {
        Command::Create(asked) => create(&global.controller()?, &asked.sandboxes, out),
        Command::Ls => {
            let controller = global.controller()?;
            let sandboxes = controller.sandboxes()?;
            out.table(&sandboxes, || table(&controller, &sandboxes))
        }
        Command::Inspect(asked) => {
            let info = global.controller()?.open_sandbox(&asked.sandbox)?.info()?;
            let text = outline(&info)?;
            out.put(&info, || text)
        }
        Command::Exec(asked) => exec::run(&asked, global),
        Command::Rm(asked) => {
            let controller = global.controller()?;
            each(&asked.sandboxes, |sandbox| remove(&controller, sandbox, asked.force))?;
            out.nothing()
        }
    }
}

fn create(controller: &Controller, names: &[String], out: &Output) -> Outcome {
    let mut made = Vec::new();
    let result = each(names, |name| {
        made.push(controller.create_sandbox(name)?.key().path().to_owned());
        Ok(())
    });
    let mut sandboxes = controller.sandboxes()?;
    sandboxes.retain(|sandbox| made.contains(&sandbox.path));
    if !made.is_empty() {
        out.table(&sandboxes, || table(controller, &sandboxes))?;
    }
    result
}

fn table(controller: &Controller, sandboxes: &[SandboxDetails]) -> Table {
    let mut table = Table::new(&["SANDBOX", "PATH", "ENDPOINTS"]);
    for sandbox in sandboxes {
        let endpoints =
            sandbox.endpoints.iter().map(|endpoint| format!("{}/{}", endpoint.network, endpoint.name()));
        table.add([name_of(controller, &sandbox.path), sandbox.path.display().to_string(), list(endpoints)]);
    }
    table
}

/// By what name commands take the sandbox; none where it is not in the controller's directory.
fn name_of(controller: &Controller, path: &Path) -> String {
    let name = path.strip_prefix(&controller.options().sandbox_dir).ok();
    name.map_or_else(String::new, |name| name.display().to_string())
}

fn remove(controller: &Controller, sandbox: &str, force: bool) -> Result<()> {
    let key = controller.sandbox_key(sandbox)?;
    if !force && key.path().symlink_metadata().is_err() {
        return Err(Error::new(ErrorKind::NotFound, "remove sandbox", key.to_string())
            .with_cause("there is no sandbox of that name"));
    }
    controller.remove_sandbox(sandbox)
}
