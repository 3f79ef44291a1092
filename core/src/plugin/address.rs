//! Where a plugin is, as a socket or a spec file says it.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use ureq::http::uri::Authority;

use super::decode::{decode, message, or_default};
use crate::error::{Error, Result};
use crate::name::Name;

/// A plugin, and where it is.
#[derive(Clone, Debug)]
pub(crate) struct Spec {
    pub(crate) name: Name,
    pub(crate) address: Address,
    /// The socket, or the file that says so.
    pub(crate) path: PathBuf,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    Unix(PathBuf),
    /// `HOST:PORT`, by HTTPS where there is something to do so with.
    Tcp {
        authority: String,
        tls: Option<TlsConfig>,
    },
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            Self::Tcp { authority, tls: None } => write!(f, "http://{authority}"),
            Self::Tcp { authority, tls: Some(_) } => write!(f, "https://{authority}"),
        }
    }
}

/// `TLSConfig` of a spec file: files in PEM, each empty when there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct TlsConfig {
    #[serde(deserialize_with = "or_default")]
    pub(crate) insecure_skip_verify: bool,
    #[serde(rename = "CAFile", deserialize_with = "or_default")]
    pub(crate) ca_file: String,
    #[serde(deserialize_with = "or_default")]
    pub(crate) cert_file: String,
    #[serde(deserialize_with = "or_default")]
    pub(crate) key_file: String,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct JsonSpec {
    #[serde(rename = "Addr", deserialize_with = "or_default")]
    addr: String,
    #[serde(rename = "TLSConfig")]
    tls: Value,
}

/// What a `.spec` file says: one URL.
pub(super) fn of_spec(text: &[u8]) -> Result<Address> {
    parse(utf8(text)?.trim(), None)
}

/// What a `.json` file says.
pub(super) fn of_json(text: &[u8]) -> Result<Address> {
    let refuse = |cause: String| Error::bad_request("use", "what it says", cause);
    let spec: JsonSpec = decode(text).map_err(refuse)?;
    if spec.addr.trim().is_empty() {
        return Err(refuse("it has no Addr".to_owned()));
    }
    let tls = match spec.tls {
        Value::Null => None,
        Value::Object(tls) => Some(message(tls).map_err(|cause| refuse(format!("TLSConfig: {cause}")))?),
        _ => return Err(refuse("TLSConfig: it is no JSON object".to_owned())),
    };
    parse(spec.addr.trim(), tls)
}

fn utf8(text: &[u8]) -> Result<&str> {
    std::str::from_utf8(text).map_err(|_| Error::bad_request("use", "what it says", "it is not UTF-8"))
}

fn parse(url: &str, tls: Option<TlsConfig>) -> Result<Address> {
    let refuse = |cause: String| Err(Error::bad_request("use address", shown(url), cause));
    if url.is_empty() {
        return refuse("it is empty".to_owned());
    }
    let Some((scheme, rest)) = url.split_once(':') else {
        return refuse("it has no scheme: write unix:///PATH, or tcp://HOST:PORT".to_owned());
    };
    if scheme.contains('/') {
        return refuse("it has no scheme: write unix:///PATH, or tcp://HOST:PORT".to_owned());
    }
    let tls = match scheme {
        "unix" => return unix(rest.strip_prefix("//").unwrap_or(rest), url),
        "https" => Some(tls.unwrap_or_default()),
        "http" | "tcp" => tls,
        other => {
            return refuse(format!("the scheme {other:?} is not known: there are unix, tcp, http and https"))
        }
    };
    let authority = rest.strip_prefix("//").unwrap_or(rest).trim_end_matches('/');
    if authority.contains('@') {
        return refuse("plugins are not told of a user".to_owned());
    }
    match authority.parse::<Authority>() {
        Ok(parsed) if parsed.port_u16().is_some_and(|port| port != 0) || parsed.port().is_none() => {
            Ok(Address::Tcp { authority: authority.to_owned(), tls })
        }
        _ => refuse("what follows the scheme is not HOST:PORT".to_owned()),
    }
}

fn unix(path: &str, url: &str) -> Result<Address> {
    if !Path::new(path).is_absolute() || path.contains('\0') {
        return Err(Error::bad_request("use address", shown(url), "its path is not absolute"));
    }
    Ok(Address::Unix(path.into()))
}

/// The URL without what may be a password.
fn shown(url: &str) -> String {
    match url.rsplit_once('@') {
        Some((_, rest)) => format!("{:?}", format!("…@{rest}")),
        None => format!("{url:?}"),
    }
}
