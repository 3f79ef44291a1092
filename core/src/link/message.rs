//! From specs to messages.

use std::net::{IpAddr, Ipv6Addr};
use std::os::fd::RawFd;

use ipnet::IpNet;
use netlink_packet_core::{DefaultNla, Emitable, NLA_F_NESTED, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE};
use netlink_packet_route::address::{
    AddressAttribute, AddressFlags, AddressHeaderFlags, AddressMessage, AddressProtocol, AddressScope,
};
use netlink_packet_route::link::{
    AfSpecInet, AfSpecInet6, AfSpecUnspec, BridgeBooleanOptionFlags, BridgeBooleanOptions, In6AddrGenMode,
    InfoBridge, InfoBridgePort, InfoData, InfoKind, InfoMacVlan, InfoPortData, InfoPortKind, InfoVeth,
    LinkAttribute, LinkExtentMask, LinkFlags, LinkInfo, LinkMessage, MacVlanMode,
};
use netlink_packet_route::neighbour::{
    NeighbourAddress, NeighbourAttribute, NeighbourFlags, NeighbourMessage, NeighbourState,
};
use netlink_packet_route::nsid::NsidMessage;
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteFlags, RouteHeader, RouteMessage, RouteProtocol, RouteScope, RouteType,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage as Message};

use super::{
    AddressSpec, BridgePort, InterfaceName, LinkChange, LinkKind, LinkRef, LinkSpec, MacvlanMode, MoveSpec,
    NeighbourSpec, ProxySpec, RouteSpec, VethPeer, PROTOCOL,
};
use crate::netlink::Request;

/// `RTM_NEWLINK` that creates. `elsewhere` is where a veth's other end is born, or a link without one
/// itself, unless that is the socket's own namespace; `attached_to` the index of the link's parent or
/// master.
pub(crate) fn create_link(spec: &LinkSpec, elsewhere: Option<RawFd>, attached_to: Option<u32>) -> Request {
    let mut message = LinkMessage::default();
    set_up(&mut message, spec.up.then_some(true));
    message.header.index = spec.index.unwrap_or(0);
    let attributes = &mut message.attributes;
    attributes.push(LinkAttribute::IfName(spec.name.to_string()));
    attributes.extend(attached_to.map(match &spec.kind {
        LinkKind::Macvlan { .. } => LinkAttribute::Link,
        LinkKind::Bridge { .. } | LinkKind::Veth { .. } => LinkAttribute::Controller,
    }));
    if !matches!(spec.kind, LinkKind::Veth { .. }) {
        attributes.extend(elsewhere.map(LinkAttribute::NetNsFd));
    }
    attributes.extend(spec.mac.map(|mac| LinkAttribute::Address(mac.octets().to_vec())));
    attributes.extend(spec.tx_queue_len.map(LinkAttribute::TxQueueLen));
    common(attributes, spec);
    attributes.push(LinkAttribute::LinkInfo(match &spec.kind {
        LinkKind::Bridge { multicast_snooping, vlan_default_pvid } => vec![
            LinkInfo::Kind(InfoKind::Bridge),
            LinkInfo::Data(InfoData::Bridge(vec![
                InfoBridge::MulticastSnooping(*multicast_snooping),
                InfoBridge::VlanDefaultPvid(*vlan_default_pvid),
                InfoBridge::MultiBoolOpt(no_link_local_learning()),
            ])),
        ],
        LinkKind::Macvlan { mode, .. } => vec![
            LinkInfo::Kind(InfoKind::MacVlan),
            LinkInfo::Data(InfoData::MacVlan(vec![InfoMacVlan::Mode((*mode).into())])),
        ],
        LinkKind::Veth { peer } => vec![
            LinkInfo::Kind(InfoKind::Veth),
            LinkInfo::Data(InfoData::Veth(InfoVeth::Peer(veth_peer(spec, peer, elsewhere)))),
        ],
    }));
    Request::new(Message::NewLink(message), NLM_F_CREATE | NLM_F_EXCL)
}

impl From<MacvlanMode> for MacVlanMode {
    fn from(mode: MacvlanMode) -> Self {
        match mode {
            MacvlanMode::Bridge => Self::Bridge,
            MacvlanMode::Passthru => Self::Passthrough,
            MacvlanMode::Private => Self::Private,
            MacvlanMode::Vepa => Self::Vepa,
        }
    }
}

