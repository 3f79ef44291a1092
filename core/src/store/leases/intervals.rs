//! The table `taken`: intervals of numbers, each with its first and its last.

use std::ops::RangeInclusive;

use ipnet::IpNet;
use rusqlite::{Connection, OptionalExtension, Row};

/// The taken numbers of one pool.
pub(super) struct Intervals<'a> {
    connection: &'a Connection,
    pool: String,
}

/// First and last, both taken.
type Interval = (u128, u128);

impl<'a> Intervals<'a> {
    pub(super) fn of(connection: &'a Connection, pool: IpNet) -> Self {
        Self { connection, pool: pool.to_string() }
    }

    pub(super) fn contains(&self, number: u128) -> rusqlite::Result<bool> {
        self.around(number).map(|found| found.is_some())
    }

    /// The first number from `start` on that is not taken; `None` when they are all taken.
    pub(super) fn first_free(&self, start: u128) -> rusqlite::Result<Option<u128>> {
        // What follows an interval is free: another one is never adjacent.
        self.around(start).map(|found| found.map_or(Some(start), |(_, last)| last.checked_add(1)))
    }

    /// Takes the first number from `start` on that is free and lies in `usable`.
    pub(super) fn take_first_free(
        &self,
        start: u128,
        usable: &RangeInclusive<u128>,
    ) -> rusqlite::Result<Option<u128>> {
        let before = self.up_to(start)?;
        let free = match before {
            Some((_, last)) if last >= start => last.checked_add(1),
            _ => Some(start),
        };
        let Some(free) = free.filter(|free| usable.contains(free)) else { return Ok(None) };
        self.insert_after(before, free)?;
        Ok(Some(free))
    }

    /// Adds a number that is not taken, and joins what it closes the gap between.
    pub(super) fn insert(&self, number: u128) -> rusqlite::Result<()> {
        self.insert_after(self.up_to(number)?, number)
    }

    /// As [`Intervals::insert`], with the interval that begins before the number.
    fn insert_after(&self, before: Option<Interval>, number: u128) -> rusqlite::Result<()> {
        let (mut first, mut last) = (number, number);
        if let Some((before, end)) = before {
            if end.checked_add(1) == Some(number) {
                first = before;
            }
        }
        if let Some((after, end)) = number.checked_add(1).map_or(Ok(None), |next| self.around(next))? {
            self.delete(after)?;
            last = end;
        }
        self.put(first, last)
    }

    /// Takes a number out; whether it was in.
    pub(super) fn remove(&self, number: u128) -> rusqlite::Result<bool> {
        let Some((first, last)) = self.around(number)? else { return Ok(false) };
        if first < number {
            self.put(first, number - 1)?;
        } else {
            self.delete(first)?;
        }
        if number < last {
            self.put(number + 1, last)?;
        }
        Ok(true)
    }

    pub(super) fn count(&self) -> rusqlite::Result<u128> {
        let sizes = self.all()?.into_iter().map(|(first, last)| last.saturating_sub(first).saturating_add(1));
        Ok(sizes.fold(0, u128::saturating_add))
    }

    pub(super) fn all(&self) -> rusqlite::Result<Vec<Interval>> {
        let of = "SELECT first, last FROM taken WHERE pool = ?1 ORDER BY first";
        self.connection.prepare_cached(of)?.query_map([&self.pool], interval)?.collect()
    }

    pub(super) fn clear(&self) -> rusqlite::Result<()> {
        let of = "DELETE FROM taken WHERE pool = ?1";
        self.connection.prepare_cached(of)?.execute([&self.pool]).map(drop)
    }

    /// The interval that `number` lies in.
    fn around(&self, number: u128) -> rusqlite::Result<Option<Interval>> {
        self.up_to(number).map(|found| found.filter(|(_, last)| number <= *last))
    }

    /// The last interval that begins at `number` or before.
    fn up_to(&self, number: u128) -> rusqlite::Result<Option<Interval>> {
        let of = "SELECT first, last FROM taken WHERE pool = ?1 AND first <= ?2 ORDER BY first DESC LIMIT 1";
        let mut of = self.connection.prepare_cached(of)?;
        of.query_row((&self.pool, number.to_be_bytes()), interval).optional()
    }

    /// Adds an interval, or gives the one that begins there another end.
    fn put(&self, first: u128, last: u128) -> rusqlite::Result<()> {
        let put = "INSERT INTO taken VALUES(?1, ?2, ?3) ON CONFLICT DO UPDATE SET last = excluded.last";
        let mut put = self.connection.prepare_cached(put)?;
        put.execute((&self.pool, first.to_be_bytes(), last.to_be_bytes())).map(drop)
    }

    fn delete(&self, first: u128) -> rusqlite::Result<()> {
        let of = "DELETE FROM taken WHERE pool = ?1 AND first = ?2";
        self.connection.prepare_cached(of)?.execute((&self.pool, first.to_be_bytes())).map(drop)
    }
}

fn interval(row: &Row<'_>) -> rusqlite::Result<Interval> {
    Ok((row.get(0).map(u128::from_be_bytes)?, row.get(1).map(u128::from_be_bytes)?))
}
