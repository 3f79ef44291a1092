//! Transport protocols that have ports.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// A transport protocol with ports. Its text is read whatever its case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Protocol {
    /// RFC 9260.
    Sctp,
    /// RFC 9293, the one that is meant where none is named.
    #[default]
    Tcp,
    /// RFC 768.
    Udp,
}

impl Protocol {
    const ALL: [Self; 3] = [Self::Sctp, Self::Tcp, Self::Udp];

    /// Its number in the header of a packet (`IPPROTO_*`, IANA's protocol numbers).
    pub fn number(self) -> u8 {
        match self {
            Self::Sctp => 132,
            Self::Tcp => 6,
            Self::Udp => 17,
        }
    }

    pub(crate) fn of_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|protocol| protocol.number() == number)
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Sctp => "sctp",
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

impl FromStr for Protocol {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|protocol| text.eq_ignore_ascii_case(protocol.as_str())).ok_or_else(|| {
            let cause = "it is none of sctp, tcp and udp";
            Error::bad_request("use protocol", format!("{text:?}"), cause)
        })
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_protocol_is_read_as_it_is_written() {
        for protocol in Protocol::ALL {
            let json = serde_json::to_string(&protocol).unwrap();
            assert_eq!(json, format!("\"{protocol}\""));
            assert_eq!(serde_json::from_str::<Protocol>(&json).unwrap(), protocol);
            assert_eq!(protocol.to_string().to_uppercase().parse::<Protocol>().unwrap(), protocol);
        }
        assert_eq!(Protocol::ALL.map(Protocol::number), [132, 6, 17]);
        for hostile in ["", "icmp", "tcp ", "tcp\0", "tcp/udp", "6"] {
            assert!(hostile.parse::<Protocol>().is_err(), "{hostile:?}");
        }
    }
}
