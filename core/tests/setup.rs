//! Whole configs: what is brought up, what hooks see, what is taken down, and by whom.

mod child;
mod common;
#[path = "setup/down.rs"]
mod down;
#[path = "setup/failing.rs"]
mod failing;
#[path = "setup/hooks.rs"]
mod hooks;
#[path = "setup/mixed.rs"]
mod mixed;
#[path = "crash/trace.rs"]
mod trace;

use std::path::Path;

use common::{addresses, bridge, is_ours, is_up, link, links, reaches, routes, Container};
use netns::libcontainer::configs::{Config, State, Status};
use netns::libcontainer::{NetworkSetup, SetupState, Target};
use netns::{ErrorKind, Result};
use serde_json::{json, Value};
use testhost::{host, Host};

/// A host with `br0`, which has both families, and `br1`.
pub(crate) fn world(test: impl FnOnce(&Host) + Send) {
    host(|host| {
        bridge(host, "br0", &["10.1.0.1/24", "fd01::1/64"]);
        host.ip(&["link", "add", "br1", "address", "02:00:00:00:00:b1", "type", "bridge"]);
        host.ip(&["link", "set", "br1", "up"]);
        host.ip(&["address", "add", "10.2.0.1/24", "dev", "br1"]);
        test(host);
    });
}

/// The setup of a container with these networks and routes, and a network namespace at `path` if that is not
/// empty.
pub(crate) fn setup_of(path: &str, networks: &Value, routes: &Value) -> Result<NetworkSetup> {
    let namespaces = json!([{"type": "NEWNET", "path": path}, {"type": "NEWUTS"}]);
    let config = json!({"namespaces": namespaces, "networks": networks, "routes": routes});
    NetworkSetup::from_config(&Config::from_json(&config.to_string())?)
}

/// `eth0` on `br0`, with the last part of its addresses.
pub(crate) fn eth0(last: u8) -> Value {
    json!({
        "type": "veth", "name": "eth0", "bridge": "br0",
        "address": format!("10.1.0.{last}/24"), "gateway": "10.1.0.1",
        "ipv6_address": format!("fd01::{last}/64"), "ipv6_gateway": "fd01::1",
    })
}

pub(crate) fn lan0(last: u8) -> Value {
    json!({"type": "veth", "name": "lan0", "bridge": "br1", "address": format!("10.2.0.{last}/24")})
}

/// Everything that a config can say.
pub(crate) fn everything() -> Result<NetworkSetup> {
    let mut eth0 = eth0(2);
    let more = json!({
        "mac_address": "02:42:0a:01:00:02", "mtu": 1400, "txqueuelen": 500, "host_interface_name": "vethweb",
        "hairpin_mode": true,
    });
    eth0.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let routes = json!([
        {"destination": "10.9.0.0/16", "gateway": "10.2.0.1", "source": "10.2.0.2/32", "interface_name": "lan0"},
        {"destination": "10.8.0.0/16", "interface_name": "lan0"},
        {"destination": "fd09::/48", "gateway": "fd01::9", "interface_name": "eth0"},
    ]);
    setup_of("", &json!([{"type": "loopback"}, eth0, lan0(2)]), &routes)
}

pub(crate) fn state(pid: u32) -> State {
    State { pid, ..State::new("web", Status::Creating) }
}

pub(crate) fn up(setup: &NetworkSetup, container: &Container) -> Result<SetupState> {
    setup.up(Some(&Target::Pid(container.pid())), &state(container.pid()))
}

fn setting(container: &Container, host: &Host, name: &str) -> String {
    container.run(host, &["cat", &format!("/proc/sys/net/ipv6/conf/{name}/disable_ipv6")]).trim().to_owned()
}