/// What both ends of a veth pair have alike.
fn common(attributes: &mut Vec<LinkAttribute>, spec: &LinkSpec) {
    attributes.extend(spec.mtu.map(|mtu| LinkAttribute::Mtu(mtu.get())));
    attributes.push(LinkAttribute::Group(spec.group));
    if let Some(queues) = spec.queues {
        attributes.extend([LinkAttribute::NumTxQueues(queues), LinkAttribute::NumRxQueues(queues)]);
    }
}

fn veth_peer(spec: &LinkSpec, peer: &VethPeer, namespace: Option<RawFd>) -> LinkMessage {
    let mut message = LinkMessage::default();
    message.header.index = peer.index.unwrap_or(0);
    let attributes = &mut message.attributes;
    attributes.push(LinkAttribute::IfName(peer.name.to_string()));
    attributes.extend(namespace.map(LinkAttribute::NetNsFd));
    attributes.extend(peer.mac.map(|mac| LinkAttribute::Address(mac.octets().to_vec())));
    attributes.extend(spec.tx_queue_len.map(LinkAttribute::TxQueueLen));
    common(attributes, spec);
    message
}

fn set_up(message: &mut LinkMessage, up: Option<bool>) {
    if let Some(up) = up {
        message.header.change_mask = LinkFlags::Up;
        message.header.flags = if up { LinkFlags::Up } else { LinkFlags::empty() };
    }
}

/// A message about a link that exists: by index where that is known, else by name.
fn about(link: &LinkRef) -> LinkMessage {
    let mut message = LinkMessage::default();
    match link.index {
        Some(index) => message.header.index = index,
        None => message.attributes.push(LinkAttribute::IfName(link.name.to_string())),
    }
    message
}

/// `RTM_NEWLINK` that changes; `master` is the index of the bridge.
pub(crate) fn set_link(change: &LinkChange, master: Option<u32>) -> Request {
    let mut message = about(&change.link);
    set_up(&mut message, change.up);
    let attributes = &mut message.attributes;
    attributes.extend(change.name.iter().map(|name| LinkAttribute::IfName(name.to_string())));
    attributes.extend(change.group.map(LinkAttribute::Group));
    attributes.extend(master.map(LinkAttribute::Controller));
    attributes.extend(change.mtu.map(|mtu| LinkAttribute::Mtu(mtu.get())));
    attributes.extend(change.mac.map(|mac| LinkAttribute::Address(mac.octets().to_vec())));
    attributes.extend(change.alias.clone().map(LinkAttribute::IfAlias));
    attributes.extend(change.tx_queue_len.map(LinkAttribute::TxQueueLen));
    let mut families = Vec::new();
    let settings = [
        (IPV4_DEVCONF_FORWARDING, change.ipv4_forwarding),
        (IPV4_DEVCONF_ROUTE_LOCALNET, change.route_localnet),
    ];
    families.extend(ipv4_settings(settings).map(|settings| AfSpecUnspec::Inet(vec![settings])));
    if change.no_link_local {
        families.push(AfSpecUnspec::Inet6(vec![AfSpecInet6::AddrGenMode(In6AddrGenMode::None)]));
    }
    if !families.is_empty() {
        attributes.push(LinkAttribute::AfSpecUnspec(families));
    }
    attributes.extend(change.port.map(bridge_port));
    Request::new(Message::NewLink(message), 0)
}

const IPV4_DEVCONF_FORWARDING: u16 = 1;
const IPV4_DEVCONF_ROUTE_LOCALNET: u16 = 26;

/// By hand, because `AfSpecInet::DevConfRequest` leaves out what is 0.
fn ipv4_settings(settings: [(u16, Option<bool>); 2]) -> Option<AfSpecInet> {
    const IFLA_INET_CONF: u16 = 1;
    let mut bytes = Vec::new();
    for (setting, on) in settings.into_iter().filter_map(|(setting, on)| Some((setting, on?))) {
        let setting = DefaultNla::new(setting, u32::from(on).to_ne_bytes().to_vec());
        let begin = bytes.len();
        bytes.resize(begin + setting.buffer_len(), 0);
        setting.emit(&mut bytes[begin..]);
    }
    (!bytes.is_empty()).then(|| AfSpecInet::Other(DefaultNla::new(IFLA_INET_CONF | NLA_F_NESTED, bytes)))
}

/// Frames of the link itself (LLDP and the like) reach no filter, so a bridge that learned from them would believe
/// an endpoint that it has another's MAC.
fn no_link_local_learning() -> BridgeBooleanOptions {
    let flags = BridgeBooleanOptionFlags::NoLinkLocalLearn;
    BridgeBooleanOptions { value: flags, mask: flags }
}

