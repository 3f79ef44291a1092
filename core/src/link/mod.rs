//! Links, addresses, routes and neighbours as checked values, and the messages that they become.
//!
//! Everything here is data: nothing talks to the kernel. The messages themselves are private.

mod address;
mod mac;
mod macvlan;
pub(crate) mod message;
mod mtu;
mod name;
pub(crate) mod parse;
mod route;
mod spec;
mod sysctl;

pub use address::{check_endpoint_address, AddressSpec, NeighbourSpec, ProxySpec, RouteSpec, PROTOCOL};
pub(crate) use address::{v4, v6};
pub use mac::MacAddr;
pub use macvlan::MacvlanMode;
pub use mtu::Mtu;
pub use name::{Destination, InterfaceName};
pub use route::{Neighbour, StaticRoute};
pub use spec::{BridgePort, LinkChange, LinkKind, LinkRef, LinkSpec, MoveSpec, Place, VethPeer, LINK_GROUP};
pub use sysctl::SysctlSpec;
