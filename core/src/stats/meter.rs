//! Counters that are made, given out and taken back.

use std::fmt;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Instant;

use super::filters::{counts_on, namespace_of, steps, take_off};
use super::pins::{self, Pinned};
use super::place::Place as Directory;
use super::reader::Snapshot;
use super::table::{Entry, Table};
use super::{Counters, MeterOptions, Reading, SlotId, SlotOwner};
use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;
use crate::link::{InterfaceName, LinkRef, Place};
use crate::plan::{apply, Ground, Programs};

/// How often others may be in the way of opening.
const TRIES: usize = 8;

/// The counters of this host: slots for whatever is metered, and what has been counted there.
///
/// Any number of processes may have them open. Methods may be called from any thread, and reads from a forked
/// child, too.
pub struct Meter {
    pub(super) options: MeterOptions,
    pub(super) place: Directory,
    pub(super) pinned: Pinned,
    pub(super) table: Table,
    programs: Programs,
}

impl Meter {
    /// Opens the counters, making them when there are none.
    ///
    /// # Errors
    /// NotImplemented when the directory is on no bpf filesystem; PermissionDenied without the right to use bpf
    /// (`CAP_BPF` and `CAP_NET_ADMIN`, before Linux 5.8 `CAP_SYS_ADMIN`); System when something else is pinned there.
    pub fn open(options: &MeterOptions) -> Result<Self> {
        Self::open_or_create(options).map_err(|error| error.within("open meter", options.directory.display()))
    }

    fn open_or_create(options: &MeterOptions) -> Result<Self> {
        if options.slots == 0 {
            return Err(Error::bad_request("use slots", "0", "1 to 65535 can be had"));
        }
        for _ in 0..TRIES {
            if let Some(meter) = Self::open_existing(options)? {
                return Ok(meter);
            }
            match pins::create(options) {
                // Whoever removed the last counters took the directory, too.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                created => created?,
            }
        }
        let error = Error::new(ErrorKind::Busy, "use counters", options.directory.display().to_string());
        Err(error.with_cause("others keep removing them"))
    }

    /// Opens the counters that are there; none when there are none.
    pub(crate) fn open_existing(options: &MeterOptions) -> Result<Option<Self>> {
        for _ in 0..TRIES {
            let Some(place) = Directory::find(&options.directory)? else { return Ok(None) };
            match Self::open_at(options, place) {
                Ok(meter) if meter.is_retired() => meter.end_removal()?,
                Ok(meter) => return Ok(Some(meter)),
                Err((_, place)) if !place.is_in_place() => {}
                Err((error, _)) => return Err(error),
            }
        }
        Ok(None)
    }

    fn open_at(options: &MeterOptions, place: Directory) -> std::result::Result<Self, (Error, Directory)> {
        let open = || {
            let (pinned, map) = pins::open(&place, false)?;
            let table = pins::table(place.path(), &map, pinned.slots)?;
            Ok((pinned, table, pins::programs(&place)?))
        };
        match open() {
            Ok((pinned, table, programs)) => {
                Ok(Self { options: options.clone(), place, pinned, table, programs })
            }
            Err(error) => Err((error, place)),
        }
    }

    /// How many interfaces can be metered at once.
    pub fn slots(&self) -> u16 {
        self.pinned.slots
    }

    /// Processors, and so lines a slot.
    pub fn processors(&self) -> usize {
        self.pinned.cpus
    }

    /// Where the counters are in the memory of this process, and how many 64-bit words: the line of slot `s` and
    /// processor `c` begins at word `(s * processors + c) * 8` and holds bytes received, packets received, bytes sent and
    /// packets sent, by the interface's own view and since the counters were made. They change at any time.
    /// They are there as long as the meter is.
    pub fn mapping(&self) -> (*const u64, usize) {
        (self.pinned.counters.address(), self.pinned.counters.len())
    }

