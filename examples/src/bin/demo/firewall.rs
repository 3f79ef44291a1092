//! The way out and in: a published port, the host's address outside, networks that do not reach each other.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use netns::nft::Change;
use netns::plan::{Action, Plan};
use netns::{Controller, Endpoint, EndpointConfig, NetworkConfig};

use crate::host::run;
use crate::screen::{Align, Cell, Screen, Style};
use crate::traffic::visitor;
use crate::{Joined, Result};

/// The network beside the demo's, and who is on it.
const NETWORK: &str = "front";
const SUBNET: &str = "10.90.0.0/24";
const SHOP: &str = "shop";
/// Of the host and of the world outside it, which is a namespace.
const HOST: &str = "192.0.2.1";
const WORLD: &str = "192.0.2.2";
/// The shop's port 80 as the host's.
const PORT: &str = "8080:80";

/// How long somebody who is to be reached may take, and how long nothing must come from who is not.
const PATIENCE: Duration = Duration::from_secs(5);
const SILENCE: Duration = Duration::from_millis(100);

/// Makes a world outside and a network, shows who reaches whom, and takes both away.
pub(crate) fn show(screen: &mut Screen, controller: &Controller, web: &Joined) -> Result<()> {
    let world = controller.create_sandbox("world")?;
    let name = world.key().name().to_string();
    run("ip", &["link", "add", "up0", "type", "veth", "peer", "name", "eth0", "netns", &name])?;
    run("ip", &["address", "add", &format!("{HOST}/24"), "dev", "up0"])?;
    run("ip", &["link", "set", "up0", "up"])?;
    run("ip", &["-n", &name, "address", "add", &format!("{WORLD}/24"), "dev", "eth0"])?;
    run("ip", &["-n", &name, "link", "set", "eth0", "up"])?;

    controller.create_network(NetworkConfig::new("bridge", NETWORK)?.with_subnet(SUBNET.parse()?))?;
    let shop = controller.create_sandbox(SHOP)?;
    let config = EndpointConfig::new(SHOP)?.with_port(PORT.parse()?);
    let plan = controller.plan_connect(NETWORK, &shop, config.clone())?;
    let own = address(&controller.connect(NETWORK, &shop, config)?)?;

    let (port, outside) = (SocketAddr::new(HOST.parse()?, 8080), SocketAddr::new(WORLD.parse()?, 80));
    let own = SocketAddr::new(own, 80);
    let seen = [
        (
            "in",
            "the world to the shop by the host's port",
            port,
            visitor(&world, &shop, port, PATIENCE)?,
            Some(WORLD),
        ),
        ("out", "the shop to the world", outside, visitor(&shop, &world, outside, PATIENCE)?, Some(HOST)),
        (
            "apart",
            "web, of another network, to the shop",
            own,
            visitor(&web.sandbox, &shop, own, SILENCE)?,
            None,
        ),
    ];
    let rows = seen.map(|(what, way, to, visitor, expected)| {
        let is_right = visitor == expected.and_then(|own| own.parse().ok());
        let text = visitor.map_or_else(|| "nobody".to_owned(), |own| own.to_string());
        let style = if is_right { Style::Good } else { Style::Bad };
        (
            is_right,
            vec![Cell::new(Style::Strong, what), way.into(), to.to_string().into(), Cell::new(style, text)],
        )
    });
    let is_right = rows.iter().all(|(is_right, _)| *is_right);
    screen.table(
        &["", "from and to", "at", "who is seen there"].map(|title| (title, Align::Left)),
        &rows.map(|(_, row)| row),
    )?;
    let about =
        format!("the shop and its port are {} elements of sets and maps, and no rule", elements(&plan));
    screen.line(Style::Dim, &about)?;

    controller.destroy_sandbox(&shop)?;
    controller.delete_network(NETWORK)?;
    controller.destroy_sandbox(&world)?;
    run("ip", &["link", "delete", "up0"])?;
    match is_right {
        true => Ok(()),
        false => Err("the firewall lets through what it should not, or does not what it should".into()),
    }
}

fn address(endpoint: &Endpoint) -> Result<IpAddr> {
    let address = endpoint.address.ok_or("the endpoint has no address")?;
    Ok(address.addr().into())
}

/// How many elements the plan adds to the firewall.
fn elements(plan: &Plan) -> usize {
    let changes = plan.steps.iter().filter_map(|step| match &step.action {
        Action::ChangeFirewall(changes) => Some(changes),
        _ => None,
    });
    let count = |change: &Change| match change {
        Change::Add(elements) | Change::Keep(elements) => elements.len(),
        _ => 0,
    };
    changes.flatten().map(count).sum()
}
