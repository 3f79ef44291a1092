//! `netnsctl network`.

mod create;

use std::collections::HashMap;

use clap::{Args, Subcommand};
pub(crate) use create::pair;
use netns::{Controller, Error, ErrorKind, Name, NetworkConfig, Result};
use serde::Serialize;

use crate::arguments::Global;
use crate::failure::{each, Outcome};
use crate::outline::outline;
use crate::output::Output;
use crate::table::{list, Table};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Create a network
    ///
    /// What is left open is chosen: subnets that overlap no other network and no route of the host, and their gateways.
    Create(Box<create::Create>),
    /// List the networks
    #[command(visible_alias = "list")]
    Ls,
    /// Show a network's definition, its endpoints and how much of its subnets is in use
    Inspect(Named),
    /// Remove networks that have no endpoints
    #[command(visible_alias = "remove")]
    Rm(Remove),
}

#[derive(Debug, Args)]
pub(crate) struct Named {
    /// The network
    network: String,
}

#[derive(Debug, Args)]
pub(crate) struct Remove {
    /// The networks
    #[arg(required = true, value_name = "NETWORK")]
    networks: Vec<String>,
    /// One that is gone is no error
    #[arg(short, long)]
    force: bool,
}

pub(crate) fn run(command: Command, global: &Global, out: &Output) -> Outcome {
    match command {
        Command::Create(asked) => {
            let config = asked.config()?;
            let made = global.controller()?.create_network(config)?;
            out.table(&made, || table(&[Row::of(&made, 0)]))
        }
        Command::Ls => ls(&global.controller()?, out),
        Command::Inspect(asked) => {
            let details = global.controller()?.inspect_network(&asked.network)?;
            let text = outline(&details)?;
            out.put(&details, || text)
        }
        Command::Rm(asked) => {
            let controller = global.controller()?;
            each(&asked.networks, |network| remove(&controller, network, asked.force))?;
            out.nothing()
        }
    }
}

/// A definition that cannot be read, in the list of those that can.
#[derive(Serialize)]
#[serde(untagged)]
enum Listed {
    Good(Box<NetworkConfig>),
    Broken { name: Name, error: String },
}

fn ls(controller: &Controller, out: &Output) -> Outcome {
    let networks: Vec<_> =
        controller.networks()?.into_iter().map(|(name, config)| listed(name, config)).collect();
    let mut counts: HashMap<Name, usize> = HashMap::new();
    for endpoint in controller.endpoints()? {
        *counts.entry(endpoint.network).or_default() += 1;
    }
    let row = |listed: &Listed| match listed {
        Listed::Good(config) => Row::of(config, counts.get(&config.name).copied().unwrap_or(0)),
        Listed::Broken { name, error } => {
            Row([name.to_string(), "broken".to_owned(), error.clone(), String::new(), String::new()])
        }
    };
    out.table(&networks, || table(&networks.iter().map(row).collect::<Vec<_>>()))
}

fn listed(name: Name, config: Result<NetworkConfig>) -> Listed {
    match config {
        Ok(config) => Listed::Good(Box::new(config)),
        Err(error) => Listed::Broken { name, error: error.to_string() },
    }
}

struct Row([String; 5]);

impl Row {
    fn of(config: &NetworkConfig, endpoints: usize) -> Self {
        let subnets = list(config.subnets.iter().map(|subnet| subnet.subnet));
        let gateways = list(config.subnets.iter().filter_map(|subnet| subnet.gateway));
        let name = config.name.to_string();
        Self([name, config.network_type.clone(), subnets, gateways, endpoints.to_string()])
    }
}

fn table(rows: &[Row]) -> Table {
    let mut table = Table::new(&["NETWORK", "TYPE", "SUBNETS", "GATEWAYS", ">ENDPOINTS"]);
    rows.iter().for_each(|Row(row)| table.add(row.clone()));
    table
}

fn remove(controller: &Controller, network: &str, force: bool) -> Result<()> {
    let is_there = controller.networks()?.iter().any(|(name, _)| name.as_str() == network);
    // A name that cannot be one is found out by the library.
    if !is_there && !force && Name::new(network).is_ok() {
        return Err(Error::new(ErrorKind::NotFound, "delete network", network)
            .with_cause("there is no network of that name"));
    }
    controller.delete_network(network)
}
