//! Types of namespaces.

use std::ffi::{c_char, CStr};
use std::mem::MaybeUninit;
use std::ptr;

use netns::libcontainer::configs::{is_namespace_supported, NamespaceType};
use netns::Result;

use crate::boundary::{call, plain, required};
use crate::error::netns_error;
use crate::input::chosen;
use crate::text::text;

/// A type of namespace (seed 003, NamespaceType; namespaces(7)), in the order in which a process should enter
/// them: users first, since what comes after may need the privileges there. A later version may add others.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum netns_namespace_type {
    /// "NEWUSER": users, groups and capabilities.
    User = 1,
    /// "NEWIPC": System V IPC and POSIX message queues.
    Ipc = 2,
    /// "NEWUTS": the names of host and domain.
    Uts = 3,
    /// "NEWNET": links, addresses, routes, sockets.
    Net = 4,
    /// "NEWPID": numbers of processes.
    Pid = 5,
    /// "NEWNS": mounts.
    Mount = 6,
    /// "NEWCGROUP": the root of the control groups.
    Cgroup = 7,
    /// "NEWTIME": the clocks that count from the boot.
    Time = 8,
}

/// A type with what it is called: runc's name for it, and its file in `/proc/PID/ns`.
struct Known {
    number: netns_namespace_type,
    kind: NamespaceType,
    name: &'static CStr,
    file: &'static CStr,
}

const fn known(
    number: netns_namespace_type,
    kind: NamespaceType,
    name: &'static CStr,
    file: &'static CStr,
) -> Known {
    Known { number, kind, name, file }
}

const KNOWN: [Known; 8] = [
    known(netns_namespace_type::User, NamespaceType::NewUser, c"NEWUSER", c"user"),
    known(netns_namespace_type::Ipc, NamespaceType::NewIpc, c"NEWIPC", c"ipc"),
    known(netns_namespace_type::Uts, NamespaceType::NewUts, c"NEWUTS", c"uts"),
    known(netns_namespace_type::Net, NamespaceType::NewNet, c"NEWNET", c"net"),
    known(netns_namespace_type::Pid, NamespaceType::NewPid, c"NEWPID", c"pid"),
    known(netns_namespace_type::Mount, NamespaceType::NewNs, c"NEWNS", c"mnt"),
    known(netns_namespace_type::Cgroup, NamespaceType::NewCgroup, c"NEWCGROUP", c"cgroup"),
    known(netns_namespace_type::Time, NamespaceType::NewTime, c"NEWTIME", c"time"),
];

fn find(number: i32) -> Option<&'static Known> {
    KNOWN.iter().find(|known| known.number as i32 == number)
}

/// The type of a number that cannot be refused.
pub(super) fn known_kind(number: i32) -> Option<NamespaceType> {
    find(number).map(|known| known.kind)
}

/// The type of a number of the caller's.
pub(super) fn kind(number: i32) -> Result<NamespaceType> {
    let known = KNOWN.map(|known| (known.number as i32, known.kind));
    chosen(number, &known, "type", "netns_namespace_type")
}

/// The number of a type.
pub(super) fn number(kind: NamespaceType) -> i32 {
    KNOWN.iter().find(|known| known.kind == kind).map_or(0, |known| known.number as i32)
}

/// runc's name for a type of namespace: "NEWNET"; NULL for a number that is none. It lasts as long as the program.
///
/// @param type  a netns_namespace_type
#[no_mangle]
pub extern "C" fn netns_namespace_type_name(r#type: i32) -> *const c_char {
    find(r#type).map_or(ptr::null(), |known| known.name.as_ptr())
}

/// The file of a type of namespace in /proc/PID/ns: "net", "mnt" (seed 003, NsName); NULL for a number that is none.
/// It lasts as long as the program.
///
/// @param type  a netns_namespace_type
#[no_mangle]
pub extern "C" fn netns_namespace_type_file(r#type: i32) -> *const c_char {
    find(r#type).map_or(ptr::null(), |known| known.file.as_ptr())
}

/// The flag of a type of namespace, of clone(2) and unshare(2), such as CLONE_NEWNET; 0 for a number that is none.
///
/// @param type  a netns_namespace_type
#[no_mangle]
pub extern "C" fn netns_namespace_type_clone_flag(r#type: i32) -> u64 {
    known_kind(r#type).map_or(0, |kind| u64::from(kind.clone_flag().cast_unsigned()))
}

/// Whether this kernel has namespaces of a type: 1 or 0 (seed 003, IsNamespaceSupported). The first call looks
/// into /proc/self/ns.
///
/// @param type  a netns_namespace_type; another number is none that it has
#[no_mangle]
pub extern "C" fn netns_namespace_type_is_supported(r#type: i32) -> i32 {
    plain(0, || known_kind(r#type).is_some_and(is_namespace_supported).into())
}

/// The type of namespace that runc calls so.
///
/// @param text      the name: "NEWNET"
/// @param ret_type  a netns_namespace_type
/// @param ret_error what went wrong; may be NULL
/// @return 0; NETNS_STATUS_BAD_REQUEST when it is none, with those that there are
#[no_mangle]
pub unsafe extern "C" fn netns_namespace_type_from_name(
    text: *const c_char,
    ret_type: Option<&mut MaybeUninit<i32>>,
    ret_error: Option<&mut MaybeUninit<*mut netns_error>>,
) -> i32 {
    call(ret_error, || {
        // SAFETY: a string by the header's rules.
        let kind: NamespaceType = unsafe { self::text(text, "text") }?.parse()?;
        required(ret_type, "ret_type")?.write(number(kind));
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use netns::libcontainer::configs::{namespace_types, ns_name};

    #[test]
    fn names_files_and_order_are_those_of_the_core() {
        assert_eq!(KNOWN.each_ref().map(|known| known.kind), namespace_types());
        for (at, known) in KNOWN.iter().enumerate() {
            assert_eq!(known.number as usize, at + 1);
            assert_eq!(known.name.to_str(), Ok(known.kind.as_str()));
            assert_eq!(known.file.to_str(), Ok(ns_name(known.kind)));
        }
    }
}
