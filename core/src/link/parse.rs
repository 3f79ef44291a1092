//! From the kernel's messages to what the library looks at.

use std::net::IpAddr;

use ipnet::IpNet;
use netlink_packet_route::address::{AddressAttribute, AddressProtocol};
use netlink_packet_route::link::{
    InfoBridge, InfoData, InfoMacVlan, LinkAttribute, LinkFlags, LinkInfo, MacVlanMode,
};
use netlink_packet_route::neighbour::{
    NeighbourAddress, NeighbourAttribute, NeighbourFlags, NeighbourMessage, NeighbourState,
};
use netlink_packet_route::nsid::NsidAttribute;
use netlink_packet_route::route::{RouteAddress, RouteAttribute, RouteHeader, RouteProtocol, RouteType};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage as Message};

use super::{MacAddr, MacvlanMode, PROTOCOL};

/// A link as the kernel describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LinkState {
    pub(crate) index: u32,
    pub(crate) name: String,
    pub(crate) up: bool,
    /// `bridge`, `veth` …; empty for hardware and `lo`.
    pub(crate) kind: String,
    pub(crate) mac: Option<MacAddr>,
    pub(crate) mtu: u32,
    pub(crate) alias: Option<String>,
    pub(crate) group: u32,
    pub(crate) master: Option<u32>,
    /// The index of the link that it shares, or of its peer, in that one's namespace.
    pub(crate) parent: Option<u32>,
    /// The number by which the host knows the namespace of the other end, when that is another one.
    pub(crate) peer_namespace: Option<i32>,
    pub(crate) multicast_snooping: bool,
    /// A macvlan's, where it is one that this library makes.
    pub(crate) macvlan_mode: Option<MacvlanMode>,
}

/// Reads an `RTM_NEWLINK`.
pub(crate) fn link(message: &Message) -> Option<LinkState> {
    let Message::NewLink(message) = message else {
        return None;
    };
    let mut state = LinkState {
        index: message.header.index,
        up: message.header.flags.contains(LinkFlags::Up),
        ..LinkState::default()
    };
    for attribute in &message.attributes {
        match attribute {
            LinkAttribute::IfName(name) => state.name.clone_from(name),
            LinkAttribute::IfAlias(alias) => state.alias = Some(alias.clone()),
            LinkAttribute::Mtu(mtu) => state.mtu = *mtu,
            LinkAttribute::Group(group) => state.group = *group,
            LinkAttribute::Controller(master) => state.master = Some(*master),
            LinkAttribute::Link(parent) => state.parent = Some(*parent),
            LinkAttribute::LinkNetNsId(number) => state.peer_namespace = Some(*number),
            LinkAttribute::Address(bytes) => {
                state.mac = bytes.as_slice().try_into().ok().and_then(|octets| MacAddr::new(octets).ok());
            }
            LinkAttribute::LinkInfo(infos) => link_info(infos, &mut state),
            _ => {}
        }
    }
    Some(state)
}

fn link_info(infos: &[LinkInfo], state: &mut LinkState) {
    for info in infos {
        match info {
            LinkInfo::Kind(kind) => state.kind = kind.to_string(),
            LinkInfo::Data(InfoData::Bridge(options)) => {
                state.multicast_snooping = options.contains(&InfoBridge::MulticastSnooping(true));
            }
            LinkInfo::Data(InfoData::MacVlan(options)) => {
                state.macvlan_mode = options.iter().find_map(macvlan_mode);
            }
            _ => {}
        }
    }
}

fn macvlan_mode(option: &InfoMacVlan) -> Option<MacvlanMode> {
    match option {
        InfoMacVlan::Mode(MacVlanMode::Bridge) => Some(MacvlanMode::Bridge),
        InfoMacVlan::Mode(MacVlanMode::Passthrough) => Some(MacvlanMode::Passthru),
        InfoMacVlan::Mode(MacVlanMode::Private) => Some(MacvlanMode::Private),
        InfoMacVlan::Mode(MacVlanMode::Vepa) => Some(MacvlanMode::Vepa),
        _ => None,
    }
}

/// An address as the kernel describes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AddressState {
    pub(crate) index: u32,
    pub(crate) address: IpNet,
    /// Whether this library added it; kernels before 5.18 do not remember.
    pub(crate) ours: bool,
}

