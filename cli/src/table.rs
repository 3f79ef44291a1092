//! Tables for people.

use std::fmt::Write;

use crate::escape::line;

const GAP: &str = "   ";
const BOLD: &str = "\x1b[1m";
const PLAIN: &str = "\x1b[0m";

/// Rows under a heading; columns whose heading begins with `>` are aligned to the right.
#[derive(Debug)]
pub(crate) struct Table {
    heading: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(heading: &[&'static str]) -> Self {
        Self { heading: heading.to_vec(), rows: Vec::new() }
    }

    /// Adds a row. What is in it may come from anybody; what is empty is shown as `-`.
    pub(crate) fn add(&mut self, row: impl IntoIterator<Item = String>) {
        let cell = |text: String| if text.is_empty() { "-".to_owned() } else { line(&text) };
        self.rows.push(row.into_iter().map(cell).collect());
    }

    /// Leaves out the rows beyond the first `most`.
    pub(crate) fn cut(&mut self, most: usize) {
        self.rows.truncate(most);
    }

    pub(crate) fn render(&self, coloured: bool) -> String {
        let titles: Vec<_> =
            self.heading.iter().map(|title| title.trim_start_matches('>').to_owned()).collect();
        let mut widths: Vec<_> = titles.iter().map(|title| title.chars().count()).collect();
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = cell.chars().count().max(*width);
            }
        }
        let (on, off) = if coloured { (BOLD, PLAIN) } else { ("", "") };
        let mut text = format!("{on}{}{off}\n", self.line(&titles, &widths));
        for row in &self.rows {
            text += &self.line(row, &widths);
            text.push('\n');
        }
        text
    }

    fn line(&self, row: &[String], widths: &[usize]) -> String {
        let mut text = String::new();
        for ((cell, width), title) in row.iter().zip(widths).zip(&self.heading) {
            let gap = if text.is_empty() { "" } else { GAP };
            let _ = match title.starts_with('>') {
                true => write!(text, "{gap}{cell:>width$}"),
                false => write!(text, "{gap}{cell:<width$}"),
            };
        }
        text.truncate(text.trim_end().len());
        text
    }
}

/// Everything with commas between.
pub(crate) fn list(items: impl IntoIterator<Item = impl ToString>) -> String {
    items.into_iter().map(|item| item.to_string()).collect::<Vec<_>>().join(", ")
}
