//! Statistics as tables.

use super::sample::{Rate, Row, Sample};
use crate::table::Table;

const NAMES: [&str; 2] = ["NETWORK", "ENDPOINT"];
const RATES: [&str; 4] = [">RX/S", ">TX/S", ">RX PACKETS/S", ">TX PACKETS/S"];
const TOTALS: [&str; 6] = [">RX", ">RX PACKETS", ">TX", ">TX PACKETS", ">ERRORS", ">DROPPED"];

/// What there is in all.
pub(super) fn totals(sample: &Sample) -> Table {
    table(sample, &[&NAMES[..], &TOTALS].concat(), |row| [names(row).as_slice(), &in_all(row)].concat())
}

/// What there is a second, and in all.
pub(super) fn rates(sample: &Sample) -> Table {
    table(sample, &[&NAMES[..], &RATES, &TOTALS].concat(), |row| {
        [names(row).as_slice(), &a_second(row), &in_all(row)].concat()
    })
}

fn table(sample: &Sample, heading: &[&'static str], cells: impl Fn(&Row) -> Vec<String>) -> Table {
    let mut table = Table::new(heading);
    sample.rows.iter().for_each(|row| table.add(cells(row)));
    table
}

fn names(row: &Row) -> [String; NAMES.len()] {
    [row.own.network.to_string(), row.own.endpoint.to_string()]
}

fn a_second(row: &Row) -> [String; RATES.len()] {
    let shown = |of: fn(&Rate) -> f64, show: fn(f64) -> String| {
        row.rate.as_ref().map(of).map(show).unwrap_or_default()
    };
    [
        shown(|rate| rate.rx_bytes, bytes),
        shown(|rate| rate.tx_bytes, bytes),
        shown(|rate| rate.rx_packets, count),
        shown(|rate| rate.tx_packets, count),
    ]
}

fn in_all(row: &Row) -> [String; TOTALS.len()] {
    let stats = &row.own.stats;
    [
        bytes(stats.rx_bytes as f64),
        stats.rx_packets.to_string(),
        bytes(stats.tx_bytes as f64),
        stats.tx_packets.to_string(),
        stats.rx_errors.saturating_add(stats.tx_errors).to_string(),
        stats.rx_dropped.saturating_add(stats.tx_dropped).to_string(),
    ]
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
