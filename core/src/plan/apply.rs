//! The one place that brings plans to the kernel.

use std::collections::HashMap;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};

use super::answer::Unanswered;
use super::{Action, Plan, Step, Undo};
use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;
use crate::link::{message, parse, traffic, Direction, InterfaceName, LinkRef, MoveSpec, Place};
use crate::netlink::{Refusal, Request, RouteSocket};
use crate::sys::{self, Ipv6Default, Namespace};

/// The inside of a sandbox, as far as plans need it.
pub(crate) struct Inside {
    pub(crate) namespace: Namespace,
    pub(crate) socket: RouteSocket,
    pub(crate) ipv6: Ipv6Default,
}

/// The BPF programs that count, of the kind that filters run (`BPF_PROG_TYPE_SCHED_CLS`).
pub(crate) struct Programs {
    pub(crate) ingress: OwnedFd,
    pub(crate) egress: OwnedFd,
}

/// The namespaces that a plan's places stand for, and what its steps are carried out with.
pub(crate) struct Ground<'a> {
    pub(crate) host: &'a Host,
    pub(crate) sandbox: Option<&'a mut Inside>,
    /// What filters take; none for plans that add no filters.
    pub(crate) programs: Option<&'a Programs>,
}

/// Carries `plan` out: one send for each run of steps in the same place, which a step that creates a
/// link ends. On a failure undoes what had succeeded, the last step first, and reports both.
pub(crate) fn apply(plan: &Plan, ground: &mut Ground<'_>) -> Result<()> {
    apply_unanswered(plan, ground).map(|unanswered| unanswered.wait(ground))
}

/// As [`apply`], without waiting until the kernel answers to addresses that are new.
pub(crate) fn apply_unanswered(plan: &Plan, ground: &mut Ground<'_>) -> Result<Unanswered> {
    carry_out(plan, ground, None)
}

/// As [`apply`] for steps in the host alone, of which moves to the sandbox lead to `target`. That is not
/// entered, so the right to use it is enough, and what has moved cannot be brought back.
pub(crate) fn apply_towards(plan: &Plan, host: &Host, target: &Namespace) -> Result<()> {
    let mut ground = Ground { host, sandbox: None, programs: None };
    carry_out(plan, &mut ground, Some(target)).map(|unanswered| unanswered.wait(&mut ground))
}

fn carry_out(plan: &Plan, ground: &mut Ground<'_>, target: Option<&Namespace>) -> Result<Unanswered> {
    log::debug!("apply {} steps:\n{plan}", plan.steps.len());
    let mut run = Run { ground, target, indices: HashMap::new(), done: Vec::new(), strayed: Vec::new() };
    let mut rest = plan.steps.as_slice();
    while let Some(first) = rest.first() {
        let outcome = match &first.action {
            Action::SetIpv6Default(on) => run.set_ipv6_default(first, *on).map(|()| 1),
            action if action.is_message() => run.batch(rest),
            action => run.write(first.place, action).map(|()| {
                run.done.push(first);
                1
            }),
        };
        match outcome {
            Ok(taken) => rest = &rest[taken..],
            Err(error) => return Err(error.with_rollback(run.undo())),
        }
    }
    Ok(run.unanswered(plan))
}

/// Undoes `plan`, which was carried out, the last step first, and returns what could not be undone. What is
/// gone by now is no failure.
pub(crate) fn take_back(plan: &Plan, ground: &mut Ground<'_>) -> Vec<Error> {
    let done = plan.steps.iter().collect();
    Run { ground, target: None, indices: HashMap::new(), done, strayed: Vec::new() }.undo()
}

pub(super) struct Run<'a, 'ground, 'plan> {
    ground: &'a mut Ground<'ground>,
    /// Where moves to the sandbox lead when there is none to work in.
    target: Option<&'a Namespace>,
    /// Indices that had to be asked for.
    indices: HashMap<(Place, InterfaceName), u32>,
    /// Steps that are to be undone when a later one fails.
    done: Vec<&'plan Step>,
    /// Moves that were refused, of which the kernel may have carried out the first part.
    strayed: Vec<&'plan Step>,
}

