//! A container network from beginning to end: made, used, measured, taken down without a trace.

mod cost;
mod counters;
mod crash;
mod firewall;
mod host;
mod screen;
mod traffic;

use std::net::IpAddr;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use netns::ipnet::IpNet;
use netns::plan::{Action, Plan, Step};
use netns::{Controller, ControllerOptions, Endpoint, EndpointConfig, NetworkConfig, Sandbox};

use cost::{Bench, Phase};
use host::State;
use screen::{Align, Cell, Screen, Style};

type Result<T, E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

const NETWORK: &str = "demo";
const SUBNETS: [&str; 2] = ["10.88.0.0/24", "fd00:88::/64"];
const SANDBOXES: [&str; 3] = ["web", "api", "db"];
const MEBIBYTE: usize = 1024 * 1024;
/// How much goes through each TCP connection.
const TRANSFER: usize = 256 * MEBIBYTE;

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some(crash::ROLE) {
        return crash::victim();
    }
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
    let controller = Controller::open(options())?;
    let [v4, v6] = SUBNETS;
    let network = NetworkConfig::new("bridge", NETWORK)?.with_subnet(v4.parse()?).with_subnet(v6.parse()?);
    let network = controller.create_network(network)?;
    let sandboxes = SANDBOXES
        .into_iter()
        .map(|name| controller.create_sandbox(name))
        .collect::<netns::Result<Vec<_>>>()?;
    let plan = controller.plan_connect(NETWORK, &sandboxes[0], EndpointConfig::new(SANDBOXES[0])?)?;
    let joined = sandboxes.into_iter().zip(SANDBOXES).map(|(sandbox, name)| {
        let endpoint = controller.connect(NETWORK, &sandbox, EndpointConfig::new(name)?)?;
        Ok(Joined { sandbox, endpoint })
    });
    let endpoints = joined.collect::<Result<Vec<_>>>()?;
    show_network(screen, &network, &endpoints)?;

    screen.section("Plan", "of the first join, as data before anything is done")?;
    show_plan(screen, &plan)?;

    screen.section("Ping", "round trips in milliseconds, IPv4 and IPv6")?;
    ping_all(screen, &network, &endpoints)?;

    screen.section("TCP", "between threads inside two sandboxes")?;
    transfer_all(screen, &endpoints)?;

    screen
        .section("Counters", "of each sandbox's interface as it sees it, beside the kernel's own inside")?;
    counters::show(screen, &controller, &endpoints)?;

    screen.section("Firewall", "with a world outside; nobody ran nft, and no proxy")?;
    firewall::show(screen, &controller, &endpoints[0])?;

    let about =
        format!("of a sandbox in microseconds: medians of {}, alternating with the floor", cost::COUNTED);
    screen.section("Cost", &about)?;
    let bench = Bench::build(&controller)?;
    let running = State::now()?;
    show_cost(screen, &bench.finish()?)?;

    screen.section("Crash", "a process is killed after it has joined a sandbox; the next one tidies up")?;
    crash::show(screen, &controller)?;

    screen.section("Teardown", "everything is destroyed, and nothing is left")?;
    for joined in &endpoints {
        controller.destroy_sandbox(&joined.sandbox)?;
    }
    controller.delete_network(NETWORK)?;
    let last_call = Instant::now();
    drop((endpoints, controller));
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

/// Everything in the demo's own `/run`.
fn options() -> ControllerOptions {
    let mut options = ControllerOptions::default();
    options.networks_dir = "/run/libnetns/networks".into();
    options
}

struct Joined {
    sandbox: Sandbox,
    endpoint: Endpoint,
}

impl Joined {
    fn name(&self) -> &str {
        self.endpoint.name().as_str()
    }

    /// IPv4 first.
    fn addresses(&self) -> impl Iterator<Item = IpNet> + '_ {
        let v4 = self.endpoint.address.map(IpNet::V4);
        v4.into_iter().chain(self.endpoint.address_ipv6.map(IpNet::V6))
    }
}

fn gateways(network: &NetworkConfig) -> impl Iterator<Item = IpAddr> + '_ {
    network.subnets.iter().filter_map(|subnet| subnet.gateway)
}

fn show_network(screen: &mut Screen, network: &NetworkConfig, endpoints: &[Joined]) -> Result<()> {
    let mut row = vec![Cell::new(Style::Strong, network.name.as_str()), network.network_type.clone().into()];
    row.extend(gateways(network).map(|gateway| gateway.to_string().into()));
    row.push("the gateway of all, chosen as all addresses here".into());
    let mut rows = vec![row];
    for joined in endpoints {
        let interface = joined.endpoint.interface.as_ref().and_then(|interface| interface.name());
        let mut row = vec![
            Cell::new(Style::Strong, joined.name()),
            interface.map_or_else(String::new, ToString::to_string).into(),
        ];
        row.extend(joined.addresses().map(|address| address.to_string().into()));
        row.push(joined.sandbox.key().to_string().into());
        rows.push(row);
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

fn ping_all(screen: &mut Screen, network: &NetworkConfig, endpoints: &[Joined]) -> Result<()> {
    let gateways: Vec<_> = gateways(network).collect();
    let mut failures = Vec::new();
    let mut rows = Vec::new();
    for from in endpoints {
        let name = from.name();
        let mut row = vec![Cell::new(Style::Strong, name)];
        let others = endpoints.iter().map(|to| (to.name(), to.addresses().map(|net| net.addr()).collect()));
        for (to, addresses) in others.chain([("the gateway", gateways.clone())]) {
            if to == name {
                row.push(Cell::new(Style::Dim, "-"));
                continue;
            }
            let mut times = Vec::new();
            for address in addresses {
                match traffic::ping(&from.sandbox, address) {
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

fn transfer_all(screen: &mut Screen, endpoints: &[Joined]) -> Result<()> {
    let (from, to) = (&endpoints[0], &endpoints[2]);
    let mut rows = Vec::new();
    for address in to.addresses().map(|net| net.addr()) {
        let took = traffic::transfer(&from.sandbox, &to.sandbox, address, TRANSFER)?;
        let rate = TRANSFER as f64 / took.as_secs_f64() / 1e9;
        let family = match address {
            IpAddr::V4(_) => "IPv4",
            IpAddr::V6(_) => "IPv6",
        };
        rows.push(vec![
            Cell::new(Style::Strong, format!("{} to {}", from.name(), to.name())),
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
