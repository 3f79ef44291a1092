//! What the store remembers of endpoints and sandboxes. What the kernel knows better is not in here.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use rusqlite::{params, Connection, Row};
use serde::{Deserialize, Serialize};

use super::config::is_default;
use super::ports::recorded::{self, Recorded};
use super::{EndpointConfig, PortMapping};
use crate::error::{Error, ErrorKind, Result};
use crate::link::{InterfaceName, MacAddr};
use crate::name::Name;
use crate::stats::SlotId;
use crate::store::{store_error, Notes};
use crate::sys::{NamespaceLife, Process};

/// How long what a controller makes lasts when its process ends without taking it down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Lifetime {
    /// Until it is deleted, or the host restarts. What was begun and not finished is undone.
    #[default]
    Host,
    /// As long as the process that made it: collected when that is gone.
    Process,
}

/// An endpoint as the store has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct EndpointRecord {
    pub(super) network: Name,
    pub(super) config: EndpointConfig,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) address: Option<Ipv4Net>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) address_ipv6: Option<Ipv6Net>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) mac: Option<MacAddr>,
    /// It was made by the call that joined it, and goes with its sandbox.
    #[serde(default)]
    pub(super) transient: bool,
    #[serde(default)]
    pub(super) lifetime: Lifetime,
    /// Who made it, or joined it last.
    pub(super) owner: Process,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) joined: Option<Joined>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) linked: Option<Linked>,
    /// Who has a driver that acts by itself make, join or part it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) attended: Option<Attended>,
    /// Its addresses are from an address management that is not the store itself: there are no leases of them.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) elsewhere: bool,
    /// What a driver that acts by itself chose, where the network has no subnets: nobody leased it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) chosen: Vec<IpAddr>,
    /// Where its interface is counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) meter: Option<SlotId>,
    /// The ports that it has, those that were chosen among them: a row each, of a table of their own.
    #[serde(skip)]
    pub(super) ports: Vec<PortMapping>,
}

/// That somebody has an endpoint's driver at work on it, with nothing held that others wait for: they leave it alone as
/// long as that process lives, and finish it afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Attended {
    pub(super) by: Process,
    /// Whether it is to go if that process dies over it: it was being made, or deleted.
    pub(super) ends: bool,
}

/// That an endpoint's devices are in the host, or about to be, for its caller to move. It goes with them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Linked {
    /// The device that is handed over; none as long as a driver that acts by itself has not named it, or one
    /// without another end has not been made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) src_name: Option<InterfaceName>,
    /// What its caller calls the sandbox to which the device goes, where it said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) sandbox_key: Option<String>,
}

/// Where an endpoint is, or is about to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Joined {
    /// Where the sandbox's namespace is mounted.
    pub(super) sandbox: PathBuf,
    /// Which namespace that was.
    pub(super) life: NamespaceLife,
    /// The mount namespace in which it is mounted.
    pub(super) mounts: u64,
    /// By this name its device is known in the host and in the alias inside; none of a network without
    /// devices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) src_name: Option<InterfaceName>,
    /// The gateways that it offers, whether or not they are the sandbox's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) gateway: Option<Ipv4Addr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) gateway_ipv6: Option<Ipv6Addr>,
}

impl EndpointRecord {
    pub(super) fn addresses(&self) -> impl Iterator<Item = IpNet> {
        let (v4, v6) = (self.address.map(IpNet::V4), self.address_ipv6.map(IpNet::V6));
        v4.into_iter().chain(v6)
    }

    /// Whether it lasts no longer than a process that is gone.
    pub(super) fn is_orphan(&self) -> bool {
        self.lifetime == Lifetime::Process && !self.owner.is_alive()
    }

    /// Whether it has devices, or is about to.
    pub(super) fn has_devices(&self) -> bool {
        self.joined.is_some() || self.linked.is_some()
    }

    /// Refuses an endpoint that a process which is alive has its driver at.
    pub(super) fn refuse_attended(&self) -> Result<()> {
        let Some(attended) = self.attended.filter(|attended| attended.by.is_alive()) else { return Ok(()) };
        let cause = format!("its driver is at it for process {}", attended.by);
        Err(Error::new(ErrorKind::Busy, "use endpoint", self.config.name.as_str()).with_cause(cause))
    }

