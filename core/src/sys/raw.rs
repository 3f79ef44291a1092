//! One safe function a system call.

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

/// `NS_GET_NSTYPE`, `_IO(0xb7, 3)` of `include/uapi/linux/nsfs.h`.
const NS_GET_NSTYPE: libc::Ioctl = 0xb703;
/// Of `include/uapi/asm-generic/socket.h`.
const SO_NETNS_COOKIE: libc::c_int = 71;

fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(result)
    }
}

fn c_path(path: &Path) -> io::Result<CString> {
    CString::new(path.as_os_str().as_bytes()).map_err(|_| io::ErrorKind::InvalidInput.into())
}

/// `unshare(CLONE_NEWNET)`: the calling thread moves to a fresh network namespace.
pub(super) fn unshare_network() -> io::Result<()> {
    // SAFETY: unshare takes no pointer; CLONE_NEWNET changes the calling thread alone.
    check(unsafe { libc::unshare(libc::CLONE_NEWNET) }).map(drop)
}

/// `setns(fd, CLONE_NEWNET)`: the calling thread moves to the network namespace of `fd`.
pub(super) fn enter_network(fd: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: `fd` is open for the length of the call; the kernel refuses what is no network namespace.
    check(unsafe { libc::setns(fd.as_raw_fd(), libc::CLONE_NEWNET) }).map(drop)
}

/// Whether `fd` is a network namespace; anything else, a file on another filesystem too, is not.
pub(super) fn is_network_namespace(fd: BorrowedFd<'_>) -> io::Result<bool> {
    // SAFETY: statfs is plain old data, for which all zeroes is a value.
    let mut stat: libc::statfs = unsafe { std::mem::zeroed() };
    // SAFETY: `fd` is open and `stat` outlives the call that fills it.
    check(unsafe { libc::fstatfs(fd.as_raw_fd(), &raw mut stat) })?;
    if stat.f_type != libc::NSFS_MAGIC {
        return Ok(false);
    }
    // SAFETY: NS_GET_NSTYPE takes no argument, and `fd` was found to be on nsfs, which answers it.
    check(unsafe { libc::ioctl(fd.as_raw_fd(), NS_GET_NSTYPE) }).map(|kind| kind == libc::CLONE_NEWNET)
}

/// Whether `path` is on a bpf filesystem.
pub(crate) fn is_bpffs(path: &Path) -> io::Result<bool> {
    let path = c_path(path)?;
    // SAFETY: statfs is plain old data, for which all zeroes is a value.
    let mut stat: libc::statfs = unsafe { std::mem::zeroed() };
    // SAFETY: the string ends with NUL, and it and `stat` outlive the call.
    check(unsafe { libc::statfs(path.as_ptr(), &raw mut stat) })?;
    Ok(stat.f_type == libc::BPF_FS_MAGIC)
}

