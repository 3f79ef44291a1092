//! Promises of counters where something is missing, full, taken away or somebody else's.

mod child;
mod common;
mod control;

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use common::{objects, refused};
use control::{blue, connected, endpoint, open, sandbox};
use netns::stats::{Detail, Meter, MeterOptions, MeterReader, SlotId, Source};
use netns::{Controller, Endpoint, ErrorKind, InterfaceName};
use nix::mount::{mount, MsFlags};
use serde_json::Value;
use testhost::{host, kernel_version, skip, Host};

const BPF: &str = "/sys/fs/bpf";
const DIRECTORY: &str = MeterOptions::DIRECTORY;
const V1: &str = "/sys/fs/bpf/libnetns/v1";

fn with_slots(slots: u16) -> Controller {
    let mut options = control::options();
    options.meter = MeterOptions::default().with_slots(slots);
    Controller::open(options).unwrap()
}

fn source(controller: &Controller, name: &str, detail: Detail) -> Source {
    controller.stats("blue", name, detail).unwrap().source
}

/// The name of the link in the host that is metered.
fn metered_link(host: &Host, meter: &Meter, id: SlotId) -> String {
    let index = meter.owner(id).unwrap().index;
    let links = objects(host.ip(&["link", "show"]));
    let link = links.iter().find(|link| link["ifindex"] == index).expect("it is in the host");
    link["ifname"].as_str().unwrap().to_owned()
}

fn filters(host: &Host, link: &str) -> Vec<Value> {
    let of = |way| objects(host.tc(&["filter", "show", "dev", link, way])).into_iter();
    of("ingress").chain(of("egress")).filter(|filter| filter["options"].is_object()).collect()
}

fn clsacts(host: &Host, link: &str) -> usize {
    let qdiscs = objects(host.tc(&["qdisc", "show", "dev", link]));
    qdiscs.iter().filter(|qdisc| qdisc["kind"] == "clsact").count()
}

/// Everything works but the counters, for that reason.
#[track_caller]
fn works_unmetered(host: &Host, controller: &Controller, kind: ErrorKind, words: &[&str]) {
    controller.create_network(blue()).unwrap();
    let (a, joined) = connected(controller, "blue", "a");
    assert_eq!(joined.meter, None);
    assert!(host.ping("a", "10.1.0.1".parse().unwrap()));
    for detail in [Detail::Fast, Detail::Full] {
        let stats = controller.stats("blue", "a", detail).unwrap();
        assert_eq!(stats.source, Source::Kernel);
        assert!(stats.stats.rx_packets > 0 && stats.stats.tx_packets > 0, "{stats:?}");
        assert_eq!(controller.all_stats(detail).unwrap()[0].source, Source::Kernel);
    }
    // Of the first attempt and of one that remembers it.
    for _ in 0..2 {
        refused(controller.meter(), kind, words);
    }
    refused(controller.set_meter("blue", "a", true), kind, words);
    controller.set_meter("blue", "a", false).unwrap();
    controller.destroy_sandbox(&a).unwrap();
    controller.delete_network("blue").unwrap();
}

#[test]
fn without_a_bpf_filesystem_everything_else_works() {
    host(|host| {
        // A kernel's own directory, and one where anything can be made.
        mount(Some("/sys/class"), BPF, None::<&str>, MsFlags::MS_BIND, None::<&str>).unwrap();
        works_unmetered(
            host,
            &open(),
            ErrorKind::NotImplemented,
            &["is on no bpf filesystem", "mount -t bpf"],
        );
        let mut options = control::options();
        options.meter = MeterOptions::default().in_directory(Path::new("/run/counters"));
        let controller = Controller::open(options).unwrap();
        works_unmetered(host, &controller, ErrorKind::NotImplemented, &["/run/counters", "mount -t bpf"]);
        assert!(!fs::exists("/run/counters").unwrap());
        let missing = MeterReader::open(Path::new("/run/counters")).err().unwrap();
        assert_eq!(missing.kind(), ErrorKind::NotFound, "{missing}");
    });
}

#[test]
fn on_a_read_only_bpf_filesystem_everything_else_works() {
    host(|host| {
        let read_only = MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY;
        mount(None::<&str>, BPF, None::<&str>, read_only, None::<&str>).unwrap();
        works_unmetered(host, &open(), ErrorKind::PermissionDenied, &["open meter", "Read-only file system"]);
    });
}

