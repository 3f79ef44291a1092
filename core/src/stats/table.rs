//! Who has which slot: a table beside the counters, of one cache line a slot.
//!
//! Processes share it without a lock. A slot is taken by one compare-and-swap of its first word, which counts
//! its lives, too, so that whoever remembers a former life sees that it is over.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use crate::sys::SharedWords;

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
const LIFE: u32 = 16;

// Words of the header, which is entry 0.
pub(super) const HEADER_MAGIC: usize = 0;
pub(super) const HEADER_SLOTS: usize = 1;
pub(super) const HEADER_CPUS: usize = 2;
const HEADER_NEXT: usize = 3;
const HEADER_HIGHEST: usize = 4;
pub(super) const HEADER_RETIRED: usize = 5;

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
        let inside = state & INSIDE != 0;
        let owner = SlotOwner { namespace, index: of as u32, mark: (of >> 32) as u32, digest, inside };
        Some(Self { id: SlotId { slot, life: state >> LIFE }, owner, leaving, base })
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
        self.header(HEADER_SLOTS).store(self.slots.into(), Ordering::Relaxed);
        self.header(HEADER_CPUS).store(cpus as u64, Ordering::Relaxed);
        self.header(HEADER_MAGIC).store(MAGIC, Ordering::SeqCst);
    }

    fn header(&self, word: usize) -> &AtomicU64 {
        self.words.word(word)
    }

    fn word(&self, slot: u16, word: usize) -> &AtomicU64 {
        self.words.word(usize::from(slot) * ENTRY + word)
    }

    /// Slots 1 to this have been used.
    pub(super) fn highest(&self) -> u16 {
        u16::try_from(self.header(HEADER_HIGHEST).load(Ordering::Relaxed)).unwrap_or(u16::MAX).min(self.slots)
    }

    /// Takes a slot that nobody has; those that were given back last are used last. `base` says what a slot's
    /// counters are.
    pub(super) fn take(&self, owner: &SlotOwner, base: impl Fn(u16) -> [u64; 4]) -> Option<SlotId> {
        for _ in 0..self.slots {
            let next = self.header(HEADER_NEXT).fetch_add(1, Ordering::Relaxed);
            let slot = u16::try_from(next % u64::from(self.slots)).ok()? + 1;
            let state = self.word(slot, 0);
            let before = state.load(Ordering::Acquire);
            if before & STATE != FREE {
                continue;
            }
            let life = (before >> LIFE) + 1;
            let claim = life << LIFE | CLAIMED;
            if state.compare_exchange(before, claim, Ordering::AcqRel, Ordering::Relaxed).is_err() {
                continue;
            }
            let of = u64::from(owner.mark) << 32 | u64::from(owner.index);
            let [rx_bytes, rx_packets, tx_bytes, tx_packets] = base(slot);
            let words = [owner.namespace, of, owner.digest, rx_bytes, rx_packets, tx_bytes, tx_packets];
            for (word, value) in (1..).zip(words) {
                self.word(slot, word).store(value, Ordering::Relaxed);
            }
            let inside = if owner.inside { INSIDE } else { 0 };
            let taken = life << LIFE | inside | TAKEN;
            if state.compare_exchange(claim, taken, Ordering::SeqCst, Ordering::Relaxed).is_ok() {
                self.header(HEADER_HIGHEST).fetch_max(slot.into(), Ordering::Relaxed);
                return Some(SlotId { slot, life });
            }
        }
        None
    }

    /// The entry of a slot; none when nobody has it.
    pub(super) fn entry(&self, slot: u16) -> Option<Entry> {
        if slot == 0 || slot > self.slots {
            return None;
        }
        let before = self.word(slot, 0).load(Ordering::Acquire);
        let words = std::array::from_fn(|word| self.word(slot, word).load(Ordering::Acquire));
        // One that changes meanwhile is nobody's.
        Entry::parse(slot, words).filter(|entry| entry.id.life == before >> LIFE)
    }

    /// The words of the counters when this life began; none when it is over.
    #[inline]
    pub(super) fn base(&self, id: SlotId) -> Option<(bool, [u64; 4])> {
        if id.slot > self.slots {
            return None;
        }
        let state = self.word(id.slot, 0).load(Ordering::Acquire);
        let is_alive = state >> LIFE == id.life && state & STATE == TAKEN;
        let base = std::array::from_fn(|word| self.word(id.slot, 4 + word).load(Ordering::Relaxed));
        is_alive.then_some((state & INSIDE != 0, base))
    }

    fn change(&self, id: SlotId, from: u64, to: u64) -> bool {
        if id.slot == 0 || id.slot > self.slots {
            return false;
        }
        let state = self.word(id.slot, 0);
        let before = state.load(Ordering::Acquire);
        before >> LIFE == id.life
            && before & STATE == from
            && state
                .compare_exchange(before, before & !STATE | to, Ordering::SeqCst, Ordering::Relaxed)
                .is_ok()
    }

    /// Says that the link is going. The slot is used again when it is gone.
    pub(super) fn leave(&self, id: SlotId) -> bool {
        self.change(id, TAKEN, LEAVING)
    }

    /// Gives a slot back of which nothing counts any more.
    pub(super) fn free(&self, id: SlotId) -> bool {
        self.change(id, TAKEN, FREE) || self.change(id, LEAVING, FREE)
    }

    /// Slots that somebody began to take; that lasts nanoseconds, or for good when he died.
    pub(super) fn claims(&self) -> Vec<SlotId> {
        let claimed = |slot: &u16| self.word(*slot, 0).load(Ordering::Relaxed) & STATE == CLAIMED;
        let id = |slot: u16| SlotId { slot, life: self.word(slot, 0).load(Ordering::Relaxed) >> LIFE };
        (1..=self.slots).filter(claimed).map(id).collect()
    }

    /// Gives back what a process that died was about to take.
    pub(super) fn drop_claim(&self, id: SlotId) -> bool {
        self.change(id, CLAIMED, FREE)
    }

    /// Whether the whole table is given up: another is, or will be, in its place.
    pub(super) fn is_retired(&self) -> bool {
        self.header(HEADER_RETIRED).load(Ordering::SeqCst) != 0
    }

    /// Gives the table up when nobody has a slot. Who takes one looks afterwards whether it was given up; who gives
    /// it up looks afterwards whether one was taken.
    pub(super) fn retire(&self) -> bool {
        self.header(HEADER_RETIRED).store(1, Ordering::SeqCst);
        let is_used = (1..=self.slots).any(|slot| {
            let state = self.word(slot, 0).load(Ordering::SeqCst) & STATE;
            matches!(state, CLAIMED | TAKEN)
        });
        if is_used {
            self.header(HEADER_RETIRED).store(0, Ordering::SeqCst);
        }
        !is_used
    }
}
