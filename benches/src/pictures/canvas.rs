//! What all pictures share: colours, words, scales and how times are said.

use std::ops::Range;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::Failure;

/// What 10 % and 90 % of the samples do not exceed, in microseconds.
pub(super) type Spread = (f64, f64);
pub(super) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

// Okabe and Ito's colours, which colour-blind people tell apart, and greys.
pub(super) const BLUE: RGBColor = RGBColor(0, 114, 178);
pub(super) const SKY: RGBColor = RGBColor(86, 180, 233);
pub(super) const ORANGE: RGBColor = RGBColor(213, 94, 0);
pub(super) const GREEN: RGBColor = RGBColor(0, 122, 90);
pub(super) const PURPLE: RGBColor = RGBColor(170, 80, 140);
pub(super) const INK: RGBColor = RGBColor(32, 38, 46);
pub(super) const DARK_GREY: RGBColor = RGBColor(92, 100, 110);
pub(super) const GREY: RGBColor = RGBColor(176, 182, 190);
pub(super) const GRID: RGBColor = RGBColor(226, 229, 233);

/// The height that a title and the line under it take.
pub(super) const HEAD: i32 = 68;
pub(super) const MARGIN: i32 = 20;
/// Of the words in a picture, in pixels.
pub(super) const WORDS: u32 = 13;

const FONT: &str = "sans-serif";
/// What plotters divides the sizes of letters by.
const SIZE: f64 = 1.24;

/// An SVG document of that size, on white so that it can be read on dark pages too.
pub(super) fn picture(
    size: (u32, u32),
    title: &str,
    more: &str,
    paint: impl FnOnce(&Area<'_>) -> Result<(), Failure>,
) -> Result<String, Failure> {
    let mut svg = String::new();
    let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
    area.fill(&WHITE)?;
    let place = |top| (MARGIN, top);
    area.draw(&Text::new(title, place(28), words(19, INK, true).pos(LEFT)))?;
    area.draw(&Text::new(more, place(50), words(WORDS, DARK_GREY, false).pos(LEFT)))?;
    paint(&area)?;
    area.present()?;
    drop(area);
    Ok(svg)
}

pub(super) const LEFT: Pos = Pos { h_pos: HPos::Left, v_pos: VPos::Center };
pub(super) const RIGHT: Pos = Pos { h_pos: HPos::Right, v_pos: VPos::Center };

/// How words look: their height in pixels, their colour, and whether they are bold.
pub(super) fn words(size: u32, colour: RGBColor, bold: bool) -> TextStyle<'static> {
    let style = if bold { FontStyle::Bold } else { FontStyle::Normal };
    (FONT, f64::from(size) * SIZE, style).into_font().color(&colour)
}

/// A logarithmic scale that all values have their place on, and what is written at it: powers of ten, or more than those
/// where there are few.
pub(super) fn logarithmic(values: impl Iterator<Item = f64>) -> (Range<f64>, Vec<f64>) {
    let (low, high) = ends(values);
    let round: Vec<_> =
        powers_of_ten().flat_map(|power| [1.0, 2.0, 5.0].map(|digit| digit * power)).collect();
    let start = round.iter().rev().find(|&&mark| mark <= low / 1.1).copied().unwrap_or(low);
    let end = round.iter().find(|&&mark| mark >= high * 1.1).copied().unwrap_or(high);
    let within = |marks: Vec<f64>| marks.into_iter().filter(|mark| (start..=end).contains(mark)).collect();
    let powers: Vec<f64> = within(powers_of_ten().collect());
    let marks = if powers.len() < 3 { within(round) } else { powers };
    (start..end, marks)
}

/// All that a figure may be near to.
pub(super) fn powers_of_ten() -> impl Iterator<Item = f64> {
    (-3..=9).map(|power| 10_f64.powi(power))
}

/// The least and the most of them.
pub(super) fn ends(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)))
}

/// Microseconds, for people: three digits, in the unit that fits.
pub(super) fn time(us: f64) -> String {
    let (value, unit) = in_unit(us);
    let decimals = match value {
        value if unit == "µs" && value >= 10.0 => 0,
        value if unit == "µs" || value >= 10.0 => usize::from(value < 100.0),
        _ => 2,
    };
    format!("{value:.decimals$} {unit}")
}

/// A mark at an axis of times.
pub(super) fn time_mark(us: f64) -> String {
    let (value, unit) = in_unit(us);
    // What is no whole number is one with few digits, but for the last of them.
    format!("{} {unit}", (value * 1e6).round() / 1e6)
}

fn in_unit(us: f64) -> (f64, &'static str) {
    match us {
        us if us < 999.5 => (us, "µs"),
        us if us < 999_500.0 => (us / 1e3, "ms"),
        us => (us / 1e6, "s"),
    }
}

/// A number of things, with a comma at the thousands.
pub(super) fn count(number: f64) -> String {
    let digits = format!("{number:.0}");
    match digits.len() {
        length @ 4.. => format!("{},{}", &digits[..length - 3], &digits[length - 3..]),
        _ => digits,
    }
}

/// How many times as much, with as many digits as that is known to.
pub(super) fn times(ratio: f64) -> String {
    let decimals = match ratio {
        ratio if ratio < 2.0 => 2,
        ratio if ratio < 10.0 => 1,
        _ => 0,
    };
    format!("{ratio:.decimals$} ×")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said_in_the_unit_that_fits() {
        let said = [0.84, 9.95, 546.4, 999.7, 1_129.0, 16_200.0, 144_300.0, 1_200_000.0].map(time);
        let expected = ["0.8 µs", "9.9 µs", "546 µs", "1.00 ms", "1.13 ms", "16.2 ms", "144 ms", "1.20 s"];
        assert_eq!(said, expected);
        assert_eq!([0.5, 200.0, 1e3, 2e4, 1e6].map(time_mark), ["0.5 µs", "200 µs", "1 ms", "20 ms", "1 s"]);
        assert_eq!([1.0, 999.0, 1e3, 1e4].map(count), ["1", "999", "1,000", "10,000"]);
        assert_eq!([0.853, 1.57, 4.33, 26.03].map(times), ["0.85 ×", "1.57 ×", "4.3 ×", "26 ×"]);
    }

    #[test]
    fn a_scale_has_room_for_all_values_and_marks_enough() {
        let (range, marks) = logarithmic([430.0, 19_000.0].into_iter());
        assert_eq!((range, marks), (200.0..50_000.0, vec![200.0, 500.0, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4]));
        let (range, marks) = logarithmic([0.6, 900.0].into_iter());
        assert_eq!((range, marks), (0.5..1e3, vec![1.0, 10.0, 100.0, 1e3]));
    }
}
