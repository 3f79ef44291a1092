//! Strategies: what they bring, in two steps and at once, and that nothing is left when they fail.

#[path = "strategies/alike.rs"]
mod alike;
mod child;
mod common;
#[path = "strategies/failing.rs"]
mod failing;
#[path = "strategies/own.rs"]
mod own;
#[path = "crash/trace.rs"]
mod trace;

use common::{addresses, bridge, is_ours, is_up, link, links, objects, reaches, refused, routes, Container};
use netns::libcontainer::{
    get_stats, get_strategy, setup, Loopback, NetNs, Network, NetworkState, NetworkStats, NetworkStrategy,
    Target, Veth,
};
use netns::{Controller, ControllerOptions, ErrorKind, Sandbox};
use testhost::{host, inside, Host};

/// A veth on `br0` with the last octet of its address.
pub(crate) fn on_bridge(last: u8) -> Network {
    Network {
        kind: Veth::TYPE.to_owned(),
        bridge: "br0".to_owned(),
        veth_prefix: "veth".to_owned(),
        address: format!("10.1.0.{last}/24"),
        gateway: "10.1.0.1".to_owned(),
        mtu: 1400,
        ..Network::default()
    }
}

pub(crate) fn host_with_bridge(test: impl FnOnce(&Host) + Send) {
    host(|host| {
        bridge(host, "br0", &["10.1.0.1/24", "fd01::1/64"]);
        test(host);
    });
}

/// Both calls, each where it belongs.
pub(crate) fn two_calls(network: &Network, container: &Container, name: &str) -> NetworkState {
    let mut state = NetworkState::default();
    let strategy = get_strategy(&network.kind).unwrap();
    strategy.create(network, container.pid(), &mut state).unwrap();
    inside(name, || strategy.initialize(network, &mut state)).unwrap();
    state
}

#[test]
fn a_veth_is_created_outside_and_initialized_inside() {
    host_with_bridge(|host| {
        let web = Container::named(host, "web");
        let mut state = NetworkState::default();
        Veth.create(&on_bridge(2), web.pid(), &mut state).unwrap();
        for name in [&state.veth_host, &state.veth_child] {
            let digits = name.strip_prefix("veth").unwrap();
            assert!(digits.len() == 7 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()), "{name}");
        }
        assert_eq!(state.ns_path, "");
        let outer = link(host, "", &state.veth_host);
        assert!(is_up(&outer) && is_ours(&outer), "{outer}");
        assert_eq!((&outer["master"], &outer["mtu"]), (&"br0".into(), &1400.into()));
        let inner = link(host, "web", &state.veth_child);
        assert!(!is_up(&inner) && inner["mtu"] == 1400 && addresses(&inner).is_empty(), "{inner}");

        inside("web", || Veth.initialize(&on_bridge(2), &mut state)).unwrap();
        assert_eq!(links(host, "web"), ["eth0", "lo"]);
        let eth0 = link(host, "web", "eth0");
        assert!(is_up(&eth0) && eth0["mtu"] == 1400, "{eth0}");
        assert_eq!(addresses(&eth0), ["10.1.0.2/24"]);
        let expected = ["10.1.0.0/24 dev eth0", "default via 10.1.0.1 dev eth0"];
        assert_eq!(routes(host, "web", "-4"), expected);
        assert!(reaches(host, "web", "10.1.0.1"));
    });
}

#[test]
fn a_pair_goes_with_its_container() {
    host_with_bridge(|host| {
        let before = host.dump();
        for network in
            [on_bridge(2), Network { address: String::new(), gateway: String::new(), ..on_bridge(2) }]
        {
            let web = Container::start();
            setup(&network, &Target::Pid(web.pid())).unwrap();
            let db = Container::start();
            Veth.create(&network, db.pid(), &mut NetworkState::default()).unwrap();
            web.end();
            db.end();
            host.assert_returns_to(&before, "containers that ended");
        }
    });
}

#[test]
fn containers_on_a_bridge_reach_each_other() {
    host_with_bridge(|host| {
        for (name, last) in [("web", 2), ("db", 3)] {
            host.ip(&["netns", "add", name]);
            let target = Target::Path(format!("/run/netns/{name}").into());
            let state = setup(&on_bridge(last), &target).unwrap();
            assert_eq!(state.veth_child, "eth0");
            assert!(reaches(host, name, "10.1.0.1"));
        }
        assert!(reaches(host, "web", "10.1.0.3"));
        assert!(reaches(host, "db", "10.1.0.2"));
    });
}

