//! What the benchmarks of libnetns share: the [`floor`] they are measured against, the [`rig`] on
//! which both run side by side, and the [`stats`] that they are reported with.

pub mod floor;
pub mod rig;
pub mod stats;
