use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use serde_json::{Map, Value};

use crate::Host;

/// Keys that move without anybody's doing, or only mirror what shows elsewhere: timers, spanning tree,
/// carrier, the offload limits that a bridge takes from its ports.
const VOLATILE: &[&str] = &[
    "bridge_id",
    "cacheinfo",
    "config_pending",
    "designated_cost",
    "designated_port",
    "expires",
    "forward_delay_timer",
    "gc_timer",
    "gro_ipv4_max_size",
    "gro_max_size",
    "gso_ipv4_max_size",
    "gso_max_segs",
    "gso_max_size",
    "hello_timer",
    "hold_timer",
    "message_age_timer",
    "operstate",
    "preferred_life_time",
    "probes",
    "qdisc",
    "refcnt",
    "root_id",
    "root_path_cost",
    "root_port",
    "state",
    "stats",
    "stats64",
    "tcn_timer",
    "tentative",
    "topology_change",
    "topology_change_ack",
    "topology_change_detected",
    "topology_change_timer",
    "tso_max_segs",
    "tso_max_size",
    "updated",
    "used",
    "valid_life_time",
];

/// Settings by which packets pass that would not: of IPv4 and IPv6, for each link.
const PASSING: [(&str, &[&str]); 2] = [
    ("ipv4", &["accept_local", "arp_ignore", "forwarding", "proxy_arp", "route_localnet", "rp_filter"]),
    ("ipv6", &["accept_ra", "force_forwarding", "forwarding", "proxy_ndp"]),
];

/// Flags that follow the carrier, which a bridge loses and gains with its ports.
const CARRIER: &[&str] = &["DORMANT", "LOWER_UP", "NO-CARRIER", "RUNNING", "dead", "linkdown"];

/// Everything of a host that a leak would show in, as sorted lines by subject.
///
/// Links, addresses, routes of all tables, rules, permanent and proxy neighbours, permanent entries of
/// bridges, `clsact` and `ingress` queueing disciplines with their filters, named namespaces, mounts, files
/// under `/run` and the other private directories, [`settings`], and the nftables rule set where `nft` is installed. Left out is what the kernel derives from the carrier:
/// operational states, IPv6 link-local addresses and their routes, multicast groups.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct State {
    sections: BTreeMap<&'static str, Vec<String>>,
}

impl State {
    #[track_caller]
    pub(crate) fn of(host: &Host, private: &[&str]) -> Self {
        let mut state = Self { sections: BTreeMap::new() };

        for mut link in objects(host.ip(&["address", "show"])) {
            let addresses = link.remove("addr_info").unwrap_or_default();
            let name = link.get("ifname").cloned().unwrap_or_default();
            state.add("link", link.into());
            for mut address in objects(addresses).filter(|address| !is_derived_address(address)) {
                address.insert("dev".to_owned(), name.clone());
                state.add("address", address.into());
            }
        }
        for family in ["-4", "-6"] {
            let routes = objects(host.ip(&[family, "route", "show", "table", "all"]));
            for route in routes.filter(|route| !is_derived_route(route)) {
                state.add("route", route.into());
            }
            for rule in objects(host.ip(&[family, "rule", "show"])) {
                state.add("rule", rule.into());
            }
        }
        for neighbour in objects(host.ip(&["neighbour", "show", "nud", "permanent"])) {
            state.add("neighbour", neighbour.into());
        }
        for neighbour in objects(host.ip(&["neighbour", "show", "proxy"])) {
            state.add("proxy neighbour", neighbour.into());
        }
        for entry in objects(host.bridge(&["fdb", "show"])) {
            if entry.get("state").is_some_and(|state| state == "permanent") && !is_group_mac(&entry) {
                state.add("bridge entry", entry.into());
            }
        }
        state.add_filters(host);
        for name in host.netns_list() {
            state.add_line("namespace", name);
        }
        for line in read("/proc/thread-self/mountinfo").lines() {
            // Without the mount's id and its parent's.
            state.add_line("mount", line.splitn(3, ' ').last().unwrap_or_default().to_owned());
        }
        for line in settings() {
            state.add_line("setting", line);
        }
        for root in private {
            state.add_files(Path::new(root));
        }
        if let Ok(rules) = host.try_run("nft", &["-s", "list", "ruleset"]) {
            for line in rules.stdout.lines() {
                state.add_line("firewall", line.to_owned());
            }
        }

        state.sections.values_mut().for_each(|lines| lines.sort());
        state
    }

    /// Compares the state before, `self`, with the one after, `other`.
    ///
    /// # Panics
    /// With `context` and the lines that only one of them has, when they differ.
    #[track_caller]
    pub fn assert_same(&self, other: &Self, context: &str) {
        let difference = self.difference(other);
        assert!(difference.is_empty(), "{context}: the host is not as it was before\n{difference}");
    }

