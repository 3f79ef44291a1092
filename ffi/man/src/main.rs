//! Writes the man pages of the C library from `include/netns.h`: one for each object, a link to it for each
//! function, and `libnetns.3` with the rules.
//!
//! It depends on nothing, so that to install the library takes no more than to build it.

mod header;
mod page;
mod roff;

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use header::Header;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [header, directory, date] = arguments.as_slice() else {
        eprintln!("usage: libnetns-man NETNS.H DIRECTORY YYYY-MM-DD");
        return ExitCode::from(2);
    };
    match write(Path::new(header), Path::new(directory), date) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("man: {error}");
            ExitCode::FAILURE
        }
    }
}

fn write(header: &Path, directory: &Path, date: &str) -> Result<(), String> {
    let text = fs::read_to_string(header).map_err(|error| format!("{}: {error}", header.display()))?;
    let header = Header::parse(&text)?;
    let put = |name: &str, page: &str| {
        let path = directory.join(format!("{name}.3"));
        fs::write(&path, page).map_err(|error| format!("{}: {error}", path.display()))
    };
    fs::create_dir_all(directory).map_err(|error| format!("{}: {error}", directory.display()))?;
    put("libnetns", &page::overview(&header, date))?;
    for group in &header.groups {
        put(&group.name, &page::of_group(&header, group, date))?;
        // The page of an object can have the name of one of its functions.
        for function in group.functions().filter(|function| function.name != group.name) {
            put(&function.name, &format!(".so man3/{}.3\n", group.name))?;
        }
    }
    Ok(())
}
