//! The figures of a bench, each beside its bound, and the file that they go to.

use std::fs;
use std::path::PathBuf;

use serde_json::{json, Map, Value};

use crate::stats::Bound;

/// What was measured, by name.
#[derive(Debug, Default)]
pub struct Figures(Map<String, Value>);

impl Figures {
    /// Prints a figure that has a bound, and keeps it.
    pub fn report(&mut self, name: &str, value: f64, unit: &str, bound: Bound) {
        println!("{}", bound.line(name, value, unit));
        self.0.insert(name.to_owned(), json!(value));
        let bounds = self.0.entry("bounds").or_insert_with(|| json!({}));
        bounds[name] = json!(bound.words());
    }

    /// Keeps figures that explain others.
    pub fn keep<const N: usize>(&mut self, more: [(&str, f64); N]) {
        self.0.extend(more.map(|(name, value)| (name.to_owned(), json!(value))));
    }

    /// Keeps figures of one kind together under `name`.
    pub fn keep_all<'a>(&mut self, name: &str, more: impl IntoIterator<Item = (&'a str, f64)>) {
        let more = more.into_iter().map(|(name, value)| (name.to_owned(), json!(value)));
        self.0.insert(name.to_owned(), Value::Object(more.collect()));
    }

    /// Keeps words of one kind together under `name`.
    pub fn keep_words<'a>(&mut self, name: &str, more: impl IntoIterator<Item = (&'a str, &'a str)>) {
        let more = more.into_iter().map(|(name, value)| (name.to_owned(), json!(value)));
        self.0.insert(name.to_owned(), Value::Object(more.collect()));
    }

    /// Keeps figures that were taken at several places of a scale, in their order, under `name`.
    pub fn keep_series(&mut self, name: &str, series: Vec<Value>) {
        self.0.insert(name.to_owned(), Value::Array(series));
    }

    /// A figure that was kept; 0 where there is none.
    pub fn value(&self, name: &str) -> f64 {
        self.0.get(name).and_then(Value::as_f64).unwrap_or_default()
    }

    /// Writes a picture of them to `target/bench/FILE`.
    ///
    /// # Panics
    /// When that fails.
    pub fn draw(&self, file: &str, picture: impl FnOnce(&Self) -> String) {
        fs::create_dir_all(target().join("bench")).expect("target/bench");
        fs::write(target().join("bench").join(file), picture(self)).expect("a picture");
    }

    /// Prints that `what` was not measured and why, and keeps that; its `figures` are null.
    pub fn not_measured<const N: usize>(&mut self, what: &str, why: &str, figures: [&str; N]) {
        println!("{what}: not measured: {why}");
        self.0.extend(figures.map(|name| (name.to_owned(), Value::Null)));
        let missing = self.0.entry("not_measured").or_insert_with(|| json!({}));
        missing[what] = json!(why);
    }

    /// Writes them to `target/bench/FILE`.
    ///
    /// # Panics
    /// When that fails.
    pub fn write(self, file: &str) {
        let path = target().join("bench").join(file);
        fs::create_dir_all(target().join("bench")).expect("target/bench");
        fs::write(&path, format!("{:#}\n", Value::Object(self.0))).expect("a result file");
        println!("written to {}\n", path.display());
    }
}

/// Where cargo puts what it builds.
pub fn target() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    target.unwrap_or_else(|| concat!(env!("CARGO_MANIFEST_DIR"), "/../target").into())
}
