//! What many sandboxes cost, and how many there can be. Each promise is kept by a process of its own,
//! so that it is the library that is measured and not the test harness; and one after the other.

mod child;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use netns::{EndpointOptions, ErrorKind, Network, NetworkOptions, Sandbox, SandboxKey};
use testhost::{host, Host};

const SANDBOXES: usize = 1000;
/// `BR_MAX_PORTS` of the kernel less the one that it does not use.
const PORTS: usize = 1023;
/// System calls of one join, in a sandbox that was just made, in one that was opened, and of making
/// the sandbox too: as measured.
const JOIN_CALLS: usize = 21;
const WORN_JOIN_CALLS: usize = 44;
const CREATE_AND_JOIN_CALLS: usize = 53;

static ALONE: Mutex<()> = Mutex::new(());

fn network() -> Network {
    let options = NetworkOptions::default().with_gateway("10.1.0.1/16".parse().unwrap());
    Network::create("bridge", "blue", options).unwrap()
}

fn key(name: &str) -> SandboxKey {
    SandboxKey::new(name).unwrap()
}

fn endpoint(number: usize) -> EndpointOptions {
    let address = format!("10.1.{}.{}/16", number / 250, number % 250 + 2);
    EndpointOptions::new(&format!("e{number}")).unwrap().with_address(address.parse().unwrap())
}

/// The number on the line that begins with `key`.
fn number(text: &str, key: &str) -> usize {
    let value = text.lines().find_map(|line| line.strip_prefix(key)).unwrap();
    value.trim().trim_end_matches(" kB").parse().unwrap()
}

fn peak_kib() -> usize {
    number(&fs::read_to_string("/proc/self/status").unwrap(), "VmHWM:")
}

#[test]
fn a_thousand_sandboxes_fit_into_three_descriptors_each_and_40_mib() {
    const TEST: &str = "a_thousand_sandboxes_fit_into_three_descriptors_each_and_40_mib";
    if child::role().is_some() {
        return thousand_sandboxes();
    }
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    host(|host| {
        let as_many_as_allowed = ["sh", "-c", "ulimit -n $(ulimit -Hn) && exec \"$@\"", "sh"];
        let allowed = host.run("sh", &["-c", "ulimit -Hn"]).stdout;
        let enough = |limit: usize| limit >= 3 * SANDBOXES + 100;
        if !allowed.trim().parse().map_or(allowed.trim() == "unlimited", enough) {
            return testhost::skip(TEST, &format!("only {} open files are allowed", allowed.trim()));
        }
        let output = child::command(&as_many_as_allowed, TEST, "thousand").output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{output:?}");
        let (descriptors, peak) = (number(&text, "descriptors "), number(&text, "KiB "));
        println!("{SANDBOXES} sandboxes: {descriptors} descriptors, {peak} KiB at the peak");
        assert!(descriptors <= 3 * SANDBOXES, "{descriptors} descriptors");
        assert!(peak < 40 * 1024, "{peak} KiB");
        assert_eq!(number(&text, "descriptors left "), 0);
        full_bridge_said_so(host, &text);
    });
}

/// What the child found about the bridge, and what can be seen of it from outside.
fn full_bridge_said_so(host: &Host, text: &str) {
    let line = |start: &str| text.lines().find(|line| line.starts_with(start)).unwrap().to_owned();
    for refusal in [line("worn ResourceExhausted: "), line("fresh ResourceExhausted: ")] {
        assert!(refusal.contains("br-blue has as many ports as a bridge holds (1023)"), "{refusal}");
    }
    let left: Vec<_> = text.lines().filter(|line| line.starts_with("left in ")).collect();
    assert_eq!(left.len(), 4, "{text}");
    assert!(left.iter().all(|line| line.ends_with(" []")), "{left:?}");
    assert_eq!(line("ports "), format!("ports {PORTS}"));
    assert!(host.netns_list().is_empty());
}

/// The links of the thread's namespace.
fn links() -> Vec<String> {
    let devices = fs::read_to_string("/proc/thread-self/net/dev").unwrap();
    let names = devices.lines().skip(2).filter_map(|line| line.split(':').next());
    let mut names: Vec<_> = names.map(|name| name.trim().to_owned()).collect();
    names.sort();
    names
}

fn thousand_sandboxes() {
    let network = network();
    let before = testhost::descriptors();
    let sandboxes: Vec<_> = (0..SANDBOXES)
        .map(|number| {
            let sandbox = Sandbox::create(&key(&format!("s{number}"))).unwrap();
            network.join(&sandbox, &endpoint(number)).unwrap();
            sandbox
        })
        .collect();
    println!("\ndescriptors {}", testhost::descriptors() - before);
    println!("KiB {}", peak_kib());
    the_bridge_fills_up(&network, &sandboxes);
    for sandbox in &sandboxes {
        sandbox.destroy().unwrap();
    }
    println!("descriptors left {}", testhost::descriptors() - before);
}

