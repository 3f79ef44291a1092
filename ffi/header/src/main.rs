//! Writes `include/netns.h` from the sources of the C ABI, or with `--check` compares it with them.

mod groups;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What the header begins with: the rules that all of it keeps.
const RULES: &str = include_str!("../../header.h.in");

fn main() -> ExitCode {
    let check = std::env::args().any(|argument| argument == "--check");
    match run(check) {
        Ok(said) => {
            println!("{said}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("header: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(check: bool) -> Result<String, String> {
    let ffi = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let at = ffi.join("../include/netns.h");
    let header = generate(&ffi)?;
    if !check {
        std::fs::write(&at, header).map_err(|error| format!("{}: {error}", at.display()))?;
        return Ok("include/netns.h is written".to_owned());
    }
    match std::fs::read_to_string(&at) {
        Ok(there) if there == header => Ok("include/netns.h is what the sources say".to_owned()),
        _ => Err("include/netns.h is not what the sources say: run `make header` and commit it".to_owned()),
    }
}

fn generate(ffi: &Path) -> Result<String, String> {
    let mut config = cbindgen::Config::from_file(ffi.join("cbindgen.toml"))?;
    config.header = Some(RULES.trim_end().to_owned());
    let bindings = cbindgen::Builder::new()
        .with_src(ffi.join("src/lib.rs"))
        .with_config(config)
        .generate()
        .map_err(|error| error.to_string())?;
    let mut header = Vec::new();
    bindings.write(&mut header);
    let header = String::from_utf8(header).map_err(|error| error.to_string())?;
    Ok(groups::grouped(&header))
}
