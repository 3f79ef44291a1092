//! Which addresses of a pool are in use: intervals of taken addresses, so that any pool, an IPv6 /64
//! too, costs what its fragmentation does and a lease the logarithm of that.
//!
//! The intervals of a pool are disjoint and never adjacent. Numbers are the address's 16 bytes, an IPv4
//! address as IPv6 has it (`::ffff:a.b.c.d`): SQLite compares blobs as addresses are compared.

mod intervals;
#[cfg(test)]
mod tests;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::RangeInclusive;

use ipnet::IpNet;
use rusqlite::{Connection, OptionalExtension};

use super::database::store_error;
use crate::error::{Error, ErrorKind, Result};
use intervals::Intervals;

const TAKE: &str = "take address";
const RELEASE: &str = "release address";

/// Takes an address of `pool`: `wanted`, which may lie outside `range`, or the next free one of `range`.
///
/// The next one is the one after that which was given last, and from the end of the range it goes on
/// at its beginning. The pool's first address and its IPv4 broadcast address are never given, unless
/// it has no others (/31, /32, /127, /128).
///
/// # Errors
/// BadRequest when `range` or `wanted` does not lie in the pool or `wanted` is never given;
/// AlreadyExists when `wanted` is in use, ResourceExhausted when the whole range is; those of the store.
pub(crate) fn take(tx: &Connection, pool: IpNet, range: IpNet, wanted: Option<IpAddr>) -> Result<IpAddr> {
    let (pool, range) = (pool.trunc(), range.trunc());
    if !pool.contains(&range) {
        return Err(Error::bad_request(TAKE, format!("of {range}"), format!("it does not lie in {pool}")));
    }
    let cursor = Cursor { connection: tx, pool, range };
    let taken = Intervals::of(tx, pool);
    match wanted {
        Some(wanted) => take_wanted(&taken, &cursor, wanted),
        None => take_next(&taken, &cursor),
    }
}

/// As [`take`] of an address that others have taken already, or that is never given.
///
/// # Errors
/// Those of the store.
pub(crate) fn hold(tx: &Connection, pool: IpNet, address: IpAddr) -> Result<()> {
    match take(tx, pool, pool, Some(address)) {
        Err(error) if matches!(error.kind(), ErrorKind::AlreadyExists | ErrorKind::BadRequest) => Ok(()),
        taken => taken.map(drop),
    }
}

fn take_wanted(taken: &Intervals<'_>, cursor: &Cursor<'_>, wanted: IpAddr) -> Result<IpAddr> {
    let pool = cursor.pool;
    let subject = format!("{wanted} of {pool}");
    if !pool.contains(&wanted) {
        return Err(Error::bad_request(TAKE, subject, "it does not lie in the pool"));
    }
    let number = number(wanted);
    if !usable(pool, pool).contains(&number) {
        return Err(Error::bad_request(TAKE, subject, "it is the pool's first or its broadcast address"));
    }
    let failed = |error| store_error(TAKE, subject.clone(), error);
    if taken.contains(number).map_err(failed)? {
        return Err(Error::new(ErrorKind::AlreadyExists, TAKE, subject).with_cause("it is in use"));
    }
    taken.insert(number).map_err(failed)?;
    // There has to be a cursor for the release to move it past the address.
    cursor.begin().map_err(failed)?;
    Ok(wanted)
}

fn take_next(taken: &Intervals<'_>, cursor: &Cursor<'_>) -> Result<IpAddr> {
    let (pool, range) = (cursor.pool, cursor.range);
    let failed = |error| store_error(TAKE, format!("of {range}"), error);
    let start = cursor.position().map_err(failed)?;
    let usable = usable(pool, range);
    let low = *usable.start();
    let start = start.filter(|start| usable.contains(start)).unwrap_or(low);
    let mut number = taken.take_first_free(start, &usable).map_err(failed)?;
    if number.is_none() && start > low {
        number = taken.take_first_free(low, &usable).map_err(failed)?;
    }
    let number = number.ok_or_else(|| exhausted(pool, range))?;
    cursor.move_past(number).map_err(failed)?;
    Ok(address(number, pool))
}

fn exhausted(pool: IpNet, range: IpNet) -> Error {
    let usable = usable(pool, range);
    let count = if usable.is_empty() { 0 } else { usable.end() - usable.start() + 1 };
    Error::new(ErrorKind::ResourceExhausted, TAKE, format!("of {range}"))
        .with_cause(format!("all {count} addresses of {range} are in use"))
}

/// Gives `address` back; whether it was taken. It is not the one to be given next, unless no other is
/// free: hosts remember for a while to whom it belonged (`gc_stale_time`, arp(7)).
///
/// # Errors
/// Those of the store.
pub(crate) fn release(tx: &Connection, pool: IpNet, address: IpAddr) -> Result<bool> {
    let pool = pool.trunc();
    if !pool.contains(&address) {
        return Ok(false);
    }
    let failed = |error| store_error(RELEASE, format!("{address} of {pool}"), error);
    let taken = Intervals::of(tx, pool);
    let number = number(address);
    let found = taken.remove(number).map_err(failed)?;
    if found {
        step_past(tx, &taken, pool, number).map_err(failed)?;
    }
    Ok(found)
}

