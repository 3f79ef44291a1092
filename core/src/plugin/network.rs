//! What is said to drivers of networks and by them: `NetworkDriver`. Every answer may carry `Err`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::decode::or_default;
use crate::driver::{IpamData, Options};

/// An answer that says nothing but whether it went wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Reply {
    #[serde(rename = "Err", deserialize_with = "or_default")]
    pub(crate) err: String,
}

/// The answer to `GetCapabilities`: `local` or `global`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Capabilities {
    #[serde(deserialize_with = "or_default")]
    pub(crate) scope: String,
    #[serde(deserialize_with = "or_default")]
    pub(crate) connectivity_scope: String,
    #[serde(deserialize_with = "or_default")]
    pub(crate) gw_alloc_checker: bool,
    #[serde(deserialize_with = "or_default")]
    pub(crate) err: String,
}

/// `AllocateNetwork`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct AllocateNetwork {
    #[serde(rename = "NetworkID")]
    pub(crate) network_id: String,
    #[serde(deserialize_with = "or_default")]
    pub(crate) options: BTreeMap<String, String>,
    #[serde(rename = "IPv4Data", deserialize_with = "or_default")]
    pub(crate) ipv4_data: Vec<IpamData>,
    #[serde(rename = "IPv6Data", deserialize_with = "or_default")]
    pub(crate) ipv6_data: Vec<IpamData>,
}

/// The answer to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct AllocateNetworkReply {
    #[serde(deserialize_with = "or_default")]
    pub(crate) options: BTreeMap<String, String>,
    #[serde(deserialize_with = "or_default")]
    pub(crate) err: String,
}

/// `CreateNetwork`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct CreateNetwork {
    #[serde(rename = "NetworkID")]
    pub(crate) network_id: String,
    #[serde(deserialize_with = "or_default")]
    pub(crate) options: Options,
    #[serde(rename = "IPv4Data", deserialize_with = "or_default")]
    pub(crate) ipv4_data: Vec<IpamData>,
    #[serde(rename = "IPv6Data", deserialize_with = "or_default")]
    pub(crate) ipv6_data: Vec<IpamData>,
}

/// `DeleteNetwork` and `FreeNetwork`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct NetworkRef {
    #[serde(rename = "NetworkID")]
    pub(crate) network_id: String,
}

/// `DeleteEndpoint`, `EndpointOperInfo`, `Leave` and `RevokeExternalConnectivity`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct EndpointRef {
    #[serde(rename = "NetworkID")]
    pub(crate) network_id: String,
    #[serde(rename = "EndpointID")]
    pub(crate) endpoint_id: String,
}

/// `GwAllocCheck`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct GwAllocCheck {
    #[serde(deserialize_with = "or_default")]
    pub(crate) options: Options,
}

/// The answer to it: the families in which the driver needs no gateway.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct GwAllocCheckReply {
    #[serde(rename = "SkipIPv4", deserialize_with = "or_default")]
    pub(crate) skip_ipv4: bool,
    #[serde(rename = "SkipIPv6", deserialize_with = "or_default")]
    pub(crate) skip_ipv6: bool,
    #[serde(rename = "Err", deserialize_with = "or_default")]
    pub(crate) err: String,
}

/// `CreateEndpoint`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct CreateEndpoint {
    #[serde(rename = "NetworkID")]
    pub(crate) network_id: String,
    #[serde(rename = "EndpointID")]
    pub(crate) endpoint_id: String,
    #[serde(deserialize_with = "or_default")]
    pub(crate) interface: Interface,
    #[serde(deserialize_with = "or_default")]
    pub(crate) options: Options,
}

/// What an endpoint has, or in an answer gets: prefixes and a hardware address, each empty when there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Interface {
    #[serde(deserialize_with = "or_default")]
    pub(crate) address: String,
    #[serde(rename = "AddressIPv6", deserialize_with = "or_default")]
    pub(crate) address_ipv6: String,
    #[serde(deserialize_with = "or_default")]
    pub(crate) mac_address: String,
}

/// The answer to `CreateEndpoint`: what had not been given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct InterfaceReply {
    #[serde(deserialize_with = "or_default")]
    pub(crate) interface: Interface,
    #[serde(deserialize_with = "or_default")]
    pub(crate) err: String,
}

/// The answer to `EndpointOperInfo`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct OperInfoReply {
    #[serde(deserialize_with = "or_default")]
    pub(crate) value: Options,
    #[serde(deserialize_with = "or_default")]
    pub(crate) err: String,
}

/// `Join`; without the sandbox also `ProgramExternalConnectivity`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Join {
    #[serde(rename = "NetworkID")]
    pub(crate) network_id: String,
    #[serde(rename = "EndpointID")]
    pub(crate) endpoint_id: String,
    #[serde(deserialize_with = "or_default")]
    pub(crate) sandbox_key: String,
    #[serde(deserialize_with = "or_default")]
    pub(crate) options: Options,
}

/// The answer to `Join`. The device of that name goes to the sandbox.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct JoinReply {
    #[serde(deserialize_with = "or_default")]
    pub(crate) interface_name: InterfaceName,
    #[serde(deserialize_with = "or_default")]
    pub(crate) gateway: String,
    #[serde(rename = "GatewayIPv6", deserialize_with = "or_default")]
    pub(crate) gateway_ipv6: String,
    #[serde(deserialize_with = "or_default")]
    pub(crate) static_routes: Vec<StaticRoute>,
    #[serde(deserialize_with = "or_default")]
    pub(crate) disable_gateway_service: bool,
    #[serde(deserialize_with = "or_default")]
    pub(crate) err: String,
}

/// What a device is called in the host, and what in the sandbox: that, or a number after the prefix.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct InterfaceName {
    #[serde(deserialize_with = "or_default")]
    pub(crate) src_name: String,
    #[serde(deserialize_with = "or_default")]
    pub(crate) dst_name: String,
    #[serde(deserialize_with = "or_default")]
    pub(crate) dst_prefix: String,
}

/// A route; its type is 0 with a next hop and 1 when it is bound to the interface.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct StaticRoute {
    #[serde(deserialize_with = "or_default")]
    pub(crate) destination: String,
    #[serde(deserialize_with = "or_default")]
    pub(crate) route_type: i64,
    #[serde(deserialize_with = "or_default")]
    pub(crate) next_hop: String,
}

/// `DiscoverNew` and `DiscoverDelete`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Discovery {
    #[serde(deserialize_with = "or_default")]
    pub(crate) discovery_type: i64,
    #[serde(deserialize_with = "or_default")]
    pub(crate) discovery_data: Value,
}
