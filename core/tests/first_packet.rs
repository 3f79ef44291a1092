//! An interface works when `join` returns, and an endpoint can come back at once.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use netns::{EndpointOptions, Network, NetworkOptions, Sandbox, SandboxKey};
use testhost::{host, kernel_version};

/// What a lost packet costs: the first retransmission of TCP and of ARP.
const LOST: Duration = Duration::from_millis(900);

#[test]
fn the_first_packets_after_a_join_are_not_lost() {
    if kernel_version() < (6, 8) {
        let reason = "kernels before 6.8 act on a carrier when they get to it";
        testhost::skip("the_first_packets_after_a_join_are_not_lost", reason);
        return;
    }
    // The first join of a bridge is the hardest: the bridge itself has no carrier until then.
    for round in 0..8 {
        host(|_| {
            let options = NetworkOptions::default().with_gateway("10.7.0.1/24".parse().unwrap());
            let network = Network::create("bridge", "net", options).unwrap();
            let gateway: SocketAddr = "10.7.0.1:7000".parse().unwrap();
            let listener = TcpListener::bind(gateway).unwrap();
            for number in 2..5 {
                let sandbox = Sandbox::create(&SandboxKey::new(&format!("s{number}")).unwrap()).unwrap();
                let endpoint = EndpointOptions::new(&format!("s{number}")).unwrap();
                let endpoint = endpoint.with_address(format!("10.7.0.{number}/24").parse().unwrap());
                network.join(&sandbox, &endpoint).unwrap();
                let begin = Instant::now();
                let stream = sandbox.run(|| TcpStream::connect(gateway)).unwrap().unwrap();
                listener.accept().unwrap();
                assert!(begin.elapsed() < LOST, "round {round}, s{number}: {:?}", begin.elapsed());
                drop(stream);
            }
        });
    }
}

#[test]
fn the_first_ipv6_packet_that_the_host_forwards_to_a_network_is_not_lost() {
    host(|_| {
        std::fs::write("/proc/sys/net/ipv6/conf/all/forwarding", "1").unwrap();
        let joined = |network: &str, subnet: &str| {
            let gateway = format!("{subnet}::1/64").parse().unwrap();
            let options = NetworkOptions::default().with_gateway(gateway);
            let network = Network::create("bridge", network, options).unwrap();
            let sandbox = Sandbox::create(&SandboxKey::new(network.name().as_str()).unwrap()).unwrap();
            let endpoint = EndpointOptions::new(network.name().as_str()).unwrap();
            let endpoint = endpoint.with_address(format!("{subnet}::2/64").parse().unwrap());
            network.join(&sandbox, &endpoint).unwrap();
            sandbox
        };
        let from = joined("from", "fd07");
        let to = joined("to", "fd08");
        let address: SocketAddr = "[fd08::2]:7000".parse().unwrap();
        let listener = to.run(|| TcpListener::bind(address)).unwrap().unwrap();
        let begin = Instant::now();
        let stream = from.run(|| TcpStream::connect(address)).unwrap().unwrap();
        assert!(begin.elapsed() < LOST, "{:?}", begin.elapsed());
        drop((stream, listener));
    });
}

#[test]
fn the_first_ipv6_packet_from_another_endpoint_is_not_lost() {
    host(|_| {
        let options = NetworkOptions::default().with_gateway("fd07::1/64".parse().unwrap());
        let network = Network::create("bridge", "net", options).unwrap();
        let joined = |number: u32| {
            let name = format!("s{number}");
            let sandbox = Sandbox::create(&SandboxKey::new(&name).unwrap()).unwrap();
            let endpoint = EndpointOptions::new(&name).unwrap();
            let endpoint = endpoint.with_address(format!("fd07::{number}/64").parse().unwrap());
            network.join(&sandbox, &endpoint).unwrap();
            sandbox
        };
        let from = joined(2);
        for number in 3..9 {
            let to = joined(number);
            let address: SocketAddr = format!("[fd07::{number}]:7000").parse().unwrap();
            let listener = to.run(|| TcpListener::bind(address)).unwrap().unwrap();
            let begin = Instant::now();
            let stream = from.run(|| TcpStream::connect(address)).unwrap().unwrap();
            assert!(begin.elapsed() < LOST, "to s{number}: {:?}", begin.elapsed());
            drop((stream, listener));
        }
    });
}

#[test]
fn an_endpoint_comes_back_right_after_its_sandbox_was_destroyed() {
    host(|host| {
        let options = NetworkOptions::default().with_gateway("10.7.0.1/24".parse().unwrap());
        let network = Network::create("bridge", "net", options).unwrap();
        let key = SandboxKey::new("web").unwrap();
        let endpoint = EndpointOptions::new("web").unwrap().with_address("10.7.0.2/24".parse().unwrap());
        for _ in 0..25 {
            let sandbox = Sandbox::create(&key).unwrap();
            network.join(&sandbox, &endpoint).unwrap();
            sandbox.destroy().unwrap();
        }
        let sandbox = Sandbox::create(&key).unwrap();
        network.join(&sandbox, &endpoint).unwrap();
        assert!(host.ping("web", "10.7.0.1".parse().unwrap()));
        assert_eq!(host.netns_list(), ["web"]);
    });
}

#[test]
fn an_endpoint_that_lives_is_not_replaced() {
    host(|host| {
        let options = NetworkOptions::default().with_gateway("10.7.0.1/24".parse().unwrap());
        let network = Network::create("bridge", "net", options).unwrap();
        let endpoint = EndpointOptions::new("web").unwrap().with_address("10.7.0.2/24".parse().unwrap());
        let (one, two) = (SandboxKey::new("one").unwrap(), SandboxKey::new("two").unwrap());
        let one = Sandbox::create(&one).unwrap();
        network.join(&one, &endpoint).unwrap();
        let two = Sandbox::create(&two).unwrap();
        let before = host.dump();
        let error = network.join(&two, &endpoint).unwrap_err();
        assert_eq!(error.kind(), netns::ErrorKind::AlreadyExists);
        host.assert_returns_to(&before, "a second join");
        assert!(two.interfaces().unwrap().is_empty());
        assert!(host.ping("one", "10.7.0.1".parse().unwrap()));
    });
}
