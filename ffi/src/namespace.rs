//! Network namespaces as such, whoever made them.

use std::ffi::{c_char, c_void};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, IntoRawFd};
use std::path::Path;

use netns::{Error, Namespace, Result};

use crate::boundary::{call, discard, give, required};
use crate::error::netns_error;
use crate::text::text;

/// A network namespace, kept alive by an open descriptor (network_namespaces(7)). A forked child may use
/// those that it inherits.
pub struct netns_namespace(Namespace);

fn get(ns: Option<&netns_namespace>) -> Result<&Namespace> {
    Ok(&required(ns, "ns")?.0)
}

/// Hands out the namespace that `open` opens.
pub(crate) fn give_namespace(
    ret_namespace: Option<&mut MaybeUninit<*mut netns_namespace>>,
    open: impl FnOnce() -> Result<Namespace>,
) -> Result<()> {
    let ret_namespace = required(ret_namespace, "ret_namespace")?;
    give(ret_namespace, netns_namespace(open()?));
    Ok(())
}

/// A second descriptor of a namespace, close-on-exec, for the caller.
pub(crate) fn give_fd(ret_fd: Option<&mut MaybeUninit<i32>>, namespace: &Namespace) -> Result<()> {
    let ret_fd = required(ret_fd, "ret_fd")?;
    ret_fd.write(duplicate(namespace.as_fd())?.into_raw_fd());
    Ok(())
}

fn duplicate(fd: BorrowedFd<'_>) -> Result<std::os::fd::OwnedFd> {
    fd.try_clone_to_owned().map_err(|error| {
        Error::from_errno("duplicate", "a descriptor", error.raw_os_error().unwrap_or(libc::EBADF))
    })
}

/// What runs inside a namespace; what it returns is passed on.
pub type netns_run_callback = Option<unsafe extern "C" fn(user: *mut c_void) -> i32>;

/// Runs a function of the caller's inside.
pub(crate) fn run_inside(
    namespace: &Namespace,
    callback: netns_run_callback,
    user: *mut c_void,
    ret_value: Option<&mut MaybeUninit<i32>>,
) -> Result<()> {
    let callback = required(callback, "callback")?;
    // SAFETY: the caller's own function with the caller's own pointer.
    let value = namespace.run(|| unsafe { callback(user) })?;
    if let Some(ret_value) = ret_value {
        ret_value.write(value);
    }
    Ok(())
}

/// The calling thread's namespace.
///
/// @param ret_namespace  the namespace, for netns_namespace_free
/// @param ret_error      what went wrong; may be NULL
/// @return 0; NETNS_STATUS_NOT_FOUND when /proc is not mounted
#[no_mangle]
pub extern "C" fn netns_namespace_current(
    ret_namespace: Option<&mut MaybeUninit<*mut netns_namespace>>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || give_namespace(ret_namespace, Namespace::current))
}

/// A fresh namespace that nothing but the object keeps alive.
///
/// @param ret_namespace  the namespace, for netns_namespace_free
/// @param ret_error      what went wrong; may be NULL
/// @return 0; NETNS_STATUS_PERMISSION_DENIED without CAP_SYS_ADMIN; NETNS_STATUS_RESOURCE_EXHAUSTED when
///         user.max_net_namespaces is reached
#[no_mangle]
pub extern "C" fn netns_namespace_create(
    ret_namespace: Option<&mut MaybeUninit<*mut netns_namespace>>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || give_namespace(ret_namespace, Namespace::create))
}

/// The namespace that a file names: a bind mount such as /run/netns/web, or /proc/PID/ns/net.
///
/// @param path           the file
/// @param ret_namespace  the namespace, for netns_namespace_free
/// @param ret_error      what went wrong; may be NULL
/// @return 0; NETNS_STATUS_NOT_FOUND when there is no such file; NETNS_STATUS_BAD_REQUEST when it is no network
///         namespace
#[no_mangle]
pub unsafe extern "C" fn netns_namespace_open(
    path: *const c_char,
    ret_namespace: Option<&mut MaybeUninit<*mut netns_namespace>>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        // SAFETY: a string by the header's rules.
        let path = unsafe { text(path, "path") }?;
        give_namespace(ret_namespace, || Namespace::open(Path::new(path)))
    })
}

/// The network namespace of a process.
///
/// @param pid            the process's number
/// @param ret_namespace  the namespace, for netns_namespace_free
/// @param ret_error      what went wrong; may be NULL
/// @return 0; NETNS_STATUS_NOT_FOUND when there is no such process; NETNS_STATUS_PERMISSION_DENIED when it is
///         not the caller's to inspect
#[no_mangle]
pub extern "C" fn netns_namespace_of_pid(
    pid: u32,
    ret_namespace: Option<&mut MaybeUninit<*mut netns_namespace>>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || give_namespace(ret_namespace, || Namespace::from_pid(pid)))
}

