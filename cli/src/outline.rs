//! Values as people read them: a line for each field, those of objects indented.

use std::fmt::Write;

use netns::Result;
use serde::Serialize;
use serde_json::Value;

use crate::escape::line;
use crate::output::unwritten;

/// Fields that come before the others.
const FIRST: [&str; 4] = ["name", "network", "type", "address"];

/// All of `value` that is not empty.
pub(crate) fn outline(value: &impl Serialize) -> Result<String> {
    let value = serde_json::to_value(value).map_err(|error| unwritten(&error))?;
    let mut text = String::new();
    write_fields(&mut text, &value, 0);
    Ok(text)
}

fn write_fields(text: &mut String, value: &Value, depth: usize) {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().filter(|(_, value)| !is_empty(value)).collect();
            fields.sort_by_key(|(key, _)| FIRST.iter().position(|first| first == key).unwrap_or(FIRST.len()));
            for (key, value) in fields {
                write_field(text, &format!("{}:", line(key)), value, depth);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| write_item(text, item, depth)),
        value => drop(writeln!(text, "{:depth$}{}", "", plain(value))),
    }
}

fn write_field(text: &mut String, key: &str, value: &Value, depth: usize) {
    match value {
        Value::Array(items) if items.iter().all(is_plain) => {
            let items: Vec<_> = items.iter().map(plain).collect();
            let _ = writeln!(text, "{:depth$}{key} {}", "", items.join(", "));
        }
        value if is_plain(value) => drop(writeln!(text, "{:depth$}{key} {}", "", plain(value))),
        value => {
            let _ = writeln!(text, "{:depth$}{key}", "");
            write_fields(text, value, depth + 2);
        }
    }
}

/// An item begins with a dash in the place of its first field's indentation.
fn write_item(text: &mut String, item: &Value, depth: usize) {
    let begin = text.len();
    write_fields(text, item, depth + 2);
    if text.len() > begin {
        text.replace_range(begin + depth..=begin + depth, "-");
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => line(text),
        Value::Bool(on) => if *on { "yes" } else { "no" }.to_owned(),
        value => value.to_string(),
    }
}

fn is_plain(value: &Value) -> bool {
    !value.is_array() && !value.is_object()
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_are_lines_and_items_have_dashes() {
        let value = json!({
            "name": "a\x1bb", "none": null, "on": true, "list": [1, "two"], "empty": {},
            "objects": [{ "a": 1, "b": { "c": 2 } }, { "a": 3 }],
        });
        let text =
            "name: a\\u{1b}b\nlist: 1, two\nobjects:\n  - a: 1\n    b:\n      c: 2\n  - a: 3\non: yes\n";
        assert_eq!(outline(&value).unwrap(), text);
    }
}
