//! A picture of the figures, for the README.

use std::fmt::Write;

const WIDTH: f64 = 720.0;
const LEFT: f64 = 190.0;
const ROW: f64 = 44.0;
const BAR: f64 = 14.0;

/// A row of the picture: what was done, and the microseconds of the library and of the floor.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// What was done.
    pub name: &'a str,
    /// The library's median in microseconds.
    pub ours: f64,
    /// The floor's median in microseconds.
    pub floor: f64,
}

/// The rows as an SVG document: two bars each, on one scale.
pub fn svg(rows: &[Row<'_>]) -> String {
    let longest = rows.iter().flat_map(|row| [row.ours, row.floor]).fold(1.0, f64::max);
    let scale = (WIDTH - LEFT - 90.0) / longest;
    let height = ROW * rows.len() as f64 + 30.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"white\"/>\n"
    );
    for (index, row) in rows.iter().enumerate() {
        let top = ROW * index as f64 + 8.0;
        let _ = writeln!(
            svg,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>",
            LEFT - 10.0,
            top + BAR + 4.0,
            row.name
        );
        for (line, (value, colour)) in [(row.ours, "#2f6f9f"), (row.floor, "#b8b8b8")].into_iter().enumerate()
        {
            let y = top + line as f64 * (BAR + 2.0);
            let length = value * scale;
            let _ = writeln!(
                svg,
                "<rect x=\"{LEFT}\" y=\"{y}\" width=\"{length:.1}\" height=\"{BAR}\" fill=\"{colour}\"/>\
                 <text x=\"{:.1}\" y=\"{}\">{value:.0} µs</text>",
                LEFT + length + 6.0,
                y + BAR - 3.0
            );
        }
    }
    let legend = height - 8.0;
    let _ = write!(
        svg,
        "<text x=\"{LEFT}\" y=\"{legend}\" fill=\"#555\">blue: libnetns, grey: the floor, raw netlink that does the same</text>\n</svg>\n"
    );
    svg
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_bar_fits_and_every_row_is_there() {
        let rows = [Row { name: "a", ours: 100.0, floor: 50.0 }, Row { name: "b", ours: 7.0, floor: 6.0 }];
        let svg = svg(&rows);
        assert!(svg.contains("width=\"440.0\"") && svg.contains("width=\"220.0\""), "{svg}");
        assert_eq!(svg.matches(" µs</text>").count(), 4);
        assert!(svg.contains(">a</text>") && svg.contains(">b</text>"));
    }
}