/// Moves the cursors of all the pool's ranges of which `number` is the next to be given.
fn step_past(tx: &Connection, taken: &Intervals<'_>, pool: IpNet, number: u128) -> rusqlite::Result<()> {
    for (range, start) in Cursor::all(tx, pool)? {
        if upcoming(taken, usable(pool, range), start)? == Some(number) {
            Cursor { connection: tx, pool, range }.move_past(number)?;
        }
    }
    Ok(())
}

/// Whether a lease has `address`.
///
/// # Errors
/// Those of the store.
#[cfg(test)]
pub(crate) fn is_taken(connection: &Connection, pool: IpNet, address: IpAddr) -> Result<bool> {
    let pool = pool.trunc();
    let taken = Intervals::of(connection, pool).contains(number(address));
    let taken =
        taken.map_err(|error| store_error("look up address", format!("{address} of {pool}"), error))?;
    Ok(taken && pool.contains(&address))
}

/// How many addresses of `pool` leases have; the time it takes grows with the pool's fragmentation.
///
/// # Errors
/// Those of the store.
pub(crate) fn count_taken(connection: &Connection, pool: IpNet) -> Result<u128> {
    let pool = pool.trunc();
    Intervals::of(connection, pool)
        .count()
        .map_err(|error| store_error("count addresses", format!("of {pool}"), error))
}

/// Gives all addresses of `pool` back and forgets which came next.
///
/// # Errors
/// Those of the store.
pub(crate) fn clear(tx: &Connection, pool: IpNet) -> Result<()> {
    let pool = pool.trunc();
    let cleared = Intervals::of(tx, pool).clear().and_then(|()| Cursor::forget(tx, pool));
    cleared.map_err(|error| store_error("release addresses", format!("of {pool}"), error))
}

/// The next free number of `usable` from `start` on, which goes on at the beginning.
fn upcoming(
    taken: &Intervals<'_>,
    usable: RangeInclusive<u128>,
    start: Option<u128>,
) -> rusqlite::Result<Option<u128>> {
    let low = *usable.start();
    for start in [start.filter(|start| usable.contains(start)).unwrap_or(low), low] {
        let free = taken.first_free(start)?.filter(|free| usable.contains(free));
        if free.is_some() {
            return Ok(free);
        }
    }
    Ok(None)
}

/// The numbers of `range` that may be given; empty when those are the pool's first and broadcast address.
fn usable(pool: IpNet, range: IpNet) -> RangeInclusive<u128> {
    let (mut low, mut high) = (number(pool.network()), number(pool.broadcast()));
    if pool.max_prefix_len() - pool.prefix_len() > 1 {
        low += 1;
        high -= u128::from(pool.addr().is_ipv4());
    }
    low.max(number(range.network()))..=high.min(number(range.broadcast()))
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

fn address(number: u128, pool: IpNet) -> IpAddr {
    let [.., a, b, c, d] = number.to_be_bytes();
    match pool {
        IpNet::V4(_) => Ipv4Addr::new(a, b, c, d).into(),
        IpNet::V6(_) => Ipv6Addr::from_bits(number).into(),
    }
}

/// Where a range is to be searched for the next free address: the last of an interval without a first, of
/// a pool that is called by the pool and the range with a space in between. It lies beside the intervals, so
/// that both are written as one.
struct Cursor<'a> {
    connection: &'a Connection,
    pool: IpNet,
    range: IpNet,
}

impl Cursor<'_> {
    fn key(&self) -> String {
        format!("{} {}", self.pool, self.range)
    }

    fn position(&self) -> rusqlite::Result<Option<u128>> {
        let mut of = self.connection.prepare_cached("SELECT last FROM taken WHERE pool = ?1")?;
        of.query_row([self.key()], |row| row.get(0).map(u128::from_be_bytes)).optional()
    }

    fn begin(&self) -> rusqlite::Result<()> {
        let set = "INSERT INTO taken VALUES(?1, x'', ?2) ON CONFLICT DO NOTHING";
        self.store(set, *usable(self.pool, self.range).start())
    }

    /// Past the last address is outside the range, which [`upcoming`] takes for its beginning.
    fn move_past(&self, number: u128) -> rusqlite::Result<()> {
        let set = "INSERT INTO taken VALUES(?1, x'', ?2) ON CONFLICT DO UPDATE SET last = excluded.last";
        self.store(set, number.wrapping_add(1))
    }

    fn store(&self, set: &str, next: u128) -> rusqlite::Result<()> {
        self.connection.prepare_cached(set)?.execute((self.key(), next.to_be_bytes())).map(drop)
    }

    /// The ranges of `pool` and where they are.
    fn all(connection: &Connection, pool: IpNet) -> rusqlite::Result<Vec<(IpNet, Option<u128>)>> {
        let of = "SELECT pool, last FROM taken WHERE pool > ?1 || ' ' AND pool < ?1 || '!'";
        let mut of = connection.prepare_cached(of)?;
        let rows = of.query_map([pool.to_string()], |row| {
            let key: String = row.get(0)?;
            let range = key.split(' ').next_back().and_then(|range| range.parse().ok());
            Ok((range.unwrap_or(pool), Some(row.get(1).map(u128::from_be_bytes)?)))
        })?;
        rows.collect()
    }

    fn forget(connection: &Connection, pool: IpNet) -> rusqlite::Result<()> {
        let of = "DELETE FROM taken WHERE pool > ?1 || ' ' AND pool < ?1 || '!'";
        connection.prepare_cached(of)?.execute([pool.to_string()]).map(drop)
    }
}