/// `openat(directory, path, O_WRONLY | O_CLOEXEC)`.
pub(super) fn open_to_write(directory: BorrowedFd<'_>, path: &Path) -> io::Result<OwnedFd> {
    let path = c_path(path)?;
    // SAFETY: the string ends with NUL, and it and `directory` outlive the call.
    let fd = check(unsafe {
        libc::openat(directory.as_raw_fd(), path.as_ptr(), libc::O_WRONLY | libc::O_CLOEXEC)
    })?;
    // SAFETY: the kernel has just opened `fd` for this call alone.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// `mount(source, target, MS_BIND)`.
pub(super) fn bind(source: &CStr, target: &Path) -> io::Result<()> {
    let target = c_path(target)?;
    // SAFETY: both strings end with NUL and outlive the call; a bind mount ignores type and data.
    check(unsafe {
        libc::mount(source.as_ptr(), target.as_ptr(), c"none".as_ptr(), libc::MS_BIND, std::ptr::null())
    })
    .map(drop)
}

/// `umount2(MNT_DETACH)` of the mount that `fd` was opened on.
pub(super) fn detach_open(fd: BorrowedFd<'_>) -> io::Result<()> {
    let target = c_path(Path::new(&format!("/proc/thread-self/fd/{}", fd.as_raw_fd())))?;
    // SAFETY: the string ends with NUL and outlives the call.
    check(unsafe { libc::umount2(target.as_ptr(), libc::MNT_DETACH) }).map(drop)
}

/// `openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)`: the same directory, to be locked by itself, also when
/// it has no name any more.
pub(crate) fn open_again(directory: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let flags = libc::O_RDONLY | libc::O_DIRECTORY | libc::O_CLOEXEC;
    // SAFETY: the string ends with NUL, and it and `directory` outlive the call.
    let fd = check(unsafe { libc::openat(directory.as_raw_fd(), c".".as_ptr(), flags) })?;
    // SAFETY: the kernel has just opened `fd` for this call alone.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// `flock(fd, LOCK_EX | LOCK_NB)`; false when another process holds the lock.
pub(crate) fn try_lock(fd: BorrowedFd<'_>) -> io::Result<bool> {
    try_flock(fd, libc::LOCK_EX)
}

/// `flock(fd, LOCK_SH | LOCK_NB)`; false when another process holds the lock for itself.
pub(super) fn try_lock_shared(fd: BorrowedFd<'_>) -> io::Result<bool> {
    try_flock(fd, libc::LOCK_SH)
}

fn try_flock(fd: BorrowedFd<'_>, operation: libc::c_int) -> io::Result<bool> {
    // SAFETY: flock takes no pointer and `fd` is open for the length of the call.
    match check(unsafe { libc::flock(fd.as_raw_fd(), operation | libc::LOCK_NB) }) {
        Ok(_) => Ok(true),
        Err(error) if error.raw_os_error() == Some(libc::EWOULDBLOCK) => Ok(false),
        Err(error) => Err(error),
    }
}

/// `flock(fd, LOCK_UN)`.
pub(crate) fn unlock(fd: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: flock takes no pointer and `fd` is open for the length of the call.
    check(unsafe { libc::flock(fd.as_raw_fd(), libc::LOCK_UN) }).map(drop)
}

/// `kill(pid, 0)`: whether there is a process of that number, the caller's to signal or not.
pub(super) fn process_exists(pid: u32) -> bool {
    let Some(pid) = libc::pid_t::try_from(pid).ok().filter(|pid| *pid > 0) else { return false };
    // SAFETY: kill takes no pointer, and signal 0 is never delivered.
    match check(unsafe { libc::kill(pid, 0) }) {
        Err(error) => error.raw_os_error() != Some(libc::ESRCH),
        Ok(_) => true,
    }
}

/// `kill(-group, SIGKILL)`: ends all processes of a process group.
pub(crate) fn kill_group(group: u32) -> io::Result<()> {
    // 0 and 1 would be the caller's own group and all processes there are.
    let group = libc::pid_t::try_from(group).ok().filter(|group| *group > 1);
    let group = group.ok_or(io::ErrorKind::InvalidInput)?;
    // SAFETY: kill takes no pointer.
    check(unsafe { libc::kill(-group, libc::SIGKILL) }).map(drop)
}

/// `pidfd_open(pid)`, from Linux 5.3 on: readable when the process has ended.
pub(crate) fn open_process(pid: u32) -> io::Result<OwnedFd> {
    // SAFETY: pidfd_open takes no pointer.
    let result = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    check(libc::c_int::try_from(result).unwrap_or(-1)).map(new_fd)
}

/// `memfd_create`: a file in memory alone, which is no program.
pub(crate) fn memory_file(name: &CStr) -> io::Result<OwnedFd> {
    // MFD_NOEXEC_SEAL of include/uapi/linux/memfd.h: known from Linux 6.3 on, where settings may ask for it.
    const NO_PROGRAM: libc::c_uint = 8;
    let create = |flags| {
        // SAFETY: the string ends with NUL and outlives the call.
        check(unsafe { libc::memfd_create(name.as_ptr(), libc::MFD_CLOEXEC | flags) }).map(new_fd)
    };
    match create(NO_PROGRAM) {
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => create(0),
        result => result,
    }
}

/// Runs `f` with all signals blocked on the calling thread, as threads that it starts have them then; but for
/// those that tell a thread of its own mistakes, which cannot wait.
pub(super) fn with_signals_blocked<T>(f: impl FnOnce() -> T) -> T {
    // SAFETY: sigset_t is plain old data, for which all zeroes is a value.
    let (mut all, mut before): (libc::sigset_t, libc::sigset_t) = unsafe { std::mem::zeroed() };
    // SAFETY: both sets outlive the calls; the mask is the calling thread's own.
    unsafe {
        libc::sigfillset(&raw mut all);
        for own in [libc::SIGBUS, libc::SIGFPE, libc::SIGILL, libc::SIGSEGV, libc::SIGSYS, libc::SIGTRAP] {
            libc::sigdelset(&raw mut all, own);
        }
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, &raw mut before);
    }
    let value = f();
    // SAFETY: the mask that was there before.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const before, std::ptr::null_mut()) };
    value
}

/// A number for good that the kernel sets to 0 in each child which is forked (`MADV_WIPEONFORK`); `None` where
/// it cannot.
pub(super) fn wiped_on_fork() -> Option<&'static AtomicU32> {
    // A page is the least that can be mapped.
    let size = std::mem::size_of::<AtomicU32>();
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    // SAFETY: a fresh mapping where the kernel likes, which nobody else knows of.
    let at =
        unsafe { libc::mmap(std::ptr::null_mut(), size, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0) };
    if at == libc::MAP_FAILED {
        return None;
    }
    // SAFETY: the mapping that was just made, by whole pages as the kernel counts.
    if unsafe { libc::madvise(at, size, libc::MADV_WIPEONFORK) } < 0 {
        // SAFETY: the same, to which there is no reference.
        unsafe { libc::munmap(at, size) };
        return None;
    }
    // SAFETY: it is aligned to a page, all zeroes, and stays mapped for good.
    Some(unsafe { &*at.cast::<AtomicU32>() })
}