fn the_bridge_fills_up(network: &Network, sandboxes: &[Sandbox]) {
    let second = |number: usize| EndpointOptions::new(&format!("second{number}")).unwrap();
    for (number, sandbox) in sandboxes.iter().enumerate().take(PORTS - SANDBOXES) {
        network.join(sandbox, &second(number)).unwrap();
    }
    let fresh = Sandbox::create(&key("fresh")).unwrap();
    let worn = &sandboxes[SANDBOXES - 1];
    for (name, sandbox) in [("worn", worn), ("fresh", &fresh)] {
        let (outside, inside) = (links(), sandbox.run(links).unwrap());
        let error = network.join(sandbox, &second(PORTS)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ResourceExhausted, "{error}");
        println!("{name} {error:?}");
        let left = |before: &[String], mut after: Vec<String>| {
            after.retain(|name| !before.contains(name));
            after
        };
        println!("left in the host {:?}", left(&outside, links()));
        println!("left in the {name} {:?}", left(&inside, sandbox.run(links).unwrap()));
    }
    let ports = links().iter().filter(|name| name.starts_with("veth")).count();
    println!("ports {ports}");
    network.unlink("second0").unwrap();
    network.join(&fresh, &second(PORTS)).expect("a port that was given back can be had");
    fresh.destroy().unwrap();
}

/// The system calls that the child's thread makes between its two marks when it plays `role`, each as
/// strace prints it; and that no other thread or process of it began one that it should not.
fn calls_of(test: &str, role: &str) -> Vec<String> {
    let log = format!("/run/{role}.strace");
    let wrapper = ["strace", "-f", "-qq", "-o", &log];
    let output = child::command(&wrapper, test, role).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let log = fs::read_to_string(&log).unwrap();
    let begin = log.find("\"/begin-").unwrap();
    let end = log.find("\"/end-").unwrap();
    let thread = |line: &str| line.split_whitespace().next().unwrap_or_default().to_owned();
    let marked = thread(log[..begin].lines().last().unwrap());
    let mut between: Vec<_> = log[begin..end].lines().skip(1).collect();
    between.pop();
    for line in &between {
        let call = line.split_whitespace().nth(1).unwrap_or_default();
        for forbidden in ["clone", "fork", "vfork", "exec"] {
            assert!(!call.starts_with(forbidden), "{line}");
        }
        assert!(!line.contains("\"/sys"), "{line}");
    }
    between
        .into_iter()
        .filter(|line| thread(line) == marked && !line.contains(" resumed>"))
        // The kernel begins a write to /proc/sys again while others hold the lock for links.
        .filter(|line| !line.contains("ERESTARTNOINTR"))
        .map(|line| line[marked.len()..].trim().to_owned())
        .collect()
}

fn marked(call: impl FnOnce()) {
    let _ = File::open("/begin-join");
    call();
    let _ = File::open("/end-join");
}

#[test]
fn a_join_is_a_known_number_of_system_calls_and_no_fork_no_exec_no_sysfs() {
    const TEST: &str = "a_join_is_a_known_number_of_system_calls_and_no_fork_no_exec_no_sysfs";
    if let Some(role) = child::role() {
        let network = network();
        // What is done once a process has been done.
        let warm = Sandbox::create(&key("warm")).unwrap();
        network.join(&warm, &endpoint(0)).unwrap();
        let join = |sandbox: &Sandbox| drop(network.join(sandbox, &endpoint(1)).unwrap());
        if role == "create-and-join" {
            return marked(|| join(&Sandbox::create(&key("web")).unwrap()));
        }
        let mut sandbox = Sandbox::create(&key("web")).unwrap();
        if role == "worn-join" {
            sandbox = Sandbox::open(&key("web")).unwrap();
        }
        return marked(|| join(&sandbox));
    }
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let traced = Command::new("strace").args(["-qq", "-o", "/dev/null", "true"]).output();
    if !traced.is_ok_and(|output| output.status.success()) {
        return testhost::skip(TEST, "strace is missing or may not trace");
    }
    for (role, limit) in
        [("join", JOIN_CALLS), ("worn-join", WORN_JOIN_CALLS), ("create-and-join", CREATE_AND_JOIN_CALLS)]
    {
        let calls = host(|_| calls_of(TEST, role));
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for call in &calls {
            *counts.entry(call.split('(').next().unwrap_or(call)).or_default() += 1;
        }
        println!("{role}: {} system calls {counts:?}", calls.len());
        assert!(calls.len() <= limit, "{role}: more than {limit}:\n{}", calls.join("\n"));
    }
}
