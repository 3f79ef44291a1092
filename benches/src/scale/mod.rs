//! What grows with the number of sandboxes: [joins](Growth), the [reading](counters::measure) of counters; and what two do
//! at the same time that one does alone.

pub mod counters;
mod growth;
mod throughput;

pub use growth::{Growth, Sample};
pub use throughput::{throughput, Throughput};

/// The number in the environment variable `name`, or `default`.
///
/// # Panics
/// When it is set and no number.
pub fn number(name: &str, default: usize) -> usize {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")),
        Err(_) => default,
    }
}
