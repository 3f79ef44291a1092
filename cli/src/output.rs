//! Where results go: standard output, as text for people or as JSON.

use std::io::{self, IsTerminal, Write};

use netns::{Error, ErrorKind};
use serde::Serialize;

use crate::escape;
use crate::failure::Outcome;
use crate::table::Table;

/// How results are printed.
#[derive(Debug)]
pub(crate) struct Output {
    /// As JSON instead of text.
    pub(crate) json: bool,
    /// In colours.
    pub(crate) coloured: bool,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let is_dumb = std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
        Self { json, coloured: io::stdout().is_terminal() && !is_dumb && !is_set("NO_COLOR") }
    }

    /// Prints a result: `value` as JSON, or else the text, which is made only then.
    pub(crate) fn put(&self, value: &impl Serialize, text: impl FnOnce() -> String) -> Outcome {
        match self.json {
            true => self.raw(
                &(escape::json(&serde_json::to_string_pretty(value).map_err(|error| unwritten(&error))?)
                    + "\n"),
            ),
            false => self.text(&text()),
        }
    }

    /// Prints a result that is a table for people.
    pub(crate) fn table(&self, value: &impl Serialize, table: impl FnOnce() -> Table) -> Outcome {
        self.put(value, || table().render(self.coloured))
    }

    /// Prints that there is nothing to say: nothing, or `null`.
    pub(crate) fn nothing(&self) -> Outcome {
        self.put(&(), String::new)
    }

    /// Prints one line of JSON, of those that follow one another.
    pub(crate) fn json_line(&self, value: &impl Serialize) -> Outcome {
        self.raw(&(escape::json(&serde_json::to_string(value).map_err(|error| unwritten(&error))?) + "\n"))
    }

    fn text(&self, text: &str) -> Outcome {
        match text.is_empty() || text.ends_with('\n') {
            true => self.raw(text),
            false => self.raw(&format!("{text}\n")),
        }
    }

    /// Prints what is fit for a terminal already, at once.
    pub(crate) fn raw(&self, text: &str) -> Outcome {
        let mut stdout = io::stdout().lock();
        stdout.write_all(text.as_bytes())?;
        Ok(stdout.flush()?)
    }
}

/// A value that is no JSON.
pub(crate) fn unwritten(error: &serde_json::Error) -> Error {
    Error::new(ErrorKind::System, "write", "JSON").with_cause(error.to_string())
}
