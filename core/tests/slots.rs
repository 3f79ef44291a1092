//! Promises about slots of counters: whose they are, when they come back, and that nobody counts in another's.

mod common;
mod control;

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use common::{objects, refused, veth};
use control::{blue, connected, endpoint, open, sandbox, with_subnets};
use netns::driver::{
    Birth, Capability, Driver, DriverCallback, InterfaceInfo, IpamData, JoinInfo, NetworkInfo, Options,
};
use netns::link::{LinkKind, LinkRef, LinkSpec, MacvlanMode, Place};
use netns::plan::Plan;
use netns::stats::{Detail, Meter, MeterOptions, MeterReader, Source};
use netns::{Controller, ErrorKind, EventKind, FindingKind, InterfaceName, Namespace, Result};
use nix::mount::{mount, MsFlags};
use testhost::{host, Host};

const BPF: &str = "/sys/fs/bpf";
const DIRECTORY: &str = MeterOptions::DIRECTORY;
const V1: &str = "/sys/fs/bpf/libnetns/v1";
const SLOTS: &str = "/sys/fs/bpf/libnetns/v1/slots";

fn name(text: &str) -> InterfaceName {
    InterfaceName::new(text).unwrap()
}

fn meter(slots: u16) -> Meter {
    Meter::open(&MeterOptions::default().with_slots(slots)).unwrap()
}

fn with_slots(slots: u16) -> Controller {
    let mut options = control::options();
    options.meter = MeterOptions::default().with_slots(slots);
    Controller::open(options).unwrap()
}

fn source(controller: &Controller, endpoint: &str) -> Source {
    controller.stats("blue", endpoint, Detail::Full).unwrap().source
}

/// Ends it when it goes out of scope.
struct Running(Child);