fn bridge_port(port: BridgePort) -> LinkAttribute {
    LinkAttribute::LinkInfo(vec![
        LinkInfo::PortKind(InfoPortKind::Bridge),
        LinkInfo::PortData(InfoPortData::BridgePort(vec![
            InfoBridgePort::HairpinMode(port.hairpin),
            InfoBridgePort::Isolated(port.isolated),
        ])),
    ])
}

/// `RTM_SETLINK` that moves and renames at once; `link.index` must be known.
pub(crate) fn move_link(spec: &MoveSpec, index: u32, namespace: RawFd) -> Request {
    let mut message = LinkMessage::default();
    message.header.index = index;
    let attributes = &mut message.attributes;
    attributes.push(LinkAttribute::NetNsFd(namespace));
    attributes.push(LinkAttribute::IfName(spec.name.to_string()));
    attributes.extend(spec.index.and_then(|index| i32::try_from(index).ok()).map(LinkAttribute::NewIfIndex));
    attributes.extend(spec.mtu.map(|mtu| LinkAttribute::Mtu(mtu.get())));
    attributes.extend(spec.mac.map(|mac| LinkAttribute::Address(mac.octets().to_vec())));
    attributes.extend(spec.alias.clone().map(LinkAttribute::IfAlias));
    Request::new(Message::SetLink(message), 0)
}

/// `RTM_DELLINK`.
pub(crate) fn delete_link(link: &LinkRef) -> Request {
    Request::new(Message::DelLink(about(link)), 0)
}

/// `RTM_GETLINK` of one link.
pub(crate) fn get_link(name: &InterfaceName) -> Message {
    let mut message = about(&LinkRef::named(name.clone()));
    message.attributes.push(without_statistics());
    Message::GetLink(message)
}

/// The kernel reads no counters for an answer in which nobody looks at them.
fn without_statistics() -> LinkAttribute {
    LinkAttribute::ExtMask(vec![LinkExtentMask::SkipStats])
}

/// `RTM_GETLINK` of one link by its index.
pub(crate) fn get_link_at(index: u32) -> Message {
    let mut message = LinkMessage::default();
    message.header.index = index;
    message.attributes.push(without_statistics());
    Message::GetLink(message)
}

/// `RTM_GETLINK` for its side effect: from 6.8 on the kernel acts on a carrier that has just come
/// before it answers (`rtnl_getlink` calls `linkwatch_sync_dev`), instead of some time later.
pub(crate) fn sync_link(link: &LinkRef) -> Request {
    let mut message = about(link);
    message.attributes.push(without_statistics());
    Request::new(Message::GetLink(message), 0)
}

/// `RTM_GETLINK` of `lo` in the namespace that the socket's own knows by `number`; refused when that
/// namespace is being taken down.
pub(crate) fn get_loopback_of(number: i32) -> Message {
    get_link_of(number, 1)
}

/// `RTM_GETLINK` of one link in that namespace, by its index.
pub(crate) fn get_link_of(number: i32, index: u32) -> Message {
    let mut message = LinkMessage::default();
    message.header.index = index;
    message.attributes.push(LinkAttribute::IfNetnsId(number));
    Message::GetLink(message)
}

fn family(ip: IpAddr) -> AddressFamily {
    if ip.is_ipv4() {
        AddressFamily::Inet
    } else {
        AddressFamily::Inet6
    }
}

fn address(spec: &AddressSpec, index: u32) -> AddressMessage {
    let mut message = AddressMessage::default();
    let ip = spec.address.addr();
    message.header.family = family(ip);
    message.header.prefix_len = spec.address.prefix_len();
    message.header.index = index;
    if !spec.callers {
        message.attributes.push(AddressAttribute::Protocol(AddressProtocol::Other(PROTOCOL)));
    }
    message.attributes.push(AddressAttribute::Local(ip));
    message.attributes.push(AddressAttribute::Address(ip));
    match spec.address {
        IpNet::V4(v4) if v4.prefix_len() < 31 => {
            message.attributes.push(AddressAttribute::Broadcast(v4.broadcast()));
        }
        IpNet::V4(_) => {}
        IpNet::V6(v6) => {
            message.header.flags = AddressHeaderFlags::Nodad;
            message.attributes.push(AddressAttribute::Flags(AddressFlags::Nodad));
            if v6.addr().is_unicast_link_local() {
                message.header.scope = AddressScope::Link;
            }
        }
    }
    message
}

