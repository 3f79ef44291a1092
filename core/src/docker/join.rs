//! `NetworkDriver`: how a container gets its interface.
//!
//! Docker moves the device that it is told of, which waits for two of the kernel's grace periods and for all that
//! others have put off: most of what connecting a container takes. Of a device that it is not told of it has its
//! own idea, addresses, gateway and names, and moves nothing. So where the container runs already, its interface
//! is born inside; where it has yet to get its namespace, there is nowhere else to put the device than the host.

use std::fs;
use std::net::IpAddr;
use std::path::Path;

use ipnet::IpNet;

use super::endpoints::names;
use super::route::Service;
use super::stale::has_address_of;
use crate::controller::{Endpoint, EndpointConfig, NetworkConfig};
use crate::driver::{bridge, macvlan, routed, RouteType};
use crate::error::{Error, ErrorKind, Result};
use crate::link::{Destination, InterfaceName as LinkName};
use crate::name::Name;
use crate::plugin::network::{EndpointRef, InterfaceName, Join, JoinReply, Reply, StaticRoute};
use crate::sandbox::{Sandbox, SandboxKey};
use crate::sys::Namespace;

/// Docker counts the interfaces that it has moved, and would call the next as one that it knows nothing of.
const PREFIX: &str = "net";
/// Who says how interfaces are called has Docker call them.
const PREFIX_KEYS: [&str; 2] = ["prefix", "com.docker.network.container_iface_prefix"];

impl Service {
    /// The endpoint: with its devices where they are Docker's to move in any case, else without.
    pub(super) fn make(&self, network: &NetworkConfig, mut config: EndpointConfig) -> Result<Endpoint> {
        let name = network.name.as_str();
        if !may_be_born_inside(network) {
            return self.controller.link(name, config);
        }
        config.destination = Destination::Prefix(LinkName::new(PREFIX)?);
        // Docker says which of a container's networks has the way out.
        config.default_route = false;
        self.controller.create_endpoint(name, config)
    }

    pub(super) fn join(&self, request: &Join) -> Result<JoinReply> {
        let (network, endpoint) = names(&request.network_id, &request.endpoint_id)?;
        let _alone = self.alone_with((&network, &endpoint));
        let definition = self.network(&network)?;
        let there = self.known(&network, &endpoint)?;
        self.remember(&network, &endpoint);
        let sandbox = fs::canonicalize(&request.sandbox_key).ok().filter(|path| Namespace::is_mounted(path));
        let join = || match &sandbox {
            Some(path) if !there.linked => self.join_inside(&definition, &there, path),
            _ => self.join_from_host(&definition, &request.sandbox_key, &endpoint),
        };
        let answer = self.past_stale((&network, &endpoint), has_address_of(&network, &there.config), join)?;
        // Whoever has reloaded the host's firewall since has taken that away.
        self.let_pass(true);
        Ok(answer)
    }

    /// The interface is born in the sandbox.
    fn join_inside(&self, network: &NetworkConfig, there: &Endpoint, path: &Path) -> Result<JoinReply> {
        let name = there.name();
        if let Some(other) = there.sandbox.as_deref().filter(|other| *other != path) {
            return Err(in_another(name, other));
        }
        if there.sandbox.is_none() {
            let (base, own) = (path.parent().unwrap_or(path), path.file_name().unwrap_or_default());
            let key = SandboxKey::in_base(base, &own.to_string_lossy())?;
            let sandbox = Sandbox::open(&key)?;
            self.controller.join(network.name.as_str(), name.as_str(), &sandbox)?;
        }
        let gateway =
            |ipv6| network.subnet(ipv6).and_then(|subnet| subnet.gateway).filter(|_| !network.internal);
        Ok(answer(
            InterfaceName { dst_prefix: PREFIX.to_owned(), ..InterfaceName::default() },
            gateway(false),
            gateway(true),
        ))
    }

