//! The small types of the driver API.

use std::collections::BTreeMap;
use std::fmt;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// What a driver can do (seed `004`, `Capability`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Capability {
    /// How far its networks' data reaches: allocations and tables are for global drivers alone.
    pub data_scope: Scope,
    /// How far its networks connect.
    pub connectivity_scope: Scope,
}

/// One host, or all (libnetwork's `scope` package).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// All hosts of a cluster.
    Global,
    /// This host.
    #[default]
    Local,
}

/// The families in which a network needs no gateway of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct GatewaySkips {
    /// In IPv4.
    pub ipv4: bool,
    /// In IPv6.
    pub ipv6: bool,
}

/// What happened to an entry of a table (libnetwork's `driverapi.EventType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum EventType {
    /// It came.
    Create = 1,
    /// It went.
    Delete = 3,
    /// It changed.
    Update = 2,
}

/// What an entry of a table describes (libnetwork's `driverapi.ObjectType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ObjectType {
    /// An endpoint.
    Endpoint = 1,
    /// A network.
    Network = 2,
    /// Something that the driver alone understands.
    Opaque = 3,
}

/// What was discovered (libnetwork's `discoverapi.DiscoveryType`, by the numbers of the seed's era).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum DiscoveryType {
    /// The configuration of a datastore.
    DatastoreConfig = 2,
    /// Keys, with their tags.
    EncryptionKeysConfig = 3,
    /// A change of the keys.
    EncryptionKeysUpdate = 4,
    /// A host of the cluster.
    Node = 1,
}

impl fmt::Display for DiscoveryType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::DatastoreConfig => "datastore configuration",
            Self::EncryptionKeysConfig => "encryption keys",
            Self::EncryptionKeysUpdate => "encryption keys update",
            Self::Node => "node",
        })
    }
}

/// How a static route finds its way (libnetwork's `types.NEXTHOP` and `types.CONNECTED`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum RouteType {
    /// Bound to the interface, with link scope.
    Connected = 1,
    /// By a next hop, which tells the interface.
    NextHop = 0,
}

impl TryFrom<i64> for RouteType {
    type Error = Error;
    fn try_from(number: i64) -> Result<Self> {
        match number {
            0 => Ok(Self::NextHop),
            1 => Ok(Self::Connected),
            other => Err(Error::bad_request(
                "use route type",
                other.to_string(),
                "it is neither 0 (next hop) nor 1 (connected)",
            )),
        }
    }
}

/// A network's addresses as its driver sees them (seed `004`, `IPAMData`), in the plugin protocol's JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct IpamData {
    /// The address space that the pool is from.
    #[serde(default)]
    pub address_space: String,
    /// The subnet.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "prefix")]
    pub pool: Option<IpNet>,
    /// The gateway with the subnet's prefix length.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "prefix")]
    pub gateway: Option<IpNet>,
    /// Addresses that others have, by their names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "prefixes")]
    pub aux_addresses: BTreeMap<String, IpNet>,
}

/// Go's side writes an address that is not there as nothing, as `null` and as an empty string.
fn prefix<'de, D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Option<IpNet>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?.filter(|text| !text.is_empty());
    text.map(|text| text.parse().map_err(|_| not_cidr(&text))).transpose()
}

fn prefixes<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<BTreeMap<String, IpNet>, D::Error> {
    let texts = Option::<BTreeMap<String, String>>::deserialize(deserializer)?.unwrap_or_default();
    texts.into_iter().map(|(name, text)| Ok((name, text.parse().map_err(|_| not_cidr(&text))?))).collect()
}

fn not_cidr<E: serde::de::Error>(text: &str) -> E {
    E::custom(format_args!("{text:?} is no address with a prefix length, such as 10.1.0.0/16"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ipam_data_is_the_plugin_protocols_json() {
        let mut data = IpamData { address_space: "LocalDefault".to_owned(), ..IpamData::default() };
        assert_eq!(serde_json::to_string(&data).unwrap(), r#"{"AddressSpace":"LocalDefault"}"#);
        data.pool = Some("10.1.0.0/16".parse().unwrap());
        data.gateway = Some("10.1.0.1/16".parse().unwrap());
        data.aux_addresses.insert("router".to_owned(), "10.1.0.9/16".parse().unwrap());
        let json = r#"{"AddressSpace":"LocalDefault","Pool":"10.1.0.0/16","Gateway":"10.1.0.1/16","AuxAddresses":{"router":"10.1.0.9/16"}}"#;
        assert_eq!(serde_json::to_string(&data).unwrap(), json);
        assert_eq!(serde_json::from_str::<IpamData>(json).unwrap(), data);
    }

    #[test]
    fn what_is_absent_null_or_empty_is_not_there_and_what_is_wrong_is_named() {
        for json in ["{}", r#"{"AddressSpace":"","Pool":"","Gateway":null,"AuxAddresses":null}"#] {
            assert_eq!(serde_json::from_str::<IpamData>(json).unwrap(), IpamData::default(), "{json}");
        }
        let error = serde_json::from_str::<IpamData>(r#"{"Pool":"10.1.0.0"}"#).unwrap_err().to_string();
        assert!(error.contains("10.1.0.0") && error.contains("prefix length"), "{error}");
    }
}
