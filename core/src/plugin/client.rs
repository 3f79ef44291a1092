//! Requests to a plugin, and what it answers.

use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use serde::Serialize;

use super::address::Spec;
use super::place::Place;
use super::{decode, find, PluginOptions, MAX_BODY, MIME};
use crate::error::{cut, Error, ErrorKind, Result};
use crate::name::Name;

/// How long a plugin is waited for that did not answer before, within one operation.
const HURRY: Duration = Duration::from_secs(1);
/// How long a plugin is waited for at most.
pub(crate) const LONGEST_TIMEOUT: Duration = Duration::from_secs(24 * 60 * 60);
/// How many bytes of a plugin's own words an error keeps.
const LONGEST_WORDS: usize = 1 << 10;

/// A plugin that can be called. Each request has a connection of its own, so that a plugin that was started anew
/// in between is no matter.
#[derive(Clone)]
pub(crate) struct Client {
    name: Name,
    found: Place,
    options: Arc<PluginOptions>,
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    body: Vec<u8>,
}

/// What is known of a request that went wrong, and in which words.
#[derive(Debug)]
struct Failure(Fate, String);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// The plugin says that it has not done it.
    Refused,
    /// It did not answer: what it did is not known.
    Silent,
    /// What it answered is of no use: it may have done it.
    Unclear,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.1)
    }
}

impl std::error::Error for Failure {}

fn fate(error: &Error) -> Option<Fate> {
    let source = std::error::Error::source(error)?;
    source.downcast_ref::<Failure>().map(|failure| failure.0)
}

/// Whether a plugin gave no answer, rather than one that refuses.
pub(crate) fn is_unreachable(error: &Error) -> bool {
    fate(error) == Some(Fate::Silent)
}

/// Whether a plugin has said that it did not do what it was asked.
pub(crate) fn is_refused(error: &Error) -> bool {
    fate(error) == Some(Fate::Refused)
}

/// Whether a plugin may have done what it was asked all the same.
pub(crate) fn is_in_doubt(error: &Error) -> bool {
    matches!(fate(error), Some(Fate::Silent | Fate::Unclear))
}

thread_local! {
    /// The plugins that did not answer in the operation that this thread is in.
    static SILENT: RefCell<Option<Vec<Name>>> = const { RefCell::new(None) };
}

/// What a caller asked for, which may take several requests: once a plugin did not answer, the rest of them, such as
/// those that take back what was done, are tried once and shortly.
pub(crate) struct Operation {
    is_outermost: bool,
}

impl Operation {
    pub(crate) fn begin() -> Self {
        let is_outermost = SILENT.with_borrow_mut(|silent| {
            let is_outermost = silent.is_none();
            silent.get_or_insert_default();
            is_outermost
        });
        Self { is_outermost }
    }
}

impl Drop for Operation {
    fn drop(&mut self) {
        if self.is_outermost {
            SILENT.set(None);
        }
    }
}

/// How one attempt went wrong.
enum Attempt {
    /// Nothing came back, or not all of it in time.
    Silent(String),
    /// What came back is of no use.
    Useless(String),
}

impl Client {
    /// The plugin that was found there.
    ///
    /// # Errors
    /// Unsupported for TLS where this library was built without; BadRequest for files of `TLSConfig` that cannot be
    /// used.
    pub(crate) fn new(spec: &Spec, options: &PluginOptions) -> Result<Self> {
        let found = Place::of(spec)?;
        Ok(Self { name: spec.name.clone(), found, options: Arc::new(options.clone()) })
    }

    /// Where the plugin is now, which may be another place than when it was found. Where it is nowhere, it is where it
    /// was.
    fn place(&self) -> Result<Place> {
        match find::find(&self.options, &self.name)? {
            Some(spec) => Place::of(&spec),
            None => Ok(self.found.clone()),
        }
    }

    pub(crate) fn name(&self) -> &Name {
        &self.name
    }

    /// Calls `method`, `TYPE.NAME`, and reads what it answers.
    ///
    /// # Errors
    /// System, with the plugin's name, the method and what was wrong.
    pub(crate) fn call<T>(&self, method: &str, request: &impl Serialize) -> Result<T>
    where
        T: Default + Serialize + DeserializeOwned,
    {
        let body = serde_json::to_vec(request).map_err(|error| self.error(method, error.to_string()))?;
        self.read(method, &self.ask(method, &body)?)
    }

    /// Calls a method whose request is empty.
    ///
    /// # Errors
    /// Those of [`Client::call`].
    pub(crate) fn call_empty<T: Default + Serialize + DeserializeOwned>(&self, method: &str) -> Result<T> {
        self.read(method, &self.ask(method, &[])?)
    }