/// Reads an `RTM_NEWADDR`.
pub(crate) fn address(message: &Message) -> Option<AddressState> {
    let Message::NewAddress(message) = message else {
        return None;
    };
    let mut ip = None;
    let ours = AddressAttribute::Protocol(AddressProtocol::Other(PROTOCOL));
    let ours = message.attributes.contains(&ours);
    for attribute in &message.attributes {
        match attribute {
            AddressAttribute::Local(local) => ip = Some(*local),
            AddressAttribute::Address(address) if ip.is_none() => ip = Some(*address),
            _ => {}
        }
    }
    let address = IpNet::new(ip?, message.header.prefix_len).ok()?;
    Some(AddressState { index: message.header.index, address, ours })
}

/// In which other namespace a link or an address is that was asked for there, by that one's number.
pub(crate) fn namespace_of(message: &Message) -> Option<i32> {
    match message {
        Message::NewLink(message) => message.attributes.iter().find_map(|attribute| match attribute {
            LinkAttribute::IfNetnsId(number) => Some(*number),
            _ => None,
        }),
        Message::NewAddress(message) => message.attributes.iter().find_map(|attribute| match attribute {
            AddressAttribute::TargetNetNsId(number) => Some(*number),
            _ => None,
        }),
        _ => None,
    }
}

/// Reads the number of an `RTM_NEWNSID`.
pub(crate) fn namespace_number(message: &Message) -> Option<i32> {
    let Message::NewNsId(message) = message else {
        return None;
    };
    message.attributes.iter().find_map(|attribute| match attribute {
        NsidAttribute::Id(number) => Some(*number),
        _ => None,
    })
}

/// A unicast route of the main table as the kernel describes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RouteState {
    pub(crate) index: u32,
    pub(crate) destination: IpNet,
    pub(crate) gateway: Option<IpAddr>,
    pub(crate) source: Option<IpAddr>,
    pub(crate) metric: Option<u32>,
    /// Whether this library added it.
    pub(crate) ours: bool,
}

/// Whether a route leads to the host itself.
pub(crate) fn is_local(message: &Message) -> bool {
    matches!(message, Message::NewRoute(message) if message.header.kind == RouteType::Local)
}

/// Whether a route leads to the address of a link that has the index `link`.
pub(crate) fn is_local_on(message: &Message, link: u32) -> bool {
    let of_link = RouteAttribute::Oif(link);
    is_local(message)
        && matches!(message, Message::NewRoute(message) if message.attributes.contains(&of_link))
}

/// Where a route of the main table leads, of whatever kind it is: what a subnet must not overlap.
pub(crate) fn destination(message: &Message) -> Option<IpNet> {
    let Message::NewRoute(message) = message else {
        return None;
    };
    if message.header.table != RouteHeader::RT_TABLE_MAIN {
        return None;
    }
    let to = message.attributes.iter().find_map(|attribute| match attribute {
        RouteAttribute::Destination(to) => ip(to),
        _ => None,
    });
    IpNet::new(to?, message.header.destination_prefix_length).ok()
}

/// Reads an `RTM_NEWROUTE`; `None` for other tables, multipath routes and those that are not unicast.
pub(crate) fn route(message: &Message) -> Option<RouteState> {
    let Message::NewRoute(message) = message else {
        return None;
    };
    let header = &message.header;
    if header.table != RouteHeader::RT_TABLE_MAIN || header.kind != RouteType::Unicast {
        return None;
    }
    let unspecified: IpAddr = match header.address_family {
        AddressFamily::Inet => std::net::Ipv4Addr::UNSPECIFIED.into(),
        AddressFamily::Inet6 => std::net::Ipv6Addr::UNSPECIFIED.into(),
        _ => return None,
    };
    let (mut index, mut gateway, mut source, mut metric) = (None, None, None, None);
    let mut destination = unspecified;
    for attribute in &message.attributes {
        match attribute {
            RouteAttribute::Oif(oif) => index = Some(*oif),
            RouteAttribute::Gateway(via) => gateway = ip(via),
            RouteAttribute::PrefSource(from) => source = ip(from),
            RouteAttribute::Priority(priority) => metric = Some(*priority),
            RouteAttribute::Destination(to) => destination = ip(to)?,
            _ => {}
        }
    }
    Some(RouteState {
        index: index?,
        destination: IpNet::new(destination, header.destination_prefix_length).ok()?,
        gateway,
        source,
        metric,
        ours: header.protocol == RouteProtocol::Other(PROTOCOL),
    })
}

