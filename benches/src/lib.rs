//! What the benchmarks of libnetns share: the [`floor`] they are measured against.

pub mod floor;