#[test]
fn everything_in_a_config_takes_effect() {
    world(|host| {
        let web = Container::named(host, "web");
        let made = up(&everything().unwrap(), &web).unwrap();
        assert_eq!(links(host, "web"), ["eth0", "lan0", "lo"]);

        let (inner, outer) = (link(host, "web", "eth0"), link(host, "", "vethweb"));
        assert!(is_up(&inner) && is_up(&outer) && is_ours(&inner) && is_ours(&outer), "{inner} {outer}");
        for end in [&inner, &outer] {
            let of = |key: &str| end[key].as_u64();
            assert_eq!([of("mtu"), of("txqlen")], [Some(1400), Some(500)], "{end}");
            assert_eq!([of("num_tx_queues"), of("num_rx_queues")], [Some(1), Some(1)], "{end}");
        }
        assert_eq!((&inner["address"], &outer["master"]), (&"02:42:0a:01:00:02".into(), &"br0".into()));
        assert_eq!(outer["linkinfo"]["info_slave_data"]["hairpin"], true);
        assert_eq!(addresses(&inner), ["10.1.0.2/24", "fd01::2/64", "fe80::42:aff:fe01:2/64"]);

        let other = made.networks[2].host_link.as_ref().unwrap().name.as_str();
        let (inner, outer) = (link(host, "web", "lan0"), link(host, "", other));
        assert_eq!((&inner["mtu"], &inner["txqlen"]), (&1500.into(), &1000.into()));
        assert_eq!(outer["linkinfo"]["info_slave_data"]["hairpin"], false);
        assert_eq!(addresses(&inner), ["10.2.0.2/24"]);
        let digits = other.strip_prefix("veth").unwrap();
        assert!(digits.len() == 10 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()), "{other}");

        let v4 = [
            "10.1.0.0/24 dev eth0",
            "10.2.0.0/24 dev lan0",
            "10.8.0.0/16 dev lan0",
            "10.9.0.0/16 via 10.2.0.1 dev lan0",
            "default via 10.1.0.1 dev eth0",
        ];
        assert_eq!(routes(host, "web", "-4"), v4);
        let v6 = ["default via fd01::1 dev eth0", "fd01::/64 dev eth0", "fd09::/48 via fd01::9 dev eth0"];
        assert_eq!(routes(host, "web", "-6"), v6);
        let sourced = host.ip_in("web", &["route", "show", "10.9.0.0/16"]);
        assert_eq!(sourced[0]["prefsrc"], "10.2.0.2");
        assert!(is_up(&link(host, "web", "lo")));
        // IPv6 where it is asked for, and for what others bring as before.
        let settings = ["eth0", "lan0", "default"].map(|name| setting(&web, host, name));
        assert_eq!(settings, ["0", "1", "0"]);
        for gateway in ["10.1.0.1", "fd01::1", "10.2.0.1", "127.0.0.1"] {
            assert!(reaches(host, "web", gateway), "{gateway}");
        }
    });
}

#[test]
fn containers_of_configs_reach_each_other() {
    world(|host| {
        for (name, last) in [("web", 2), ("db", 3)] {
            host.ip(&["netns", "add", name]);
            let setup = setup_of("", &json!([eth0(last), lan0(last)]), &json!([])).unwrap();
            let target = Target::Path(format!("/run/netns/{name}").into());
            setup.with_id(name).unwrap().up(Some(&target), &state(0)).unwrap();
        }
        for address in ["10.1.0.3", "fd01::3", "10.2.0.3"] {
            assert!(reaches(host, "web", address), "{address}");
        }
    });
}

#[test]
fn setups_at_once_do_not_get_in_each_others_way() {
    world(|host| {
        // Two of them are for one container.
        for name in ["one", "two", "three"] {
            host.ip(&["netns", "add", name]);
        }
        std::thread::scope(|scope| {
            for (name, network) in
                [("one", eth0(2)), ("one", lan0(2)), ("two", eth0(3)), ("three", eth0(4)), ("two", lan0(3))]
            {
                let setup = setup_of("", &json!([network]), &json!([])).unwrap();
                let target = Target::Path(format!("/run/netns/{name}").into());
                scope.spawn(move || setup.up(Some(&target), &state(0)).unwrap());
            }
        });
        for (name, address) in
            [("one", "10.1.0.1"), ("one", "10.2.0.3"), ("two", "fd01::4"), ("three", "fd01::2")]
        {
            assert!(reaches(host, name, address), "{name}: {address}");
        }
    });
}

