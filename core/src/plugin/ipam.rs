//! What is said to those who give out addresses and by them: `IpamDriver`. Every answer may carry `Error`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::decode::or_default;

/// An answer that says nothing but whether it went wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Reply {
    #[serde(deserialize_with = "or_default")]
    pub(crate) error: String,
}

/// The answer to `GetCapabilities`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Capabilities {
    #[serde(rename = "RequiresMACAddress", deserialize_with = "or_default")]
    pub(crate) requires_mac_address: bool,
    #[serde(deserialize_with = "or_default")]
    pub(crate) requires_request_replay: bool,
    #[serde(deserialize_with = "or_default")]
    pub(crate) error: String,
}

/// The answer to `GetDefaultAddressSpaces`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct AddressSpacesReply {
    #[serde(deserialize_with = "or_default")]
    pub(crate) local_default_address_space: String,
    #[serde(deserialize_with = "or_default")]
    pub(crate) global_default_address_space: String,
    #[serde(deserialize_with = "or_default")]
    pub(crate) error: String,
}

/// `RequestPool`: the pool and the part of it, each empty when that is left to the answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct RequestPool {
    #[serde(deserialize_with = "or_default")]
    pub(crate) address_space: String,
    #[serde(deserialize_with = "or_default")]
    pub(crate) pool: String,
    #[serde(deserialize_with = "or_default")]
    pub(crate) sub_pool: String,
    #[serde(deserialize_with = "or_default")]
    pub(crate) options: BTreeMap<String, String>,
    #[serde(deserialize_with = "or_default")]
    pub(crate) v6: bool,
}

/// The answer to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct PoolReply {
    #[serde(rename = "PoolID", deserialize_with = "or_default")]
    pub(crate) pool_id: String,
    #[serde(deserialize_with = "or_default")]
    pub(crate) pool: String,
    #[serde(deserialize_with = "or_default")]
    pub(crate) data: BTreeMap<String, String>,
    #[serde(deserialize_with = "or_default")]
    pub(crate) error: String,
}

/// `ReleasePool`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct ReleasePool {
    #[serde(rename = "PoolID")]
    pub(crate) pool_id: String,
}

/// `RequestAddress`: an address without a prefix length, or empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct RequestAddress {
    #[serde(rename = "PoolID")]
    pub(crate) pool_id: String,
    #[serde(deserialize_with = "or_default")]
    pub(crate) address: String,
    #[serde(deserialize_with = "or_default")]
    pub(crate) options: BTreeMap<String, String>,
}

/// The answer to it: the address with its prefix length.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct AddressReply {
    #[serde(deserialize_with = "or_default")]
    pub(crate) address: String,
    #[serde(deserialize_with = "or_default")]
    pub(crate) data: BTreeMap<String, String>,
    #[serde(deserialize_with = "or_default")]
    pub(crate) error: String,
}

/// `ReleaseAddress`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct ReleaseAddress {
    #[serde(rename = "PoolID")]
    pub(crate) pool_id: String,
    #[serde(deserialize_with = "or_default")]
    pub(crate) address: String,
}
