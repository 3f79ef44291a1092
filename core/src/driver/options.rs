//! Options as drivers get them: a map from keys to values that each driver parses for itself.

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::error::{Error, Result};

/// Options of a network or an endpoint (seed `004`, `options map[string]interface{}`).
pub type Options = serde_json::Map<String, Value>;

/// Under this key libnetwork hands a driver's own options over, as a map (`netlabel.GenericData`).
pub const DOCKER_GENERIC: &str = "com.docker.network.generic";
/// Whether the network has no way out (`netlabel.Internal`).
pub const DOCKER_INTERNAL: &str = "com.docker.network.internal";

/// Keys that say to libnetwork, and to every driver alike, what they need not act on here.
pub(super) const FOR_ALL: [&str; 7] = [
    DOCKER_INTERNAL,
    "com.docker.network.bridge.default_bridge",
    "com.docker.network.enable_ipv4",
    "com.docker.network.enable_ipv6",
    "com.docker.network.endpoint.exposedports",
    "com.docker.network.endpoint.macaddress",
    "com.docker.network.portmap",
];

/// The options as a `T` that refuses what it does not know; the refusal lists what it does.
///
/// Those under [`DOCKER_GENERIC`] count as if they were not under it.
pub(crate) fn parse<T: DeserializeOwned>(network_type: &str, options: &Options) -> Result<T> {
    let mut flat = Options::new();
    for (key, value) in options {
        match value {
            Value::Object(generic) if key == DOCKER_GENERIC => flat.extend(generic.clone()),
            Value::Null if key == DOCKER_GENERIC => {}
            _ if FOR_ALL.contains(&key.as_str()) => {}
            _ => {
                flat.insert(key.clone(), value.clone());
            }
        }
    }
    T::deserialize(Value::Object(flat)).map_err(|error| {
        Error::bad_request("use options", format!("of a {network_type} network"), error.to_string())
    })
}

/// For what takes no options.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoOptions {}

/// Whether the options say that the network has no way out.
pub(crate) fn is_internal(options: &Options) -> bool {
    match options.get(DOCKER_INTERNAL) {
        Some(Value::Bool(internal)) => *internal,
        Some(Value::String(text)) => text == "true",
        _ => false,
    }
}

/// The link of the host's that the options name as the network's parent.
pub(crate) fn parent(options: &Options) -> Option<String> {
    let generic = options.get(DOCKER_GENERIC).and_then(Value::as_object);
    let of = |options: &Options| Some(options.get("parent")?.as_str()?.to_owned());
    of(options).or_else(|| generic.and_then(of))
}

/// A switch, also in Docker's way as a string.
pub(crate) fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<bool, D::Error> {
    optional_flag(deserializer).map(|flag| flag.unwrap_or(false))
}

/// A switch that may be absent.
pub(crate) fn optional_flag<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<Option<bool>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(None),
        Value::Bool(flag) => Ok(Some(flag)),
        Value::String(text) => match text.to_ascii_lowercase().as_str() {
            "true" | "t" | "1" => Ok(Some(true)),
            "false" | "f" | "0" => Ok(Some(false)),
            _ => Err(D::Error::custom(format_args!("{text:?} is neither true nor false"))),
        },
        other => Err(D::Error::custom(format_args!("{other} is neither true nor false"))),
    }
}

/// A number that may be absent, also in Docker's way as a string; 0 is as good as absent.
pub(crate) fn number<'de, D: Deserializer<'de>, T: TryFrom<u32>>(
    deserializer: D,
) -> std::result::Result<Option<T>, D::Error>
where
    T::Error: std::fmt::Display,
{
    let value = Value::deserialize(deserializer)?;
    let wrong = || D::Error::custom(format_args!("{value} is no whole number of 0 to {}", u32::MAX));
    let number = match &value {
        Value::Null => return Ok(None),
        Value::Number(number) => number.as_u64().and_then(|number| u32::try_from(number).ok()),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    match number.ok_or_else(wrong)? {
        0 => Ok(None),
        number => T::try_from(number).map(Some).map_err(D::Error::custom),
    }
}
