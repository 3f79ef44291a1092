//! Docker's plugin protocol: what both of its sides say, and how plugins are found and called.
//!
//! Requests are `POST /TYPE.METHOD` with JSON, answered with JSON. A type is what a plugin implements:
//! `NetworkDriver` (seed `004`, `NetworkPluginEndpointType`) or `IpamDriver`.

mod address;
pub(crate) mod client;
pub(crate) mod decode;
pub(crate) mod find;
pub(crate) mod ipam;
pub(crate) mod network;
mod place;
mod tls;
mod transport;

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::name::Name;

/// Where plugins are looked for that drive networks or give out addresses, and how long they are waited for.
///
/// A plugin `NAME` is the first of: a socket `NAME.sock` or `NAME/NAME.sock` in the socket directories; in each spec
/// directory `NAME.spec`, `NAME/NAME.spec`, `NAME.json` and `NAME/NAME.json`. A `.spec` file is one URL, `unix:///PATH`,
/// `tcp://HOST:PORT`, `http://HOST:PORT` or `https://HOST:PORT`; a `.json` file is
/// `{"Addr": URL, "TLSConfig": {"InsecureSkipVerify": false, "CAFile": PATH, "CertFile": PATH, "KeyFile": PATH}}`, with
/// absolute paths of files in PEM. Without a `CAFile` the host's authorities count; `SSL_CERT_FILE` and `SSL_CERT_DIR`
/// of the process's environment say where those are.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PluginOptions {
    /// Whether plugins are looked for at all. On by default.
    pub enabled: bool,
    /// The directories of sockets; `/run/docker/plugins` by default.
    pub socket_dirs: Vec<PathBuf>,
    /// The directories of spec files; `/etc/docker/plugins` and `/usr/lib/docker/plugins` by default.
    pub spec_dirs: Vec<PathBuf>,
    /// How long a plugin may take for a request, all attempts together; 30 seconds by default, a day at most.
    pub timeout: Duration,
}

impl PluginOptions {
    /// Where sockets are by default.
    pub const SOCKET_DIR: &str = "/run/docker/plugins";
    /// Where spec files are by default, in this order.
    pub const SPEC_DIRS: [&str; 2] = ["/etc/docker/plugins", "/usr/lib/docker/plugins"];
    /// How long a request may take by default.
    pub const TIMEOUT: Duration = Duration::from_secs(30);
}

impl Default for PluginOptions {
    fn default() -> Self {
        Self {
            enabled: true,
            socket_dirs: vec![Self::SOCKET_DIR.into()],
            spec_dirs: Self::SPEC_DIRS.map(PathBuf::from).to_vec(),
            timeout: Self::TIMEOUT,
        }
    }
}

/// A plugin that is there; whether it answers is not known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FoundPlugin {
    /// What it is called: the type of network that it drives, or the address management that it is.
    pub name: Name,
    /// Its socket or spec file.
    pub path: PathBuf,
    /// Where it is, as a URL; none when its spec file cannot be used.
    pub address: Option<String>,
    /// What is wrong with its spec file.
    pub error: Option<String>,
}

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
