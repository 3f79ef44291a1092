//! Puts the figures of all benches together: `target/bench/summary.json`, and a table of those that have bounds.
//!
//! usage: summary

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::Path;

use netns_benches::figures::target;
use netns_benches::stats::Bound;
use serde_json::{json, Map, Value};

const FILE: &str = "summary.json";

fn main() -> Result<(), Box<dyn Error>> {
    let directory = target().join("bench");
    let benches = read(&directory)?;
    let mut ratios = Map::new();
    let (mut met, mut missed, mut absent) = (0, 0, 0);
    for (bench, figures) in &benches {
        println!("{bench}");
        for (name, bound) in bounds(figures) {
            let value = figures.get(&name).and_then(Value::as_f64);
            let Some(value) = value else {
                println!("  {name:<34} not measured");
                absent += 1;
                continue;
            };
            println!("  {}", bound.line(&name, value, unit(&name)));
            *if bound.holds(value) { &mut met } else { &mut missed } += 1;
        }
        let of_bench = figures.iter().filter(|(name, value)| name.contains("_over_") && value.is_number());
        ratios.extend(of_bench.map(|(name, value)| (name.clone(), value.clone())));
    }
    println!("{met} bounds are met, {missed} are not, {absent} were not measured");
    let summary =
        json!({ "ratios": ratios, "benches": benches, "met": met, "missed": missed, "not_measured": absent });
    fs::write(directory.join(FILE), format!("{summary:#}\n"))?;
    println!("written to {}", directory.join(FILE).display());
    Ok(())
}

/// The figures by bench.
fn read(directory: &Path) -> Result<BTreeMap<String, Map<String, Value>>, Box<dyn Error>> {
    let mut benches = BTreeMap::new();
    let files =
        fs::read_dir(directory).map_err(|error| format!("{}: {error}: make bench", directory.display()))?;
    for file in files {
        let path = file?.path();
        if path.extension().is_none_or(|extension| extension != "json") || path.ends_with(FILE) {
            continue;
        }
        let figures = serde_json::from_slice(&fs::read(&path)?)
            .map_err(|error| format!("{}: {error}", path.display()))?;
        let name = path.file_stem().unwrap_or_default().display().to_string();
        benches.insert(name, figures);
    }
    Ok(benches)
}

/// What a bench promises.
fn bounds(figures: &Map<String, Value>) -> Vec<(String, Bound)> {
    let all = figures.get("bounds").and_then(Value::as_object).into_iter().flatten();
    all.filter_map(|(name, words)| {
        Some((name.clone(), Bound::from_words(words[0].as_str()?, words[1].as_f64()?)?))
    })
    .collect()
}

/// The unit that a figure's name ends with.
fn unit(name: &str) -> &str {
    name.rsplit('_').next().filter(|unit| ["us", "ms", "ns", "mib"].contains(unit)).unwrap_or_default()
}
