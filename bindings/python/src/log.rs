//! The library's log goes to Python's, to the logger `netns`.

use log::{LevelFilter, Log, Metadata, Record};
use pyo3::prelude::*;

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
        // Nobody is there to hear it while the interpreter ends, or of a handler that fails.
        let _ = Python::try_attach(|py| -> PyResult<()> {
            let logger = py.import("logging")?.call_method1("getLogger", ("netns",))?;
            logger.call_method1("log", (level, "%s", record.args().to_string()))?;
            Ok(())
        });
    }

    fn flush(&self) {}
}

/// Warnings and errors from now on. Where another extension of this process has the log already, it stays its.
pub(crate) fn forward() {
    if log::set_logger(&Forward).is_ok() {
        log::set_max_level(LevelFilter::Warn);
    }
}
