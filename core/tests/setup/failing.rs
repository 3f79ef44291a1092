//! What cannot be, what is in the way, and whatever fails or is killed: a clear error, and nothing left.

use std::os::unix::ffi::OsStrExt;

use netns::libcontainer::configs::Config;
use netns::libcontainer::{NetworkSetup, Target};
use netns::{ErrorKind, Namespace};
use serde_json::{json, Value};
use testhost::{inside, report, Host, State};

use crate::common::{links, refused, veth, Container};
use crate::{child, eth0, everything, lan0, setup_of, state, trace, up, world};

fn with(mut network: Value, key: &str, value: impl Into<Value>) -> Value {
    network[key] = value.into();
    network
}

#[test]
fn what_cannot_be_is_found_before_anything_is_asked() {
    let refuse = |networks: Value, routes: Value, kind, words: &[&str]| {
        refused(setup_of("", &networks, &routes), kind, words);
    };
    let unknown = ["not a valid network strategy type", "pigeon", "networks[1]", "loopback, netns, veth"];
    refuse(json!([eth0(2), {"type": "pigeon"}]), json!([]), ErrorKind::NotFound, &unknown);
    refuse(json!([{"type": ""}]), json!([]), ErrorKind::NotFound, &["not a valid network strategy type"]);
    let bad = ErrorKind::BadRequest;
    refuse(json!([with(eth0(2), "bridge", "")]), json!([]), bad, &["networks[0]", "bridge is not specified"]);
    refuse(json!([with(eth0(2), "gateway", "10.9.0.1")]), json!([]), bad, &["directly reachable"]);
    refuse(json!([with(eth0(2), "mtu", 1000)]), json!([]), bad, &["1280"]);
    refuse(
        json!([with(lan0(2), "name", "all")]),
        json!([]),
        bad,
        &["networks[0]", "\"all\"", "are called that"],
    );
    let nameless = |last| with(lan0(last), "name", "");
    refuse(json!([nameless(2), nameless(3)]), json!([]), bad, &["eth0", "without a name"]);
    refuse(json!([nameless(2), eth0(3)]), json!([]), bad, &["eth0", "without a name"]);
    refuse(json!([eth0(2)]), json!([{"interface_name": "eth0"}]), bad, &["routes[0]", "none of destination"]);
    let mixed = json!([{"destination": "10.9.0.0/16", "gateway": "fd01::9", "interface_name": "eth0"}]);
    refuse(json!([eth0(2)]), mixed, bad, &["one family"]);
    let outside = json!({"networks": [eth0(2)]}).to_string();
    refused(NetworkSetup::from_config(&Config::from_json(&outside).unwrap()), bad, &["NEWNET"]);
}

/// A container and its host, as they were.
struct Before<'a> {
    host: &'a Host,
    web: &'a Container,
    states: (State, State),
}

impl<'a> Before<'a> {
    fn of(host: &'a Host, web: &'a Container) -> Self {
        Self { host, web, states: (host.dump(), Self::inside(host, web)) }
    }

    /// The container has no name where it may end.
    fn inside(host: &Host, web: &Container) -> State {
        Namespace::open(web.namespace().as_ref()).unwrap().run(|| host.dump()).unwrap()
    }

    #[track_caller]
    fn assert_returns(&self, context: &str) {
        self.host.assert_returns_to(&self.states.0, context);
        self.states.1.assert_same(&Self::inside(self.host, self.web), &format!("inside: {context}"));
    }

    #[track_caller]
    fn refuses(&self, networks: &Value, routes: &Value, kind: ErrorKind, words: &[&str]) {
        let setup = setup_of("", networks, routes).unwrap();
        refused(up(&setup, self.web), kind, words);
        self.assert_returns(&words.join(" "));
    }
}