#[test]
fn many_containers_are_set_up_at_once() {
    host_with_bridge(|host| {
        let names: Vec<_> = (10..18).map(|last| (format!("c{last}"), last)).collect();
        for (name, _) in &names {
            host.ip(&["netns", "add", name]);
        }
        std::thread::scope(|scope| {
            for (name, last) in &names {
                let target = Target::Path(format!("/run/netns/{name}").into());
                scope.spawn(move || setup(&on_bridge(*last), &target).unwrap());
            }
        });
        for (name, _) in &names {
            assert!(reaches(host, name, "10.1.0.1"), "{name}");
        }
        assert!(reaches(host, "c10", "10.1.0.17"));
    });
}

#[test]
fn a_loopback_is_brought_up_and_nothing_else() {
    host(|host| {
        let loopback = Network { kind: Loopback::TYPE.to_owned(), mtu: 1400, ..Network::default() };
        for (name, at_once) in [("one", true), ("two", false)] {
            let container = Container::named(host, name);
            let before = host.dump();
            assert!(!is_up(&link(host, name, "lo")));
            if at_once {
                let state = setup(&loopback, &Target::Pid(container.pid())).unwrap();
                assert_eq!(state, NetworkState::default());
                setup(&loopback, &Target::Pid(container.pid())).unwrap();
            } else {
                assert_eq!(two_calls(&loopback, &container, name), NetworkState::default());
            }
            let lo = link(host, name, "lo");
            assert!(is_up(&lo) && lo["mtu"] == 65536, "{lo}");
            before.assert_same(&host.dump(), "a loopback is not the host's");
        }
    });
}

fn here() -> std::path::PathBuf {
    std::fs::read_link("/proc/thread-self/ns/net").unwrap()
}

#[test]
fn a_netns_is_entered_and_whoever_cannot_stays() {
    host(|host| {
        host.ip(&["netns", "add", "shared"]);
        let of = |path: &str| Network {
            kind: NetNs::TYPE.to_owned(),
            ns_path: path.to_owned(),
            ..Network::default()
        };
        let mut state = NetworkState::default();
        let shared = of("/run/netns/shared");
        NetNs.create(&shared, 1, &mut state).unwrap();
        assert_eq!(state, NetworkState { ns_path: shared.ns_path.clone(), ..NetworkState::default() });
        let home = here();
        inside("", || {
            NetNs.initialize(&shared, &mut state).unwrap();
            assert_ne!(here(), home);
            assert_eq!(links(host, ""), ["lo"]);
        });
        inside("", || {
            for (path, kind, word) in [
                ("", ErrorKind::BadRequest, "ns_path is not specified"),
                ("/run/netns/none", ErrorKind::NotFound, "/run/netns/none"),
                ("/proc/thread-self/ns/mnt", ErrorKind::BadRequest, "no network namespace"),
                ("/etc/hostname", ErrorKind::BadRequest, "no network namespace"),
            ] {
                let mut state = NetworkState { ns_path: path.to_owned(), ..NetworkState::default() };
                refused(NetNs.initialize(&of(path), &mut state), kind, &[word]);
                assert_eq!(here(), home);
            }
        });
        refused(NetNs.create(&of(""), 1, &mut state), ErrorKind::BadRequest, &["ns_path is not specified"]);
        assert_eq!(state.ns_path, "/run/netns/shared");
        let web = Container::start();
        assert_eq!(setup(&shared, &Target::Pid(web.pid())).unwrap(), state);
        assert_eq!(here(), home);
    });
}

/// What `ip` counts inside.
fn counted(host: &Host, place: &str) -> NetworkStats {
    let eth0 = objects(host.ip_in(place, &["-s", "link", "show", "dev", "eth0"])).remove(0);
    let number = |way: &str, of: &str| eth0["stats64"][way][of].as_u64().unwrap();
    let mut stats = NetworkStats::default();
    (stats.rx_bytes, stats.rx_packets) = (number("rx", "bytes"), number("rx", "packets"));
    (stats.rx_errors, stats.rx_dropped) = (number("rx", "errors"), number("rx", "dropped"));
    (stats.tx_bytes, stats.tx_packets) = (number("tx", "bytes"), number("tx", "packets"));
    (stats.tx_errors, stats.tx_dropped) = (number("tx", "errors"), number("tx", "dropped"));
    stats
}