impl Running {
    fn new(program: &str, args: &[&str]) -> Self {
        Self(Command::new(program).args(args).stdout(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Somebody who has the directory of the counters locked, with others or alone.
fn locker(how: &str) -> Running {
    let mark = Path::new("/run/locked");
    let _ = fs::remove_file(mark);
    let command = format!("exec 9< {V1}; flock {how} 9; touch {}; exec sleep 60", mark.display());
    let locker = Running::new("sh", &["-c", &command]);
    until("it is locked", || mark.exists());
    locker
}

#[track_caller]
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < Duration::from_secs(5), "{what}");
        thread::sleep(Duration::from_millis(5));
    }
}

fn dumped(host: &Host, entry: u32) -> Vec<u8> {
    let key = entry.to_le_bytes().map(|byte| byte.to_string());
    let mut args = vec!["-j", "map", "lookup", "pinned", SLOTS, "key"];
    args.extend(key.iter().map(String::as_str));
    let found = host.run("bpftool", &args);
    assert!(found.success, "{found:?}");
    let found: serde_json::Value = serde_json::from_str(&found.stdout).unwrap();
    let byte = |byte: &serde_json::Value| {
        u8::from_str_radix(byte.as_str().unwrap().trim_start_matches("0x"), 16).unwrap()
    };
    found["value"].as_array().unwrap().iter().map(byte).collect()
}

/// Sets a word of the table as another process would.
fn set_word(host: &Host, entry: u32, word: usize, value: u64) {
    let mut bytes = dumped(host, entry);
    bytes[word * 8..][..8].copy_from_slice(&value.to_ne_bytes());
    let text = |bytes: &[u8]| bytes.iter().map(|byte| format!(" {byte}")).collect::<String>();
    let (key, value) = (text(&entry.to_le_bytes()), text(&bytes));
    let set = host.run("sh", &["-c", &format!("bpftool map update pinned {SLOTS} key{key} value{value}")]);
    assert!(set.success, "{set:?}");
}

#[test]
fn what_is_counted_anew_is_nobody_elses_after_somebody_removed_the_counters() {
    host(|host| {
        let controller = open();
        controller.create_network(blue()).unwrap();
        let (_, a) = connected(&controller, "blue", "a");
        assert!(host.ping("a", "10.1.0.1".parse().unwrap()));
        let former = a.meter.unwrap();
        fs::read_dir(V1).unwrap().for_each(|pin| fs::remove_file(pin.unwrap().path()).unwrap());
        fs::remove_dir(V1).unwrap();
        // Of a process that had them open, and of one that comes later.
        let (_, b) = connected(&controller, "blue", "b");
        let later = open();
        let id = b.meter.unwrap();
        assert_eq!(id.slot, former.slot);
        for controller in [&controller, &later] {
            assert_eq!(controller.meter().unwrap().read(former), None);
            assert_eq!(
                (source(controller, "a"), source(controller, "b")),
                (Source::Kernel, Source::Counters)
            );
            for all in controller.all_stats(Detail::Fast).unwrap() {
                assert_eq!(all.source == Source::Counters, all.endpoint.as_str() == "b", "{all:?}");
            }
            controller.set_meter("blue", "a", false).unwrap();
            assert!(controller.meter().unwrap().read(id).is_some());
            assert_eq!(source(controller, "b"), Source::Counters);
            // The filters of the former counters are no obstacle.
            controller.set_meter("blue", "a", true).unwrap();
            assert_eq!(source(controller, "a"), Source::Counters);
            assert!(host.ping("a", "10.1.0.1".parse().unwrap()));
            controller.set_meter("blue", "a", false).unwrap();
        }
        assert!(later.collect().unwrap().findings.is_empty());
    });
}

#[test]
fn lives_of_two_tables_never_meet() {
    host(|host| {
        let mut all = Vec::new();
        for directory in ["one", "other"] {
            let link = format!("{directory}0");
            veth(host, &link, &format!("{directory}1"));
            let options = MeterOptions::default().in_directory(&Path::new(BPF).join(directory)).with_slots(8);
            all.push((Meter::open(&options).unwrap(), name(&link)));
        }
        let ids: Vec<_> = all.iter().map(|(meter, link)| meter.attach(link).unwrap()).collect();
        assert_eq!(ids[0].slot, ids[1].slot);
        assert_ne!(ids[0].life, ids[1].life);
        assert!(all[0].0.read(ids[1]).is_none() && all[1].0.owner(ids[0]).is_none());
        // One that has another's filters taken off gives back none of its own.
        all[0].0.detach(&all[1].1).unwrap();
        assert!(all[0].0.read(ids[0]).is_some() && all[0].0.snapshot().readings.len() == 1);
        // And the other has one slot for its link when it is metered again.
        all[1].0.attach(&all[1].1).unwrap();
        assert_eq!(all[1].0.snapshot().readings.len(), 1);
    });
}

#[test]
fn a_slot_whose_link_went_with_its_namespace_is_released() {
    host(|host| {
        let meter = meter(1);
        host.ip(&["netns", "add", "x"]);
        host.ip_in("x", &["link", "add", "d0", "type", "veth", "peer", "name", "d1"]);
        let id = {
            let x = Namespace::open(Path::new("/run/netns/x")).unwrap();
            x.run(|| meter.attach(&name("d0"))).unwrap().unwrap()
        };
        host.ip(&["netns", "del", "x"]);
        veth(host, "h0", "h1");
        refused(meter.attach(&name("h0")), ErrorKind::ResourceExhausted, &["all 1 are taken"]);
        meter.release(id).unwrap();
        meter.release(id).unwrap();
        let own = meter.attach(&name("h0")).unwrap();
        meter.release(id).unwrap();
        refused(meter.release(own), ErrorKind::Busy, &["its link is there and counted"]);
        assert!(meter.read(own).is_some());
    });
}

fn macvlan(host: &Host) {
    veth(host, "lan0", "lan1");
    for link in ["lan0", "lan1"] {
        host.ip(&["link", "set", link, "up"]);
    }
}

#[test]
fn a_link_out_of_reach_keeps_its_slot_until_somebody_reaches_it() {
    host(|host| {
        macvlan(host);
        let controller = with_slots(1);
        let network = with_subnets("macvlan", "blue", &["10.1.0.0/24"]).with_option("parent", "lan0");
        controller.create_network(network).unwrap();
        let a = connected(&controller, "blue", "a").1.meter.unwrap();
        // It has a descriptor that nobody sees the namespace by.
        let held = File::open("/run/netns/a").unwrap();
        host.ip(&["netns", "del", "a"]);
        controller.collect().unwrap();
        let meter = controller.meter().unwrap();
        assert!(meter.owner(a).is_some() && meter.read(a).is_none());
        let (_, b) = connected(&controller, "blue", "b");
        assert_eq!(b.meter, None, "the link of a is counted where b would be");
        refused(controller.set_meter("blue", "b", true), ErrorKind::ResourceExhausted, &["taken"]);
        let inside = Namespace::from_fd(held.into()).unwrap();
        let filters = |way| {
            let links = objects(inside.run(|| host.ip(&["link", "show"])).unwrap());
            let link = links.iter().find(|link| link["link_index"].is_u64()).unwrap();
            let link = link["ifname"].as_str().unwrap().to_owned();
            objects(inside.run(|| host.tc(&["filter", "show", "dev", &link, way])).unwrap()).len()
        };
        assert!(filters("ingress") > 0 && filters("egress") > 0);
        let _there = inside.run(|| Running::new("sleep", &["60"])).unwrap();
        until("a process is in there", || {
            controller.collect().unwrap();
            meter.owner(a).is_none()
        });
        assert_eq!((filters("ingress"), filters("egress")), (0, 0));
        controller.set_meter("blue", "b", true).unwrap();
        assert_eq!(source(&controller, "b"), Source::Counters);
    });
}

#[test]
fn a_slot_in_a_sandbox_comes_back_when_it_is_left_or_destroyed() {
    host(|host| {
        macvlan(host);
        let controller = with_slots(1);
        let network = with_subnets("macvlan", "blue", &["10.1.0.0/24"]).with_option("parent", "lan0");
        controller.create_network(network).unwrap();
        let (a, first) = connected(&controller, "blue", "a");
        // Its link lives as long as this.
        let _held = File::open("/run/netns/a").unwrap();
        controller.destroy_sandbox(&a).unwrap();
        let (_, second) = connected(&controller, "blue", "b");
        controller.disconnect("blue", "b").unwrap();
        let (_, third) = connected(&controller, "blue", "c");
        let lives: Vec<_> = [first, second, third].iter().map(|one| one.meter.unwrap().life).collect();
        assert!(lives[0] < lives[1] && lives[1] < lives[2], "{lives:?}");
    });
}

#[test]
fn metering_that_cannot_be_recorded_leaves_nothing() {
    host(|host| {
        macvlan(host);
        let controller = with_slots(1);
        for (kind, name) in [("bridge", "b"), ("macvlan", "m")] {
            let network = with_subnets(kind, "blue", &["10.1.0.0/24"]);
            let network = if kind == "macvlan" { network.with_option("parent", "lan0") } else { network };
            controller.create_network(network).unwrap();
            let (sandbox, _) = connected(&controller, "blue", name);
            controller.set_meter("blue", name, false).unwrap();
            controller.fail_write(1);
            controller.set_meter("blue", name, true).unwrap_err();
            let qdiscs = || host.tc(&["qdisc", "show"]).to_string();
            assert!(!(qdiscs() + &sandbox.run(qdiscs).unwrap()).contains("clsact"), "{kind}");
            controller.set_meter("blue", name, true).unwrap();
            assert_eq!(source(&controller, name), Source::Counters);
            controller.disconnect("blue", name).unwrap();
            controller.delete_network("blue").unwrap();
        }
    });
}

#[test]
fn a_slot_of_a_link_out_of_reach_is_released() {
    host(|host| {
        macvlan(host);
        let controller = with_slots(1);
        let network = with_subnets("macvlan", "blue", &["10.1.0.0/24"]).with_option("parent", "lan0");
        controller.create_network(network).unwrap();
        let a = connected(&controller, "blue", "a").1.meter.unwrap();
        let meter = controller.meter().unwrap();
        refused(meter.release(a), ErrorKind::Busy, &["counted"]);
        host.ip(&["netns", "del", "a"]);
        controller.collect().unwrap();
        meter.release(a).unwrap();
        assert_eq!(meter.owner(a), None);
        assert!(connected(&controller, "blue", "b").1.meter.is_some());
    });
}

#[test]
fn counters_that_cannot_be_removed_are_a_finding_and_nothing_else_fails() {
    host(|_| {
        let controller = open();
        controller.create_network(blue()).unwrap();
        controller.destroy_sandbox(&connected(&controller, "blue", "a").0).unwrap();
        let remount = |flags| {
            let flags = MsFlags::MS_REMOUNT | MsFlags::MS_BIND | flags;
            mount(None::<&str>, BPF, None::<&str>, flags, None::<&str>).unwrap();
        };
        // Pins are opened in it, but nothing is renamed.
        mount(Some(BPF), BPF, None::<&str>, MsFlags::MS_BIND, None::<&str>).unwrap();
        remount(MsFlags::MS_RDONLY);
        let mut events = controller.events().unwrap();
        controller.delete_network("blue").unwrap();
        let told = events.next().unwrap();
        assert_eq!(told.kind, EventKind::NetworkDeleted);
        let again = open();
        let findings = again.collect().unwrap().findings;
        let [finding] = &findings[..] else { panic!("{findings:?}") };
        assert!(finding.kind == FindingKind::Counters && finding.object == DIRECTORY, "{finding:?}");
        assert!(finding.error.as_ref().unwrap().contains("Read-only"), "{finding:?}");
        // They are as good as before.
        again.create_network(blue()).unwrap();
        let (b, joined) = connected(&again, "blue", "b");
        assert!(joined.meter.is_some());
        again.destroy_sandbox(&b).unwrap();
        remount(MsFlags::empty());
        again.delete_network("blue").unwrap();
        assert!(!fs::exists(DIRECTORY).unwrap());
    });
}

#[test]
fn a_claim_is_dropped_when_nobody_can_be_about_to_take_the_slot() {
    host(|host| {
        let meter = meter(1);
        veth(host, "lan0", "lan1");
        let id = meter.attach(&name("lan0")).unwrap();
        meter.detach(&name("lan0")).unwrap();
        const CLAIMED: u64 = 1;
        let claim = (id.life + 1) << 16 | CLAIMED;
        set_word(host, 1, 0, claim);
        let owner = locker("-s");
        refused(meter.attach(&name("lan0")), ErrorKind::ResourceExhausted, &["taken"]);
        assert_eq!(dumped(host, 1)[..8], claim.to_ne_bytes());
        drop(owner);
        let next = meter.attach(&name("lan0")).unwrap();
        assert!(next.life > id.life + 1, "{next:?}");
    });
}

#[test]
fn counters_are_not_given_up_while_somebody_takes_a_slot() {
    host(|host| {
        veth(host, "lan0", "lan1");
        let controller = open();
        controller.create_network(blue()).unwrap();
        let meter = controller.meter().unwrap();
        let owner = locker("-s");
        thread::scope(|scope| {
            let going = scope.spawn(|| controller.delete_network("blue"));
            thread::sleep(Duration::from_millis(100));
            // It takes its slot in counters that stay.
            let id = meter.attach(&name("lan0")).unwrap();
            drop(owner);
            going.join().unwrap().unwrap();
            assert!(meter.read(id).is_some() && fs::exists(V1).unwrap());
            assert!(open().meter().unwrap().read(id).is_some());
        });
    });
}

#[test]
fn what_passes_is_not_remembered_as_a_reason() {
    host(|host| {
        let controller = open();
        // Given up by one who is still at removing them.
        drop(meter(4));
        let owner = locker("-x");
        set_word(host, 0, 5, 1);
        refused(controller.meter(), ErrorKind::Busy, &["locked"]);
        drop(owner);
        controller.meter().unwrap();
        controller.create_network(blue()).unwrap();
        assert!(connected(&controller, "blue", "a").1.meter.is_some());
    });
}

#[test]
fn the_last_of_65535_slots_counts() {
    const HEADER_NEXT: usize = 3;
    host(|host| {
        let meter = meter(u16::MAX);
        assert_eq!(meter.slots(), u16::MAX);
        assert_eq!(meter.mapping().1, (usize::from(u16::MAX) + 1) * meter.processors() * 8);
        veth(host, "lan0", "lan1");
        for link in ["lan0", "lan1"] {
            host.ip(&["link", "set", link, "up"]);
        }
        let first = meter.attach(&name("lan1")).unwrap();
        set_word(host, 0, HEADER_NEXT, u64::from(u16::MAX) - 1);
        let last = meter.attach(&name("lan0")).unwrap();
        assert_eq!((first.slot, last.slot), (1, u16::MAX));
        host.ip(&["addr", "add", "10.77.0.1/24", "dev", "lan0"]);
        let _ = host.run("ping", &["-c", "3", "-i", "0.01", "-W", "0.1", "10.77.0.2"]);
        let counted = meter.read(last).unwrap();
        assert!(counted.tx_packets > 0 && counted.tx_bytes >= 42, "{counted:?}");
        let mut reader = MeterReader::open(Path::new(DIRECTORY)).unwrap();
        let ids = |readings: &[netns::stats::Reading]| readings.iter().map(|one| one.id).collect::<Vec<_>>();
        assert_eq!(ids(&reader.snapshot().readings), [first, last]);
        assert_eq!(ids(&meter.snapshot().readings), [first, last]);
        // The next is the first again, which is taken, so it is the second.
        meter.detach(&name("lan0")).unwrap();
        let next = meter.attach(&name("lan0")).unwrap();
        reader.refresh().unwrap();
        assert_eq!(ids(&reader.snapshot().readings), [first, next]);
        assert_eq!(next.slot, 2);
    });
}

#[test]
fn rates_are_what_was_counted_between_two_snapshots_a_second() {
    host(|host| {
        let controller = open();
        controller.create_network(blue()).unwrap();
        let a = connected(&controller, "blue", "a").1.meter.unwrap();
        let meter = controller.meter().unwrap();
        let before = meter.snapshot();
        assert!(host.ping("a", "10.1.0.1".parse().unwrap()));
        thread::sleep(Duration::from_millis(20));
        // What only one of both has, has no rate.
        let b = connected(&controller, "blue", "b").1.meter.unwrap();
        let now = meter.snapshot();
        let rates = now.rates_since(&before);
        let [(id, rate)] = rates[..] else { panic!("{rates:?}") };
        assert_eq!(id, a);
        let of = |snapshot: &netns::stats::Snapshot| {
            snapshot.readings.iter().find(|one| one.id == a).unwrap().counters
        };
        let (then, now_counted) = (of(&before), of(&now));
        let seconds = (now.taken - before.taken).as_secs_f64();
        for (rate, now, then) in [
            (rate.rx_bytes, now_counted.rx_bytes, then.rx_bytes),
            (rate.rx_packets, now_counted.rx_packets, then.rx_packets),
            (rate.tx_bytes, now_counted.tx_bytes, then.tx_bytes),
            (rate.tx_packets, now_counted.tx_packets, then.tx_packets),
        ] {
            assert!(now > then);
            assert!((rate * seconds - (now - then) as f64).abs() < 1e-6, "{rate}: {now} {then} {seconds}");
        }
        assert!(now.readings.iter().any(|one| one.id == b));
        // Of no time there is no rate.
        assert!(now.rates_since(&now).iter().all(|(_, rate)| rate.rx_bytes == 0.0));
    });
}

/// A driver that acts by itself, but for the device, which the library makes.
struct Maker;

const HELD: &str = "/run/held";

impl Driver for Maker {
    fn network_type(&self) -> &str {
        "maker"
    }

