//! When the addresses of a plan work: the kernel gets to those of IPv6 some time after it was told of them.

use std::net::IpAddr;
use std::time::Duration;

use super::apply::{Ground, Run};
use super::{Action, Plan, Step};
use crate::error::{Error, Result};
use crate::host::{self, Host};
use crate::link::Place;
use crate::netlink::RouteSocket;
use crate::sys;

/// How long the kernel may take until it answers to a new address: some milliseconds on a busy machine.
const PATIENCE: Duration = Duration::from_millis(100);

/// Addresses, each with the index of its link, to which the kernel may not answer yet.
#[derive(Default)]
#[must_use = "what comes for the addresses before they are answered to is lost"]
pub(crate) struct Unanswered {
    host: Vec<(IpAddr, u32)>,
    sandbox: Vec<(IpAddr, u32)>,
}

impl Run<'_, '_, '_> {
    /// The IPv6 addresses that `plan` added.
    pub(super) fn unanswered(&self, plan: &Plan) -> Unanswered {
        let mut unanswered = Unanswered::default();
        for step in &plan.steps {
            let of_place = match step.place {
                Place::Host => &mut unanswered.host,
                Place::Sandbox => &mut unanswered.sandbox,
            };
            of_place.extend(self.added(step));
        }
        unanswered
    }

    fn added(&self, step: &Step) -> Option<(IpAddr, u32)> {
        let Action::AddAddress(spec) = &step.action else { return None };
        let address = Some(spec.address.addr()).filter(IpAddr::is_ipv6)?;
        Some((address, self.known_index(step.place, &step.action)?))
    }
}

impl Unanswered {
    /// Waits until the kernel answers to them, since what comes for them before that is lost. It has mostly got to
    /// them while the rest of the plan was carried out. Where it does not say, or takes too long, nobody waits: the
    /// addresses are there, and a first packet may be late.
    pub(crate) fn wait(self, ground: &mut Ground<'_>) {
        let inside = &mut ground.sandbox;
        let ask_inside = |question: Question<'_>| match inside.as_deref_mut() {
            Some(inside) => question(&mut inside.socket),
            None => Ok(()),
        };
        self.wait_by(ground.host, ask_inside);
    }

    /// [`Unanswered::wait`] where a question about the sandbox's is asked by `ask_inside`, one at a time.
    pub(crate) fn wait_by(self, host: &Host, ask_inside: impl FnMut(Question<'_>) -> Result<()>) {
        wait(self.host, Place::Host, |question| question(&mut host.socket()));
        wait(self.sandbox, Place::Sandbox, ask_inside);
    }
}

/// What is asked over a socket.
pub(crate) type Question<'a> = &'a mut dyn FnMut(&mut RouteSocket) -> Result<()>;

fn wait(mut pending: Vec<(IpAddr, u32)>, place: Place, mut ask: impl FnMut(Question<'_>) -> Result<()>) {
    if pending.is_empty() {
        return;
    }
    let answered = sys::persevere(PATIENCE, || {
        ask(&mut |socket| host::keep_unanswered(socket, &mut pending))?;
        Ok::<_, Error>(pending.is_empty())
    });
    match answered {
        Ok(true) => {}
        // It says so, too, of those that somebody has taken off meanwhile.
        Ok(false) => log::warn!("in {place}: the kernel does not answer to {pending:?} yet"),
        Err(error) => log::debug!("in {place}: not known whether the kernel answers: {error}"),
    }
}
