//! What others take to publish ports, as the packages of Debian have them, [`Docker`] and [`Netavark`], and to join
//! a container to a bridge, [`Cni`].
//!
//! They are looked for among the packages that `scripts/peers` has unpacked, then where programs are.

mod cni;
mod docker;
mod netavark;

use std::time::Duration;

pub use cni::Cni;
pub use docker::Docker;
pub use netavark::Netavark;
use testhost::output;
pub use testhost::Tools;

/// What they keep files in: the private `/run` of a test's host.
pub(crate) const DIRECTORY: &str = "/run/peers";

/// What it took to start and to end a container, with few published ports and with many.
#[derive(Clone, Copy, Debug)]
pub struct Turn {
    /// Until it runs.
    pub start: [Duration; 2],
    /// Until it is gone.
    pub end: [Duration; 2],
}

fn as_error(error: impl std::fmt::Display) -> String {
    error.to_string()
}
