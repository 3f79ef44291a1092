//! What each tool takes to connect a container.

use plotters::prelude::*;

use super::bars::{self, Bar, Room, Row};
use super::canvas::{
    logarithmic, picture, time, times, words, Area, Spread, BLUE, DARK_GREY, GREY, HEAD, INK, LEFT, MARGIN,
    RIGHT, SKY,
};
use super::shape::{ByTool, Peers};
use super::table::{first_line, image, measured_on, Table};
use super::{Block, Failure, Made};

/// What the others are compared with.
const OURS: &str = "libnetns, Rust";
const FLOOR: &str = "floor";
const WIDTH: u32 = 1000;
const NAMES: u32 = 210;
const PANEL: u32 = 230;
/// What the ratios take, behind the first panel.
const RATIOS: u32 = 60;
const FOOT: &str = "floor: raw netlink, the least that does the job. Ratio: to what libnetns takes from Rust. No bar: the tool does not do \
                    that by itself.";
const FOOT_LINE: u32 = 18;
const ROOM: Room = Room { row: 25, label: 62 };

/// Microseconds.
type Figure = (f64, Option<Spread>);

/// A tool, in microseconds.
struct Tool<'a> {
    name: &'a str,
    attach: f64,
    spread: Option<Spread>,
    whole: Option<f64>,
    detach: Option<f64>,
    version: &'a str,
}

pub(super) fn make(peers: &Peers) -> Result<Made, Failure> {
    let series =
        [("attach_ms", &peers.attach_ms), ("whole_ms", &peers.whole_ms), ("detach_ms", &peers.detach_ms)];
    for (name, by_tool) in series {
        if by_tool.values().flatten().next().is_none() {
            return Ok(Made::nothing(format!("nothing in {name}")));
        }
    }
    let tools = tools(peers);
    let ours = tools.iter().find(|tool| tool.name == OURS).map(|tool| tool.attach);
    let image = image("connecting a container, by tool, on a logarithmic scale", "attach");
    let rest = [measured_on(peers.machine.as_ref()), table(&tools, ours), not_measured(peers)].concat();
    Ok(Made {
        picture: Ok(draw(peers, &tools, ours)?),
        blocks: vec![
            Block { name: "attach", text: format!("{image}{rest}") },
            Block { name: "attach-picture", text: image },
        ],
    })
}

/// The fastest first.
fn tools(peers: &Peers) -> Vec<Tool<'_>> {
    let of = |by_tool: &ByTool, name: &str| {
        by_tool.get(name).copied().flatten().map(|ms| ms * 1e3).filter(|us| *us > 0.0)
    };
    let named = peers.attach_ms.keys().filter_map(|name| {
        Some(Tool {
            name,
            attach: of(&peers.attach_ms, name)?,
            spread: of(&peers.attach_p10_ms, name).zip(of(&peers.attach_p90_ms, name)),
            whole: of(&peers.whole_ms, name),
            detach: of(&peers.detach_ms, name),
            version: peers.versions.get(name).map(|version| first_line(version)).unwrap_or_default(),
        })
    });
    let mut tools: Vec<_> = named.collect();
    tools.sort_by(|a, b| a.attach.total_cmp(&b.attach));
    tools
}

