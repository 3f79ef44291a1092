use std::fs::File;
use std::panic::resume_unwind;
use std::thread::{self, Builder};

use nix::sched::{setns, CloneFlags};

/// Runs `f` on a thread of its own in the namespace called `namespace` under `/run/netns`, or in the calling
/// thread's own if that is empty, and returns its result.
///
/// # Panics
/// With the payload of `f`, when `f` panics; when there is no such namespace.
#[track_caller]
pub fn inside<T: Send>(namespace: &str, f: impl FnOnce() -> T + Send) -> T {
    let mut builder = Builder::new();
    if let Some(name) = thread::current().name() {
        builder = builder.name(name.to_owned());
    }
    let run = || {
        enter(namespace);
        f()
    };
    thread::scope(|scope| {
        let started = builder.spawn_scoped(scope, run);
        let thread = started.unwrap_or_else(|e| panic!("testhost: starting a thread: {e}"));
        thread.join().unwrap_or_else(|payload| resume_unwind(payload))
    })
}

/// Moves the calling thread into the namespace called `namespace`, unless that is empty.
pub(crate) fn enter(namespace: &str) {
    if namespace.is_empty() {
        return;
    }
    let path = format!("/run/netns/{namespace}");
    let file = File::open(&path).unwrap_or_else(|e| panic!("testhost: {path}: {e}"));
    setns(file, CloneFlags::CLONE_NEWNET).unwrap_or_else(|e| panic!("testhost: entering {path}: {e}"));
}
