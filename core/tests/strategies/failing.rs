//! Whatever fails, and whenever the process is killed, nothing is left.

use netns::libcontainer::{setup, Network, NetworkState, NetworkStrategy, Target, Veth};
use netns::ErrorKind;
use testhost::{host, inside, report, Host, State};

use crate::common::{is_up, link, links, refused, veth, Container};
use crate::{child, host_with_bridge, on_bridge, trace};

/// Both ways refuse `network`, and nothing changes.
#[track_caller]
fn both_refuse(host: &Host, network: &Network, pid: u32, kind: ErrorKind, words: &[&str]) {
    let before = host.dump();
    let kept = NetworkState { veth_host: "kept".to_owned(), ..NetworkState::default() };
    let mut state = kept.clone();
    refused(Veth.create(network, pid, &mut state), kind, words);
    assert_eq!(state, kept);
    refused(setup(network, &Target::Pid(pid)), kind, words);
    before.assert_same(&host.dump(), "a network that was refused");
}

#[test]
fn what_is_not_specified_or_cannot_be_is_refused() {
    host_with_bridge(|host| {
        let web = Container::start();
        veth(host, "x0", "x1");
        let good = || on_bridge(2);
        let cases = [
            (Network { bridge: String::new(), ..good() }, "bridge is not specified"),
            (Network { veth_prefix: String::new(), ..good() }, "veth prefix is not specified"),
            (Network { veth_prefix: "a-prefix-9".to_owned(), ..good() }, "longer than 15 bytes"),
            (Network { veth_prefix: "a/b".to_owned(), ..good() }, "not allowed"),
            (Network { bridge: "x0".to_owned(), ..good() }, "no bridge: it is a veth"),
            (Network { bridge: "lo".to_owned(), ..good() }, "no bridge: it is a plain device"),
            (Network { address: "10.1.0.2".to_owned(), ..good() }, "length of its prefix"),
            (Network { address: "10.1.0.256/24".to_owned(), ..good() }, "10.1.0.256/24"),
            (Network { address: "10.1.0.255/24".to_owned(), ..good() }, "broadcast"),
            (Network { address: "224.0.0.1/24".to_owned(), ..good() }, "unicast"),
            (Network { gateway: "10.2.0.1".to_owned(), ..good() }, "not directly reachable"),
            (Network { gateway: "fd01::1".to_owned(), ..good() }, "no address of that family"),
            (Network { gateway: "here".to_owned(), ..good() }, "no IP address"),
            (Network { mtu: 67, ..good() }, "67"),
            (Network { mtu: 70_000, ..good() }, "70000"),
        ];
        for (network, word) in cases {
            both_refuse(host, &network, web.pid(), ErrorKind::BadRequest, &[word]);
        }
        let missing = Network { bridge: "br9".to_owned(), ..good() };
        both_refuse(host, &missing, web.pid(), ErrorKind::NotFound, &["br9", "no such link"]);
        both_refuse(host, &good(), u32::MAX, ErrorKind::NotFound, &["no process 4294967295"]);
        let gone = Container::start();
        let pid = gone.pid();
        gone.end();
        both_refuse(host, &good(), pid, ErrorKind::NotFound, &["no process", "has ended"]);
        let shares = Target::Path("/proc/thread-self/ns/net".into());
        refused(setup(&good(), &shares), ErrorKind::BadRequest, &["shares the caller's"]);
    });
}

#[test]
fn what_is_taken_inside_is_refused_and_stays() {
    host_with_bridge(|host| {
        let web = Container::named(host, "web");
        let pid = web.pid();
        let inside_is = |before: &State, context: &str| {
            inside("web", || host.assert_returns_to(before, context));
        };
        let both = |words: &[&str]| {
            let before = (host.dump(), inside("web", || host.dump()));
            refused(setup(&on_bridge(2), &Target::Pid(pid)), ErrorKind::AlreadyExists, words);
            host.assert_returns_to(&before.0, "at once");
            inside_is(&before.1, "at once");
            let mut state = NetworkState::default();
            Veth.create(&on_bridge(2), pid, &mut state).unwrap();
            let created = inside("web", || host.dump());
            let initialized = inside("web", || Veth.initialize(&on_bridge(2), &mut state));
            refused(initialized, ErrorKind::AlreadyExists, words);
            inside_is(&created, "in two calls");
            assert!(!is_up(&link(host, "web", &state.veth_child)));
            host.ip(&["link", "delete", &state.veth_host]);
        };
        host.ip_in("web", &["link", "add", "eth0", "type", "bridge"]);
        both(&["eth0", "interface of that name"]);
        host.ip_in("web", &["link", "set", "eth0", "name", "lan0", "up"]);
        host.ip_in("web", &["route", "add", "default", "dev", "lan0"]);
        both(&["10.1.0.1", "default route through lan0"]);
        host.ip_in("web", &["route", "delete", "default"]);
        host.ip_in("web", &["address", "add", "10.1.0.77/25", "dev", "lan0"]);
        both(&["10.1.0.2/24", "overlaps", "10.1.0.0/25", "through lan0"]);
        host.ip_in("web", &["address", "delete", "10.1.0.77/25", "dev", "lan0"]);
        setup(&on_bridge(2), &Target::Pid(pid)).unwrap();
    });
}

