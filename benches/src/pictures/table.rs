//! The figures as tables of Markdown.

use std::fmt::Write;

use super::canvas::{time, times};
use crate::machine::Machine;

/// Where a page finds its pictures: replaced when a page is filled.
pub(super) const PICTURES: &str = "{pictures}";

pub(super) struct Table(String);

impl Table {
    /// With these columns: words on the left of the first, and figures on the right of the others.
    pub(super) fn new<const N: usize>(columns: [&str; N]) -> Self {
        let mut table = Self(String::new());
        table.row(columns.map(str::to_owned));
        let _ = writeln!(table.0, "|---|{}", "--:|".repeat(N.saturating_sub(1)));
        table
    }

    pub(super) fn row<const N: usize>(&mut self, cells: [String; N]) {
        let cells = cells.map(|cell| cell.replace('|', "\\|"));
        let _ = writeln!(self.0, "| {} |", cells.join(" | "));
    }

    pub(super) fn text(self) -> String {
        self.0
    }
}

/// The picture of that name.
pub(super) fn image(what: &str, name: &str) -> String {
    format!("![{what}]({PICTURES}/{name}.svg)\n")
}

/// Where and when it was measured, as far as the figures say that.
pub(super) fn measured_on(machine: Option<&Machine>) -> String {
    machine.map_or_else(|| "\n".to_owned(), |machine| format!("\nMeasured on {machine}.\n\n"))
}

/// A time, or a dash.
pub(super) fn time_or_none(us: Option<f64>) -> String {
    us.map_or_else(|| "–".to_owned(), time)
}

/// One over the other, or a dash.
pub(super) fn ratio_or_none(value: Option<f64>, over: Option<f64>) -> String {
    value.zip(over).map_or_else(|| "–".to_owned(), |(value, over)| times(value / over))
}

/// Versions and reasons may have many lines.
pub(super) fn first_line(words: &str) -> &str {
    words.lines().next().unwrap_or_default()
}
