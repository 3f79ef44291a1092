//! Puts the figures of all benches together: `target/bench/summary.json`, and a table of those that have bounds.
//!
//! usage: summary

use std::error::Error;
use std::fs;

use netns_benches::figures::{bounds, read_all, target, unit, SUMMARY};
use netns_benches::machine::{differing, Machine};
use serde_json::{json, Map, Value};

fn main() -> Result<(), Box<dyn Error>> {
    let directory = target().join("bench");
    let benches = read_all(&directory)?;
    let mut ratios = Map::new();
    let (mut met, mut missed, mut absent) = (0, 0, 0);
    for (bench, figures) in &benches {
        println!("{bench}, measured on {}", Machine::of(figures));
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
    if let Some(warning) = differing(&benches) {
        println!("{warning}");
    }
    println!("{met} bounds are met, {missed} are not, {absent} were not measured");
    let summary =
        json!({ "ratios": ratios, "benches": benches, "met": met, "missed": missed, "not_measured": absent });
    fs::write(directory.join(SUMMARY), format!("{summary:#}\n"))?;
    println!("written to {}", directory.join(SUMMARY).display());
    Ok(())
}
