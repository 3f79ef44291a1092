//! The library's log goes to Python's, to the logger `netns`.

use log::{LevelFilter, Log, Metadata, Record};
use pyo3::prelude::*;

use crate::error;

struct Forward;

impl Log for Forward {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("netns")
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let level = match record.level() {
            log::Level::Error => 40,
            log::Level::Warn => 30,
            log::Level::Info => 20,
            log::Level::Debug | log::Level::Trace => 10,
        };
        // Nobody is there to hear it while the interpreter ends.
        let _ = Python::try_attach(|py| tell(py, level, &record.args().to_string()));
    }

    fn flush(&self) {}
}

/// Ctrl-C in a handler goes on when the call that logs ends; other exceptions go where Python puts those that nobody can
/// catch.
fn tell(py: Python<'_>, level: u8, text: &str) {
    let told = py
        .import("logging")
        .and_then(|logging| logging.call_method1("getLogger", ("netns",)))
        .and_then(|logger| logger.call_method1("log", (level, "%s", text)));
    match told {
        Err(raised) if !error::interrupt(py, &raised) => raised.write_unraisable(py, None),
        _ => {}
    }
}

/// Warnings and errors from now on. Where another extension of this process has the log already, it stays its.
pub(crate) fn forward() {
    if log::set_logger(&Forward).is_ok() {
        log::set_max_level(LevelFilter::Warn);
    }
}
