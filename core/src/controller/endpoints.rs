//! Endpoints: made, joined, left and deleted.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use rusqlite::Connection;
use serde::Serialize;

use super::active::Active;
use super::parting::{attended, Parting};
use super::publish::give_back;
use super::record::EndpointRecord;
use super::{Controller, EndpointConfig, PortMapping, SubnetConfig};
use crate::driver::{is_builtin, InterfaceInfo};
use crate::error::{Error, ErrorKind, Result};
use crate::events::EventKind;
use crate::ipam::refuse_unwanted;
use crate::link::MacAddr;
use crate::name::Name;
use crate::network::engine;
use crate::plan::{apply, Ground, Plan};
use crate::plugin::client::Operation;
use crate::sandbox::Interface;
use crate::stats::SlotId;
use crate::store::leases;
use crate::sys::Process;

/// The option by which an address management knows an endpoint's MAC address.
const DOCKER_MAC: &str = "com.docker.network.endpoint.macaddress";

/// An endpoint of a network, and where it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Endpoint {
    /// The network's name.
    pub network: Name,
    /// What was asked for.
    pub config: EndpointConfig,
    /// The IPv4 address that it has, with the subnet's prefix length.
    pub address: Option<Ipv4Net>,
    /// The IPv6 address that it has, with the subnet's prefix length.
    pub address_ipv6: Option<Ipv6Net>,
    /// The hardware address that it has.
    pub mac: Option<MacAddr>,
    /// The path of the sandbox that it joined.
    pub sandbox: Option<PathBuf>,
    /// Whether [`Controller::link`] made its devices, for its caller to move.
    pub linked: bool,
    /// Where its interface is counted, for [`Meter::read`](crate::stats::Meter::read); none when it is not metered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meter: Option<SlotId>,
    /// The ports of the host that are its own; of each mapping the host's ports are known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<PortMapping>,
    /// The interface in the sandbox, from the call that joined it; none on a network without devices. From
    /// [`Controller::link`], what [`Sandbox::add_interface`](crate::Sandbox::add_interface) takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interface: Option<Interface>,
}

impl Endpoint {
    /// Its name.
    pub fn name(&self) -> &Name {
        &self.config.name
    }
}

impl From<EndpointRecord> for Endpoint {
    fn from(record: EndpointRecord) -> Self {
        Self {
            network: record.network,
            config: record.config,
            address: record.address,
            address_ipv6: record.address_ipv6,
            mac: record.mac,
            linked: record.linked.is_some(),
            meter: record.meter,
            ports: record.ports,
            sandbox: record.joined.map(|joined| joined.sandbox),
            interface: None,
        }
    }
}

impl Controller {
    /// Makes an endpoint with its addresses, for [`Controller::join`] later.
    ///
    /// # Errors
    /// NotFound when there is no such network; AlreadyExists when it has an endpoint of that name, or the
    /// address or a port that is wanted is taken, with who has it; BadRequest when a port is wanted of an
    /// address that the host has not; ResourceExhausted when no address or port is left. Nothing is left
    /// behind.
    pub fn create_endpoint(&self, network: &str, config: EndpointConfig) -> Result<Endpoint> {
        let name = config.name.clone();
        let _operation = Operation::begin();
        let create = || {
            let active = self.activate(&Name::new(network)?)?;
            let record = self.record(&active, config, false)?;
            self.add(&active, record).map(Endpoint::from)
        };
        let endpoint =
            create().map_err(|error: Error| error.within("create endpoint", of(&name, network)))?;
        self.tell(EventKind::EndpointCreated, Some(&endpoint.network), Some(&name), None);
        Ok(endpoint)
    }

    /// Deletes an endpoint and gives its addresses and ports back; one that is gone is no error. The devices of one
    /// that [`Controller::link`] made go too, wherever they are by now.
    ///
    /// # Errors
    /// Busy when it is joined to a sandbox, with that, or another has its driver at it.
    pub fn delete_endpoint(&self, network: &str, endpoint: &str) -> Result<()> {
        let _operation = Operation::begin();
        let delete = || {
            let (network, endpoint) = (Name::new(network)?, Name::new(endpoint)?);
            let Some(parting) = self.begin_parting(&network, &endpoint)? else { return Ok(()) };
            let Parting { gate, mut record, active } = parting;
            let active = active.as_deref();
            if let Some(joined) = &record.joined {
                let cause = format!("it is joined to {}: leave that first", joined.sandbox.display());
                return Err(Error::new(ErrorKind::Busy, "delete", "endpoint").with_cause(cause));
            }
            if let Some(active) = active.filter(|active| active.acts_by_itself()) {
                if !self.part_alone(gate, active, &record, true)? {
                    return Ok(());
                }
            } else {
                self.detach(&mut record, active, false)?;
                self.remove(&record, active)?;
                drop(gate);
                active.inspect(|active| self.give_all_back_elsewhere(active, &record));
            }
            self.tell(EventKind::EndpointDeleted, Some(&network), Some(&endpoint), None);
            Ok(())
        };
        delete().map_err(|error: Error| error.within("delete endpoint", of(endpoint, network)))
    }

