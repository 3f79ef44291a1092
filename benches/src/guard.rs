//! What keeps a regression out: ratios with bounds that leave room for a busy machine.

use crate::stats::Bound;

/// How often a figure may be beyond its bound before that counts.
const TRIES: usize = 3;

/// A figure that a regression would spoil.
#[derive(Clone, Copy, Debug)]
pub struct Check {
    /// What it is called.
    pub name: &'static str,
    /// What it has to be here: what was promised, with room.
    pub bound: Bound,
    /// Measures it.
    pub measure: fn() -> f64,
}

/// Something that makes the library slower, which a check has to notice.
#[derive(Clone, Copy, Debug)]
pub struct Planted {
    /// What it is.
    pub what: &'static str,
    /// Whose bound it has to be beyond.
    pub check: &'static str,
    /// Measures that figure with it.
    pub measure: fn() -> f64,
}

impl Check {
    /// Measures until it is within its bound, three times at most; the last value, and whether it is.
    pub fn run(&self) -> (f64, bool) {
        let mut value = f64::NAN;
        for _ in 0..TRIES {
            value = (self.measure)();
            println!("{}", self.bound.line(self.name, value, "").trim_end());
            if self.bound.holds(value) {
                return (value, true);
            }
        }
        (value, false)
    }
}

/// Runs all checks, and then what was planted; what is wrong.
pub fn guard(checks: &[Check], planted: &[Planted]) -> Vec<String> {
    let mut wrong = Vec::new();
    for check in checks {
        let (value, holds) = check.run();
        if !holds {
            wrong.push(format!("{} is {value:.2} after {TRIES} tries", check.name));
        }
    }
    for planted in planted {
        let Some(check) = checks.iter().find(|check| check.name == planted.check) else {
            wrong.push(format!("{}: there is no such check", planted.check));
            continue;
        };
        println!("with {}:", planted.what);
        let beyond = |value: &f64| {
            println!("{}", check.bound.line(check.name, *value, "").trim_end());
            !check.bound.holds(*value)
        };
        if !(0..TRIES).map(|_| (planted.measure)()).any(|value| beyond(&value)) {
            wrong.push(format!("with {}, {} is within its bound: not noticed", planted.what, check.name));
        }
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    const FINE: Check = Check { name: "a", bound: Bound::AtMost(1.5), measure: || 1.2 };

    #[test]
    fn a_figure_beyond_its_bound_in_every_try_is_wrong() {
        static MEASURED: AtomicUsize = AtomicUsize::new(0);
        let slow = || {
            MEASURED.fetch_add(1, Ordering::Relaxed);
            1.6
        };
        let wrong = guard(&[FINE, Check { name: "b", measure: slow, ..FINE }], &[]);
        assert_eq!(wrong, ["b is 1.60 after 3 tries"]);
        assert_eq!(MEASURED.load(Ordering::Relaxed), 3);
    }

    #[test]
    fn noise_is_forgiven_and_what_is_not_a_number_is_not() {
        static MEASURED: AtomicUsize = AtomicUsize::new(0);
        let noisy = || if MEASURED.fetch_add(1, Ordering::Relaxed) == 0 { 2.0 } else { 1.4 };
        assert!(guard(&[Check { measure: noisy, ..FINE }], &[]).is_empty());
        assert_eq!(guard(&[Check { measure: || f64::NAN, ..FINE }], &[]).len(), 1);
    }

    #[test]
    fn what_was_planted_has_to_be_noticed() {
        let planted = Planted { what: "a wait", check: "a", measure: || 9.0 };
        assert!(guard(&[FINE], &[planted]).is_empty());
        let wrong = guard(&[FINE], &[Planted { measure: || 1.4, ..planted }]);
        assert_eq!(wrong, ["with a wait, a is within its bound: not noticed"]);
        assert_eq!(guard(&[FINE], &[Planted { check: "b", ..planted }]).len(), 1);
    }
}
