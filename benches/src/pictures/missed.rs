//! What was promised and is not met.

use std::path::Path;

use serde_json::Value;

use super::table::Table;
use super::{Block, Failure};
use crate::figures::{bounds, read_all, unit};

/// The bounds that the figures of all benches miss; none where nothing has a bound.
pub(super) fn make(figures: &Path) -> Result<Option<Block>, Failure> {
    let mut table = Table::new(["figure", "measured", "promised"]);
    let (mut met, mut missed, mut absent) = (0, 0, 0);
    for (bench, figures) in &read_all(figures)? {
        for (name, bound) in bounds(figures) {
            let Some(value) = figures.get(&name).and_then(Value::as_f64) else {
                absent += 1;
                continue;
            };
            if bound.holds(value) {
                met += 1;
                continue;
            }
            missed += 1;
            let (relation, promised) = bound.words();
            let unit = unit(&name);
            let figure = format!("`{name}` of `{bench}.json`");
            table.row([figure, format!("{value:.2} {unit}"), format!("{relation} {promised:.2} {unit}")]);
        }
    }
    if met + missed == 0 {
        return Ok(None);
    }
    let all = met + missed + absent;
    let said = match absent {
        0 => format!("Promised bounds that are met: {met} of {all}.\n"),
        _ => format!("Promised bounds that are met: {met} of {all}; not measured: {absent}.\n"),
    };
    let text = if missed == 0 { said } else { format!("{said}\n{}", table.text()) };
    Ok(Some(Block { name: "missed", text }))
}
