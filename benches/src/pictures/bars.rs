//! Rows of horizontal bars.

use plotters::coord::ranged1d::{AsRangedCoord, Ranged, ValueFormatter};
use plotters::prelude::*;

use super::canvas::{time_mark, words, Area, Spread, DARK_GREY, GRID, INK, LEFT, RIGHT, WORDS};
use super::Failure;

/// The height of what is above the rows, and below them.
pub(super) const ABOVE: u32 = 30;
pub(super) const BELOW: u32 = 34;
/// What a row has above its bars and below them, of its height.
const GAP: f64 = 0.16;

/// A bar: microseconds, and what is written at its end.
pub(super) struct Bar {
    pub(super) us: f64,
    pub(super) spread: Option<Spread>,
    pub(super) label: String,
    pub(super) colour: RGBColor,
    pub(super) bold: bool,
}

impl Bar {
    /// All that needs a place on the scale.
    pub(super) fn values(&self) -> [f64; 3] {
        let (low, high) = self.spread.unwrap_or((self.us, self.us));
        [low, self.us, high]
    }
}

/// A row: what it is of, its bars, none where there is nothing to show.
pub(super) struct Row {
    pub(super) name: String,
    pub(super) bold: bool,
    pub(super) bars: Vec<Bar>,
}

/// How much room there is, in pixels.
#[derive(Clone, Copy)]
pub(super) struct Room {
    pub(super) row: u32,
    /// For what is written behind the longest bar.
    pub(super) label: u32,
}

/// The height of so many rows with what is above and below them.
pub(super) fn height(rows: usize, room: Room) -> u32 {
    ABOVE + BELOW + room.row * rows as u32
}

/// The middle of a row, from the top.
pub(super) fn middle(index: u32, room: Room) -> i32 {
    (ABOVE + room.row * index + room.row / 2) as i32
}

/// The names of the rows, beside [`draw`]'s.
pub(super) fn names(area: &Area<'_>, rows: &[Row], room: Room) -> Result<(), Failure> {
    let right = area.dim_in_pixel().0 as i32 - 10;
    for (row, index) in rows.iter().zip(0..) {
        let place = (right, middle(index, room));
        area.draw(&Text::new(row.name.as_str(), place, words(WORDS, INK, row.bold).pos(RIGHT)))?;
    }
    Ok(())
}

/// The rows' bars under a title, on a scale of microseconds that begins where its range does.
pub(super) fn draw<X>(area: &Area<'_>, title: &str, rows: &[Row], room: Room, scale: X) -> Result<(), Failure>
where
    X: AsRangedCoord<Value = f64, CoordDescType: Ranged<ValueType = f64> + ValueFormatter<f64>>,
{
    area.draw(&Text::new(title, (0, ABOVE as i32 / 2), words(WORDS, INK, true).pos(LEFT)))?;
    let mut chart = ChartBuilder::on(area)
        .margin_top(ABOVE)
        .margin_bottom(BELOW - 26)
        .margin_right(room.label)
        .x_label_area_size(26)
        .build_cartesian_2d(scale, rows.len() as f64..0.0)?;
    chart
        .configure_mesh()
        .disable_y_mesh()
        .disable_y_axis()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GRID)
        .axis_style(GRID)
        .x_labels(6)
        .x_label_formatter(&|us| time_mark(*us))
        .x_label_style(words(11, DARK_GREY, false))
        .draw()?;
    let start = chart.x_range().start;
    for (row, index) in rows.iter().zip(0_u32..) {
        let thickness = (1.0 - 2.0 * GAP) / row.bars.len().max(1) as f64;
        for (bar, nth) in row.bars.iter().zip(0_u32..) {
            let top = f64::from(index) + GAP + thickness * f64::from(nth);
            let (middle, bottom) = (top + thickness / 2.0, top + thickness);
            let shape = Rectangle::new([(start, top), (bar.us, bottom)], bar.colour.filled());
            chart.draw_series([shape])?;
            let mut end = bar.us;
            if let Some((low, high)) = bar.spread {
                let line = PathElement::new([(low.max(start), middle), (high, middle)], INK.stroke_width(1));
                chart.draw_series([line])?;
                end = end.max(high);
            }
            let (x, y) = chart.backend_coord(&(end, middle));
            let (left, top) = area.get_pixel_range();
            let place = (x - left.start + 7, y - top.start);
            area.draw(&Text::new(bar.label.as_str(), place, words(12, INK, bar.bold).pos(LEFT)))?;
        }
    }
    Ok(())
}
