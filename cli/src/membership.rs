//! Sandboxes and endpoints: connecting, joining and parting.

use clap::Args;
use netns::Endpoint;

use crate::arguments::Global;
use crate::endpoint::wanted::Wanted;
use crate::endpoint::{addresses, check_there};
use crate::escape::lines;
use crate::failure::Outcome;
use crate::output::Output;
use crate::table::{list, Table};

#[derive(Debug, Args)]
pub(crate) struct Connect {
    /// The network
    network: String,
    /// The sandbox
    sandbox: String,
    /// What the endpoint is called; as the sandbox by default
    endpoint: Option<String>,
    #[command(flatten)]
    wanted: Wanted,
}

#[derive(Debug, Args)]
pub(crate) struct Join {
    /// The network
    network: String,
    /// The endpoint
    endpoint: String,
    /// The sandbox
    sandbox: String,
}

#[derive(Debug, Args)]
pub(crate) struct Of {
    /// The network
    network: String,
    /// The endpoint
    endpoint: String,
    /// One that is gone is no error
    #[arg(short, long)]
    force: bool,
}

pub(crate) fn connect(asked: Connect, global: &Global, out: &Output) -> Outcome {
    let config = asked.wanted.config(asked.endpoint.as_ref().unwrap_or(&asked.sandbox))?;
    let controller = global.controller()?;
    let sandbox = controller.open_sandbox(&asked.sandbox)?;
    let endpoint = controller.connect(&asked.network, &sandbox, config)?;
    out.table(&endpoint, || table(&endpoint))
}

pub(crate) fn plan(asked: Connect, global: &Global, out: &Output) -> Outcome {
    let config = asked.wanted.config(asked.endpoint.as_ref().unwrap_or(&asked.sandbox))?;
    let controller = global.controller()?;
    let sandbox = controller.open_sandbox(&asked.sandbox)?;
    let plan = controller.plan_connect(&asked.network, &sandbox, config)?;
    out.put(&plan, || lines(&plan.to_string()))
}

pub(crate) fn join(asked: &Join, global: &Global, out: &Output) -> Outcome {
    let controller = global.controller()?;
    let sandbox = controller.open_sandbox(&asked.sandbox)?;
    let endpoint = controller.join(&asked.network, &asked.endpoint, &sandbox)?;
    out.table(&endpoint, || table(&endpoint))
}

pub(crate) fn leave(asked: &Of, global: &Global, out: &Output) -> Outcome {
    let controller = global.controller()?;
    check_there(&controller, &asked.network, &asked.endpoint, asked.force)?;
    controller.leave(&asked.network, &asked.endpoint)?;
    out.nothing()
}

pub(crate) fn disconnect(asked: &Of, global: &Global, out: &Output) -> Outcome {
    let controller = global.controller()?;
    check_there(&controller, &asked.network, &asked.endpoint, asked.force)?;
    controller.disconnect(&asked.network, &asked.endpoint)?;
    out.nothing()
}

/// An endpoint that has just joined, with its interface.
fn table(endpoint: &Endpoint) -> Table {
    let interface = endpoint.interface.as_ref();
    let gateways = interface.into_iter().flat_map(|interface| {
        let v4 = interface.gateway.map(|gateway| gateway.to_string());
        v4.into_iter().chain(interface.gateway_ipv6.map(|gateway| gateway.to_string()))
    });
    let mut table = Table::new(&["NETWORK", "ENDPOINT", "INTERFACE", "ADDRESSES", "GATEWAYS", "PORTS"]);
    table.add([
        endpoint.network.to_string(),
        endpoint.name().to_string(),
        interface.map(|interface| interface.destination.to_string()).unwrap_or_default(),
        addresses(endpoint),
        list(gateways),
        list(&endpoint.ports),
    ]);
    table
}
