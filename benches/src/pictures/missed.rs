//! What was promised and is not met.

use std::path::Path;

use serde_json::Value;

use super::table::Table;
use super::{Block, Failure};
use crate::figures::{bounds, read_all, unit, Benches};
use crate::machine::{differing, Machine};

/// The bounds that the figures of all benches miss; none where nothing has a bound.
pub(super) fn make(figures: &Path) -> Result<Option<Block>, Failure> {
    let mut table = Table::new(["figure", "measured", "promised"]);
    let (mut met, mut missed, mut absent) = (0, 0, 0);
    let benches = read_all(figures)?;
    for (bench, figures) in &benches {
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
            let of_unit =
                |number: f64| format!("{} {unit}", apart(number, value, promised)).trim_end().to_owned();
            table.row([figure, of_unit(value), format!("{relation} {}", of_unit(promised))]);
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
    let mut text = if missed == 0 { said } else { format!("{said}\n{}", table.text()) };
    text.push_str(&measured(&benches));
    Ok(Some(Block { name: "missed", text }))
}

/// The number with two digits behind the point, or as many as tell the other two from each other.
fn apart(number: f64, one: f64, other: f64) -> String {
    let digits = (2..6).find(|&digits| format!("{one:.digits$}") != format!("{other:.digits$}")).unwrap_or(6);
    format!("{number:.digits$}")
}

/// When each file was measured, and whether all are of one machine.
fn measured(benches: &Benches) -> String {
    let when = |(bench, figures)| {
        let measured = Machine::of(figures).measured.map(|when| format!("{when} UTC"));
        format!("`{bench}.json` {}", measured.as_deref().unwrap_or("unknown"))
    };
    let when: Vec<_> = benches.iter().map(when).collect();
    let warning = differing(benches).map(|warning| format!("\n**{warning}**\n"));
    format!("\nMeasured: {}.\n{}", when.join(", "), warning.unwrap_or_default())
}
