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

mod client;
mod docker;
mod host;
mod lesser;
mod place;
mod program;
mod server;
mod state;
mod tap;
mod tools;

pub use client::{attempt, Transport, Try};
pub use docker::Docker;
pub use host::{descriptors, host, kernel_version, report, skip, Host, Output};
pub use lesser::without_netfilter;
pub use place::inside;
pub use program::classifier;
pub use server::Server;
pub use state::{settings, State};
pub use tap::Tap;
pub use tools::{output, Tools};
