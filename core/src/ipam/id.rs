use std::fmt;
use std::str::FromStr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::name::Name;

const OPERATION: &str = "use pool id";

/// How a pool is known: address space, pool and, where there is one, sub-pool.
///
/// Its text is Docker's: `LocalDefault/172.17.0.0/16` or `LocalDefault/172.17.0.0/16/172.17.1.0/24`. One
/// pool has one text: parsing refuses every other way to write it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PoolId {
    space: Name,
    pool: IpNet,
    sub_pool: Option<IpNet>,
}

impl PoolId {
    /// The id of `pool` with `sub_pool` in `space`.
    ///
    /// # Errors
    /// BadRequest when one of the two has host bits set, or the sub-pool does not lie in the pool.
    pub fn new(space: Name, pool: IpNet, sub_pool: Option<IpNet>) -> Result<Self> {
        check_prefixes(pool, sub_pool)?;
        Ok(Self { space, pool, sub_pool })
    }

    /// The address space.
    pub fn space(&self) -> &Name {
        &self.space
    }

    /// The pool.
    pub fn pool(&self) -> IpNet {
        self.pool
    }

    /// The sub-pool.
    pub fn sub_pool(&self) -> Option<IpNet> {
        self.sub_pool
    }

    /// Where addresses come from that nobody asked for by name: the sub-pool, or the whole pool.
    pub fn range(&self) -> IpNet {
        self.sub_pool.unwrap_or(self.pool)
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
        let id = Self::new(Name::new(space).map_err(within)?, pool, sub_pool).map_err(within)?;
        if id.to_string() != text {
            return Err(refuse(&format!("it is written {id}")));
        }
        Ok(id)
    }
}

impl TryFrom<String> for PoolId {
    type Error = Error;
    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<PoolId> for String {
    fn from(id: PoolId) -> Self {
        id.to_string()
    }
}

impl fmt::Display for PoolId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.space, self.pool)?;
        self.sub_pool.map_or(Ok(()), |sub_pool| write!(f, "/{sub_pool}"))
    }
}

impl fmt::Debug for PoolId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
