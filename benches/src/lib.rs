//! What the benchmarks of libnetns share: the [`floor`] they are measured against, the [`rig`] on
//! which both run side by side, the [`managed`] networks of a controller, [`workers`] that are processes
//! of their own, the [`stats`] that they are reported with, and a [`picture`] of them.

pub mod floor;
pub mod managed;
pub mod picture;
pub mod rig;
pub mod stats;
pub mod workers;
