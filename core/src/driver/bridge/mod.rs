//! The bridge driver: veth pairs on an Ethernet bridge.
//!
//! Three habits keep the cost of a join from growing with the number of ports:
//! - The host's end of every pair carries the bridge's own MAC. The bridge then has one local entry
//!   in its forwarding table instead of one a port, which it would walk at every join.
//! - Nothing is sent when a port comes up: no IPv6 on the host's end, addresses without
//!   duplicate address detection inside, and multicast listener reports and router solicitations,
//!   which only routers listen to, go to the bridge's MAC instead of every port (RFC 6085).
//! - The bridge has a fixed MAC and MTU, no snooping timers and no default VLAN.

mod network;
mod options;

use std::sync::Arc;

pub(crate) use network::Bridge;
use network::BridgeNetwork;
use options::{BridgeOptions, PortOptions};

use super::info::{Birth, InterfaceInfo, JoinInfo, NetworkInfo};
use super::known::Known;
use super::naming::{self, Mark};
use super::{options as keys, veth, Driver, IpamData, Options};
use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;
use crate::link::message::ROUTERS_ONLY;
use crate::link::{BridgePort, InterfaceName, LinkChange, LinkRef, Mtu, Neighbour, Place};
use crate::name::Name;
use crate::plan::{Action, Plan};

/// The type that this driver manages.
pub(crate) const TYPE: &str = "bridge";

/// What the network's bridge is called; none when the options cannot be read.
pub(crate) fn name_of(network: &Name, options: &Options) -> Option<String> {
    let options = keys::parse(TYPE, options).ok()?;
    network::bridge_name(network, &options).ok().map(|name| name.to_string())
}

/// Networks that are bridges of `host`.
pub(crate) struct BridgeDriver {
    host: Arc<Host>,
    mark: Mark,
    networks: Known<BridgeNetwork>,
}

impl BridgeDriver {
    pub(crate) fn new(host: Arc<Host>, mark: Mark) -> Self {
        Self { host, mark, networks: Known::default() }
    }

    /// The bridge's name and MTU.
    pub(crate) fn bridge(&self, network: &str) -> Result<(InterfaceName, Mtu)> {
        let bridge = self.networks.network(network)?.bridge(&self.host)?;
        Ok((bridge.link.name, bridge.mtu))
    }
}

impl Driver for BridgeDriver {
    fn network_type(&self) -> &str {
        TYPE
    }

    fn create_network(
        &self,
        network: &str,
        options: &Options,
        _: &mut NetworkInfo,
        ipv4: &[IpamData],
        ipv6: &[IpamData],
    ) -> Result<Plan> {
        let (made, plan) = BridgeNetwork::plan(&self.host, &self.mark, network, options, ipv4, ipv6)?;
        self.networks.insert(network, made);
        Ok(plan)
    }

    fn delete_network(&self, network: &str) -> Result<Plan> {
        // It is kept in mind: the plan may fail, and the network be made again.
        self.networks.network(network)?.deletion(&self.host, &self.mark)
    }

    fn create_endpoint(
        &self,
        network: &str,
        _: &str,
        interface: &mut InterfaceInfo,
        options: &Options,
    ) -> Result<Plan> {
        let network = self.networks.network(network)?;
        keys::parse::<PortOptions>(TYPE, options)?;
        super::settle_interface(&network.subnets, interface)?;
        Ok(Plan::default())
    }

    fn delete_endpoint(&self, network: &str, endpoint: &str) -> Result<Plan> {
        self.leave(network, endpoint)
    }

    fn endpoint_oper_info(&self, network: &str, endpoint: &str) -> Result<Options> {
        let known = self.networks.network(network)?;
        veth::oper_info(&known.name, &Name::new(endpoint)?, [("bridge", known.bridge_name.as_str())])
    }

    fn join(
        &self,
        network: &str,
        endpoint: &str,
        _: &str,
        join: &mut JoinInfo,
        options: &Options,
    ) -> Result<()> {
        let network = self.networks.network(network)?;
        let bridge = network.bridge(&self.host)?;
        let options: PortOptions = keys::parse(TYPE, options)?;
        let mtu = veth::mtu(join.mtu(), bridge.mtu)?;
        let end = veth::HostEnd::new(&network.name, &Name::new(endpoint)?, join.attempt())?;
        let port = network.options.port(options);
        let mut birth = Birth::new(end.pair(bridge.mac, mtu, network.options.tx_queue_len));
        let alias = self.mark.endpoint(&network.name, &end.endpoint);
        birth.after = open(&end.link(), alias, port, &bridge, self.host.can_turn_off_ipv6());
        if join.interface().address_ipv6().is_some() {
            birth.neighbours = neighbours(&bridge);
        }
        super::name_interface(join, end.src_name, network.options.prefix.as_ref())?;
        join.set_birth(birth);
        super::give_gateways(&network.subnets, network.internal, join);
        Ok(())
    }

    fn leave(&self, network: &str, endpoint: &str) -> Result<Plan> {
        veth::deletion(&self.host, &self.mark, &Name::new(network)?, &Name::new(endpoint)?)
    }
}

/// Whether the options of a network keep its endpoints from one another.
pub(crate) fn isolates(options: &Options) -> bool {
    keys::parse::<BridgeOptions>(TYPE, options).is_ok_and(|options| options.isolates())
}

/// The flags of an endpoint's port, from the options of the network and its own.
pub(crate) fn port(network: &Options, endpoint: &Options) -> Result<BridgePort> {
    Ok(keys::parse::<BridgeOptions>(TYPE, network)?.port(keys::parse(TYPE, endpoint)?))
}

/// The host's end goes on the bridge and up. An end that is up before the other one is would
/// lose its carrier, and the bridge would disable the port and enable it again.
pub(crate) fn open(
    end: &LinkRef,
    alias: String,
    port: BridgePort,
    bridge: &Bridge,
    ipv6_switch: bool,
) -> Plan {
    let mut plan = Plan::default();
    let mut open = LinkChange::new(end.clone());
    open.alias = Some(alias);
    open.master = Some(bridge.link.clone());
    let mut up = LinkChange::new(end.clone());
    if port != BridgePort::default() {
        // An isolated port is isolated before it is up, so that no frame passes it.
        up.port = Some(port);
    }
    // Each link that has IPv6 is one more route to multicast that the kernel walks when another comes up.
    if ipv6_switch {
        plan.push(Place::Host, Action::TurnOffIpv6(end.clone()));
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
    plan.push(Place::Host, Action::SyncLink(end.clone()));
    plan.push(Place::Host, Action::SyncLink(bridge.link.clone()));
    plan
}

/// Whom an interface with an IPv6 address on `bridge` need not ask for. A bridge that snoops must
/// see listener reports as what they are.
pub(crate) fn neighbours(bridge: &Bridge) -> Vec<Neighbour> {
    if bridge.multicast_snooping {
        return Vec::new();
    }
    ROUTERS_ONLY.map(|group| Neighbour { address: group.into(), mac: bridge.mac }).to_vec()
}

/// The network's bridge is not there.
fn gone(name: &InterfaceName) -> Error {
    Error::new(ErrorKind::NotFound, "find bridge", name.as_str()).with_cause("it was deleted")
}
