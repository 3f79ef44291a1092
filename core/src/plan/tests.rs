//! Filters that count, in a host of the test's own: what plans make of them, looked at with `tc`.

use std::sync::Arc;

use serde_json::Value;

use super::{apply, Action, Ground, Plan, Programs, Step};
use crate::error::{ErrorKind, Result};
use crate::host::Host;
use crate::link::{Direction, FilterSpec, LinkChange, LinkRef, Place};

/// A host with the veth `lan0`, and programs for its filters.
struct Rig<'a> {
    eyes: &'a testhost::Host,
    host: Arc<Host>,
    programs: Programs,
}

/// Runs `f` where programs can be loaded.
fn rig(test: &str, f: impl FnOnce(&Rig<'_>) + Send) {
    testhost::host(|eyes| {
        let load = || Ok(Programs { ingress: testhost::classifier()?, egress: testhost::classifier()? });
        let programs: Programs = match load() {
            Ok(programs) => programs,
            Err::<_, std::io::Error>(error) if error.raw_os_error() == Some(libc::EPERM) => {
                return testhost::skip(test, "BPF programs take more privilege");
            }
            Err(error) => panic!("loading a BPF program: {error}"),
        };
        eyes.ip(&["link", "add", "lan0", "type", "veth", "peer", "name", "lan1"]);
        f(&Rig { eyes, host: Host::current().unwrap(), programs });
    });
}

impl Rig<'_> {
    fn apply(&self, steps: Vec<Step>) -> Result<()> {
        let programs = Some(&self.programs);
        apply(&Plan { steps }, &mut Ground { host: &self.host, sandbox: None, programs })
    }

    fn index(&self) -> u32 {
        self.host.existing_link(&lan0().name).unwrap().index
    }

    /// A filter of another kind, by somebody else.
    fn add_others(&self, direction: &str, priority: &str) {
        let add = ["filter", "add", "dev", "lan0", direction, "prio", priority];
        let filter = ["protocol", "all", "u32", "match", "u32", "0", "0"];
        self.eyes.tc(&[&add[..], &filter].concat());
    }

    /// `KIND PRIORITY HANDLE NAME SLOT`, as `tc` has it.
    fn seen(&self, direction: &str) -> Vec<String> {
        let listed = self.eyes.tc(&["filter", "show", "dev", "lan0", direction]);
        let filters = listed.as_array().unwrap().iter().filter(|filter| filter["options"].is_object());
        let text = |filter: &Value| {
            let options = &filter["options"];
            assert_eq!(filter["protocol"], "all", "{filter}");
            assert_eq!(options["direct-action"], true, "{filter}");
            format!(
                "{} {} {} {} {}",
                filter["kind"].as_str().unwrap(),
                filter["pref"],
                options["handle"].as_str().unwrap(),
                options["bpf_name"].as_str().unwrap(),
                options["flowid"].as_str().unwrap()
            )
        };
        filters.map(text).collect()
    }
}

fn lan0() -> LinkRef {
    LinkRef::named("lan0".parse().unwrap())
}

fn spec(direction: Direction, slot: u16) -> FilterSpec {
    FilterSpec { link: lan0(), direction, slot }
}

fn host(action: Action) -> Step {
    Step::new(Place::Host, action)
}

fn add(slot: u16) -> Vec<Step> {
    vec![
        host(Action::AddClsact(lan0())),
        host(Action::AddFilter(spec(Direction::Ingress, slot))),
        host(Action::AddFilter(spec(Direction::Egress, slot))),
    ]
}

/// A change of a link that is not there.
fn impossible() -> Step {
    let mut change = LinkChange::new(LinkRef::named("notthere".parse().unwrap()));
    change.up = Some(true);
    host(Action::SetLink(change))
}

#[test]
fn filters_are_added_listed_and_deleted() {
    rig("filters_are_added_listed_and_deleted", |rig| {
        let before = rig.eyes.dump();
        rig.apply(add(0x1234)).unwrap();
        for direction in ["ingress", "egress"] {
            assert_eq!(rig.seen(direction), ["bpf 1 0x4e53 libnetns :1234"]);
        }
        let listed = rig.host.filters(rig.index()).unwrap();
        let facts: Vec<_> = listed.iter().map(|f| (f.direction, f.classid, f.priority, f.handle)).collect();
        let (ingress, egress) = (Direction::Ingress, Direction::Egress);
        assert_eq!(facts, [(ingress, 0x1234, 1, 20_051), (egress, 0x1234, 1, 20_051)]);
        assert!(listed.iter().all(|filter| filter.ours), "{listed:?}");

        // Whatever their slots are.
        rig.apply(vec![host(Action::DeleteFilter(spec(ingress, 9)))]).unwrap();
        assert_eq!((rig.seen("ingress"), rig.seen("egress").len()), (vec![], 1));
        rig.apply(vec![host(Action::DeleteFilter(spec(egress, 9)))]).unwrap();
        assert_eq!(rig.host.filters(rig.index()).unwrap(), []);
        rig.apply(vec![host(Action::DeleteClsact(lan0()))]).unwrap();
        rig.eyes.assert_returns_to(&before, "filters that came and went");
    });
}

