//! Who has which slot: a table beside the counters, of one cache line a slot.
//!
//! Processes read it without a lock. A slot is taken by one compare-and-swap of its first word, which counts
//! its lives, too, so that whoever remembers a former life sees that it is over. The other words are written only
//! between two changes of the first, so that a reader who finds the first unchanged has read them whole.
//!
//! Where slots are taken, the table's directory is locked for many, and where claims of the dead are dropped or the
//! table is given up, it is locked for one ([`Place`](super::place::Place)): the kernel takes the lock off a process
//! that dies, so nobody is in the middle of anything then.

use std::sync::atomic::{fence, AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use crate::sys::{random_bytes, SharedWords};

/// Words of an entry.
pub(super) const ENTRY: usize = 8;
/// `netnsctr`, the first word of the table.
pub(super) const MAGIC: u64 = u64::from_ne_bytes(*b"netnsctr");

const STATE: u64 = 0xff;
const FREE: u64 = 0;
const CLAIMED: u64 = 1;
const TAKEN: u64 = 2;
const LEAVING: u64 = 3;
const INSIDE: u64 = 1 << 8;
const LOST: u64 = 1 << 9;
const NAMED: u64 = 1 << 10;
const LIFE: u32 = 16;

// Words of the header, which is entry 0.
pub(super) const HEADER_MAGIC: usize = 0;
pub(super) const HEADER_SLOTS: usize = 1;
pub(super) const HEADER_CPUS: usize = 2;
const HEADER_NEXT: usize = 3;
pub(super) const HEADER_HIGHEST: usize = 4;
const HEADER_RETIRED: usize = 5;
/// A random number from which lives are counted, so that no life of this table is one of another's.
const HEADER_ORIGIN: usize = 6;
const ORIGIN_BITS: u32 = 40;

// Words of an entry after its state.
const NAMESPACE: usize = 1;
const BASE: usize = 4;

/// A slot during one of its lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SlotId {
    /// 1 to 65,535.
    pub slot: u16,
    /// Which of its lives: slots are used again.
    pub life: u64,
}

impl SlotId {
    /// The slot of that number during that life, as somebody wrote them down.
    pub const fn new(slot: u16, life: u64) -> Self {
        Self { slot, life }
    }
}

/// Whose a slot is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct SlotOwner {
    /// The network namespace in which the host's end is: its cookie (`SO_NETNS_COOKIE`), before Linux 5.14
    /// the number of its file with the highest bit set.
    pub namespace: u64,
    /// The index of the link that is metered.
    pub index: u32,
    /// The first eight hexadecimal digits of the mark of the run directory, as in ` store=` of the alias; 0 for a
    /// link that [`Meter::attach`](super::Meter::attach) took.
    pub mark: u32,
    /// FNV-1a of `NETWORK/ENDPOINT`, as the links' names have it; 0 for a link that was attached.
    pub digest: u64,
    /// The link is in the sandbox: what it receives is what the sandbox receives. Otherwise it is the host's end,
    /// and it is the other way round.
    pub inside: bool,
}

/// A slot and whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Entry {
    pub(crate) id: SlotId,
    pub(crate) owner: SlotOwner,
    /// Its link is going, or gone.
    pub(crate) leaving: bool,
    /// Its link may be counted still, where nobody could take the filters off.
    pub(crate) lost: bool,
    /// Device and inode of the namespace in which a lost link is, where they are known.
    pub(crate) lost_in: Option<(u64, u64)>,
    /// The counters when the life began.
    pub(crate) base: [u64; 4],
}

impl Entry {
    /// What the words of an entry say; none when nobody has the slot.
    pub(super) fn parse(slot: u16, words: [u64; ENTRY]) -> Option<Self> {
        let [state, namespace, of, digest, base @ ..] = words;
        let leaving = match state & STATE {
            TAKEN => false,
            LEAVING => true,
            _ => return None,
        };
        let has = |flag: u64| state & flag != 0;
        let inside = has(INSIDE);
        let owner = SlotOwner { namespace, index: of as u32, mark: (of >> 32) as u32, digest, inside };
        let (lost, lost_in) = (has(LOST), has(NAMED).then_some((base[0], base[1])));
        Some(Self { id: SlotId { slot, life: state >> LIFE }, owner, leaving, lost, lost_in, base })
    }
}