#[test]
fn statistics_are_those_that_the_container_sees() {
    host_with_bridge(|host| {
        host.ip(&["netns", "add", "web"]);
        let state = setup(&on_bridge(2), &Target::Path("/run/netns/web".into())).unwrap();
        assert!(reaches(host, "web", "10.1.0.1"));
        // More goes out than comes in: nobody answers these.
        let neighbour = ["neighbour", "add", "10.1.0.99", "lladdr", "02:00:00:00:00:99", "dev", "eth0"];
        host.ip_in("web", &neighbour);
        let net = ["--net=/run/netns/web", "ping", "-n", "-c3", "-i0.01", "-W1", "-s1000", "10.1.0.99"];
        host.run("nsenter", &net);
        host.ip_in("web", &["link", "set", "eth0", "down"]);
        let expected = counted(host, "web");
        assert!(expected.tx_bytes > expected.rx_bytes && expected.rx_packets > 0, "{expected:?}");
        let stats = get_stats(&state).unwrap();
        // What is dropped at one end is not the other's to count.
        let passed = |stats: NetworkStats| NetworkStats { rx_dropped: 0, tx_dropped: 0, ..stats };
        assert_eq!(passed(stats), passed(expected));
        assert_eq!(get_stats(&NetworkState::default()).unwrap(), NetworkStats::default());
        host.ip(&["link", "delete", &state.veth_host]);
        refused(get_stats(&state), ErrorKind::NotFound, &[&state.veth_host]);
    });
}

#[test]
fn a_controller_and_a_sandbox_leave_alone_what_is_made_here() {
    host_with_bridge(|host| {
        host.ip(&["netns", "add", "web"]);
        let state = setup(&on_bridge(2), &Target::Path("/run/netns/web".into())).unwrap();
        let controller = Controller::open(ControllerOptions::default()).unwrap();
        assert_eq!(controller.collect().unwrap().findings, []);
        let sandbox = Sandbox::open(&common::key("web")).unwrap();
        assert_eq!(sandbox.interfaces().unwrap(), []);
        for end in [link(host, "", &state.veth_host), link(host, "web", "eth0")] {
            let alias = end["ifalias"].as_str().unwrap();
            assert!(
                alias.starts_with("libnetns setup=net:[") && alias.contains("] network=0 namespace="),
                "{alias}"
            );
        }
    });
}

#[test]
fn json_is_go_s() {
    let network = Network { mtu: 0, ..on_bridge(2) };
    let json = "{\"type\":\"veth\",\"bridge\":\"br0\",\"veth_prefix\":\"veth\",\"address\":\"10.1.0.2/24\",\
                \"gateway\":\"10.1.0.1\"}";
    assert_eq!(network.to_json().unwrap(), json);
    assert_eq!(Network::from_json(json).unwrap(), network);
    assert_eq!(Network::default().to_json().unwrap(), "{}");
    let special = Network { ns_path: "/a<b>&c".to_owned(), mtu: 9, ..Network::default() };
    assert_eq!(special.to_json().unwrap(), r#"{"ns_path":"/a\u003cb\u003e\u0026c","mtu":9}"#);
    let state =
        NetworkState::from_json(r#"{"veth_host":"a","veth_child":"b","ns_path":null,"new":1}"#).unwrap();
    assert_eq!(state.to_json().unwrap(), r#"{"veth_host":"a","veth_child":"b"}"#);
    refused(Network::from_json(r#"{"mtu":-1}"#), ErrorKind::BadRequest, &["line 1"]);
    let stats =
        serde_json::to_string(&NetworkStats { rx_bytes: 1, tx_dropped: u64::MAX, ..Default::default() });
    let expected = "{\"rx_bytes\":1,\"rx_packets\":0,\"rx_errors\":0,\"rx_dropped\":0,\"tx_bytes\":0,\
                    \"tx_packets\":0,\"tx_errors\":0,\"tx_dropped\":18446744073709551615}";
    assert_eq!(stats.unwrap(), expected);
}