impl<'plan> Run<'_, '_, 'plan> {
    fn inside(&mut self) -> Result<&mut Inside> {
        let none = || {
            Error::bad_request("apply plan", "a step in the sandbox", "there is no sandbox to apply it to")
        };
        self.ground.sandbox.as_deref_mut().ok_or_else(none)
    }

    pub(super) fn with_socket<T>(
        &mut self,
        place: Place,
        f: impl FnOnce(&mut RouteSocket) -> Result<T>,
    ) -> Result<T> {
        match place {
            Place::Host => f(&mut self.ground.host.socket()),
            Place::Sandbox => f(&mut self.inside()?.socket),
        }
    }

    fn namespace(&mut self, place: Place) -> Result<RawFd> {
        Ok(match place {
            Place::Host => self.ground.host.namespace().as_fd().as_raw_fd(),
            Place::Sandbox => match self.target {
                Some(target) => target.as_fd().as_raw_fd(),
                None => self.inside()?.namespace.as_fd().as_raw_fd(),
            },
        })
    }

    fn program(&self, direction: Direction) -> Result<RawFd> {
        let programs = self.ground.programs.ok_or_else(|| {
            Error::bad_request(
                "apply plan",
                "a step that adds a counter",
                "no programs that count are loaded",
            )
        })?;
        Ok(match direction {
            Direction::Ingress => programs.ingress.as_raw_fd(),
            Direction::Egress => programs.egress.as_raw_fd(),
        })
    }

    fn set_ipv6_default(&mut self, step: &'plan Step, on: bool) -> Result<()> {
        let ipv6 = &mut self.inside()?.ipv6;
        ipv6.refresh()?;
        if ipv6.is_on() != on {
            ipv6.set(on)?;
            self.done.push(step);
        }
        Ok(())
    }

    /// Carries out an action that is a write to `/proc/sys`.
    fn write(&mut self, place: Place, action: &Action) -> Result<()> {
        match (action, place) {
            (Action::ChangeFirewall(changes), Place::Host) => {
                self.ground.host.with_firewall(|firewall| firewall.commit(changes))
            }
            (Action::FlushFlows(flows), Place::Host) => self.ground.host.flush_flows(flows),
            (Action::ForceIpv6Forwarding(link), Place::Host) => {
                self.ground.host.force_ipv6_forwarding(&link.name)
            }
            (Action::IgnoreRouters(link), Place::Host) => self.ground.host.ignore_routers(&link.name),
            (Action::SetIpv6Default(on), _) => self.inside()?.ipv6.set(*on),
            // The thread may be elsewhere than where the host's handle was made.
            (Action::SetSysctl(spec), Place::Host) => {
                self.ground.host.namespace().run(|| sys::write_sysctl(spec.path(), spec.value()))?
            }
            (Action::SetSysctl(spec), Place::Sandbox) => {
                self.inside()?.namespace.run(|| sys::write_sysctl(spec.path(), spec.value()))?
            }
            (Action::TurnOffIpv6(link), Place::Host) => self.ground.host.turn_off_ipv6(&link.name),
            _ => Err(Error::bad_request("apply plan", action.to_string(), "this is for the host")),
        }
    }

    /// Sends as many of the first steps as share a place and have their indices known, and returns
    /// how many that were.
    fn batch(&mut self, steps: &'plan [Step]) -> Result<usize> {
        let place = steps[0].place;
        let mut requests = Vec::new();
        for step in steps {
            let ends = step.place != place || (!step.action.is_message() && !requests.is_empty());
            // The link may be one that an earlier step of this batch makes: send that first.
            if ends || (!requests.is_empty() && self.known_index(place, &step.action).is_none()) {
                break;
            }
            requests.push(self.request(place, &step.action)?);
            // The kernel goes on past a refusal, and what follows must not reach a link that was there
            // before under this name or index.
            if matches!(step.action, Action::CreateLink(_)) {
                break;
            }
        }
        let steps = &steps[..requests.len()];
        let answers = match self.with_socket(place, |socket| socket.transact(&requests)) {
            Ok(answers) => answers,
            Err(error) => {
                // What became of the steps is unknown. Undoing what was not done is harmless, but for
                // a link that is known by its name alone and for what may have been there before.
                let is_sure = |step: &&Step| {
                    let by_name = matches!(&step.action, Action::CreateLink(spec) if spec.index.is_none());
                    !by_name && !step.existing_ok
                };
                self.done.extend(steps.iter().filter(is_sure));
                return Err(error);
            }
        };
        self.judge(steps, answers)?;
        Ok(steps.len())
    }