/// The table, to be changed.
pub(super) struct Table {
    words: SharedWords,
    slots: u16,
}

impl Table {
    pub(super) fn new(words: SharedWords, slots: u16) -> Self {
        Self { words, slots }
    }

    /// Fills in the header of a table that nobody else knows of yet.
    pub(super) fn begin(&self, cpus: usize) {
        let origin = u64::from_ne_bytes(random_bytes()) >> (u64::BITS - ORIGIN_BITS);
        self.header(HEADER_ORIGIN).store(origin, Ordering::Relaxed);
        self.header(HEADER_SLOTS).store(self.slots.into(), Ordering::Relaxed);
        self.header(HEADER_CPUS).store(cpus as u64, Ordering::Relaxed);
        self.header(HEADER_MAGIC).store(MAGIC, Ordering::SeqCst);
    }

    fn header(&self, word: usize) -> &AtomicU64 {
        self.words.word(word)
    }

    #[inline]
    fn words(&self, slot: u16) -> &[AtomicU64; ENTRY] {
        self.words.array(usize::from(slot) * ENTRY)
    }

    fn state(&self, slot: u16) -> &AtomicU64 {
        &self.words(slot)[0]
    }

    fn is_slot(&self, slot: u16) -> bool {
        (1..=self.slots).contains(&slot)
    }

    /// Slots 1 to this have been used.
    pub(super) fn highest(&self) -> u16 {
        u16::try_from(self.header(HEADER_HIGHEST).load(Ordering::Relaxed)).unwrap_or(u16::MAX).min(self.slots)
    }

    /// Takes a slot that nobody has; those that were given back last are used last. `base` says what a slot's
    /// counters are. The directory is locked for many.
    pub(super) fn take(&self, owner: &SlotOwner, base: impl Fn(u16) -> [u64; 4]) -> Option<SlotId> {
        (0..self.slots).find_map(|_| {
            let next = self.header(HEADER_NEXT).fetch_add(1, Ordering::Relaxed);
            let slot = u16::try_from(next % u64::from(self.slots)).ok()? + 1;
            self.take_slot(slot, owner, &base)
        })
    }

    fn take_slot(&self, slot: u16, owner: &SlotOwner, base: impl Fn(u16) -> [u64; 4]) -> Option<SlotId> {
        let [state, words @ ..] = self.words(slot);
        let before = state.load(Ordering::Acquire);
        if before & STATE != FREE {
            return None;
        }
        let life = (before >> LIFE).max(self.header(HEADER_ORIGIN).load(Ordering::Relaxed)) + 1;
        let claim = life << LIFE | CLAIMED;
        state.compare_exchange(before, claim, Ordering::AcqRel, Ordering::Relaxed).ok()?;
        // Who reads one of the words that follow reads the claim, too, when he looks again.
        fence(Ordering::Release);
        // Before it is taken, so that nobody dies over one that is taken and that the collector does not see.
        self.header(HEADER_HIGHEST).fetch_max(slot.into(), Ordering::Relaxed);
        let of = u64::from(owner.mark) << 32 | u64::from(owner.index);
        let [rx_bytes, rx_packets, tx_bytes, tx_packets] = base(slot);
        let values = [owner.namespace, of, owner.digest, rx_bytes, rx_packets, tx_bytes, tx_packets];
        for (word, value) in words.iter().zip(values) {
            word.store(value, Ordering::Relaxed);
        }
        let inside = if owner.inside { INSIDE } else { 0 };
        let taken = life << LIFE | inside | TAKEN;
        state.compare_exchange(claim, taken, Ordering::SeqCst, Ordering::Relaxed).ok()?;
        Some(SlotId { slot, life })
    }

    /// The entry of a slot, and what `look` saw while it was that; none when nobody has it, or when it changed
    /// meanwhile.
    #[inline]
    pub(super) fn look<T>(&self, slot: u16, look: impl FnOnce(&Entry) -> T) -> Option<(Entry, T)> {
        if !self.is_slot(slot) {
            return None;
        }
        let [state, rest @ ..] = self.words(slot);
        let before = state.load(Ordering::Acquire);
        let mut words = [before; ENTRY];
        for (word, shared) in words[NAMESPACE..].iter_mut().zip(rest) {
            *word = shared.load(Ordering::Relaxed);
        }
        let entry = Entry::parse(slot, words)?;
        let seen = look(&entry);
        fence(Ordering::Acquire);
        (state.load(Ordering::Relaxed) == before).then_some((entry, seen))
    }

