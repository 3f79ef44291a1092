//! Network namespaces as open descriptors.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use once_cell::sync::Lazy;
use serde::{Deserialize, Serialize};

use super::raw;
use crate::error::{Error, ErrorKind, Result};

const CURRENT: &str = "/proc/thread-self/ns/net";

/// A network namespace, kept alive by an open descriptor (network_namespaces(7)).
///
/// Cloning shares nothing: use [`Namespace::try_clone`], which duplicates the descriptor.
pub struct Namespace {
    fd: OwnedFd,
    id: NamespaceId,
    life: NamespaceLife,
}

/// What tells one namespace from another: device and inode number of its file (namespaces(7)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NamespaceId {
    /// Device number of nsfs.
    pub device: u64,
    /// Inode number, as in `readlink /proc/self/ns/net`.
    pub inode: u64,
}

impl Namespace {
    /// The calling thread's namespace.
    ///
    /// # Errors
    /// NotFound when `/proc` is not mounted; ResourceExhausted at the limit of open files.
    pub fn current() -> Result<Self> {
        let file = File::open(CURRENT).map_err(|error| Error::from_io("open namespace", CURRENT, error))?;
        Self::identified(file, &CURRENT)
    }

    /// A fresh namespace that nothing but the returned descriptor keeps alive.
    /// The calling thread is back in its own namespace when this returns.
    ///
    /// # Errors
    /// PermissionDenied without `CAP_SYS_ADMIN`; ResourceExhausted when
    /// `user.max_net_namespaces` is reached.
    pub fn create() -> Result<Self> {
        Self::create_from(&Self::current()?, |_| Ok(())).map(|(namespace, ())| namespace)
    }

    /// As [`Namespace::create`], with `inside` run in the new namespace before the thread comes back
    /// to `home`, which is its own.
    ///
    /// Entering the namespace that the thread is in already takes the rights that coming back will:
    /// without them, as in a user namespace alone, the thread must not leave.
    pub(crate) fn create_from<T>(home: &Self, inside: impl FnOnce(&Self) -> Result<T>) -> Result<(Self, T)> {
        let left = raw::enter_network(home.fd.as_fd()).and_then(|()| raw::unshare_network());
        left.map_err(|error| {
            let error = Error::from_io("create", "network namespace", error);
            match error.kind() {
                ErrorKind::PermissionDenied => error.with_cause(
                    "CAP_SYS_ADMIN is needed: run as root, or in a user namespace with a network namespace of its own",
                ),
                ErrorKind::ResourceExhausted => {
                    error.with_cause("user.max_net_namespaces or memory is used up")
                }
                _ => error,
            }
        })?;
        let _way_back = WayBack { home, left: true };
        let namespace = Self::current()?;
        let value = inside(&namespace)?;
        Ok((namespace, value))
    }

    /// The namespace that a file names: a bind mount such as `/run/netns/web`, or `/proc/PID/ns/net`.
    ///
    /// # Errors
    /// NotFound when there is no such file; BadRequest when it is no network namespace.
    pub fn open(path: &Path) -> Result<Self> {
        let file = OpenOptions::new()
            .read(true)
            .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
            .open(path)
            .map_err(|error| match error.raw_os_error() {
            // A socket cannot even be opened.
            Some(libc::ENXIO) => not_a_namespace(&path.display()),
            _ => Error::from_io("open namespace", path.display().to_string(), error),
        })?;
        Self::checked(file.into(), &path.display())
    }

    /// Whether a namespace is mounted at `path`, of whatever kind: a single system call tells.
    pub(crate) fn is_mounted(path: &Path) -> bool {
        static NSFS: Lazy<Option<u64>> = Lazy::new(|| Some(std::fs::metadata(CURRENT).ok()?.dev()));
        NSFS.is_some_and(|nsfs| std::fs::metadata(path).is_ok_and(|file| file.dev() == nsfs))
    }

    /// The network namespace of a process.
    ///
    /// # Errors
    /// NotFound when there is no process `pid`; PermissionDenied when it is not the caller's to inspect.
    pub fn from_pid(pid: u32) -> Result<Self> {
        Self::open(Path::new(&format!("/proc/{pid}/ns/net")))
    }

    /// The namespace of a descriptor that the caller hands over.
    ///
    /// # Errors
    /// BadRequest when it is no network namespace.
    pub fn from_fd(fd: OwnedFd) -> Result<Self> {
        Self::checked(fd, &"of a descriptor")
    }

    fn checked(fd: OwnedFd, subject: &dyn fmt::Display) -> Result<Self> {
        let failed = |error| Error::from_io("open namespace", subject.to_string(), error);
        if !raw::is_network_namespace(fd.as_fd()).map_err(failed)? {
            return Err(not_a_namespace(subject));
        }
        Self::identified(File::from(fd), subject)
    }

