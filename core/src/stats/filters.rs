//! The filters of a link that is metered.

use super::table::Entry;
use super::SlotId;
use crate::error::{ErrorKind, Result};
use crate::host::{self, Host};
use crate::link::traffic::FilterState;
use crate::link::{Direction, FilterSpec, LinkRef, Place};
use crate::plan::{apply, Action, Ground, Plan, Step};

/// What tells the host's namespace from every other.
pub(crate) fn namespace_of(host: &Host) -> Result<u64> {
    const BY_FILE: u64 = 1 << 63;
    host.cookie().or_else(|_| Ok(host.namespace().id().inode | BY_FILE))
}

/// What meters a link that is there. It goes with the link.
pub(crate) fn steps(id: SlotId, link: &LinkRef, place: Place) -> Plan {
    let mut plan = Plan::default();
    plan.steps.push(Step::new(place, Action::AddClsact(link.clone())).existing_ok());
    for direction in [Direction::Ingress, Direction::Egress] {
        let spec = FilterSpec { link: link.clone(), direction, slot: id.slot };
        plan.push(place, Action::AddFilter(spec));
    }
    plan
}

/// This library's filters that count for that slot.
pub(crate) fn of_slot(filters: &[FilterState], id: SlotId) -> usize {
    filters.iter().filter(|filter| filter.ours && filter.classid == u32::from(id.slot)).count()
}

/// Whether a filter of the host counts for this slot.
pub(super) fn counts_on(host: &Host, entry: &Entry) -> Result<bool> {
    Ok(of_slot(&host.filters(entry.owner.index)?, entry.id) > 0)
}

/// The filters of a link, of both directions; none when it is gone.
pub(crate) fn on_link(link: &LinkRef, place: Place, ground: &mut Ground<'_>) -> Result<Vec<FilterState>> {
    let index = link.index.unwrap_or(0);
    match (place, &mut ground.sandbox) {
        (Place::Sandbox, Some(inside)) => host::filters(&mut inside.socket, index),
        _ => ground.host.filters(index),
    }
}

/// Meters a link no more. What is gone is no error.
pub(crate) fn take_off(link: &LinkRef, place: Place, ground: &mut Ground<'_>) -> Result<()> {
    let alone = on_link(link, place, ground)?.iter().all(|filter| filter.ours);
    for step in removal(link, place, alone).steps {
        match apply(&Plan { steps: vec![step] }, ground) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// `alone` says that there are no filters but this library's.
fn removal(link: &LinkRef, place: Place, alone: bool) -> Plan {
    let mut plan = Plan::default();
    for direction in [Direction::Ingress, Direction::Egress] {
        let spec = FilterSpec { link: link.clone(), direction, slot: 0 };
        plan.push(place, Action::DeleteFilter(spec));
    }
    if alone {
        plan.push(place, Action::DeleteClsact(link.clone()));
    }
    plan
}
