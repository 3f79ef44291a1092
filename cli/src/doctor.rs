//! `netnsctl doctor`: what this kernel and this user are capable of, tried in a lab of its own.

mod lab;
mod report;

use crate::arguments::Global;
use crate::failure::{Failure, Outcome};
use crate::output::Output;

/// Something that is required is missing.
const UNUSABLE: u8 = 1;

pub(crate) fn run(global: &Global, out: &Output) -> Outcome {
    let report = lab::probe(&global.options())?;
    out.put(&report, || report.text(out.coloured))?;
    match report.usable {
        true => Ok(()),
        false => Err(Failure::Said(UNUSABLE)),
    }
}
