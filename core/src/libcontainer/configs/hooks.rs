//! What runs at the turning points of a container's life.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Command, CommandHook, State};
use crate::error::{cut, Error, Result};
use crate::libcontainer::json::objects;

/// A turning point of a container's life (seed `003`, `HookName`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HookName {
    /// `createContainer`: the container is made, the root not changed; in the container's namespaces.
    CreateContainer,
    /// `createRuntime`: the container is made, the root not changed; in the runtime's namespaces.
    CreateRuntime,
    /// `poststart`: the user's program has started; in the runtime's namespaces.
    Poststart,
    /// `poststop`: the container's process has ended; in the runtime's namespaces.
    Poststop,
    /// `prestart`: deprecated for `createRuntime`, before which it is; in the runtime's namespaces.
    Prestart,
    /// `startContainer`: just before the user's program; in the container's namespaces.
    StartContainer,
}

impl HookName {
    /// All, in the order in which a container comes to them.
    pub const ALL: [Self; 6] = [
        Self::Prestart,
        Self::CreateRuntime,
        Self::CreateContainer,
        Self::StartContainer,
        Self::Poststart,
        Self::Poststop,
    ];

    /// Its name in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CreateContainer => "createContainer",
            Self::CreateRuntime => "createRuntime",
            Self::Poststart => "poststart",
            Self::Poststop => "poststop",
            Self::Prestart => "prestart",
            Self::StartContainer => "startContainer",
        }
    }
}

impl FromStr for HookName {
    type Err = Error;
    fn from_str(name: &str) -> Result<Self> {
        let known = Self::ALL.into_iter().find(|known| known.as_str() == name);
        known.ok_or_else(|| {
            let known = Self::ALL.map(Self::as_str).join(", ");
            Error::bad_request("use hook name", format!("{name:?}"), format!("it is none of {known}"))
        })
    }
}

impl fmt::Display for HookName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Something to run (seed `003`, `Hook`): a program, a function, or what a caller makes.
pub trait Hook: Send + Sync {
    /// Runs it.
    ///
    /// # Errors
    /// Its own; what follows from one, [`Hooks::run`] says.
    fn run(&self, state: &State) -> Result<()>;

    /// The program that it runs, which is how it is written as JSON; what has none is not written.
    fn command(&self) -> Option<&Command> {
        None
    }
}

/// A hook that calls a function of this process (`FuncHook` of runc).
pub struct FunctionHook(Box<Function>);

type Function = dyn Fn(&State) -> Result<()> + Send + Sync;

impl FunctionHook {
    /// Calls `function` when the hook is run.
    pub fn new(function: impl Fn(&State) -> Result<()> + Send + Sync + 'static) -> Self {
        Self(Box::new(function))
    }
}

impl Hook for FunctionHook {
    fn run(&self, state: &State) -> Result<()> {
        self.0(state)
    }
}

/// The hooks of a container (seed `003`, `Hooks`). In JSON an object of lists of commands.
///
/// Two are equal when they run the same programs, and else the same objects, in the same order.
#[derive(Clone, Default)]
pub struct Hooks(BTreeMap<HookName, Vec<Arc<dyn Hook>>>);

impl Hooks {
    /// Adds one, after those of that name.
    pub fn add(&mut self, name: HookName, hook: impl Hook + 'static) {
        self.add_shared(name, Arc::new(hook));
    }

    /// Adds one that others have too.
    pub fn add_shared(&mut self, name: HookName, hook: Arc<dyn Hook>) {
        self.0.entry(name).or_default().push(hook);
    }

    /// Those of that name, in the order in which they run.
    pub fn get(&self, name: HookName) -> &[Arc<dyn Hook>] {
        self.0.get(&name).map_or(&[], Vec::as_slice)
    }

    /// Whether there are none at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Runs those of that name, one after the other, on the calling thread and in its namespaces.
    ///
    /// The first that fails ends it. But `poststart` and `poststop` are past undoing: there all run, as the OCI
    /// runtime specification says, the first failure is returned at the end and the others are in the log.
    ///
    /// # Errors
    /// That of the hook, with `run hooks` and its name and number in front.
    pub fn run(&self, name: HookName, state: &State) -> Result<()> {
        let goes_on = matches!(name, HookName::Poststart | HookName::Poststop);
        let mut first = Ok(());
        for (number, hook) in self.get(name).iter().enumerate() {
            let Err(error) = hook.run(state) else { continue };
            let error = error.within("run hooks", format_args!("{name} #{number}"));
            match first {
                Ok(()) if !goes_on => return Err(error),
                Ok(()) => first = Err(error),
                Err(_) => log::warn!("{error}"),
            }
        }
        first
    }

    /// The programs of that name's hooks.
    fn commands(&self, name: HookName) -> impl Iterator<Item = Option<&Command>> {
        self.get(name).iter().map(|hook| hook.command())
    }
}

impl PartialEq for Hooks {
    fn eq(&self, other: &Self) -> bool {
        HookName::ALL.into_iter().all(|name| {
            let (ours, theirs) = (self.get(name), other.get(name));
            ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(a, b)| is_same(a, b))
        })
    }
}

fn is_same(a: &Arc<dyn Hook>, b: &Arc<dyn Hook>) -> bool {
    match (a.command(), b.command()) {
        (None, None) => Arc::ptr_eq(a, b),
        (a, b) => a == b,
    }
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lists = self.0.keys().map(|name| (name, self.commands(*name).collect::<Vec<_>>()));
        f.debug_map().entries(lists).finish()
    }
}

impl Serialize for Hooks {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut names = HookName::ALL;
        names.sort_by_key(|name| name.as_str());
        let mut map = serializer.serialize_map(Some(names.len()))?;
        for name in names {
            let commands: Vec<_> = self.commands(name).flatten().collect();
            let left_out = self.get(name).len() - commands.len();
            if left_out > 0 {
                log::warn!("{left_out} hooks {name} run no program: JSON cannot have them");
            }
            map.serialize_entry(name.as_str(), &Some(commands).filter(|commands| !commands.is_empty()))?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Hooks {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Commands(#[serde(deserialize_with = "objects")] Vec<Command>);

        let lists = BTreeMap::<String, Commands>::deserialize(deserializer)?;
        let mut hooks = Self::default();
        for (name, Commands(commands)) in lists {
            let Ok(known) = name.parse() else {
                log::warn!("hooks of the unknown name {:?} are passed over", cut(name, 200));
                continue;
            };
            for command in commands {
                hooks.add(known, CommandHook(command));
            }
        }
        Ok(hooks)
    }
}
