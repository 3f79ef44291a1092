//! The namespaces of a container.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use once_cell::race::OnceBool;
use serde::{Deserialize, Serialize, Serializer};

use crate::error::{Error, Result};
use crate::libcontainer::json::{nil_when_empty, objects, or_default};

/// A type of namespace (seed `003`, `NamespaceType`; namespaces(7)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum NamespaceType {
    /// `NEWCGROUP`: the root of the control groups.
    NewCgroup,
    /// `NEWIPC`: System V IPC and POSIX message queues.
    NewIpc,
    /// `NEWNET`: links, addresses, routes, sockets.
    NewNet,
    /// `NEWNS`: mounts.
    NewNs,
    /// `NEWPID`: numbers of processes.
    NewPid,
    /// `NEWTIME`: the clocks that count from the boot.
    NewTime,
    /// `NEWUSER`: users, groups and capabilities.
    NewUser,
    /// `NEWUTS`: the names of host and domain.
    NewUts,
}

impl NamespaceType {
    /// runc's name for it, such as `NEWNET`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NewCgroup => "NEWCGROUP",
            Self::NewIpc => "NEWIPC",
            Self::NewNet => "NEWNET",
            Self::NewNs => "NEWNS",
            Self::NewPid => "NEWPID",
            Self::NewTime => "NEWTIME",
            Self::NewUser => "NEWUSER",
            Self::NewUts => "NEWUTS",
        }
    }

    /// Its flag of clone(2) and unshare(2), such as `CLONE_NEWNET`.
    pub const fn clone_flag(self) -> i32 {
        match self {
            Self::NewCgroup => libc::CLONE_NEWCGROUP,
            Self::NewIpc => libc::CLONE_NEWIPC,
            Self::NewNet => libc::CLONE_NEWNET,
            Self::NewNs => libc::CLONE_NEWNS,
            Self::NewPid => libc::CLONE_NEWPID,
            // Of include/uapi/linux/sched.h.
            Self::NewTime => 0x80,
            Self::NewUser => libc::CLONE_NEWUSER,
            Self::NewUts => libc::CLONE_NEWUTS,
        }
    }
}

impl FromStr for NamespaceType {
    type Err = Error;
    fn from_str(name: &str) -> Result<Self> {
        let known = namespace_types().into_iter().find(|known| known.as_str() == name);
        known.ok_or_else(|| {
            let known = namespace_types().map(Self::as_str).join(", ");
            Error::bad_request("use namespace type", format!("{name:?}"), format!("it is none of {known}"))
        })
    }
}

impl fmt::Display for NamespaceType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// All types, in the order in which a process should enter them: users first, since what comes after may need
/// the privileges there (seed `003`, `NamespaceTypes`).
pub const fn namespace_types() -> [NamespaceType; 8] {
    [
        NamespaceType::NewUser,
        NamespaceType::NewIpc,
        NamespaceType::NewUts,
        NamespaceType::NewNet,
        NamespaceType::NewPid,
        NamespaceType::NewNs,
        NamespaceType::NewCgroup,
        NamespaceType::NewTime,
    ]
}

/// The file of a type in `/proc/PID/ns`: `net` for `NEWNET`, `mnt` for `NEWNS` (seed `003`, `NsName`).
pub const fn ns_name(kind: NamespaceType) -> &'static str {
    match kind {
        NamespaceType::NewCgroup => "cgroup",
        NamespaceType::NewIpc => "ipc",
        NamespaceType::NewNet => "net",
        NamespaceType::NewNs => "mnt",
        NamespaceType::NewPid => "pid",
        NamespaceType::NewTime => "time",
        NamespaceType::NewUser => "user",
        NamespaceType::NewUts => "uts",
    }
}

/// Whether this kernel has namespaces of a type: whether `/proc/self/ns` has its file, at which the first call
/// looks (seed `003`, `IsNamespaceSupported`).
pub fn is_namespace_supported(kind: NamespaceType) -> bool {
    static SUPPORTED: [OnceBool; 8] = [const { OnceBool::new() }; 8];
    let look = || Path::new("/proc/self/ns").join(ns_name(kind)).exists();
    SUPPORTED[kind as usize].get_or_init(look)
}

/// A namespace of a container (seed `003`, `Namespace`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Namespace {
    /// Its type.
    #[serde(rename = "type")]
    pub kind: NamespaceType,
    /// Where the one to join is, such as `/proc/1/ns/net`; empty for a new one.
    #[serde(default, deserialize_with = "or_default")]
    pub path: String,
}

/// The namespaces of a container, one of each type at most (seed `003`, `Namespaces`).
///
/// [`Config::check`](super::Config::check) refuses two of one type, which JSON can say; of those the first
/// counts here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Namespaces(#[serde(deserialize_with = "objects")] pub Vec<Namespace>);

impl Namespaces {
    /// Adds one, or gives the one of that type another path (seed `003`, `Namespaces.Add`). An empty path means a
    /// new one.
    pub fn add(&mut self, kind: NamespaceType, path: impl Into<String>) {
        let path = path.into();
        match self.0.iter_mut().find(|there| there.kind == kind) {
            Some(there) => there.path = path,
            None => self.0.push(Namespace { kind, path }),
        }
    }

    /// Takes the one of that type away; false when there is none (seed `003`, `Namespaces.Remove`).
    pub fn remove(&mut self, kind: NamespaceType) -> bool {
        let Some(at) = self.0.iter().position(|there| there.kind == kind) else { return false };
        self.0.remove(at);
        true
    }

    /// Whether there is one of that type (seed `003`, `Namespaces.Contains`).
    pub fn contains(&self, kind: NamespaceType) -> bool {
        self.get(kind).is_some()
    }

    /// The one of that type.
    pub fn get(&self, kind: NamespaceType) -> Option<&Namespace> {
        self.iter().find(|there| there.kind == kind)
    }

    /// The path of the one of that type; empty when it is a new one, and when there is none (seed `003`,
    /// `Namespaces.PathOf`).
    pub fn path_of(&self, kind: NamespaceType) -> &str {
        self.get(kind).map_or("", |there| &there.path)
    }

    /// Whether the container has a new one of that type (`Namespaces.IsPrivate` of runc).
    pub fn is_private(&self, kind: NamespaceType) -> bool {
        self.get(kind).is_some_and(|there| there.path.is_empty())
    }

    /// The flags of clone(2) and unshare(2) of all that are new, those with a path left out (seed `003`,
    /// `Namespaces.CloneFlags`). `CLONE_NEWTIME`, 0x80, is for unshare(2) and clone3(2) alone: clone(2) would take
    /// it for a signal.
    pub fn clone_flags(&self) -> u64 {
        let new = self.iter().filter(|there| there.path.is_empty());
        new.fold(0, |flags, there| flags | u64::from(there.kind.clone_flag().cast_unsigned()))
    }

    /// All, in the order in which they were added.
    pub fn iter(&self) -> std::slice::Iter<'_, Namespace> {
        self.0.iter()
    }
}

impl<'a> IntoIterator for &'a Namespaces {
    type Item = &'a Namespace;
    type IntoIter = std::slice::Iter<'a, Namespace>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl FromIterator<Namespace> for Namespaces {
    /// One of each type: the last path counts.
    fn from_iter<I: IntoIterator<Item = Namespace>>(all: I) -> Self {
        let mut namespaces = Self::default();
        for Namespace { kind, path } in all {
            namespaces.add(kind, path);
        }
        namespaces
    }
}

impl Serialize for Namespaces {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        nil_when_empty(&self.0, serializer)
    }
}
