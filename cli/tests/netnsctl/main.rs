//! The built program, run in hosts of its own and looked at with the eyes of others.

mod collect;
mod common;
mod docs;
mod doctor;
mod events;
mod exec;
mod failure;
mod help;
mod json;
mod membership;
mod network;
mod ports;
mod serve;
mod shell;
mod stats;
