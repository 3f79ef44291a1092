//! A port of the host is one endpoint's, or one process's.

#[path = "crash/trace.rs"]
mod trace;

mod child;
mod common;
mod control;

use std::collections::HashSet;
use std::fs;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::process::Stdio;
use std::time::{Duration, Instant};

use common::refused;
use control::{blue, config, endpoint, open, options, sandbox, with_subnets};
use netns::{Controller, Endpoint, EndpointConfig, ErrorKind, Lifetime, PortMapping, Protocol, Result};
use testhost::{host, report};

const RANGE: &str = "/proc/sys/net/ipv4/ip_local_port_range";
const RESERVED: &str = "/proc/sys/net/ipv4/ip_local_reserved_ports";

#[track_caller]
fn mapping(text: &str) -> PortMapping {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// An endpoint with those ports.
#[track_caller]
fn publishing(name: &str, ports: &[&str]) -> EndpointConfig {
    ports.iter().fold(endpoint(name), |config, port| config.with_port(mapping(port)))
}

fn publish(controller: &Controller, network: &str, name: &str, ports: &[&str]) -> Result<Endpoint> {
    controller.create_endpoint(network, publishing(name, ports))
}

/// That ports can be had, and are given back.
#[track_caller]
fn free(controller: &Controller, ports: &[&str]) {
    publish(controller, "blue", "free", ports).unwrap();
    controller.delete_endpoint("blue", "free").unwrap();
}

#[track_caller]
fn taken(controller: &Controller, port: &str, words: &[&str]) {
    refused(publish(controller, "blue", "late", &[port]), ErrorKind::AlreadyExists, words);
}

/// Of each mapping its first port of the host.
fn host_ports(endpoint: &Endpoint) -> Vec<u16> {
    endpoint.ports.iter().map(|mapping| mapping.host_ports.unwrap().first()).collect()
}

#[test]
fn a_port_is_one_endpoints_of_all_networks_and_controllers() {
    host(|_| {
        let controller = open();
        controller.create_network(blue()).unwrap();
        controller.create_network(with_subnets("routed", "front", &["10.2.0.0/24"])).unwrap();
        let web = publish(&controller, "front", "web", &["8080:80", "127.0.0.1:53:53/udp"]).unwrap();
        assert_eq!(web.ports, [mapping("8080:80"), mapping("127.0.0.1:53:53/udp")]);
        assert_eq!(web.config.ports, web.ports);
        assert_eq!(controller.endpoint("front", "web").unwrap().ports, web.ports);
        for controller in [&controller, &open()] {
            let by_web = "port 8080/tcp of 0.0.0.0 is published by web of network front";
            taken(controller, "8080:81", &[by_web]);
            taken(controller, "127.0.0.1:8080:80", &[by_web]);
            taken(controller, "8070-8090:0".replace(":0", ":70-90").as_str(), &[by_web]);
            taken(controller, "53:53/udp", &["port 53/udp of 127.0.0.1 is published by web"]);
            // The endpoint is of IPv4 alone, and so are its ports.
            free(controller, &["[::]:8080:80", "127.0.0.2:53:53/udp", "8080:80/udp", "8081:80"]);
        }
        controller.delete_endpoint("front", "web").unwrap();
        free(&controller, &["8080:80", "53:53/udp"]);
        // A connection and a link are as an endpoint that is made.
        let sandbox = sandbox(&controller, "web");
        controller.connect("blue", &sandbox, publishing("joined", &["80:80"])).unwrap();
        controller.link("blue", publishing("linked", &["81:80"])).unwrap();
        taken(&controller, "80:80", &["port 80/tcp of 0.0.0.0 is published by joined of network blue"]);
        taken(&controller, "[::1]:81:80", &["port 81/tcp of :: is published by linked"]);
        refused(
            controller.plan_connect("blue", &sandbox, publishing("late", &["80:80"])).map(drop),
            ErrorKind::AlreadyExists,
            &["published by joined"],
        );
        controller.leave("blue", "joined").unwrap();
        taken(&controller, "80:80", &["published by joined"]);
        controller.join("blue", "joined", &sandbox).unwrap();
        assert_eq!(host_ports(&controller.endpoint("blue", "joined").unwrap()), [80]);
        controller.destroy_sandbox(&sandbox).unwrap();
        controller.delete_endpoint("blue", "linked").unwrap();
        free(&controller, &["81:80"]);
        // It was left once, and is an endpoint of its own since.
        controller.forget_endpoint("blue", "joined").unwrap();
        free(&controller, &["80:80"]);
    });
}

#[test]
fn what_cannot_be_is_refused_whole() {
    host(|_| {
        let controller = open();
        controller.create_network(blue()).unwrap();
        controller.create_network(with_subnets("bridge", "four", &["10.4.0.0/24"])).unwrap();
        controller.create_network(with_subnets("bridge", "six", &["fd06::/64"])).unwrap();
        controller.create_network(config("null", "none")).unwrap();
        let refuse = |network: &str, ports: &[&str], words: &str| {
            refused(publish(&controller, network, "web", ports), ErrorKind::BadRequest, &[words]);
        };
        refuse("four", &["80:80", "[::]:81:81"], "the endpoint has no IPv6 address");
        refuse("none", &["80:80"], "network none has no firewall");
        refuse("blue", &["80:80", "80:81"], "the host's ports are those of 80:8");
        refuse("blue", &["80-90:80-90", "1:1", "127.0.0.1:85:80"], "those of 127.0.0.1:85:80/tcp");
        refuse("blue", &["79:79", "192.0.2.1:80:80"], "192.0.2.1 is no address of the host");
        refuse("blue", &["[fd00::9]:80:80/udp"], "fd00::9 is no address of the host");
        refuse("blue", &["192.0.2.1::80"], "192.0.2.1 is no address of the host");
        refuse(
            "blue",
            &["1-40000:1-40000", "1-40000:1-40000/udp"],
            "80000 ports: an endpoint has at most 65535",
        );
        let mut uneven = mapping("80:80");
        uneven.ports = "80-81".parse().unwrap();
        let uneven = endpoint("web").with_port(uneven);
        let words = ["1 of the host's ports cannot be 2 of the endpoint's"];
        refused(controller.create_endpoint("blue", uneven), ErrorKind::BadRequest, &words);
        free(&controller, &["79-90:79-90", "1:1", "80:80/udp"]);
        assert_eq!(controller.endpoints().unwrap(), []);
        free(&controller, &["127.0.0.1:80:80", "127.0.0.2:80:80", "[::1]:80:80"]);
    });
}

#[test]
fn a_port_that_somebody_listens_on_is_theirs() {
    // Alone: a process that another test starts holds every socket of this one until it is the program it runs.
    const TEST: &str = "a_port_that_somebody_listens_on_is_theirs";
    if child::role().is_none() {
        return assert!(child::command(&[], TEST, "alone").status().unwrap().success());
    }
    host(|_| {
        let controller = open();
        controller.create_network(blue()).unwrap();
        let mine = format!("(pid {})", std::process::id());
        let tcp = TcpListener::bind("127.0.0.1:80").unwrap();
        let _udp = UdpSocket::bind("0.0.0.0:53").unwrap();
        let _v6 = TcpListener::bind("[::1]:81").unwrap();
        let _dual = (TcpListener::bind("[::]:82").unwrap(), UdpSocket::bind("[::]:82").unwrap());
        for (port, words) in [
            ("80:80", "port 80/tcp of 0.0.0.0 is taken by "),
            ("127.0.0.1:79-81:79-81", "port 80/tcp of 127.0.0.1 is taken by "),
            ("53:53/udp", "port 53/udp of 0.0.0.0 is taken by "),
            ("127.0.0.1:53:53/udp", "port 53/udp of 127.0.0.1 is taken by "),
            ("81:81", "port 81/tcp of :: is taken by "),
            ("82:82", "port 82/tcp of 0.0.0.0 is taken by "),
            ("127.0.0.1:82:82", "port 82/tcp of 127.0.0.1 is taken by "),
            ("[::1]:82:82", "port 82/tcp of ::1 is taken by "),
            ("82:82/udp", "port 82/udp of 0.0.0.0 is taken by "),
        ] {
            taken(&controller, port, &[words, &mine]);
        }
        free(&controller, &["[::]:80:80", "127.0.0.2:80:80", "0.0.0.0:81:81", "53:53", "80:80/udp"]);
        // What is closed and not yet forgotten is in nobody's way.
        let client = TcpStream::connect("127.0.0.1:80").unwrap();
        let server = tcp.accept().unwrap();
        drop((server, tcp, client));
        assert!(fs::read_to_string("/proc/thread-self/net/tcp").unwrap().contains(":0050"));
        free(&controller, &["80:80"]);
    });
}

#[test]
fn no_socket_stays_open() {
    const TEST: &str = "no_socket_stays_open";
    if child::role().is_none() {
        return assert!(child::command(&[], TEST, "alone").status().unwrap().success());
    }
    host(|_| {
        let controller = open();
        controller.create_network(blue()).unwrap();
        let _listener = TcpListener::bind("127.0.0.1:100").unwrap();
        let before = testhost::descriptors();
        for _ in 0..3 {
            free(&controller, &["1-99:1-99", "1-200:1-200/udp", "80-90", "80/sctp"]);
            taken(&controller, "1-200:1-200", &["port 100/tcp"]);
            assert!(publish(&controller, "blue", "late", &["192.0.2.1:80:80"]).is_err());
        }
        assert_eq!(testhost::descriptors(), before);
    });
}

#[test]
fn the_hosts_sockets_count_wherever_the_thread_is() {
    host(|_| {
        let controller = open();
        controller.create_network(blue()).unwrap();
        let sandbox = sandbox(&controller, "web");
        let mut nobodys = child_listening();
        sandbox
            .run(|| {
                let _inside = TcpListener::bind("0.0.0.0:81").unwrap();
                fs::write(RANGE, "2000 2010").unwrap();
                let name = format!("(pid {})", nobodys.id());
                taken(&controller, "80:80", &["port 80/tcp of 0.0.0.0 is taken by ", &name]);
                free(&controller, &["81:80"]);
                let chosen = publish(&controller, "blue", "chosen", &["80"]).unwrap();
                assert!(host_ports(&chosen)[0] > 2010, "{chosen:?}");
            })
            .unwrap();
        nobodys.kill().unwrap();
        nobodys.wait().unwrap();
    });
}

/// A process that listens on port 80.
fn child_listening() -> std::process::Child {
    let mut command = child::command(&[], "a_process_that_listens", "listen");
    let child = command.stdout(Stdio::null()).spawn().unwrap();
    let begin = Instant::now();
    while TcpStream::connect("127.0.0.1:80").is_err() {
        assert!(begin.elapsed() < Duration::from_secs(10), "the child does not listen");
        std::thread::sleep(Duration::from_millis(5));
    }
    child
}

#[test]
fn a_process_that_listens() {
    if child::role().is_some() {
        let _listener = TcpListener::bind("0.0.0.0:80").unwrap();
        std::thread::sleep(Duration::from_secs(30));
    }
}

#[test]
fn ports_are_chosen_that_nobody_has() {
    host(|_| {
        let controller = open();
        controller.create_network(blue()).unwrap();
        let (lowest, highest) = (32_768, 60_999);
        let web = publish(&controller, "blue", "web", &["80", "127.0.0.1::81/udp", "1000-1099"]).unwrap();
        let chosen = host_ports(&web);
        assert!(chosen.iter().all(|port| (lowest..=highest).contains(port)), "{chosen:?}");
        assert_eq!(web.ports[2].host_ports.unwrap().len(), 100);
        assert_eq!(web.config.ports[0].host_ports, None);
        assert_eq!(controller.endpoint("blue", "web").unwrap().ports, web.ports);
        taken(&controller, &format!("{}:80", chosen[0]), &["published by web"]);
        controller.delete_endpoint("blue", "web").unwrap();
        free(&controller, &[&format!("{}:80", chosen[0])]);
        // Not the same ones again and again.
        let other = publish(&controller, "blue", "web", &["80", "80/udp", "81"]).unwrap();
        assert_ne!(host_ports(&other)[..2], chosen[..2]);
        controller.delete_endpoint("blue", "web").unwrap();

        fs::write(RANGE, "40000 40009").unwrap();
        fs::write(RESERVED, "40003,40008-40009").unwrap();
        let _listens =
            (TcpListener::bind("127.0.0.1:40001").unwrap(), TcpListener::bind("[::]:40006").unwrap());
        publish(&controller, "blue", "fixed", &["127.0.0.1:40005:80"]).unwrap();
        // What is asked for comes first, in whatever order: 40000, 40002, 40004 and 40007 are left.
        let web = publish(&controller, "blue", "web", &["80", "40000:81", "82", "83"]).unwrap();
        let mut chosen = host_ports(&web);
        assert_eq!(chosen[1], 40000);
        chosen.sort_unstable();
        assert_eq!(chosen, [40000, 40002, 40004, 40007]);
        let words = ["no port is free in 40000-40009, net.ipv4.ip_local_port_range"];
        refused(publish(&controller, "blue", "late", &["80"]), ErrorKind::ResourceExhausted, &words);
        refused(
            publish(&controller, "blue", "late", &["80-81/udp", "80-87/udp"]),
            ErrorKind::ResourceExhausted,
            &["no 8 ports in a row are free in 40000-40009"],
        );
        let udp = publish(&controller, "blue", "udp", &["80-83/udp", "80-82/udp"]).unwrap();
        assert_eq!(host_ports(&udp), [40004, 40000]);
        // What is not published on all addresses has more to choose from.
        let six = publish(&controller, "blue", "six", &["[::1]::80", "[::1]::81"]).unwrap();
        assert_eq!(host_ports(&six).into_iter().collect::<HashSet<_>>(), HashSet::from([40001, 40005]));
    });
}

#[test]
fn processes_share_the_ports() {
    const TEST: &str = "processes_share_the_ports";
    if let Some(role) = child::role() {
        let controller = open();
        for number in 0..20 {
            publish(&controller, "blue", &format!("{role}-{number}"), &["80", "127.0.0.1::81/udp"]).unwrap();
        }
        // One of them gets it.
        let won = publish(&controller, "blue", &format!("{role}-won"), &["80:80"]).is_ok();
        return fs::write(format!("/run/{role}"), if won { "won" } else { "" }).unwrap();
    }
    host(|_| {
        let controller = open();
        controller.create_network(blue()).unwrap();
        fs::write(RANGE, "40000 40079").unwrap();
        let roles = ["one", "two", "three", "four"];
        let spawn = |role: &&str| child::command(&[], TEST, role).stdout(Stdio::null()).spawn().unwrap();
        for mut child in roles.iter().map(spawn).collect::<Vec<_>>() {
            assert!(child.wait().unwrap().success());
        }
        let won = roles.iter().filter(|role| fs::read_to_string(format!("/run/{role}")).unwrap() == "won");
        assert_eq!(won.count(), 1);
        let all = controller.endpoints().unwrap();
        for protocol in [Protocol::Tcp, Protocol::Udp] {
            let own = all.iter().flat_map(|endpoint| &endpoint.ports).filter(|own| own.protocol == protocol);
            let ports: Vec<_> =
                own.filter_map(|own| own.host_ports).filter(|own| own.first() != 80).collect();
            assert_eq!(ports.len(), 80, "{protocol}");
            assert_eq!(ports.iter().collect::<HashSet<_>>().len(), 80, "{protocol}");
        }
        let error = publish(&controller, "blue", "late", &["80"]);
        refused(error, ErrorKind::ResourceExhausted, &["40000-40079"]);
    });
}

#[test]
fn ports_of_what_is_gone_are_to_be_had() {
    host(|_| {
        let controller = open();
        controller.create_network(blue()).unwrap();
        controller.create_network(with_subnets("bridge", "front", &["10.2.0.0/24"])).unwrap();
        for network in ["front", "blue"] {
            let gone = sandbox(&controller, "gone");
            controller.connect(network, &gone, publishing("old", &["80:80"])).unwrap();
            drop(gone);
            netns::Sandbox::remove(&netns::SandboxKey::new("gone").unwrap()).unwrap();
            // Nothing collects, and whoever needs the port gets it.
            let new = sandbox(&controller, "new");
            controller.connect("blue", &new, publishing("new", &["80:80"])).unwrap();
            controller.destroy_sandbox(&new).unwrap();
            free(&controller, &["80:80"]);
        }
    });
}

#[test]
fn a_join_that_fails_gives_its_ports_back() {
    host(|_| {
        let controller = open();
        controller.create_network(blue()).unwrap();
        let at = |config: EndpointConfig| config.with_address("10.1.0.9".parse().unwrap());
        controller.create_endpoint("blue", at(endpoint("first"))).unwrap();
        let sandbox = sandbox(&controller, "web");
        let connect = |config| controller.connect("blue", &sandbox, config);
        let mut bad = publishing("web", &["80:80", "80"]);
        bad.sysctls.insert("net.ipv4.conf.IFNAME.nonsense".to_owned(), "1".to_owned());
        refused(connect(bad), ErrorKind::NotFound, &["nonsense"]);
        refused(connect(at(publishing("web", &["80:80"]))), ErrorKind::AlreadyExists, &["10.1.0.9"]);
        for number in [1, 2] {
            controller.fail_write(number);
            refused(connect(publishing("web", &["80:80"])), ErrorKind::System, &["a test made it fail"]);
        }
        free(&controller, &["80:80"]);
    });
}

#[test]
fn a_killed_process_keeps_no_port() {
    const TEST: &str = "a_killed_process_keeps_no_port";
    let open = || Controller::open(options().with_lifetime(Lifetime::Process)).unwrap();
    if child::role().is_some() {
        return trace::between_marks(|| {
            let controller = open();
            let sandbox = controller.create_sandbox("web").unwrap();
            controller.create_endpoint("blue", publishing("one", &["8080:80", "81"])).unwrap();
            controller.connect("blue", &sandbox, publishing("two", &["8081:80", "53/udp"])).unwrap();
            controller.delete_endpoint("blue", "one").unwrap();
            controller.destroy_sandbox(&sandbox).unwrap();
        });
    }
    host(|_| {
        let controller = open();
        controller.create_network(blue()).unwrap();
        let run = || child::command(&[], TEST, "live");
        trace::record(&mut run());
        let calls = trace::record(&mut run());
        let points = trace::points(&calls, 60);
        for at in &points {
            trace::kill_at(&mut run(), *at);
            controller.collect().unwrap();
            let found = controller.collect().unwrap().findings;
            assert!(found.is_empty(), "killed before call {at}: {found:?}");
            assert_eq!(controller.endpoints().unwrap(), [], "killed before call {at}");
            free(&controller, &["8080-8081:80-81"]);
        }
        let store = rusqlite::Connection::open("/run/libnetns/state.db").unwrap();
        let left = "SELECT (SELECT count(*) FROM port) + (SELECT count(*) FROM mapping)";
        assert_eq!(store.query_row(left, [], |row| row.get::<_, u32>(0)).unwrap(), 0);
        report(&format!("{} kill points: ports, of {} calls", points.len(), calls.len()));
    });
}

#[test]
fn a_store_from_before_there_were_ports_opens() {
    host(|_| {
        let controller = open();
        controller.create_network(blue()).unwrap();
        controller.create_endpoint("blue", endpoint("old")).unwrap();
        drop(controller);
        let store = rusqlite::Connection::open("/run/libnetns/state.db").unwrap();
        store.execute_batch("DROP TABLE port; DROP TABLE mapping; PRAGMA user_version = 1").unwrap();
        drop(store);
        let controller = open();
        assert_eq!(controller.endpoint("blue", "old").unwrap().ports, []);
        publish(&controller, "blue", "web", &["80:80"]).unwrap();
        taken(&open(), "80:80", &["published by web"]);
        controller.delete_endpoint("blue", "old").unwrap();
        assert!(fs::read_dir("/run/libnetns")
            .unwrap()
            .all(|entry| { !entry.unwrap().file_name().to_string_lossy().contains("broken") }));
    });
}

#[test]
fn an_endpoint_may_have_all_ports_and_then_none_is_left() {
    host(|_| {
        let controller = open();
        controller.create_network(blue()).unwrap();
        let all = publish(&controller, "blue", "all", &["1-65535:1-65535"]).unwrap();
        assert_eq!(all.ports[0].to_string(), "1-65535:1-65535/tcp");
        refused(publish(&controller, "blue", "late", &["80"]), ErrorKind::ResourceExhausted, &["ip_local"]);
        controller.delete_endpoint("blue", "all").unwrap();
        publish(&controller, "blue", "late", &["80"]).unwrap();
    });
}
