//! Pictures and tables of the figures, for the README and `docs/benchmarks.md`.
//!
//! The same figures give the same bytes.

mod attach;
mod bars;
mod canvas;
mod lines;
mod missed;
mod page;
mod pairs;
mod scale;
mod shape;
mod table;

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use serde::de::DeserializeOwned;

type Failure = Box<dyn Error>;

/// The pages that have figures, and where they find the pictures.
const PAGES: [(&str, &str); 2] = [("README.md", "docs/pictures"), ("docs/benchmarks.md", "pictures")];
const DIRECTORY: &str = "docs/pictures";

/// What a file of figures gives.
struct Made {
    /// The SVG document, or why there is none.
    picture: Result<String, String>,
    blocks: Vec<Block>,
}

/// What stands on pages between the markers of that name.
struct Block {
    name: &'static str,
    text: String,
}

impl Made {
    fn picture(svg: String, name: &'static str, text: String) -> Self {
        Self { picture: Ok(svg), blocks: vec![Block { name, text }] }
    }

    fn nothing(why: String) -> Self {
        Self { picture: Err(why), blocks: Vec::new() }
    }
}

/// What was drawn, and what was not and why: a line each.
#[derive(Debug, Default)]
pub struct Report {
    /// The files that were written.
    pub drawn: Vec<String>,
    /// The pictures that were left out.
    pub left_out: Vec<String>,
}

/// Draws the figures in `figures`, `target/bench`, to `root/docs/pictures`, and fills the tables of the pages that are
/// below `root`. A picture whose figures are not there is left out, and pages keep what they have of it.
///
/// # Errors
/// With the file's name, when figures or a page are malformed, before anything is written; when writing fails.
pub fn make(figures: &Path, root: &Path) -> Result<Report, Failure> {
    let made = [
        ("attach", "peers.json", of(figures, "peers.json", attach::make)?),
        ("growth", "scale.json", of(figures, "scale.json", scale::growth)?),
        ("counters", "scale.json", of(figures, "scale.json", scale::counters)?),
        ("steps", "link.json", of(figures, "link.json", pairs::steps)?),
        ("controller", "controller.json", of(figures, "controller.json", pairs::controller)?),
    ];
    let missed = missed::make(figures)?;
    let mut blocks: BTreeMap<_, _> = missed.into_iter().map(|block| (block.name, block.text)).collect();
    let mut pictures = Vec::new();
    let mut report = Report::default();
    for (name, file, made) in made {
        blocks.extend(made.blocks.into_iter().map(|block| (block.name, block.text)));
        match made.picture {
            Ok(svg) => pictures.push((format!("{name}.svg"), svg)),
            Err(why) => report.left_out.push(format!("{name}.svg is left out: {file}: {why}")),
        }
    }
    let pages = pages(root, &blocks)?;
    fs::create_dir_all(root.join(DIRECTORY)).map_err(|error| format!("{DIRECTORY}: {error}"))?;
    for (name, svg) in pictures {
        let path = root.join(DIRECTORY).join(name);
        write(&path, &svg)?;
        report.drawn.push(path.display().to_string());
    }
    for (page, text) in pages {
        write(&root.join(page), &text)?;
    }
    Ok(report)
}

fn of<T: DeserializeOwned>(
    figures: &Path,
    file: &str,
    make: fn(&T) -> Result<Made, Failure>,
) -> Result<Made, Failure> {
    match shape::read(&figures.join(file))? {
        Some(figures) => make(&figures),
        None => Ok(Made::nothing(format!("there is none in {}", figures.display()))),
    }
}

/// The pages that are there, filled.
fn pages(root: &Path, blocks: &BTreeMap<&str, String>) -> Result<Vec<(&'static str, String)>, Failure> {
    let mut pages = Vec::new();
    for (page, pictures) in PAGES {
        let text = match fs::read_to_string(root.join(page)) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(format!("{page}: {error}").into()),
        };
        let here = blocks.iter().map(|(name, block)| (*name, block.replace(table::PICTURES, pictures)));
        let filled = page::fill(&text, &here.collect()).map_err(|why| format!("{page}: {why}"))?;
        pages.push((page, filled));
    }
    Ok(pages)
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()).into())
}
