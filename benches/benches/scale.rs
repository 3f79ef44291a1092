//! What grows with the number of sandboxes, and what does not: joins on a bridge and without one beside the floor and the
//! customary order, joins a second, the reading of counters, and packets a second.
//!
//! `make bench` and `make bench-scale` run it and write all to `target/bench/scale.json`. `NETNS_SCALE_MOST` is how many
//! sandboxes there are at most. Arguments that are no options choose among the parts (`bridge`, `throughput`, `packets`,
//! `routed` with the counters); then nothing is written.

use netns::stats::{Meter, MeterOptions};
use netns_benches::figures::Figures;
use netns_benches::lanes::Packets;
use netns_benches::managed::too_few_namespaces;
use netns_benches::scale::counters::{self, Times};
use netns_benches::scale::{number, throughput, Growth, Sample, Throughput};
use netns_benches::stats::{timed, Bound};
use netns_benches::workers;
use serde_json::json;

/// A bridge has no more than 1,023 ports.
const BRIDGE: [usize; 5] = [1, 10, 100, 300, 1_000];
const ROUTED: [usize; 7] = [1, 10, 100, 300, 1_000, 3_000, 10_000];
const COUNTERS: [usize; 4] = [10, 100, 1_000, 10_000];
const MOST: usize = 10_000;
/// Namespaces that are there beside those that count: dying ones too.
const SPARE: usize = 500;
const FILLED_BY: &str =
    "sandboxes of the library's, each a namespace of its own with one interface and no process, all \
    alive at the same time; samples of all sides join the same bridge, or none, and are taken away again";

type Part = (&'static str, fn(&mut Figures));

/// The one with many namespaces comes last: the kernel takes its time to clear them away.
const PARTS: [Part; 4] =
    [("throughput", joins_a_second), ("packets", packets), ("bridge", bridge), ("routed", routed)];

fn main() {
    if workers::is_worker() {
        return;
    }
    let chosen: Vec<_> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let mut figures = Figures::default();
    figures.keep_words("filled_by", [("bridge", FILLED_BY), ("routed", FILLED_BY)]);
    for (name, measure) in PARTS {
        if chosen.is_empty() || chosen.iter().any(|chosen| name.contains(chosen.as_str())) {
            testhost::host(|_| measure(&mut figures));
        }
    }
    if chosen.is_empty() {
        figures.keep([("most", number("NETNS_SCALE_MOST", MOST) as f64)]);
        figures.write("scale.json");
    }
}

/// The places of a scale that are not beyond what is asked for, nor beyond what there can be.
fn places(all: &[usize], figures: &mut Figures, what: &str) -> Vec<usize> {
    let most = number("NETNS_SCALE_MOST", MOST);
    let asked = all.iter().copied().filter(|&place| place <= most);
    let (have, lack): (Vec<_>, Vec<_>) =
        asked.partition(|&place| too_few_namespaces(place + SPARE).is_none());
    for place in lack {
        let why = too_few_namespaces(place + SPARE).unwrap_or_default();
        figures.not_measured(&format!("{what}, {place} sandboxes"), &why, []);
    }
    have
}

fn bridge(figures: &mut Figures) {
    println!("joins to a bridge");
    let mut growth = Growth::new("bridge");
    let mut samples = Vec::new();
    for sandboxes in places(&BRIDGE, figures, "a bridge") {
        let sample = growth.sample(sandboxes);
        println!("{}", sample.line());
        samples.push(sample);
    }
    growth.take_down();
    figures.keep_series("bridge", samples.iter().map(Sample::value).collect());
    if let Some(growth) = over(&samples, 1_000, 10) {
        figures.report("bridge_join_1000_over_10", growth, "", Bound::AtMost(1.5));
    }
}

fn routed(figures: &mut Figures) {
    println!("joins without a bridge");
    let counts = Meter::open(&MeterOptions::default()).map(drop);
    if let Err(why) = &counts {
        figures.not_measured("counters", &why.to_string(), []);
    }
    let mut growth = Growth::new("routed");
    let (mut samples, mut readings) = (Vec::new(), Vec::new());
    for sandboxes in places(&ROUTED, figures, "routed") {
        let sample = growth.sample(sandboxes);
        println!("{}", sample.line());
        samples.push(sample);
        if counts.is_ok() && COUNTERS.contains(&sandboxes) {
            growth.fill(sandboxes);
            let times = counters::measure(&growth.managed, sandboxes);
            println!("{}", times.line());
            readings.push(times);
        }
    }
    let (took, ()) = timed(|| growth.take_down());
    println!("all are gone {:.1} s after", took.as_secs_f64());
    figures.keep_series("routed", samples.iter().map(Sample::value).collect());
    figures.keep_series("counters", readings.iter().map(Times::value).collect());
    for sample in samples.iter().filter(|sample| sample.sandboxes() >= 3_000) {
        let name = format!("routed_join_over_floor_at_{}", sample.sandboxes());
        figures.keep([(&name, sample.ours_us() / sample.floor_us())]);
    }
    if let Some(growth) = over(&samples, 10_000, 10) {
        figures.keep([("routed_join_10000_over_10", growth)]);
    }
    if let Some(times) = readings.iter().find(|times| times.interfaces() == 1_000) {
        figures.report("getlink_over_ours_at_1000", times.getlink_over_ours(), "", Bound::AtLeast(20.0));
    }
}

/// The library's join among `many` over that among `few`.
fn over(samples: &[Sample], many: usize, few: usize) -> Option<f64> {
    let at = |place| samples.iter().find(|sample| sample.sandboxes() == place).map(Sample::ours_us);
    Some(at(many)? / at(few)?)
}

fn joins_a_second(figures: &mut Figures) {
    let all = throughput();
    all.iter().for_each(|one| println!("{}", one.line()));
    figures.keep_series("throughput", all.iter().map(Throughput::value).collect());
    let [thread, threads, process, processes] = all.map(|one| one.per_second);
    figures.keep([("two_threads_over_one", threads / thread)]);
    figures.report("two_processes_over_one", processes / process, "", Bound::AtLeast(1.0));
}

fn packets(figures: &mut Figures) {
    if let Err(why) = Meter::open(&MeterOptions::default()) {
        return figures.not_measured("packets", &why.to_string(), ["packets"]);
    }
    testhost::host(|host| {
        let Packets { plain, metered, .. } = Packets::measure(host);
        let a_second = [plain, metered].map(|nanoseconds| 1e9 / nanoseconds);
        println!("packets a second: {:.0}, metered {:.0}", a_second[0], a_second[1]);
        let one = |(metered, nanoseconds): (bool, f64)| json!({ "metered": metered, "ns": nanoseconds, "per_second": 1e9 / nanoseconds });
        figures.keep_series("packets", [(false, plain), (true, metered)].map(one).to_vec());
        figures.keep([("packets_metered_over_plain", a_second[1] / a_second[0])]);
    });
}
