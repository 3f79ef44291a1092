//! Docker's plugin protocol: what both of its sides say.
//!
//! Requests are `POST /TYPE.METHOD` with JSON, answered with JSON. A type is what a plugin implements:
//! `NetworkDriver` (seed `004`, `NetworkPluginEndpointType`) or `IpamDriver`.

pub(crate) mod decode;
pub(crate) mod ipam;
pub(crate) mod network;

use serde::{Deserialize, Serialize};

/// What plugins say that give out addresses.
pub(crate) const IPAM_PLUGIN_ENDPOINT_TYPE: &str = "IpamDriver";
/// The version of the protocol, as both sides name it in `Accept` and `Content-Type`.
pub(crate) const MIME: &str = "application/vnd.docker.plugins.v1.2+json";
/// The longest body that either side takes, in bytes.
pub(crate) const MAX_BODY: usize = 1 << 20;
/// The request by which a plugin is asked what it implements.
pub(crate) const ACTIVATE: &str = "Plugin.Activate";

/// The answer to [`ACTIVATE`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Activated {
    #[serde(deserialize_with = "decode::or_default")]
    pub(crate) implements: Vec<String>,
}