    fn judge(&mut self, steps: &'plan [Step], answers: Vec<Result<(), Refusal>>) -> Result<()> {
        let mut first_error = None;
        for (step, answer) in steps.iter().zip(answers) {
            match answer {
                Ok(()) => self.done.push(step),
                Err(refusal) if step.existing_ok && refusal.errno == libc::EEXIST => {}
                Err(refusal) => {
                    if matches!(step.action, Action::MoveLink(_)) && refusal.errno != libc::ENODEV {
                        self.strayed.push(step);
                    }
                    first_error.get_or_insert_with(|| refused(step.place, &step.action, refusal));
                }
            }
        }
        first_error.map_or(Ok(()), Err)
    }

    /// The index that `action` needs, 0 when it needs none, `None` when it must be asked for.
    pub(super) fn known_index(&self, place: Place, action: &Action) -> Option<u32> {
        let Some(link) = action.link() else { return Some(0) };
        link.index.or_else(|| self.indices.get(&(place, link.name.clone())).copied())
    }

    fn index(&mut self, place: Place, link: &LinkRef) -> Result<u32> {
        let Some(index) = self.find(place, &link.name)? else {
            let error = Error::new(ErrorKind::NotFound, "find link", link.name.as_str());
            return Err(error.with_cause(format!("there is no such link in the {place}")));
        };
        self.indices.insert((place, link.name.clone()), index);
        Ok(index)
    }

    fn request(&mut self, place: Place, action: &Action) -> Result<Request> {
        let index = match (self.known_index(place, action), action.link()) {
            (Some(index), _) => index,
            (None, Some(link)) => self.index(place, link)?,
            (None, None) => 0,
        };
        Ok(match action {
            Action::AddAddress(spec) => message::add_address(spec, index),
            Action::AddClsact(_) => traffic::add_clsact(index),
            Action::AddFilter(spec) => traffic::add_filter(spec, index, self.program(spec.direction)?),
            Action::AddNeighbour(spec) => message::add_neighbour(spec, index),
            Action::AddProxy(spec) => message::add_proxy(spec, index),
            Action::AddRoute(spec) => message::add_route(spec, index),
            Action::CreateLink(spec) => {
                spec.check()?;
                let elsewhere = spec.other_place().filter(|other| *other != place);
                let elsewhere = elsewhere.map(|other| self.namespace(other)).transpose()?;
                message::create_link(spec, elsewhere, spec.attached_to().map(|_| index))
            }
            Action::DeleteAddress(spec) => message::delete_address(spec, index),
            Action::DeleteClsact(_) => traffic::delete_clsact(index),
            Action::DeleteFilter(spec) => traffic::delete_filter(spec, index),
            Action::DeleteLink(link) => message::delete_link(link),
            Action::DeleteNeighbour(spec) => message::delete_neighbour(spec, index),
            Action::DeleteProxy(spec) => message::delete_proxy(spec, index),
            Action::DeleteRoute(spec) => message::delete_route(spec, index),
            Action::MoveLink(spec) => message::move_link(spec, index, self.namespace(spec.to)?),
            Action::ChangeFirewall(_)
            | Action::FlushFlows(_)
            | Action::ForceIpv6Forwarding(_)
            | Action::IgnoreRouters(_)
            | Action::SetIpv6Default(_)
            | Action::SetSysctl(_)
            | Action::TurnOffIpv6(_) => {
                return Err(Error::bad_request(
                    "apply plan",
                    action.to_string(),
                    "this is no netlink message",
                ));
            }
            Action::SetLink(change) => {
                change.check()?;
                message::set_link(change, change.master.as_ref().map(|_| index))
            }
            Action::SyncLink(link) => message::sync_link(link),
        })
    }

