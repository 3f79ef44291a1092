//! What a plugin answers, checked before anything is done with it.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::driver::{Capability, InterfaceInfo, JoinInfo, RouteType, Scope};
use crate::error::{Error, Result};
use crate::link::{check_endpoint_address, InterfaceName, MacAddr};
use crate::plugin::network::{Capabilities, Interface, JoinReply, StaticRoute};

/// What the names of interfaces begin with where a plugin does not say.
const PREFIX: &str = "eth";

/// The capability; what is wrong with it otherwise.
pub(super) fn capability(answer: &Capabilities) -> std::result::Result<Capability, String> {
    let data_scope = scope(&answer.scope).ok_or_else(|| unknown("Scope", &answer.scope))?;
    let connectivity_scope = match &*answer.connectivity_scope {
        "" => data_scope,
        other => scope(other).ok_or_else(|| unknown("ConnectivityScope", other))?,
    };
    Ok(Capability { data_scope, connectivity_scope })
}

fn scope(name: &str) -> Option<Scope> {
    match name {
        "global" => Some(Scope::Global),
        "local" => Some(Scope::Local),
        _ => None,
    }
}

fn unknown(field: &str, scope: &str) -> String {
    format!("its {field} {scope:?} is neither local nor global")
}

/// Gives the interface what the plugin chose; what it has already the plugin may not answer.
pub(super) fn fill_in(interface: &mut InterfaceInfo, answer: &Interface) -> Result<()> {
    if !answer.mac_address.is_empty() {
        let mac: MacAddr = answer.mac_address.parse()?;
        interface.set_mac_address(mac)?;
    }
    if !answer.address.is_empty() {
        let address: Ipv4Net = parsed("Address", &answer.address, "an IPv4 address with a prefix length")?;
        take(interface, address.into())?;
    }
    if !answer.address_ipv6.is_empty() {
        let address: Ipv6Net =
            parsed("AddressIPv6", &answer.address_ipv6, "an IPv6 address with a prefix length")?;
        take(interface, address.into())?;
    }
    Ok(())
}

fn take(interface: &mut InterfaceInfo, address: IpNet) -> Result<()> {
    check_endpoint_address(address)?;
    interface.set_ip_address(address)
}

/// Has the join be as the plugin wants it.
pub(super) fn take_over(join: &mut JoinInfo, answer: &JoinReply) -> Result<()> {
    let names = &answer.interface_name;
    if !names.src_name.is_empty() {
        let prefix = if names.dst_prefix.is_empty() { PREFIX } else { &names.dst_prefix };
        let (src_name, prefix) = (name("SrcName", &names.src_name)?, name("DstPrefix", prefix)?);
        join.interface_name().set_names(src_name, prefix);
        if !names.dst_name.is_empty() {
            join.interface_name().set_destination(name("DstName", &names.dst_name)?);
        }
    }
    if !answer.gateway.is_empty() {
        join.set_gateway(parsed("Gateway", &answer.gateway, "an IPv4 address")?);
    }
    if !answer.gateway_ipv6.is_empty() {
        join.set_gateway_ipv6(parsed("GatewayIPv6", &answer.gateway_ipv6, "an IPv6 address")?);
    }
    answer.static_routes.iter().try_for_each(|route| add_route(join, route))?;
    if answer.disable_gateway_service {
        join.disable_gateway_service();
    }
    Ok(())
}

fn add_route(join: &mut JoinInfo, route: &StaticRoute) -> Result<()> {
    let destination: IpNet = parsed("Destination", &route.destination, "a prefix")?;
    let next_hop: Option<IpAddr> = match &*route.next_hop {
        "" => None,
        hop => Some(parsed("NextHop", hop, "an address")?),
    };
    let route_type = RouteType::try_from(route.route_type)?;
    join.add_static_route(destination.trunc(), route_type, next_hop)
}

fn name(field: &str, name: &str) -> Result<InterfaceName> {
    InterfaceName::new(name).map_err(|error| error.within("use", field))
}

fn parsed<T: std::str::FromStr>(field: &str, text: &str, what: &str) -> Result<T> {
    text.parse().map_err(|_| Error::bad_request("use", field, format!("{text:?} is not {what}")))
}
