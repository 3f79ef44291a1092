//! `netnsctl collect`.

use clap::Args;
use netns::{Collected, Controller};

use crate::arguments::Global;
use crate::escape::line;
use crate::failure::{Failure, Outcome};
use crate::output::Output;

/// What could not be put right makes the command fail.
const FAILED: u8 = 1;

#[derive(Debug, Args)]
pub(crate) struct Asked {
    /// Say what would be put right, and change nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
}

pub(crate) fn run(asked: &Asked, global: &Global, out: &Output) -> Outcome {
    let controller = Controller::open_uncollected(global.options())?;
    let collected = match asked.dry_run {
        true => controller.plan_collect()?,
        false => controller.collect()?,
    };
    out.put(&collected, || text(&collected))?;
    match collected.findings.iter().any(|finding| finding.error.is_some()) {
        true => Err(Failure::Said(FAILED)),
        false => Ok(()),
    }
}

fn text(collected: &Collected) -> String {
    collected.findings.iter().map(|finding| line(&finding.to_string()) + "\n").collect()
}