/// `RTM_NEWADDR`.
pub(crate) fn add_address(spec: &AddressSpec, index: u32) -> Request {
    Request::new(Message::NewAddress(address(spec, index)), NLM_F_CREATE | NLM_F_EXCL)
}

/// `RTM_DELADDR`.
pub(crate) fn delete_address(spec: &AddressSpec, index: u32) -> Request {
    Request::new(Message::DelAddress(address(spec, index)), 0)
}

fn route(spec: &RouteSpec, index: u32) -> RouteMessage {
    const RT_TABLE_LOCAL: u8 = 255;
    let mut message = RouteMessage::default();
    let network = spec.destination.network();
    message.header.address_family = family(network);
    message.header.destination_prefix_length = spec.destination.prefix_len();
    message.header.table = if spec.local { RT_TABLE_LOCAL } else { RouteHeader::RT_TABLE_MAIN };
    message.header.protocol = match spec.callers {
        true => RouteProtocol::Boot, // as of whoever says nothing
        false => RouteProtocol::Other(PROTOCOL),
    };
    message.header.kind = if spec.local { RouteType::Local } else { RouteType::Unicast };
    message.header.scope = match spec.gateway {
        None if network.is_ipv4() && spec.local => RouteScope::Host,
        None if network.is_ipv4() => RouteScope::Link,
        _ => RouteScope::Universe,
    };
    if spec.destination.prefix_len() > 0 {
        message.attributes.push(RouteAttribute::Destination(RouteAddress::from(network)));
    }
    message.attributes.extend(spec.gateway.map(|gateway| RouteAttribute::Gateway(gateway.into())));
    message.attributes.push(RouteAttribute::Oif(index));
    message.attributes.extend(spec.source.map(|source| RouteAttribute::PrefSource(source.into())));
    message.attributes.extend(spec.metric.map(RouteAttribute::Priority));
    message
}

/// `RTM_NEWROUTE`.
pub(crate) fn add_route(spec: &RouteSpec, index: u32) -> Request {
    let flags = NLM_F_CREATE | if spec.replace { NLM_F_REPLACE } else { NLM_F_EXCL };
    Request::new(Message::NewRoute(route(spec, index)), flags)
}

/// `RTM_DELROUTE` of a route that this library added, or, of one that takes the place of others, of a default
/// route, whoever added that: a gateway takes the place of any.
pub(crate) fn delete_route(spec: &RouteSpec, index: u32) -> Request {
    let mut message = route(spec, index);
    if spec.replace && spec.destination.prefix_len() == 0 {
        message.header.protocol = RouteProtocol::Unspec;
    }
    Request::new(Message::DelRoute(message), 0)
}

fn neighbour_address(ip: IpAddr) -> NeighbourAttribute {
    NeighbourAttribute::Destination(match ip {
        IpAddr::V4(ip) => NeighbourAddress::Inet(ip),
        IpAddr::V6(ip) => NeighbourAddress::Inet6(ip),
    })
}

fn neighbour(spec: &NeighbourSpec, index: u32) -> NeighbourMessage {
    let mut message = NeighbourMessage::default();
    message.header.family = family(spec.address);
    message.header.ifindex = index;
    message.header.state = NeighbourState::Permanent;
    message.attributes.push(neighbour_address(spec.address));
    message.attributes.push(NeighbourAttribute::LinkLayerAddress(spec.mac.octets().to_vec()));
    message
}

/// `RTM_NEWNEIGH`.
pub(crate) fn add_neighbour(spec: &NeighbourSpec, index: u32) -> Request {
    Request::new(Message::NewNeighbour(neighbour(spec, index)), NLM_F_CREATE | NLM_F_REPLACE)
}

/// `RTM_DELNEIGH`.
pub(crate) fn delete_neighbour(spec: &NeighbourSpec, index: u32) -> Request {
    Request::new(Message::DelNeighbour(neighbour(spec, index)), 0)
}

fn proxy(spec: &ProxySpec, index: u32) -> NeighbourMessage {
    let mut message = NeighbourMessage::default();
    message.header.family = family(spec.address);
    message.header.ifindex = index;
    message.header.flags = NeighbourFlags::Proxy;
    message.attributes.push(neighbour_address(spec.address));
    message.attributes.push(NeighbourAttribute::Protocol(RouteProtocol::Other(PROTOCOL)));
    message
}