    /// The entry of a slot; none when nobody has it.
    pub(super) fn entry(&self, slot: u16) -> Option<Entry> {
        self.look(slot, |_| ()).map(|(entry, ())| entry)
    }

    /// Changes the state of a slot in that life from one that `may` change.
    fn change(&self, id: SlotId, may: impl Fn(u64) -> bool, to: impl Fn(u64) -> u64) -> bool {
        if !self.is_slot(id.slot) {
            return false;
        }
        let state = self.state(id.slot);
        let before = state.load(Ordering::Acquire);
        before >> LIFE == id.life
            && may(before)
            && state.compare_exchange(before, to(before), Ordering::SeqCst, Ordering::Relaxed).is_ok()
    }

    /// Says that the link is going. The slot is used again when it is gone.
    pub(super) fn leave(&self, id: SlotId) -> bool {
        self.change(id, |state| state & STATE == TAKEN, |state| state & !STATE | LEAVING)
    }

    /// Says that the link is out of reach and may be counted for as long as it lives. `namespace` is the device and
    /// the inode of where it is. The directory is locked for many, so that nobody [`Table::free_lost`]s the slot
    /// meanwhile, and writes of somebody else follow.
    pub(super) fn lose(&self, id: SlotId, namespace: Option<(u64, u64)>) -> bool {
        let lost = self.change(id, |state| state & STATE == TAKEN, |state| state & !STATE | LEAVING | LOST);
        if let (true, Some((device, inode))) = (lost, namespace) {
            // As where it was taken.
            fence(Ordering::Release);
            let words = self.words(id.slot);
            words[BASE].store(device, Ordering::Relaxed);
            words[BASE + 1].store(inode, Ordering::Relaxed);
            return self.change(id, |state| state & LOST != 0, |state| state | NAMED);
        }
        lost
    }

    /// Gives a slot back of which nothing counts any more.
    pub(super) fn free(&self, id: SlotId) -> bool {
        let may = |state: u64| matches!(state & STATE, TAKEN | LEAVING) && state & LOST == 0;
        self.change(id, may, |state| state & !STATE | FREE)
    }

    /// Gives a slot back whose link was out of reach. The directory is locked for one.
    pub(super) fn free_lost(&self, id: SlotId) -> bool {
        let may = |state: u64| matches!(state & STATE, TAKEN | LEAVING) && state & LOST != 0;
        self.change(id, may, |state| state & !STATE | FREE)
    }

    fn claims(&self) -> impl Iterator<Item = SlotId> + '_ {
        let states = (1..=self.slots).map(|slot| (slot, self.state(slot).load(Ordering::SeqCst)));
        let claims = states.filter(|(_, state)| state & STATE == CLAIMED);
        claims.map(|(slot, state)| SlotId { slot, life: state >> LIFE })
    }

    /// Whether somebody is about to take a slot, or died over it.
    pub(super) fn has_claims(&self) -> bool {
        self.claims().next().is_some()
    }

    /// Gives back what processes that died were about to take. The directory is locked for one.
    pub(super) fn drop_claims(&self) {
        for claim in self.claims() {
            self.change(claim, |state| state & STATE == CLAIMED, |state| state & !STATE | FREE);
        }
    }

    /// Whether the whole table is given up: another is, or will be, in its place.
    pub(super) fn is_retired(&self) -> bool {
        self.header(HEADER_RETIRED).load(Ordering::SeqCst) != 0
    }

    /// Whether somebody has a slot whose link is not going.
    pub(super) fn is_used(&self) -> bool {
        (1..=self.slots).any(|slot| self.state(slot).load(Ordering::SeqCst) & STATE == TAKEN)
    }

    /// Gives the table up, or takes that back. The directory is locked for one, or is gone.
    pub(super) fn retire(&self, retired: bool) {
        self.header(HEADER_RETIRED).store(retired.into(), Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests;
