//! JSON as Go reads it: keys in whatever case, `null` for what is not there.

use serde::de::{DeserializeOwned, Deserializer};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A message from `body`. Its keys are those of `T`'s default value, which must have them all.
///
/// # Errors
/// What is wrong with it, for people.
pub(crate) fn decode<T: Default + Serialize + DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    message(object(body)?)
}

/// The object that `body` is, an empty one for `null`.
pub(super) fn object(body: &[u8]) -> Result<Map<String, Value>, String> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err("the body is empty".to_owned());
    }
    match serde_json::from_slice(body).map_err(|error| format!("it is no JSON: {error}"))? {
        Value::Object(object) => Ok(object),
        Value::Null => Ok(Map::new()),
        _ => Err("it is no JSON object".to_owned()),
    }
}

/// As [`decode`], of an object that was read before.
pub(super) fn message<T>(object: Map<String, Value>) -> Result<T, String>
where
    T: Default + Serialize + DeserializeOwned,
{
    if object.is_empty() {
        return Ok(T::default());
    }
    let shape = serde_json::to_value(T::default()).map_err(|error| error.to_string())?;
    let Value::Object(known) = shape else { return Err("it is no message".to_owned()) };
    serde_json::from_value(Value::Object(in_shape(object, &known))).map_err(|error| error.to_string())
}

/// The text under a key in whatever case; none when there is no such text, or an empty one.
pub(super) fn text(object: &Map<String, Value>, key: &str) -> Option<String> {
    let mut own = object.iter().filter(|(name, _)| name.eq_ignore_ascii_case(key));
    own.find_map(|(_, value)| value.as_str()).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// `object` with its keys as `known` writes them; of keys that differ in case alone the last one counts.
fn in_shape(object: Map<String, Value>, known: &Map<String, Value>) -> Map<String, Value> {
    let renamed = object.into_iter().map(|(key, value)| {
        let Some((name, shape)) = known.iter().find(|(name, _)| name.eq_ignore_ascii_case(&key)) else {
            return (key, value);
        };
        match (value, shape) {
            (Value::Object(own), Value::Object(known)) => (name.clone(), in_shape(own, known).into()),
            (value, _) => (name.clone(), value),
        }
    });
    renamed.collect()
}

/// What `null` stands for: nothing, an empty list, an empty map.
pub(crate) fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

#[cfg(test)]
mod tests {
    use super::super::network::{Interface, InterfaceReply};
    use super::*;

    #[test]
    fn keys_match_in_whatever_case_and_null_is_nothing() {
        let reply: InterfaceReply =
            decode(br#"{"interface":{"ADDRESS":"10.0.0.2/24","macaddress":null}}"#).unwrap();
        let interface = Interface { address: "10.0.0.2/24".to_owned(), ..Interface::default() };
        assert_eq!(reply, InterfaceReply { interface, err: String::new() });
        assert_eq!(decode::<InterfaceReply>(b"null").unwrap(), InterfaceReply::default());
        assert_eq!(decode::<InterfaceReply>(b"{}").unwrap(), InterfaceReply::default());
    }

    #[test]
    fn what_is_no_message_is_said_to_be_none() {
        assert_eq!(decode::<InterfaceReply>(b" \n").unwrap_err(), "the body is empty");
        assert!(decode::<InterfaceReply>(b"{").unwrap_err().starts_with("it is no JSON"));
        assert!(decode::<InterfaceReply>(b"[]").is_err());
        assert!(decode::<InterfaceReply>(br#"{"Interface":7}"#).is_err());
    }
}
