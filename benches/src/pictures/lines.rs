//! Lines on two logarithmic scales, each with its name at its end.

use plotters::coord::combinators::{LogCoord, WithKeyPoints};
use plotters::element::DashedPathElement;
use plotters::prelude::*;

use super::canvas::{
    count, ends, powers_of_ten, time, time_mark, words, Area, Spread, DARK_GREY, GRID, INK, LEFT, WORDS,
};
use super::Failure;

/// What is written at the ends of lines needs so many pixels.
const LABEL: i32 = 17;

type Axis = WithKeyPoints<LogCoord<f64>>;
type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<Axis, Axis>>;

/// A value of a series.
#[derive(Clone, Copy)]
pub(super) struct Point {
    /// How many there were.
    pub(super) count: f64,
    pub(super) us: f64,
    pub(super) spread: Option<Spread>,
}

pub(super) struct Series {
    pub(super) name: &'static str,
    pub(super) colour: RGBColor,
    pub(super) look: Look,
    pub(super) points: Vec<Point>,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Look {
    Bold,
    Dashed,
    Plain,
}

/// A panel: its title, what its horizontal axis counts, and how wide the names at the lines' ends are.
pub(super) struct Panel<'a> {
    pub(super) title: &'a str,
    pub(super) counted: &'a str,
    pub(super) names: u32,
}

/// The lines, with times from `scale` so that panels can share one.
pub(super) fn draw(
    area: &Area<'_>,
    panel: &Panel<'_>,
    series: &[Series],
    (times, marks): (std::ops::Range<f64>, Vec<f64>),
) -> Result<(), Failure> {
    area.draw(&Text::new(panel.title, (64, 14), words(WORDS, INK, true).pos(LEFT)))?;
    let counts = || series.iter().flat_map(|series| &series.points).map(|point| point.count);
    let (least, most) = ends(counts());
    let counted: Vec<_> = powers_of_ten().filter(|mark| (least..=most).contains(mark)).collect();
    let mut chart = ChartBuilder::on(area)
        .margin_top(30)
        .margin_right(panel.names)
        .x_label_area_size(44)
        .y_label_area_size(64)
        .build_cartesian_2d(
            (least / 1.25..most * 1.25).log_scale().with_key_points(counted),
            times.log_scale().with_key_points(marks),
        )?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GRID)
        .axis_style(DARK_GREY)
        .x_label_formatter(&|number| count(*number))
        .y_label_formatter(&|us| time_mark(*us))
        .label_style(words(12, DARK_GREY, false))
        .axis_desc_style(words(12, DARK_GREY, false))
        .x_desc(panel.counted)
        .draw()?;
    // The emphasised line is over the others.
    let mut order: Vec<_> = series.iter().collect();
    order.sort_by_key(|series| series.look == Look::Bold);
    for series in order {
        line(&mut chart, series)?;
    }
    names(area, &chart, most * 1.25, series)
}

fn line(chart: &mut Chart<'_, '_>, series: &Series) -> Result<(), Failure> {
    for point in &series.points {
        let Some((low, high)) = point.spread else { continue };
        let pale = series.colour.mix(0.35).stroke_width(4);
        chart.draw_series([PathElement::new([(point.count, low), (point.count, high)], pale)])?;
    }
    let places: Vec<_> = series.points.iter().map(|point| (point.count, point.us)).collect();
    let (width, radius) = if series.look == Look::Bold { (4, 5) } else { (2, 4) };
    let style = series.colour.stroke_width(width);
    if series.look == Look::Dashed {
        chart.draw_series([DashedPathElement::new(places.clone(), 7, 5, style)])?;
    } else {
        chart.draw_series([PathElement::new(places.clone(), style)])?;
    }
    chart.draw_series(places.into_iter().map(|place| Circle::new(place, radius, series.colour.filled())))?;
    Ok(())
}

/// The names of the lines, and what they end at, behind the `end` of the axis.
fn names(area: &Area<'_>, chart: &Chart<'_, '_>, end: f64, series: &[Series]) -> Result<(), Failure> {
    let (left, top) = area.get_pixel_range();
    let mut labels = Vec::with_capacity(series.len());
    for series in series {
        let Some(last) = series.points.last() else { continue };
        let (_, y) = chart.backend_coord(&(last.count, last.us));
        labels.push((y - top.start, series, format!("{} {}", series.name, time(last.us))));
    }
    labels.sort_by_key(|(y, ..)| *y);
    let places = apart(labels.iter().map(|(y, ..)| *y).collect());
    let (right, _) = chart.backend_coord(&(end, 1.0));
    for (y, (_, series, label)) in places.into_iter().zip(labels) {
        let style = words(WORDS, series.colour, series.look == Look::Bold);
        area.draw(&Text::new(label, (right - left.start + 8, y), style.pos(LEFT)))?;
    }
    Ok(())
}

/// The places, in order, moved as far as it takes for them not to overlap.
fn apart(mut places: Vec<i32>) -> Vec<i32> {
    // Each pass moves neighbours that are too near away from each other; there are few of them.
    for _ in 0..200 {
        let mut moved = false;
        for index in 1..places.len() {
            let lacking = LABEL - (places[index] - places[index - 1]);
            if lacking > 0 {
                places[index - 1] -= lacking / 2;
                places[index] += lacking - lacking / 2;
                moved = true;
            }
        }
        if !moved {
            break;
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_do_not_overlap() {
        assert_eq!(apart(vec![10, 100]), [10, 100]);
        assert_eq!(apart(vec![100, 101]), [92, 109]);
        let places = apart(vec![100, 100, 101, 140]);
        assert!(places.windows(2).all(|pair| pair[1] - pair[0] >= LABEL), "{places:?}");
    }
}
