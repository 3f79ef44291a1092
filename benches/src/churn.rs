//! What a process and its host have, again and again, while sandboxes come and go; and what of it grows.

use std::fs;
use std::time::Duration;

use serde_json::{json, Map, Value};
use testhost::Host;

use crate::rig::link_count;

const KIB: f64 = 1024.0;
/// So many samples' median stands for the beginning, and for the end: a quarter of all.
const QUARTER: usize = 4;

/// Samples in their order: each a number by name.
#[derive(Clone, Debug, Default)]
pub struct Series(Vec<Map<String, Value>>);

impl Series {
    /// Takes a sample of this process and of `host`, after `joins` joins in the time since the beginning.
    ///
    /// The memory of the kernel is that of the whole machine, whoever uses it.
    ///
    /// # Panics
    /// Where `/proc` does not have what it should.
    pub fn sample(&mut self, host: &Host, since: Duration, joins: usize) {
        let (own, machine) = ("/proc/self/status", "/proc/meminfo");
        let mib = |kib: Option<f64>| kib.map(|kib| kib / KIB);
        let all = [
            ("seconds", Some(since.as_secs_f64())),
            ("joins", Some(joins as f64)),
            ("rss_mib", mib(field(own, "VmRSS:"))),
            ("descriptors", Some(testhost::descriptors() as f64)),
            ("threads", field(own, "Threads:")),
            ("slab_mib", mib(field(machine, "Slab:"))),
            ("slab_unreclaimable_mib", mib(field(machine, "SUnreclaim:"))),
            // The kernel's own number, of the whole machine and with those that are dying; for root alone.
            ("kernel_namespaces", field("/proc/slabinfo", "net_namespace")),
            ("sandboxes", Some(host.netns_list().len() as f64)),
            ("links", Some(link_count() as f64)),
            ("nft_elements", Some(nft_elements(host) as f64)),
        ];
        self.0.push(all.into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect());
    }

    /// How much more of `name` there is in the last quarter than in the first, by their medians; NaN where it was not
    /// sampled.
    pub fn growth(&self, name: &str) -> f64 {
        let quarter = (self.0.len() / QUARTER).max(1);
        let (first, last) = (self.0.iter().take(quarter), self.0.iter().rev().take(quarter));
        median(last.map(|sample| sample.get(name))) - median(first.map(|sample| sample.get(name)))
    }

    /// A line for people, of the last sample.
    pub fn line(&self) -> String {
        let all = self.0.last().into_iter().flatten();
        let words: Vec<_> =
            all.map(|(name, value)| format!("{name} {:.1}", value.as_f64().unwrap_or(f64::NAN))).collect();
        words.join(", ")
    }

    /// All samples.
    pub fn values(&self) -> Vec<Value> {
        self.0.iter().cloned().map(Value::Object).collect()
    }
}

fn median<'a>(values: impl Iterator<Item = Option<&'a Value>>) -> f64 {
    let mut values: Vec<_> = values.map(|value| value.and_then(Value::as_f64).unwrap_or(f64::NAN)).collect();
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => values[n / 2],
        n => f64::midpoint(values[n / 2 - 1], values[n / 2]),
    }
}

/// The first number of the line of `file` that begins with `name`.
fn field(file: &str, name: &str) -> Option<f64> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

/// The elements of all sets and maps of the host.
fn nft_elements(host: &Host) -> usize {
    let listed = host.run("nft", &["-j", "list", "ruleset"]);
    assert!(listed.success, "nft: {}", listed.stderr);
    let listed: Value = serde_json::from_str(&listed.stdout).expect("JSON");
    let objects = listed["nftables"].as_array().into_iter().flatten();
    let sets = objects.flat_map(|object| [&object["set"]["elem"], &object["map"]["elem"]]);
    sets.filter_map(Value::as_array).map(Vec::len).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_between_the_medians_of_the_first_and_the_last_quarter() {
        let of = |values: &[f64]| {
            let one = |value: &f64| Map::from_iter([("a".to_owned(), json!(value))]);
            Series(values.iter().map(one).collect())
        };
        let grows = of(&[1.0, 90.0, 2.0, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0, 7.0, 8.0, 0.0]);
        assert_eq!(grows.growth("a"), 5.0);
        assert!(grows.growth("b").is_nan());
        assert_eq!(of(&[3.0]).growth("a"), 0.0);
        assert!(Series::default().growth("a").is_nan());
    }
}
