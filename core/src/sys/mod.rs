//! File descriptors, namespaces and mounts: the only place in this crate that may say `unsafe`.
//!
//! [`raw`] wraps each system call in a safe function with an `io::Result`; everything else here is
//! ordinary code on top of it.

mod directory;
mod generation;
mod ipv6;
mod lock;
#[expect(unsafe_code, reason = "memory that is shared with the kernel")]
mod mapping;
mod memory_limit;
mod mount;
mod namespace;
mod per_process;
#[expect(unsafe_code, reason = "std listens where it binds")]
mod port;
mod process;
#[expect(unsafe_code, reason = "system calls that std has no wrapper for")]
mod raw;
mod stamp;
mod sysctl;
mod thread;

pub(crate) use directory::{make_directory, remove_file};
pub use generation::Generation;
pub(crate) use ipv6::{Ipv6Default, Ipv6Links};
pub(crate) use lock::{lock_exclusive, lock_shared, pause, persevere, LockedFile};
pub(crate) use mapping::{SharedReader, SharedWords};
pub(crate) use memory_limit::RaisedMemoryLimit;
pub(crate) use namespace::NamespaceLife;
pub use namespace::{Namespace, NamespaceId};
pub use per_process::PerProcess;
pub(crate) use port::{try_port, PortKind};
pub(crate) use process::Process;
pub(crate) use raw::{
    create_array, freeze_map, is_bpffs, kill_group, load_classifier, look_up_entry, map_shape, memory_file,
    namespace_cookie, open_again, open_pin, open_process, pin, random_bytes, set_socket_option, unlock,
    wait_any_readable, wait_readable,
};
pub(crate) use stamp::Stamp;
pub(crate) use sysctl::write as write_sysctl;
pub(crate) use thread::{number as thread_number, spawn, spawn_in, Worker};
