//! Maximum transmission units.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The largest payload of a frame in bytes: 68 (RFC 791) to 65,535.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Mtu(u32);

impl Mtu {
    /// Ethernet's own.
    pub const ETHERNET: Self = Self(1500);
    /// The least with which IPv6 works (RFC 8200, section 5).
    pub const IPV6_MIN: Self = Self(1280);

    /// Checks `bytes`.
    ///
    /// # Errors
    /// BadRequest below 68 and above 65,535.
    pub fn new(bytes: u32) -> Result<Self> {
        if (68..=65_535).contains(&bytes) {
            Ok(Self(bytes))
        } else {
            Err(Error::bad_request("use MTU", bytes.to_string(), "it is not between 68 and 65535"))
        }
    }

    /// The bytes.
    pub fn get(self) -> u32 {
        self.0
    }

    /// Any other size, for an interface that is about to be set to `self`.
    pub(crate) fn neighbour(self) -> Self {
        Self(if self.0 > Self::IPV6_MIN.0 { self.0 - 1 } else { self.0 + 1 })
    }
}

impl TryFrom<u32> for Mtu {
    type Error = Error;
    fn try_from(bytes: u32) -> Result<Self> {
        Self::new(bytes)
    }
}

impl From<Mtu> for u32 {
    fn from(mtu: Mtu) -> Self {
        mtu.0
    }
}

impl fmt::Display for Mtu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_neighbour_is_another_size_that_is_allowed_and_carries_ipv6_alike() {
        for bytes in 68..=65_535 {
            let mtu = Mtu::new(bytes).unwrap();
            let neighbour = mtu.neighbour();
            assert_ne!(neighbour, mtu);
            assert!(Mtu::new(neighbour.get()).is_ok(), "{mtu} has the neighbour {neighbour}");
            assert!(mtu < Mtu::IPV6_MIN || neighbour >= Mtu::IPV6_MIN, "{mtu} has {neighbour}");
        }
    }
}
