//! What survives a process: definitions as files that people edit, leases and attachments in a
//! database that processes share.

pub(crate) mod database;
pub(crate) mod leases;
