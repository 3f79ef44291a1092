//! `netnsctl publish` and `netnsctl withdraw`.

use clap::Args;
use netns::PortMapping;

use crate::arguments::Global;
use crate::failure::Outcome;
use crate::output::Output;

const PORTS: &str =
    "Ports, as in 80, 8080:80, 8000-8010:80-90/udp, 127.0.0.1:8080:80 or [::1]::80/sctp; the host's are \
                     chosen where they are left out";

#[derive(Debug, Args)]
pub(crate) struct Asked {
    /// The network
    network: String,
    /// The endpoint
    endpoint: String,
    #[arg(required = true, value_name = "[[HOST:]HOST_PORTS:]PORTS[/PROTOCOL]", help = PORTS)]
    ports: Vec<PortMapping>,
}

pub(crate) fn publish(asked: &Asked, global: &Global, out: &Output) -> Outcome {
    let published = global.controller()?.publish(&asked.network, &asked.endpoint, &asked.ports)?;
    out.put(&published, || published.iter().map(|mapping| format!("{mapping}\n")).collect())
}

pub(crate) fn withdraw(asked: &Asked, global: &Global, out: &Output) -> Outcome {
    global.controller()?.withdraw(&asked.network, &asked.endpoint, &asked.ports)?;
    out.nothing()
}
