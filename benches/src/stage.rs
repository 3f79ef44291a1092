//! Hosts beside each other, each on a thread of its own, that act in turn and never at the same time.

use std::sync::mpsc::{channel, Receiver, Sender};
use std::thread::{spawn, JoinHandle};

use testhost::Host;

/// A host that acts when it gets its cue. When it is dropped it takes down what it has, and is waited for.
#[derive(Debug)]
pub struct Player<T> {
    cues: Option<Sender<()>>,
    acts: Receiver<T>,
    thread: Option<JoinHandle<()>>,
}

/// What a host acts on.
#[derive(Debug)]
pub struct Stage<T> {
    cues: Receiver<()>,
    acts: Sender<T>,
}

impl<T: Send + 'static> Player<T> {
    /// A host that plays `part`, from the first cue on.
    pub fn new(part: impl FnOnce(&Host, &Stage<T>) + Send + 'static) -> Self {
        let ((cues, cued), (acts, acted)) = (channel(), channel());
        let stage = Stage { cues: cued, acts };
        let play = move || {
            if stage.cues.recv().is_ok() {
                testhost::host(move |host| part(host, &stage));
            }
        };
        Self { cues: Some(cues), acts: acted, thread: Some(spawn(play)) }
    }

    /// What it does next.
    ///
    /// # Panics
    /// When it has come to its end, or failed.
    pub fn act(&self) -> T {
        self.cues.as_ref().expect("a player").send(()).expect("a player that listens");
        self.acts.recv().expect("an act")
    }
}

impl<T> Drop for Player<T> {
    fn drop(&mut self) {
        self.cues = None;
        let ended = self.thread.take().map(JoinHandle::join);
        if !std::thread::panicking() {
            ended.transpose().expect("a player that took its things down");
        }
    }
}

impl<T> Stage<T> {
    /// Acts, and waits for the next cue; whether there was one.
    pub fn show(&self, act: T) -> bool {
        self.acts.send(act).is_ok() && self.cues.recv().is_ok()
    }
}
