//! A server of Docker's plugin protocol: Docker's networks are a controller's, and its addresses too where it
//! asks for them.
//!
//! A [`Server`] answers `NetworkDriver` and `IpamDriver` on a socket in `/run/docker/plugins`, where Docker
//! looks for a plugin of the socket's name: `docker network create -d netns …`. A network of Docker's is a
//! network of the controller, its id the name. The device of an endpoint is what [`Controller::link`] makes, and
//! Docker moves it into the container; into one that runs already it is [joined](crate::Controller::join). Nothing is remembered but by the controller, so the server may end at any moment and
//! start again, and so may Docker.
//!
//! Options of a network (`docker network create -o KEY=VALUE`) are `driver`, one of `bridge` (by default),
//! `routed` and `macvlan`; `anti_spoofing`, `gateway_mode`, `icc`, `isolate`, `masquerade`, `meter` and
//! `source`, which are [`NetworkConfig`]'s and [`FirewallConfig`]'s fields; and those of the driver, among them
//! Docker's own words.
//!
//! [`Controller::link`]: crate::Controller::link
//! [`NetworkConfig`]: crate::NetworkConfig
//! [`FirewallConfig`]: crate::FirewallConfig

mod answer;
mod endpoints;
mod http;
mod join;
mod listen;
mod networks;
mod options;
mod pools;
mod ports;
mod route;
mod server;
mod stale;

pub use server::{Server, ServerOptions};