    /// The interface is Docker's to move.
    fn join_from_host(&self, network: &NetworkConfig, key: &str, endpoint: &Name) -> Result<JoinReply> {
        let there = self.known(&network.name, endpoint)?;
        if let Some(other) = &there.sandbox {
            return Err(in_another(endpoint, other));
        }
        let interface = match there.linked {
            true => {
                if self.controller.has_lost_device(&network.name, endpoint)? {
                    self.link_anew(network, &there)?;
                }
                self.controller.hand_over(&network.name, endpoint, key)?
            }
            false => self.controller.link_recorded(&network.name, endpoint, key, |config| {
                config.destination = Destination::default();
                config.default_route = true;
            })?,
        };
        let mut own = InterfaceName { src_name: interface.src_name.to_string(), ..InterfaceName::default() };
        match &interface.destination {
            Destination::Name(exact) => own.dst_name = exact.to_string(),
            Destination::Prefix(prefix) => own.dst_prefix = prefix.to_string(),
        }
        let gateways = [interface.gateway.map(IpAddr::V4), interface.gateway_ipv6.map(IpAddr::V6)];
        let routes = static_routes(network);
        Ok(JoinReply { static_routes: routes, ..answer(own, gateways[0], gateways[1]) })
    }

    /// Makes the devices of an endpoint again that has lost them.
    fn link_anew(&self, network: &NetworkConfig, there: &Endpoint) -> Result<()> {
        let name = network.name.as_str();
        let config = EndpointConfig { mac: there.mac, ..there.config.clone() };
        self.controller.delete_endpoint(name, there.name().as_str())?;
        self.controller.link(name, config).map(drop)
    }

    pub(super) fn leave(&self, request: &EndpointRef) -> Result<Reply> {
        let (network, endpoint) = names(&request.network_id, &request.endpoint_id)?;
        let _alone = self.alone_with((&network, &endpoint));
        match self.found(&network, &endpoint)? {
            Some(there) if there.linked => self.controller.return_device(&network, &endpoint)?,
            Some(_) => self.controller.leave(network.as_str(), endpoint.as_str())?,
            None => {}
        }
        Ok(Reply::default())
    }
}

fn answer(interface_name: InterfaceName, gateway: Option<IpAddr>, gateway_ipv6: Option<IpAddr>) -> JoinReply {
    let text = |gateway: Option<IpAddr>| gateway.map(|own| own.to_string()).unwrap_or_default();
    JoinReply {
        interface_name,
        gateway: text(gateway),
        gateway_ipv6: text(gateway_ipv6),
        // Else Docker looks for a gateway elsewhere: on a bridge of its own.
        disable_gateway_service: gateway.is_none(),
        ..JoinReply::default()
    }
}

fn in_another(endpoint: &Name, sandbox: &Path) -> Error {
    let cause = format!("it is in sandbox {}: leave that first", sandbox.display());
    Error::new(ErrorKind::Busy, "join", format!("endpoint {endpoint}")).with_cause(cause)
}

/// An endpoint of a routed network has routes that Docker makes as it is told; elsewhere the subnet is enough.
fn may_be_born_inside(network: &NetworkConfig) -> bool {
    let is_named = PREFIX_KEYS.iter().any(|key| network.options.contains_key(*key));
    [bridge::TYPE, macvlan::TYPE].contains(&network.network_type.as_str()) && !is_named
}

/// What Docker does not see to. It gives an endpoint of a routed network the whole subnet on its link, where
/// there is nobody but the host: the gateway is there, and all others behind it, in two halves that are closer
/// matches than the subnet.
fn static_routes(network: &NetworkConfig) -> Vec<StaticRoute> {
    if network.network_type != routed::TYPE {
        return Vec::new();
    }
    let mut routes = Vec::new();
    for subnet in &network.subnets {
        let Some(gateway) = subnet.gateway else { continue };
        routes.push(StaticRoute {
            destination: IpNet::from(gateway).to_string(),
            route_type: RouteType::Connected as i64,
            ..StaticRoute::default()
        });
        let half = subnet.subnet.prefix_len() + 1;
        for half in subnet.subnet.subnets(half).into_iter().flatten() {
            routes.push(StaticRoute {
                destination: half.to_string(),
                route_type: RouteType::NextHop as i64,
                next_hop: gateway.to_string(),
            });
        }
    }
    routes
}
