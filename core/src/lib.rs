//! Container networking at the kernel's price.
//!
//! A [`Controller`] has named networks that last, gives out addresses, and joins sandboxes to networks;
//! many processes may use it at once. A join costs what the kernel charges for it: the interface is
//! born inside the sandbox with its final name, and all messages are known beforehand. There is no
//! daemon, no `fork`, no `exec` but for hooks that are programs.
//!
//! ```no_run
//! use netns::{Controller, ControllerOptions, EndpointConfig, NetworkConfig};
//!
//! # fn main() -> netns::Result<()> {
//! let controller = Controller::open(ControllerOptions::default())?;
//! controller.create_network(NetworkConfig::new("bridge", "demo")?.with_ipv6())?; // subnets are chosen
//! let sandbox = controller.create_sandbox("web")?;
//! let web = controller.connect("demo", &sandbox, EndpointConfig::new("web")?)?; // eth0, up, with its routes
//! # assert!(web.address.is_some());
//! controller.destroy_sandbox(&sandbox)?;
//! controller.delete_network("demo")?;
//! # Ok(())
//! # }
//! ```
//!
//! | | |
//! |---|---|
//! | [`Controller`] | networks, endpoints, sandboxes, and what keeps them in order |
//! | [`NetworkConfig`], [`EndpointConfig`] | what a network and an endpoint are to be |
//! | [`driver`] | what makes a network of some type; the place to add one |
//! | [`ipam`] | pools and addresses; the place to add another address management |
//! | [`Events`] | what happens, in whatever process |
//! | [`stats`] | what every interface has received and sent, read without a system call |
//! | [`Sandbox`], [`Network`] | the foundation: a network namespace, and a bridge network of which nothing but the kernel knows; the caller chooses all addresses |
//! | [`libcontainer::NetworkSetup`] | the network of a container whose runtime has a config like runc's |
//! | [`libcontainer::configs`] | what a container is to have, as runc says it; hooks |
//! | [`libcontainer`] | strategies, and single changes of links of the calling thread's own namespace |
//! | [`plan`] | what is to be done, as data |
//! | `docker` | with the feature `docker-plugin`: a server that Docker has its networks and addresses from |
//!
//! What is to be done is a [`plan::Plan`] first: data that can be printed, serialised and compared
//! without privileges. One place applies plans, and undoes what had succeeded when a step fails.
//!
//! When a process dies, at whatever moment, the next [`Controller::open`] or [`Controller::collect`]
//! puts right what it left half done.
//!
//! The vocabulary is libnetwork's (sandbox, endpoint, network, driver) and the kernel's (link,
//! address, route, neighbour); *seed* in the documentation names the interface description of
//! libcontainer or libnetwork whose semantics an item has.

mod controller;
#[cfg(feature = "docker-plugin")]
pub mod docker;
pub mod driver;
mod error;
mod events;
mod host;
pub mod ipam;
pub mod libcontainer;
pub mod link;
mod name;
mod netlink;
mod network;
pub mod nft;
pub mod plan;
pub mod plugin;
mod sandbox;
pub mod stats;
mod store;
mod sys;

pub use controller::{
    Collected, Controller, ControllerOptions, Endpoint, EndpointConfig, EndpointStats, Finding, FindingKind,
    FirewallConfig, FirewallMode, FirewallWatch, GatewayMode, Lifetime, NetworkConfig, NetworkDetails,
    PortMapping, PortRange, SandboxDetails, SubnetConfig, SubnetUsage,
};
pub use error::{Error, ErrorKind, Result};
pub use events::{Closer, Event, EventKind, Events, Subscription};
pub use ipnet;
pub use link::{Destination, InterfaceName, MacAddr, Mtu, Neighbour, Protocol, StaticRoute};
pub use name::Name;
pub use network::{EndpointOptions, Network, NetworkOptions};
pub use nft::Isolate;
pub use sandbox::{generate_key, Info, Interface, Sandbox, SandboxKey, DEFAULT_BASE};
#[doc(hidden)]
pub use sys::{Generation, PerProcess};
pub use sys::{Namespace, NamespaceId};