/// `getsockopt(SO_NETNS_COOKIE)`, from Linux 5.14 on: a number that no other network namespace of this boot has.
pub(crate) fn namespace_cookie(socket: BorrowedFd<'_>) -> io::Result<u64> {
    let mut cookie = 0_u64;
    let mut length = std::mem::size_of::<u64>() as libc::socklen_t;
    // SAFETY: the buffer is as long as `length` says, and both outlive the call.
    check(unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            SO_NETNS_COOKIE,
            (&raw mut cookie).cast(),
            &raw mut length,
        )
    })?;
    Ok(cookie)
}

/// `setsockopt(SOL_SOCKET, option, value)` of an option that is an `int`.
pub(crate) fn set_socket_option(
    socket: BorrowedFd<'_>,
    option: libc::c_int,
    value: libc::c_int,
) -> io::Result<()> {
    let length = std::mem::size_of_val(&value) as libc::socklen_t;
    // SAFETY: the value is as long as `length` says, and outlives the call.
    let result = unsafe {
        libc::setsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, option, (&raw const value).cast(), length)
    };
    check(result).map(drop)
}

/// `poll(POLLIN)`: whether something can be read, or an error is to be fetched, within `timeout`, which counts
/// whole milliseconds.
pub(crate) fn wait_readable(fd: BorrowedFd<'_>, timeout: Duration) -> io::Result<bool> {
    wait_any_readable([Some(fd)], Some(timeout)).map(|[ready]| ready)
}

