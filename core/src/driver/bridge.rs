//! The bridge driver: veth pairs on an Ethernet bridge.
//!
//! Three habits keep the cost of a join from growing with the number of ports:
//! - The host's end of every pair carries the bridge's own MAC. The bridge then has one local entry
//!   in its forwarding table instead of one a port, which it would walk at every join.
//! - Nothing is sent when a port comes up: no IPv6 on the host's end, addresses without
//!   duplicate address detection inside, and multicast listener reports and router solicitations,
//!   which only routers listen to, go to the bridge's MAC instead of every port (RFC 6085).
//! - The bridge has a fixed MAC and MTU, no snooping timers and no default VLAN.

use ipnet::IpNet;

use crate::link::message::ROUTERS_ONLY;
use crate::link::parse::LinkState;
use crate::link::{
    BridgePort, InterfaceName, LinkChange, LinkKind, LinkRef, LinkSpec, MacAddr, Mtu, Place, VethPeer,
    LINK_GROUP,
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
    /// The gateway addresses that it got from this handle.
    pub(crate) added: Vec<IpNet>,
}

/// What a network says of its bridge's ports.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PortOptions {
    pub(crate) port: BridgePort,
    pub(crate) tx_queue_len: Option<u32>,
}

/// A bridge, down and not yet a network's.
///
/// What follows is a plan of its own: it may have to complete another process's bridge instead.
pub(crate) fn create(name: &InterfaceName, mac: MacAddr, mtu: Mtu, multicast_snooping: bool) -> Plan {
    let mut bridge =
        LinkSpec::new(name.clone(), LinkKind::Bridge { multicast_snooping, vlan_default_pvid: 0 });
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

/// Whether `link`, under an endpoint's name, is that endpoint's: by its alias, or by its group when
/// its maker has not come to the alias yet.
pub(crate) fn is_endpoint(link: &LinkState, network: &Name, endpoint: &Name) -> bool {
    match &link.alias {
        Some(alias) => *alias == endpoint_alias(network, endpoint),
        None => link.group == LINK_GROUP,
    }
}

/// The alias of the host's end of an endpoint.
pub(crate) fn endpoint_alias(network: &Name, endpoint: &Name) -> String {
    format!("{} endpoint={endpoint}", alias(network))
}

/// The names of an endpoint's two ends in the host. They follow from who it is, so that an orphan
/// can be traced; the alias says it in words.
pub(crate) fn link_names(network: &Name, endpoint: &Name) -> crate::Result<(InterfaceName, InterfaceName)> {
    let digest = digest(network, endpoint) >> 24;
    Ok((
        InterfaceName::new(&format!("veth{digest:010x}"))?,
        InterfaceName::new(&format!("veth{digest:010x}p"))?,
    ))
}

/// The `ifindex` of an endpoint's end on the bridge, far above those that the kernel gives out. Where
/// it is taken, as in one join of a million, the next `attempt` has another.
pub(crate) fn port_index(network: &Name, endpoint: &Name, attempt: u32) -> u32 {
    const RANGE: u32 = 1 << 30;
    RANGE + (digest(network, endpoint) as u32).wrapping_add(attempt) % RANGE
}

fn digest(network: &Name, endpoint: &Name) -> u64 {
    fnv1a(&format!("{network}/{endpoint}"))
}

/// 64-bit FNV-1a: short, and the same in every version of the library.
fn fnv1a(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// An endpoint of a network, and what its pair is made of.
pub(crate) struct Endpoint<'a> {
    pub(crate) network: &'a Name,
    pub(crate) name: &'a Name,
    pub(crate) bridge: &'a Bridge,
    pub(crate) options: PortOptions,
    /// The name of the host's end.
    pub(crate) host: InterfaceName,
    /// Its index: the kernel minds the index that is chosen for the other end only when this one has
    /// one too.
    pub(crate) index: u32,
    /// Whether IPv6 can be turned off on the host's end. Each link that has it is one more route to
    /// multicast that the kernel walks when another comes up.
    pub(crate) ipv6_switch: bool,
}

impl Endpoint<'_> {
    fn host(&self) -> LinkRef {
        LinkRef::indexed(self.host.clone(), self.index)
    }

    /// The pair, with both ends down and the host's not yet on the bridge.
    fn birth(&self, peer: VethPeer, mtu: Option<Mtu>, plan: &mut Plan) {
        let mut veth = LinkSpec::new(self.host.clone(), LinkKind::Veth { peer });
        veth.index = Some(self.index);
        veth.mac = Some(self.bridge.mac);
        veth.mtu = Some(mtu.unwrap_or(self.bridge.mtu));
        veth.queues = Some(1);
        veth.tx_queue_len = self.options.tx_queue_len;
        plan.push(Place::Host, Action::CreateLink(veth));
    }

    /// The host's end goes on the bridge and up. An end that is up before the other one is would
    /// lose its carrier, and the bridge would disable the port and enable it again.
    fn open(&self, plan: &mut Plan) {
        let mut open = LinkChange::new(self.host());
        open.alias = Some(endpoint_alias(self.network, self.name));
        open.master = Some(self.bridge.link.clone());
        let mut up = LinkChange::new(self.host());
        if self.options.port != BridgePort::default() {
            // An isolated port is isolated before it is up, so that no frame passes it.
            up.port = Some(self.options.port);
        }
        if self.ipv6_switch {
            plan.push(Place::Host, Action::TurnOffIpv6(self.host()));
        } else {
            open.no_link_local = true;
        }
        if up.port.is_some() || open.no_link_local {
            plan.push(Place::Host, Action::SetLink(open));
            open = up;
        }
        open.up = Some(true);
        plan.push(Place::Host, Action::SetLink(open));
        // The port forwards, and the first one's bridge sends, once the kernel has seen the carrier.
        plan.push(Place::Host, Action::SyncLink(self.host()));
        plan.push(Place::Host, Action::SyncLink(self.bridge.link.clone()));
    }

    /// The pair with both ends in the host, one of them ready to move (seed `002`, `Network.Link`).
    pub(crate) fn link(&self, interface: &Interface) -> Plan {
        let name = interface.src_name.clone();
        let peer = VethPeer { name, place: Place::Host, index: None, mac: interface.mac };
        let mut plan = Plan::default();
        self.birth(peer, interface.mtu, &mut plan);
        self.open(&mut plan);
        plan
    }

    /// The pair with one end born in the sandbox under its final name, configured and up.
    pub(crate) fn join(&self, settled: &Settled, ipv6: &Ipv6Default) -> Plan {
        let interface = &settled.interface;
        let (name, index) = (settled.name().clone(), settled.link.index);
        let peer = VethPeer { name, place: Place::Sandbox, index, mac: interface.mac };
        let mut plan = Plan::default();
        settled.before_birth(ipv6, &mut plan);
        self.birth(peer, interface.mtu, &mut plan);
        settled.after_birth(interface.mac, &mut plan);
        self.open(&mut plan);
        plan.push(Place::Sandbox, Action::SyncLink(settled.link.clone()));
        plan
    }
}

/// Whom an interface with an IPv6 address on `bridge` need not ask for. A bridge that snoops must
/// see listener reports as what they are.
pub(crate) fn neighbours(bridge: &Bridge) -> Vec<Neighbour> {
    if bridge.multicast_snooping {
        return Vec::new();
    }
    ROUTERS_ONLY.map(|group| Neighbour { address: group.into(), mac: bridge.mac }).to_vec()
}
