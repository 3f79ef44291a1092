//! The network of a container as a config has it: brought up, and taken down.

mod down;
mod find;
mod state;

use std::collections::BTreeSet;
use std::path::PathBuf;

pub use state::{SetupLink, SetupNamespace, SetupNetwork, SetupState};

use super::configs::{self, Config, HookName, Hooks, NamespaceType, ParsedRoute, State, Status};
use super::container::Container;
use super::pair::{HostName, Pair, INSIDE};
use super::up::Up;
use super::wanted::Wanted;
use super::{get_strategy, Loopback, Network, Target, Veth};
use crate::error::{Error, ErrorKind, Result};
use crate::link::InterfaceName;
use crate::name::fnv1a;
use crate::plan::Plan;

/// The network of a container as its config has it (seed `003`): networks, routes, and the hooks that go with
/// them.
///
/// It is brought up from the namespace of the calling thread, which plays the host, and no call leaves the
/// thread elsewhere. Networks of the types `loopback` and `veth`, and all routes, come at once, the interfaces
/// born inside under their final names; other strategies do their work in the order of the config.
///
/// ```no_run
/// use netns::libcontainer::configs::{Config, State, Status};
/// use netns::libcontainer::{NetworkSetup, Target};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let pid = 1;
/// let config = Config::from_json(&std::fs::read_to_string("config.json")?)?;
/// let setup = NetworkSetup::from_config(&config)?.with_id("web")?;
/// let mut state = State::new("web", Status::Creating);
/// state.pid = pid;
/// setup.up(Some(&Target::Pid(pid)), &state)?; // interfaces and routes are there, hooks have run
/// setup.poststart(&state)?; // when its program runs
/// setup.down(&state)?; // in whatever process
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct NetworkSetup {
    /// What the names of links in the host follow from.
    id: Option<String>,
    /// The path that the config gives the container's network namespace.
    namespace: Option<PathBuf>,
    wanted: Vec<Wanted>,
    routes: Vec<ParsedRoute>,
    hooks: Hooks,
}

impl NetworkSetup {
    /// The longest id in bytes.
    pub const MAX_ID: usize = 128;

    /// The network of `config`, all of it checked. Nothing is asked of the kernel.
    ///
    /// # Errors
    /// Those of [`Config::check`]; NotFound for a type of network that is not known, with the known ones;
    /// BadRequest for a `veth` without a bridge and for two networks whose interfaces would have one name.
    pub fn from_config(config: &Config) -> Result<Self> {
        let from_config = || {
            config.check()?;
            let path = config.namespaces.path_of(NamespaceType::NewNet);
            let wanted = |(number, network): (usize, &configs::Network)| {
                let wanted = wanted(network, path);
                wanted.map_err(|error| error.within("use", format_args!("networks[{number}]")))
            };
            let wanted: Vec<_> = config.networks.iter().enumerate().map(wanted).collect::<Result<_>>()?;
            check_names(&wanted)?;
            let routes = config.routes.iter().map(configs::Route::parsed).collect::<Result<_>>()?;
            let namespace = (!path.is_empty()).then(|| path.into());
            Ok(Self { id: None, namespace, wanted, routes, hooks: config.hooks.clone() })
        };
        from_config().map_err(|error: Error| error.within("set up", "config"))
    }

    /// The same for the container `id`: the names of links in the host that the config leaves open follow from
    /// id and place, and their aliases say the id, so that [`NetworkSetup::tear_down`] finds them by itself.
    ///
    /// # Errors
    /// BadRequest unless it is 1 to 128 ASCII letters, digits, `_`, `+`, `.` and `-`.
    pub fn with_id(mut self, id: &str) -> Result<Self> {
        check_id(id)?;
        for (number, wanted) in self.wanted.iter_mut().enumerate() {
            let Wanted::Pair(pair) = wanted else { continue };
            if !matches!(pair.host_name, HostName::Given(_)) {
                pair.host_name = host_name(id, number);
            }
        }
        self.id = Some(id.to_owned());
        Ok(self)
    }

