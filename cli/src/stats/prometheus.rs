//! Statistics in the text format of Prometheus, version 0.0.4.

use std::fmt::Write;

use netns::stats::Stats;

use super::sample::Sample;

type Metric = (&'static str, &'static str, fn(&Stats) -> u64);

const METRICS: [Metric; 8] = [
    ("receive_bytes", "Bytes received.", |stats| stats.rx_bytes),
    ("receive_packets", "Packets received.", |stats| stats.rx_packets),
    ("receive_errors", "Packets received in error.", |stats| stats.rx_errors),
    ("receive_dropped", "Packets received and dropped.", |stats| stats.rx_dropped),
    ("transmit_bytes", "Bytes sent.", |stats| stats.tx_bytes),
    ("transmit_packets", "Packets sent.", |stats| stats.tx_packets),
    ("transmit_errors", "Packets that could not be sent.", |stats| stats.tx_errors),
    ("transmit_dropped", "Packets dropped instead of sent.", |stats| stats.tx_dropped),
];

pub(super) fn text(sample: &Sample) -> String {
    let mut text = String::new();
    for (name, help, of) in METRICS {
        let _ = writeln!(text, "# HELP netns_endpoint_{name}_total {help}");
        let _ = writeln!(text, "# TYPE netns_endpoint_{name}_total counter");
        for own in sample.stats() {
            // A name has no character that would have to be escaped here.
            let labels = format!("network=\"{}\",endpoint=\"{}\"", own.network, own.endpoint);
            let _ = writeln!(text, "netns_endpoint_{name}_total{{{labels}}} {}", of(&own.stats));
        }
    }
    text
}
