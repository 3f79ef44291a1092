//! Which ports of the host are whose: a row a port.

#[cfg(test)]
mod tests;

use std::fmt;
use std::net::IpAddr;

use rusqlite::{params, Connection, Row};

use super::database::store_error;
use crate::error::{Error, ErrorKind, Result};
use crate::link::Protocol;
use crate::name::Name;

const PUBLISH: &str = "publish";

/// A port of one address of the host, or of all of a family: `0.0.0.0` or `::`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HostPort {
    pub(crate) protocol: Protocol,
    pub(crate) address: IpAddr,
    pub(crate) port: u16,
}

impl HostPort {
    /// Whether a packet could be for both of two addresses.
    fn meets(&self, address: IpAddr) -> bool {
        let one = self.address.is_unspecified() || address.is_unspecified();
        self.address == address || (one && self.address.is_ipv4() == address.is_ipv4())
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "port {}/{} of {}", self.port, self.protocol, self.address)
    }
}

/// Who has a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Holder {
    pub(crate) port: HostPort,
    pub(crate) network: String,
    pub(crate) endpoint: String,
}

impl Holder {
    pub(crate) fn conflict(&self) -> Error {
        let cause = format!("{} is published by {} of network {}", self.port, self.endpoint, self.network);
        Error::new(ErrorKind::AlreadyExists, PUBLISH, "ports").with_cause(cause)
    }
}

/// Who has the port on the address, on one that it includes, or on all.
///
/// # Errors
/// Those of the store.
pub(crate) fn holder(tx: &Connection, port: HostPort) -> Result<Option<Holder>> {
    let failed = |error| store_error("look up", port.to_string(), error);
    let sql = "SELECT address, network, endpoint FROM port WHERE protocol = ?1 AND port = ?2";
    let mut select = tx.prepare_cached(sql).map_err(failed)?;
    let mut rows = select.query(params![port.protocol.number(), port.port]).map_err(failed)?;
    while let Some(row) = rows.next().map_err(failed)? {
        let Some(address) = address(row).map_err(failed)? else { continue };
        if port.meets(address) {
            let (network, endpoint) = (row.get(1).map_err(failed)?, row.get(2).map_err(failed)?);
            return Ok(Some(Holder { port: HostPort { address, ..port }, network, endpoint }));
        }
    }
    Ok(None)
}

/// Takes ports for an endpoint. After an error some of them are taken: the transaction is not to be kept.
///
/// # Errors
/// AlreadyExists with who has one of them, which may be the endpoint itself; those of the store.
pub(crate) fn take(tx: &Connection, network: &Name, endpoint: &Name, ports: &[HostPort]) -> Result<()> {
    for port in ports {
        if let Some(holder) = holder(tx, *port)? {
            return Err(holder.conflict());
        }
        let failed = |error| store_error("take", port.to_string(), error);
        let sql = "INSERT INTO port (protocol, port, address, network, endpoint) VALUES (?1, ?2, ?3, ?4, ?5)";
        let mut insert = tx.prepare_cached(sql).map_err(failed)?;
        let key = (port.protocol.number(), port.port, bytes(port.address));
        let row = params![key.0, key.1, key.2, network.as_str(), endpoint.as_str()];
        insert.execute(row).map_err(failed)?;
    }
    Ok(())
}

/// Gives ports of an endpoint back; those that it does not have stay as they are.
///
/// # Errors
/// Those of the store, after which the transaction is not to be kept.
pub(crate) fn give_back(tx: &Connection, network: &Name, endpoint: &Name, ports: &[HostPort]) -> Result<()> {
    for port in ports {
        let failed = |error| store_error("give back", port.to_string(), error);
        let sql = "DELETE FROM port WHERE protocol = ?1 AND port = ?2 AND address = ?3 \
                   AND network = ?4 AND endpoint = ?5";
        let mut delete = tx.prepare_cached(sql).map_err(failed)?;
        let key = (port.protocol.number(), port.port, bytes(port.address));
        delete.execute(params![key.0, key.1, key.2, network.as_str(), endpoint.as_str()]).map_err(failed)?;
    }
    Ok(())
}

/// Its 4 or 16 bytes.
fn bytes(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    }
}

/// None for what is no address, which is nobody's.
fn address(row: &Row<'_>) -> rusqlite::Result<Option<IpAddr>> {
    let bytes = row.get_ref(0)?.as_blob()?;
    let v4 = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    Ok(v4.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from)).ok())
}
