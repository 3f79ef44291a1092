//! Container networking at the kernel's price.
//!
//! A [`Sandbox`] is a container's network namespace; a [`Network`] is what sandboxes join. A join
//! costs what the kernel charges for it: the interface is born inside the sandbox with its final
//! name, and all messages are known beforehand. There is no daemon, no `fork`, no `exec`.
//!
//! ```no_run
//! use netns::{EndpointOptions, Network, NetworkOptions, Sandbox, SandboxKey};
//!
//! # fn main() -> netns::Result<()> {
//! let options = NetworkOptions::default().with_gateway("10.88.0.1/24".parse().unwrap());
//! let network = Network::create("bridge", "demo", options)?;
//! let sandbox = Sandbox::create(&SandboxKey::new("web")?)?;
//! let web = EndpointOptions::new("web")?.with_address("10.88.0.2/24".parse().unwrap());
//! let interface = network.join(&sandbox, &web)?; // eth0, up, with its default route
//! # assert!(interface.name().is_some());
//! sandbox.destroy()?;
//! network.delete()?;
//! # Ok(())
//! # }
//! ```
//!
//! What is to be done is a [`plan::Plan`] first: data that can be printed, serialised and compared
//! without privileges. One place applies plans, and undoes what had succeeded when a step fails.
//!
//! The vocabulary is libnetwork's (sandbox, endpoint, network, driver) and the kernel's (link,
//! address, route, neighbour); *seed* in the documentation names the interface description of
//! libcontainer or libnetwork whose semantics an item has.

mod controller;
pub mod driver;
mod error;
mod events;
mod host;
pub mod ipam;
pub mod link;
mod name;
mod netlink;
mod network;
pub mod plan;
mod sandbox;
mod store;
mod sys;

pub use controller::{
    Collected, Controller, ControllerOptions, Endpoint, EndpointConfig, Finding, FindingKind, Lifetime,
    NetworkConfig, NetworkDetails, SandboxDetails, SubnetConfig, SubnetUsage,
};
pub use error::{Error, ErrorKind, Result};
pub use events::{Closer, Event, EventKind, Events, Subscription};
pub use ipnet;
pub use link::{Destination, InterfaceName, MacAddr, Mtu, Neighbour, StaticRoute};
pub use name::Name;
pub use network::{EndpointOptions, Network, NetworkOptions};
pub use sandbox::{generate_key, Info, Interface, Sandbox, SandboxKey, DEFAULT_BASE};
pub use sys::{Namespace, NamespaceId};
