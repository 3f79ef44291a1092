//! Bringing up what a container is to have, whole or not at all.

use std::panic::{catch_unwind, resume_unwind, AssertUnwindSafe};

use super::configs::ParsedRoute;
use super::container::{Container, Done};
use super::pair::HostEnd;
use super::wanted::Wanted;
use super::{Network, NetworkState, Target};
use crate::error::{Error, Result};
use crate::link::{InterfaceName, LinkRef, RouteSpec};
use crate::plan::{Action, Plan};

/// What was brought up.
#[derive(Default)]
pub(super) struct Up {
    /// As it was wanted.
    pub(super) networks: Vec<Brought>,
    /// What was done for it, in that order.
    done: Vec<Did>,
}

/// One network that is up.
pub(super) enum Brought {
    Loopback,
    /// The end in the host, and the other one's name.
    Pair(HostEnd, InterfaceName),
    /// What a strategy says, and the link that it left in the host.
    Strategy(NetworkState, Option<LinkRef>),
}

enum Did {
    Plan(Plan),
    Link(LinkRef),
}

impl Up {
    /// Brings up `wanted` in that order and then `routes`, in a container that is still there at the end.
    pub(super) fn bring(
        container: &mut Container,
        wanted: &[Wanted],
        routes: &[ParsedRoute],
        owner: &str,
    ) -> Result<Self> {
        let mut up = Self::default();
        up.or_take_back(container, |up, container| {
            up.bring_all(container, wanted, routes, owner)?;
            container.check_is_there()
        })?;
        Ok(up)
    }

    /// Takes all of it back when `f`, which may call a caller's function, fails or panics.
    pub(super) fn or_take_back(
        &mut self,
        container: &mut Container,
        f: impl FnOnce(&mut Self, &mut Container) -> Result<()>,
    ) -> Result<()> {
        match catch_unwind(AssertUnwindSafe(|| f(self, container))) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(error.with_rollback(self.take_back(container))),
            Err(panic) => {
                self.take_back(container);
                resume_unwind(panic)
            }
        }
    }

    fn bring_all(
        &mut self,
        container: &mut Container,
        wanted: &[Wanted],
        routes: &[ParsedRoute],
        owner: &str,
    ) -> Result<()> {
        let numbered: Vec<_> = wanted.iter().enumerate().collect();
        let mut parts: Vec<_> =
            numbered.chunk_by(|(_, a), (_, b)| a.is_planned() && b.is_planned()).collect();
        // Routes come last, in one go with the networks before them where those are planned.
        if !routes.is_empty() && !wanted.last().is_some_and(Wanted::is_planned) {
            parts.push(&[]);
        }
        let last = parts.len().saturating_sub(1);
        for (part, networks) in parts.into_iter().enumerate() {
            if let [(number, Wanted::Strategy(strategy, network))] = networks {
                let brought = container.bring_by(&**strategy, network);
                let (state, link) = brought.map_err(|error| error.within("bring up network", number))?;
                self.done.extend(link.clone().map(Did::Link));
                self.networks.push(Brought::Strategy(state, link));
                continue;
            }
            let done = container.bring(networks, if part == last { routes } else { &[] }, owner)?;
            self.add(done);
        }
        Ok(())
    }

    fn add(&mut self, done: Done) {
        let brought = |end: Option<(HostEnd, InterfaceName)>| {
            end.map_or(Brought::Loopback, |(end, inner)| Brought::Pair(end, inner))
        };
        self.networks.extend(done.ends.into_iter().map(brought));
        self.done.push(Did::Plan(done.plan));
    }

    /// The routes of all plans, those of interfaces too.
    pub(super) fn routes(&self) -> impl Iterator<Item = &RouteSpec> {
        let steps = self.done.iter().flat_map(|did| match did {
            Did::Plan(plan) => plan.steps.as_slice(),
            Did::Link(_) => &[],
        });
        steps.filter_map(|step| match &step.action {
            Action::AddRoute(spec) => Some(spec),
            _ => None,
        })
    }

    /// Takes back all of it; returns what could not be.
    fn take_back(&mut self, container: &mut Container) -> Vec<Error> {
        let mut failures = Vec::new();
        for did in self.done.drain(..).rev() {
            match did {
                Did::Plan(plan) => failures.extend(container.take_back(&plan)),
                Did::Link(link) => failures.extend(container.delete(&link).err()),
            }
        }
        failures
    }
}

/// Gives the container of `target` its network at once (seed `001`: a strategy's `Create` and `Initialize`).
///
/// The end is the same as of the two calls, with one difference: a `veth`'s inner end is born under its final
/// name, which the state says, configured and up. That takes a fraction of the time. The calling thread is in
/// the host's namespace before and after.
///
/// # Errors
/// NotFound for a type that is not known, with the known ones, when there is no such container or it ends
/// meanwhile, and when there is no such bridge; BadRequest when something is not specified or cannot be read,
/// when the bridge is no bridge, the gateway not in the address's subnet, and when the container has no network
/// namespace of its own; AlreadyExists when the container has an `eth0`, a default route where there is
/// a gateway, or a route that the address overlaps; PermissionDenied without `CAP_NET_ADMIN` and
/// `CAP_SYS_ADMIN` over both namespaces. Nothing is left behind.
pub fn setup(network: &Network, target: &Target) -> Result<NetworkState> {
    let set_up = || {
        let wanted = Wanted::of(network)?;
        let mut container = Container::open(target)?;
        let owner = container.namespace().id().to_string();
        let up = Up::bring(&mut container, &[wanted], &[], &owner)?;
        let state = up.networks.into_iter().next().map(|brought| match brought {
            Brought::Loopback => NetworkState::default(),
            Brought::Pair(end, inner) => state_of(&end, &inner),
            Brought::Strategy(state, _) => state,
        });
        Ok(state.unwrap_or_default())
    };
    set_up().map_err(|error: Error| error.within("set up network", format_args!("of {target}")))
}

/// What a pair's state says.
pub(super) fn state_of(end: &HostEnd, inner: &InterfaceName) -> NetworkState {
    let (veth_host, veth_child) = (end.name.to_string(), inner.to_string());
    NetworkState { veth_host, veth_child, ns_path: String::new() }
}