    /// Who was at it and is gone.
    pub(super) fn abandoned(&self) -> Option<Attended> {
        self.attended.filter(|attended| !attended.by.is_alive())
    }

    /// The same, in no sandbox and with nobody at it.
    pub(super) fn apart(&self) -> Self {
        Self { joined: None, meter: None, attended: None, ..self.clone() }
    }

    /// Whether it goes when it is not as it should be.
    pub(super) fn ends(&self) -> bool {
        self.attended.map_or(self.transient, |attended| attended.ends) || self.is_orphan()
    }

    fn sandbox(&self) -> Option<String> {
        self.joined.as_ref().map(|joined| joined.sandbox.to_string_lossy().into_owned())
    }

    pub(super) fn insert(&self, tx: &Connection) -> Result<()> {
        let failed = |error| store_error("record endpoint", self.config.name.as_str(), error);
        let sql = "INSERT INTO endpoint (network, name, sandbox, record) VALUES (?1, ?2, ?3, ?4) \
                   ON CONFLICT DO NOTHING";
        let mut insert = tx.prepare_cached(sql).map_err(failed)?;
        let network = self.network.as_str();
        let name = self.config.name.as_str();
        let row = params![network, name, self.sandbox(), self.to_json()?];
        if insert.execute(row).map_err(failed)? == 0 {
            return Err(Error::new(ErrorKind::AlreadyExists, "create endpoint", name)
                .with_cause(format!("network {network} has an endpoint of that name")));
        }
        recorded::add(tx, &self.network, &self.config.name, &self.ports, &self.config.ports).map(drop)
    }

    /// Records all but its ports anew.
    pub(super) fn update(&self, tx: &Connection) -> Result<()> {
        let failed = |error| store_error("record endpoint", self.config.name.as_str(), error);
        let sql = "UPDATE endpoint SET sandbox = ?3, record = ?4 WHERE network = ?1 AND name = ?2";
        let mut update = tx.prepare_cached(sql).map_err(failed)?;
        let key = (self.network.as_str(), self.config.name.as_str());
        update.execute(params![key.0, key.1, self.sandbox(), self.to_json()?]).map_err(failed)?;
        Ok(())
    }

    pub(super) fn delete(&self, tx: &Connection) -> Result<()> {
        let failed = |error| store_error("forget endpoint", self.config.name.as_str(), error);
        let mut delete =
            tx.prepare_cached("DELETE FROM endpoint WHERE network = ?1 AND name = ?2").map_err(failed)?;
        delete.execute(params![self.network.as_str(), self.config.name.as_str()]).map_err(failed)?;
        recorded::forget(tx, &self.network, &self.config.name)
    }

    pub(super) fn find(tx: &Connection, network: &Name, name: &Name) -> Result<Option<Self>> {
        Self::find_portless(tx, network, name)?.map(|record| record.with_ports(tx)).transpose()
    }

    /// The endpoint without its ports, which may be thousands.
    pub(super) fn find_portless(tx: &Connection, network: &Name, name: &Name) -> Result<Option<Self>> {
        let sql = "SELECT record FROM endpoint WHERE network = ?1 AND name = ?2";
        Ok(select(tx, sql, params![network.as_str(), name.as_str()])?.pop())
    }

    pub(super) fn of_network(tx: &Connection, network: &Name) -> Result<Vec<Self>> {
        let sql = "SELECT record FROM endpoint WHERE network = ?1 ORDER BY name";
        let records = select(tx, sql, params![network.as_str()])?;
        records.into_iter().map(|record| record.with_ports(tx)).collect()
    }

    /// The endpoint of a network that has that address, without its ports.
    pub(super) fn of_address(tx: &Connection, network: &Name, address: IpAddr) -> Result<Option<Self>> {
        // Most are passed over unread.
        let sql = "SELECT record FROM endpoint WHERE network = ?1 AND instr(record, ?2) > 0";
        let found = select(tx, sql, params![network.as_str(), format!("\"{address}/")])?;
        Ok(found.into_iter().find(|record| record.addresses().any(|own| own.addr() == address)))
    }