    /// The plan of [`NetworkSetup::up`], without carrying it out. What the config leaves open, MAC addresses and
    /// without an id names in the host, is drawn anew each time.
    ///
    /// # Errors
    /// Those of [`NetworkSetup::up`] that can be known beforehand; NotImplemented where a strategy does its work
    /// by itself.
    pub fn plan(&self, target: Option<&Target>) -> Result<Plan> {
        let plan = || {
            if let Some(strategy) = self.wanted.iter().find(|wanted| !wanted.is_planned()) {
                let error = Error::new(ErrorKind::NotImplemented, "plan network", strategy.kind());
                return Err(error.with_cause("the strategy does its work by itself"));
            }
            let Some(mut container) = self.container(target, 0)? else { return Ok(Plan::default()) };
            let numbered: Vec<_> = self.wanted.iter().enumerate().collect();
            let owner = self.owner(&container);
            Ok(container.plan(&numbered, &self.routes, &owner, 0)?.plan)
        };
        plan().map_err(|error: Error| error.within("plan setup", self.subject()))
    }

    /// Brings up the networks and then the routes of a container, and runs the hooks `prestart` and then
    /// `createRuntime` on the calling thread, which get `state` with the status `creating`.
    ///
    /// The container is that of `target`; without one, that of the path that the config has for `NEWNET`, or
    /// else that of the process of `state`. A config without networks and routes needs none.
    ///
    /// # Errors
    /// NotFound when there is no such container or it ends meanwhile, no such bridge, or no such interface for
    /// a route; BadRequest when it is not said which container, or by a path that is not UTF-8, when it has no network namespace of its own,
    /// and when a bridge is none; AlreadyExists when a name is taken in the container or in the host, an address
    /// overlaps a route, or there is a default route where there is a gateway; those of strategies and of
    /// hooks. Nothing is left behind, but for what strategies and hooks do beside the state.
    ///
    /// # Panics
    /// A panic of a strategy or a hook goes on once everything is taken back.
    pub fn up(&self, target: Option<&Target>, state: &State) -> Result<SetupState> {
        let up = || {
            let Some(mut container) = self.container(target, state.pid)? else {
                self.run_hooks(state)?;
                return Ok(SetupState::default());
            };
            let owner = self.owner(&container);
            let mut up = Up::bring(&mut container, &self.wanted, &self.routes, &owner)?;
            up.or_take_back(&mut container, |_, _| self.run_hooks(state))?;
            Ok(SetupState::of(self, &container, &up))
        };
        up().map_err(|error: Error| error.within("bring up", self.subject()))
    }

    /// Runs the hooks `poststart`, which get `state` with the status `running`: for when the container's program
    /// has started. All run, whatever one of them does.
    ///
    /// # Errors
    /// The first one's.
    pub fn poststart(&self, state: &State) -> Result<()> {
        let run = self.hooks.run(HookName::Poststart, &state.at(Status::Running));
        run.map_err(|error| error.within("start", self.subject()))
    }

    fn run_hooks(&self, state: &State) -> Result<()> {
        let state = state.at(Status::Creating);
        self.hooks.run(HookName::Prestart, &state)?;
        self.hooks.run(HookName::CreateRuntime, &state)
    }

    /// The container that is meant; none where none is needed.
    fn container(&self, target: Option<&Target>, pid: u32) -> Result<Option<Container>> {
        if self.wanted.is_empty() && self.routes.is_empty() {
            return Ok(None);
        }
        let target = match (target, &self.namespace) {
            (Some(Target::Path(path)), _) if path.to_str().is_none() => {
                let cause = "it is not UTF-8: no state could say it";
                return Err(Error::bad_request("use path", path.display().to_string(), cause));
            }
            (Some(target), _) => target.clone(),
            (None, Some(path)) => Target::Path(path.clone()),
            (None, None) if pid > 0 => Target::Pid(pid),
            (None, None) => {
                let cause =
                    "its network namespace is a new one: its process or the namespace's path is needed";
                return Err(Error::bad_request("use container", self.subject(), cause));
            }
        };
        Container::open(&target).map(Some)
    }

