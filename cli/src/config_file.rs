//! Definitions that are read from files.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use netns::{Error, Result};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// The longest definition in bytes: the library reads no longer one.
const LONGEST: u64 = 1 << 20;

/// The definition in `file`, or on standard input where that is `-`, with `fields` in the place of its own.
pub(crate) fn read<T: DeserializeOwned>(file: &Path, fields: &[(&str, &str)]) -> Result<T> {
    let subject = format!("definition {}", file.display());
    let text = text(file).map_err(|error| match error.raw_os_error() {
        Some(errno) => Error::from_errno("read", &subject, errno),
        None => Error::bad_request("read", &subject, error.to_string()),
    })?;
    parse(&text, fields).map_err(|cause| Error::bad_request("use", &subject, cause))
}

fn text(file: &Path) -> io::Result<String> {
    let input: Box<dyn Read> = match file == Path::new("-") {
        true => Box::new(io::stdin().lock()),
        false => Box::new(File::open(file)?),
    };
    let mut text = String::new();
    input.take(LONGEST + 1).read_to_string(&mut text)?;
    Ok(text)
}

fn parse<T: DeserializeOwned>(text: &str, fields: &[(&str, &str)]) -> Result<T, String> {
    if text.len() as u64 > LONGEST {
        return Err("it is longer than 1 MiB".to_owned());
    }
    let mut object: Map<String, Value> = serde_json::from_str(text).map_err(|error| error.to_string())?;
    object.extend(fields.iter().map(|(key, value)| ((*key).to_owned(), (*value).into())));
    serde_json::from_value(object.into()).map_err(|error| error.to_string())
}