#[test]
fn without_the_right_to_use_bpf_everything_else_works() {
    const TEST: &str = "without_the_right_to_use_bpf_everything_else_works";
    if child::role().is_some() {
        let error = Meter::open(&MeterOptions::default()).unwrap_err();
        println!("\n{:?}: {error}", error.kind());
        return;
    }
    host(|host| {
        let before = host.dump();
        let bounded = ["setpriv", "--bounding-set=-bpf,-sys_admin", "--inh-caps=-bpf,-sys_admin"];
        if !host.run(bounded[0], &[&bounded[1..], &["true"]].concat()).success {
            return skip(TEST, "capabilities cannot be dropped");
        }
        let output = child::command(&bounded, TEST, "open").output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let line = text.lines().find(|line| line.starts_with("PermissionDenied: "));
        assert!(line.unwrap_or_else(|| panic!("{text}")).contains("CAP_BPF"), "{text}");
        host.assert_returns_to(&before, "counters that could not be made");
    });
}

fn locked_memory() -> String {
    let limits = fs::read_to_string("/proc/self/limits").unwrap();
    limits.lines().find(|line| line.starts_with("Max locked memory")).unwrap().to_owned()
}

fn remove_counters() {
    fs::read_dir(V1).unwrap().for_each(|pin| fs::remove_file(pin.unwrap().path()).unwrap());
    fs::remove_dir(V1).unwrap();
}

#[test]
fn a_low_limit_of_locked_memory_is_raised_where_it_may_be_and_is_low_again() {
    const TEST: &str = "a_low_limit_of_locked_memory_is_raised_where_it_may_be_and_is_low_again";
    if let Some(role) = child::role() {
        let before = locked_memory();
        for _ in 0..2 {
            let opened = Meter::open(&MeterOptions::default()).map(|_| remove_counters());
            if role == "refused" {
                refused(opened, ErrorKind::PermissionDenied, &["RLIMIT_MEMLOCK"]);
            } else {
                opened.unwrap();
            }
        }
        assert_eq!(locked_memory(), before);
        return;
    }
    let [low, soft] = ["--memlock=65536:65536", "--memlock=65536:unlimited"].map(|limit| ["prlimit", limit]);
    let without = ["setpriv", "--bounding-set=-sys_resource", "--inh-caps=-sys_resource"];
    let counted = if kernel_version() < (5, 11) { "refused" } else { "allowed" };
    for (wrapper, role) in [
        (low.to_vec(), "allowed"),
        ([&soft[..], &without].concat(), "allowed"),
        ([&low[..], &without].concat(), counted),
    ] {
        host(|host| {
            if !host.run(wrapper[0], &[&wrapper[1..], &["true"]].concat()).success {
                return skip(TEST, "limits cannot be set");
            }
            let output = child::command(&wrapper, TEST, role).output().unwrap();
            assert!(output.status.success(), "{wrapper:?}: {output:?}");
        });
    }
}

#[test]
fn what_is_pinned_by_another_version_is_left_alone() {
    host(|host| {
        for version in ["v0", "v9"] {
            fs::create_dir_all(format!("{DIRECTORY}/{version}/deeper")).unwrap();
        }
        let before = host.dump();
        let controller = open();
        controller.create_network(blue()).unwrap();
        let (a, joined) = connected(&controller, "blue", "a");
        assert!(joined.meter.is_some());
        controller.destroy_sandbox(&a).unwrap();
        controller.delete_network("blue").unwrap();
        assert!(!fs::exists(V1).unwrap());
        assert!(["v0", "v9"].iter().all(|one| fs::exists(format!("{DIRECTORY}/{one}/deeper")).unwrap()));
        let files = |state: &testhost::State| format!("{state:?}").matches(BPF).count();
        assert_eq!(files(&host.dump()), files(&before));
    });
}

#[test]
fn what_is_pinned_in_the_counters_place_is_refused_and_left_alone() {
    for (ruin, words) in [
        (&["rm -r V1/*"][..], "No such file"),
        (&["rm V1/egress"], "egress"),
        (&["rm V1/slots", "mv V1/counters V1/slots"], "counters"),
        (&["rm V1/counters", "MAP V1/counters type array key 4 value 8 entries 4"], "another shape"),
        (&["rm V1/slots", "MAP V1/slots type array key 4 value 64 entries 4"], "no header"),
        (&["rm V1/slots", "MAP V1/slots type hash key 4 value 64 entries 4"], "another shape"),
        (&["rm V1/counters", "mv V1/ingress V1/counters"], "another shape"),
        (&["rm V1/ingress", "mv V1/slots V1/ingress"], "V1"),
    ] {
        host(|host| {
            drop(Meter::open(&MeterOptions::default()).unwrap());
            for line in ruin {
                let line = line.replace("MAP", "bpftool map create").replace("V1", V1);
                let line = if line.starts_with("bpftool") { line + " name foreign" } else { line };
                let done = host.run("sh", &["-c", &line]);
                if line.starts_with("bpftool") && !done.success {
                    return skip("what_is_pinned_in_the_counters_place", &done.stderr);
                }
                assert!(done.success, "{done:?}");
            }
            let before = host.dump();
            let error = Meter::open(&MeterOptions::default()).unwrap_err();
            assert!(error.to_string().contains(&words.replace("V1", V1)), "{ruin:?}: {error}");
            works_unmetered(host, &open(), error.kind(), &["open meter"]);
            let files = |state: &testhost::State| format!("{state:?}").matches(V1).count();
            assert_eq!(files(&host.dump()), files(&before), "{ruin:?}");
        });
    }
}

