//! Links, addresses, routes, neighbours and filters as checked values, and the messages that they become.
//!
//! Everything here is data: nothing talks to the kernel. The messages themselves are private.

mod address;
mod filter;
mod mac;
mod macvlan;
pub(crate) mod message;
mod mtu;
mod name;
pub(crate) mod parse;
mod protocol;
mod route;
mod spec;
mod sysctl;
pub(crate) mod traffic;

pub use address::{check_endpoint_address, AddressSpec, NeighbourSpec, ProxySpec, RouteSpec, PROTOCOL};
pub(crate) use address::{is_of_a_host, v4, v6};
pub use filter::{Direction, FilterSpec};
pub use mac::MacAddr;
pub use macvlan::MacvlanMode;
pub use mtu::Mtu;
pub use name::{Destination, InterfaceName};
pub use protocol::Protocol;
pub use route::{Neighbour, StaticRoute};
pub use spec::{
    BridgePort, LinkChange, LinkKind, LinkRef, LinkSpec, MoveSpec, Place, VethPeer, LEAVING_GROUP, LINK_GROUP,
};
pub use sysctl::SysctlSpec;
