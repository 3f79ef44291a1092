//! Hardware addresses.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use ipnet::{IpNet, Ipv6Net};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::sys;

/// An Ethernet address that an interface can carry: unicast and not all zeroes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MacAddr([u8; 6]);

impl MacAddr {
    /// Checks six octets, in the order in which they are written.
    ///
    /// # Errors
    /// BadRequest for a multicast address and for all zeroes.
    pub fn new(octets: [u8; 6]) -> Result<Self> {
        let address = Self(octets);
        let refuse = |cause: &str| Err(Error::bad_request("use MAC address", address.to_string(), cause));
        if octets == [0; 6] {
            return refuse("it is all zeroes");
        }
        if octets[0] & 1 != 0 {
            return refuse("it is a multicast address");
        }
        Ok(address)
    }

    /// A random locally administered address.
    pub fn random() -> Self {
        let mut octets: [u8; 6] = sys::random_bytes();
        octets[0] = octets[0] & 0xfc | 2;
        Self(octets)
    }

    /// `02:42:` followed by the IPv4 address, Docker's custom: the same address has the same MAC
    /// again, so that no neighbour's ARP entry goes stale.
    pub fn from_ipv4(address: Ipv4Addr) -> Self {
        let [a, b, c, d] = address.octets();
        Self([0x02, 0x42, a, b, c, d])
    }

    /// The six octets.
    pub fn octets(self) -> [u8; 6] {
        self.0
    }

    /// `fe80::` with the modified EUI-64 of this address (RFC 4291, appendix A), what the kernel would choose.
    pub(crate) fn link_local(self) -> Ipv6Addr {
        let [a, b, c, d, e, f] = self.0;
        Ipv6Addr::from([0xfe, 0x80, 0, 0, 0, 0, 0, 0, a ^ 2, b, c, 0xff, 0xfe, d, e, f])
    }

    /// [`MacAddr::link_local`] in its subnet.
    pub(crate) fn link_local_net(self) -> IpNet {
        IpNet::V6(Ipv6Net::new_assert(self.link_local(), 64))
    }
}

impl FromStr for MacAddr {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        let refuse = || {
            Error::bad_request(
                "use MAC address",
                format!("{text:?}"),
                "it is not six pairs of hexadecimal digits with ':' between",
            )
        };
        let mut octets = [0; 6];
        let mut parts = text.split(':');
        for octet in &mut octets {
            let part = parts.next().ok_or_else(refuse)?;
            if part.len() != 2 || !part.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                return Err(refuse());
            }
            *octet = u8::from_str_radix(part, 16).map_err(|_| refuse())?;
        }
        if parts.next().is_some() {
            return Err(refuse());
        }
        Self::new(octets)
    }
}

impl TryFrom<String> for MacAddr {
    type Error = Error;
    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<MacAddr> for String {
    fn from(address: MacAddr) -> Self {
        address.to_string()
    }
}

impl fmt::Display for MacAddr {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, f] = self.0;
        write!(out, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x}")
    }
}

impl fmt::Debug for MacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_local_address_is_the_kernels() {
        let mac: MacAddr = "00:25:96:12:34:56".parse().unwrap();
        assert_eq!(mac.link_local(), "fe80::225:96ff:fe12:3456".parse::<Ipv6Addr>().unwrap());
        testhost::host(|host| {
            let kernels = ["link", "add", "x0", "address", "00:25:96:12:34:56", "type", "veth"];
            host.ip(&kernels);
            for end in ["x0", "veth0"] {
                host.ip(&["link", "set", end, "up"]);
            }
            let shown = host.ip(&["-6", "address", "show", "dev", "x0"]);
            assert_eq!(shown[0]["addr_info"][0]["local"], mac.link_local().to_string(), "{shown}");
        });
    }
}
