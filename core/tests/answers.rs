//! The kernel answers to an IPv6 address when the call that brought it returns, however it came.

mod common;
mod control;

use std::fs;
use std::net::Ipv6Addr;
use std::sync::{Mutex, Once};

use common::{endpoint, network, options, sandbox, veth};
use control::{open, with_subnets};
use netns::ipnet::Ipv6Net;
use netns::{Interface, MacAddr, Network, Sandbox};
use testhost::host;

/// How often each way is gone: the kernel is late in some of them alone.
const ROUNDS: u8 = 12;

/// What the library warned of.
static WARNINGS: Mutex<Vec<String>> = Mutex::new(Vec::new());

struct Warnings;

impl log::Log for Warnings {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.level() <= log::Level::Warn
    }

    fn log(&self, record: &log::Record<'_>) {
        WARNINGS.lock().unwrap().push(record.args().to_string());
    }

    fn flush(&self) {}
}

fn listen() {
    static LISTENS: Once = Once::new();
    LISTENS.call_once(|| {
        log::set_logger(&Warnings).unwrap();
        log::set_max_level(log::LevelFilter::Warn);
    });
}

/// That somebody waited for `address` in vain.
fn gave_up(address: &str) -> bool {
    let address: Ipv6Addr = address.parse().unwrap();
    let warnings = WARNINGS.lock().unwrap();
    warnings.iter().any(|text| text.contains("does not answer") && text.contains(&format!("({address},")))
}

/// As `/proc/net` writes it.
fn digits(address: &str) -> String {
    address.parse::<Ipv6Addr>().unwrap().octets().map(|byte| format!("{byte:02x}")).concat()
}

/// Whether the calling thread's namespace has joined the group of solicitations for `address` on the link, and
/// has the address's local route there. Nothing here takes long enough for the kernel to catch up.
#[track_caller]
fn assert_answers(link: &str, address: &str, context: &str) {
    let groups = fs::read_to_string("/proc/thread-self/net/igmp6").unwrap();
    let routes = fs::read_to_string("/proc/thread-self/net/ipv6_route").unwrap();
    let has = |text: &str, wanted: &[&str]| {
        text.lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>())
            .any(|words| words.contains(&link) && wanted.iter().all(|wanted| words.contains(wanted)))
    };
    let own = digits(address);
    let group = format!("ff0200000000000000000001ff{}", &own[26..]);
    assert!(has(&groups, &[&group]), "{context}: {link} is not in the group of {address}:\n{groups}");
    assert!(has(&routes, &[&own, "80"]), "{context}: no local route of {address} on {link}:\n{routes}");
}

/// Interfaces that came in one way. On a machine with much else to do the kernel may be later than anybody waits,
/// but not each time.
struct Way {
    name: &'static str,
    rounds: usize,
    late: usize,
}

impl Way {
    fn new(name: &'static str) -> Self {
        listen();
        Self { name, rounds: 0, late: 0 }
    }

    #[track_caller]
    fn answers(&mut self, link: &str, addresses: &[String]) {
        self.rounds += 1;
        if addresses.iter().any(|address| gave_up(address)) {
            self.late += 1;
            return;
        }
        for address in addresses {
            assert_answers(link, address, self.name);
        }
    }

    /// That its address is answered for inside, and the link-local one that follows from its MAC address.
    #[track_caller]
    fn answers_inside(&mut self, sandbox: &Sandbox, address: Option<Ipv6Net>, mac: Option<MacAddr>) {
        let [a, b, c, d, e, f] = mac.unwrap().octets().map(u16::from);
        let own =
            Ipv6Addr::new(0xfe80, 0, 0, 0, ((a ^ 2) << 8) | b, (c << 8) | 0xff, 0xfe00 | d, (e << 8) | f);
        let addresses = [address.unwrap().addr().to_string(), own.to_string()];
        sandbox.run(|| self.answers("eth0", &addresses)).unwrap();
    }

    /// Endpoints of a network of a controller's, each as soon as it is connected.
    fn of_controller(mut self, kind: &str, subnet: &str, more: &[(&str, &str)]) {
        let network = with_subnets(kind, "net", &["10.1.0.0/24", subnet]);
        let network = more.iter().fold(network, |network, (key, value)| network.with_option(key, *value));
        let controller = open();
        controller.create_network(network).unwrap();
        for round in 0..ROUNDS {
            let web = format!("web{round}");
            let sandbox = control::sandbox(&controller, &web);
            let made = controller.connect("net", &sandbox, control::endpoint(&web)).unwrap();
            self.answers_inside(&sandbox, made.address_ipv6, made.mac);
        }
    }
}

