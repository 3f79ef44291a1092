//! Processes that end where they stand.

use std::fs;

use nix::sys::signal::Signal;
use testhost::{attempt, Server, Transport, Try};

use crate::stage::{stage, Stage};

const SUBNETS: &str = "--ipv6 --subnet 10.76.0.0/24 --subnet fd76::/64";

/// Two containers on a network, one with a port, that talk.
fn begin(stage: &Stage<'_>, restart: &str) {
    stage.docker(&format!("network create --driver netns {SUBNETS} blue"));
    stage.docker("network create --driver netns --ipam-driver netns --subnet 10.77.0.0/24 green");
    stage.run("web", &format!("--restart {restart} --network blue -p 8130:80"));
    stage.run("one", &format!("--restart {restart} --network blue"));
    stage.docker("network connect green one");
    talk(stage);
}

/// They still do.
fn talk(stage: &Stage<'_>) {
    stage.pings("one", &stage.addresses("web", "blue"), true);
    stage.pings("web", &stage.addresses("one", "blue"), true);
    let server = Server::start("web", "web", &[80]);
    let to = "127.0.0.1:8130".parse().unwrap();
    attempt("a port", &[Try::nothing("", Transport::Tcp, to).reaches("web")]);
    drop(server);
}

/// They part and meet.
fn move_about(stage: &Stage<'_>) {
    stage.docker("network disconnect green one");
    stage.docker("network connect green web");
    stage.docker("network connect green one");
    stage.pings("one", &stage.addresses("web", "green"), true);
    stage.docker("network disconnect green web");
    stage.docker("network disconnect blue one");
    stage.docker("network connect blue one");
    talk(stage);
    stage.run("late", "--network blue");
    stage.pings("late", &stage.addresses("web", "blue"), true);
    stage.remove(&["late"]);
}

fn end(stage: &Stage<'_>) {
    stage.remove(&["web", "one"]);
    stage.docker("network rm blue green");
}

#[test]
fn a_killed_server_takes_nothing_with_it() {
    stage("a_killed_server_takes_nothing_with_it", &[], |stage| {
        begin(stage, "no");
        stage.end_server(Signal::SIGKILL);
        talk(stage);
        stage.serve();
        talk(stage);
        move_about(stage);
        for signal in [Signal::SIGKILL, Signal::SIGTERM] {
            stage.end_server(signal);
            stage.serve();
        }
        stage.docker("restart --time 0 web");
        stage.attach("web");
        talk(stage);

        // Containers that end while nobody serves.
        stage.end_server(Signal::SIGKILL);
        stage.docker("kill web");
        stage.serve();
        stage.docker("start web");
        stage.attach("web");
        talk(stage);
        end(stage);
    });
}

#[test]
fn a_killed_docker_finds_its_networks_again() {
    stage("a_killed_docker_finds_its_networks_again", &[], |stage| {
        begin(stage, "always");
        for _ in 0..2 {
            stage.docker.kill();
            stage.docker.start_again().unwrap();
            wait_for(stage, &["web", "one"]);
            talk(stage);
        }
        stage.docker.stop();
        stage.docker.start_again().unwrap();
        wait_for(stage, &["web", "one"]);
        talk(stage);
        move_about(stage);
        end(stage);
    });
}

#[test]
fn containers_live_on_without_docker() {
    stage("containers_live_on_without_docker", &["--live-restore"], |stage| {
        begin(stage, "no");
        let web = stage.addresses("web", "blue");
        stage.docker.kill();
        stage.pings("one", &web, true);
        stage.docker.start_again().unwrap();
        talk(stage);
        stage.docker.kill();
        stage.end_server(Signal::SIGKILL);
        stage.serve();
        stage.docker.start_again().unwrap();
        talk(stage);
        move_about(stage);
        end(stage);
    });
}

#[test]
fn networks_and_containers_come_back_with_the_machine() {
    stage("networks_and_containers_come_back_with_the_machine", &[], |stage| {
        begin(stage, "always");
        // As a machine goes down: with no time for anything.
        stage.docker.kill();
        stage.end_server(Signal::SIGKILL);
        stage.docker.end_containers();
        for name in ["web", "one"] {
            stage.host.run("ip", &["netns", "delete", name]);
        }
        // Links, rules and what is in /run do not outlive it.
        for link in stage.host.ip(&["link", "show"]).as_array().unwrap() {
            let name = link["ifname"].as_str().unwrap();
            // Docker would give its own another MAC address.
            if name == "docker0" {
                continue;
            }
            stage.host.run("ip", &["link", "delete", name]);
        }
        stage.host.run("nft", &["flush", "ruleset"]);
        fs::write("/proc/sys/net/ipv4/ip_forward", "0").unwrap();
        fs::remove_dir_all("/run/libnetns").unwrap();
        fs::remove_dir_all("/sys/fs/bpf/libnetns").ok();

        stage.serve();
        stage.docker.start_again().unwrap();
        wait_for(stage, &["web", "one"]);
        talk(stage);
        move_about(stage);
        end(stage);
    });
}

/// Until Docker has started those again.
fn wait_for(stage: &Stage<'_>, containers: &[&str]) {
    for container in containers {
        stage.wait_until("a container that is started again", || {
            let state = stage.inspect("container", container)["State"].take();
            state["Running"] == true && state["Pid"].as_i64().is_some_and(|process| process > 0)
        });
        stage.attach(container);
    }
}
