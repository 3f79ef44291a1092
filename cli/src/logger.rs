//! What the library has to say besides results and errors.

use log::{Level, LevelFilter, Log, Metadata, Record};

use crate::failure::say;

struct Logger;

/// Prints warnings from here on; with `verbose` more.
pub(crate) fn start(verbose: u8) {
    let level = match verbose {
        0 => LevelFilter::Warn,
        1 => LevelFilter::Info,
        _ => LevelFilter::Debug,
    };
    if log::set_logger(&Logger).is_ok() {
        log::set_max_level(level);
    }
}

impl Log for Logger {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let word = match record.level() {
            Level::Error => "error: ",
            Level::Warn => "warning: ",
            _ => "",
        };
        say(&format!("{word}{}", record.args()));
    }

    fn flush(&self) {}
}
