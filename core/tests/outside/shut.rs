//! Forwarding that the networks need is for them alone: what the host did not pass before it does not pass now.

use std::fs;

use netns::NetworkConfig;
use testhost::{attempt, kernel_version, Server, Try};

use crate::world::{network, ways, world, World, OWN, SERVED, TYPES, WORLD};

const LEFT: [&str; 2] = ["198.51.100.2", "2001:db8:1::2"];
const RIGHT: [&str; 2] = ["203.0.113.2", "2001:db8:2::2"];

/// Two more links of the host's, `left0` and `right0`, each with somebody behind it who has the host for a router.
const MAKE: &str = "
for side in 'left 198.51.100 2001:db8:1' 'right 203.0.113 2001:db8:2'; do
    set -- $side
    ip netns add $1
    ip link add ${1}0 type veth peer name eth0 netns $1
    ip address add $2.1/24 dev ${1}0
    ip address add $3::1/64 dev ${1}0 nodad
    ip link set ${1}0 up
    ip -n $1 address add $2.2/24 dev eth0
    ip -n $1 address add $3::2/64 dev eth0 nodad
    ip -n $1 link set eth0 up
    ip -n $1 route add default via $2.1
    ip -n $1 -6 route add default via $3::1
done";
const REMOVE: &str = "for side in left right; do ip link delete ${side}0; ip netns delete $side; done";

fn sh(world: &World, script: &str) {
    let ran = world.host.run("sh", &["-ec", script]);
    assert!(ran.success, "{}", ran.stderr);
}

/// With two more hosts that have this one for a router; everybody serves.
fn between_two(f: impl FnOnce(&World) + Send) {
    world(|world| {
        sh(world, MAKE);
        let servers = [("left", "left"), ("right", "right"), ("world", "world")]
            .map(|(place, name)| Server::start(place, name, &SERVED));
        ways_back(world);
        f(world);
        drop(servers);
        sh(world, REMOVE);
    });
}

/// From one of the hosts to another, by either family and transport.
fn from_to(from: &str, to: &str, addresses: [&str; 2], passes: bool) -> Vec<Try> {
    let each = ways().map(|(family, transport)| {
        let one = Try::nothing(from, transport, family.socket(addresses, 80));
        if passes {
            one.reaches(to)
        } else {
            one
        }
    });
    each.collect()
}

/// Between the two, and from one of them by the host's uplink.
fn among_others(passes: bool) -> Vec<Try> {
    let pairs = [("left", "right", RIGHT), ("right", "left", LEFT), ("left", "world", WORLD)];
    pairs.into_iter().flat_map(|(from, to, addresses)| from_to(from, to, addresses, passes)).collect()
}

/// What the network needs passes all the same.
fn of_the_network() -> Vec<Try> {
    let mut tries = Vec::new();
    for (family, transport) in ways() {
        for from in ["left", "right", "world"] {
            tries.push(Try::nothing(from, transport, family.socket(OWN, 8080)).reaches("web"));
        }
        for (to, addresses) in [("left", LEFT), ("world", WORLD)] {
            tries.push(Try::nothing("web", transport, family.socket(addresses, 80)).reaches(to));
        }
    }
    tries
}

/// The world knows the way to them.
fn ways_back(world: &World) {
    for subnet in ["198.51.100.0/24", "203.0.113.0/24", "2001:db8:1::/64", "2001:db8:2::/64"] {
        let by = OWN[usize::from(subnet.contains(':'))];
        world.host.ip_in("world", &["route", "add", subnet, "via", by]);
    }
}

fn made(world: &World, config: NetworkConfig) {
    world.controller.create_network(config).unwrap();
    world.container("blue", "web", 11, &["8080:80", "8080:80/udp"]);
}

#[test]
fn links_of_others_begin_to_forward_to_no_other_link() {
    between_two(|world| {
        attempt("before", &among_others(false));
        for kind in TYPES {
            made(world, network(kind, "blue"));
            attempt(kind, &[of_the_network(), among_others(false)].concat());
            // It is these sets that keep it out.
            world.nft("flush set inet libnetns opened4; flush set inet libnetns opened6");
            attempt(&format!("{kind}, opened"), &among_others(true));
            world.controller.restore_firewall().unwrap();
            attempt(&format!("{kind}, restored"), &[of_the_network(), among_others(false)].concat());
            world.remove("web");
            world.controller.delete_network("blue").unwrap();
            attempt(&format!("{kind}, gone"), &among_others(false));
        }
    });
}

#[test]
fn links_between_which_the_host_forwarded_go_on_to() {
    between_two(|world| {
        let before = world.forward_all();
        for kind in TYPES {
            attempt(&format!("{kind}, before"), &among_others(true));
            made(world, network(kind, "blue"));
            attempt(kind, &[of_the_network(), among_others(true)].concat());
            world.remove("web");
            world.controller.delete_network("blue").unwrap();
            attempt(&format!("{kind}, gone"), &among_others(true));
        }
        world.forward_as_before(before);
    });
}

#[test]
fn of_two_links_of_others_the_one_that_forwarded_still_does() {
    if kernel_version() < (6, 17) {
        let why = "before Linux 6.17 a link alone cannot be told to forward IPv6";
        return testhost::skip("one link that forwards, with IPv6", why);
    }
    between_two(|world| {
        let settings = ["ipv4/conf/left0/forwarding", "ipv6/conf/left0/force_forwarding"]
            .map(|name| format!("/proc/sys/net/{name}"));
        settings.iter().for_each(|path| fs::write(path, "1").unwrap());
        // What right sends is answered: the host passes answers of what it let pass, and no beginning.
        let one_way = || {
            let from_left = from_to("left", "right", RIGHT, true);
            [from_left, from_to("right", "left", LEFT, false)].concat()
        };
        for kind in TYPES {
            made(world, network(kind, "blue"));
            attempt(kind, &[of_the_network(), one_way()].concat());
            world.remove("web");
            world.controller.delete_network("blue").unwrap();
        }
        settings.iter().for_each(|path| assert_eq!(fs::read_to_string(path).unwrap().trim(), "1", "{path}"));
        settings.iter().for_each(|path| fs::write(path, "0").unwrap());
    });
}

/// Links with addresses that come and go as fast as the kernel lets them.
const RESTLESS: &str = "while [ ! -e /run/enough ]; do
    for number in 1 2 3 4; do
        ip link add gone$number type veth peer name peer$number
        ip address add 198.18.$number.1/24 dev gone$number
        ip address add 2001:db8:1$number::1/64 dev gone$number nodad
        ip link set gone$number up
    done
    for number in 1 2 3 4; do ip link delete gone$number; done
done";

#[test]
fn links_of_others_that_go_meanwhile_are_no_error() {
    world(|world| {
        let host = world.host;
        std::thread::scope(|scope| {
            let restless = scope.spawn(move || host.run("sh", &["-ec", RESTLESS]));
            for _ in 0..30 {
                let made = world.controller.create_network(network("bridge", "blue"));
                let deleted = world.controller.delete_network("blue");
                if made.is_err() || deleted.is_err() {
                    fs::write("/run/enough", "").unwrap();
                }
                made.unwrap();
                deleted.unwrap();
            }
            fs::write("/run/enough", "").unwrap();
            let ended = restless.join().unwrap();
            assert!(ended.success, "{}", ended.stderr);
        });
        fs::remove_file("/run/enough").unwrap();
    });
}