    /// What the answer says.
    ///
    /// # Errors
    /// System when it is a refusal, or no answer to that method.
    pub(crate) fn read<T>(&self, method: &str, answer: &Answer) -> Result<T>
    where
        T: Default + Serialize + DeserializeOwned,
    {
        let object = decode::object(&answer.body);
        let words = |object| ["Err", "Error"].into_iter().find_map(|key| decode::text(object, key));
        let refusal = object.as_ref().ok().and_then(words);
        if answer.status != 200 {
            let words = refusal.unwrap_or_else(|| String::from_utf8_lossy(&answer.body).trim().to_owned());
            let cause = format!("it answered with status {}: {}", answer.status, legible(&words));
            return Err(self.failure(method, Fate::Refused, cause));
        }
        if let Some(words) = refusal {
            return Err(self.failure(method, Fate::Refused, format!("it says: {}", legible(&words))));
        }
        object
            .and_then(|object| decode::message(object))
            .map_err(|cause| self.unclear(method, format!("its answer is wrong: {}", legible(&cause))))
    }

    /// The answer to `body`, whatever it says. What is not answered is tried again, after 1, 2, 4, 8 … seconds, as
    /// long as the time-out lasts.
    ///
    /// # Errors
    /// System when there is none, or none that can be read.
    pub(crate) fn ask(&self, method: &str, body: &[u8]) -> Result<Answer> {
        let begin = Instant::now();
        let hurries =
            SILENT.with_borrow(|silent| silent.as_ref().is_some_and(|own| own.contains(&self.name)));
        let patience = self.options.timeout.min(if hurries { HURRY } else { LONGEST_TIMEOUT });
        let mut wait = Duration::from_secs(1);
        loop {
            let cause = match self.attempt(method, body, begin + patience) {
                Ok(answer) => return Ok(answer),
                Err(Attempt::Useless(cause)) => return Err(self.unclear(method, legible(&cause))),
                Err(Attempt::Silent(cause)) => cause,
            };
            if hurries || begin.elapsed() + wait >= patience {
                if !hurries {
                    SILENT.with_borrow_mut(|silent| silent.as_mut().map(|all| all.push(self.name.clone())));
                }
                return Err(self.failure(method, Fate::Silent, legible(&cause)));
            }
            std::thread::sleep(wait);
            wait *= 2;
        }
    }

    fn attempt(&self, method: &str, body: &[u8], deadline: Instant) -> std::result::Result<Answer, Attempt> {
        let place = self.place().map_err(|error| Attempt::Silent(error.to_string()))?;
        place.attempt(method, body, deadline).map_err(|attempt| match attempt {
            Attempt::Silent(cause) => {
                Attempt::Silent(format!("it does not answer at {}: {cause}", place.address))
            }
            useless => useless,
        })
    }

    /// An error of that method.
    pub(crate) fn error(&self, method: &str, cause: impl Into<String>) -> Error {
        Error::new(ErrorKind::System, "call", format!("{method} of plugin {}", self.name)).with_cause(cause)
    }

    /// An error of that method after which the plugin may have done what it was asked.
    pub(crate) fn unclear(&self, method: &str, cause: impl Into<String>) -> Error {
        self.failure(method, Fate::Unclear, cause.into())
    }

    fn failure(&self, method: &str, fate: Fate, cause: String) -> Error {
        self.error(method, cause.clone()).with_source(Failure(fate, cause))
    }
}

impl Place {
    /// The answer to one request.
    fn attempt(&self, method: &str, body: &[u8], deadline: Instant) -> std::result::Result<Answer, Attempt> {
        let agent = self.agent(deadline);
        let request = agent.post(self.url(method)).header("Accept", MIME).header("Connection", "close");
        let mut answer = request.send(body).map_err(|error| failed(&error))?;
        let status = answer.status().as_u16();
        let read = answer.body_mut().with_config().limit(MAX_BODY as u64).read_to_vec();
        match read {
            Ok(body) => Ok(Answer { status, body }),
            Err(ureq::Error::BodyExceedsLimit(_)) => {
                Err(Attempt::Useless(format!("its answer is longer than {MAX_BODY} bytes")))
            }
            // With the time that is up no attempt follows.
            Err(error) if is_late(&error) => Err(Attempt::Silent(words(&error))),
            Err(error) => Err(Attempt::Useless(format!("its answer ends too early: {}", words(&error)))),
        }
    }
}

fn failed(error: &ureq::Error) -> Attempt {
    match error {
        // Trying again does not make a certificate right.
        ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::InvalidData => {
            Attempt::Useless(error.to_string())
        }
        ureq::Error::ConnectionFailed
        | ureq::Error::HostNotFound
        | ureq::Error::Io(_)
        | ureq::Error::Timeout(_) => Attempt::Silent(words(error)),
        _ => Attempt::Useless(format!("its answer is no HTTP: {error}")),
    }
}

fn is_late(error: &ureq::Error) -> bool {
    match error {
        ureq::Error::Timeout(_) => true,
        ureq::Error::Io(error) => error.kind() == std::io::ErrorKind::TimedOut,
        _ => false,
    }
}

fn words(error: &ureq::Error) -> String {
    match error {
        late if is_late(late) => "the time is up".to_owned(),
        ureq::Error::Io(error) => error.to_string(),
        other => other.to_string(),
    }
}

/// What a plugin said, as people can be shown it.
pub(crate) fn legible(words: &str) -> String {
    let plain: String = words.chars().map(|char| if char.is_control() { ' ' } else { char }).collect();
    cut(plain, LONGEST_WORDS)
}
