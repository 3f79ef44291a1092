use std::fmt;
use std::str::FromStr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::name::Name;

const OPERATION: &str = "use pool id";

/// How an [`Ipam`](super::Ipam) knows a pool: text of 1 to 1,024 bytes without control characters, which it alone
/// understands.
///
/// The built-in one has Docker's: `LocalDefault/172.17.0.0/16` or `LocalDefault/172.17.0.0/16/172.17.1.0/24`, which
/// [`PoolId::new`] writes and [`PoolId::parts`] reads.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PoolId(String);

/// What a pool id of the built-in [`Ipam`](super::Ipam) says.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PoolParts {
    /// The address space.
    pub space: Name,
    /// The pool.
    pub pool: IpNet,
    /// The sub-pool.
    pub sub_pool: Option<IpNet>,
}

impl PoolId {
    /// The longest in bytes.
    pub const MAX: usize = 1 << 10;

    /// The id of `pool` with `sub_pool` in `space`, as the built-in one writes it.
    ///
    /// # Errors
    /// BadRequest when one of the two has host bits set, or the sub-pool does not lie in the pool.
    pub fn new(space: Name, pool: IpNet, sub_pool: Option<IpNet>) -> Result<Self> {
        check_prefixes(pool, sub_pool)?;
        Ok(Self(PoolParts { space, pool, sub_pool }.to_string()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What the id says when it is one of the built-in's. One pool has one text: every other way to write it is
    /// refused.
    ///
    /// # Errors
    /// BadRequest when it is none, or its prefixes cannot be a pool's.
    pub fn parts(&self) -> Result<PoolParts> {
        let text = &*self.0;
        let refuse = |cause: &str| Error::bad_request(OPERATION, format!("{text:?}"), cause);
        let net = |address: &str, length: &str| {
            let net = format!("{address}/{length}").parse::<IpNet>();
            net.map_err(|_| refuse(&format!("{address}/{length} is no prefix")))
        };
        let parts: Vec<_> = text.split('/').collect();
        let (space, pool, sub_pool) = match parts[..] {
            [space, address, length] => (space, net(address, length)?, None),
            [space, address, length, sub_address, sub_length] => {
                (space, net(address, length)?, Some(net(sub_address, sub_length)?))
            }
            _ => return Err(refuse("it is not SPACE/POOL or SPACE/POOL/SUB-POOL, with prefixes as pools")),
        };
        let within = |error: Error| error.within(OPERATION, format!("{text:?}"));
        check_prefixes(pool, sub_pool).map_err(within)?;
        let parts = PoolParts { space: Name::new(space).map_err(within)?, pool, sub_pool };
        match parts.to_string() {
            own if own == text => Ok(parts),
            own => Err(refuse(&format!("it is written {own}"))),
        }
    }
}

impl PoolParts {
    /// Where addresses come from that nobody asked for by name: the sub-pool, or the whole pool.
    pub fn range(&self) -> IpNet {
        self.sub_pool.unwrap_or(self.pool)
    }
}

impl fmt::Display for PoolParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.space, self.pool)?;
        self.sub_pool.map_or(Ok(()), |sub_pool| write!(f, "/{sub_pool}"))
    }
}

/// That neither has host bits set, and that the sub-pool lies in the pool.
pub(super) fn check_prefixes(pool: IpNet, sub_pool: Option<IpNet>) -> Result<()> {
    for net in [Some(pool), sub_pool].into_iter().flatten() {
        if net != net.trunc() {
            let cause = format!("it has host bits set: the network is {}", net.trunc());
            return Err(Error::bad_request("use pool", net.to_string(), cause));
        }
    }
    match sub_pool {
        Some(sub_pool) if !pool.contains(&sub_pool) => {
            let cause = format!("it does not lie in the pool {pool}");
            Err(Error::bad_request("use sub-pool", sub_pool.to_string(), cause))
        }
        _ => Ok(()),
    }
}

impl FromStr for PoolId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::try_from(text.to_owned())
    }
}

impl TryFrom<String> for PoolId {
    type Error = Error;
    fn try_from(text: String) -> Result<Self> {
        let refuse = |cause: &str| Err(Error::bad_request(OPERATION, format!("{text:?}"), cause));
        if text.is_empty() {
            return refuse("it is empty");
        }
        if text.len() > Self::MAX {
            return refuse("it is longer than 1,024 bytes");
        }
        if text.chars().any(char::is_control) {
            return refuse("it has control characters");
        }
        Ok(Self(text))
    }
}

impl From<PoolId> for String {
    fn from(id: PoolId) -> Self {
        id.0
    }
}

impl fmt::Display for PoolId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for PoolId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}
