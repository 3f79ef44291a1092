//! Ports of endpoints that are there already: published and withdrawn.

use rusqlite::Connection;

use super::active::Active;
use super::elements::{bereft, change, unknowing};
use super::endpoints::of;
use super::outside::{reach, reach_itself};
use super::ports::{recorded, settle, PortMapping, PortRange, Publisher};
use super::record::EndpointRecord;
use super::{Controller, GatewayMode};
use crate::driver::naming;
use crate::error::{Error, ErrorKind, Result};
use crate::link::LinkRef;
use crate::name::Name;
use crate::nft::Change;
use crate::store;

impl Controller {
    /// Publishes ports of an endpoint, besides those that it has, and returns them with the host's ports filled
    /// in. Those of an endpoint that is in no sandbox are kept for it, and open when it joins one.
    ///
    /// # Errors
    /// NotFound when there is no such endpoint; AlreadyExists when a port is another endpoint's, or a socket of
    /// the host listens on it, with the name of either; ResourceExhausted when no port is left to choose;
    /// BadRequest for a host address that is not the host's or has no counterpart of its family, for a
    /// network without a firewall, and for a plugin's, which is told of ports when their endpoint is made. No port is then published.
    pub fn publish(&self, network: &str, endpoint: &str, ports: &[PortMapping]) -> Result<Vec<PortMapping>> {
        let publish = || {
            let (network, endpoint) = (Name::new(network)?, Name::new(endpoint)?);
            let active = self.activate(&network)?;
            active.refuse_change_of_ports()?;
            let _gate = self.gate.enter()?;
            self.check_defined(&active)?;
            let record = self.known_portless(&network, &endpoint)?;
            let (settled, ids) = self.store.write(|tx| {
                let settled = self.settle_ports(tx, &active, &record, ports)?;
                let ids = recorded::add(tx, &network, &endpoint, &settled, &[])?;
                Ok((settled, ids))
            })?;
            self.open_ports(&active, &record, &settled).map_err(|error| {
                let undone = self.store.write(|tx| {
                    give_back(tx, &record, &settled)?;
                    recorded::remove(tx, ids)
                });
                error.with_rollback(undone.err().into_iter().collect())
            })?;
            Ok(settled)
        };
        publish().map_err(|error: Error| error.within("publish ports", of(endpoint, network)))
    }

    /// Withdraws ports that were published, each as it was: connections by them end.
    ///
    /// # Errors
    /// NotFound when one is not published, or there is no such endpoint; none is withdrawn then.
    pub fn withdraw(&self, network: &str, endpoint: &str, ports: &[PortMapping]) -> Result<()> {
        let withdraw = || {
            let (network, endpoint) = (Name::new(network)?, Name::new(endpoint)?);
            let active = self.activate(&network)?;
            active.refuse_change_of_ports()?;
            let _gate = self.gate.enter()?;
            let record = self.known_portless(&network, &endpoint)?;
            let (ids, gone): (Vec<_>, Vec<_>) =
                self.store.read(|tx| own_ports(tx, &record, ports))?.into_iter().unzip();
            self.close_ports(&active, &record, &gone)?;
            self.store.write(|tx| {
                give_back(tx, &record, &gone)?;
                recorded::remove(tx, ids)
            })
        };
        withdraw().map_err(|error: Error| error.within("withdraw ports", of(endpoint, network)))
    }

    /// Takes ports for an endpoint. Where it is reached by its own addresses the host's are not needed.
    pub(super) fn settle_ports(
        &self,
        tx: &Connection,
        active: &Active,
        record: &EndpointRecord,
        ports: &[PortMapping],
    ) -> Result<Vec<PortMapping>> {
        let config = &active.config;
        let Some(first) = ports.first() else { return Ok(Vec::new()) };
        let refuse = |cause: &str| {
            let cause = format!("network {} {cause}", config.name);
            Err(Error::bad_request("publish port", first.to_string(), cause))
        };
        match config.firewall.gateway_mode {
            _ if active.publishes_itself() && !config.is_closed() => {
                settle(tx, &self.host, &publisher(record), ports)
            }
            _ if !config.has_firewall() => refuse("has no firewall"),
            _ if config.is_closed() => refuse("is closed to everything outside"),
            GatewayMode::Routed => {
                let there = recorded::of(tx, &record.network, &record.config.name)?;
                open_to_all(there.into_iter().map(|own| own.mapping).collect(), ports)
            }
            _ => settle(tx, &self.host, &publisher(record), ports),
        }
    }

