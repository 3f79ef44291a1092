//! Processes of their own that join sandboxes at the same time.
//!
//! A worker is this binary once more, with the namespaces of the thread that starts it. It says when it is
//! ready, begins when it is told, and tells when it ended and which addresses it got.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::net::Ipv4Addr;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use netns::Controller;
use nix::time::{clock_gettime, ClockId};

use crate::managed::{endpoint, options, ControllerRig};

const NETWORK: &str = "NETNS_BENCH_NETWORK";
const NAME: &str = "NETNS_BENCH_WORKER";
const COUNT: &str = "NETNS_BENCH_JOINS";

/// What workers that began together did.
#[derive(Clone, Debug)]
pub struct Work {
    /// From the common beginning to the last end.
    pub took: Duration,
    /// The addresses, in no order.
    pub addresses: Vec<Ipv4Addr>,
}

struct Worker {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

/// Has workers of these names join `count` sandboxes each to `network`, all at the same time. The sandboxes
/// are called as [`sandbox_names`] says, and stay.
///
/// # Panics
/// When a worker fails.
pub fn run(network: &str, names: &[String], count: usize) -> Work {
    let mut workers: Vec<_> = names.iter().map(|name| Worker::start(network, name, count)).collect();
    for worker in &mut workers {
        assert_eq!(worker.line(), "ready");
    }
    let begin = now();
    for worker in &mut workers {
        worker.input.write_all(b"go\n").expect("a worker that listens");
    }
    let mut work = Work { took: Duration::ZERO, addresses: Vec::new() };
    for mut worker in workers {
        let line = worker.line();
        let mut words = line.split(' ');
        let end = words.next().and_then(|end| end.parse().ok()).map(Duration::from_nanos);
        work.took = work.took.max(end.expect("when it ended") - begin);
        work.addresses.extend(words.map(|address| address.parse::<Ipv4Addr>().expect("an address")));
        assert!(worker.process.wait().expect("a worker").success());
    }
    work
}

/// How long workers of these names take to join `count` sandboxes each to the network of `managed`; each address is
/// seen to be given once, and the sandboxes are removed.
///
/// # Panics
/// When a worker fails, or an address was given twice.
pub fn joins(managed: &ControllerRig, names: &[String], count: usize) -> Duration {
    let work = run(managed.network, names, count);
    let given: BTreeSet<_> = work.addresses.iter().copied().collect();
    assert_eq!(managed.addresses(names.len() * count), given, "what was recorded and what was told");
    managed.remove(names.iter().flat_map(|name| sandbox_names(name, count)));
    work.took
}

/// The same by threads of this process, which share the controller.
///
/// # Panics
/// As that does.
pub fn joins_of_threads(managed: &ControllerRig, names: &[String], count: usize) -> Duration {
    let begin = Barrier::new(names.len());
    let work = &|name: &String| {
        begin.wait();
        let begun = now();
        let kept: Vec<_> = sandbox_names(name, count)
            .map(|name| {
                let sandbox = managed.sandbox(&name);
                let joined = managed.connect(&sandbox, &name);
                (sandbox, joined)
            })
            .collect();
        (begun, now(), kept)
    };
    let ended: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = names.iter().map(|name| scope.spawn(move || work(name))).collect();
        threads.into_iter().map(|thread| thread.join().expect("a thread's joins")).collect()
    });
    managed.addresses(names.len() * count);
    let begun = ended.iter().map(|(begun, ..)| *begun).min().unwrap_or_default();
    let end = ended.iter().map(|(_, end, _)| *end).max().unwrap_or_default();
    drop(ended);
    managed.remove(names.iter().flat_map(|name| sandbox_names(name, count)));
    end - begun
}

/// What the sandboxes of a worker are called.
pub fn sandbox_names(worker: &str, count: usize) -> impl Iterator<Item = String> + '_ {
    (0..count).map(move |index| format!("{worker}-{index}"))
}

/// Does a worker's work, if this process is one.
///
/// # Panics
/// When anything fails: the bench sees that.
pub fn is_worker() -> bool {
    let Ok(name) = std::env::var(NAME) else { return false };
    let network = std::env::var(NETWORK).expect("a network");
    let count = std::env::var(COUNT).ok().and_then(|count| count.parse().ok()).expect("a number");
    work(&network, &name, count);
    true
}

fn work(network: &str, name: &str, count: usize) {
    let controller = Controller::open(options()).expect("a controller");
    // The first use of a network in a process looks whether all is there.
    controller.create_endpoint(network, endpoint(name)).expect("an endpoint");
    controller.delete_endpoint(network, name).expect("a deleted endpoint");
    println!("ready");
    std::io::stdin().lock().read_line(&mut String::new()).expect("a sign to begin");

    let mut kept = Vec::with_capacity(count);
    for name in sandbox_names(name, count) {
        let sandbox = controller.create_sandbox(&name).expect("a sandbox");
        let joined = controller.connect(network, &sandbox, endpoint(&name)).expect("a connection");
        kept.push((sandbox, joined));
    }
    let end = now();
    let address = |address: Ipv4Addr| format!(" {address}");
    let addresses = kept.iter().filter_map(|(_, joined)| joined.address).map(|net| address(net.addr()));
    println!("{}{}", end.as_nanos(), addresses.collect::<String>());
}

impl Worker {
    fn start(network: &str, name: &str, count: usize) -> Self {
        let mut command = Command::new(std::env::current_exe().expect("a path of this binary"));
        command.envs([(NETWORK, network), (NAME, name), (COUNT, &count.to_string())]);
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a worker");
        let input = process.stdin.take().expect("its input");
        let output = BufReader::new(process.stdout.take().expect("its output"));
        Self { process, input, output }
    }

    /// Empty when the worker is gone.
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("a line of a worker");
        line.trim_end().to_owned()
    }
}

/// The time of a clock that is the same in all processes.
fn now() -> Duration {
    clock_gettime(ClockId::CLOCK_MONOTONIC).expect("a monotonic clock").into()
}
