//! The threads of one process that wait for the same, in the order in which they came.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Hundreds of threads that looked again and again would take the processor from the one that is inside, and
/// who is lucky would go before who waits longest.
#[derive(Default)]
pub(super) struct Queue(Mutex<State>);

#[derive(Default)]
struct State {
    is_taken: bool,
    waiting: VecDeque<Arc<Waiter>>,
    /// When anybody last came in or went out.
    moved: Option<Instant>,
}

#[derive(Default)]
struct Waiter {
    called: Condvar,
    is_called: AtomicBool,
}

/// The first place, until it is dropped.
#[must_use]
pub(super) struct Turn<'a> {
    queue: &'a Queue,
    arrived: Instant,
    came_in: bool,
}

impl Queue {
    /// Waits for all who came before; `None` when nothing has moved for as long as `patience`.
    pub(super) fn wait(&self, patience: Duration) -> Option<Turn<'_>> {
        let arrived = Instant::now();
        let turn = || Turn { queue: self, arrived, came_in: false };
        let mut state = self.lock();
        if !state.is_taken {
            state.is_taken = true;
            return Some(turn());
        }
        let own = Arc::new(Waiter::default());
        state.waiting.push_back(Arc::clone(&own));
        while !own.is_called.load(Ordering::Relaxed) {
            let left = state.deadline(arrived, patience).saturating_duration_since(Instant::now());
            if left.is_zero() {
                state.waiting.retain(|other| !Arc::ptr_eq(other, &own));
                return None;
            }
            state = own.called.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        Some(turn())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Who gives up has not moved: those behind do not begin to wait anew.
    fn deadline(&self, arrived: Instant, patience: Duration) -> Instant {
        self.moved.map_or(arrived, |moved| moved.max(arrived)) + patience
    }
}

impl Turn<'_> {
    /// Until when to wait for what is behind the queue.
    pub(super) fn deadline(&self, patience: Duration) -> Instant {
        self.queue.lock().deadline(self.arrived, patience)
    }

    /// Those behind wait for somebody who is inside, from now on.
    pub(super) fn comes_in(&mut self) {
        self.came_in = true;
        self.queue.lock().moved = Some(Instant::now());
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut state = self.queue.lock();
        if self.came_in {
            state.moved = Some(Instant::now());
        }
        let Some(next) = state.waiting.pop_front() else {
            state.is_taken = false;
            return;
        };
        next.is_called.store(true, Ordering::Relaxed);
        next.called.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    const LONG: Duration = Duration::from_secs(10);
    const SHORT: Duration = Duration::from_millis(50);

    /// How many wait, once that is so.
    fn until_waiting(queue: &Queue, count: usize) {
        while queue.lock().waiting.len() != count {
            thread::yield_now();
        }
    }

    #[test]
    fn threads_come_in_as_they_came() {
        let queue = Queue::default();
        let order = Mutex::new(Vec::new());
        thread::scope(|scope| {
            let first = queue.wait(LONG).unwrap();
            for number in 0..20 {
                let (queue, order) = (&queue, &order);
                scope.spawn(move || {
                    let _turn = queue.wait(LONG).unwrap();
                    order.lock().unwrap().push(number);
                });
                until_waiting(queue, number + 1);
            }
            drop(first);
        });
        assert_eq!(*order.lock().unwrap(), (0..20).collect::<Vec<_>>());
        assert!(queue.wait(Duration::ZERO).is_some());
    }

    #[test]
    fn who_gives_up_is_passed_over() {
        let queue = Queue::default();
        let first = queue.wait(LONG).unwrap();
        assert!(queue.wait(SHORT).is_none());
        thread::scope(|scope| {
            let second = scope.spawn(|| queue.wait(LONG).is_some());
            until_waiting(&queue, 1);
            assert!(queue.wait(SHORT).is_none());
            drop(first);
            assert!(second.join().unwrap());
        });
        assert!(queue.wait(Duration::ZERO).is_some());
    }

    /// Only who is inside for too long is given up, however many are before.
    #[test]
    fn as_long_as_others_move_nobody_gives_up() {
        let queue = Queue::default();
        let patience = Duration::from_secs(1);
        let first = queue.wait(patience).unwrap();
        thread::scope(|scope| {
            let visit = || {
                let mut turn = queue.wait(patience).expect("others move");
                turn.comes_in();
                thread::sleep(patience / 20);
            };
            for _ in 0..30 {
                scope.spawn(visit);
            }
            until_waiting(&queue, 30);
            drop(first);
        });
    }

    #[test]
    fn those_behind_one_that_gave_up_do_not_wait_anew() {
        let queue = Queue::default();
        thread::scope(|scope| {
            let first = queue.wait(LONG).unwrap();
            let begin = Instant::now();
            let tries: Vec<_> = (0..4).map(|_| scope.spawn(|| queue.wait(SHORT * 4).is_none())).collect();
            assert!(tries.into_iter().all(|gave_up| gave_up.join().unwrap()));
            assert!(begin.elapsed() < SHORT * 12, "{:?}", begin.elapsed());
            drop(first);
        });
    }
}