    fn create_network(
        &self,
        _: &str,
        _: &Options,
        _: &mut NetworkInfo,
        _: &[IpamData],
        _: &[IpamData],
    ) -> Result<Plan> {
        Ok(Plan::default())
    }

    fn delete_network(&self, _: &str) -> Result<Plan> {
        Ok(Plan::default())
    }

    fn create_endpoint(&self, _: &str, _: &str, _: &mut InterfaceInfo, _: &Options) -> Result<Plan> {
        Ok(Plan::default())
    }

    fn delete_endpoint(&self, _: &str, _: &str) -> Result<Plan> {
        Ok(Plan::default())
    }

    fn endpoint_oper_info(&self, _: &str, _: &str) -> Result<Options> {
        Ok(Options::new())
    }

    fn join(&self, _: &str, _: &str, _: &str, join: &mut JoinInfo, _: &Options) -> Result<()> {
        // From now on a collector is at work.
        let gate = "exec 9< /run/libnetns/gate; flock 9; touch /run/held; sleep 0.3; rm /run/held";
        drop(Command::new("sh").args(["-c", gate]).spawn().unwrap());
        until("the gate is held", || Path::new(HELD).exists());
        let parent = LinkRef::named(name("lan0"));
        let mut link = LinkSpec::new(name("made"), LinkKind::Macvlan { parent, mode: MacvlanMode::Bridge });
        (link.index, link.born_in) = (Some(4000), Some(Place::Sandbox));
        join.interface_name().set_names(name("made"), name("eth"));
        join.set_birth(Birth::new(link));
        Ok(())
    }

    fn leave(&self, _: &str, _: &str) -> Result<Plan> {
        Ok(Plan::default())
    }
}

#[test]
fn a_join_of_a_driver_that_acts_by_itself_takes_its_slot_with_its_record() {
    host(|host| {
        macvlan(host);
        let controller = open();
        controller.register_driver("maker", Arc::new(Maker), Capability::default()).unwrap();
        controller.create_network(with_subnets("maker", "far", &["10.1.0.0/24"])).unwrap();
        let sandbox = sandbox(&controller, "web");
        let (meter, is_held) = (controller.meter().unwrap(), || Path::new(HELD).exists());
        controller.create_endpoint("far", endpoint("web")).unwrap();
        thread::scope(|scope| {
            let joined = scope.spawn(|| controller.join("far", "web", &sandbox).unwrap());
            until("the gate is held", is_held);
            while is_held() {
                let readings = meter.snapshot().readings;
                // A collector would take it for a slot that nobody's record has.
                assert!(readings.is_empty() || !is_held(), "{readings:?}");
            }
            let id = joined.join().unwrap().meter.unwrap();
            assert!(meter.read(id).is_some());
        });
        assert!(controller.collect().unwrap().findings.is_empty());
    });
}
