//! What was found, and how it is shown.

use std::fmt::Write;

use netns::{Error, ErrorKind};
use serde::Serialize;

use crate::escape::line;

/// One thing that was tried.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Capability {
    pub(super) name: &'static str,
    pub(super) what_for: &'static str,
    /// Nothing works without it.
    pub(super) required: bool,
    /// None when it could not be tried, since what it takes is missing.
    pub(super) ok: Option<bool>,
    /// Why it is missing.
    pub(super) reason: String,
    /// How to get it.
    pub(super) remedy: String,
}

/// All of it.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    version: &'static str,
    kernel: String,
    /// The effective user number.
    user: u32,
    capabilities: Vec<Capability>,
    /// Whether everything that is required is there.
    pub(super) usable: bool,
    missing: Vec<&'static str>,
}

impl Report {
    pub(super) fn new(capabilities: Vec<Capability>) -> Result<Self, Error> {
        const RELEASE: &str = "/proc/sys/kernel/osrelease";
        let kernel = std::fs::read_to_string(RELEASE)
            .map_err(|error| Error::new(ErrorKind::System, "read", RELEASE).with_cause(error.to_string()))?;
        Ok(Self {
            version: env!("CARGO_PKG_VERSION"),
            kernel: kernel.trim_end().to_owned(),
            user: rustix::process::geteuid().as_raw(),
            usable: capabilities.iter().all(|each| each.ok == Some(true) || !each.required),
            missing: capabilities.iter().filter(|each| each.ok != Some(true)).map(|each| each.name).collect(),
            capabilities,
        })
    }

    pub(super) fn text(&self, coloured: bool) -> String {
        let mut text =
            format!("libnetns {}, Linux {}, user {}\n\n", self.version, line(&self.kernel), self.user);
        for each in &self.capabilities {
            each.write(&mut text, coloured);
        }
        text += match self.usable {
            true => "\neverything that is required is there\n",
            false => "\nsomething that is required is missing\n",
        };
        text
    }
}

impl Capability {
    fn write(&self, text: &mut String, coloured: bool) {
        let (mark, colour) = match self.ok {
            Some(true) => ("yes", "\x1b[32m"),
            Some(false) => ("no", "\x1b[1;31m"),
            None => ("?", "\x1b[33m"),
        };
        let (on, off) = if coloured { (colour, "\x1b[0m") } else { ("", "") };
        let required = if self.required { ", required" } else { "" };
        let _ = writeln!(text, "{on}{mark:3}{off} {:20} {}{required}", self.name, self.what_for);
        if !self.reason.is_empty() {
            let _ = writeln!(text, "    {}", line(&self.reason));
        }
        if !self.remedy.is_empty() {
            let _ = writeln!(text, "    to get it: {}", line(&self.remedy));
        }
    }
}
