//! What passes between the library and a driver while an endpoint is made and joined.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::RouteType;
use crate::error::{Error, ErrorKind, Result};
use crate::link::{InterfaceName, LinkKind, LinkRef, LinkSpec, MacAddr, Mtu, Neighbour, Place, StaticRoute};
use crate::plan::{Action, Plan, Step, Undo};

/// The addresses of an endpoint's interface (seed `004`, `InterfaceInfo`). What it has is the library's
/// choice or the user's; what it has not the driver may choose.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InterfaceInfo {
    mac: Option<MacAddr>,
    address: Option<Ipv4Net>,
    address_ipv6: Option<Ipv6Net>,
}

impl InterfaceInfo {
    /// An interface with what is known so far.
    pub fn new(mac: Option<MacAddr>, address: Option<Ipv4Net>, address_ipv6: Option<Ipv6Net>) -> Self {
        Self { mac, address, address_ipv6 }
    }

    /// Chooses the MAC address (seed `004`, `SetMacAddress`).
    ///
    /// # Errors
    /// Forbidden when it has one.
    pub fn set_mac_address(&mut self, mac: MacAddr) -> Result<()> {
        match self.mac {
            Some(there) => Err(is_set("set MAC address", &mac, &there)),
            None => {
                self.mac = Some(mac);
                Ok(())
            }
        }
    }

    /// Chooses the address of one family (seed `004`, `SetIPAddress`).
    ///
    /// # Errors
    /// Forbidden when it has one of that family; BadRequest for the unspecified address.
    pub fn set_ip_address(&mut self, address: IpNet) -> Result<()> {
        if address.addr().is_unspecified() {
            return Err(Error::bad_request("set IP address", address.to_string(), "it is empty"));
        }
        let there = match address {
            IpNet::V4(_) => self.address.map(IpNet::V4),
            IpNet::V6(_) => self.address_ipv6.map(IpNet::V6),
        };
        match (there, address) {
            (Some(there), _) => return Err(is_set("set IP address", &address, &there)),
            (None, IpNet::V4(address)) => self.address = Some(address),
            (None, IpNet::V6(address)) => self.address_ipv6 = Some(address),
        }
        Ok(())
    }

    /// The MAC address (seed `004`, `MacAddress`).
    pub fn mac_address(&self) -> Option<MacAddr> {
        self.mac
    }

    /// The IPv4 address (seed `004`, `Address`).
    pub fn address(&self) -> Option<Ipv4Net> {
        self.address
    }

    /// The IPv6 address (seed `004`, `AddressIPv6`).
    pub fn address_ipv6(&self) -> Option<Ipv6Net> {
        self.address_ipv6
    }
}

fn is_set(operation: &str, wanted: &dyn std::fmt::Display, there: &dyn std::fmt::Display) -> Error {
    Error::new(ErrorKind::Forbidden, operation, wanted.to_string())
        .with_cause(format!("it is set already, to {there}"))
}

/// What an interface is called (seed `004`, `InterfaceNameInfo`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InterfaceNameInfo {
    pub(crate) src_name: Option<InterfaceName>,
    pub(crate) dst_prefix: Option<InterfaceName>,
    pub(crate) dst_name: Option<InterfaceName>,
}

impl InterfaceNameInfo {
    /// The device's name in the host, and the prefix of its name in the sandbox, which the lowest free
    /// number follows. A second call overwrites the first (seed `004`, `SetNames`).
    pub fn set_names(&mut self, src_name: InterfaceName, dst_prefix: InterfaceName) {
        self.src_name = Some(src_name);
        self.dst_prefix = Some(dst_prefix);
    }

    /// The device's whole name in the sandbox, instead of one that begins with the prefix (`DstName` of the plugin
    /// protocol).
    pub fn set_destination(&mut self, dst_name: InterfaceName) {
        self.dst_name = Some(dst_name);
    }
}

/// What a driver says of an endpoint that joins a sandbox (seed `004`, `JoinInfo`).
///
/// A driver names a device that exists, with [`JoinInfo::interface_name`], which then moves into the
/// sandbox; or it describes how a device is born there, with [`JoinInfo::set_birth`], which costs a
/// small part of that; or it does neither, and the sandbox gets no device.
#[derive(Clone, Debug, Default)]
pub struct JoinInfo {
    interface: InterfaceInfo,
    mtu: Option<Mtu>,
    attempt: u32,
    pub(crate) names: InterfaceNameInfo,
    pub(crate) gateway: Option<Ipv4Addr>,
    pub(crate) gateway_ipv6: Option<Ipv6Addr>,
    pub(crate) static_routes: Vec<StaticRoute>,
    pub(crate) gateway_service_disabled: bool,
    pub(crate) table_entries: Vec<TableEntry>,
    pub(crate) birth: Option<Birth>,
    /// What is done in the sandbox when there is no device.
    pub(crate) inside: Plan,
}

/// An entry for a table of the gossip layer (seed `004`, `AddTableEntry`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TableEntry {
    /// The table's name.
    pub table: String,
    /// The entry's key in it.
    pub key: String,
    /// A value that the driver alone understands.
    pub value: Vec<u8>,
}

impl JoinInfo {
    /// A join of an endpoint with that interface; `mtu` is what the caller wants, in bytes.
    pub fn new(interface: InterfaceInfo, mtu: Option<Mtu>) -> Self {
        Self { interface, mtu, ..Self::default() }
    }

    /// `attempt` counts the joins that failed because a chosen index was taken.
    pub(crate) fn at_attempt(mut self, attempt: u32) -> Self {
        self.attempt = attempt;
        self
    }

