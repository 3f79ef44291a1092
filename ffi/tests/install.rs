//! What `make install` promises, of the library as it is released.

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{has, root, succeed};
use testhost::host;

/// A directory of its own for a test, empty.
fn empty(name: &str) -> PathBuf {
    let path = common::directory().join(name);
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).expect("a directory");
    path
}

/// `make TARGET` with these variables, and with none that the caller has set.
fn make(target: &str, variables: &[(&str, &str)]) {
    let mut make = Command::new("make");
    make.current_dir(root()).args(["--silent", "--no-print-directory", target]);
    for variable in [
        "BINDIR",
        "DESTDIR",
        "INCLUDEDIR",
        "LIBDIR",
        "MAKEFLAGS",
        "MANDIR",
        "NETNS_PROFILE",
        "PREFIX",
        "SYSTEMDUNITDIR",
    ] {
        make.env_remove(variable);
    }
    make.args(variables.iter().map(|(name, value)| format!("{name}={value}")));
    succeed(&mut make);
}

/// The library below a directory of its own, with `/usr` for its prefix.
fn installed(name: &str) -> PathBuf {
    let destination = empty(name);
    make("install", &[("DESTDIR", destination.to_str().expect("UTF-8")), ("PREFIX", "/usr")]);
    destination
}

/// Files and links below a directory, by their paths from there.
fn files(directory: &Path) -> BTreeSet<String> {
    fn walk(base: &Path, directory: &Path, into: &mut BTreeSet<String>) {
        for entry in fs::read_dir(directory).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.symlink_metadata().expect("a file").is_dir() {
                walk(base, &path, into);
            } else {
                into.insert(path.strip_prefix(base).expect("below").to_str().expect("UTF-8").to_owned());
            }
        }
    }
    let mut found = BTreeSet::new();
    walk(directory, directory, &mut found);
    found
}

/// The functions that the header declares.
fn functions() -> BTreeSet<String> {
    let header = common::read("include/netns.h");
    let declared =
        header.lines().filter(|line| !line.starts_with([' ', '#', '/']) && !line.starts_with("typedef"));
    let names = declared.filter_map(|line| line.split_once('(')?.0.rsplit([' ', '*']).next());
    names.filter(|name| name.starts_with("netns_")).map(str::to_owned).collect()
}

