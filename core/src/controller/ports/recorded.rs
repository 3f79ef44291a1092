//! The ports of endpoints as the store has them: a row a mapping, in the order in which they came.

use std::collections::HashMap;

use rusqlite::{params, Connection};

use super::PortMapping;
use crate::error::{Error, ErrorKind, Result};
use crate::name::Name;
use crate::store::store_error;

/// The number of a row.
pub(in crate::controller) type Id = i64;

fn failed(error: rusqlite::Error) -> Error {
    store_error("record ports", "of an endpoint", error)
}

fn parse(text: &str) -> Result<PortMapping> {
    text.parse().map_err(|error: Error| {
        Error::new(ErrorKind::System, "read", "a port of the store").with_cause(error.to_string())
    })
}

/// Adds mappings of an endpoint, of which the host's ports are known.
pub(in crate::controller) fn add(
    tx: &Connection,
    network: &Name,
    endpoint: &Name,
    mappings: &[PortMapping],
) -> Result<Vec<Id>> {
    if mappings.is_empty() {
        return Ok(Vec::new());
    }
    let sql = "INSERT INTO mapping (network, endpoint, protocol, first, mapping) VALUES (?1, ?2, ?3, ?4, ?5)";
    let mut insert = tx.prepare_cached(sql).map_err(failed)?;
    let of = |mapping: &PortMapping| {
        let key = (mapping.protocol.number(), mapping.ports.first());
        insert.insert(params![network.as_str(), endpoint.as_str(), key.0, key.1, mapping.to_string()])
    };
    mappings.iter().map(of).collect::<rusqlite::Result<_>>().map_err(failed)
}

/// The mappings of an endpoint.
pub(in crate::controller) fn of(
    tx: &Connection,
    network: &Name,
    endpoint: &Name,
) -> Result<Vec<PortMapping>> {
    let sql = "SELECT mapping FROM mapping WHERE network = ?1 AND endpoint = ?2 ORDER BY id";
    let mut select = tx.prepare_cached(sql).map_err(failed)?;
    let mut rows = select.query(params![network.as_str(), endpoint.as_str()]).map_err(failed)?;
    let mut mappings = Vec::new();
    while let Some(row) = rows.next().map_err(failed)? {
        mappings.push(parse(row.get_ref(0).and_then(|text| Ok(text.as_str()?)).map_err(failed)?)?);
    }
    Ok(mappings)
}

/// All mappings, by network and endpoint.
pub(in crate::controller) fn all(tx: &Connection) -> Result<HashMap<(String, String), Vec<PortMapping>>> {
    let sql = "SELECT network, endpoint, mapping FROM mapping ORDER BY id";
    let mut select = tx.prepare_cached(sql).map_err(failed)?;
    let mut rows = select.query([]).map_err(failed)?;
    let mut all = HashMap::<_, Vec<_>>::new();
    while let Some(row) = rows.next().map_err(failed)? {
        let of = (row.get(0).map_err(failed)?, row.get(1).map_err(failed)?);
        let mapping: String = row.get(2).map_err(failed)?;
        all.entry(of).or_default().push(parse(&mapping)?);
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
    let sql = "SELECT id, mapping FROM mapping \
               WHERE network = ?1 AND endpoint = ?2 AND protocol = ?3 AND first = ?4 ORDER BY id";
    let mut select = tx.prepare_cached(sql).map_err(failed)?;
    let key = (wanted.protocol.number(), wanted.ports.first());
    let mut rows =
        select.query(params![network.as_str(), endpoint.as_str(), key.0, key.1]).map_err(failed)?;
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
