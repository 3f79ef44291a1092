//! A private host for a test, and foreign eyes to look at it with.
//!
//! [`host`] runs a test on a thread with network and mount namespaces of its own, so that nothing it does
//! touches the machine. [`Host`] observes with iproute2 and `/proc`, never with the library under test;
//! [`State`] is everything a leak would show in.
//!
//! ```no_run
//! testhost::host(|host| {
//!     let before = host.dump();
//!     host.ip(&["link", "add", "br0", "type", "bridge"]);
//!     host.ip(&["link", "delete", "br0"]);
//!     host.assert_returns_to(&before, "a bridge that came and went");
//! });
//! ```

mod host;
mod program;
mod state;

pub use host::{descriptors, host, kernel_version, report, skip, Host, Output};
pub use program::classifier;
pub use state::State;
