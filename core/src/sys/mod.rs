//! File descriptors, namespaces and mounts: the only place in this crate that may say `unsafe`.
//!
//! [`raw`] wraps each system call in a safe function with an `io::Result`; everything else here is
//! ordinary code on top of it.

mod ipv6;
mod mount;
mod namespace;
#[expect(unsafe_code, reason = "system calls that std has no wrapper for")]
mod raw;
mod sysctl;

pub(crate) use ipv6::{Ipv6Default, Ipv6Links};
pub use namespace::{Namespace, NamespaceId};
pub(crate) use raw::random_bytes;
pub(crate) use sysctl::write as write_sysctl;
