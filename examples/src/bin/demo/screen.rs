//! What the demo looks like: headings, tables, and colour where it is wanted.

use std::io::{self, IsTerminal, Stdout, Write};

/// Columns that a line takes at most.
const WIDTH: usize = 98;
const INDENT: &str = "  ";
const GAP: &str = "   ";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    Bad,
    Bar,
    Dim,
    Good,
    Heading,
    Plain,
    Strong,
}

impl Style {
    fn code(self) -> &'static str {
        match self {
            Self::Bad => "1;31",
            Self::Bar => "36",
            Self::Dim => "2",
            Self::Good => "32",
            Self::Heading => "1;36",
            Self::Plain => "",
            Self::Strong => "1",
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Align {
    Left,
    Right,
}

/// A text in one style.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    pub(crate) fn new(style: Style, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { text, style }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::new(Style::Plain, text)
    }
}

pub(crate) struct Screen {
    out: Stdout,
    colour: bool,
}

impl Screen {
    /// Standard output, in colour on a terminal unless `NO_COLOR` is set.
    pub(crate) fn new() -> Self {
        let out = io::stdout();
        let colour = out.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self { out, colour }
    }

    fn styled(&self, style: Style, text: &str) -> String {
        if self.colour && style != Style::Plain && !text.is_empty() {
            format!("\x1b[{}m{text}\x1b[0m", style.code())
        } else {
            text.to_owned()
        }
    }

    pub(crate) fn line(&mut self, style: Style, text: &str) -> io::Result<()> {
        let text = self.styled(style, text);
        writeln!(self.out, "{INDENT}{text}")
    }

    pub(crate) fn title(&mut self, text: &str) -> io::Result<()> {
        let text = self.styled(Style::Strong, text);
        writeln!(self.out, "{text}")
    }

    /// What comes, and in a few words more.
    pub(crate) fn section(&mut self, heading: &str, about: &str) -> io::Result<()> {
        let (heading, about) = (self.styled(Style::Heading, heading), self.styled(Style::Dim, about));
        writeln!(self.out, "\n{heading}  {about}")
    }

    /// Aligned columns; an empty title leaves the column without one.
    pub(crate) fn table(&mut self, columns: &[(&str, Align)], rows: &[Vec<Cell>]) -> io::Result<()> {
        let titles: Vec<_> = columns.iter().map(|(title, _)| Cell::new(Style::Dim, *title)).collect();
        let lines: Vec<_> = std::iter::once(&titles).chain(rows).collect();
        let width = |column: usize| {
            let cells = lines.iter().filter_map(|line| line.get(column));
            cells.map(|cell| cell.text.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<_> = (0..columns.len()).map(width).collect();
        for line in lines {
            let mut text = String::new();
            let last = line.len().saturating_sub(1);
            for (index, ((cell, (_, align)), width)) in line.iter().zip(columns).zip(&widths).enumerate() {
                let room = " ".repeat(width - cell.text.chars().count());
                let cell = self.styled(cell.style, &cell.text);
                text += if index == 0 { INDENT } else { GAP };
                text += &match align {
                    Align::Left if index == last => cell,
                    Align::Left => cell + &room,
                    Align::Right => room + &cell,
                };
            }
            writeln!(self.out, "{}", text.trim_end())?;
        }
        Ok(())
    }

    /// `text` after `label`, broken between words and continued under its own beginning.
    pub(crate) fn paragraph(&mut self, label: &str, text: &str) -> io::Result<()> {
        let room = WIDTH - INDENT.len() - label.len();
        let mut label = self.styled(Style::Dim, label);
        for part in wrap(text, room) {
            writeln!(self.out, "{INDENT}{label}{part}")?;
            label = " ".repeat(WIDTH - INDENT.len() - room);
        }
        Ok(())
    }
}

/// Breaks `text`, which is ASCII, after commas where they are not too far from the end, else between words.
fn wrap(mut text: &str, room: usize) -> Vec<&str> {
    let mut parts = Vec::new();
    while let Some(fits) = text.split_at_checked(room).map(|(fits, _)| fits) {
        let comma = fits.rfind(", ").filter(|at| *at > room / 2).map(|at| at + 1);
        let Some(end) = comma.or_else(|| fits.rfind(' ')) else {
            break;
        };
        parts.push(&text[..end]);
        text = &text[end + 1..];
    }
    parts.push(text);
    parts
}