    /// What the host does for ports of an endpoint that has devices.
    fn open_ports(&self, active: &Active, record: &EndpointRecord, ports: &[PortMapping]) -> Result<()> {
        refuse_without_firewall(active, ports)?;
        if !record.has_devices() || ports.is_empty() {
            return Ok(());
        }
        let (name, _) = naming::link_names(&record.network, &record.config.name)?;
        let link = LinkRef::named(name);
        let mut plan = reach(&active.config, ports, link.clone());
        plan.steps.extend(reach_itself(&active.config, record, link)?.steps);
        let elements = self.port_elements(&active.config, record, ports);
        plan.steps
            .extend(change(vec![Change::Add(elements)], unknowing(&active.config, record, ports)).steps);
        self.carry_out(&plan)
    }

    fn close_ports(&self, active: &Active, record: &EndpointRecord, ports: &[PortMapping]) -> Result<()> {
        if !record.has_devices() || !active.has_firewall {
            return Ok(());
        }
        let elements = self.port_elements(&active.config, record, ports);
        self.apply(&change(vec![Change::Delete(elements)], bereft(&active.config, record, ports)))
    }
}

/// Refuses ports where the network has to do without a firewall.
pub(super) fn refuse_without_firewall(active: &Active, ports: &[PortMapping]) -> Result<()> {
    let Some(first) = ports.first().filter(|_| !active.has_firewall) else { return Ok(()) };
    let cause = format!("network {} does without a firewall here", active.config.name);
    Err(Error::bad_request("publish port", first.to_string(), cause))
}

/// The endpoint's mappings that are what `wanted` says, each once.
fn own_ports(
    tx: &Connection,
    record: &EndpointRecord,
    wanted: &[PortMapping],
) -> Result<Vec<(recorded::Id, PortMapping)>> {
    let mut own = Vec::new();
    for mapping in wanted {
        let found = recorded::find(tx, &record.network, &record.config.name, mapping, &own)?;
        own.push(found.ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "find port", mapping.to_string())
                .with_cause("it is not published")
        })?);
    }
    Ok(own)
}

/// The endpoint's own ports, which no other endpoint can have.
fn open_to_all(there: Vec<PortMapping>, ports: &[PortMapping]) -> Result<Vec<PortMapping>> {
    let mut open = there;
    let before = open.len();
    for mapping in ports {
        mapping.check()?;
        if let Some(host) = mapping.host.filter(|host| !host.is_unspecified()) {
            let cause = format!("the endpoint is reached by its own addresses, not by {host}");
            return Err(Error::bad_request("publish port", mapping.to_string(), cause));
        }
        let own = PortMapping { host_ports: Some(mapping.ports), ..mapping.clone() };
        if open.iter().any(|other| own.overlaps(other)) {
            return Err(Error::new(ErrorKind::AlreadyExists, "publish port", mapping.to_string())
                .with_cause("it is open already"));
        }
        open.push(own);
    }
    Ok(open.split_off(before))
}

fn publisher(record: &EndpointRecord) -> Publisher<'_> {
    Publisher {
        network: &record.network,
        endpoint: &record.config.name,
        ipv4: record.address.is_some(),
        ipv6: record.address_ipv6.is_some(),
    }
}

/// Ends the leases of the host's ports; in gateway mode routed there are none.
pub(super) fn give_back(tx: &Connection, record: &EndpointRecord, ports: &[PortMapping]) -> Result<()> {
    let of = publisher(record);
    let leased = ports.iter().filter_map(|mapping| Some(of.host_ports(mapping, mapping.host_ports?)));
    let leased: Vec<_> = leased.flatten().collect();
    store::ports::give_back(tx, of.network, of.endpoint, &leased)
}

impl PortMapping {
    /// The host's ports, each with the endpoint's; none as long as they have not been chosen.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (u16, u16)> {
        self.host_ports.into_iter().flat_map(PortRange::iter).zip(self.ports.iter())
    }

    /// Whether it is what `wanted` says; ports of the host that it leaves open are any.
    pub(crate) fn is_for(&self, wanted: &Self) -> bool {
        let same = wanted.host_ports.is_none_or(|ports| self.host_ports == Some(ports));
        same && (self.protocol, self.host, self.ports) == (wanted.protocol, wanted.host, wanted.ports)
    }
}
