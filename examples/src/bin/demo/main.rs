//! A container network from beginning to end: made, used, measured, taken down without a trace.

mod cost;
mod host;
mod screen;
mod traffic;

use std::net::IpAddr;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use netns::ipnet::{IpNet, Ipv4Net};
use netns::plan::{Action, Plan, Step};
use netns::{EndpointOptions, Interface, MacAddr, Network, NetworkOptions, Sandbox, SandboxKey};

use cost::{Bench, Phase};
use host::State;
use screen::{Align, Cell, Screen, Style};

type Result<T, E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

const GATEWAYS: [&str; 2] = ["10.88.0.1/24", "fd00:88::1/64"];
const SANDBOXES: [(&str, [&str; 2]); 3] = [
    ("web", ["10.88.0.2/24", "fd00:88::2/64"]),
    ("api", ["10.88.0.3/24", "fd00:88::3/64"]),
    ("db", ["10.88.0.4/24", "fd00:88::4/64"]),
];
const MEBIBYTE: usize = 1024 * 1024;
/// How much goes through each TCP connection.
const TRANSFER: usize = 256 * MEBIBYTE;

fn main() -> ExitCode {
    match demo(&mut Screen::new()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("demo failed: {error}");
            ExitCode::FAILURE
        }
    }
}

fn demo(screen: &mut Screen) -> Result<()> {
    let begin = Instant::now();
    host::enter()?;
    let before = State::now()?;
    let kernel = host::run("uname", &["-r"])?;
    screen.title(&format!("libnetns {} on Linux {kernel}", env!("CARGO_PKG_VERSION")))?;

    screen.section("Network", "in a host namespace of the demo's own: the machine is left alone")?;
    let options =
        NetworkOptions::default().with_gateway(GATEWAYS[0].parse()?).with_gateway(GATEWAYS[1].parse()?);
    let network = Network::create("bridge", "demo", options)?;
    let endpoints = SANDBOXES.into_iter().map(create).collect::<Result<Vec<_>>>()?;
    let plan = network.plan_join(&endpoints[0].sandbox, &endpoints[0].options)?;
    let interfaces = endpoints
        .iter()
        .map(|endpoint| network.join(&endpoint.sandbox, &endpoint.options))
        .collect::<netns::Result<Vec<_>>>()?;
    show_network(screen, &network, &endpoints, &interfaces)?;

    screen.section("Plan", "of the first join, as data before anything is done")?;
    show_plan(screen, &plan)?;

    screen.section("Ping", "round trips in milliseconds, IPv4 and IPv6")?;
    ping_all(screen, &endpoints)?;

    screen.section("TCP", "between threads inside two sandboxes")?;
    transfer_all(screen, &endpoints)?;

    let about =
        format!("of a sandbox in microseconds: medians of {}, alternating with the floor", cost::COUNTED);
    screen.section("Cost", &about)?;
    let bench = Bench::build()?;
    let running = State::now()?;
    show_cost(screen, &bench.finish()?)?;

    screen.section("Teardown", "everything is destroyed, and nothing is left")?;
    for endpoint in &endpoints {
        endpoint.sandbox.destroy()?;
    }
    network.delete()?;
    let last_call = Instant::now();
    drop((endpoints, network));
    let after = before.wait_for()?;
    show_teardown(screen, [&before, &running, &after])?;
    let left = before.difference(&after);
    if !left.is_empty() {
        return Err(format!("the host is not as it was before:{left}").into());
    }
    let times = format!(
        "as before {} ms after the last call; {:.1} s in all",
        last_call.elapsed().as_millis(),
        begin.elapsed().as_secs_f64()
    );
    screen.line(Style::Good, &times)?;
    Ok(())
}

struct Endpoint {
    sandbox: Sandbox,
    options: EndpointOptions,
    /// The same addresses as in the options, IPv4 first.
    addresses: [IpNet; 2],
}

fn create((name, [v4, v6]): (&str, [&str; 2])) -> Result<Endpoint> {
    let (v4, v6): (Ipv4Net, IpNet) = (v4.parse()?, v6.parse()?);
    let addresses = [v4.into(), v6];
    let options = EndpointOptions::new(name)?
        .with_address(addresses[0])
        .with_address(addresses[1])
        .with_mac(MacAddr::from_ipv4(v4.addr()));
    let sandbox = Sandbox::create(&SandboxKey::new(name)?)?;
    Ok(Endpoint { sandbox, options, addresses })
}

fn show_network(
    screen: &mut Screen,
    network: &Network,
    endpoints: &[Endpoint],
    interfaces: &[Interface],
) -> Result<()> {
    let mut rows = vec![vec![
        Cell::new(Style::Strong, network.name().as_str()),
        network.bridge().to_string().into(),
        GATEWAYS[0].into(),
        GATEWAYS[1].into(),
        "the bridge, the gateway of all".into(),
    ]];
    for (endpoint, interface) in endpoints.iter().zip(interfaces) {
        let [v4, v6] = endpoint.addresses;
        rows.push(vec![
            Cell::new(Style::Strong, endpoint.options.name.as_str()),
            interface.name().map_or_else(String::new, ToString::to_string).into(),
            v4.to_string().into(),
            v6.to_string().into(),
            endpoint.sandbox.key().to_string().into(),
        ]);
    }
    let left = |title| (title, Align::Left);
    screen.table(&["", "interface", "IPv4", "IPv6", "where"].map(left), &rows)?;
    Ok(())
}