#[test]
fn a_deletion_of_what_is_gone_says_that_it_is_gone() {
    rig("a_deletion_of_what_is_gone_says_that_it_is_gone", |rig| {
        let gone = |action: Action, context: &str| {
            let error = rig.apply(vec![host(action)]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NotFound, "{context}: {error}");
        };
        let (ingress, egress) = (spec(Direction::Ingress, 5), spec(Direction::Egress, 5));
        let filter = || Action::DeleteFilter(ingress.clone());
        let clsact = || Action::DeleteClsact(lan0());
        gone(filter(), "there never was a clsact");
        gone(clsact(), "there never was a clsact");
        rig.apply(vec![host(Action::AddClsact(lan0()))]).unwrap();
        gone(filter(), "there never was a filter");
        rig.apply(vec![host(Action::AddFilter(ingress.clone()))]).unwrap();
        gone(Action::DeleteFilter(egress), "there is one of the other direction");
        rig.apply(vec![host(filter())]).unwrap();
        gone(filter(), "it was deleted");
        rig.apply(vec![host(clsact())]).unwrap();
        gone(filter(), "its clsact was deleted");
        gone(clsact(), "it was deleted");
        // Others' stay.
        rig.eyes.tc(&["qdisc", "add", "dev", "lan0", "ingress"]);
        let before = rig.eyes.dump();
        gone(clsact(), "there is an ingress qdisc in its place");
        gone(filter(), "there is an ingress qdisc in its place");
        rig.eyes.assert_returns_to(&before, "deletions beside another qdisc");
        rig.eyes.tc(&["qdisc", "delete", "dev", "lan0", "ingress"]);
        rig.eyes.tc(&["qdisc", "add", "dev", "lan0", "clsact"]);
        rig.add_others("ingress", "1");
        let before = rig.eyes.dump();
        gone(filter(), "there is a filter of another kind in its place");
        rig.eyes.assert_returns_to(&before, "deletions beside another filter");
        // The link itself.
        let index = rig.index();
        rig.eyes.ip(&["link", "delete", "lan0"]);
        let link = LinkRef::indexed(lan0().name, index);
        gone(Action::DeleteFilter(FilterSpec { link: link.clone(), ..ingress }), "the link is gone");
        gone(Action::DeleteClsact(link), "the link is gone");
        assert_eq!(rig.host.filters(index).unwrap(), []);
    });
}

#[test]
fn a_later_failure_takes_filters_back() {
    rig("a_later_failure_takes_filters_back", |rig| {
        let before = rig.eyes.dump();
        for position in 0..=3 {
            let mut steps = add(5);
            steps.insert(position, impossible());
            let error = rig.apply(steps).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
            assert!(error.rollback_failures().is_empty(), "{error}");
            rig.eyes.assert_returns_to(&before, &format!("a failure before step {}", position + 1));
        }
        // Another's clsact stays, and its filters.
        rig.eyes.tc(&["qdisc", "add", "dev", "lan0", "clsact"]);
        rig.add_others("egress", "9");
        let before = rig.eyes.dump();
        let mut steps = add(5);
        steps[0] = steps[0].clone().existing_ok();
        steps.push(impossible());
        let error = rig.apply(steps).unwrap_err();
        assert!(error.rollback_failures().is_empty(), "{error}");
        rig.eyes.assert_returns_to(&before, "a failure beside another's filter");
    });
}

#[test]
fn an_undo_of_what_somebody_else_took_away_is_no_failure() {
    rig("an_undo_of_what_somebody_else_took_away_is_no_failure", |rig| {
        let mut steps = add(5);
        steps.push(host(Action::DeleteClsact(lan0())));
        steps.push(impossible());
        let error = rig.apply(steps).unwrap_err();
        assert!(error.rollback_failures().is_empty(), "{error}");
    });
}

