//! A server that is killed between any two requests, and started again, has lost nothing.

use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use netns::docker::{Server, ServerOptions};
use serde_json::{json, Value};
use testhost::host;

use crate::child;
use crate::common::reaches;
use crate::control::{open, settled};
use crate::dockerd::{endpoint, id, join, network, of, of_network, Container};
use crate::wire::Plugin;

/// A process that serves until it is killed.
pub(crate) struct Process(Child);

impl Process {
    /// `test` must begin with [`serve_if_child`].
    #[track_caller]
    pub(crate) fn start(test: &str) -> Self {
        let server = Self(child::command(&[], test, "serve").stdout(Stdio::null()).spawn().unwrap());
        let begin = Instant::now();
        while Plugin::elsewhere().post("/Plugin.Activate", b"").is_err() {
            assert!(begin.elapsed() < Duration::from_secs(30), "the server does not come up");
            thread::sleep(Duration::from_millis(5));
        }
        server
    }

    /// A line of `/proc/PID/status`, in KiB.
    pub(crate) fn memory(&self, key: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with(key)).unwrap();
        line.split_ascii_whitespace().nth(1).unwrap().parse().unwrap()
    }

    pub(crate) fn kill(self) {
        drop(self);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// In the child, serves until it is killed, and does not return.
pub(crate) fn serve_if_child() {
    if child::role().as_deref() == Some("serve") {
        let _server = Server::start(open().into(), ServerOptions::default()).unwrap();
        loop {
            thread::park();
        }
    }
}

#[test]
fn a_server_that_is_killed_between_any_two_requests_has_lost_nothing() {
    const TEST: &str = "killed::a_server_that_is_killed_between_any_two_requests_has_lost_nothing";
    serve_if_child();
    host(|host| {
        let (_, _) = settled(host);
        let plugin = Plugin::elsewhere();
        let mut server = Process::start(TEST);
        let before = host.dump();
        let binding = json!({ "Proto": 6, "Port": 80, "HostPort": 8080, "HostPortEnd": 8080 });
        let mut program = of("blue", "web");
        program["Options"] = json!({ "com.docker.network.portmap": [binding] });
        let pool = json!({ "AddressSpace": "LocalDefault", "Pool": "172.18.0.0/16" });
        let pool_id = json!({ "PoolID": "LocalDefault/172.18.0.0/16", "Address": "172.18.0.1" });
        let ipv4 = |mut request: Value| {
            request["IPv6Data"] = Value::Null;
            request
        };
        let mut own = endpoint("blue", "web", 2);
        own["Interface"]["AddressIPv6"] = "".into();
        let requests = [
            ("IpamDriver.RequestPool", pool),
            ("IpamDriver.RequestAddress", pool_id.clone()),
            ("NetworkDriver.CreateNetwork", ipv4(network("blue", &json!({})))),
            ("NetworkDriver.CreateEndpoint", own),
            ("NetworkDriver.Join", join("blue", "web")),
            ("NetworkDriver.ProgramExternalConnectivity", program),
            ("NetworkDriver.RevokeExternalConnectivity", of("blue", "web")),
            ("NetworkDriver.Leave", of("blue", "web")),
            ("NetworkDriver.DeleteEndpoint", of("blue", "web")),
            ("NetworkDriver.DeleteNetwork", of_network("blue")),
            ("IpamDriver.ReleaseAddress", pool_id.clone()),
            ("IpamDriver.ReleasePool", pool_id),
        ];
        for (method, request) in &requests {
            let first = plugin.good(method, request);
            let there = host.dump();
            server.kill();
            there.assert_same(&host.dump(), &format!("killed after {method}"));
            server = Process::start(TEST);
            host.assert_returns_to(&there, &format!("started again after {method}"));
            if method.starts_with("NetworkDriver.") {
                assert_eq!(plugin.good(method, request), first, "{method} again");
                host.assert_returns_to(&there, &format!("{method} again"));
            }
        }
        host.assert_returns_to(&before, "a life with many deaths");
        server.kill();
    });
}

#[test]
fn containers_go_on_while_the_server_is_gone_and_are_taken_down_by_the_next() {
    const TEST: &str = "killed::containers_go_on_while_the_server_is_gone_and_are_taken_down_by_the_next";
    serve_if_child();
    host(|host| {
        let (_, _) = settled(host);
        let plugin = Plugin::elsewhere();
        let server = Process::start(TEST);
        plugin.good("NetworkDriver.CreateNetwork", &network("blue", &json!({})));
        let before = host.dump();
        let web = Container::run(host, &plugin, "blue", "web", 2);
        let db = Container::run(host, &plugin, "blue", "db", 3);
        server.kill();
        assert!(reaches(host, "web", "172.18.0.3") && reaches(host, "web", "fd18::1"));
        let server = Process::start(TEST);
        assert!(reaches(host, "web", "172.18.0.3") && reaches(host, "web", "fd18::1"));
        assert_eq!(open().endpoints().unwrap().len(), 2);
        let other = Container::run(host, &plugin, "blue", "other", 4);
        assert!(reaches(host, "other", "172.18.0.2"));
        for container in [web, db, other] {
            container.stop(host, &plugin, "blue");
        }
        let _ = host.run("rmdir", &["/run/netns"]);
        assert_eq!(open().endpoints().unwrap(), []);
        assert_eq!(open().collect().unwrap().findings, []);
        drop(before);
        server.kill();
    });
}

#[test]
fn after_a_reboot_networks_are_there_and_take_containers() {
    const TEST: &str = "killed::after_a_reboot_networks_are_there_and_take_containers";
    serve_if_child();
    host(|host| {
        let plugin = Plugin::elsewhere();
        let server = Process::start(TEST);
        plugin.good("NetworkDriver.CreateNetwork", &network("blue", &json!({})));
        let _web = Container::run(host, &plugin, "blue", "web", 2);
        server.kill();
        host.ip(&["netns", "delete", "web"]);
        host.ip(&["link", "delete", &format!("br-{}", &id("blue")[..12])]);
        host.run("nft", &["flush", "ruleset"]);
        std::fs::remove_dir_all("/run/libnetns").unwrap();
        std::fs::remove_file(ServerOptions::SOCKET).unwrap();
        let server = Process::start(TEST);
        plugin.good("NetworkDriver.DeleteEndpoint", &of("blue", "web"));
        let web = Container::run(host, &plugin, "blue", "web", 2);
        for to in ["172.18.0.1", "fd18::1"] {
            assert!(reaches(host, "web", to), "{to}");
        }
        web.stop(host, &plugin, "blue");
        plugin.good("NetworkDriver.DeleteNetwork", &of_network("blue"));
        assert_eq!(open().networks().unwrap().len(), 0);
        server.kill();
    });
}

#[test]
fn a_running_container_keeps_its_interface_when_somebody_looks_who_does_not_see_its_namespace() {
    const TEST: &str =
        "killed::a_running_container_keeps_its_interface_when_somebody_looks_who_does_not_see_its_namespace";
    serve_if_child();
    if child::role().is_some() {
        assert!(!std::fs::read_to_string("/proc/self/mountinfo").unwrap().contains("/run/netns/web"));
        assert_eq!(open().collect().unwrap().findings, []);
        return;
    }
    host(|host| {
        let (_, _) = settled(host);
        let plugin = Plugin::elsewhere();
        let server = Process::start(TEST);
        plugin.good("NetworkDriver.CreateNetwork", &network("blue", &json!({})));
        host.ip(&["netns", "add", "web"]);
        plugin.good("NetworkDriver.CreateEndpoint", &endpoint("blue", "web", 2));
        let mut request = join("blue", "web");
        request["SandboxKey"] = "/run/netns/web".into();
        plugin.good("NetworkDriver.Join", &request);
        assert!(reaches(host, "web", "172.18.0.1"));
        server.kill();
        let unseen = "umount /run/netns/web && exec \"$0\" \"$@\"";
        let wrapper = ["unshare", "--mount", "--propagation", "private", "sh", "-c", unseen];
        let looked = child::command(&wrapper, TEST, "look").output().unwrap();
        assert!(looked.status.success(), "{looked:?}");
        assert!(reaches(host, "web", "172.18.0.1"));
        assert_eq!(open().endpoints().unwrap().len(), 1);
    });
}