    /// An endpoint.
    ///
    /// # Errors
    /// NotFound when the network has none of that name.
    pub fn endpoint(&self, network: &str, endpoint: &str) -> Result<Endpoint> {
        let find = || self.known(&Name::new(network)?, &Name::new(endpoint)?).map(Endpoint::from);
        find().map_err(|error: Error| error.within("find endpoint", of(endpoint, network)))
    }

    /// The endpoints of all networks, by the names of these and theirs.
    ///
    /// # Errors
    /// Those of reading the store.
    pub fn endpoints(&self) -> Result<Vec<Endpoint>> {
        Ok(self.store.read(EndpointRecord::all)?.into_iter().map(Endpoint::from).collect())
    }

    /// What the driver knows of the endpoint (seed `004`, `EndpointOperInfo`).
    ///
    /// # Errors
    /// NotFound when there is no such endpoint.
    pub fn endpoint_oper_info(&self, network: &str, endpoint: &str) -> Result<crate::driver::Options> {
        let look = || {
            let (network, endpoint) = (Name::new(network)?, Name::new(endpoint)?);
            self.known(&network, &endpoint)?;
            let active = self.activate(&network)?;
            active.driver.endpoint_oper_info(network.as_str(), endpoint.as_str())
        };
        look().map_err(|error: Error| error.within("inspect endpoint", of(endpoint, network)))
    }

    /// Takes an endpoint out of its sandbox; it keeps its addresses. An endpoint that is gone, or in no
    /// sandbox, is no error, nor is a sandbox that is gone. One that [`Controller::link`] made is in none
    /// that is known of.
    ///
    /// # Errors
    /// PermissionDenied without `CAP_NET_ADMIN`; Busy while another has its driver at it.
    pub fn leave(&self, network: &str, endpoint: &str) -> Result<()> {
        self.part(network, endpoint, false).map_err(|error| error.within("leave", of(endpoint, network)))
    }

    /// Takes an endpoint out of its sandbox and deletes it: [`Controller::leave`] and
    /// [`Controller::delete_endpoint`] in one.
    ///
    /// # Errors
    /// Those of both.
    pub fn disconnect(&self, network: &str, endpoint: &str) -> Result<()> {
        self.part(network, endpoint, true).map_err(|error| error.within("disconnect", of(endpoint, network)))
    }

    fn part(&self, network: &str, endpoint: &str, delete: bool) -> Result<()> {
        let _operation = Operation::begin();
        let (network, endpoint) = (Name::new(network)?, Name::new(endpoint)?);
        let Some(parting) = self.begin_parting(&network, &endpoint)? else { return Ok(()) };
        let Parting { gate, mut record, active } = parting;
        let active = active.as_deref();
        let left = record.joined.clone();
        if let Some(active) = active.filter(|active| active.acts_by_itself()) {
            if (left.is_some() || delete) && !self.part_alone(gate, active, &record, delete)? {
                return Ok(());
            }
        } else {
            if left.is_some() || delete {
                self.detach(&mut record, active, !delete)?;
            }
            if delete {
                self.remove(&record, active)?;
            }
            drop(gate);
            active.filter(|_| delete).inspect(|active| self.give_all_back_elsewhere(active, &record));
        }
        if let Some(joined) = left {
            self.tell(EventKind::EndpointLeft, Some(&network), Some(&endpoint), Some(&joined.sandbox));
        }
        if delete {
            self.tell(EventKind::EndpointDeleted, Some(&network), Some(&endpoint), None);
        }
        Ok(())
    }

    /// Forgets an endpoint and frees its addresses whatever its driver says, as when a driver is gone for
    /// good: what the driver made of it is the driver's to clear away. One that is gone is no error.
    ///
    /// # Errors
    /// Those of writing the store; Busy while another has its driver at it.
    pub fn forget_endpoint(&self, network: &str, endpoint: &str) -> Result<()> {
        let _operation = Operation::begin();
        let give_up = || {
            let (network, endpoint) = (Name::new(network)?, Name::new(endpoint)?);
            match self.part(network.as_str(), endpoint.as_str(), true) {
                Ok(()) => Ok(()),
                Err(error) => self.forget_all_the_same(&network, &endpoint, &error),
            }
        };
        give_up().map_err(|error: Error| error.within("forget endpoint", of(endpoint, network)))
    }

