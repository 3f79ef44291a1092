//! The bridge driver: veth pairs on an Ethernet bridge.
//!
//! Three habits keep the cost of a join from growing with the number of ports:
//! - The host's end of every pair carries the bridge's own MAC. The bridge then has one local entry
//!   in its forwarding table instead of one a port, which it would walk at every join.
//! - Nothing is sent when a port comes up: no link-local address on the host's end, addresses without
//!   duplicate address detection inside, and multicast listener reports and router solicitations,
//!   which only routers listen to, go to the bridge's MAC instead of every port (RFC 6085).
//! - The bridge has a fixed MAC and MTU, no snooping timers and no default VLAN.

use crate::link::message::ROUTERS_ONLY;
use crate::link::{
    BridgePort, InterfaceName, LinkChange, LinkKind, LinkRef, LinkSpec, MacAddr, Mtu, Place, VethPeer,
};
use crate::name::Name;
use crate::plan::{Action, Plan};
use crate::sandbox::{Interface, Neighbour, Settled};
use crate::sys::Ipv6Default;

/// A bridge as the kernel has it.
#[derive(Clone, Debug)]
pub(crate) struct Bridge {
    pub(crate) link: LinkRef,
    pub(crate) mac: MacAddr,
    pub(crate) mtu: Mtu,
    pub(crate) multicast_snooping: bool,
}

/// What a network says of its bridge's ports.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PortOptions {
    pub(crate) port: BridgePort,
    pub(crate) tx_queue_len: Option<u32>,
}

/// A bridge, down and not yet a network's.
///
/// It is sent alone: the kernel goes on past a message that it refuses, and what follows must not
/// reach a link of that name that is somebody else's.
pub(crate) fn create(name: &InterfaceName, mac: MacAddr, mtu: Mtu, multicast_snooping: bool) -> Plan {
    let mut bridge = LinkSpec::new(
        name.clone(),
        LinkKind::Bridge {
            multicast_snooping,
            vlan_default_pvid: 0,
        },
    );
    bridge.mac = Some(mac);
    // The kernel takes an MTU for the administrator's choice only when it changes; one that is not
    // would follow the ports', which are then walked at every join.
    bridge.mtu = Some(mtu.neighbour());
    let mut plan = Plan::default();
    plan.push(Place::Host, Action::CreateLink(bridge));
    plan
}

/// What makes a new bridge the bridge of `network`.
pub(crate) fn settings(network: &Name, name: &InterfaceName, mtu: Mtu) -> LinkChange {
    let mut settings = LinkChange::new(LinkRef::named(name.clone()));
    settings.mtu = Some(mtu);
    settings.alias = Some(alias(network));
    settings
}

/// The alias by which the bridge of `network` is known to be this library's.
pub(crate) fn alias(network: &Name) -> String {
    format!("libnetns network={network}")
}

/// The names of an endpoint's two ends in the host. They follow from who it is, so that an orphan
/// can be traced; the alias says it in words.
pub(crate) fn link_names(network: &Name, endpoint: &Name) -> crate::Result<(InterfaceName, InterfaceName)> {
    let digest = fnv1a(&format!("{network}/{endpoint}")) >> 24;
    Ok((
        InterfaceName::new(&format!("veth{digest:010x}"))?,
        InterfaceName::new(&format!("veth{digest:010x}p"))?,
    ))
}

/// 64-bit FNV-1a: short, and the same in every version of the library.
fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// The pair of an endpoint whose other end is born in `place` as `name`, the host's end on the
/// bridge and up.
fn pair(
    bridge: &Bridge,
    options: PortOptions,
    host: &InterfaceName,
    endpoint: (&Name, &Name),
    peer: VethPeer,
    mtu: Mtu,
) -> Plan {
    let mut veth = LinkSpec::new(host.clone(), LinkKind::Veth { peer });
    veth.mac = Some(bridge.mac);
    veth.mtu = Some(mtu);
    veth.master = Some(bridge.link.clone());
    veth.queues = Some(1);
    veth.tx_queue_len = options.tx_queue_len;
    let mut settings = LinkChange::new(LinkRef::named(host.clone()));
    settings.alias = Some(format!("{} endpoint={}", alias(endpoint.0), endpoint.1));
    settings.no_link_local = true;
    settings.port = (options.port != BridgePort::default()).then_some(options.port);
    let mut up = LinkChange::new(LinkRef::named(host.clone()));
    up.up = Some(true);
    let mut plan = Plan::default();
    plan.push(Place::Host, Action::CreateLink(veth));
    plan.push(Place::Host, Action::SetLink(settings));
    plan.push(Place::Host, Action::SetLink(up));
    plan
}

/// The pair of an endpoint with both ends in the host, ready to move (seed `002`, `Network.Link`).
pub(crate) fn link(
    bridge: &Bridge,
    options: PortOptions,
    host: &InterfaceName,
    endpoint: (&Name, &Name),
    interface: &Interface,
) -> Plan {
    let peer = VethPeer {
        name: interface.src_name.clone(),
        place: Place::Host,
        index: None,
        mac: interface.mac,
    };
    pair(
        bridge,
        options,
        host,
        endpoint,
        peer,
        interface.mtu.unwrap_or(bridge.mtu),
    )
}

/// The pair of an endpoint whose interface is born in the sandbox with its final name.
pub(crate) fn join(
    bridge: &Bridge,
    options: PortOptions,
    host: &InterfaceName,
    endpoint: (&Name, &Name),
    settled: &Settled,
    ipv6: &Ipv6Default,
) -> Plan {
    let interface = &settled.interface;
    let peer = VethPeer {
        name: settled.name().clone(),
        place: Place::Sandbox,
        index: settled.link.index,
        mac: interface.mac,
    };
    let mut plan = Plan::default();
    settled.before_birth(ipv6, &mut plan);
    plan.steps.extend(
        pair(
            bridge,
            options,
            host,
            endpoint,
            peer,
            interface.mtu.unwrap_or(bridge.mtu),
        )
        .steps,
    );
    settled.after_birth(interface.mac, &mut plan);
    plan
}

/// Whom an interface with an IPv6 address on `bridge` need not ask for. A bridge that snoops must
/// see listener reports as what they are.
pub(crate) fn neighbours(bridge: &Bridge) -> Vec<Neighbour> {
    if bridge.multicast_snooping {
        return Vec::new();
    }
    ROUTERS_ONLY
        .map(|group| Neighbour {
            address: group.into(),
            mac: bridge.mac,
        })
        .to_vec()
}
