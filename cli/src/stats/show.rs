//! Statistics as tables.

use super::sample::{Rate, Row, Sample};
use crate::table::Table;

const TOTALS: [&str; 8] =
    ["NETWORK", "ENDPOINT", ">RX", ">RX PACKETS", ">TX", ">TX PACKETS", ">ERRORS", ">DROPPED"];
const RATES: [&str; 12] = [
    "NETWORK",
    "ENDPOINT",
    ">RX/S",
    ">TX/S",
    ">RX PACKETS/S",
    ">TX PACKETS/S",
    ">RX",
    ">TX",
    ">RX PACKETS",
    ">TX PACKETS",
    ">ERRORS",
    ">DROPPED",
];

/// What there is in all.
pub(super) fn table(sample: &Sample) -> Table {
    let mut table = Table::new(&TOTALS);
    for Row { own, .. } in &sample.rows {
        let stats = &own.stats;
        table.add([
            own.network.to_string(),
            own.endpoint.to_string(),
            bytes(stats.rx_bytes as f64),
            stats.rx_packets.to_string(),
            bytes(stats.tx_bytes as f64),
            stats.tx_packets.to_string(),
            stats.rx_errors.saturating_add(stats.tx_errors).to_string(),
            stats.rx_dropped.saturating_add(stats.tx_dropped).to_string(),
        ]);
    }
    table
}

/// What there is a second, and in all.
pub(super) fn rates(sample: &Sample) -> Table {
    let mut table = Table::new(&RATES);
    for Row { own, rate } in &sample.rows {
        let shown = |of: fn(&Rate) -> f64, show: fn(f64) -> String| {
            rate.as_ref().map(of).map(show).unwrap_or_default()
        };
        let stats = &own.stats;
        table.add([
            own.network.to_string(),
            own.endpoint.to_string(),
            shown(|rate| rate.rx_bytes, bytes),
            shown(|rate| rate.tx_bytes, bytes),
            shown(|rate| rate.rx_packets, count),
            shown(|rate| rate.tx_packets, count),
            bytes(stats.rx_bytes as f64),
            bytes(stats.tx_bytes as f64),
            stats.rx_packets.to_string(),
            stats.tx_packets.to_string(),
            stats.rx_errors.saturating_add(stats.tx_errors).to_string(),
            stats.rx_dropped.saturating_add(stats.tx_dropped).to_string(),
        ]);
    }
    table
}

fn count(number: f64) -> String {
    format!("{number:.0}")
}

/// Bytes in three digits or so, by thousands.
fn bytes(number: f64) -> String {
    const UNITS: [&str; 6] = ["kB", "MB", "GB", "TB", "PB", "EB"];
    if number < 999.5 {
        return format!("{number:.0} B");
    }
    let mut value = number / 1000.0;
    let mut units = UNITS.iter();
    let mut unit = units.next();
    while value >= 999.5 && units.len() > 0 {
        value /= 1000.0;
        unit = units.next();
    }
    let digits = match value {
        value if value < 9.995 => 2,
        value if value < 99.95 => 1,
        _ => 0,
    };
    format!("{value:.digits$} {}", unit.copied().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_have_three_digits() {
        for (number, text) in [
            (0.0, "0 B"),
            (999.0, "999 B"),
            (999.6, "1.00 kB"),
            (1000.0, "1.00 kB"),
            (9_996.0, "10.0 kB"),
            (123_456.0, "123 kB"),
            (999_600.0, "1.00 MB"),
            (1.5e9, "1.50 GB"),
            (u64::MAX as f64, "18.4 EB"),
        ] {
            assert_eq!(bytes(number), text);
        }
    }
}
