//! Where figures were taken, and when.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::num::NonZero;
use std::thread::available_parallelism;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::figures::Benches;

/// A machine and a moment, as far as they are known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct Machine {
    /// The kernel's version.
    pub kernel: Option<String>,
    /// How many processors there are.
    pub processors: Option<usize>,
    /// What they are called.
    pub processor: Option<String>,
    /// When the figures were written, in UTC: `2026-11-22 08:46`.
    pub measured: Option<String>,
}

impl Machine {
    /// This one, now.
    pub fn here() -> Self {
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").ok();
        let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let called = processors.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        let now = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
        Self {
            kernel: kernel.map(|kernel| kernel.trim().to_owned()),
            processors: available_parallelism().ok().map(NonZero::get),
            processor: called.map(|(_, name)| name.trim().to_owned()),
            measured: now.get(..16).map(|minute| minute.replace('T', " ")),
        }
    }

    /// That of a file of figures.
    pub fn of(figures: &Map<String, Value>) -> Self {
        figures.get("machine").and_then(|machine| Self::deserialize(machine).ok()).unwrap_or_default()
    }

    /// What it is, without the moment.
    fn name(&self) -> Option<String> {
        let kernel = self.kernel.as_ref().map(|kernel| format!("Linux {kernel}"));
        let processors = self.processors.map(|number| match number {
            1 => "1 processor".to_owned(),
            number => format!("{number} processors"),
        });
        let known: Vec<_> = [kernel, processors, self.processor.clone()].into_iter().flatten().collect();
        (!known.is_empty()).then(|| known.join(", "))
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name().as_deref().unwrap_or("an unknown machine"))?;
        match &self.measured {
            Some(measured) => write!(f, ", {measured} UTC"),
            None => Ok(()),
        }
    }
}

/// Which files are of which machine, where they are not all of one. What does not say where it is from does not count.
pub fn differing(benches: &Benches) -> Option<String> {
    let mut machines = BTreeMap::<_, Vec<_>>::new();
    for (bench, figures) in benches {
        let Some(name) = Machine::of(figures).name() else { continue };
        machines.entry(name).or_default().push(format!("{bench}.json"));
    }
    let each = machines.iter().map(|(name, files)| format!("{} on {name}", files.join(", ")));
    let each: Vec<_> = each.collect();
    (each.len() > 1).then(|| format!("Not of one machine, and not to be compared: {}.", each.join("; ")))
}
