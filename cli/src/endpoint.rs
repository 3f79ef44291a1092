//! `netnsctl endpoint`.

pub(crate) mod wanted;

use clap::{Args, Subcommand};
use netns::{Controller, Endpoint, Error, Result};

use crate::arguments::Global;
use crate::failure::{each, Outcome};
use crate::outline::outline;
use crate::output::Output;
use crate::table::{list, Table};
use wanted::Wanted;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Create an endpoint with its addresses, to be joined later
    Create(Box<Create>),
    /// List the endpoints
    #[command(visible_alias = "list")]
    Ls(Ls),
    /// Show an endpoint
    Inspect(One),
    /// Remove endpoints that are in no sandbox
    #[command(visible_alias = "remove")]
    Rm(Remove),
}

#[derive(Debug, Args)]
pub(crate) struct Create {
    /// The network
    network: String,
    /// What it is called, of all the network's endpoints it alone
    endpoint: String,
    #[command(flatten)]
    wanted: Wanted,
}

#[derive(Debug, Args)]
pub(crate) struct Ls {
    /// Of this network alone
    network: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct One {
    /// The network
    network: String,
    /// The endpoint
    endpoint: String,
}

#[derive(Debug, Args)]
pub(crate) struct Remove {
    /// The network
    network: String,
    /// The endpoints
    #[arg(required = true, value_name = "ENDPOINT")]
    endpoints: Vec<String>,
    /// One that is gone is no error
    #[arg(short, long)]
    force: bool,
}

pub(crate) fn run(command: Command, global: &Global, out: &Output) -> Outcome {
    match command {
        Command::Create(asked) => {
            let config = asked.wanted.config(&asked.endpoint)?;
            let made = global.controller()?.create_endpoint(&asked.network, config)?;
            out.table(&made, || table(std::slice::from_ref(&made)))
        }
        Command::Ls(asked) => {
            let endpoints = of_network(&global.controller()?, asked.network.as_deref())?;
            out.table(&endpoints, || table(&endpoints))
        }
        Command::Inspect(asked) => {
            let endpoint = global.controller()?.endpoint(&asked.network, &asked.endpoint)?;
            let text = outline(&endpoint)?;
            out.put(&endpoint, || text)
        }
        Command::Rm(asked) => {
            let controller = global.controller()?;
            each(&asked.endpoints, |endpoint| {
                check_there(&controller, &asked.network, endpoint, asked.force)?;
                controller.delete_endpoint(&asked.network, endpoint)
            })?;
            out.nothing()
        }
    }
}

fn of_network(controller: &Controller, network: Option<&str>) -> Result<Vec<Endpoint>> {
    match network {
        Some(network) => Ok(controller.inspect_network(network)?.endpoints),
        None => controller.endpoints(),
    }
}

/// The library takes an endpoint that is gone for one that was removed; who types its name may have mistyped it.
pub(crate) fn check_there(
    controller: &Controller,
    network: &str,
    endpoint: &str,
    force: bool,
) -> Result<(), Error> {
    match controller.endpoint(network, endpoint) {
        Err(error) if !force => Err(error),
        _ => Ok(()),
    }
}

fn table(endpoints: &[Endpoint]) -> Table {
    let mut table = Table::new(&["NETWORK", "ENDPOINT", "ADDRESSES", "MAC", "PORTS", "SANDBOX"]);
    for endpoint in endpoints {
        let sandbox = endpoint.sandbox.as_ref().map(|path| path.display().to_string());
        table.add([
            endpoint.network.to_string(),
            endpoint.name().to_string(),
            addresses(endpoint),
            endpoint.mac.map(|mac| mac.to_string()).unwrap_or_default(),
            list(&endpoint.ports),
            sandbox.unwrap_or_default(),
        ]);
    }
    table
}

/// Both of its addresses.
pub(crate) fn addresses(endpoint: &Endpoint) -> String {
    let v4 = endpoint.address.map(|address| address.to_string());
    list(v4.into_iter().chain(endpoint.address_ipv6.map(|address| address.to_string())))
}
