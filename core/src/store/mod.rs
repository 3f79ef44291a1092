//! What survives a process: definitions as files that people edit, leases and attachments in a
//! database that processes share.

#[allow(dead_code)]
pub(crate) mod definitions;
mod flock;
#[allow(dead_code)]
pub(crate) mod gate;
