//! Which version of a file one has seen.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;

/// What tells a version of a file from any other, as cheap as one stat(2).
///
/// Kernels before 6.13 stamp with the clock's tick, up to 10 ms: two writes in place within one tick,
/// of the same length, look like one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    /// Seconds and nanoseconds since the epoch.
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}
