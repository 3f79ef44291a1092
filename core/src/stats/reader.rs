//! Reading counters with no more than the right to open their pins.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Instant;

use super::pins::{self, Pinned, LINE};
use super::place::Place;
use super::table::{Entry, ENTRY, HEADER_HIGHEST};
use super::{layout, rates, Counters, Rate, Reading, SlotId};
use crate::error::{Error, Result};
use crate::sys;

/// The counters of all interfaces at one time.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Snapshot {
    /// When it was taken.
    pub taken: Instant,
    /// The counters, by slots.
    pub readings: Vec<Reading>,
}

impl Snapshot {
    /// What happened a second since `earlier`, of the slots that both have.
    pub fn rates_since(&self, earlier: &Self) -> Vec<(SlotId, Rate)> {
        rates((&earlier.taken, &earlier.readings), (&self.taken, &self.readings))
    }
}

/// Counters for whoever may open their pins: `counters` to read and write, of which the kernel refuses the latter to
/// everybody, and `slots` to read.
///
/// Who has which slot it learns when it is opened and when it is told to [refresh](MeterReader::refresh); the counters
/// it reads by loads.
pub struct MeterReader {
    pinned: Pinned,
    table: OwnedFd,
    entries: Vec<Entry>,
}

impl MeterReader {
    /// Opens the counters of `directory`, [`MeterOptions::DIRECTORY`](super::MeterOptions::DIRECTORY) by default.
    ///
    /// # Errors
    /// NotFound when nothing is metered; PermissionDenied without the right to open the pins.
    pub fn open(directory: &Path) -> Result<Self> {
        let open = || {
            let place = Place::open(Place::path_in(directory))?;
            let (pinned, table) = pins::open(&place, true)?;
            let mut reader = Self { pinned, table, entries: Vec::new() };
            reader.refresh()?;
            Ok(reader)
        };
        open().map_err(|error: Error| error.within("open counters", directory.display()))
    }

    /// Learns who has which slot now, by a system call for each that was ever used, and another for each that somebody
    /// has.
    ///
    /// # Errors
    /// Those of reading the table; what was known stays so.
    pub fn refresh(&mut self) -> Result<()> {
        let highest = self.copy(0)?[HEADER_HIGHEST].min(self.pinned.slots.into());
        let mut entries = Vec::with_capacity(self.entries.len());
        for slot in 1..=highest as u16 {
            entries.extend(self.entry(slot)?.filter(|entry| !entry.leaving));
        }
        self.entries = entries;
        Ok(())
    }

    /// The kernel copies an entry while others write it. Of two equal copies the first was made before the second
    /// showed the slot taken in that life, so it has nothing of a later one; and the second was made after the first
    /// showed the same, so it has nothing of an earlier one.
    fn entry(&self, slot: u16) -> Result<Option<Entry>> {
        let mut words = self.copy(slot)?;
        while let Some(entry) = Entry::parse(slot, words) {
            let again = self.copy(slot)?;
            if again == words {
                return Ok(Some(entry));
            }
            words = again;
        }
        Ok(None)
    }

    fn copy(&self, slot: u16) -> Result<[u64; ENTRY]> {
        let words = sys::look_up_entry(self.table.as_fd(), slot.into());
        words.map_err(|error| Error::from_io("read", "table of slots", error))
    }

    /// The counters of all slots that were known at the last refresh, by loads alone. A slot may be another's since:
    /// [refresh](MeterReader::refresh) before each, and leave out what only one of two snapshots has.
    pub fn snapshot(&self) -> Snapshot {
        let readings = self.entries.iter().map(|entry| entry.reading(&self.pinned)).collect();
        Snapshot { taken: Instant::now(), readings }
    }
}

impl Entry {
    fn reading(&self, pinned: &Pinned) -> Reading {
        let counters = Counters::since(pinned.sum(self.id.slot), self.base, self.owner.inside);
        Reading { id: self.id, owner: self.owner, counters }
    }
}

impl Pinned {
    /// The words of a slot, of all processors together, in the interface's own view.
    #[inline]
    pub(super) fn sum(&self, slot: u16) -> [u64; 4] {
        let first = layout::index(slot.into(), 0, self.cpus as u32) as usize;
        let mut sum = [0_u64; 4];
        // Each word is whole; together they may be a packet apart.
        for line in self.counters.words(first * LINE, self.cpus * LINE).chunks_exact(LINE) {
            for (sum, word) in sum.iter_mut().zip(line) {
                *sum = sum.wrapping_add(word.load(Ordering::Relaxed));
            }
        }
        sum
    }
}
