//! Connections.

use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use testhost::{host, Host};

use super::*;
use crate::nft::conntrack::Flows;
use crate::nft::FlowFilter;
use crate::sys::Namespace;

/// A client's socket that has had an answer.
#[track_caller]
fn talk(server: &UdpSocket, to: &str) -> UdpSocket {
    let to: SocketAddr = to.parse().unwrap();
    let any = if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let client = UdpSocket::bind(any).unwrap();
    client.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    client.connect(to).unwrap();
    client.send(b"to").unwrap();
    let (_, from) = server.recv_from(&mut [0; 2]).unwrap();
    server.send_to(b"fro", from).unwrap();
    client.recv(&mut [0; 3]).unwrap();
    client
}

/// The ports that clients have sent to, of connections that are kept track of.
fn tracked() -> Vec<String> {
    let listed = std::fs::read_to_string("/proc/thread-self/net/nf_conntrack").unwrap();
    let udp = listed.lines().filter(|line| line.contains("udp"));
    let mut found: Vec<_> = udp
        .map(|line| {
            let word = |name| line.split(' ').find_map(|word| word.strip_prefix(name)).unwrap();
            format!("{} {}", word("dst="), word("dport="))
        })
        .collect();
    found.sort();
    found
}

/// A namespace `inside` with `10.9.0.2` and `fd09::2`, the host's end with `10.9.0.1`, `10.9.0.3` and `fd09::1`.
fn wire(host: &Host) {
    let ip = |line: &str| drop(host.ip(&line.split(' ').collect::<Vec<_>>()));
    ip("netns add inside");
    ip("link add out type veth peer name eth0 netns inside");
    ip("link set out up");
    for address in ["10.9.0.1/24", "10.9.0.3/24", "fd09::1/64 nodad"] {
        ip(&format!("address add {address} dev out"));
    }
    ip("-n inside link set eth0 up");
    ip("-n inside address add 10.9.0.2/24 dev eth0");
    ip("-n inside address add fd09::2/64 dev eth0 nodad");
}

fn in_namespace(name: &str, address: &str) -> UdpSocket {
    let namespace = Namespace::open(format!("/run/netns/{name}").as_ref()).unwrap();
    let server = namespace.run(|| UdpSocket::bind(address)).unwrap().unwrap();
    server.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    server
}

fn udp(port: u16, to: &str) -> Element {
    let Element { owner, entry: Entry::Published { host, to, .. } } = published(None, port, to) else {
        unreachable!("it is a port");
    };
    Element { owner, entry: Entry::Published { protocol: Protocol::Udp, host, port, to } }
}

/// How many connections the filters end.
fn ended(flows: &mut Flows<'_>, filters: &[FlowFilter]) -> usize {
    let before = tracked().len();
    flows.flush(filters, |_| true).unwrap();
    before - tracked().len()
}

#[test]
fn connections_of_a_port_end_and_no_others() {
    host(|host| {
        wire(host);
        let server = in_namespace("inside", "10.9.0.2:80");
        let server6 = in_namespace("inside", "[fd09::2]:80");
        let ports = [udp(8080, "10.9.0.2:80"), udp(8081, "10.9.0.2:80"), udp(8080, "[fd09::2]:80")];
        with_web([Change::Add(ports.into())]);
        let clients = ["10.9.0.1:8080", "10.9.0.1:8080", "10.9.0.1:8081", "10.9.0.3:8080", "10.9.0.2:80"];
        let clients = clients.map(|to| talk(&server, to));
        let client6 = talk(&server6, "[fd09::1]:8080");
        let v6 = "fd09:0000:0000:0000:0000:0000:0000:0001 8080";
        assert_eq!(tracked().len(), 6);

        let mut firewall = Firewall::open().unwrap();
        let mut flows = firewall.flows();
        let filter = FlowFilter {
            protocol: Protocol::Udp,
            v6: false,
            destination: Some("10.9.0.1".parse().unwrap()),
            port: Some(8080),
            to: Some("10.9.0.2:80".parse().unwrap()),
        };
        let elsewhere = FlowFilter { to: Some("10.9.0.2:81".parse().unwrap()), ..filter.clone() };
        let tcp = FlowFilter { protocol: Protocol::Tcp, ..filter.clone() };
        assert_eq!(ended(&mut flows, &[]), 0);
        assert_eq!(ended(&mut flows, &[elsewhere, tcp]), 0);
        assert_eq!(ended(&mut flows, std::slice::from_ref(&filter)), 2);
        assert_eq!(tracked(), ["10.9.0.1 8081", "10.9.0.2 80", "10.9.0.3 8080", v6]);
        assert_eq!(ended(&mut flows, std::slice::from_ref(&filter)), 0);

        let everywhere = FlowFilter { destination: None, ..filter.clone() };
        let other = FlowFilter { port: Some(8081), ..everywhere.clone() };
        let wide6 = FlowFilter { v6: true, to: None, ..everywhere.clone() };
        assert_eq!(ended(&mut flows, &[everywhere, other, wide6]), 3);
        assert_eq!(tracked(), ["10.9.0.2 80"]);
        let to = FlowFilter { destination: None, port: None, ..filter };
        // So many that the connections are listed.
        let others = (1..40).map(|port| FlowFilter { port: Some(port), ..to.clone() });
        assert_eq!(ended(&mut flows, &others.collect::<Vec<_>>()), 0);
        assert_eq!(ended(&mut flows, &[vec![to.clone()], vec![to; 40]].concat()), 1);
        assert_eq!(tracked(), [""; 0]);
        drop((clients, client6));
    });
}