    pub(super) fn of_sandbox(tx: &Connection, sandbox: &std::path::Path) -> Result<Vec<Self>> {
        let sql = "SELECT record FROM endpoint WHERE sandbox = ?1 ORDER BY network, name";
        let records = select(tx, sql, params![sandbox.to_string_lossy()])?;
        records.into_iter().map(|record| record.with_ports(tx)).collect()
    }

    pub(super) fn all(tx: &Connection) -> Result<Vec<Self>> {
        let mut records = select(tx, "SELECT record FROM endpoint ORDER BY network, name", params![])?;
        let mut ports = recorded::all(tx)?;
        for record in &mut records {
            let of = (record.network.to_string(), record.config.name.to_string());
            record.take_ports(ports.remove(&of).unwrap_or_default());
        }
        Ok(records)
    }

    fn with_ports(mut self, tx: &Connection) -> Result<Self> {
        self.take_ports(recorded::of(tx, &self.network, &self.config.name)?);
        Ok(self)
    }

    fn take_ports(&mut self, recorded: Vec<Recorded>) {
        for Recorded { mapping, asked } in recorded {
            self.ports.push(mapping);
            self.config.ports.extend(asked);
        }
    }

    /// All but its ports.
    fn to_json(&self) -> Result<String> {
        if self.config.ports.is_empty() {
            return to_json(self);
        }
        let config = EndpointConfig { ports: Vec::new(), ..self.config.clone() };
        to_json(&Self { config, ..self.clone() })
    }
}

/// A sandbox as its note has it: `LIFETIME PID-START PATH`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SandboxRecord {
    pub(super) path: PathBuf,
    pub(super) lifetime: Lifetime,
    pub(super) owner: Process,
}

impl SandboxRecord {
    pub(super) fn is_orphan(&self) -> bool {
        self.lifetime == Lifetime::Process && !self.owner.is_alive()
    }

    /// What the notes say; one that cannot be read is passed over.
    pub(super) fn all(notes: &Notes) -> Result<Vec<Self>> {
        let mut records: Vec<_> = notes.list()?.iter().filter_map(|note| note.parse().ok()).collect();
        records.sort_by(|a: &Self, b| a.path.cmp(&b.path));
        Ok(records)
    }
}

impl fmt::Display for SandboxRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lifetime = match self.lifetime {
            Lifetime::Host => "host",
            Lifetime::Process => "process",
        };
        write!(f, "{lifetime} {} {}", self.owner, self.path.display())
    }
}

impl FromStr for SandboxRecord {
    type Err = Error;
    fn from_str(note: &str) -> Result<Self> {
        let unreadable =
            || Error::bad_request("read note", format!("{note:?}"), "it is no note of a sandbox");
        let mut words = note.splitn(3, ' ');
        let lifetime = match words.next() {
            Some("host") => Lifetime::Host,
            Some("process") => Lifetime::Process,
            _ => return Err(unreadable()),
        };
        let owner = words.next().and_then(|word| word.parse().ok()).ok_or_else(unreadable)?;
        let path = words.next().filter(|path| path.starts_with('/')).ok_or_else(unreadable)?;
        Ok(Self { path: path.into(), lifetime, owner })
    }
}

fn select(tx: &Connection, sql: &str, params: impl rusqlite::Params) -> Result<Vec<EndpointRecord>> {
    let failed = |error| store_error("look up", "endpoints", error);
    let mut select = tx.prepare_cached(sql).map_err(failed)?;
    let rows = select.query_map(params, |row: &Row<'_>| row.get::<_, String>(0)).map_err(failed)?;
    rows.map(|json| from_json(&json.map_err(failed)?)).collect()
}

fn to_json(record: &impl Serialize) -> Result<String> {
    serde_json::to_string(record).map_err(|error| unreadable(&error))
}

fn from_json<T: serde::de::DeserializeOwned>(json: &str) -> Result<T> {
    serde_json::from_str(json).map_err(|error| unreadable(&error))
}

fn unreadable(error: &serde_json::Error) -> Error {
    Error::new(ErrorKind::System, "read", "a record of the store").with_cause(error.to_string())
}
