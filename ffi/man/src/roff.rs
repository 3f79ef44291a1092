//! The language of man pages (man(7)).

use std::fmt::Write;

/// A page as it grows.
pub(crate) struct Roff(String);

/// What a line of the source has at most; mandoc(1) finds longer ones bad style.
const WIDTH: usize = 80;

impl Roff {
    /// Begins a page. The date is `2000-12-31`.
    pub(crate) fn new(name: &str, date: &str) -> Self {
        let (name, version) = (name.to_uppercase(), env!("CARGO_PKG_VERSION"));
        Self(format!(".TH {name} 3 {date} \"libnetns {version}\" \"libnetns\"\n"))
    }

    pub(crate) fn section(&mut self, title: &str) {
        let _ = writeln!(self.0, ".SH {title}");
    }

    pub(crate) fn subsection(&mut self, title: &str) {
        let _ = writeln!(self.0, ".SS {}", code(title));
    }

    /// Words of a comment, a sentence a line.
    pub(crate) fn text(&mut self, text: &str) {
        let _ = writeln!(self.0, "{}", prose(text));
    }

    pub(crate) fn paragraph(&mut self, text: &str) {
        self.gap();
        self.text(text);
    }

    fn gap(&mut self) {
        // The first of a section needs none.
        let last = self.0.lines().next_back().unwrap_or_default();
        if !last.starts_with(".SH") && !last.starts_with(".SS") {
            self.0.push_str(".PP\n");
        }
    }

    /// A word, and what it is.
    pub(crate) fn term(&mut self, term: &str, text: &str) {
        let _ = writeln!(self.0, ".TP\n\\fB{}\\fP", code(term));
        self.text(text);
    }

    /// More of what the last term is.
    pub(crate) fn again(&mut self, text: &str) {
        self.0.push_str(".br\n");
        self.text(text);
    }

    /// Lines of C as they are.
    pub(crate) fn code<'a>(&mut self, lines: impl IntoIterator<Item = &'a str>) {
        self.gap();
        self.0.push_str(".nf\n");
        for line in lines {
            let _ = writeln!(self.0, "\\fB{}\\fP", code(line));
        }
        self.0.push_str(".fi\n");
    }

    pub(crate) fn end(self) -> String {
        self.0
    }
}

/// Text in which nothing is taken for a request, and a minus stays one.
fn code(text: &str) -> String {
    text.replace('\\', "\\e").replace('-', "\\-").replace('\'', "\\(aq").replace('`', "\\(ga")
}

/// A comment's text: names of the header and what is between backticks stand out.
fn prose(text: &str) -> String {
    let mut out = String::new();
    for (at, part) in text.split('`').enumerate() {
        if at % 2 == 1 {
            let _ = write!(out, "\\fI{}\\fP", code(part));
        } else {
            words(&mut out, part);
        }
    }
    // Each sentence begins a line, which man(1) then spaces as sentences are.
    let mut wrapped = Vec::new();
    for sentence in out.replace(". ", ".\n").lines() {
        let mut line = String::new();
        for word in sentence.split(' ') {
            if !line.is_empty() && line.len() + word.len() >= WIDTH {
                wrapped.push(std::mem::take(&mut line));
            }
            line += if line.is_empty() { "" } else { " " };
            line += word;
        }
        wrapped.push(line);
    }
    let guarded = wrapped.into_iter().map(|line| match line.chars().next() {
        Some('.' | '\'') => format!("\\&{line}"),
        _ => line,
    });
    guarded.collect::<Vec<_>>().join("\n")
}

fn words(out: &mut String, text: &str) {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut rest = text;
    while let Some(start) = rest.find(is_name) {
        let (between, from) = rest.split_at(start);
        let (word, after) = from.split_at(from.find(|c| !is_name(c)).unwrap_or(from.len()));
        out.push_str(&code(between));
        if word.starts_with("netns_") {
            let _ = write!(out, "\\fB{word}\\fP");
        } else {
            out.push_str(word);
        }
        rest = after;
    }
    out.push_str(&code(rest));
}