/// Half of them have IPv6, for which the setting of the namespace is switched on and off.
#[test]
fn setups_at_once_in_one_container_keep_its_setting() {
    world(|host| {
        host.ip(&["netns", "add", "web"]);
        let target = &Target::Path("/run/netns/web".into());
        let setups = [2, 3, 4, 5, 6, 7].map(|number| {
            let mut network = json!({"type": "veth", "name": format!("net{number}"), "bridge": "br0"});
            if number % 2 == 0 {
                network["ipv6_address"] = format!("fd0{number}::2/64").into();
            }
            setup_of("", &json!([network]), &json!([])).unwrap()
        });
        let path = "/proc/sys/net/ipv6/conf/default/disable_ipv6";
        for round in 0..25 {
            let made = std::thread::scope(|scope| {
                let starting =
                    setups.each_ref().map(|setup| scope.spawn(|| setup.up(Some(target), &state(0))));
                starting.map(|thread| thread.join().unwrap())
            });
            for made in made {
                made.unwrap_or_else(|error| panic!("round {round}: {error}")).tear_down().unwrap();
            }
            let setting = testhost::inside("web", || std::fs::read_to_string(path).unwrap());
            assert_eq!(setting.trim(), "0", "round {round}");
        }
    });
}

#[test]
fn it_is_said_which_container_is_meant() {
    world(|host| {
        host.ip(&["netns", "add", "named"]);
        host.ip(&["netns", "add", "given"]);
        let web = Container::named(host, "web");
        let networks = json!([lan0(2)]);
        let (private, shared) = (
            setup_of("", &networks, &json!([])).unwrap(),
            setup_of("/run/netns/named", &networks, &json!([])).unwrap(),
        );
        let has_lan0 = |name: &str| links(host, name).iter().any(|link| link == "lan0");

        common::refused(private.up(None, &state(0)), ErrorKind::BadRequest, &["process", "path"]);
        private.up(None, &state(web.pid())).unwrap();
        assert!(has_lan0("web"));
        let given = Target::Path("/run/netns/given".into());
        shared.up(Some(&given), &state(web.pid())).unwrap();
        assert!(has_lan0("given") && !has_lan0("named"));
        let made = shared.up(None, &state(web.pid())).unwrap();
        assert!(has_lan0("named"));
        assert_eq!(made.namespace.unwrap().path, Path::new("/run/netns/named"));

        let nothing = NetworkSetup::from_config(&Config::default()).unwrap();
        assert_eq!(nothing.up(None, &state(0)).unwrap(), SetupState::default());
        assert!(nothing.plan(None).unwrap().steps.is_empty());
    });
}

#[test]
fn a_plan_is_a_dry_run() {
    world(|host| {
        let web = Container::named(host, "web");
        let target = Target::Pid(web.pid());
        let setup = everything().unwrap().with_id("web").unwrap();
        let before = host.dump();
        let plan = setup.plan(Some(&target)).unwrap().to_string();
        before.assert_same(&host.dump(), "a plan");
        assert_eq!(links(host, "web"), ["lo"]);
        for word in ["create veth", "vethweb", "eth0", "lan0", "10.9.0.0/16", "libnetns setup=web network=1"]
        {
            assert!(plan.contains(word), "{word:?} is missing in\n{plan}");
        }
        let made = up(&setup, &web).unwrap();
        for network in made.networks.iter().filter_map(|network| network.host_link.as_ref()) {
            assert!(plan.contains(network.name.as_str()), "{network:?} is not in\n{plan}");
        }
    });
}

/// How many messages a setup of these networks sends at most, the questions among them.
fn sends(test: &str, networks: &Value, expected: usize) {
    if let Some(pid) = child::role() {
        let setup = setup_of("", networks, &json!([])).unwrap();
        let state = state(pid.parse().unwrap());
        return trace::between_marks(|| drop(setup.up(None, &state).unwrap()));
    }
    world(|_| {
        let web = Container::start();
        let calls = trace::record(&mut child::command(&[], test, &web.pid().to_string()));
        let sends = calls.iter().filter(|call| **call == libc::SYS_sendto).count();
        assert_eq!(sends, expected, "{calls:?}");
    });
}

/// Without IPv6, for whose addresses the kernel is asked until it answers to them.
fn ipv4(mut network: Value) -> Value {
    network.as_object_mut().unwrap().retain(|key, _| !key.starts_with("ipv6_"));
    network
}

/// Of a bridge and of the container's links is asked, once each; then the four of a join.
#[test]
fn a_config_takes_no_more_sends_than_a_join() {
    const TEST: &str = "a_config_takes_no_more_sends_than_a_join";
    sends(TEST, &json!([{"type": "loopback"}, ipv4(eth0(2))]), 2 + 4);
}

/// Each pair is one more, and a look at its bridge.
#[test]
fn two_pairs_are_configured_in_one_send() {
    sends("two_pairs_are_configured_in_one_send", &json!([ipv4(eth0(2)), lan0(2)]), 3 + 5);
}
