//! Running containers that come to networks and leave them.

use testhost::{attempt, Server, Transport, Try};

use crate::stage::{stage, Stage};

#[test]
fn running_containers_connect_and_disconnect() {
    stage("running_containers_connect_and_disconnect", &[], |stage| {
        stage.docker("network create --driver netns --ipv6 --subnet 10.67.0.0/24 --subnet fd67::/64 first");
        stage.docker("network create --driver netns --ipv6 --subnet 10.68.0.0/24 --subnet fd68::/64 second");
        stage.docker("network create --subnet 10.69.0.0/24 dockers");
        stage.run("fixed", "--network second");
        stage.run("moving", "--network first");
        stage.run("plain", "");
        let fixed = stage.addresses("fixed", "second");

        for turn in 0..3 {
            stage.docker("network connect --alias guest second moving");
            let own = stage.addresses("moving", "second");
            assert_eq!(own.len(), 2, "turn {turn}");
            stage.pings("moving", &fixed, true);
            stage.pings("fixed", &own, true);
            stage.docker("exec fixed ping -c 1 -W 2 guest");
            stage.docker("network disconnect second moving");
            stage.pings("moving", &fixed, false);
            for address in own {
                assert!(stage.interface("moving", address).is_none());
            }
        }

        // Beside Docker's own, in every order; each has a name of its own.
        stage.docker("network connect second plain");
        stage.docker("network connect dockers plain");
        stage.docker("network connect first plain");
        stage.pings("plain", &fixed, true);
        assert_eq!(networks(stage, "plain"), ["bridge", "dockers", "first", "second"]);
        stage.docker("network disconnect bridge plain");
        stage.docker("network disconnect dockers plain");
        stage.pings("plain", &fixed, true);
        stage.docker("network connect dockers plain");
        stage.docker("network connect bridge plain");
        stage.docker("network disconnect second plain");
        stage.docker("network connect second plain");
        stage.pings("plain", &fixed, true);

        // A port goes with the network that has the way out.
        stage.run("web", "--network first -p 8110:80");
        let server = Server::start("web", "web", &[80]);
        let to = "127.0.0.1:8110".parse().unwrap();
        attempt("a port", &[Try::nothing("", Transport::Tcp, to).reaches("web")]);
        stage.docker("network disconnect first web");
        attempt("a port of nobody", &[Try::nothing("", Transport::Tcp, to)]);
        stage.docker("network connect second web");
        attempt("a port again", &[Try::nothing("", Transport::Tcp, to).reaches("web")]);
        drop(server);

        for _ in 0..2 {
            stage.docker("restart --time 0 plain");
            stage.attach("plain");
            stage.pings("plain", &fixed, true);
        }
        stage.docker("kill fixed");
        stage.docker("start fixed");
        stage.attach("fixed");
        stage.pings("plain", &stage.addresses("fixed", "second"), true);

        stage.remove(&["fixed", "moving", "plain", "web"]);
        stage.docker("network rm first second dockers");
    });
}

/// What Docker says that a container is on, sorted.
fn networks(stage: &Stage<'_>, container: &str) -> Vec<String> {
    let networks = stage.inspect("container", container)["NetworkSettings"]["Networks"].take();
    networks.as_object().unwrap().keys().cloned().collect()
}
