//! Endpoints that part while others are at the same networks and endpoints, in this process and in others.

mod common;
mod control;
mod plugin;

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use control::{addresses_of, at, endpoint, sandbox, with_subnets};
use netns::{Controller, ErrorKind, NetworkConfig};
use plugin::{options, Plugin};
use testhost::host;

/// Longer than anything takes that is not meant to hang.
const LONG: Duration = Duration::from_secs(60);

fn open(timeout: Duration) -> Controller {
    Controller::open(options(timeout)).unwrap()
}

fn far() -> NetworkConfig {
    with_subnets("wire", "far", &["10.7.0.0/24"])
}

fn of(method: &str) -> String {
    format!("NetworkDriver.{method}")
}

/// Runs `act` in a thread of that scope, and returns when it waits for something.
fn until_it_waits<'a>(scope: &'a std::thread::Scope<'a, '_>, act: impl FnOnce() + Send + 'a) {
    let (sender, receiver) = mpsc::channel();
    scope.spawn(move || {
        sender.send(std::fs::read_link("/proc/thread-self").unwrap()).unwrap();
        act();
    });
    let stat = Path::new("/proc").join(receiver.recv().unwrap()).join("stat");
    let begin = Instant::now();
    let mut times = 0;
    while times < 20 {
        assert!(begin.elapsed() < Duration::from_secs(30), "it does not wait");
        let stat = std::fs::read_to_string(&stat).unwrap();
        times = if stat.contains(") S ") { times + 1 } else { 0 };
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn an_endpoint_that_is_forgotten_too_late_takes_nothing_from_those_after_it() {
    host(|_| {
        let controller = Controller::open(control::options()).unwrap();
        controller.create_network(with_subnets("bridge", "near", &["10.8.0.0/24"])).unwrap();
        let [first, second, third] = ["a", "b", "c"].map(|name| sandbox(&controller, name));
        controller.connect("near", &first, at("old", &["10.8.0.5"])).unwrap();
        // Another process is behind the gate, until its input ends.
        let mut holder = Command::new("flock")
            .args(["/run/libnetns/gate", "sh", "-c", "echo; cat"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        std::io::Read::read_exact(&mut holder.stdout.take().unwrap(), &mut [0]).unwrap();
        std::thread::scope(|scope| {
            until_it_waits(scope, || controller.disconnect("near", "old").unwrap());
            until_it_waits(scope, || {
                drop(controller.connect("near", &second, at("new", &["10.8.0.5"])).unwrap());
            });
            until_it_waits(scope, || controller.forget_endpoint("near", "old").unwrap());
            drop(holder.stdin.take());
        });
        holder.wait().unwrap();
        let taken = controller.connect("near", &third, at("third", &["10.8.0.5"])).unwrap_err();
        assert_eq!(taken.kind(), ErrorKind::AlreadyExists, "{taken}");
        let known = controller.endpoints().unwrap();
        assert_eq!(known.iter().flat_map(addresses_of).collect::<Vec<_>>(), ["10.8.0.5/24"]);
    });
}

#[test]
fn an_endpoint_parts_from_the_network_that_there_is_now() {
    host(|_| {
        let plugin = Plugin::start("wire");
        let (stale, other) = (open(LONG), open(LONG));
        for ends_by_itself in [true, false] {
            let web = sandbox(&other, "web");
            stale.create_network(with_subnets("bridge", "far", &["10.7.0.0/24"])).unwrap();
            stale.connect("far", &web, endpoint("web")).unwrap();
            stale.disconnect("far", "web").unwrap();
            other.delete_network("far").unwrap();
            other.create_network(far()).unwrap();
            other.connect("far", &web, endpoint("web")).unwrap();
            plugin.requests();
            match ends_by_itself {
                true => stale.disconnect("far", "web").unwrap(),
                false => stale.remove_sandbox("web").unwrap(),
            }
            let calls = plugin.calls();
            assert_eq!(calls[calls.len() - 2..], ["Leave", "DeleteEndpoint"].map(of), "{calls:?}");
            assert_eq!(other.endpoints().unwrap(), []);
            other.delete_network("far").unwrap();
            other.remove_sandbox("web").unwrap();
        }
    });
}