    fn forget_all_the_same(&self, network: &Name, endpoint: &Name, why: &Error) -> Result<()> {
        let gate = self.gate.enter()?;
        let Some(record) = self.find(network, endpoint)? else { return Ok(()) };
        record.refuse_attended()?;
        log::warn!("forgetting endpoint {endpoint} of network {network} all the same: {why}");
        if !self.is_plain(network)? {
            // Its device is not to stay there; what it is in the host is its driver's affair.
            let sandbox = record.joined.as_ref().map_or(Ok(None), |joined| self.open_as(joined));
            let cleared = sandbox.and_then(|sandbox| match &record.joined {
                Some(joined) => self.clear_out(&record, joined, sandbox.as_ref()),
                None => Ok(()),
            });
            cleared.err().inspect(|error| log::warn!("{error}"));
        }
        self.store.write(|tx| forget(tx, &record))?;
        self.stop_counting_inside(&record, None);
        self.unmeter(&record);
        drop(gate);
        self.give_all_back_by_name(&record);
        self.tell_parted(&record, true);
        Ok(())
    }

    pub(super) fn find(&self, network: &Name, endpoint: &Name) -> Result<Option<EndpointRecord>> {
        self.store.read(|tx| EndpointRecord::find(tx, network, endpoint))
    }

    pub(super) fn known(&self, network: &Name, endpoint: &Name) -> Result<EndpointRecord> {
        self.find(network, endpoint)?.ok_or_else(|| unknown(network, endpoint))
    }

    /// The endpoint without its ports, which may be thousands.
    pub(super) fn known_portless(&self, network: &Name, endpoint: &Name) -> Result<EndpointRecord> {
        let found = self.store.read(|tx| EndpointRecord::find_portless(tx, network, endpoint))?;
        found.ok_or_else(|| unknown(network, endpoint))
    }

    /// A record of an endpoint that has yet to get its addresses.
    pub(super) fn record(
        &self,
        active: &Active,
        config: EndpointConfig,
        transient: bool,
    ) -> Result<EndpointRecord> {
        config.check(&active.config)?;
        Ok(EndpointRecord {
            network: active.config.name.clone(),
            address: None,
            address_ipv6: None,
            mac: config.mac,
            config,
            transient,
            lifetime: self.options.lifetime,
            owner: Process::current()?,
            joined: None,
            linked: None,
            attended: None,
            chosen: Vec::new(),
            elsewhere: active.ipam.is_some(),
            meter: None,
            ports: Vec::new(),
        })
    }

    /// Gives the endpoint its addresses, records it and has the driver make it.
    fn add(&self, active: &Active, mut record: EndpointRecord) -> Result<EndpointRecord> {
        let others = self.take_elsewhere(active, &mut record)?;
        record.attended = attended(active, &record, true);
        let recorded = self.gate.enter().and_then(|_gate| {
            self.check_defined(active)?;
            self.store.write(|tx| {
                self.take(tx, active, &mut record)?;
                if active.is_builtin {
                    self.make(active, &mut record)?;
                }
                record.insert(tx)
            })
        });
        recorded.inspect_err(|_| self.give_back_elsewhere(active, &others))?;
        if active.is_builtin {
            return Ok(record);
        }
        let _attending = self.attending(active, &record);
        self.make_alone(active, &mut record)?;
        let stored = record.clone();
        self.attend_no_more(&mut record)
            .map_err(|error| error.with_rollback(self.take_back(active, &record, &stored, false)))?;
        Ok(record)
    }

    /// Takes addresses and ports for the endpoint.
    pub(super) fn take(&self, tx: &Connection, active: &Active, record: &mut EndpointRecord) -> Result<()> {
        take_addresses(tx, active, record)?;
        record.ports = self.settle_ports(tx, active, record, &record.config.ports)?;
        Ok(())
    }

    /// Has the driver make the endpoint, and takes over what it chose.
    pub(super) fn make(&self, active: &Active, record: &mut EndpointRecord) -> Result<()> {
        let mut interface = InterfaceInfo::new(record.mac, record.address, record.address_ipv6);
        let plan = active.driver.create_endpoint(
            active.config.name.as_str(),
            record.config.name.as_str(),
            &mut interface,
            &active.options_told(record),
        )?;
        let own: Vec<_> = record.addresses().map(|own| own.addr()).collect();
        record.mac = interface.mac_address();
        record.address = interface.address();
        record.address_ipv6 = interface.address_ipv6();
        record.chosen =
            record.addresses().map(|own| own.addr()).filter(|chosen| !own.contains(chosen)).collect();
        apply(&plan, &mut Ground { host: &self.host, sandbox: None, programs: None })
    }

