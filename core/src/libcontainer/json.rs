//! JSON as Go's `encoding/json` writes and reads it, so that runtimes written in Go read what is written here
//! and the other way round.

use std::fmt;
use std::io;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::ser::{CompactFormatter, Formatter};

use crate::error::{cut, Error, Result};

/// The longest document that is read, in bytes.
const MAX_BYTES: usize = 4 << 20;
/// How many arrays and objects may lie within each other.
const MAX_DEPTH: usize = 128;

/// How many objects a list may have: one of two bytes takes a hundred times as much when it is read.
const MAX_OBJECTS: usize = 1024;

/// What `json.Marshal` gives for the same fields.
///
/// # Errors
/// BadRequest when `value` cannot be had in JSON.
pub(super) fn to_json(what: &str, value: &impl Serialize) -> Result<String> {
    let mut out = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut out, GoFormatter);
    let failed = |cause: String| Error::bad_request("write JSON", what, cause);
    value.serialize(&mut serializer).map_err(|error| failed(error.to_string()))?;
    String::from_utf8(out).map_err(|error| failed(error.to_string()))
}

/// Reads what `json.Unmarshal` would: unknown fields are passed over, `null` leaves a field as it is by default.
///
/// # Errors
/// BadRequest, with line and column, for what is no JSON or does not fit, and for a list of more than 1024
/// objects; for more than 4 MiB, and for more than 128 arrays and objects within each other.
pub(super) fn from_json<T: DeserializeOwned>(what: &str, json: &str) -> Result<T> {
    let refuse = |cause: String| Error::bad_request("read JSON", what, without_middle(&cause));
    if json.len() > MAX_BYTES {
        return Err(refuse(format!("it is {} bytes long, more than {MAX_BYTES}", json.len())));
    }
    if is_deeper_than(MAX_DEPTH, json) {
        return Err(refuse(format!("more than {MAX_DEPTH} arrays and objects lie within each other")));
    }
    let Object(value) = serde_json::from_str(json).map_err(|error| refuse(error.to_string()))?;
    Ok(value)
}

/// A cause whose value may be as long as the document: line and column are at its end.
fn without_middle(cause: &str) -> String {
    const KEPT: usize = 200;
    if cause.len() <= 2 * KEPT {
        return cause.to_owned();
    }
    let last =
        (cause.len() - KEPT..cause.len()).find(|at| cause.is_char_boundary(*at)).unwrap_or(cause.len());
    format!("{} …{}", cut(cause.to_owned(), KEPT), &cause[last..])
}

/// What serde passes over it does not count.
fn is_deeper_than(limit: usize, json: &str) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > limit {
            return true;
        }
    }
    false
}

/// For `deserialize_with`: `null` is as good as nothing.
pub(super) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// For `deserialize_with`: a list of objects, 1024 at most; `null` is one without elements.
pub(super) fn objects<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let List(list) = Option::deserialize(deserializer)?.unwrap_or_else(|| List(Vec::new()));
    Ok(list)
}

/// A list of structs.
struct List<T>(Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ListVisitor(PhantomData))
    }
}

struct ListVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ListVisitor<T> {
    type Value = List<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<List<T>, A::Error> {
        let mut list = Vec::new();
        while let Some(Object(value)) = seq.next_element()? {
            if list.len() == MAX_OBJECTS {
                return Err(A::Error::custom(format_args!("a list has more than {MAX_OBJECTS} objects")));
            }
            list.push(value);
        }
        Ok(List(list))
    }
}

/// A struct, which serde would take from an array, too.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = Object<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Object)
    }
}

/// For `serialize_with`: a list without elements is a nil slice, which is `null`.
pub(super) fn nil_when_empty<S, T>(list: &[T], serializer: S) -> Result<S::Ok, S::Error>
where
    S: Serializer,
    T: Serialize,
{
    match list {
        [] => serializer.serialize_none(),
        list => list.serialize(serializer),
    }
}

/// For `skip_serializing_if`.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
pub(super) fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// Compact, with `<`, `>`, `&` and the two line separators that JavaScript knows as escapes.
struct GoFormatter;

impl Formatter for GoFormatter {
    fn write_string_fragment<W: io::Write + ?Sized>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let is_special = |c: char| matches!(c, '<' | '>' | '&' | '\u{2028}' | '\u{2029}');
        for part in fragment.split_inclusive(is_special) {
            let special = part.chars().next_back().filter(|last| is_special(*last));
            let plain = &part[..part.len() - special.map_or(0, char::len_utf8)];
            CompactFormatter.write_string_fragment(writer, plain)?;
            if let Some(special) = special {
                write!(writer, "\\u{:04x}", u32::from(special))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    #[test]
    fn strings_are_escaped_as_go_does() {
        let text = "a<b>&\u{2028}\u{2029}\"\\\n\r\t\u{8}\u{c}\u{1}\u{7f}é<";
        let expected =
            concat!(r#""a\u003cb\u003e\u0026\u2028\u2029\"\\\n\r\t\b\f\u0001"#, "\u{7f}é", r#"\u003c""#);
        assert_eq!(to_json("text", &text).unwrap(), expected);
    }

    #[test]
    fn brackets_in_strings_are_no_nesting() {
        assert!(!is_deeper_than(1, r#"["[[[[", "\"[[["]"#));
        assert!(is_deeper_than(1, r#"["\\", [1]]"#));
    }

    #[test]
    fn too_much_is_refused_before_it_is_read() {
        let deep = "[".repeat(1 << 20);
        let long = format!("\"{}\"", "x".repeat(MAX_BYTES));
        for (json, cause) in [(&deep, "128 arrays"), (&long, "4194304")] {
            let error = from_json::<serde_json::Value>("document", json).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::BadRequest);
            assert!(error.to_string().contains(cause), "{error}");
        }
    }
}
