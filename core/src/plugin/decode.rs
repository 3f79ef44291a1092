//! JSON as Go reads it: keys in whatever case, `null` for what is not there.

use serde::de::{DeserializeOwned, Deserializer};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A message from `body`. Its keys are those of `T`'s default value, which must have them all.
///
/// # Errors
/// What is wrong with it, for people.
pub(crate) fn decode<T: Default + Serialize + DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err("the body is empty".to_owned());
    }
    let value: Value = serde_json::from_slice(body).map_err(|error| format!("it is no JSON: {error}"))?;
    if value.is_null() {
        return Ok(T::default());
    }
    if !value.is_object() {
        return Err("it is no JSON object".to_owned());
    }
    let shape = serde_json::to_value(T::default()).map_err(|error| error.to_string())?;
    serde_json::from_value(in_shape(value, &shape)).map_err(|error| error.to_string())
}

/// `value` with its keys as `shape` writes them; of keys that differ in case alone the last one counts.
fn in_shape(value: Value, shape: &Value) -> Value {
    let Value::Object(known) = shape else { return value };
    let own = match value {
        Value::Object(own) => own,
        other => return other,
    };
    let mut renamed = Map::new();
    for (key, value) in own {
        match known.iter().find(|(name, _)| name.eq_ignore_ascii_case(&key)) {
            Some((name, shape)) => renamed.insert(name.clone(), in_shape(value, shape)),
            None => renamed.insert(key, value),
        };
    }
    Value::Object(renamed)
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