    fn identified(file: File, subject: &dyn fmt::Display) -> Result<Self> {
        let metadata =
            file.metadata().map_err(|error| Error::from_io("open namespace", subject.to_string(), error))?;
        let (id, life) = (NamespaceId::told_by(&metadata), NamespaceLife::of(&metadata));
        Ok(Self { fd: file.into(), id, life })
    }

    /// Bind-mounts the namespace on a new file at `path`, so that it outlives its descriptors and
    /// others can open it; the directory is made when it is missing. Under `/run/netns`,
    /// `ip netns` sees it. [`Namespace::forget`] undoes it.
    ///
    /// # Errors
    /// AlreadyExists when something other than a stale empty file is there; PermissionDenied without
    /// `CAP_SYS_ADMIN`. Nothing is left behind.
    pub fn persist(&self, path: &Path) -> Result<()> {
        super::mount::persist(self, path)
    }

    /// Unmounts and removes what [`Namespace::persist`] made at `path`; no error when it is gone.
    ///
    /// # Errors
    /// Forbidden for a file that is not one of those; PermissionDenied without `CAP_SYS_ADMIN`.
    pub fn forget(path: &Path) -> Result<()> {
        super::mount::forget(path, None)
    }

    /// As [`Namespace::forget`], but leaves what was made at `path` for another namespace since.
    pub(crate) fn forget_own(&self, path: &Path) -> Result<()> {
        super::mount::forget(path, Some(self.id))
    }

    /// A second handle of the same namespace.
    ///
    /// # Errors
    /// ResourceExhausted at the limit of open files.
    pub fn try_clone(&self) -> Result<Self> {
        let fd = self.fd.try_clone().map_err(|error| {
            Error::from_io("duplicate descriptor of namespace", self.id.to_string(), error)
        })?;
        Ok(Self { fd, id: self.id, life: self.life })
    }

    /// The namespace's identity: two handles of one namespace have the same.
    pub fn id(&self) -> NamespaceId {
        self.id
    }

    /// Takes the calling thread into the namespace for good. On an error it is where it was.
    pub(crate) fn enter(&self) -> Result<()> {
        raw::enter_network(self.fd.as_fd())
            .map_err(|error| Error::from_io("enter namespace", self.id.to_string(), error))
    }

    /// Runs `f` with the calling thread inside the namespace, and comes back whatever `f` does.
    ///
    /// Threads that `f` starts, and processes, stay inside. If the way back fails the process
    /// aborts with a message: no caller could go on in a namespace that it does not expect.
    ///
    /// # Errors
    /// PermissionDenied without `CAP_SYS_ADMIN` over the namespace, over the thread's own to come back
    /// to, and in the caller's user namespace.
    ///
    /// # Panics
    /// A panic of `f` goes on once the thread is back.
    pub fn run<T>(&self, f: impl FnOnce() -> T) -> Result<T> {
        self.run_from(&Self::current()?, f)
    }

    /// [`Namespace::run`] of a thread that is known to be in `home`.
    pub(crate) fn run_from<T>(&self, home: &Self, f: impl FnOnce() -> T) -> Result<T> {
        if home.id == self.id {
            // Nothing to enter, but `f` may leave.
            let _way_back = WayBack { home, left: false };
            return Ok(f());
        }
        let entered = raw::enter_network(home.fd.as_fd()).and_then(|()| raw::enter_network(self.fd.as_fd()));
        entered.map_err(|error| {
            let error = Error::from_io("enter namespace", self.id.to_string(), error);
            match error.kind() {
                ErrorKind::PermissionDenied => error.with_cause(
                    "CAP_SYS_ADMIN over it and over the thread's own network namespace is needed",
                ),
                _ => error,
            }
        })?;
        let _way_back = WayBack { home, left: true };
        Ok(f())
    }
}

fn not_a_namespace(subject: &dyn fmt::Display) -> Error {
    Error::bad_request("open namespace", subject.to_string(), "this is no network namespace")
}

impl AsFd for Namespace {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl fmt::Debug for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Namespace({})", self.id)
    }
}

/// A namespace of this boot, told from another that has its number by now: the kernel gives out the lowest
/// number that is free. The kernel keeps the birth of the file as long as it is mounted or open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NamespaceLife {
    device: u64,
    inode: u64,
    /// Nanoseconds since 1970.
    born: i64,
}

impl NamespaceLife {
    /// That of the namespace which is mounted at `path`; `None` when there is nothing.
    pub(crate) fn at(path: &Path) -> Option<Self> {
        std::fs::metadata(path).ok().map(|file| Self::of(&file))
    }

    /// Device and inode of its file.
    pub(crate) fn numbers(self) -> (u64, u64) {
        (self.device, self.inode)
    }

    fn of(file: &std::fs::Metadata) -> Self {
        let born = file.ctime().saturating_mul(1_000_000_000).saturating_add(file.ctime_nsec());
        Self { device: file.dev(), inode: file.ino(), born }
    }
}

impl Namespace {
    /// Which life of its number this is.
    pub(crate) fn life(&self) -> NamespaceLife {
        self.life
    }

