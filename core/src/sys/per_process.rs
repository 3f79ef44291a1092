//! Statics that forks do not share.

use once_cell::race::OnceBox;

use super::Generation;

/// A value that each process has for itself. A child that is forked gets a fresh one, whatever state a thread
/// of the parent was leaving its own in: that thread is missing in the child.
pub struct PerProcess<T> {
    first: OnceBox<Node<T>>,
}

struct Node<T> {
    process: Generation,
    value: T,
    /// That of a process which was forked from this one.
    child: OnceBox<Node<T>>,
}

impl<T: Default> PerProcess<T> {
    /// None has any yet.
    pub const fn new() -> Self {
        Self { first: OnceBox::new() }
    }

    /// This process's own.
    pub fn get(&self) -> &T {
        let process = Generation::current();
        let mut at = &self.first;
        loop {
            let fresh = || Box::new(Node { process, value: T::default(), child: OnceBox::new() });
            let node = at.get_or_init(fresh);
            if node.process == process {
                return &node.value;
            }
            at = &node.child;
        }
    }

    /// Those of the processes that this one was forked from, as they were then.
    pub(crate) fn inherited(&self) -> impl Iterator<Item = &T> {
        let process = Generation::current();
        let nodes = std::iter::successors(self.first.get(), |node| node.child.get());
        nodes.take_while(move |node| node.process != process).map(|node| &node.value)
    }
}

impl<T: Default> Default for PerProcess<T> {
    fn default() -> Self {
        Self::new()
    }
}
