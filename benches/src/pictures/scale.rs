//! What grows with the number of sandboxes, and with the number of interfaces.

use plotters::style::RGBColor;

use super::canvas::{
    count, logarithmic, picture, Spread, BLUE, DARK_GREY, GREEN, HEAD, MARGIN, ORANGE, PURPLE,
};
use super::lines::{self, Look, Panel, Point, Series};
use super::shape::{Joins, Reads, Scale};
use super::table::{image, measured_on, ratio_or_none, time_or_none, Table};
use super::{Failure, Made};

/// A figure of a row.
type Figure<T> = fn(&T) -> (Option<f64>, Option<Spread>);
/// A series: its name, its name in the file, its colour, how it looks, its figures.
type Kind<T> = (&'static str, &'static str, RGBColor, Look, Figure<T>);

const JOINS: [Kind<Joins>; 3] = [
    ("plain way", "plain_us", ORANGE, Look::Plain, |row| {
        (row.plain_us, row.plain_p10_us.zip(row.plain_p90_us))
    }),
    ("libnetns", "ours_us", BLUE, Look::Bold, |row| (row.ours_us, row.ours_p10_us.zip(row.ours_p90_us))),
    ("floor", "floor_us", DARK_GREY, Look::Dashed, |row| {
        (row.floor_us, row.floor_p10_us.zip(row.floor_p90_us))
    }),
];
const READS: [Kind<Reads>; 5] = [
    ("sysfs", "sysfs_us", ORANGE, Look::Plain, |row| (row.sysfs_us, None)),
    ("/proc/net/dev", "proc_us", GREEN, Look::Plain, |row| (row.proc_us, None)),
    ("RTM_GETLINK", "getlink_us", PURPLE, Look::Plain, |row| (row.getlink_us, None)),
    ("RTM_GETSTATS", "getstats_us", DARK_GREY, Look::Plain, |row| (row.getstats_us, None)),
    ("libnetns", "ours_us", BLUE, Look::Bold, |row| (row.ours_us, None)),
];

pub(super) fn growth(scale: &Scale) -> Result<Made, Failure> {
    let of = |name, rows| series(name, rows, &JOINS, |row| row.sandboxes);
    let (bridge, routed) = match (of("bridge", &scale.bridge), of("routed", &scale.routed)) {
        (Ok(bridge), Ok(routed)) => (bridge, routed),
        (Err(why), _) | (_, Err(why)) => return Ok(Made::nothing(why)),
    };
    let more = "Medians, logarithmic; pale bars: 10 % to 90 %. Floor: raw netlink, the least that does it. Plain way: a pair \
                made in the host, moved and renamed.";
    let svg = picture((1000, 430), "Attaching one more, by how many there are", more, |area| {
        let (left, right) = area.margin(HEAD, 8, MARGIN, 0).split_horizontally(490);
        let times = logarithmic(bridge.iter().chain(&routed).flat_map(values));
        let panel = |title| Panel { title, counted: "sandboxes on the host", names: 142 };
        lines::draw(&left, &panel("on one bridge"), &bridge, times.clone())?;
        lines::draw(&right, &panel("routed, without a bridge"), &routed, times)
    })?;
    let mut table = Table::new([
        "sandboxes",
        "libnetns",
        "10 % to 90 %",
        "floor",
        "libnetns / floor",
        "plain way",
        "plain way / libnetns",
    ]);
    let mut add = |kind: &str, rows: &[Joins]| {
        for row in rows {
            table.row([
                format!("{kind}, {}", count(row.sandboxes)),
                time_or_none(row.ours_us),
                spread(row),
                time_or_none(row.floor_us),
                ratio_or_none(row.ours_us, row.floor_us),
                time_or_none(row.plain_us),
                ratio_or_none(row.plain_us, row.ours_us),
            ]);
        }
    };
    add("bridge", &scale.bridge);
    add("routed", &scale.routed);
    let image = image("attaching one more sandbox, by how many there are", "growth");
    Ok(Made::picture(
        svg,
        "growth",
        format!("{image}{}{}", measured_on(scale.machine.as_ref()), table.text()),
    ))
}

fn spread(row: &Joins) -> String {
    match row.ours_p10_us.zip(row.ours_p90_us) {
        Some((low, high)) => format!("{} to {}", time_or_none(Some(low)), time_or_none(Some(high))),
        None => time_or_none(None),
    }
}

pub(super) fn counters(scale: &Scale) -> Result<Made, Failure> {
    let read = match series("counters", &scale.counters, &READS, |row| row.interfaces) {
        Ok(read) => read,
        Err(why) => return Ok(Made::nothing(why)),
    };
    let more = "All counters of all interfaces in one go; medians, both axes logarithmic.";
    let svg = picture((1000, 460), "Reading counters, by the number of interfaces", more, |area| {
        let times = logarithmic(read.iter().flat_map(values));
        let panel = Panel { title: "", counted: "interfaces", names: 190 };
        lines::draw(&area.margin(HEAD - 16, 8, MARGIN, MARGIN), &panel, &read, times)
    })?;
    let mut table = Table::new([
        "interfaces",
        "libnetns",
        "RTM_GETSTATS",
        "RTM_GETLINK",
        "/proc/net/dev",
        "sysfs",
        "RTM_GETLINK / libnetns",
    ]);
    for row in &scale.counters {
        table.row([
            count(row.interfaces),
            time_or_none(row.ours_us),
            time_or_none(row.getstats_us),
            time_or_none(row.getlink_us),
            time_or_none(row.proc_us),
            time_or_none(row.sysfs_us),
            ratio_or_none(row.getlink_us, row.ours_us),
        ]);
    }
    let image = image("reading counters, by the number of interfaces", "counters");
    Ok(Made::picture(
        svg,
        "counters",
        format!("{image}{}{}", measured_on(scale.machine.as_ref()), table.text()),
    ))
}

/// The lines of a key's rows, or which figures are not there.
fn series<T>(
    key: &str,
    rows: &[T],
    kinds: &[Kind<T>],
    counted: fn(&T) -> f64,
) -> Result<Vec<Series>, String> {
    let line = |&(name, field, colour, look, figure): &Kind<T>| {
        let point = |row| {
            let (us, spread) = figure(row);
            Some(Point { count: counted(row), us: us.filter(|us| *us > 0.0)?, spread })
        };
        let mut points: Vec<_> = rows.iter().filter_map(point).collect();
        points.sort_by(|a, b| a.count.total_cmp(&b.count));
        match points.is_empty() {
            true => Err(format!("no {field} in {key}")),
            false => Ok(Series { name, colour, look, points }),
        }
    };
    kinds.iter().map(line).collect()
}

/// All that needs a place on the scale.
fn values(series: &Series) -> impl Iterator<Item = f64> + '_ {
    series.points.iter().flat_map(|point| {
        let (low, high) = point.spread.unwrap_or((point.us, point.us));
        [low, point.us, high]
    })
}