fn draw(peers: &Peers, tools: &[Tool<'_>], ours: Option<f64>) -> Result<String, Failure> {
    let height = HEAD as u32 + bars::height(tools.len(), ROOM);
    let foot = foot(peers);
    let room = FOOT_LINE * foot.len() as u32 + 10;
    let more =
        "Medians, logarithmic; the tools take turns in one host. Thin lines: 10 % to 90 % of the samples.";
    let attach = rows_of(tools, |tool| Some((tool.attach, tool.spread)));
    let whole = rows_of(tools, |tool| tool.whole.map(|us| (us, None)));
    let detach = rows_of(tools, |tool| tool.detach.map(|us| (us, None)));
    // One for all panels, so that bars of two of them can be compared.
    let all = [&attach, &whole, &detach].into_iter().flatten().flat_map(|row| &row.bars);
    let (range, marks) = logarithmic(all.flat_map(Bar::values));
    let scale = || range.clone().log_scale().with_key_points(marks.clone());
    picture((WIDTH, height + room), "Connecting a container, by tool", more, |area| {
        let (rows, under) = area.margin(HEAD, 0, MARGIN, MARGIN).split_vertically(height - HEAD as u32);
        let (names, rows) = rows.split_horizontally(NAMES);
        bars::names(&names, &attach, ROOM)?;
        let (first, rows) = rows.split_horizontally(PANEL);
        bars::draw(&first, "attach to a namespace", &attach, ROOM, scale())?;
        let (between, rows) = rows.split_horizontally(RATIOS);
        ratios(&between, tools, ours)?;
        let (second, third) = rows.split_horizontally(PANEL);
        bars::draw(&second, "whole, namespace included", &whole, ROOM, scale())?;
        bars::draw(&third, "detach", &detach, ROOM, scale())?;
        for (line, index) in foot.iter().zip(0..) {
            let place = (0, 10 + FOOT_LINE as i32 * index);
            under.draw(&Text::new(line.as_str(), place, words(12, DARK_GREY, false).pos(LEFT)))?;
        }
        Ok(())
    })
}

/// What the tools take to attach, as a multiple of what the library takes.
fn ratios(area: &Area<'_>, tools: &[Tool<'_>], ours: Option<f64>) -> Result<(), Failure> {
    let Some(ours) = ours else { return Ok(()) };
    let right = RATIOS as i32 - 20;
    area.draw(&Text::new("ratio", (right, bars::ABOVE as i32 / 2), words(12, DARK_GREY, false).pos(RIGHT)))?;
    for (tool, index) in tools.iter().zip(0..) {
        let place = (right, bars::middle(index, ROOM));
        let style = words(12, INK, is_own(tool.name)).pos(RIGHT);
        area.draw(&Text::new(times(tool.attach / ours), place, style))?;
    }
    Ok(())
}

/// A row a tool, with its bar where it has that figure.
fn rows_of(tools: &[Tool<'_>], figure: fn(&Tool<'_>) -> Option<Figure>) -> Vec<Row> {
    let row = |tool: &Tool<'_>| {
        let bold = is_own(tool.name);
        let bar = |(us, spread)| Bar { us, spread, label: time(us), colour: colour(tool.name), bold };
        Row { name: tool.name.to_owned(), bold, bars: figure(tool).map(bar).into_iter().collect() }
    };
    tools.iter().map(row).collect()
}

fn is_own(tool: &str) -> bool {
    tool.starts_with("libnetns")
}

fn colour(tool: &str) -> RGBColor {
    match tool {
        OURS => BLUE,
        FLOOR => DARK_GREY,
        tool if is_own(tool) => SKY,
        _ => GREY,
    }
}

/// What is under the picture.
fn foot(peers: &Peers) -> Vec<String> {
    let mut lines = vec![FOOT.to_owned()];
    let names: Vec<_> = peers.not_measured.keys().map(String::as_str).collect();
    match names.join("; ") {
        names if names.is_empty() => {}
        names if names.len() > FOOT.len() => {
            lines.push(format!("Not measured: {} tools.", peers.not_measured.len()));
        }
        names => lines.push(format!("Not measured: {names}.")),
    }
    lines
}

fn not_measured(peers: &Peers) -> String {
    let reasons = peers.not_measured.iter().map(|(name, why)| format!("{name} ({})", first_line(why)));
    let reasons: Vec<_> = reasons.collect();
    match reasons.is_empty() {
        true => String::new(),
        false => format!("\nNot measured: {}.\n", reasons.join("; ")),
    }
}

fn table(tools: &[Tool<'_>], ours: Option<f64>) -> String {
    let mut table = Table::new(["tool", "attach", "10 % to 90 %", "ratio", "whole", "detach", "version"]);
    let or_none = |value: Option<String>| value.unwrap_or_else(|| "–".to_owned());
    for tool in tools {
        table.row([
            tool.name.to_owned(),
            time(tool.attach),
            or_none(tool.spread.map(|(low, high)| format!("{} to {}", time(low), time(high)))),
            or_none(ours.map(|ours| times(tool.attach / ours))),
            or_none(tool.whole.map(time)),
            or_none(tool.detach.map(time)),
            tool.version.to_owned(),
        ]);
    }
    table.text()
}