#[test]
fn an_initialize_needs_what_create_made() {
    host_with_bridge(|host| {
        let web = Container::named(host, "web");
        let initialize = |child: &str| {
            let mut state = NetworkState { veth_child: child.to_owned(), ..NetworkState::default() };
            inside("web", || Veth.initialize(&on_bridge(2), &mut state))
        };
        refused(initialize(""), ErrorKind::BadRequest, &["veth child is not specified"]);
        refused(initialize("veth9"), ErrorKind::NotFound, &["veth9", "in the container"]);
        // One that is up, as somebody has left it, is taken down for its new name.
        let mut state = NetworkState::default();
        Veth.create(&on_bridge(2), web.pid(), &mut state).unwrap();
        host.ip_in("web", &["link", "set", &state.veth_child, "up"]);
        inside("web", || Veth.initialize(&on_bridge(2), &mut state)).unwrap();
        assert_eq!(links(host, "web"), ["eth0", "lo"]);
    });
}

const WAYS: [&str; 3] = ["at once", "create", "initialize"];

/// A child's part: does one of [`WAYS`], and says how it came out.
fn play(role: &str) {
    let (way, pid) = role.split_once(':').unwrap();
    let mut state = NetworkState::default();
    if let Some((way, child)) = way.split_once('=') {
        assert_eq!(way, "initialize");
        state.veth_child = child.to_owned();
    }
    let mut outcome = Ok(());
    trace::between_marks(|| {
        outcome = match (way, state.veth_child.as_str()) {
            ("at once", _) => setup(&on_bridge(2), &Target::Pid(pid.parse().unwrap())).map(drop),
            ("create", _) => Veth.create(&on_bridge(2), pid.parse().unwrap(), &mut state),
            _ => Veth.initialize(&on_bridge(2), &mut state),
        };
    });
    println!("\noutcome: {}", outcome.map_or_else(|error| error.to_string(), |()| "done".to_owned()));
}

/// A host with a container for each turn.
struct Turns<'a> {
    host: &'a Host,
    before: State,
    test: &'static str,
}

impl Turns<'_> {
    /// Has a child do `way` in a container of its own; `check` looks at what was before it inside.
    fn turn<T>(&self, way: &str, run: impl FnOnce(std::process::Command, &Container, &State) -> T) -> T {
        let web = Container::start();
        let at = format!("--net={}", web.namespace());
        let mut command = child::command(&[], self.test, &format!("{way}:{}", web.pid()));
        if way == "initialize" {
            let mut state = NetworkState::default();
            Veth.create(&on_bridge(2), web.pid(), &mut state).unwrap();
            let role = format!("initialize={}:{}", state.veth_child, web.pid());
            command = child::command(&["nsenter", &at], self.test, &role);
        }
        let inside = self.inside(&web);
        let result = run(command, &web, &inside);
        web.end();
        self.host.assert_returns_to(&self.before, &format!("{way}, when the container has ended"));
        result
    }

    /// Everything in the container that a leak would show in.
    fn inside(&self, web: &Container) -> State {
        let path = web.namespace();
        let namespace = netns::Namespace::open(path.as_ref()).unwrap();
        namespace.run(|| self.host.dump()).unwrap()
    }
}

fn turns(test: &'static str, each: impl FnOnce(&Turns<'_>) + Send) {
    if let Some(role) = child::role() {
        return play(&role);
    }
    host(|host| {
        crate::bridge(host, "br0", &["10.1.0.1/24"]);
        each(&Turns { host, before: host.dump(), test });
    });
}

#[cfg(not(target_arch = "x86_64"))]
#[test]
fn each_call_to_the_kernel_may_fail() {
    testhost::skip("failing::each_call_to_the_kernel_may_fail", "calls are refused on x86_64 alone");
}

#[cfg(target_arch = "x86_64")]
#[test]
fn each_call_to_the_kernel_may_fail() {
    turns("failing::each_call_to_the_kernel_may_fail", |turns| {
        let mut failed = 0;
        for way in WAYS {
            let calls = turns.turn(way, |mut command, _, _| trace::record(&mut command));
            let told = calls.iter().filter(|call| trace::TOLD.contains(call)).count();
            for place in 0..told {
                failed += turns.turn(way, |mut command, web, inside| {
                    let host_before = turns.host.dump();
                    let said = trace::refuse_at(&mut command, &trace::TOLD, place, libc::ENOBUFS).unwrap();
                    if said == "done" {
                        return 0;
                    }
                    let context = format!("{way}, call {place} of {told} refused: {said}");
                    turns.host.assert_returns_to(&host_before, &context);
                    inside.assert_same(&turns.inside(web), &context);
                    1
                });
            }
        }
        assert!(failed > 20, "{failed}");
        report(&format!("{failed} injected errors: calls of strategies"));
    });
}

#[test]
fn a_process_killed_at_any_call_leaves_nothing_when_the_container_has_ended() {
    turns("failing::a_process_killed_at_any_call_leaves_nothing_when_the_container_has_ended", |turns| {
        let mut kills = 0;
        for way in WAYS {
            let calls = turns.turn(way, |mut command, _, _| trace::record(&mut command));
            for at in trace::points(&calls, 0) {
                turns.turn(way, |mut command, _, _| trace::kill_at(&mut command, at));
                kills += 1;
            }
        }
        report(&format!("{kills} kill points: strategies"));
    });
}
