//! What a container's connection to a network costs by way of Docker: to one of ours, and to one of Docker's own.
//!
//! `make bench` prints each figure beside its bound and writes all to `target/bench/docker.json`.
//! Arguments that are no options choose among the parts (`connect`, `requests`, `parallel`); then nothing is
//! written.

use std::path::Path;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use netns_benches::figures::Figures;
use netns_benches::plugin::{Caller, Server, SOCKET};
use netns_benches::stats::{median, timed, Bound};
use serde_json::{json, Value};
use testhost::{host, output, Docker};

/// Before each sample, so that it does not pay for what the kernel put off of the one before.
const PAUSE: Duration = Duration::from_millis(40);
const WARM_UP: usize = 5;
const ROUNDS: usize = 60;
/// Of those where the client is a process.
const CLIENT_ROUNDS: usize = 20;
const REQUEST_ROUNDS: usize = 200;
/// Endpoints that a network has beside the one that comes and goes.
const CROWD: usize = 100;
const PARALLEL: usize = 200;
const MIB: f64 = 30.0;

type Part = (&'static str, fn(&mut Figures) -> Result<(), String>);

const PARTS: [Part; 3] = [("connect", connect), ("requests", requests), ("parallel", parallel)];

fn main() {
    let chosen: Vec<_> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let mut figures = Figures::default();
    for (name, measure) in PARTS {
        if !chosen.is_empty() && !chosen.iter().any(|chosen| name.contains(chosen.as_str())) {
            continue;
        }
        if let Err(why) = measure(&mut figures) {
            let missing = match name {
                "connect" => "connect_over_docker_bridge",
                "requests" => "create_endpoint_and_join_ms",
                _ => "parallel_requests_without_error",
            };
            figures.not_measured(name, &why, [missing]);
        }
    }
    if chosen.is_empty() {
        figures.write("docker.json");
    }
}

/// Two networks of one daemon, the first ours.
const NETWORKS: [(&str, &str, &str); 2] =
    [("ours", "netns", "10.80.0.0/16"), ("dockers", "bridge", "10.81.0.0/16")];

/// A running container is connected to either network in turn: by the request that Docker's client sends, and
/// by the client.
fn connect(figures: &mut Figures) -> Result<(), String> {
    let (requests, client) = host(|_| {
        let docker = Docker::start(&[])?;
        let _server = Server::start()?;
        let ask = |arguments: &[&str]| output(&mut docker.client(arguments));
        for (name, driver, subnet) in NETWORKS {
            ask(&["network", "create", "--driver", driver, "--subnet", subnet, name])?;
        }
        ask(&["run", "--detach", "--name", "one", Docker::IMAGE, "sleep", "3600"])?;
        let requests = turns(ROUNDS, |name, what| {
            let path = format!("/networks/{name}/{what}");
            Caller::new(Docker::SOCKET).post(&path, &json!({ "Container": "one" })).map(drop)
        })?;
        let client = turns(CLIENT_ROUNDS, |name, what| {
            output(&mut docker.client(&["network", what, name, "one"])).map(drop)
        })?;
        ask(&["rm", "--force", "one"])?;
        ask(&["network", "rm", "ours", "dockers"])?;
        Ok::<_, String>((requests, client))
    })?;
    let [ours, dockers] = requests.map(|both| both.map(|samples| median(&samples) / 1e3));
    let [client, dockers_client] = client.map(|both| both.map(|samples| median(&samples) / 1e3));
    println!("connect: ours {:.1} ms, Docker's bridge {:.1} ms", ours[0], dockers[0]);
    println!("disconnect: ours {:.1} ms, Docker's bridge {:.1} ms", ours[1], dockers[1]);
    println!("by the client: ours {:.1} ms, Docker's bridge {:.1} ms", client[0], dockers_client[0]);
    figures.report("connect_over_docker_bridge", ours[0] / dockers[0], "", Bound::AtMost(0.8));
    figures.keep([
        // Most of it is the start of Docker's client.
        ("client_connect_over_docker_bridge", client[0] / dockers_client[0]),
        ("disconnect_over_docker_bridge", ours[1] / dockers[1]),
        ("connect_ms", ours[0]),
        ("docker_bridge_connect_ms", dockers[0]),
        ("disconnect_ms", ours[1]),
        ("docker_bridge_disconnect_ms", dockers[1]),
        ("client_connect_ms", client[0]),
        ("docker_bridge_client_connect_ms", dockers_client[0]),
    ]);
    Ok(())
}

/// What connecting and disconnecting took, of ours and of Docker's.
type Turns = [[Vec<Duration>; 2]; 2];

fn turns(rounds: usize, act: impl Fn(&str, &str) -> Result<(), String>) -> Result<Turns, String> {
    let mut took = Turns::default();
    for round in 0..WARM_UP + rounds {
        for at in [round % 2, (round + 1) % 2] {
            for (samples, what) in took[at].iter_mut().zip(["connect", "disconnect"]) {
                thread::sleep(PAUSE);
                let (sample, result) = timed(|| act(NETWORKS[at].0, what));
                result?;
                samples.extend((round >= WARM_UP).then_some(sample));
            }
        }
    }
    Ok(took)
}

/// The server's own part of a connection, beside no other endpoints and beside many.
fn requests(figures: &mut Figures) -> Result<(), String> {
    let [empty, crowded] = host(|_| {
        let _server = Server::start()?;
        let caller = Caller::new(SOCKET);
        let network = create_network(&caller, "1", 82)?;
        let empty = own_part(&caller, &network)?;
        for index in 0..CROWD {
            begin(&caller, &network, index)?;
        }
        let crowded = own_part(&caller, &network)?;
        for index in 0..CROWD {
            end(&caller, &network, index)?;
        }
        caller.post("/NetworkDriver.DeleteNetwork", &json!({ "NetworkID": network }))?;
        Ok::<_, String>([empty, crowded])
    })?;
    println!("CreateEndpoint and Join: {empty:.2} ms, beside {CROWD} others {crowded:.2} ms");
    figures.report("create_endpoint_and_join_ms", empty.max(crowded), "ms", Bound::AtMost(2.0));
    figures
        .keep([("create_endpoint_and_join_of_0_ms", empty), ("create_endpoint_and_join_of_100_ms", crowded)]);
    Ok(())
}

/// The median in milliseconds.
fn own_part(caller: &Caller, network: &str) -> Result<f64, String> {
    let mut took = Vec::new();
    for round in 0..WARM_UP + REQUEST_ROUNDS {
        thread::sleep(Duration::from_millis(4));
        let (sample, result) = timed(|| begin(caller, network, CROWD + 1));
        result?;
        end(caller, network, CROWD + 1)?;
        took.extend((round >= WARM_UP).then_some(sample));
    }
    Ok(median(&took) / 1e3)
}

/// Many requests at once, each by a connection of its own, and the memory that they take.
fn parallel(figures: &mut Figures) -> Result<(), String> {
    let (errors, [now, most]) = host(|_| {
        let server = Server::start()?;
        let caller = Caller::new(SOCKET);
        let network = create_network(&caller, "2", 83)?;
        let at_once = |act: &(dyn Fn(&Caller, usize) -> Result<(), String> + Sync)| {
            let barrier = Barrier::new(PARALLEL);
            let one = |index: usize| {
                barrier.wait();
                act(&caller, index)
            };
            thread::scope(|scope| {
                let one = &one;
                let all: Vec<_> = (0..PARALLEL).map(|index| scope.spawn(move || one(index))).collect();
                all.into_iter().filter_map(|one| one.join().expect("no panic").err()).collect::<Vec<_>>()
            })
        };
        let mut errors = at_once(&|caller, index| begin(caller, &network, index));
        errors.extend(at_once(&|caller, index| end(caller, &network, index)));
        let memory = server.memory();
        caller.post("/NetworkDriver.DeleteNetwork", &json!({ "NetworkID": network }))?;
        Ok::<_, String>((errors, memory))
    })?;
    if let Some(first) = errors.first() {
        println!("{PARALLEL} at once: {first}");
    }
    let without = (PARALLEL * 2 - errors.len()) as f64;
    figures.report("parallel_requests_without_error", without / 2.0, "", Bound::AtLeast(PARALLEL as f64));
    figures.report("memory_mib", now, "MiB", Bound::AtMost(MIB));
    figures.report("peak_memory_mib", most, "MiB", Bound::AtMost(MIB));
    Ok(())
}

/// A network as Docker asks for it; its id.
fn create_network(caller: &Caller, digit: &str, second: u8) -> Result<String, String> {
    let id = digit.repeat(64);
    let body = json!({
        "NetworkID": id,
        "Options": { "com.docker.network.enable_ipv6": false, "com.docker.network.generic": {} },
        "IPv4Data": [{
            "AddressSpace": "LocalDefault",
            "Pool": format!("10.{second}.0.0/16"),
            "Gateway": format!("10.{second}.0.1/16"),
        }],
        "IPv6Data": [],
    });
    caller.post("/NetworkDriver.CreateNetwork", &body)?;
    Ok(id)
}

fn ids(network: &str, index: usize) -> Value {
    json!({ "NetworkID": network, "EndpointID": format!("{index:064x}") })
}

/// What Docker asks of an endpoint when a container starts.
fn begin(caller: &Caller, network: &str, index: usize) -> Result<(), String> {
    // An address that follows from the number: the second part of it is the network's.
    let second = if network.starts_with('1') { 82 } else { 83 };
    let mut body = ids(network, index);
    body["Interface"] =
        json!({ "Address": format!("10.{second}.{}.{}/16", index / 200 + 1, index % 200 + 1) });
    body["Options"] =
        json!({ "com.docker.network.endpoint.exposedports": [], "com.docker.network.portmap": [] });
    caller.post("/NetworkDriver.CreateEndpoint", &body)?;
    let mut body = ids(network, index);
    body["SandboxKey"] = json!(Path::new("/var/run/docker/netns").join(format!("{index:012x}")));
    body["Options"] = json!({});
    caller.post("/NetworkDriver.Join", &body).map(drop)
}

fn end(caller: &Caller, network: &str, index: usize) -> Result<(), String> {
    caller.post("/NetworkDriver.Leave", &ids(network, index))?;
    caller.post("/NetworkDriver.DeleteEndpoint", &ids(network, index)).map(drop)
}