    /// Whose the links are, as their aliases say.
    fn owner(&self, container: &Container) -> String {
        self.id.clone().unwrap_or_else(|| container.namespace().id().to_string())
    }

    fn subject(&self) -> String {
        self.id.as_ref().map_or_else(|| "container".to_owned(), |id| format!("container {id}"))
    }
}

/// Refuses what could not be in an alias as one word.
fn check_id(id: &str) -> Result<()> {
    let refuse = |cause: &str| Err(Error::bad_request("use container id", format!("{id:?}"), cause));
    if id.is_empty() || id.len() > NetworkSetup::MAX_ID {
        return refuse("it is not 1 to 128 bytes long");
    }
    if !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_+.-".contains(&byte)) {
        return refuse("only ASCII letters, digits, '_', '+', '.' and '-' are allowed");
    }
    Ok(())
}

/// What the host's end of network `number` is called when the config does not say. No network and endpoint of
/// a controller, which have one slash between them, give that.
fn host_name(id: &str, number: usize) -> HostName {
    HostName::Derived(fnv1a(&format!("setup/{id}/{number}")))
}

/// What a network of a config asks for. `path` is that of the container's network namespace, if it has one.
fn wanted(network: &configs::Network, path: &str) -> Result<Wanted> {
    let parsed = network.parsed()?;
    match network.kind.as_str() {
        Loopback::TYPE => return Ok(Wanted::Loopback),
        Veth::TYPE => {}
        kind => {
            let strategy = get_strategy(kind)?;
            return Ok(Wanted::Strategy(strategy, Box::new(for_strategy(network, path, &parsed))));
        }
    }
    let Some(bridge) = parsed.bridge.clone() else {
        return Err(Error::bad_request("use network", Veth::TYPE, "bridge is not specified"));
    };
    let inside = parsed.name.clone().map_or_else(|| InterfaceName::new(INSIDE), Ok)?;
    let host_name = match &parsed.host_interface_name {
        Some(name) => HostName::Given(name.clone()),
        None => HostName::Random("veth".to_owned(), 10),
    };
    let (tx_queue_len, hairpin) = (parsed.tx_queue_len, parsed.hairpin_mode);
    let interface = super::pair::named(parsed.interface(inside.clone()), inside);
    Ok(Wanted::Pair(Box::new(Pair { bridge, host_name, interface, tx_queue_len, hairpin })))
}

/// What a strategy of seed `001` can be told of a network.
fn for_strategy(network: &configs::Network, path: &str, parsed: &configs::ParsedNetwork) -> Network {
    let configs::Network { kind, bridge, address, gateway, ipv6_address, ipv6_gateway, .. } = network;
    let either = |v4: &String, v6: &String| if v4.is_empty() { v6.clone() } else { v4.clone() };
    Network {
        kind: kind.clone(),
        ns_path: path.to_owned(),
        bridge: bridge.clone(),
        veth_prefix: "veth".to_owned(),
        address: either(address, ipv6_address),
        gateway: either(gateway, ipv6_gateway),
        mtu: parsed.mtu.map_or(0, u32::from),
    }
}

/// Those that are not said are the same.
fn check_names(wanted: &[Wanted]) -> Result<()> {
    let mut names = BTreeSet::new();
    for wanted in wanted {
        let Wanted::Pair(pair) = wanted else { continue };
        let name = &pair.interface.src_name;
        if !names.insert(name) {
            let cause =
                "two networks have an interface of that name inside: it is what one without a name gets";
            return Err(Error::bad_request("use interface name", name.as_str(), cause));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::naming;
    use crate::name::Name;

    #[test]
    fn a_setup_and_an_endpoint_do_not_share_a_name() {
        let name = |text: &str| Name::new(text).unwrap();
        let (of_setup, _) = host_name("web", 0).choose(0).unwrap();
        for [network, endpoint] in [["web", "0"], ["setup", "web"], ["setup", "0"]] {
            let (of_endpoint, _) = naming::link_names(&name(network), &name(endpoint)).unwrap();
            assert_ne!(of_setup, of_endpoint, "{network} {endpoint}");
        }
    }
}