impl Drop for Way {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert!(self.late < self.rounds, "{}: late in {} of {}", self.name, self.late, self.rounds);
        }
    }
}

#[test]
fn an_endpoint_of_a_bridge_answers_when_join_returns() {
    host(|_| {
        let mut way = Way::new("bridge");
        let network = network("net");
        for number in 2..2 + ROUNDS {
            let name = format!("s{number}");
            let sandbox = sandbox(&name);
            let made = network.join(&sandbox, &endpoint(&name, &[&format!("fd01::{number:x}/64")])).unwrap();
            way.answers_inside(&sandbox, made.address_ipv6, made.mac);
        }
    });
    host(|_| Way::new("bridge of a controller").of_controller("bridge", "fd02::/64", &[]));
}

#[test]
fn an_endpoint_of_a_routed_network_answers_when_join_returns() {
    host(|_| Way::new("routed").of_controller("routed", "fd03::/64", &[]));
}

#[test]
fn a_macvlan_answers_when_join_returns_with_a_carrier_and_without() {
    let ways = [("up", "fd04::/64", "macvlan"), ("down", "fd05::/64", "macvlan without a carrier")];
    for (other, subnet, name) in ways {
        host(|host| {
            veth(host, "lan0", "lan1");
            host.ip(&["link", "set", "lan0", "up"]);
            host.ip(&["link", "set", "lan1", other]);
            Way::new(name).of_controller("macvlan", subnet, &[("parent", "lan0")]);
        });
    }
}

#[test]
fn an_interface_that_moves_in_answers_when_the_call_returns_with_a_carrier_and_without() {
    for (other, subnet, name) in [("up", "fd06", "moved"), ("down", "fd07", "moved without a carrier")] {
        host(|host| {
            let mut way = Way::new(name);
            for round in 0..ROUNDS {
                let (name, peer) = (format!("dev{round}"), format!("peer{round}"));
                veth(host, &name, &peer);
                host.ip(&["link", "set", &peer, other]);
                let mut device = Interface::new(&name).unwrap();
                device.address_ipv6 = Some(format!("{subnet}:{round:x}::1/64").parse().unwrap());
                let sandbox = sandbox(&name);
                let made = sandbox.add_interface(&device).unwrap();
                way.answers_inside(&sandbox, made.address_ipv6, made.mac);
            }
        });
    }
}

#[test]
fn a_gateway_answers_when_its_network_was_made() {
    host(|_| {
        let mut way = Way::new("gateway");
        for round in 0..ROUNDS {
            let gateway = format!("fd08:{round:x}::1");
            let network =
                Network::create("bridge", &format!("net{round}"), options(&[&format!("{gateway}/64")]));
            way.answers(network.unwrap().bridge().as_str(), &[gateway]);
        }
    });
}

#[test]
fn a_gateway_on_a_link_answers_when_the_device_is_ready_to_move() {
    host(|_| {
        let mut way = Way::new("gateway on a link");
        let controller = open();
        for round in 0..ROUNDS {
            let (net, gateway) = (format!("net{round}"), format!("fd09:{round:x}::1"));
            controller
                .create_network(with_subnets("routed", &net, &[&format!("fd09:{round:x}::/64")]))
                .unwrap();
            let mut endpoint = control::endpoint("web");
            endpoint.options.insert("gateway_on_link".to_owned(), true.into());
            controller.link(&net, endpoint).unwrap();
            let info = controller.endpoint_oper_info(&net, "web").unwrap();
            // The address is the network's too, on a link on which it has answered for long.
            way.answers(info["host_interface_name"].as_str().unwrap(), &[gateway]);
        }
    });
}

#[test]
fn a_sandbox_whose_rules_hide_its_addresses_is_joined_nevertheless() {
    listen();
    host(|host| {
        let network = network("net");
        let sandbox = sandbox("web");
        // What leads nowhere looks like an address that the kernel has yet to get to.
        for rule in [&["add", "pref", "50", "unreachable"][..], &["add", "pref", "60", "lookup", "local"]] {
            host.ip_in("web", &[&["-6", "rule"], rule].concat());
        }
        host.ip_in("web", &["-6", "rule", "delete", "pref", "0"]);
        let made = network.join(&sandbox, &endpoint("web", &["fd01::77/64"])).unwrap();
        assert!(gave_up("fd01::77"), "{:?}", WARNINGS.lock().unwrap());
        assert_eq!(sandbox.interfaces().unwrap(), [made]);
        host.ip_in("web", &["-6", "rule", "delete", "pref", "50"]);
        assert!(host.ping("web", "fd01::1".parse().unwrap()));
    });
}