    /// The map of the counters, for who passes it on to another process: it can be mapped to be read.
    pub fn as_fd(&self) -> BorrowedFd<'_> {
        self.pinned.counters_map.as_fd()
    }

    pub(crate) fn programs(&self) -> &Programs {
        &self.programs
    }

    /// What the interface of that slot has received and sent, by loads alone; none when the slot is no more its.
    #[inline]
    pub fn read(&self, id: SlotId) -> Option<Counters> {
        let (entry, sum) = self.table.look(id.slot, |_| self.pinned.sum(id.slot))?;
        let is_it = entry.id == id && !entry.leaving;
        is_it.then(|| Counters::since(sum, entry.base, entry.owner.inside))
    }

    /// The counters of all slots that somebody has, by loads alone.
    pub fn snapshot(&self) -> Snapshot {
        let mut snapshot = Snapshot { taken: Instant::now(), readings: Vec::new() };
        self.snapshot_into(&mut snapshot);
        snapshot
    }

    /// As [`Meter::snapshot`], in the memory of an earlier one.
    pub fn snapshot_into(&self, snapshot: &mut Snapshot) {
        snapshot.taken = Instant::now();
        snapshot.readings.clear();
        let reading = |slot| {
            let (entry, sum) = self.table.look(slot, |_| self.pinned.sum(slot))?;
            let counters = Counters::since(sum, entry.base, entry.owner.inside);
            (!entry.leaving).then_some(Reading { id: entry.id, owner: entry.owner, counters })
        };
        snapshot.readings.extend((1..=self.table.highest()).filter_map(reading));
    }

    /// Whose a slot is; none when its life is over.
    pub fn owner(&self, id: SlotId) -> Option<SlotOwner> {
        self.entry(id).map(|entry| entry.owner)
    }

    pub(crate) fn entry(&self, id: SlotId) -> Option<Entry> {
        self.table.entry(id.slot).filter(|entry| entry.id == id)
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = Entry> + '_ {
        (1..=self.table.highest()).filter_map(|slot| self.table.entry(slot))
    }

    /// Meters a link of the calling thread's namespace, from its own view. The slot is given back by
    /// [`Meter::detach`], and when the link is gone. Of a link that went with its namespace nobody can tell:
    /// [`Meter::release`] gives its slot back.
    ///
    /// # Errors
    /// NotFound when there is no such link; AlreadyExists when it is metered; ResourceExhausted when all slots are taken;
    /// PermissionDenied without `CAP_NET_ADMIN`.
    pub fn attach(&self, link: &InterfaceName) -> Result<SlotId> {
        let attach = || {
            let host = Host::current()?;
            let state = host.existing_link(link)?;
            if host.filters(state.index)?.iter().any(|filter| filter.ours) {
                return Err(Error::new(ErrorKind::AlreadyExists, "meter", link.as_str())
                    .with_cause("it is metered already"));
            }
            let namespace = namespace_of(&host)?;
            let owner = SlotOwner { namespace, index: state.index, mark: 0, digest: 0, inside: true };
            let id = self.take(&host, &owner)?;
            let plan = steps(id, &LinkRef::indexed(link.clone(), state.index), Place::Host);
            apply(&plan, &mut self.ground(&host)).inspect_err(|_| self.let_go(id))?;
            // What other counters took off, or a link of this index that is gone, had until now.
            self.free_all(|entry| entry.owner == owner && entry.id != id);
            Ok(id)
        };
        attach().map_err(|error: Error| error.within("attach meter to", link))
    }

    /// Meters a link no more; one that is gone, or not metered, is no error. What was counted is gone.
    ///
    /// # Errors
    /// PermissionDenied without `CAP_NET_ADMIN`.
    pub fn detach(&self, link: &InterfaceName) -> Result<()> {
        let detach = || {
            let host = Host::current()?;
            let Some(state) = host.link(link)? else { return Ok(()) };
            let namespace = namespace_of(&host)?;
            let own: Vec<_> = host.filters(state.index)?.into_iter().filter(|filter| filter.ours).collect();
            take_off(&LinkRef::indexed(link.clone(), state.index), Place::Host, &mut self.ground(&host))?;
            self.free_all(|entry| {
                // One in a sandbox has an index of there.
                let is_here = !entry.owner.inside || entry.owner.mark == 0;
                let is_its = entry.owner.namespace == namespace && entry.owner.index == state.index;
                is_here && is_its && own.iter().any(|own| own.classid == u32::from(entry.id.slot))
            });
            Ok(())
        };
        detach().map_err(|error: Error| error.within("detach meter from", link))
    }

    fn free_all(&self, is_over: impl Fn(&Entry) -> bool) {
        for entry in self.entries().filter(is_over) {
            self.table.free(entry.id);
        }
    }

    /// Gives the slot back of a link that is gone with its namespace, which only its caller can know. One that was
    /// given back already is no error. While a link is counted in a slot that another has by now, the other's
    /// counters are wrong.
    ///
    /// # Errors
    /// Busy when the link is there and counted, as far as that can be seen from the calling thread's namespace, or when
    /// its endpoint has not let it go.
    pub fn release(&self, id: SlotId) -> Result<()> {
        let release = || {
            let Some(entry) = self.entry(id) else { return Ok(()) };
            let host = Host::current()?;
            let in_sandbox = entry.owner.inside && entry.owner.mark != 0;
            let is_here = entry.owner.namespace == namespace_of(&host)?;
            let counts = match (in_sandbox, is_here) {
                (true, _) => !entry.leaving,
                (false, true) => counts_on(&host, &entry)?,
                (false, false) => false,
            };
            if counts {
                let error = Error::new(ErrorKind::Busy, "release", format!("slot {}", id.slot));
                return Err(error.with_cause("its link is there and counted"));
            }
            match entry.lost {
                true => self.free_lost(id),
                false => {
                    self.table.free(id);
                    Ok(())
                }
            }
        };
        release()
    }

    pub(crate) fn ground<'a>(&'a self, host: &'a Host) -> Ground<'a> {
        Ground { host, sandbox: None, programs: Some(&self.programs) }
    }
}

impl fmt::Debug for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meter")
            .field("options", &self.options)
            .field("slots", &self.slots())
            .finish_non_exhaustive()
    }
}
