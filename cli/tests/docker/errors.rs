//! What is refused, as it reaches the user.

use nix::sys::signal::Signal;

use crate::stage::stage;

#[test]
fn what_is_wrong_is_said_at_the_terminal() {
    stage("what_is_wrong_is_said_at_the_terminal", &[], |stage| {
        let create = "network create --driver netns";
        stage.refused(&format!("{create} --opt colour=blue --subnet 10.74.0.0/24 bad"), &["colour"]);
        stage.refused(&format!("{create} --opt driver=overlay --subnet 10.74.0.0/24 bad"), &["overlay"]);
        stage.refused(
            &format!("{create} --opt com.docker.network.driver.mtu=lots --subnet 10.74.0.0/24 bad"),
            &["lots"],
        );
        stage.refused(
            &format!("{create} --opt driver=macvlan --opt parent=none0 --subnet 10.74.0.0/24 bad"),
            &["none0"],
        );
        stage.docker(&format!("{create} --subnet 10.74.0.0/24 good"));
        stage.refused(&format!("{create} --subnet 10.74.0.0/25 bad"), &["overlaps"]);
        stage.run("one", "--network good");
        stage.refused("network rm good", &["active endpoints"]);

        // Nobody there to ask: it is said, and nothing is half done.
        stage.end_server(Signal::SIGTERM);
        stage.refused("network connect bridge none", &["No such container"]);
        stage.serve();
        stage.docker("network create --driver netns --subnet 10.75.0.0/24 later");
        stage.docker("network connect later one");
        stage.remove(&["one"]);
        stage.docker("network rm good later");
    });
}