/// The plan as it prints itself, broken to fit, with one of its undos for all.
fn show_plan(screen: &mut Screen, plan: &Plan) -> Result<()> {
    for line in plan.to_string().lines() {
        let step = line.split_once("  [undo: ").map_or(line, |(step, _)| step);
        // The number and the place, of fixed width, stay in front.
        let (label, action) = step.split_at_checked("00  sandbox  ".len()).unwrap_or(("", step));
        screen.paragraph(label, action)?;
    }
    let created = |step: &&Step| matches!(step.action, Action::CreateLink(_));
    let undo = plan.steps.iter().find(created).and_then(|step| step.undo.first());
    let undo = undo.ok_or("the plan has no way back")?;
    let about = format!(
        "when a step fails, what was done is undone, the last step first: here by \"{}\"",
        undo.action
    );
    screen.line(Style::Dim, &about)?;
    Ok(())
}

fn ping_all(screen: &mut Screen, endpoints: &[Endpoint]) -> Result<()> {
    let gateways: [IpNet; 2] = [GATEWAYS[0].parse()?, GATEWAYS[1].parse()?];
    let mut failures = Vec::new();
    let mut rows = Vec::new();
    for from in endpoints {
        let name = from.options.name.as_str();
        let mut row = vec![Cell::new(Style::Strong, name)];
        let others = endpoints.iter().map(|to| (to.options.name.as_str(), to.addresses));
        for (to, addresses) in others.chain([("the gateway", gateways)]) {
            if to == name {
                row.push(Cell::new(Style::Dim, "-"));
                continue;
            }
            let mut times = Vec::new();
            for address in addresses {
                match traffic::ping(&from.sandbox, address.addr()) {
                    Ok(time) => times.push(format!("{time:.3}")),
                    Err(error) => failures.push(format!("from {name}: {error}")),
                }
            }
            row.push(match times.len() {
                2 => times.join("  ").into(),
                _ => Cell::new(Style::Bad, "no answer"),
            });
        }
        rows.push(row);
    }
    let titles = ["from", "to web", "to api", "to db", "to the gateway"];
    screen.table(&titles.map(|title| (title, Align::Left)), &rows)?;
    match failures.first() {
        Some(first) => Err(format!("{} pings without an answer; the first {first}", failures.len()).into()),
        None => Ok(()),
    }
}

fn transfer_all(screen: &mut Screen, endpoints: &[Endpoint]) -> Result<()> {
    let (from, to) = (&endpoints[0], &endpoints[2]);
    let mut rows = Vec::new();
    for address in to.addresses.map(|net| net.addr()) {
        let took = traffic::transfer(&from.sandbox, &to.sandbox, address, TRANSFER)?;
        let rate = TRANSFER as f64 / took.as_secs_f64() / 1e9;
        let family = match address {
            IpAddr::V4(_) => "IPv4",
            IpAddr::V6(_) => "IPv6",
        };
        rows.push(vec![
            Cell::new(Style::Strong, format!("{} to {}", from.options.name, to.options.name)),
            family.into(),
            format!("{} MiB", TRANSFER / MEBIBYTE).into(),
            format!("{} ms", took.as_millis()).into(),
            format!("{rate:.2} GB/s").into(),
        ]);
    }
    let columns = [
        ("", Align::Left),
        ("", Align::Left),
        ("sent", Align::Right),
        ("in", Align::Right),
        ("rate", Align::Right),
    ];
    screen.table(&columns, &rows)?;
    Ok(())
}

fn show_cost(screen: &mut Screen, phases: &[Phase]) -> Result<()> {
    let total = Phase {
        name: "total",
        ours: phases.iter().map(|phase| phase.ours).sum(),
        floor: phases.iter().map(|phase| phase.floor).sum(),
    };
    let micros = |time: Duration| format!("{:.0}", time.as_secs_f64() * 1e6);
    let row = |phase: &Phase, style| {
        let share = phase.ours.as_secs_f64() / total.ours.as_secs_f64();
        vec![
            Cell::new(Style::Strong, phase.name),
            Cell::new(style, micros(phase.ours)),
            Cell::new(style, format!("{:.0} %", share * 100.0)),
            Cell::new(Style::Bar, "█".repeat((share * 24.0).round() as usize)),
            Cell::new(style, micros(phase.floor)),
            Cell::new(style, format!("{:.2}", phase.ours.as_secs_f64() / phase.floor.as_secs_f64())),
        ]
    };
    let mut rows: Vec<_> = phases.iter().map(|phase| row(phase, Style::Plain)).collect();
    rows.push(row(&total, Style::Strong));
    let columns = [
        ("phase", Align::Left),
        ("libnetns", Align::Right),
        ("share", Align::Right),
        ("", Align::Left),
        ("floor", Align::Right),
        ("ratio", Align::Right),
    ];
    screen.table(&columns, &rows)?;
    let about = "the floor is raw netlink that does the same, with nothing checked and nothing recorded";
    screen.line(Style::Dim, about)?;
    Ok(())
}

fn show_teardown(screen: &mut Screen, states: [&State; 3]) -> Result<()> {
    let [before, running, after] = states.map(|state| state.counts().collect::<Vec<_>>());
    let rows: Vec<_> = before
        .iter()
        .zip(&running)
        .zip(&after)
        .map(|(((subject, before), (_, running)), (_, after))| {
            let style = if before == after { Style::Good } else { Style::Bad };
            vec![
                Cell::new(Style::Strong, *subject),
                before.to_string().into(),
                running.to_string().into(),
                Cell::new(style, after.to_string()),
            ]
        })
        .collect();
    let columns =
        [("", Align::Left), ("before", Align::Right), ("running", Align::Right), ("after", Align::Right)];
    screen.table(&columns, &rows)?;
    Ok(())
}