    fn difference(&self, other: &Self) -> String {
        let mut counts: BTreeMap<(&str, &str), isize> = BTreeMap::new();
        for (state, step) in [(self, -1), (other, 1)] {
            for (section, lines) in &state.sections {
                for line in lines {
                    *counts.entry((section, line)).or_default() += step;
                }
            }
        }
        let mut text = String::new();
        for ((section, line), count) in counts {
            let which = if count < 0 { "- only before" } else { "+ only after " };
            for _ in 0..count.abs() {
                writeln!(text, "{which}  {section}: {line}").expect("a string takes all");
            }
        }
        text
    }

    /// Other queueing disciplines come and go with their links, and have no filters.
    #[track_caller]
    fn add_filters(&mut self, host: &Host) {
        for qdisc in objects(host.tc(&["qdisc", "show"])) {
            let word = |key: &str| qdisc.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
            let (kind, dev) = (word("kind"), word("dev"));
            if !matches!(kind.as_str(), "clsact" | "ingress") {
                continue;
            }
            self.add_line("qdisc", format!("{kind} of {dev}"));
            for direction in ["ingress", "egress"] {
                let shown = host.run("tc", &["-j", "filter", "show", "dev", &dev, direction]);
                // A link that was going when its discipline was listed has gone by now.
                if !shown.success {
                    continue;
                }
                let filters = serde_json::from_str(&shown.stdout).unwrap_or(Value::Null);
                for filter in objects(filters) {
                    self.add_line("filter", format!("{dev} {direction}: {}", Value::from(filter)));
                }
            }
        }
    }

    fn add(&mut self, section: &'static str, mut object: Value) {
        drop_volatile(&mut object);
        self.add_line(section, object.to_string());
    }

    fn add_line(&mut self, section: &'static str, line: String) {
        self.sections.entry(section).or_default().push(line);
    }

    fn add_files(&mut self, directory: &Path) {
        // What disappears while it is listed is not there.
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            let Ok(kind) = entry.file_type() else { continue };
            let path = entry.path();
            let word = match () {
                () if kind.is_dir() => "directory",
                () if kind.is_file() => "file",
                () if kind.is_symlink() => "symlink",
                () => "special",
            };
            self.add_line("file", format!("{} ({word})", path.display()));
            if kind.is_dir() {
                self.add_files(&path);
            }
        }
    }
}

/// The settings of the calling thread's namespace by which packets pass that would not, as `NAME = VALUE`,
/// sorted; those that the kernel lacks are left out.
pub fn settings() -> Vec<String> {
    let mut lines = Vec::new();
    for (family, names) in PASSING {
        let directory = format!("/proc/sys/net/{family}/conf");
        for link in fs::read_dir(&directory).into_iter().flatten().flatten() {
            for name in names {
                add_setting(&mut lines, &link.path().join(name));
            }
        }
    }
    for setting in fs::read_dir("/proc/sys/net/bridge").into_iter().flatten().flatten() {
        add_setting(&mut lines, &setting.path());
    }
    lines.sort();
    lines
}

fn add_setting(lines: &mut Vec<String>, path: &Path) {
    if let Ok(value) = fs::read_to_string(path) {
        let name = path.strip_prefix("/proc/sys").unwrap_or(path);
        lines.push(format!("{} = {}", name.display(), value.trim()));
    }
}

/// The objects of an array; iproute2 prints an empty one for each that its filter hides.
fn objects(array: Value) -> impl Iterator<Item = Map<String, Value>> {
    let values = if let Value::Array(values) = array { values } else { Vec::new() };
    values.into_iter().filter_map(|value| match value {
        Value::Object(object) if !object.is_empty() => Some(object),
        _ => None,
    })
}

fn drop_volatile(value: &mut Value) {
    match value {
        Value::Array(values) => {
            values.retain(|value| !value.as_str().is_some_and(|word| CARRIER.contains(&word)));
            values.iter_mut().for_each(drop_volatile);
        }
        Value::Object(object) => {
            object.retain(|key, _| !VOLATILE.contains(&key.as_str()));
            object.values_mut().for_each(drop_volatile);
        }
        _ => {}
    }
}

fn is_derived_address(address: &Map<String, Value>) -> bool {
    let is = |key: &str, value: &str| address.get(key).is_some_and(|v| v == value);
    let kernels = is("protocol", "kernel_ll") || !address.contains_key("protocol");
    kernels && is("family", "inet6") && is("scope", "link")
}

fn is_derived_route(route: &Map<String, Value>) -> bool {
    let kernels = route.get("protocol").is_some_and(|protocol| protocol == "kernel");
    let destination = route.get("dst").and_then(Value::as_str).unwrap_or_default();
    kernels && (destination.starts_with("fe80:") || destination.starts_with("ff00:"))
}

/// A multicast address: it comes from a joined group, and that from an address.
fn is_group_mac(entry: &Map<String, Value>) -> bool {
    let mac = entry.get("mac").and_then(Value::as_str).unwrap_or_default();
    mac.get(..2).and_then(|octet| u8::from_str_radix(octet, 16).ok()).is_some_and(|octet| octet & 1 == 1)
}

#[track_caller]
fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_else(|e| panic!("testhost: {path}: {e}"))
}