#[test]
fn what_is_in_the_way_is_refused_and_stays() {
    world(|host| {
        let web = Container::named(host, "web");
        veth(host, "x0", "x1");
        host.ip_in("web", &["link", "add", "eth0", "type", "bridge"]);
        let before = Before::of(host, &web);
        let (none, taken) = (json!([]), ErrorKind::AlreadyExists);
        let lo = json!({"type": "loopback"});
        before.refuses(&json!([lo, lan0(2), eth0(2)]), &none, taken, &["plan network 2", "eth0"]);
        let missing = with(with(lan0(3), "bridge", "br9"), "name", "lan1");
        before.refuses(&json!([lan0(2), missing]), &none, ErrorKind::NotFound, &["br9"]);
        let no_bridge = with(lan0(2), "bridge", "x0");
        before.refuses(&json!([no_bridge]), &none, ErrorKind::BadRequest, &["x0", "no bridge: it is a veth"]);
        let named = with(lan0(2), "host_interface_name", "x1");
        before.refuses(&json!([lo, named]), &none, taken, &["x1", "exists"]);
        let overlapping = with(with(lan0(2), "name", "lan1"), "address", "10.2.0.77/25");
        before.refuses(&json!([lan0(2), overlapping]), &none, taken, &["overlaps", "10.2.0.0/24", "lan0"]);
        let second = with(with(lan0(2), "gateway", "10.2.0.1"), "name", "lan1");
        let first = with(eth0(2), "name", "lan0");
        before.refuses(&json!([first, second]), &none, taken, &["10.2.0.1", "default route through lan0"]);
        let nowhere = json!([{"destination": "10.9.0.0/16", "interface_name": "lan9"}]);
        before.refuses(&json!([lan0(2)]), &nowhere, ErrorKind::NotFound, &["no interface lan9"]);
        let twice = json!([
            {"destination": "10.9.0.0/16", "interface_name": "lan0"},
            {"destination": "10.9.0.0/16", "gateway": "10.2.0.1", "interface_name": "lan0"},
        ]);
        before.refuses(&json!([lo, lan0(2)]), &twice, taken, &["10.9.0.0/16", "through lan0 already"]);
        let unreachable = json!([{"gateway": "10.77.0.1", "interface_name": "lan0"}]);
        before.refuses(
            &json!([lo, lan0(2)]),
            &unreachable,
            ErrorKind::System,
            &["10.77.0.1", "not directly reachable"],
        );
        let of_v6 = json!([{"destination": "fd09::/48", "gateway": "fe80::1", "interface_name": "lan0"}]);
        before.refuses(
            &json!([lo, lan0(2)]),
            &of_v6,
            ErrorKind::BadRequest,
            &["fd09::/48", "lan0 has no IPv6"],
        );
        let not_own =
            json!([{"destination": "10.9.0.0/16", "source": "10.77.0.1/32", "interface_name": "lan0"}]);
        before.refuses(
            &json!([lo, lan0(2)]),
            &not_own,
            ErrorKind::BadRequest,
            &["10.77.0.1", "of this namespace"],
        );

        let setup = setup_of("", &json!([lan0(2)]), &none).unwrap();
        for (target, kind) in [
            (Target::Pid(u32::MAX), ErrorKind::NotFound),
            (Target::Path("/run/netns/none".into()), ErrorKind::NotFound),
            (Target::Path("/etc/hostname".into()), ErrorKind::BadRequest),
            (Target::Path("/proc/thread-self/ns/net".into()), ErrorKind::BadRequest),
        ] {
            let said = target.to_string();
            refused(setup.up(Some(&target), &state(0)), kind, &[said.trim_start_matches("process ")]);
        }
        let path = std::ffi::OsStr::from_bytes(b"/run/netns/w\xff");
        std::os::unix::fs::symlink("/run/netns/web", path).unwrap();
        let unsaid = setup.up(Some(&Target::Path(path.into())), &state(0));
        refused(unsaid, ErrorKind::BadRequest, &["/run/netns/w", "UTF-8"]);
        std::fs::remove_file(path).unwrap();
        before.assert_returns("containers that are none");
        up(&setup, &web).unwrap();
        assert_eq!(links(host, "web"), ["eth0", "lan0", "lo"]);
        inside("web", || assert_eq!(links(host, "").len(), 3));
    });
}

/// A child's part: brings everything up in the container of process `pid`, and says how it came out.
fn play(pid: &str) {
    let setup = everything().unwrap().with_id("web").unwrap();
    let state = state(pid.parse().unwrap());
    let mut outcome = None;
    trace::between_marks(|| outcome = Some(setup.up(None, &state)));
    println!("\noutcome: {}", outcome.unwrap().map_or_else(|error| error.to_string(), |_| "done".to_owned()));
}

#[cfg(not(target_arch = "x86_64"))]
#[test]
fn each_call_to_the_kernel_may_fail() {
    testhost::skip("failing::each_call_to_the_kernel_may_fail", "calls are refused on x86_64 alone");
}

#[cfg(target_arch = "x86_64")]
#[test]
fn each_call_to_the_kernel_may_fail() {
    const TEST: &str = "failing::each_call_to_the_kernel_may_fail";
    if let Some(pid) = child::role() {
        return play(&pid);
    }
    world(|host| {
        let clean = host.dump();
        let first = Container::start();
        let calls = trace::record(&mut child::command(&[], TEST, &first.pid().to_string()));
        first.end();
        host.assert_returns_to(&clean, "the first, which nothing fails");
        let told = calls.iter().filter(|call| trace::TOLD.contains(call)).count();
        let web = Container::start();
        let before = Before::of(host, &web);
        let mut failed = 0;
        for place in 0..told {
            let mut run = child::command(&[], TEST, &web.pid().to_string());
            let said = trace::refuse_at(&mut run, &trace::TOLD, place, libc::ENOBUFS).unwrap();
            let context = format!("call {place} of {told} refused: {said}");
            if said == "done" {
                everything().unwrap().with_id("web").unwrap().down(&state(web.pid())).unwrap();
                web.run(host, &["ip", "address", "delete", "127.0.0.1/8", "dev", "lo"]);
                web.run(host, &["ip", "link", "set", "lo", "down"]);
            } else {
                failed += 1;
            }
            before.assert_returns(&context);
        }
        assert!(failed > 10, "{failed} of {told}");
        report(&format!("{failed} injected errors: calls of a setup"));
    });
}

#[test]
fn a_process_killed_at_any_call_leaves_nothing() {
    const TEST: &str = "failing::a_process_killed_at_any_call_leaves_nothing";
    if let Some(pid) = child::role() {
        return play(&pid);
    }
    world(|host| {
        let before = host.dump();
        let setup = everything().unwrap().with_id("web").unwrap();
        let run = |web: &Container| child::command(&[], TEST, &web.pid().to_string());
        let calls = trace::record(&mut run(&Container::start()));
        let points = trace::points(&calls, 0);
        for (number, &at) in points.iter().enumerate() {
            let web = Container::start();
            trace::kill_at(&mut run(&web), at);
            let context = format!("killed before call {at} of {}", calls.len());
            // Either the container ends, or what there is is taken down while it lives.
            if number % 2 == 0 {
                web.end();
                host.assert_returns_to(&before, &context);
                continue;
            }
            setup.down(&state(web.pid())).unwrap();
            host.assert_returns_to(&before, &context);
            assert!(!web.links(host).contains("eth0"), "{context}");
            up(&setup, &web).unwrap_or_else(|error| panic!("{context}, and again: {error}"));
            web.end();
            host.assert_returns_to(&before, &context);
        }
        report(&format!("{} kill points: setups, of {} calls", points.len(), calls.len()));
    });
}