#[test]
fn when_all_slots_are_taken_the_next_is_unmetered_until_one_comes_back() {
    host(|host| {
        let controller = with_slots(2);
        controller.create_network(blue()).unwrap();
        let [a, b, c] = ["a", "b", "c"].map(|name| connected(&controller, "blue", name));
        assert!(a.1.meter.is_some() && b.1.meter.is_some() && c.1.meter.is_none());
        assert!(host.ping("c", "10.1.0.1".parse().unwrap()));
        assert_eq!(source(&controller, "c", Detail::Fast), Source::Kernel);
        let set = || controller.set_meter("blue", "c", true);
        refused(set(), ErrorKind::ResourceExhausted, &["all 2 are taken"]);
        controller.leave("blue", "a").unwrap();
        set().unwrap();
        assert_eq!(source(&controller, "c", Detail::Full), Source::Counters);
        let again = connected(&controller, "blue", "d").1;
        assert_eq!(again.meter, None);
        // A sandbox's links go some time after it.
        let of_b = metered_link(host, &controller.meter().unwrap(), b.1.meter.unwrap());
        controller.destroy_sandbox(&b.0).unwrap();
        let begin = Instant::now();
        while common::links(host, "").contains(&of_b) {
            assert!(begin.elapsed() < Duration::from_secs(5));
        }
        controller.set_meter("blue", "d", true).unwrap();
        assert_eq!(source(&controller, "d", Detail::Full), Source::Counters);
        assert_eq!(controller.meter().unwrap().snapshot().readings.len(), 2);
    });
}

fn metered(host: &Host) -> (Controller, Endpoint, String) {
    let controller = open();
    controller.create_network(blue()).unwrap();
    let (_, joined) = connected(&controller, "blue", "a");
    assert!(host.ping("a", "10.1.0.1".parse().unwrap()));
    let link = metered_link(host, &controller.meter().unwrap(), joined.meter.unwrap());
    assert_eq!(filters(host, &link).len(), 2);
    (controller, joined, link)
}

#[test]
fn filters_that_somebody_removed_are_noticed_and_come_back() {
    for way in ["ingress", "egress"] {
        host(|host| {
            let (controller, joined, link) = metered(host);
            let (meter, id) = (controller.meter().unwrap(), joined.meter.unwrap());
            let before = meter.read(id).unwrap();
            host.tc(&["filter", "delete", "dev", &link, way]);
            assert_eq!(filters(host, &link).len(), 1);
            assert_eq!(source(&controller, "a", Detail::Full), Source::Kernel);
            controller.set_meter("blue", "a", true).unwrap();
            assert_eq!(filters(host, &link).len(), 2);
            assert_eq!(source(&controller, "a", Detail::Full), Source::Counters);
            assert_eq!(controller.endpoint("blue", "a").unwrap().meter, Some(id));
            let now = meter.read(id).unwrap();
            assert!(now.rx_packets >= before.rx_packets && now.tx_bytes >= before.tx_bytes, "{now:?}");
            assert!(host.ping("a", "10.1.0.1".parse().unwrap()));
            let later = meter.read(id).unwrap();
            assert!(later.rx_packets > now.rx_packets && later.tx_packets > now.tx_packets, "{later:?}");
        });
    }
}

#[test]
fn an_endpoint_that_lives_is_metered_no_more_and_again() {
    host(|host| {
        let (controller, joined, link) = metered(host);
        let (meter, id) = (controller.meter().unwrap(), joined.meter.unwrap());
        for _ in 0..2 {
            controller.set_meter("blue", "a", false).unwrap();
            assert_eq!((filters(host, &link).len(), clsacts(host, &link)), (0, 0));
            assert_eq!(source(&controller, "a", Detail::Fast), Source::Kernel);
            assert!(meter.snapshot().readings.is_empty());
        }
        controller.set_meter("blue", "a", true).unwrap();
        let again = controller.endpoint("blue", "a").unwrap().meter.unwrap();
        assert_ne!(again, id);
        let begun = meter.read(again).unwrap();
        assert!(host.ping("a", "10.1.0.1".parse().unwrap()));
        let now = meter.read(again).unwrap();
        assert!(now.rx_packets > begun.rx_packets && now.tx_packets > begun.tx_packets, "{now:?}");
        assert_eq!(source(&controller, "a", Detail::Full), Source::Counters);
    });
}

