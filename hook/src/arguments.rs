//! The command line.

use std::path::PathBuf;

use lexopt::Arg::{Long, Short, Value};
use lexopt::{Error, Parser, ValueExt};

/// What `--help` prints.
pub(crate) const HELP: &str = "\
Joins an OCI container to its networks, and parts it from them.

usage: netns-hook [createRuntime | poststop] [--config FILE] [--create-bridge]

A hook of an OCI runtime: it reads the container's state on standard input.

  createRuntime    bring up the networks of the container's process
  poststop         take away what is left of them
                   without either, the status decides: creating and created, or stopped

  --config FILE    the networks; else the annotation dev.libnetns.networks,
                   else libnetns.json in the bundle
  --create-bridge  make bridges that are missing, and give them the gateways' addresses
  --help           print this
  --version        print the version

docs/oci.md and netns-hook(8) say more.
";

/// What the caller wants.
#[derive(Debug, PartialEq)]
pub(crate) enum Asked {
    Act(Arguments),
    Help,
    Version,
}

/// How to act.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Arguments {
    /// `None` leaves it to the container's status.
    pub(crate) point: Option<Point>,
    pub(crate) config: Option<PathBuf>,
    pub(crate) create_bridge: bool,
}

/// A turning point of a container's life.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Point {
    CreateRuntime,
    Poststop,
}

pub(crate) fn parse(mut parser: Parser) -> Result<Asked, Error> {
    let mut arguments = Arguments::default();
    while let Some(argument) = parser.next()? {
        match argument {
            Short('h') | Long("help") => return Ok(Asked::Help),
            Short('V') | Long("version") => return Ok(Asked::Version),
            Long("config") => arguments.config = Some(parser.value()?.into()),
            Long("create-bridge") => arguments.create_bridge = true,
            Value(word) if arguments.point.is_none() => arguments.point = Some(word.parse_with(point)?),
            unknown => return Err(unknown.unexpected()),
        }
    }
    Ok(Asked::Act(arguments))
}

/// `prestart` is what `createRuntime` was called before.
fn point(word: &str) -> Result<Point, &'static str> {
    match word {
        "createRuntime" | "prestart" => Ok(Point::CreateRuntime),
        "poststop" => Ok(Point::Poststop),
        _ => Err("it is neither createRuntime nor poststop"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(words: &[&str]) -> Result<Asked, String> {
        parse(Parser::from_args(words)).map_err(|error| error.to_string())
    }

    #[test]
    fn words_come_in_any_order() {
        for words in [
            &["poststop", "--create-bridge", "--config", "/etc/web.json"][..],
            &["--config=/etc/web.json", "--create-bridge", "poststop"],
        ] {
            let config = Some("/etc/web.json".into());
            let expected = Arguments { point: Some(Point::Poststop), config, create_bridge: true };
            assert_eq!(asked(words), Ok(Asked::Act(expected)));
        }
    }

    #[test]
    fn without_words_the_status_decides() {
        assert_eq!(asked(&[]), Ok(Asked::Act(Arguments::default())));
    }

    #[test]
    fn what_is_not_known_is_named() {
        for (words, named) in [
            (&["startContainer"][..], "startContainer"),
            (&["poststop", "poststop"], "poststop"),
            (&["--configs", "x"], "--configs"),
            (&["--config"], "--config"),
            (&["--create-bridge=yes"], "--create-bridge"),
        ] {
            let error = asked(words).unwrap_err();
            assert!(error.contains(named), "{error}");
        }
    }
}
