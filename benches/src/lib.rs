//! What the benchmarks of libnetns share: the [`floor`] they are measured against, the [`rig`] on
//! which both run side by side, the [`managed`] networks of a controller, [`workers`] that are processes
//! of their own, [`invocations`] that are another's, the [`plugin`] server for Docker, the [`stage`] on which hosts take
//! turns, the [`stats`] and [`figures`] that they are reported with, the [`machine`] that these are of, [`pictures`] of them,
//! [`tools`] that all do the same job, the [`lanes`] that packets take, the [`pollers`] that read counters in other ways,
//! all of it at [`scale`], and the [`guard`] that notices when figures get worse.

pub mod churn;
pub mod doors;
pub mod figures;
pub mod floor;
pub mod guard;
pub mod invocations;
pub mod lanes;
pub mod machine;
pub mod managed;
pub mod peers;
pub mod pictures;
pub mod plugin;
pub mod pollers;
pub mod rig;
pub mod scale;
pub mod stage;
pub mod stats;
pub mod tools;
pub mod workers;
