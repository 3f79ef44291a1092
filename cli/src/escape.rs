//! Text from outside, made fit for a terminal.

/// One line: what would move the cursor, change colours or turn the direction of writing is written as its number.
pub(crate) fn line(text: &str) -> String {
    escaped(text, is_unfit)
}

/// The same of several lines.
pub(crate) fn lines(text: &str) -> String {
    escaped(text, |c| c != '\n' && is_unfit(c))
}

fn escaped(text: &str, unfit: impl Fn(char) -> bool) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match unfit(c) {
            true => safe.extend(c.escape_default()),
            false => safe.push(c),
        }
    }
    safe
}

/// The same of JSON, which writes a character by its number in UTF-16. Outside its strings it has none of these but
/// line feeds.
pub(crate) fn json(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c != '\n' && is_unfit(c) {
            true => c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| safe += &format!("\\u{unit:04x}")),
            false => safe.push(c),
        }
    }
    safe
}

/// Control characters, and those that turn the direction of writing or cannot be seen.
fn is_unfit(c: char) -> bool {
    let is_format = matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{e0000}'..='\u{e007f}');
    c.is_control() || is_format
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_written_as_its_number() {
        assert_eq!(line("a\x1b[31mb\r\nc\u{9b}\u{202e}ü"), "a\\u{1b}[31mb\\r\\nc\\u{9b}\\u{202e}ü");
        assert_eq!(lines("a\n\tb"), "a\n\\tb");
    }

    #[test]
    fn escaped_json_means_what_it_meant() {
        let value = serde_json::json!({ "a\u{7f}": "\u{1b}[0m\u{9b}\u{202e}\u{e0041}ü\n" });
        let text = json(&serde_json::to_string_pretty(&value).unwrap());
        assert!(text.chars().all(|c| c == '\n' || !is_unfit(c)), "{text:?}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    }
}