/// The namespace of a descriptor, which stays the caller's.
///
/// @param fd             the descriptor
/// @param ret_namespace  the namespace, for netns_namespace_free
/// @param ret_error      what went wrong; may be NULL
/// @return 0; NETNS_STATUS_BAD_REQUEST when it is no descriptor of a network namespace
#[no_mangle]
pub extern "C" fn netns_namespace_of_fd(
    fd: i32,
    ret_namespace: Option<&mut MaybeUninit<*mut netns_namespace>>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || give_namespace(ret_namespace, || with_fd(fd, |fd| Namespace::from_fd(duplicate(fd)?))))
}

/// Lends a descriptor of the caller's to `f`.
pub(crate) fn with_fd<T>(fd: i32, f: impl FnOnce(BorrowedFd<'_>) -> Result<T>) -> Result<T> {
    // SAFETY: a number and a flag; what it is of, the kernel knows.
    if fd < 0 || unsafe { libc::fcntl(fd, libc::F_GETFD) } < 0 {
        return Err(Error::bad_request("use argument", format!("fd, {fd}"), "it is no open descriptor"));
    }
    // SAFETY: it is open, and the caller keeps it so meanwhile.
    f(unsafe { BorrowedFd::borrow_raw(fd) })
}

/// Mounts the namespace on a new file, so that it outlives its descriptors and others can open it. Under
/// /run/netns, `ip netns` sees it.
///
/// @param ns         the namespace
/// @param path       the file; its directory is made when it is missing
/// @param ret_error  what went wrong; may be NULL
/// @return 0; NETNS_STATUS_ALREADY_EXISTS when something other than a stale empty file is there;
///         NETNS_STATUS_PERMISSION_DENIED without CAP_SYS_ADMIN. Nothing is left behind.
#[no_mangle]
pub unsafe extern "C" fn netns_namespace_persist(
    ns: Option<&netns_namespace>,
    path: *const c_char,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        let namespace = get(ns)?;
        // SAFETY: a string by the header's rules.
        namespace.persist(Path::new(unsafe { text(path, "path") }?))
    })
}

/// Unmounts and removes what netns_namespace_persist made; no error when it is gone.
///
/// @param path       the file
/// @param ret_error  what went wrong; may be NULL
/// @return 0; NETNS_STATUS_FORBIDDEN for a file that is not one of those
#[no_mangle]
pub unsafe extern "C" fn netns_namespace_forget(
    path: *const c_char,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        // SAFETY: a string by the header's rules.
        Namespace::forget(Path::new(unsafe { text(path, "path") }?))
    })
}

/// The device number of its file: with the inode number it tells one namespace from another (namespaces(7)).
///
/// @param ns         the namespace; may be NULL, and the answer is 0 then
#[no_mangle]
pub extern "C" fn netns_namespace_device(ns: Option<&netns_namespace>) -> u64 {
    ns.map_or(0, |ns| ns.0.id().device)
}

/// The inode number of its file, as in `readlink /proc/self/ns/net`.
///
/// @param ns         the namespace; may be NULL, and the answer is 0 then
#[no_mangle]
pub extern "C" fn netns_namespace_inode(ns: Option<&netns_namespace>) -> u64 {
    ns.map_or(0, |ns| ns.0.id().inode)
}

/// A descriptor of the namespace, close-on-exec, which the caller closes.
///
/// @param ns         the namespace
/// @param ret_fd     the descriptor
/// @param ret_error  what went wrong; may be NULL
/// @return 0; NETNS_STATUS_RESOURCE_EXHAUSTED at the limit of descriptors
#[no_mangle]
pub extern "C" fn netns_namespace_fd(
    ns: Option<&netns_namespace>,
    ret_fd: Option<&mut MaybeUninit<i32>>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || give_fd(ret_fd, get(ns)?))
}

/// Runs a function with the calling thread inside, as netns_sandbox_run does.
///
/// @param ns         the namespace
/// @param callback   the function, called once, on the calling thread
/// @param user       is handed to it as it is; may be NULL
/// @param ret_value  what the function returned; may be NULL
/// @param ret_error  what went wrong; may be NULL
/// @return 0 when the function ran, whatever it returned; NETNS_STATUS_PERMISSION_DENIED without CAP_SYS_ADMIN
#[no_mangle]
pub unsafe extern "C" fn netns_namespace_run(
    ns: Option<&netns_namespace>,
    callback: netns_run_callback,
    user: *mut c_void,
    ret_value: Option<&mut MaybeUninit<i32>>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || run_inside(get(ns)?, callback, user, ret_value))
}

/// Frees the object; a namespace that nothing else keeps alive goes with it.
///
/// @param ns         the object; may be NULL
#[no_mangle]
pub extern "C" fn netns_namespace_free(ns: Option<Box<netns_namespace>>) {
    discard(ns);
}