    /// Removes what the driver made of the endpoint, its record and its leases; what an address management gave that
    /// is not the store itself is the caller's to give back, without the gate.
    pub(super) fn remove(&self, record: &EndpointRecord, active: Option<&Active>) -> Result<()> {
        if let Some(active) = active {
            let (network, endpoint) = (record.network.as_str(), record.config.name.as_str());
            self.apply(&active.driver.delete_endpoint(network, endpoint)?)?;
        }
        if record.linked.is_some() {
            self.dismiss(&[record])?;
        }
        self.store.write(|tx| forget(tx, record))
    }

    /// The network of an endpoint that is to go; none when its definition was deleted or broken by hand,
    /// which must not keep the leases from being given back. One of the library's own need not be alive. Not to be
    /// asked behind the gate unless the network is plain: a plugin may take its time.
    ///
    /// # Errors
    /// NotFound when its driver, or who gave its addresses, is not registered here.
    pub(super) fn parting(&self, record: &EndpointRecord) -> Result<Option<Arc<Active>>> {
        let error = match self.activate(&record.network) {
            Ok(active) => return Ok(Some(active)),
            Err(error) => error,
        };
        log::warn!("endpoint {}: {error}", record.config.name);
        let Ok((config, stamp)) = self.definition(&record.network) else { return Ok(None) };
        if !is_builtin(&config.network_type) {
            return Err(error);
        }
        let (driver, _) = self.drivers.driver(&config.network_type)?;
        let active = self.active(config, stamp, driver, false)?;
        Ok(Some(Arc::new(active)))
    }

    pub(super) fn give_all_back_elsewhere(&self, active: &Active, record: &EndpointRecord) {
        let addresses: Vec<_> = record.addresses().map(|net| net.addr()).collect();
        self.give_back_elsewhere(active, &addresses);
    }

    /// As [`Controller::give_all_back_elsewhere`], where this process has brought the network up.
    pub(super) fn give_all_back_by_name(&self, record: &EndpointRecord) {
        if let Ok(Some(active)) = self.at_hand(&record.network) {
            self.give_all_back_elsewhere(&active, record);
        }
    }

    /// Carries out a plan in the host, all of it or nothing.
    pub(super) fn carry_out(&self, plan: &Plan) -> Result<()> {
        apply(plan, &mut Ground { host: &self.host, sandbox: None, programs: None })
    }

    /// Carries out a plan that takes something away in the host; what is gone already is no error.
    pub(super) fn apply(&self, plan: &Plan) -> Result<()> {
        engine::take_away(&self.host, plan)
    }

    /// Takes the addresses from an address management that is not the store itself.
    pub(super) fn take_elsewhere(&self, active: &Active, record: &mut EndpointRecord) -> Result<Vec<IpAddr>> {
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
    pub(super) fn give_back_elsewhere(&self, active: &Active, addresses: &[IpAddr]) {
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
}

/// An address management of others may say anything.
fn refuse_stray(subnet: IpNet, address: IpNet, ipam: &str) -> Result<()> {
    match subnet.contains(&address.addr()) && subnet.prefix_len() <= address.prefix_len() {
        true => Ok(()),
        false => Err(Error::new(ErrorKind::System, "use address", address.to_string())
            .with_cause(format!("the address management {ipam} gave it, and the subnet is {subnet}"))),
    }
}

fn unknown(network: &Name, endpoint: &Name) -> Error {
    Error::new(ErrorKind::NotFound, "find endpoint", endpoint.as_str())
        .with_cause(format!("network {network} has no endpoint of that name"))
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

/// Forgets the endpoint and frees its addresses and ports.
pub(super) fn forget(tx: &Connection, record: &EndpointRecord) -> Result<()> {
    record.delete(tx)?;
    give_back(tx, record, &record.ports)?;
    if record.elsewhere {
        return Ok(());
    }
    let mut leased = record.addresses().filter(|own| !record.chosen.contains(&own.addr()));
    leased.try_for_each(|own| leases::release(tx, own.trunc(), own.addr()).map(drop))
}

impl EndpointRecord {
    pub(super) fn set_address(&mut self, address: IpNet) {
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
    fn check(&self, network: &super::NetworkConfig) -> Result<()> {
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

pub(super) fn of(endpoint: impl std::fmt::Display, network: impl std::fmt::Display) -> String {
    format!("{endpoint} of network {network}")
}