fn ip(address: &RouteAddress) -> Option<IpAddr> {
    match address {
        RouteAddress::Inet(ip) => Some((*ip).into()),
        RouteAddress::Inet6(ip) => Some((*ip).into()),
        _ => None,
    }
}

/// A permanent neighbour as the kernel describes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PermanentNeighbour {
    pub(crate) index: u32,
    pub(crate) address: IpAddr,
    pub(crate) mac: MacAddr,
}

/// Reads an `RTM_NEWNEIGH`; `None` when it is not permanent.
pub(crate) fn neighbour(message: &Message) -> Option<PermanentNeighbour> {
    let Message::NewNeighbour(message) = message else {
        return None;
    };
    if message.header.state != NeighbourState::Permanent {
        return None;
    }
    let mac = message.attributes.iter().find_map(|attribute| match attribute {
        NeighbourAttribute::LinkLayerAddress(bytes) => MacAddr::new(bytes.as_slice().try_into().ok()?).ok(),
        _ => None,
    });
    let address = neighbour_address(message)?;
    Some(PermanentNeighbour { index: message.header.ifindex, address, mac: mac? })
}

fn neighbour_address(message: &NeighbourMessage) -> Option<IpAddr> {
    message.attributes.iter().find_map(|attribute| match attribute {
        NeighbourAttribute::Destination(NeighbourAddress::Inet(ip)) => Some(IpAddr::from(*ip)),
        NeighbourAttribute::Destination(NeighbourAddress::Inet6(ip)) => Some(IpAddr::from(*ip)),
        _ => None,
    })
}

/// A proxied address as the kernel describes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ProxyState {
    /// The link that answers; 0 when every link does.
    pub(crate) index: u32,
    pub(crate) address: IpAddr,
    /// Whether this library added it.
    pub(crate) ours: bool,
}

/// Reads an `RTM_NEWNEIGH`; `None` when it is a neighbour and no proxied address.
pub(crate) fn proxy(message: &Message) -> Option<ProxyState> {
    let Message::NewNeighbour(message) = message else {
        return None;
    };
    if !message.header.flags.contains(NeighbourFlags::Proxy) {
        return None;
    }
    let ours = NeighbourAttribute::Protocol(RouteProtocol::Other(PROTOCOL));
    Some(ProxyState {
        index: message.header.ifindex,
        address: neighbour_address(message)?,
        ours: message.attributes.contains(&ours),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::message;
    use crate::netlink::RouteSocket;

    fn look(name: &str) -> LinkState {
        let request = message::get_link(&name.parse().unwrap());
        let answer = RouteSocket::open().unwrap().get(&request).unwrap();
        link(&answer.unwrap()).unwrap()
    }

    #[test]
    fn a_macvlan_knows_its_parent_and_its_mode() {
        testhost::host(|host| {
            host.ip(&["link", "add", "lan0", "type", "veth", "peer", "name", "lan1"]);
            let parent = look("lan0");
            assert_eq!((parent.parent, parent.macvlan_mode), (Some(look("lan1").index), None));
            for mode in ["bridge", "private", "vepa", "passthru"] {
                host.ip(&["link", "add", "link", "lan0", "name", "x0", "type", "macvlan", "mode", mode]);
                let made = look("x0");
                assert_eq!(made.kind, "macvlan");
                assert_eq!((made.parent, made.macvlan_mode), (Some(parent.index), mode.parse().ok()));
                host.ip(&["link", "delete", "x0"]);
            }
            assert_eq!(look("lo").parent, None);
        });
    }

    #[test]
    fn proxied_addresses_of_both_families_say_whose_they_are() {
        testhost::host(|host| {
            host.ip(&["link", "add", "lan0", "type", "veth", "peer", "name", "lan1"]);
            host.ip(&["neighbour", "add", "proxy", "10.7.0.2", "dev", "lan0", "protocol", "78"]);
            host.ip(&["neighbour", "add", "proxy", "fd07::2", "dev", "lan0"]);
            host.ip(&["neighbour", "add", "10.7.0.3", "lladdr", "02:00:00:00:00:03", "dev", "lan0"]);
            let index = look("lan0").index;
            let listed = RouteSocket::open().unwrap().dump(&message::list_proxies()).unwrap();
            let listed: Vec<_> = listed.iter().filter_map(proxy).collect();
            let state = |address: &str, ours| ProxyState { index, address: address.parse().unwrap(), ours };
            assert_eq!(listed, [state("10.7.0.2", true), state("fd07::2", false)]);
        });
    }
}
