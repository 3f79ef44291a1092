//! What survives a process: definitions as files that people edit, leases and attachments in a
//! database that processes share.

pub(crate) mod database;
mod definitions;
mod flock;
mod gate;
pub(crate) mod leases;
mod notes;
pub(crate) mod ports;
mod queue;

pub(crate) use database::{store_error, Database};
pub(crate) use definitions::{Definitions, Stamp};
pub(crate) use gate::{Gate, GateGuard};
pub(crate) use notes::Notes;