    /// Of those devices and inodes the namespaces that a thread of any process is in, or that are mounted, as far as
    /// can be seen.
    pub(crate) fn find(wanted: &HashSet<(u64, u64)>) -> HashMap<(u64, u64), Self> {
        let mut found = HashMap::new();
        if wanted.is_empty() {
            return found;
        }
        let by_thread = NamespaceId::of_threads().filter(|(_, numbers)| wanted.contains(numbers));
        let is_wanted = |inode| wanted.iter().any(|(_, wanted)| *wanted == inode);
        let mounted = Self::mounts().unwrap_or_default().into_iter().filter(|(_, inode)| is_wanted(*inode));
        for path in by_thread.map(|(path, _)| path).chain(mounted.map(|(path, _)| path)) {
            if let Ok(namespace) = Self::open(&path) {
                found.insert(namespace.id.numbers(), namespace);
            }
        }
        found.retain(|numbers, _| wanted.contains(numbers));
        found
    }

    /// The number of the calling thread's mount namespace: what is mounted is seen by it alone.
    pub(crate) fn of_mounts() -> u64 {
        std::fs::metadata("/proc/thread-self/ns/mnt").map_or(0, |file| file.ino())
    }

    /// Where namespaces are mounted, as far as the calling thread sees: paths, with the numbers of the
    /// namespaces.
    pub(crate) fn mounts() -> Result<Vec<(PathBuf, u64)>> {
        const MOUNTS: &str = "/proc/thread-self/mountinfo";
        let text = std::fs::read_to_string(MOUNTS).map_err(|error| Error::from_io("read", MOUNTS, error))?;
        let mount = |line: &str| {
            let words: Vec<_> = line.split(' ').collect();
            let number = words.get(3)?.strip_prefix("net:[")?.strip_suffix(']')?.parse().ok()?;
            Some((PathBuf::from(unescape(words.get(4)?)), number))
        };
        Ok(text.lines().filter_map(mount).collect())
    }
}

/// `\\040` for a space, and so on, as the kernel writes paths in `/proc`.
fn unescape(path: &str) -> String {
    let mut parts = path.split('\\');
    let mut text = parts.next().unwrap_or("").to_owned();
    for part in parts {
        match part.split_at_checked(3).map(|(octal, rest)| (u8::from_str_radix(octal, 8), rest)) {
            Some((Ok(byte), rest)) => text.extend([char::from(byte).to_string().as_str(), rest]),
            _ => text.extend(["\\", part]),
        }
    }
    text
}

impl NamespaceId {
    /// Whether a thread of any process that can be seen is in the namespace.
    pub(crate) fn has_threads(device: u64, inode: u64) -> bool {
        Self::of_threads().any(|(_, numbers)| numbers == (device, inode))
    }

    /// The files of the namespaces of all threads that can be seen, each with its device and inode.
    fn of_threads() -> impl Iterator<Item = (PathBuf, (u64, u64))> {
        let entries = |path: PathBuf| std::fs::read_dir(path).into_iter().flatten().flatten();
        let tasks = entries("/proc".into()).flat_map(move |process| entries(process.path().join("task")));
        tasks.filter_map(|task| {
            let path = task.path().join("ns/net");
            let file = std::fs::metadata(&path).ok()?;
            Some((path, (file.dev(), file.ino())))
        })
    }

    /// Of the calling thread's namespace; `None` where `/proc` does not tell.
    pub(crate) fn current() -> Option<Self> {
        Self::at(Path::new(CURRENT))
    }

    /// Of the namespace that a path leads to; `None` when it leads to nothing.
    pub(crate) fn at(path: &Path) -> Option<Self> {
        std::fs::metadata(path).ok().map(|file| Self::told_by(&file))
    }

    /// Device and inode of its file.
    pub(crate) fn numbers(self) -> (u64, u64) {
        (self.device, self.inode)
    }

    fn told_by(file: &std::fs::Metadata) -> Self {
        Self { device: file.dev(), inode: file.ino() }
    }

    pub(super) fn of(file: &File) -> std::io::Result<Self> {
        file.metadata().map(|file| Self::told_by(&file))
    }
}

impl fmt::Display for NamespaceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "net:[{}]", self.inode)
    }
}

/// Takes the thread home when it goes out of scope, on a panic too.
struct WayBack<'a> {
    home: &'a Namespace,
    /// Whether the thread is known to have left; if not, it may have no privilege to return either.
    left: bool,
}

impl Drop for WayBack<'_> {
    fn drop(&mut self) {
        if !self.left && Namespace::current().is_ok_and(|here| here.id == self.home.id) {
            return;
        }
        if let Err(error) = raw::enter_network(self.home.fd.as_fd()) {
            // Not eprintln: it panics when standard error is closed, and a panic would go on from here.
            let id = self.home.id;
            let _ = writeln!(std::io::stderr(), "libnetns: thread cannot return to {id}: {error}; aborting");
            std::process::abort();
        }
    }
}