    /// Takes back what was done, the last step first, and returns what could not be taken back.
    fn undo(mut self) -> Vec<Error> {
        let mut failures: Vec<_> = std::mem::take(&mut self.strayed)
            .into_iter()
            .filter_map(|step| self.bring_back(step).err())
            .collect();
        while let Some(step) = self.done.pop() {
            for undo in &step.undo {
                // An index may have gone with a link that moved.
                self.indices.clear();
                match self.undo_one(undo.place, &undo.action) {
                    Err(error) if error.kind() != ErrorKind::NotFound => failures.push(error),
                    _ => {}
                }
            }
        }
        failures
    }

    /// Undoes a move that was refused after it had begun: the kernel moves a link first, and gives it
    /// its MAC address, MTU and name afterwards.
    fn bring_back(&mut self, step: &Step) -> Result<()> {
        let Action::MoveLink(spec) = &step.action else { return Ok(()) };
        let index = self.find(step.place, &spec.link.name)?;
        if index.is_some() && (spec.link.index.is_none() || index == spec.link.index) {
            return Ok(());
        }
        let index_there = spec.index.or(spec.link.index);
        let mut there = None;
        for name in [&spec.link.name, &spec.name] {
            if index_there.is_some() && self.find(spec.to, name)? == index_there {
                there = index_there.map(|index| LinkRef::indexed(name.clone(), index));
            }
        }
        let Some(there) = there else {
            let error = Error::new(ErrorKind::NotFound, "find link", spec.link.name.as_str());
            return Err(error.with_cause(format!("it left the {} and is not to be found", step.place)));
        };
        let mut back = MoveSpec {
            link: there.clone(),
            to: step.place,
            name: spec.link.name.clone(),
            index: None,
            mtu: None,
            mac: None,
            alias: None,
        };
        let mut rest = step.undo.as_slice();
        if let Some((Undo { action: Action::MoveLink(known), .. }, others)) = rest.split_first() {
            back = MoveSpec { link: there, ..known.clone() };
            rest = others;
        }
        self.undo_one(spec.to, &Action::MoveLink(back))?;
        self.indices.clear();
        rest.iter().try_for_each(|undo| self.undo_one(undo.place, &undo.action))
    }

    /// The index of the link of that name; `None` when there is none.
    fn find(&mut self, place: Place, name: &InterfaceName) -> Result<Option<u32>> {
        let answer = self.with_socket(place, |socket| socket.get(&message::get_link(name)))?;
        Ok(answer.as_ref().and_then(parse::link).map(|link| link.index))
    }

    fn undo_one(&mut self, place: Place, action: &Action) -> Result<()> {
        if !action.is_message() {
            return self.write(place, action);
        }
        let request = self.request(place, action)?;
        let answer = self.with_socket(place, |socket| socket.transact_one(request))?;
        match (answer, action) {
            // To be back matters more than to have the old index back.
            (Err(refusal), Action::MoveLink(spec))
                if refusal.errno == libc::EBUSY && spec.index.is_some() =>
            {
                self.undo_one(place, &Action::MoveLink(MoveSpec { index: None, ..spec.clone() }))
            }
            (answer, _) => answer.map_err(|refusal| refused(place, action, refusal)),
        }
    }
}

fn refused(place: Place, action: &Action, refusal: Refusal) -> Error {
    let error = Error::from_errno(format!("in {place}:"), action.to_string(), refusal.errno);
    let mut error = error.with_kernel_message(refusal.message);
    if let Some(kind) = action.kind_of(refusal.errno) {
        error = error.with_kind(kind);
    }
    match action.likely_cause(refusal.errno) {
        Some(cause) => error.with_cause(cause),
        None => error,
    }
}
