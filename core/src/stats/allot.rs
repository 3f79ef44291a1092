//! Slots that are given out and come back, and counters that nobody needs any more.

use std::collections::HashSet;
use std::path::PathBuf;

use super::filters::counts_on;
use super::pins;
use super::place::is_removed;
use super::table::Entry;
use super::{Meter, MeterOptions, SlotId, SlotOwner};
use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;
use crate::link::{message, parse};

impl Meter {
    /// A slot for a link, with nothing counted.
    pub(crate) fn take(&self, host: &Host, owner: &SlotOwner) -> Result<SlotId> {
        if let Some(id) = self.take_free(owner)? {
            return Ok(id);
        }
        self.reclaim(host, owner.namespace)?;
        self.take_free(owner)?.ok_or_else(|| {
            Error::new(ErrorKind::ResourceExhausted, "take", "slot of counters")
                .with_cause(format!("all {} are taken", self.pinned.slots))
        })
    }

    fn take_free(&self, owner: &SlotOwner) -> Result<Option<SlotId>> {
        let lock = self.place.lock_with_others()?;
        if is_removed(&lock) {
            // By somebody's hand: nobody else would find what is counted there.
            self.table.retire(true);
        }
        if self.table.is_retired() {
            return Err(Error::new(ErrorKind::Busy, "take", "slot of counters")
                .with_cause("others have removed the counters since: open them again"));
        }
        Ok(self.table.take(owner, |slot| self.pinned.sum(slot)))
    }

    /// Says that the link of a slot is going, or that nothing counts there any more: the slot is used again when that
    /// is so.
    pub(crate) fn let_go(&self, id: SlotId) {
        self.table.leave(id);
    }

    /// Says that a link in a sandbox is out of reach, and may be counted as long as it lives: its slot is not used
    /// again before somebody has seen that it is not, in the namespace of that device and inode.
    pub(crate) fn lose(&self, id: SlotId, namespace: Option<(u64, u64)>) {
        let lock = self.place.lock_with_others().inspect_err(|error| log::warn!("{error}")).ok();
        self.table.lose(id, namespace.filter(|_| lock.is_some()));
    }

    /// Gives a slot back whose link was out of reach and is counted no more.
    pub(crate) fn free_lost(&self, id: SlotId) -> Result<()> {
        let Some(_alone) = self.place.lock_alone()? else {
            return Err(Error::new(ErrorKind::Busy, "give back", format!("slot {}", id.slot))
                .with_cause("others are taking slots all the time"));
        };
        self.table.free_lost(id);
        Ok(())
    }

    /// Gives slots of this namespace back whose links are gone.
    pub(crate) fn reclaim(&self, host: &Host, namespace: u64) -> Result<()> {
        if self.table.has_claims() {
            // Whoever is about to take a slot, and alive, has it locked.
            if let Some(_alone) = self.place.try_lock_alone()? {
                self.table.drop_claims();
            }
        }
        let may_be_over = |entry: &Entry| !entry.lost && (entry.leaving || entry.owner.mark == 0);
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
                // Its filters were taken off.
                (true, true) => true,
                // The link may be another by now, of the same index.
                (true, false) => !is_there || !counts_on(host, &entry)?,
                (false, _) => attached && !is_there,
            };
            if is_over {
                self.table.free(entry.id);
            }
        }
        Ok(())
    }

    /// Removes the counters when nobody has a slot. Whoever has them open makes them anew when he takes one.
    pub(crate) fn remove_if_unused(&self) -> Result<bool> {
        let Some(_alone) = self.place.lock_alone()? else { return Ok(false) };
        self.table.drop_claims();
        if self.table.is_retired() || self.table.is_used() {
            return Ok(false);
        }
        self.remove()?;
        Ok(true)
    }

    /// Removes counters that are given up: who did that did not get to the end.
    pub(super) fn end_removal(&self) -> Result<()> {
        let Some(_alone) = self.place.lock_alone()? else {
            let error = Error::new(ErrorKind::Busy, "remove", self.place.path().display().to_string());
            return Err(error.with_cause("another has it locked for a second"));
        };
        if self.is_retired() {
            self.remove()?;
        }
        Ok(())
    }

    /// Gives the counters up first, so that nobody counts where nobody looks.
    fn remove(&self) -> Result<()> {
        self.table.retire(true);
        let directory = &self.options.directory;
        let aside = pins::set_aside(directory, &self.place);
        if let Some(going) = aside.inspect_err(|_| self.table.retire(false))? {
            pins::remove_directory(&going)?;
            pins::remove_empty(directory);
        }
        Ok(())
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
