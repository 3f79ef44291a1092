//! The statistics of one moment, and what has changed since another.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use netns::{Controller, EndpointStats, Name, Result};
use serde::Serialize;

use super::{Asked, Column};

/// What was read at one moment.
#[derive(Debug)]
pub(super) struct Sample {
    at: Instant,
    time: SystemTime,
    /// Sorted as was asked for.
    pub(super) rows: Vec<Row>,
}

/// An endpoint's statistics, with rates where there was a moment before.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Row {
    #[serde(flatten)]
    pub(super) own: EndpointStats,
    pub(super) rate: Option<Rate>,
}

/// Of bytes and packets a second.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Rate {
    pub(super) rx_bytes: f64,
    pub(super) rx_packets: f64,
    pub(super) tx_bytes: f64,
    pub(super) tx_packets: f64,
}

/// A sample as a line of JSON.
#[derive(Serialize)]
pub(super) struct Line<'a> {
    time_ms: u64,
    stats: &'a [Row],
}

impl Sample {
    pub(super) fn take(controller: &Controller, asked: &Asked, before: Option<&Self>) -> Result<Self> {
        let all = asked.look(controller)?;
        let (at, time) = (Instant::now(), SystemTime::now());
        let former: HashMap<_, _> =
            before.into_iter().flat_map(|before| &before.rows).map(|row| (row.key(), &row.own)).collect();
        let seconds = before.map_or(0.0, |before| at.duration_since(before.at).as_secs_f64());
        let mut rows: Vec<_> = all
            .into_iter()
            .map(|own| {
                let rate =
                    former.get(&(&own.network, &own.endpoint)).and_then(|then| rate(then, &own, seconds));
                Row { own, rate }
            })
            .collect();
        rows.sort_by(|a, b| {
            let order = a.compare(b, asked.sort).then_with(|| a.key().cmp(&b.key()));
            if asked.reverse {
                order.reverse()
            } else {
                order
            }
        });
        Ok(Self { at, time, rows })
    }

    pub(super) fn stats(&self) -> Vec<&EndpointStats> {
        self.rows.iter().map(|row| &row.own).collect()
    }

    pub(super) fn line(&self) -> Line<'_> {
        let since = self.time.duration_since(UNIX_EPOCH).unwrap_or_default();
        Line { time_ms: u64::try_from(since.as_millis()).unwrap_or(u64::MAX), stats: &self.rows }
    }
}

impl Row {
    fn key(&self) -> (&Name, &Name) {
        (&self.own.network, &self.own.endpoint)
    }

    /// The highest number comes first.
    fn compare(&self, other: &Self, column: Column) -> Ordering {
        other.number(column).total_cmp(&self.number(column))
    }

    fn number(&self, column: Column) -> f64 {
        let stats = &self.own.stats;
        let count = match column {
            Column::Name => 0,
            Column::Rx => stats.rx_bytes,
            Column::Tx => stats.tx_bytes,
            Column::RxPackets => stats.rx_packets,
            Column::TxPackets => stats.tx_packets,
            Column::Errors => stats.rx_errors.saturating_add(stats.tx_errors),
            Column::Dropped => stats.rx_dropped.saturating_add(stats.tx_dropped),
            Column::RxRate => return self.rate.map_or(0.0, |rate| rate.rx_bytes),
            Column::TxRate => return self.rate.map_or(0.0, |rate| rate.tx_bytes),
        };
        count as f64
    }
}

/// None for an endpoint that was made anew in between, whose counts are lower than before.
fn rate(then: &EndpointStats, now: &EndpointStats, seconds: f64) -> Option<Rate> {
    if seconds <= 0.0 || then.source != now.source {
        return None;
    }
    let per_second = |then: u64, now: u64| Some(now.checked_sub(then)? as f64 / seconds);
    let (then, now) = (&then.stats, &now.stats);
    Some(Rate {
        rx_bytes: per_second(then.rx_bytes, now.rx_bytes)?,
        rx_packets: per_second(then.rx_packets, now.rx_packets)?,
        tx_bytes: per_second(then.tx_bytes, now.tx_bytes)?,
        tx_packets: per_second(then.tx_packets, now.tx_packets)?,
    })
}
