//! Medians of interleaved samples.

use std::time::{Duration, Instant};

/// Runs `f` and tells how long it took.
pub fn timed<T>(f: impl FnOnce() -> T) -> (Duration, T) {
    let begin = Instant::now();
    let value = f();
    (begin.elapsed(), value)
}

/// The median in microseconds; NaN without samples.
pub fn median(samples: &[Duration]) -> f64 {
    let mut sorted: Vec<_> = samples.iter().map(|sample| sample.as_secs_f64() * 1e6).collect();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => sorted[n / 2],
        n => f64::midpoint(sorted[n / 2 - 1], sorted[n / 2]),
    }
}

/// What so many of a hundred samples do not exceed, in microseconds; NaN without samples.
pub fn percentile(samples: &[Duration], percent: usize) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort();
    let index = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    sorted.get(index).map_or(f64::NAN, |sample| sample.as_secs_f64() * 1e6)
}

/// The library's samples and the floor's, taken in turn.
#[derive(Clone, Debug, Default)]
pub struct Pairs {
    /// The library's.
    pub ours: Vec<Duration>,
    /// The floor's.
    pub floor: Vec<Duration>,
}

impl Pairs {
    /// The library's median over the floor's.
    pub fn ratio(&self) -> f64 {
        median(&self.ours) / median(&self.floor)
    }

    /// A line for people.
    pub fn line(&self, name: &str) -> String {
        format!(
            "{name:<34} {:>9.1} us   floor {:>9.1} us   ratio {:>5.3}   ({} pairs)",
            median(&self.ours),
            median(&self.floor),
            self.ratio(),
            self.ours.len().min(self.floor.len()),
        )
    }
}

/// What a figure has to be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound {
    /// This or less.
    AtMost(f64),
    /// This or more.
    AtLeast(f64),
}

impl Bound {
    /// Whether `value` is within; NaN never is.
    pub fn holds(self, value: f64) -> bool {
        match self {
            Self::AtMost(bound) => value <= bound,
            Self::AtLeast(bound) => value >= bound,
        }
    }

    /// The bound as files of figures have it: the relation and the number.
    pub fn words(self) -> (&'static str, f64) {
        match self {
            Self::AtMost(bound) => ("at most", bound),
            Self::AtLeast(bound) => ("at least", bound),
        }
    }

    /// What [`Bound::words`] says.
    pub fn from_words(relation: &str, bound: f64) -> Option<Self> {
        match relation {
            "at most" => Some(Self::AtMost(bound)),
            "at least" => Some(Self::AtLeast(bound)),
            _ => None,
        }
    }

    /// A line for people: the figure `name` in `unit`s, the bound, and whether it holds.
    pub fn line(self, name: &str, value: f64, unit: &str) -> String {
        let (relation, bound) = self.words();
        let verdict = if self.holds(value) { "met" } else { "NOT MET" };
        format!("{name:<34} {value:>9.2} {unit:<3} {relation:>8} {bound:>6.2} {unit:<3} {verdict}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_or_between_the_two_middles() {
        let us =
            |values: &[u64]| values.iter().map(|&value| Duration::from_micros(value)).collect::<Vec<_>>();
        assert_eq!(median(&us(&[9, 1, 5])).round(), 5.0);
        assert_eq!(median(&us(&[1, 3, 100, 2])).round(), 3.0);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn a_bound_says_whether_it_is_met() {
        assert!(Bound::AtMost(1.3).holds(1.3) && !Bound::AtMost(1.3).holds(1.31));
        assert!(Bound::AtLeast(1.0).holds(1.0) && !Bound::AtLeast(1.0).holds(0.99));
        assert!(!Bound::AtMost(1.3).holds(f64::NAN));
        assert!(Bound::AtMost(50.0).line("open", 51.0, "ms").ends_with("at most  50.00 ms  NOT MET"));
    }
}
