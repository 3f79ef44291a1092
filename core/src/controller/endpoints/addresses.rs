//! Addresses of endpoints, taken and given back.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;
use rusqlite::Connection;

use crate::controller::active::Active;
use crate::controller::record::EndpointRecord;
use crate::controller::{Controller, EndpointConfig, NetworkConfig, SubnetConfig};
use crate::error::{Error, ErrorKind, Result};
use crate::ipam::refuse_unwanted;
use crate::link::MacAddr;
use crate::store::leases;

/// The option by which an address management knows an endpoint's MAC address.
const DOCKER_MAC: &str = "com.docker.network.endpoint.macaddress";

impl Controller {
    /// Takes addresses and ports for the endpoint.
    pub(in crate::controller) fn take(
        &self,
        tx: &Connection,
        active: &Active,
        record: &mut EndpointRecord,
    ) -> Result<()> {
        take_addresses(tx, active, record)?;
        record.ports = self.settle_ports(tx, active, record, &record.config.ports)?;
        Ok(())
    }

    /// Takes the addresses from an address management that is not the store itself.
    pub(in crate::controller) fn take_elsewhere(
        &self,
        active: &Active,
        record: &mut EndpointRecord,
    ) -> Result<Vec<IpAddr>> {
        let mut taken = Vec::new();
        let Some(ipam) = &active.ipam else { return Ok(taken) };
        let mut options = BTreeMap::new();
        if ipam.requires_mac_address() {
            let mac = record.mac.get_or_insert_with(MacAddr::random);
            options.insert(DOCKER_MAC.to_owned(), mac.to_string());
        }
        for subnet in &active.config.subnets {
            let wanted = record.config.wanted(subnet.subnet);
            let answer = subnet.pool_id().and_then(|id| ipam.request_address(&id, wanted, &options));
            let checked = answer.and_then(|(address, _)| {
                taken.push(address.addr());
                refuse_unwanted(&active.config.ipam, wanted, address)?;
                refuse_stray(subnet.subnet, address, &active.config.ipam)?;
                Ok(address)
            });
            match checked {
                Ok(address) => record.set_address(address),
                Err(error) => {
                    self.give_back_elsewhere(active, &taken);
                    return Err(error);
                }
            }
        }
        Ok(taken)
    }

    /// Gives addresses of an endpoint that is not recorded, or not any more, back to an address management that is not
    /// the store itself.
    pub(in crate::controller) fn give_back_elsewhere(&self, active: &Active, addresses: &[IpAddr]) {
        let Some(ipam) = &active.ipam else { return };
        for address in addresses.iter().filter(|address| self.is_nobodys(active, **address)) {
            let subnets = active.config.subnets.iter();
            let is_of = |subnet: &&SubnetConfig| subnet.subnet.addr().is_ipv4() == address.is_ipv4();
            for subnet in subnets.filter(is_of) {
                let released = subnet.pool_id().and_then(|id| ipam.release_address(&id, *address));
                if let Err(error) = released {
                    log::warn!("{error}");
                }
            }
        }
    }

    pub(in crate::controller) fn give_all_back_elsewhere(&self, active: &Active, record: &EndpointRecord) {
        let addresses: Vec<_> = record.addresses().map(|net| net.addr()).collect();
        self.give_back_elsewhere(active, &addresses);
    }

    /// As [`Controller::give_all_back_elsewhere`], where this process has brought the network up.
    pub(in crate::controller) fn give_all_back_by_name(&self, record: &EndpointRecord) {
        if let Ok(Some(active)) = self.at_hand(&record.network) {
            self.give_all_back_elsewhere(&active, record);
        }
    }
}

impl EndpointRecord {
    pub(in crate::controller) fn set_address(&mut self, address: IpNet) {
        match address {
            IpNet::V4(address) => self.address = Some(address),
            IpNet::V6(address) => self.address_ipv6 = Some(address),
        }
    }
}

impl EndpointConfig {
    /// The address that is wanted of a subnet.
    fn wanted(&self, subnet: IpNet) -> Option<IpAddr> {
        match subnet {
            IpNet::V4(_) => self.address.map(IpAddr::V4),
            IpNet::V6(_) => self.address_ipv6.map(IpAddr::V6),
        }
    }

    /// Checks what the network cannot give.
    pub(super) fn check(&self, network: &NetworkConfig) -> Result<()> {
        for (wanted, ipv6) in
            [(self.address.map(IpAddr::V4), false), (self.address_ipv6.map(IpAddr::V6), true)]
        {
            let Some(wanted) = wanted.filter(|_| network.subnet(ipv6).is_none()) else { continue };
            let cause = format!("network {} has no addresses of that family", network.name);
            return Err(Error::bad_request("use address", wanted.to_string(), cause));
        }
        Ok(())
    }
}

/// Takes an address of each family from the store's own leases.
fn take_addresses(tx: &Connection, active: &Active, record: &mut EndpointRecord) -> Result<()> {
    active.refuse_owned(tx, record)?;
    if active.ipam.is_none() {
        for subnet in &active.config.subnets {
            let range = subnet.range.unwrap_or(subnet.subnet);
            let address = leases::take(tx, subnet.subnet, range, record.config.wanted(subnet.subnet))?;
            if let Ok(address) = IpNet::new(address, subnet.subnet.prefix_len()) {
                record.set_address(address);
            }
        }
    }
    if active.is_builtin && !active.config.subnets.is_empty() && record.mac.is_none() {
        record.mac = Some(MacAddr::random());
    }
    Ok(())
}

/// An address management of others may say anything.
fn refuse_stray(subnet: IpNet, address: IpNet, ipam: &str) -> Result<()> {
    match subnet.contains(&address.addr()) && subnet.prefix_len() <= address.prefix_len() {
        true => Ok(()),
        false => Err(Error::new(ErrorKind::System, "use address", address.to_string())
            .with_cause(format!("the address management {ipam} gave it, and the subnet is {subnet}"))),
    }
}
