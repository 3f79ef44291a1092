//! A table that is shown again and again.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use rustix::termios::tcgetwinsize;

use super::sample::Sample;
use super::{show, Asked};
use crate::arguments::Global;
use crate::failure::Outcome;
use crate::output::Output;
use crate::signals::Interrupt;

/// What a terminal is told: to hide the cursor and cut lines that are too long; to show it and wrap them; to begin at the
/// top; to clear what is left of a line, and below.
const BEGIN: &str = "\x1b[?25l\x1b[?7l\x1b[2J";
const END: &str = "\x1b[?25h\x1b[?7h";
const TOP: &str = "\x1b[H";
const REST_OF_LINE: &str = "\x1b[K";
const REST: &str = "\x1b[J";

pub(super) fn run(asked: &Asked, global: &Global, out: &Output) -> Outcome {
    let interrupt = Interrupt::catch()?;
    let controller = global.controller()?;
    let screen = Screen::begin(out)?;
    let mut due = Instant::now();
    let mut before = None;
    let mut looks = 0;
    loop {
        let sample = Sample::take(&controller, asked, before.as_ref())?;
        screen.show(&sample, looks > 0)?;
        looks += 1;
        due = next_due(due, Instant::now(), asked.interval);
        let is_last = asked.count == Some(looks);
        if is_last || interrupt.within(due.saturating_duration_since(Instant::now())) {
            return Ok(());
        }
        before = Some(sample);
    }
}

/// The first time after `now` that is a whole number of intervals after `due`.
fn next_due(due: Instant, now: Instant, interval: Duration) -> Instant {
    let passed = now.saturating_duration_since(due).as_nanos() / interval.as_nanos().max(1);
    let next = u32::try_from(passed + 1).ok().and_then(|turns| due.checked_add(interval.checked_mul(turns)?));
    next.unwrap_or(now + interval)
}

/// Where the samples go: over one another on a terminal, else one below the other.
struct Screen<'a> {
    out: &'a Output,
    is_terminal: bool,
}

impl<'a> Screen<'a> {
    fn begin(out: &'a Output) -> Result<Self, crate::failure::Failure> {
        let screen = Self { out, is_terminal: !out.json && io::stdout().is_terminal() };
        if screen.is_terminal {
            out.raw(BEGIN)?;
        }
        Ok(screen)
    }

    fn show(&self, sample: &Sample, is_later: bool) -> Outcome {
        if self.out.json {
            return self.out.json_line(&sample.line());
        }
        let mut table = show::rates(sample);
        if !self.is_terminal {
            let gap = if is_later { "\n" } else { "" };
            return self.out.raw(&format!("{gap}{}", table.render(false)));
        }
        // Without the heading, and the line on which the cursor is left.
        let height = tcgetwinsize(io::stdout()).map_or(0, |size| usize::from(size.ws_row));
        table.cut(if height == 0 { usize::MAX } else { height.saturating_sub(2) });
        let text = table.render(self.out.coloured).replace('\n', &format!("{REST_OF_LINE}\n"));
        self.out.raw(&format!("{TOP}{text}{REST}"))
    }
}

impl Drop for Screen<'_> {
    fn drop(&mut self) {
        if self.is_terminal {
            let _ = io::stdout().write_all(END.as_bytes()).and_then(|()| io::stdout().flush());
        }
    }
}