#[test]
fn an_installation_is_exactly_this_and_goes_without_a_trace() {
    let destination = installed("whole");
    let version = env!("CARGO_PKG_VERSION");
    let (manual, rest): (BTreeSet<_>, BTreeSet<_>) =
        files(&destination).into_iter().partition(|path| path.starts_with("usr/share/man/man3/"));
    let (tools, rest): (BTreeSet<_>, BTreeSet<_>) =
        rest.into_iter().partition(|path| path.starts_with("usr/share/man/man8/netnsctl"));
    let unit = fs::read_to_string(destination.join("usr/lib/systemd/system/netns-docker.service"));
    assert!(unit.expect("the unit").contains("\nExecStart=/usr/bin/netnsctl serve docker\n"));
    for page in ["netnsctl", "netnsctl-network", "netnsctl-sandbox-exec", "netnsctl-stats"] {
        assert!(tools.contains(&format!("usr/share/man/man8/{page}.8")), "no {page} in {tools:?}");
    }
    let expected = [
        "usr/bin/netns-hook".to_owned(),
        "usr/bin/netnsctl".to_owned(),
        "usr/include/netns.h".to_owned(),
        "usr/lib/libnetns.a".to_owned(),
        "usr/lib/libnetns.so".to_owned(),
        "usr/lib/libnetns.so.0".to_owned(),
        format!("usr/lib/libnetns.so.{version}"),
        "usr/lib/pkgconfig/libnetns.pc".to_owned(),
        "usr/lib/systemd/system/netns-docker.service".to_owned(),
        "usr/lib/systemd/system/netns-docker.socket".to_owned(),
        "usr/share/man/man8/netns-hook.8".to_owned(),
    ];
    assert_eq!(rest, expected.into_iter().collect());

    let functions = functions();
    assert!(functions.len() > 100, "{} functions", functions.len());
    let page = |name: &str| destination.join(format!("usr/share/man/man3/{name}.3"));
    for name in functions.iter().map(String::as_str).chain(["libnetns"]) {
        let text = fs::read_to_string(page(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let text = match text.strip_prefix(".so man3/") {
            Some(other) => {
                fs::read_to_string(page(other.trim_end().trim_end_matches(".3"))).expect("its page")
            }
            None => text,
        };
        assert!(text.contains(name), "{name} is not on its page");
    }
    for path in &manual {
        let name = path.trim_start_matches("usr/share/man/man3/").trim_end_matches(".3");
        let text = fs::read_to_string(destination.join(path)).expect("a page");
        assert!(functions.contains(name) || text.starts_with(".TH"), "{name} is no function and no page");
    }

    make("uninstall", &[("DESTDIR", destination.to_str().expect("UTF-8")), ("PREFIX", "/usr")]);
    assert_eq!(files(&destination), BTreeSet::new());
}

#[test]
fn man_has_nothing_to_complain_of() {
    if !has("mandoc") {
        return testhost::skip("man_has_nothing_to_complain_of", "mandoc is not installed");
    }
    let manual = installed("manual").join("usr/share/man");
    let mut mandoc = Command::new("mandoc");
    mandoc.current_dir(&manual).args(["-T", "lint", "-W", "warning"]);
    for page in files(&manual) {
        if !fs::read_to_string(manual.join(&page)).expect("a page").starts_with(".so") {
            mandoc.arg(page);
        }
    }
    succeed(&mut mandoc);
}

#[test]
fn every_directory_can_be_another_and_pkg_config_says_where() {
    const TEST: &str = "every_directory_can_be_another_and_pkg_config_says_where";
    let prefix = empty("elsewhere");
    let below = |name: &str| prefix.join(name).to_str().expect("UTF-8").to_owned();
    let (programs, libraries, headers, manual, units) =
        (below("sbin"), below("lib64"), below("headers"), below("man"), below("units"));
    let directories = [
        ("BINDIR", &*programs),
        ("LIBDIR", &libraries),
        ("INCLUDEDIR", &headers),
        ("MANDIR", &manual),
        ("SYSTEMDUNITDIR", &units),
    ];
    make("install", &[&[("PREFIX", prefix.to_str().expect("UTF-8"))], &directories[..]].concat());
    let files = ["lib64/libnetns.so", "headers/netns.h", "man/man3/libnetns.3", "man/man8/netns-hook.8"];
    for file in files.into_iter().chain([
        "sbin/netns-hook",
        "sbin/netnsctl",
        "man/man8/netnsctl.8",
        "units/netns-docker.socket",
    ]) {
        assert!(prefix.join(file).exists(), "no {file}");
    }
    if !has("pkg-config") {
        return testhost::skip(TEST, "pkg-config is not installed");
    }
    let ask = |what: &str| {
        let mut ask = Command::new("pkg-config");
        ask.env("PKG_CONFIG_PATH", prefix.join("lib64/pkgconfig")).args([what, "libnetns"]);
        succeed(&mut ask).trim().to_owned()
    };
    assert_eq!(ask("--modversion"), env!("CARGO_PKG_VERSION"));
    assert_eq!(ask("--cflags"), format!("-I{headers}"));
    assert_eq!(ask("--libs"), format!("-L{libraries} -lnetns"));
}

#[test]
fn the_libraries_show_the_headers_functions_alone_need_libc_alone_and_are_small() {
    let libraries = installed("symbols").join("usr/lib");
    let [shared, archive] = ["libnetns.so", "libnetns.a"].map(|name| libraries.join(name));
    succeed(Command::new(root().join("scripts/check-symbols")).args([&shared, &archive]));
    let dynamic = succeed(Command::new("readelf").arg("-dW").arg(&shared));
    for part in ["soname: [libnetns.so.0]", "NODELETE", "BIND_NOW"] {
        assert!(dynamic.contains(part), "no {part} in\n{dynamic}");
    }
    // With the loader of the counters and Docker's plugins, each half a megabyte of it, and the JSON of configs.
    let bytes = fs::metadata(&shared).expect("the library").len();
    assert!(bytes < 10 << 19, "libnetns.so has {bytes} bytes");
}

#[test]
fn the_archive_is_all_that_a_program_with_its_own_sqlite_and_rust_links() {
    let prefix = installed("archive").join("usr");
    let at = empty("crowded");
    let other = at.join("other.rs");
    let source = "#[no_mangle]\npub extern \"C\" fn other_library_catches_a_panic() -> i32 {\n    \
                  i32::from(std::panic::catch_unwind(|| panic!(\"caught\")).is_err())\n}\n";
    common::write(&other, source);
    let mut rustc = Command::new("rustc");
    rustc.args(["--edition=2021", "--crate-type=staticlib", "-o"]).arg(at.join("libother.a")).arg(other);
    succeed(&mut rustc);
    let mut cc = Command::new("cc");
    cc.args(["-Wall", "-Wextra", "-Werror", "-o"]).arg(at.join("crowded")).arg(common::c("crowded.c"));
    cc.arg("-I").arg(prefix.join("include")).arg(prefix.join("lib/libnetns.a")).arg(at.join("libother.a"));
    succeed(&mut cc);
    let output = host(|_| succeed(Command::new(at.join("crowded")).arg(empty("crowded-state"))));
    assert_eq!(output, format!("{}\n", env!("CARGO_PKG_VERSION")));
}
