//! Sandboxes that come and go without pause, by one thread: made, joined, a port published, parted and destroyed.
//!
//! `make bench-churn` runs it for 10 minutes, or as many seconds as `NETNS_CHURN_SECONDS` says, and writes what the process
//! and the kernel had meanwhile, and what of it grew, to `target/bench/churn.json`.

use std::time::{Duration, Instant};

use netns_benches::churn::Series;
use netns_benches::doors::mappings;
use netns_benches::figures::Figures;
use netns_benches::managed::ControllerRig;
use netns_benches::scale::number;
use netns_benches::stats::Bound;

const SECONDS: usize = 600;
const INTERVAL: Duration = Duration::from_secs(5);
/// So many names, addresses and ports take turns.
const TURNS: usize = 1_000;
const FIRST_PORT: u16 = 20_000;

/// What may grow, and by how much. Of the kernel's memory two or three MiB come and go by themselves on a machine that does
/// other things too; in 10 minutes of 30 joins a second and more, half a KiB that stayed behind each would be 7 MiB, a
/// namespace that stayed behind each more than 50.
const BOUNDS: [(&str, &str, f64, &str); 7] = [
    ("rss_growth_mib", "rss_mib", 2.0, "MiB"),
    ("descriptor_growth", "descriptors", 0.0, ""),
    ("thread_growth", "threads", 0.0, ""),
    ("slab_growth_mib", "slab_unreclaimable_mib", 6.0, "MiB"),
    ("sandbox_growth", "sandboxes", 0.0, ""),
    ("link_growth", "links", 0.0, ""),
    ("nft_element_growth", "nft_elements", 0.0, ""),
];

fn main() {
    testhost::host(|host| {
        let length = Duration::from_secs(number("NETNS_CHURN_SECONDS", SECONDS) as u64);
        let managed = ControllerRig::new("bridge", "churn", 96);
        let mut series = Series::default();
        let (begin, mut next, mut joins) = (Instant::now(), INTERVAL, 0);
        while begin.elapsed() < length {
            come_and_go(&managed, joins);
            joins += 1;
            if begin.elapsed() >= next {
                series.sample(host, begin.elapsed(), joins);
                println!("{}", series.line());
                next += INTERVAL;
            }
        }
        let took = begin.elapsed();
        managed.remove([]);
        managed.take_down();
        report(&series, joins, took).write("churn.json");
    });
}

fn come_and_go(managed: &ControllerRig, index: usize) {
    let turn = index % TURNS;
    let name = format!("churn{turn}");
    let sandbox = managed.sandbox(&name);
    managed.connect(&sandbox, &name);
    let port = FIRST_PORT + u16::try_from(turn).expect("a small number");
    managed.controller.publish(managed.network, &name, &mappings(port, 1)).expect("a published port");
    managed.controller.disconnect(managed.network, &name).expect("an endpoint that left");
    managed.controller.destroy_sandbox(&sandbox).expect("a destroyed sandbox");
}

fn report(series: &Series, joins: usize, took: Duration) -> Figures {
    let mut figures = Figures::default();
    for (name, of, bound, unit) in BOUNDS {
        figures.report(name, series.growth(of), unit, Bound::AtMost(bound));
    }
    let seconds = took.as_secs_f64();
    figures.keep([
        ("seconds", seconds),
        ("joins", joins as f64),
        ("per_second", joins as f64 / seconds),
        ("slab_with_reclaimable_growth_mib", series.growth("slab_mib")),
        (
            "slab_growth_bytes_each",
            series.growth("slab_unreclaimable_mib") * f64::from(1 << 20) / series.growth("joins"),
        ),
    ]);
    figures.keep_series("samples", series.values());
    figures
}
