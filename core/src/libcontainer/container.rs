//! A container whose network is being made.

use std::fs::File;
use std::os::fd::AsFd;
use std::panic::{catch_unwind, resume_unwind, AssertUnwindSafe};
use std::path::PathBuf;
use std::sync::{mpsc, Arc};
use std::time::Duration;

use super::alias::{alias, is_made_here, Home};
use super::assembly::Assembly;
use super::configs::ParsedRoute;
use super::pair::{HostEnd, HostName, Pair};
use super::wanted::Wanted;
use super::{Network, NetworkState, NetworkStrategy, Target};
use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;
use crate::link::{InterfaceName, LinkRef, Place};
use crate::network::engine;
use crate::plan::{apply, take_back, Action, Ground, Plan};
use crate::sandbox::Opened;
use crate::sys::{self, LockedFile, Namespace};

/// How often something is tried again because a name or an index was taken.
const TRIES: u32 = 10;

/// How long another setup of the same namespace is waited for, which takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(5);

/// A container's namespace, and the calling thread's as its host.
pub(super) struct Container {
    pub(super) host: Arc<Host>,
    opened: Opened,
    target: Target,
}

/// What was done, and how it can be taken back.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) plan: Plan,
    /// The ends in the host, for the networks that have one, with what the other ends are called.
    pub(super) ends: Vec<Option<(HostEnd, InterfaceName)>>,
}

impl Container {
    /// Opens the container's namespace, for which its process must not end before this returns.
    pub(super) fn open(target: &Target) -> Result<Self> {
        let host = Host::current()?;
        let namespace = target.namespace()?;
        if namespace.id() == host.namespace().id() {
            let cause = "it has no network namespace of its own: it shares the caller's";
            return Err(Error::bad_request("use container", target.to_string(), cause));
        }
        let opened = Opened::of(namespace, host.namespace())?;
        Ok(Self { host, opened, target: target.clone() })
    }

    pub(super) fn namespace(&self) -> &Namespace {
        &self.opened.inside.namespace
    }

    /// Where its namespace is.
    pub(super) fn path(&self) -> PathBuf {
        self.target.path()
    }

    /// What tells its namespace from others.
    pub(super) fn home(&self) -> Home {
        Home::of(&self.opened)
    }

    /// Refuses a container that has ended meanwhile.
    pub(super) fn check_is_there(&self) -> Result<()> {
        self.target.check_is_in(self.namespace().id())
    }

    /// Plans what brings the networks of `wanted`, each with its number, and then `routes`.
    pub(super) fn plan(
        &mut self,
        wanted: &[(usize, &Wanted)],
        routes: &[ParsedRoute],
        owner: &str,
        attempt: u32,
    ) -> Result<Done> {
        let survey = self.opened.survey()?;
        let mut assembly = Assembly::new(&self.host, &self.opened.inside, survey);
        let mut ends = Vec::with_capacity(wanted.len());
        for (number, wanted) in wanted {
            let Wanted::Pair(pair) = wanted else {
                assembly.loopback()?;
                ends.push(None);
                continue;
            };
            let end = self.host_end(pair, owner, *number, attempt)?;
            assembly.pair(pair, &end).map_err(|error| error.within("plan network", number))?;
            ends.push(Some((end, pair.interface.src_name.clone())));
        }
        routes.iter().try_for_each(|route| assembly.route(route))?;
        Ok(Done { plan: assembly.finish(), ends })
    }

    /// Brings the networks of `wanted` and then `routes`, all or nothing.
    pub(super) fn bring(
        &mut self,
        wanted: &[(usize, &Wanted)],
        routes: &[ParsedRoute],
        owner: &str,
    ) -> Result<Done> {
        self.retrying(|container, attempt| container.plan(wanted, routes, owner, attempt))
    }

    /// Makes the pair, its inner end under a name of the same kind as the other's.
    pub(super) fn bring_bare(&mut self, pair: &Pair, owner: &str) -> Result<Done> {
        self.retrying(|container, attempt| {
            let survey = container.opened.survey()?;
            let (inner, _) = pair.host_name.choose(attempt)?;
            let end = container.host_end(pair, owner, 0, attempt)?;
            let mut assembly = Assembly::new(&container.host, &container.opened.inside, survey);
            assembly.bare_pair(pair, &end, inner.clone())?;
            Ok(Done { plan: assembly.finish(), ends: vec![Some((end, inner))] })
        })
    }

    /// The end in the host at the `attempt`th attempt.
    fn host_end(&self, pair: &Pair, owner: &str, number: usize, attempt: u32) -> Result<HostEnd> {
        let (name, index) = pair.host_name.choose(attempt)?;
        let drawn = matches!(pair.host_name, HostName::Random(..));
        Ok(HostEnd { name, index, alias: alias(owner, number, self.home()), drawn })
    }