/// The same of several, until one is ready; those that are `None` never are. Without a timeout for good.
pub(crate) fn wait_any_readable<const N: usize>(
    fds: [Option<BorrowedFd<'_>>; N],
    timeout: Option<Duration>,
) -> io::Result<[bool; N]> {
    let entry = |fd: Option<BorrowedFd<'_>>| libc::pollfd {
        fd: fd.map_or(-1, |fd| fd.as_raw_fd()),
        events: libc::POLLIN,
        revents: 0,
    };
    let mut entries = fds.map(entry);
    let milliseconds =
        timeout.map_or(-1, |timeout| libc::c_int::try_from(timeout.as_millis()).unwrap_or(libc::c_int::MAX));
    // SAFETY: the entries outlive the call, and their descriptors are open as long; -1 is passed over.
    check(unsafe { libc::poll(entries.as_mut_ptr(), N as libc::nfds_t, milliseconds) })?;
    Ok(entries.map(|entry| entry.revents != 0))
}

/// `prlimit(RLIMIT_MEMLOCK)` of the calling process: what it was, before it is set to `new` if there is one.
pub(super) fn memory_limit(new: Option<libc::rlimit>) -> io::Result<libc::rlimit> {
    let mut old = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    let set = new.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    // SAFETY: both limits outlive the call; the kernel takes no new one where there is none.
    check(unsafe { libc::prlimit(0, libc::RLIMIT_MEMLOCK, set, &raw mut old) })?;
    Ok(old)
}

/// `bpf(command, attributes)`. The attributes are plain words of `union bpf_attr`; one that is an address is
/// that of something that the caller keeps.
fn bpf(command: libc::c_int, attributes: &mut [u64; 8]) -> io::Result<libc::c_int> {
    let size = std::mem::size_of_val(attributes);
    // SAFETY: the kernel reads and writes `size` bytes at most there, and what addresses in it lead to outlives
    // the call, as the callers below see to.
    let result = unsafe { libc::syscall(libc::SYS_bpf, command, attributes.as_mut_ptr(), size) };
    check(libc::c_int::try_from(result).unwrap_or(-1))
}

/// Two 32-bit attributes as they lie beside each other.
fn pair(first: u32, second: u32) -> u64 {
    let (first, second) = (first.to_ne_bytes(), second.to_ne_bytes());
    let mut bytes = [0; 8];
    bytes[..4].copy_from_slice(&first);
    bytes[4..].copy_from_slice(&second);
    u64::from_ne_bytes(bytes)
}

