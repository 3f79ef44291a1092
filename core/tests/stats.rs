//! Promises of counters: they say what the kernel says, to the byte.

mod child;
mod common;
mod control;

use std::fs;
use std::io::{Read, Write};
use std::net::{IpAddr, Shutdown, TcpListener, TcpStream, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use control::{blue, config, connected, endpoint, open, sandbox, with_subnets};
use netns::stats::{Counters, Detail, Meter, MeterOptions, MeterReader, SlotId, Source, Stats};
use netns::{Controller, Endpoint, ErrorKind, NetworkConfig, Sandbox};
use serde_json::Value;
use testhost::{host, kernel_version, report, skip, Host};

const V1: &str = "/sys/fs/bpf/libnetns/v1";
/// How long packets may be on their way.
const UNDER_WAY: Duration = Duration::from_secs(5);
const BULK: usize = 8 << 20;

/// What the kernel has counted for the link of that index in the calling thread's namespace, by its own view.
#[track_caller]
fn kernel(host: &Host, index: u32) -> Counters {
    let links = host.ip(&["-s", "link", "show"]);
    let link = links.as_array().unwrap().iter().find(|link| link["ifindex"] == index).unwrap();
    let word = |way: &str, what: &str| link["stats64"][way][what].as_u64().unwrap();
    Counters {
        rx_bytes: word("rx", "bytes"),
        rx_packets: word("rx", "packets"),
        tx_bytes: word("tx", "bytes"),
        tx_packets: word("tx", "packets"),
    }
}

/// The kernel's counters of an endpoint's metered link, as the sandbox sees it.
#[track_caller]
fn kernel_of(host: &Host, meter: &Meter, sandbox: &Sandbox, id: SlotId) -> Counters {
    let owner = meter.owner(id).unwrap();
    if owner.inside {
        return sandbox.run(|| kernel(host, owner.index)).unwrap();
    }
    let own = kernel(host, owner.index);
    Counters {
        rx_bytes: own.tx_bytes,
        rx_packets: own.tx_packets,
        tx_bytes: own.rx_bytes,
        tx_packets: own.rx_packets,
    }
}

/// Our counters and the kernel's, read while nothing was counted in between and nothing was under way: both were
/// the same, or this panics with the difference.
#[track_caller]
fn exact(host: &Host, controller: &Controller, (sandbox, endpoint): &(Sandbox, Endpoint)) -> Counters {
    let meter = controller.meter().unwrap();
    let id = endpoint.meter.expect("it is metered");
    let begin = Instant::now();
    loop {
        let before = meter.read(id).unwrap();
        let kernel = kernel_of(host, &meter, sandbox, id);
        let after = meter.read(id).unwrap();
        if (before == kernel && after == kernel) || begin.elapsed() > UNDER_WAY {
            assert_eq!(after, kernel, "ours on the left, the kernel's on the right");
            return after;
        }
        thread::yield_now();
    }
}

fn red() -> NetworkConfig {
    with_subnets("routed", "red", &["10.2.0.0/24", "fd02::/64"])
}

fn gateways(network: &NetworkConfig) -> Vec<IpAddr> {
    network.subnets.iter().map(|subnet| subnet.gateway.unwrap()).collect()
}

fn addresses(endpoint: &Endpoint) -> [IpAddr; 2] {
    [endpoint.address.unwrap().addr().into(), endpoint.address_ipv6.unwrap().addr().into()]
}

/// So many bytes by TCP from the sandbox to the listener, and as many back.
fn bulk(sandbox: &Sandbox, listener: &TcpListener) {
    let address = listener.local_addr().unwrap();
    let mut client = sandbox.run(|| TcpStream::connect(address)).unwrap().unwrap();
    let (mut server, _) = listener.accept().unwrap();
    transfer(&mut client, &mut server);
    transfer(&mut server, &mut client);
}

fn transfer(from: &mut TcpStream, to: &mut TcpStream) {
    thread::scope(|scope| {
        scope.spawn(|| {
            from.write_all(&vec![7; BULK]).unwrap();
            from.shutdown(Shutdown::Write).unwrap();
        });
        assert_eq!(to.read_to_end(&mut Vec::new()).unwrap(), BULK);
    });
}

fn udp(at: IpAddr) -> UdpSocket {
    let socket = UdpSocket::bind((at, 0)).unwrap();
    socket.set_read_timeout(Some(UNDER_WAY)).unwrap();
    socket
}

/// A datagram there, and one of the same length back.
fn ping_pong(one: &UdpSocket, other: &UdpSocket, length: usize) {
    let mut buffer = vec![0; length + 1];
    one.send_to(&vec![1; length], other.local_addr().unwrap()).unwrap();
    let (received, from) = other.recv_from(&mut buffer).unwrap();
    assert_eq!((received, from), (length, one.local_addr().unwrap()));
    other.send_to(&vec![2; length], from).unwrap();
    assert_eq!(one.recv(&mut buffer).unwrap(), length);
}

/// What the user of a routed network does before Linux 6.17, which forwards by single links.
fn forward_ipv6() {
    if kernel_version() < (6, 17) {
        fs::write("/proc/sys/net/ipv6/conf/all/forwarding", "1").unwrap();
    }
}

#[test]
fn all_that_the_kernel_counts_is_counted_to_the_byte() {
    for network in [blue(), red()] {
        host(|host| {
            forward_ipv6();
            let controller = open();
            let network = controller.create_network(network).unwrap();
            let name = network.name.as_str();
            let (a, b) = (connected(&controller, name, "a"), connected(&controller, name, "b"));
            for one in [&a, &b] {
                exact(host, &controller, one);
            }
            let check = |what: &str, packets: u64, bytes: u64, work: &dyn Fn()| {
                let before = exact(host, &controller, &a);
                work();
                let (now, _) = (exact(host, &controller, &a), exact(host, &controller, &b));
                let came = [now.rx_packets - before.rx_packets, now.tx_packets - before.tx_packets];
                let amount = [now.rx_bytes - before.rx_bytes, now.tx_bytes - before.tx_bytes];
                assert!(came.iter().all(|came| *came >= packets), "{what}: {came:?}");
                assert!(amount.iter().all(|amount| *amount >= bytes), "{what}: {amount:?}");
            };
            for (number, gateway) in gateways(&network).into_iter().enumerate() {
                let (own, others) = (addresses(&a.1)[number], addresses(&b.1)[number]);
                let listener = TcpListener::bind((gateway, 0)).unwrap();
                check("TCP with the host", 10, BULK as u64, &|| bulk(&a.0, &listener));
                let listener = b.0.run(|| TcpListener::bind((others, 0))).unwrap().unwrap();
                check("TCP with another", 10, BULK as u64, &|| bulk(&a.0, &listener));
                let inside = a.0.run(|| udp(own)).unwrap();
                for other in [udp(gateway), b.0.run(|| udp(others)).unwrap()] {
                    check("small UDP", 50, 50 * 43, &|| {
                        (0..50).for_each(|_| ping_pong(&inside, &other, 1));
                    });
                    check("fragments", 10 * 6, 10 * 8192, &|| {
                        (0..10).for_each(|_| ping_pong(&inside, &other, 8192));
                    });
                }
            }
        });
    }
}

#[test]
fn segments_that_are_cut_later_count_as_the_kernel_counts_them() {
    host(|host| {
        let controller = open();
        let network = controller.create_network(blue()).unwrap();
        let a = connected(&controller, "blue", "a");
        let before = exact(host, &controller, &a);
        bulk(&a.0, &TcpListener::bind((gateways(&network)[0], 0)).unwrap());
        let now = exact(host, &controller, &a);
        // Packets are greater than any that goes over a wire.
        let full = controller.stats("blue", "a", Detail::Full).unwrap();
        assert_eq!(full.source, Source::Counters);
        assert!(now.tx_packets - before.tx_packets < (BULK / 1500) as u64, "{now:?}");
    });
}

#[test]
fn broadcasts_and_multicasts_are_counted() {
    host(|host| {
        let controller = open();
        controller.create_network(blue()).unwrap();
        let (a, b) = (connected(&controller, "blue", "a"), connected(&controller, "blue", "b"));
        // Kernels before 6.8 act on a carrier when they get to it.
        assert!(["a", "b"].iter().all(|name| host.ping(name, "10.1.0.1".parse().unwrap())));
        let before = [&a, &b].map(|one| exact(host, &controller, one));
        let socket = a.0.run(|| udp(addresses(&a.1)[0])).unwrap();
        socket.set_broadcast(true).unwrap();
        for _ in 0..100 {
            socket.send_to(&[7; 58], ("10.1.0.255", 9)).unwrap();
            socket.send_to(&[7; 58], ("224.0.0.77", 9)).unwrap();
        }
        let now = [&a, &b].map(|one| exact(host, &controller, one));
        assert!(now[0].tx_packets - before[0].tx_packets >= 200);
        assert!(now[0].tx_bytes - before[0].tx_bytes >= 200 * 100);
        assert!(now[1].rx_packets - before[1].rx_packets >= 200);
        assert!(now[1].rx_bytes - before[1].rx_bytes >= 200 * 100);
    });
}

/// Sends frames of 64 bytes with a VLAN tag as part of the frame.
const TAGGED: &str = "
import socket
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(('eth0', 0))
frame = b'\\xff' * 6 + b'\\x02' + b'\\0' * 5 + b'\\x81\\x00\\x00\\x05\\x88\\xb5'
for _ in range(100):
    s.send(frame.ljust(64, b'\\0'))
";

#[test]
fn a_tag_in_a_received_frame_is_the_only_thing_that_is_not_counted() {
    const TEST: &str = "a_tag_in_a_received_frame_is_the_only_thing_that_is_not_counted";
    host(|host| {
        if !host.run("sh", &["-c", "python3 -c ''"]).success {
            return skip(TEST, "python3 is missing");
        }
        let controller = open();
        controller.create_network(blue()).unwrap();
        let a = connected(&controller, "blue", "a");
        let before = exact(host, &controller, &a);
        let sent = a.0.run(|| host.run("python3", &["-c", TAGGED])).unwrap();
        assert!(sent.success, "{sent:?}");
        let meter = controller.meter().unwrap();
        let id = a.1.meter.unwrap();
        let begin = Instant::now();
        // The hook comes after the tag is taken off: 4 bytes of each frame.
        loop {
            let ours = meter.read(id).unwrap();
            let kernel = kernel_of(host, &meter, &a.0, id);
            let with_tags = Counters { tx_bytes: ours.tx_bytes + 400, ..ours };
            if with_tags == kernel || begin.elapsed() > UNDER_WAY {
                assert_eq!(with_tags, kernel);
                assert!(ours.tx_packets - before.tx_packets >= 100);
                assert!(kernel.tx_bytes - before.tx_bytes >= 6400);
                return;
            }
        }
    });
}

#[test]
fn no_packet_of_many_at_once_is_missed() {
    host(|host| {
        let controller = open();
        controller.create_network(blue()).unwrap();
        let many = std::env::var_os("NETNS_MANY").is_some();
        let each: u64 = if many { 5_000_000 } else { 200_000 };
        let ends = [connected(&controller, "blue", "a"), connected(&controller, "blue", "b")];
        let sockets = [0, 1].map(|one| {
            let (sandbox, endpoint) = &ends[one];
            sandbox.run(|| udp(addresses(endpoint)[0])).unwrap()
        });
        // Who is where is known before.
        ping_pong(&sockets[0], &sockets[1], 1);
        let before = ends.each_ref().map(|one| exact(host, &controller, one));
        thread::scope(|scope| {
            for (one, other) in [(0, 1), (1, 0)] {
                let (socket, to) = (&sockets[one], sockets[other].local_addr().unwrap());
                scope.spawn(move || {
                    for _ in 0..each {
                        socket.send_to(&[7; 18], to).unwrap();
                    }
                });
            }
        });
        let now = ends.each_ref().map(|one| exact(host, &controller, one));
        for (before, now) in before.iter().zip(now) {
            let Counters { rx_packets, tx_packets, .. } = *before;
            let (received, sent) = (now.rx_packets - rx_packets, now.tx_packets - tx_packets);
            // What a full queue dropped, the kernel does not count either.
            assert!(sent >= each / 2 && received >= each / 2, "{received} received, {sent} sent");
        }
        report(&format!("{} packets: counted as the kernel counts them", 2 * each));
    });
}

/// A pair of links of which `lan0` is the parent of macvlans and `lan1` has the gateways' addresses.
fn lan(host: &Host) {
    common::veth(host, "lan0", "lan1");
    for gateway in ["10.5.0.1/24", "fd05::1/64"] {
        host.ip(&["address", "add", gateway, "dev", "lan1", "nodad"]);
    }
    for end in ["lan1", "lan0"] {
        host.ip(&["link", "set", end, "up"]);
    }
}

/// Our counters of a link in a sandbox, the kernel's, and how many packets our hook has seen that the kernel has not
/// sent: it says that it dropped them, but for Linux before 6.11 and what is sent without a carrier.
#[track_caller]
fn with_drops(host: &Host, meter: &Meter, sandbox: &Sandbox, id: SlotId) -> (Counters, Counters, u64) {
    let begin = Instant::now();
    loop {
        let before = meter.read(id).unwrap();
        let kernel = kernel_of(host, meter, sandbox, id);
        let link = sandbox.run(|| host.ip(&["-s", "link", "show", "dev", "eth0"])).unwrap();
        let dropped = link[0]["stats64"]["tx"]["dropped"].as_u64().unwrap();
        let all = (kernel.rx_packets, kernel.tx_packets + dropped);
        let after = meter.read(id).unwrap();
        if (before == after && (after.rx_packets, after.tx_packets) == all) || begin.elapsed() > UNDER_WAY {
            assert_eq!(after.rx_packets, all.0, "ours, and the kernel's");
            assert!(after.tx_packets == all.1 || (after.tx_packets > all.1 && kernel_version() < (6, 11)));
            return (after, kernel, after.tx_packets - kernel.tx_packets);
        }
        thread::yield_now();
    }
}

#[test]
fn a_macvlan_is_counted_as_its_own_counters_say() {
    host(|host| {
        lan(host);
        let controller = open();
        let network = with_subnets("macvlan", "lan", &["10.5.0.0/24", "fd05::/64"]);
        let network = controller.create_network(network.with_option("parent", "lan0")).unwrap();
        let a = connected(&controller, "lan", "a");
        let (meter, id) = (controller.meter().unwrap(), a.1.meter.unwrap());
        assert!(meter.owner(id).unwrap().inside);
        // The kernel's first words in there may be dropped: the parent has no carrier yet.
        let (ours, kernels, dropped) = with_drops(host, &meter, &a.0, id);
        for (number, gateway) in gateways(&network).into_iter().enumerate() {
            bulk(&a.0, &TcpListener::bind((gateway, 0)).unwrap());
            let (one, other) = (a.0.run(|| udp(addresses(&a.1)[number])).unwrap(), udp(gateway));
            for length in [1, 8192] {
                ping_pong(&one, &other, length);
            }
        }
        let (now, kernels_now, dropped_now) = with_drops(host, &meter, &a.0, id);
        assert_eq!(dropped_now, dropped);
        assert_eq!(now.rx_bytes, kernels_now.rx_bytes);
        assert_eq!(now.tx_bytes - ours.tx_bytes, kernels_now.tx_bytes - kernels.tx_bytes);
        assert!(now.tx_bytes > 2 * BULK as u64 && now.rx_bytes > 2 * BULK as u64);
        assert_eq!(controller.stats("lan", "a", Detail::Full).unwrap().source, Source::Counters);
    });
}

#[test]
fn the_first_packet_is_counted() {
    host(|host| {
        let controller = open();
        let network = controller.create_network(config("bridge", "plain")).unwrap();
        let a = sandbox(&controller, "a");
        let joined = controller.connect("plain", &a, endpoint("a")).unwrap();
        assert!(host.ping("a", network.subnets[0].gateway.unwrap()));
        // All since the link was born.
        let counters = exact(host, &controller, &(a, joined));
        assert!(counters.rx_packets >= 2 && counters.tx_packets >= 2, "ARP and ICMP: {counters:?}");
    });
}

#[test]
fn statistics_are_those_that_the_sandbox_sees() {
    host(|host| {
        let controller = open();
        controller.create_network(blue()).unwrap();
        let a = connected(&controller, "blue", "a");
        // Who is where is known before.
        assert!(host.ping("a", "10.1.0.1".parse().unwrap()));
        // One way alone, and more than anything else.
        let socket = a.0.run(|| udp(addresses(&a.1)[0])).unwrap();
        (0..1000).for_each(|_| drop(socket.send_to(&[7; 1000], ("10.1.0.1", 9))));
        let counters = exact(host, &controller, &a);
        assert!(counters.tx_bytes > 1_000_000 && counters.rx_bytes < 500_000, "{counters:?}");
        for detail in [Detail::Fast, Detail::Full] {
            let stats = controller.stats("blue", "a", detail).unwrap();
            assert_eq!(stats.source, Source::Counters);
            assert!(stats.stats.tx_bytes >= counters.tx_bytes && stats.stats.rx_bytes < 500_000, "{stats:?}");
            let all = controller.all_stats(detail).unwrap();
            assert_eq!(all.len(), 1);
            assert_eq!((all[0].network.as_str(), all[0].endpoint.as_str()), ("blue", "a"));
            assert!(all[0].stats.tx_bytes >= stats.stats.tx_bytes && all[0].source == Source::Counters);
        }
        let fast = controller.stats("blue", "a", Detail::Fast).unwrap().stats;
        assert_eq!((fast.rx_errors, fast.rx_dropped, fast.tx_errors, fast.tx_dropped), (0, 0, 0, 0));
    });
}

#[test]
fn counters_are_the_same_in_every_process_and_outlive_the_controller() {
    const TEST: &str = "counters_are_the_same_in_every_process_and_outlive_the_controller";
    if child::role().is_some() {
        let snapshot = Meter::open(&MeterOptions::default()).unwrap().snapshot();
        let [reading] = &snapshot.readings[..] else { panic!("{snapshot:?}") };
        println!("\ncounters {}", serde_json::to_string(&reading.counters).unwrap());
        return;
    }
    host(|host| {
        let options = control::options().with_lifetime(netns::Lifetime::Host);
        let controller = Controller::open(options.clone()).unwrap();
        controller.create_network(blue()).unwrap();
        let a = connected(&controller, "blue", "a");
        assert!(host.ping("a", "10.1.0.1".parse().unwrap()));
        // Nobody sends by himself in there.
        a.0.run(|| host.ip(&["link", "set", "eth0", "arp", "off"])).unwrap();
        let meter = Meter::open(&MeterOptions::default()).unwrap();
        let id = a.1.meter.unwrap();
        let same = |what: &str, read: &dyn Fn() -> Counters| {
            let begin = Instant::now();
            loop {
                let (before, read, after) = (meter.read(id).unwrap(), read(), meter.read(id).unwrap());
                if before == after || begin.elapsed() > UNDER_WAY {
                    return assert_eq!(read, after, "{what}");
                }
            }
        };
        same("of the controller", &|| controller.meter().unwrap().read(id).unwrap());
        let of_child = || {
            let output = child::command(&[], TEST, "read").output().unwrap();
            let text = String::from_utf8(output.stdout).unwrap();
            let line = text.lines().find_map(|line| line.strip_prefix("counters "));
            serde_json::from_str(line.unwrap_or_else(|| panic!("{text}"))).unwrap()
        };
        same("of another process", &of_child);
        let before = exact(host, &controller, &a);
        drop(controller);
        let again = Controller::open(options).unwrap();
        assert_eq!(again.endpoint("blue", "a").unwrap().meter, Some(id));
        let now = exact(host, &again, &a);
        assert!(now.rx_bytes >= before.rx_bytes && before.rx_packets > 0);
    });
}

#[test]
fn a_slot_that_is_used_again_begins_with_nothing() {
    host(|host| {
        let mut options = control::options();
        options.meter = MeterOptions::default().with_slots(1);
        let controller = Controller::open(options).unwrap();
        controller.create_network(blue()).unwrap();
        let first = connected(&controller, "blue", "a");
        for _ in 0..10 {
            assert!(host.ping("a", "10.1.0.1".parse().unwrap()));
        }
        let former = first.1.meter.unwrap();
        // The link is gone when this returns; of a sandbox that is destroyed it goes some time later.
        controller.disconnect("blue", "a").unwrap();
        let second = connected(&controller, "blue", "b");
        let id = second.1.meter.unwrap();
        assert_eq!(id.slot, former.slot);
        assert_ne!(id.life, former.life);
        // The kernel begins with nothing, too.
        exact(host, &controller, &second);
        let meter = controller.meter().unwrap();
        assert_eq!(meter.read(former), None);
        assert_eq!(meter.owner(former), None);
        assert_eq!(meter.snapshot().readings.iter().map(|reading| reading.id).collect::<Vec<_>>(), [id]);
    });
}

/// Whether this kernel refuses every use of bpf to who lacks `CAP_BPF`: before Linux 5.19, if it is told to.
fn needs_a_capability() -> bool {
    let disabled = fs::read_to_string("/proc/sys/kernel/unprivileged_bpf_disabled").unwrap();
    kernel_version() < (5, 19) && disabled.trim() != "0"
}

#[test]
fn who_may_open_the_pins_reads_and_nobody_writes() {
    const TEST: &str = "who_may_open_the_pins_reads_and_nobody_writes";
    if child::role().is_some() {
        let mut reader = MeterReader::open(Path::new(MeterOptions::DIRECTORY)).unwrap();
        reader.refresh().unwrap();
        for reading in reader.snapshot().readings {
            println!("\ncounters {}", serde_json::to_string(&reading.counters).unwrap());
        }
        println!("\nopen: {:?}", Meter::open(&MeterOptions::default()).unwrap_err().kind());
        return;
    }
    host(|host| {
        let nobody = [
            "setpriv",
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
            "--bounding-set=-all",
            "--inh-caps=-all",
        ];
        if !host.run(nobody[0], &[&nobody[1..], &["true"]].concat()).success {
            return skip(TEST, "this user namespace has no other user");
        }
        let controller = open();
        controller.create_network(blue()).unwrap();
        let a = connected(&controller, "blue", "a");
        assert!(host.ping("a", "10.1.0.1".parse().unwrap()));
        let run = |wrapper: &[&str]| child::command(wrapper, TEST, "read").output().unwrap();
        let refused = run(&nobody);
        assert!(!refused.status.success(), "{refused:?}");
        for (name, mode) in [("counters", 0o666), ("slots", 0o644)] {
            fs::set_permissions(format!("{V1}/{name}"), fs::Permissions::from_mode(mode)).unwrap();
        }
        let with_bpf =
            [&nobody[..4], &["--bounding-set=+bpf", "--inh-caps=+bpf", "--ambient-caps=+bpf"]].concat();
        let reader = if needs_a_capability() { &with_bpf[..] } else { &nobody };
        let before = exact(host, &controller, &a);
        assert_eq!(run(&nobody).status.success(), !needs_a_capability());
        let output = run(reader);
        let after = exact(host, &controller, &a);
        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        let lines: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("counters ")).collect();
        assert_eq!(lines.len(), 1, "{text}");
        let read: Counters = serde_json::from_str(lines[0]).unwrap();
        assert!(before.rx_packets <= read.rx_packets && read.rx_packets <= after.rx_packets, "{read:?}");
        assert!(before.tx_bytes <= read.tx_bytes && read.tx_bytes <= after.tx_bytes, "{read:?}");
        assert!(text.contains(&format!("open: {:?}", ErrorKind::PermissionDenied)), "{text}");
        // Not even who may do anything.
        if !host.run("sh", &["-c", "bpftool version"]).success {
            return;
        }
        let pin = format!("{V1}/counters");
        let shown = host.run("bpftool", &["-j", "map", "show", "pinned", &pin]);
        let shown: Value = serde_json::from_str(&shown.stdout).unwrap();
        assert_eq!(shown["frozen"], 1, "{shown}");
        let zeroes = ["0"; 64];
        let update =
            [&["map", "update", "pinned", &pin, "key", "0", "0", "0", "0", "value"][..], &zeroes].concat();
        let written = host.run("bpftool", &update);
        assert!(!written.success, "{written:?}");
    });
}

#[test]
fn views_are_each_others_opposite() {
    let stats = Stats { rx_bytes: 1, rx_packets: 2, rx_errors: 3, rx_dropped: 4, ..Stats::default() };
    let other = stats.swapped();
    assert_eq!((other.tx_bytes, other.tx_packets, other.tx_errors, other.tx_dropped), (1, 2, 3, 4));
    assert_eq!(other.swapped(), stats);
}
