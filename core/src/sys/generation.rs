//! How a process tells what it made from what it inherits.

use std::sync::atomic::{AtomicU32, Ordering};

use once_cell::race::OnceBox;

use super::raw;

/// A number that a process has, and its children that are forked do not. Numbers of processes would not do:
/// a parent and its child are both 1, each in a PID namespace of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Generation(u32);

/// How many forks there were between the first process and this one, that this library was told of.
static LAST: AtomicU32 = AtomicU32::new(0);

impl Generation {
    /// This process's.
    pub fn current() -> Self {
        static PAGE: OnceBox<Option<&'static AtomicU32>> = OnceBox::new();
        let Some(own) = PAGE.get_or_init(|| Box::new(raw::wiped_on_fork())) else {
            return Self(std::process::id());
        };
        match own.load(Ordering::Relaxed) {
            0 => Self::begin(own),
            known => Self(known),
        }
    }

    /// For tests: a child's.
    #[cfg(test)]
    pub(crate) fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// Several threads may come here at once: the first decides.
    fn begin(own: &AtomicU32) -> Self {
        let next = LAST.fetch_add(1, Ordering::Relaxed).wrapping_add(1).max(1);
        match own.compare_exchange(0, next, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => Self(next),
            Err(known) => Self(known),
        }
    }
}
