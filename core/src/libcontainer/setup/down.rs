//! Taking down what was brought up, by whatever process.

use super::{NetworkSetup, SetupLink, SetupNamespace, SetupState};
use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;
use crate::libcontainer::alias::{self, Home};
use crate::libcontainer::configs::{HookName, Hooks, State, Status};
use crate::libcontainer::container::delete;
use crate::libcontainer::wanted::Wanted;
use crate::libcontainer::Target;
use crate::link::parse::LinkState;
use crate::link::{InterfaceName, LinkRef, Place, RouteSpec};
use crate::plan::{apply, Action, Ground, Plan};
use crate::sandbox::Opened;
use crate::sys::{Namespace, NamespaceId};

impl SetupState {
    /// Takes away what was made and is still there: the links in the host, and with them the container's
    /// interfaces, and the routes through other interfaces. What has come to its place since is left alone, and
    /// so is `lo`. It may be repeated, in whatever process of the same host. What the kernel is taking away by
    /// itself, since the container has ended, may be there a moment longer.
    ///
    /// # Errors
    /// PermissionDenied without `CAP_NET_ADMIN`. One thing that cannot be taken away does not keep others.
    pub fn tear_down(&self) -> Result<()> {
        let tear_down = || {
            let host = Host::current()?;
            let links = self.networks.iter().filter_map(|network| network.host_link.as_ref());
            let mut failures: Vec<_> =
                links.filter_map(|own| take(&host, &own.name, |link| Ok(own.is(link))).err()).collect();
            if let Some(namespace) = &self.namespace {
                failures.extend(take_routes(&host, namespace, &self.routes).err());
            }
            Error::first_of(failures)
        };
        let subject = self.id.as_ref().map_or_else(|| "container".to_owned(), |id| format!("container {id}"));
        tear_down().map_err(|error| error.within("tear down", subject))
    }

    /// [`SetupState::tear_down`], and then the hooks `poststop`, which get `state` with the status `stopped`, whether
    /// or not that went well.
    ///
    /// # Errors
    /// Those of both.
    pub fn down(&self, state: &State, hooks: &Hooks) -> Result<()> {
        both(self.tear_down(), hooks.run(HookName::Poststop, &state.at(Status::Stopped)))
    }
}

impl NetworkSetup {
    /// Takes away what [`NetworkSetup::up`] of the same config and id made, in whatever process, by names and
    /// aliases, as [`SetupState::tear_down`] does: what leads to the namespace of the path that the config has
    /// for `NEWNET`, or to one that no process is in any more. What a strategy made by itself is not known here,
    /// nor whose the routes through interfaces of others are: those stay.
    ///
    /// # Errors
    /// BadRequest without an id; Busy, and it stays, where a process is in the namespace of another path: the
    /// container runs, or another one has its id. [`NetworkSetup::down`] knows the process. PermissionDenied
    /// without `CAP_NET_ADMIN`.
    pub fn tear_down(&self) -> Result<()> {
        self.tear_down_of(0)
    }

    /// [`NetworkSetup::tear_down`] of the process of `state` too, if it has one, and then the config's hooks
    /// `poststop`, which get `state` with the status `stopped`, whether or not that went well.
    ///
    /// # Errors
    /// Those of both.
    pub fn down(&self, state: &State) -> Result<()> {
        both(self.tear_down_of(state.pid), self.hooks.run(HookName::Poststop, &state.at(Status::Stopped)))
    }

    fn tear_down_of(&self, pid: u32) -> Result<()> {
        let tear_down = || {
            let Some(id) = &self.id else {
                let cause = "without an id it is not known what its links are called: use the setup's state";
                return Err(Error::bad_request("find links", self.subject(), cause));
            };
            let host = Host::current()?;
            let meant = self.namespaces(pid);
            let mut failures = Vec::new();
            for (number, wanted) in self.wanted.iter().enumerate() {
                let Wanted::Pair(pair) = wanted else { continue };
                let (name, _) = pair.host_name.choose(0)?;
                failures.extend(take(&host, &name, |link| is_left(link, id, number, &meant)).err());
            }
            Error::first_of(failures)
        };
        tear_down().map_err(|error: Error| error.within("tear down", self.subject()))
    }

    /// The namespaces that are meant, as far as they are there.
    fn namespaces(&self, pid: u32) -> Vec<NamespaceId> {
        let process = (pid > 0).then(|| Target::Pid(pid).path());
        self.namespace.iter().chain(&process).filter_map(|path| NamespaceId::at(path)).collect()
    }
}

/// Whether `link` is that of network `number` of the container `id`, and leads to one of the namespaces that are
/// meant, or to one that nobody is in.
fn is_left(link: &LinkState, id: &str, number: usize, meant: &[NamespaceId]) -> Result<bool> {
    let Some(alias) = &link.alias else { return Ok(alias::is_half_made(link)) };
    let Some((_, Home { id: there, .. })) = alias::read(alias, id).filter(|(own, _)| *own == number) else {
        return Ok(false);
    };
    if meant.contains(&there) || !NamespaceId::has_threads(there.device, there.inode) {
        return Ok(true);
    }
    let cause = format!(
        "it leads to {there}, in which a process is: that of another container of this id, or of this one, whose \
         state or process is needed then"
    );
    Err(Error::new(ErrorKind::Busy, "take away link", link.name.as_str()).with_cause(cause))
}

impl SetupLink {
    fn is(&self, link: &LinkState) -> bool {
        link.index == self.index && (self.alias.is_none() || self.alias == link.alias)
    }
}

/// Deletes the link of that name in the host, if it is the one that is meant and nothing takes it away as it is.
fn take(host: &Host, name: &InterfaceName, is_it: impl Fn(&LinkState) -> Result<bool>) -> Result<()> {
    let there = host.link(name)?.filter(|link| link.name == name.as_str() && !host.is_dying(link));
    match there {
        Some(link) if is_it(&link)? => delete(host, &LinkRef::indexed(name.clone(), link.index)),
        _ => Ok(()),
    }
}

/// Deletes routes in the namespace at the path of `known`, if that is there and the one that is meant.
fn take_routes(host: &Host, known: &SetupNamespace, routes: &[RouteSpec]) -> Result<()> {
    if routes.is_empty() {
        return Ok(());
    }
    let namespace = match Namespace::open(&known.path) {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::BadRequest) => return Ok(()),
        namespace => namespace?,
    };
    let mut opened = Opened::of(namespace, host.namespace())?;
    let there = Home::of(&opened);
    let is_other_life = known.cookie.is_some_and(|known| there.cookie != Some(known));
    if (known.device, known.inode) != there.id.numbers() || is_other_life {
        return Ok(());
    }
    let mut failures = Vec::new();
    for route in routes {
        let mut plan = Plan::default();
        plan.push(Place::Sandbox, Action::DeleteRoute(route.clone()));
        let gone = apply(&plan, &mut Ground { host, sandbox: Some(&mut opened.inside), programs: None });
        failures.extend(gone.err().filter(|error| error.kind() != ErrorKind::NotFound));
    }
    Error::first_of(failures)
}

fn both(first: Result<()>, second: Result<()>) -> Result<()> {
    Error::first_of([first, second].into_iter().filter_map(Result::err).collect())
}