fn new_fd(fd: libc::c_int) -> OwnedFd {
    // SAFETY: the kernel has just opened `fd` for the caller alone.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

/// `BPF_MAP_CREATE` of an array that can be mapped into memory.
pub(crate) fn create_array(value_size: u32, entries: u32) -> io::Result<OwnedFd> {
    const BPF_MAP_TYPE_ARRAY: u32 = 2;
    const BPF_F_MMAPABLE: u32 = 1 << 10;
    let mut attributes = [0; 8];
    attributes[0] = pair(BPF_MAP_TYPE_ARRAY, 4);
    attributes[1] = pair(value_size, entries);
    attributes[2] = pair(BPF_F_MMAPABLE, 0);
    bpf(0, &mut attributes).map(new_fd)
}

/// `BPF_MAP_LOOKUP_ELEM` of a map with keys of four and values of 64 bytes.
pub(crate) fn look_up_entry(map: BorrowedFd<'_>, key: u32) -> io::Result<[u64; 8]> {
    let mut value = [0_u64; 8];
    let mut attributes = [0; 8];
    attributes[0] = pair(map.as_raw_fd().cast_unsigned(), 0);
    attributes[1] = (&raw const key).expose_provenance() as u64;
    attributes[2] = value.as_mut_ptr().expose_provenance() as u64;
    bpf(1, &mut attributes)?;
    Ok(value)
}

/// `BPF_MAP_FREEZE`: only programs can write the map from now on.
pub(crate) fn freeze_map(map: BorrowedFd<'_>) -> io::Result<()> {
    let mut attributes = [0; 8];
    attributes[0] = pair(map.as_raw_fd().cast_unsigned(), 0);
    bpf(22, &mut attributes).map(drop)
}

/// What the kernel has against a program.
pub(crate) struct Refusal {
    pub(crate) error: io::Error,
    /// The verifier's words; empty where it was not asked.
    pub(crate) log: String,
}

/// `BPF_PROG_LOAD` of a classifier (`BPF_PROG_TYPE_SCHED_CLS`). `I` is an instruction of eight bytes.
pub(crate) fn load_classifier<I>(name: &str, program: &[I], license: &CStr) -> Result<OwnedFd, Refusal> {
    const BPF_PROG_TYPE_SCHED_CLS: u32 = 3;
    const { assert!(std::mem::size_of::<I>() == 8) };
    let mut attributes = [0; 8];
    attributes[0] = pair(BPF_PROG_TYPE_SCHED_CLS, program.len() as u32);
    attributes[1] = program.as_ptr().expose_provenance() as u64;
    attributes[2] = license.as_ptr().expose_provenance() as u64;
    for (place, byte) in name.bytes().take(15).enumerate() {
        attributes[6 + place / 8] |= u64::from(byte) << (8 * (place % 8));
    }
    let error = match bpf(5, &mut attributes) {
        Ok(fd) => return Ok(new_fd(fd)),
        Err(error) => error,
    };
    if !matches!(error.raw_os_error(), Some(libc::EINVAL | libc::EACCES)) {
        return Err(Refusal { error, log: String::new() });
    }
    let mut log = vec![0_u8; 64 << 10];
    attributes[3] = pair(1, log.len() as u32);
    attributes[4] = log.as_mut_ptr().expose_provenance() as u64;
    match bpf(5, &mut attributes) {
        Ok(fd) => Ok(new_fd(fd)),
        Err(error) => {
            let said = log.split(|byte| *byte == 0).next().unwrap_or_default();
            Err(Refusal { error, log: String::from_utf8_lossy(said).trim().to_owned() })
        }
    }
}

/// `BPF_OBJ_PIN`.
pub(crate) fn pin(object: BorrowedFd<'_>, path: &Path) -> io::Result<()> {
    let path = c_path(path)?;
    let mut attributes = [0; 8];
    attributes[0] = path.as_ptr().expose_provenance() as u64;
    attributes[1] = pair(object.as_raw_fd().cast_unsigned(), 0);
    bpf(6, &mut attributes).map(drop)
}

/// `BPF_OBJ_GET`: what is pinned at `path`, to read alone when `read_only`.
pub(crate) fn open_pin(path: &Path, read_only: bool) -> io::Result<OwnedFd> {
    const BPF_F_RDONLY: u32 = 1 << 3;
    let path = c_path(path)?;
    let mut attributes = [0; 8];
    attributes[0] = path.as_ptr().expose_provenance() as u64;
    attributes[1] = pair(0, if read_only { BPF_F_RDONLY } else { 0 });
    bpf(7, &mut attributes).map(new_fd)
}

/// Type, key size, value size and number of entries of a map (`BPF_OBJ_GET_INFO_BY_FD`); of anything else
/// numbers that fit no map of ours.
pub(crate) fn map_shape(map: BorrowedFd<'_>) -> io::Result<[u32; 4]> {
    // type, id, key_size, value_size, max_entries, map_flags of `struct bpf_map_info`.
    let mut info = [0_u32; 6];
    let mut attributes = [0; 8];
    let length = std::mem::size_of_val(&info) as u32;
    attributes[0] = pair(map.as_raw_fd().cast_unsigned(), length);
    attributes[1] = info.as_mut_ptr().expose_provenance() as u64;
    bpf(15, &mut attributes)?;
    Ok([info[0], info[2], info[3], info[4]])
}

/// Random bytes of the kernel's generator.
pub(crate) fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    // SAFETY: the buffer is `N` bytes long and outlives the call.
    let filled = unsafe { libc::getrandom(bytes.as_mut_ptr().cast(), N, 0) };
    assert!(usize::try_from(filled) == Ok(N), "getrandom of {N} bytes cannot fail or be short");
    bytes
}
