//! When the addresses of a plan work: the kernel gets to those of IPv6 some time after it was told of them.

use std::net::IpAddr;
use std::time::Duration;

use super::apply::Run;
use super::{Action, Plan, Step};
use crate::error::Error;
use crate::host;
use crate::link::Place;
use crate::sys;

/// How long the kernel may take until it answers to a new address: some milliseconds on a busy machine. Others may
/// be waiting for this plan to end.
const PATIENCE: Duration = Duration::from_millis(100);

impl Run<'_, '_, '_> {
    /// Waits until the kernel answers to the IPv6 addresses that `plan` added, since what comes for them before
    /// that is lost. It has mostly got to them while the rest of the plan was carried out. Where it does not
    /// say, or takes too long, nobody waits: the addresses are there, and a first packet may be late.
    pub(super) fn await_addresses(&mut self, plan: &Plan) {
        for place in [Place::Host, Place::Sandbox] {
            let steps = plan.steps.iter().filter(|step| step.place == place);
            let mut pending: Vec<_> = steps.filter_map(|step| self.added(step)).collect();
            if pending.is_empty() {
                continue;
            }
            let answered = sys::persevere(PATIENCE, || {
                self.with_socket(place, |socket| host::keep_unanswered(socket, &mut pending))?;
                Ok::<_, Error>(pending.is_empty())
            });
            match answered {
                Ok(true) => {}
                Ok(false) => log::warn!("in {place}: the kernel does not answer to {pending:?} yet"),
                Err(error) => log::debug!("in {place}: not known whether the kernel answers: {error}"),
            }
        }
    }

    /// The IPv6 address that `step` added, and the index of its link.
    fn added(&self, step: &Step) -> Option<(IpAddr, u32)> {
        let Action::AddAddress(spec) = &step.action else { return None };
        let address = Some(spec.address.addr()).filter(IpAddr::is_ipv6)?;
        Some((address, self.known_index(step.place, &step.action)?))
    }
}