#[test]
fn a_link_that_was_moved_away_is_missed_in_clear_words() {
    host(|host| {
        let (controller, _, link) = metered(host);
        host.ip(&["netns", "add", "elsewhere"]);
        host.ip(&["link", "set", &link, "netns", "elsewhere"]);
        for result in
            [controller.stats("blue", "a", Detail::Full).map(drop), controller.set_meter("blue", "a", true)]
        {
            let text = result.unwrap_err().to_string();
            assert!(text.contains("a of network blue") && text.contains("lost it"), "{text}");
        }
    });
}

#[test]
fn who_wants_no_counters_gets_none() {
    host(|host| {
        let controller = open();
        let mut network = blue();
        network.meter = false;
        controller.create_network(network).unwrap();
        let [plain, mut wanted] = ["a", "b"].map(endpoint);
        wanted.meter = Some(true);
        let [a, b] = ["a", "b"].map(|name| sandbox(&controller, name));
        assert_eq!(controller.connect("blue", &a, plain).unwrap().meter, None);
        assert!(!fs::exists(DIRECTORY).unwrap(), "nobody needs it");
        assert_eq!(source(&controller, "a", Detail::Fast), Source::Kernel);
        let b = controller.connect("blue", &b, wanted).unwrap();
        assert_eq!(
            filters(host, &metered_link(host, &controller.meter().unwrap(), b.meter.unwrap())).len(),
            2
        );
        let mut unwanted = endpoint("c");
        unwanted.meter = Some(false);
        let c = sandbox(&controller, "c");
        assert_eq!(controller.connect("blue", &c, unwanted).unwrap().meter, None);
    });
}

#[test]
fn a_foreign_link_is_metered_and_its_own_filters_stay() {
    host(|host| {
        common::veth(host, "lan0", "lan1");
        host.tc(&["qdisc", "add", "dev", "lan0", "clsact"]);
        let meter = Meter::open(&MeterOptions::default()).unwrap();
        // Of the kind and the priority of ours, but another's.
        for way in ["ingress", "egress"] {
            let filter = ["filter", "add", "dev", "lan0", way, "pref", "1", "handle", "7", "protocol", "all"];
            let program = format!("{V1}/{way}");
            host.tc(&[&filter[..], &["bpf", "direct-action", "object-pinned", &program]].concat());
        }
        let before = host.dump();
        for name in ["lan0", "lan1"] {
            let link = InterfaceName::new(name).unwrap();
            let id = meter.attach(&link).unwrap();
            let owner = meter.owner(id).unwrap();
            assert!(owner.inside && owner.mark == 0);
            refused(meter.attach(&link), ErrorKind::AlreadyExists, &["metered already"]);
            meter.detach(&link).unwrap();
            meter.detach(&link).unwrap();
            assert_eq!(meter.read(id), None);
        }
        assert_eq!((clsacts(host, "lan0"), clsacts(host, "lan1")), (1, 0));
        assert_eq!(filters(host, "lan0").len(), 2);
        let missing = InterfaceName::new("nothing").unwrap();
        refused(meter.attach(&missing), ErrorKind::NotFound, &["nothing"]);
        meter.detach(&missing).unwrap();
        host.assert_returns_to(&before, "a link that was metered");
    });
}

#[test]
fn processes_that_open_at_once_share_one_meter() {
    const TEST: &str = "processes_that_open_at_once_share_one_meter";
    if child::role().is_some() {
        let meter = Meter::open(&MeterOptions::default()).unwrap();
        let link = InterfaceName::new(&std::env::var("LINK").unwrap()).unwrap();
        meter.attach(&link).unwrap();
        return;
    }
    host(|host| {
        for round in 0..5 {
            let _ = fs::remove_dir(DIRECTORY);
            let start = |number: &usize| {
                let link = format!("d{round}-{number}");
                common::veth(host, &link, &format!("{link}p"));
                child::command(&[], TEST, "open").env("LINK", link).stdout(Stdio::null()).spawn().unwrap()
            };
            let mut children: Vec<_> = (0..6).collect::<Vec<_>>().iter().map(start).collect();
            assert!(children.iter_mut().all(|child| child.wait().unwrap().success()));
            let names: Vec<_> =
                fs::read_dir(DIRECTORY).unwrap().map(|entry| entry.unwrap().file_name()).collect();
            assert_eq!(names, ["v1"]);
            let meter = Meter::open(&MeterOptions::default()).unwrap();
            assert_eq!(meter.snapshot().readings.len(), 6);
            remove_counters();
        }
    });
}
