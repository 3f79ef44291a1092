//! What people use: curl, socat, iperf3.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use testhost::{inside, skip, Host};

use crate::world::{network, world, World, TYPES};

/// Reads a request and says who has sent it.
const HTTP: &str = "while read -r line && [ ${#line} -gt 1 ]; do :; done
printf 'HTTP/1.0 200 OK\r\n\r\nhello from %s\n' \"$SOCAT_PEERADDR\"";
const URLS: [(&str, &str); 2] = [
    ("http://192.0.2.1:8080/", "hello from 192.0.2.2"),
    ("http://[2001:db8::1]:8080/", "hello from [2001:0db8:0000:0000:0000:0000:0000:0002]"),
];

/// Whether the programs are there; says so where not.
fn are_there(what: &str, programs: &[&str]) -> bool {
    let is_there = |program: &&&str| {
        let asked =
            Command::new("sh").args(["-c", "command -v \"$0\"", program]).stdout(Stdio::null()).status();
        asked.is_ok_and(|status| status.success())
    };
    let missing: Vec<_> = programs.iter().filter(|program| !is_there(program)).collect();
    if !missing.is_empty() {
        skip(what, &format!("not installed: {missing:?}"));
    }
    missing.is_empty()
}

/// A program in a namespace, until it is dropped.
struct Running(Child);

impl Running {
    /// Starts it in a container and waits until it listens on TCP port `port`.
    fn start(container: &str, port: u16, words: &[&str]) -> Self {
        let net = format!("--net=/run/netns/{container}");
        let mut command = Command::new("nsenter");
        command.arg(net).args(words).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let running = Self(command.spawn().unwrap());
        let deadline = Instant::now() + Duration::from_secs(5);
        while !inside(container, || listens(port)) {
            assert!(Instant::now() < deadline, "{words:?} does not listen on {port}");
            thread::sleep(Duration::from_millis(10));
        }
        running
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Whether somebody listens on that TCP port in the calling thread's namespace.
fn listens(port: u16) -> bool {
    let word = format!(":{port:04X} ");
    let is_it = |line: &str| line.contains(&word) && line.contains(" 0A ");
    ["tcp", "tcp6"].iter().any(|table| {
        let table = fs::read_to_string(format!("/proc/thread-self/net/{table}")).unwrap_or_default();
        table.lines().any(is_it)
    })
}

fn from_world(world: &World, words: &[&str]) -> String {
    let output = world.host.run("nsenter", &[&["--net=/run/netns/world"], words].concat());
    assert!(output.success, "{words:?}: {} {}", output.stdout, output.stderr);
    output.stdout
}

/// What comes from `connect` in the world when `listen` says hello in the container.
pub(crate) fn socat(host: &Host, container: &str, listen: &str, connect: &str) -> Option<String> {
    let net = format!("--net=/run/netns/{container}");
    let mut command = Command::new("nsenter");
    command.args([&net, "socat", listen, "SYSTEM:echo hello"]);
    let _running = Running(command.spawn().ok()?);
    let deadline = Instant::now() + Duration::from_secs(5);
    while Instant::now() < deadline {
        let args = ["--net=/run/netns/world", "timeout", "2", "socat", "-u", connect, "-"];
        let said = host.run("nsenter", &args).stdout;
        if !said.is_empty() {
            return Some(said.trim().to_owned());
        }
        thread::sleep(Duration::from_millis(50));
    }
    None
}

#[test]
fn curl_fetches_by_a_published_port() {
    if !are_there("curl by a published port", &["curl", "socat", "nsenter"]) {
        return;
    }
    world(|world| {
        let script = std::env::temp_dir().join(format!("netns-http-{}", std::process::id()));
        fs::write(&script, HTTP).unwrap();
        let serve = format!("EXEC:sh {}", script.display());
        for kind in TYPES {
            world.filter_bridged(false);
            world.controller.create_network(network(kind, "blue")).unwrap();
            world.container("blue", "web", 11, &["8080:8000"]);
            let listen = "TCP6-LISTEN:8000,fork,reuseaddr,ipv6only=0";
            let http = Running::start("web", 8000, &["socat", listen, &serve]);
            for (url, answer) in URLS {
                let said = from_world(world, &["curl", "-gsSm5", url]);
                let said = said.replace("[0000:0000:0000:0000:0000:ffff:c000:0202]", "192.0.2.2");
                assert_eq!(said.trim(), answer, "{kind}: {url}");
            }
            for url in ["http://127.0.0.1:8080/", "http://[::1]:8080/", URLS[0].0, URLS[1].0] {
                let here = world.host.run("curl", &["-gsSm5", url]);
                assert!(here.stdout.starts_with("hello from"), "{kind}: {url}: {here:?}");
            }
            drop(http);
            world.end(kind);
        }
        fs::remove_file(script).unwrap();
    });
}

#[test]
fn iperf3_measures_through_a_published_port() {
    if !are_there("iperf3 through a published port", &["iperf3", "nsenter"]) {
        return;
    }
    world(|world| {
        for kind in TYPES {
            world.controller.create_network(network(kind, "blue")).unwrap();
            world.container("blue", "web", 11, &["8080:5201", "8080:5201/udp"]);
            let iperf = Running::start("web", 5201, &["iperf3", "-s"]);
            for host in ["192.0.2.1", "2001:db8::1"] {
                for transport in [&[][..], &["-u", "-b", "200M"]] {
                    let words = ["timeout", "9", "iperf3", "-J", "-c", host, "-p", "8080", "-n", "4M"];
                    let said = from_world(world, &[&words[..], transport].concat());
                    let report: Value = serde_json::from_str(&said).unwrap();
                    let bytes = report["end"]["streams"][0].to_string();
                    assert!(report.get("error").is_none() && bytes != "null", "{kind} {host}: {said}");
                }
            }
            drop(iperf);
            world.end(kind);
        }
    });
}
