//! Sandboxes made and joined a second, by one and by two at the same time.

use std::time::Duration;

use serde_json::{json, Value};

use crate::managed::ControllerRig;
use crate::stats::median;
use crate::workers;

/// What one of them joins.
const WORK: usize = 150;
const ROUNDS: usize = 5;

type Joins = fn(&ControllerRig, &[String], usize) -> Duration;

/// Who joins, how many of them, and what that is a second.
#[derive(Clone, Copy, Debug)]
pub struct Throughput {
    /// `threads` of one process, or `processes`.
    pub kind: &'static str,
    /// How many at the same time.
    pub count: usize,
    /// Sandboxes made and joined a second, all of them together.
    pub per_second: f64,
}

/// By one thread and two, by one process and two, in turn.
///
/// # Panics
/// When one of them fails.
pub fn throughput() -> [Throughput; 4] {
    let sides: [(&str, usize, Joins); 4] = [
        ("threads", 1, workers::joins_of_threads),
        ("threads", 2, workers::joins_of_threads),
        ("processes", 1, workers::joins),
        ("processes", 2, workers::joins),
    ];
    let managed = ControllerRig::new("bridge", "shared", 95);
    let mut took = [(); 4].map(|()| Vec::new());
    // The first round is not counted.
    for round in 0..=ROUNDS {
        for ((kind, count, joins), took) in sides.iter().zip(&mut took) {
            let names: Vec<_> = (0..*count).map(|index| format!("{kind}{round}-{index}")).collect();
            let one = joins(&managed, &names, WORK);
            if round > 0 {
                took.push(one);
            }
        }
    }
    managed.take_down();
    [0, 1, 2, 3].map(|side: usize| {
        let (kind, count, _) = sides[side];
        Throughput { kind, count, per_second: (count * WORK) as f64 * 1e6 / median(&took[side]) }
    })
}

impl Throughput {
    /// A line for people.
    pub fn line(&self) -> String {
        format!("{} {}: {:.0} sandboxes made and joined a second", self.count, self.kind, self.per_second)
    }

    /// The same for files.
    pub fn value(&self) -> Value {
        json!({ "kind": self.kind, "count": self.count, "per_second": self.per_second })
    }
}
