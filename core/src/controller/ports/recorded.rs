//! The ports of endpoints as the store has them: a row a mapping, in the order in which they came.

use std::collections::HashMap;

use rusqlite::{params, Connection, Row};

use super::{PortMapping, PortRange};
use crate::error::{Error, ErrorKind, Result};
use crate::name::Name;
use crate::store::store_error;

/// The number of a row.
pub(in crate::controller) type Id = i64;

fn failed(error: rusqlite::Error) -> Error {
    store_error("record ports", "of an endpoint", error)
}

/// A mapping of an endpoint.
pub(in crate::controller) struct Recorded {
    pub(in crate::controller) mapping: PortMapping,
    /// As the endpoint's config asked for it; none of one that was published later.
    pub(in crate::controller) asked: Option<PortMapping>,
}

impl Recorded {
    /// The columns of a row from `first` on.
    fn read(row: &Row<'_>, first: usize) -> Result<Self> {
        let text = |at| row.get_ref(at).and_then(|text| Ok(text.as_str_or_null()?));
        let asked = text(first + 1).map_err(failed)?.map(parse).transpose()?;
        Ok(Self { mapping: parse(text(first).map_err(failed)?.unwrap_or_default())?, asked })
    }
}

fn parse(text: &str) -> Result<PortMapping> {
    text.parse().map_err(|error: Error| {
        Error::new(ErrorKind::System, "read", "a port of the store").with_cause(error.to_string())
    })
}

/// Adds mappings of an endpoint, of which the host's ports are known; the first of them as `asked` says.
pub(in crate::controller) fn add(
    tx: &Connection,
    network: &Name,
    endpoint: &Name,
    mappings: &[PortMapping],
    asked: &[PortMapping],
) -> Result<Vec<Id>> {
    if mappings.is_empty() {
        return Ok(Vec::new());
    }
    let sql = "INSERT INTO mapping (network, endpoint, protocol, port, host_port, mapping, asked) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let mut insert = tx.prepare_cached(sql).map_err(failed)?;
    let asked = asked.iter().map(Some).chain(std::iter::repeat(None));
    let mut of = |(mapping, asked): (&PortMapping, Option<&PortMapping>)| {
        let (protocol, port, host_port) = key(mapping);
        let (mapping, asked) = (mapping.to_string(), asked.map(ToString::to_string));
        insert.insert(params![network.as_str(), endpoint.as_str(), protocol, port, host_port, mapping, asked])
    };
    mappings.iter().zip(asked).map(&mut of).collect::<rusqlite::Result<_>>().map_err(failed)
}

/// Protocol, port and the host's port; 0 where that is any.
fn key(mapping: &PortMapping) -> (u8, u16, u16) {
    let host_port = mapping.host_ports.map_or(0, PortRange::first);
    (mapping.protocol.number(), mapping.ports.first(), host_port)
}

/// The mappings of an endpoint.
pub(in crate::controller) fn of(tx: &Connection, network: &Name, endpoint: &Name) -> Result<Vec<Recorded>> {
    let sql = "SELECT mapping, asked FROM mapping WHERE network = ?1 AND endpoint = ?2 ORDER BY id";
    let mut select = tx.prepare_cached(sql).map_err(failed)?;
    let mut rows = select.query(params![network.as_str(), endpoint.as_str()]).map_err(failed)?;
    let mut mappings = Vec::new();
    while let Some(row) = rows.next().map_err(failed)? {
        mappings.push(Recorded::read(row, 0)?);
    }
    Ok(mappings)
}

/// All mappings, by network and endpoint.
pub(in crate::controller) fn all(tx: &Connection) -> Result<HashMap<(String, String), Vec<Recorded>>> {
    let sql = "SELECT network, endpoint, mapping, asked FROM mapping ORDER BY id";
    let mut select = tx.prepare_cached(sql).map_err(failed)?;
    let mut rows = select.query([]).map_err(failed)?;
    let mut all = HashMap::<_, Vec<_>>::new();
    while let Some(row) = rows.next().map_err(failed)? {
        let of = (row.get(0).map_err(failed)?, row.get(1).map_err(failed)?);
        all.entry(of).or_default().push(Recorded::read(row, 2)?);
    }
    Ok(all)
}

/// The first mapping of an endpoint that is what `wanted` says and none of `taken`.
pub(in crate::controller) fn find(
    tx: &Connection,
    network: &Name,
    endpoint: &Name,
    wanted: &PortMapping,
    taken: &[(Id, PortMapping)],
) -> Result<Option<(Id, PortMapping)>> {
    let (protocol, port, host_port) = key(wanted);
    // Ports of the host that are left open are any.
    let any = if host_port == 0 { u16::MAX } else { host_port };
    let sql = "SELECT id, mapping FROM mapping WHERE network = ?1 AND endpoint = ?2 AND protocol = ?3 \
               AND port = ?4 AND host_port BETWEEN ?5 AND ?6 ORDER BY host_port, id";
    let mut select = tx.prepare_cached(sql).map_err(failed)?;
    let params = params![network.as_str(), endpoint.as_str(), protocol, port, host_port, any];
    let mut rows = select.query(params).map_err(failed)?;
    while let Some(row) = rows.next().map_err(failed)? {
        let (id, text): (Id, String) = (row.get(0).map_err(failed)?, row.get(1).map_err(failed)?);
        let mapping = parse(&text)?;
        if mapping.is_for(wanted) && taken.iter().all(|(other, _)| *other != id) {
            return Ok(Some((id, mapping)));
        }
    }
    Ok(None)
}

/// Forgets single mappings.
pub(in crate::controller) fn remove(tx: &Connection, ids: impl IntoIterator<Item = Id>) -> Result<()> {
    let mut delete = tx.prepare_cached("DELETE FROM mapping WHERE id = ?1").map_err(failed)?;
    ids.into_iter().try_for_each(|id| delete.execute([id]).map(drop)).map_err(failed)
}

/// Forgets all mappings of an endpoint.
pub(in crate::controller) fn forget(tx: &Connection, network: &Name, endpoint: &Name) -> Result<()> {
    let sql = "DELETE FROM mapping WHERE network = ?1 AND endpoint = ?2";
    let mut delete = tx.prepare_cached(sql).map_err(failed)?;
    delete.execute(params![network.as_str(), endpoint.as_str()]).map(drop).map_err(failed)
}