    /// Carries out what `plan` says at each attempt, until nothing is taken that may be free the next time.
    fn retrying(&mut self, plan: impl Fn(&mut Self, u32) -> Result<Done>) -> Result<Done> {
        let _locked = self.lock();
        let mut attempt = 0;
        loop {
            let done = plan(self, attempt)?;
            let Err(error) = self.apply(&done.plan) else { return Ok(done) };
            let may_be_free = attempt + 1 < TRIES && engine::may_be_taken(&error) && self.awaits(&done)?;
            if !may_be_free {
                return Err(error);
            }
            attempt += 1;
        }
    }

    fn apply(&mut self, plan: &Plan) -> Result<()> {
        let sandbox = Some(&mut self.opened.inside);
        apply(plan, &mut Ground { host: &self.host, sandbox, programs: None })
    }

    /// Whether the names in the host can be had now: waits for those of a container that has just ended.
    fn awaits(&self, done: &Done) -> Result<bool> {
        for (end, _) in done.ends.iter().flatten().filter(|(end, _)| !end.drawn) {
            if !engine::await_end(&self.host, &end.name, is_made_here)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Keeps other setups of the namespace waiting: whether interfaces to come have IPv6 is for one at a time. Who
    /// is inside can lock it too, and does not keep anybody from going on after a while.
    fn lock(&self) -> Option<LockedFile> {
        let file = File::from(self.namespace().as_fd().try_clone_to_owned().ok()?);
        match sys::lock_exclusive(file.as_fd(), PATIENCE) {
            Ok(true) => Some(LockedFile::new(file)),
            refused => {
                log::debug!("{} could not be locked: {refused:?}", self.namespace().id());
                None
            }
        }
    }

    /// Takes back what was done; returns what could not be.
    pub(super) fn take_back(&mut self, plan: &Plan) -> Vec<Error> {
        let _locked = self.lock();
        let sandbox = Some(&mut self.opened.inside);
        take_back(plan, &mut Ground { host: &self.host, sandbox, programs: None })
    }

    /// Has a strategy do its work, and returns the state that it made with the link that it left in the host.
    pub(super) fn bring_by(
        &mut self,
        strategy: &dyn NetworkStrategy,
        network: &Network,
    ) -> Result<(NetworkState, Option<LinkRef>)> {
        let mut state = NetworkState::default();
        match self.target {
            Target::Pid(pid) => strategy.create(network, pid, &mut state)?,
            Target::Path(_) => {
                self.with_thread_inside(|thread| strategy.create(network, thread, &mut state))?;
            }
        }
        let link = self.end_of(&state)?;
        let initialize = || self.namespace().run(|| strategy.initialize(network, &mut state));
        let initialized = catch_unwind(AssertUnwindSafe(initialize)).unwrap_or_else(|panic| {
            let _ = link.as_ref().map(|link| self.delete(link));
            resume_unwind(panic)
        });
        if let Err(error) = initialized.and_then(|result| result) {
            let failure = link.and_then(|link| self.delete(&link).err());
            return Err(error.with_rollback(failure.into_iter().collect()));
        }
        Ok((state, link))
    }

    /// The link in the host that a strategy says it has made.
    fn end_of(&self, state: &NetworkState) -> Result<Option<LinkRef>> {
        if state.veth_host.is_empty() {
            return Ok(None);
        }
        let name = InterfaceName::new(&state.veth_host)?;
        let index = self.host.existing_link(&name)?.index;
        Ok(Some(LinkRef::indexed(name, index)))
    }

    /// Deletes a link of the host; one that is gone is no error.
    pub(super) fn delete(&self, link: &LinkRef) -> Result<()> {
        delete(&self.host, link)
    }

    /// Runs `f` with the number of a thread that is inside.
    fn with_thread_inside<T>(&self, f: impl FnOnce(u32) -> Result<T>) -> Result<T> {
        let (say, said) = mpsc::channel();
        let (go, gone) = mpsc::channel::<()>();
        let namespace = self.namespace();
        std::thread::scope(|scope| {
            let stay = move || {
                namespace.run(|| {
                    if say.send(sys::thread_number()).is_ok() {
                        // It ends when the other side is dropped.
                        let _ = gone.recv();
                    }
                })
            };
            let failed = |error| Error::from_io("start", "thread inside", error);
            let thread = sys::spawn_in(scope, "netns-inside", stay).map_err(failed)?;
            let Ok(number) = said.recv() else {
                let ended = thread.join().unwrap_or(Ok(()));
                return ended.and_then(|()| Err(Error::new(ErrorKind::System, "start", "thread inside")));
            };
            let result = number.and_then(f);
            drop(go);
            result
        })
    }
}

/// Deletes a link of the host; one that is gone is no error.
pub(super) fn delete(host: &Host, link: &LinkRef) -> Result<()> {
    let mut plan = Plan::default();
    plan.push(Place::Host, Action::DeleteLink(link.clone()));
    engine::take_away(host, &plan)
}
