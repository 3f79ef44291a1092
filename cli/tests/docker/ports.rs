//! Published ports.

use std::net::{IpAddr, SocketAddr};

use testhost::{attempt, Server, Transport, Try};

use crate::stage::{addr, stage};
use crate::traffic::outside;

fn at(address: &str, port: u16) -> SocketAddr {
    SocketAddr::new(addr(address), port)
}

#[test]
fn published_ports_are_reached_from_where_docker_says() {
    stage("published_ports_are_reached_from_where_docker_says", &[], |stage| {
        outside(stage.host);
        stage.docker("network create --driver netns --ipv6 --subnet 10.61.0.0/24 --subnet fd61::/64 front");
        stage.docker("network create --driver netns --subnet 10.62.0.0/24 back");
        let ports = "-p 8080:80 -p 8080:80/udp -p 127.0.0.1:8090:81 -p 8100-8101:80-81";
        stage.run("web", &format!("--network front {ports}"));
        stage.run("beside", "--network front");
        stage.run("apart", "--network back");
        let server = Server::start("web", "web", &[80, 81]);

        let from = |namespace: &str, transport, to| Try::nothing(namespace, transport, to).reaches("web");
        attempt(
            "published ports",
            &[
                from("", Transport::Tcp, at("127.0.0.1", 8080)),
                from("", Transport::Udp, at("127.0.0.1", 8080)),
                from("", Transport::Tcp, at("198.51.100.1", 8080)),
                from("", Transport::Tcp, at("fd98::1", 8080)),
                from("", Transport::Tcp, at("10.61.0.1", 8080)),
                from("", Transport::Tcp, at("127.0.0.1", 8090)),
                from("", Transport::Tcp, at("127.0.0.1", 8101)),
                Try::nothing("outside", Transport::Tcp, at("198.51.100.1", 8080))
                    .answers("web", addr("198.51.100.2")),
                Try::nothing("outside", Transport::Udp, at("fd98::1", 8080)).answers("web", addr("fd98::2")),
                from("outside", Transport::Tcp, at("198.51.100.1", 8100)),
                from("beside", Transport::Tcp, at("198.51.100.1", 8080)),
                from("beside", Transport::Udp, at("10.61.0.1", 8080)),
                from("apart", Transport::Tcp, at("198.51.100.1", 8080)),
                Try::nothing("outside", Transport::Tcp, at("198.51.100.1", 8090)),
                Try::nothing("outside", Transport::Tcp, at("198.51.100.1", 80)),
                Try::nothing("apart", Transport::Tcp, SocketAddr::new(web(stage), 80)),
            ],
        );

        stage.refused("run --detach --name second --network front -p 8080:80 box sleep 3600", &["8080"]);
        stage.docker("rm second");

        // Another's as soon as it is free.
        drop(server);
        stage.remove(&["web"]);
        attempt(
            "a port that is withdrawn",
            &[Try::nothing("outside", Transport::Tcp, at("198.51.100.1", 8080))],
        );
        stage.run("second", "--network front -p 8080:80");
        let server = Server::start("second", "second", &[80]);
        let reached = Try::nothing("outside", Transport::Tcp, at("198.51.100.1", 8080)).reaches("second");
        attempt("a port that was another's", &[reached]);
        drop(server);

        stage.remove(&["second", "beside", "apart"]);
        stage.docker("network rm front back");
        stage.host.ip(&["netns", "delete", "outside"]);
    });
}

fn web(stage: &crate::stage::Stage<'_>) -> IpAddr {
    stage.addresses("web", "front")[0]
}
