//! Hooks that are programs.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Hook, State};
use crate::error::{Error, Result};
use crate::libcontainer::json::{nil_when_empty, or_default};

/// A program that a hook runs (seed `003`, `Command`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Command {
    /// The absolute path of the program.
    #[serde(deserialize_with = "or_default")]
    pub path: String,
    /// Its arguments, the first of which is what it is called by; the path alone when there are none.
    #[serde(deserialize_with = "or_default", serialize_with = "nil_when_empty")]
    pub args: Vec<String>,
    /// Its environment, `NAME=VALUE` each. It has none else.
    #[serde(deserialize_with = "or_default", serialize_with = "nil_when_empty")]
    pub env: Vec<String>,
    /// The directory that it runs in; where the caller is when this is empty.
    #[serde(deserialize_with = "or_default")]
    pub dir: String,
    /// After which time it is killed. In JSON whole nanoseconds, as Go's `time.Duration`.
    #[serde(deserialize_with = "from_nanoseconds", serialize_with = "to_nanoseconds")]
    pub timeout: Option<Duration>,
}

impl Command {
    /// `path`, run without arguments, environment and timeout.
    pub fn new(path: impl Into<String>) -> Self {
        Self { path: path.into(), ..Self::default() }
    }

    /// Finds what cannot be right.
    ///
    /// # Errors
    /// BadRequest: the path is not absolute, an entry of the environment is not `NAME=VALUE`, the timeout is 0,
    /// something has a NUL.
    pub fn check(&self) -> Result<()> {
        let refuse = |what: &str, value: String, cause: &str| {
            Err(Error::bad_request("use", format!("{what} {value} of a hook"), cause))
        };
        if !self.path.starts_with('/') {
            return refuse("path", format!("{:?}", self.path), "it is not absolute");
        }
        let texts = [&self.path, &self.dir].into_iter().chain(&self.args).chain(&self.env);
        if let Some(text) = texts.into_iter().find(|text| text.contains('\0')) {
            return refuse("text", format!("{text:?}"), "it has a NUL");
        }
        let is_named = |entry: &&String| matches!(entry.split_once('='), Some((name, _)) if !name.is_empty());
        if let Some(entry) = self.env.iter().find(|entry| !is_named(entry)) {
            return refuse("environment", format!("{entry:?}"), "it is not NAME=VALUE");
        }
        if self.timeout == Some(Duration::ZERO) {
            return refuse(
                "timeout",
                "0".to_owned(),
                "it would be over at once: without one it may take any time",
            );
        }
        Ok(())
    }
}

fn from_nanoseconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let Some(nanoseconds) = Option::<i64>::deserialize(deserializer)? else { return Ok(None) };
    let nanoseconds = u64::try_from(nanoseconds)
        .map_err(|_| serde::de::Error::custom(format_args!("timeout {nanoseconds} is negative")))?;
    Ok(Some(Duration::from_nanos(nanoseconds)))
}

/// Go's longest, 292 years, stands for all that are longer.
fn to_nanoseconds<S: Serializer>(timeout: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    let nanoseconds = timeout.map(|timeout| i64::try_from(timeout.as_nanos()).unwrap_or(i64::MAX));
    nanoseconds.serialize(serializer)
}

/// A hook that runs a program (seed `003`, `CommandHook`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandHook(pub Command);

impl Hook for CommandHook {
    fn run(&self, state: &State) -> Result<()> {
        self.0.run(state)
    }

    fn command(&self) -> Option<&Command> {
        Some(&self.0)
    }
}
