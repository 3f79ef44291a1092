//! Published ports.

use std::net::SocketAddr;

use serde_json::json;
use testhost::{attempt, host, Server, Transport, Try};

use crate::common::{blue, ctl, json};

fn to(port: u16) -> SocketAddr {
    format!("127.0.0.1:{port}").parse().unwrap()
}

#[test]
fn ports_are_reached_as_long_as_they_are_published() {
    host(|_| {
        blue(&[]);
        ctl(&["sandbox", "create", "web"]).well();
        let made = json(&["connect", "blue", "web", "--publish", "8080:80"]);
        assert_eq!(made["ports"], json!([{ "protocol": "tcp", "host_ports": "8080", "ports": "80" }]));
        let _server = Server::start("web", "web", &[80, 81]);
        let published = json(&["publish", "blue", "web", "81", "8081:81/udp"]);
        let chosen = published[0]["host_ports"].as_str().unwrap().parse().unwrap();
        attempt(
            "published ports",
            &[
                Try::nothing("", Transport::Tcp, to(8080)).reaches("web"),
                Try::nothing("", Transport::Tcp, to(chosen)).reaches("web"),
                Try::nothing("", Transport::Udp, to(8081)).reaches("web"),
            ],
        );
        assert_eq!(
            ctl(&["publish", "blue", "web", "127.0.0.1:9000-9001:80-81"]).well(),
            "127.0.0.1:9000-9001:80-81/tcp\n"
        );
        ctl(&["publish", "blue", "web", "9000:80"])
            .refused(4, &["publish ports web of network blue", "9000"]);
        ctl(&["withdraw", "blue", "web", "8080:80", "81"]).silent();
        attempt(
            "withdrawn ports",
            &[
                Try::nothing("", Transport::Tcp, to(8080)),
                Try::nothing("", Transport::Tcp, to(chosen)),
                Try::nothing("", Transport::Udp, to(8081)).reaches("web"),
            ],
        );
        ctl(&["withdraw", "blue", "web", "8080:80"]).refused(3, &["it is not published"]);
    });
}
