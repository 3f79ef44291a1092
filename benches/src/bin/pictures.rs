//! Draws the figures of the benches, and fills the tables of the pages that show them. What has no figures is left out,
//! with a line that says so; the exit status is 1 when nothing was drawn.
//!
//! usage: pictures [FIGURES ROOT]: from the JSON files in FIGURES, `target/bench`, to `docs/pictures` and the pages below
//! ROOT, the checkout

use std::env;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use netns_benches::figures::target;
use netns_benches::pictures::make;

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("pictures: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<ExitCode, Box<dyn Error>> {
    let arguments: Vec<PathBuf> = env::args_os().skip(1).map(PathBuf::from).collect();
    let (figures, root) = match &arguments[..] {
        [] => (target().join("bench"), Path::new(env!("CARGO_MANIFEST_DIR")).join("..")),
        [figures, root] => (figures.clone(), root.clone()),
        _ => return Err("usage: pictures [FIGURES ROOT]".into()),
    };
    let report = make(&figures, &root)?;
    report.left_out.iter().for_each(|line| println!("{line}"));
    report.drawn.iter().for_each(|path| println!("drawn: {path}"));
    Ok(if report.drawn.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
