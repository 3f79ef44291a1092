//! What the library takes beside its floor, in pairs of bars.

use super::bars::{self, Bar, Room, Row};
use super::canvas::{ends, picture, time, BLUE, GREY, HEAD, MARGIN};
use super::shape::{Managed, Steps};
use super::table::{image, measured_on, ratio_or_none, time_or_none, Table};
use super::{Failure, Made};
use crate::machine::Machine;

const WIDTH: u32 = 800;
const NAMES: u32 = 190;
const ROOM: Room = Room { row: 46, label: 76 };

/// What was done, and the microseconds of the library and of the floor.
type Pair = (&'static str, Option<f64>, Option<f64>);

/// The steps of a join.
pub(super) fn steps(steps: &Steps) -> Result<Made, Failure> {
    let drawn = [
        ("create a sandbox", steps.namespace_us, steps.namespace_floor_us),
        ("join it to a bridge", steps.veth_us, steps.veth_floor_us),
        ("join it, IPv4 and IPv6", steps.dual_stack_veth_us, steps.dual_stack_veth_floor_us),
        ("destroy it", steps.destroy_us, steps.destroy_floor_us),
    ];
    let [create, join, dual_stack, destroy] = drawn;
    let whole = ("create and join it", steps.join_us, steps.join_floor_us);
    let floor = steps.add_interface_us.zip(steps.add_interface_over_floor).map(|(us, ratio)| us / ratio);
    let moved = ("move a device that exists", steps.add_interface_us, floor);
    let listed = [create, join, whole, dual_stack, destroy, moved];
    made("steps", "The steps of a join, beside the floor", &drawn, &listed, steps.machine.as_ref())
}

/// What the controller adds, and joins without a bridge.
pub(super) fn controller(managed: &Managed) -> Result<Made, Failure> {
    let pairs = [
        ("sandbox and network", managed.raw_join_us, managed.join_floor_us),
        ("controller", managed.controller_join_us, managed.join_floor_us),
        ("the first 60, routed", managed.routed_at_60_us, managed.routed_floor_at_60_us),
        ("the last 60 of 5,000, routed", managed.routed_at_5000_us, managed.routed_floor_at_5000_us),
    ];
    let title = "Create and join, by the foundation and the controller";
    made("controller", title, &pairs, &pairs, managed.machine.as_ref())
}

fn made(
    name: &'static str,
    title: &str,
    drawn: &[Pair],
    listed: &[Pair],
    machine: Option<&Machine>,
) -> Result<Made, Failure> {
    let rows = match drawn.iter().map(row).collect::<Result<Vec<_>, _>>() {
        Ok(rows) => rows,
        Err(name) => return Ok(Made::nothing(format!("no figures of \"{name}\""))),
    };
    let height = HEAD as u32 + bars::height(rows.len(), ROOM) - bars::ABOVE;
    let more = "Medians, in turn. Blue: libnetns. Grey: the floor, raw netlink that does the same.";
    let svg = picture((WIDTH, height), title, more, |area| {
        // There is no title over the bars.
        let (names, bars) =
            area.margin(HEAD - bars::ABOVE as i32, 0, MARGIN, MARGIN).split_horizontally(NAMES);
        bars::names(&names, &rows, ROOM)?;
        let (_, most) = ends(rows.iter().flat_map(|row| &row.bars).map(|bar| bar.us));
        bars::draw(&bars, "", &rows, ROOM, 0.0..most)
    })?;
    let mut table = Table::new(["", "libnetns", "floor", "ratio"]);
    for &(name, ours, floor) in listed {
        table.row([name.to_owned(), time_or_none(ours), time_or_none(floor), ratio_or_none(ours, floor)]);
    }
    let text = format!("{}{}{}", image(title, name), measured_on(machine), table.text());
    Ok(Made::picture(svg, name, text))
}

/// The row, or what has no figures.
fn row(&(name, ours, floor): &Pair) -> Result<Row, &'static str> {
    let (ours, floor) = ours.zip(floor).ok_or(name)?;
    let bar = |us, colour, bold| Bar { us, spread: None, label: time(us), colour, bold };
    Ok(Row { name: name.to_owned(), bold: false, bars: vec![bar(ours, BLUE, true), bar(floor, GREY, false)] })
}