#[test]
fn what_cannot_be_added_says_why() {
    rig("what_cannot_be_added_says_why", |rig| {
        let fails = |steps: Vec<Step>, kind: ErrorKind, words: &str| {
            let before = rig.eyes.dump();
            let error = rig.apply(steps).unwrap_err();
            assert_eq!(error.kind(), kind, "{error}");
            assert!(error.to_string().contains(words), "{words:?} is missing in {error}");
            assert!(error.rollback_failures().is_empty(), "{error}");
            rig.eyes.assert_returns_to(&before, words);
        };
        let filter = || vec![host(Action::AddFilter(spec(Direction::Ingress, 5)))];
        fails(filter(), ErrorKind::BadRequest, "lan0 has no clsact");
        // Both directions of an ingress qdisc are one.
        rig.eyes.tc(&["qdisc", "add", "dev", "lan0", "ingress"]);
        let mut steps = add(5);
        fails(steps.clone(), ErrorKind::AlreadyExists, "lan0 has a clsact already, or an ingress qdisc");
        steps[0] = steps[0].clone().existing_ok();
        fails(steps, ErrorKind::AlreadyExists, "or has an ingress qdisc in place of a clsact");
        rig.eyes.tc(&["qdisc", "delete", "dev", "lan0", "ingress"]);
        rig.apply(add(5)).unwrap();
        fails(filter(), ErrorKind::AlreadyExists, "lan0 is counted already");
        rig.apply(vec![host(Action::DeleteClsact(lan0()))]).unwrap();
        rig.eyes.tc(&["qdisc", "add", "dev", "lan0", "clsact"]);
        rig.add_others("ingress", "1");
        fails(filter(), ErrorKind::BadRequest, "filters of priority 1 that are no BPF filters");

        let steps = vec![host(Action::AddFilter(spec(Direction::Egress, 5)))];
        let mut ground = Ground { host: &rig.host, sandbox: None, programs: None };
        let error = apply(&Plan { steps }, &mut ground).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BadRequest, "{error}");
        assert!(error.to_string().contains("no programs that count are loaded"), "{error}");
    });
}

#[test]
fn others_filters_are_listed_and_are_not_ours() {
    rig("others_filters_are_listed_and_are_not_ours", |rig| {
        rig.apply(add(7)).unwrap();
        rig.add_others("ingress", "8");
        let bpf = ["filter", "add", "dev", "lan0", "ingress", "prio", "9", "bpf", "bytecode", "1,6 0 0 0,"];
        rig.eyes.tc(&bpf);
        let listed = rig.host.filters(rig.index()).unwrap();
        let ingress = listed.iter().filter(|filter| filter.direction == Direction::Ingress);
        let mut priorities: Vec<_> = ingress.map(|filter| (filter.priority, filter.ours)).collect();
        priorities.dedup();
        assert_eq!(priorities, [(1, true), (8, false), (9, false)]);
    });
}

#[test]
fn the_kernels_own_counters_are_read_of_one_link_and_of_all() {
    testhost::host(|eyes| {
        let host = Host::current().unwrap();
        eyes.ip(&["link", "add", "lan0", "type", "veth", "peer", "name", "lan1"]);
        for (link, address) in [("lan0", "10.7.0.1/24"), ("lo", "10.7.1.1/32")] {
            eyes.ip(&["address", "add", address, "dev", link]);
        }
        assert!(eyes.run("ping", &["-n", "-c3", "-i0.01", "-W1", "10.7.1.1"]).success);
        let all = host.all_stats().unwrap();
        let seen = eyes.ip(&["-s", "link", "show"]);
        let seen = seen.as_array().unwrap();
        assert_eq!(all.len(), seen.len());
        for link in seen {
            let index = u32::try_from(link["ifindex"].as_u64().unwrap()).unwrap();
            let stats = host.stats(index).unwrap().unwrap();
            assert_eq!(all[&index], stats, "{link}");
            let rx = [stats.rx_bytes, stats.rx_packets, stats.rx_errors, stats.rx_dropped];
            let tx = [stats.tx_bytes, stats.tx_packets, stats.tx_errors, stats.tx_dropped];
            for (way, own) in [("rx", rx), ("tx", tx)] {
                let counted = &link["stats64"][way];
                let counted =
                    ["bytes", "packets", "errors", "dropped"].map(|key| counted[key].as_u64().unwrap());
                assert_eq!(own, counted, "{way} of {}", link["ifname"]);
            }
        }
        let lo = host.stats(1).unwrap().unwrap();
        assert!(lo.rx_packets >= 6 && lo.tx_bytes > 0, "{lo:?}");
        assert_eq!(host.stats(4_000).unwrap(), None);
    });
}
