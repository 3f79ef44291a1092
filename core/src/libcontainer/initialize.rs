//! What becomes of a pair's inner end when it is in the container.

use super::alias::{alias, Home};
use super::pair::Pair;
use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;
use crate::link::{InterfaceName, LinkChange, LinkRef, Mtu, Place};
use crate::plan::{apply, Action, Ground, Plan, Step, Undo};
use crate::sandbox::{settle, Opened};

/// Makes of the link `child` of the calling thread's namespace the interface that `pair` asks for.
pub(super) fn initialize(pair: &Pair, child: &InterfaceName) -> Result<()> {
    let host = Host::current()?;
    let mut opened = Opened::of(host.namespace().try_clone()?, host.namespace())?;
    let plan = plan(pair, child, &mut opened)?;
    apply(&plan, &mut Ground { host: &host, sandbox: Some(&mut opened.inside), programs: None })
}

fn plan(pair: &Pair, child: &InterfaceName, opened: &mut Opened) -> Result<Plan> {
    let mut survey = opened.survey()?;
    let at = survey.links.iter().position(|link| link.name == child.as_str());
    let Some(at) = at else {
        let error = Error::new(ErrorKind::NotFound, "find link", child.as_str());
        return Err(error.with_cause("there is no such link in the container"));
    };
    let link = survey.links.remove(at);
    survey.refuse_second_gateway(&pair.interface)?;
    let mut settled = settle(&pair.interface, None, &survey, &opened.inside.ipv6)?;
    settled.link.index = Some(link.index);
    settled.alias = alias(&opened.inside.namespace.id().to_string(), 0, Home::of(opened));

    let before = LinkRef::indexed(child.clone(), link.index);
    let set = |fill: &dyn Fn(&mut LinkChange)| {
        let mut change = LinkChange::new(before.clone());
        fill(&mut change);
        Action::SetLink(change)
    };
    let down = set(&|change| change.up = Some(false));
    let mut plan = Plan::default();
    if link.up {
        let up = Undo { place: Place::Sandbox, action: set(&|change| change.up = Some(true)) };
        plan.steps.push(Step::new(Place::Sandbox, down.clone()).undone_by(vec![up]));
    }
    let rename = set(&|change| {
        change.name = Some(settled.link.name.clone());
        change.mtu = pair.interface.mtu;
    });
    let back = set(&|change| {
        change.name = Some(child.clone());
        change.alias = Some(link.alias.clone().unwrap_or_default());
        change.mtu = pair.interface.mtu.and(Mtu::new(link.mtu).ok());
    });
    let undo = [down, back].map(|action| Undo { place: Place::Sandbox, action });
    plan.steps.push(Step::new(Place::Sandbox, rename).undone_by(undo.to_vec()));
    settled.after_birth(link.mac, &mut plan);
    plan.push(Place::Sandbox, Action::SyncLink(settled.link.clone()));
    Ok(plan)
}
