//! What a bridge network and its endpoints can be told.

use serde::{Deserialize, Serialize};

use crate::driver::options::{flag, number, optional_flag};
use crate::link::{BridgePort, InterfaceName, MacAddr, Mtu};

/// Options of the network; Docker's keys are aliases.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct BridgeOptions {
    #[serde(alias = "com.docker.network.bridge.name")]
    pub(crate) bridge: Option<InterfaceName>,
    #[serde(alias = "com.docker.network.driver.mtu", deserialize_with = "number")]
    pub(crate) mtu: Option<Mtu>,
    pub(crate) mac: Option<MacAddr>,
    #[serde(deserialize_with = "flag")]
    pub(crate) hairpin: bool,
    #[serde(deserialize_with = "flag")]
    pub(crate) isolated: bool,
    /// The opposite of `isolated`, as Docker says it.
    #[serde(alias = "com.docker.network.bridge.enable_icc", deserialize_with = "optional_flag")]
    pub(crate) icc: Option<bool>,
    #[serde(deserialize_with = "flag")]
    pub(crate) multicast_snooping: bool,
    #[serde(deserialize_with = "number")]
    pub(crate) tx_queue_len: Option<u32>,
    #[serde(alias = "com.docker.network.container_iface_prefix")]
    pub(crate) prefix: Option<InterfaceName>,
}

impl BridgeOptions {
    pub(crate) fn isolates(&self) -> bool {
        self.isolated || self.icc == Some(false)
    }

    pub(crate) fn port(&self, endpoint: PortOptions) -> BridgePort {
        BridgePort {
            hairpin: endpoint.hairpin.unwrap_or(self.hairpin),
            isolated: endpoint.isolated.unwrap_or(self.isolates()),
        }
    }
}

/// Options of an endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct PortOptions {
    #[serde(deserialize_with = "optional_flag")]
    pub(crate) hairpin: Option<bool>,
    #[serde(deserialize_with = "optional_flag")]
    pub(crate) isolated: Option<bool>,
}
