//! What SQLite has to be told of forks.

use std::ffi::{c_char, c_int};
use std::ptr;
use std::sync::Once;

use rusqlite::ffi;

/// Lets a forked child open a store that its parent has open; to be called before any is opened.
pub(crate) fn survive_forks() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tell_processes_apart();
        let_go_of_locks();
    });
}

/// SQLite knows by device and inode which of a process's connections are to the same file, and that they hold
/// its locks together. A child inherits that knowledge, but no lock: it would go without those that the parent
/// held, and find taken for ever those that another thread was holding. So each process is shown inodes of
/// its own, and a file that the parent has open is another one to the child.
fn tell_processes_apart() {
    if cfg!(not(target_pointer_width = "64")) {
        return; // SQLite's struct stat would be another one than ours.
    }
    // SAFETY: these have the types of the system calls that they stand in for, which SQLite documents by
    // these names, and the VFS is a static of SQLite's.
    unsafe {
        let Some(vfs) = ffi::sqlite3_vfs_find(ptr::null()).as_mut() else { return };
        let Some(set) = vfs.xSetSystemCall else { return };
        let fstat = std::mem::transmute::<Fstat, ffi::sqlite3_syscall_ptr>(own_fstat);
        let stat = std::mem::transmute::<Stat, ffi::sqlite3_syscall_ptr>(own_stat);
        set(vfs, c"fstat".as_ptr(), fstat);
        set(vfs, c"stat".as_ptr(), stat);
    }
}

/// SQLite's locks that belong to no connection, those that are taken inside of others last.
const SHARED: [c_int; 7] = [
    ffi::SQLITE_MUTEX_STATIC_MAIN,
    ffi::SQLITE_MUTEX_STATIC_VFS1,
    ffi::SQLITE_MUTEX_STATIC_OPEN,
    ffi::SQLITE_MUTEX_STATIC_LRU,
    ffi::SQLITE_MUTEX_STATIC_PMEM,
    ffi::SQLITE_MUTEX_STATIC_PRNG,
    ffi::SQLITE_MUTEX_STATIC_MEM,
];

/// A thread that holds one of them as another one forks is missing in the child, which would wait for it for
/// ever. So who forks waits for them, and has them all.
fn let_go_of_locks() {
    // SAFETY: the handlers are ordinary functions; the allocator of SQLite is ready after this.
    let set = unsafe {
        ffi::sqlite3_initialize();
        libc::pthread_atfork(Some(before_fork), Some(after_fork), Some(after_fork))
    };
    if set != 0 {
        log::warn!("a child that is forked while another thread uses the store may hang: no memory");
    }
}

unsafe extern "C" fn before_fork() {
    for lock in SHARED {
        // SAFETY: these are statics of SQLite's; nothing of it is called with them held.
        unsafe { ffi::sqlite3_mutex_enter(ffi::sqlite3_mutex_alloc(lock)) };
    }
}

unsafe extern "C" fn after_fork() {
    for lock in SHARED.into_iter().rev() {
        // SAFETY: the thread that forked has entered it.
        unsafe { ffi::sqlite3_mutex_leave(ffi::sqlite3_mutex_alloc(lock)) };
    }
}

type Fstat = unsafe extern "C" fn(c_int, *mut libc::stat) -> c_int;
type Stat = unsafe extern "C" fn(*const c_char, *mut libc::stat) -> c_int;

unsafe extern "C" fn own_fstat(fd: c_int, at: *mut libc::stat) -> c_int {
    // SAFETY: SQLite calls it as it would call fstat(2).
    unsafe { shift(libc::fstat(fd, at), at) }
}

unsafe extern "C" fn own_stat(path: *const c_char, at: *mut libc::stat) -> c_int {
    // SAFETY: SQLite calls it as it would call stat(2).
    unsafe { shift(libc::stat(path, at), at) }
}

/// # Safety
/// `at` was filled in when `result` is 0.
unsafe fn shift(result: c_int, at: *mut libc::stat) -> c_int {
    if result == 0 {
        // The high bits: few files have them.
        // SAFETY: the same.
        unsafe { (*at).st_ino ^= libc::ino_t::from(std::process::id()).rotate_right(32) };
    }
    result
}
