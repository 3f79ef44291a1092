//! Memory that the kernel's arrays of counters share with this process.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr::NonNull;
use std::sync::atomic::AtomicU64;

/// An array of 64-bit words that others, the kernel's programs among them, may write at any time.
///
/// It stays as long as this value, also when its pin is removed.
struct Mapping {
    at: NonNull<AtomicU64>,
    words: usize,
}

// SAFETY: it is shared memory that is read and written by atomic operations alone, from any thread.
unsafe impl Send for Mapping {}
// SAFETY: the same.
unsafe impl Sync for Mapping {}

impl Mapping {
    fn new(map: BorrowedFd<'_>, words: usize, protection: libc::c_int) -> io::Result<Self> {
        let length = words * size_of::<u64>();
        // SAFETY: a fresh mapping where the kernel likes; it refuses what is longer than the map.
        let at = unsafe {
            libc::mmap(std::ptr::null_mut(), length, protection, libc::MAP_SHARED, map.as_raw_fd(), 0)
        };
        if at == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let at = NonNull::new(at.cast()).ok_or(io::ErrorKind::AddrNotAvailable)?;
        Ok(Self { at, words })
    }

    fn words(&self) -> &[AtomicU64] {
        // SAFETY: mapped and aligned to a page for as long as `self` is, and written by nobody but atomically:
        // words of a processor's own size are.
        unsafe { std::slice::from_raw_parts(self.at.as_ptr(), self.words) }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the mapping that `new` made, to which no reference outlives `self`.
        unsafe { libc::munmap(self.at.as_ptr().cast(), self.words * size_of::<u64>()) };
    }
}

/// Words to read.
pub(crate) struct SharedReader(Mapping);

impl SharedReader {
    pub(crate) fn new(map: BorrowedFd<'_>, words: usize) -> io::Result<Self> {
        Mapping::new(map, words, libc::PROT_READ).map(Self)
    }

    /// So many words from `at` on; none past the end.
    #[inline]
    pub(crate) fn words(&self, at: usize, count: usize) -> &[AtomicU64] {
        self.0.words().get(at..at + count).unwrap_or_default()
    }

    pub(crate) fn address(&self) -> *const u64 {
        self.0.at.as_ptr().cast_const().cast()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.words
    }
}

/// Words to read and to write.
pub(crate) struct SharedWords(Mapping);

impl SharedWords {
    pub(crate) fn new(map: BorrowedFd<'_>, words: usize) -> io::Result<Self> {
        Mapping::new(map, words, libc::PROT_READ | libc::PROT_WRITE).map(Self)
    }

    /// The words at `at` and following.
    ///
    /// # Panics
    /// When there are none: numbers of words come from this library alone.
    #[inline]
    pub(crate) fn array<const N: usize>(&self, at: usize) -> &[AtomicU64; N] {
        self.0.words()[at..].first_chunk().expect("the table is as long as its header says")
    }

    /// The word at `at`.
    ///
    /// # Panics
    /// When there is none: numbers of words come from this library alone.
    #[inline]
    pub(crate) fn word(&self, at: usize) -> &AtomicU64 {
        &self.0.words()[at]
    }
}
