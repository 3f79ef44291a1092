//! Endpoints: made, joined, left and deleted.

mod addresses;
mod leave;

use std::path::PathBuf;

use ipnet::{Ipv4Net, Ipv6Net};
use serde::Serialize;

use super::active::Active;
use super::parting::attended;
use super::record::EndpointRecord;
use super::{Controller, EndpointConfig, PortMapping};
use crate::driver::InterfaceInfo;
use crate::error::{Error, ErrorKind, Result};
use crate::events::EventKind;
use crate::link::MacAddr;
use crate::name::Name;
use crate::network::engine;
use crate::plan::{apply, Ground, Plan};
use crate::plugin::client::Operation;
use crate::sandbox::Interface;
use crate::stats::SlotId;
use crate::sys::Process;
pub(super) use leave::forget;

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

    /// Carries out a plan in the host, all of it or nothing.
    pub(super) fn carry_out(&self, plan: &Plan) -> Result<()> {
        apply(plan, &mut Ground { host: &self.host, sandbox: None, programs: None })
    }

    /// Carries out a plan that takes something away in the host; what is gone already is no error.
    pub(super) fn apply(&self, plan: &Plan) -> Result<()> {
        engine::take_away(&self.host, plan)
    }
}

fn unknown(network: &Name, endpoint: &Name) -> Error {
    Error::new(ErrorKind::NotFound, "find endpoint", endpoint.as_str())
        .with_cause(format!("network {network} has no endpoint of that name"))
}

pub(super) fn of(endpoint: impl std::fmt::Display, network: impl std::fmt::Display) -> String {
    format!("{endpoint} of network {network}")
}
