//! One port, or several in a row.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use serde::{de, Deserialize, Deserializer, Serialize, Serializer};

use crate::error::{Error, Result};

/// One port or several in a row, as text `80` or `8000-8010`; in JSON that text, of a single port its
/// number too. Port 0 is none.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortRange {
    first: u16,
    last: u16,
}

impl PortRange {
    /// The ports from `first` to `last`, which belongs to them.
    ///
    /// # Errors
    /// BadRequest for port 0 and when `last` comes before `first`.
    pub fn new(first: u16, last: u16) -> Result<Self> {
        let refuse = |cause| Err(Error::bad_request("use ports", format!("{first}-{last}"), cause));
        match (first, last) {
            (0, _) => refuse("0 is no port"),
            _ if last < first => refuse("the last comes before the first"),
            _ => Ok(Self { first, last }),
        }
    }

    /// The lowest port.
    pub fn first(self) -> u16 {
        self.first
    }

    /// The highest port.
    pub fn last(self) -> u16 {
        self.last
    }

    /// How many ports it is, 1 at least.
    #[expect(clippy::len_without_is_empty, reason = "it is never empty")]
    pub fn len(self) -> usize {
        usize::from(self.last - self.first) + 1
    }

    /// Whether `port` is one of them.
    pub fn contains(self, port: u16) -> bool {
        self.iter().contains(&port)
    }

    /// The ports, the lowest first.
    pub fn iter(self) -> RangeInclusive<u16> {
        self.first..=self.last
    }

    pub(super) fn overlaps(self, other: Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }
}

impl From<PortRange> for RangeInclusive<u16> {
    fn from(range: PortRange) -> Self {
        range.iter()
    }
}

impl IntoIterator for PortRange {
    type Item = u16;
    type IntoIter = RangeInclusive<u16>;
    fn into_iter(self) -> RangeInclusive<u16> {
        self.iter()
    }
}

impl FromStr for PortRange {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        let refuse = |cause| Error::bad_request("use ports", format!("{text:?}"), cause);
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let (first, last) = (port(first).map_err(refuse)?, port(last).map_err(refuse)?);
        Self::new(first, last)
    }
}

fn port(text: &str) -> Result<u16, &'static str> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("it is neither a port nor two with '-' between");
    }
    match text.parse() {
        Ok(0) => Err("0 is no port"),
        parsed => parsed.map_err(|_| "the highest port is 65535"),
    }
}

impl fmt::Display for PortRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.first == self.last {
            true => f.pad(&self.first.to_string()),
            false => f.pad(&format!("{}-{}", self.first, self.last)),
        }
    }
}

impl fmt::Debug for PortRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for PortRange {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PortRange {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl de::Visitor<'_> for Reader {
    type Value = PortRange;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a port or a text such as \"8000-8010\"")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<PortRange, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_u64<E: de::Error>(self, port: u64) -> Result<PortRange, E> {
        port.to_string().parse().map_err(E::custom)
    }
}
