//! The figures of a bench, each beside its bound, and the file that they go to.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{json, Map, Value};

use crate::machine::Machine;
use crate::stats::Bound;

/// The file of all benches' figures together.
pub const SUMMARY: &str = "summary.json";

/// The figures of several benches, by the names of these.
pub type Benches = BTreeMap<String, Map<String, Value>>;

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

    /// Prints that `what` was not measured and why, and keeps that; its `figures` are null.
    pub fn not_measured<const N: usize>(&mut self, what: &str, why: &str, figures: [&str; N]) {
        println!("{what}: not measured: {why}");
        self.0.extend(figures.map(|name| (name.to_owned(), Value::Null)));
        let missing = self.0.entry("not_measured").or_insert_with(|| json!({}));
        missing[what] = json!(why);
    }

    /// Writes them to `target/bench/FILE`, with the machine and the moment that they are of.
    ///
    /// # Panics
    /// When that fails.
    pub fn write(mut self, file: &str) {
        self.0.insert("machine".to_owned(), json!(Machine::here()));
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

/// The figures by bench: all files of `directory`.
///
/// # Errors
/// With its name, when one cannot be read or is malformed.
pub fn read_all(directory: &Path) -> Result<Benches, Box<dyn Error>> {
    let mut benches = BTreeMap::new();
    let files =
        fs::read_dir(directory).map_err(|error| format!("{}: {error}: make bench", directory.display()))?;
    for file in files {
        let path = file?.path();
        if path.extension().is_none_or(|extension| extension != "json") || path.ends_with(SUMMARY) {
            continue;
        }
        let named = |error: &dyn Error| format!("{}: {error}", path.display());
        let text = fs::read(&path).map_err(|error| named(&error))?;
        let figures = serde_json::from_slice(&text).map_err(|error| named(&error))?;
        let name = path.file_stem().unwrap_or_default().display().to_string();
        benches.insert(name, figures);
    }
    Ok(benches)
}

/// What a bench promises.
pub fn bounds(figures: &Map<String, Value>) -> Vec<(String, Bound)> {
    let all = figures.get("bounds").and_then(Value::as_object).into_iter().flatten();
    all.filter_map(|(name, words)| {
        Some((name.clone(), Bound::from_words(words[0].as_str()?, words[1].as_f64()?)?))
    })
    .collect()
}

/// The unit that a figure's name ends with.
pub fn unit(name: &str) -> &str {
    name.rsplit('_').next().filter(|unit| ["us", "ms", "ns", "mib"].contains(unit)).unwrap_or_default()
}
