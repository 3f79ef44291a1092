//! What networks the container is to have: where that is said, and reading it.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use netns::libcontainer::configs::{Config, NamespaceType, Namespaces, State};
use netns::{Error, ErrorKind, Result};
use serde::de::IgnoredAny;

/// The annotation whose value is a config.
const ANNOTATION: &str = "dev.libnetns.networks";
/// The file of the bundle that is a config.
const FILE: &str = "libnetns.json";
/// The longest text that is read, in bytes: libnetns reads no longer one.
const MAX_BYTES: u64 = 4 << 20;
/// What most texts have room in, so that they are read in one go.
const COMMON_BYTES: usize = 8 << 10;

/// The config of the container: of `file`, else of its annotation, else of its bundle.
pub(crate) fn of(file: Option<&Path>, state: &State) -> Result<Config> {
    if let Some(file) = file {
        return read_file(file);
    }
    if let Some(text) = state.annotations.get(ANNOTATION) {
        return parse(&format!("annotation {ANNOTATION}"), text);
    }
    match in_bundle(state) {
        Some(file) if file.exists() => read_file(&file),
        _ => Err(nowhere(state)),
    }
}

fn in_bundle(state: &State) -> Option<PathBuf> {
    (!state.bundle.is_empty()).then(|| Path::new(&state.bundle).join(FILE))
}

fn nowhere(state: &State) -> Error {
    let file = in_bundle(state).map_or_else(|| FILE.to_owned(), |file| file.display().to_string());
    Error::new(ErrorKind::NotFound, "find the networks", format!("of container {:?}", state.id)).with_cause(
        format!("there is no --config, no annotation {ANNOTATION} and no file {file} in the bundle"),
    )
}

fn read_file(path: &Path) -> Result<Config> {
    let subject = || format!("config {}", path.display());
    let failed = |error| unread(&subject(), &error);
    if !fs::metadata(path).map_err(failed)?.is_file() {
        return Err(Error::bad_request("read", subject(), "it is no regular file"));
    }
    parse(&subject(), &read(File::open(path).map_err(failed)?).map_err(failed)?)
}

/// The text of `input`, of which a little more than can be right at most.
pub(crate) fn read(input: impl Read) -> io::Result<String> {
    let mut text = String::with_capacity(COMMON_BYTES);
    input.take(MAX_BYTES + 1).read_to_string(&mut text)?;
    Ok(text)
}

/// `subject` could not be read.
pub(crate) fn unread(subject: &str, error: &io::Error) -> Error {
    match error.raw_os_error() {
        Some(errno) => Error::from_errno("read", subject, errno),
        None => Error::bad_request("read", subject, error.to_string()),
    }
}

/// A config of libcontainer, or its networks alone.
fn parse(subject: &str, text: &str) -> Result<Config> {
    let refuse = |cause: String| Err(Error::bad_request("use", subject, cause));
    let config = match text.trim_start().starts_with('[') {
        // That it is one array, and nothing that closes the object early, is checked first.
        true => match serde_json::from_str::<Vec<IgnoredAny>>(text) {
            Ok(_) => Config::from_json(&format!("{{\"networks\":{text}}}")),
            Err(error) => return refuse(error.to_string()),
        },
        false => Config::from_json(text),
    };
    let mut config = match config {
        Ok(config) => config,
        Err(error) => return refuse(error.to_string()),
    };
    if !config.hooks.is_empty() {
        return refuse("it has hooks, which are the runtime's to run: they belong in config.json".to_owned());
    }
    if config.networks.is_empty() && config.routes.is_empty() {
        return refuse("it has neither networks nor routes".to_owned());
    }
    // The container is the state's process, wherever its namespace comes from.
    config.namespaces = Namespaces::default();
    config.namespaces.add(NamespaceType::NewNet, "");
    Ok(config)
}
