//! Networks that are apart.

use testhost::{attempt, Server, Transport, Try};

use crate::stage::{addr, stage};
use crate::traffic::outside;

#[test]
fn networks_are_apart_and_internal_ones_have_no_way_out() {
    stage("networks_are_apart_and_internal_ones_have_no_way_out", &[], |stage| {
        outside(stage.host);
        stage.docker("network create --driver netns --ipv6 --subnet 10.63.0.0/24 --subnet fd63::/64 red");
        stage.docker("network create --driver netns --ipv6 --subnet 10.64.0.0/24 --subnet fd64::/64 green");
        stage.docker("network create --driver netns --internal --subnet 10.65.0.0/24 inner");
        stage.docker("network create --subnet 10.66.0.0/24 dockers");
        for (container, network) in [
            ("red", "red"),
            ("green", "green"),
            ("inner", "inner"),
            ("other", "inner"),
            ("theirs", "dockers"),
        ] {
            stage.run(container, &format!("--network {network}"));
        }
        let red = stage.addresses("red", "red");
        let green = stage.addresses("green", "green");
        let other = stage.addresses("other", "inner");
        let theirs = stage.addresses("theirs", "dockers");
        stage.pings("red", &green, false);
        stage.pings("green", &red, false);
        stage.pings("red", &theirs, false);
        stage.pings("theirs", &red[..1], false);
        stage.pings("theirs", &other, false);
        stage.pings("red", &[addr("198.51.100.2"), addr("fd98::2")], true);
        stage.pings("theirs", &[addr("198.51.100.2")], true);

        stage.pings("inner", &other, true);
        stage.pings("inner", &[addr("198.51.100.2")], false);
        stage.pings("inner", &red[..1], false);
        assert_eq!(stage.host.ip_in("inner", &["route", "show", "default"]), serde_json::json!([]));
        // None of Docker's own is put in between, neither here nor there.
        let own = stage.docker("network ls --format {{.Name}}");
        assert!(!own.contains("docker_gwbridge"), "{own}");
        let _server = Server::start("inner", "inner", &[80]);
        let to = (other[0], 80).into();
        attempt("into an internal network", &[Try::nothing("outside", Transport::Tcp, to)]);

        stage.docker("network connect green red");
        stage.pings("red", &green, true);
        stage.docker("network disconnect green red");
        stage.pings("red", &green, false);

        stage.remove(&["red", "green", "inner", "other", "theirs"]);
        stage.docker("network rm red green inner dockers");
        stage.host.ip(&["netns", "delete", "outside"]);
    });
}