/// `RTM_NEWNEIGH` of a proxied address.
pub(crate) fn add_proxy(spec: &ProxySpec, index: u32) -> Request {
    Request::new(Message::NewNeighbour(proxy(spec, index)), NLM_F_CREATE | NLM_F_EXCL)
}

/// `RTM_DELNEIGH` of a proxied address, whoever added it.
pub(crate) fn delete_proxy(spec: &ProxySpec, index: u32) -> Request {
    Request::new(Message::DelNeighbour(proxy(spec, index)), 0)
}

/// `RTM_GETLINK` of all links, without their statistics, which make most of a list.
pub(crate) fn list_links() -> Message {
    let mut message = LinkMessage::default();
    message.attributes.push(without_statistics());
    Message::GetLink(message)
}

/// `RTM_GETLINK` of all links in the namespace that the socket's own knows by `number`. A kernel that does not
/// look there lists its own.
pub(crate) fn list_links_of(number: i32) -> Message {
    let mut message = LinkMessage::default();
    message.attributes.push(LinkAttribute::IfNetnsId(number));
    message.attributes.push(without_statistics());
    Message::GetLink(message)
}

/// `RTM_GETNSID` of all namespaces that the socket's own knows by a number.
pub(crate) fn list_namespaces() -> Message {
    Message::GetNsId(NsidMessage::default())
}

/// `RTM_GETLINK` of the ports of a bridge. A kernel that does not filter lists all links.
pub(crate) fn list_ports(bridge: u32) -> Message {
    let mut message = LinkMessage::default();
    message.attributes.push(LinkAttribute::Controller(bridge));
    message.attributes.push(without_statistics());
    Message::GetLink(message)
}

/// `RTM_GETADDR` of all addresses of both families.
pub(crate) fn list_addresses() -> Message {
    Message::GetAddress(AddressMessage::default())
}

/// `RTM_GETADDR` of all addresses in the namespace that the socket's own knows by `number`. A kernel that does not
/// look there lists its own.
pub(crate) fn list_addresses_of(number: i32) -> Message {
    let mut message = AddressMessage::default();
    message.attributes.push(AddressAttribute::TargetNetNsId(number));
    Message::GetAddress(message)
}

/// `RTM_GETROUTE` of the routes of one family through a link. A kernel that does not filter lists all.
pub(crate) fn list_routes_through(link: u32, ipv6: bool) -> Message {
    let mut message = RouteMessage::default();
    message.header.address_family = if ipv6 { AddressFamily::Inet6 } else { AddressFamily::Inet };
    message.header.table = RouteHeader::RT_TABLE_MAIN;
    message.attributes.push(RouteAttribute::Oif(link));
    Message::GetRoute(message)
}

/// `RTM_GETROUTE` of the route that a packet to `to` would take.
pub(crate) fn get_route(to: IpAddr) -> Message {
    Message::GetRoute(route_to(to))
}

fn route_to(to: IpAddr) -> RouteMessage {
    let mut message = RouteMessage::default();
    message.header.address_family = family(to);
    message.header.destination_prefix_length = if to.is_ipv4() { 32 } else { 128 };
    message.attributes.push(RouteAttribute::Destination(RouteAddress::from(to)));
    message
}

/// `RTM_GETROUTE` of the entry that decides where a packet to `to` goes that comes with the link `link`
/// (`RTM_F_FIB_MATCH`).
pub(crate) fn match_route(to: IpAddr, link: u32) -> Message {
    let mut message = route_to(to);
    message.header.flags = RouteFlags::FibMatch;
    message.attributes.push(RouteAttribute::Oif(link));
    Message::GetRoute(message)
}

/// `RTM_GETROUTE` of the routes of one family.
pub(crate) fn list_routes(ipv6: bool) -> Message {
    let mut message = RouteMessage::default();
    message.header.address_family = if ipv6 { AddressFamily::Inet6 } else { AddressFamily::Inet };
    Message::GetRoute(message)
}

/// `RTM_GETNEIGH` of all neighbours of both families.
pub(crate) fn list_neighbours() -> Message {
    Message::GetNeighbour(NeighbourMessage::default())
}

/// `RTM_GETNEIGH` of all proxied addresses of both families.
pub(crate) fn list_proxies() -> Message {
    let mut message = NeighbourMessage::default();
    message.header.flags = NeighbourFlags::Proxy;
    Message::GetNeighbour(message)
}

/// Where multicast listener reports (RFC 3810) and router solicitations (RFC 4861) go.
pub(crate) const ROUTERS_ONLY: [Ipv6Addr; 2] =
    [Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x16), Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 2)];
