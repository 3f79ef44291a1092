//! `netnsctl stats`.

mod prometheus;
mod sample;
mod show;
mod watch;

use std::time::Duration;

use clap::{Args, ValueEnum};
use netns::stats::Detail;
use netns::{Controller, EndpointStats, Result};

use crate::arguments::Global;
use crate::failure::Outcome;
use crate::output::Output;
use sample::Sample;

/// The longest time between two looks, a day.
const LONGEST: f64 = 86_400.0;

#[derive(Debug, Args)]
pub(crate) struct Asked {
    /// Of this network alone
    network: Option<String>,
    /// Of this endpoint of it alone
    endpoint: Option<String>,
    /// Look again and again, with rates a second, until interrupted
    #[arg(short, long)]
    watch: bool,
    /// Seconds between two looks
    #[arg(long, value_name = "SECONDS", value_parser = interval, default_value = "1", requires = "watch")]
    interval: Duration,
    /// End after so many looks
    #[arg(short = 'n', long, value_name = "LOOKS", requires = "watch", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// The column to sort by: names from the first, numbers from the highest
    #[arg(short, long, value_name = "COLUMN", default_value = "name")]
    sort: Column,
    /// The other way round
    #[arg(short, long)]
    reverse: bool,
    /// Bytes and packets alone, without a question to the kernel
    #[arg(long)]
    fast: bool,
    /// Print the text format of Prometheus
    #[arg(long, conflicts_with_all = ["json", "watch"])]
    prometheus: bool,
}

/// What a table can be sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Column {
    /// Network and endpoint
    Name,
    /// Bytes received
    Rx,
    /// Bytes sent
    Tx,
    /// Packets received
    RxPackets,
    /// Packets sent
    TxPackets,
    /// Bytes received a second
    RxRate,
    /// Bytes sent a second
    TxRate,
    /// Packets in error
    Errors,
    /// Packets dropped
    Dropped,
}

pub(crate) fn run(asked: &Asked, global: &Global, out: &Output) -> Outcome {
    if asked.watch {
        return watch::run(asked, global, out);
    }
    let sample = Sample::take(&global.controller()?, asked, None)?;
    if asked.prometheus {
        return out.raw(&prometheus::text(&sample));
    }
    out.table(&sample.stats(), || show::totals(&sample))
}

impl Asked {
    fn detail(&self) -> Detail {
        match self.fast {
            true => Detail::Fast,
            false => Detail::Full,
        }
    }

    /// The statistics of those that are asked for.
    fn look(&self, controller: &Controller) -> Result<Vec<EndpointStats>> {
        let detail = self.detail();
        match (&self.network, &self.endpoint) {
            (Some(network), Some(endpoint)) => Ok(vec![controller.stats(network, endpoint, detail)?]),
            (Some(network), None) => {
                controller.inspect_network(network)?;
                let mut all = controller.all_stats(detail)?;
                all.retain(|own| own.network.as_str() == network);
                Ok(all)
            }
            _ => controller.all_stats(detail),
        }
    }
}

fn interval(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().filter(|seconds| (0.001..=LONGEST).contains(seconds));
    seconds.map(Duration::from_secs_f64).ok_or_else(|| "it is no number between 0.001 and 86400".to_owned())
}
