//! Counters that are made, given out and taken back.

use std::collections::HashSet;
use std::fmt;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::pins::{self, Pinned};
use super::reader::Snapshot;
use super::table::{Entry, Table};
use super::{Counters, MeterOptions, Reading, SlotId, SlotOwner};
use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;
use crate::link::{message, parse, Direction, FilterSpec, InterfaceName, LinkRef, Place};
use crate::plan::{apply, Action, Ground, Plan, Programs, Step};

/// How often others may be in the way of opening.
const TRIES: usize = 8;
/// How long a slot may be claimed by a process that is alive.
const CLAIM: Duration = Duration::from_millis(5);

/// The counters of this host: slots for whatever is metered, and what has been counted there.
///
/// Any number of processes may have them open. Methods may be called from any thread, and reads from a forked
/// child, too.
pub struct Meter {
    options: MeterOptions,
    pinned: Pinned,
    table: Table,
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
        if !pins::is_there(&options.directory) {
            return Ok(None);
        }
        let place = pins::place(&options.directory);
        let open = || {
            let (pinned, map) = pins::open(&place, false)?;
            let table = pins::table(&place, &map, pinned.slots)?;
            let programs = pins::programs(&place)?;
            Ok(Self { options: options.clone(), pinned, table, programs })
        };
        match open() {
            // Whoever gave them up did not get to the end.
            Ok(meter) if meter.table.is_retired() && meter.table.retire() => {
                pins::remove(&options.directory).map(|()| None)
            }
            Ok(meter) => Ok(Some(meter)),
            Err(_) if !pins::is_there(&options.directory) => Ok(None),
            Err(error) => Err(error),
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
        let (inside, base) = self.table.base(id)?;
        let sum = self.pinned.sum(id.slot);
        // It may have begun another life meanwhile.
        self.table.base(id)?;
        Some(Counters::since(sum, base, inside))
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
        snapshot.readings.extend(self.entries().filter(|entry| !entry.leaving).map(|entry| {
            let counters = Counters::since(self.pinned.sum(entry.id.slot), entry.base, entry.owner.inside);
            Reading { id: entry.id, owner: entry.owner, counters }
        }));
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
    /// [`Meter::detach`], and when the link is gone.
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
            let attached = apply(&plan, &mut self.ground(&host));
            attached.inspect_err(|_| self.let_go(id)).map(|()| id)
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
            let filters = host.filters(state.index)?;
            let own: Vec<_> = filters.iter().filter(|filter| filter.ours).collect();
            let plan = removal(
                &LinkRef::indexed(link.clone(), state.index),
                Place::Host,
                filters.len() == own.len(),
            );
            take_off(&plan, &mut self.ground(&host))?;
            for entry in
                self.entries().filter(|entry| own.iter().any(|own| own.classid == u32::from(entry.id.slot)))
            {
                self.table.free(entry.id);
            }
            Ok(())
        };
        detach().map_err(|error: Error| error.within("detach meter from", link))
    }

    pub(crate) fn ground<'a>(&'a self, host: &'a Host) -> Ground<'a> {
        Ground { host, sandbox: None, programs: Some(&self.programs) }
    }

    /// A slot for a link, with nothing counted.
    pub(crate) fn take(&self, host: &Host, owner: &SlotOwner) -> Result<SlotId> {
        let take = || self.table.take(owner, |slot| self.pinned.sum(slot));
        let full = || {
            Error::new(ErrorKind::ResourceExhausted, "take", "slot of counters")
                .with_cause(format!("all {} are taken", self.pinned.slots))
        };
        let id = match take() {
            Some(id) => id,
            None => {
                self.reclaim(host, owner.namespace)?;
                take().ok_or_else(full)?
            }
        };
        if self.table.is_retired() {
            self.table.free(id);
            return Err(Error::new(ErrorKind::Busy, "take", "slot of counters")
                .with_cause("others have removed the counters since: open them again"));
        }
        Ok(id)
    }

    /// Says that the link of a slot is going: it is used again when the link is gone.
    pub(crate) fn let_go(&self, id: SlotId) {
        self.table.leave(id);
    }

    /// Gives slots of this namespace back whose links are gone.
    pub(crate) fn reclaim(&self, host: &Host, namespace: u64) -> Result<()> {
        let claims = self.table.claims();
        if !claims.is_empty() {
            std::thread::sleep(CLAIM);
            for claim in claims {
                self.table.drop_claim(claim);
            }
        }
        let may_be_over = |entry: &Entry| entry.leaving || entry.owner.mark == 0;
        let mut own: Vec<_> = self.entries().filter(|entry| entry.owner.namespace == namespace).collect();
        own.retain(may_be_over);
        if own.is_empty() {
            return Ok(());
        }
        let links = host.socket().dump(&message::list_links())?;
        let links: HashSet<_> = links.iter().filter_map(parse::link).map(|link| link.index).collect();
        for entry in own {
            let is_there = links.contains(&entry.owner.index);
            let attached = entry.owner.mark == 0;
            let is_over = match (entry.leaving, entry.owner.inside && !attached) {
                // Its sandbox is gone, or its filters were taken off.
                (true, true) => true,
                // The link may be another by now, of the same index.
                (true, false) => !is_there || !self.counts_on(host, &entry)?,
                (false, _) => attached && !is_there,
            };
            if is_over {
                self.table.free(entry.id);
            }
        }
        Ok(())
    }

    /// Whether a filter of the host counts for this slot.
    fn counts_on(&self, host: &Host, entry: &Entry) -> Result<bool> {
        let filters = host.filters(entry.owner.index)?;
        Ok(filters.iter().any(|filter| filter.ours && filter.classid == u32::from(entry.id.slot)))
    }

    /// Removes the counters when nobody has a slot. Whoever has them open makes them anew when he takes one.
    pub(crate) fn remove_if_unused(&self) -> Result<bool> {
        let is_unused = !self.table.is_retired() && self.table.retire();
        if is_unused {
            pins::remove(&self.options.directory)?;
        }
        Ok(is_unused)
    }

    /// Directories that their makers died over.
    pub(crate) fn stale(options: &MeterOptions) -> Vec<PathBuf> {
        pins::stale(&options.directory)
    }

    /// Removes the directory where nothing is in it: its maker died before there was.
    pub(crate) fn remove_empty(options: &MeterOptions) {
        pins::remove_empty(&options.directory);
    }

    /// Removes one of those.
    pub(crate) fn remove_stale(path: &std::path::Path) -> Result<()> {
        pins::remove_directory(path)
    }

    /// Whether others gave the counters up meanwhile.
    pub(crate) fn is_retired(&self) -> bool {
        self.table.is_retired()
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

/// What tells the host's namespace from every other.
pub(crate) fn namespace_of(host: &Host) -> Result<u64> {
    const BY_FILE: u64 = 1 << 63;
    host.cookie().or_else(|_| Ok(host.namespace().id().inode | BY_FILE))
}

/// What meters a link that is there. It goes with the link.
pub(crate) fn steps(id: SlotId, link: &LinkRef, place: Place) -> Plan {
    let mut plan = Plan::default();
    plan.steps.push(Step::new(place, Action::AddClsact(link.clone())).existing_ok());
    for direction in [Direction::Ingress, Direction::Egress] {
        let spec = FilterSpec { link: link.clone(), direction, slot: id.slot };
        plan.push(place, Action::AddFilter(spec));
    }
    plan
}

/// Carries out a plan that takes filters off, as far as there are any.
pub(crate) fn take_off(plan: &Plan, ground: &mut Ground<'_>) -> Result<()> {
    for step in &plan.steps {
        match apply(&Plan { steps: vec![step.clone()] }, ground) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// What meters a link no more; `alone` says that there are no filters but this library's.
pub(crate) fn removal(link: &LinkRef, place: Place, alone: bool) -> Plan {
    let mut plan = Plan::default();
    for direction in [Direction::Ingress, Direction::Egress] {
        let spec = FilterSpec { link: link.clone(), direction, slot: 0 };
        plan.push(place, Action::DeleteFilter(spec));
    }
    if alone {
        plan.push(place, Action::DeleteClsact(link.clone()));
    }
    plan
}
