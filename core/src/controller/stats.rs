//! Statistics of endpoints.

use std::collections::HashMap;

use serde::Serialize;

use super::endpoints::of;
use super::record::EndpointRecord;
use super::Controller;
use crate::error::{Error, ErrorKind, Result};
use crate::host;
use crate::link::Place;
use crate::name::Name;
use crate::stats::{self, Counters, Detail, Source, Stats};

/// What an endpoint's interface has received and sent, as its sandbox sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct EndpointStats {
    /// The network's name.
    pub network: Name,
    /// The endpoint's name.
    pub endpoint: Name,
    /// The statistics.
    pub stats: Stats,
    /// Where bytes and packets come from.
    pub source: Source,
}

impl EndpointStats {
    fn of(record: &EndpointRecord, stats: Stats, counters: Option<Counters>) -> Self {
        Self {
            network: record.network.clone(),
            endpoint: record.config.name.clone(),
            stats: counters.map_or(stats, |counters| stats.with_counters(counters)),
            source: if counters.is_some() { Source::Counters } else { Source::Kernel },
        }
    }
}

impl Controller {
    /// What an endpoint's interface has received and sent, as its sandbox sees it.
    ///
    /// Where it is not metered all comes from the kernel's own counters, whatever `detail` says. With
    /// [`Detail::Full`] it is looked whether the filters are there that count: where somebody removed them,
    /// the kernel's own counters are the answer.
    ///
    /// # Errors
    /// NotFound when there is no such endpoint, it is in no sandbox, or its link is gone; NotImplemented for a device
    /// that a driver handed over.
    pub fn stats(&self, network: &str, endpoint: &str, detail: Detail) -> Result<EndpointStats> {
        let look = || {
            let record = self.known(&Name::new(network)?, &Name::new(endpoint)?)?;
            self.stats_of(&record, detail)
        };
        look().map_err(|error: Error| error.within("read statistics of", of(endpoint, network)))
    }

    /// The statistics of all endpoints that have interfaces, by the names of networks and endpoints, with one question
    /// to the kernel for all that are metered in the host. It is not looked whether their filters are there. One whose
    /// link is gone meanwhile, or was handed over by a driver, is not among them.
    ///
    /// # Errors
    /// Those of reading the store.
    pub fn all_stats(&self, detail: Detail) -> Result<Vec<EndpointStats>> {
        let records = self.store.read(EndpointRecord::all)?;
        let with_devices = records.iter().filter(|record| record.has_devices());
        let kernel = match detail {
            Detail::Full => Some(self.host.all_stats()?),
            Detail::Fast => None,
        };
        let of = |record| {
            let found = kernel.as_ref().and_then(|kernel| self.stats_in_host(record, kernel));
            found.or_else(|| self.stats_of(record, detail).ok())
        };
        Ok(with_devices.filter_map(of).collect())
    }

    /// Of a record whose link in the host is metered.
    fn stats_in_host(&self, record: &EndpointRecord, kernel: &HashMap<u32, Stats>) -> Option<EndpointStats> {
        let (meter, entry) = self.slot_of(record).filter(|(_, entry)| !entry.owner.inside)?;
        let kernel = kernel.get(&entry.owner.index)?.swapped();
        Some(EndpointStats::of(record, kernel, Some(meter.read(entry.id)?)))
    }

    fn counters_of(&self, record: &EndpointRecord) -> Option<Counters> {
        self.slot_of(record).and_then(|(meter, entry)| meter.read(entry.id))
    }

    fn stats_of(&self, record: &EndpointRecord, detail: Detail) -> Result<EndpointStats> {
        let counters = self.counters_of(record).filter(|_| detail == Detail::Fast);
        if counters.is_some() {
            return Ok(EndpointStats::of(record, Stats::default(), counters));
        }
        let (kernel, counters) = self.ask_kernel(record)?;
        Ok(EndpointStats::of(record, kernel, counters))
    }

    /// The kernel's own counters, and ours where filters count.
    fn ask_kernel(&self, record: &EndpointRecord) -> Result<(Stats, Option<Counters>)> {
        let metered = self.metered_link(record)?;
        let index = metered.link.index.unwrap_or(0);
        let (kernel, filters) = metered.with(self, None, |ground| {
            let kernel = match &mut ground.sandbox {
                Some(inside) => host::stats(&mut inside.socket, index)?,
                None => self.host.stats(index)?,
            };
            Ok((kernel, stats::on_link(&metered.link, metered.place, ground)?))
        })?;
        let gone = || {
            Error::new(ErrorKind::NotFound, "find link", metered.link.name.as_str()).with_cause("it is gone")
        };
        let kernel = kernel.ok_or_else(gone)?;
        let kernel = if metered.place == Place::Sandbox { kernel } else { kernel.swapped() };
        let counts = record.meter.is_some_and(|id| stats::of_slot(&filters, id) == 2);
        Ok((kernel, if counts { self.counters_of(record) } else { None }))
    }
}