    pub(crate) fn attempt(&self) -> u32 {
        self.attempt
    }

    /// The endpoint's interface, as [`Driver::create_endpoint`](super::Driver::create_endpoint) left it.
    pub fn interface(&self) -> &InterfaceInfo {
        &self.interface
    }

    /// The MTU that the caller wants, in bytes.
    pub fn mtu(&self) -> Option<Mtu> {
        self.mtu
    }

    /// The names of the interface (seed `004`, `InterfaceName`).
    pub fn interface_name(&mut self) -> &mut InterfaceNameInfo {
        &mut self.names
    }

    /// The sandbox's IPv4 default gateway (seed `004`, `SetGateway`).
    pub fn set_gateway(&mut self, gateway: Ipv4Addr) {
        self.gateway = Some(gateway);
    }

    /// The sandbox's IPv6 default gateway (seed `004`, `SetGatewayIPv6`).
    pub fn set_gateway_ipv6(&mut self, gateway: Ipv6Addr) {
        self.gateway_ipv6 = Some(gateway);
    }

    /// Adds a route to the sandbox, besides or instead of a default gateway (seed `004`,
    /// `AddStaticRoute`).
    ///
    /// # Errors
    /// BadRequest when a route by next hop has none, or one of the other family, and when a connected
    /// one has any.
    pub fn add_static_route(
        &mut self,
        destination: IpNet,
        route_type: RouteType,
        next_hop: Option<IpAddr>,
    ) -> Result<()> {
        let refuse =
            |cause: &str| Err(Error::bad_request("add static route", destination.to_string(), cause));
        match (route_type, next_hop) {
            (RouteType::NextHop, None) => return refuse("a route by next hop needs one"),
            (RouteType::Connected, Some(_)) => return refuse("a connected route has no next hop"),
            (_, Some(hop)) if hop.is_ipv4() != destination.addr().is_ipv4() => {
                return refuse("the next hop is of another family");
            }
            _ => {}
        }
        self.static_routes.push(StaticRoute { destination, next_hop });
        Ok(())
    }

    /// The sandbox gets no default gateway by this endpoint (seed `004`, `DisableGatewayService`).
    pub fn disable_gateway_service(&mut self) {
        self.gateway_service_disabled = true;
    }

    /// Adds an entry to a table of the gossip layer (seed `004`, `AddTableEntry`). There is no such layer on
    /// a single host, and as in libnetwork a local driver's entries go nowhere.
    ///
    /// # Errors
    /// BadRequest without a table or a key.
    pub fn add_table_entry(&mut self, table: &str, key: &str, value: &[u8]) -> Result<()> {
        if table.is_empty() || key.is_empty() {
            let subject = format!("{key:?} of {table:?}");
            return Err(Error::bad_request("add table entry", subject, "the table or the key is empty"));
        }
        let entry = TableEntry { table: table.to_owned(), key: key.to_owned(), value: value.to_vec() };
        self.table_entries.push(entry);
        Ok(())
    }

    /// Describes how the device is born in the sandbox; it needs its names, too.
    pub fn set_birth(&mut self, birth: Birth) {
        self.birth = Some(birth);
    }
}

/// A device that is born in the sandbox, where it belongs, instead of moving there.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Birth {
    /// The link: a veth whose peer has its place in the sandbox, or a link that is born there. The end
    /// in the sandbox gets its final name and index from the library.
    pub link: LinkSpec,
    /// What follows in the host while the end inside is still down.
    pub early: Plan,
    /// What follows in the host when the inside is configured and up.
    pub after: Plan,
    /// Whom the interface never has to ask for.
    pub neighbours: Vec<Neighbour>,
    /// The addresses inside are alone in their subnets: /32 and /128.
    pub host_prefix: bool,
    /// Whose the link is, for a link that has no end in the host to say so.
    pub(crate) owner: Option<String>,
}

impl Birth {
    /// A birth of `link` alone.
    pub fn new(link: LinkSpec) -> Self {
        Self {
            link,
            early: Plan::default(),
            after: Plan::default(),
            neighbours: Vec::new(),
            host_prefix: false,
            owner: None,
        }
    }

    /// The step that creates the link, its end in `place` under `inside`.
    pub(crate) fn create(&self, place: Place, inside: &LinkRef, mac: Option<MacAddr>) -> Step {
        let mut link = self.link.clone();
        match &mut link.kind {
            LinkKind::Veth { peer } => {
                peer.name = inside.name.clone();
                peer.index = inside.index;
                peer.place = place;
                peer.mac = mac;
                Step::new(Place::Host, Action::CreateLink(link))
            }
            _ => {
                link.name = inside.name.clone();
                link.index = inside.index;
                link.mac = mac;
                let undo = Undo { place, action: Action::DeleteLink(inside.clone()) };
                Step::new(Place::Host, Action::CreateLink(link)).undone_by(vec![undo])
            }
        }
    }
}

/// What a driver may ask of the library for a network (seed `004`, `NetworkInfo`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NetworkInfo {
    tables: Vec<String>,
}

impl NetworkInfo {
    /// Registers the driver's interest in a table (seed `004`, `TableEventRegister`), which is ignored for
    /// drivers of local scope.
    ///
    /// # Errors
    /// BadRequest for an empty name.
    pub fn table_event_register(&mut self, table: &str) -> Result<()> {
        if table.is_empty() {
            return Err(Error::bad_request("register for table", "\"\"", "the name is empty"));
        }
        if !self.tables.iter().any(|there| there == table) {
            self.tables.push(table.to_owned());
        }
        Ok(())
    }

    /// The tables that the driver registered for.
    pub fn tables(&self) -> &[String] {
        &self.tables
    }
}
